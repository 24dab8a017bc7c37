//! Which tier a member has, and what is missing to the next one.

use contract::calendar::day_of;
use contract::program::{Level, Measure, Tiers};
use contract::ruleset::Ruleset;
use contract::{MemberId, Money, Points, TierName};
use engine::Rulebook;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::report::TiersReport;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::edge::Halt;
use crate::target::LedgerTarget;

/// The tier of a member now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tier {
    name: TierName,
    /// `None`: they never had another one.
    since: Option<Timestamp>,
    /// When it is reviewed; `None`: never.
    until: Option<Timestamp>,
    next: Option<Next>,
}

/// What is missing to the next tier, by what counts today; any of them is enough.
#[derive(Debug, Serialize)]
struct Next {
    name: TierName,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spend: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visits: Option<i64>,
}

/// `None` where the programme has no tiers, or the member is unknown.
pub(super) async fn of(target: &LedgerTarget, member: &MemberId) -> Result<Option<Tier>, Halt> {
    let LedgerTarget { ledger, pipeline } = target;
    let Some(report) = ledger.tiers(pipeline, member).await? else { return Ok(None) };
    if ledger.timeline(pipeline).await?.is_empty() {
        return Ok(None);
    }
    let rulebook = Rulebook::load(ledger.as_ref(), pipeline, None).await?;
    let rules = rulebook.timeline.latest();
    Ok(rules.and_then(|rules| tier(&report, (rules.ruleset(), rules.zone()), Timestamp::now())))
}

fn tier(report: &TiersReport, (ruleset, zone): (&Ruleset, &TimeZone), now: Timestamp) -> Option<Tier> {
    let tiers = ruleset.program.tiers.as_ref()?;
    let last = report.now();
    let name = last.map(|line| &line.level).or(tiers.levels.first().map(|level| &level.name))?;
    let above = tiers.levels.get(tiers.height(name).map_or(1, |height| height + 1));
    let counts = |measure| counts(report, (tiers, zone), (measure, now));
    let next = above.and_then(|level| next(level, ruleset, counts));
    let (since, until) = (last.map(|line| line.since), last.and_then(|line| line.until));
    Some(Tier { name: name.clone(), since, until, next })
}

/// How much counts now.
fn counts(report: &TiersReport, (tiers, zone): (&Tiers, &TimeZone), (measure, now): (Measure, Timestamp)) -> i64 {
    let day = day_of(now, zone);
    let first = tiers.window.first_day(day, report.now().map(|line| line.since), zone);
    let is_within = |of: jiff::civil::Date| of <= day && first.is_none_or(|first| first <= of);
    let rows = report.counted.iter().filter(|row| row.measure == measure && is_within(row.day));
    rows.fold(0, |sum, row| sum.saturating_add(row.amount))
}

fn next(level: &Level, ruleset: &Ruleset, counts: impl Fn(Measure) -> i64) -> Option<Next> {
    let reach = level.reach.as_ref()?;
    let wallet = ruleset.qualifying()?;
    let missing = |least: Decimal, has: Decimal| (least - has).max(Decimal::ZERO);
    let has = Points(counts(Measure::Points)).to_decimal(wallet.scale);
    let spent = Money { minor: counts(Measure::Spend), currency: ruleset.currency() }.to_decimal();
    Some(Next {
        name: level.name.clone(),
        points: reach.points.map(|least| missing(least.get(), has)),
        spend: reach.spend.map(|least| missing(least.get(), spent)),
        visits: reach.visits.map(|least| (i64::from(least) - counts(Measure::Visits)).max(0)),
    })
}

/// A line for people; nothing where there are no tiers.
pub(super) fn line(tier: Option<&Tier>) -> String {
    let Some(Tier { name, since, until, next }) = tier else { return String::new() };
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
    let next = next.as_ref().map(|next| format!("; {}", next.sentence())).unwrap_or_default();
    format!("tier {name}{since}{until}{next}\n")
}

impl Next {
    fn sentence(&self) -> String {
        let Self { name, points, spend, visits } = self;
        let missing = [
            points.map(|points| format!("{points} points")),
            spend.map(|spend| format!("{spend} spent")),
            visits.map(|visits| format!("{visits} visits")),
        ];
        let missing: Vec<String> = missing.into_iter().flatten().collect();
        format!("to {name} {} more", missing.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(counted: serde_json::Value) -> String {
        let program = serde_json::json!({
            "currency": "USD", "wallets": [{ "name": "points" }],
            "tiers": {
                "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "points": "100", "spend": "50.00", "visits": 3 } }],
                "window": { "calendar": "Year" }, "visits": { "activities": ["visit"] },
            },
        });
        let ruleset = Ruleset::new(&serde_json::from_value(program).unwrap(), &[]);
        let rows: Vec<(Measure, jiff::civil::Date, i64)> = serde_json::from_value(counted).unwrap();
        let counted =
            rows.into_iter().map(|(measure, day, amount)| ledger::report::CountedReport { measure, day, amount });
        let report = TiersReport { history: Vec::new(), counted: counted.collect() };
        line(tier(&report, (&ruleset, &TimeZone::UTC), "2022-03-01T00:00:00Z".parse().unwrap()).as_ref())
    }

    #[test]
    fn what_is_missing_to_the_next_tier_is_what_does_not_count_today() {
        assert_eq!(told(serde_json::json!([])), "tier basic; to silver 100 points or 50.00 spent or 3 visits more\n");
        let counted = serde_json::json!([
            ["points", "2021-12-31", 90],
            ["points", "2022-01-01", 30],
            ["spend", "2022-02-01", 1234],
            ["visits", "2022-02-01", 2],
            ["points", "2022-03-02", 90],
        ]);
        assert_eq!(told(counted), "tier basic; to silver 70 points or 37.66 spent or 1 visits more\n");
    }
}
