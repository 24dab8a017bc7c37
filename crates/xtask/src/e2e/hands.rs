//! What a platform engineer types: kubectl, helm, loyaltyctl.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::error::E2eError;
use crate::parts::{PartError, Parts, RunFolder, tools};
use crate::progress::say;
use crate::repository;

/// The namespace of the operator.
pub(super) const SYSTEM: &str = "loyalty-system";
/// The namespace of the pipeline.
pub(super) const SHOP: &str = "shop";
/// The pipeline as it is applied.
pub(super) const EXAMPLE: &str = "examples/cdnow/cluster.yaml";

/// Programs, and what they need to know.
pub(super) struct Hands {
    kubectl: PathBuf,
    helm: PathBuf,
    /// The folder of our own.
    ours: PathBuf,
    environment: Vec<(String, String)>,
}

impl Hands {
    pub(super) fn new(
        kubeconfig: &Path,
        parts: &Parts,
        (folder, ours): (&RunFolder, PathBuf),
    ) -> Result<Self, PartError> {
        let (kubectl, helm) = (tools::kubectl()?, tools::helm()?);
        let home = folder.path().join("home");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut environment: Vec<(String, String)> =
            parts.variables().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // Helm and kubectl keep caches and settings of a person; here nobody's.
        environment.extend([
            ("KUBECONFIG".to_owned(), text(kubeconfig)),
            ("KUBECTL".to_owned(), text(&kubectl)),
            ("HOME".to_owned(), text(&home)),
        ]);
        let (name, value) = folder.mark();
        environment.push((name.to_owned(), value));
        Ok(Self { kubectl, helm, ours, environment })
    }

    pub(super) fn kubectl(&self, arguments: &[&str]) -> Result<String, E2eError> {
        self.run(&self.kubectl, arguments, None)
    }

    /// The same with something on its standard input: no secret stands in a process list.
    pub(super) fn kubectl_fed(&self, arguments: &[&str], input: &str) -> Result<String, E2eError> {
        self.run(&self.kubectl, arguments, Some(input))
    }

    pub(super) fn helm(&self, arguments: &[&str]) -> Result<String, E2eError> {
        self.run(&self.helm, arguments, None)
    }

    /// As `kubectl loyalty`: it asks with the kubectl that it is given.
    pub(super) fn loyaltyctl(&self, arguments: &[&str]) -> Result<String, E2eError> {
        self.run(&self.ours.join("loyaltyctl"), arguments, None)
    }

    /// The programs under the names by which a person calls them.
    pub(super) fn programs(&self) -> [(&str, PathBuf); 3] {
        [
            ("kubectl", self.kubectl.clone()),
            ("loyaltyctl", self.ours.join("loyaltyctl")),
            ("kubectl-loyalty", self.ours.join("kubectl-loyalty")),
        ]
    }

    /// Lines of a page, in a folder that has its programs in `bin`.
    pub(super) fn bash(&self, folder: &Path, script: &str) -> Result<String, E2eError> {
        let mut paths = vec![folder.join("bin")];
        paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let mut command = self.command(Path::new("bash"), &["-euo", "pipefail", "-c", script]);
        command.current_dir(folder).env("PATH", env::join_paths(paths).unwrap_or_default());
        said(&mut command, None)
    }

    /// What kubectl says as JSON; nothing where it says none.
    pub(super) fn get(&self, arguments: &[&str]) -> Result<Value, E2eError> {
        let text = self.kubectl(&[arguments, &["-o", "json"]].concat())?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// What a command of ours says of the pipeline, as JSON; an exit code of 1 is an answer too.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Value, E2eError> {
        let mut command =
            self.command(&self.ours.join("loyaltyctl"), &[arguments, &["-f", EXAMPLE, "-o", "json"]].concat());
        let output = output(&mut command, None)?;
        serde_json::from_slice(&output.stdout).map_err(|_| failed(&command, &output))
    }

    /// What a person would look at when something is wrong.
    pub(super) fn show_everything(&self) {
        for arguments in [
            &["get", "loyaltypipelines,deployments,pods,jobs", "-A", "-o", "wide"][..],
            &["get", "loyaltypipelines", "-A", "-o", "yaml"],
            &["get", "events", "-n", SHOP, "--sort-by=.lastTimestamp"],
            &["describe", "pods", "-n", SHOP],
            &["logs", "-n", SYSTEM, "-l", "app.kubernetes.io/name=loyalty-operator", "--tail=60"],
            &["logs", "-n", SHOP, "-l", "app.kubernetes.io/name=loyalty-worker", "--tail=40", "--prefix"],
            &["logs", "-n", SHOP, "-l", "app.kubernetes.io/name=loyalty-migrate", "--tail=20"],
        ] {
            let said = self.kubectl(arguments).unwrap_or_else(|error| error.to_string());
            say(&format!("$ kubectl {}\n{said}", arguments.join(" ")));
        }
    }

    fn run(&self, program: &Path, arguments: &[&str], input: Option<&str>) -> Result<String, E2eError> {
        said(&mut self.command(program, arguments), input)
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.args(arguments).envs(environment).env_remove("LEDGER_URL").current_dir(repository::root());
        command
    }
}

fn told(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// What a program printed, if it ended well.
fn said(command: &mut Command, input: Option<&str>) -> Result<String, E2eError> {
    let output = output(command, input)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(command, &output))
}

fn output(command: &mut Command, input: Option<&str>) -> Result<Output, E2eError> {
    let fail = |command: &Command, source| E2eError::Run { command: told(command), source };
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|source| fail(command, source))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.as_bytes()).map_err(|source| fail(command, source))?;
    }
    child.wait_with_output().map_err(|source| fail(command, source))
}

fn failed(command: &Command, output: &Output) -> E2eError {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    E2eError::Command { command: told(command), said }
}
