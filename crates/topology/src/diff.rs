//! The steps from what stands to what is wanted, and what stands in the way.

use contract::broker_object::{
    Argument, Binding, Desired, Destination, Exchange, Queue, Seen, Standing, StandingQueue, Step,
};
use serde::Serialize;

use crate::claim::{self, Claim, Difference, Objects, UNSET, owner_of};
use crate::desired::{ALTERNATE, DELIVERY_LIMIT, TYPE};

/// What is to be done. With conflicts nothing should be applied: half a topology loses messages quietly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In the order in which they are to be taken. What a conflict touches has no step.
    pub steps: Vec<Step>,
    /// What a person has to settle first.
    pub conflicts: Vec<Conflict>,
    /// Objects of this owner that nobody wants any more. They are kept, and queues among them get nothing new.
    pub left: Vec<Left>,
}

/// Something that stands in the way, and cannot or must not be changed by us.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conflict {
    /// `queue NAME` or `exchange NAME`.
    pub object: String,
    /// Which field of it.
    pub field: String,
    /// What the broker has.
    pub have: String,
    /// What is wanted.
    pub want: String,
    /// What to do, as a sentence that reads on.
    pub advice: String,
}

/// An object of this owner that nobody wants any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Left {
    /// `queue NAME` or `exchange NAME`.
    pub object: String,
    /// What a queue still holds, if the broker tells.
    pub messages: Option<u64>,
}

/// Compares; never fails, and gives the same plan for the same input. `owner` is the one that [`crate::desired`] was given.
///
/// Where nothing could be seen all declarations are steps (each is idempotent), and conflicts show only when they are taken.
#[must_use]
pub fn diff(wanted: &Desired, standing: &Standing, owner: &str) -> Plan {
    match standing {
        Standing::Unseen => Plan { steps: everything(wanted), ..Plan::default() },
        Standing::Seen(seen) => {
            let (ours, plan, blocked) = (claim::marked(seen, owner), Plan::default(), Objects::new());
            Comparison { wanted, seen, owner, ours, plan, blocked }.run()
        }
    }
}

fn everything(wanted: &Desired) -> Vec<Step> {
    let exchanges = wanted.exchanges.iter().cloned().map(Step::DeclareExchange);
    let queues = wanted.queues.iter().cloned().map(Step::DeclareQueue);
    exchanges.chain(queues).chain(in_order(wanted.bindings.iter()).into_iter().map(Step::Bind)).collect()
}

/// Marks first: an object that is bound but not marked would look like somebody else's after a crash.
fn in_order<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Vec<Binding> {
    let (mut marks, routes): (Vec<_>, Vec<_>) = bindings.cloned().partition(|binding| owner_of(binding).is_some());
    marks.extend(routes);
    marks
}

struct Comparison<'a> {
    wanted: &'a Desired,
    seen: &'a Seen,
    owner: &'a str,
    ours: Objects<'a>,
    plan: Plan,
    blocked: Objects<'a>,
}

impl Comparison<'_> {
    fn run(mut self) -> Plan {
        self.owner_exchange();
        self.foreign_exchanges();
        self.exchanges();
        self.queues();
        self.bindings();
        self.left();
        self.plan.conflicts.sort();
        self.plan
    }

    /// Without a place for marks nothing of ours can be told from anything else: then all own objects are blocked.
    fn owner_exchange(&mut self) {
        let Some(marker) = self.marker() else { return };
        let Some(want) = self.wanted.exchanges.iter().find(|exchange| exchange.name == marker) else { return };
        let Some(have) = self.seen.exchanges.get(marker) else { return };
        let conflicts = self.plan.conflicts.len();
        for difference in claim::exchange_differences(have, want) {
            let advice = format!(
                "delete exchange `{marker}`, which this pipeline did not make, or give the pipeline another name"
            );
            self.conflict(Destination::Exchange, marker, difference, advice);
        }
        let from_it = self.seen.bindings.iter().filter(|binding| binding.source == marker);
        if let Some(other) = from_it.map(owner_of).find(|owner| *owner != Some(self.owner)) {
            let difference = claimed(other.unwrap_or("nobody"), self.owner);
            let advice =
                "another pipeline of this name uses this vhost; give one of them another name or another vhost";
            self.conflict(Destination::Exchange, marker, difference, advice.to_owned());
        }
        if self.plan.conflicts.len() > conflicts {
            self.blocked.extend(self.wanted.exchanges.iter().map(|own| (Destination::Exchange, own.name.as_str())));
            self.blocked.extend(self.wanted.queues.iter().map(|own| (Destination::Queue, own.name.as_str())));
        }
    }

    fn foreign_exchanges(&mut self) {
        for (name, kind) in &self.wanted.foreign_exchanges {
            let Some(have) = self.seen.exchanges.get(name) else {
                let advice = format!("let its owner declare exchange `{name}`, or leave out `declare: false`");
                self.conflict(Destination::Exchange, name, differ("exchange", "missing", "declared"), advice);
                continue;
            };
            // A plugin's type stands for one of the three that can be said.
            if have.kind != *kind && ["topic", "direct", "fanout"].contains(&have.kind.as_str()) {
                let advice = format!("write `type: {}` for exchange `{name}`", capital(&have.kind));
                self.conflict(Destination::Exchange, name, differ("type", &have.kind, kind), advice);
            }
        }
    }

    fn exchanges(&mut self) {
        let marker = self.marker();
        for want in &self.wanted.exchanges {
            match self.seen.exchanges.get(&want.name) {
                None if self.is_blocked(Destination::Exchange, &want.name) => {}
                None => self.plan.steps.push(Step::DeclareExchange(want.clone())),
                Some(_) if marker == Some(want.name.as_str()) => {}
                Some(have) => self.exchange(have, want),
            }
        }
    }

    fn exchange(&mut self, have: &Exchange, want: &Exchange) {
        let differences = claim::exchange_differences(have, want);
        let claim = claim::claim(self.seen, Destination::Exchange, &want.name, self.owner);
        let ours = match claim {
            Claim::Ours => true,
            // Who wrote our own queue's name as its alternate exchange declared it for us.
            Claim::Unmarked => {
                want.arguments.contains_key(ALTERNATE) || claim::is_fresh_exchange(self.seen, have, want, &self.ours)
            }
            Claim::Other(other) => {
                let advice = not_ours(self.own_prefix(), "exchange", &want.name);
                return self.conflict(Destination::Exchange, &want.name, claimed(other, self.owner), advice);
            }
        };
        if differences.is_empty() && !ours {
            let advice = not_ours(self.own_prefix(), "exchange", &want.name);
            self.conflict(Destination::Exchange, &want.name, claimed("nobody", self.owner), advice);
        }
        for difference in differences {
            let advice = exchange_advice(self.own_prefix(), &want.name, &difference);
            self.conflict(Destination::Exchange, &want.name, difference, advice);
        }
    }

    fn queues(&mut self) {
        for want in &self.wanted.queues {
            match self.seen.queues.get(&want.name) {
                None if self.is_blocked(Destination::Queue, &want.name) => {}
                None => self.plan.steps.push(Step::DeclareQueue(want.clone())),
                Some(have) => self.queue(have, want),
            }
        }
    }

    fn queue(&mut self, have: &StandingQueue, want: &Queue) {
        let claim = claim::claim(self.seen, Destination::Queue, &want.name, self.owner);
        let difference = match claim {
            Claim::Ours => None,
            Claim::Other(other) => Some(claimed(other, self.owner)),
            Claim::Unmarked => match claim::is_fresh_queue(self.seen, have, want) {
                Some(true) => None,
                Some(false) => Some(claimed("nobody", self.owner)),
                None => Some(differ("messages", "unknown", "0")),
            },
        };
        if let Some(difference) = difference {
            let advice = match difference.field.as_str() {
                "messages" => "the broker does not tell yet whether it is empty; try again in ten seconds".to_owned(),
                _ => not_ours(self.own_prefix(), "queue", &want.name),
            };
            return self.conflict(Destination::Queue, &want.name, difference, advice);
        }
        let mut differences = claim::queue_differences(&have.queue, want);
        // Which limits a queue has comes with its type.
        let is_other_type = differences.iter().any(|difference| difference.field == TYPE);
        differences.retain(|difference| {
            difference.field != DELIVERY_LIMIT || !(is_other_type || is_unlimited_by_policy(have))
        });
        for difference in differences {
            let advice = queue_advice(&want.name, &difference);
            self.conflict(Destination::Queue, &want.name, difference, advice);
        }
    }

    fn bindings(&mut self) {
        let missing =
            self.wanted.bindings.difference(&self.seen.bindings).filter(|binding| !self.touches_blocked(binding));
        let missing = in_order(missing);
        self.plan.steps.extend(missing.into_iter().map(Step::Bind));
        // After the new ones, so that a message finds a way at any moment.
        let stale = self.seen.bindings.difference(&self.wanted.bindings).filter(|binding| self.is_stale(binding));
        let stale: Vec<_> = stale.cloned().map(Step::Unbind).collect();
        self.plan.steps.extend(stale);
    }

    /// A binding to one of our queues that nobody wants. The marks of queues that are left stay: they say whose they are.
    fn is_stale(&self, binding: &Binding) -> bool {
        if binding.destination_kind != Destination::Queue || binding.source.is_empty() {
            return false;
        }
        let name = binding.destination.as_str();
        if self.wanted.queues.iter().any(|queue| queue.name == name) {
            return !self.is_blocked(Destination::Queue, name);
        }
        owner_of(binding).is_none() && self.is_ours(Destination::Queue, name)
    }

    fn left(&mut self) {
        let wanted_queue = |name: &String| self.wanted.queues.iter().any(|queue| queue.name == *name);
        let wanted_exchange = |name: &String| self.wanted.exchanges.iter().any(|exchange| exchange.name == *name);
        let exchanges = self.seen.exchanges.keys().filter(|name| !wanted_exchange(name));
        let exchanges = exchanges.filter(|name| self.is_ours(Destination::Exchange, name));
        let exchanges = exchanges.map(|name| Left { object: format!("exchange {name}"), messages: None });
        let queues = self.seen.queues.iter().filter(|(name, _)| !wanted_queue(name));
        let queues = queues.filter(|(name, _)| self.is_ours(Destination::Queue, name));
        let queues = queues.map(|(name, queue)| Left { object: format!("queue {name}"), messages: queue.messages });
        self.plan.left = exchanges.chain(queues).collect();
    }

    fn is_ours(&self, kind: Destination, name: &str) -> bool {
        self.ours.contains(&(kind, name))
    }

    fn touches_blocked(&self, binding: &Binding) -> bool {
        self.is_blocked(Destination::Exchange, &binding.source)
            || self.is_blocked(binding.destination_kind, &binding.destination)
    }

    fn is_blocked(&self, kind: Destination, name: &str) -> bool {
        self.blocked.contains(&(kind, name))
    }
}

impl<'a> Comparison<'a> {
    /// The exchange that carries this owner's marks.
    fn marker(&self) -> Option<&'a str> {
        claim::marker(self.wanted, self.owner)
    }

    /// With what the names of the pipeline's own objects begin.
    fn own_prefix(&self) -> &'a str {
        claim::own_prefix(self.marker())
    }

    fn conflict(&mut self, kind: Destination, name: &str, difference: Difference, advice: String) {
        let blocked = match kind {
            Destination::Queue => self.wanted.queues.iter().map(|queue| queue.name.as_str()).find(|own| *own == name),
            Destination::Exchange => self.exchange_name(name),
        };
        self.blocked.extend(blocked.map(|own| (kind, own)));
        let Difference { field, have, want } = difference;
        self.plan.conflicts.push(Conflict {
            object: format!("{} {name}", claim::word(kind)),
            field,
            have,
            want,
            advice,
        });
    }

    fn exchange_name(&self, name: &str) -> Option<&'a str> {
        let own = self.wanted.exchanges.iter().map(|exchange| exchange.name.as_str());
        own.chain(self.wanted.foreign_exchanges.keys().map(String::as_str)).find(|own| *own == name)
    }
}

fn differ(field: &str, have: &str, want: &str) -> Difference {
    Difference { field: field.to_owned(), have: have.to_owned(), want: want.to_owned() }
}

fn claimed(other: &str, owner: &str) -> Difference {
    differ("owner", other, owner)
}

fn not_ours(own_prefix: &str, kind: &str, name: &str) -> String {
    if kind == "exchange" && !name.starts_with(own_prefix) {
        return format!("write `declare: false` for exchange `{name}` if it is another's, or delete it");
    }
    format!(
        "delete {kind} `{name}` if nobody needs it, give the pipeline another name, or, if only its mark was lost, \
         bind it to exchange `{own_prefix}owner` with the arguments of the other marks there"
    )
}

fn exchange_advice(own_prefix: &str, name: &str, difference: &Difference) -> String {
    let declare = if name.starts_with(own_prefix) { "" } else { "write `declare: false`, or " };
    let field = &difference.field;
    match field.as_str() {
        "type" if !declare.is_empty() => format!(
            "write `type: {}` if that is meant, or delete exchange `{name}` while its producers are stopped",
            capital(&difference.have)
        ),
        _ => format!(
            "a standing exchange cannot change its `{field}`: {declare}delete exchange `{name}` while its producers are stopped"
        ),
    }
}

/// A queue that was made before 4.0 has no such argument and cannot get one: a policy is as good.
fn is_unlimited_by_policy(have: &StandingQueue) -> bool {
    let is_unset = !have.queue.arguments.contains_key(DELIVERY_LIMIT);
    is_unset && matches!(have.policy.get("delivery-limit"), Some(Argument::Int(limit)) if *limit < 0)
}

fn queue_advice(name: &str, difference: &Difference) -> String {
    if difference.field == DELIVERY_LIMIT && difference.have == UNSET {
        // As a policy's pattern: a name has no other character that means something there.
        let pattern = name.replace('.', "\\.");
        return format!(
            "a standing queue cannot change this, and the broker would bury what comes back too often: set a policy \
             `{{\"delivery-limit\":-1}}` that applies to quorum queues for `^{pattern}$`, or drain queue `{name}` and delete it"
        );
    }
    let spec = match difference.field.as_str() {
        TYPE => "set `queue.storage` back",
        "x-max-length" if name.rsplit('.').next() == Some("dead") => "set `queue.deadLetter.maxLength` back",
        _ => "set it back",
    };
    format!("a standing queue cannot change this: {spec}, or drain queue `{name}` and delete it")
}

fn capital(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
