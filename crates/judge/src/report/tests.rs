use super::*;
use crate::zoo::{Bug, Program, Style};
use crate::{Implementation, Support, check, pairs};
use intnacl_reference::{Answer, Layout, Reply, Request};
use intnacl_vocabulary::json;

const LAWS: [&str; 3] =
    ["agrees_with_the_reference", "permutation_of_images", "positives_and_negatives_swapped"];

/// The reports of a program on a loss, and the page about it.
fn reported(
    program: &dyn Implementation,
    loss: &str,
    change: impl Fn(&mut Page<'_>),
) -> (Vec<Report>, String) {
    let pairs = pairs(|law, of| LAWS.contains(&law.name) && of == loss);
    let reports: Vec<Report> =
        pairs.iter().map(|(law, loss)| check(law, loss, program, 24, 1, Standard::Right)).collect();
    let sweeps = [sweep(program, loss, 1, Standard::Right, &|case| case)];
    let mut page = Page {
        name: "a <program> & more",
        verdict: "as the judge says",
        reached: reports.iter().map(Report::reached).min().flatten(),
        standard: Standard::Right,
        facts: vec![("seed", "1".into())],
        checks: reports.iter().map(|report| Check::new(report, Float::F32)).collect(),
        diagnoses: Vec::new(),
        sweeps: &sweeps,
        remarks: vec!["its standard error ended with: </p><script>alert(\"x\")</script>".into()],
    };
    change(&mut page);
    let html = page.html().expect("a page");
    (reports, html)
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap_or(rest)).collect()
}

fn unescaped(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&amp;", "&"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (written, letter)| text.replace(written, letter))
}

/// Every element is closed where it was opened, but for those that have no end.
#[track_caller]
fn assert_well_formed(html: &str) {
    let body = html.split_once("</style>").expect("a style").1;
    let mut open: Vec<&str> = vec!["html", "head"];
    for tag in between(body, "<", ">") {
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            None => {
                let name = tag.split_whitespace().next().expect("a name");
                if name != "wbr" {
                    open.push(name);
                }
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[track_caller]
fn assert_a_page_for_everyone(html: &str) {
    assert_well_formed(html);
    assert!(html.contains("<html lang=\"en\">") && html.matches("<h1>").count() == 1);
    for foreign in ["http:", "https:", "<script", "<link", "@import", "url(", "src="] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    // No heading leaves a level out.
    let levels = between(html, "<h", ">").into_iter().filter_map(|rest| rest.chars().next()?.to_digit(10));
    levels.fold(0, |before, level| {
        assert!(level <= before + 1, "a heading of level {level} below one of level {before}");
        level
    });
    for svg in between(html, "<svg", "</svg>") {
        let is_named =
            svg.contains("role=\"img\"") && svg.contains("<title id=") && svg.contains("<desc id=");
        assert!(is_named || svg.contains("aria-hidden=\"true\""), "{svg}");
    }
    let ids = between(html, " id=\"", "\"");
    for (i, id) in ids.iter().enumerate() {
        assert!(!ids[..i].contains(id), "{id} is there twice");
    }
    let referred = [between(html, "href=\"#", "\""), between(html, "labelledby=\"", "\"")].concat();
    for id in referred.iter().flat_map(|names| names.split_whitespace()) {
        assert!(ids.contains(&id), "{id} is referred to and not there");
    }
}

#[test]
fn a_wrong_program_is_told_with_its_counterexamples() {
    let program = Program::new(Style::CrossEntropy, Float::F32).with(Bug::PositiveNotInDenominator);
    let (reports, html) = reported(&program, "simclr", |_| ());
    assert_a_page_for_everyone(&html);
    assert!(html.contains("<h1>a &#60;program&#62; &#38; more is wrong</h1>"));
    assert!(unescaped(&html).contains("its standard error ended with: </p><script>"));
    let failed: Vec<_> = reports.iter().filter_map(|report| report.counterexample.as_ref()).collect();
    assert!(!failed.is_empty());
    let requests = between(&html, "<pre class=\"request\" tabindex=\"0\"><code>", "</code>");
    assert_eq!(requests.len(), failed.len());
    for (written, found) in requests.iter().zip(failed) {
        let request = json::read_request(&unescaped(written)).expect("a request");
        assert_eq!(Some(&request), found.request.as_ref());
        // The very answer that broke the law is kept.
        assert_eq!(found.answer.as_ref(), program.reply(&request).as_ref().ok());
    }
    assert!(html.contains("class=\"mark wrong\""));
    let of_program = between(&html, "<tr class=\"program\">", "</tr>");
    assert!(of_program.iter().any(|row| row.contains("N·G/P")), "its value says what its negatives weigh");
}

#[test]
fn a_right_program_has_no_counterexample_and_losses_of_every_size() {
    let program = Program::new(Style::CrossEntropy, Float::F32);
    let (_, html) = reported(&program, "simclr", |page| page.checks[0].known = Some("issue 7".into()));
    assert_a_page_for_everyone(&html);
    assert!(html.contains("more is right</h1>") && !html.contains("Counterexamples"));
    assert!(html.contains("holds, though known to fail") && !html.contains("<tr class=\"wrong\">"));
    let sweep = sweep(&program, "simclr", 1, Standard::Right, &|case| case);
    assert_eq!(sweep.values.len(), REQUESTS);
    assert!(sweep.unanswered.is_empty() && sweep.gradients.len() == REQUESTS);
    assert!(sweep.values.iter().chain(&sweep.gradients).all(|point| point.error <= point.right));
    assert!(sweep.values.iter().any(|point| point.error > point.careful), "it is not careful");
    let of_size = |low: f64, high: f64| sweep.values.iter().any(|point| (low..high).contains(&point.size));
    for size in [1e-12, 1e-8, 1e-4, 1.0] {
        assert!(of_size(size, 1e4 * size), "no loss from {size} up");
    }
}

#[test]
fn known_failures_do_not_make_a_program_wrong() {
    let program = Program::new(Style::CrossEntropy, Float::F32).with(Bug::PositiveNotInDenominator);
    let (_, html) = reported(&program, "simclr", |page| {
        for check in &mut page.checks {
            check.known = Some("our <own> reason".into());
        }
        page.reached = Some(Standard::Right);
    });
    assert_a_page_for_everyone(&html);
    assert!(
        html.contains("more is right</h1>")
            && html.contains("<strong>Known:</strong> our &#60;own&#62; reason")
    );
    assert!(html.contains("fails, as known") && !html.contains("class=\"fails\""));
}

#[test]
fn a_program_without_answers_is_drawn_where_it_has_none() {
    let program = Program::new(Style::Naive, Float::F32).with(Bug::NoRangeDeclared);
    let sweep = sweep(&program, "simclr", 1, Standard::Right, &|case| case);
    assert!(!sweep.unanswered.is_empty());
    let warmest = sweep.unanswered.iter().map(|lost| lost.temperature).fold(0.0, f64::max);
    assert!(warmest < 0.1, "exponentials overflow at {warmest}");
    let (_, html) = reported(&program, "simclr", |_| ());
    assert_a_page_for_everyone(&html);
    assert!(html.contains("class=\"mark none\"") && html.contains("<td class=\"wrong\">no answer</td>"));
}

/// A program that gives the wrong value, and nothing else.
struct ValueAlone;

impl Implementation for ValueAlone {
    fn float(&self) -> Float {
        Float::F64
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        let mut answer = crate::Reference.evaluate(request)?;
        if let Answer::Batch(of) = &mut answer {
            (of.value, of.per_anchor) = (2.0 * of.value, vec![f64::NAN; of.per_anchor.len()]);
            of.gradient = of.gradient.map_matrices(|matrix| matrix * f64::NAN);
        }
        Ok(Reply { answer, absent: vec!["per_anchor", "views", "mixed", "adversarial"] })
    }
    fn support(&self) -> Support {
        Support { tuples: false, ..Support::default() }
    }
}

#[test]
fn what_a_program_does_not_give_is_not_shown_as_wrong() {
    let (_, html) = reported(&ValueAlone, "simclr", |_| ());
    assert_a_page_for_everyone(&html);
    let answers = between(&html, "<table class=\"answers\">", "</table>");
    assert!(
        !answers.is_empty() && answers.iter().all(|table| table.matches("<tr class=\"wrong\">").count() == 1)
    );
    assert!(!html.contains("NaN") && !html.contains("alone is right") && !html.contains("Gradients of"));
}
