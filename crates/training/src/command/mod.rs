//! The commands: a file each.

pub mod evaluate;
pub mod figure;
pub mod picture;
pub mod progress;
pub mod reproduce;
pub mod train;

/// `0.9638` as `96.38 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
