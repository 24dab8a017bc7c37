//! A trace in a table, as the example prints it and the manual shows it.

use super::{Run, Trace};

/// What a trace cost, ours and the oracle's.
#[derive(serde::Serialize)]
pub(crate) struct Row {
    trace: &'static str,
    target_s: f64,
    drain_s: f64,
    oracle_drain_s: f64,
    replica_s: f64,
    oracle_replica_s: f64,
    ratio: f64,
    peak: u32,
    oracle_peak: u32,
    turns: u32,
    last: u32,
}

impl Row {
    /// The first two lines of the table.
    pub(crate) const HEAD: [&str; 2] = [
        "| trace | target | drain | oracle's | replica-s | oracle's | ratio | peak | oracle's | turns | last |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ];

    pub(crate) fn of(trace: &Trace, ours: &Run, best: &Run) -> Self {
        Self {
            trace: trace.name,
            target_s: trace.target.drain_within.as_secs_f64(),
            drain_s: ours.drain_s,
            oracle_drain_s: best.drain_s,
            replica_s: ours.replica_s,
            oracle_replica_s: best.replica_s,
            ratio: ours.replica_s / best.replica_s.max(1.0),
            peak: ours.peak,
            oracle_peak: best.peak,
            turns: ours.turns,
            last: ours.last,
        }
    }

    /// Its line of the table.
    pub(crate) fn line(&self) -> String {
        format!(
            "| {} | {:.0} s | {:.1} s | {:.1} s | {:.0} | {:.0} | {:.2} | {} | {} | {} | {} |",
            self.trace,
            self.target_s,
            self.drain_s,
            self.oracle_drain_s,
            self.replica_s,
            self.oracle_replica_s,
            self.ratio,
            self.peak,
            self.oracle_peak,
            self.turns,
            self.last
        )
    }
}
