//! The laws on the engine of libtorch's operators, which runs where the fused one does not, in tiles so small that every
//! batch has several.

use crate::bridge::evaluate_by;
use crate::loss::Engine;
use intnacl_judge::{self as judge, Float, Implementation, Standard};
use intnacl_reference::{Answer, Request};
use tch::{Device, Kind};

struct Operators(Kind);

impl Implementation for Operators {
    fn float(&self) -> Float {
        if self.0 == Kind::Double { Float::F64 } else { Float::F32 }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        evaluate_by(request, Device::Cpu, self.0, Some(Engine::Tiles(Some(3))))
            .map_err(|error| error.to_string())
    }
}

fn every_law_holds(kind: Kind) {
    let seed = judge::seed_from_environment();
    for (law, loss) in judge::pairs(|_, _| true) {
        let report = judge::check(&law, loss, &Operators(kind), 8, seed, Standard::Careful);
        assert!(report.counterexample.is_none(), "seed {seed}, {} on {loss}: {report:?}", law.name);
    }
}

#[test]
fn every_law_holds_by_operators_in_f64() {
    every_law_holds(Kind::Double);
}

#[test]
fn every_law_holds_by_operators_in_f32() {
    every_law_holds(Kind::Float);
}
