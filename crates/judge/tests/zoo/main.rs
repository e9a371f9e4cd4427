//! The judge judged: right programs in every style pass, and every slip is found.
//!
//! `LAW_SEED` sets the seed of the cases: a number, or `fresh` for another one each time.

mod diagnosis;
mod page;
mod table;

use intnacl_judge::zoo::{Bug, Program, Style};
use intnacl_judge::{self as judge, Float, Options, Standard};
use std::convert::Infallible;
use table::FOUND;

/// A style of right programs on every law, in binary64 and binary32.
fn stays_below_half_a_budget(style: Style) {
    let seed = judge::seed_from_environment();
    let options = Options { seed, standard: Standard::Right, threads: 1 };
    let pairs = judge::pairs(|_, loss| loss != "supervised_nca");
    for float in [Float::F64, Float::F32] {
        let start = || Ok::<_, Infallible>(Program::new(style, float));
        let Ok(reports) = judge::check_all(&pairs, options, |_| 8, start, |_| ());
        let mut judged = 0;
        for report in &reports {
            let (law, loss, worst) = (report.law, &report.loss, report.worst());
            if let Some(found) = &report.counterexample {
                panic!(
                    "seed {seed}, {style:?}, {float}, {law} on {loss}: {}\n{}",
                    found.message,
                    found.case.code()
                );
            }
            assert!(worst.ratio() <= 0.5, "seed {seed}, {style:?}, {float}, {law} on {loss}: {worst}");
            judged += report.comparisons;
        }
        assert!(judged > 10_000, "{style:?}, {float}: only {judged} comparisons");
        let careful = reports.iter().all(|report| report.reached() >= Some(Standard::Careful));
        assert_eq!(careful, style == Style::LogDomain, "seed {seed}, {style:?}, {float}");
    }
}

#[test]
fn the_logarithmic_domain_is_careful() {
    stays_below_half_a_budget(Style::LogDomain);
}

#[test]
fn cross_entropy_is_right() {
    stays_below_half_a_budget(Style::CrossEntropy);
}

#[test]
fn binary_cross_entropy_with_logits_is_right() {
    stays_below_half_a_budget(Style::BinaryCrossEntropy);
}

#[test]
fn plain_sums_are_right_in_their_range() {
    stays_below_half_a_budget(Style::Naive);
}

#[test]
fn sums_without_their_maximum_are_right_in_their_range() {
    stays_below_half_a_budget(Style::Maximum);
}

#[test]
fn a_straight_loop_is_right_in_its_range() {
    stays_below_half_a_budget(Style::StraightLoop);
}

fn fails(program: &Program, law: &str, loss: &str) -> bool {
    let (law, loss) = judge::pairs(|other, of| other.name == law && of == loss)[0];
    let seed = judge::seed_from_environment();
    judge::check(&law, loss, program, 256, seed, Standard::Right).counterexample.is_some()
}

#[test]
fn every_slip_is_found_by_agreement_and_by_a_law_that_does_not_ask_the_reference() {
    for &bug in Bug::ALL {
        let rows: Vec<_> = FOUND.iter().filter(|(of, ..)| *of == bug).collect();
        let [(_, loss, law, on)] = rows[..] else { panic!("{bug:?} is to stand in the table once") };
        for float in [Float::F64, Float::F32] {
            let equivalent = bug.equivalent(float).is_some();
            let program = Program::new(bug.style(), float).with(bug);
            for (law, loss) in [("agrees_with_the_reference", *loss), (*law, *on)] {
                let found = fails(&program, law, loss);
                assert_eq!(found, !equivalent, "{bug:?} in {float}: {law} on {loss}");
            }
        }
    }
}

#[test]
fn a_negative_too_many_is_seen_in_narrow_types() {
    for float in [Float::Bf16, Float::F16, Float::Tf32Scores, Float::Bf16Scores] {
        let program = Program::new(Style::CrossEntropy, float);
        assert!(!fails(&program, "agrees_with_the_reference", "simclr"), "{float}");
        assert!(
            fails(&program.with(Bug::OneNegativeTooMany), "agrees_with_the_reference", "simclr"),
            "{float}"
        );
    }
}
