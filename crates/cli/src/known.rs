//! Failures that are expected, with reasons.

use std::path::Path;

use intnacl_judge::{self as judge, Report};
use serde::Deserialize;

use super::description::known_losses;
use super::error::Error;
use super::input;

/// A list of failures that do not count.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(default)]
    known: Vec<Entry>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The law that fails.
    law: String,
    /// For which loss; without it, for every loss that the law speaks of.
    loss: Option<String>,
    /// Why that is expected.
    reason: String,
}

impl Known {
    /// Reads a list.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Input`] as of any file; [`Error::Known`] if it is no such list, names what is not
    /// known, or gives no reason.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = input::read(file)?;
        Self::parse(&text).map_err(|problem| Error::Known { file: file.display().to_string(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let list: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!(
                "line {line}: {}: expected tables [[known]] with law, reason and, if it is not for all, loss",
                error.message()
            )
        })?;
        let laws = judge::laws();
        for (i, entry) in list.known.iter().enumerate() {
            let at = |field: &str, value: &str| format!("known[{i}].{field} = {value:?}");
            let Some(law) = laws.iter().find(|law| law.name == entry.law) else {
                let names: Vec<&str> = laws.iter().map(|law| law.name).collect();
                return Err(format!("{}: expected one of {}", at("law", &entry.law), names.join(", ")));
            };
            if let Some(loss) = entry.loss.as_ref().filter(|loss| !law.losses.contains(&loss.as_str())) {
                let known = known_losses().contains(&loss.as_str());
                let problem =
                    if known { format!(", of which {} says nothing", law.name) } else { String::new() };
                return Err(format!(
                    "{}{problem}: expected one of {}",
                    at("loss", loss),
                    law.losses.join(", ")
                ));
            }
            if entry.reason.trim().is_empty() {
                return Err(format!("{}: expected a reason", at("reason", &entry.reason)));
            }
            let same = |other: &Entry| (&other.law, &other.loss) == (&entry.law, &entry.loss);
            if list.known[..i].iter().any(same) {
                return Err(format!("{}: given twice, expected once for each loss", at("law", &entry.law)));
            }
        }
        Ok(list)
    }

    /// Why a check may fail, if it may.
    pub fn reason(&self, report: &Report) -> Option<&str> {
        let of_loss = self.known.iter().find(|entry| entry.speaks_of(report) && entry.loss.is_some());
        let entry = of_loss.or_else(|| self.known.iter().find(|entry| entry.speaks_of(report)));
        entry.map(|entry| entry.reason.as_str())
    }

    /// The reason, if the check fails and may.
    pub fn excuse(&self, report: &Report) -> Option<&str> {
        report.counterexample.as_ref().and_then(|_| self.reason(report))
    }

    /// The entries of which something was judged and nothing fails any more: law, loss, reason.
    pub fn no_longer_fail(&self, reports: &[Report]) -> Vec<[&str; 3]> {
        let held = self.known.iter().filter(|entry| {
            let mut of_entry =
                reports.iter().filter(|report| entry.speaks_of(report) && report.judged()).peekable();
            of_entry.peek().is_some() && of_entry.all(Report::holds)
        });
        held.map(|entry| [&entry.law, entry.loss.as_deref().unwrap_or("every loss"), &entry.reason]).collect()
    }
}

impl Entry {
    fn speaks_of(&self, report: &Report) -> bool {
        self.law == report.law && self.loss.as_ref().is_none_or(|loss| *loss == report.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[known]]\nlaw = \"m_1_gives_simclr\"\nloss = \"nca\"\nreason = \"issue 7\"\n";

    #[test]
    fn a_list_is_read() {
        assert!(Known::parse("# nothing yet\n").expect("a list").known.is_empty());
        let list = Known::parse(ENTRY).expect("a list");
        assert_eq!((list.known[0].loss.as_deref(), list.known[0].reason.as_str()), (Some("nca"), "issue 7"));
    }

    #[test]
    fn what_is_not_known_is_named_with_its_index() {
        let second = |from: &str, to: &str| format!("{ENTRY}\n{}", ENTRY.replace(from, to));
        for (text, parts) in [
            (second("m_1_gives_simclr", "m_2"), ["known[1].law = \"m_2\"", "m_1_gives_simclr"]),
            (second("\"nca\"", "\"ncca\""), ["known[1].loss = \"ncca\"", "nca"]),
            (
                second("\"nca\"", "\"supervised_nca\""),
                ["supervised_nca", "of which m_1_gives_simclr says nothing"],
            ),
            (
                second("loss = \"nca\"\nreason = \"issue 7\"", "reason = \" \""),
                ["known[1].reason", "a reason"],
            ),
            (second("", ""), ["known[1].law", "given twice"]),
            (ENTRY.replace("reason = \"issue 7\"", ""), ["line 1", "`reason`"]),
            (ENTRY.replace("loss", "los"), ["line 3", "`los`"]),
            ("law: nca".into(), ["line 1", "[[known]]"]),
            ("{\"law\": 1}".into(), ["line 1", "[[known]]"]),
        ] {
            let problem = Known::parse(&text).expect_err(&text);
            assert!(parts.iter().all(|part| problem.contains(part)), "{text}: {problem}");
        }
    }
}
