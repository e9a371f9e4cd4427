//! The options that choose who computes, and on what.

use std::fmt;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use intnacl_judge::Float;

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
    /// The floating type in which production computes [default: f64], or a program, whatever it says of itself.
    #[arg(long, value_enum, value_name = "DTYPE")]
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

    /// The floating type, if it was given.
    pub fn given_dtype(&self) -> Option<Dtype> {
        self.dtype
    }

    /// Refuses options that `implementation` does not have.
    ///
    /// # Errors
    /// [`Error::OnlyProduction`] if the reference is to compute on a device, or in a type; [`Error::OnlyProgram`] if
    /// production is to compute in a type that it does not have.
    pub fn check(&self, implementation: Implementation) -> Result<(), Error> {
        if implementation == Implementation::Production {
            return self.dtype.map_or(Ok(()), Dtype::check_production);
        }
        self.check_no_device()?;
        let dtype = self.dtype.map(|dtype| ("--dtype", dtype.to_string()));
        match dtype {
            Some((option, value)) => Err(Error::OnlyProduction { option, value }),
            None => Ok(()),
        }
    }

    /// Refuses a device.
    ///
    /// # Errors
    /// [`Error::OnlyProduction`].
    pub fn check_no_device(&self) -> Result<(), Error> {
        match self.device {
            Some(device) => Err(Error::OnlyProduction { option: "--device", value: device.to_string() }),
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
    #[value(aliases = ["float64", "double"])]
    F64,
    /// 24 bits.
    #[value(aliases = ["float32", "single"])]
    F32,
    /// 8 bits, with the range of `f32`.
    #[value(alias = "bfloat16")]
    Bf16,
    /// 11 bits, up to 65504.
    #[value(aliases = ["float16", "half"])]
    F16,
    /// f32, products of embeddings with entries of 11 bits, as tensor cores round them (not a type of production).
    Tf32,
    /// f32, products of embeddings rounded to bf16, as under autocast (not a type of production).
    #[value(name = "bf16-scores")]
    Bf16Scores,
}

impl Dtype {
    /// What the judge calls it.
    pub fn float(self) -> Float {
        match self {
            Self::F64 => Float::F64,
            Self::F32 => Float::F32,
            Self::Bf16 => Float::Bf16,
            Self::F16 => Float::F16,
            Self::Tf32 => Float::Tf32Scores,
            Self::Bf16Scores => Float::Bf16Scores,
        }
    }

    /// The type of a name as frameworks have it, in any case: `float32`, `torch.bfloat16`, `double`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        <Self as ValueEnum>::from_str(name.strip_prefix("torch.").unwrap_or(name), true).ok()
    }

    /// Refuses a type that production does not have.
    ///
    /// # Errors
    /// [`Error::OnlyProgram`].
    pub fn check_production(self) -> Result<(), Error> {
        match self {
            Self::Tf32 | Self::Bf16Scores => {
                Err(Error::OnlyProgram { option: "--dtype", value: self.to_string() })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Dtype::F64 => "f64",
            Dtype::F32 => "f32",
            Dtype::Bf16 => "bf16",
            Dtype::F16 => "f16",
            Dtype::Tf32 => "tf32",
            Dtype::Bf16Scores => "bf16-scores",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_that_frameworks_give_them() {
        for (dtype, names) in [
            (Dtype::F64, &["f64", "float64", "double", "torch.float64"][..]),
            (Dtype::F32, &["f32", "float32", "single", "Float32", " torch.float32 "]),
            (Dtype::Bf16, &["bf16", "bfloat16", "BF16", "torch.bfloat16"]),
            (Dtype::F16, &["f16", "float16", "half", "torch.half"]),
            (Dtype::Tf32, &["tf32", "TF32"]),
            (Dtype::Bf16Scores, &["bf16-scores"]),
        ] {
            for name in names {
                assert_eq!(Dtype::named(name), Some(dtype), "{name}");
            }
            assert_eq!(Dtype::named(&dtype.to_string()), Some(dtype));
        }
        // `float` has 24 bits in C and PyTorch, and 53 in Python.
        for name in ["float", "f8", "", "torch.", "int8"] {
            assert_eq!(Dtype::named(name), None, "{name}");
        }
    }
}
