//! A program that answers JSON lines: a request on its standard input, an answer on its standard output.
//!
//! Production is one, and any other that `intnacl verify --command` names. Whatever a program does, asking it ends,
//! within bounded memory and, where there is a timeout, bounded time: with an answer or with an [`Error`]. After an error
//! that leaves it unknown to which request the next line would belong, the program is ended, and started again when it is
//! asked again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use intnacl_reference::{Request, json};

use super::group::Group;
use super::last_words::LastWords;
use super::one_line;

/// Why a program did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system does not start it.
    #[error("{name} does not start: {source}: expected a program")]
    NotStarted {
        /// The program.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The connection to it failed.
    #[error("{name}: {source}: expected a program that answers")]
    Connection {
        /// The program.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended.
    #[error("{name} stopped ({status}) before it answered: {last_words}")]
    Stopped {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// It goes on without an output.
    #[error("{name} closed its output before it answered, and did not end: {last_words}")]
    Closed {
        /// The program.
        name: String,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// It takes too long.
    #[error("{name} gave no answer within {seconds} s (--timeout): {last_words}")]
    Silent {
        /// The program.
        name: String,
        /// The time that it had.
        seconds: f64,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// A line is longer than any answer to its request.
    #[error("{name} wrote a line of more than {longest} bytes, the most for this request: {last_words}")]
    TooLong {
        /// The program.
        name: String,
        /// The most bytes that are read.
        longest: usize,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// It wrote more than a line a request.
    #[error("{name} wrote more than one line for a request: expected a line each: {last_words}")]
    Unasked {
        /// The program.
        name: String,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// The line is no JSON in UTF-8.
    #[error("{problem}: {last_words}")]
    Garbage {
        /// What is wrong with it.
        problem: String,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// The line is an error, or no answer to the request: short, not finite, of another shape.
    #[error("{source}{said}")]
    Answer {
        /// What is wrong with it.
        source: json::Error,
        /// The end of what it wrote to its standard error since it was asked.
        said: String,
    },
}

impl Error {
    /// Whether the program was at fault rather than its answer, so that it has to be started again.
    pub fn is_of_the_program(&self) -> bool {
        !matches!(self, Self::Answer { .. })
    }

    /// Whether it was waited for in vain.
    pub fn is_slow(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Closed { .. })
    }
}

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// What messages call it.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether it is to compute in one thread, unless `OMP_NUM_THREADS` is set: for many small requests, and for several
    /// programs at once, the hand-over between threads costs more than it brings.
    pub one_thread: bool,
    /// How long an answer may take; without it, as long as it likes.
    pub timeout: Option<Duration>,
}

/// The longest answer to a request of no length.
const LONGEST_EMPTY: usize = 1 << 16;
/// An answer has a number of at most 26 bytes for each number of the request, which has at least 2, and one an anchor.
const LONGEST_GROWTH: usize = 32;
/// How long what a program said before its answer may take to come.
const WORDS: Duration = Duration::from_millis(500);
/// How long a program that has closed its output may take to end, and one that has ended to have its last words read.
const GRACE: Duration = Duration::from_millis(1000);
/// How long what a program wrote before it ended may take to be read.
const IN_THE_PIPE: Duration = Duration::from_millis(250);
/// How often a program that does not answer is looked after.
const LOOK: Duration = Duration::from_millis(50);

/// A program that is started when it is asked.
#[derive(Debug)]
pub struct Program {
    start: Start,
    running: Option<Running>,
}

impl Program {
    /// A program that does not run yet.
    pub fn new(start: Start) -> Self {
        Self { start, running: None }
    }

    /// Starts the program, unless it runs.
    ///
    /// # Errors
    /// [`Error::NotStarted`].
    pub fn start(&mut self) -> Result<(), Error> {
        self.started().map(|_| ())
    }

    fn started(&mut self) -> Result<&mut Running, Error> {
        let running = match self.running.take() {
            Some(running) => running,
            None => Running::start(&self.start)
                .map_err(|source| Error::NotStarted { name: self.start.name.clone(), source })?,
        };
        Ok(self.running.insert(running))
    }

    /// The answer to a request, as `read` reads it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn ask<T>(
        &mut self,
        request: &Request,
        read: impl FnOnce(&str, &Request) -> json::Result<T>,
    ) -> Result<T, Error> {
        let line = self.exchange(&written(request))?;
        match read(&line, request) {
            Ok(answer) => Ok(answer),
            Err(source @ (json::Error::Syntax { .. } | json::Error::TooLong { .. })) => {
                Err(self.garbage(source.to_string()))
            }
            Err(source @ json::Error::Refused(_)) => Err(Error::Answer { source, said: String::new() }),
            Err(source) => {
                let said = self.running.as_ref().and_then(|running| running.last_words.since_marked(WORDS));
                let said = said.map_or_else(String::new, |words| format!(" (it said: {words})"));
                Err(Error::Answer { source, said })
            }
        }
    }

    /// Sends a line, receives a line.
    ///
    /// # Errors
    /// All of [`Error`] but [`Error::Answer`].
    pub fn exchange(&mut self, line: &str) -> Result<String, Error> {
        let timeout = self.start.timeout;
        match self.started()?.exchange(line, timeout) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                self.garbage(format!(
                    "the answer has the byte {:#04x} at {at}: expected UTF-8",
                    error.as_bytes()[at]
                ))
            }),
            Err(fault) => {
                let name = self.start.name.clone();
                let last_words = self.end();
                Err(match fault {
                    Fault::Stopped(status) => Error::Stopped { name, status, last_words },
                    Fault::Closed => Error::Closed { name, last_words },
                    Fault::Silent(time) => Error::Silent { name, seconds: time.as_secs_f64(), last_words },
                    Fault::TooLong(longest) => Error::TooLong { name, longest, last_words },
                    Fault::Unasked => Error::Unasked { name, last_words },
                    Fault::Connection(source) => Error::Connection { name, source },
                })
            }
        }
    }

    fn garbage(&mut self, problem: String) -> Error {
        Error::Garbage { problem, last_words: self.end() }
    }

    /// Ends the program; its last words.
    fn end(&mut self) -> String {
        let words = self.running.take().and_then(|running| {
            running.group.end();
            running.last_words.all(GRACE)
        });
        words.map_or_else(|| "it said nothing".into(), |words| one_line(&words))
    }
}

/// A request as a program is asked it. About half of them leave out what has its default, always the same ones, so that a
/// program which reads a default wrongly is found, and found again.
pub fn written(request: &Request) -> String {
    let terse = json::write_request_tersely(request);
    if terse.len().is_multiple_of(2) { terse } else { json::write_request(request) }
}

/// Why there is no line.
enum Fault {
    Stopped(ExitStatus),
    Closed,
    Silent(Duration),
    TooLong(usize),
    Unasked,
    Connection(io::Error),
}

/// What comes from a program's output.
#[derive(Debug)]
enum Said {
    /// A line, and whether more came with it.
    Line(Vec<u8>, bool),
    /// A line that is longer than it may be.
    TooLong(usize),
    /// No more.
    End,
}

/// A program that runs. Its pipes belong to threads, since each of them may block.
#[derive(Debug)]
struct Running {
    group: Group,
    input: Sender<String>,
    output: Receiver<Said>,
    last_words: LastWords,
    longest: Arc<AtomicUsize>,
    was_asked: bool,
}

impl Running {
    fn start(start: &Start) -> io::Result<Self> {
        let mut command = Command::new(&start.program);
        command.args(&start.arguments);
        if start.one_thread && std::env::var_os("OMP_NUM_THREADS").is_none() {
            command.env("OMP_NUM_THREADS", "1");
        }
        let (group, (input, output, errors)) = Group::start(command)?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || write_lines(input, lines));
        // One line waits at most: a program that writes on is held up by its pipe, not collected in memory.
        let (said, receiver) = mpsc::sync_channel(1);
        let longest = Arc::new(AtomicUsize::new(LONGEST_EMPTY));
        let limit = longest.clone();
        thread::spawn(move || read_lines(output, &said, &limit));
        Ok(Self {
            group,
            input: sender,
            output: receiver,
            last_words: LastWords::of(errors),
            longest,
            was_asked: false,
        })
    }

    fn exchange(&mut self, line: &str, timeout: Option<Duration>) -> Result<Vec<u8>, Fault> {
        // What a program says before it is asked for the first time is read as its answer, and quoted as none.
        if self.was_asked {
            match self.output.try_recv() {
                Ok(Said::Line(..) | Said::TooLong(_)) => return Err(Fault::Unasked),
                Ok(Said::End) => return Err(self.closed()),
                Err(_) => {}
            }
        }
        self.was_asked = true;
        self.last_words.mark();
        self.longest.store(LONGEST_EMPTY.saturating_add(LONGEST_GROWTH * line.len()), Ordering::Relaxed);
        // A program may answer and end before it has read all: what it said counts, and if it said nothing, how it
        // ended says more than the broken pipe.
        let _ = self.input.send(format!("{line}\n"));
        let asked = Instant::now();
        let mut ended: Option<(Instant, ExitStatus)> = None;
        loop {
            match self.output.recv_timeout(LOOK) {
                Ok(Said::Line(line, false)) => return Ok(line),
                Ok(Said::Line(_, true)) => return Err(Fault::Unasked),
                Ok(Said::TooLong(longest)) => return Err(Fault::TooLong(longest)),
                Ok(Said::End) | Err(RecvTimeoutError::Disconnected) => return Err(self.closed()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            match ended {
                // Its output is still open: in the hands of a process that it has left behind.
                Some((since, status)) if since.elapsed() > IN_THE_PIPE => return Err(Fault::Stopped(status)),
                Some(_) => {}
                None => {
                    let status = self.group.ended().map_err(Fault::Connection)?;
                    ended = status.map(|status| (Instant::now(), status));
                }
            }
            if let Some(time) = timeout.filter(|time| asked.elapsed() >= *time) {
                return Err(Fault::Silent(time));
            }
        }
    }

    /// What it is that a program without an output does.
    fn closed(&self) -> Fault {
        let since = Instant::now();
        loop {
            match self.group.ended() {
                Ok(Some(status)) => return Fault::Stopped(status),
                Err(error) => return Fault::Connection(error),
                Ok(None) if since.elapsed() > GRACE => return Fault::Closed,
                Ok(None) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

/// Writes until there is nobody who reads, or nobody who asks.
fn write_lines(mut input: ChildStdin, lines: Receiver<String>) {
    for line in lines {
        if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Reads lines until there are no more, or one is too long.
fn read_lines(output: ChildStdout, said: &SyncSender<Said>, longest: &AtomicUsize) {
    let mut output = BufReader::new(output);
    loop {
        // The length that counts is that of the request which is being answered when the line begins.
        let begun = output.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        let longest = longest.load(Ordering::Relaxed);
        let mut line = Vec::new();
        let read = (&mut output).take(longest as u64 + 1).read_until(b'\n', &mut line);
        let said_now = match read {
            Ok(length) if length > longest => Said::TooLong(longest),
            // The last line need not end.
            Ok(length) if begun && length > 0 => Said::Line(line, !output.buffer().is_empty()),
            _ => Said::End,
        };
        let last = !matches!(said_now, Said::Line(..));
        if said.send(said_now).is_err() || last {
            return;
        }
    }
}
