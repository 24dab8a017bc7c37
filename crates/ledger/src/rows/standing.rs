//! What an event changes beside its entry.

use contract::MemberId;

use super::{At, MemberKey, Rows};
use crate::book::{IdleEnd, LotRow, RewardChange, Standing};

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

    /// Frozen, free again, or to be forgotten.
    pub(super) fn stands(&mut self, key: MemberKey, member: MemberId, standing: Option<Standing>) {
        match standing {
            Some(Standing::Erased(erased)) => {
                self.due.insert(key);
                self.erased.insert(key, (member, erased));
            }
            other => self.standing.extend(other.map(|standing| (key, standing))),
        }
    }
}
