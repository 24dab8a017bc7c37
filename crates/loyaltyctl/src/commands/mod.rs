//! One file a command.

mod audit;
mod balance;
mod completions;
mod dlq;
mod explain;
mod man;
mod migrate;
mod plan;
mod simulate;
mod status;
mod totals;
mod up;
mod validate;

use crate::edge::{Halt, Verdict};
use crate::screen::Screen;

/// What can be asked for.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Validate(validate::Args),
    Plan(plan::Args),
    Up(up::Args),
    Status(status::Args),
    Simulate(simulate::Args),
    Balance(balance::Args),
    Explain(explain::Args),
    Audit(audit::Args),
    #[command(subcommand)]
    Dlq(dlq::Command),
    Migrate(migrate::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs one command.
pub(crate) async fn run(command: Command, screen: &Screen) -> Result<Verdict, Halt> {
    match command {
        Command::Validate(args) => validate::run(&args, screen),
        Command::Plan(args) => plan::run(&args, screen).await,
        Command::Up(args) => up::run(&args, screen).await,
        Command::Status(args) => status::run(&args, screen).await,
        Command::Simulate(args) => simulate::run(&args, screen).await,
        Command::Balance(args) => balance::run(&args, screen).await,
        Command::Explain(args) => explain::run(&args, screen).await,
        Command::Audit(args) => audit::run(&args, screen).await,
        Command::Dlq(command) => dlq::run(&command, screen).await,
        Command::Migrate(args) => migrate::run(&args, screen).await,
        Command::Completions(args) => completions::run(&args, screen),
        Command::Man(args) => man::run(&args, screen),
    }
}
