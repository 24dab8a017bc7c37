//! Automatic rewards: how many there were on the last day that had any, and which lots may pay for more.

use contract::WalletName;
use jiff::Timestamp;

use crate::book::Rewarding;
use crate::load::Books;
use crate::rows::{Loaded, MemberKey};
use crate::store::BatchRequest;

/// How many were given on a day.
#[derive(Debug)]
pub(crate) struct StoredCounter {
    pub(crate) member: MemberKey,
    pub(crate) wallet: String,
    pub(crate) window: Timestamp,
    pub(crate) used: i64,
}

/// Of which members and wallets the last day is to be looked up.
pub(crate) fn rewarded(request: &BatchRequest, loaded: &Loaded) -> Vec<(MemberKey, WalletName)> {
    if request.rewards.is_empty() {
        return Vec::new();
    }
    let members = super::members(request, &loaded.members);
    members.into_iter().flat_map(|member| request.rewards.iter().map(move |wallet| (member, wallet.clone()))).collect()
}

/// What can be spent of these wallets: any event may turn all of it into rewards.
pub(super) fn spendable(request: &BatchRequest, books: &Books) -> Vec<(MemberKey, WalletName, i64)> {
    let of_wallet = |wallet: &WalletName| {
        let rows = books.balances.iter().filter(|row| row.wallet == wallet.as_str());
        rows.map(|row| (row.member, wallet.clone(), row.balances.available.0)).collect::<Vec<_>>()
    };
    request.rewards.iter().flat_map(of_wallet).collect()
}

pub(super) fn rewarding(
    counters: &[StoredCounter],
    (member, wallet): (MemberKey, &WalletName),
    next: Option<Timestamp>,
) -> Rewarding {
    let last = counters.iter().find(|row| row.member == member && row.wallet == wallet.as_str());
    Rewarding { window: last.map(|row| row.window), used: last.map_or(0, |row| row.used), next }
}
