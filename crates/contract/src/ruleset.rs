//! A rule set is immutable and addressed by its hash; the timeline says which one held when.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::program::{Program, Rule};
use crate::{Currency, EventType, WalletName};

/// Version of the engine's arithmetic. It is part of every hash: the same YAML under other arithmetic is another rule set.
pub const SEMANTICS: u32 = 1;

/// One immutable version of a programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ruleset {
    /// See [`SEMANTICS`].
    pub semantics: u32,
    /// Without `validFrom`: when it holds is the timeline's matter, so that A, B, A are two rule sets and three lines.
    pub program: Program,
    /// In the order in which they are asked.
    pub rules: Vec<Rule>,
}

/// SHA-256 of a rule set's canonical JSON, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RulesetHash(pub String);

impl fmt::Display for RulesetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RulesetHash {
    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl Ruleset {
    /// Activities for which points of some order may wait (`pending.until`).
    #[must_use]
    pub fn awaited(&self) -> BTreeSet<EventType> {
        let of_wallets = self.program.wallets.iter().filter_map(|wallet| wallet.pending.as_ref());
        let of_rules = self.rules.iter().filter_map(|rule| rule.earn.as_ref()?.pending.as_ref());
        of_wallets.chain(of_rules).filter_map(|pending| pending.until.clone()).collect()
    }

    /// The rule set of a programme under today's arithmetic.
    #[must_use]
    pub fn new(program: &Program, rules: &[Rule]) -> Self {
        let program = Program { valid_from: None, ..program.clone() };
        Self { semantics: SEMANTICS, program, rules: rules.to_vec() }
    }

    /// The address.
    #[must_use]
    pub fn hash(&self) -> RulesetHash {
        RulesetHash(hex(&Sha256::digest(self.to_json().as_bytes())))
    }

    /// Canonical JSON: fields in declaration order, as it is stored and hashed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Only string keys and plain values: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The wallet that an event means: the named one, or the first.
    #[must_use]
    pub fn wallet(&self, name: Option<&WalletName>) -> Option<&crate::program::Wallet> {
        match name {
            Some(name) => self.program.wallets.iter().find(|wallet| wallet.name == *name),
            None => self.program.wallets.first(),
        }
    }

    /// The wallet whose points count for tiers; `None` without tiers.
    #[must_use]
    pub fn qualifying(&self) -> Option<&crate::program::Wallet> {
        let points = self.program.tiers.as_ref()?.points.as_ref();
        self.wallet(points.map(|points| &points.wallet))
    }

    /// Currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.program.currency
    }
}

/// One line of a pipeline's timeline; append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineLine {
    /// 1, 2, ... within the pipeline; of two lines that both hold, the later sequence wins.
    pub seq: i64,
    /// From when, inclusive; `None` is the beginning of time (the first line always).
    pub valid_from: Option<Timestamp>,
    /// Which rule set.
    pub hash: RulesetHash,
    /// Who applied it.
    pub author: String,
}

/// Lower-case hex of bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
