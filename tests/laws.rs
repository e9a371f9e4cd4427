//! Every law of `intnacl_judge` on production: in f64, f32, bf16 and f16 on the
//! CPU, in f64 and f32 on every CUDA device there is.
//!
//! `PROPTEST_CASES` sets the cases a law, spread over its losses (256 by default), `LAW_SEED` their seed: a number, or
//! `fresh` for another one each time. A failure is shrunk to the smallest case that shows it, and printed with its
//! request as `intnacl loss` reads it.

use intnacl::{devices, tch};
use intnacl_judge::{self as judge, Case, Float, Geometry, Implementation, Report, Standard};
use intnacl_reference::{Answer, Request, json};
use std::io::Write;
use tch::{Device, Kind};

struct Production {
    device: Device,
    kind: Kind,
}

impl Implementation for Production {
    fn float(&self) -> Float {
        match self.kind {
            Kind::Double => Float::F64,
            Kind::Float => Float::F32,
            Kind::BFloat16 => Float::Bf16,
            _ => Float::F16,
        }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        intnacl::evaluate(request, self.device, self.kind).map_err(|error| error.to_string())
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Drawn cases of one law. The requests are small, so each gets one thread.
fn holds(law: &str, device: Device, kind: Kind) {
    tch::set_num_threads(1);
    let law = judge::laws().into_iter().find(|known| known.name == law).expect("a law of this name");
    let (seed, production) = (judge::seed_from_environment(), Production { device, kind });
    for loss in law.losses {
        let report =
            judge::check(&law, loss, &production, judge::share(&law, cases()), seed, Standard::Careful);
        assert!(report.judged() || narrow(kind), "{} on {loss}: nothing was compared", law.name);
        if let Some(failure) = failure(&report, seed) {
            panic!("{failure}");
        }
    }
}

/// Differences of values say nothing in types that do not have the digits.
fn narrow(kind: Kind) -> bool {
    matches!(kind, Kind::BFloat16 | Kind::Half)
}

/// Each law in each type.
macro_rules! tests {
    ($($law:ident)*) => {
        mod f64 {
            $(#[test] fn $law() { super::holds(stringify!($law), tch::Device::Cpu, tch::Kind::Double); })*
        }
        mod f32 {
            $(#[test] fn $law() { super::holds(stringify!($law), tch::Device::Cpu, tch::Kind::Float); })*
        }
        mod bf16 {
            $(#[test] fn $law() { super::holds(stringify!($law), tch::Device::Cpu, tch::Kind::BFloat16); })*
        }
        mod f16 {
            $(#[test] fn $law() { super::holds(stringify!($law), tch::Device::Cpu, tch::Kind::Half); })*
        }

        /// Every law on a device.
        fn every_law_holds_on(device: Device, kind: Kind) {
            $(holds(stringify!($law), device, kind);)*
        }
    };
}

intnacl_judge::each_law! { tests }

fn failure(report: &Report, seed: u64) -> Option<String> {
    let found = report.counterexample.as_ref()?;
    let request = found.request.as_ref().map_or_else(String::new, json::write_request);
    let (law, loss, message, code) = (report.law, &report.loss, &found.message, found.case.code());
    Some(format!("seed {seed}, {law} on {loss}: {message}\n{code}\n{request}"))
}

/// Batches of about a tile of the engine, or a few, and of prime numbers of images; at a temperature with one shift for
/// all exponents, and at one without.
fn every_law_holds_around_tiles_on(device: Device, kind: Kind) {
    tch::set_num_threads(threads() as i32);
    let production = Production { device, kind };
    for (law, loss) in judge::pairs(|_, _| true) {
        let sizes = [31, 32, 33, 37, 65];
        for (images, temperature) in sizes.into_iter().zip([0.5, 0.02].into_iter().cycle()) {
            let geometry = if images % 2 == 0 { Geometry::Digits } else { Geometry::Random };
            let (seed, symmetric) = (images as u64, images != 37);
            let plain =
                Case { geometry, images, positives: 3, temperature, symmetric, seed, ..Case::default() };
            let case = Case { dimension: images % 32 + 1, ..plain };
            let outcome = judge::try_case(&law, loss, &production, &case);
            if let Some((message, _)) = outcome.broken(Standard::Careful) {
                panic!("{} on {loss}: {message}\n{}", law.name, case.code());
            }
        }
    }
}

#[test]
fn every_law_holds_around_tiles() {
    for kind in [Kind::Double, Kind::Float] {
        every_law_holds_around_tiles_on(Device::Cpu, kind);
    }
}

/// The same on each CUDA device. Where there is none this says so, since a silent pass would claim more.
#[test]
fn every_law_holds_on_cuda() {
    let cuda: Vec<Device> =
        devices().into_iter().filter(|device| matches!(device, Device::Cuda(_))).collect();
    if cuda.is_empty() {
        // Past the test runner, which keeps what passing tests print to itself.
        let _ = writeln!(
            std::io::stderr(),
            "every_law_holds_on_cuda: skipped, libtorch sees no CUDA device here, so nothing was checked on one"
        );
    }
    for device in cuda {
        for kind in [Kind::Double, Kind::Float] {
            every_law_holds_on(device, kind);
            every_law_holds_around_tiles_on(device, kind);
        }
    }
}
