//! Points that have ended and may be given back: of which members and wallets all such lots are needed.
//!
//! All of them, for what a refund of the same batch claims of one has to come out of another.

use std::collections::{BTreeSet, HashMap};

use contract::{MemberId, WalletName};

use crate::rows::MemberKey;
use crate::store::BatchRequest;
use crate::takes::Takes;

pub(crate) fn ended(
    request: &BatchRequest,
    members: &HashMap<MemberId, MemberKey>,
) -> BTreeSet<(MemberKey, WalletName)> {
    let of_wallet = |want: &crate::store::Wanted| match &want.takes {
        Takes::Ended { wallet } => members.get(&want.member).map(|member| (*member, wallet.clone())),
        _ => None,
    };
    request.wanted.iter().filter_map(of_wallet).collect()
}
