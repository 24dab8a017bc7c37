//! The command line.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::screen::Format;

const PLUGIN: &str = "kubectl-loyalty";

/// Validate, plan, run and ask a loyalty pipeline: from purchases on RabbitMQ to points in an audited ledger.
#[derive(Debug, Parser)]
#[command(
    name = "loyaltyctl",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 fine, 1 found something (a problem, a step, a difference), 2 could not.

Examples:
  loyaltyctl validate -f pipeline.yaml
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl
  loyaltyctl up -f pipeline.yaml --broker amqp://localhost"
)]
pub(crate) struct Cli {
    /// How answers look
    #[arg(short = 'o', long = "output", global = true, value_enum, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads a command line; as kubectl's plugin when that is the program's name.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let name = args.first().and_then(|program| Path::new(program).file_stem());
    let command = if name.is_some_and(|name| name == PLUGIN) {
        Cli::command().name(PLUGIN).bin_name("kubectl loyalty")
    } else {
        Cli::command()
    };
    let matches = command.try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

/// The command line as clap sees it, for completions and man pages.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_is_a_command_line() {
        let count = examples(&super::command()).iter().map(|line| check(line)).count();
        assert!(count > 50, "{count} examples");
    }

    fn examples(command: &Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter(|line| line.starts_with("  ") && line.contains("loyaltyctl ")).map(str::to_owned);
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    /// What a shell would hand to the program: no pipe and no file behind it, and a variable before it as its flag.
    fn check(line: &str) {
        let (before, own) = line.split_once("loyaltyctl ").unwrap();
        let own = own.split(" > ").next().unwrap().split(" | ").next().unwrap();
        let mut words = vec!["loyaltyctl".to_owned()];
        for (n, part) in own.split('\'').enumerate() {
            match n % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        for (variable, flag) in [("LEDGER_URL=", "--ledger"), ("AMQP_URL=", "--broker")] {
            if let Some((_, value)) = before.split_once(variable) {
                words.extend([flag.to_owned(), value.trim().to_owned()]);
            }
        }
        if let Err(error) = super::parse(words.into_iter().map(Into::into).collect()) {
            panic!("`{}`: {error}", line.trim());
        }
    }
}
