//! Times whole training steps (views, encoder, loss, gradient, Adam), beside PyTorch's in the same run where a Python is
//! named, and measures their memory.
//!
//! `cargo run --release -p intnacl-training --example time_step -- --python python3 simclr nca-g0-m5`

use clap::Parser;
use intnacl_training::config::objective::Objective;
use intnacl_training::config::{Config, preset};
use intnacl_training::data::{Images, Source};
use intnacl_training::metrics::Line;
use intnacl_training::random::{Purpose, stream};
use intnacl_training::step::{passes_of, views_of};
use intnacl_training::train::Progress;
use intnacl_training::{Run, memory, views};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;
use std::{env, fs};
use tch::{Cuda, Device, Kind, Tensor};

/// Steps of an epoch; everything is measured in turns of an epoch.
const STEPS: usize = 2;
/// Freed memory goes back to the system at once, so that what is freed and taken again is seen.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "65536")];
const PEER: &str = include_str!("step.py");

/// Times training steps.
#[derive(Parser, Clone)]
struct Arguments {
    /// Presets; PyTorch runs beside simclr and nca-g0-mM
    #[arg(default_values = ["simclr", "nca-g0-m5"])]
    presets: Vec<String>,
    /// Pixels of a side
    #[arg(long, default_value_t = 32)]
    side: i64,
    /// The encoder's width
    #[arg(long, default_value_t = 0.25)]
    width: f64,
    /// Images a step; several, separated by commas, one after the other
    #[arg(long, default_value = "256", value_delimiter = ',')]
    batch: Vec<usize>,
    /// Epochs of two steps, the first of which warms up
    #[arg(long, default_value_t = 6)]
    rounds: u64,
    /// Threads of libtorch and of PyTorch
    #[arg(long, default_value_t = 1)]
    threads: i32,
    /// A Python with torch and torchvision
    #[arg(long)]
    python: Option<String>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = |name: &str| intnacl::device(name))]
    device: Device,
    /// Say the most bytes above the start that a step takes, and nothing else
    #[arg(long, hide = true)]
    memory: bool,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tch::set_num_threads(arguments.threads);
    if arguments.memory {
        return say_memory(&arguments);
    }
    memory::keep_freed();
    println!(
        "Milliseconds, medians; images of {0} x {0}, width {1}, threads: {2}",
        arguments.side, arguments.width, arguments.threads
    );
    println!(
        "| preset | B | passes | views | step | over the first | PyTorch: views | step | ours over it | MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for &batch in &arguments.batch {
        let mut subjects = Vec::new();
        for name in &arguments.presets {
            subjects.push(Subject::new(name, batch, &arguments)?);
        }
        for round in 1..=arguments.rounds {
            for subject in &mut subjects {
                subject.round(round)?;
            }
        }
        let first = median(subjects[0].clock.steps.iter().copied());
        for subject in &subjects {
            subject.print(batch, first, &arguments)?;
        }
    }
    Ok(())
}

/// A run whose epochs are two steps, and PyTorch beside it.
struct Subject {
    name: String,
    passes: f64,
    run: Run,
    images: Images,
    clock: Clock,
    peer: Option<Peer>,
    /// What its PyTorch has taken: views, and whole steps.
    peers: Vec<(f64, f64)>,
    _folder: tempfile::TempDir,
}

impl Subject {
    fn new(name: &str, batch: usize, arguments: &Arguments) -> Result<Self> {
        let mut config = Config::of(&Source::Cifar10("images".into()))?;
        let preset = preset(name)?;
        config.take(&preset);
        config.batch = batch;
        config.encoder.width = arguments.width;
        let config = config.for_classes(10);
        let folder = tempfile::tempdir()?;
        let run = Run::start(&config, folder.path(), 3, arguments.device)?;
        let count = (STEPS * batch) as i64;
        let side = arguments.side;
        let pixels = Tensor::randint(256, [count, 3, side, side], (Kind::Uint8, Device::Cpu));
        let labels = Tensor::randint(10, [count], (Kind::Int64, Device::Cpu));
        let images = Images {
            pixels: pixels.to_device(arguments.device),
            labels: labels.to_device(arguments.device),
            full: 255.0,
        };
        let drawn = match &preset.objective {
            Objective::Contrastive(loss) => views_of(loss, preset.positives).0,
            Objective::Supervised => 1,
        };
        let plain = name == "simclr" || name.starts_with("nca-g0-");
        let peer = match &arguments.python {
            Some(python) if plain => Some(Peer::start(python, preset.positives, batch, arguments)?),
            _ => None,
        };
        Ok(Self {
            name: name.to_owned(),
            passes: passes_of(&preset.objective, preset.positives),
            clock: Clock { begin: Instant::now(), steps: Vec::new(), views: Vec::new(), drawn, config },
            run,
            images,
            peer,
            peers: Vec::new(),
            _folder: folder,
        })
    }

    fn round(&mut self, round: u64) -> Result<()> {
        let selected = self.images.range(0, self.clock.config.batch as i64)?.0;
        self.clock.time_views(&selected, round)?;
        self.clock.begin = Instant::now();
        self.run.train_to(round, &self.images, &mut self.clock)?;
        if let Some(peer) = &mut self.peer {
            for _ in 0..STEPS {
                self.peers.push(peer.step()?);
            }
        }
        Ok(())
    }

    fn print(&self, batch: usize, first: f64, arguments: &Arguments) -> Result<()> {
        let ours = median(self.clock.steps.iter().copied());
        let cell = |value: f64| if value.is_finite() { format!("{value:.1}") } else { "–".into() };
        let views = median(self.peers.iter().map(|(views, _)| *views));
        let theirs = median(self.peers.iter().map(|(_, step)| *step));
        let memory = memory(&self.name, batch, arguments)?;
        println!(
            "| {} | {batch} | {} | {} | {} | {:.2} | {} | {} | {} | {} |",
            self.name,
            self.passes,
            cell(median(self.clock.views.iter().copied())),
            cell(ours),
            ours / first,
            cell(views),
            cell(theirs),
            if theirs.is_finite() { format!("{:.2}", ours / theirs) } else { "–".into() },
            memory.map_or("–".into(), |bytes| format!("{:.0}", bytes / 1048576.0)),
        );
        Ok(())
    }
}

/// Milliseconds of steps, and of the views of one.
struct Clock {
    begin: Instant,
    steps: Vec<f64>,
    views: Vec<f64>,
    drawn: usize,
    config: Config,
}

impl Clock {
    fn time_views(&mut self, images: &Tensor, round: u64) -> Result<()> {
        let begin = Instant::now();
        let (count, _, height, width) = images.size4()?;
        for view in 0..self.drawn as u64 {
            let draws = (0..count as u64).map(|image| {
                let mut rng = stream(1, Purpose::Views, &[round, image, view]);
                self.config.views.draw(height, width, &mut rng)
            });
            drop(views::apply(images, &draws.collect::<Vec<_>>())?);
        }
        if let Device::Cuda(index) = images.device() {
            Cuda::synchronize(index as i64);
        }
        self.views.push(1e3 * begin.elapsed().as_secs_f64());
        Ok(())
    }
}

impl Progress for Clock {
    // A step ends when its loss and its gradient have been looked at, which waits for the device.
    fn step(&mut self, _: usize, _: usize, _: f64) {
        self.steps.push(1e3 * self.begin.elapsed().as_secs_f64());
        self.begin = Instant::now();
    }

    fn epoch(&mut self, _: &Line) {}
}

/// PyTorch in a process of its own.
struct Peer {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &str, positives: usize, batch: usize, arguments: &Arguments) -> Result<Self> {
        let width = (64.0 * arguments.width) as i64;
        let device = match arguments.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_owned(),
        };
        let words = [positives as i64, arguments.side, width, batch as i64, i64::from(arguments.threads)];
        let mut command = Command::new(python);
        command.args(["-c", PEER]).args(words.map(|word| word.to_string())).arg(device);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, answers })
    }

    fn step(&mut self) -> Result<(f64, f64)> {
        writeln!(self.child.stdin.as_mut().ok_or("no input")?)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut numbers =
            line.split_whitespace().map(|word| word.parse::<f64>().map(|seconds| 1e3 * seconds));
        match (numbers.next(), numbers.next()) {
            (Some(views), Some(step)) => Ok((views?, step?)),
            _ => Err("the process with PyTorch said nothing: see its message above".into()),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median without the steps of the first epoch; not a number if there are no others.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    let warm = values.len().min(STEPS);
    values.drain(..if values.len() > STEPS { warm } else { 0 });
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// The most bytes that a run's steps take above its start, in a process of its own. Linux tells it of a processor.
fn memory(name: &str, batch: usize, arguments: &Arguments) -> Result<Option<f64>> {
    if arguments.device != Device::Cpu || !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let mut command = Command::new(env::current_exe()?);
    command.args([name, "--memory", "--batch", &batch.to_string()]).envs(ALLOCATOR);
    command.args(["--side", &arguments.side.to_string(), "--width", &arguments.width.to_string()]);
    command.args(["--threads", &arguments.threads.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse().ok())
}

fn say_memory(arguments: &Arguments) -> Result<()> {
    let mut subject = Subject::new(&arguments.presets[0], arguments.batch[0], arguments)?;
    // The mark of the most memory is set back to what is held now.
    fs::write("/proc/self/clear_refs", "5")?;
    let held = status("VmRSS:")?;
    subject.run.train_to(1, &subject.images, &mut ())?;
    println!("{}", status("VmHWM:")? - held);
    Ok(())
}

/// A number of bytes that the system keeps of this process.
fn status(name: &str) -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(1024.0 * line.trim().trim_end_matches(" kB").parse::<f64>()?)
}
