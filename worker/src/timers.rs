//! What is due for members who have no events of their own: points that wait become available, points that outlived their time end.
//!
//! The holder of the lease does it, and only behind the queues. An event that happened before something was due has to be decided
//! before it: a redemption of yesterday may spend points that ended last night, as long as nobody has posted their end. So nothing is
//! settled while any lane has a message that waits, nor until every lane was seen empty for [`IN_FLIGHT_MAX`] without a break: what was
//! delivered before is in the hands of some worker, and is decided meanwhile. Only what was due by that long ago is settled, so that an
//! event of just now comes first too. What comes later than all that finds the member as they are by then.
//!
//! After an outage the events of the backlog come first; what became due meanwhile follows in small batches, with a look at the lanes
//! between them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use broker::Connection;
use contract::pipeline::{Clock, Names};
use engine::{DueSettled, EngineError};
use host::Shutdown;
use jiff::Timestamp;
use ledger::Identity;

use crate::amqp::{LinkError, Outlet};
use crate::fault;
use crate::rescue::Trouble;
use crate::run::Worker;

/// How long a delivery may be in flight at any worker: a full prefetch takes a second or two. One that is held up for longer (its worker
/// hangs, or the ledger does) may be decided after what was due later.
const IN_FLIGHT_MAX: Duration = Duration::from_secs(10);

/// Members of one batch: their rows are locked for as long as the batch takes, and an event of theirs waits.
const MEMBERS_MAX: usize = 100;

/// After so long the lease is renewed, and the holder's other duties have their turn: a third of the lease.
const TURN: Duration = Duration::from_secs(5);

/// Members that are passed over. So many are no accident of single rows any more, and every look for others reads past them.
const REFUSED_MAX: usize = 1000;

/// What was refused is tried again, and told again, after so long.
const REFUSED_AGAIN: Duration = Duration::from_hours(1);

/// What settling works with.
pub(crate) struct Tools<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) connection: &'a Connection,
    pub(crate) outlet: &'a Outlet,
    /// No batch begins once this was asked to end.
    pub(crate) session: &'a Shutdown,
}

/// What the holder of the lease remembers from turn to turn.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    quiet: Quiet,
    refused: Refused,
}

impl Timers {
    /// Settles and publishes what is due, as long as the lanes are empty and the turn lasts. Whether more can be done at once.
    ///
    /// A cancelled call leaves nothing, or a committed batch that is not marked as published: whoever holds the lease publishes it.
    pub(crate) async fn turn(&mut self, tools: &Tools<'_>) -> Result<bool, Trouble> {
        let worker = tools.worker;
        // Histories and imports: what is due follows the events' time, which no clock tells.
        if worker.config.events.clock == Clock::Event {
            return Ok(false);
        }
        self.refused.forget_old();
        let (began, mut members, mut results) = (Instant::now(), 0, 0);
        let is_more = loop {
            if tools.session.is_asked() {
                break false;
            }
            let Some(by) = self.by(tools).await? else { break false };
            let Some(settled) = self.settle(worker, by).await? else { break false };
            publish(tools, &settled).await?;
            (members, results) = (members + settled.members, results + settled.results.len());
            if began.elapsed() > TURN {
                break true;
            }
        };
        if members > 0 {
            tracing::info!(members, results, "settled what was due");
        }
        worker.metrics().due_refused.set(whole(self.refused.timers.len()));
        Ok(is_more)
    }

    /// Somebody else does it.
    pub(crate) fn lost(&mut self, worker: &Worker) {
        *self = Self::default();
        worker.metrics().due_age.set(0);
        worker.metrics().due_refused.set(0);
    }

    /// Until when what was due may be settled now, if anything was and may.
    async fn by(&mut self, tools: &Tools<'_>) -> Result<Option<Timestamp>, Trouble> {
        let worker = tools.worker;
        let next = worker.ledger.next_due(&worker.config.pipeline).await?;
        let now = Timestamp::now();
        let age = next.map_or(0, |next| now.duration_since(next).as_secs().max(0));
        worker.metrics().due_age.set(age);
        if next.is_none_or(|next| next > now) {
            // The lanes are looked at only while there is a reason for it.
            self.quiet = Quiet::default();
            return Ok(None);
        }
        let is_empty = are_empty(tools).await?;
        Ok(self.quiet.see(is_empty, Instant::now(), now))
    }

    /// One batch. A member of whom the ledger refuses it is told, passed over, and tried again later.
    async fn settle(&mut self, worker: &Worker, by: Timestamp) -> Result<Option<DueSettled>, Trouble> {
        while self.refused.timers.len() < REFUSED_MAX {
            match worker.engine.settle_due(by, MEMBERS_MAX, &self.refused.timers).await {
                Ok(settled) => return Ok(settled),
                Err(EngineError::Due { timer, detail }) => {
                    let why = EngineError::Due { timer: timer.clone(), detail };
                    tracing::warn!(error = host::chain(&why), "passed over, and tried again in an hour");
                    self.refused.note(timer);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// Results first, then the mark: a crash between the two leaves the batch to the rescue, which publishes it under the same ids.
async fn publish(tools: &Tools<'_>, settled: &DueSettled) -> Result<(), Trouble> {
    fault::maybe_abort_due();
    let metrics = tools.worker.metrics();
    metrics.due_settled.inc_by(u64::try_from(settled.members).unwrap_or(u64::MAX));
    // Nothing was left to move: then there is no batch either.
    if settled.results.is_empty() {
        return Ok(());
    }
    tools.outlet.publish(&settled.results).await?;
    for result in &settled.results {
        metrics.results.with_label_values(&[result.body.type_name()]).inc();
    }
    tools.worker.ledger.mark_published(&[settled.batch]).await?;
    Ok(())
}

/// Whether no lane has a message that waits. A queue that is missing is the lanes' trouble, and not empty.
async fn are_empty(tools: &Tools<'_>) -> Result<bool, Trouble> {
    let config = &tools.worker.config;
    for lane in config.events.lanes() {
        let depth = tools.connection.passive_depth(&Names(&config.pipeline).lane(lane)).await;
        if depth.map_err(LinkError::from)? != Some(0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Since when the lanes were empty at every look.
#[derive(Debug, Default)]
struct Quiet {
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Quiet {
    /// Takes a look in. Until when what was due may be settled: `None` while deliveries may be on their way that come first.
    fn see(&mut self, is_empty: bool, at: Instant, now: Timestamp) -> Option<Timestamp> {
        // Anything may have come and been delivered between two looks that are further apart.
        let is_gap = self.last.replace(at).is_none_or(|last| at.saturating_duration_since(last) > IN_FLIGHT_MAX);
        self.since = is_empty.then_some(self.since.filter(|_| !is_gap).unwrap_or(at));
        let quiet = at.saturating_duration_since(self.since?);
        if quiet < IN_FLIGHT_MAX {
            return None;
        }
        now.checked_sub(IN_FLIGHT_MAX).ok()
    }
}

/// Timers of members of whom the ledger refuses to take what is due.
#[derive(Debug, Default)]
struct Refused {
    timers: HashSet<Identity>,
    since: Option<Instant>,
}

impl Refused {
    fn note(&mut self, timer: Identity) {
        self.since.get_or_insert_with(Instant::now);
        self.timers.insert(timer);
    }

    fn forget_old(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() > REFUSED_AGAIN) {
            *self = Self::default();
        }
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks, each so many seconds after the one before: whether the lanes were empty, and by how many seconds ago what was due may be
    /// settled.
    fn check(what: &str, looks: &[(u64, bool, Option<i64>)]) {
        let (mut quiet, mut at) = (Quiet::default(), Instant::now());
        let mut now: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        for (n, (later, is_empty, expected)) in looks.iter().enumerate() {
            at += Duration::from_secs(*later);
            now = now.checked_add(Duration::from_secs(*later)).unwrap();
            let by = quiet.see(*is_empty, at, now).map(|by| now.duration_since(by).as_secs());
            assert_eq!(by, *expected, "{what}, look {n}");
        }
    }

    #[test]
    fn what_is_due_waits_for_the_queues_and_for_what_was_delivered() {
        check("the first look", &[(0, true, None)]);
        check("empty for long enough", &[(0, true, None), (5, true, None), (5, true, Some(10)), (1, true, Some(10))]);
        check("a backlog", &[(0, false, None), (5, false, None), (5, false, None), (5, false, None)]);
        check(
            "a backlog that ends: its last deliveries are still with some worker",
            &[(0, false, None), (5, true, None), (5, true, None), (4, true, None), (1, true, Some(10))],
        );
        check(
            "a message in between",
            &[(0, true, None), (5, true, None), (5, false, None), (5, true, None), (5, true, None)],
        );
        check("nobody looked for a while", &[(0, true, None), (5, true, None), (11, true, None), (10, true, Some(10))]);
    }
}
