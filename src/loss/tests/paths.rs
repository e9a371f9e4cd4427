//! Every body that vector code is compiled to, by choice: the machine itself uses only the best that it has.

use super::stress::{Tally, draw_batch, say};
use crate::bridge::evaluate_by;
use crate::loss::Engine;
use intnacl_engine::forced;
use intnacl_judge::{self as judge, Float, Implementation, Standard};
use intnacl_reference::{Answer, Request};
use tch::{Device, Kind};

/// Calls a function once for the instructions that this machine has, and says which these were.
fn by_all_instructions(test: &str, function: impl Fn(&'static str)) {
    for (name, arch) in forced::all() {
        match arch {
            Some(arch) => {
                let lanes = forced::using(arch, || {
                    function(name);
                    forced::lanes()
                });
                say(&format!("{test}: ran by {name} instructions, {lanes} f32 a vector"));
            }
            None => say(&format!("{test}: did not run by {name} instructions, which this processor lacks")),
        }
    }
}

#[test]
fn batches_are_right_by_all_vector_instructions() {
    by_all_instructions("batches_are_right_by_all_vector_instructions", |name| {
        let mut tally = Tally::default();
        for index in 0..100 {
            let drawn = draw_batch(index);
            tally.add_by(&drawn, &[("fused", Engine::Fused(None))], &format!("{name}, case {index}"));
        }
        tally.assert_right(name);
    });
}

/// The fused engine.
struct Fused(Kind);

impl Implementation for Fused {
    fn float(&self) -> Float {
        if self.0 == Kind::Double { Float::F64 } else { Float::F32 }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        evaluate_by(request, Device::Cpu, self.0, Some(Engine::Fused(None)))
            .map_err(|error| error.to_string())
    }
}

#[test]
fn every_law_holds_by_all_vector_instructions() {
    by_all_instructions("every_law_holds_by_all_vector_instructions", |name| {
        for law in judge::laws().iter().filter(|law| !law.losses.contains(&"supervised_nca")) {
            for loss in law.losses {
                for kind in [Kind::Double, Kind::Float] {
                    let report = judge::check(law, loss, &Fused(kind), 1, 1, Standard::Careful);
                    assert!(report.holds(), "{name}: {} on {loss}: {:?}", law.name, report.counterexample);
                }
            }
        }
    });
}
