//! A judgement in words and as JSON.

use std::fmt;

use intnacl_judge::diagnosis::Diagnosis;
use intnacl_judge::{Counterexample, Drawn, Float, Law, Report, Standard};
use intnacl_vocabulary::json::write_request;
use serde_json::{Value, json};

/// What became of every law that speaks of a loss.
pub struct Judgement {
    pub loss: &'static str,
    pub float: Float,
    pub drawn: Drawn,
    /// The highest standard at which all hold.
    pub reached: Option<Standard>,
    pub reports: Vec<(Law, Report)>,
    /// What is wrong, if anything is.
    pub diagnosis: Option<Diagnosis>,
}

impl Judgement {
    /// The reports of laws that compared something.
    pub fn judged(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().map(|(_, report)| report).filter(|report| report.judged())
    }

    /// Those that are broken at the standard that was asked for, with what breaks them.
    pub fn broken(&self) -> impl Iterator<Item = (&Report, &Counterexample)> {
        self.judged().filter_map(|report| Some((report, report.counterexample.as_ref()?)))
    }

    /// Whether the standard that was asked for is reached.
    pub fn holds(&self) -> bool {
        self.broken().next().is_none() && self.judged().next().is_some()
    }

    /// The cases of laws that compared something.
    pub fn cases(&self) -> u64 {
        self.judged().map(|report| u64::from(report.cases)).sum()
    }

    pub fn comparisons(&self) -> u64 {
        self.judged().map(|report| report.comparisons).sum()
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let name = |standard: Option<Standard>| standard.map(|standard| standard.to_string());
        let row = |(law, report): &(Law, Report)| {
            json!({
                "law": law.name,
                "statement": law.statement,
                "cases": report.cases,
                "comparisons": report.comparisons,
                "not_supported": report.not_supported,
                "beyond_the_type": report.beyond_the_type,
                "judged": report.judged(),
                "holds": report.holds(),
                "standard_reached": name(report.reached().filter(|_| report.judged())),
                "worst": report.worst().what,
                "error": report.worst().error,
                "budget": report.worst().budget,
                "counterexample": report.counterexample.as_ref().map(example),
            })
        };
        json!({
            "loss": self.loss,
            "dtype": self.float.to_string(),
            "seed": self.drawn.seed,
            "standard": self.drawn.standard.to_string(),
            "standard_reached": name(self.reached),
            "diagnosis": self.diagnosis.as_ref().map(diagnosis),
            "laws": self.reports.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn example(example: &Counterexample) -> Value {
    let request = example.request.as_ref().map(write_request);
    let request = request.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    json!({ "message": example.message, "request": request })
}

fn diagnosis(found: &Diagnosis) -> Value {
    json!({
        "text": found.to_string(),
        "asked": found.asked,
        "wrong": found.wrong,
        "values_are_right": found.values_are_right,
        "factor": found.factor.as_ref().map(|factor| factor.name),
        "convention": found.convention,
        "bug": found.bug.map(|bug| bug.name()),
    })
}

impl fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loss, float, drawn, .. } = self;
        let (judged, broken) = (self.judged().count(), self.broken().count());
        match (judged, self.reached) {
            (0, _) => writeln!(formatter, "{loss} in {float} is not judged: nothing was compared")?,
            (_, None) => {
                writeln!(formatter, "{loss} in {float} is wrong: {broken} of {judged} laws are broken")?
            }
            (_, Some(reached)) => {
                let (cases, comparisons) = (self.cases(), self.comparisons());
                write!(
                    formatter,
                    "{loss} in {float} is {reached}: {judged} laws, {cases} cases, {comparisons} comparisons"
                )?;
                let missed = if broken > 0 {
                    format!(", {broken} laws are not {}", drawn.standard)
                } else {
                    String::new()
                };
                writeln!(formatter, "{missed}")?;
            }
        }
        for line in self
            .diagnosis
            .iter()
            .flat_map(|found| found.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            writeln!(formatter, "  {line}")?;
        }
        for (report, found) in self.broken() {
            writeln!(formatter, "{} fails: {}", report.law, found.message)?;
        }
        Ok(())
    }
}
