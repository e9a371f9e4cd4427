//! One mutant on the tests.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use process_wrap::std::{CommandWrap, ProcessGroup};
use serde_json::{Value, json};

use crate::Result;
use crate::sample::Mutant;
use crate::suite::Suite;

/// Longer than compiling takes on two busy cores.
const TO_COMPILE: Duration = Duration::from_secs(1200);
/// Tests that take so many times as long as without a mutant do not end; nor do short ones within the least time.
const TIMES: u32 = 6;
const LEAST: Duration = Duration::from_secs(60);

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The compiler refuses it.
    DoesNotCompile,
    /// A test fails, in this stage.
    Noticed(usize),
    /// Some stage took longer than any should.
    TookTooLong(usize),
    /// The tests of this stage pass; later ones have not been tried.
    Passed(usize),
    /// All tests pass.
    Survived,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotCompile => write!(formatter, "does not compile"),
            Self::Noticed(stage) => write!(formatter, "noticed in stage {}", stage + 1),
            Self::TookTooLong(stage) => write!(formatter, "took too long in stage {}", stage + 1),
            Self::Passed(stage) => write!(formatter, "not noticed in stage {}", stage + 1),
            Self::Survived => write!(formatter, "NOT NOTICED"),
        }
    }
}

/// Runs mutants in a copy of the code.
pub struct Trial<'a> {
    /// The copy.
    tree: &'a Path,
    /// Where logs are, and the code that is to be put back.
    work: &'a Path,
    /// How long a mutant's tests may take, for each suite and stage of which they pass on the code as it is: those of a
    /// stage run before the first mutant that comes to it.
    patience: HashMap<(&'static str, usize), Duration>,
}

impl<'a> Trial<'a> {
    pub fn new(tree: &'a Path, work: &'a Path) -> Self {
        Self { tree, work, patience: HashMap::new() }
    }

    /// Makes the mutant, runs the tests of a stage, and puts the code back.
    pub fn run(&mut self, mutant: &Mutant, suite: &'static Suite, stage: usize) -> Result<Outcome> {
        let patience = self.patience(suite, stage)?;
        let path = self.tree.join(&mutant.file);
        let code = std::fs::read_to_string(&path)?;
        std::fs::write(self.work.join("changed.json"), json!({ "path": path, "code": code }).to_string())?;
        std::fs::write(&path, mutant.made(&code)?)?;
        let outcome = self.stage(suite, stage, patience);
        restore(self.work)?;
        outcome
    }

    /// How long the tests of a stage may take, which pass without a mutant.
    fn patience(&mut self, suite: &'static Suite, stage: usize) -> Result<Duration> {
        if let Some(patience) = self.patience.get(&(suite.name, stage)) {
            return Ok(*patience);
        }
        let compiles = cargo(suite, stage, &["--no-run"], self.tree, self.work, TO_COMPILE)?;
        let since = Instant::now();
        if compiles != Some(true) || cargo(suite, stage, &[], self.tree, self.work, TO_COMPILE)? != Some(true)
        {
            let (stage, name, log) = (stage + 1, suite.name, self.work.join("last.log"));
            let log = log.display();
            return Err(format!("stage {stage} of {name} fails without any mutant: {log} says how").into());
        }
        let patience = (since.elapsed() * TIMES).max(LEAST);
        self.patience.insert((suite.name, stage), patience);
        Ok(patience)
    }

    fn stage(&self, suite: &Suite, stage: usize, patience: Duration) -> Result<Outcome> {
        match cargo(suite, stage, &["--no-run"], self.tree, self.work, TO_COMPILE)? {
            Some(true) => {}
            Some(false) => return Ok(Outcome::DoesNotCompile),
            None => return Err(format!("the tests of stage {} do not get compiled", stage + 1).into()),
        }
        Ok(match cargo(suite, stage, &[], self.tree, self.work, patience)? {
            Some(true) if stage + 1 < suite.stages.len() => Outcome::Passed(stage),
            Some(true) => Outcome::Survived,
            Some(false) => Outcome::Noticed(stage),
            None => Outcome::TookTooLong(stage),
        })
    }
}

/// Puts back the code that a run which was stopped has left changed.
pub fn restore(work: &Path) -> Result<()> {
    let changed = work.join("changed.json");
    let Ok(text) = std::fs::read_to_string(&changed) else { return Ok(()) };
    let kept: Value = serde_json::from_str(&text)?;
    if let (Some(path), Some(code)) = (kept["path"].as_str(), kept["code"].as_str()) {
        std::fs::write(path, code)?;
    }
    Ok(std::fs::remove_file(changed)?)
}

/// Whether the tests pass; nothing if they do not end.
fn cargo(
    suite: &Suite,
    stage: usize,
    more: &[&str],
    tree: &Path,
    work: &Path,
    patience: Duration,
) -> Result<Option<bool>> {
    let (tests, oracle) = (suite.stages[stage], suite.oracle);
    let log = std::fs::File::create(work.join("last.log"))?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("test").args(tests).args(more).current_dir(tree);
    for package in oracle {
        cargo.args(["--config", &format!("profile.dev.package.{package}.opt-level = 3")]);
    }
    // Compiled twice as fast, and tested half as fast: compiling is what takes time for what is broken.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "none");
    cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_TARGET_DIR", tree.with_file_name("built"));
    // A quarter of the cases of a law: a mutant that only more of them notice counts as not noticed.
    cargo.env("PROPTEST_RNG_SEED", "1").env("PROPTEST_CASES", "64").env("RUSTFLAGS", "-A warnings");
    cargo.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = CommandWrap::from(cargo).wrap(ProcessGroup::leader()).spawn()?;
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if failed(&std::fs::read(work.join("last.log"))?) {
            child.start_kill()?;
            child.wait()?;
            return Ok(Some(false));
        }
        if since.elapsed() > patience {
            child.start_kill()?;
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(100));
    }
}

/// Whether some test has failed: the others need not end.
fn failed(log: &[u8]) -> bool {
    log.split_inclusive(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"test ") && line.ends_with(b" ... FAILED\n"))
}

#[cfg(test)]
mod tests {
    use super::failed;

    #[test]
    fn the_first_failure_is_seen_while_the_tests_run() {
        assert!(failed(b"\nrunning 2 tests\ntest a ... ok\ntest b ... FAILED\n"));
        assert!(!failed(b"\nrunning 2 tests\ntest a ... ok\ntest b_FAILED ... ok\ntest c ... FAI"));
    }
}
