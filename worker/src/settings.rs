//! Reads what the worker is told: configuration from a file, secrets from files or the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contract::config::WorkerConfig;

use crate::Args;

/// What the worker was told cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("could not read `{path}`")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("could not understand configuration `{path}`")]
    Config { path: PathBuf, source: serde_yaml::Error },
    #[error("could not understand the broker's settings")]
    Broker(#[source] broker::SettingsError),
    #[error("could not find `{variable}` in the environment; set it, or give `{flag}`")]
    Missing { variable: &'static str, flag: &'static str },
}

/// Everything from outside, read once.
pub(crate) struct Settings {
    pub(crate) config: WorkerConfig,
    pub(crate) ledger_url: String,
}

pub(crate) fn read(args: &Args) -> Result<Settings, SettingsError> {
    // Read to be refused at once; each session reads it anew.
    broker(args)?;
    Ok(Settings { config: config(&args.config)?, ledger_url: ledger_url(args.ledger_secret.as_deref())? })
}

fn text(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })
}

fn config(path: &Path) -> Result<WorkerConfig, SettingsError> {
    serde_yaml::from_str(&text(path)?).map_err(|source| SettingsError::Config { path: path.to_owned(), source })
}

/// Where the broker is and how to log in, as the environment or the mounted Secret says it now.
pub(crate) fn broker(args: &Args) -> Result<broker::Settings, SettingsError> {
    let settings = match &args.broker_secret {
        Some(folder) => broker::Settings::from_secret(&keys(folder)?),
        None => broker::Settings::from_url(&variable("AMQP_URL", "--broker-secret")?),
    };
    settings.map_err(SettingsError::Broker)
}

/// The files of a mounted Secret: one key each. Kubernetes' own `..data` links are passed over.
fn keys(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, SettingsError> {
    let fail = |source| SettingsError::Unreadable { path: folder.to_owned(), source };
    let mut keys = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_file() && !name.starts_with("..") {
            keys.insert(name.to_owned(), std::fs::read(&path).map_err(fail)?);
        }
    }
    Ok(keys)
}

/// The file beside the ledger's URL with the only authorities to be trusted, if there is one.
const CA: &str = "ca.crt";

/// The ledger's URL, from a file or the environment.
pub(crate) fn ledger_url(secret: Option<&Path>) -> Result<String, SettingsError> {
    match secret {
        Some(path) => {
            let (url, ca) = (text(path)?.trim().to_owned(), path.with_file_name(CA));
            Ok(if ca.exists() { ledger::trusting(&url, &text(&ca)?) } else { url })
        }
        None => variable("LEDGER_URL", "--ledger-secret"),
    }
}

fn variable(variable: &'static str, flag: &'static str) -> Result<String, SettingsError> {
    std::env::var(variable).map_err(|_| SettingsError::Missing { variable, flag })
}
