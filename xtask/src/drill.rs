//! `cargo xtask loss-drill`: adds a loss to a copy of the tree, and leaves out each place that it needs in turn.
//!
//! A place is worth a line in `notes/adding-a-loss.md` if nothing works without it, and it is safe if its absence is an error
//! of the compiler or of a test. The drill sees both: with all places the copy compiles and its tests pass, and without any one
//! of them the check that the note names fails.

mod places;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::{Result, cargo};
use places::PLACES;

/// The page that lists the places.
const NOTE: &str = "notes/adding-a-loss.md";

/// Little of the copy is run, and all of it is compiled.
const QUICKLY: [&str; 4] =
    ["--config", "profile.dev.opt-level=1", "--config", "profile.dev.package.\"*\".opt-level=0"];

/// A place that a new loss needs.
struct Place {
    /// As the note has it.
    name: &'static str,
    edits: &'static [Edit],
    fails: Fails,
}

/// A change of a file.
enum Edit {
    /// A text, which stands there once, becomes another.
    Replace { file: &'static str, old: &'static str, new: &'static str },
    /// A new file.
    Create { file: &'static str, text: &'static str },
    /// Cargo writes the file, with these arguments: on its standard output, or in the folder that its last argument names.
    Write { file: &'static str, by: &'static [&'static str] },
}

/// The check that fails where a place is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fails {
    /// `cargo check`, with these arguments.
    Check(&'static [&'static str]),
    /// A test of a package, among its targets of these arguments.
    Test { package: &'static str, target: &'static [&'static str], name: &'static str },
}

impl Edit {
    fn file(&self) -> &'static str {
        match self {
            Edit::Replace { file, .. } | Edit::Create { file, .. } | Edit::Write { file, .. } => file,
        }
    }
}

impl Fails {
    fn arguments(self) -> Vec<&'static str> {
        match self {
            Fails::Check(arguments) => [&["check", "--package"], arguments].concat(),
            Fails::Test { package, target, name } => {
                [&["test", "--package", package], target, &[name]].concat()
            }
        }
    }

    /// What the output of the check has where it fails for the reason that is meant, and for no other.
    fn sign(self) -> String {
        match self {
            Fails::Check(_) => "error[E".to_owned(),
            Fails::Test { name, .. } => format!("{name} ... FAILED"),
        }
    }

    /// As the note has it.
    fn words(self) -> String {
        match self {
            // The documentation's feature only spares the drill libtorch.
            Fails::Check(arguments) => {
                let arguments =
                    arguments.iter().filter(|word| !word.contains("doc-only") && **word != "--features");
                format!("`cargo check -p {}`", arguments.copied().collect::<Vec<_>>().join(" "))
            }
            Fails::Test { name, .. } => format!("test `{name}`"),
        }
    }
}

/// The list of the note.
fn table() -> String {
    let mut lines = vec!["| | place | what fails without it |".to_owned(), "|---|---|---|".to_owned()];
    for (number, place) in PLACES.iter().enumerate() {
        lines.push(format!("| {} | {} | {} |", number + 1, place.name, place.fails.words()));
    }
    lines.join("\n")
}

/// A page with the table in place of the one that it has: its lines that begin with `|`.
fn with_table(page: &str) -> String {
    let (before, rest) = page.split_at(page.find("\n| ").map_or(page.len(), |place| place + 1));
    let after = rest.find("\n\n").map_or("", |place| &rest[place..]);
    format!("{before}{}{after}", table())
}

/// A text with a replacement of what stands there once.
fn replaced(file: &str, text: &str, old: &str, new: &str) -> Result<String> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        count => Err(format!("{file}: this stands there {count} times, expected once:\n{old}")),
    }
}

/// The copy.
struct Copy<'a> {
    workspace: &'a Path,
    tree: PathBuf,
    target: PathBuf,
}

impl<'a> Copy<'a> {
    /// Copies the tracked files; what was built for an earlier copy stays.
    fn new(workspace: &'a Path) -> Result<Self> {
        let folder = cargo::target(workspace).join("loss-drill");
        let (tree, target) = (folder.join("tree"), folder.join("target"));
        match fs::remove_dir_all(&tree) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {error}", tree.display()));
            }
            _ => {}
        }
        let copy = Self { workspace, tree, target };
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(workspace).output();
        let listed = listed.map_err(|error| format!("git could not be started: {error}"))?;
        let files = String::from_utf8_lossy(&listed.stdout).into_owned();
        let files: Vec<&str> = files.split_terminator('\0').collect();
        if files.is_empty() {
            return Err("git lists no files: the drill needs a checkout".to_owned());
        }
        // A file that is listed and not there was removed since.
        for file in files.into_iter().filter(|file| workspace.join(file).is_file()) {
            let into = copy.tree.join(file);
            let parent = into.parent().unwrap_or(&copy.tree);
            let copied = fs::create_dir_all(parent).and_then(|()| fs::copy(workspace.join(file), &into));
            copied.map_err(|error| format!("{}: {error}", into.display()))?;
        }
        Ok(copy)
    }

    /// Every file that is replaced or created, as it is with all places but one: nothing for one that is not there.
    fn edited(&self, file: &str, without: Option<usize>) -> Result<Option<String>> {
        let mut text = fs::read_to_string(self.workspace.join(file)).ok();
        for place in PLACES.iter().enumerate().filter(|(at, _)| Some(*at) != without).map(|(_, place)| place)
        {
            for edit in place.edits.iter().filter(|edit| edit.file() == file) {
                match edit {
                    Edit::Replace { old, new, .. } => {
                        text = Some(replaced(file, &text.unwrap_or_default(), old, new)?);
                    }
                    Edit::Create { text: new, .. } => text = Some((*new).to_owned()),
                    Edit::Write { .. } => {}
                }
            }
        }
        Ok(text)
    }

    fn write(&self, file: &str, text: Option<String>) -> Result<()> {
        let path = self.tree.join(file);
        let written = match text {
            Some(text) => fs::write(&path, text),
            None => fs::remove_file(&path),
        };
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Adds the loss at every place.
    fn fill(&self) -> Result<()> {
        let edits = || PLACES.iter().flat_map(|place| place.edits);
        for file in edits().filter(|edit| !matches!(edit, Edit::Write { .. })).map(Edit::file) {
            self.write(file, self.edited(file, None)?)?;
        }
        let written = || {
            edits().filter_map(|edit| match edit {
                Edit::Write { file, by } => Some((*file, *by)),
                _ => None,
            })
        };
        // The programs that write the files are built of them.
        for (file, _) in written().filter(|(file, _)| !self.tree.join(file).exists()) {
            self.write(file, Some("{}\n".to_owned()))?;
        }
        for (file, by) in written() {
            let (succeeded, output) = self.cargo(by, false)?;
            if !succeeded {
                return Err(format!("`cargo {}` fails:\n{output}", by.join(" ")));
            }
            if by.last().is_none_or(|last| !file.starts_with(last)) {
                self.write(file, Some(output))?;
            }
        }
        Ok(())
    }

    /// Runs a check without one place, and puts the place back.
    fn leave_out(&self, at: usize) -> Result<()> {
        let place = &PLACES[at];
        let files: BTreeSet<&str> = place.edits.iter().map(Edit::file).collect();
        let mut kept = Vec::new();
        for file in files {
            kept.push((file, fs::read_to_string(self.tree.join(file)).ok()));
            self.write(file, self.edited(file, Some(at))?)?;
        }
        let (succeeded, output) = self.cargo(&place.fails.arguments(), true)?;
        for (file, text) in kept {
            self.write(file, text)?;
        }
        if succeeded {
            return Err(format!("without {}, {} does not fail", place.name, place.fails.words()));
        }
        if !output.contains(&place.fails.sign()) {
            let words = place.fails.words();
            return Err(format!("without {}, {words} fails for another reason:\n{output}", place.name));
        }
        Ok(())
    }

    /// Runs cargo in the copy: whether it succeeded, and its standard output, with its errors if they are asked for.
    fn cargo(&self, arguments: &[&str], with_errors: bool) -> Result<(bool, String)> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let done = Command::new(cargo)
            .args(QUICKLY)
            .args(arguments)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody debugs the copy.
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .map_err(|error| format!("cargo could not be started: {error}"))?;
        let succeeded = done.status.success();
        let errors = String::from_utf8_lossy(&done.stderr);
        let progress = |line: &&str| line.starts_with("   Compiling") || line.starts_with("    Checking");
        let errors = errors.lines().filter(|line| !progress(line)).collect::<Vec<_>>().join("\n");
        let output = String::from_utf8_lossy(&done.stdout).into_owned();
        let wanted = with_errors || !succeeded;
        Ok((succeeded, if wanted { output + &errors } else { output }))
    }
}

/// Runs the drill; with `--write`, the note gets its table.
pub fn run(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let write = match args {
        [] => false,
        [word] if word == "--write" => true,
        _ => return Err(format!("`cargo xtask loss-drill` takes only --write, not `{}`", args.join(" "))),
    };
    let start = Instant::now();
    let say = |what: &str| eprintln!("[{:4} s] {what}", start.elapsed().as_secs());
    let copy = Copy::new(workspace)?;
    say("the loss is added at every place");
    copy.fill()?;
    // Every check that fails below passes here, and so does all of the workspace that speaks of losses.
    let whole = ["check", "--workspace", "--exclude", "intnacl-frameworks", "--all-targets"];
    let mut checks = BTreeSet::from([[&whole[..], &["--features", "intnacl/doc-only"]].concat()]);
    checks.extend(PLACES.iter().map(|place| place.fails.arguments()));
    for check in checks {
        say(&format!("with all places: cargo {}", check.join(" ")));
        let (succeeded, output) = copy.cargo(&check, true)?;
        if !succeeded {
            return Err(format!("with all places, `cargo {}` fails:\n{output}", check.join(" ")));
        }
    }
    for (at, place) in PLACES.iter().enumerate() {
        copy.leave_out(at)?;
        say(&format!(
            "{} of {}: without {}, {} fails",
            at + 1,
            PLACES.len(),
            place.name,
            place.fails.words()
        ));
    }
    println!("{}", table());
    if write {
        let note = workspace.join(NOTE);
        let failed = |error| format!("{}: {error}", note.display());
        let page = fs::read_to_string(&note).map_err(failed)?;
        fs::write(&note, with_table(&page)).map_err(failed)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo;

    fn text(file: &str) -> String {
        fs::read_to_string(cargo::workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    #[test]
    fn every_text_that_the_drill_replaces_stands_once() {
        for edit in PLACES.iter().flat_map(|place| place.edits) {
            match edit {
                Edit::Replace { file, old, new } => {
                    assert_ne!(old, new, "{file}");
                    if let Err(problem) = replaced(file, &text(file), old, new) {
                        panic!("{problem}");
                    }
                }
                Edit::Create { file, .. } => {
                    assert!(!cargo::workspace().join(file).exists(), "{file} is there");
                }
                Edit::Write { by, .. } => assert_eq!(by[0], "run"),
            }
        }
    }

    #[test]
    fn the_note_has_the_places_of_the_drill() {
        let page = text(NOTE);
        assert!(page.contains(&table()), "run `cargo xtask loss-drill --write`");
        assert_eq!(with_table(&page), page);
        for place in PLACES {
            for edit in place.edits {
                let file = edit.file();
                let named = |folder: &str| place.name.contains(&format!("`{folder}"));
                let folder = file.rsplit_once('/').map_or(file, |(folder, _)| folder);
                assert!(named(file) || named(folder), "{} does not name {file}", place.name);
            }
        }
    }

    #[test]
    fn a_text_that_is_gone_or_doubled_is_named_with_its_file() {
        assert_eq!(replaced("f", "a b", "a", "a c").unwrap(), "a c b");
        for text in ["", "a a"] {
            let problem = replaced("src/f.rs", text, "a", "b").unwrap_err();
            assert!(problem.starts_with("src/f.rs: this stands there") && problem.ends_with("\na"));
        }
    }
}
