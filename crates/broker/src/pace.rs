//! How often something that costs much is asked: the longer an answer takes, the more seldom.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many times as long as an answer took the broker is left alone: a fifth of its time is enough for one who asks.
const RESTS: u32 = 4;

/// Longest rest: whoever has changed something waits for it to be seen.
const REST_MAX: Duration = Duration::from_secs(5);

/// When one may ask.
#[derive(Debug)]
pub(crate) struct Pace {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    took: Duration,
    rested_at: Instant,
}

impl Pace {
    /// Nobody has asked yet.
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { took: Duration::ZERO, rested_at: Instant::now() }) }
    }

    /// From when on one may ask. While somebody asks, when that will be, if it takes as long as the last time.
    pub(crate) fn rested_at(&self) -> Instant {
        self.state().rested_at
    }

    /// Asks as soon as one may; one at a time. After a failure nobody rests: who asks has other reasons to wait. A cancelled call
    /// leaves the rest that was foreseen.
    pub(crate) async fn ask<T, E>(&self, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        tokio::time::sleep_until(self.rested_at().into()).await;
        let began = Instant::now();
        self.begin(began);
        let answer = answer.await;
        self.end(began, answer.is_ok().then(|| began.elapsed()));
        answer
    }

    fn begin(&self, at: Instant) {
        let mut state = self.state();
        state.rested_at = at + state.took + rest(state.took);
    }

    fn end(&self, began: Instant, took: Option<Duration>) {
        let mut state = self.state();
        match took {
            Some(took) => *state = State { took, rested_at: began + took + rest(took) },
            None => state.rested_at = began,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rest(took: Duration) -> Duration {
    took.saturating_mul(RESTS).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_it_took_the_longer_is_the_rest_and_none_after_a_failure() {
        let (pace, begun) = (Pace::new(), Instant::now());
        let ms = Duration::from_millis;
        for (took, foreseen, rested) in [
            (Some(ms(10)), ms(0), ms(50)),
            (Some(ms(500)), ms(50), ms(2500)),
            (Some(ms(8000)), ms(2500), ms(13000)),
            (None, ms(13000), ms(0)),
            (Some(ms(1)), ms(13000), ms(5)),
        ] {
            pace.begin(begun);
            assert_eq!(pace.rested_at() - begun, foreseen, "while it takes {took:?}");
            pace.end(begun, took);
            assert_eq!(pace.rested_at() - begun, rested, "after {took:?}");
        }
    }

    #[tokio::test]
    async fn who_asks_too_early_waits() {
        let pace = Pace::new();
        let slow = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, ()>(())
        };
        pace.ask(slow).await.unwrap();
        let rested_at = pace.rested_at();
        let asked_at = pace.ask(async { Ok::<_, ()>(Instant::now()) }).await.unwrap();
        assert!(asked_at >= rested_at, "{:?} too early", rested_at - asked_at);
    }
}
