//! The committed header is the one that the sources make.

#[path = "header/mod.rs"]
mod header;

#[test]
fn the_header_is_that_of_the_sources() {
    let committed = std::fs::read_to_string(header::PATH).expect("the header");
    let made = header::made().expect("cbindgen reads the sources");
    assert!(committed == made, "run `cargo run -p intnacl-c --example header`");
}

#[test]
fn every_function_that_is_exported_is_in_the_header() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let header = std::fs::read_to_string(header::PATH).expect("the header");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let source = std::fs::read_to_string(entry.expect("a source").path()).expect("a source");
        for function in source.split("#[unsafe(no_mangle)]").skip(1) {
            let name =
                function.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a function");
            assert!(header.contains(&format!(" {name}(")) || header.contains(&format!("*{name}(")), "{name}");
            found += 1;
        }
    }
    assert!(found >= 7, "{found} functions");
}
