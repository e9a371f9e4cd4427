//! Which tests a mutant is tried on.

use crate::sample::Mutant;

/// Code, and the tests that hold it.
pub struct Suite {
    /// Its name, in reports.
    pub name: &'static str,
    /// The beginnings of the paths of its files.
    files: &'static [&'static str],
    /// The arguments of `cargo test`, from the tests that bite fast to those that take long.
    pub stages: &'static [&'static [&'static str]],
    /// Packages that tests compare with: they are compiled once, and for speed.
    pub oracle: &'static [&'static str],
}

/// What judges production.
const JUDGES: &[&str] = &["intnacl-reference", "intnacl-judge"];

/// The suite of a mutant.
pub fn of(mutant: &Mutant) -> Option<&'static Suite> {
    SUITES.iter().find(|suite| suite.files.iter().any(|file| mutant.file.starts_with(file)))
}

/// All suites; a file belongs to the first that names it.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "bound",
        files: &["reference/src/bound"],
        stages: &[
            &["--package", "intnacl-reference", "--lib", "--test", "bound"],
            &["--package", "intnacl-reference"],
        ],
        oracle: &[],
    },
    Suite {
        name: "reference",
        files: &["reference/src"],
        stages: &[
            &["--package", "intnacl-reference", "--lib", "--test", "exact", "--test", "extremes"],
            &["--package", "intnacl-reference", "--package", "intnacl-judge"],
        ],
        oracle: &[],
    },
    Suite {
        name: "engine",
        files: &["crates/engine/src"],
        stages: &[&["--package", "intnacl-engine"], &["--package", "intnacl"]],
        oracle: JUDGES,
    },
    Suite {
        name: "operators",
        files: &["src"],
        stages: &[
            // The laws meet tuples alone there: batches on a processor are the engine's.
            &["--package", "intnacl", "--lib"],
            &["--package", "intnacl", "--package", "intnacl-training"],
        ],
        oracle: JUDGES,
    },
];
