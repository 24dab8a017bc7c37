//! The same program under the name by which kubectl finds its plugins: `kubectl loyalty ...`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    host::install_tls();
    loyaltyctl::main(std::env::args_os().collect()).await
}
