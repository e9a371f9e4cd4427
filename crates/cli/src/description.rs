//! What a program says of itself.

use std::ops::RangeInclusive;

use intnacl_judge::{self as judge, Support};
use serde::Deserialize;
use serde_json::Value;

use super::implementation::Dtype;

/// The request for it.
pub const REQUEST: &str = r#"{"describe": true}"#;

/// What a program claims; it need not say anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    /// What it is called.
    pub name: Option<String>,
    /// Where it computes.
    pub device: Option<String>,
    /// The type in which it computes.
    pub dtype: Option<Dtype>,
    /// What it answers.
    pub support: Support,
    /// Whether it claims less than everything, in words.
    pub claims: Vec<String>,
}

/// As it is written. Other fields are the program's own.
#[derive(Deserialize)]
struct Written {
    name: Option<String>,
    losses: Option<Vec<String>>,
    layouts: Option<Vec<String>>,
    dtype: Option<String>,
    device: Option<String>,
    temperatures: Option<Vec<f64>>,
    largest_exponent: Option<f64>,
}

const LAYOUTS: [&str; 2] = ["tuples", "batch"];

/// Reads the answer to [`REQUEST`].
///
/// `None` if the program does not describe itself: the answer is no JSON object, or has an error.
///
/// # Errors
/// The field that is not understood, its value and what was expected.
pub fn read(line: &str) -> Result<Option<Description>, String> {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(line) else { return Ok(None) };
    if fields.contains_key("error") {
        return Ok(None);
    }
    let written: Written = serde_path_to_error::deserialize(Value::Object(fields))
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    let mut description =
        Description { name: written.name, device: written.device, ..Description::default() };
    if let Some(name) = written.dtype {
        let dtype = Dtype::named(&name);
        let expected = "expected f64, f32, bf16, f16, tf32 or bf16-scores";
        description.dtype = Some(dtype.ok_or_else(|| format!("dtype = {name:?}: {expected}"))?);
    }
    let support = &mut description.support;
    if let Some(losses) = written.losses {
        known("losses", &losses, &known_losses())?;
        description.claims.push(format!("losses {}", losses.join(", ")));
        support.losses = Some(losses);
    }
    if let Some(layouts) = written.layouts {
        known("layouts", &layouts, &LAYOUTS)?;
        description.claims.push(format!("layouts {}", layouts.join(", ")));
        [support.tuples, support.batches] = LAYOUTS.map(|layout| layouts.iter().any(|name| name == layout));
    }
    if let Some(ends) = written.temperatures {
        support.temperatures = temperatures(&ends)?;
        description.claims.push(format!("temperatures {}..{}", ends[0], ends[1]));
    }
    if let Some(exponent) = written.largest_exponent {
        if exponent.is_nan() || exponent <= 0.0 {
            return Err(format!("largest_exponent = {exponent}: expected a number above 0"));
        }
        description.claims.push(format!("exponents up to {exponent}"));
        support.largest_exponent = exponent;
    }
    Ok(Some(description))
}

/// The losses that some law speaks of.
pub fn known_losses() -> Vec<&'static str> {
    let mut losses: Vec<&str> = judge::laws().iter().flat_map(|law| law.losses).copied().collect();
    losses.sort_unstable();
    losses.dedup();
    losses
}

fn known(field: &str, names: &[String], known: &[&str]) -> Result<(), String> {
    match names.iter().enumerate().find(|(_, name)| !known.contains(&name.as_str())) {
        Some((i, name)) => Err(format!("{field}[{i}] = {name:?}: expected one of {}", known.join(", "))),
        None => Ok(()),
    }
}

fn temperatures(ends: &[f64]) -> Result<RangeInclusive<f64>, String> {
    match *ends {
        [low, high] if 0.0 < low && low <= high => Ok(low..=high),
        _ => Err(format!("temperatures = {ends:?}: expected [low, high], two numbers above 0 in order")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(line: &str) -> Description {
        read(line).expect("understood").expect("a description")
    }

    #[test]
    fn every_field_is_read_and_none_is_needed() {
        assert_eq!(described("{}"), Description::default());
        let all = described(
            r#"{"name": "mine", "losses": ["simclr", "supervised_nca"], "layouts": ["batch"], "dtype": "torch.float16",
                "device": "cuda:0", "temperatures": [0.05, 1], "largest_exponent": 80, "version of its own": [1]}"#,
        );
        assert_eq!((all.name.as_deref(), all.device.as_deref()), (Some("mine"), Some("cuda:0")));
        assert_eq!(all.dtype, Some(Dtype::F16));
        assert!(all.support.has("simclr") && all.support.has("supervised_nca") && !all.support.has("nca"));
        assert!(all.support.batches && !all.support.tuples);
        assert_eq!((all.support.temperatures, all.support.largest_exponent), (0.05..=1.0, 80.0));
        assert_eq!(all.claims.len(), 4);
    }

    #[test]
    fn what_is_no_description_claims_everything() {
        for line in [r#"{"error": "losses: unknown"}"#, "[]", "hello", "", "null", r#"{"losses": "#] {
            assert_eq!(read(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (line, parts) in [
            (r#"{"losses": ["simclr", "sincere"]}"#, ["losses[1] = \"sincere\"", "simclr"]),
            (r#"{"layouts": ["pairs"]}"#, ["layouts[0] = \"pairs\"", "tuples, batch"]),
            (r#"{"dtype": "f8"}"#, ["dtype = \"f8\"", "bf16-scores"]),
            (r#"{"temperatures": [1, 0.5]}"#, ["temperatures = [1.0, 0.5]", "in order"]),
            (r#"{"temperatures": [1]}"#, ["temperatures = [1.0]", "[low, high]"]),
            (r#"{"temperatures": [0, 1]}"#, ["temperatures = [0.0, 1.0]", "above 0"]),
            (r#"{"largest_exponent": -1}"#, ["largest_exponent = -1", "above 0"]),
            (r#"{"losses": ["simclr", 3]}"#, ["losses[1]", "integer `3`"]),
            (r#"{"name": {}}"#, ["name", "expected a string"]),
        ] {
            let problem = read(line).expect_err(line);
            assert!(parts.iter().all(|part| problem.contains(part)), "{line}: {problem}");
        }
    }
}
