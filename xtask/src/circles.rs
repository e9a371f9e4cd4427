//! No two files of a crate need each other: what a file imports never leads back to it.
//!
//! A module and those within it count as one room: a module may hand on what its files define, and they may take from it
//! what it defines for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The folders of sources.
const SOURCES: [&str; 13] = [
    "src",
    "reference/src",
    "crates/vocabulary/src",
    "crates/engine/src",
    "crates/judge/src",
    "crates/cli/src",
    "crates/training/src",
    "crates/frameworks/src",
    "crates/fuzz/src",
    "crates/mutants/src",
    "bindings/c/src",
    "bindings/python/src",
    "xtask/src",
];

/// The modules under a folder, with their texts; tests and programs are not among them.
fn modules(folder: &Path, within: &[String], all: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let named = [within, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            if !["tests", "bin"].contains(&name.as_str()) {
                modules(&path, &named, all);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let module =
                if ["lib", "main", "mod"].contains(&name.as_str()) { within.to_vec() } else { named };
            all.insert(module, fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// The paths of a `use`, one for each leaf of its tree.
fn leaves(tree: &str) -> Vec<String> {
    let Some((before, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in inner.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| leaves(part.trim())).map(|leaf| format!("{}{leaf}", before.trim())).collect()
}

/// Every path that a source names: of its imports, and those in its text that begin with `crate` or `super`.
fn paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for statement in code.split(';') {
        let starts = ["\nuse ", "\npub use ", "\npub(crate) use ", "\npub(super) use "];
        if let Some(tree) = starts.iter().find_map(|start| statement.split(start).nth(1)) {
            found.extend(leaves(tree));
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let path =
                code[at..].split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
            found.extend(path.take(1).map(str::to_owned));
        }
    }
    found
}

/// The module that a path leads to from a module, if it is one of the crate's.
fn target(path: &str, from: &Module, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut words = path.split("::").map(str::trim).filter(|word| !word.is_empty()).peekable();
    let mut at = match *words.peek()? {
        "crate" => Vec::new(),
        "super" | "self" => from.clone(),
        first => {
            let inner = [from.as_slice(), &[first.to_owned()]].concat();
            all.contains_key(&inner).then(|| from.clone())?
        }
    };
    for word in words {
        match word {
            "crate" | "self" => {}
            "super" => {
                at.pop();
            }
            name => {
                let inner = [at.as_slice(), &[name.to_owned()]].concat();
                if !all.contains_key(&inner) {
                    break;
                }
                at = inner;
            }
        }
    }
    Some(at)
}

/// Which module imports which: not what lies within it.
fn imports(all: &BTreeMap<Module, String>) -> Imports {
    let of = |(from, text): (&Module, &String)| {
        let targets = paths(text).into_iter().filter_map(|path| target(&path, from, all));
        (from.clone(), targets.filter(|to| all.contains_key(to) && !to.starts_with(from)).collect())
    };
    all.iter().map(of).collect()
}

/// All modules that one leads to.
fn reached(from: &Module, imports: &Imports) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = imports[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module.clone()) {
            next.extend(&imports[module]);
        }
    }
    reached
}

/// The modules that lead back to themselves.
fn circles(imports: &Imports) -> Vec<String> {
    let leads_back = |module: &&Module| reached(module, imports).contains(*module);
    imports.keys().filter(leads_back).map(|module| module.join("::")).collect()
}

#[test]
fn no_two_files_need_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    for source in SOURCES {
        let mut all = BTreeMap::new();
        modules(&root.join(source), &[], &mut all);
        assert!(!all.is_empty(), "{source} has no modules");
        let circles = circles(&imports(&all));
        assert!(circles.is_empty(), "{source}: these lead back to themselves: {}", circles.join(", "));
    }
}

#[test]
fn a_circle_is_found_and_a_room_with_its_files_is_none() {
    let of = |files: &[(&str, &str)]| {
        let module =
            |name: &str| name.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let all = files.iter().map(|(name, text)| (module(name), format!("\n{text}"))).collect();
        circles(&imports(&all))
    };
    assert_eq!(
        of(&[("a", "use super::b::X;"), ("b", "use crate::{c::Y, d};"), ("c", "fn f() { super::a::g() }")]),
        ["a", "b", "c"]
    );
    assert!(of(&[("a", "use super::b::X;"), ("b", "// use super::a::Y;\n")]).is_empty());
    assert!(of(&[("a", "mod b;\npub use b::X;"), ("a::b", "use super::Y;")]).is_empty());
    assert!(of(&[("a", "use super::b;"), ("b", "#[cfg(test)]\nmod tests {\nuse crate::a;\n}")]).is_empty());
}
