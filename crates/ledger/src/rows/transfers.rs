//! Rows of transfers: those that are sent, and how others went on.

use contract::{Points, WalletName};

use super::{At, Loaded, MemberKey};
use crate::book::Transiting;
use crate::error::LedgerError;
use crate::store::Identity;
use crate::transit::{Stage, TransitKey};

/// What a batch does to transfers.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    pub(crate) sent: Vec<SentRow>,
    pub(crate) carried: Vec<CarriedRow>,
}

/// A new transfer, with the entry by which its points left.
#[derive(Debug)]
pub(crate) struct SentRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) identity: Identity,
    pub(crate) wallet: WalletName,
    pub(crate) points: Points,
    /// As JSON.
    pub(crate) parts: String,
    pub(crate) to: MemberKey,
    pub(crate) at: jiff::Timestamp,
}

/// How a transfer went on; its row is the sender's.
#[derive(Debug)]
pub(crate) struct CarriedRow {
    pub(crate) key: TransitKey,
    pub(crate) stage: Stage,
    /// The entry by which its points arrived or came back.
    pub(crate) ended: Option<i64>,
    /// At whom they arrived: the receiver may be another one by now.
    pub(crate) to: Option<MemberKey>,
}

impl Transfers {
    pub(super) fn push(
        &mut self,
        transit: Transiting,
        (at, entry): (At, Option<i64>),
        (identity, occurred_at): (&Identity, jiff::Timestamp),
        loaded: &Loaded,
    ) -> Result<(), LedgerError> {
        let (key, stage) = match transit {
            Transiting::Sent { to, wallet, points, parts } => {
                let known = loaded.recipients.get(&to).copied();
                let to = known.ok_or_else(|| LedgerError::unreadable("transfer.to", "it is not of this batch"))?;
                let (member, identity) = (at.member, identity.clone());
                // Only numbers and times: this cannot fail.
                let parts = serde_json::to_string(&parts).unwrap_or_default();
                self.sent.push(SentRow {
                    member,
                    entry: at.entry,
                    identity,
                    wallet,
                    points,
                    parts,
                    to,
                    at: occurred_at,
                });
                return Ok(());
            }
            Transiting::Refused(key) => (key, Stage::Refused),
            Transiting::Arrived(key) => (key, Stage::Arrived),
            Transiting::Returned(key) => (key, Stage::Returned),
        };
        let ended = if stage == Stage::Refused { None } else { entry };
        let to = (stage == Stage::Arrived).then_some(at.member);
        self.carried.push(CarriedRow { key, stage, ended, to });
        Ok(())
    }
}
