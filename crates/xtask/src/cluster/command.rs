//! Commands that are over in a moment, run for their answer.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::error::ClusterError;
use crate::parts::PartError;
use crate::parts::apt::{self, find_program};

/// How much of a command's complaint an error shows.
const LINES_MAX: usize = 12;

/// A program of the system by its name, with nothing of our environment but a PATH.
pub(super) fn system(program: &str) -> Command {
    let mut command = Command::new(find_program(program).unwrap_or_else(|| PathBuf::from(program)));
    command.env("PATH", apt::PATH);
    command
}

/// Runs a program of the system.
pub(super) fn run(what: &str, program: &str, arguments: &[&str]) -> Result<(), ClusterError> {
    said(what, program, arguments).map(|_| ())
}

/// Runs a program of the system and gives what it wrote.
pub(super) fn said(what: &str, program: &str, arguments: &[&str]) -> Result<String, ClusterError> {
    answer(what, system(program).args(arguments))
}

/// Runs a program of the system with `input`.
pub(super) fn fed(what: &str, program: &str, arguments: &[&str], input: &str) -> Result<(), ClusterError> {
    let mut command = system(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let fed = command.spawn().and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait_with_output()
    });
    checked(what, &command, fed).map(|_| ())
}

/// Runs `command` and gives what it wrote.
pub(super) fn answer(what: &str, command: &mut Command) -> Result<String, ClusterError> {
    let output = command.stdin(Stdio::null()).output();
    checked(what, command, output)
}

fn checked(what: &str, command: &Command, output: std::io::Result<Output>) -> Result<String, ClusterError> {
    let output = output.map_err(|source| PartError::Spawn { program: name(command), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = [output.stderr, output.stdout].concat();
    let said = last_lines(&String::from_utf8_lossy(&complaint));
    Err(ClusterError::Command { what: what.to_owned(), command: told(command), said })
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn told(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name(command)).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// The end of a text.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}
