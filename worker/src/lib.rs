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
mod migrate;
mod publish;
mod rescue;
mod run;
mod session;
mod settings;
mod tenure;
mod timers;

use std::process::ExitCode;

pub use args::{Args, Cli, Command};
pub use migrate::MigrateArgs;

/// Runs until told to stop, or does what the subcommand says: 0 after a clean shutdown, 2 when it cannot start.
pub async fn main(cli: Cli) -> ExitCode {
    let (log, format) = match (&cli.command, &cli.work) {
        (Some(Command::Migrate(args)), _) => (&args.log, args.log_format),
        (None, Some(args)) => (&args.log, args.log_format),
        // The command line demands one of the two.
        (None, None) => return ExitCode::from(2),
    };
    if let Err(error) = host::init_log(log, format.into()) {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    match (cli.command, cli.work) {
        (Some(Command::Migrate(args)), _) => ended(migrate::migrate(&args).await, |error| {
            let sentence = host::chain(error);
            migrate::leave_word(&args, &sentence);
            tracing::error!(error = sentence, "cannot migrate");
        }),
        (None, Some(args)) => ended(run::run(args).await, |error| {
            tracing::error!(error = host::chain(error), "cannot start");
        }),
        (None, None) => ExitCode::from(2),
    }
}

fn ended<E>(result: Result<(), E>, tell: impl FnOnce(&E)) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::from(2)
        }
    }
}
