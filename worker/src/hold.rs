//! Holding on while the world is at fault: back-off with jitter, `/readyz` off, resume without anybody's help.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::EngineError;
use host::{Health, Shutdown, chain};
use ledger::LedgerError;

use crate::metrics::{HELD_BY_LEDGER, HELD_BY_RULES, Metrics};
use crate::tenure::Tenure;

/// First pause; short, because most trouble is a restart.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Longest pause: an outage of an hour must not cost minutes after its end.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Longest wait for one answer of the ledger; a batch takes milliseconds, a lock that somebody holds by hand takes for ever.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A session that lived so long was no failed try.
pub(crate) const LIVED_WELL: Duration = Duration::from_secs(10);

/// Growing pauses between tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: PAUSE_MIN }
    }
}

impl Backoff {
    /// The next pause: doubled each time, less up to a half by chance so that a fleet does not come back in step.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(PAUSE_MAX);
        // The clock's last digits are chance enough; nothing here needs to be unguessable.
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.subsec_nanos());
        pause.mul_f64(1.0 - f64::from(nanos % 1000) / 2000.0)
    }
}

/// What a holder needs: whom to tell, and when to give up.
#[derive(Clone)]
pub(crate) struct Holder {
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    pub(crate) tenure: Tenure,
    /// What was told last, so that an outage of an hour is no thousand lines.
    pub(crate) told: Told,
}

/// The last trouble that was logged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Option<String>>>);

impl Told {
    /// Whether this is news.
    pub(crate) fn is_new(&self, why: &str) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() == Some(why) {
            return false;
        }
        *last = Some(why.to_owned());
        true
    }

    /// Whether there was trouble until now.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

impl Holder {
    /// Tries until the ledger answers; `None` when asked to stop before that. What `attempt` leaves behind when it fails
    /// must be nothing.
    pub(crate) async fn ledger<T, F>(&self, mut attempt: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        let mut backoff = Backoff::default();
        loop {
            if let ControlFlow::Break(answer) = self.once(attempt(), &mut backoff).await {
                return answer;
            }
        }
    }

    /// One try of these, and a pause after it if it failed: then it goes on.
    pub(crate) async fn once<T>(
        &self,
        attempt: impl Future<Output = Result<T, EngineError>>,
        backoff: &mut Backoff,
    ) -> ControlFlow<Option<T>> {
        let answered = tokio::select! {
            () = self.shutdown.now() => return ControlFlow::Break(None),
            answered = tokio::time::timeout(ANSWER_MAX, attempt) => answered,
        };
        match answered {
            Ok(Ok(answer)) => {
                self.resumed();
                return ControlFlow::Break(Some(answer));
            }
            Ok(Err(error)) => self.held(&error),
            Err(_) => self.silent(),
        }
        tokio::select! {
            () = self.shutdown.asked() => ControlFlow::Break(None),
            () = tokio::time::sleep(backoff.pause()) => ControlFlow::Continue(()),
        }
    }

    /// Tells that work waits, and for what.
    pub(crate) fn held(&self, error: &EngineError) {
        match error {
            EngineError::Ledger(error) => {
                if matches!(error, LedgerError::Forgot { .. }) {
                    self.metrics.forgotten.inc();
                    tracing::error!(error = chain(error), "the ledger has lost what it had confirmed");
                }
                self.tell(HELD_BY_LEDGER, chain(error));
                self.tenure.look();
            }
            error => self.tell(HELD_BY_RULES, chain(error)),
        }
    }

    fn silent(&self) {
        let seconds = ANSWER_MAX.as_secs();
        let why = format!("the ledger did not answer for {seconds} seconds; see what its database waits for");
        self.tell(HELD_BY_LEDGER, why);
        self.tenure.look();
    }

    fn tell(&self, cause: &str, why: String) {
        if self.told.is_new(&why) {
            tracing::warn!(error = why, "holding: the ledger cannot decide now");
        }
        self.health.down("ledger", why);
        self.metrics.held.with_label_values(&[cause]).set(1);
    }

    /// Tells that the ledger answers.
    pub(crate) fn resumed(&self) {
        if self.told.is_over() {
            tracing::info!("the ledger answers");
        }
        self.health.up("ledger");
        for cause in [HELD_BY_LEDGER, HELD_BY_RULES] {
            self.metrics.held.with_label_values(&[cause]).set(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_news_once_until_it_is_over() {
        let told = Told::default();
        assert!(!told.is_over());
        assert_eq!(["away", "away", "refused", "away"].map(|why| told.is_new(why)), [true, false, true, true]);
        assert!(told.is_over());
        assert!(told.is_new("away"), "a second outage is told again");
    }

    #[test]
    fn pauses_grow_to_a_limit_and_keep_at_least_half() {
        let mut backoff = Backoff::default();
        let mut expected = PAUSE_MIN;
        for _ in 0..12 {
            let pause = backoff.pause();
            assert!(pause <= expected && pause >= expected / 2, "{pause:?} of {expected:?}");
            expected = (expected * 2).min(PAUSE_MAX);
        }
        assert_eq!(expected, PAUSE_MAX);
    }
}
