//! How many workers there shall be, and why: single decisions, whole traces, sentences.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decisions;
mod due;
#[path = "../../examples/replay/model/mod.rs"]
mod model;
mod restless;
mod traces;

use std::time::Duration;

use scaling::{Counter, Decision, Due, Scaler, Signals, Target};

const TARGET: Target =
    Target { min: 0, max: 20, drain_within: Duration::from_secs(30), due_within: Duration::from_hours(1) };

/// A pipeline whose numbers a test moves by hand, looked at each half second; counts are read each five.
struct Shop {
    scaler: Scaler,
    target: Target,
    signals: Signals,
    /// The true count; the last reading is in the signals.
    acked: u64,
    /// Whether asking for workers makes them ready at once.
    obedient: bool,
}

impl Shop {
    /// Idle, without workers.
    fn new() -> Self {
        let signals = Signals {
            at: Duration::from_secs(1000),
            ready: Some(0),
            unacked: Some(0),
            delayed: Some(0),
            acked: Some(Counter { total: 70_000, at: Duration::from_secs(1000) }),
            due: Due::Nothing,
            replicas: 0,
            workers_ready: 0,
        };
        Self { scaler: Scaler::new(), target: TARGET, signals, acked: 70_000, obedient: true }
    }

    /// With so many workers.
    fn of(workers: u32) -> Self {
        let mut shop = Self::new();
        (shop.signals.replicas, shop.signals.workers_ready) = (workers, workers);
        shop
    }

    /// One that has measured that a worker does 100 a second, and is idle again, with its workers gone.
    fn measured() -> Self {
        let mut shop = Self::of(2);
        shop.target.max = 2;
        shop.works(60, (200, 200), 5_000);
        shop.signals.ready = Some(0);
        shop.target = TARGET;
        shop.passes(60);
        assert_eq!(shop.signals.replicas, 0, "it is idle");
        shop
    }

    fn look(&mut self) -> Decision {
        let decision = self.scaler.decide(&self.target, &self.signals);
        self.signals.replicas = decision.replicas;
        if self.obedient {
            self.signals.workers_ready = decision.replicas;
        }
        decision
    }

    /// Half a second, then a look.
    fn step(&mut self) -> Decision {
        self.signals.at += Duration::from_millis(500);
        let read = self.signals.at.as_millis().is_multiple_of(5000);
        if let Some(counter) = self.signals.acked.as_mut().filter(|_| read) {
            *counter = Counter { total: self.acked, at: self.signals.at };
        }
        self.look()
    }

    /// Nothing changes for so many seconds. The last decision.
    fn passes(&mut self, seconds: u32) -> Decision {
        let mut last = self.step();
        for _ in 1..seconds * 2 {
            last = self.step();
        }
        last
    }

    /// So many messages come and are acknowledged a second, while `ready` wait. The last decision.
    fn works(&mut self, seconds: u32, (came, acked): (u64, u64), ready: u64) -> Decision {
        self.signals.ready = Some(ready);
        self.works_on(seconds, (came, acked))
    }

    /// The same, with what waits already.
    fn works_on(&mut self, seconds: u32, (came, acked): (u64, u64)) -> Decision {
        let mut last = None;
        for _ in 0..seconds * 2 {
            self.acked += acked / 2;
            self.signals.ready = self.signals.ready.map(|ready| (ready + came / 2).saturating_sub(acked / 2));
            last = Some(self.step());
        }
        last.unwrap()
    }
}
