//! `cargo xtask doc`: the documentation of all crates, with equations that render without a network.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use crate::{Result, cargo};

/// KaTeX, its licence, and the header that loads it.
const KATEX: &str = "docs/katex";

/// Builds the documentation, and puts KaTeX beside it. The feature `doc-only` makes this possible where libtorch is not.
pub fn run(workspace: &Path, args: Vec<String>) -> Result<ExitCode> {
    let katex = workspace.join(KATEX);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["doc", "--workspace", "--no-deps", "--features", "intnacl/doc-only"])
        .args(args)
        .current_dir(workspace)
        .env("CARGO_ENCODED_RUSTDOCFLAGS", flags(&katex.join("header.html")))
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() {
        let documentation = target_folder()?.join("doc");
        copy(&katex, &documentation.join("katex"))?;
        println!("{}", documentation.join("intnacl_reference/index.html").display());
    }
    Ok(cargo::exit_code(status))
}

/// The arguments for rustdoc: those that the caller has set, then the header. They are encoded, since a path may have spaces.
fn flags(header: &Path) -> String {
    let encoded = env::var("CARGO_ENCODED_RUSTDOCFLAGS").ok();
    let plain = env::var("RUSTDOCFLAGS").unwrap_or_default();
    let given = encoded.unwrap_or_else(|| plain.split_whitespace().collect::<Vec<_>>().join("\x1f"));
    let header = ["--html-in-header", &header.to_string_lossy()].join("\x1f");
    if given.is_empty() { header } else { [given, header].join("\x1f") }
}

/// The folder that cargo builds in. This program lies there, in a folder named for its profile.
fn target_folder() -> Result<PathBuf> {
    let program = env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
    let folder = program.parent().and_then(Path::parent).map(Path::to_path_buf);
    folder.ok_or_else(|| format!("{}: not in a target folder", program.display()))
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |path: &Path, error| format!("{}: {error}", path.display());
    fs::create_dir_all(to).map_err(|error| failed(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let source = entry.map_err(|error| failed(from, error))?.path();
        let target = to.join(source.file_name().unwrap_or_default());
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| failed(&source, error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn katex(file: &str) -> String {
        fs::read_to_string(cargo::workspace().join(KATEX).join(file)).unwrap()
    }

    #[test]
    fn the_header_names_the_version_that_is_here() {
        let (script, header) = (katex("katex.min.js"), katex("header.html"));
        let version = script.split("version:\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(header.contains(&format!("katex@{version}/")), "the header does not name {version}");
        assert!(katex("README.md").contains(&format!("KaTeX {version} ")));
    }

    #[test]
    fn each_package_with_a_header_for_docs_rs_has_this_one() {
        let workspace = cargo::workspace();
        let mut headers = 0;
        for package in ["", "reference", "crates/vocabulary", "crates/engine", "crates/judge"] {
            let folder = workspace.join(package);
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            let Some((_, rest)) = manifest.split_once("\"--html-in-header\", \"") else { continue };
            let (name, _) = rest.split_once('"').unwrap();
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), katex("header.html"), "{package}");
            headers += 1;
        }
        assert!(headers >= 4, "{headers} packages have a header");
    }

    #[test]
    fn a_folder_is_copied_with_its_folders() {
        let scratch = crate::manifest::tests::Scratch::new("doc");
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        fs::create_dir_all(from.join("fonts")).unwrap();
        fs::write(from.join("script"), "1").unwrap();
        fs::write(from.join("fonts/font"), "2").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("script")).unwrap(), "1");
        assert_eq!(fs::read_to_string(to.join("fonts/font")).unwrap(), "2");
        assert!(copy(&scratch.path().join("absent"), &to).unwrap_err().contains("absent"));
    }
}
