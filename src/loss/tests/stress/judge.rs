//! An answer of production beside the exact one, by the law of agreement and its budgets.

use crate::{Answer, Error};
use intnacl_judge::{Float, Implementation, Outcome, Support, agreement};
use intnacl_reference::Request;
use std::cell::RefCell;
use tch::Kind;

/// One answer, which was given already.
struct Answered {
    float: Float,
    answer: RefCell<Option<Result<Answer, String>>>,
}

impl Implementation for Answered {
    fn float(&self) -> Float {
        self.float
    }
    fn support(&self) -> Support {
        // A row that was rounded may have a norm above 1, and its score lie beyond 1/t.
        Support { temperatures: 1e-4..=1e2, ..Support::default() }
    }
    fn evaluate(&self, _: &Request) -> Result<Answer, String> {
        self.answer.borrow_mut().take().unwrap_or_else(|| Err("asked twice".into()))
    }
}

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
    let answer = RefCell::new(Some(answer.map_err(|error| error.to_string())));
    Ok(agreement(request, &Answered { float, answer }))
}
