//! The command `intnacl`, as a shell sees it: what it prints, where, and its exit status.

mod answered;
mod arguments;
mod bound;
mod command;
mod explain;
mod images;
mod installed;
mod libtorch;
mod production;
mod refused;
mod requests;
mod training;
mod vectors;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

/// What a finished command left behind.
#[derive(Debug)]
struct Outcome {
    status: Option<i32>,
    output: String,
    errors: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { status: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
    }
}

impl Outcome {
    /// The one line of a refusal.
    #[track_caller]
    fn refusal(self) -> String {
        assert_eq!(self.status, Some(2), "{self:?}");
        assert_eq!(self.output, "", "a refusal has no result");
        assert_eq!(self.errors.lines().count(), 1, "not one line: {}", self.errors);
        assert!(self.errors.starts_with("intnacl: "), "{}", self.errors);
        self.errors.trim_start_matches("intnacl: ").trim_end().to_owned()
    }

    /// The result of a command that did what it was asked to.
    #[track_caller]
    fn result(self) -> String {
        assert_eq!((self.status, self.errors.as_str()), (Some(0), ""), "{self:?}");
        self.output
    }
}

/// Runs `intnacl` with these arguments and this standard input.
fn intnacl(arguments: &[&str], input: &[u8]) -> Outcome {
    run(Command::new(env!("CARGO_BIN_EXE_intnacl")).args(arguments), input)
}

fn run(command: &mut Command, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut standard_input = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        // A command that refuses its arguments reads nothing, and closes the pipe.
        scope.spawn(move || standard_input.write_all(input));
        child.wait_with_output().expect("the command ends").into()
    })
}

/// Refuses to test production where it was not built: this package does not need it.
#[track_caller]
fn production_is_built() {
    let program = Path::new(env!("CARGO_BIN_EXE_intnacl"));
    let program = program.with_file_name(format!("intnacl-production{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is missing: run `cargo build --package intnacl --bins` (it needs libtorch), then this test again, \
         or `cargo test --workspace`",
        program.display()
    );
}

/// Runs `intnacl loss -` on a request.
fn loss(request: impl AsRef<[u8]>) -> Outcome {
    intnacl(&["loss", "-"], request.as_ref())
}
