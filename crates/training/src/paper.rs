//! The accuracies that the paper publishes (Ko et al. 2022, Tables 2 to 5 and S2 to S6), as rows of configurations.

use crate::data::Source;
use crate::error::{Error, Result};
use std::path::PathBuf;

const TABLES: &str = include_str!("paper.txt");

/// A published accuracy in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// The mean over five trials.
    pub mean: f64,
    /// Its standard deviation, where it is given.
    pub deviation: Option<f64>,
}

/// A row: a loss with its number of positives, and what was published for each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The preset's name: see [`preset`](crate::config::preset).
    pub preset: String,
    /// In the order of the table's columns.
    pub published: Vec<Published>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// `2`, `S3`.
    pub name: String,
    /// `cifar100`, `cifar100-fgsm`, …
    pub columns: Vec<String>,
    /// The rows, from top to bottom.
    pub rows: Vec<Row>,
}

impl Table {
    /// The images that the paper's encoders were trained on, wherever they are.
    pub fn images(&self) -> Source {
        match self.columns.iter().any(|column| column.starts_with("tiny-imagenet")) {
            true => Source::TinyImageNet(PathBuf::new()),
            false => Source::Cifar100(PathBuf::new()),
        }
    }

    /// The epochs after which a row's columns were evaluated, where 100 epochs of the paper are `of` here: one number
    /// but for Table S6.
    pub fn epochs(&self, of: u64) -> Vec<u64> {
        let published = self.columns.iter().filter_map(|column| column.strip_prefix("epochs-")?.parse().ok());
        let epochs: Vec<u64> = published.map(|epochs: u64| (epochs * of / 100).max(1)).collect();
        if epochs.is_empty() { vec![of] } else { epochs }
    }
}

/// The rows of Tables 2 and 3 are some of the appendix's: where each loss is found.
const SELECTIONS: [(&str, &[(&str, &str)]); 2] = [
    ("2", &[("S2", "nca-g0"), ("S3", "nca-g2"), ("S2", "mixnca-g0-0.9"), ("S3", "mixnca-g2-0.5")]),
    ("3", &[("S4", "int-nca"), ("S4", "int-mixnca-0.5"), ("S4", "int-mixnca-0.7"), ("S4", "int-mixnca-0.9")]),
];

/// The rows of Figure 1 and Table 1.
const TABLE_1: [&str; 6] = ["simclr", "debiased", "debiased-hardneg", "adv", "intcl", "intnacl"];

/// Names that the tables have another name for.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("simclr", "nca-g0-m1"),
    ("debiased-hardneg", "nca-g2-m1"),
    ("intcl", "int-nca-m1"),
    ("intnacl", "int-mixnca-0.5-m5"),
    ("supervised", "supervised-m1"),
];

/// The tables that have accuracies of a preset, the one with most columns first.
const OF_PRESETS: [&str; 5] = ["S5", "S2", "S4", "I", "4"];

/// A table by its name: `table-1` to `table-5`, `table-s2` to `table-s6`.
///
/// Table 1 says which losses there are and has no accuracies: its rows have those of the same losses in other tables.
///
/// # Errors
/// [`Error::Setting`] for another name.
///
/// # Examples
/// ```
/// let table = intnacl_training::paper::table("table-2")?;
/// assert_eq!((table.rows[0].preset.as_str(), table.rows[0].published[0].mean), ("nca-g0-m1", 53.69));
/// # Ok::<(), intnacl_training::Error>(())
/// ```
pub fn table(name: &str) -> Result<Table> {
    let refused = || Error::setting("table", name, "table-1 to table-5, table-s2 to table-s6");
    let short = name.strip_prefix("table-").ok_or_else(refused)?.to_uppercase();
    if short == "1" {
        let columns = columns("S2").unwrap_or_default();
        let row = |preset: &str| Row { preset: preset.into(), published: published_of(preset, &columns) };
        let rows = TABLE_1.iter().map(|preset| row(preset)).collect();
        return Ok(Table { name: short, columns, rows });
    }
    let selection = SELECTIONS.iter().find(|(known, _)| *known == short);
    let parts = match selection {
        Some((_, parts)) => parts.iter().map(|(table, family)| rows(table, Some(family))).collect(),
        None => vec![rows(&short, None)],
    };
    let source = selection.map_or(short.as_str(), |(_, parts)| parts[0].0);
    let columns = columns(source).ok_or_else(refused)?;
    Ok(Table { name: short, columns, rows: parts.concat() })
}

/// What is published of a preset for some columns, in whichever table has it: nothing, or a number a column.
pub fn published_of(preset: &str, asked: &[String]) -> Vec<Published> {
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == preset);
    let preset = other.map_or(preset, |(_, other)| other);
    let of = |table: &str| -> Option<Vec<Published>> {
        let columns = columns(table)?;
        let row = rows(table, None).into_iter().find(|row| row.preset == preset)?;
        let place = |column| columns.iter().position(|known| known == column);
        asked.iter().map(|column| row.published.get(place(column)?).copied()).collect()
    };
    OF_PRESETS.into_iter().find_map(of).unwrap_or_default()
}

/// The columns of a table in the file.
fn columns(table: &str) -> Option<Vec<String>> {
    let line = |line: &'static str| line.strip_prefix("columns ")?.strip_prefix(table)?.strip_prefix(' ');
    Some(TABLES.lines().find_map(line)?.split(' ').map(String::from).collect())
}

/// The rows of a table in the file, of one family of losses or of all.
fn rows(table: &str, family: Option<&str>) -> Vec<Row> {
    let row = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (loss, positives) = (words.next()?, words.next()?);
        if family.is_some_and(|family| family != loss) {
            return None;
        }
        Some(Row { preset: format!("{loss}-m{positives}"), published: words.filter_map(published).collect() })
    };
    TABLES.lines().filter(|line| line.split(' ').next() == Some(table)).filter_map(row).collect()
}

/// `53.69±0.25`, or a mean alone.
fn published(word: &str) -> Option<Published> {
    let (mean, deviation) =
        word.split_once('±').map_or((word, None), |(mean, deviation)| (mean, Some(deviation)));
    let deviation = deviation.map(str::parse).transpose().ok()?;
    Some(Published { mean: mean.parse().ok()?, deviation })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset;

    #[test]
    fn every_table_has_its_rows_and_every_row_a_preset_and_all_columns() {
        for (name, rows) in [
            ("1", 6),
            ("2", 20),
            ("3", 20),
            ("4", 14),
            ("5", 3),
            ("s2", 30),
            ("s3", 30),
            ("s4", 30),
            ("s5", 30),
            ("s6", 6),
        ] {
            let table = table(&format!("table-{name}")).unwrap();
            assert_eq!(table.rows.len(), rows, "{name}");
            for row in &table.rows {
                assert!(preset(&row.preset).is_ok(), "{}", row.preset);
                let known = !["debiased", "adv"].contains(&row.preset.as_str());
                let expected = if known { table.columns.len() } else { 0 };
                assert_eq!(row.published.len(), expected, "{name} {}", row.preset);
            }
        }
        assert_eq!(table("table-s6").unwrap().epochs(10)[..3], [10, 20, 40]);
        assert_eq!(table("table-s5").unwrap().epochs(10), [10]);
        assert!(table("table-6").is_err() && table("2").is_err());
    }

    #[test]
    fn figures_that_the_paper_repeats_agree() {
        let mean = |name: &str, preset: &str, column: &str| {
            let table = table(name).unwrap();
            let column = table.columns.iter().position(|known| known == column).unwrap();
            table.rows.iter().find(|row| row.preset == preset).unwrap().published[column].mean
        };
        // Table S5 repeats S3, Table S6 begins with 100 epochs, Table 5 repeats Table 2.
        for row in table("table-s3").unwrap().rows {
            for column in ["cifar100", "cifar100-fgsm", "cifar10", "cifar10-fgsm"] {
                let (s3, s5) = (mean("table-s3", &row.preset, column), mean("table-s5", &row.preset, column));
                assert_eq!(s3, s5, "{} {column}", row.preset);
            }
        }
        for row in table("table-s6").unwrap().rows {
            let here = mean("table-2", &row.preset, "cifar100");
            assert_eq!(row.published[0].mean, here, "{}", row.preset);
        }
        assert_eq!(table("table-4").unwrap().images().name(), "tiny-imagenet");
        assert_eq!(table("table-s6").unwrap().images().name(), "cifar100");
        assert_eq!(mean("table-5", "nca-g2-m5", "cifar10"), mean("table-2", "nca-g2-m5", "cifar10"));
        assert_eq!(mean("table-3", "int-mixnca-0.5-m5", "cifar100-fgsm"), 41.01);
        // Table 1's rows have the accuracies that section 4 gives for Figure 1.
        assert_eq!(mean("table-1", "debiased-hardneg", "cifar100-fgsm"), 31.03);
        assert_eq!(mean("table-1", "intcl", "cifar10-fgsm"), 59.33);
        let pgd = ["cifar10-pgd".to_owned()];
        assert_eq!(published_of("debiased-hardneg", &pgd)[0].mean, 46.24);
        assert_eq!(published_of("supervised", &pgd)[0].mean, 40.35);
        assert!(published_of("simclr", &pgd).is_empty() && published_of("unknown", &pgd).is_empty());
    }
}
