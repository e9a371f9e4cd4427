//! The table of losses as it is documented.

use crate::declaration::{Declaration, Read};
use crate::parameter::{Parameter, Values};
use crate::table::{LOSSES, SUPERVISED_NCA};

/// Every declaration: the losses of embeddings, then supervised NCA.
pub fn declarations() -> impl Iterator<Item = &'static Declaration> {
    LOSSES.iter().chain(std::iter::once(&SUPERVISED_NCA))
}

/// The table as Markdown: the losses with their equations, and their parameters with their values.
///
/// # Examples
/// ```
/// let table = intnacl_vocabulary::markdown();
/// assert!(table.contains("| `debiased` | (3) Debiased | `tau_plus` |"));
/// ```
pub fn markdown() -> String {
    let mut lines = vec![
        "| `loss` | name | `parameters` | reads beside anchors, first positives and negatives | equation | source |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for declaration in declarations() {
        let Declaration { name, title, equation, source, .. } = declaration;
        let (parameters, reads) = (declaration.parameters_in_words(), declaration.reads_in_words());
        lines.push(format!("| `{name}` | {title} | {parameters} | {reads} | `{equation}` | {source} |"));
    }
    lines.extend(
        ["", "| parameter | symbol | meaning | values | default |", "|---|---|---|---|---|"]
            .map(str::to_owned),
    );
    for parameter in Parameter::ALL {
        let values = match parameter.values() {
            Values::Numbers(range) => range.expected,
            Values::Described(words) => words,
        };
        let (name, symbol, meaning) = (parameter.name(), parameter.symbol(), parameter.meaning());
        let default = parameter.default().unwrap_or("must be given");
        lines.push(format!("| `{name}` | {symbol} | {meaning} | {values} | {default} |"));
    }
    lines.join("\n") + "\n"
}

impl Declaration {
    fn parameters_in_words(&self) -> String {
        let names: Vec<String> =
            self.parameters.iter().map(|parameter| format!("`{}`", parameter.name())).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    fn reads_in_words(&self) -> String {
        let Some(reads) = self.reads else { return "labelled points and a transform".to_owned() };
        let arrays = [
            ("all positives", reads.all_positives),
            ("`debias_positives`", reads.debias_positives),
            ("`mixed`", reads.mixed),
            ("`adversarial`", reads.adversarial),
        ];
        let words: Vec<String> = arrays
            .into_iter()
            .filter_map(|(array, read)| match read {
                Read::Never => None,
                Read::Always => Some(array.to_owned()),
                Read::When(condition) => Some(format!("{array} if {condition}")),
            })
            .collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join("; ") }
    }
}
