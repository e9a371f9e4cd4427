//! The command `intnacl`: a loss, the laws, and what else works on requests.
//!
//! It uses the crate `intnacl-reference` alone. What libtorch computes comes from the program
//! `intnacl-production` beside it, so that this one starts where there is no libtorch.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
