//! Who knows everything beforehand.
//!
//! The oracle knows all arrivals, the workers' speed and what the database will do. At each second it takes the least
//! rate that, kept up, still meets every deadline to come (each message `drainWithin` after it came), hence as few workers
//! as go, and it has asked for them a start time earlier. What it cannot meet it does as early as `max` and the database
//! allow. It pays for the start of each worker, as everybody does. It is no bound from below in theory (waiting for a
//! better moment can save a start), and nobody who does not know the future can be expected to come near it.

use super::{Run, Trace, longest_wait, steps};

/// Its run.
pub(crate) fn oracle(trace: &Trace) -> Run {
    let seconds = trace.seconds as usize;
    let came: Vec<f64> = (0..seconds)
        .scan(0.0, |sum, second| {
            *sum += (trace.arrival)(steps(second));
            Some(*sum)
        })
        .collect();
    let within = usize::try_from(trace.target.drain_within.as_secs()).unwrap_or(usize::MAX);
    let mut run = Run { least: u32::MAX, ..Run::default() };
    let (mut served, mut all_served, mut before) = (0.0_f64, Vec::with_capacity(seconds), trace.replicas);
    for now in 0..seconds {
        let database = (trace.database)(steps(now));
        let due = least_rate(&came, served, (now, within));
        let waiting = (came[now] - served).max(0.0);
        let rate = due.min(waiting).min(database);
        let workers = (rate / trace.per_worker - 1e-9).ceil().max(0.0);
        let workers = trace.target.max.min(whole(workers)).max(trace.target.min);
        served += (f64::from(workers) * trace.per_worker).min(database).min(waiting);
        all_served.push(served);
        run.replica_s += f64::from(workers) + f64::from(workers.saturating_sub(before)) * trace.start_s;
        (run.peak, run.least, before) = (run.peak.max(workers), run.least.min(workers), workers);
    }
    run.last = before;
    run.drain_s = longest_wait(&came, &all_served, 1.0);
    run
}

/// The least rate from `now` on that has everything done in time.
fn least_rate(came: &[f64], served: f64, (now, within): (usize, usize)) -> f64 {
    let rates = came.iter().enumerate().filter_map(|(at, sum)| {
        let deadline = (at + within).max(now + 1).min(came.len());
        let left = deadline.checked_sub(now).filter(|left| *left > 0)?;
        Some((sum - served) / steps(left))
    });
    rates.fold(0.0, f64::max)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few workers, never negative")]
fn whole(number: f64) -> u32 {
    number as u32
}
