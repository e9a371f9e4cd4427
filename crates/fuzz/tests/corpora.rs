//! Each target on its corpus: bytes that reach much code, and bytes that once broke a promise.

use intnacl_judge::images::Rng;
use std::fs;
use std::path::Path;

#[test]
fn every_corpus_keeps_its_promises() {
    for (name, target) in intnacl_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files: Vec<_> =
            fs::read_dir(&folder).expect("a corpus").map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 20, "{} has {} files", folder.display(), files.len());
        for path in files {
            let bytes = fs::read(&path).expect("a file of the corpus");
            let kept = std::panic::catch_unwind(|| target(&bytes));
            assert!(kept.is_ok(), "{name} breaks its promise on {}", path.display());
        }
    }
}

#[test]
fn any_bytes_keep_the_promises() {
    // Few and blind: libFuzzer is the one that looks.
    let mut rng = Rng::new(1);
    for (_, target) in intnacl_fuzz::TARGETS {
        for length in 0..300 {
            let bytes: Vec<u8> = (0..length).map(|_| rng.below(256) as u8).collect();
            target(&bytes);
        }
    }
}
