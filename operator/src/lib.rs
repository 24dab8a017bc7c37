//! Makes a cluster and a broker look like the `LoyaltyPipeline` resources in it, and says truthfully how far that is so.
//!
//! Wiring and walks; what a pipeline wants on a broker, what an event is worth, and how many workers are enough is decided in pure
//! rooms below.

mod args;
mod board;
mod brokers;
mod check;
mod children;
mod cluster;
mod house;
mod leader;
mod ledgers;
mod metrics;
mod run;
mod scale;
mod secrets;
mod shelf;
mod walk;
mod writes;

use std::process::ExitCode;

pub use args::{Args, Cli, Command, LogFormat};
pub use run::{Ended, Operator, StartError};
pub use writes::{Side, Writes};

/// Runs until told to stop: 0 after a clean shutdown, 1 when the lease was lost, 2 when it cannot start.
pub async fn main(cli: Cli) -> ExitCode {
    if let Some(Command::Check { url }) = cli.command {
        return check::check(&url).await;
    }
    let args = cli.operate;
    if let Err(error) = host::init_log(&args.filter(), args.log_format.into()) {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    match run::run(args).await {
        Ok(run::Ended::Asked) => ExitCode::SUCCESS,
        Ok(run::Ended::LostLease) => {
            tracing::error!("the lease was lost; another operator may be at work");
            ExitCode::from(1)
        }
        Err(error) => {
            tracing::error!(error = host::chain(&error), "cannot start");
            ExitCode::from(2)
        }
    }
}
