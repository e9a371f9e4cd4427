//! PyTorch, in a process of its own that is asked through pipes.

use super::measure::case::{Case, DIMENSION, Inputs, TEMPERATURE, settings};
use super::measure::run::Implementation;
use intnacl::Request;
use intnacl::tch::{Device, Tensor};
use intnacl_reference::{self as reference, json as requests};
use serde_json::{Value, json};
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The script that the process runs.
const SCRIPT: &str = include_str!("losses.py");

/// The program, script and settings that start the process.
pub struct Launcher {
    program: String,
    path: Option<PathBuf>,
    script: PathBuf,
    /// Compiled code is kept here from one process to the next.
    cache: PathBuf,
    threads: i32,
}

impl Launcher {
    pub fn new(program: String, path: Option<PathBuf>, folder: &Path, threads: i32) -> std::io::Result<Self> {
        // The script is a file, so that Python can show its lines where it fails.
        let script = folder.join("losses.py");
        fs::write(&script, SCRIPT)?;
        Ok(Self { program, path, script, cache: folder.join("compiled"), threads })
    }

    /// Starts PyTorch, and sees to it that it is the version and has the threads that production has.
    pub fn start(&self, variables: &[(&str, &str)]) -> Result<Python, Box<dyn Error>> {
        let mut command = Command::new(&self.program);
        command
            .arg(&self.script)
            .env("OMP_NUM_THREADS", self.threads.to_string())
            .env("TORCHINDUCTOR_CACHE_DIR", &self.cache)
            // Compiling in this very process leaves no helpers behind that could disturb a measurement.
            .env("TORCHINDUCTOR_COMPILE_THREADS", "1")
            .env("PYTHONWARNINGS", "ignore")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(path) = &self.path {
            let mut paths = OsString::from(path);
            if let Some(others) = std::env::var_os("PYTHONPATH").filter(|others| !others.is_empty()) {
                paths.push(if cfg!(windows) { ";" } else { ":" });
                paths.push(others);
            }
            command.env("PYTHONPATH", paths);
        }
        let failed = |error| format!("--python {}: could not be started: {error}", self.program);
        let mut child = command.spawn().map_err(failed)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.ok_or("the pipes to Python are missing")?;
        let mut python = Python { child, to: BufWriter::new(to), from: BufReader::new(from) };

        let hello = python.ask(&json!({"do": "hello", "threads": self.threads}), &[])?;
        let version = hello["torch"].as_str().unwrap_or("unknown").to_owned();
        let release = version.split('+').next().unwrap_or_default();
        let ours = intnacl::libtorch_version();
        if release != ours {
            let program = &self.program;
            return Err(
                format!("--python {program}: has PyTorch {version}: expected {ours}, as libtorch").into()
            );
        }
        if hello["threads"] != self.threads {
            let threads = &hello["threads"];
            return Err(format!("PyTorch takes {threads} threads: expected {}", self.threads).into());
        }
        Ok(python)
    }
}

/// The running process. While it is asked nothing, it waits in a read.
pub struct Python {
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// The refusal of the process, in its words: it goes on.
#[derive(Debug)]
pub struct Refusal(pub String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PyTorch: {}", self.0)
    }
}

impl Error for Refusal {}

impl Python {
    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn ask(&mut self, request: &Value, arrays: &[u8]) -> Result<Value, Box<dyn Error>> {
        let mut exchange = || -> std::io::Result<String> {
            writeln!(self.to, "{request}")?;
            self.to.write_all(arrays)?;
            self.to.flush()?;
            let mut line = String::new();
            self.from.read_line(&mut line)?;
            Ok(line)
        };
        let line = exchange().unwrap_or_default();
        if line.is_empty() {
            let status = self.child.wait()?;
            return Err(
                format!("the process with PyTorch ended with {status} (what it said stands above)").into()
            );
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(message) => Err(Refusal(message.to_owned()).into()),
            None => Ok(answer),
        }
    }

    /// Hands over a loss and its inputs.
    pub fn load(&mut self, case: &Case, inputs: &Inputs, device: Device) -> Result<(), Box<dyn Error>> {
        let loss = as_request(case)?;
        let mut bytes = Vec::new();
        let mut arrays = Vec::new();
        for (name, tensor) in inputs.tensors() {
            arrays.push(json!({"name": name, "shape": tensor.size()}));
            let numbers = numbers(tensor)?;
            bytes.extend(numbers.into_iter().flat_map(f32::to_le_bytes));
        }
        let request = json!({
            "do": "load", "loss": loss["loss"], "parameters": loss["parameters"],
            "temperature": TEMPERATURE, "device": intnacl::device_name(device), "arrays": arrays,
        });
        self.ask(&request, &bytes).map(|_| ())
    }

    /// The value, and the gradient by each of `inputs`.
    pub fn answer(
        &mut self,
        implementation: Implementation,
        inputs: &Inputs,
    ) -> Result<(f64, Vec<Tensor>), Box<dyn Error>> {
        let answer = self.ask(&json!({"do": "answer", "implementation": implementation.name()}), &[])?;
        let value = answer["value"].as_f64().unwrap_or(f64::NAN);
        let tensors = inputs.tensors();
        let count: usize = tensors.iter().map(|(_, tensor)| tensor.numel()).sum();
        if answer["bytes"] != 4 * count {
            return Err(
                format!("PyTorch's gradient has {} bytes: expected {}", answer["bytes"], 4 * count).into()
            );
        }
        let mut bytes = vec![0; 4 * count];
        self.from.read_exact(&mut bytes)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
        let gradients = tensors.iter().map(|(_, tensor)| {
            let part: Vec<f32> = numbers.by_ref().take(tensor.numel()).collect();
            Tensor::f_from_slice(&part)?.f_reshape(tensor.size())
        });
        Ok((value, gradients.collect::<Result<_, _>>()?))
    }

    /// Seconds of each of `calls` runs, after one that does not count if `wake` says so.
    pub fn time(
        &mut self,
        implementation: Implementation,
        calls: usize,
        wake: bool,
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        let request =
            json!({"do": "time", "implementation": implementation.name(), "calls": calls, "wake": wake});
        let answer = self.ask(&request, &[])?;
        let seconds =
            answer["seconds"].as_array().map(|list| list.iter().filter_map(Value::as_f64).collect());
        seconds.filter(|list: &Vec<f64>| list.len() == calls).ok_or_else(|| "PyTorch told no times".into())
    }

    /// The most bytes that a call takes above its inputs, if the system tells.
    pub fn peak(&mut self, implementation: Implementation) -> Result<Option<u64>, Box<dyn Error>> {
        let answer = self.ask(&json!({"do": "peak", "implementation": implementation.name()}), &[])?;
        Ok(answer["bytes_above"].as_i64().map(|bytes| bytes.max(0).unsigned_abs()))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It has nothing to save; and one that is compiling would not see the end of its input for long.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>, Box<dyn Error>> {
    let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_reshape([-1])?;
    debug_assert_eq!(flat.numel() % DIMENSION, 0);
    Ok(Vec::<f32>::try_from(&flat)?)
}

/// A loss as requests have it: its name and parameters.
fn as_request(case: &Case) -> Result<Value, serde_json::Error> {
    let data = reference::Batch::new(Vec::new());
    let request = Request::Batch { loss: case.loss, settings: settings(), data };
    serde_json::from_str(&requests::write_request(&request))
}
