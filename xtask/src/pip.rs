//! Running pip, which brings the files: it knows the index, proxies, certificates and mirrors that a
//! person has set up, and checks the hash of what it loads.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// How often a line tells of the progress where nobody watches a terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// A Python that has no wheel of torch can still fetch one that is made for this version.
const OTHER_PYTHON: &str = "3.12";

pub const PROGRAM: &str = "python3";

pub fn python() -> Command {
    Command::new(PROGRAM)
}

/// Python's own version, or why pip cannot be used.
pub fn check() -> Result<(u32, u32)> {
    let version = version()?;
    let pip = python().args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        return Err("`python3` has no pip (often the package `python3-pip`)".to_owned());
    }
    Ok(version)
}

/// Python's own version.
pub fn version() -> Result<(u32, u32)> {
    let version = "import sys; print(*sys.version_info[:2])";
    let output = python().args(["-c", version]).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no `python3`".to_owned(),
        _ => format!("`python3` could not be started: {error}"),
    })?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| "`python3` does not tell its version".to_owned())
}

fn parse_version(answer: &str) -> Option<(u32, u32)> {
    let (major, minor) = answer.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// One call of `pip install`.
pub struct Install<'a> {
    /// Python's version, as `check` tells it.
    pub version: (u32, u32),
    pub requirements: &'a [String],
    /// Whether to install what the requirements require, too.
    pub dependencies: bool,
    /// Whether Python will import the packages: then they are compiled once and not at each start.
    pub imported: bool,
    /// The folder to install into, instead of Python's own.
    pub target: &'a Path,
    /// A folder for what is only there on the way, on the same disk: the usual one is often small.
    pub temporary: &'a Path,
    /// Is kept open by pip, so that the lock outlives this process if that is killed and pip is not.
    pub lock: &'a File,
}

impl Install<'_> {
    fn command(&self, watched: bool) -> io::Result<Command> {
        let mut pip = python();
        pip.args(["-m", "pip", "install", "--no-input", "--no-user"])
            .args(["--only-binary", ":all:", "--target"])
            .arg(self.target)
            .args(["--progress-bar", if watched { "on" } else { "off" }])
            .arg(if self.imported { "--compile" } else { "--no-compile" });
        if !self.dependencies {
            pip.arg("--no-deps");
        }
        if !watched {
            pip.arg("--quiet");
        }
        if !has_wheel(self.version) {
            pip.args(["--implementation", "cp", "--python-version", OTHER_PYTHON]);
        }
        pip.args(self.requirements)
            .env("TMPDIR", self.temporary)
            // Remarks about installs into Python's own folders; this is none.
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .stdin(Stdio::from(self.lock.try_clone()?));
        // The folder is this program's output, so pip talks where this program talks.
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            pip.stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
        }
        Ok(pip)
    }

    /// Runs pip: with its own progress bar on a terminal, else with a line every few seconds.
    pub fn run(&self) -> Result<()> {
        let watched = io::stderr().is_terminal();
        let status = self
            .command(watched)
            .and_then(|mut pip| if watched { pip.status() } else { self.reported(&mut pip) });
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("pip ended with {status}")),
            Err(error) => Err(format!("pip could not be run: {error}")),
        }
    }

    fn reported(&self, pip: &mut Command) -> io::Result<ExitStatus> {
        let mut child = pip.spawn()?;
        let mut last = Instant::now();
        let mut shown = (0, 0);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(100));
            if last.elapsed() < BETWEEN_LINES {
                continue;
            }
            last = Instant::now();
            let sizes = sizes(self.temporary);
            // The companions of the CPU set are too small to be worth a line.
            if sizes != shown && sizes.0 > 20_000_000 {
                shown = sizes;
                eprintln!("libtorch: {}", progress(sizes));
            }
        }
    }
}

/// Whether PyPI has torch for this Python.
pub fn has_wheel(version: (u32, u32)) -> bool {
    ((3, 10)..=(3, 14)).contains(&version)
}

fn progress((loaded, unpacked): (u64, u64)) -> String {
    let mega = |bytes: u64| bytes / 1_000_000;
    match mega(unpacked) {
        0 => format!("{} MB downloaded", mega(loaded)),
        unpacked => format!("{} MB downloaded, {unpacked} MB unpacked", mega(loaded)),
    }
}

/// The bytes of the wheels below `folder` and of the other files there. Pip keeps a second copy of each
/// download for its own cache, in files without a proper name, which are left out.
fn sizes(folder: &Path) -> (u64, u64) {
    let mut sizes = (0, 0);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // Files come and go all the time here; one that is gone counts for nothing.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let path: PathBuf = entry.path();
            if metadata.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "whl") {
                sizes.0 += metadata.len();
            } else if path.extension().is_some() {
                sizes.1 += metadata.len();
            }
        }
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_version_is_read() {
        assert_eq!(parse_version("3 11\n"), Some((3, 11)));
        assert_eq!(parse_version("three"), None);
        assert!(has_wheel((3, 10)) && has_wheel((3, 14)));
        assert!(!has_wheel((3, 9)) && !has_wheel((3, 15)));
    }

    #[test]
    fn progress_is_told_in_megabytes() {
        assert_eq!(progress((312_400_000, 0)), "312 MB downloaded");
        assert_eq!(progress((526_574_961, 88_000_000)), "526 MB downloaded, 88 MB unpacked");
    }

    #[test]
    fn wheels_and_unpacked_files_are_told_apart() {
        let scratch = crate::manifest::tests::Scratch::new("sizes");
        let deep = scratch.path().join("pip-unpack-x");
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join("torch.whl"), [0; 10]).unwrap();
        fs::write(deep.join("libtorch.so"), [0; 7]).unwrap();
        fs::write(scratch.path().join("tmpabc"), [0; 5]).unwrap();
        assert_eq!(sizes(scratch.path()), (10, 7));
    }
}
