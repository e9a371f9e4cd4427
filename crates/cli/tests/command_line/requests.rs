//! Requests to start from.

use serde_json::{Value, json};

/// The `k`-th of unit vectors in three dimensions, no two of them alike.
pub fn unit(k: usize) -> Value {
    let (turn, rise) = (2.4 * k as f64, 0.9 * (1.7 * k as f64).sin());
    json!([turn.cos() * rise.cos(), turn.sin() * rise.cos(), rise.sin()])
}

/// Unit vectors from the `first` on, in nested arrays of this shape.
pub fn units(first: usize, shape: &[usize]) -> Value {
    match shape {
        [] => unit(first),
        [length, inner @ ..] => {
            let step: usize = inner.iter().product();
            (0..*length).map(|index| units(first + index * step, inner)).collect()
        }
    }
}

/// Two anchors with three positives and four negatives, and every optional array.
pub fn tuples() -> Value {
    json!({
        "layout": "tuples",
        "anchor": units(0, &[2]),
        "positives": units(10, &[2, 3]),
        "negatives": units(20, &[2, 4]),
        "debias_positives": units(30, &[2, 2]),
        "mixed": units(40, &[2, 2]),
        "mixed_negatives": units(50, &[2, 2, 4]),
        "adversarial": units(70, &[2]),
        "adversarial_negatives": units(80, &[2, 5]),
    })
}

/// Four views of three images, and every optional array.
pub fn batch() -> Value {
    json!({
        "layout": "batch",
        "views": units(0, &[4, 3]),
        "symmetric": true,
        "mixed": units(20, &[2, 3]),
        "adversarial": units(30, &[3]),
    })
}

/// A request for a loss of embeddings.
pub fn request(loss: &str, parameters: Value, data: Value) -> Value {
    json!({"loss": loss, "temperature": 0.5, "parameters": parameters, "data": data})
}

/// `simclr` in the tuple layout.
pub fn simclr() -> Value {
    request("simclr", json!({}), tuples())
}

/// `int_nacl` with the parameters of everything that it is made of.
pub fn int_nacl() -> Value {
    let robust =
        json!({"negatives": {"estimator": "g2", "tau_plus": 0.1, "beta": 1.0}, "weight": "adversarial"});
    let parameters = json!({
        "negatives": {"estimator": "g1", "tau_plus": 0.1},
        "alpha": 1.0,
        "robust": robust,
        "neighborhood": "mix_nca",
        "lambda": 0.5,
    });
    request("int_nacl", parameters, tuples())
}

/// Supervised NCA of two classes.
pub fn supervised() -> Value {
    json!({
        "loss": "supervised_nca",
        "parameters": {"objective": "kl"},
        "data": {
            "transform": [[1.0, 0.5], [0.0, 1.0]],
            "points": [[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [1.0, 1.0]],
            "labels": [3, -3, 3, -3],
        },
    })
}

/// The request with another value at a JSON pointer, `/data/anchor/0`; a new one if its parent has none.
pub fn with(mut request: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match request.pointer_mut(parent).expect("a parent") {
        Value::Object(object) => {
            object.insert(key.into(), value);
        }
        parent => parent[key.parse::<usize>().expect("an index")] = value,
    }
    request
}

/// The request without the field at a JSON pointer.
pub fn without(mut request: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let object = request.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    object.remove(key).expect("the field");
    request
}
