//! Which tiers a member had, and what counts for them.

use contract::calendar::numbered;
use contract::program::Measure;
use contract::result::TierReason;
use contract::{EventId, MemberId, PipelineName, Source, TierName};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::sums::find_member;
use crate::error::LedgerError;
use crate::sql::{Row, Sql};

/// The tiers of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TiersReport {
    /// Every line of their history, in recorded order; without any they have the first tier. Those of members who were merged into this one are
    /// among them, and say so.
    pub history: Vec<TierReport>,
    /// What counts, by days.
    pub counted: Vec<CountedReport>,
}

/// A line of a history: it holds until the next one's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierReport {
    /// Which tier.
    pub level: TierName,
    /// Since when.
    pub since: Timestamp,
    /// When it was, or is, to be reviewed; `None`: never.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: TierReason,
    /// Who said the event that brought it.
    pub source: Source,
    /// Its id.
    pub event: EventId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Whether it was of somebody who was merged into this member: then it says nothing of the tier of this one.
    pub of_merged: bool,
}

/// What counts on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedReport {
    /// Of what.
    pub measure: Measure,
    /// On which day of the programme's time zone.
    pub day: Date,
    /// Points in units of their wallet, money in minor units, visits.
    pub amount: i64,
}

impl TiersReport {
    /// The line that says what the member has now; `None`: the first tier.
    #[must_use]
    pub fn now(&self) -> Option<&TierReport> {
        self.history.iter().rfind(|line| !line.of_merged)
    }
}

pub(crate) async fn tiers(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Option<TiersReport>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(None) };
    let key = [pipeline.as_str().into(), bucket.into(), number.into()];
    let history =
        "select h.level, cast(micros(h.since) as text), cast(micros(h.until) as text), h.reason, h.source, h.event_id,
             cast(micros(h.recorded_at) as text), case when h.from_member is null then '' else 'y' end
         from tier_history h where h.pipeline = $1 and h.bucket = $2 and h.member = $3 order by h.id, h.n";
    let history = store.ask(history, &key).await?.iter().map(line).collect::<Result<_, _>>()?;
    let counted = "select q.measure, cast(q.day as text), cast(q.amount as text) from qualifying q
         where q.pipeline = $1 and q.bucket = $2 and q.member = $3 and q.amount <> 0 order by q.day, q.measure";
    let counted = store.ask(counted, &key).await?.iter().map(self::counted).collect::<Result<_, _>>()?;
    Ok(Some(TiersReport { history, counted }))
}

fn line(row: &Row) -> Result<TierReport, LedgerError> {
    let reason = row.text(3)?;
    let reason = TierReason::parse(reason).ok_or_else(|| unknown("tier_history.reason", reason))?;
    Ok(TierReport {
        level: row.id(0)?,
        since: row.time(1)?,
        until: row.maybe_time(2)?,
        reason,
        source: row.id(4)?,
        event: row.id(5)?,
        recorded_at: row.time(6)?,
        of_merged: row.text(7)? == "y",
    })
}

fn counted(row: &Row) -> Result<CountedReport, LedgerError> {
    let (measure, day) = (row.text(0)?, row.text(1)?);
    let measure = Measure::parse(measure).ok_or_else(|| unknown("qualifying.measure", measure))?;
    let day = day.parse().ok().and_then(numbered).ok_or_else(|| unknown("qualifying.day", day))?;
    Ok(CountedReport { measure, day, amount: row.int(2)? })
}

fn unknown(what: &str, text: &str) -> LedgerError {
    LedgerError::unreadable(what, format!("`{text}` is not known"))
}
