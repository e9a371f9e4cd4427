//! Processes that do not outlive this one.
//!
//! Each program gets a process group of its own (on Windows a job), so that whatever it starts ends with it: when the
//! [`Group`] is dropped, on a panic too, and when this process is interrupted or asked to end.

use std::io;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

#[cfg(unix)]
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use process_wrap::std::{ChildWrapper, CommandWrap};

type Leader = Arc<Mutex<Box<dyn ChildWrapper>>>;

/// The groups that there are. Whoever interrupts takes the list and keeps it, so that none is started after that.
static GROUPS: Mutex<Vec<Leader>> = Mutex::new(Vec::new());

/// The exit status of a command that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// A running program with all that it started.
#[derive(Debug)]
pub struct Group(Leader);

/// The ends of a program's three pipes.
pub type Pipes = (ChildStdin, ChildStdout, ChildStderr);

impl Group {
    /// Starts a program.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start(mut command: Command) -> io::Result<(Self, Pipes)> {
        end_groups_when_interrupted();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        let mut groups = locked(&GROUPS);
        let mut child = command.spawn()?;
        let pipes = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let group = Self(Arc::new(Mutex::new(child)));
        groups.push(group.0.clone());
        drop(groups);
        match pipes {
            (Some(input), Some(output), Some(errors)) => Ok((group, (input, output, errors))),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// How the program ended, if it has.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&self) -> io::Result<Option<ExitStatus>> {
        locked(&self.0).try_wait()
    }

    /// Ends the program and all that it started. They hold nothing that has to be saved.
    pub fn end(&self) {
        end(&self.0);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
        locked(&GROUPS).retain(|group| !Arc::ptr_eq(group, &self.0));
    }
}

fn end(leader: &Leader) {
    let mut leader = locked(leader);
    // It may have ended by itself, in which case others of the group may still run.
    let _ = leader.start_kill();
    let _ = leader.wait();
}

/// A thread that panicked has left these lists and processes as they are.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_groups_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(unix)]
        let ignored = ignored_signals();
        let _ = ctrlc::set_handler(|| {
            let groups = locked(&GROUPS);
            groups.iter().for_each(end);
            process::exit(INTERRUPTED);
        });
        #[cfg(unix)]
        ignored.into_iter().for_each(ignore);
    });
}

/// The signals that this process was started to ignore, as `nohup` and the background jobs of shells are. It goes on
/// ignoring them, and hears the others.
#[cfg(unix)]
fn ignored_signals() -> Vec<Signal> {
    let is_ignored = |signal: &Signal| {
        let ignored = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: to ignore a signal, here for a moment, runs no code.
        let Ok(before) = (unsafe { sigaction(*signal, &ignored) }) else { return false };
        // SAFETY: this was the action before, so its code is there to be run.
        let _ = unsafe { sigaction(*signal, &before) };
        matches!(before.handler(), SigHandler::SigIgn)
    };
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().filter(is_ignored).collect()
}

#[cfg(unix)]
fn ignore(signal: Signal) {
    let action = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { sigaction(signal, &action) };
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::panic;
    use std::time::{Duration, Instant};

    /// Starts a program with a child, whose number it tells.
    fn start() -> (Group, String) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        let (group, (_, output, _)) = Group::start(command).expect("sh starts");
        let mut child = String::new();
        BufReader::new(output).read_line(&mut child).expect("a number");
        (group, child.trim().to_owned())
    }

    fn lives(pid: &str) -> bool {
        let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps runs");
        let state = String::from_utf8_lossy(&output.stdout);
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }

    #[track_caller]
    fn has_ended(pid: &str) {
        let since = Instant::now();
        while lives(pid) {
            assert!(since.elapsed() < Duration::from_secs(5), "{pid} lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_panic_ends_the_program_and_its_children() {
        let child = Mutex::new(String::new());
        let panicked = panic::catch_unwind(|| {
            let (_group, pid) = start();
            assert!(lives(&pid));
            child.lock().expect("no panic yet").push_str(&pid);
            panic!("on purpose");
        });
        assert!(panicked.is_err());
        has_ended(&child.lock().expect("no panic while it was held"));
    }

    #[test]
    fn a_program_that_ended_takes_its_children_with_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; exit 7"]);
        let (group, (_, output, _)) = Group::start(command).expect("sh starts");
        let mut child = String::new();
        BufReader::new(output).read_line(&mut child).expect("a number");
        let since = Instant::now();
        let status = loop {
            assert!(since.elapsed() < Duration::from_secs(5), "sh does not end");
            if let Some(status) = group.ended().expect("the system tells") {
                break status;
            }
        };
        assert_eq!(status.code(), Some(7));
        assert!(lives(child.trim()));
        drop(group);
        has_ended(child.trim());
    }
}
