//! `kubectl`, which brings the person's login, and what it says when it has no answer.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::process::Command;

use super::Args;
use super::refusal::{Refusal, Said};

/// How long the API server may take for one answer.
const REQUEST_MAX: &str = "10s";

/// How long kubectl may take in all. It asks several times what the server knows, and may have to log in first.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// kubectl with the options that say which cluster and which namespace.
#[derive(Debug)]
pub(super) struct Kubectl {
    program: OsString,
    options: Vec<OsString>,
    /// Where is looked, for a sentence.
    place: String,
    is_everywhere: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum KubectlError {
    #[error("could not find `{program}`; install kubectl and put it on the PATH, or name it with KUBECTL")]
    NotInstalled { program: String },
    #[error("could not run `{program}`; see that it is kubectl, or name another with KUBECTL")]
    NotRun { program: String, source: io::Error },
    #[error(
        "could not get an answer from `{program}` within {} s; see that `kubectl get namespaces` answers, and log in if it asks for it",
        ANSWER_MAX.as_secs()
    )]
    Slow { program: String },
    #[error("could not read what `{program}` answered; see that it is kubectl, or name another with KUBECTL")]
    Unreadable { program: String, source: serde_json::Error },
    #[error("{}", refusal.sentence(what, place))]
    Refused { refusal: Refusal, what: String, place: String, source: Said },
}

impl Kubectl {
    pub(super) fn new(args: &Args) -> Self {
        let program = std::env::var_os("KUBECTL").filter(|program| !program.is_empty());
        let mut options: Vec<OsString> =
            vec!["-o".into(), "json".into(), "--request-timeout".into(), REQUEST_MAX.into()];
        let mut place = "the namespace of your context".to_owned();
        if let Some(namespace) = &args.namespace {
            options.extend(["--namespace".into(), namespace.into()]);
            place = format!("namespace `{namespace}`");
        }
        if args.all_namespaces {
            options.push("--all-namespaces".into());
            "any namespace".clone_into(&mut place);
        }
        if let Some(context) = &args.context {
            options.extend(["--context".into(), context.into()]);
        }
        if let Some(kubeconfig) = &args.kubeconfig {
            options.extend(["--kubeconfig".into(), kubeconfig.into()]);
        }
        Self {
            program: program.unwrap_or_else(|| "kubectl".into()),
            options,
            place,
            is_everywhere: args.all_namespaces,
        }
    }

    /// Where is looked, for a sentence.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether pipelines of all namespaces are meant.
    pub(super) fn is_everywhere(&self) -> bool {
        self.is_everywhere
    }

    /// `kubectl get` with these words; the last of them is what is asked for. A cancelled call ends the program.
    pub(super) async fn get<T: DeserializeOwned, const N: usize>(&self, words: [&str; N]) -> Result<T, KubectlError> {
        let program = || self.program.to_string_lossy().into_owned();
        let mut command = Command::new(&self.program);
        command.arg("get").args(&self.options).args(words).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(ANSWER_MAX, command.output());
        let output = match output.await {
            Err(_) => return Err(KubectlError::Slow { program: program() }),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KubectlError::NotInstalled { program: program() });
            }
            Ok(Err(source)) => return Err(KubectlError::NotRun { program: program(), source }),
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            let said = Said::of(&String::from_utf8_lossy(&output.stderr));
            let what = words.last().copied().unwrap_or_default().to_owned();
            let place = self.place.clone();
            return Err(KubectlError::Refused { refusal: Refusal::of(&said), what, place, source: said });
        }
        serde_json::from_slice(&output.stdout).map_err(|source| KubectlError::Unreadable { program: program(), source })
    }
}
