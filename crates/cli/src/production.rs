//! Production, asked through the program `intnacl-production`, which is the one that links libtorch.

use std::time::Duration;

use intnacl_reference::{Answer, Request, json};

use super::error::Error as CliError;
use super::implementation::{Device, Dtype};
use super::program::{Program, Start};
use super::sibling::Sibling;

const PROGRAM: &str = "intnacl-production";
const PRODUCTION: Sibling = Sibling { name: PROGRAM, build: "cargo build --package intnacl --bins" };

/// How many threads production may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// As many as it likes.
    Any,
    /// One.
    One,
}

/// What production says of itself.
#[derive(Debug, serde::Deserialize)]
pub struct Description {
    /// Where it computes.
    pub device: String,
    /// The version of libtorch, where that is known.
    pub libtorch: Option<String>,
}

/// How production is started, in a device and a type; what it refuses itself, such as a device that is not there, is
/// only known when it is asked.
///
/// # Errors
/// [`CliError::Sibling`].
pub fn start(
    device: Device,
    dtype: Dtype,
    threads: Threads,
    timeout: Option<Duration>,
) -> Result<Start, CliError> {
    Ok(Start {
        name: PROGRAM.into(),
        program: PRODUCTION.find()?,
        arguments: vec!["--device".into(), device.to_string(), "--dtype".into(), dtype.to_string()],
        one_thread: threads == Threads::One,
        timeout,
    })
}

/// The answer to one request.
///
/// # Errors
/// [`CliError::Sibling`], and [`CliError::Program`] if production did not answer, or refused the request.
pub fn answer(device: Device, dtype: Dtype, request: &Request) -> Result<Answer, CliError> {
    let mut program = Program::new(start(device, dtype, Threads::Any, None)?);
    Ok(program.ask(request, json::read_answer)?)
}

/// What production says of itself.
///
/// # Errors
/// [`CliError::Sibling`], and [`CliError::Program`] if it does not answer.
pub fn describe(start: Start) -> Result<Description, CliError> {
    let line = Program::new(start).exchange(r#"{"describe": true}"#)?;
    serde_json::from_str(&line)
        .map_err(|error| CliError::Description { name: PROGRAM.into(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::written;
    use intnacl_judge::{self as judge, Float, Implementation, Options, Reference, Standard};
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// How many requests give a field, and how many leave it out.
    #[derive(Default)]
    struct Fields(Mutex<BTreeMap<&'static str, [u32; 2]>>);

    impl Fields {
        fn count(&self, field: &'static str, given: bool) {
            let mut counts = self.0.lock().expect("no thread panicked");
            counts.entry(field).or_default()[usize::from(!given)] += 1;
        }
    }

    struct Asked<'a>(&'a Fields);

    impl Implementation for Asked<'_> {
        fn float(&self) -> Float {
            Float::F64
        }
        fn evaluate(&self, request: &Request) -> Result<Answer, String> {
            let line: serde_json::Value = serde_json::from_str(&written(request)).expect("JSON");
            let count = |field, within: &serde_json::Value| self.0.count(field, within.get(field).is_some());
            count("normalize", &line);
            match request {
                Request::Batch { .. } => {
                    for field in ["symmetric", "mixed", "adversarial"] {
                        count(field, &line["data"]);
                    }
                }
                _ => {
                    let optional = [
                        "debias_positives",
                        "mixed",
                        "mixed_negatives",
                        "adversarial",
                        "adversarial_negatives",
                    ];
                    optional.iter().for_each(|field| count(field, &line["data"]));
                }
            }
            if line["loss"] == "robust" {
                count("weight_negatives", &line["parameters"]);
            }
            Reference.evaluate(request)
        }
    }

    #[test]
    fn drawn_requests_give_every_optional_field_and_leave_it_out() {
        let fields = Fields::default();
        let laws = ["agrees_with_the_reference", "absent_arrays_have_their_defaults"];
        let pairs = judge::pairs(|law, _| laws.contains(&law.name));
        let options = Options { seed: 1, standard: Standard::Right, threads: 2 };
        judge::check_all(&pairs, options, |_| 64, || Ok::<_, ()>(Asked(&fields)), |_| ())
            .expect("no failure to start");
        let counts = fields.0.into_inner().expect("no thread panicked");
        for (field, [given, absent]) in counts {
            assert!(given > 3 && absent > 3, "{field} is given {given} times and absent {absent} times");
        }
    }
}
