//! What torch's own metadata says about the CUDA libraries that belong to it.

/// The parts of CUDA that torch's CPU library is linked with: the run-time and the profiler interface.
const PARTS: [&str; 2] = ["cudart", "cupti"];

/// The names, up to a suffix such as `-cu12`, of the packages that hold these parts.
const PACKAGES: [&str; 2] = ["nvidia-cuda-runtime", "nvidia-cuda-cupti"];

/// The requirements to install beside `torch` for its CPU library to load, out of the text of the
/// wheel's `METADATA`. None on systems whose wheel has no CUDA.
pub fn cpu_companions(metadata: &str, linux: bool) -> Vec<String> {
    metadata
        .lines()
        // The headers end at the first empty line; what follows is prose.
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .filter_map(|requirement| {
            let (requirement, marker) = requirement.split_once(';').unwrap_or((requirement, ""));
            let applies = !marker.contains("extra") && (linux || !marker.contains("Linux"));
            applies.then(|| companion(requirement.trim())).flatten()
        })
        .collect()
}

/// `requirement` cut down to the parts that the CPU library needs, if it has any of them.
fn companion(requirement: &str) -> Option<String> {
    if PACKAGES.iter().any(|package| requirement.starts_with(package)) {
        return Some(requirement.to_owned());
    }
    // A toolkit of many parts: `cuda-toolkit[cublas,cudart,...]==VERSION`.
    let (name, rest) = requirement.strip_prefix("cuda-toolkit[").map(|rest| ("cuda-toolkit", rest))?;
    let (parts, version) = rest.split_once(']')?;
    let parts: Vec<&str> = parts.split(',').map(str::trim).filter(|part| PARTS.contains(part)).collect();
    (!parts.is_empty()).then(|| format!("{name}[{}]{}", parts.join(","), version.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolkit_is_cut_down_to_two_parts() {
        let metadata = "\
Metadata-Version: 2.4
Name: torch
Requires-Dist: filelock
Requires-Dist: cuda-toolkit[cublas,cudart,cufft,cupti,nvtx]==13.0.3; platform_system == \"Linux\"
Requires-Dist: nvidia-cudnn-cu13==9.20.0.48; platform_system == \"Linux\"
Requires-Dist: triton==3.7.1; platform_system == \"Linux\"

Requires-Dist: nvidia-cuda-runtime==0 is prose here
";
        assert_eq!(cpu_companions(metadata, true), ["cuda-toolkit[cudart,cupti]==13.0.3"]);
        assert!(cpu_companions(metadata, false).is_empty());
    }

    #[test]
    fn packages_of_their_own_are_taken_with_their_pin() {
        let metadata = "\
Requires-Dist: nvidia-cuda-nvrtc-cu12==12.8.93 ; platform_system == \"Linux\"
Requires-Dist: nvidia-cuda-runtime-cu12==12.8.90 ; platform_system == \"Linux\"
Requires-Dist: nvidia-cuda-cupti-cu12==12.8.90 ; platform_system == \"Linux\"
";
        assert_eq!(
            cpu_companions(metadata, true),
            ["nvidia-cuda-runtime-cu12==12.8.90", "nvidia-cuda-cupti-cu12==12.8.90"]
        );
    }

    #[test]
    fn a_wheel_without_cuda_needs_nothing() {
        assert!(cpu_companions("Name: torch\nRequires-Dist: sympy>=1.13.3\n", true).is_empty());
        let extra = "Requires-Dist: nvidia-cuda-runtime==13; extra == \"cuda\"\n";
        assert!(cpu_companions(extra, true).is_empty());
    }
}
