//! The operator.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    host::install_tls();
    loyalty_operator::main(loyalty_operator::Cli::parse()).await
}
