//! The results as a page of HTML.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{AGREES, Scratch, python_is_here};

/// Reads the page with another reader than this project's: each element with its attributes and the text inside it. It ends
/// in an error where elements are not closed in order.
const READ: &str = r#"
import json, sys
from html.parser import HTMLParser

class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.all = [], []
    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.all.append(element)
        if tag not in ("meta", "wbr"):
            self.open.append(element)
    def handle_startendtag(self, tag, attributes):
        self.all.append([tag, dict(attributes), ""])
    def handle_endtag(self, tag):
        element = self.open.pop()
        assert element[0] == tag, (element, tag)
    def handle_data(self, text):
        for element in self.open:
            element[2] += text

page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
assert not page.open, page.open
print(json.dumps(page.all))
"#;

/// The elements of a page: tag, attributes, text.
fn elements(page: &Path) -> Vec<Value> {
    let read = Command::new("python3").args(["-c", READ]).arg(page).output().expect("python3 runs");
    assert!(read.status.success(), "{read:?}");
    serde_json::from_slice(&read.stdout).expect("JSON")
}

/// The texts of all elements of a tag.
fn texts<'a>(elements: &'a [Value], tag: &str) -> Vec<&'a str> {
    elements.iter().filter(|element| element[0] == tag).filter_map(|element| element[2].as_str()).collect()
}

/// What a run prints, without how long it took.
fn timeless(output: &str) -> &str {
    output.rsplit_once('(').map_or(output, |(words, _)| words)
}

const KNOWN: &str = r#"
[[known]]
law = "identical_embeddings_have_a_known_loss"
reason = "the diagonal <is> 0 & stays so"
"#;

#[test]
fn a_wrong_program_has_a_page_and_nothing_else_changes() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let known = scratch.write("known.toml", KNOWN);
    let options = ["--loss", "simclr", "--cases", "24", "--known", &known, "--json", "results.json"];
    let plain = scratch.simclr("--self-pair", &options);
    let results = scratch.read("results.json");
    let outcome = scratch.simclr("--self-pair", &[&options[..], &["--report", "page.html"]].concat());
    assert_eq!((outcome.status, outcome.errors.as_str()), (Some(1), ""), "{outcome:?}");
    assert_eq!(timeless(&outcome.output), timeless(&plain.output));
    assert_eq!(scratch.read("results.json"), results);

    let elements = elements(&scratch.path("page.html"));
    assert_eq!(texts(&elements, "h1"), ["plain SimCLR is wrong"]);
    let verdict = outcome.output.lines().find(|line| line.starts_with("WRONG: ")).expect("a verdict");
    let paragraphs = texts(&elements, "p");
    assert!(paragraphs.contains(&verdict), "{verdict:?} is not in {paragraphs:?}");
    assert!(paragraphs.contains(&"Known: the diagonal <is> 0 & stays so"));
    let items = texts(&elements, "li").concat();
    assert!(items.contains("self-pair-zeroed"), "{items}");
    // Every request that is saved is on the page.
    let requests = texts(&elements, "pre");
    let parsed: Vec<Value> =
        requests.iter().map(|request| serde_json::from_str(request).expect("JSON")).collect();
    let saved = scratch.read("counterexamples/agrees_with_the_reference-simclr.json");
    let saved: Value = serde_json::from_str(&saved).expect("JSON");
    assert!(parsed.iter().any(|request| request["data"]["views"] == saved["data"]["views"]), "{saved}");
    let is_drawing = |element: &&Value| element[0] == "svg" && element[1]["role"] == "img";
    assert_eq!(elements.iter().filter(is_drawing).count(), 4);
}

#[test]
fn what_a_program_says_at_its_end_is_text() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let script =
        scratch.write("loud.sh", "printf '</p><script>alert(1)</script> & \\001\\377\\n' >&2; exit 1\n");
    let outcome = scratch.verify(&format!("sh {script}"), &[AGREES, &["--report", "loud.html"]].concat());
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let elements = elements(&scratch.path("loud.html"));
    assert!(texts(&elements, "script").is_empty());
    let paragraphs = texts(&elements, "p");
    assert!(paragraphs.iter().any(|text| text.contains("</p><script>alert(1)</script> &")), "{paragraphs:?}");
    assert!(paragraphs.contains(&"The program gave no answer."));
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let outcome = scratch.simclr("", &[AGREES, &["--report", "no folder/page.html"]].concat());
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    let expected = "intnacl: no folder/page.html: No such file or directory";
    assert!(outcome.errors.starts_with(expected), "{}", outcome.errors);
}
