//! A ledger with a small programme, and as much of an engine as posting needs.
//!
//! The programme: 1 point for each cent of an order, +50 when it has exactly one line, `stars` (one decimal) as the order's
//! `data.stars` says. A refund recomputes that for what was kept (see [`crate::kept`]).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use contract::decision::{Award, Dates, Decision, IdlesUntil, Reads};
use contract::event::{Adjust, Event, Kind, Line, LineRef, Purchase, Redeem, Refund, RefundLine};
use contract::program::{Program, Wallet};
use contract::result::ResultEvent;
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{
    Currency, EventId, EventType, MemberId, Money, OrderId, PipelineName, Points, Quantity, Scale, Source, WalletName,
};
use jiff::Timestamp;
use ledger::audit::{Auditing, Finding};
use ledger::book::{Applied, GivingUp, MemberState, Outcome, Posting, RewardRules, Settling, TierRules};
use ledger::{
    Answer, BatchId, BatchRequest, BatchWrites, Committed, Identity, Ledger, Merger, OpenBatch, Since, Takes, Wanted,
};

use crate::erasing::turned_away;
use crate::holds::on_hold;
use crate::kept::{inputs, late, refunded};
use crate::merging::{merge, said_of};
pub(crate) use crate::told::tell;
pub(crate) use testbed::{database_url, execute as raw_postgres, own_schema as postgres_url};

pub(crate) struct World {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) url: String,
    pub(crate) pipeline: PipelineName,
    pub(crate) ruleset: Ruleset,
    pub(crate) hash: RulesetHash,
    _folder: Option<tempfile::TempDir>,
}

/// Runs each named test on each store, with a world of its own.
macro_rules! on_every_store {
    ($($name:ident)*) => {
        mod sqlite_file { $(#[tokio::test] async fn $name() { super::$name(crate::world::World::sqlite_file().await).await })* }
        mod sqlite_memory { $(#[tokio::test] async fn $name() { super::$name(crate::world::World::sqlite_memory().await).await })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(crate::world::World::postgres().await).await })* }
    };
}
pub(crate) use on_every_store;

/// The same on those whose rows can be reached from outside: a test makes them older than they are.
macro_rules! on_stores_that_last {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(crate::world::World::sqlite_file().await).await })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(crate::world::World::postgres().await).await })* }
    };
}
pub(crate) use on_stores_that_last;

static UTC: jiff::tz::TimeZone = jiff::tz::TimeZone::UTC;

static NO_TIERS: std::sync::LazyLock<TierRules> = std::sync::LazyLock::new(TierRules::default);

impl World {
    pub(crate) async fn sqlite_memory() -> Self {
        Self::with("sqlite::memory:".to_owned(), None).await
    }

    pub(crate) async fn sqlite_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("ledger.db");
        Self::with(format!("sqlite:{}", path.display()), Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::with(postgres_url().await, None).await
    }

    async fn with(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let ledger = ledger::open(&url).unwrap();
        ledger.migrate().await.unwrap();
        let ruleset = ruleset(&[("points", 0), ("stars", 1)]);
        let pipeline = PipelineName::parse("coffee-club").unwrap();
        let since = Since { valid_from: None, author: "test".to_owned() };
        ledger.append_timeline(&pipeline, &ruleset, &since).await.unwrap();
        let hash = ruleset.hash();
        Self { ledger, url, pipeline, ruleset, hash, _folder: folder }
    }

    /// Another worker on the same tables.
    pub(crate) fn beside(other: &Self) -> Self {
        Self::beside_at(other, other.url.clone())
    }

    /// The same, under a name by which its connections can be told from all others of the database.
    pub(crate) fn beside_as(other: &Self, application: &str) -> Self {
        Self::beside_at(other, format!("{}&application_name={application}", other.url))
    }

    fn beside_at(other: &Self, url: String) -> Self {
        Self {
            ledger: ledger::open(&url).unwrap(),
            url,
            pipeline: other.pipeline.clone(),
            ruleset: other.ruleset.clone(),
            hash: other.hash.clone(),
            _folder: None,
        }
    }

    /// Another pipeline of the same ledger.
    pub(crate) async fn sister(&self, name: &str) -> Self {
        let pipeline = PipelineName::parse(&format!("s-{}", name.to_lowercase())).unwrap();
        let since = Since { valid_from: None, author: "test".to_owned() };
        self.ledger.append_timeline(&pipeline, &self.ruleset, &since).await.unwrap();
        let (ruleset, hash) = (self.ruleset.clone(), self.hash.clone());
        Self { ledger: self.ledger.clone(), url: self.url.clone(), pipeline, ruleset, hash, _folder: None }
    }

    /// Changes rows behind the ledger's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("pragma ignore_check_constraints = on").unwrap();
            connection.execute_batch(sql).unwrap();
        } else {
            raw_postgres(&self.url, sql).await;
        }
    }

    /// Names of the tables of an SQLite ledger.
    pub(crate) fn tables(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.url.strip_prefix("sqlite:").unwrap()).unwrap();
        let sql = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Decides events in one batch; panics when the store refuses it.
    pub(crate) async fn batch(&self, events: &[Event]) -> Vec<Said> {
        match self.try_batch(events).await {
            (said, Committed::Done(_)) => said,
            (_, other) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn one(&self, event: Event) -> Said {
        self.batch(&[event]).await.remove(0)
    }

    pub(crate) async fn try_batch(&self, events: &[Event]) -> (Vec<Said>, Committed) {
        self.attempt(events).await.unwrap()
    }

    /// Decides events in one batch, if the store is there.
    pub(crate) async fn attempt(&self, events: &[Event]) -> Result<(Vec<Said>, Committed), ledger::LedgerError> {
        let runs: Vec<&[Event]> = ledger::runs(events).collect();
        if runs.len() > 1 {
            return Box::pin(self.in_runs(&runs)).await;
        }
        let (open, said, writes) = self.decided(events).await?;
        let committed = open.commit(writes).await?;
        Ok((said, committed))
    }

    /// Decides events, and is gone with what was decided: what it would have said.
    pub(crate) async fn dies_before_the_commit_of(&self, events: &[Event]) -> Vec<Said> {
        self.decided(events).await.unwrap().1
    }

    /// Commits what was decided of an event as if it had been decided so often.
    pub(crate) async fn commits_so_often(&self, times: usize, event: &Event) -> Committed {
        let (open, _, writes) = self.decided(std::slice::from_ref(event)).await.unwrap();
        let applied = std::iter::repeat_n(&writes.applied[0], times).cloned().collect();
        open.commit(BatchWrites { applied, ..writes }).await.unwrap()
    }

    async fn decided(
        &self,
        events: &[Event],
    ) -> Result<(Box<dyn OpenBatch>, Vec<Said>, BatchWrites), ledger::LedgerError> {
        let (open, mut begun) = self.ledger.begin(&self.request(events)).await?;
        let mut run = Run { world: self, writes: BatchWrites::default() };
        let mut said: Vec<Said> = Vec::new();
        for (event, answer) in events.iter().zip(std::mem::take(&mut begun.answers)) {
            let theirs = said_of(event, &begun.followed);
            if let (Answer::Fresh, Some(merger)) = (&answer, Merger::of(event)) {
                said.push(merge(self, &merger.unwrap(), &mut begun, &mut run.writes.applied));
                continue;
            }
            let (identity, hash) = (Identity::of(event), event.content_hash());
            let event = &theirs;
            let state = begun.members.get_mut(&event.member).unwrap();
            let answer = match answer {
                Answer::Fresh => run.decide(event, state),
                Answer::Replayed { outcome, results, .. } => Said::Replayed(outcome, results),
                Answer::Clash => Said::Clash,
                Answer::Twin { of, same } => match (&said[of], same) {
                    (Said::Refused(_), _) => run.decide(event, state),
                    (Said::Fresh(outcome, results), true) => Said::Replayed(*outcome, results.clone()),
                    (_, true) => said[of].clone(),
                    (_, false) => Said::Clash,
                },
            };
            said.push(answer);
            let own = run.writes.applied.iter_mut().filter(|applied| applied.identity == identity);
            own.for_each(|applied| applied.hash = hash);
        }
        Ok((open, said, run.writes))
    }

    /// A merge is a batch of its own.
    async fn in_runs(&self, runs: &[&[Event]]) -> Result<(Vec<Said>, Committed), ledger::LedgerError> {
        let (mut said, mut last) = (Vec::new(), Committed::Raced);
        for run in runs {
            let (of_run, committed) = self.attempt(run).await?;
            said.extend(of_run);
            last = committed;
            if !matches!(last, Committed::Done(_)) {
                break;
            }
        }
        Ok((said, last))
    }

    pub(crate) fn request(&self, events: &[Event]) -> BatchRequest {
        let wanted = |event: &Event| Wanted {
            identity: Identity::of(event),
            hash: event.content_hash(),
            member: event.member.clone(),
            reads: Reads {
                order: event.order().cloned(),
                hold: event.hold().cloned(),
                recipient: event.recipient().cloned(),
                idles: active(event).values().any(|until| until.warns.is_some()),
                ..Reads::default()
            },
            takes: Takes::of(event, &self.ruleset),
            at: event.occurred_at,
        };
        let arrivals = events.iter().filter_map(Merger::of).map(|merger| merger.unwrap().wanted());
        let (wanted, rewards) = (events.iter().map(wanted).chain(arrivals).collect(), self.rewards().wallets());
        BatchRequest { pipeline: self.pipeline.clone(), wanted, rewards, budgets: Vec::new(), tiers: None }
    }

    pub(crate) fn rewards(&self) -> RewardRules {
        RewardRules::of([(None, &self.hash, &self.ruleset)].into_iter())
    }

    /// Of an event that is no activity anywhere.
    pub(crate) fn posting<'a>(&'a self, event: &'a Event, decision: &'a Decision) -> Posting<'a> {
        static NOWHERE: BTreeMap<WalletName, IdlesUntil> = BTreeMap::new();
        Posting {
            pipeline: &self.pipeline,
            event,
            hash: event.content_hash(),
            decision,
            ruleset_hash: &self.hash,
            ruleset: &self.ruleset,
            active: &NOWHERE,
        }
    }

    pub(crate) fn settle(&self, state: &mut MemberState, whose: (&MemberId, &Identity), by: Timestamp) -> Vec<Applied> {
        state.settle(self.settling(whose, by, &self.rewards())).unwrap()
    }

    pub(crate) fn settling<'a>(
        &'a self,
        (member, cause): (&'a MemberId, &'a Identity),
        by: Timestamp,
        rewards: &'a RewardRules,
    ) -> Settling<'a> {
        let (pipeline, ruleset_hash, ruleset) = (&self.pipeline, &self.hash, &self.ruleset);
        Settling { pipeline, member, cause, by, past: by, ruleset_hash, ruleset, zone: &UTC, rewards, tiers: &NO_TIERS }
    }

    /// What the balance has points for after this.
    fn reward(
        &self,
        state: &mut MemberState,
        (cause, at): (&Identity, Timestamp),
        applied: &mut Applied,
    ) -> Option<Applied> {
        let member = applied.member.clone();
        state.reward(self.settling((&member, cause), at, &self.rewards()), at, applied).unwrap()
    }

    pub(crate) async fn available(&self, member: &str, wallet: &str) -> String {
        let balances = self.ledger.balance(&self.pipeline, &id(member)).await.unwrap().unwrap_or_default();
        let found = balances.iter().find(|balance| balance.wallet.as_str() == wallet);
        found.map_or("0".to_owned(), |balance| balance.available.to_string())
    }

    /// Available part of each lot, in burn order.
    pub(crate) async fn lots(&self, member: &str) -> Vec<(i64, String)> {
        let balances = self.ledger.balance(&self.pipeline, &id(member)).await.unwrap().unwrap_or_default();
        let points = balances.into_iter().find(|balance| balance.wallet.as_str() == "points");
        points
            .into_iter()
            .flat_map(|balance| balance.lots)
            .map(|lot| (lot.sequence, lot.available.to_string()))
            .collect()
    }

    /// taken, waived of each award of a purchase
    pub(crate) async fn awards(&self, event: &str) -> Vec<(String, String)> {
        let id = EventId::parse(event).unwrap();
        let reports = self.ledger.explain_event(&self.pipeline, &id, None).await.unwrap();
        let entry = reports.into_iter().next().and_then(|report| report.entry);
        let awards = entry.map(|entry| entry.awards).unwrap_or_default();
        awards.iter().map(|award| (award.taken.to_string(), award.waived.to_string())).collect()
    }

    /// Differences; results that are not published yet are none.
    pub(crate) async fn differences(&self) -> Vec<Finding> {
        let mut findings = self.ledger.audit(&self.pipeline, Auditing::Running, &|_, _| ()).await.unwrap();
        findings.retain(|finding| !finding.pending);
        findings
    }

    pub(crate) async fn audits_clean(&self) {
        assert_eq!(self.differences().await, []);
    }
}

/// What came out for one event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Fresh(Outcome, Vec<ResultEvent>),
    Replayed(Outcome, Vec<ResultEvent>),
    Clash,
    Refused(contract::BuryReason),
}

impl Said {
    /// One line a result: type, wallet, points, what is left or missing.
    pub(crate) fn told(&self) -> Vec<String> {
        match self {
            Self::Fresh(_, results) | Self::Replayed(_, results) => results.iter().map(tell).collect(),
            Self::Clash => vec!["clash".to_owned()],
            Self::Refused(reason) => vec![format!("refused {reason}")],
        }
    }
}

struct Run<'a> {
    world: &'a World,
    writes: BatchWrites,
}

impl Run<'_> {
    fn decide(&mut self, event: &Event, state: &mut MemberState) -> Said {
        if state.is_erased() {
            let applied = turned_away(self.world, event, state);
            let said = Said::Fresh(applied.outcome, applied.results.clone());
            self.writes.applied.push(applied);
            return said;
        }
        let (cause, rewards) = (Identity::of(event), self.world.rewards());
        let said = self.settle_and_post((event, &cause), state, &rewards);
        let Said::Fresh(outcome, mut results) = said else { return said };
        let (mut last, mut at) = (self.writes.applied.len() - 1, event.occurred_at);
        if let Kind::Purchase(purchase) = &event.kind {
            for parked in state.parked(&purchase.order).to_vec() {
                if let Said::Refused(_) = self.settle_and_post((&parked, &cause), state, &RewardRules::default()) {
                    let hash = parked.content_hash();
                    let giving = GivingUp { event: &parked, hash, ruleset_hash: &self.world.hash };
                    self.writes.applied.push(state.give_up(giving));
                } else {
                    (last, at) = (self.writes.applied.len() - 1, at.max(parked.occurred_at));
                }
            }
        }
        let given = self.world.reward(state, (&cause, at), &mut self.writes.applied[last]);
        results.extend(given.iter().flat_map(|given| given.results.clone()));
        self.writes.applied.extend(given);
        Said::Fresh(outcome, results)
    }

    fn settle_and_post(
        &mut self,
        (event, cause): (&Event, &Identity),
        state: &mut MemberState,
        rewards: &RewardRules,
    ) -> Said {
        let mut after = state.clone();
        let due = self.world.settle_for(&mut after, (event, cause), rewards);
        let (told, written) =
            (due.iter().flat_map(|due| due.results.clone()).collect::<Vec<_>>(), self.writes.applied.len());
        self.writes.applied.extend(due);
        match self.post(event, &mut after) {
            Said::Fresh(outcome, results) => {
                *state = after;
                Said::Fresh(outcome, [told, results].concat())
            }
            refused => {
                self.writes.applied.truncate(written);
                refused
            }
        }
    }

    fn post(&mut self, event: &Event, state: &mut MemberState) -> Said {
        let decision = match decide(event, state) {
            Ok(decision) => decision,
            Err(reason) => return Said::Refused(reason),
        };
        let active = active(event);
        match state.post(Posting { active: &active, ..self.world.posting(event, &decision) }) {
            Ok(applied) => {
                let said = Said::Fresh(applied.outcome, applied.results.clone());
                self.writes.applied.push(applied);
                said
            }
            Err(refusal) => Said::Refused(refusal.reason),
        }
    }
}

pub(crate) fn decide(event: &Event, state: &MemberState) -> Result<Decision, contract::BuryReason> {
    Ok(match &event.kind {
        Kind::Purchase(purchase) => Decision::Purchase { awards: awards(event, &purchase.lines), tallies: Vec::new() },
        Kind::Refund(refund) => match state.order(&refund.order) {
            Some(order) => refunded(order, (event, refund), state)?,
            None => Decision::Park { order: refund.order.clone() },
        },
        Kind::Redeem(redeem) => {
            let wallet = redeem.wallet.clone().unwrap_or_else(|| id("points"));
            let points = Points(i64::try_from(redeem.points.get()).unwrap());
            let gives_back = late((event, redeem.order.as_ref()), (wallet.clone(), points), state);
            Decision::Redeem { wallet, points, gives_back }
        }
        Kind::Adjust(adjust) => Decision::Adjust {
            wallet: adjust.wallet.clone().unwrap_or_else(|| id("points")),
            points: Points(i64::try_from(adjust.points).unwrap()),
            dates: Dates { activates: adjust.activates, expires: adjust.expires, ..Dates::default() },
        },
        Kind::Reinstate(reinstate) => Decision::Reinstate {
            wallet: reinstate.wallet.clone().unwrap_or_else(|| id("points")),
            points: Points::from_decimal(reinstate.points.get(), Scale::default()).unwrap(),
            dates: Dates { expires: reinstate.expires, ..Dates::default() },
        },
        Kind::Hold(_) | Kind::Capture(_) | Kind::Release(_) => on_hold(event, state),
        Kind::Transfer(transfer) => Decision::Transfer {
            to: transfer.to.clone(),
            wallet: transfer.wallet.clone().unwrap_or_else(|| id("points")),
            points: Points(i64::try_from(transfer.points.get()).unwrap()),
        },
        Kind::Freeze(word) => Decision::Freeze(word.clone()),
        Kind::Unfreeze(word) => Decision::Unfreeze(word.clone()),
        Kind::Erase(word) => Decision::Erase(word.clone()),
        Kind::Merge(merge) => Decision::Merge(merge.clone()),
        Kind::Promote(_) => unreachable!("no world has tiers"),
        Kind::OfOrder(of) if state.order(&of.order).is_none() => Decision::Park { order: of.order.clone() },
        Kind::Signup | Kind::Custom(_) | Kind::OfOrder(_) => {
            Decision::Activity { awards: awards(event, &[]), tallies: Vec::new() }
        }
    })
}

pub(crate) fn awards(event: &Event, lines: &[Line]) -> Vec<Award> {
    let sum: i64 = lines.iter().map(|line| line.amount.minor).sum();
    let bonus = if lines.len() == 1 { 50 } else { 0 };
    let stars = event.data.get("stars").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let given = [("base", "points", sum), ("single", "points", bonus), ("stars", "stars", stars)];
    let dates = dates(event);
    let award = |(rule, wallet, points)| Award {
        rule: id(rule),
        wallet: id(wallet),
        points: Points(points),
        dates: if wallet == "points" { dates } else { Dates::default() },
        until: until(event).filter(|_| wallet == "points"),
        inputs: inputs(),
    };
    given.into_iter().filter(|(_, _, points)| *points > 0).map(award).collect()
}

/// Points wait and last for so many days as the event's `data` says, or end with those of the wallet that idle.
fn dates(event: &Event) -> Dates {
    let (idle, last) = (day(event, "idle"), day(event, "last"));
    let expires = idle.or(last);
    Dates { activates: day(event, "wait"), expires, idles: idle.is_some(), warns: warning(event, expires) }
}

/// Points wait for that to happen to their order which the event's `data` says.
fn until(event: &Event) -> Option<EventType> {
    event.data.get("until").and_then(serde_json::Value::as_str).map(id)
}

/// So many days before the end as the event's `data` says.
fn warning(event: &Event, end: Option<Timestamp>) -> Option<Timestamp> {
    let before = event.data.get("warn").and_then(serde_json::Value::as_i64)?;
    end.map(|end| event.occurred_at.max(end - jiff::SignedDuration::from_hours(24 * before)))
}

/// Points of the wallet end no sooner than so many days after an event whose `data` says so.
pub(crate) fn active(event: &Event) -> BTreeMap<WalletName, IdlesUntil> {
    let until = |end| IdlesUntil { end, warns: warning(event, Some(end)) };
    day(event, "active").map(|end| (id("points"), until(end))).into_iter().collect()
}

fn day(event: &Event, name: &str) -> Option<Timestamp> {
    let days = event.data.get(name).and_then(serde_json::Value::as_i64)?;
    Some(event.occurred_at + jiff::SignedDuration::from_hours(24 * days))
}

pub(crate) fn ruleset(wallets: &[(&str, u32)]) -> Ruleset {
    let wallet = |(name, scale): &(&str, u32)| Wallet {
        name: id(name),
        scale: Scale::try_from(*scale).unwrap(),
        pending: None,
        expiry: None,
        holds: None,
        auto_reward: None,
    };
    Ruleset::new(&Program::new(usd(), wallets.iter().map(wallet).collect()), &[])
}

pub(crate) fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

/// Any name or id from its text.
pub(crate) fn id<T>(text: &str) -> T
where
    T: TryFrom<String>,
    T::Error: std::fmt::Debug,
{
    T::try_from(text.to_owned()).unwrap()
}

pub(crate) fn event(name: &str, member: &str, kind: Kind) -> Event {
    Event {
        source: id::<Source>("shop"),
        id: id::<EventId>(name),
        occurred_at: "2026-11-01T12:00:00Z".parse().unwrap(),
        member: id::<MemberId>(member),
        channel: None,
        data: BTreeMap::new(),
        kind,
    }
}

/// A purchase of lines of so many cents; the event has the order's name.
pub(crate) fn bought(order: &str, member: &str, lines: &[i64]) -> Event {
    let usd = usd();
    let one = Quantity::parse("1").unwrap();
    let line =
        |(n, minor): (usize, &i64)| Line::plain((n + 1).to_string(), one, Money { minor: *minor, currency: usd });
    let amount = Money { minor: lines.iter().sum(), currency: usd };
    let lines = lines.iter().enumerate().map(line).collect();
    event(order, member, Kind::Purchase(Purchase { order: id::<OrderId>(order), amount, lines }))
}

pub(crate) fn with_stars(mut event: Event, stars: i64) -> Event {
    event.data.insert("stars".to_owned(), stars.into());
    event
}

/// A return of lines; of the whole order when none is named.
pub(crate) fn back(name: &str, member: &str, order: &str, lines: &[&str]) -> Event {
    let line = |line: &&str| RefundLine { line: LineRef::Id((*line).to_owned()), quantity: None, amount: None };
    let refund = Refund { order: id::<OrderId>(order), lines: lines.iter().map(line).collect(), amount: None };
    event(name, member, Kind::Refund(refund))
}

pub(crate) fn spend(name: &str, member: &str, points: i64) -> Event {
    let points = Quantity::parse(&points.to_string()).unwrap();
    event(name, member, Kind::Redeem(Redeem { wallet: None, points, order: None }))
}

pub(crate) fn adjust(name: &str, member: &str, points: i64) -> Event {
    let adjust = Adjust {
        wallet: None,
        points: points.into(),
        reason: "goodwill".to_owned(),
        author: "ann".to_owned(),
        activates: None,
        expires: None,
    };
    event(name, member, Kind::Adjust(adjust))
}

pub(crate) fn done(committed: &Committed) -> BatchId {
    match committed {
        Committed::Done(batch) => *batch,
        other => panic!("{other:?}"),
    }
}
