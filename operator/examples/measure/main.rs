//! What `cargo xtask bench operator` measures: how soon a burst moves the number of workers, and what a thousand pipelines cost.
//! Against the parts that the environment names; figures on standard output as one JSON object.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot be taken ends the program")]
#![expect(clippy::print_stdout, reason = "its figures")]

mod bursts;
mod many;
mod place;

use clap::Parser;
use serde_json::json;

/// Measures the operator
#[derive(Debug, Parser)]
struct Args {
    /// Bursts from zero workers, and as many from one
    #[arg(long, default_value_t = 50)]
    bursts: usize,

    /// Pipelines at the same time
    #[arg(long, default_value_t = 1000)]
    resources: usize,

    /// How long it is watched at rest, in seconds
    #[arg(long, default_value_t = 60)]
    rest: u64,
}

#[tokio::main]
async fn main() {
    host::install_tls();
    let args = Args::parse();
    let (zero, one) = bursts::measure(args.bursts).await;
    let many = many::measure(args.resources, args.rest).await;
    println!("{}", json!({ "fromZero": zero, "fromOne": one, "many": many }));
}
