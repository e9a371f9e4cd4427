//! `intnacl loss`: one loss, its value and its gradients.

use std::path::PathBuf;

use clap::Args;
use intnacl_reference::{EvaluateRequest, Layout, Parameter, Request, declarations, json};

use super::error::Error;
use super::implementation::{Implementation, Target};
use super::{input, print, production};

/// Evaluates a loss: its value, the value of each anchor, and the gradient by every array of the data.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = manual())]
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

const LAYOUTS: &str = r#"Data:
  "layout": "batch"    views [1+M][B][d]; view 0 is the anchor, and view 1 too unless "symmetric": false; where the
                       loss reads them, mixed [M-1][B][d] and adversarial [B][d]
  "layout": "tuples"   anchor [B][d], positives [B][M][d], negatives [B][N][d]; optionally debias_positives, mixed,
                       mixed_negatives, adversarial, adversarial_negatives
  supervised_nca       transform [D][F], points [n][F], labels [n]"#;

/// The parts of a request, and examples.
fn manual() -> String {
    let mut lines = vec!["Losses and their parameters:".to_owned()];
    for loss in declarations() {
        let names: Vec<&str> = loss.parameters.iter().map(|parameter| parameter.name()).collect();
        lines.push(format!("  {:<17}{}", loss.name, names.join(", ")).trim_end().to_owned());
    }
    lines.extend(["", "Parameters:"].map(str::to_owned));
    let meaning = |parameter: &Parameter| format!("  {:<17}{}", parameter.name(), parameter.meaning());
    lines.extend(Parameter::ALL.iter().map(meaning));
    lines.extend(["", LAYOUTS, "", EXAMPLES].map(str::to_owned));
    lines.join("\n")
}

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
            production::answer(args.target.device(), args.target.dtype(), &request)?
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
