//! Looks around for a broker.

use std::env;
use std::process::Command;
use std::time::Duration;

use broker::{BrokerError, Settings};
use tokio::runtime::Runtime;

use super::choice::{Local, There};
use super::error::UpError;
use crate::parts::{Process, RunFolder, wait};

/// Whom a person at home asks first; `guest` with the password `guest`.
pub(super) const LOCAL_URL: &str = "amqp://localhost:5672";

/// An engine that takes longer to say its version will not start a broker either.
const DOCKER_ANSWER_MAX: Duration = Duration::from_secs(10);

/// Looks at one place after the other, until there is a broker.
pub(super) fn look(runtime: &Runtime, flag: Option<&str>, run: &RunFolder) -> Result<There, UpError> {
    let parse = |by: &'static str, url: &str| {
        let settings = Settings::from_url(url).and_then(with_management);
        settings.map(Some).map_err(|source| UpError::Settings { by, source })
    };
    let mut there = There::default();
    if let Some(url) = flag {
        there.flag = parse("`--broker`", url)?;
    } else if let Some(url) = variable("AMQP_URL") {
        there.variable = parse("AMQP_URL", &url)?;
    } else {
        there.local = runtime.block_on(local());
        there.docker = there.local != Local::Answers && docker_answers(run);
    }
    Ok(there)
}

/// A named broker's management API is where MANAGEMENT_URL says, or at its usual place.
fn with_management(settings: Settings) -> Result<Settings, broker::SettingsError> {
    match variable("MANAGEMENT_URL") {
        Some(url) => settings.with_management(&url),
        None => Ok(settings),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

async fn local() -> Local {
    let Ok(settings) = Settings::from_url(LOCAL_URL) else { return Local::Silent };
    match broker::connect(&settings, "cargo xtask up").await {
        Ok(connection) => {
            connection.close().await;
            Local::Answers
        }
        Err(BrokerError::Unreachable { .. }) => Local::Silent,
        Err(_) => Local::Refuses,
    }
}

/// The program alone says nothing: its engine must answer.
fn docker_answers(run: &RunFolder) -> bool {
    let mut docker = Command::new("docker");
    docker.args(["info", "--format", "{{.ServerVersion}}"]);
    let Ok(mut process) = Process::spawn("docker info", &mut docker, &run.path().join("docker-info.log")) else {
        return false;
    };
    wait::until(DOCKER_ANSWER_MAX, || process.status()).is_some_and(|status| status.success())
}
