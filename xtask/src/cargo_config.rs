//! `.cargo/libtorch.toml`: tells plain `cargo` commands where libtorch is. `.cargo/config.toml` includes
//! it where it exists; it is this checkout's own and not committed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::torch::Source;

pub fn path(workspace: &Path) -> PathBuf {
    workspace.join(".cargo").join("libtorch.toml")
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn source_line(source: Source) -> String {
    format!("# Taken from: {source}.")
}

fn libtorch_line(libtorch: &str) -> String {
    format!("LIBTORCH = {}", quoted(libtorch))
}

/// The file's whole text. The variables are not forced: one that is set in the shell wins.
fn contents(libtorch: &str, source: Source) -> String {
    format!(
        "# Written by `cargo xtask`, anew whenever libtorch is found elsewhere; delete it at will.\n\
         {}\n\
         \n\
         [env]\n\
         {}\n\
         LIBTORCH_CXX11_ABI = \"1\"\n",
        source_line(source),
        libtorch_line(libtorch),
    )
}

/// Whether `file`, the text of an earlier run, names `libtorch` as what a search had found.
///
/// Cargo hands the file's variables to this program too, where they look as if the shell had set them:
/// this tells the two apart.
pub fn was_found_by_search(file: &str, libtorch: &str) -> bool {
    let has = |line: String| file.lines().any(|other| other == line);
    has(libtorch_line(libtorch)) && !has(source_line(Source::Variable))
}

/// Writes the file, unless it says the same already: cargo and editors look at its time.
pub fn write(workspace: &Path, libtorch: &Path, source: Source) -> Result<()> {
    let path = path(workspace);
    let text = libtorch
        .to_str()
        .ok_or_else(|| format!("{} cannot be written down for cargo: it is not UTF-8", libtorch.display()))?;
    let contents = contents(text, source);
    if fs::read_to_string(&path).is_ok_and(|present| present == contents) {
        return Ok(());
    }
    let fresh = path.with_extension(format!("toml.{}", std::process::id()));
    fs::create_dir_all(workspace.join(".cargo"))
        .and_then(|()| fs::write(&fresh, contents))
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(|error| format!("{} could not be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        assert_eq!(quoted("/a b/c"), r#""/a b/c""#);
        assert_eq!(quoted(r#"/a"b\c"#), r#""/a\"b\\c""#);
        assert_eq!(quoted("/tab\there/ü"), "\"/tab\\u0009here/ü\"");
    }

    #[test]
    fn the_file_says_where_its_folder_comes_from() {
        let odd = r#"/a "quoted" folder/torch"#;
        let found = contents(odd, Source::Cache);
        assert!(was_found_by_search(&found, odd));
        assert!(!was_found_by_search(&found, "/elsewhere"));
        assert!(!was_found_by_search(&contents(odd, Source::Variable), odd));
        assert!(!was_found_by_search("", odd));
    }

    #[test]
    fn an_unchanged_file_is_left_alone() {
        let workspace = crate::manifest::tests::Scratch::new("config");
        let at = |folder: &str| {
            write(workspace.path(), Path::new(folder), Source::Python).unwrap();
            let file = path(workspace.path());
            let text = fs::read_to_string(&file).unwrap();
            (text, fs::metadata(&file).unwrap().modified().unwrap())
        };
        let first = at("/one");
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(at("/one"), first);
        let second = at("/two");
        assert!(second.0 != first.0 && second.1 > first.1);
        let entries = fs::read_dir(workspace.path().join(".cargo")).unwrap();
        assert_eq!(entries.count(), 1, "nothing else is left behind");
    }
}
