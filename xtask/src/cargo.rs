//! Running cargo for the steps after the set-up.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::Result;

/// The checkout that this run is about. Cargo says at run time where the crate lies; what was compiled
/// in would be wrong where several checkouts share one target folder.
pub fn workspace() -> PathBuf {
    let xtask =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let xtask = PathBuf::from(xtask);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
}

/// Where cargo builds.
pub fn target(workspace: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// The cargo that runs this program.
pub fn plain() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Cargo has put `.cargo/libtorch.toml` as it was before the set-up into this process's variables, and
/// variables win over that file: so the step is told by variable what was found just now.
fn command(workspace: &Path, libtorch: &Path, args: &[String]) -> Command {
    let mut command = plain();
    command.args(args).current_dir(workspace).env("LIBTORCH", libtorch).env("LIBTORCH_CXX11_ABI", "1");
    command
}

/// Runs a step that others follow.
pub fn run(workspace: &Path, libtorch: &Path, args: &[String]) -> Result<ExitStatus> {
    command(workspace, libtorch, args)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))
}

/// Runs a step for what it prints on standard output.
pub fn output(workspace: &Path, libtorch: &Path, args: &[String]) -> Result<(ExitStatus, String)> {
    let output = command(workspace, libtorch, args).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
    Ok((output.status, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Lets a program take this process's place, where the system has that.
pub fn become_program(mut program: Command) -> Result<ExitCode> {
    let failed = |name: &OsStr, error| format!("{}: could not be started: {error}", name.display());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = program.exec();
        Err(failed(program.get_program(), error))
    }
    #[cfg(not(unix))]
    {
        let status = program.status().map_err(|error| failed(program.get_program(), error))?;
        Ok(exit_code(status))
    }
}

/// Runs the last step. On Unix it takes this process's place, so that signals and the exit status need
/// no passing on.
pub fn become_cargo(workspace: &Path, libtorch: &Path, args: &[String]) -> Result<ExitCode> {
    become_program(command(workspace, libtorch, args))
}

/// The exit status to end with after a step that ended with `status`.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
