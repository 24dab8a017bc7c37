//! A queue and its workers, as far as scaling can tell: traces to replay, the world they are replayed in, and an oracle
//! that knows them beforehand. Shared by the example, which prints, and the tests, which hold bounds.

mod oracle;
mod row;
mod trace;
mod world;

pub(crate) use oracle::oracle;
pub(crate) use row::Row;
pub(crate) use trace::{TRACES, Trace};
pub(crate) use world::replay;

/// What became of one trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Run {
    /// Longest time from a message's coming to its acknowledgement, first in first out: all drained within that.
    pub(crate) drain_s: f64,
    /// Seconds of all workers, from being asked for to being given back.
    pub(crate) replica_s: f64,
    /// Most workers that were asked for.
    pub(crate) peak: u32,
    /// Fewest workers that were asked for.
    pub(crate) least: u32,
    /// Workers at the end.
    pub(crate) last: u32,
    /// How often the number went up after it had gone down, or down after up.
    pub(crate) turns: u32,
    /// Messages that were not done at the end.
    pub(crate) left: u64,
    /// What kept the number from being another one, each once.
    pub(crate) limits: Vec<&'static str>,
    /// What was said of the drain, each once.
    pub(crate) drains: Vec<&'static str>,
}

/// Messages that came, summed up at each step, and when a sum was reached.
pub(crate) fn longest_wait(came: &[f64], done: &[f64], step_s: f64) -> f64 {
    let (mut oldest, mut longest) = (0, 0.0_f64);
    for (now, done) in done.iter().enumerate() {
        // Half a message is a rounding of the model, not one that waits.
        while oldest < now && came[oldest] <= done + 0.5 {
            oldest += 1;
        }
        longest = longest.max(steps(now - oldest) * step_s);
    }
    longest
}

/// A number of steps, which are few.
pub(crate) fn steps(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
