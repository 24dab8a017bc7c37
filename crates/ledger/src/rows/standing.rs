//! What an event changes beside its entry.

use contract::MemberId;

use super::{At, Loaded, MemberKey, Rows};
use crate::book::{IdleEnd, LotRow, Merged, RewardChange, Standing};
use crate::error::LedgerError;
use crate::merge::MergeRow;

impl Rows {
    /// Ends by inactivity, lots of which nothing moved, and when rewards are due.
    pub(super) fn aside(
        &mut self,
        at: At,
        (idles, unmoved, rewarding): (Vec<IdleEnd>, Vec<LotRow>, Vec<RewardChange>),
    ) {
        for idle in idles {
            self.idle(at.member, idle);
        }
        for row in unmoved {
            self.lot(at, row);
        }
        if !rewarding.is_empty() {
            self.due.insert(at.member);
            self.rewards.changed(at.member, rewarding);
        }
    }

    /// Frozen, free again, somebody else, or to be forgotten, with all who were merged into them.
    pub(super) fn stands(
        &mut self,
        key: MemberKey,
        (member, standing): (MemberId, Option<Standing>),
        loaded: &Loaded,
    ) -> Result<(), LedgerError> {
        match standing {
            Some(Standing::Erased(erased)) => {
                self.due.insert(key);
                self.tiers.last.insert(key, None);
                for (name, other) in loaded.absorbed.get(&key).into_iter().flatten() {
                    self.erased.insert(*other, (name.clone(), erased.clone()));
                }
                self.erased.insert(key, (member, erased));
            }
            Some(Standing::Merged(Merged { into, at, reason, author })) => {
                let into = loaded.members.get(&into).copied();
                let into = into.ok_or_else(|| LedgerError::unreadable("merge.into", "it is not of this batch"))?;
                self.due.extend([key, into]);
                self.merges.push(MergeRow { from: key, into, at, reason, author });
            }
            other => self.standing.extend(other.map(|standing| (key, standing))),
        }
        Ok(())
    }
}
