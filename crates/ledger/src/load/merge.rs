//! Merges: whom to look at for what keeps two members apart, and who is not made by being named.

use std::collections::{BTreeSet, HashMap};

use contract::MemberId;

use crate::book::MemberState;
use crate::error::LedgerError;
use crate::load::Known;
use crate::merge::Shared;
use crate::rows::{Loaded, MemberKey};
use crate::store::{BatchRequest, Identity, Wanted};
use crate::takes::Takes;

/// Who leaves, and for whom; only those of whom somebody has heard.
pub(crate) fn leavers(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> Vec<[MemberKey; 2]> {
    let pair = |want: &Wanted| match &want.takes {
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

/// What is known of a merge's arrival: its row is of the one who had all of it then.
pub(super) fn arrived<'a>(
    want: &Wanted,
    known: &'a HashMap<Identity, Known>,
) -> Result<Option<&'a Known>, LedgerError> {
    let Takes::Merge { .. } = want.takes else { return Ok(None) };
    Ok(known.get(&crate::merge::arrival_of(&want.identity)?))
}

/// What keeps members apart, and who of those to whom the batch sends points is one of its members.
pub(super) fn put(
    shared: Vec<(MemberKey, String, String)>,
    loaded: &Loaded,
    states: &mut HashMap<MemberKey, MemberState>,
) -> Result<(), LedgerError> {
    for (member, kind, name) in shared {
        states.entry(member).or_default().shared.push((self::kind(&kind)?, name));
    }
    for (id, member) in &loaded.aliases {
        states.entry(*member).or_default().aliases.insert(id.clone());
    }
    Ok(())
}

fn kind(text: &str) -> Result<Shared, LedgerError> {
    Shared::parse(text)
        .ok_or_else(|| LedgerError::unreadable("what both members have", format!("`{text}` is not known")))
}
