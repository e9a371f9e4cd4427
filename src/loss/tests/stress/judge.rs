//! An answer of production beside the exact one, by the law of agreement and its budgets.

use crate::{Answer, Error};
use intnacl_judge::{Float, Outcome, agreement_of};
use intnacl_reference::{Reply, Request};
use tch::Kind;

/// Compares an answer with the exact one; a refusal because of a NaN is an error whatever the range.
pub(super) fn judge(request: &Request, kind: Kind, answer: Result<Answer, Error>) -> Result<Outcome, String> {
    if let Err(Error::Overflow { value, argument, .. }) = &answer
        && value.is_nan()
    {
        return Err(format!("{argument} = NaN"));
    }
    let float = match kind {
        Kind::Double => Float::F64,
        Kind::Float => Float::F32,
        Kind::BFloat16 => Float::Bf16,
        _ => Float::F16,
    };
    Ok(agreement_of(request, answer.map(Reply::from).map_err(|error| error.to_string()), float))
}
