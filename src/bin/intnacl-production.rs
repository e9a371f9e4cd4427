//! Answers requests about losses, one JSON line each, from the production implementation.

use clap::Parser;
use intnacl::{Error, device, device_name, evaluate, kind, kind_name, libtorch_version};
use intnacl_reference::json;
use serde::Deserialize;
use std::io::{self, BufRead, Write};
use tch::{Device, Kind};

const EXAMPLE: &str = r#"Example:
  $ cat requests.jsonl
  {"loss":"simclr","temperature":1,"data":{"layout":"tuples","anchor":[[1]],"positives":[[[1]]],"negatives":[[[1]]]}}
  $ intnacl-production --device cpu --dtype f64 < requests.jsonl
  {"value":0.6931471805599453,"per_anchor":[0.6931471805599453],"gradient":{"anchor":[[0.0]],...}}

A request that is refused is answered by {"error": "..."}, and the next one is read.
{"describe": true} is answered by the device, the element type and the version of libtorch."#;

/// Answers requests about losses, read as JSON lines from standard input, from libtorch.
#[derive(Parser)]
#[command(name = "intnacl-production", version, after_help = EXAMPLE)]
struct Arguments {
    /// Where to compute: cpu, cuda, cuda:N or mps
    #[arg(long, default_value = "cpu", value_parser = |name: &str| device(name))]
    device: Device,
    /// The elements of the tensors: f64, f32, bf16 or f16
    #[arg(long = "dtype", default_value = "f64", value_parser = |name: &str| kind(name))]
    kind: Kind,
}

/// A request about the program itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Describe {
    describe: bool,
}

impl Arguments {
    /// The answer to one line, as one line without its end.
    fn answer(&self, line: &[u8]) -> String {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(error) => return refusal(format!("the request: {error}, expected UTF-8")),
        };
        if let Ok(Describe { describe: true }) = serde_json::from_str(text) {
            return self.describe();
        }
        let request = match json::read_request(text) {
            Ok(request) => request,
            Err(error) => return refusal(error.to_string()),
        };
        match evaluate(&request, self.device, self.kind) {
            Ok(answer) => json::write_answer(&answer),
            // Arguments are named by their paths in the request.
            Err(Error::Input(error)) => refusal(json::Error::from(error).to_string()),
            Err(error) => refusal(error.to_string()),
        }
    }

    fn describe(&self) -> String {
        let (device, dtype) = (device_name(self.device), kind_name(self.kind));
        serde_json::json!({"device": device, "dtype": dtype, "libtorch": libtorch_version()}).to_string()
    }
}

/// Messages of libtorch have several lines; the first says what happened.
fn refusal(message: String) -> String {
    let line = message.lines().next().unwrap_or_default();
    serde_json::json!({ "error": line }).to_string()
}

/// Answers every line, until there are no more.
fn serve(arguments: &Arguments, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            writeln!(output, "{}", arguments.answer(&line))?;
            // Whoever asks waits for the answer before the next request.
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

fn main() -> io::Result<()> {
    match serve(&Arguments::parse(), io::stdin().lock(), io::stdout().lock()) {
        // Nobody reads the answers any more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
