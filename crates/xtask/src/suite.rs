//! `cargo xtask test`: everything that has to be true before a change goes in, with real parts.

use std::env;
use std::num::NonZero;
use std::process::ExitStatus;

use crate::parts::{PartError, Parts, Process, RunFolder, Wanted, live, tools};
use crate::progress::told;
use crate::repository;

/// Packages that know nothing of a cluster, and whose tests do not either. One that is missing here only waits for longer.
const WITHOUT_CLUSTER: &[&str] =
    &["broker", "contract", "engine", "host", "ledger", "loyalty-worker", "rules", "scaling", "testbed", "topology"];

/// How many tests run at once, in the words of Rust's harness.
const THREADS: &str = "RUST_TEST_THREADS";

/// As many random histories as the ledger is held to: so many want a build for speed.
const HISTORIES: &[&str] = &["test", "--profile", "histories", "-p", "ledger", "--test", "it", "--", "agreement::"];

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
    /// A part or a tool could not be had.
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
    let wanted = options.wanted();
    let parts = Parts::make_sure(wanted)?;
    let tools = if wanted == Wanted::All { tools::variables()? } else { Vec::new() };
    if !options.only_tests {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    }
    // Tests start the product's programs; with `--tests` cargo builds them as the tests below want them, and only once.
    cargo(&["build", "--workspace", "--bins", "--tests"], &[])?;
    let programs = repository::programs().to_string_lossy().into_owned();
    let mut variables = parts.variables();
    variables.extend(tools.iter().map(|(name, path)| (*name, path.as_str())));
    variables.push(("LOYALTY_BIN_DIR", &programs));
    let threads = threads();
    variables.extend(threads.as_deref().map(|threads| (THREADS, threads)));
    let with_share = |share| [variables.as_slice(), &[("LOYALTY_TEST_SHARE", share)]].concat();
    cargo(&options.test_command(), &with_share(if options.all { "all" } else { "small" }))?;
    match options.histories() {
        Some(command) => cargo(command, &with_share("histories")),
        None => Ok(()),
    }
}

impl Options {
    /// Whoever tests only what knows nothing of a cluster shall not have to wait for one.
    fn wanted(&self) -> Wanted {
        let packages = self.packages();
        let without = !packages.is_empty() && packages.iter().all(|package| WITHOUT_CLUSTER.contains(package));
        if without { Wanted::BrokerAndDatabase } else { Wanted::All }
    }

    fn test_command(&self) -> Vec<&str> {
        let mut command = vec!["test"];
        command.extend(self.packages().is_empty().then_some("--workspace"));
        command.extend(self.arguments.iter().map(String::as_str));
        command
    }

    /// Last, as they take the longest.
    fn histories(&self) -> Option<&'static [&'static str]> {
        let packages = self.packages();
        let of_ledger = packages.is_empty() || packages.contains(&"ledger");
        (self.all && of_ledger).then_some(HISTORIES)
    }

    /// Those that are named by `-p NAME`, `-pNAME`, `--package NAME` or `--package=NAME`.
    fn packages(&self) -> Vec<&str> {
        let mut arguments = self.arguments.iter().map(String::as_str).take_while(|argument| *argument != "--");
        let mut packages = Vec::new();
        while let Some(argument) = arguments.next() {
            let name = match argument {
                "-p" | "--package" => arguments.next(),
                _ => argument.strip_prefix("--package=").or_else(|| argument.strip_prefix("-p")),
            };
            packages.extend(name);
        }
        packages
    }
}

/// One more than there are processors, as each test waits now and then; nothing where a person has said how many.
fn threads() -> Option<String> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    env::var_os(THREADS).is_none().then(|| (processors + 1).to_string())
}

fn run_cargo(folder: &RunFolder, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), SuiteError> {
    let command = format!("cargo {}", arguments.join(" "));
    let mut process = repository::cargo();
    process.args(arguments).envs(variables.iter().copied()).envs([folder.mark()]);
    let status = told(&command, || Process::spawn_visible(&command, &mut process).map(|mut it| it.wait()))?;
    let status = status.map_err(|source| SuiteError::Run { command: command.clone(), source })?;
    if status.success() { Ok(()) } else { Err(SuiteError::Failed { command, code: code_of(status) }) }
}

fn code_of(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Options, Wanted};

    #[test]
    fn all_of_the_ledger_has_many_histories() {
        let has = |all, arguments: &str| {
            let arguments = arguments.split_whitespace().map(str::to_owned).collect();
            Options { all, only_tests: false, arguments }.histories().is_some()
        };
        assert_eq!(
            [has(true, ""), has(true, "-p rules -p ledger"), has(true, "-p rules"), has(false, "")],
            [true, true, false, false]
        );
    }

    #[test]
    fn the_arguments_say_which_packages_are_tested_and_so_which_parts_are_wanted() {
        for (arguments, command, wanted) in [
            ("", "test --workspace", Wanted::All),
            ("replay", "test --workspace replay", Wanted::All),
            ("-p ledger replay", "test -p ledger replay", Wanted::BrokerAndDatabase),
            ("-pledger --package=rules", "test -pledger --package=rules", Wanted::BrokerAndDatabase),
            ("-p ledger --package xtask", "test -p ledger --package xtask", Wanted::All),
            ("-- -p ledger", "test --workspace -- -p ledger", Wanted::All),
            ("-p", "test --workspace -p", Wanted::All),
        ] {
            let arguments = arguments.split_whitespace().map(str::to_owned).collect();
            let options = Options { all: false, only_tests: false, arguments };
            assert_eq!(options.test_command().join(" "), command);
            assert_eq!(options.wanted(), wanted, "{command}");
        }
    }
}
