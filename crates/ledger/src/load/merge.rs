//! Merges: whom to look at for what keeps two members apart, and who is not made by being named.

use std::collections::{BTreeSet, HashMap};

use contract::MemberId;

use crate::error::LedgerError;
use crate::merge::Shared;
use crate::rows::{Loaded, MemberKey};
use crate::store::{BatchRequest, Takes};

/// Who leaves, and for whom; only those of whom somebody has heard.
pub(crate) fn leavers(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> Vec<[MemberKey; 2]> {
    let pair = |want: &crate::store::Wanted| match &want.takes {
        Takes::Merge { into } => Some([*members.get(&want.member)?, *members.get(into)?]),
        _ => None,
    };
    request.wanted.iter().filter_map(pair).filter(|[from, into]| from != into).collect()
}

/// Names that are asked for, and that nobody is to be made of.
pub(crate) fn strangers(request: &BatchRequest) -> BTreeSet<&MemberId> {
    let named = |is_stranger: bool| {
        let wanted = request.wanted.iter().filter(move |want| (want.takes == Takes::Merged) == is_stranger);
        wanted.map(|want| &want.member).collect::<BTreeSet<_>>()
    };
    let others = named(false);
    named(true).into_iter().filter(|id| !others.contains(id)).collect()
}

/// Who is whom by now.
pub(crate) fn followed(loaded: &Loaded) -> HashMap<MemberId, MemberId> {
    loaded.followed.iter().map(|(id, followed)| (id.clone(), followed.into.clone())).collect()
}

pub(super) fn kind(text: &str) -> Result<Shared, LedgerError> {
    Shared::parse(text)
        .ok_or_else(|| LedgerError::unreadable("what both members have", format!("`{text}` is not known")))
}
