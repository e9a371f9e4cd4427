//! Answers requests about losses, one JSON line each, from the production implementation.

use intnacl::{Error, device, device_name, evaluate, kind, kind_name, libtorch_version};
use intnacl_reference::json;
use serde::Deserialize;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use tch::{Device, Kind};

const HELP: &str = r#"Answers requests about losses, read as JSON lines from standard input, from libtorch

Usage: intnacl-production [OPTIONS]

Options:
      --device <DEVICE>  Where to compute: cpu, cuda, cuda:N or mps [default: cpu]
      --dtype <KIND>     The elements of the tensors: f64, f32, bf16 or f16 [default: f64]
  -h, --help             Print help
  -V, --version          Print version

Example:
  $ cat requests.jsonl
  {"loss":"simclr","temperature":1,"data":{"layout":"tuples","anchor":[[1]],"positives":[[[1]]],"negatives":[[[1]]]}}
  $ intnacl-production --device cpu --dtype f64 < requests.jsonl
  {"value":0.6931471805599453,"per_anchor":[0.6931471805599453],"gradient":{"anchor":[[0.0]],...}}

A request that is refused is answered by {"error": "..."}, and the next one is read.
{"describe": true} is answered by the device, the element type and the version of libtorch.
"#;

/// The task that the command line asks for.
#[derive(Debug, PartialEq)]
enum Asked {
    Help,
    Version,
    Serve(Arguments),
}

/// Where to compute, and in what.
#[derive(Debug, PartialEq)]
struct Arguments {
    device: Device,
    kind: Kind,
}

/// Takes `--name value` and `--name=value`, each option once.
fn parse(words: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut words = words.into_iter();
    let (mut on, mut of) = (None, None);
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let place = match (name, &value) {
            ("-h" | "--help", None) => return Ok(Asked::Help),
            ("-V" | "--version", None) => return Ok(Asked::Version),
            ("--device", _) => &mut on,
            ("--dtype", _) => &mut of,
            _ => return Err(format!("unexpected argument '{word}': expected --device or --dtype")),
        };
        let value = value.or_else(|| words.next()).ok_or(format!("{name} has no value: expected one"))?;
        if place.replace(value).is_some() {
            return Err(format!("{name} is given twice: expected it once"));
        }
    }
    let named = |option: &str, value: &str, error: Error| format!("{option} {value}: {error}");
    let (on, of) = (on.unwrap_or_else(|| "cpu".into()), of.unwrap_or_else(|| "f64".into()));
    Ok(Asked::Serve(Arguments {
        device: device(&on).map_err(|error| named("--device", &on, error))?,
        kind: kind(&of).map_err(|error| named("--dtype", &of, error))?,
    }))
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

fn run(asked: &Asked) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let done = match asked {
        Asked::Help => output.write_all(HELP.as_bytes()),
        Asked::Version => writeln!(output, "intnacl-production {}", env!("CARGO_PKG_VERSION")),
        Asked::Serve(arguments) => serve(arguments, io::stdin().lock(), output),
    };
    match done {
        // Nobody reads the answers any more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let asked = match parse(words) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("error: {} (more with --help)", problem.lines().next().unwrap_or_default());
            return ExitCode::from(2);
        }
    };
    match run(&asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}: expected to read requests and to write answers");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_read_in_both_forms_and_any_order() {
        let served = |kind| Ok(Asked::Serve(Arguments { device: Device::Cpu, kind }));
        assert_eq!(parsed(""), served(Kind::Double));
        assert_eq!(parsed("--dtype f32 --device cpu"), served(Kind::Float));
        assert_eq!(parsed("--device=cpu --dtype=bf16"), served(Kind::BFloat16));
        assert_eq!(parsed("--dtype f32 --help"), Ok(Asked::Help));
        assert_eq!(parsed("-V"), Ok(Asked::Version));
    }

    #[test]
    fn what_is_no_option_is_refused_by_name() {
        for (line, part) in [
            ("--devise cpu", "'--devise'"),
            ("cpu", "'cpu'"),
            ("--help=yes", "'--help=yes'"),
            ("--dtype", "--dtype has no value"),
            ("--dtype f32 --dtype=f64", "--dtype is given twice"),
            ("--dtype f8", "--dtype f8: "),
            ("--device cuda:x", "--device cuda:x: "),
        ] {
            let problem = parsed(line).unwrap_err();
            assert!(problem.contains(part), "{line}: {problem}");
        }
    }
}
