//! One question, asked once for all who want its answer at the same time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

/// The answers to one question. At most one asking is under way, carried by all who wait for it: it goes on while one of them is
/// left, and ends with the last. A failure is told to those who waited for it, and forgotten.
pub(crate) struct Flights<T: Clone, E: Clone> {
    state: Mutex<State<T, E>>,
}

struct State<T: Clone, E: Clone> {
    last: Option<T>,
    under_way: Option<(Instant, WeakShared<Asking<T, E>>)>,
}

type Asking<T, E> = BoxFuture<'static, Result<T, E>>;

enum Turn<T: Clone, E: Clone> {
    There(T),
    Wait(Instant, Shared<Asking<T, E>>),
}

impl<T: Clone, E: Clone> Flights<T, E> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { last: None, under_way: None }) }
    }

    /// The last answer if it is good enough, else that of the asking that is under way if it began not before `since`, else
    /// that of a new one; the new one waits until the other has ended.
    pub(crate) async fn get<F>(
        &self,
        since: Option<Instant>,
        is_good: impl Fn(&T) -> bool,
        ask: impl Fn() -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        loop {
            let (began, asking) = match self.turn(&is_good, &ask) {
                Turn::There(answer) => return Ok(answer),
                Turn::Wait(began, asking) => (began, asking),
            };
            let answer = asking.await;
            if let Ok(answer) = &answer {
                self.state().last = Some(answer.clone());
            }
            if since.is_none_or(|since| since <= began) {
                return answer;
            }
        }
    }

    /// Forgets the last answer, and hands it out.
    pub(crate) fn take(&self) -> Option<T> {
        self.state().last.take()
    }

    fn turn<F>(&self, is_good: &impl Fn(&T) -> bool, ask: &impl Fn() -> F) -> Turn<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let mut state = self.state();
        if let Some(last) = state.last.as_ref().filter(|last| is_good(last)) {
            return Turn::There(last.clone());
        }
        let under_way = state.under_way.as_ref().and_then(|(began, asking)| Some((*began, asking.upgrade()?)));
        // One that has ended, and that somebody has not yet looked at, may have failed.
        if let Some((began, asking)) = under_way.filter(|(_, asking)| asking.peek().is_none()) {
            return Turn::Wait(began, asking);
        }
        let began = Instant::now();
        let asking = ask().boxed().shared();
        state.under_way = asking.downgrade().map(|asking| (began, asking));
        Turn::Wait(began, asking)
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
