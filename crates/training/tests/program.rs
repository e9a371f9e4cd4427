//! The program as a user runs it: killed and started again, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intnacl-training"));
    // Small networks gain nothing by more threads, and tests run beside each other.
    command.env("OMP_NUM_THREADS", "1");
    command
}

/// Short epochs of NCA with hard negatives.
fn train(out: &Path, epochs: &str) -> Command {
    let mut command = program();
    command.args(["train", "--preset", "nca-g2-m2", "--share", "0.1", "--batch", "32", "--epochs", epochs]);
    command.args(["--width", "0.0625", "--seed", "7", "--out"]).arg(out);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_run_that_is_killed_and_resumed_ends_with_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let output = train(&whole, "8").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.lines().any(|line| line.starts_with("standard accuracy")), "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("robust accuracy")), "{printed}");

    // Killed as soon as a checkpoint is there, then a little later each time.
    for delay in [0, 30, 75] {
        let mut command = train(&killed, "8");
        if killed.exists() {
            command.arg("--resume");
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while !killed.join("checkpoint.safetensors").exists() && begin.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = train(&killed, "8").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    for file in ["encoder.safetensors", "report.json", "neighbours.png"] {
        assert!(fs::read(whole.join(file)).unwrap() == fs::read(killed.join(file)).unwrap(), "{file}");
    }
    let tensors = |folder: &Path| {
        let (tensors, metadata) =
            intnacl_training::checkpoint::load(&folder.join("checkpoint.safetensors")).unwrap();
        let mut tensors: Vec<_> = tensors.into_iter().collect();
        tensors.sort_by(|one, other| one.0.cmp(&other.0));
        (tensors, metadata)
    };
    let (one, other) = (tensors(&whole), tensors(&killed));
    assert_eq!(one.1, other.1);
    assert!(one.0.iter().zip(&other.0).all(|((name, x), (other, y))| name == other && x == y));
}

/// A limit on the size of files stands for a disk that is full: it lets the encoder through, not the checkpoint.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_run_whose_last_checkpoint_stays_and_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    run(&mut train(&whole, "2"));
    run(&mut train(&stopped, "1"));
    let checkpoint = stopped.join("checkpoint.safetensors");
    let before = fs::read(&checkpoint).unwrap();

    let mut rest = train(&stopped, "2");
    rest.arg("--resume");
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 500; exec \"$0\" \"$@\""]).env("OMP_NUM_THREADS", "1");
    let output = limited.arg(rest.get_program()).args(rest.get_args()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    let last = message.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(last.contains("checkpoint.safetensors") && last.contains("was not written"), "{message}");
    assert!(fs::read(&checkpoint).unwrap() == before, "the last checkpoint is what it was");
    let names =
        fs::read_dir(&stopped).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let unfinished: Vec<String> = names.filter(|name| name.starts_with('.')).collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");

    run(&mut rest);
    for file in ["encoder.safetensors", "report.json"] {
        assert!(fs::read(whole.join(file)).unwrap() == fs::read(stopped.join(file)).unwrap(), "{file}");
    }
    let lines = |out: &Path| fs::read_to_string(out.join("metrics.jsonl")).unwrap().lines().count();
    assert_eq!((lines(&whole), lines(&stopped)), (2, 2));
}

#[test]
fn what_is_refused_ends_with_2_and_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("something"), "").unwrap();
    let full = folder.path().to_str().unwrap();
    for (arguments, words) in [
        (vec!["train", "--preset", "simclr9"], "preset = simclr9"),
        (vec!["train", "--loss", "simclr", "--beta", "2"], "beta = 2"),
        (vec!["train", "--batch", "1"], "batch = 1"),
        (vec!["train", "--out", full], "is not empty"),
        (vec!["train", "--data", "cifar10:nowhere.bin"], "nowhere.bin"),
        (vec!["train", "--config", "nowhere.toml"], "nowhere.toml"),
        (vec!["evaluate", full], "config.toml"),
        (vec!["reproduce", "table-9", "--data", "digits"], "table = table-9"),
    ] {
        let output = program().args(&arguments).current_dir(folder.path()).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.lines().count() == 1 && message.contains(words), "{arguments:?}: {message}");
    }
}

#[test]
fn a_table_goes_on_where_it_was_stopped_and_is_evaluated_at_both_moments() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("table");
    let reproduce = |more: &[&str]| {
        let mut command = program();
        command.args(["reproduce", "table-1", "--data", "digits", "--share", "0.1", "--test-share", "0.2"]);
        command.args(["--batch", "32", "--epochs", "4", "--width", "0.0625", "--probe-epochs", "5"]);
        command
            .args(["--only", "simclr,nca-g0-m3", "--equal-passes", "--device", "cpu,cpu", "--out"])
            .arg(&out);
        command.args(more).output().unwrap()
    };
    let output = reproduce(&["--trials", "1"]);
    assert!(output.status.success(), "{}", text(&output));
    let report = out.join("nca-g0-m3/seed-1/report-2.json");
    let first = (fs::read(&report).unwrap(), fs::metadata(&report).unwrap().modified().unwrap());
    let output = reproduce(&["--trials", "2"]);
    assert!(output.status.success(), "{}", text(&output));
    // Four views take twice SimCLR's passes, so that half of the epochs have as many.
    let again = (fs::read(&report).unwrap(), fs::metadata(&report).unwrap().modified().unwrap());
    assert!(first == again, "what was done is not done again");
    let page = fs::read_to_string(out.join("results.md")).unwrap();
    for words in [
        "share 0.1",
        "## Equal epochs",
        "| nca-g0-m3 | 4 | 16 |",
        "## Equal encoder passes",
        "| nca-g0-m3 | 2 | 8 |",
        "| simclr | 4 | 8 |",
        "(53.69 ± 0.25)",
        "Differences to simclr",
    ] {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
    for picture in ["figure-1.svg", "figure-s1.svg"] {
        assert!(fs::read_to_string(out.join(picture)).unwrap().contains("nca-g0-m3"), "{picture}");
    }

    let other = reproduce(&["--trials", "2", "--learning-rate", "0.5"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other).contains("learning_rate"), "{}", text(&other));
    fs::remove_file(&report).unwrap();
    let past = reproduce(&["--trials", "2"]);
    assert_eq!(past.status.code(), Some(2));
    assert!(text(&past).contains("gone on to epoch 4") && text(&past).contains("--out"), "{}", text(&past));
}

#[test]
fn a_supervised_encoder_is_evaluated_by_its_own_classifier() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut train = program();
    train.args(["train", "--preset", "supervised", "--share", "0.2", "--batch", "32", "--epochs", "6"]);
    let trained = train.args(["--width", "0.0625", "--out"]).arg(&out).output().unwrap();
    assert!(trained.status.success(), "{}", text(&trained));
    let tensors = intnacl_training::checkpoint::load(&out.join("encoder.safetensors")).unwrap().0;
    assert_eq!(tensors["fc.weight"].size(), [10, 32]);
    // Of a probe's training nothing is left in the answer, so that its settings change nothing.
    let evaluate = |more: &[&str]| {
        let output = program().arg("evaluate").arg(&out).args(more).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        text(&output).lines().next().unwrap_or_default().to_owned()
    };
    let own = evaluate(&[]);
    assert!(text(&trained).contains(own.trim_end_matches(" (supervised)")), "{own}\n{}", text(&trained));
    assert_eq!(own, evaluate(&["--probe-epochs", "1", "--seed", "9"]));
    // As other images, even the same ones get a probe.
    assert_ne!(own, evaluate(&["--data", "digits", "--probe-epochs", "1"]));
    assert!(
        text(&program().args(["train", "--preset", "supervised", "--beta", "2"]).output().unwrap())
            .contains("supervised")
    );
}
