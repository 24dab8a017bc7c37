//! Which pipeline, which broker and which ledger a command means, from its files, its options and the environment.

mod broker;
mod condition;
mod files;
mod folder;
mod ledger;
mod locate;

pub(crate) use broker::{BrokerArgs, BrokerTarget};
pub(crate) use files::{Files, FilesError, Loaded, Pipeline};
pub(crate) use folder::DataArgs;
pub(crate) use ledger::{LedgerArgs, LedgerTarget, open_migrated, url as ledger_url};
pub(crate) use locate::place;
