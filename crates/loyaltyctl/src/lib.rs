//! `loyaltyctl`: the commands of a person at a terminal, on the same rooms as worker and operator.
//!
//! `validate`, `simulate` and `rules test` need files only, `plan`, `up` and `dlq` a broker, `balance`, `statement`, `liability`, `explain`,
//! `export`, `audit`, `adjust`, `import`, `freeze`, `unfreeze` and `erase` a ledger, `status` a kubectl.
//! Nothing here decides what an event is worth or what should stand on a broker; it asks, carries out, and shows.

mod cli;
mod commands;
mod edge;
mod observe;
mod problem;
mod screen;
mod target;
mod user;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command line, its first word being the program's own name: 0 fine, 1 found something, 2 could not.
///
/// Needs a tokio runtime, and the TLS provider installed.
pub async fn main(args: Vec<OsString>) -> ExitCode {
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version come this way too; that nobody reads them is no error.
            let _ = answer.print();
            return u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let screen = screen::Screen::look(cli.output);
    edge::exit(commands::run(cli.command, &screen).await, &screen)
}
