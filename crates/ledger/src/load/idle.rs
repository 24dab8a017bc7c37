//! Points that idle: whose are all to be loaded, although nothing may be due of them yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::ParkedRow;
use crate::rows::{Loaded, MemberKey};
use crate::store::BatchRequest;

/// Members of whom an event may move an end that is warned of, while more is decided of them in the same batch: the new end may be to be
/// warned of by then, with all the points that it ends.
pub(crate) fn idlers(request: &BatchRequest, loaded: &Loaded, waiting: &[ParkedRow]) -> BTreeSet<MemberKey> {
    let mut decided: BTreeMap<MemberKey, usize> = BTreeMap::new();
    let mut moving = BTreeSet::new();
    for want in &request.wanted {
        let Some(member) = loaded.members.get(&want.member) else { continue };
        *decided.entry(*member).or_default() += 1;
        if want.reads.idles {
            moving.insert(*member);
        }
    }
    let waits = |member: &MemberKey| waiting.iter().any(|row| row.member == *member);
    moving.retain(|member| waits(member) || decided.get(member).is_some_and(|events| *events > 1));
    moving
}
