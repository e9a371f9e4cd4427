//! The list of an installed set's files: it is written last, so its presence says that the set was
//! completed, and its sizes show later damage at the cost of one look per file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The list's own name, in the folder that it lists.
const NAME: &str = "COMPLETE";

/// The list's first and last line: between them is one file a line.
const TITLE: &str = "libtorch, complete: SIZE PATH";
const END: &str = "\nend\n";

/// All files below `root`, as paths relative to it, sorted. Links count as files.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Lists the files of `root` and writes the list there.
pub fn write(root: &Path) -> io::Result<()> {
    let mut lines = vec![TITLE.to_owned()];
    for path in files(root)? {
        let size = fs::metadata(root.join(&path))?.len();
        lines.push(format!("{size} {}", path.display()));
    }
    fs::write(root.join(NAME), lines.join("\n") + END)
}

/// What the list of an earlier install says about `root`.
#[derive(Debug, PartialEq)]
pub enum State {
    /// There is no list, so nothing was ever completed there.
    Absent,
    /// Every listed file has its size.
    Complete,
    /// This file is missing, or of another size, or the list itself is cut off.
    Damaged(PathBuf),
}

pub fn check(root: &Path) -> State {
    let Ok(list) = fs::read_to_string(root.join(NAME)) else {
        return State::Absent;
    };
    let listing = list.strip_prefix(TITLE).and_then(|rest| rest.strip_suffix(END));
    let Some(listing) = listing else {
        return State::Damaged(root.join(NAME));
    };
    for line in listing.lines().skip(1) {
        let listed = line.split_once(' ').and_then(|(size, path)| Some((size.parse().ok()?, path)));
        let Some((size, path)) = listed else {
            return State::Damaged(root.join(NAME));
        };
        let path = root.join(path);
        let present: Option<u64> = fs::metadata(&path).ok().map(|metadata| metadata.len());
        if present != Some(size) {
            return State::Damaged(path);
        }
    }
    State::Complete
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A folder of a test's own, removed at its end.
    pub struct Scratch(PathBuf);

    impl Scratch {
        pub fn new(name: &str) -> Self {
            let name = format!("xtask-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn listed(name: &str) -> Scratch {
        let scratch = Scratch::new(name);
        fs::create_dir_all(scratch.path().join("torch/lib")).unwrap();
        fs::write(scratch.path().join("torch/lib/lib with space.so"), [1; 100]).unwrap();
        fs::write(scratch.path().join("torch/empty"), []).unwrap();
        write(scratch.path()).unwrap();
        scratch
    }

    #[test]
    fn a_listed_folder_is_complete() {
        let scratch = listed("complete");
        assert_eq!(check(scratch.path()), State::Complete);
        fs::write(scratch.path().join("more"), "is no damage").unwrap();
        assert_eq!(check(scratch.path()), State::Complete);
    }

    #[test]
    fn without_a_list_nothing_is_complete() {
        let scratch = listed("absent");
        fs::remove_file(scratch.path().join(NAME)).unwrap();
        assert_eq!(check(scratch.path()), State::Absent);
        assert_eq!(check(&scratch.path().join("nowhere")), State::Absent);
    }

    #[test]
    fn lost_and_shortened_files_are_damage() {
        let scratch = listed("damage");
        let library = scratch.path().join("torch/lib/lib with space.so");
        fs::write(&library, [1; 99]).unwrap();
        assert_eq!(check(scratch.path()), State::Damaged(library.clone()));
        fs::remove_file(&library).unwrap();
        assert_eq!(check(scratch.path()), State::Damaged(library));
    }

    #[test]
    fn a_list_that_is_cut_off_is_damage() {
        let scratch = listed("cut");
        let list = scratch.path().join(NAME);
        let text = fs::read_to_string(&list).unwrap();
        for length in 0..text.len() {
            fs::write(&list, &text[..length]).unwrap();
            assert_eq!(check(scratch.path()), State::Damaged(list.clone()), "{length}");
        }
    }
}
