//! One look at a pipeline's queues.

use std::time::{Duration, Instant};

use api::QueueStatus;
use broker::{Counts, QueueCounts};
use contract::pipeline::Names;
use jiff::Timestamp;
use scaling::{Counter, Decision, Due, Signals};

use crate::board::Running;

/// Counters of the broker that are so old are as good as new ones: it counts each five seconds itself.
const COUNTS_AGE_MAX: Duration = Duration::from_secs(4);

/// A broker that does not answer within this is unknown for now.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What was seen.
pub(super) struct Look {
    pub(super) signals: Signals,
    /// Messages that wait, by lane.
    depths: Vec<(&'static str, Option<u64>)>,
    /// No worker and no message: nothing comes and nothing goes, whether or not that was measured before.
    is_idle: bool,
    oldest: Timestamp,
}

/// What is known already.
pub(super) struct Seen {
    pub(super) replicas: u32,
    pub(super) workers_ready: u32,
    /// No pod of a worker is left.
    pub(super) is_empty: bool,
    pub(super) due: Due,
}

/// Depths live; the broker's counters where something is going on.
pub(super) async fn look(running: &Running, seen: Seen, origin: Instant) -> Look {
    let names = Names(&running.valid.name);
    let lanes = running.valid.spec.events.lanes();
    let mut depths = Vec::with_capacity(lanes.len());
    for lane in &lanes {
        let depth = tokio::time::timeout(ANSWER_MAX, running.link.depth(&names.lane(*lane))).await;
        let depth = depth.ok().and_then(Result::ok).flatten();
        depths.push((lane.as_str(), depth.map(|depth| depth.ready)));
        if depth.is_none() {
            // A broker that is silent for one lane is so for all.
            depths.extend(lanes.iter().skip(depths.len()).map(|lane| (lane.as_str(), None)));
            break;
        }
    }
    let ready = depths.iter().map(|(_, depth)| *depth).sum::<Option<u64>>();
    let (at, now) = (origin.elapsed(), Timestamp::now());
    // Of an idle pipeline without workers the depth says everything.
    let is_idle = seen.is_empty && ready == Some(0);
    let counts = if is_idle { None } else { counts(running).await };
    let rows: Option<Vec<QueueCounts>> = counts
        .as_ref()
        .and_then(|counts| lanes.iter().map(|lane| counts.queues.get(&names.lane(*lane)).copied()).collect());
    let sum = |of: fn(&QueueCounts) -> Option<u64>| rows.as_ref()?.iter().map(of).sum::<Option<u64>>();
    let counted = counts.as_ref().map(|counts| counts.taken);
    let acked = sum(|row| row.acked_total).zip(counted);
    let acked = acked.map(|(total, taken)| Counter { total, at: taken.saturating_duration_since(origin) });
    let signals = Signals {
        at,
        ready,
        unacked: if is_idle { Some(0) } else { sum(|row| row.unacked) },
        delayed: if is_idle { Some(0) } else { delayed(rows.as_deref()) },
        acked,
        due: seen.due,
        replicas: seen.replicas,
        workers_ready: seen.workers_ready,
    };
    let age = counted.map_or(Duration::ZERO, |taken| taken.elapsed());
    let oldest = now.checked_sub(jiff::SignedDuration::try_from(age).unwrap_or_default()).unwrap_or(now);
    Look { signals, depths, is_idle, oldest }
}

/// A broker that knows no delayed messages has none.
fn delayed(rows: Option<&[QueueCounts]>) -> Option<u64> {
    Some(rows?.iter().map(|row| row.delayed.unwrap_or(0)).sum())
}

async fn counts(running: &Running) -> Option<std::sync::Arc<Counts>> {
    let since = Instant::now().checked_sub(COUNTS_AGE_MAX).unwrap_or_else(Instant::now);
    tokio::time::timeout(ANSWER_MAX, running.link.counts(since)).await.ok()?.ok().flatten()
}

impl Look {
    /// For the status: whole numbers, nothing where nothing is known.
    pub(super) fn queue(&self, decision: &Decision) -> QueueStatus {
        let lanes = self.depths.iter().map(|(lane, depth)| match depth {
            Some(depth) => format!("{lane} {depth}"),
            None => format!("{lane} ?"),
        });
        let depth = Some(lanes.collect::<Vec<_>>().join(", "));
        let nothing = self.is_idle.then_some(0);
        let drain_seconds = nothing.or_else(|| decision.drain_s.map(whole));
        let oldest = self.oldest.round(jiff::Unit::Second).unwrap_or(self.oldest);
        QueueStatus {
            depth,
            ready: self.signals.ready,
            unacked: self.signals.unacked,
            arrival_rate: nothing.or_else(|| decision.arrival_per_s.map(whole)),
            acked_rate: nothing.or_else(|| decision.acked_per_s.map(whole)),
            drain_seconds,
            drain: drain_seconds.map(|seconds| format!("{seconds}s")),
            oldest_signal: Some(oldest.to_string()),
        }
    }
}

/// Rates and times are told as whole numbers, upwards: a little is not nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(number: f64) -> u64 {
    number.clamp(0.0, 1e15).ceil() as u64
}
