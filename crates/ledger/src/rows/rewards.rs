//! Rows of automatic rewards: each that was given, how many on a day, and when the next one is due.

use std::collections::BTreeMap;

use contract::WalletName;
use jiff::Timestamp;

use super::{At, MemberKey};
use crate::book::{Granted, RewardChange};

#[derive(Debug, Default)]
pub(crate) struct Rewards {
    pub(crate) granted: Vec<GrantedRow>,
    /// How many were given on a day, and how many may be.
    pub(crate) counters: BTreeMap<(MemberKey, WalletName, Timestamp), (i64, i64)>,
    /// When the next one is due, of each wallet of which that changed.
    pub(crate) next: BTreeMap<(MemberKey, WalletName), Option<Timestamp>>,
}

#[derive(Debug)]
pub(crate) struct GrantedRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) n: i32,
    pub(crate) granted: Granted,
}

impl Rewards {
    pub(super) fn changed(&mut self, member: MemberKey, changes: Vec<RewardChange>) {
        for RewardChange { wallet, rewarding, most } in changes {
            if let Some((window, most)) = rewarding.window.zip(most) {
                self.counters.insert((member, wallet.clone(), window), (rewarding.used, most));
            }
            self.next.insert((member, wallet), rewarding.next);
        }
    }

    pub(super) fn granted(&mut self, at: At, granted: Vec<Granted>) {
        for (n, granted) in (0_i32..).zip(granted) {
            self.granted.push(GrantedRow { member: at.member, entry: at.entry, n, granted });
        }
    }
}
