//! The steps from what stands to nothing of ours.

use contract::broker_object::{Argument, Binding, Desired, Destination, Exchange, Seen, StandingQueue, Step};
use serde::Serialize;

use crate::claim::{self, Claim, Objects, owner_of};
use crate::desired::ALTERNATE;
use crate::diff::Left;

/// What is to be done so that nothing of a pipeline is left. Computed again after a part of it was carried out, it goes on where
/// that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// First: what brings messages into our queues, so that they can run empty.
    pub unbind: Vec<Step>,
    /// Then: queues, exchanges, and last the exchange that says whose these are.
    pub remove: Vec<Step>,
    /// Queues that are not known to be empty. While there are any, nothing is removed unless it is forced.
    pub holding: Vec<Left>,
    /// What is left because it is not ours alone.
    pub kept: Vec<Kept>,
}

/// Something that is wanted by the pipeline or marked as its own, and is not removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kept {
    /// `queue NAME` or `exchange NAME`.
    pub object: String,
    /// Why, as a sentence that reads on after the name.
    pub because: String,
}

impl Removal {
    /// Nothing is left to be done; what is [`kept`](Self::kept) stays.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.unbind.is_empty() && self.remove.is_empty() && self.holding.is_empty()
    }

    /// What may be done now: all of it, or as long as messages remain only the unbinding.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let remove = if self.holding.is_empty() { self.remove.as_slice() } else { &[] };
        self.unbind.iter().chain(remove).cloned().collect()
    }

    /// All of it, with all messages that remain.
    #[must_use]
    pub fn forced(&self) -> Vec<Step> {
        let forced = |step: &Step| match step {
            Step::DeleteQueue { name, .. } => Step::DeleteQueue { name: name.clone(), force: true },
            other => other.clone(),
        };
        self.unbind.iter().chain(&self.remove).map(forced).collect()
    }
}

/// Everything of `owner` on the broker: what it wants, and what carries its mark from earlier. Never fails, and touches nothing
/// that is somebody else's. An object that is wanted and was never marked, because a crash came between, goes too, as long as
/// nobody uses it.
#[must_use]
pub fn removal(wanted: &Desired, seen: &Seen, owner: &str) -> Removal {
    let marker = claim::marker(wanted, owner);
    let (by_mark, ours, removal) = (claim::marked(seen, owner), claim::marked(seen, owner), Removal::default());
    let mut survey = Survey { wanted, seen, owner, marker, by_mark, ours, removal };
    survey.wanted_exchanges();
    survey.wanted_queues();
    survey.unbind();
    survey.queues();
    survey.exchanges();
    survey.removal.kept.sort();
    survey.removal
}

struct Survey<'a> {
    wanted: &'a Desired,
    seen: &'a Seen,
    owner: &'a str,
    marker: Option<&'a str>,
    /// By our mark alone.
    by_mark: Objects<'a>,
    /// And what a crash left without one.
    ours: Objects<'a>,
    removal: Removal,
}

impl Survey<'_> {
    fn wanted_exchanges(&mut self) {
        for want in &self.wanted.exchanges {
            let name = want.name.as_str();
            let Some(have) = self.seen.exchanges.get(name) else { continue };
            match claim::claim(self.seen, Destination::Exchange, name, self.owner) {
                Claim::Ours => {}
                Claim::Other(other) => self.keep(Destination::Exchange, name, format!("it is `{other}`'s")),
                Claim::Unmarked if self.made_by_us(have, want) => {
                    self.ours.insert((Destination::Exchange, name));
                }
                Claim::Unmarked => self.keep(Destination::Exchange, name, UNMARKED.to_owned()),
            }
        }
    }

    /// The exchange of the marks carries none itself. Under a name that is not of our making, only our queue's name in it tells.
    fn made_by_us(&self, have: &Exchange, want: &Exchange) -> bool {
        if self.marker == Some(want.name.as_str()) {
            return claim::exchange_differences(have, want).is_empty();
        }
        let alternate = want.arguments.get(ALTERNATE);
        if alternate.is_some() {
            return have.arguments.get(ALTERNATE) == alternate;
        }
        let is_own_name = want.name.starts_with(claim::own_prefix(self.marker));
        is_own_name && claim::is_fresh_exchange(self.seen, have, want, &self.by_mark)
    }

    fn wanted_queues(&mut self) {
        for want in &self.wanted.queues {
            let name = want.name.as_str();
            let Some(have) = self.seen.queues.get(name) else { continue };
            match claim::claim(self.seen, Destination::Queue, name, self.owner) {
                Claim::Ours => {}
                Claim::Other(other) => self.keep(Destination::Queue, name, format!("it is `{other}`'s")),
                Claim::Unmarked => match claim::is_fresh_queue(self.seen, have, want) {
                    Some(true) => {
                        self.ours.insert((Destination::Queue, name));
                    }
                    Some(false) => self.keep(Destination::Queue, name, UNMARKED.to_owned()),
                    // Whose it is shows as soon as the broker has counted.
                    None => self.removal.holding.push(left(name, have)),
                },
            }
        }
    }

    fn unbind(&mut self) {
        let (first, then): (Vec<_>, Vec<_>) = (self.seen.bindings.iter())
            .filter(|binding| self.brings_messages(binding))
            // What a source cannot route any more would go where its alternate exchange leads.
            .partition(|binding| self.catches_unrouted(&binding.source));
        self.removal.unbind = first.into_iter().chain(then).cloned().map(Step::Unbind).collect();
    }

    /// What our own worker writes may flow to the end: results, and what is buried. It goes with the queues.
    fn brings_messages(&self, binding: &Binding) -> bool {
        let queue = binding.destination.as_str();
        let is_inlet = binding.destination_kind == Destination::Queue
            && self.ours.contains(&(Destination::Queue, queue))
            && owner_of(binding).is_none();
        let is_left = !self.wanted.queues.iter().any(|want| want.name == queue);
        is_inlet && !binding.source.is_empty() && (is_left || !self.is_written_by_the_worker(&binding.source))
    }

    fn is_written_by_the_worker(&self, exchange: &str) -> bool {
        let want = self.wanted.exchanges.iter().find(|want| want.name == exchange);
        want.is_some_and(|want| !want.arguments.contains_key(ALTERNATE)) && !self.catches_unrouted(exchange)
    }

    fn catches_unrouted(&self, exchange: &str) -> bool {
        let mut alternates = self.wanted.exchanges.iter().filter_map(|want| want.arguments.get(ALTERNATE));
        alternates.any(|alternate| matches!(alternate, Argument::Text(name) if name == exchange))
    }

    fn queues(&mut self) {
        let is_wanted = |name: &str| self.wanted.queues.iter().any(|want| want.name == name);
        let ours = self.ours.iter().filter(|(kind, _)| *kind == Destination::Queue).map(|(_, name)| *name);
        let earlier: Vec<_> = ours.filter(|name| !is_wanted(name)).collect();
        let wanted = self.wanted.queues.iter().map(|want| want.name.as_str());
        for name in earlier.into_iter().chain(wanted) {
            let Some(have) = self.seen.queues.get(name).filter(|_| self.is_ours(Destination::Queue, name)) else {
                continue;
            };
            if have.messages != Some(0) {
                self.removal.holding.push(left(name, have));
            }
            self.removal.remove.push(Step::DeleteQueue { name: name.to_owned(), force: false });
        }
    }

    /// In the opposite order of their declaration; the marks last, so that whose the others are can be told until they are gone.
    fn exchanges(&mut self) {
        let is_wanted = |name: &str| self.wanted.exchanges.iter().any(|want| want.name == name);
        let ours = self.ours.iter().filter(|(kind, _)| *kind == Destination::Exchange).map(|(_, name)| *name);
        let mut names: Vec<_> = ours.filter(|name| !is_wanted(name)).collect();
        names.extend(self.wanted.exchanges.iter().rev().map(|want| want.name.as_str()));
        names.retain(|name| Some(*name) != self.marker);
        for name in names.into_iter().chain(self.marker) {
            if !self.seen.exchanges.contains_key(name) || !self.is_ours(Destination::Exchange, name) {
                continue;
            }
            match self.used_by(name) {
                Some(because) => self.keep(Destination::Exchange, name, because),
                None => self.removal.remove.push(Step::DeleteExchange { name: name.to_owned() }),
            }
        }
    }

    /// A binding between one of our exchanges and something that is not ours.
    fn used_by(&self, exchange: &str) -> Option<String> {
        let mut uses = self.seen.bindings.iter().filter(|binding| owner_of(binding) != Some(self.owner));
        uses.find_map(|binding| {
            let (kind, destination) = (binding.destination_kind, binding.destination.as_str());
            if binding.source == exchange && !self.is_ours(kind, destination) {
                return Some(format!("{} `{destination}` is bound to it", claim::word(kind)));
            }
            let is_to_it = claim::leads_to(binding, Destination::Exchange, exchange);
            let is_by_others = is_to_it && !self.is_ours(Destination::Exchange, &binding.source);
            is_by_others.then(|| format!("it is bound to exchange `{}`", binding.source))
        })
    }

    fn is_ours(&self, kind: Destination, name: &str) -> bool {
        self.ours.contains(&(kind, name))
    }

    fn keep(&mut self, kind: Destination, name: &str, because: String) {
        self.removal.kept.push(Kept { object: format!("{} {name}", claim::word(kind)), because });
    }
}

const UNMARKED: &str = "nothing on it says that it is this pipeline's";

fn left(name: &str, queue: &StandingQueue) -> Left {
    Left { object: format!("queue {name}"), messages: queue.messages }
}
