//! Which broker is meant: `--broker`, else `AMQP_URL`, else the Secret that the pipeline names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use broker::{Settings, SettingsError};

use super::{Loaded, Pipeline};

/// The broker, where it is not the one that the files name.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BrokerArgs {
    /// The broker, `amqp://USER:PASSWORD@HOST:5672/VHOST`; without it AMQP_URL, then the Secret that the pipeline names
    #[arg(long, value_name = "URL")]
    pub(crate) broker: Option<String>,

    /// Its management API, `http://HOST:15672`; without it MANAGEMENT_URL, then the Secret, then the usual port
    #[arg(long, value_name = "URL")]
    pub(crate) management: Option<String>,

    /// Certificate (PEM) of the authority that signed the broker's
    #[arg(long, value_name = "FILE")]
    pub(crate) broker_ca: Option<PathBuf>,
}

/// Why no broker can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerTargetError {
    #[error(
        "could not tell which broker is meant: no `--broker`, no AMQP_URL, and no Secret `{secret}` in the files; give one of the three"
    )]
    None { secret: String },
    #[error("could not use the broker of {origin}")]
    Settings { origin: String, source: SettingsError },
    #[error("could not read `{path}` of `--broker-ca`; check the path")]
    Ca { path: String, source: std::io::Error },
}

/// A broker, and the keys by which another process finds it.
#[derive(Clone)]
pub(crate) struct BrokerTarget {
    pub(crate) settings: Settings,
    /// As in a Secret; holds passwords.
    pub(crate) keys: BTreeMap<String, Vec<u8>>,
}

impl BrokerArgs {
    /// Finds the broker of a pipeline; connects to nothing.
    pub(crate) fn find(&self, pipeline: &Pipeline, loaded: &Loaded) -> Result<BrokerTarget, BrokerTargetError> {
        let (origin, mut keys) = self.origin(pipeline, loaded)?;
        let management = self.management.clone().or_else(|| variable("MANAGEMENT_URL"));
        keys.extend(management.map(|url| ("managementUri".to_owned(), url.into_bytes())));
        if let Some(path) = &self.broker_ca {
            let fail = |source| BrokerTargetError::Ca { path: path.display().to_string(), source };
            keys.insert("ca.crt".to_owned(), std::fs::read(path).map_err(fail)?);
        }
        let settings = Settings::from_secret(&keys);
        let settings = settings.map_err(|source| BrokerTargetError::Settings { origin, source })?;
        Ok(BrokerTarget { settings, keys })
    }

    fn origin(
        &self,
        pipeline: &Pipeline,
        loaded: &Loaded,
    ) -> Result<(String, BTreeMap<String, Vec<u8>>), BrokerTargetError> {
        let uri = |url: String| BTreeMap::from([("uri".to_owned(), url.into_bytes())]);
        if let Some(url) = &self.broker {
            return Ok(("`--broker`".to_owned(), uri(url.clone())));
        }
        if let Some(url) = variable("AMQP_URL") {
            return Ok(("AMQP_URL".to_owned(), uri(url)));
        }
        let secret = &pipeline.spec.broker.secret_ref.name;
        match loaded.secret(secret) {
            Some((file, secret)) => Ok((format!("Secret `{}` in `{file}`", secret.name), secret.data.clone())),
            None => Err(BrokerTargetError::None { secret: secret.clone() }),
        }
    }
}

impl BrokerTarget {
    /// Whether a URL alone does not say all that is needed.
    pub(crate) fn has_files(&self) -> bool {
        ["ca.crt", "tls.crt", "tls.key"].iter().any(|key| self.keys.contains_key(*key))
    }
}

/// A variable of the environment that is not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
