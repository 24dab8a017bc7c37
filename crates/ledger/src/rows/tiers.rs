//! Rows of tiers: what counts on which day, each line of the history, and the last one of each member.

use std::collections::BTreeMap;

use contract::calendar::number_of;
use contract::program::Measure;

use super::{At, MemberKey, Rows};
use crate::book::{Counted, TierLine};
use crate::store::Identity;

#[derive(Debug, Default)]
pub(crate) struct Tiers {
    /// What is added to what counts, by the numbers of days.
    pub(crate) counted: BTreeMap<(MemberKey, i32, Measure), i64>,
    pub(crate) lines: Vec<TierRow>,
    /// What members have from now on; `None`: the first tier.
    pub(crate) last: BTreeMap<MemberKey, Option<TierLine>>,
}

#[derive(Debug)]
pub(crate) struct TierRow {
    pub(crate) member: MemberKey,
    /// As an entry would be numbered that the same event made.
    pub(crate) id: i64,
    pub(crate) n: i16,
    pub(crate) line: TierLine,
    /// The event that brought it, or what was due.
    pub(crate) identity: Identity,
}

impl Rows {
    pub(super) fn tiers(&mut self, at: At, identity: &Identity, (counted, lines): (Vec<Counted>, Vec<TierLine>)) {
        for Counted { measure, day, amount } in counted {
            let sum = self.tiers.counted.entry((at.member, number_of(day), measure)).or_default();
            *sum = sum.saturating_add(amount);
        }
        for (n, line) in (0_i16..).zip(lines) {
            self.due.insert(at.member);
            self.tiers.last.insert(at.member, Some(line.clone()));
            let identity = identity.clone();
            self.tiers.lines.push(TierRow { member: at.member, id: at.entry, n, line, identity });
        }
    }
}
