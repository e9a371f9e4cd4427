//! The options that choose who computes, and on what.

use std::fmt;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::error::Error;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Implementation {
    /// Exact, on the CPU, without libtorch.
    Reference,
    /// On libtorch.
    Production,
}

/// Where production computes, and in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Target {
    /// Where production computes: cpu or cuda:N [default: cpu].
    #[arg(long)]
    device: Option<Device>,
    /// The floating type in which production computes [default: f64].
    #[arg(long)]
    dtype: Option<Dtype>,
}

impl Target {
    /// The device, `cpu` unless given.
    pub fn device(&self) -> Device {
        self.device.unwrap_or(Device::Cpu)
    }

    /// The floating type, `f64` unless given.
    pub fn dtype(&self) -> Dtype {
        self.dtype.unwrap_or(Dtype::F64)
    }

    /// Refuses options that `implementation` does not have.
    ///
    /// # Errors
    /// [`Error::OnlyProduction`] if the reference is to compute on a device, or in a type.
    pub fn check(&self, implementation: Implementation) -> Result<(), Error> {
        if implementation == Implementation::Production {
            return Ok(());
        }
        let device = self.device.map(|device| ("--device", device.to_string()));
        let dtype = self.dtype.map(|dtype| ("--dtype", dtype.to_string()));
        match device.or(dtype) {
            Some((option, value)) => Err(Error::OnlyProduction { option, value }),
            None => Ok(()),
        }
    }
}

/// A device of libtorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A graphics card, by its number.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| digits.parse().ok().filter(|_| !digits.starts_with('+'));
        match name.strip_prefix("cuda:") {
            Some(digits) => number(digits).map(Device::Cuda),
            None => (name == "cpu").then_some(Device::Cpu),
        }
        .ok_or("expected cpu, or cuda:N with the number of a device")
    }
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Device::Cpu => formatter.write_str("cpu"),
            Device::Cuda(number) => write!(formatter, "cuda:{number}"),
        }
    }
}

/// A floating type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    /// 53 bits.
    F64,
    /// 24 bits.
    F32,
    /// 8 bits, with the range of `f32`.
    Bf16,
    /// 11 bits, up to 65504.
    F16,
}

impl fmt::Display for Dtype {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Dtype::F64 => "f64",
            Dtype::F32 => "f32",
            Dtype::Bf16 => "bf16",
            Dtype::F16 => "f16",
        })
    }
}
