//! Why the ledger could not do what it was asked. A refusal of an event is never here: see `contract::Refusal` and [`crate::Committed`].

use std::error::Error;

use jiff::Timestamp;

/// Each is a sentence that names the object and what to do; none carries a password or an event's payload.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store did not answer, or broke off. Nothing was applied, or it was applied as a whole: begin again to learn which.
    #[error("could not reach the ledger `{object}`; see that it runs and answers")]
    Away {
        /// URL without password.
        object: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The tables are of another version than this program.
    #[error(
        "could not use the ledger `{object}`: its tables stand at version {stands}, this program needs {needed}; {remedy}"
    )]
    WrongVersion {
        /// URL without password.
        object: String,
        /// Last migration applied; 0 when there are no tables.
        stands: u32,
        /// Last migration that this program knows.
        needed: u32,
        /// What to run.
        remedy: &'static str,
    },
    /// The address, the credentials or TLS are wrong; trying again does not help.
    #[error("could not use the ledger `{object}`: {detail}")]
    Misconfigured {
        /// URL without password.
        object: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// The database does not have what it had confirmed. Said once for each time that it is found; the next call goes on.
    #[error(
        "the ledger `{object}` has lost batch {batch}, which it had confirmed at {at}: a replica that lacked the last commits has \
         taken over, or an older copy was restored. Events of that time are acknowledged and not in the ledger; publish them again, \
         and let commits wait for a replica (`synchronous_standby_names`), so that it cannot happen again"
    )]
    Forgot {
        /// URL without password.
        object: String,
        /// Which batch.
        batch: i64,
        /// When it was confirmed to this process.
        at: Timestamp,
    },
    /// What is asked for was said by entries that are carried forward.
    #[error(
        "could not tell how it was at {at}: entries of then are carried forward as sums; ask for {from} or a later time"
    )]
    CarriedForward {
        /// The time that was asked for.
        at: Timestamp,
        /// The first one that can be.
        from: Timestamp,
    },
    /// What was to be summed changed each time before the sums were in their place. Nothing was done.
    #[error(
        "could not carry entries forward in the ledger `{object}`: members were merged meanwhile, {tries} times in a row; run it again \
         when fewer are"
    )]
    Merging {
        /// URL without password.
        object: String,
        /// How often it was begun.
        tries: u32,
    },
    /// No room is left on the ledger's disk.
    #[error("could not write to the ledger `{object}`: its disk is full; free or add space")]
    Full {
        /// URL without password.
        object: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The new rule set contradicts what earlier ones already paid.
    #[error("could not append the rule set: {detail}")]
    Incompatible {
        /// Which field, and what to do.
        detail: String,
    },
    /// A stored row cannot be read: somebody changed it, or a newer program wrote it.
    #[error("could not read `{what}` from the ledger; look at the row by hand or restore it")]
    Unreadable {
        /// Table, column or key.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store refused a statement of ours.
    #[error("could not run a statement on the ledger `{object}`")]
    Statement {
        /// URL without password.
        object: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl LedgerError {
    /// Whether trying again may help: the store is away, has forgotten something or its disk is full, and the events are not at fault.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Forgot { .. } | Self::Full { .. })
    }

    pub(crate) fn unreadable(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreadable { what: what.into(), source: source.into() }
    }
}
