//! A queue, a broker that counts late, workers that take a while to start.

use std::time::Duration;

use scaling::{Counter, Decision, Due, Scaler, Signals};

use super::{Run, Trace, longest_wait};

/// The time from one look to the next.
const STEP: Duration = Duration::from_millis(250);
const STEP_S: f64 = 0.25;
/// The broker counts unacknowledged and acknowledged messages so often, and that count is read as often, a bit later.
const COUNT_EVERY: u64 = 20;
const READ_AT: u64 = 7;
/// A worker holds so many messages at most, as a share of a second's work: half a second's, and at least two.
const HELD_S: f64 = 0.5;
const HELD_MIN: f64 = 2.0;
/// Workers are asked every two seconds whether they reach the database: that they do not any more, and that they do again, is
/// known so much later.
const PROBED_S: f64 = 4.0;

struct World<'a> {
    trace: &'a Trace,
    tick: u64,
    /// When each worker that was asked for is or will be ready, the oldest first.
    workers: Vec<f64>,
    came: f64,
    /// The same at each step before.
    came_at: Vec<f64>,
    done: f64,
    unacked: f64,
    counted: (f64, f64),
    read: (f64, f64),
    read_at: Duration,
    noise: u64,
}

/// Replays a trace; `watch` sees each look and what was decided.
pub(crate) fn replay(trace: &Trace, mut watch: impl FnMut(&Signals, &Decision)) -> Run {
    let mut world = World {
        trace,
        tick: 0,
        workers: vec![0.0; trace.replicas as usize],
        came: 0.0,
        came_at: Vec::new(),
        done: 0.0,
        unacked: 0.0,
        counted: (0.0, 0.0),
        read: (0.0, 0.0),
        read_at: Duration::ZERO,
        noise: 42,
    };
    let mut scaler = Scaler::new();
    let mut run = Run { least: u32::MAX, ..Run::default() };
    let (mut came, mut done, mut up) = (Vec::new(), Vec::new(), None);
    for _ in 0..trace.seconds * 4 {
        world.pass();
        came.push(world.came);
        done.push(world.done);
        let signals = world.signals();
        let decision = scaler.decide(&trace.target, &signals);
        watch(&signals, &decision);
        note(&mut run, &decision);
        if decision.replicas != signals.replicas {
            let now_up = decision.replicas > signals.replicas;
            run.turns += u32::from(up.is_some_and(|up| up != now_up));
            up = Some(now_up);
        }
        world.ask(decision.replicas);
        run.replica_s += f64::from(decision.replicas) * STEP_S;
    }
    run.drain_s = longest_wait(&came, &done, STEP_S);
    run.left = whole(world.came) - whole(world.done).min(whole(world.came));
    run
}

fn note(run: &mut Run, decision: &Decision) {
    run.peak = run.peak.max(decision.replicas);
    run.least = run.least.min(decision.replicas);
    run.last = decision.replicas;
    let (limit, drain) = (decision.limited_by.as_str(), decision.drain.as_str());
    if !run.limits.contains(&limit) {
        run.limits.push(limit);
    }
    if !run.drains.contains(&drain) {
        run.drains.push(drain);
    }
}

impl World<'_> {
    fn now(&self) -> Duration {
        STEP * u32::try_from(self.tick).unwrap_or(u32::MAX)
    }

    /// Workers that say they are ready: none while the database does nothing at all.
    fn told_ready(&self) -> f64 {
        let probed = (self.now().as_secs_f64() - PROBED_S).max(0.0);
        if (self.trace.database)(probed) > 0.0 { self.ready() } else { 0.0 }
    }

    /// Workers that run.
    fn ready(&self) -> f64 {
        let now = self.now().as_secs_f64();
        f64::from(u32::try_from(self.workers.iter().filter(|at| **at <= now).count()).unwrap_or(u32::MAX))
    }

    /// A quarter of a second passes.
    fn pass(&mut self) {
        self.tick += 1;
        let now = self.now().as_secs_f64();
        self.came += (self.trace.arrival)(now) * STEP_S * self.tremble();
        self.came_at.push(self.came);
        let workers = self.ready();
        let able = (workers * self.trace.per_worker).min((self.trace.database)(now)) * STEP_S;
        // Nothing is done sooner than the work on it takes.
        let work = whole(1.0 / (self.trace.per_worker * STEP_S));
        let index = self.came_at.len().checked_sub(1 + usize::try_from(work).unwrap_or(usize::MAX));
        let workable = index.map_or(0.0, |index| self.came_at[index]);
        let done = able.min((workable - self.done).max(0.0));
        self.done += done;
        // Who works holds what it works on, and while messages wait as many as it may.
        let held = workers * (self.trace.per_worker * HELD_S).max(HELD_MIN);
        let busy = done / (self.trace.per_worker * STEP_S);
        self.unacked = (self.came - self.done).max(busy).min(held);
        if self.tick.is_multiple_of(COUNT_EVERY) {
            self.counted = (self.unacked, self.done);
        }
        if self.tick % COUNT_EVERY == READ_AT {
            (self.read, self.read_at) = (self.counted, self.now());
        }
    }

    fn signals(&self) -> Signals {
        Signals {
            at: self.now(),
            ready: Some(whole((self.came - self.done - self.unacked).max(0.0))),
            unacked: Some(whole(self.read.0)),
            delayed: Some(0),
            acked: Some(Counter { total: whole(self.read.1), at: self.read_at }),
            due: Due::Nothing,
            replicas: u32::try_from(self.workers.len()).unwrap_or(u32::MAX),
            workers_ready: whole(self.told_ready()).try_into().unwrap_or(u32::MAX),
        }
    }

    /// More start, each a bit later than the one before; of fewer the youngest go.
    fn ask(&mut self, replicas: u32) {
        let wanted = replicas as usize;
        self.workers.truncate(wanted);
        while self.workers.len() < wanted {
            let start_s = self.trace.start_s * (0.8 + 0.4 * self.random());
            self.workers.push(self.now().as_secs_f64() + start_s);
        }
        self.workers.sort_by(f64::total_cmp);
    }

    /// Between 0.7 and 1.3, on average 1.
    fn tremble(&mut self) -> f64 {
        0.7 + 0.6 * self.random()
    }

    /// Between 0 and 1, the same in each run (a linear congruence of Knuth's).
    fn random(&mut self) -> f64 {
        self.noise = self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.noise >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn whole(number: f64) -> u64 {
    (number + 1e-6) as u64
}
