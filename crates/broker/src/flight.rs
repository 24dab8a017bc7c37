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

    /// Whether the last answer is good enough.
    pub(crate) fn has(&self, is_good: impl Fn(&T) -> bool) -> bool {
        self.state().last.as_ref().is_some_and(is_good)
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::time::Duration;

    use futures::channel::oneshot;
    use futures::task::noop_waker;

    use super::*;

    type Answer = Result<u32, &'static str>;

    /// Each asking waits for an answer that the test gives.
    #[derive(Default)]
    struct Oracle(RefCell<VecDeque<oneshot::Sender<Answer>>>);

    impl Oracle {
        fn ask(&self) -> impl Future<Output = Answer> + Send + use<> {
            let (tell, told) = oneshot::channel();
            self.0.borrow_mut().push_back(tell);
            async { told.await.unwrap_or(Err("the oracle is gone")) }
        }

        fn answer(&self, answer: Answer) {
            // An asking that everybody gave up hears nothing.
            let _ = self.0.borrow_mut().pop_front().unwrap().send(answer);
        }

        fn asked(&self) -> usize {
            self.0.borrow().len()
        }
    }

    fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        match future.poll_unpin(&mut std::task::Context::from_waker(&noop_waker())) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        }
    }

    type Numbers = Flights<u32, &'static str>;

    fn fresh<'a>(flights: &'a Numbers, oracle: &'a Oracle) -> futures::future::LocalBoxFuture<'a, Answer> {
        let since = Instant::now();
        async move { flights.get(Some(since), |_| false, || oracle.ask()).await }.boxed_local()
    }

    fn any<'a>(flights: &'a Numbers, oracle: &'a Oracle) -> futures::future::LocalBoxFuture<'a, Answer> {
        async { flights.get(None, |_| true, || oracle.ask()).await }.boxed_local()
    }

    #[test]
    fn those_who_ask_together_share_one_asking_and_the_next_one_its_answer() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        let mut waiting: Vec<_> = (0..100).map(|_| any(&flights, &oracle)).collect();
        assert!(waiting.iter_mut().all(|one| poll(one).is_none()));
        assert_eq!(oracle.asked(), 1);
        oracle.answer(Ok(7));
        assert!(waiting.iter_mut().all(|one| poll(one) == Some(Ok(7))));
        assert_eq!(poll(&mut any(&flights, &oracle)), Some(Ok(7)));
        assert_eq!(oracle.asked(), 0);
    }

    #[test]
    fn a_failure_is_told_to_those_who_waited_and_to_nobody_later() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        let (mut one, mut two) = (any(&flights, &oracle), any(&flights, &oracle));
        assert_eq!((poll(&mut one), poll(&mut two)), (None, None));
        oracle.answer(Err("no"));
        assert_eq!(poll(&mut one), Some(Err("no")));
        // The other has not yet looked; whoever comes now asks anew all the same.
        let mut later = any(&flights, &oracle);
        assert_eq!((poll(&mut later), oracle.asked()), (None, 1));
        assert_eq!(poll(&mut two), Some(Err("no")));
        oracle.answer(Ok(8));
        assert_eq!(poll(&mut later), Some(Ok(8)));
    }

    #[test]
    fn a_failure_does_not_take_the_last_good_answer_away() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        for answer in [Ok(1), Err("no")] {
            let mut one = fresh(&flights, &oracle);
            assert_eq!(poll(&mut one), None);
            oracle.answer(answer);
            assert_eq!(poll(&mut one), Some(answer));
        }
        assert_eq!(poll(&mut any(&flights, &oracle)), Some(Ok(1)));
    }

    #[test]
    fn who_gives_up_takes_nothing_from_the_others() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        let (mut first, mut second) = (any(&flights, &oracle), any(&flights, &oracle));
        assert_eq!((poll(&mut first), poll(&mut second)), (None, None));
        drop(first);
        oracle.answer(Ok(3));
        assert_eq!(poll(&mut second), Some(Ok(3)));
    }

    #[test]
    fn an_asking_that_all_gave_up_ends_and_does_not_stand_in_the_way() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        let mut first = any(&flights, &oracle);
        assert_eq!(poll(&mut first), None);
        drop(first);
        assert!(oracle.0.borrow()[0].is_canceled());
        let mut second = any(&flights, &oracle);
        assert_eq!((poll(&mut second), oracle.asked()), (None, 2));
        oracle.answer(Ok(1));
        oracle.answer(Ok(2));
        assert_eq!(poll(&mut second), Some(Ok(2)));
    }

    #[test]
    fn an_asking_from_before_is_waited_for_and_not_believed() {
        let (flights, oracle) = (Numbers::new(), Oracle::default());
        let mut early = fresh(&flights, &oracle);
        assert_eq!(poll(&mut early), None);
        while Instant::now().elapsed() == Duration::ZERO {}
        let (mut late, mut later) = (fresh(&flights, &oracle), fresh(&flights, &oracle));
        assert_eq!((poll(&mut late), poll(&mut later)), (None, None));
        assert_eq!(oracle.asked(), 1, "never two at a time");
        oracle.answer(Ok(1));
        assert_eq!((poll(&mut late), poll(&mut later)), (None, None));
        assert_eq!(oracle.asked(), 1, "one for both");
        assert_eq!(poll(&mut early), Some(Ok(1)));
        oracle.answer(Ok(2));
        assert_eq!((poll(&mut late), poll(&mut later)), (Some(Ok(2)), Some(Ok(2))));
    }
}
