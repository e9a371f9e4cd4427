//! Every law of `intnacl_reference::law` on production: in f64, f32, bf16 and f16 on the
//! CPU, in f64 and f32 on every CUDA device there is.
//!
//! `PROPTEST_CASES` sets the cases a law, spread over its losses (256 by default). A failure is shrunk to the smallest
//! case that shows it, and printed with its request as `intnacl loss` reads it.

use intnacl::{devices, tch};
use intnacl_reference::law::{self, Case, Float, Geometry, Implementation, Law};
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

/// Every law and loss in turn, over the cores: the requests are small, so each gets one thread. `check` gives what is
/// wrong, in the words of a report.
fn every_law_holds(check: impl Fn(&Law, &str) -> Option<String> + Sync) {
    tch::set_num_threads(1);
    let pairs: Vec<_> =
        law::laws().into_iter().flat_map(|law| law.losses.iter().map(move |loss| (law, *loss))).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            let mut failures = Vec::new();
            while let Some((law, loss)) = pairs.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                failures.extend(check(law, loss).map(|found| format!("{} on {loss}: {found}", law.name)));
            }
            failures
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a law panicked")).collect()
    });
    assert!(failures.is_empty(), "{} laws are broken:\n{}", failures.len(), failures.join("\n\n"));
}

/// Drawn cases.
fn every_law_holds_on(device: Device, kind: Kind) {
    let production = Production { device, kind };
    every_law_holds(|law, loss| {
        let report = law::check(law, loss, &production, law::share(law, cases()), 1);
        let found = report.counterexample?;
        let request = found.request.map_or_else(String::new, |request| json::write_request(&request));
        Some(format!("{}\n{:?}\n{request}", found.message, found.case))
    });
}

/// Batches of about a tile of the engine, or a few, and of prime numbers of images; at a temperature with one shift for
/// all exponents, and at one without.
fn every_law_holds_around_tiles_on(device: Device, kind: Kind) {
    let production = Production { device, kind };
    every_law_holds(|law, loss| {
        let sizes = [31, 32, 33, 37, 65];
        sizes.into_iter().zip([0.5, 0.02].into_iter().cycle()).find_map(|(images, temperature)| {
            let geometry = if images % 2 == 0 { Geometry::Digits } else { Geometry::Random };
            let (seed, symmetric) = (images as u64, images != 37);
            let plain =
                Case { geometry, images, positives: 3, temperature, symmetric, seed, ..Case::default() };
            let case = Case { dimension: images % 32 + 1, ..plain };
            let (message, _) = law::try_case(law, loss, &production, &case).1?;
            Some(format!("{message}\n{case:?}"))
        })
    });
}

#[test]
fn every_law_holds_around_tiles() {
    for kind in [Kind::Double, Kind::Float] {
        every_law_holds_around_tiles_on(Device::Cpu, kind);
    }
}

#[test]
fn every_law_holds_in_f64() {
    every_law_holds_on(Device::Cpu, Kind::Double);
}

#[test]
fn every_law_holds_in_f32() {
    every_law_holds_on(Device::Cpu, Kind::Float);
}

#[test]
fn every_law_holds_in_bf16() {
    every_law_holds_on(Device::Cpu, Kind::BFloat16);
}

#[test]
fn every_law_holds_in_f16() {
    every_law_holds_on(Device::Cpu, Kind::Half);
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
