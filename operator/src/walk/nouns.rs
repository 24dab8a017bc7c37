//! What passes from step to step.

use std::fmt;
use std::sync::Arc;

use ::broker::Link;
use api::{ConditionStatus, ConditionType, LoyaltyPipelineSpec, Reason};
use contract::PipelineName;
use contract::broker_object::{Desired, Seen};
use contract::config::WorkerConfig;
use contract::ruleset::Ruleset;
use ledger::Ledger;

use crate::children::{Child, Kind, Live};

/// Which pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A pipeline that can be done.
#[derive(Debug, Clone)]
pub(crate) struct Valid {
    pub(crate) key: Key,
    pub(crate) uid: String,
    pub(crate) name: PipelineName,
    /// Who it is among all that use the broker.
    pub(crate) owner: String,
    pub(crate) spec: LoyaltyPipelineSpec,
    pub(crate) wanted: Arc<Desired>,
    pub(crate) ruleset: Ruleset,
    pub(crate) config: WorkerConfig,
}

impl Valid {
    pub(crate) fn is_embedded(&self) -> bool {
        self.spec.ledger.sqlite.is_some()
    }
}

/// Why a part of the walk cannot go on: a reason for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// As a finding: what cannot be asked is unknown, what was refused is false.
    pub(crate) fn finding(&self) -> Finding {
        let unknown =
            matches!(self.reason, Reason::BrokerUnreachable | Reason::LedgerUnreachable | Reason::NotReadBack);
        let status = if unknown { ConditionStatus::Unknown } else { ConditionStatus::False };
        Finding { status, reason: self.reason, message: self.message.clone() }
    }
}

/// What is known of one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) status: ConditionStatus,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::True, reason, message: message.into() }
    }

    pub(crate) fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::False, reason, message: message.into() }
    }

    pub(crate) fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::Unknown, reason, message: message.into() }
    }
}

/// What the walk found, one for each part of `Ready`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) accepted: Finding,
    pub(crate) topology: Finding,
    pub(crate) ledger: Finding,
    pub(crate) workers: Finding,
    pub(crate) drain: Finding,
    /// Steps that were not taken, and why.
    pub(crate) held: Vec<String>,
}

impl Findings {
    /// Nothing was looked at but the resource itself.
    pub(crate) fn refused(message: String) -> Self {
        let waiting = Finding::unknown(Reason::Waiting, "waits for a resource that is accepted");
        Self {
            accepted: Finding::no(Reason::Invalid, message),
            topology: waiting.clone(),
            ledger: waiting.clone(),
            workers: waiting.clone(),
            drain: waiting,
            held: Vec::new(),
        }
    }

    /// In the order of [`ConditionType::PARTS`].
    pub(crate) fn parts(&self) -> [(ConditionType, &Finding); 5] {
        let findings = [&self.accepted, &self.topology, &self.ledger, &self.workers, &self.drain];
        let mut parts = ConditionType::PARTS.into_iter().zip(findings);
        std::array::from_fn(|_| parts.next().unwrap_or((ConditionType::Accepted, &self.accepted)))
    }
}

/// What stands, as far as it could be seen.
pub(crate) struct Observed {
    pub(crate) broker: Result<SeenBroker, Trouble>,
    pub(crate) ledger: SeenLedger,
    pub(crate) live: Live,
    pub(crate) others: Others,
    /// Resource versions of the Secrets that are used.
    pub(crate) secrets: String,
    /// That of the ledger's alone.
    pub(crate) ledger_version: String,
    pub(crate) ledger_key: Option<String>,
    /// Why a worker does not start, if one says so.
    pub(crate) worker_trouble: Option<String>,
    /// The same for what makes the ledger's tables.
    pub(crate) migration_trouble: Option<String>,
}

/// Objects of a child's name that must not be touched.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// They are somebody else's.
    pub(crate) foreign: Vec<(Kind, String)>,
    /// They could not be asked for, and why.
    pub(crate) unseen: Vec<(Kind, String, String)>,
}

/// The broker answers.
pub(crate) struct SeenBroker {
    pub(crate) link: Link,
    /// What the pipeline wants of a broker of this release.
    pub(crate) wanted: Desired,
    /// What concerns this pipeline; nothing where the broker has no management API, and why.
    pub(crate) seen: Result<Seen, String>,
    /// Others that ask for an object of this pipeline.
    pub(crate) contested: Vec<String>,
}

/// How the ledger stands.
pub(crate) enum SeenLedger {
    /// A file that only the worker sees.
    Embedded,
    /// It answers and has the right tables.
    Ready {
        ledger: Arc<dyn Ledger>,
        url: String,
        knows_rules: bool,
    },
    /// Its tables are older than needed.
    Behind {
        stands: u32,
        needed: u32,
    },
    Trouble(Trouble),
}

/// Everything that shall be done, and what is known before it is.
pub(crate) struct Plan {
    pub(crate) broker: Vec<contract::broker_object::Step>,
    pub(crate) append_rules: bool,
    pub(crate) children: Vec<ChildStep>,
    pub(crate) findings: Findings,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.broker.is_empty() && !self.append_rules && self.children.is_empty()
    }
}

/// One change of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChildStep {
    /// Make it, or make it as it should be; and what differed.
    Apply(Box<Child>, String),
    /// Remove it.
    Delete(Kind, String),
}
