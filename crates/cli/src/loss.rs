//! `intnacl loss`: one loss, its value and its gradients.

use std::path::PathBuf;

use clap::Args;
use intnacl_reference::{EvaluateRequest, Layout, Request, json};

use super::error::Error;
use super::implementation::{Implementation, Target};
use super::production::{Production, Threads};
use super::{input, print};

/// Evaluates a loss: its value, the value of each anchor, and the gradient by every array of the data.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LossArgs {
    /// The request as JSON; - reads standard input.
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
    /// Who computes.
    #[arg(long, value_enum, default_value_t = Implementation::Reference)]
    implementation: Implementation,
    #[command(flatten)]
    target: Target,
}

const EXAMPLES: &str = r#"Example: the SimCLR loss of one anchor, one positive and two negatives

  echo '{"loss": "simclr", "temperature": 0.5, "data": {"layout": "tuples", "anchor": [[1, 0]],
    "positives": [[[0.6, 0.8]]], "negatives": [[[0, 1], [-1, 0]]]}}' | intnacl loss -"#;

/// Prints the answer to a request.
///
/// # Errors
/// Every variant of [`Error`] but [`Error::Arguments`].
pub fn run(args: &LossArgs) -> Result<(), Error> {
    args.target.check(args.implementation)?;
    let request = json::read_request(&input::read(&args.request)?)?;
    let answer = match args.implementation {
        Implementation::Reference => request.evaluate().map_err(json::Error::from)?,
        Implementation::Production => {
            validate(&request)?;
            Production::start(args.target.device(), args.target.dtype(), Threads::Any)?.ask(&request)?
        }
    };
    print(&json::write_answer(&answer))
}

/// What the reference refuses is refused in its words, whoever computes.
fn validate(request: &Request) -> Result<(), json::Error> {
    Ok(match request {
        Request::Tuples { loss, settings, data } => data.validate(loss, settings),
        Request::Batch { loss, settings, data } => data.validate(loss, settings),
        Request::Supervised { data, .. } => data.validate(),
    }?)
}
