//! Which crate may know which: dependencies point one way.

use std::fs;
use std::path::Path;

/// A crate, its folder, and the crates of this workspace that it may depend on, tests apart.
const HOUSE: [(&str, &str, &[&str]); 15] = [
    ("intnacl-chart", "crates/chart", &[]),
    ("intnacl-gpu-report", "crates/gpu-report", &[]),
    ("intnacl-recorder", "crates/recorder", &[]),
    ("intnacl-vocabulary", "crates/vocabulary", &[]),
    ("intnacl-reference", "reference", &["intnacl-vocabulary"]),
    ("intnacl-engine", "crates/engine", &["intnacl-vocabulary"]),
    ("intnacl-judge", "crates/judge", &["intnacl-reference", "intnacl-vocabulary"]),
    ("intnacl-frameworks", "crates/frameworks", &["intnacl-reference", "intnacl-judge"]),
    ("intnacl", ".", &["intnacl-vocabulary", "intnacl-engine", "intnacl-reference"]),
    (
        "intnacl-cli",
        "crates/cli",
        &["intnacl-chart", "intnacl-vocabulary", "intnacl-reference", "intnacl-judge"],
    ),
    (
        "intnacl-training",
        "crates/training",
        &["intnacl-chart", "intnacl-reference", "intnacl-judge", "intnacl"],
    ),
    (
        "intnacl-fuzz",
        "crates/fuzz",
        &["intnacl-vocabulary", "intnacl-engine", "intnacl-reference", "intnacl-judge", "intnacl-c"],
    ),
    (
        "intnacl-c",
        "bindings/c",
        &["intnacl-vocabulary", "intnacl-engine", "intnacl-reference", "intnacl-judge"],
    ),
    ("intnacl-mutants", "crates/mutants", &["intnacl-reference"]),
    ("intnacl-python", "bindings/python", &["intnacl-vocabulary", "intnacl-reference", "intnacl-judge"]),
];

/// The crates under `[dependencies]` of a package.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = manifest(folder);
    let table = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    table.lines().filter_map(|line| line.split([' ', '=', '.']).next()).map(str::to_owned).collect()
}

fn manifest(folder: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    fs::read_to_string(root.join(folder).join("Cargo.toml")).expect("a manifest")
}

#[test]
fn dependencies_point_one_way() {
    let workspace = manifest(".");
    let members = workspace.split("members = [").nth(1).and_then(|rest| rest.split(']').next());
    for member in members.expect("the members").split(',').map(|member| member.trim().trim_matches('"')) {
        assert!(
            member == "xtask" || HOUSE.iter().any(|(_, folder, _)| *folder == member),
            "{member} has no place in the house"
        );
    }
    for (name, folder, allowed) in HOUSE {
        assert!(manifest(folder).contains(&format!("name = \"{name}\"\n")), "{folder} is not {name}");
        for known in dependencies(folder).iter().filter(|known| known.starts_with("intnacl")) {
            assert!(allowed.contains(&known.as_str()), "{name} may not depend on {known}");
        }
    }
}

#[test]
fn engine_and_command_need_no_libtorch_and_the_reference_no_random_cases() {
    for (folder, unwanted) in [
        ("crates/vocabulary", &["tch", "torch-sys", "pulp", "clap"][..]),
        ("crates/engine", &["tch", "torch-sys", "clap"]),
        ("reference", &["tch", "torch-sys", "proptest", "clap"]),
        ("crates/judge", &["tch", "torch-sys", "clap"]),
        ("crates/cli", &["tch", "torch-sys"]),
        ("bindings/c", &["tch", "torch-sys", "clap"]),
        (".", &["clap", "proptest", "indicatif", "npyz", "safetensors"]),
    ] {
        let known = dependencies(folder);
        for name in unwanted {
            assert!(!known.iter().any(|known| known == name), "{folder} depends on {name}");
        }
    }
}
