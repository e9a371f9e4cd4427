use nalgebra::{DMatrix, dmatrix};
use proptest::prelude::*;

use super::*;
use crate::{
    Batch, Evaluation, Labelled, Loss, LossName, Negatives, Neighborhood, Objective, ReadParameters,
    RobustTerm, Settings, Tuples, Weight,
};
use std::convert::Infallible;

/// Finite numbers of every size, and the negative zero, which compares equal to the other.
fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn matrix(rows: usize, columns: usize) -> impl Strategy<Value = DMatrix<f64>> {
    prop::collection::vec(number(), rows * columns)
        .prop_map(move |entries| DMatrix::from_vec(rows, columns, entries))
}

fn matrices(count: usize, rows: usize, columns: usize) -> impl Strategy<Value = Vec<DMatrix<f64>>> {
    prop::collection::vec(matrix(rows, columns), count)
}

fn negatives() -> impl Strategy<Value = Negatives> {
    prop_oneof![
        Just(Negatives::G0),
        number().prop_map(|tau_plus| Negatives::G1 { tau_plus }),
        (number(), number()).prop_map(|(tau_plus, beta)| Negatives::G2 { tau_plus, beta }),
    ]
}

fn weight() -> impl Strategy<Value = Weight> {
    prop::sample::select(vec![Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient])
}

fn neighborhood() -> impl Strategy<Value = Neighborhood> {
    prop_oneof![
        Just(Neighborhood::Nca),
        number().prop_map(|lambda| Neighborhood::MixNca { lambda }),
        (number(), any::<bool>()).prop_map(|(lambda, joined)| Neighborhood::Combined { lambda, joined }),
    ]
}

/// A loss of the table, whichever it declares.
fn loss() -> impl Strategy<Value = Loss> {
    let robust = (negatives(), weight()).prop_map(|(negatives, weight)| RobustTerm { negatives, weight });
    // The estimator in a weight is often the one outside it, which is its default.
    let estimators = (negatives(), negatives(), any::<bool>())
        .prop_map(|(first, second, same)| (first, if same { first } else { second }));
    let numbers = (number(), number(), number(), number());
    let drawn = (numbers, estimators, weight(), robust, neighborhood());
    (prop::sample::select(LossName::ALL), drawn).prop_map(
        |(name, ((tau_plus, beta, alpha, lambda), estimators, weight, robust, neighborhood))| {
            let (negatives, weight_negatives) = estimators;
            let mut drawn = Drawn {
                tau_plus,
                beta,
                alpha,
                lambda,
                negatives,
                weight,
                weight_negatives,
                robust,
                neighborhood,
            };
            let Ok(loss) = name.read(&mut drawn);
            loss
        },
    )
}

/// A value of each parameter.
struct Drawn {
    tau_plus: f64,
    beta: f64,
    alpha: f64,
    lambda: f64,
    negatives: Negatives,
    weight: Weight,
    weight_negatives: Negatives,
    robust: RobustTerm,
    neighborhood: Neighborhood,
}

impl ReadParameters for Drawn {
    type Error = Infallible;
    fn tau_plus(&mut self) -> Result<f64, Infallible> {
        Ok(self.tau_plus)
    }
    fn beta(&mut self) -> Result<f64, Infallible> {
        Ok(self.beta)
    }
    fn alpha(&mut self) -> Result<f64, Infallible> {
        Ok(self.alpha)
    }
    fn lambda(&mut self) -> Result<f64, Infallible> {
        Ok(self.lambda)
    }
    fn negatives(&mut self) -> Result<Negatives, Infallible> {
        Ok(self.negatives)
    }
    fn weight(&mut self) -> Result<Weight, Infallible> {
        Ok(self.weight)
    }
    fn weight_negatives(&mut self) -> Result<Negatives, Infallible> {
        Ok(self.weight_negatives)
    }
    fn robust(&mut self) -> Result<RobustTerm, Infallible> {
        Ok(self.robust)
    }
    fn neighborhood(&mut self) -> Result<Neighborhood, Infallible> {
        Ok(self.neighborhood)
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let tolerance = prop_oneof![number(), Just(Settings::NORM_TOLERANCE)];
    (number(), any::<bool>(), tolerance).prop_map(|(temperature, normalize, norm_tolerance)| Settings {
        temperature,
        normalize,
        norm_tolerance,
    })
}

/// Tuples with or without each optional array; with one positive there are no mixed rows.
fn tuples() -> impl Strategy<Value = Tuples> {
    (1..4_usize, 1..4_usize, 1..4_usize, 1..4_usize).prop_flat_map(|(b, m, n, d)| {
        let rarely = prop::option::of::<BoxedStrategy<Vec<DMatrix<f64>>>>;
        (
            matrix(b, d),
            matrices(b, m, d),
            matrices(b, n, d),
            rarely(matrices(b, 2, d).boxed()),
            rarely(matrices(b, m - 1, d).boxed()),
            prop::option::of(prop::collection::vec(matrices(m - 1, n, d), b)),
            prop::option::of(matrix(b, d)),
            rarely(matrices(b, n + 1, d).boxed()),
        )
            .prop_map(
                |(anchor, positives, negatives, debias, mixed, mixed_negatives, adversarial, others)| {
                    Tuples {
                        anchor,
                        positives,
                        negatives,
                        debias_positives: debias,
                        mixed,
                        mixed_negatives,
                        adversarial,
                        adversarial_negatives: others,
                    }
                },
            )
    })
}

fn batch() -> impl Strategy<Value = Batch> {
    (1..4_usize, 1..4_usize, 1..4_usize).prop_flat_map(|(b, m, d)| {
        let optional = (prop::option::of(matrices(m - 1, b, d)), prop::option::of(matrix(b, d)));
        (matrices(m + 1, b, d), any::<bool>(), optional).prop_map(
            |(views, symmetric, (mixed, adversarial))| Batch { views, symmetric, mixed, adversarial },
        )
    })
}

fn labelled() -> impl Strategy<Value = Labelled> {
    (1..4_usize, 1..4_usize, 1..4_usize).prop_flat_map(|(n, f, d)| {
        (matrix(d, f), matrix(n, f), prop::collection::vec(any::<i64>(), n))
            .prop_map(|(transform, points, labels)| Labelled { transform, points, labels })
    })
}

fn request() -> impl Strategy<Value = Request> {
    let objective = prop::sample::select(vec![Objective::KullbackLeibler, Objective::TotalVariation]);
    prop_oneof![
        (loss(), settings(), tuples()).prop_map(|(loss, settings, data)| Request::Tuples {
            loss,
            settings,
            data
        }),
        (loss(), settings(), batch()).prop_map(|(loss, settings, data)| Request::Batch {
            loss,
            settings,
            data
        }),
        (objective, labelled()).prop_map(|(objective, data)| Request::Supervised { objective, data }),
    ]
}

/// An answer that fits the request: the data stand for their own gradient.
fn answer_to(request: &Request, value: f64) -> Answer {
    match request.clone() {
        Request::Tuples { data, .. } => {
            let per_anchor = vec![value; data.anchor.nrows()];
            Answer::Tuples(Evaluation { value, per_anchor, gradient: data })
        }
        Request::Batch { data, .. } => {
            let per_anchor = vec![value; data.views[0].nrows()];
            Answer::Batch(Evaluation { value, per_anchor, gradient: data })
        }
        Request::Supervised { data, .. } => {
            let per_anchor = vec![value; data.points.nrows()];
            Answer::Supervised(Evaluation { value, per_anchor, gradient: data })
        }
    }
}

proptest! {
    // The text is compared too: it tells the zeros apart, which `==` does not.
    #[test]
    fn a_request_reads_back_as_itself(request in request()) {
        let text = write_request(&request);
        let read = read_request(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read, &request);
        prop_assert_eq!(write_request(&read), text);
    }

    #[test]
    fn a_terse_request_reads_back_as_itself(request in request()) {
        let (full, terse) = (write_request(&request), write_request_tersely(&request));
        let read = read_request(&terse).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read, &request);
        prop_assert_eq!(write_request_tersely(&read), terse.clone());
        prop_assert_eq!(write_request(&read), full.clone());
        prop_assert!(terse.len() <= full.len());
    }

    #[test]
    fn an_answer_reads_back_as_itself(request in request(), value in number()) {
        let answer = answer_to(&request, value);
        let text = write_answer(&answer);
        let read = read_answer(&text, &request).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read, &answer);
        prop_assert_eq!(write_answer(&read), text);
    }

    #[test]
    fn a_text_that_is_cut_is_refused_in_one_line(request in request(), cut in any::<prop::sample::Index>()) {
        let text = write_request(&request);
        let error = read_request(&text[..cut.index(text.len())]).unwrap_err().to_string();
        prop_assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn any_text_is_read_or_refused_in_one_line(text in any::<String>()) {
        if let Err(error) = read_request(&text) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}

const TUPLES: &str = r#"{"loss": "debiased", "temperature": 0.5, "parameters": {"tau_plus": 0.1}, "data":
    {"layout": "tuples", "anchor": [[1, 0]], "positives": [[[0, 1]]], "negatives": [[[0, -1], [-1, 0]]]}}"#;
const POINTS: &str = r#"{"loss": "supervised_nca", "parameters": {"objective": "kl"},
    "data": {"transform": [[1, 2]], "points": [[1, 0], [0, 1]], "labels": [7, 7]}}"#;

/// The message that refuses `text` with `old` replaced by `new`.
fn refusal(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} is not in the text");
    read_request(&text.replacen(old, new, 1)).unwrap_err().to_string()
}

#[test]
fn a_refusal_names_path_value_and_expectation() {
    let cases = [
        ("0.5", "\"0.5\"", r#"temperature: invalid type: string "0.5", expected a number"#),
        ("0.1", "null", "parameters.tau_plus: invalid type: null, expected a number"),
        ("0.1", "true", "parameters.tau_plus: invalid type: boolean `true`, expected a number"),
        ("[-1, 0]", "[-1, []]", "data.negatives[0][1][1]: invalid type: sequence, expected a number"),
        ("[-1, 0]", "-1", "data.negatives[0][1]: invalid type: integer `-1`, expected an array of numbers"),
        (
            "[-1, 0]",
            "[-1]",
            "data.negatives[0][1]: ragged, a row of 1 numbers: expected 2, as in the rows before",
        ),
        (
            "[-1, 0]",
            "[]",
            "data.negatives[0][1]: ragged, a row of 0 numbers: expected 2, as in the rows before",
        ),
        ("[[1, 0]]", "[[]]", "data.anchor[0]: an empty row, expected at least one number"),
        ("[[1, 0]]", "[]", "data.anchor: an empty array, expected at least one entry"),
        ("[[[0, 1]]]", "[[]]", "data.positives[0]: an empty array, expected at least one entry"),
        ("[[[0, 1]]]", "[]", "data.positives: an empty array, expected at least one entry"),
        (
            "debiased",
            "biased",
            &format!(r#"loss = "biased": expected one of {}, supervised_nca"#, LossName::NAMES.join(", ")),
        ),
        ("\"tuples\"", "\"rows\"", r#"data.layout = "rows": expected tuples or batch"#),
        ("\"tau_plus\": 0.1", "", "parameters.tau_plus is missing: expected a number"),
        ("\"temperature\": 0.5, ", "", "temperature is missing: expected a number above 0"),
        (
            "tau_plus",
            "tau",
            "parameters.tau: unknown field, expected one of tau_plus, beta, alpha, negatives, lambda, weight, weight_negatives, robust, neighborhood, joined, objective",
        ),
        (
            "0.1}",
            "0.1, \"beta\": 1}",
            "parameters.beta: not a parameter of debiased as given, expected tau_plus",
        ),
        (
            "\"anchor\"",
            "\"symmetric\": true, \"anchor\"",
            "data.symmetric: not a field of the layout tuples, expected anchor, positives, negatives, debias_positives, mixed, mixed_negatives, adversarial, adversarial_negatives",
        ),
        (
            "{\"tau_plus\": 0.1}",
            "[0.1]",
            "parameters: invalid type: sequence, expected an object with the parameters of the loss",
        ),
        ("0.1}", "0.1, \"tau_plus\": 0.1}", "parameters.tau_plus: given twice, expected once"),
        (
            "[1, 0]",
            "[1, NaN]",
            "data.anchor[0][1]: expected value at line 2 column 41, near `NaN`: expected JSON",
        ),
        (
            "[1, 0]",
            "[1, -1e999]",
            "data.anchor[0][1]: number out of range at line 2 column 46, near `-1e999`: expected JSON",
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(refusal(TUPLES, old, new), expected, "{old} replaced by {new}");
    }
}

#[test]
fn all_anchors_have_as_many_positives() {
    let data =
        r#""anchor": [[1, 0], [0, 1]], "positives": [[[0, 1], [1, 0]], [[1, 0]]], "mixed": [[], [[1, 0]]]"#;
    let text = format!(r#"{{"loss": "simclr", "temperature": 1, "data": {{"layout": "tuples", {data}}}}}"#);
    assert_eq!(
        read_request(&text).unwrap_err().to_string(),
        "data.positives[1] has shape [1][2]: expected [2][2], as data.positives[0]"
    );
    let text = text
        .replace("[[[0, 1], [1, 0]], [[1, 0]]]", "[[[0, 1]], [[1, 0]]], \"negatives\": [[[0, 1]], [[1, 0]]]");
    assert_eq!(
        read_request(&text).unwrap_err().to_string(),
        "data.mixed[1] has shape [1][2]: expected [0][2], as data.mixed[0]"
    );
}

#[test]
fn supervised_nca_has_neither_layout_nor_normalisation() {
    assert!(read_request(POINTS).is_ok());
    assert_eq!(
        refusal(POINTS, "\"transform\"", "\"layout\": \"tuples\", \"transform\""),
        "data.layout: not a field of supervised_nca, expected transform, points, labels"
    );
    assert_eq!(
        refusal(POINTS, "\"data\"", "\"normalize\": true, \"data\""),
        "normalize: true, expected false: supervised_nca takes its points as given"
    );
    assert_eq!(
        refusal(POINTS, "\"data\"", "\"temperature\": -1, \"data\""),
        "temperature = -1: expected a finite number above 0"
    );
}

#[test]
fn labels_are_integers() {
    let expected = "expected an integer of 64 bits, with sign";
    assert_eq!(
        refusal(POINTS, "[7, 7]", "[7, 7.5]"),
        format!("data.labels[1]: invalid type: floating point `7.5`, {expected}")
    );
    assert_eq!(
        refusal(POINTS, "[7, 7]", "[9223372036854775808, 7]"),
        format!("data.labels[0]: invalid value: integer `9223372036854775808`, {expected}")
    );
}

#[test]
fn joined_is_true_unless_given() {
    let parameters = r#"{"negatives": {"estimator": "g0"}, "alpha": 0, "robust": {"negatives": {"estimator": "g0"},
        "weight": "one"}, "neighborhood": "combined", "lambda": 0.5}"#;
    let text = TUPLES.replace("debiased", "int_nacl").replace("{\"tau_plus\": 0.1}", parameters);
    let Request::Tuples { loss, .. } = read_request(&text).unwrap() else { panic!("another layout") };
    let Loss::IntNaCl { neighborhood, .. } = loss else { panic!("another loss") };
    assert_eq!(neighborhood, Neighborhood::Combined { lambda: 0.5, joined: true });
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let text = r#"{"data": {"negatives": [[[0, -1], [-1, 0]]], "positives": [[[0, 1]]], "anchor": [[1, 0]],
        "layout": "tuples"}, "parameters": {"tau_plus": 0.1}, "temperature": 0.5, "loss": "debiased"}"#;
    assert_eq!(read_request(text), read_request(TUPLES));
}

#[test]
fn an_error_of_the_evaluation_gets_the_path_of_the_request() {
    let of = |argument: &str| {
        let argument = argument.into();
        Error::from(crate::Error::OutOfRange { argument, value: 2.0, expected: "less" }).to_string()
    };
    assert_eq!(of("temperature"), "temperature = 2: expected less");
    assert_eq!(of("negatives[3][0]"), "data.negatives[3][0] = 2: expected less");
    assert_eq!(of("negatives.tau_plus"), "parameters.negatives.tau_plus = 2: expected less");
    assert_eq!(of("robust.negatives.beta"), "parameters.robust.negatives.beta = 2: expected less");
    let lonely = crate::Error::LonelyPoint { index: 4, label: 1 };
    assert!(Error::from(lonely).to_string().starts_with("data.labels[4] = 1"));
}

#[test]
fn an_answer_of_another_shape_is_refused() {
    let request = read_request(TUPLES).unwrap();
    let gradient =
        Tuples::new(dmatrix![1.0, 0.0], vec![dmatrix![0.0, 1.0]], vec![dmatrix![1.0, 0.0; 0.0, 1.0]]);
    let answer =
        |gradient| write_answer(&Answer::Tuples(Evaluation { value: 1.0, per_anchor: vec![1.0], gradient }));
    let refusal = |text: &str| read_answer(text, &request).unwrap_err().to_string();
    let text = answer(gradient.clone());
    assert!(read_answer(&text, &request).is_ok());
    assert_eq!(
        refusal(&answer(Tuples { negatives: vec![dmatrix![1.0, 0.0]], ..gradient.clone() })),
        "gradient.negatives[0] has shape [1][2]: expected [2][2]"
    );
    assert_eq!(
        refusal(&answer(Tuples { adversarial: Some(dmatrix![1.0]), ..gradient })),
        "gradient.adversarial: not an array of this request's data"
    );
    assert_eq!(
        refusal(&text.replace("\"per_anchor\":[1.0]", "\"per_anchor\":[1.0,1.0]")),
        "per_anchor has shape [2]: expected [1]"
    );
    assert_eq!(
        refusal(&text.replace("\"value\":1.0", "\"value\":null")),
        "value: invalid type: null, expected a number"
    );
    assert_eq!(refusal(r#"{"error": "no\nmemory"}"#), "the implementation refused the request: no memory");
}

#[test]
fn a_terse_request_leaves_out_every_default() {
    let views = vec![dmatrix![1.0; -1.0], dmatrix![1.0; 1.0]];
    let negatives = Negatives::G1 { tau_plus: 0.0 };
    let written = |weight_negatives, normalize, symmetric| {
        let loss = Loss::Robust { negatives, weight: Weight::Adversarial, weight_negatives };
        let settings = Settings { normalize, ..Settings::new(0.5) };
        let data = Batch { symmetric, ..Batch::new(views.clone()) };
        write_request_tersely(&Request::Batch { loss, settings, data })
    };
    let estimator = r#"{"estimator":"g1","tau_plus":0.0}"#;
    assert_eq!(
        written(negatives, false, true),
        format!(
            r#"{{"loss":"robust","temperature":0.5,"parameters":{{"negatives":{estimator},"weight":"adversarial"}},"data":{{"layout":"batch","views":[[[1.0],[-1.0]],[[1.0],[1.0]]]}}}}"#
        )
    );
    let other = written(Negatives::G1 { tau_plus: -0.0 }, true, false);
    for field in [r#""tau_plus":-0.0"#, r#""normalize":true"#, r#""symmetric":false"#] {
        assert!(other.contains(field), "{field} is not in {other}");
    }
}

#[test]
fn version_1_may_be_given_and_no_other() {
    let with = |version: &str| TUPLES.replacen('{', &format!("{{\"version\": {version}, "), 1);
    assert_eq!(read_request(&with("1")), read_request(TUPLES));
    let refused = |version: &str| read_request(&with(version)).unwrap_err().to_string();
    assert_eq!(refused("2"), "version: 2, expected 1");
    assert_eq!(refused("\"1\""), "version: invalid type: string \"1\", expected a number");
    let request = read_request(TUPLES).unwrap();
    let answer = |version: &str| format!(r#"{{"version": {version}, "error": "no memory"}}"#);
    let refused = |version: &str| read_answer(&answer(version), &request).unwrap_err();
    assert_eq!(refused("1"), Error::Refused("no memory".into()));
    assert_eq!(refused("0.5").to_string(), "version: 0.5, expected 1");
}

#[test]
fn reserved_names_are_refused_as_reserved() {
    for name in ["cotangent", "temperature_gradient"] {
        let text = TUPLES.replacen('{', &format!("{{\"{name}\": true, "), 1);
        let refusal = read_request(&text).unwrap_err().to_string();
        assert_eq!(
            refusal,
            format!(
                "{name}: reserved for later, expected one of loss, temperature, normalize, norm_tolerance, parameters, data, version"
            )
        );
        let answer = format!(r#"{{"value": 1, "{name}": 1}}"#);
        let refusal = read_answer(&answer, &read_request(TUPLES).unwrap()).unwrap_err().to_string();
        assert!(refusal.starts_with(&format!("{name}: reserved for later")), "{refusal}");
    }
    assert_eq!(
        refusal(TUPLES, "\"tuples\"", "\"pairs\""),
        r#"data.layout = "pairs": expected tuples or batch (pairs is reserved for later)"#
    );
}

#[test]
fn a_quoted_text_is_shortened() {
    let error = refusal(TUPLES, "0.5", &format!("\"{}\"", "long ".repeat(1_000_000)));
    assert!(error.len() < 500, "{error}");
    assert!(error.ends_with("expected a number"), "{error}");
    let error = refusal(TUPLES, "debiased", &"é".repeat(1_000_000));
    assert!(error.len() < 1000, "{error}");
    let error = refusal(TUPLES, "tau_plus", &"key\\n".repeat(1_000_000));
    assert!(error.len() < 1000 && error.lines().count() == 1, "{error}");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(10_000);
    assert_eq!(
        refusal(TUPLES, "[[1, 0]]", &deep),
        "data.anchor[0][0]: invalid type: sequence, expected a number"
    );
    assert_eq!(
        read_request(&deep).unwrap_err().to_string(),
        "the request: invalid type: sequence, expected an object with loss, temperature, parameters and data"
    );
}
