//! Makes or renews a ledger's tables, and where it is asked to, writes a pipeline's rules into its timeline. It runs where the ledger
//! can be reached: as a Job beside a database, or before the worker on the volume of an embedded ledger.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::PipelineName;
use contract::ruleset::Ruleset;
use jiff::Timestamp;
use ledger::{Appended, Ledger, LedgerError, Since};
use serde::Deserialize;

use crate::hold::Backoff;
use crate::settings::{self, SettingsError};

/// Make or renew the ledger's tables, and write a pipeline's rules into its timeline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  LEDGER_URL=postgres://owner:PASSWORD@db/loyalty loyalty-worker migrate
  LEDGER_URL=sqlite:/var/lib/loyalty/ledger.db loyalty-worker migrate --pipeline coffee --ruleset /etc/loyalty/config/rules.json

Exit codes: 0 the tables are of this version, 2 they are not.")]
pub struct MigrateArgs {
    /// File with the ledger's URL; without it LEDGER_URL is read
    #[arg(long, env = "LOYALTY_LEDGER_SECRET", value_name = "FILE")]
    ledger_secret: Option<PathBuf>,

    /// Whose rules are in `--ruleset`
    #[arg(long, value_name = "NAME", requires = "ruleset", value_parser = PipelineName::parse)]
    pipeline: Option<PipelineName>,

    /// File with `{"ruleset": ..., "validFrom": TIME or null}`, to be the last line of the pipeline's timeline
    #[arg(long, value_name = "FILE", requires = "pipeline")]
    ruleset: Option<PathBuf>,

    /// Who the timeline names
    #[arg(long, value_name = "TEXT", default_value = "loyalty-worker migrate")]
    author: String,

    /// How long a ledger that does not answer is waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,

    /// File to write an error into, where Kubernetes looks for it
    #[arg(long, value_name = "FILE")]
    termination_log: Option<PathBuf>,

    /// Log filter: a level, or targets with levels
    #[arg(long, env = "LOYALTY_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    /// How log lines look
    #[arg(long, env = "LOYALTY_LOG_FORMAT", value_name = "FORMAT", default_value = "json")]
    pub(crate) log_format: crate::args::LogFormat,
}

/// Kubernetes reads no more of a termination message.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Why the ledger is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("could not read rules from `{path}`")]
    Rules { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("could not take the rules of `{path}`: {problem}; they were written for another version of this program")]
    Uncompilable { path: PathBuf, problem: String },
    #[error("could not finish: asked to stop")]
    Stopped,
    #[error("could not listen for signals")]
    Signals(#[source] std::io::Error),
}

/// The rules of a pipeline as the operator hands them over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rules {
    ruleset: Ruleset,
    #[serde(default)]
    valid_from: Option<Timestamp>,
}

/// Does it once; a second time changes nothing. A signal, like a cancelled call, leaves each migration whole or untouched.
pub(crate) async fn migrate(args: &MigrateArgs) -> Result<(), MigrateError> {
    // The first process of a container is sent signals that nobody else answers.
    let shutdown = host::on_signals().map_err(MigrateError::Signals)?;
    tokio::select! {
        done = tables_and_rules(args) => done,
        () = shutdown.asked() => Err(MigrateError::Stopped),
    }
}

async fn tables_and_rules(args: &MigrateArgs) -> Result<(), MigrateError> {
    // What is wrong with the rules is found before anything is touched.
    let rules = args.ruleset.as_deref().map(read_rules).transpose()?;
    let url = settings::ledger_url(args.ledger_secret.as_deref())?;
    let ledger = ledger::open(&url)?;
    migrated(ledger.as_ref(), Duration::from_secs(args.wait)).await?;
    tracing::info!(ledger = ledger.address(), "the tables are of this version");
    match (&args.pipeline, rules) {
        (Some(pipeline), Some(rules)) => append(ledger.as_ref(), pipeline, &rules, &args.author).await,
        _ => Ok(()),
    }
}

async fn append(ledger: &dyn Ledger, pipeline: &PipelineName, rules: &Rules, author: &str) -> Result<(), MigrateError> {
    let since = Since { valid_from: rules.valid_from, author: author.to_owned() };
    let appended = ledger.append_timeline(pipeline, &rules.ruleset, &since).await?;
    let (line, what) = match &appended {
        Appended::Added(line) => (line, "applied"),
        Appended::Unchanged(line) => (line, "unchanged"),
    };
    tracing::info!(pipeline = pipeline.as_str(), rules = line.hash.short(), version = line.seq, what, "rules");
    Ok(())
}

/// A database that starts at the same time is waited for; what is refused is not tried again.
async fn migrated(ledger: &dyn Ledger, wait: Duration) -> Result<(), LedgerError> {
    let (begun, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        match ledger.migrate().await {
            Err(error) if error.is_away() && begun.elapsed() < wait => {
                tracing::warn!(error = host::chain(&error), "waiting for the ledger");
                tokio::time::sleep(backoff.pause()).await;
            }
            answer => return answer,
        }
    }
}

fn read_rules(path: &Path) -> Result<Rules, MigrateError> {
    let fail = |source| MigrateError::Rules { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.into()))?;
    let rules: Rules = serde_json::from_str(&text).map_err(|error| fail(error.into()))?;
    // The timeline forgets nothing: rules that no worker can run would stop the pipeline for good.
    rules::compile(rules.ruleset.clone()).map_err(|errors| MigrateError::Uncompilable {
        path: path.to_owned(),
        problem: errors.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    Ok(rules)
}

/// Leaves the sentence where the operator finds it; it is in the log too.
pub(crate) fn leave_word(args: &MigrateArgs, sentence: &str) {
    let Some(path) = &args.termination_log else { return };
    if let Err(error) = std::fs::write(path, cut(sentence)) {
        tracing::warn!(error = host::chain(&error), "could not write the termination log");
    }
}

fn cut(sentence: &str) -> &str {
    &sentence[..sentence.floor_char_boundary(MESSAGE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES_MAX, cut};

    #[test]
    fn a_sentence_is_cut_between_characters_where_kubernetes_would_cut_it() {
        assert_eq!(cut("short"), "short");
        let long = format!("x{}", "é".repeat(MESSAGE_BYTES_MAX));
        assert_eq!(cut(&long).len(), MESSAGE_BYTES_MAX - 1);
    }
}
