//! The steps: commands that anybody can run alone, and where their findings are kept.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Result;

/// The devices that are measured, by their names in commands.
pub const PROCESSOR: &str = "cpu";
pub const CARD: &str = "cuda:0";

/// The types of the laws.
pub const DTYPES: [&str; 4] = ["f64", "f32", "bf16", "f16"];
/// The variable by which libtorch may round what it multiplies in f32 to TF32, ten bits, on a card.
pub const TF32: &str = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The devices that libtorch finds.
    Devices,
    /// The laws in a type, with TF32 or without.
    Laws { dtype: &'static str, tf32: bool },
    /// The laws at fresh seeds.
    Soak,
    /// Operators and waits.
    Operators,
    /// The width of tiles.
    Tiles,
    /// Beside PyTorch, the two products and the reference.
    Peers,
    /// Batches at which only production is left.
    Large,
    /// Criterion, production beside the reference.
    Criterion,
}

/// One thing that is measured on one device.
#[derive(Debug, Clone)]
pub struct Step {
    pub subject: Subject,
    pub device: &'static str,
    /// The words after `cargo xtask`, without the file for what is found.
    words: Vec<String>,
    /// Where a command writes what it finds.
    writes: Writes,
}

/// Where a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// To the file of `--json`.
    Json,
    /// To standard output, as text.
    Text,
}

impl Step {
    fn new(subject: Subject, device: &'static str, writes: Writes, line: &str) -> Self {
        let words = line.split(' ').map(|word| word.replace("DEVICE", device)).collect();
        Self { subject, device, words, writes }
    }

    /// The list of devices.
    pub fn devices() -> Self {
        Self::new(Subject::Devices, PROCESSOR, Writes::Json, "bench --bench device -- devices")
    }

    /// What a person types.
    pub fn command(&self) -> String {
        let mut line =
            if self.allows_tf32() { format!("{TF32}=1 cargo xtask") } else { "cargo xtask".into() };
        for word in &self.words {
            let is_plain =
                word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.,:=/".contains(letter));
            let _ = if is_plain { write!(line, " {word}") } else { write!(line, " '{word}'") };
        }
        line
    }

    fn allows_tf32(&self) -> bool {
        matches!(self.subject, Subject::Laws { tf32: true, .. })
    }

    /// The file of what is found.
    fn file(&self, work: &Path) -> PathBuf {
        let name = match self.subject {
            Subject::Laws { dtype, tf32 } => format!("laws-{dtype}{}", if tf32 { "-tf32" } else { "" }),
            subject => format!("{subject:?}").to_lowercase(),
        };
        work.join(format!("{}-{name}.json", self.device.replace(':', "-")))
    }

    /// What an earlier run has found.
    pub fn found(&self, work: &Path) -> Result<Option<Value>> {
        let file = self.file(work);
        match std::fs::read(&file) {
            Ok(bytes) => {
                let value = serde_json::from_slice(&bytes);
                Ok(Some(value.map_err(|error| format!("{}: {error}; delete it", file.display()))?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", file.display()).into()),
        }
    }

    /// Runs the command, and keeps what it found when it is done.
    pub fn run(&self, workspace: &Path, work: &Path) -> Result<()> {
        let file = self.file(work);
        let partial = file.with_extension("partial");
        // What a run that was stopped has left is none of this one's.
        if partial.exists() {
            std::fs::remove_file(&partial)?;
        }
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg("xtask").args(&self.words).current_dir(workspace).stdin(Stdio::null());
        if self.allows_tf32() {
            command.env(TF32, "1");
        }
        match self.writes {
            Writes::Json => {
                command.arg("--json").arg(&partial);
                let status = command.stdout(Stdio::null()).status()?;
                // Laws that fail are a finding: the file is there, and says so.
                let says_so = matches!(self.subject, Subject::Laws { .. }) && partial.exists();
                if !status.success() && !says_so {
                    return Err(format!("it ended with {status}").into());
                }
            }
            Writes::Text => {
                let output = command.stderr(Stdio::inherit()).output()?;
                // So are failures of the soak.
                if !output.status.success() && self.subject != Subject::Soak {
                    return Err(format!("it ended with {}", output.status).into());
                }
                std::fs::write(&partial, json!(String::from_utf8_lossy(&output.stdout)).to_string())?;
            }
        }
        Ok(std::fs::rename(partial, file)?)
    }
}

/// The steps on a device, the short ones first.
pub fn of(device: &'static str, soak_minutes: f64) -> Vec<Step> {
    let laws = |dtype, tf32| {
        let line = format!("verify --device DEVICE --dtype {dtype}");
        Step::new(Subject::Laws { dtype, tf32 }, device, Writes::Json, &line)
    };
    let soak = format!("soak --minutes {soak_minutes} --device DEVICE --dtype f32 --dtype bf16");
    let mut steps: Vec<Step> = DTYPES.map(|dtype| laws(dtype, false)).into();
    steps.push(laws("f32", true));
    let lines = [
        (Subject::Operators, Writes::Json, "bench --bench device -- operators --device DEVICE"),
        (Subject::Tiles, Writes::Json, "bench --bench device -- tiles --device DEVICE"),
        (
            Subject::Peers,
            Writes::Json,
            "bench --peers --device DEVICE --loss simclr,hard_negative,nca --batch 64,256,1024,4096",
        ),
        (Subject::Large, Writes::Json, "bench --peers --device DEVICE --loss simclr --batch 16384"),
        (Subject::Soak, Writes::Text, soak.as_str()),
    ];
    steps.extend(lines.map(|(subject, writes, line)| Step::new(subject, device, writes, line)));
    // It measures all devices at once.
    if device == PROCESSOR {
        let line = "bench --bench losses -- ^(simclr|hard_negative|nca-5|floor)/";
        steps.push(Step::new(Subject::Criterion, device, Writes::Text, line));
    }
    steps
}

/// What the steps have found.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<(&'static str, Subject), Value>);

impl Found {
    pub fn insert(&mut self, step: &Step, value: Value) {
        self.0.insert((step.device, step.subject), value);
    }

    pub fn get(&self, device: &'static str, subject: Subject) -> Option<&Value> {
        self.0.get(&(device, subject))
    }

    /// The rows of a finding that is a list.
    pub fn rows(&self, device: &'static str, subject: Subject) -> Option<&Vec<Value>> {
        self.get(device, subject)?.as_array()
    }
}
