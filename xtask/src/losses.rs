//! Every loss stands in each list that no compiler looks at.

use std::fs;

use crate::cargo;

/// A file, and how a loss stands in it, `{}` being its name.
const LISTS: [(&str, &[&str]); 7] = [
    ("README.md", &["(reference/src/loss/{}.rs)"]),
    ("notes/requests.md", &["| `{}` |"]),
    ("benches/peers/losses.py", &["self.loss == \"{}\""]),
    ("bindings/python/README.md", &["`{}`"]),
    ("bindings/python/python/intnacl/__init__.py", &["\n    {},\n", "\n    \"{}\",\n"]),
    ("bindings/python/python/intnacl/exact.py", &["\ndef {}("]),
    ("bindings/python/tests/test_exact.py", &["intnacl.{},"]),
];

fn text(file: &str) -> String {
    fs::read_to_string(cargo::workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of the losses of embeddings, from their table.
fn losses() -> Vec<String> {
    let table = text("crates/vocabulary/src/table.rs");
    let names = table.lines().filter_map(|line| line.strip_prefix("        name: \"")?.strip_suffix("\","));
    names.map(str::to_owned).collect()
}

#[test]
fn every_loss_stands_in_every_list() {
    let losses = losses();
    assert!(losses.len() >= 9 && losses[0] == "simclr", "{losses:?}");
    for (file, forms) in LISTS {
        let text = text(file);
        for (loss, form) in losses.iter().flat_map(|loss| forms.iter().map(move |form| (loss, form))) {
            let wanted = form.replace("{}", loss);
            assert!(text.contains(&wanted), "{file} does not have {wanted:?}");
        }
    }
}
