//! The binary behind `cargo xtask`; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser;
use xtask::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
