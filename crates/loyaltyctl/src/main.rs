//! `loyaltyctl`: validate, plan, run and ask a loyalty pipeline.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    host::install_tls();
    loyaltyctl::main(std::env::args_os().collect()).await
}
