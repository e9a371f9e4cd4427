//! Every loss beside PyTorch, in turns: `cargo xtask bench --peers`.
//!
//! A round runs the two products, production, PyTorch (eager and compiled) and, where it is not too slow, the
//! reference, one after the other; medians are taken over rounds, and ratios within a round. PyTorch runs in a
//! process of its own (`losses.py`), which waits in a read while it is not asked.
//!
//! After a parallel region the threads of OpenMP look for more work for some milliseconds before they sleep, in
//! either process. So each turn begins with a pause in which nobody works, and, where a call is short, with a call
//! that does not count, which wakes them again: everybody is measured alone on the machine and awake.

mod arguments;
#[path = "../measure/mod.rs"]
mod measure;
mod python;
mod quiet;
mod rows;

use arguments::Arguments;
use intnacl::tch::{self, Device, Tensor};
use intnacl::{device_name, devices};
use measure::case::{Case, Inputs};
use measure::report::{Figure, Measured};
use measure::run::Implementation::{self, Floor, Production, Reference, TorchCompile, TorchEager};
use measure::run::{Step, gradient, synchronize};
use measure::{default_threads, memory, output_folder, publish};
use python::{Launcher, Python, Refusal};
use quiet::Clock;
use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// Beyond, what holds `(2B)²` numbers is left out.
const DENSE_UP_TO: usize = 4096;
/// Beyond, the reference would take most of the time.
const REFERENCE_UP_TO: usize = 256;
/// Below, PyTorch's memory is not measured, for it takes ten seconds a figure. The first is for what figures are
/// asked of.
const PYTHON_MEMORY_FROM: [usize; 2] = [1024, 4096];
/// Nobody works this long before a turn; measured, threads were seen to look for work for 8 ms.
const PAUSE: Duration = Duration::from_millis(15);
/// A turn repeats calls that are shorter than this, seconds.
const TURN: f64 = 0.02;
const CALLS: usize = 20;
/// A call that takes longer, seconds, needs no call before it to wake threads.
const LONG: f64 = 0.1;
/// A round that takes longer, seconds, is worth counting from the first call.
const LONG_ROUND: f64 = 2.0;
/// PyTorch's value and gradients may differ from production's by this much of their size. Both are right to about
/// 1e-6; a slip in a formula shows in the first digits.
const AGREEMENT: f64 = 1e-4;

fn main() -> ExitCode {
    if let Some(answered) = memory::answer_if_asked() {
        return answered.map_or_else(|error| fail(&*error, 1), |()| ExitCode::SUCCESS);
    }
    let arguments = Arguments::read(std::env::args().skip(1)).unwrap_or_else(|error| error.exit());
    if let Some(Err(message)) = arguments.json.as_ref().map(|file| rows::check(file)) {
        return fail(&*Box::<dyn Error>::from(message), 2);
    }
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    run(arguments).map_or_else(|error| fail(&*error, 1), |()| ExitCode::SUCCESS)
}

fn fail(error: &dyn Error, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let folder = output_folder("peers")?;
    let threads = arguments.threads.unwrap_or_else(default_threads);
    tch::set_num_threads(threads);
    let found = devices();
    let names: Vec<String> = found.iter().map(|device| device_name(*device)).collect();
    eprintln!("devices: {}; {threads} threads", names.join(", "));
    let chosen =
        |device: &Device| arguments.devices.is_empty() || arguments.devices.contains(&device_name(*device));

    let launcher = match &arguments.python {
        Some(program) => {
            Some(Launcher::new(program.clone(), arguments.python_path.clone(), &folder, threads)?)
        }
        None => {
            eprintln!("PyTorch is left out: no --python was given; `cargo xtask bench --peers` gives one");
            None
        }
    };
    let python = launcher.as_ref().map(|launcher| launcher.start(&[])).transpose()?;
    let mut bench = Bench { launcher, python, threads, memory: !arguments.no_memory };

    let plan = arguments.plan();
    if let Some((_, images)) = plan.iter().find(|(_, images)| *images > DENSE_UP_TO) {
        let gibibytes = (2 * images).pow(2) as f64 * 4.0 / (1u64 << 30) as f64;
        eprintln!(
            "beyond B = {DENSE_UP_TO} only production runs: the others hold (2B)² numbers, \
             {gibibytes:.0} GiB a matrix at B = {images}"
        );
    }
    let mut all = Vec::new();
    for device in found.into_iter().filter(chosen) {
        for (place, (case, images)) in plan.iter().enumerate() {
            let seconds = start.elapsed().as_secs();
            let (label, name) = (case.label(), device_name(device));
            eprintln!("[{} of {}, {seconds} s] {label}, B = {images}, {name}", place + 1, plan.len());
            let measured = bench.measure(case, *images, device);
            all.push(measured.map_err(|error| format!("{label}, B = {images}, {name}: {error}"))?);
            // So that a run that is cut off leaves what it has.
            if let Some(file) = &arguments.json {
                rows::write(&all, file)?;
            }
        }
    }

    let remark = "A ratio is the median of the ratios within the rounds, with its quartiles; `waited` is the share of \
                  time in which others had the processor: far from 0, the times mean little.";
    publish(&all, &folder, threads, remark)?;
    let disturbed = all.iter().filter(|measured| !quiet::is_quiet(&measured.waited)).count();
    if disturbed > 0 {
        let cases = all.len();
        eprintln!(
            "warning: others had the processors during {disturbed} of {cases} cases (column `waited`): measure them again"
        );
    }
    eprintln!("{} s", start.elapsed().as_secs());
    Ok(())
}

struct Bench {
    launcher: Option<Launcher>,
    python: Option<Python>,
    threads: i32,
    memory: bool,
}

/// Somebody who takes part in the rounds of a case.
struct Runner<'a> {
    implementation: Implementation,
    /// `None`: it runs in Python.
    step: Option<Step<'a>>,
    calls: usize,
    wake: bool,
    /// Seconds of a turn, about.
    cost: f64,
    milliseconds: Vec<f64>,
}

impl Runner<'_> {
    /// Seconds of each call.
    fn time(
        &self,
        calls: usize,
        wake: bool,
        python: &mut Option<Python>,
        device: Device,
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        match (&self.step, python) {
            (Some(step), _) => Ok(time(step, calls, wake, device)?),
            (None, Some(python)) => python.time(self.implementation, calls, wake),
            (None, None) => Err("there is no Python".into()),
        }
    }
}

impl Bench {
    fn measure(&mut self, case: &Case, images: usize, device: Device) -> Result<Measured, Box<dyn Error>> {
        let inputs = Inputs::new(case, images, device)?;
        let (mut runners, mut first_round) = (Vec::new(), Vec::new());
        for implementation in self.takes_part(images) {
            let step = Step::new(implementation, case, &inputs)?;
            if step.is_some() || self.agrees(implementation, case, &inputs, device)? {
                runners.push(Runner {
                    implementation,
                    step,
                    calls: 1,
                    wake: false,
                    cost: 0.0,
                    milliseconds: Vec::new(),
                });
            }
        }
        let own = std::iter::once(std::process::id());
        let mut clock = Clock::new(own.chain(self.python.as_ref().map(Python::id)).collect());
        for runner in &mut runners {
            // The first call may touch new memory and wake threads; of a long one, that is a small part.
            thread::sleep(PAUSE);
            let first = runner.time(1, false, &mut self.python, device)?[0];
            let cost = if first > LONG { first } else { runner.time(1, false, &mut self.python, device)?[0] };
            runner.calls = ((TURN / cost) as usize).clamp(1, CALLS);
            runner.wake = cost < LONG;
            runner.cost = cost * (runner.calls + usize::from(runner.wake)) as f64 + PAUSE.as_secs_f64();
            first_round.push(1e3 * cost);
        }
        let mut waits = Vec::new();
        let round: f64 = runners.iter().map(|runner| runner.cost).sum();
        // Where a round takes long, the calls so far are one: everybody had run before, to be compared.
        if round > LONG_ROUND {
            waits.push(clock.waited());
            for (runner, milliseconds) in runners.iter_mut().zip(first_round) {
                runner.milliseconds.push(milliseconds);
            }
        }
        let rounds = rounds(case, round);
        // Short rounds in which others had the processor are made up for, within bounds.
        let most = if round > LONG_ROUND { rounds } else { 2 * rounds };
        while waits.len() < rounds || (quiet::count(&waits) < rounds && waits.len() < most) {
            clock.waited();
            let count = runners.len();
            for place in 0..count {
                // Each goes first at times, so that nobody always follows the same one.
                let runner = &mut runners[(place + waits.len()) % count];
                thread::sleep(PAUSE);
                let seconds = runner.time(runner.calls, runner.wake, &mut self.python, device)?;
                let turn = measure::statistics::spread(&seconds).map_or(f64::NAN, |spread| spread.median);
                runner.milliseconds.push(1e3 * turn);
            }
            waits.push(clock.waited());
        }
        let (kept, waited) = quiet::kept(&waits);
        let mut figures = Vec::new();
        for runner in runners {
            let Runner { implementation, milliseconds, .. } = runner;
            let milliseconds = kept.iter().map(|round| milliseconds[*round]).collect();
            let peak_bytes = self.peak(implementation, case, images, &inputs, device)?;
            figures.push(Figure { implementation, milliseconds, peak_bytes });
        }
        Ok(Measured { case: *case, images, device: device_name(device), figures, waited })
    }

    fn takes_part(&self, images: usize) -> Vec<Implementation> {
        let all = Implementation::ALL.into_iter();
        all.filter(|implementation| match implementation {
            Floor => images <= DENSE_UP_TO,
            Production => true,
            TorchEager | TorchCompile => images <= DENSE_UP_TO && self.python.is_some(),
            Reference => images <= REFERENCE_UP_TO,
        })
        .collect()
    }

    /// Whether PyTorch can compute the case. Where it can, and its answer is not production's, that is an error: one
    /// of the two would be timed doing something else.
    fn agrees(
        &mut self,
        implementation: Implementation,
        case: &Case,
        inputs: &Inputs,
        device: Device,
    ) -> Result<bool, Box<dyn Error>> {
        let Some(python) = &mut self.python else { return Ok(false) };
        if implementation == TorchEager {
            python.load(case, inputs, device)?;
        }
        let (value, gradients) = match python.answer(implementation, inputs) {
            Ok(answer) => answer,
            Err(error) => {
                let refusal = error.downcast::<Refusal>()?;
                eprintln!("  {} is left out: {refusal}", implementation.name());
                return Ok(false);
            }
        };
        let (expected_value, expected) = gradient(case, inputs)?;
        let name = implementation.name();
        let expected_value = expected_value.f_double_value(&[])?;
        let error = (value - expected_value).abs() / expected_value.abs();
        // Written so that NaN is an error.
        if !(error <= AGREEMENT) {
            return Err(format!("{name} has the value {value}, production {expected_value}").into());
        }
        for (((array, _), ours), theirs) in inputs.tensors().iter().zip(&expected).zip(&gradients) {
            let error = distance(ours, theirs)?;
            if !(error <= AGREEMENT) {
                return Err(format!(
                    "the gradients by {array} of {name} and production differ by {error:.1e} of their norm: \
                     expected at most {AGREEMENT:.0e}"
                )
                .into());
            }
        }
        Ok(true)
    }

    /// The most bytes that a call takes, each in a fresh process.
    fn peak(
        &self,
        implementation: Implementation,
        case: &Case,
        images: usize,
        inputs: &Inputs,
        device: Device,
    ) -> Result<Option<u64>, Box<dyn Error>> {
        let launcher = match implementation {
            _ if !self.memory => return Ok(None),
            Reference => return Ok(None),
            Floor | Production => {
                return memory::peak(implementation, case, images, device, self.threads);
            }
            TorchEager | TorchCompile => self.launcher.as_ref(),
        };
        let least = PYTHON_MEMORY_FROM[usize::from(!case.asked)];
        let Some(launcher) = launcher.filter(|_| images >= least) else { return Ok(None) };
        let mut python = launcher.start(&memory::ALLOCATOR)?;
        python.load(case, inputs, device)?;
        python.peak(implementation)
    }
}

/// Seconds of each of `calls` runs, after one that does not count if `wake` says so.
fn time(step: &Step<'_>, calls: usize, wake: bool, device: Device) -> intnacl::Result<Vec<f64>> {
    if wake {
        step.run()?;
    }
    let mut seconds = Vec::with_capacity(calls);
    for _ in 0..calls {
        synchronize(device);
        let start = Instant::now();
        step.run()?;
        synchronize(device);
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

/// The number of rounds, of about `round` seconds each: more for a case of which figures are asked.
fn rounds(case: &Case, round: f64) -> usize {
    let (budget, least) = if case.asked { (2.0, 5) } else { (1.0, 3) };
    let least = if round > 30.0 { 1 } else { least };
    ((budget / round) as usize).clamp(least, 25)
}

/// `‖a - b‖ / ‖a‖`.
fn distance(a: &Tensor, b: &Tensor) -> Result<f64, tch::TchError> {
    let wide = |tensor: &Tensor| tensor.f_to_device(Device::Cpu)?.f_to_kind(tch::Kind::Double);
    let (a, b) = (wide(a)?, wide(b)?);
    let norm = |tensor: &Tensor| tensor.f_norm()?.f_double_value(&[]);
    Ok(norm(&(&a - &b))? / norm(&a)?)
}
