//! `intnacl bound`: its table, its files, and what it refuses.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use npyz::WriterBuilder;
use npyz::npz::NpzWriter;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use serde_json::Value;

use crate::{Outcome, intnacl};

fn bound(arguments: &[&str]) -> Outcome {
    intnacl(&[&["bound"], arguments].concat(), b"")
}

/// A path of its own for each test.
fn path(name: &str) -> String {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).display().to_string()
}

fn file(name: &str, bytes: &[u8]) -> String {
    let path = path(name);
    fs::write(&path, bytes).expect("a file is written");
    path
}

/// What `--json` writes for these arguments.
fn report(name: &str, arguments: &[&str]) -> Value {
    let path = path(name);
    bound(&[arguments, &["--json", &path]].concat()).result();
    serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON")
}

fn term<'a>(report: &'a Value, name: &str, estimator: Option<&str>) -> &'a Value {
    let terms = report["terms"].as_array().expect("a list");
    let is_it = |term: &&Value| term["term"] == name && term["estimator"].as_str() == estimator;
    terms.iter().find(is_it).expect("a term of that name")
}

#[track_caller]
fn refused(arguments: &[&str], all_of: &[&str]) {
    let line = bound(arguments).refusal();
    for part in all_of.iter().chain(&["expected"]) {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
}

/// Two classes of two points on a circle.
const ROWS: [[f64; 2]; 4] = [[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0], [-0.6, -0.8]];

/// The bytes of an `.npz` file.
pub fn npz(arrays: impl FnOnce(&mut NpzWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    // The writer only borrows where it writes to.
    let mut writer = NpzWriter::new(std::mem::take(&mut bytes));
    arrays(&mut writer);
    writer.zip_writer().finish().expect("an archive ends").into_inner()
}

/// Adds an array to it.
pub fn add<T: npyz::AutoSerialize + Copy>(
    writer: &mut NpzWriter<Cursor<Vec<u8>>>,
    name: &str,
    shape: &[u64],
    numbers: &[T],
) {
    let array = writer.array(name, Default::default()).expect("an array begins");
    let mut array = array.default_dtype().shape(shape).begin_nd().expect("a shape");
    array.extend(numbers.iter().copied()).expect("numbers");
    array.finish().expect("an array ends");
}

fn rows_npz(rows: &[f64], labels: &[i64]) -> Vec<u8> {
    npz(|writer| {
        add(writer, "embeddings", &[rows.len() as u64 / 2, 2], rows);
        add(writer, "labels", &[labels.len() as u64], labels);
    })
}

fn rows_safetensors(rows: &[f32], labels: &[i32]) -> Vec<u8> {
    let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
    let of_labels: Vec<u8> = labels.iter().flat_map(|x| x.to_le_bytes()).collect();
    let shape = vec![rows.len() / 2, 2];
    let embeddings = TensorView::new(Dtype::F32, shape, &bytes).expect("a tensor");
    let labels = TensorView::new(Dtype::I32, vec![labels.len()], &of_labels).expect("a tensor");
    serialize([("embeddings", &embeddings), ("labels", &labels)], None).expect("a file")
}

fn sets() -> [String; 2] {
    let narrow: Vec<f32> = ROWS.as_flattened().iter().map(|x| *x as f32).collect();
    [
        file("set.npz", &rows_npz(ROWS.as_flattened(), &[3, 3, 8, 8])),
        file("set.safetensors", &rows_safetensors(&narrow, &[3, 3, 8, 8])),
    ]
}

/// Small counts, where every loss is enumerated.
const SMALL: [&str; 4] = ["--positives", "2", "--negatives", "4"];

#[test]
fn without_data_the_table_has_the_terms() {
    let text = bound(&[]).result();
    for part in ["K = 10", "lipschitz_published", "1/M", "FAILS", "chain_gap", "total_published", "g1"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn the_terms_are_those_of_their_formulas() {
    let arguments = ["--classes", "10", "--positives", "2", "--negatives", "18", "--samples", "50000"];
    let report =
        report("terms.json", &[&arguments[..], &["--delta", "0.05", "--temperature", "0.5"]].concat());
    assert_eq!(report["version"], 1);
    assert_eq!(report["setting"]["tau_plus"], 0.1);
    let near = |found: &Value, expected: f64| {
        let found = found.as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-12 * expected.max(1.0), "{found}, {expected}");
    };
    // N = M(K-1), so ν = κ in the sum reading, and ν = 2κ in the mean reading.
    let gap = 0.5 * 2_f64.cosh().ln();
    let chain = term(&report, "chain_gap", Some("g0"));
    near(&chain["sum"]["value"], gap);
    near(&chain["mean"]["value"], (gap - 2_f64.ln()).max(0.0)); // at M = 2, D^max is D*
    near(&term(&report, "lipschitz_published", None)["sum"]["value"], 0.5);
    let why = term(&report, "lipschitz_published", None)["why"].as_str().expect("text");
    assert!(why.contains("Euclidean"), "{why}");
    let features =
        term(&report, "lipschitz_features", Some("g0"))["sum"]["value"].as_f64().expect("a number");
    near(&term(&report, "contraction_factor", Some("g0"))["sum"]["value"], 8_f64.sqrt() * features);
    assert_eq!(term(&report, "negatives_published", None)["sum"]["value"], 9.0);
    assert_eq!(term(&report, "range_published", None)["sum"]["verdict"], "part");
    assert_eq!(term(&report, "lipschitz_published", None)["sum"]["verdict"], "fails");
    assert_eq!(term(&report, "negatives_for_ratio", Some("g0"))["sum"]["verdict"], "met");
    assert_eq!(term(&report, "negatives_without_gap", Some("g0"))["sum"]["verdict"], "not_met");
    let total = |name: &str| term(&report, name, Some("g0"))["sum"]["value"].as_f64().expect("a number");
    let sum = total("chain") + total("limit_excess") + total("complexity") + total("confidence");
    near(&term(&report, "total", Some("g0"))["sum"]["value"], sum);
    assert!(report["data"].is_null() && report["measured"].is_null());
    let panels = report["curves"]["panels"].as_array().expect("a list");
    assert_eq!(
        panels.iter().map(|panel| &panel["grows"]).collect::<Vec<_>>(),
        ["negatives", "positives", "samples"]
    );
}

#[test]
fn where_there_is_no_bound_for_g1_the_table_says_so() {
    let text = bound(&["--tau-plus", "0.2"]).result();
    assert!(text.contains("g1: tau_plus = 0.2 is above the smallest class probability, 0.1000"), "{text}");
}

#[test]
fn with_one_positive_the_published_lemma_holds() {
    let report = report("one.json", &["--positives", "1", "--negatives", "9"]);
    assert_eq!(term(&report, "negatives_published", None)["sum"]["verdict"], "holds");
    assert_eq!(term(&report, "chain_gap", Some("g0"))["sum"]["value"], 0.0);
}

#[test]
fn both_formats_say_the_same() {
    let [npz, safetensors] = sets();
    let [first, second] = [("npz.json", npz), ("safetensors.json", safetensors)]
        .map(|(name, file)| report(name, &[&["--embeddings", &file], &SMALL[..]].concat()));
    assert_eq!(
        first["data"]["classes"],
        serde_json::json!([{"label": 3, "points": 2}, {"label": 8, "points": 2}])
    );
    let loss =
        |report: &Value| report["measured"]["contrastive"][0]["sum"]["value"].as_f64().expect("a number");
    // f32 rounds each entry by up to 2⁻²⁴.
    assert!((loss(&first) - loss(&second)).abs() < 1e-6);
    assert!(first["measured"]["contrastive"][0]["sum"].get("draws").is_none(), "small worlds are exact");
    let claims = first["measured"]["claims"].as_array().expect("a list");
    assert!(claims.iter().all(|claim| claim["holds"] == true), "{claims:#?}");
}

/// The audit's smallest counterexample: everything at one point, `M = 2`, `N = K - 1`.
#[test]
fn the_published_lemma_fails_on_a_single_point() {
    let file = file("single.npz", &rows_npz(&[1.0, 0.0, 1.0, 0.0], &[0, 1]));
    let report = report(
        "single.json",
        &["--embeddings", &file, "--positives", "2", "--negatives", "1", "--temperature", "1"],
    );
    let claims = report["measured"]["claims"].as_array().expect("a list");
    let holds = |text: &str, reading: &str| {
        let is_it = |claim: &&Value| {
            claim["claim"].as_str().expect("text").contains(text) && claim["reading"] == reading
        };
        claims.iter().find(is_it).expect("a claim")["holds"].clone()
    };
    assert_eq!(holds("L_Unb (published)", "sum"), false);
    assert_eq!(holds("L_Unb (published)", "mean"), true);
    assert_eq!(holds("(corrected)", "sum"), true);
    assert_eq!(holds("(corrected)", "mean"), true);
}

#[test]
fn rows_are_normalised_if_asked() {
    let [unit, _] = sets();
    let twice: Vec<f64> = ROWS.as_flattened().iter().map(|x| 2.0 * x).collect();
    let file = file("twice.npz", &rows_npz(&twice, &[3, 3, 8, 8]));
    refused(&["--embeddings", &file], &["embeddings[0]", "norm 2", "--normalize"]);
    let arguments = |file: &str| {
        [&["--embeddings", file], &SMALL[..]].concat().iter().map(|x| x.to_string()).collect::<Vec<_>>()
    };
    let run = |name: &str, file: &str, more: &[&str]| {
        let arguments = arguments(file);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        report(name, &arguments)["measured"].clone()
    };
    assert_eq!(run("twice.json", &file, &["--normalize"]), run("unit.json", &unit, &[]));
}

#[test]
fn arguments_out_of_range() {
    refused(&["--classes", "1"], &["classes = 1", "at least 2"]);
    refused(&["--positives", "0"], &["0", "--positives"]);
    refused(&["--negatives", "1000001"], &["1000001", "--negatives"]);
    refused(&["--samples", "0"], &["'0'", "--samples"]);
    for delta in ["0", "1", "NaN", "-0.5"] {
        refused(&[&format!("--delta={delta}")], &["delta = "]);
    }
    refused(&["--temperature", "0"], &["temperature = 0"]);
    refused(&["--temperature", "0.001"], &["temperature = 0.001", "overflows"]);
    refused(&["--tau-plus", "1"], &["tau_plus = 1"]);
    refused(&["--temperature", "warm"], &["'warm'", "--temperature", "a number"]);
    let line = bound(&["--digits", "cooked"]).refusal();
    assert!(line.contains("cooked") && line.contains("raw, trained"), "{line}");
    refused(&["--digits", "trained", "--loss", "supervised"], &["supervised", "simclr"]);
    refused(&["--normalize"], &["--embeddings"]);
    refused(&["--digits", "raw", "--classes", "10"], &["--classes"]);
    refused(&["--json", &path("no such folder/bound.json")], &["no such folder"]);
}

#[test]
fn files_that_are_no_sets() {
    let embeddings = |file: &str| ["--embeddings".to_owned(), file.to_owned()];
    let refused = |file: &str, all_of: &[&str]| {
        let [option, file] = embeddings(file);
        refused(&[&option, &file], all_of);
    };
    refused(&path("absent.npz"), &["absent.npz"]);
    refused(&file("set.csv", b"1,0"), &["set.csv", ".csv", ".npz or .safetensors"]);
    refused(&file("noextension", b""), &["no extension"]);
    refused(&file("empty.npz", b""), &["no .npz"]);
    refused(&file("text.npz", b"no archive at all"), &["no .npz"]);
    refused(&file("empty.safetensors", b""), &["no .safetensors"]);
    // A header of 2^62 bytes, and one that is longer than the file.
    for length in [1_u64 << 62, 1 << 20] {
        let bytes = [&length.to_le_bytes()[..], b"{}"].concat();
        refused(&file("header.safetensors", &bytes), &["no .safetensors"]);
    }
    for path in sets() {
        let bytes = fs::read(&path).expect("a file");
        let extension = path.rsplit('.').next().expect("an extension");
        refused(&file(&format!("truncated.{extension}"), &bytes[..bytes.len() - 9]), &["truncated"]);
    }
}

#[test]
fn arrays_that_are_not_there_or_do_not_fit() {
    let case = |name: &str, bytes: Vec<u8>, all_of: &[&str]| {
        let file = file(&format!("{name}.npz"), &bytes);
        refused(&["--embeddings", &file], all_of);
    };
    let rows = ROWS.as_flattened();
    let with = |labels: &[i64]| rows_npz(rows, labels);
    case("nothing", npz(|_| ()), &["no array embeddings"]);
    case(
        "no_labels",
        npz(|writer| add(writer, "embeddings", &[4, 2], rows)),
        &["no array labels", "embeddings"],
    );
    case(
        "flat",
        npz(|writer| {
            add(writer, "embeddings", &[8], rows);
            add(writer, "labels", &[8], &[0_i64; 8]);
        }),
        &["embeddings has shape [8]", "[n][d]"],
    );
    case("few", with(&[0, 1, 1]), &["labels has shape [3]", "[4]"]);
    case("one_class", with(&[7; 4]), &["one class, 7", "at least 2"]);
    case(
        "integers",
        npz(|writer| {
            add(writer, "embeddings", &[2, 1], &[1_i32, 1]);
            add(writer, "labels", &[2], &[0_u8, 1]);
        }),
        &["embeddings has integers"],
    );
    case(
        "floats",
        npz(|writer| {
            add(writer, "embeddings", &[2, 1], &[1.0, 1.0]);
            add(writer, "labels", &[2], &[0.0, 1.0]);
        }),
        &["labels has floating numbers"],
    );
    case(
        "empty",
        npz(|writer| {
            add::<f64>(writer, "embeddings", &[0, 2], &[]);
            add::<i64>(writer, "labels", &[0], &[]);
        }),
        &["[0][2]"],
    );
    case(
        "large",
        npz(|writer| {
            add(writer, "embeddings", &[2, 1], &[1.0, 1.0]);
            add(writer, "labels", &[2], &[0, u64::MAX]);
        }),
        &["labels[1] = 18446744073709551615"],
    );
    for (name, value) in [("nan", f64::NAN), ("infinite", f64::INFINITY)] {
        let mut rows = rows.to_vec();
        rows[5] = value;
        case(name, rows_npz(&rows, &[0, 0, 1, 1]), &["embeddings[2][1]"]);
    }
    let mut long = rows.to_vec();
    long[2] = 0.9;
    case("long", rows_npz(&long, &[0, 0, 1, 1]), &["embeddings[1] has norm 1.08", "1 within"]);
    let zero = file("zero.npz", &rows_npz(&[0.0, 0.0, 1.0, 0.0], &[0, 1]));
    refused(&["--embeddings", &zero, "--normalize"], &["embeddings[0] has norm 0"]);
}

/// Arrays whose headers promise more than there is.
#[test]
fn headers_that_lie() {
    let entry = |version: u8, length: &[u8], text: &str| {
        let header = [&b"\x93NUMPY"[..], &[version, 0], length, text.as_bytes()].concat();
        npz(|writer| {
            let zip = writer.zip_writer();
            zip.start_file("embeddings.npy", Default::default()).expect("an entry");
            zip.write_all(&header).expect("an entry");
            add(writer, "labels", &[2], &[0_i64, 1]);
        })
    };
    let lying = file("lying.npz", &entry(2, &u32::MAX.to_le_bytes(), "{}"));
    refused(&["--embeddings", &lying], &["a header of 4294967295 bytes", "at most"]);
    let nested =
        format!("{{'descr': {}{}, 'fortran_order': False, 'shape': ()}}", "[".repeat(40), "]".repeat(40));
    let nested = file("nested.npz", &entry(1, &(nested.len() as u16).to_le_bytes(), &nested));
    refused(&["--embeddings", &nested], &["a header with 40 brackets"]);
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n";
    let huge = file("huge.npz", &entry(1, &(text.len() as u16).to_le_bytes(), text));
    refused(&["--embeddings", &huge], &["embeddings has shape [4294967296][4294967296]"]);
}

/// Trained with one of these losses, the digits have a lower supervised loss than their pixels.
#[test]
fn training_lowers_the_supervised_loss() {
    let arguments = ["--positives", "2", "--negatives", "20", "--steps", "60", "--loss", "debiased"];
    let measured = |digits| {
        let text = bound(&[&["--digits", digits], &arguments[..]].concat()).result();
        let line = text.lines().rfind(|line| line.starts_with("mean classifier"));
        let value = line.and_then(|line| line.split_whitespace().nth(2)).expect("a value");
        value.parse::<f64>().expect("a number")
    };
    let (raw, trained) = (measured("raw"), measured("trained"));
    assert!(trained < raw - 0.3, "{trained}, {raw}");
}

#[test]
fn plots_are_drawn_and_named() {
    let [file, _] = sets();
    let folder = path("plots");
    let text = bound(&[&["--embeddings", &file, "--plots", &folder], &SMALL[..]].concat()).result();
    for grows in ["negatives", "positives", "samples"] {
        let name = format!("bound-{grows}.svg");
        assert!(text.contains(&name), "{text}");
        let picture = fs::read_to_string(PathBuf::from(&folder).join(name)).expect("a picture");
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
        assert!(picture.contains("bound, corrected") && !picture.contains("NaN"));
    }
}
