//! `cargo xtask test`: everything that has to be true before a change goes in, with real parts.

use std::env;
use std::process::ExitStatus;

use crate::parts::{PartError, Parts, Process, RunFolder, live};
use crate::progress::say;
use crate::repository;

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run the long properties in full, not only a small share of them
    #[arg(long)]
    all: bool,
    /// Leave out the quick first steps: formatting and lints
    #[arg(long)]
    only_tests: bool,
    /// Arguments for `cargo test`; with `-p PACKAGE` only that package is tested
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    arguments: Vec<String>,
}

/// A command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuiteError {
    /// A broker or a database could not be had.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Cargo could not be waited for.
    #[error("could not run `{command}`")]
    Run {
        /// What was typed, as a person would.
        command: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Cargo has said itself what is wrong.
    #[error("`{command}` failed")]
    Failed {
        /// What was typed, as a person would.
        command: String,
        /// To be handed on.
        code: u8,
    },
}

impl SuiteError {
    /// What the whole command answers with.
    pub(crate) fn code(&self) -> u8 {
        if let Self::Failed { code, .. } = self { *code } else { 2 }
    }
}

/// Formatting, lints, parts, programs, tests; stops at the first that fails and ends what it started.
pub(crate) fn run(options: &Options) -> Result<(), SuiteError> {
    live::end_on_signals()?;
    let folder = RunFolder::make(&env::temp_dir())?;
    let cargo = |arguments: &[&str], variables: &[(&str, &str)]| run_cargo(&folder, arguments, variables);
    if !options.only_tests {
        cargo(&["fmt", "--all", "--check"], &[])?;
    }
    let parts = Parts::make_sure()?;
    if !options.only_tests {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    }
    // Tests start the product's programs; with `--tests` cargo builds them as the tests below want them, and only once.
    cargo(&["build", "--workspace", "--bins", "--tests"], &[])?;
    let programs = repository::programs().to_string_lossy().into_owned();
    let mut variables = parts.variables().to_vec();
    variables.push(("LOYALTY_BIN_DIR", &programs));
    variables.push(("LOYALTY_TEST_SHARE", if options.all { "all" } else { "small" }));
    cargo(&options.test_command(), &variables)
}

impl Options {
    fn test_command(&self) -> Vec<&str> {
        let names_package = |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
        let cargo_s_own = self.arguments.iter().take_while(|argument| *argument != "--");
        let everything = !cargo_s_own.into_iter().any(names_package);
        let mut command = vec!["test"];
        command.extend(everything.then_some("--workspace"));
        command.extend(self.arguments.iter().map(String::as_str));
        command
    }
}

fn run_cargo(folder: &RunFolder, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), SuiteError> {
    let command = format!("cargo {}", arguments.join(" "));
    say(&command);
    let mut process = repository::cargo();
    process.args(arguments).envs(variables.iter().copied()).envs([folder.mark()]);
    let status = Process::spawn_visible(&command, &mut process)?.wait();
    let status = status.map_err(|source| SuiteError::Run { command: command.clone(), source })?;
    if status.success() { Ok(()) } else { Err(SuiteError::Failed { command, code: code_of(status) }) }
}

fn code_of(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
