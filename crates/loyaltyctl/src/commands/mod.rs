//! One file a command.

mod adjust;
mod audit;
mod balance;
mod budgets;
mod completions;
mod dlq;
mod erase;
mod explain;
mod export;
mod freeze;
mod holds;
mod import;
mod liability;
mod man;
mod member;
mod merge;
mod migrate;
mod plan;
mod retain;
mod rules;
mod simulate;
mod statement;
mod status;
mod tier;
mod totals;
mod up;
mod validate;
mod when;

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
    #[command(subcommand)]
    Rules(rules::Command),
    Balance(balance::Args),
    Statement(statement::Args),
    Liability(liability::Args),
    Budgets(budgets::Args),
    Explain(explain::Args),
    Export(export::Args),
    Audit(audit::Args),
    Adjust(adjust::Args),
    Import(import::Args),
    Freeze(freeze::FreezeArgs),
    Unfreeze(freeze::UnfreezeArgs),
    Erase(erase::Args),
    Merge(merge::Args),
    #[command(subcommand)]
    Dlq(dlq::Command),
    Migrate(migrate::Args),
    Retain(retain::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// What is asked for has no one table.
#[derive(Debug, thiserror::Error)]
#[error("could not answer as CSV: what this command shows is not one table; use `-o table` or `-o json`")]
struct NotOneTable;

impl Command {
    /// Whether the answer is one table.
    fn is_one_table(&self) -> bool {
        match self {
            Self::Validate(_)
            | Self::Balance(_)
            | Self::Statement(_)
            | Self::Liability(_)
            | Self::Budgets(_)
            | Self::Explain(_)
            | Self::Audit(_)
            | Self::Adjust(_)
            | Self::Import(_)
            | Self::Freeze(_)
            | Self::Unfreeze(_)
            | Self::Erase(_)
            | Self::Merge(_)
            | Self::Dlq(_) => true,
            Self::Plan(_)
            | Self::Up(_)
            | Self::Status(_)
            | Self::Simulate(_)
            | Self::Rules(_)
            | Self::Export(_)
            | Self::Retain(_)
            | Self::Migrate(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// Runs one command.
pub(crate) async fn run(command: Command, screen: &Screen) -> Result<Verdict, Halt> {
    if screen.is_csv() && !command.is_one_table() {
        return Err(NotOneTable.into());
    }
    match command {
        Command::Validate(args) => validate::run(&args, screen),
        Command::Plan(args) => plan::run(&args, screen).await,
        Command::Up(args) => up::run(&args, screen).await,
        Command::Status(args) => status::run(&args, screen).await,
        Command::Simulate(args) => simulate::run(&args, screen).await,
        Command::Rules(command) => rules::run(&command, screen).await,
        Command::Balance(args) => balance::run(&args, screen).await,
        Command::Statement(args) => statement::run(&args, screen).await,
        Command::Liability(args) => liability::run(&args, screen).await,
        Command::Budgets(args) => budgets::run(&args, screen).await,
        Command::Explain(args) => explain::run(&args, screen).await,
        Command::Export(args) => export::run(&args, screen).await,
        Command::Audit(args) => audit::run(&args, screen).await,
        Command::Adjust(args) => adjust::run(&args, screen).await,
        Command::Import(args) => import::run(&args, screen).await,
        Command::Freeze(args) => freeze::freeze(&args, screen).await,
        Command::Unfreeze(args) => freeze::unfreeze(&args, screen).await,
        Command::Erase(args) => erase::run(&args, screen).await,
        Command::Merge(args) => merge::run(&args, screen).await,
        Command::Dlq(command) => dlq::run(&command, screen).await,
        Command::Migrate(args) => migrate::run(&args, screen).await,
        Command::Retain(args) => retain::run(&args, screen).await,
        Command::Completions(args) => completions::run(&args, screen),
        Command::Man(args) => man::run(&args, screen),
    }
}
