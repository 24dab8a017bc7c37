//! Messages wait, workers are ready or were so until they lost what they need, and nothing is acknowledged.

use std::time::Duration;

use crate::flow::Flow;
use crate::signals::Signals;
use crate::ticks::Ticks;

/// So long nothing may be acknowledged. The broker's count can be ten seconds late, so that less would be a guess.
pub const STALL_AFTER: Duration = Duration::from_secs(15);
/// Slow work: so many messages might have been done meanwhile.
const MISSED: f64 = 4.0;
/// The slowest work that is waited for.
const LONGEST: Duration = Duration::from_mins(10);

/// Whether it is so. A broker that tells how much is unacknowledged, and of no acknowledgement, has seen none.
pub(crate) fn is_stalled(signals: &Signals, ticks: &Ticks, flow: &Flow, per_worker: Option<f64>) -> bool {
    let Some(waiting_since) = ticks.waiting_since() else { return false };
    let since = match flow.last_ack() {
        Some(last_ack) => waiting_since.max(last_ack),
        None if signals.unacked.is_some() && signals.acked.is_none() => waiting_since,
        None => return false,
    };
    // Where none is ready: what all of them would do.
    let workers = if signals.workers_ready > 0 { signals.workers_ready } else { signals.replicas };
    signals.at.saturating_sub(since) >= patience(per_worker, workers)
}

fn patience(per_worker: Option<f64>, workers: u32) -> Duration {
    let slow = per_worker.map(|rate| MISSED / (rate * f64::from(workers.max(1))));
    let slow = slow.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(STALL_AFTER);
    slow.clamp(STALL_AFTER, LONGEST)
}
