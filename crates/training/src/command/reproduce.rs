//! `reproduce`
use crate::Result;
/// Placeholder
#[derive(clap::Args)]
pub struct Arguments {}
pub fn run(_: &Arguments) -> Result<()> { Ok(()) }
