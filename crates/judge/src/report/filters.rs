//! What templates do to words.

use askama::Values;
use askama::filters::{Html, Safe, escape};
use std::fmt::Display;

/// A name that may be broken after its underscores, that of a gradient after its dot.
#[askama::filter_fn]
pub(super) fn breakable(name: impl Display, _: &dyn Values) -> askama::Result<Safe<String>> {
    let escaped = escape(name, Html)?.to_string();
    Ok(Safe(escaped.replace('_', "_<wbr>").replace("gradient.", "gradient.<wbr>")))
}
