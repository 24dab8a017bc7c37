//! What comes in, and what workers can do about it.

use std::time::Duration;

use scaling::Target;

/// A made-up hour of a shop, or a minute of it.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) seconds: u32,
    pub(crate) target: Target,
    /// Workers at the beginning.
    pub(crate) replicas: u32,
    /// What a worker does a second when nothing else is at its limit.
    pub(crate) per_worker: f64,
    /// From asked for to ready.
    pub(crate) start_s: f64,
    /// Messages a second at a time.
    pub(crate) arrival: fn(f64) -> f64,
    /// What all workers together can do a second at a time.
    pub(crate) database: fn(f64) -> f64,
}

const fn target(min: u32, max: u32, drain_s: u64) -> Target {
    Target { min, max, drain_within: Duration::from_secs(drain_s), due_within: Duration::from_hours(1) }
}

/// Nothing else is at its limit.
const fn unlimited(_: f64) -> f64 {
    f64::INFINITY
}

const PLAIN: Trace = Trace {
    name: "plain",
    about: "",
    seconds: 300,
    target: target(0, 20, 30),
    replicas: 0,
    per_worker: 100.0,
    start_s: 3.0,
    arrival: |_| 0.0,
    database: unlimited,
};

/// All there are.
pub(crate) const TRACES: &[Trace] = &[
    Trace {
        name: "step",
        about: "nothing, then 500 a second for four minutes",
        seconds: 420,
        arrival: |t| if (20.0..260.0).contains(&t) { 500.0 } else { 0.0 },
        ..PLAIN
    },
    Trace {
        name: "spike",
        about: "30,000 messages within two seconds, out of nothing",
        arrival: |t| if (20.0..22.0).contains(&t) { 15_000.0 } else { 0.0 },
        ..PLAIN
    },
    Trace {
        name: "spikes",
        about: "three spikes of 30,000 a minute and a half apart: the second time the speed is known",
        seconds: 420,
        arrival: |t| if t < 290.0 && (20.0..22.0).contains(&(t % 90.0)) { 15_000.0 } else { 0.0 },
        ..PLAIN
    },
    Trace {
        name: "ramp",
        about: "from 0 to 1,200 a second within five minutes, a minute there, and back",
        seconds: 780,
        arrival: |t| match t {
            t if t < 300.0 => 4.0 * t,
            t if t < 360.0 => 1200.0,
            t if t < 660.0 => 4.0 * (660.0 - t),
            _ => 0.0,
        },
        ..PLAIN
    },
    Trace {
        name: "diurnal",
        about: "a day in half an hour: a wave between 20 and 800 a second, never below one worker",
        seconds: 1800,
        target: target(1, 20, 60),
        replicas: 1,
        arrival: |t| 410.0 - 390.0 * (t / 1800.0 * std::f64::consts::TAU).cos(),
        ..PLAIN
    },
    Trace {
        name: "stall",
        about: "200 a second; for a minute the database does nothing at all, and no worker is ready",
        seconds: 480,
        target: target(0, 20, 60),
        replicas: 3,
        arrival: |t| if t < 400.0 { 200.0 } else { 0.0 },
        database: |t| if (120.0..180.0).contains(&t) { 0.0 } else { f64::INFINITY },
        ..PLAIN
    },
    Trace {
        name: "slow-database",
        about: "300 a second; for five minutes the database does 250, whoever asks",
        seconds: 780,
        target: target(1, 20, 30),
        replicas: 4,
        arrival: |t| if t < 660.0 { 300.0 } else { 0.0 },
        database: |t| if (120.0..420.0).contains(&t) { 250.0 } else { 2000.0 },
        ..PLAIN
    },
    Trace {
        name: "trickle",
        about: "a message in three seconds",
        seconds: 300,
        arrival: |t| if t < 240.0 { 1.0 / 3.0 } else { 0.0 },
        ..PLAIN
    },
    Trace {
        name: "slow-work",
        about: "a message takes two seconds; six a second come for five minutes",
        seconds: 480,
        target: target(0, 40, 60),
        per_worker: 0.5,
        arrival: |t| if (10.0..310.0).contains(&t) { 6.0 } else { 0.0 },
        ..PLAIN
    },
];
