//! What the first half of a batch hands to the second.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::{MemberId, OrderId};

use super::MemberKey;
use crate::book::Frozen;
use crate::budget::Pots;
use crate::store::Identity;

/// What `begin` learned that `commit` needs: who is who, and which entry paid for an order.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) members: HashMap<MemberId, MemberKey>,
    pub(crate) orders: HashMap<(MemberKey, OrderId), Option<i64>>,
    /// Those of the members who are frozen.
    pub(crate) frozen: HashMap<MemberKey, Frozen>,
    /// Members to whom points may be sent; not locked.
    pub(crate) recipients: HashMap<MemberId, MemberKey>,
    /// Those of them who are another one by now; whom.
    pub(crate) aliases: HashMap<MemberId, MemberKey>,
    /// Names under which nothing happens any more: of the members, those that were erased before.
    pub(crate) erased: HashSet<MemberId>,
    /// Names of members who are another one by now; `members` leads from them to that one.
    pub(crate) followed: HashMap<MemberId, MemberId>,
    /// Of members of whom all is loaded: who was merged into them. Locked.
    pub(crate) absorbed: BTreeMap<MemberKey, Vec<(MemberId, MemberKey)>>,
    /// Events of the batch that were given up before.
    pub(crate) again: HashSet<Identity>,
    /// The budgets that the batch may use.
    pub(crate) pots: Pots,
}

impl Loaded {
    /// What was learned of other members. Neither side has budgets, which stand for all members.
    pub(crate) fn join(&mut self, other: Self) {
        let Self { members, orders, frozen, recipients, aliases, erased, followed, absorbed, again, pots } = other;
        self.members.extend(members);
        self.orders.extend(orders);
        self.frozen.extend(frozen);
        self.recipients.extend(recipients);
        self.aliases.extend(aliases);
        self.erased.extend(erased);
        self.followed.extend(followed);
        self.absorbed.extend(absorbed);
        self.again.extend(again);
        self.pots.extend(pots);
    }

    /// Names that are their member's own; others stand for one of these.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = (&MemberId, &MemberKey)> {
        self.members.iter().filter(|(id, _)| !self.followed.contains_key(*id))
    }
}
