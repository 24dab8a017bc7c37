//! What the walks and the scaling tell each other of a pipeline. In memory only: after a restart all of it is found again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::{QueueStatus, Reason, ScalingStatus};
use broker::Link;
use contract::broker_object::Step;
use ledger::Ledger;

use crate::walk::nouns::{Finding, Key, Valid};

/// All pipelines of this process.
#[derive(Default)]
pub(crate) struct Board {
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Default)]
struct Entry {
    checked: Option<Checked>,
    place: Option<String>,
    away_since: Option<Instant>,
    absent_since: Option<Instant>,
    idle_since: Option<Instant>,
    taken: Option<Taken>,
    unreadable: Option<i64>,
    repeated: Option<Repeated>,
    running: Option<Running>,
    scaled: Option<Scaled>,
    writing: Arc<tokio::sync::Mutex<()>>,
}

/// Steps, and when they were taken for the first and the last time.
struct Taken {
    steps: Vec<Step>,
    first: Instant,
    last: Instant,
}

/// Steps in the cluster, and when they were taken for the first and the last time.
struct Repeated {
    steps: Vec<String>,
    first: Instant,
    last: Instant,
}

/// How far the watch that asks for walks may be ahead of the one that tells which pipelines there are.
const WATCHES_DIFFER_MAX: Duration = Duration::from_secs(5);

/// How long the management API may take to show what was declared.
const SHOWN_MAX: Duration = Duration::from_secs(15);

/// What a generation of a resource was found to be: compiling five hundred rules again each half minute would be a waste.
#[derive(Clone)]
struct Checked {
    uid: String,
    generation: i64,
    answer: Result<Arc<Valid>, String>,
}

/// A pipeline whose queues stand, so that they can be looked at.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) valid: Arc<Valid>,
    pub(crate) link: Link,
    /// What it says of scaling was never accepted here: the number of workers that was found, which is held.
    pub(crate) held_at: Option<u32>,
    /// What can be asked for what is due: not an embedded ledger, nor one in trouble.
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
}

/// What the scaling found last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scaled {
    pub(crate) replicas: u32,
    pub(crate) drain: Finding,
    pub(crate) queue: QueueStatus,
    pub(crate) scaling: ScalingStatus,
}

impl Board {
    /// The answer of an earlier check of the same generation.
    pub(crate) fn checked(&self, key: &Key, uid: &str, generation: i64) -> Option<Result<Arc<Valid>, String>> {
        let entries = self.lock();
        let checked = entries.get(key)?.checked.as_ref()?;
        (checked.uid == uid && checked.generation == generation).then(|| checked.answer.clone())
    }

    pub(crate) fn note_checked(&self, key: &Key, (uid, generation): (&str, i64), answer: &Result<Arc<Valid>, String>) {
        let checked = Checked { uid: uid.to_owned(), generation, answer: answer.clone() };
        self.lock().entry(key.clone()).or_default().checked = Some(checked);
    }

    /// Notes on which vhost of which broker a pipeline's objects are, and answers who else has some there.
    pub(crate) fn neighbours(&self, key: &Key, place: String) -> Vec<Arc<Valid>> {
        let mut entries = self.lock();
        let others = entries.iter().filter(|(other, entry)| *other != key && entry.place.as_ref() == Some(&place));
        let answers = others.filter_map(|(_, entry)| entry.checked.as_ref());
        let found = answers.filter_map(|checked| checked.answer.as_ref().ok().cloned()).collect();
        entries.entry(key.clone()).or_default().place = Some(place);
        found
    }

    /// For how long a pipeline's broker has been away; from now on where it was there at the last look.
    pub(crate) fn away_for(&self, key: &Key) -> Duration {
        self.lock().entry(key.clone()).or_default().away_since.get_or_insert_with(Instant::now).elapsed()
    }

    /// The broker is there.
    pub(crate) fn note_there(&self, key: &Key) {
        self.lock().entry(key.clone()).or_default().away_since = None;
    }

    /// From when on nobody works for a pipeline that leaves; nothing while somebody does.
    pub(crate) fn note_idle(&self, key: &Key, is_idle: bool) -> Option<Instant> {
        let mut entries = self.lock();
        let since = &mut entries.entry(key.clone()).or_default().idle_since;
        *since = is_idle.then(|| since.unwrap_or_else(Instant::now));
        *since
    }

    /// The number of workers that was just written.
    pub(crate) fn note_replicas(&self, key: &Key, replicas: u32) {
        if let Some(scaled) = self.lock().get_mut(key).and_then(|entry| entry.scaled.as_mut()) {
            scaled.replicas = replicas;
        }
    }

    /// Whether the same steps in the cluster were taken again and again for longer than it takes to see them. A walk in between that
    /// had nothing to do says little: it came before somebody changed it back.
    pub(crate) fn is_repeated(&self, key: &Key, steps: &[String]) -> bool {
        let mut entries = self.lock();
        let repeated = &mut entries.entry(key.clone()).or_default().repeated;
        let now = Instant::now();
        let known = repeated.take().filter(|known| now.duration_since(known.last) < SHOWN_MAX);
        *repeated = match known {
            Some(known) if steps.is_empty() => Some(known),
            Some(known) if known.steps == steps => Some(Repeated { last: now, ..known }),
            _ if steps.is_empty() => None,
            _ => Some(Repeated { steps: steps.to_vec(), first: now, last: now }),
        };
        !steps.is_empty() && repeated.as_ref().is_some_and(|known| now.duration_since(known.first) > SHOWN_MAX)
    }

    /// When steps were last taken.
    pub(crate) fn stepped_at(&self, key: &Key) -> Option<Instant> {
        Some(self.lock().get(key)?.taken.as_ref()?.last)
    }

    /// Steps that were taken again and again for longer than a broker may need to show them.
    pub(crate) fn stuck_steps(&self, key: &Key) -> Vec<Step> {
        let entries = self.lock();
        let taken = entries.get(key).and_then(|entry| entry.taken.as_ref());
        taken.filter(|taken| taken.first.elapsed() > SHOWN_MAX).map(|taken| taken.steps.clone()).unwrap_or_default()
    }

    /// These steps were taken; none says that what stands is as it should be.
    pub(crate) fn note_steps(&self, key: &Key, steps: &[Step]) {
        let mut entries = self.lock();
        let taken = &mut entries.entry(key.clone()).or_default().taken;
        let now = Instant::now();
        match taken {
            _ if steps.is_empty() => *taken = None,
            Some(taken) if taken.steps == steps => taken.last = now,
            _ => *taken = Some(Taken { steps: steps.to_vec(), first: now, last: now }),
        }
    }

    /// Whether this generation of a resource that cannot be read was not told of yet.
    pub(crate) fn is_news(&self, key: &Key, generation: Option<i64>) -> bool {
        self.lock().get(key).is_none_or(|entry| entry.unreadable != Some(generation.unwrap_or_default()))
    }

    pub(crate) fn note_unreadable(&self, key: &Key, generation: Option<i64>) {
        self.lock().entry(key.clone()).or_default().unreadable = Some(generation.unwrap_or_default());
    }

    /// The queues of a pipeline stand from now on, or no longer.
    pub(crate) fn note_running(&self, key: &Key, running: Option<Running>) {
        let mut entries = self.lock();
        let entry = entries.entry(key.clone()).or_default();
        if running.is_none() {
            entry.scaled = None;
        }
        entry.running = running;
    }

    /// Whether nobody shall work of a pipeline that runs, whatever else its resource says now.
    pub(crate) fn note_suspend(&self, key: &Key, suspend: bool) {
        let mut entries = self.lock();
        let running = entries.get_mut(key).and_then(|entry| entry.running.as_mut());
        if let Some(running) = running.filter(|running| running.valid.spec.suspend != suspend) {
            Arc::make_mut(&mut running.valid).spec.suspend = suspend;
        }
    }

    pub(crate) fn is_running(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.running.is_some())
    }

    pub(crate) fn running(&self) -> Vec<(Key, Running)> {
        let entries = self.lock();
        let running = entries.iter().filter_map(|(key, entry)| Some((key.clone(), entry.running.clone()?)));
        running.collect()
    }

    pub(crate) fn scaled(&self, key: &Key) -> Option<Scaled> {
        self.lock().get(key)?.scaled.clone()
    }

    /// Keeps it while the pipeline runs; answers what was there before.
    pub(crate) fn note_scaled(&self, key: &Key, scaled: Scaled) -> Option<Scaled> {
        let mut entries = self.lock();
        let entry = entries.get_mut(key).filter(|entry| entry.running.is_some())?;
        entry.scaled.replace(scaled)
    }

    /// One at a time writes a pipeline's Deployment: else a walk could write back a number that the scaling has just changed.
    pub(crate) fn writing(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        self.lock().entry(key.clone()).or_default().writing.clone()
    }

    /// Forgets pipelines that are gone, and answers which. One that is new may not be known everywhere yet.
    pub(crate) fn forget_gone(&self, is_there: impl Fn(&Key) -> bool) -> Vec<Key> {
        let mut entries = self.lock();
        let gone = entries.extract_if(|key, entry| {
            if is_there(key) {
                entry.absent_since = None;
                return false;
            }
            entry.absent_since.get_or_insert_with(Instant::now).elapsed() > WATCHES_DIFFER_MAX
        });
        gone.map(|(key, _)| key).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a drain that nobody has looked at.
pub(crate) fn not_looked_at() -> Finding {
    Finding::unknown(Reason::NoSignal, "the queues were not looked at yet")
}
