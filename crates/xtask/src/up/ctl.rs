//! `loyaltyctl`, as a person would type it in the repository's folder.

use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use super::broker::Broker;
use super::error::UpError;
use super::folder::Data;
use crate::parts::{Process, RunFolder};
use crate::repository::{self, EXAMPLE};

/// The program with everything that each call needs.
#[derive(Debug)]
pub(super) struct Ctl {
    pub(super) programs: PathBuf,
    pub(super) data: Data,
    environment: Vec<(String, String)>,
}

impl Ctl {
    pub(super) fn new(programs: PathBuf, data: Data, broker: &Broker, run: &RunFolder) -> Self {
        // Not as an argument: every user of a machine sees those.
        let mut environment = vec![("AMQP_URL".to_owned(), broker.settings.secret_url())];
        environment.extend(broker.management_url.iter().map(|url| ("MANAGEMENT_URL".to_owned(), url.clone())));
        let (name, value) = run.mark();
        environment.push((name.to_owned(), value));
        Self { programs, data, environment }
    }

    /// A call with the example's file; nothing of the terminal is given to it yet.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("loyaltyctl"));
        command
            .args(arguments)
            .args(self.files(arguments))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        // The ledger is the file's, whatever the environment says.
        command.env_remove("LEDGER_URL").current_dir(repository::root());
        command
    }

    fn files(&self, arguments: &[&str]) -> Vec<String> {
        let mut files = vec!["-f".to_owned(), EXAMPLE.to_owned()];
        let asks_the_broker = matches!(arguments.first(), Some(&"dlq" | &"plan"));
        if self.data.is_named && !asks_the_broker {
            files.extend(["--data".to_owned(), self.data.path.display().to_string()]);
        }
        files
    }

    /// The line that a person would type.
    pub(super) fn line(&self, arguments: &[&str]) -> String {
        format!("loyaltyctl {} {}", arguments.join(" "), self.files(arguments).join(" "))
    }

    /// Shows the line, then what it says.
    pub(super) fn show(&self, arguments: &[&str]) -> Result<ExitStatus, UpError> {
        print_line(&format!("\n{}", bold(&format!("$ {}", self.line(arguments)))));
        let mut process = Process::spawn_visible("loyaltyctl", &mut self.command(arguments))?;
        process.wait().map_err(|source| UpError::Run { command: arguments.join(" "), source })
    }

    /// Ends the tour when something on the broker that bears the pipeline's names is not the pipeline's.
    pub(super) fn refuse_conflicts(&self) -> Result<(), UpError> {
        let plan = self.ask(&["plan"])?;
        let conflicts = plan["conflicts"].as_array().map(Vec::as_slice).unwrap_or_default();
        match conflicts.first() {
            None => Ok(()),
            Some(first) => Err(UpError::Foreign {
                object: first["object"].as_str().unwrap_or_default().to_owned(),
                advice: first["advice"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// What a call says as JSON.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Value, UpError> {
        let command = arguments.join(" ");
        let said = self.command(arguments).args(["-o", "json"]).stdin(Stdio::null()).output();
        let said = said.map_err(|source| UpError::Run { command: command.clone(), source })?;
        serde_json::from_slice(&said.stdout).map_err(|error| {
            let words = String::from_utf8_lossy(&said.stderr).trim().to_owned();
            let problem = if words.is_empty() { error.to_string() } else { words };
            UpError::Answer { command, status: said.status.to_string(), problem }
        })
    }
}

/// A line of what the person came for. Whoever does not read it to its end (`| head`) may do so.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// What stands out where a person looks.
pub(super) fn bold(text: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !stdout().is_terminal();
    if plain { text.to_owned() } else { format!("\x1b[1m{text}\x1b[0m") }
}
