//! Mutants, and a sample of them.

use std::collections::BTreeMap;

use intnacl_reference::inside::Rng;
use serde_json::Value;

use crate::Result;

/// A place in the code, and what is put there.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutant {
    /// File, line, column, and what is replaced by what.
    pub name: String,
    /// The file.
    pub file: String,
    /// Lines and columns, counted from 1, of the first character that is replaced and of the one after the last.
    span: [(usize, usize); 2],
    /// What stands there then.
    replacement: String,
}

impl Mutant {
    /// The code with the mutant in it.
    pub fn made(&self, code: &str) -> Result<String> {
        let [start, end] = self.span.map(|place| offset(code, place));
        match (start, end) {
            (Some(start), Some(end)) if start <= end => {
                Ok(format!("{}{}{}", &code[..start], self.replacement, &code[end..]))
            }
            _ => Err(format!("{}: the code has no such place", self.name).into()),
        }
    }
}

/// Where a line and a column are in a text, in bytes.
fn offset(text: &str, (line, column): (usize, usize)) -> Option<usize> {
    let start = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let rest = text.get(start..)?;
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    Some(start + ends.nth(column.checked_sub(1)?)?)
}

/// Reads what `cargo mutants --list --json` prints.
pub fn parse(listed: &Value) -> Result<Vec<Mutant>> {
    let mutant = |value: &Value| {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let place = |end: &str| {
            let place = &value["span"][end];
            let number = |name: &str| usize::try_from(place[name].as_u64()?).ok();
            Some((number("line")?, number("column")?))
        };
        let span = [place("start")?, place("end")?];
        Some(Mutant { name: text("name")?, file: text("file")?, span, replacement: text("replacement")? })
    };
    let mutants: Option<Vec<Mutant>> = listed.as_array().into_iter().flatten().map(mutant).collect();
    let mutants =
        mutants.ok_or("cargo-mutants lists mutants without a name, a file, a span or a replacement")?;
    if mutants.is_empty() { Err("cargo-mutants lists no mutants".into()) } else { Ok(mutants) }
}

/// Draws mutants without replacement: from each file one, and of the rest as many as belong to its share.
pub fn draw(all: &[Mutant], count: usize, seed: u64) -> Vec<&Mutant> {
    let mut files: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    all.iter().for_each(|mutant| files.entry(&mutant.file).or_default().push(mutant));
    let mut random = Rng::new(seed);
    let mut drawn = Vec::new();
    // The shares are rounded so that their sum is the count: each file has what the files up to it should have, less what
    // those before it have.
    let left = count.saturating_sub(files.len()) as f64;
    let (mut up_to, mut given) = (0.0, 0);
    for mutants in files.values_mut() {
        up_to += left * mutants.len() as f64 / all.len() as f64;
        let share = up_to.round() as usize - given;
        given += share;
        for at in 0..(1 + share).min(mutants.len()) {
            let from = at + random.below(mutants.len() - at);
            mutants.swap(at, from);
            drawn.push(mutants[at]);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants() -> Vec<Mutant> {
        let of = |file: usize| {
            (0..5 + 40 * file).map(move |at| Mutant {
                name: format!("{file}:{at}"),
                file: format!("{file}"),
                span: [(1, 1), (1, 1)],
                replacement: String::new(),
            })
        };
        (0..6).flat_map(of).collect()
    }

    #[test]
    fn a_sample_has_each_file_by_its_share_and_no_mutant_twice() {
        let all = mutants();
        for seed in 0..50 {
            let sample = draw(&all, 100, seed);
            assert_eq!(sample.len(), 100);
            assert_eq!(sample, draw(&all, 100, seed));
            let names: std::collections::BTreeSet<&str> =
                sample.iter().map(|mutant| mutant.name.as_str()).collect();
            assert_eq!(names.len(), 100);
            for file in 0..6 {
                let expected = 1.0 + 94.0 * (5 + 40 * file) as f64 / all.len() as f64;
                let found = sample.iter().filter(|mutant| mutant.file == file.to_string()).count() as f64;
                assert!((found - expected).abs() <= 1.0, "{file}: {found}, not {expected}");
            }
        }
        assert_ne!(draw(&all, 100, 1), draw(&all, 100, 2));
        assert_eq!(draw(&all, 100_000, 1).len(), all.len());
    }

    #[test]
    fn a_mutant_replaces_its_span() {
        let mutant = |span, replacement: &str| Mutant {
            name: "m".into(),
            file: "f".into(),
            span,
            replacement: replacement.into(),
        };
        let code = "fn α() {\n    a + b\n}\n";
        let made = mutant([(2, 7), (2, 8)], "-").made(code).unwrap();
        assert_eq!(made, "fn α() {\n    a - b\n}\n");
        assert_eq!(mutant([(1, 9), (3, 1)], "").made(code).unwrap(), "fn α() {}\n");
        for span in [[(9, 1), (9, 2)], [(0, 1), (1, 1)], [(2, 3), (1, 1)]] {
            assert!(mutant(span, "").made(code).is_err(), "{span:?}");
        }
    }
}
