//! Devices and element types by their names.

use crate::error::{Error, Result};
use tch::{Cuda, Device, Kind, Tensor};

/// The device of a name: `cpu`, `cuda` (the first), `cuda:N`, `mps`.
///
/// # Errors
/// [`Error::NoSuchDevice`] for another name or a device that is absent, with the list of those that exist.
///
/// # Examples
/// ```
/// assert_eq!(intnacl::device("cpu")?, tch::Device::Cpu);
/// assert!(intnacl::device("cuda:99").is_err());
/// # Ok::<(), intnacl::Error>(())
/// ```
pub fn device(name: &str) -> Result<Device> {
    let wanted = match name {
        "cpu" => Some(Device::Cpu),
        "mps" => Some(Device::Mps),
        "cuda" => Some(Device::Cuda(0)),
        _ => name.strip_prefix("cuda:").and_then(|index| index.parse().ok()).map(Device::Cuda),
    };
    match wanted {
        Some(device) => require(device).map(|()| device),
        None => Err(absent(name)),
    }
}

/// Refuses a device that is absent, before libtorch is asked to use it.
pub(crate) fn require(device: Device) -> Result<()> {
    if devices().contains(&device) { Ok(()) } else { Err(absent(&device_name(device))) }
}

/// Whether a tensor lies where this program's own code can compute with it.
pub(crate) fn is_on_processor(tensor: &Tensor) -> bool {
    tensor.device() == Device::Cpu
}

/// Every device that this machine and this build of libtorch have.
pub fn devices() -> Vec<Device> {
    let cuda = usize::try_from(Cuda::device_count()).unwrap_or(0);
    let mut all = vec![Device::Cpu];
    all.extend((0..cuda).map(Device::Cuda));
    if tch::utils::has_mps() {
        all.push(Device::Mps);
    }
    all
}

/// The name that [`device`] reads.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".into(),
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Mps => "mps".into(),
        Device::Vulkan => "vulkan".into(),
    }
}

/// The element type of a name: `f64`, `f32`, `bf16` or `f16`.
///
/// # Errors
/// [`Error::NoSuchKind`].
///
/// # Examples
/// ```
/// assert_eq!(intnacl::kind("bf16")?, tch::Kind::BFloat16);
/// # Ok::<(), intnacl::Error>(())
/// ```
pub fn kind(name: &str) -> Result<Kind> {
    let known = KINDS.into_iter().find(|(known, _)| *known == name);
    known.map(|(_, kind)| kind).ok_or_else(|| Error::NoSuchKind { name: name.into() })
}

/// The name that [`kind`] reads; that of libtorch for other element types.
pub fn kind_name(kind: Kind) -> String {
    let known = KINDS.into_iter().find(|(_, known)| *known == kind);
    known.map_or_else(|| format!("{kind:?}"), |(name, _)| name.into())
}

/// The element types of embeddings.
const KINDS: [(&str, Kind); 4] =
    [("f64", Kind::Double), ("f32", Kind::Float), ("bf16", Kind::BFloat16), ("f16", Kind::Half)];

fn absent(name: &str) -> Error {
    let available = devices().into_iter().map(device_name).collect::<Vec<_>>().join(", ");
    Error::NoSuchDevice { name: name.into(), available }
}

// SAFETY: libtorch's C interface declares this function so, without arguments or preconditions, and keeps
// it from version to version: it is what tells them apart.
unsafe extern "C" {
    safe fn aoti_torch_abi_version() -> u64;
}

/// The version of the libtorch that is loaded: `2.13.0`.
pub fn libtorch_version() -> String {
    let [major, minor, patch, ..] = aoti_torch_abi_version().to_be_bytes();
    format!("{major}.{minor}.{patch}")
}
