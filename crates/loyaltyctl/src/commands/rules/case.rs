//! One case: its events through the engine, and what came of them.

use std::sync::Arc;

use contract::intake::Intake;
use contract::{EventId, MemberId};
use ledger::Ledger;

use super::super::explain;
use super::super::simulate::feed::{At, Results, Run};
use super::super::simulate::{IN_MEMORY, fresh};
use super::compare::{self, Difference};
use super::file::{Ready, Tests};
use super::told::Outcome;
use crate::edge::Halt;
use crate::screen::Screen;

/// Runs a case on a ledger of its own, as `simulate` would.
pub(super) async fn run(tests: &Tests, case: &Ready, screen: &Screen) -> Result<Outcome, Halt> {
    let pipeline = &tests.pipeline;
    let ledger = fresh(IN_MEMORY, pipeline).await?;
    let intake = Intake::new(&pipeline.spec.events, pipeline.spec.program.currency);
    let mut run = Run::open(pipeline, Arc::clone(&ledger), Results::kept()).await?;
    let mut events = Vec::new();
    for (number, body) in (1_u64..).zip(&case.given) {
        match intake.decode_unrouted(body) {
            Ok(event) => {
                events.push(event.id.clone());
                run.settle(vec![(number, event)]).await?;
            }
            Err(refusal) => run.bury(number, refusal),
        }
    }
    if let Some(until) = case.until {
        run.settle_due(At::Time(until)).await?;
    }
    let (found, mut buried) = (run.results.kept.unwrap_or_default(), run.tally.buried);
    buried.sort_by_key(|buried| buried.line);
    let expect = &case.expect;
    let mut differences = compare::buried(expect.buried.as_deref().unwrap_or_default(), &buried);
    if let Some(member) = &case.member {
        differences.extend(has((tests, &ledger), (member, ""), (&expect.points, expect.tier.as_deref())).await?);
    }
    for (name, has) in &expect.members {
        let Ok(member) = MemberId::parse(name) else { continue };
        let whose = format!("{name}: ");
        differences.extend(self::has((tests, &ledger), (&member, &whose), (&has.points, has.tier.as_deref())).await?);
    }
    differences.extend(compare::results(&expect.results, &found));
    let explanation = explanation((tests, &ledger), &events, (&differences, screen)).await?;
    Ok(Outcome { differences, explanation })
}

type Of<'a> = (&'a Tests, &'a Arc<dyn Ledger>);

type Expected<'a> = (&'a std::collections::BTreeMap<String, api::Balance>, Option<&'a str>);

async fn has(
    (tests, ledger): Of<'_>,
    (member, whose): (&MemberId, &str),
    (points, tier): Expected<'_>,
) -> Result<Vec<Difference>, Halt> {
    let name = &tests.pipeline.name;
    let balances = ledger.balance(name, member).await?.unwrap_or_default();
    let mut differences = compare::points(whose, points, &balances);
    if let Some(tiers) = tests.pipeline.spec.program.tiers.as_ref().filter(|_| tier.is_some()) {
        let report = ledger.tiers(name, member).await?.unwrap_or_default();
        let first = tiers.levels.first().map(|level| level.name.to_string()).unwrap_or_default();
        let has = report.now().map_or(first, |line| line.level.to_string());
        differences.extend(compare::tier(whose, tier, &has));
    }
    Ok(differences)
}

/// What `explain` says of the events behind the differences: the one that a result came of, or each that moved points of the wallet. Of a
/// tier all of them.
async fn explanation(
    (tests, ledger): Of<'_>,
    events: &[EventId],
    (differences, screen): (&[Difference], &Screen),
) -> Result<Vec<String>, Halt> {
    let mut told = Vec::new();
    if differences.is_empty() {
        return Ok(told);
    }
    for event in events {
        for report in ledger.explain_event(&tests.pipeline.name, event, None).await? {
            let is_behind = |difference: &Difference| match (&difference.event, &difference.wallet) {
                (Some(id), _) => id == event.as_str(),
                (None, Some(wallet)) => {
                    report.entry.as_ref().is_some_and(|entry| entry.postings.iter().any(|line| line.wallet == *wallet))
                }
                (None, None) => true,
            };
            if differences.iter().any(is_behind) {
                told.push(explain::brief(&report, screen));
            }
        }
    }
    Ok(told)
}
