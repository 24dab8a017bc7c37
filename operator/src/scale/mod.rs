//! The number of workers follows the queues: looked at twice a second, decided elsewhere, written where it changes.

mod costs;
mod due;
mod signals;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{AutoscalingMode, ConditionType, Reason, ScalingStatus};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kube::Resource;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::runtime::events::EventType;
use scaling::{Decision, Drain, Scaler, Target};
use serde_json::{Value, json};

use crate::board::{Running, Scaled};
use crate::children::{self, Kind};
use crate::cluster;
use crate::house::House;
use crate::walk::nouns::{Finding, Key};
use crate::walk::{News, tell};
use crate::writes::Side;
use signals::Look;

/// How often queues are looked at: half of it is the mean wait before a first message is noticed.
const TICK: Duration = Duration::from_millis(500);

/// How often changing numbers are told in a status. What matters is told at once.
const TOLD_AGAIN: Duration = Duration::from_secs(5);

/// How long a number that was written may take to come back by the watch.
const ECHO_MAX: Duration = Duration::from_secs(2);

/// What is remembered of one pipeline from look to look.
struct Memory {
    scaler: Scaler,
    due: due::Asked,
    /// From when its times are counted.
    origin: Instant,
    told: Instant,
    /// A number that was written, until the watch shows it.
    asked: Option<(u32, Instant)>,
}

impl Memory {
    fn new() -> Self {
        let now = Instant::now();
        Self { scaler: Scaler::new(), due: due::Asked::default(), origin: now, told: now, asked: None }
    }
}

/// Looks and writes for ever.
pub(crate) async fn run(house: Arc<House>) {
    // Nothing in the place of one that is being looked at: a broker that does not answer holds up nobody but its own.
    let mut memories: HashMap<Key, Option<Memory>> = HashMap::new();
    let mut looks = FuturesUnordered::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some((key, memory)) = looks.next(), if !looks.is_empty() => {
                memories.insert(key, Some(memory));
                continue;
            }
        }
        house.forget_gone();
        house.count_pipelines();
        let running: HashMap<Key, Running> = house.board.running().into_iter().collect();
        memories.retain(|key, memory| memory.is_none() || running.contains_key(key));
        for (key, running) in running {
            if let Some(memory) = memories.entry(key.clone()).or_insert_with(|| Some(Memory::new())).take() {
                let house = &house;
                looks.push(async move {
                    let memory = look(house, &key, &running, memory).await;
                    (key, memory)
                });
            }
        }
    }
}

async fn look(house: &House, key: &Key, running: &Running, mut memory: Memory) -> Memory {
    let valid = &running.valid;
    let name = children::child_name(&valid.name, "worker");
    // Before there is a Deployment there is nothing to scale.
    let Some(live) = house.shelves.deployment(&key.namespace, &name) else { return memory };
    let current = current(&live, &mut memory);
    let ready = number(&live.data["status"]["readyReplicas"]);
    // One that is ending is not ready, and may hold messages.
    let is_empty = current == 0 && ready == 0 && house.shelves.pods_of(key, children::WORKER).is_empty();
    let due = memory.due.look(running, is_empty).await;
    let seen = signals::Seen { replicas: current, workers_ready: ready, is_empty, due };
    let look = signals::look(running, seen, memory.origin).await;
    let target = target(running, house.due_within);
    let decision = memory.scaler.decide(&target, &look.signals);
    if valid.spec.suspend && current > 0 {
        // Whatever else is in trouble: nobody shall work.
        let nobody = Decision { replicas: 0, reason: "`suspend` is set".to_owned(), ..decision.clone() };
        if write(house, key, (&name, current), &nobody).await {
            memory.asked = Some((0, Instant::now()));
        }
    }
    let is_builtin = !is_fixed(running) && !valid.spec.suspend;
    if is_builtin && decision.replicas != current && write(house, key, (&name, current), &decision).await {
        memory.asked = Some((decision.replicas, Instant::now()));
    }
    note(house, key, &scaled(running, &look, &decision, current), &mut memory);
    memory
}

/// What the Deployment asks for, or what was written a moment ago.
fn current(live: &DynamicObject, memory: &mut Memory) -> u32 {
    let shown = number(&live.data["spec"]["replicas"]);
    match memory.asked {
        Some((asked, at)) if asked != shown && at.elapsed() < ECHO_MAX => asked,
        _ => {
            memory.asked = None;
            shown
        }
    }
}

/// A field that is left out where it is 0.
fn number(field: &Value) -> u32 {
    field.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn target(running: &Running, due_within: Duration) -> Target {
    let valid = &running.valid;
    let workers = &valid.spec.workers;
    let autoscaling = &workers.autoscaling;
    let (min, max) = match (running.held_at, autoscaling.mode) {
        // One that sleeps is woken all the same.
        (Some(held_at), _) => (held_at, held_at.max(1)),
        (None, AutoscalingMode::Builtin) => (autoscaling.min, autoscaling.max),
        (None, AutoscalingMode::Off) => (workers.count, workers.count),
    };
    let most = if valid.is_embedded() { 1 } else { max };
    Target {
        min: min.min(most),
        max: max.min(most),
        drain_within: Duration::from_secs(autoscaling.drain_within.seconds()),
        due_within,
    }
}

/// Whether the number stands now. What fails is tried again at the next look.
async fn write(house: &House, key: &Key, (name, current): (&str, u32), decision: &Decision) -> bool {
    let writing = house.board.writing(key);
    let held = writing.lock().await;
    let (wanted, is_fewer) = (decision.replicas, decision.replicas < current);
    if is_fewer && wanted > 0 {
        costs::tell_costs(house, key).await;
    }
    let api = cluster::objects(&house.client, Kind::Deployment, &key.namespace);
    let params = PatchParams { field_manager: Some(crate::house::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "spec": { "replicas": wanted } }));
    if let Err(error) = api.patch(name, &params, &patch).await {
        tracing::warn!(pipeline = %key, error = host::chain(&error), "could not change the number of workers");
        return false;
    }
    house.board.note_replicas(key, wanted);
    drop(held);
    house.writes.done(Side::Cluster).await;
    house.metrics.scalings.with_label_values(&[if is_fewer { "in" } else { "out" }]).inc();
    tracing::info!(pipeline = %key, from = current, to = wanted, reason = decision.reason, "scaled");
    let Some(stored) = house.pipelines.get(&key.namespace, &key.name) else { return true };
    let note = format!("from {current} to {wanted} workers: {}", decision.reason);
    let (reason, on) = (Reason::Progressing, ConditionType::WorkersReady);
    tell(News { about: &stored.object_ref(&()), type_: EventType::Normal, reason, on, note: &note }, house).await;
    true
}

/// Keeps what was found, and asks for a walk when something that matters changed, or numbers did a while ago.
fn note(house: &House, key: &Key, scaled: &Scaled, memory: &mut Memory) {
    let before = house.board.note_scaled(key, scaled.clone());
    let Some(before) = before else { return house.poke.walk(key) };
    let matters = before.replicas != scaled.replicas
        || before.scaling.desired != scaled.scaling.desired
        || (before.drain.status, before.drain.reason) != (scaled.drain.status, scaled.drain.reason)
        || before.scaling.limited_by != scaled.scaling.limited_by;
    let mut same = scaled.clone();
    same.queue.oldest_signal.clone_from(&before.queue.oldest_signal);
    if matters || (same != before && memory.told.elapsed() >= TOLD_AGAIN) {
        memory.told = Instant::now();
        house.poke.walk(key);
    } else if same != before {
        // Not told yet: the next look compares with what was told.
        house.board.note_scaled(key, before);
    }
}

/// Whether the resource names the number of workers, and it was accepted.
fn is_fixed(running: &Running) -> bool {
    running.held_at.is_none() && running.valid.spec.workers.autoscaling.mode == AutoscalingMode::Off
}

fn scaled(running: &Running, look: &Look, decision: &Decision, current: u32) -> Scaled {
    let valid = &running.valid;
    let (desired, limited_by, reason) = if valid.spec.suspend {
        (0, "Suspend".to_owned(), "no worker runs while `suspend` is set".to_owned())
    } else if running.held_at.is_some() {
        let why = "the resource is not accepted, and what was accepted before is not known to this operator";
        (decision.replicas, "Refused".to_owned(), format!("held at {}: {why}", decision.replicas))
    } else if is_fixed(running) {
        (current, "Fixed".to_owned(), "`workers.count`, because autoscaling is `Off`".to_owned())
    } else {
        let is_embedded = valid.is_embedded() && decision.limited_by == scaling::LimitedBy::Maximum;
        let limited_by = if is_embedded { "Ledger" } else { decision.limited_by.as_str() };
        (decision.replicas, limited_by.to_owned(), decision.reason.clone())
    };
    Scaled {
        replicas: decision.replicas,
        drain: drain(running, decision),
        queue: look.queue(decision),
        scaling: ScalingStatus { desired, limited_by, reason },
    }
}

fn drain(running: &Running, decision: &Decision) -> Finding {
    if running.valid.spec.suspend {
        return Finding::unknown(Reason::Suspended, "nothing is drained while `suspend` is set");
    }
    // Whatever the target is, nothing at all is less.
    if running.held_at.is_some() && decision.drain != Drain::Stalled {
        return Finding::unknown(Reason::Waiting, "waits for a resource that is accepted");
    }
    let message = decision.reason.clone();
    match decision.drain {
        Drain::OnTarget => Finding::yes(Reason::OnTarget, message),
        Drain::Behind if decision.limited_by == scaling::LimitedBy::Maximum => Finding::no(Reason::AtMaximum, message),
        Drain::Behind => Finding::no(Reason::Behind, message),
        Drain::Stalled => Finding::no(Reason::Stalled, message),
        Drain::Saturated => Finding::no(Reason::Saturated, message),
        Drain::Unknown => Finding::unknown(Reason::NoSignal, message),
    }
}
