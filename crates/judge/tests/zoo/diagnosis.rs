//! The words of a verdict name what is wrong.

use crate::table::FOUND;
use intnacl_judge::diagnosis::{Diagnosis, diagnose};
use intnacl_judge::zoo::{Bug, Program, Style};
use intnacl_judge::{Float, LOSSES, seed_from_environment};

/// Whether a diagnosis says what the slip is.
fn names(diagnosis: &Diagnosis, bug: Bug) -> bool {
    match bug {
        Bug::GradientAccumulates => diagnosis.depends_on_earlier_requests,
        Bug::SumForMean => diagnosis.factor.as_ref().is_some_and(|factor| factor.name == "B"),
        Bug::OneDirection => diagnosis.convention.is_some_and(|name| name.starts_with("one direction")),
        // Where exponentials leave the range of the type, both give infinities and NaN.
        Bug::OneMaximumForAll => {
            matches!(diagnosis.bug, Some(Bug::OneMaximumForAll | Bug::NoRangeDeclared))
        }
        _ => diagnosis.bug == Some(bug),
    }
}

#[test]
fn every_slip_is_named() {
    let seed = seed_from_environment();
    let mut failures = Vec::new();
    for (bug, loss, ..) in FOUND {
        for float in [Float::F64, Float::F32].into_iter().filter(|float| bug.equivalent(*float).is_none()) {
            let program = Program::new(bug.style(), float).with(bug);
            match diagnose(&program, loss, seed) {
                Some(diagnosis) if names(&diagnosis, bug) => {}
                other => failures.push(format!("{bug:?} in {float} on {loss}: {other:?}")),
            }
        }
    }
    assert!(failures.is_empty(), "seed {seed}: {} are not named:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn right_programs_have_no_diagnosis() {
    let seed = seed_from_environment();
    for style in Style::ALL {
        for float in [Float::F64, Float::F32] {
            for loss in LOSSES {
                let found = diagnose(&Program::new(style, float), loss, seed);
                assert_eq!(found, None, "seed {seed}, {style:?}, {float}, {loss}");
            }
        }
    }
}
