//! `intnacl explain`: the intermediate quantities of a loss, anchor by anchor.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use intnacl_reference::explain::{Explanation, Term, explain};
use intnacl_reference::{Negatives, json};

use super::error::Error;
use super::{input, print};

/// Takes a loss apart: for each anchor what its value and its gradient are made of, computed exactly.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ExplainArgs {
    /// The request as JSON; - reads standard input.
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
    /// One JSON object in place of tables.
    #[arg(long)]
    json: bool,
    /// Only this anchor (in a batch: this image); may be given several times.
    #[arg(long = "anchor", value_name = "I")]
    anchors: Vec<usize>,
    /// How many of a term's derivatives by its scores are listed, the largest first.
    #[arg(long, value_name = "N", default_value_t = 3)]
    largest: usize,
}

const HELP: &str = r#"A term is -log P/(P + N*G) of one anchor; a mixed one -lambda log O - (1-lambda) log(1-O), O = P/(P + N*G).

  factor      by what the term's value is multiplied in the anchor's; for the adversarial weight of the robust
              term, which is in that term's factor, by what its gradient is
  M N m       how many positives, negatives and draws the term reads
  log P       P: the sum of h = exp(score) over the positives
  log A       A: the mean of h over the negatives, with g2 the mean under the weights h^beta
  log B       B: the mean of h over the draws; - with g0, which reads none
  log G       G: the larger of (A - tau*B)/(1 - tau) and exp(-1/t), the floor; with g0, A
  omega       N*G/(P + N*G)
  hard soft   how many negatives count, (sum w)^2/(sum w^2): hard under the hardness weights w = h^beta, which are all
              1 with g0 and g1; soft under w = h, the weights of a softmax
  bits lost   log2 of the larger side of a difference over its result: A-tB is A - tau*B; logs is log(P + N*G) - log P,
              as ordinary programs form the value (in a mixed term the worse of both logarithms; for the total
              variation 1 - p); slope is lambda*omega - (1-lambda)*(1-omega), of a mixed term

Supervised NCA is one such term a point: t = 1, scores -|A x_i - A x_j|^2, positives the own class, p = 1 - omega.

Example: one anchor, one positive and two negatives

  echo '{"loss": "debiased", "temperature": 0.5, "parameters": {"tau_plus": 0.1}, "data": {"layout": "tuples",
    "anchor": [[1, 0]], "positives": [[[0.6, 0.8]]], "negatives": [[[0, 1], [-1, 0]]]}}' | intnacl explain -"#;

/// Prints the quantities of a request.
///
/// # Errors
/// [`Error`]: a request that is refused, and an anchor that it does not have.
pub fn run(args: &ExplainArgs) -> Result<(), Error> {
    let request = json::read_request(&input::read(&args.request)?)?;
    let explanation = explain(&request).map_err(json::Error::from)?;
    let count = explanation.anchors.len();
    if let Some(anchor) = args.anchors.iter().find(|anchor| **anchor >= count) {
        let problem = format!("--anchor {anchor}: expected an index below {count}, the number of anchors");
        return Err(Error::Arguments(problem));
    }
    let chosen: Vec<usize> =
        if args.anchors.is_empty() { (0..count).collect() } else { args.anchors.clone() };
    print(&match args.json {
        true => explanation.to_json(&chosen, args.largest),
        false => tables(&explanation, &chosen, args.largest),
    })
}

/// The heads of the table's columns.
const HEADS: [&str; 18] = [
    "term",
    "factor",
    "value",
    "M",
    "N",
    "m",
    "log P",
    "log A",
    "log B",
    "log G",
    "floor",
    "omega",
    "hard",
    "soft",
    "A-tB",
    "logs",
    "slope",
    "estimator",
];

fn tables(explanation: &Explanation, chosen: &[usize], largest: usize) -> String {
    let mut text =
        format!("{} = {}, log floor = {}", explanation.loss, explanation.value, short(explanation.log_floor));
    for &index in chosen {
        let anchor = &explanation.anchors[index];
        // Writing to a string cannot fail.
        let _ = write!(text, "\n\n{} {index}: {}", explanation.anchors_are, anchor.value);
        let rows: Vec<[String; 18]> = anchor.terms.iter().map(row).collect();
        let widths: Vec<usize> = (0..HEADS.len())
            .map(|column| rows.iter().map(|row| row[column].len()).fold(HEADS[column].len(), usize::max))
            .collect();
        text.push_str(&line(&HEADS.map(String::from), &widths));
        for row in &rows {
            text.push_str(&line(row, &widths));
        }
        for term in anchor.terms.iter().filter(|_| largest > 0) {
            let _ = write!(text, "\n  {} by its scores:", term.name);
            for entry in term.gradient.iter().take(largest) {
                let (derivative, score) = (short(entry.derivative), short(entry.score));
                let _ = write!(text, "\n    {derivative:>12}  by {score:>12}, {}", entry.row);
                let _ = write!(text, " ({})", entry.role);
            }
        }
    }
    text
}

fn row(term: &Term) -> [String; 18] {
    let [positives, negatives, draws] = term.counts;
    let factor = if term.coefficient == 0.0 { term.gradient_coefficient } else { term.coefficient };
    let factor = short(factor);
    let estimator = match term.estimator {
        Negatives::G0 => "g0".to_owned(),
        Negatives::G1 { tau_plus } => format!("g1 tau {}", short(tau_plus)),
        Negatives::G2 { tau_plus, beta } => format!("g2 tau {} beta {}", short(tau_plus), short(beta)),
    };
    let bits = |bits: f64| if bits.is_finite() { format!("{bits:.1}") } else { "all".to_owned() };
    [
        term.name.clone(),
        factor,
        short(term.value),
        positives.to_string(),
        negatives.to_string(),
        draws.to_string(),
        short(term.log_positives),
        short(term.log_mean_negatives),
        term.log_mean_draws.map_or_else(|| "-".to_owned(), short),
        short(term.log_estimate),
        if term.floored { "yes" } else { "no" }.to_owned(),
        short(term.omega),
        format!("{:.1}", term.effective_negatives.hardness),
        format!("{:.1}", term.effective_negatives.softmax),
        bits(term.bits_lost.estimator),
        bits(term.bits_lost.logarithms),
        bits(term.bits_lost.slope),
        estimator,
    ]
}

/// A line of the table: words to the left, numbers to the right.
fn line(cells: &[String; 18], widths: &[usize]) -> String {
    let mut text = String::from("\n ");
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        let _ = match column {
            0 => write!(text, " {cell:<width$}"),
            17 => write!(text, "  {cell}"),
            _ => write!(text, "  {cell:>width$}"),
        };
    }
    text
}

/// Six digits, which are enough to see which line is wrong; `--json` has them all.
fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        size if !size.is_finite() => x.to_string(),
        size if (1e-3..1e6).contains(&size) => {
            let whole = size.log10().floor().max(0.0) as usize;
            let text = format!("{x:.*}", 6_usize.saturating_sub(whole + 1).max(1));
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{x:.4e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_size() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.693_412_5, "0.69341"),
            (123.456_789, "123.457"),
            (999_999.6, "999999.6"),
            (1e-5, "1.0000e-5"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(short(x), text);
        }
    }
}
