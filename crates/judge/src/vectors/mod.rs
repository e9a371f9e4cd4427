//! Test vectors: requests with their exact answers and what a program may be off by, for programs in any language.
//!
//! A file holds the vectors of one loss, in the manner of Wycheproof: groups by layout, and flags, each of which is a slip of
//! the [zoo](crate::zoo) that gives a wrong answer to the vector. [`generate`] gives the same files, to the byte, every time.

mod cases;

use crate::agreement::agrees_on;
use crate::check::Given;
use crate::outcome::Excuse;
use crate::trial::{Trial, row_norms};
use crate::zoo::{Bug, Program};
use crate::{Case, Float, Outcome, Standard};
use intnacl_reference::{EvaluateRequest, LossName, Reply, Request, SUPERVISED_NCA};
use intnacl_vocabulary::json;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The version of the files.
pub const VERSION: u64 = 1;

/// The JSON Schema of the files.
pub const SCHEMA: &str = include_str!("../../vectors/schema.json");

/// The types that tolerances are given for.
const FLOATS: [Float; 3] = [Float::F64, Float::F32, Float::Bf16];

/// One vector.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Its name, such as `simclr-batch-3`.
    pub id: String,
    /// What is particular about it.
    pub comment: String,
    /// The request.
    pub request: Request,
    /// The slips that give a wrong answer.
    pub flags: Vec<Bug>,
}

/// The files that are published, by name.
pub const FILES: [(&str, &str); 11] = [
    ("simclr.json", include_str!("../../vectors/simclr.json")),
    ("debiased.json", include_str!("../../vectors/debiased.json")),
    ("hard_negative.json", include_str!("../../vectors/hard_negative.json")),
    ("adversarial.json", include_str!("../../vectors/adversarial.json")),
    ("nca.json", include_str!("../../vectors/nca.json")),
    ("mix_nca.json", include_str!("../../vectors/mix_nca.json")),
    ("robust.json", include_str!("../../vectors/robust.json")),
    ("int_cl.json", include_str!("../../vectors/int_cl.json")),
    ("int_nacl.json", include_str!("../../vectors/int_nacl.json")),
    ("supervised_nca.json", include_str!("../../vectors/supervised_nca.json")),
    ("schema.json", SCHEMA),
];

/// The published vectors.
pub fn published() -> Vec<Vector> {
    let files = FILES.iter().filter(|(name, _)| *name != "schema.json");
    files.flat_map(|(_, text)| of_file(&parsed(text))).collect()
}

fn of_file(file: &Value) -> Vec<Vector> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cases = list(&file["groups"]).into_iter().flat_map(|group| list(&group["cases"]));
    let vector = |case: Value| {
        let flags = list(&case["flags"]);
        let bug = |flag: &Value| Bug::ALL.iter().copied().find(|bug| flag == bug.name());
        Some(Vector {
            id: text(&case["id"]),
            comment: text(&case["comment"]),
            request: json::read_request(&case["request"].to_string()).ok()?,
            flags: flags.iter().filter_map(bug).collect(),
        })
    };
    cases.filter_map(vector).collect()
}

/// The vectors of a loss, by name, made anew; none for a name that no loss has.
pub fn vectors(loss: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    let mut shown: Vec<Bug> = Vec::new();
    for (layout, comment, request, needed) in cases::cases(loss) {
        let unseen = |bug: &&Bug| !shown.contains(bug);
        if !needed && !Bug::ALL.iter().filter(unseen).any(|bug| is_wrong(*bug, &request)) {
            continue;
        }
        let flags: Vec<Bug> = Bug::ALL.iter().copied().filter(|bug| is_wrong(*bug, &request)).collect();
        shown.extend(&flags);
        let number = vectors.iter().filter(|vector: &&Vector| vector.id.contains(layout)).count() + 1;
        vectors.push(Vector { id: format!("{loss}-{layout}-{number}"), comment, request, flags });
    }
    vectors
}

/// Whether a slip gives a wrong answer to a request, in binary64 and by the standard *right*.
fn is_wrong(bug: Bug, request: &Request) -> bool {
    // One answer says nothing of what was asked before.
    if bug == Bug::GradientAccumulates {
        return false;
    }
    let program = Program::new(bug.style(), Float::F64).with(bug);
    let outcome = crate::agreement(request, &program);
    let unsupported = outcome.stop.as_ref().is_some_and(|stop| stop.excuse == Some(Excuse::NotSupported));
    !unsupported && outcome.broken(Standard::Right).is_some()
}

/// All files: their names and their texts, made anew on some threads.
pub fn generate(threads: usize) -> Vec<(String, String)> {
    let losses: Vec<&str> = LossName::NAMES.iter().copied().chain([SUPERVISED_NCA.name]).collect();
    let next = AtomicUsize::new(0);
    let mut files: Vec<(usize, String)> = std::thread::scope(|scope| {
        let worker = || {
            let mut files = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(loss) = losses.get(at) else { return files };
                files.push((at, file(loss)));
            }
        };
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    files.sort_by_key(|(at, _)| *at);
    let files = files.into_iter().map(|(at, text)| (format!("{}.json", losses[at]), text));
    files.chain([("schema.json".to_owned(), SCHEMA.to_owned())]).collect()
}

fn file(loss: &str) -> String {
    let vectors = vectors(loss);
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut notes = Map::new();
    for vector in &vectors {
        let layout = match vector.request {
            Request::Tuples { .. } => "tuples",
            Request::Batch { .. } => "batch",
            Request::Supervised { .. } => "supervised",
        };
        let flags: Vec<&str> = vector.flags.iter().map(|bug| bug.name()).collect();
        let request: Value = parsed(&json::write_request(&vector.request));
        let answer = vector.request.evaluate().map(|answer| parsed(&json::write_answer(&answer)));
        let answer = answer.unwrap_or(Value::Null);
        groups.entry(layout).or_default().push(json!({
            "id": vector.id,
            "comment": vector.comment,
            "flags": flags,
            "request": request,
            "answer": answer,
            "tolerance": tolerances(&vector.request, &answer),
        }));
        for bug in &vector.flags {
            notes.insert(
                bug.name().into(),
                json!({
                    "bugType": bug.name(),
                    "description": format!("The program {}.", bug.does()),
                    "effect": bug.effect(),
                    "source": bug.source(),
                }),
            );
        }
    }
    let groups: Vec<Value> =
        groups.into_iter().map(|(layout, cases)| json!({ "layout": layout, "cases": cases })).collect();
    let file = json!({
        "version": VERSION,
        "loss": loss,
        "numberOfTests": vectors.len(),
        "notes": notes,
        "groups": groups,
    });
    lines(&file)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// A line a case, so that a difference between two versions of a file can be read.
fn lines(file: &Value) -> String {
    let mut text = String::from("{\n");
    for name in ["version", "loss", "numberOfTests"] {
        text += &format!("  \"{name}\": {},\n", file[name]);
    }
    text += "  \"notes\": {\n";
    let notes = file["notes"].as_object().into_iter().flatten();
    text += &notes.map(|(name, note)| format!("    \"{name}\": {note}")).collect::<Vec<_>>().join(",\n");
    text += "\n  },\n  \"groups\": [\n";
    let groups = file["groups"].as_array().into_iter().flatten().map(|group| {
        let cases = group["cases"].as_array().into_iter().flatten();
        let cases = cases.map(|case| format!("      {case}")).collect::<Vec<_>>().join(",\n");
        format!("    {{ \"layout\": {}, \"cases\": [\n{cases}\n    ] }}", group["layout"])
    });
    text += &groups.collect::<Vec<_>>().join(",\n");
    text + "\n  ]\n}\n"
}

/// By how much a program may be off, in each type and by both standards.
fn tolerances(request: &Request, answer: &Value) -> Value {
    // Arrays without rows have no tolerances, but are there.
    let arrays = answer["gradient"].as_object().into_iter().flat_map(|arrays| arrays.keys());
    let empty: Map<String, Value> = arrays.map(|name| (name.clone(), json!([]))).collect();
    let of_floats = FLOATS.map(|float| {
        let budgets = budgets(request, float);
        let of = |standard: usize| {
            let mut tolerance = json!({ "value": null, "per_anchor": [], "gradient": empty });
            for (what, budget) in &budgets {
                let budget = rounded(budget[standard]);
                match what.strip_prefix("gradient.") {
                    Some(row) => {
                        let array = row.split('[').next().unwrap_or(row);
                        let rows = tolerance["gradient"][array].as_array_mut();
                        rows.into_iter().for_each(|rows| rows.push(budget.clone()));
                    }
                    None if what == "value" => tolerance["value"] = budget,
                    None => {
                        let each = tolerance["per_anchor"].as_array_mut();
                        each.into_iter().for_each(|each| each.push(budget.clone()));
                    }
                }
            }
            tolerance
        };
        (float.to_string(), json!({ "right": of(0), "careful": of(1) }))
    });
    Value::Object(of_floats.into_iter().collect())
}

/// Three digits, rounded up.
fn rounded(budget: f64) -> Value {
    let nearest: f64 = format!("{:.2e}", budget * 1.005).parse().unwrap_or(budget);
    json!(nearest)
}

/// The budgets of agreement by the standards right and careful, as the judge has them: of each value, of the mean, and of the
/// gradient by each row (a norm).
fn budgets(request: &Request, float: Float) -> Vec<(String, [f64; 2])> {
    let case = Case::default();
    let exact = request.evaluate().map(Reply::from).map_err(|error| error.to_string());
    let exact = Given { float, reply: Cell::new(Some(exact)) };
    let trial = Trial::recording(&case, &exact);
    if agrees_on(&trial, request).is_err() {
        return Vec::new();
    }
    let (right, careful) = (trial.recorded(Standard::Right), trial.recorded(Standard::Careful));
    let scales = match request {
        Request::Tuples { settings, data, .. } => row_norms(data, settings),
        Request::Batch { settings, data, .. } => row_norms(data, settings),
        Request::Supervised { .. } => Vec::new(),
    };
    let mut row = 0;
    let pairs = right.into_iter().zip(careful).filter(|(right, _)| right.budget.is_finite());
    pairs
        .map(|(right, careful)| {
            let mut scale = 1.0;
            if right.what.starts_with("gradient.") && !matches!(request, Request::Supervised { .. }) {
                scale = scales.get(row).copied().unwrap_or(1.0);
                row += 1;
            }
            (right.what, [right.budget / scale, careful.budget / scale])
        })
        .collect()
}

/// Judges another program's answer to a vector.
pub fn judge(vector: &Vector, answer: Result<Reply, String>, float: Float) -> Outcome {
    crate::agreement_of(&vector.request, answer, float)
}

/// The published vectors by their ids.
pub fn by_id() -> HashMap<String, Vector> {
    published().into_iter().map(|vector| (vector.id.clone(), vector)).collect()
}

/// Reads a line of a program's results, an answer with the `id` of its vector: the vector, and the answer or why it is none.
///
/// # Errors
/// What is wrong with the id.
pub fn read_result<'a>(
    line: &str,
    vectors: &'a HashMap<String, Vector>,
) -> Result<(&'a Vector, Result<Reply, String>), String> {
    let (id, answer) = with_id(line)?;
    let vector = vectors
        .get(&id)
        .ok_or_else(|| format!("id = {id:?}: expected that of a vector, such as simclr-batch-1"))?;
    Ok((vector, json::read_reply(&answer, &vector.request).map_err(|error| error.to_string())))
}

/// The id of a line, and the line without it.
fn with_id(line: &str) -> Result<(String, String), String> {
    // Numbers that are no JSON are left to the reader of answers, which tells their place.
    let start = line.find("\"id\"").ok_or("id is missing: expected a string")?;
    let rest = line[start + 4..].trim_start().strip_prefix(':').ok_or("id: expected a string")?.trim_start();
    let end = rest.strip_prefix('"').and_then(|rest| rest.find('"')).ok_or("id: expected a string")?;
    let id = rest[1..=end].to_owned();
    let after = rest[end + 2..].trim_start();
    let before = line[..start].trim_end();
    let (before, after) = match after.strip_prefix(',') {
        Some(after) => (before, after),
        None => (before.trim_end_matches(','), after),
    };
    Ok((id, format!("{before}{after}")))
}
