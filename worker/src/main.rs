//! The generic worker: deliveries become postings and results.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    host::install_tls();
    loyalty_worker::main(loyalty_worker::Cli::parse()).await
}
