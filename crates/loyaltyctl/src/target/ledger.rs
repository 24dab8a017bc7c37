//! Which ledger is meant: `--ledger`, or the one that the pipeline's spec says.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::PipelineName;
use contract::ruleset::Ruleset;
use ledger::{Ledger, LedgerError};

use super::broker::variable;
use super::{DataArgs, Loaded, Pipeline};
use crate::edge::Halt;

/// The ledger that a question goes to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LedgerArgs {
    /// File with the pipeline; says which ledger, together with `--data`
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// Which pipeline; needed without `-f`
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// The ledger, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`, instead of the one that the file says (for
    /// `postgres`: a Secret in the files, else `DATABASE_URL`); without either, `LEDGER_URL`
    #[arg(long, value_name = "URL")]
    pub(crate) ledger: Option<String>,
}

/// Why no ledger can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerTargetError {
    #[error(
        "could not tell which ledger is meant: the pipeline says `postgres`, but there is no Secret `{secret}` in the files and no \
         DATABASE_URL; give one of the two"
    )]
    None { secret: String },
    #[error("could not find key {keys} with text in Secret `{secret}`; put the database's URL there")]
    Key { secret: String, keys: String },
    #[error(
        "could not find the ledger `{path}`; run `loyaltyctl up` first, or say where it is with `--data` or `--ledger`"
    )]
    NoFile { path: String },
    #[error("could not tell which pipeline is meant; name it with `--pipeline`, or give its file with `-f`")]
    NoPipeline,
    #[error(
        "could not tell which ledger is meant; give the pipeline's file with `-f`, or `--ledger` (or LEDGER_URL) and `--pipeline`"
    )]
    NoLedger,
    #[error(
        "could not find pipeline `{name}` in the ledger `{ledger}`; see that the name is right, or run `loyaltyctl up` first"
    )]
    NoSuchPipeline { name: String, ledger: String },
    #[error("could not find the rules that hold in the ledger; run `loyaltyctl up` first")]
    NoRules,
    #[error("could not use `--pipeline {name}`: it {problem}")]
    Name { name: String, problem: contract::id::IdError },
}

/// A ledger and whose part of it is meant.
#[derive(Debug)]
pub(crate) struct LedgerTarget {
    pub(crate) pipeline: PipelineName,
    pub(crate) ledger: Arc<dyn Ledger>,
}

impl LedgerTarget {
    /// The rules as they were said last.
    pub(crate) async fn ruleset(&self) -> Result<Ruleset, Halt> {
        let last = self.ledger.timeline(&self.pipeline).await?.pop().ok_or(LedgerTargetError::NoRules)?;
        Ok(self.ledger.ruleset(&last.hash).await?.ok_or(LedgerTargetError::NoRules)?)
    }
}

impl LedgerArgs {
    /// Opens the ledger and checks its version.
    pub(crate) async fn open(&self) -> Result<LedgerTarget, Halt> {
        let (pipeline, url) = self.find()?;
        if let Some(path) = url.strip_prefix("sqlite:").filter(|path| *path != ":memory:") {
            // Opening would make an empty one.
            let missing = LedgerTargetError::NoFile { path: path.to_owned() };
            Path::new(path).exists().then_some(()).ok_or(missing)?;
        }
        let ledger = ledger::open(&url)?;
        ledger.check_version().await?;
        if ledger.timeline(&pipeline).await?.is_empty() {
            // A mistyped name must not read as an empty, clean ledger.
            let (name, ledger) = (pipeline.to_string(), ledger.address().to_owned());
            return Err(LedgerTargetError::NoSuchPipeline { name, ledger }.into());
        }
        Ok(LedgerTarget { pipeline, ledger })
    }

    fn find(&self) -> Result<(PipelineName, String), Halt> {
        if self.file.is_empty() {
            // Only here: a variable that was set for something else must not win over a file.
            let url = self.ledger.clone().or_else(|| variable("LEDGER_URL")).ok_or(LedgerTargetError::NoLedger)?;
            let name = self.pipeline.as_deref().ok_or(LedgerTargetError::NoPipeline)?;
            let wrong = |problem| LedgerTargetError::Name { name: name.to_owned(), problem };
            let name = PipelineName::parse(name).map_err(wrong)?;
            return Ok((name, url));
        }
        let loaded = Loaded::read(&self.file)?;
        let pipeline = loaded.one(self.pipeline.as_deref())?;
        let url = match &self.ledger {
            Some(url) => url.clone(),
            None => url(&pipeline, &loaded, &self.data.folder(&pipeline.name))?,
        };
        Ok((pipeline.name, url))
    }
}

/// The URL of the ledger that a pipeline's spec says; holds a password.
pub(crate) fn url(pipeline: &Pipeline, loaded: &Loaded, folder: &Path) -> Result<String, LedgerTargetError> {
    let Some(postgres) = &pipeline.spec.ledger.postgres else {
        return Ok(format!("sqlite:{}", folder.join("ledger.db").display()));
    };
    let wanted = &postgres.secret_ref;
    let Some((_, secret)) = loaded.secret(&wanted.name) else {
        return variable("DATABASE_URL").ok_or_else(|| LedgerTargetError::None { secret: wanted.name.clone() });
    };
    let keys = wanted.keys();
    let text = |key: &&str| secret.data.get(*key).and_then(|value| str::from_utf8(value).ok()).map(str::trim);
    let value = keys.iter().filter_map(text).find(|value| !value.is_empty()).map(ToOwned::to_owned);
    let quoted = || keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
    value.ok_or_else(|| LedgerTargetError::Key { secret: wanted.name.clone(), keys: quoted() })
}

/// Opens a ledger, makes its tables if they are missing.
pub(crate) async fn open_migrated(url: &str) -> Result<Arc<dyn Ledger>, LedgerError> {
    if let Some(path) = url.strip_prefix("sqlite:").filter(|path| *path != ":memory:") {
        // It tells who bought what. A file that stands, or cannot be made, is the store's matter.
        let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    }
    let ledger = ledger::open(url)?;
    ledger.migrate().await?;
    Ok(ledger)
}
