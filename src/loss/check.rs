//! Validation: of shape, kind and device before anything is computed, and of values on request.

use super::operators::score::{compute_kind, sum_last};
use crate::error::{Error, Result};
use intnacl_reference::{Error as Input, Settings};
use tch::{Device, Kind, Tensor};

/// The kind and device that all tensors of one loss share, taken from the first.
#[derive(Debug, Clone, Copy)]
pub struct Common {
    pub(crate) kind: Kind,
    device: Device,
}

impl Common {
    /// The kind and device of the first tensor, which must be of a floating kind.
    pub(crate) fn of(argument: &str, tensor: &Tensor) -> Result<Self> {
        defined(argument, tensor)?;
        let kind = tensor.f_kind()?;
        floating(argument, kind)?;
        Ok(Self { kind, device: tensor.device() })
    }

    /// Refuses a tensor of another kind, device or shape. A dimension of `None` is free; `names` spells
    /// the shape out.
    pub(crate) fn fits(
        &self,
        argument: &str,
        tensor: &Tensor,
        shape: &[Option<i64>],
        names: &str,
    ) -> Result<()> {
        defined(argument, tensor)?;
        let kind = tensor.f_kind()?;
        if kind != self.kind {
            return Err(wrong_kind(argument, kind, &format!("{:?}, as the first tensor has", self.kind)));
        }
        self.on_device(argument, tensor)?;
        has_shape(argument, tensor, shape, names)
    }

    pub(crate) fn on_device(&self, argument: &str, tensor: &Tensor) -> Result<()> {
        let (found, expected) = (tensor.device(), self.device);
        if found == expected {
            return Ok(());
        }
        Err(Error::Device { argument: argument.into(), found, expected })
    }
}

/// Refuses a kind that losses are not defined for.
pub(crate) fn floating(argument: &str, kind: Kind) -> Result<()> {
    match kind {
        Kind::Double | Kind::Float | Kind::BFloat16 | Kind::Half => Ok(()),
        _ => Err(wrong_kind(argument, kind, "Double, Float, BFloat16 or Half")),
    }
}

pub(crate) fn wrong_kind(argument: &str, found: Kind, expected: &str) -> Error {
    Error::Kind { argument: argument.into(), found: format!("{found:?}"), expected: expected.into() }
}

pub(crate) fn defined(argument: &str, tensor: &Tensor) -> Result<()> {
    if tensor.defined() { Ok(()) } else { Err(missing(argument, "a tensor, this one is undefined")) }
}

pub(crate) fn missing(argument: &str, expected: impl Into<String>) -> Error {
    Input::Missing { argument: argument.into(), expected: expected.into() }.into()
}

/// Refuses a tensor of another shape.
pub(crate) fn has_shape(argument: &str, tensor: &Tensor, shape: &[Option<i64>], names: &str) -> Result<()> {
    let found = tensor.size();
    let fits = |(found, expected): (&i64, &Option<i64>)| expected.is_none_or(|size| size == *found);
    if found.len() == shape.len() && found.iter().zip(shape).all(fits) {
        return Ok(());
    }
    let sizes = shape.iter().map(|size| size.map_or("_".into(), |size| size.to_string())).collect::<Vec<_>>();
    Err(wrong_shape(argument, &found, format!("{names} = [{}]", sizes.join(", "))))
}

/// Refuses a dimension that is smaller than `least`.
pub(crate) fn at_least(argument: &str, tensor: &Tensor, axis: usize, least: i64, why: &str) -> Result<()> {
    let found = tensor.size();
    match found.get(axis) {
        Some(&size) if size >= least => Ok(()),
        _ => Err(wrong_shape(argument, &found, format!("at least {least} in dimension {axis}: {why}"))),
    }
}

fn wrong_shape(argument: &str, found: &[i64], expected: String) -> Error {
    Input::Shape { argument: argument.into(), found: format!("{found:?}"), expected }.into()
}

/// Refuses entries that are not finite, and rows that are not of unit norm or cannot be given one.
///
/// Reads results back from the device, so it waits for it.
pub(crate) fn values(argument: &str, rows: &Tensor, settings: &Settings) -> Result<()> {
    if !rows.defined() || rows.dim() == 0 || rows.numel() == 0 {
        return Ok(());
    }
    let kind = rows.f_kind()?;
    let rows = rows.f_detach()?.f_to_kind(compute_kind(kind))?;
    let name = |place| entry(argument, &rows.size()[..rows.dim() - 1], place);
    if let Some(place) = first_true(&rows.f_isfinite()?.f_logical_not()?)? {
        let argument = entry(argument, &rows.size(), place);
        return Err(Input::NotFinite { argument, value: value_at(&rows, place)? }.into());
    }
    if settings.normalize {
        let zero = rows.f_abs()?.f_amax([-1], false)?.f_eq(0.0)?;
        return match first_true(&zero)? {
            Some(place) => Err(Input::ZeroVector { argument: name(place) }.into()),
            None => Ok(()),
        };
    }
    let norms = sum_last(&rows.f_mul(&rows)?)?.f_sqrt()?;
    // A row of unit norm has left it by about this much when its entries were rounded to the kind.
    let tolerance = settings.norm_tolerance + 4.0 * rounding(kind);
    match first_true(&norms.f_sub_scalar(1.0)?.f_abs()?.f_le(tolerance)?.f_logical_not()?)? {
        Some(place) => {
            let norm = value_at(&norms, place)?;
            Err(Input::NotUnit { argument: name(place), norm, tolerance }.into())
        }
        None => Ok(()),
    }
}

/// The spacing of a kind's numbers at 1.
fn rounding(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::EPSILON,
        Kind::Float => f64::from(f32::EPSILON),
        Kind::Half => f64::powi(2.0, -10),
        _ => f64::powi(2.0, -7),
    }
}

/// The error about the first entry of a result that is not finite; an infinite one says more than NaN, which may come of
/// it.
pub(crate) fn overflow(argument: &str, result: &Tensor) -> Result<Error> {
    let infinite = first_true(&result.f_isinf()?)?;
    let place = match infinite {
        Some(place) => place,
        None => first_true(&result.f_isfinite()?.f_logical_not()?)?.unwrap_or(0),
    };
    let argument = entry(argument, &result.size(), place);
    Ok(Error::Overflow { argument, value: value_at(result, place)?, kind: result.f_kind()? })
}

/// The place of the first entry that is true, among all in order.
fn first_true(mask: &Tensor) -> Result<Option<usize>> {
    if mask.numel() == 0 || mask.f_any()?.f_int64_value(&[])? == 0 {
        return Ok(None);
    }
    let place = mask.f_to_kind(Kind::Int64)?.f_reshape([-1])?.f_argmax(0, false)?.f_int64_value(&[])?;
    Ok(usize::try_from(place).ok())
}

/// The name of the entry at a place among all entries of a tensor of that shape: `positives[3][0]`.
pub(crate) fn entry(argument: &str, shape: &[i64], place: usize) -> String {
    let mut rest = place as i64;
    let mut indices: Vec<i64> = shape
        .iter()
        .rev()
        .map(|&size| {
            let index = rest % size.max(1);
            rest /= size.max(1);
            index
        })
        .collect();
    indices.reverse();
    indices.iter().fold(argument.to_owned(), |name, index| format!("{name}[{index}]"))
}

/// The entry at a place among all.
fn value_at(tensor: &Tensor, place: usize) -> Result<f64> {
    Ok(tensor.f_reshape([-1])?.f_double_value(&[place as i64])?)
}
