//! The end of what a program writes to its standard error.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes are kept, and how many lines are told.
const BYTES: usize = 4096;
const LINES: usize = 3;

/// Collected while the program runs, so that it never waits for a reader; all but the end is forgotten.
#[derive(Debug)]
pub struct LastWords {
    tail: Arc<Mutex<Tail>>,
    /// Whether words were waited for in vain.
    is_silent: Cell<bool>,
    complete: Receiver<()>,
}

#[derive(Debug, Default)]
struct Tail {
    bytes: VecDeque<u8>,
    /// How many bytes came since the mark.
    new: usize,
}

impl LastWords {
    /// Collects in a thread of its own.
    pub fn of(mut errors: impl Read + Send + 'static) -> Self {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let (done, complete) = mpsc::channel();
        let collected = tail.clone();
        thread::spawn(move || {
            let mut chunk = [0; BYTES];
            loop {
                let length = match errors.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                let mut tail = locked(&collected);
                tail.new = tail.new.saturating_add(length);
                tail.bytes.extend(&chunk[..length]);
                let surplus = tail.bytes.len().saturating_sub(BYTES);
                tail.bytes.drain(..surplus);
            }
            let _ = done.send(());
        });
        Self { tail, is_silent: Cell::new(false), complete }
    }

    /// What comes from here on is what [`since_marked`](Self::since_marked) tells.
    pub fn mark(&self) {
        locked(&self.tail).new = 0;
    }

    /// The last lines since the mark, if there are any. They may have been written and not yet have come, so that they are
    /// waited for, but no longer than `grace`, and not again where a program that never said anything was waited for.
    pub fn since_marked(&self, grace: Duration) -> Option<String> {
        let since = Instant::now();
        loop {
            let tail = locked(&self.tail);
            let words = lines(&tail.bytes, tail.new);
            let never_spoke = tail.bytes.is_empty();
            drop(tail);
            if words.is_some() || (never_spoke && self.is_silent.get()) {
                return words;
            }
            if since.elapsed() >= grace {
                self.is_silent.set(never_spoke);
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The last lines of a program that has ended, if there are any; another process may have kept its standard error
    /// open, which is waited for no longer than `grace`.
    pub fn all(&self, grace: Duration) -> Option<String> {
        let _ = self.complete.recv_timeout(grace);
        let tail = locked(&self.tail);
        lines(&tail.bytes, BYTES)
    }
}

/// The last lines among the last `count` bytes that have words, as one.
fn lines(bytes: &VecDeque<u8>, count: usize) -> Option<String> {
    let bytes: Vec<u8> = bytes.iter().skip(bytes.len().saturating_sub(count)).copied().collect();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    (!last.is_empty()).then(|| last.join("; "))
}

fn locked(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(errors: impl Read + Send + 'static) -> Option<String> {
        LastWords::of(errors).all(Duration::from_secs(60))
    }

    #[test]
    fn the_last_three_lines_with_words_are_told() {
        assert_eq!(all(&b"one\n\ntwo\n  three \n\nfour"[..]).as_deref(), Some("two; three; four"));
        assert_eq!(all(&b" \n\n"[..]), None);
        assert_eq!(all(&b"\xff\n"[..]).as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn a_line_of_any_length_takes_bounded_memory() {
        let words = all(io::repeat(b'x').take(50_000_000)).expect("words");
        assert_eq!(words.len(), BYTES);
    }

    #[test]
    fn words_before_the_mark_are_not_those_of_the_request() {
        let (mut writer, reader) = {
            let (reader, writer) = io::pipe().expect("a pipe");
            (writer, reader)
        };
        let words = LastWords::of(reader);
        let wait = |until: &str| {
            while !words.since_marked(Duration::ZERO).is_some_and(|words| words.ends_with(until)) {
                thread::sleep(Duration::from_millis(1));
            }
        };
        io::Write::write_all(&mut writer, b"before\n").expect("written");
        wait("before");
        words.mark();
        assert_eq!(words.since_marked(Duration::ZERO), None);
        io::Write::write_all(&mut writer, b"after\n").expect("written");
        wait("after");
        assert_eq!(words.since_marked(Duration::ZERO).as_deref(), Some("after"));
        words.mark();
        io::Write::write_all(&mut writer, b"on their way\n").expect("written");
        assert_eq!(words.since_marked(Duration::from_secs(60)).as_deref(), Some("on their way"));
    }

    #[test]
    fn a_silent_program_is_waited_for_once() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let words = LastWords::of(reader);
        assert_eq!(words.since_marked(Duration::from_millis(5)), None);
        let since = Instant::now();
        assert_eq!(words.since_marked(Duration::from_secs(60)), None);
        assert!(since.elapsed() < Duration::from_secs(60));
    }
}
