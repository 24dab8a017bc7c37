//! Whose an object that stands is, and what differs in it.

use std::collections::BTreeSet;

use contract::broker_object::{Arguments, Binding, Desired, Destination, Exchange, Queue, Seen, StandingQueue};

/// What the marks of an object say.
pub(crate) enum Claim<'a> {
    /// Only this owner's mark.
    Ours,
    /// Somebody else's mark, whether beside ours or not.
    Other(&'a str),
    /// No mark at all.
    Unmarked,
}

/// What is told of an argument that is not there.
pub(crate) const UNSET: &str = "unset";

/// Objects by kind and name.
pub(crate) type Objects<'a> = BTreeSet<(Destination, &'a str)>;

/// One field that differs: its name, what it has, what is wanted.
pub(crate) struct Difference {
    pub(crate) field: String,
    pub(crate) have: String,
    pub(crate) want: String,
}

pub(crate) fn owner_of(binding: &Binding) -> Option<&str> {
    binding.owner()
}

/// All that carries this owner's mark and nobody else's.
pub(crate) fn marked<'a>(seen: &'a Seen, owner: &str) -> Objects<'a> {
    let (mut ours, mut others) = (BTreeSet::new(), BTreeSet::new());
    for mark in &seen.bindings {
        let Some(by) = owner_of(mark) else { continue };
        let marked = if by == owner { &mut ours } else { &mut others };
        marked.insert((mark.destination_kind, mark.destination.as_str()));
    }
    ours.retain(|object| !others.contains(object));
    ours
}

/// The exchange that carries this owner's marks.
pub(crate) fn marker<'a>(wanted: &'a Desired, owner: &str) -> Option<&'a str> {
    let mark = wanted.bindings.iter().find(|binding| owner_of(binding) == Some(owner));
    mark.map(|mark| mark.source.as_str())
}

/// With what the names of the pipeline's own objects begin.
pub(crate) fn own_prefix(marker: Option<&str>) -> &str {
    marker.and_then(|marker| marker.strip_suffix("owner")).unwrap_or("")
}

pub(crate) fn word(kind: Destination) -> &'static str {
    match kind {
        Destination::Queue => "queue",
        Destination::Exchange => "exchange",
    }
}

pub(crate) fn leads_to(binding: &Binding, kind: Destination, name: &str) -> bool {
    binding.destination_kind == kind && binding.destination == name
}

pub(crate) fn claim<'a>(seen: &'a Seen, kind: Destination, name: &str, owner: &str) -> Claim<'a> {
    let to_it = seen.bindings.iter().filter(|binding| leads_to(binding, kind, name));
    let owners: BTreeSet<&str> = to_it.filter_map(owner_of).collect();
    match owners.iter().find(|other| **other != owner) {
        Some(other) => Claim::Other(other),
        None if owners.is_empty() => Claim::Unmarked,
        None => Claim::Ours,
    }
}

pub(crate) fn exchange_differences(have: &Exchange, want: &Exchange) -> Vec<Difference> {
    let mut found = Vec::new();
    note(&mut found, "type", &have.kind, &want.kind);
    note(&mut found, "durable", &have.durable, &want.durable);
    note(&mut found, "auto-delete", &have.auto_delete, &want.auto_delete);
    note(&mut found, "internal", &have.internal, &want.internal);
    note_arguments(&mut found, &have.arguments, &want.arguments);
    found
}

pub(crate) fn queue_differences(have: &Queue, want: &Queue) -> Vec<Difference> {
    let mut found = Vec::new();
    note(&mut found, "durable", &have.durable, &want.durable);
    note(&mut found, "auto-delete", &have.auto_delete, &want.auto_delete);
    note_arguments(&mut found, &have.arguments, &want.arguments);
    found
}

/// Whether nobody else came after a declaration: such an object was left by a crash before its mark was set. What leads from it
/// to a queue of ours is no use by others.
pub(crate) fn is_fresh_exchange(seen: &Seen, have: &Exchange, want: &Exchange, ours: &Objects<'_>) -> bool {
    let name = &want.name;
    let is_ours = |b: &Binding| ours.contains(&(b.destination_kind, b.destination.as_str()));
    let by_others = |b: &Binding| leads_to(b, Destination::Exchange, name) || (b.source == *name && !is_ours(b));
    have.arguments == want.arguments && !seen.bindings.iter().any(by_others)
}

/// The same for a queue; `None` where the broker has not yet told its numbers.
pub(crate) fn is_fresh_queue(seen: &Seen, have: &StandingQueue, want: &Queue) -> Option<bool> {
    let bound = seen.bindings.iter().any(|binding| leads_to(binding, Destination::Queue, &want.name));
    if bound || have.queue.arguments != want.arguments {
        return Some(false);
    }
    match (have.messages, have.consumers) {
        (Some(0), Some(0)) => Some(true),
        (None, None | Some(0)) | (Some(0), None) => None,
        _ => Some(false),
    }
}

fn note<T: PartialEq + ToString>(found: &mut Vec<Difference>, field: &str, have: &T, want: &T) {
    if have != want {
        found.push(Difference { field: field.to_owned(), have: have.to_string(), want: want.to_string() });
    }
}

// Only what we set: the broker adds arguments of its own.
fn note_arguments(found: &mut Vec<Difference>, have: &Arguments, want: &Arguments) {
    for (field, want) in want {
        let have = have.get(field);
        if have != Some(want) {
            let have = have.map_or_else(|| UNSET.to_owned(), ToString::to_string);
            found.push(Difference { field: field.clone(), have, want: want.to_string() });
        }
    }
}
