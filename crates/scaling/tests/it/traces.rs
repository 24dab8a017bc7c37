//! Whole traces, beside an oracle that knows them beforehand.

use crate::model::{Row, Run, TRACES, Trace, oracle, replay};

/// What a trace may cost.
struct Bound {
    trace: &'static str,
    /// Longest drain, in targets.
    drain: f64,
    /// Seconds of workers, in those of the oracle.
    cost: f64,
    /// Changes of direction.
    turns: u32,
    peak: u32,
    last: u32,
}

const fn bound(trace: &'static str, (drain, cost): (f64, f64), (turns, peak, last): (u32, u32, u32)) -> Bound {
    Bound { trace, drain, cost, turns, peak, last }
}

/// The first spike comes to a scaler that knows nothing: it takes a target and the time to measure. Nobody drains a stall
/// of a minute within less than that minute, nor 300 a second through a database that does 250.
const BOUNDS: &[Bound] = &[
    bound("step", (0.6, 1.6), (1, 8, 0)),
    bound("spike", (1.8, 1.6), (1, 12, 0)),
    bound("spikes", (1.8, 1.6), (5, 13, 0)),
    bound("ramp", (0.5, 1.5), (1, 17, 0)),
    bound("diurnal", (0.5, 1.5), (1, 11, 1)),
    bound("stall", (1.2, 2.0), (2, 8, 0)),
    bound("slow-database", (1.8, 2.6), (2, 16, 1)),
    bound("trickle", (0.5, 1.2), (1, 1, 0)),
    bound("slow-work", (0.5, 1.6), (1, 18, 0)),
];

fn named(name: &str) -> &'static Trace {
    TRACES.iter().find(|trace| trace.name == name).unwrap()
}

#[test]
fn every_trace_drains_in_time_at_a_fair_price_without_flapping() {
    assert_eq!(BOUNDS.len(), TRACES.len(), "each trace has a bound");
    for bound in BOUNDS {
        let trace = named(bound.trace);
        let (ours, best) = (replay(trace, |_, _| ()), oracle(trace));
        let (name, target_s) = (trace.name, trace.target.drain_within.as_secs_f64());
        assert!(!trace.about.is_empty(), "{name} says what it is");
        assert!(ours.drain_s <= bound.drain * target_s, "{name}: {ours:?}");
        assert!(ours.replica_s <= bound.cost * best.replica_s, "{name}: {ours:?} beside {best:?}");
        assert!(ours.turns <= bound.turns, "{name}: {ours:?}");
        assert!(ours.peak <= bound.peak, "{name}: {ours:?}");
        assert_eq!((ours.last, ours.left), (bound.last, 0), "{name}: {ours:?}");
        assert!(ours.least >= trace.target.min && ours.peak <= trace.target.max, "{name}: {ours:?}");
    }
}

#[test]
fn the_oracle_meets_what_can_be_met_and_is_the_cheaper_one() {
    for trace in TRACES {
        let (ours, best): (Run, Run) = (replay(trace, |_, _| ()), oracle(trace));
        assert!(best.replica_s <= ours.replica_s, "{}: {best:?} beside {ours:?}", trace.name);
        let possible = !["stall", "slow-database"].contains(&trace.name);
        let within = trace.target.drain_within.as_secs_f64();
        assert!(!possible || best.drain_s <= within, "{}: {best:?}", trace.name);
    }
}

#[test]
fn the_table_of_the_manual_is_what_the_example_prints() {
    let manual = include_str!("../../../../docs/scaling.md");
    let rows = TRACES.iter().map(|trace| Row::of(trace, &replay(trace, |_, _| ()), &oracle(trace)).line());
    let table: Vec<String> = Row::HEAD.map(str::to_owned).into_iter().chain(rows).collect();
    assert!(manual.contains(&table.join("\n")), "write this into docs/scaling.md:\n{}", table.join("\n"));
}

#[test]
fn what_is_in_the_way_is_told() {
    // Trace, what limited it at some time, what was said of the drain at some time; and what was never said.
    let table = [
        ("stall", "Stall", "Stalled", "Saturation"),
        ("slow-database", "Saturation", "Saturated", "Stall"),
        ("spike", "Measuring", "Behind", "Stall"),
        ("diurnal", "Settling", "OnTarget", "Saturation"),
        ("ramp", "Settling", "OnTarget", "Saturation"),
        ("slow-work", "Measuring", "OnTarget", "Stall"),
    ];
    for (name, limit, drain, never) in table {
        let run = replay(named(name), |_, _| ());
        assert!(run.limits.contains(&limit) && run.drains.contains(&drain), "{name}: {run:?}");
        assert!(!run.limits.contains(&never), "{name}: {run:?}");
    }
}

#[test]
fn every_decision_of_every_trace_is_within_bounds_and_a_sentence() {
    for trace in TRACES {
        replay(trace, |signals, decision| {
            let (name, at) = (trace.name, signals.at);
            assert!((trace.target.min..=trace.target.max).contains(&decision.replicas), "{name} at {at:?}");
            assert!(!decision.reason.is_empty() && !decision.reason.contains("NaN"), "{name} at {at:?}");
            let numbers = [decision.arrival_per_s, decision.acked_per_s, decision.drain_s];
            assert!(
                numbers.into_iter().flatten().all(|number| number.is_finite() && number >= 0.0),
                "{name} at {at:?}"
            );
        });
    }
}

#[test]
fn a_spike_that_comes_again_is_drained_within_little_more_than_the_target() {
    let trace = named("spikes");
    let mut last_waiting = [0.0_f64; 5];
    replay(trace, |signals, _| {
        let at = signals.at.as_secs_f64();
        let ninety = [0.0, 90.0, 180.0, 270.0, 360.0].iter().rposition(|begin| at >= *begin + 20.0).unwrap_or(0);
        if signals.ready != Some(0) {
            last_waiting[ninety] = at - 20.0;
        }
    });
    for begin in [90.0, 180.0] {
        let drained_s =
            last_waiting.iter().copied().filter(|at| (begin..begin + 90.0).contains(at)).fold(0.0, f64::max) - begin;
        assert!((1.0..=1.2 * 30.0).contains(&drained_s), "the spike at {begin} s waited for {drained_s} s");
    }
}
