//! The most memory that one call takes above its inputs. On a CUDA device its allocator tells; on a processor each call
//! is measured in a process of its own.
//!
//! Linux keeps the mark of the most memory that a process ever held, and lets the process set it back to what it
//! holds now. The process has run a small batch before, so that libtorch's own buffers and threads are there.

use super::case::{self, Case, Inputs};
use super::run::{Implementation, Step, synchronize};
use intnacl::tch::Device;
use std::error::Error;
use std::fs;
use std::process::Command;

/// The variable that makes a measuring program such a process.
const ASKED: &str = "INTNACL_BENCH_MEMORY";

/// Images of the small batch.
const SMALL: usize = 16;

/// Makes freed memory go back to the system at once. Otherwise what the first call has freed would be taken
/// again by the second, and not be seen.
pub const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "65536")];

/// Bytes that a call of `implementation` takes at most, in a new process; `None` where the system does not tell.
pub fn peak(
    implementation: Implementation,
    case: &Case,
    images: usize,
    device: Device,
    threads: i32,
) -> Result<Option<u64>, Box<dyn Error>> {
    if let Device::Cuda(index) = device {
        return on_cuda(index, implementation, case, images);
    }
    if device != Device::Cpu || !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let asked = format!("{} {} {} {images} {threads}", implementation.name(), case.name, case.positives);
    let output = Command::new(std::env::current_exe()?).env(ASKED, asked).envs(ALLOCATOR).output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.trim().lines().last().unwrap_or("no message").to_owned();
        return Err(
            format!("the process that measures memory ended with {}: {message}", output.status).into()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

/// The allocator of a CUDA device keeps count itself, so that no process of its own is needed.
fn on_cuda(
    index: usize,
    implementation: Implementation,
    case: &Case,
    images: usize,
) -> Result<Option<u64>, Box<dyn Error>> {
    let device = Device::Cuda(index);
    let inputs = Inputs::new(case, images, device)?;
    let Some(step) = Step::new(implementation, case, &inputs)? else { return Ok(None) };
    let call = || -> Result<(), Box<dyn Error>> {
        step.run()?;
        synchronize(device);
        Ok(())
    };
    // Libraries take memory when they are first called.
    call()?;
    let (called, bytes) = intnacl_recorder::peak_bytes(index, call);
    called.map(|()| bytes)
}

/// To be called first: answers in place of the program if the process was started for that.
pub fn answer_if_asked() -> Option<Result<(), Box<dyn Error>>> {
    let asked = std::env::var(ASKED).ok()?;
    Some(answer(&asked))
}

fn answer(asked: &str) -> Result<(), Box<dyn Error>> {
    let words: Vec<&str> = asked.split(' ').collect();
    let wrong = || format!("{ASKED} is {asked}: expected IMPLEMENTATION LOSS POSITIVES BATCH THREADS");
    let [implementation, name, positives, images, threads] = words[..] else { return Err(wrong().into()) };
    let implementation = Implementation::of(implementation).ok_or_else(wrong)?;
    let positives: usize = positives.parse()?;
    let case = case::cases().into_iter().find(|case| case.name == name && case.positives == positives);
    let case = case.ok_or_else(wrong)?;
    intnacl::tch::set_num_threads(threads.parse()?);

    let call = |images: usize| -> Result<Option<u64>, Box<dyn Error>> {
        let inputs = Inputs::new(&case, images, Device::Cpu)?;
        let step = Step::new(implementation, &case, &inputs)?.ok_or_else(wrong)?;
        let before = reset();
        step.run()?;
        let after = status("VmHWM:");
        Ok(before.zip(after).map(|(before, after)| after.saturating_sub(before)))
    };
    call(SMALL)?;
    match call(images.parse()?)? {
        Some(bytes) => println!("{bytes}"),
        None => println!("unknown"),
    }
    Ok(())
}

/// Sets the mark back, and says what is held now, in bytes.
fn reset() -> Option<u64> {
    // "5" is the kernel's word for this mark.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    status("VmRSS:")
}

/// A line of the kernel's account of this process, in bytes.
fn status(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}
