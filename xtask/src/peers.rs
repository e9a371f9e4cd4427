//! A Python with PyTorch, to measure beside: the one that is there, else a set of packages in the cache folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::torch::{Set, VERSION};
use crate::{Result, install, pip};

/// How PyTorch is started.
pub struct Python {
    pub program: &'static str,
    /// Where Python is to look for packages beside its own places.
    pub folder: Option<PathBuf>,
}

/// Finds PyTorch, or installs it.
pub fn provide() -> Result<Python> {
    let python = |folder| Python { program: pip::PROGRAM, folder };
    if imports(None).is_ok() {
        return Ok(python(None));
    }
    // The set with CUDA is the whole wheel. It may have been installed for another version of Python.
    if let Some(folder) = install::ready(Set::Cuda).as_deref().and_then(Path::parent)
        && imports(Some(folder)).is_ok()
    {
        return Ok(python(Some(folder.to_path_buf())));
    }
    let version = pip::version()?;
    if !pip::has_wheel(version) {
        let (major, minor) = version;
        return Err(format!(
            "`{}` is Python {major}.{minor}, for which there is no PyTorch {VERSION}: \
             name another with --python PROGRAM",
            pip::PROGRAM
        ));
    }
    let torch = install::provide(Set::Python(version.0, version.1))?;
    let folder = torch.parent().unwrap_or(&torch);
    imports(Some(folder)).map_err(|reason| {
        format!(
            "the PyTorch in {} cannot be imported: {reason}.\n\
             Delete that folder to have it installed anew, or name another Python with --python PROGRAM",
            folder.display()
        )
    })?;
    Ok(python(Some(folder.to_path_buf())))
}

/// Imports PyTorch, from `folder` if one is given, and compares its version. An error says why not.
fn imports(folder: Option<&Path>) -> Result<()> {
    let mut command = pip::python();
    command.args(["-c", "import torch; print(torch.__version__)"]).stdin(Stdio::null());
    if let Some(folder) = folder {
        command.env("PYTHONPATH", folder);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return right_version(&String::from_utf8_lossy(&output.stdout));
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(message.trim().lines().last().unwrap_or("Python ended without a word").to_owned())
}

fn right_version(answer: &str) -> Result<()> {
    let version = answer.trim();
    match version.split('+').next() == Some(VERSION) {
        true => Ok(()),
        false => Err(format!("it is version {version}, not {VERSION}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytorch_has_to_have_the_version_of_libtorch() {
        assert!(right_version("2.13.0\n").is_ok());
        assert!(right_version("2.13.0+cpu\n").is_ok());
        assert!(right_version("2.12.1+cpu\n").unwrap_err().contains("2.12.1"));
        assert!(right_version("").is_err());
    }
}
