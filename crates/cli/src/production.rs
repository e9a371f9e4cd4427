//! Production, asked through the program `intnacl-production`, which is the one that links libtorch.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use intnacl_reference::{Answer, Request, json};

use super::error::Error as CliError;
use super::implementation::{Device, Dtype};
use super::sibling::Sibling;

const PROGRAM: &str = "intnacl-production";
const PRODUCTION: Sibling = Sibling { name: PROGRAM, build: "cargo build --package intnacl --bins" };

/// Why production did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program ended before it answered.
    #[error("{PROGRAM} stopped ({status}) before it answered: {last_words}")]
    Stopped {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// The connection to the program failed.
    #[error("{PROGRAM}: {0}: expected an answer")]
    Connection(#[from] io::Error),
}

/// How many threads production may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// As many as it likes.
    Any,
    /// One: for many small requests, and for several programs at once, the hand-over costs more than it brings.
    One,
}

/// What production says of itself.
#[derive(Debug, serde::Deserialize)]
pub struct Description {
    /// Where it computes.
    pub device: String,
    /// The version of libtorch, where that is known.
    pub libtorch: Option<String>,
}

/// A request as a program is asked it. About half of them leave out what has its default, always the same ones, so that a
/// program which reads a default wrongly is found, and found again.
pub fn written(request: &Request) -> String {
    let terse = json::write_request_tersely(request);
    if terse.len().is_multiple_of(2) { terse } else { json::write_request(request) }
}

/// The running program.
pub struct Production {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last_words: Option<JoinHandle<String>>,
}

impl Production {
    /// Starts the program that stands beside this one.
    ///
    /// # Errors
    /// [`CliError::Sibling`], [`CliError::Start`]. What the program itself refuses, such as a device that is
    /// not there, is only known when it is asked.
    pub fn start(device: Device, dtype: Dtype, threads: Threads) -> Result<Self, CliError> {
        let program = PRODUCTION.find()?;
        let mut command = Command::new(&program);
        command.args(["--device", &device.to_string(), "--dtype", &dtype.to_string()]);
        if threads == Threads::One {
            command.env("OMP_NUM_THREADS", "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| CliError::Start { program, source })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).into());
        };
        let last_words = Some(thread::spawn(move || last_words(errors)));
        Ok(Self { child, input, output: BufReader::new(output), last_words })
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// [`Error::Stopped`] and [`Error::Connection`]; [`json::Error`] if the answer is a refusal or has
    /// not the form of an answer.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, CliError> {
        let line = self.exchange(&written(request))?;
        Ok(json::read_answer(&line, request)?)
    }

    /// What the program says of itself.
    ///
    /// # Errors
    /// [`Error::Stopped`], when the device is not there for instance, and [`Error::Connection`].
    pub fn describe(&mut self) -> Result<Description, Error> {
        let line = self.exchange(r#"{"describe": true}"#)?;
        Ok(serde_json::from_str(&line).map_err(io::Error::from)?)
    }

    /// Sends a line, receives a line.
    fn exchange(&mut self, line: &str) -> Result<String, Error> {
        let sent = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        let mut answer = String::new();
        // A program may answer and end before it has read all: what it said counts, and if it said nothing, its
        // exit status says more than the broken pipe.
        match sent {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => match self.output.read_line(&mut answer) {
                Ok(length) if length > 0 => Ok(answer),
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
                _ => Err(self.stopped()),
            },
        }
    }

    fn stopped(&mut self) -> Error {
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(error) => return error.into(),
        };
        let last_words = self.last_words.take().and_then(|thread| thread.join().ok());
        let last_words = last_words.filter(|words| !words.is_empty());
        Error::Stopped { status, last_words: last_words.unwrap_or_else(|| "it said nothing".into()) }
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        // It holds nothing that has to be saved, and must not outlive this program.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines that have words, as one.
fn last_words(errors: impl Read) -> String {
    const LINES: usize = 3;
    let mut last = VecDeque::with_capacity(LINES + 1);
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if !line.is_empty() {
            last.push_back(line);
        }
        if last.len() > LINES {
            last.pop_front();
        }
    }
    last.make_contiguous().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use intnacl_judge::{self as judge, Float, Implementation, Options, Reference, Standard};
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// How many requests give a field, and how many leave it out.
    #[derive(Default)]
    struct Fields(Mutex<BTreeMap<&'static str, [u32; 2]>>);

    impl Fields {
        fn count(&self, field: &'static str, given: bool) {
            let mut counts = self.0.lock().expect("no thread panicked");
            counts.entry(field).or_default()[usize::from(!given)] += 1;
        }
    }

    struct Asked<'a>(&'a Fields);

    impl Implementation for Asked<'_> {
        fn float(&self) -> Float {
            Float::F64
        }
        fn evaluate(&self, request: &Request) -> Result<Answer, String> {
            let line: serde_json::Value = serde_json::from_str(&written(request)).expect("JSON");
            let count = |field, within: &serde_json::Value| self.0.count(field, within.get(field).is_some());
            count("normalize", &line);
            match request {
                Request::Batch { .. } => {
                    for field in ["symmetric", "mixed", "adversarial"] {
                        count(field, &line["data"]);
                    }
                }
                _ => {
                    let optional = [
                        "debias_positives",
                        "mixed",
                        "mixed_negatives",
                        "adversarial",
                        "adversarial_negatives",
                    ];
                    optional.iter().for_each(|field| count(field, &line["data"]));
                }
            }
            if line["loss"] == "robust" {
                count("weight_negatives", &line["parameters"]);
            }
            Reference.evaluate(request)
        }
    }

    #[test]
    fn drawn_requests_give_every_optional_field_and_leave_it_out() {
        let fields = Fields::default();
        let laws = ["agrees_with_the_reference", "absent_arrays_have_their_defaults"];
        let pairs = judge::pairs(|law, _| laws.contains(&law.name));
        let options = Options { seed: 1, standard: Standard::Right, threads: 2 };
        judge::check_all(&pairs, options, |_| 64, || Ok::<_, ()>(Asked(&fields)), |_| ())
            .expect("no failure to start");
        let counts = fields.0.into_inner().expect("no thread panicked");
        for (field, [given, absent]) in counts {
            assert!(given > 3 && absent > 3, "{field} is given {given} times and absent {absent} times");
        }
    }
}
