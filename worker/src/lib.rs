//! Turns deliveries of one pipeline into postings and results.
//!
//! Wiring without decisions: what an event is worth is the engine's matter, what stands on the broker the operator's.

mod amqp;
mod args;
mod attempts;
mod fault;
mod handle;
mod hold;
mod lane;
mod marks;
mod metrics;
mod publish;
mod rescue;
mod run;
mod session;
mod settings;

use std::process::ExitCode;

pub use args::Args;

/// Runs until told to stop: 0 after a clean shutdown, 2 when it cannot start.
pub async fn main(args: Args) -> ExitCode {
    let format = args.log_format.into();
    if let Err(error) = host::init_log(&args.log, format) {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    match run::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = host::chain(&error), "cannot start");
            ExitCode::from(2)
        }
    }
}
