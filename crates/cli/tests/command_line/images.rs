//! `intnacl verify --images`: laws that are fed from images of a file.

use serde_json::Value;

use crate::bound::{add, npz};
use crate::{Outcome, intnacl};

/// Writes a file into the folder of these tests.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = format!("{}/images-{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, bytes).expect("the file");
    path
}

/// An archive with one array of bytes.
fn archive(array: &str, shape: &[u64], levels: &[u8]) -> Vec<u8> {
    npz(|writer| add(writer, array, shape, levels))
}

/// Levels without a pattern that a law could rest on.
fn levels(count: usize) -> Vec<u8> {
    (0..count as u64).map(|k| (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn verify(images: &str, more: &[&str]) -> Outcome {
    let arguments = [
        "verify",
        "--implementation",
        "reference",
        "--cases",
        "4",
        "--law",
        "agrees_with_the_reference",
        "--loss",
        "simclr",
    ];
    intnacl(&[&arguments[..], &["--images", images], more].concat(), b"")
}

/// The number of images and their shape stand in the verdict and in the results.
#[test]
fn laws_are_fed_from_images_of_a_file() {
    let records: Vec<u8> = (0..40).flat_map(|k| [vec![k % 10], levels(3072)].concat()).collect();
    let colour = archive("images", &[33, 4, 6, 3], &levels(33 * 72));
    for (name, bytes, words) in [
        ("grey.npz", archive("images", &[64, 5, 7], &levels(64 * 35)), ["64 of", "5 x 7, channels: 1"]),
        ("colour.npz", colour, ["33 of", "4 x 6, channels: 3"]),
        ("records.bin", records, ["40 of", "32 x 32, channels: 3"]),
    ] {
        let results = format!("{}/images-{name}.json", env!("CARGO_TARGET_TMPDIR"));
        let output = verify(&file(name, &bytes), &["--json", &results]).result();
        let json: Value =
            serde_json::from_str(&std::fs::read_to_string(results).expect("results")).expect("JSON");
        let notes = json["notes"].to_string();
        for part in words.iter().chain([&name]) {
            assert!(output.contains(part), "{part:?} is not in {output}");
            assert!(notes.contains(part), "{part:?} is not in {notes}");
        }
    }
}

#[test]
fn files_without_images_are_refused() {
    let absent = format!("{}/images-absent.npz", env!("CARGO_TARGET_TMPDIR"));
    let floats = archive("images", &[40, 2, 2], &levels(160));
    let cases: [(String, &[&str]); 7] = [
        (absent, &["images-absent.npz"]),
        (file("text.txt", b"images"), &[".txt", ".npz, .safetensors, or .bin"]),
        (file("short.bin", &[0; 3074]), &["3074 bytes", "3073"]),
        (file("label.bin", &[77; 3073]), &["label 77", "record 0", "0 to 9"]),
        (file("other.npz", &archive("pictures", &[2, 2, 2], &levels(8))), &["no array images", "pictures"]),
        (file("flat.npz", &archive("images", &[40, 4], &levels(160))), &["[40][4]", "[height][width]"]),
        (file("few.npz", &archive("images", &[31, 2, 2], &levels(124))), &["images = 31", "at least 32"]),
    ];
    for (path, all_of) in cases {
        let line = verify(&path, &[]).refusal();
        for part in all_of {
            assert!(line.contains(part), "{part:?} is not in: {line}");
        }
    }
    verify(&file("whole.npz", &floats), &[]).result();
}
