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
}

impl Suite {
    /// Whether a mutant is in the code of this suite, and of none before.
    pub fn has(&self, mutant: &Mutant) -> bool {
        of(mutant).is_some_and(|suite| suite.name == self.name)
    }
}

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
            &["--test-package=intnacl-reference", "--lib", "--test", "bound", "--test", "audit"],
            &["--test-package=intnacl-reference,intnacl-cli"],
        ],
    },
    Suite {
        name: "reference",
        files: &["reference/src"],
        stages: &[
            &[
                "--test-package=intnacl-reference",
                "--lib",
                "--test",
                "exact",
                "--test",
                "extremes",
                "--test",
                "reads",
            ],
            &["--test-package=intnacl-reference,intnacl-vocabulary,intnacl-judge,intnacl-engine,intnacl-cli"],
        ],
    },
    Suite {
        name: "engine",
        files: &["crates/engine/src"],
        stages: &[&["--test-package=intnacl-engine"], &["--test-package=intnacl"]],
    },
    Suite {
        name: "operators",
        files: &["src"],
        stages: &[
            &["--test-package=intnacl", "--test", "laws", "--lib"],
            &["--test-package=intnacl,intnacl-training"],
        ],
    },
];
