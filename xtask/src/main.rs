//! The project's chores: `cargo xtask` sets up libtorch, then builds, tests or runs the package.
//!
//! It exists because the package cannot be built before libtorch is there, and a build script is the
//! wrong place to fetch half a gigabyte: it would be done per target folder, unseen and without the
//! lock that two checkouts need. This crate uses only the standard library, so that it is compiled in
//! seconds on a machine that has nothing yet.

mod bench;
mod c;
mod cargo;
mod cargo_config;
#[cfg(test)]
mod circles;
mod doc;
mod drill;
mod fuzz;
mod gpu_report;
#[cfg(test)]
mod house;
mod install;
mod libtorch;
#[cfg(test)]
mod losses;
mod manifest;
mod mutants;
mod peers;
mod pip;
mod programs;
mod requirements;
mod tools;
mod torch;
mod wheel;

use std::process::ExitCode;

use programs::Profile;

/// Errors are only ever shown to a person, so they are the lines to show.
type Result<T> = std::result::Result<T, String>;

const USAGE: &str = "\
Sets up libtorch, then builds and runs what needs it.

Usage: cargo xtask [--cuda] COMMAND [ARGS...]

Commands:
  verify [ARGS...]   build the programs and run `intnacl verify ARGS...`
  soak [ARGS...]     build the programs with all optimisations and run `intnacl soak ARGS...`
  test [ARGS...]     run `cargo test --workspace ARGS...`; without arguments the tests of Python follow
  train [ARGS...]    build and run `intnacl-training train ARGS...`; without arguments it trains on digits
  bench [ARGS...]    run `cargo bench --package intnacl ARGS...`
  bench --peers [OPTIONS]
                     time the losses beside PyTorch, which is installed into the cache folder where
                     `python3` does not have it; see `cargo xtask bench --peers --help`
  doc [ARGS...]      run `cargo doc --workspace --no-deps ARGS...`, with typeset equations; needs no libtorch
  wheel              build the Python package `intnacl` into target/wheels
  python-test [ARGS...]
                     build the wheel, and run `pytest ARGS...` on its tests, with NumPy, JAX and PyTorch in the
                     cache folder; what cannot be installed is skipped, and said
  scoreboard [--only NAME] [--fresh]
                     build the wheel, install from PyPI packages that have these losses, judge each, and write
                     notes/scoreboard.md and notes/scoreboard.html; goes on where it was stopped
  c [--prefix DIR]   build the library for C and C++ into target/c, or into DIR, with headers and the files of
                     pkg-config and CMake
  fuzz [TARGET...] [--minutes N] [--commit]
                     have libFuzzer look for bytes that break a promise, 20 minutes a target: requests, answers,
                     results, numbers, c_border; what it found so far is in target/fuzz, and with --commit the smallest
                     corpus is put into crates/fuzz
  mutants [ARGS...]  break the code of the losses and of the bound in sampled places, and see whether the tests notice;
                     goes on where it was stopped; see `cargo xtask mutants --help`
  gpu-report [ARGS...]
                     measure what only a graphics card can tell, beside what was calculated for one, and write it to
                     notes/gpu; goes on where it was stopped; without a card it measures the processor
  libtorch           only the set-up; prints the folder of libtorch
  loss-drill [--write]
                     add a loss to a copy of the tree, leave out each place that it needs in turn, and print the
                     places of notes/adding-a-loss.md; --write puts them there; needs no libtorch

Options:
  --cuda             set up the libtorch that can use a GPU (about 3 GB to download, not 0.5 GB)
  -h, --help         this text

libtorch is taken from the variable LIBTORCH, else from an installed Python `torch` of the right
version, else it is installed from PyPI, once, into your cache folder (XDG_CACHE_HOME). From then on
plain `cargo build`, `cargo test`, `cargo run` and `cargo bench` find it too.

Examples:
  cargo xtask verify
  cargo xtask train
  cargo xtask soak --minutes 60 --dtype f32
  cargo xtask test -- --nocapture
  cargo xtask --cuda verify
  cargo xtask --cuda gpu-report
  cargo xtask bench --peers --loss simclr --batch 256,1024
  LIBTORCH=/opt/libtorch cargo xtask libtorch
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Help,
    Verify(Vec<String>),
    Soak(Vec<String>),
    Test(Vec<String>),
    Train(Vec<String>),
    Bench(Vec<String>),
    Doc(Vec<String>),
    Libtorch,
    Wheel,
    PythonTest(Vec<String>),
    Scoreboard(Vec<String>),
    C(Vec<String>),
    Fuzz(Vec<String>),
    GpuReport(Vec<String>),
    Mutants(Vec<String>),
    LossDrill(Vec<String>),
}

/// Takes the words after `cargo xtask` apart. `--cuda` is taken before the command and right after it,
/// not further on: there it may be meant for the program that the command runs.
fn parse(words: impl IntoIterator<Item = String>) -> Result<(Command, torch::Set)> {
    let mut words = words.into_iter().peekable();
    let mut set = torch::Set::Cpu;
    let mut take_cuda = |words: &mut std::iter::Peekable<_>| {
        while words.next_if(|word: &String| word == "--cuda").is_some() {
            set = torch::Set::Cuda;
        }
    };
    take_cuda(&mut words);
    let name = words.next();
    take_cuda(&mut words);
    let rest: Vec<String> = words.collect();
    let command = match name.as_deref() {
        None | Some("-h" | "--help" | "help") => Command::Help,
        Some("verify") => Command::Verify(rest),
        Some("soak") => Command::Soak(rest),
        Some("test") => Command::Test(rest),
        Some("train") => Command::Train(rest),
        Some("bench") => Command::Bench(rest),
        Some("doc") => Command::Doc(rest),
        Some(name @ ("libtorch" | "wheel")) => match rest.first() {
            None if name == "wheel" => Command::Wheel,
            None => Command::Libtorch,
            Some(word) => return Err(format!("`cargo xtask {name}` takes no `{word}`")),
        },
        Some("python-test") => Command::PythonTest(rest),
        Some("scoreboard") => Command::Scoreboard(rest),
        Some("c") => Command::C(rest),
        Some("fuzz") => Command::Fuzz(rest),
        Some("gpu-report") => Command::GpuReport(rest),
        Some("mutants") => Command::Mutants(rest),
        Some("loss-drill") => Command::LossDrill(rest),
        Some(other) => {
            return Err(format!("`cargo xtask` has no command `{other}`; see `cargo xtask --help`"));
        }
    };
    Ok((command, set))
}

fn run(command: Command, set: torch::Set) -> Result<ExitCode> {
    let workspace = cargo::workspace();
    match command {
        Command::Help => {
            print!("{USAGE}");
            return Ok(ExitCode::SUCCESS);
        }
        // The packages of other languages need no libtorch.
        Command::Wheel => {
            println!("{}", wheel::build(&workspace)?.display());
            return Ok(ExitCode::SUCCESS);
        }
        Command::PythonTest(args) => return wheel::test(&workspace, &args),
        Command::Scoreboard(args) => return wheel::scoreboard(&workspace, &args),
        Command::C(args) => return c::run(&workspace, &args),
        Command::Doc(args) => return doc::run(&workspace, args),
        Command::Fuzz(args) => return fuzz::run(&workspace, &args),
        Command::LossDrill(args) => return drill::run(&workspace, &args),
        _ => {}
    }
    let libtorch = libtorch::set_up(&workspace, set)?;
    match command {
        Command::Verify(args) => programs::run(&workspace, &libtorch, Profile::Dev, "verify", args),
        Command::Soak(args) => programs::run(&workspace, &libtorch, Profile::Release, "soak", args),
        Command::Test(args) => {
            let whole = args.is_empty();
            let test = ["test", "--workspace"].map(String::from).into_iter();
            let status = cargo::run(&workspace, &libtorch, &test.chain(args).collect::<Vec<_>>())?;
            if !status.success() || !whole {
                return Ok(cargo::exit_code(status));
            }
            wheel::test(&workspace, &[])
        }
        Command::GpuReport(args) => gpu_report::run(&workspace, &libtorch, args),
        Command::Mutants(args) => mutants::run(&workspace, &libtorch, args),
        Command::Train(args) => {
            let train = ["run", "--quiet", "--package", "intnacl-training", "--", "train"];
            let train = train.map(String::from).into_iter();
            cargo::become_cargo(&workspace, &libtorch, &train.chain(args).collect::<Vec<_>>())
        }
        Command::Bench(args) => bench::run(&workspace, &libtorch, args),
        Command::Libtorch => {
            println!("{}", libtorch.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Help
        | Command::Wheel
        | Command::PythonTest(_)
        | Command::Scoreboard(_)
        | Command::C(_)
        | Command::Doc(_)
        | Command::Fuzz(_)
        | Command::LossDrill(_) => {
            unreachable!("answered above")
        }
    }
}

fn main() -> ExitCode {
    let (command, set) = match parse(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    run(command, set).unwrap_or_else(|message| {
        eprintln!("error: {message}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use torch::Set;

    fn parsed(line: &str) -> Result<(Command, Set)> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn without_words_the_usage_is_shown() {
        for line in ["", "--help", "-h", "--cuda"] {
            assert_eq!(parsed(line).unwrap().0, Command::Help, "{line}");
        }
    }

    #[test]
    fn arguments_are_handed_on_as_they_are() {
        let (command, set) = parsed("verify --seed 3 -- --cuda").unwrap();
        assert_eq!(set, Set::Cpu);
        assert_eq!(command, Command::Verify(["--seed", "3", "--", "--cuda"].map(String::from).to_vec()));
        let (command, _) = parsed("soak --minutes 5 --dtype f32").unwrap();
        let words = ["--minutes", "5", "--dtype", "f32"];
        assert_eq!(command, Command::Soak(words.map(String::from).to_vec()));
    }

    #[test]
    fn cuda_is_taken_on_both_sides_of_the_command() {
        for line in ["--cuda test -q", "test --cuda -q"] {
            let expected = (Command::Test(vec!["-q".to_owned()]), Set::Cuda);
            assert_eq!(parsed(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn unknown_commands_are_named_on_one_line() {
        let message = parsed("veriffy").unwrap_err();
        assert!(message.contains("`veriffy`") && message.lines().count() == 1);
        assert!(parsed("libtorch please").is_err());
    }
}
