//! The reference against the truth.
//!
//! Every loss is worked out a second time with hundreds of digits, from the formulas as they are printed: big
//! floats (`astro-float`, which the crate does not use), plain exponentials instead of logarithms of sums, and
//! derivatives by walking the formula backwards. Nothing is shared with the crate but its vocabulary. The
//! errors of the crate are then known, not estimated, and are held to the limits in `budget.rs`.
//!
//! `cargo test -p intnacl-reference --test exact -- --nocapture` prints the worst error of every loss.
//! `EXACT_CASES=20000` compares more random cases, `EXACT_ONLY='random #17'` those with that in their name.

mod arrays;
mod batch;
mod big;
mod budget;
mod cases;
mod compare;
mod formula;
mod naive;
mod report;
mod self_check;
mod sheet;
mod supervised;
mod tape;
mod truth;
mod tuples;

/// Random cases when nothing else is asked for: each kind of loss at each temperature several times.
const RANDOM_CASES: u64 = 2 * 11 * cases::random::KINDS as u64;

#[test]
fn the_reference_is_within_its_budgets_of_the_truth() {
    let report = report::run(&cases::all(RANDOM_CASES));
    println!("{report}");
    if let Some(failures) = report.failures() {
        panic!("{failures}");
    }
}
