//! Events of long ago are forgotten: their rows of the inbox go, a few at a time.
//!
//! Without its row an event would be fresh if it came again. So it is noted first before what time events are not known one by one; what
//! happened before that and is not known is too late from then on, whatever the pipeline's limits say by then. What a person said by hand, and
//! what follows from other events, is never forgotten: it is of any time, and is not held against that mark.

use contract::period::Period;
use contract::{PipelineName, Source};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::sql::{Arg, Sql};

/// Who says what `loyaltyctl` makes of a person's words.
pub const BY_HAND_SOURCE: &str = "loyaltyctl";

/// How the sources of what follows from other events begin.
const OUR_SOURCES: &str = "loyalty.";

/// Rows that go in one transaction: a moment, whoever waits.
const ROWS_MAX: usize = 2000;

/// What may be forgotten.
#[derive(Debug, Clone)]
pub struct ForgetAsk {
    /// Whose events.
    pub pipeline: PipelineName,
    /// How long they are known one by one, by the store's clock. Longer than an event may be late, or late ones are turned away.
    pub keep: Period,
    /// Nothing is done, only counted.
    pub dry_run: bool,
}

/// What was forgotten, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgetReport {
    /// Everything that happened before, if there was anything.
    pub before: Option<Timestamp>,
    /// Events.
    pub events: i64,
}

/// Whether events of a source may be forgotten: those that a producer sent. The same as [`forgettable`] says.
#[must_use]
pub fn is_forgettable(source: &Source) -> bool {
    source.as_str() != BY_HAND_SOURCE && !source.as_str().starts_with(OUR_SOURCES)
}

/// The condition on a column that names a source.
macro_rules! forgettable {
    ($source:literal) => {
        concat!("(", $source, " <> 'loyaltyctl' and substr(", $source, ", 1, 8) <> 'loyalty.')")
    };
}
pub(crate) use forgettable;

/// Rows `i` of the inbox that may go: of events that happened before `$2`, and were decided before, as their batch says; what waited has the
/// one that decided it.
const GOES: &str = concat!(
    "i.pipeline = $1 and i.occurred_at < at_micros($2) and i.outcome <> 'Parked' and ",
    forgettable!("i.source"),
    " and exists (select 1 from batch b where b.id = i.batch and b.published_at is not null
        and b.recorded_at < at_micros($2))"
);

/// Never sets the mark back: what was forgotten stays so.
const NOTE: &str = "insert into forgotten (pipeline, happened_before) values ($1, at_micros($2))
    on conflict (pipeline) do update set happened_before = case when forgotten.happened_before > excluded.happened_before
        then forgotten.happened_before else excluded.happened_before end";

/// A cancelled call has forgotten some; the same call goes on.
pub(crate) async fn forget(
    store: &dyn Sql,
    ask: &ForgetAsk,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<ForgetReport, LedgerError> {
    progress("looking which events are old enough");
    let now = store.ask("select cast(micros(now()) as text)", &[]).await?;
    let now = now.first().map_or(Ok(Timestamp::now()), |row| row.time(0))?;
    let Some(before) = ask.keep.before(now) else { return Ok(ForgetReport::default()) };
    let args: [Arg; 2] = [ask.pipeline.as_str().into(), before.as_microsecond().into()];
    let counted = store.sweep(&format!("select cast(count(*) as text) from inbox i where {GOES}"), &args).await?;
    let events = counted.first().map_or(Ok(0), |row| row.int(0))?;
    if events == 0 {
        return Ok(ForgetReport::default());
    }
    if ask.dry_run {
        return Ok(ForgetReport { before: Some(before), events });
    }
    // First, and for good: whoever reads the inbox without a row reads the mark after it.
    store.tell(NOTE, &args).await?;
    progress("forgetting events");
    let some = format!(
        "delete from inbox where pipeline = $1 and (source, event_id) in (
            select i.source, i.event_id from inbox i where {GOES} and i.batch >= $3 order by i.batch limit {ROWS_MAX}
         ) returning cast(batch as text)"
    );
    let (mut gone, mut from) = (0, 0);
    loop {
        let rows = store.tell(&some, &[&args[..], &[from.into()]].concat()).await?;
        gone += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        // Of the last of these batches there may be more.
        for row in &rows {
            from = from.max(row.int(0)?);
        }
        if rows.len() < ROWS_MAX {
            return Ok(ForgetReport { before: Some(before), events: gone });
        }
    }
}

/// Before what time events are not known one by one; `None`: all are.
pub(crate) async fn forgotten_before(
    store: &dyn Sql,
    pipeline: &PipelineName,
) -> Result<Option<Timestamp>, LedgerError> {
    let sql = "select cast(micros(happened_before) as text) from forgotten where pipeline = $1";
    store.ask(sql, &[pipeline.as_str().into()]).await?.first().map(|row| row.time(0)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_and_the_program_mean_the_same_sources() {
        let condition = forgettable!("x");
        assert!(
            condition.contains(&format!("<> '{BY_HAND_SOURCE}'"))
                && condition.contains(&format!("1, {}) <> '{OUR_SOURCES}'", OUR_SOURCES.len()))
        );
        for (source, may) in [("shop", true), ("loyalty-app", true), ("loyaltyctl", false), ("loyalty.due", false)] {
            assert_eq!(is_forgettable(&Source::parse(source).unwrap()), may, "{source}");
        }
    }
}
