//! Many workers and one budget: a paused one that wakes up, eight at once, connections that are killed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use contract::MemberId;
use contract::decision::Facts;
use engine::EngineError;
use ledger::book::{Applied, MemberState, Posting};
use ledger::{
    BatchRequest, BatchWrites, BudgetWanted, Committed, Identity, LedgerError, OpenBatch, Takes, UnderWay, Wanted,
};
use rules::Compiled;

use testbed::database_url;

use super::campaign::{Campaign, base_and_spring, buy, raw_postgres, refund};
use super::told;
use crate::shop::pipeline;

const WORKERS: u64 = 8;
const ORDERS: u64 = 240;
const MEMBERS: u64 = 6;

/// A worker between deciding and its commit.
struct Paused {
    open: Box<dyn OpenBatch>,
    applied: Applied,
}

impl Paused {
    async fn on(campaign: &Campaign, line: &str) -> Self {
        campaign.preview(line).await;
        let rulebook = campaign.engine.rulebook();
        let rules: Arc<Compiled> = rulebook.timeline.latest().unwrap().clone();
        let event = campaign.read(line);
        let budgets = rules.ruleset().program.budgets.iter().map(|budget| BudgetWanted {
            name: budget.name.clone(),
            wallet: budget.wallet.clone(),
            limit: contract::Points(i64::try_from(budget.points.get()).unwrap()),
        });
        let wanted = Wanted {
            identity: Identity::of(&event),
            hash: event.content_hash(),
            member: event.member.clone(),
            reads: rules.reads(&event),
            takes: Takes::Nothing,
            at: event.occurred_at,
        };
        let request = BatchRequest {
            pipeline: pipeline(),
            wanted: vec![wanted],
            rewards: Vec::new(),
            budgets: budgets.collect(),
            tiers: None,
        };
        let (open, mut begun) = campaign.ledger.begin(&request).await.unwrap();
        let members: &mut HashMap<MemberId, MemberState> = &mut begun.members;
        let state = members.get_mut(&event.member).unwrap();
        let decision = rules.decide(&event, Facts { rooms: Some(&begun.rooms), ..Facts::default() }).unwrap();
        let posting = Posting {
            pipeline: &pipeline(),
            event: &event,
            hash: event.content_hash(),
            decision: &decision,
            ruleset_hash: rules.hash(),
            ruleset: rules.ruleset(),
            active: &std::collections::BTreeMap::new(),
        };
        let applied = state.post(posting).unwrap();
        Self { open, applied }
    }

    async fn wakes_up(self) -> Committed {
        self.open.commit(BatchWrites { applied: vec![self.applied], ..BatchWrites::default() }).await.unwrap()
    }
}

/// A leases a slice and is paused in mid batch; B recalls it and gives it away; A wakes up and commits.
#[tokio::test]
async fn a_paused_worker_that_wakes_up_overshoots_nothing_and_decides_again() {
    let campaign = Campaign::postgres().await;
    campaign.rules(&base_and_spring(), "1000").await;
    let (a, b) = (campaign.beside().await, campaign.beside().await);
    a.apply(&[&buy("a1", "ann", "1.00")]).await;
    let paused = Paused::on(&a, &buy("a2", "ann", "2.00")).await;
    // Out of its own slice, which it has.
    assert!(campaign.slices().await[0] >= 20);
    assert_eq!(
        told(&b.apply(&[&buy("b1", "bob", "100.00")]).await[0]),
        ["earned 1090", "spring gave spring 990 of 1000"]
    );
    assert_eq!(campaign.stands().await, "1000 used, 0 left");
    assert_eq!(paused.wakes_up().await, Committed::Raced);
    assert_eq!(told(&a.apply(&[&buy("a2", "ann", "2.00")]).await[0]), ["earned 2", "spring gave spring 0 of 20"]);
    assert_eq!(campaign.stands().await, "1000 used, 0 left");
    campaign.audits_clean().await;
}

/// The same where the pool was asked and has too little by then; and where it still has enough, nobody is in the way.
#[tokio::test]
async fn a_paused_worker_that_asks_the_pool_is_given_no_more_than_is_left_by_then() {
    let campaign = Campaign::postgres().await;
    campaign.rules(&base_and_spring(), "1000").await;
    let (a, b) = (campaign.beside().await, campaign.beside().await);
    let paused = Paused::on(&a, &buy("a1", "ann", "60.00")).await;
    b.apply(&[&buy("b1", "bob", "50.00")]).await;
    assert_eq!(paused.wakes_up().await, Committed::Raced);
    let paused = Paused::on(&a, &buy("a1", "ann", "60.00")).await;
    b.apply(&[&refund("r1", "bob", "b1", r#","amount":"10.00""#)]).await;
    // It decided by what was left then: 500 of the 600 that are there now.
    assert!(matches!(paused.wakes_up().await, Committed::Done(_)));
    assert_eq!(campaign.stands().await, "900 used, 100 left");
    campaign.audits_clean().await;
}

/// Two batches of one worker share its slice.
#[tokio::test]
async fn two_batches_of_one_worker_share_its_slice() {
    let campaign = Campaign::postgres().await;
    campaign.rules(&base_and_spring(), "1600").await;
    campaign.apply(&[&buy("a0", "eve", "1.00")]).await;
    let unused = campaign.slices().await[0];
    let amount = format!("{}.00", unused / 10);
    let (first, second) = (buy("a1", "ann", &amount), buy("a2", "bob", &amount));
    let paused = Paused::on(&campaign, &first).await;
    campaign.apply(&[&second]).await;
    assert_eq!(paused.wakes_up().await, Committed::Raced, "what it had is used");
    campaign.apply(&[&first]).await;
    campaign.audits_clean().await;
}

/// Purchases, refunds, redemptions, holds and transfers of hot members, each worker with most of them in an order of its own and in its own batches.
fn lines(worker: u64) -> Vec<String> {
    let mut lines = Vec::new();
    for n in (0..ORDERS).filter(|n| !(n + worker).is_multiple_of(4)) {
        let (order, member) = (format!("o{n}"), format!("m{}", n % MEMBERS));
        lines.push(buy(&order, &member, &format!("{}.00", 1 + n % 7)));
        if n.is_multiple_of(5) {
            lines.push(refund(&format!("r{n}"), &member, &order, r#","amount":"1.00""#));
        }
        let other = format!("m{}", (n + 1) % MEMBERS);
        let of_hold = format!(r#""hold":"h{n}""#);
        lines.extend(match n % 4 {
            0 => vec![said("s", n, ("transfer", &member), &format!(r#""to":"{other}","points":"{}""#, 1 + n % 9))],
            1 => vec![said("p", n, ("redeem", &member), &format!(r#""points":"{}""#, 1 + n % 20))],
            2 => vec![
                said("h", n, ("hold", &member), &format!(r#"{of_hold},"points":"{}""#, 1 + n % 20)),
                said("c", n, ("capture", &member), &format!(r#"{of_hold},"points":"1""#)),
                said("l", n, ("release", &member), &of_hold),
            ],
            _ => Vec::new(),
        });
    }
    lines.sort_by_key(|line| {
        let seed = line.bytes().fold(worker, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    lines
}

fn said(name: &str, n: u64, (kind, member): (&str, &str), rest: &str) -> String {
    format!(r#"{{"id":"{name}{n}","type":"{kind}","occurredAt":"2026-01-31T12:00:00Z","member":"{member}",{rest}}}"#)
}

/// What anybody sent arrives, whoever else carries it at the same time.
async fn carry(campaign: &Campaign) -> Result<(), EngineError> {
    while campaign.engine.carry(UnderWay::For(Duration::ZERO), 20, &HashSet::new()).await?.is_some() {}
    Ok(())
}

async fn eight_at_once(killed: bool) {
    let campaign = Campaign::postgres().await;
    // About two thirds of what all of them would earn.
    let budget = 6000;
    campaign.rules(&base_and_spring(), &budget.to_string()).await;
    let name = format!("budget-{}-{killed}", std::process::id());
    let mut tasks = Vec::new();
    for worker in 0..WORKERS {
        let campaign = campaign.beside_as(&name).await;
        tasks.push(tokio::spawn(async move {
            let (lines, mut at, mut lost) = (lines(worker), 0, 0);
            while at < lines.len() {
                let size = 1 + (usize::try_from(worker).unwrap() + at) % 9;
                let batch: Vec<&str> = lines[at..].iter().take(size).map(String::as_str).collect();
                let applied = campaign.try_apply(&batch).await;
                at += if applied.is_ok() { batch.len() } else { 0 };
                match if applied.is_ok() { carry(&campaign).await } else { applied.map(drop) } {
                    Ok(()) => {}
                    Err(EngineError::Ledger(LedgerError::Away { .. })) => lost += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            lost
        }));
    }
    let killing = killed.then(|| tokio::spawn(kill(name)));
    let mut lost = 0;
    for task in tasks {
        lost += tokio::time::timeout(Duration::from_mins(3), task).await.expect("workers block each other").unwrap();
    }
    killing.inspect(tokio::task::JoinHandle::abort);
    assert_eq!(lost > 0, killed, "{lost} batches were lost");
    carry(&campaign).await.unwrap();
    campaign.audits_clean().await;
    let totals = campaign.ledger.totals(&pipeline()).await.unwrap();
    assert_eq!(
        totals.events.keys().map(String::as_str).collect::<Vec<_>>(),
        ["Applied", "Rejected"],
        "{:?}",
        totals.events
    );
    let sums = &totals.wallets[0];
    assert_eq!(sums.transit.to_string(), "0");
    assert_ne!(sums.spent.to_string(), "0");
    // Whatever room late refunds left is given to the next.
    campaign.apply(&[&buy("last", "m0", "100000.00")]).await;
    assert_eq!(campaign.stands().await, format!("{budget} used, 0 left"), "exactly");
    campaign.audits_clean().await;
}

async fn kill(name: String) {
    let kill = format!(
        "select pg_terminate_backend(pid) from (
             select pid from pg_stat_activity where application_name = '{name}' order by random() limit 1) as one"
    );
    loop {
        raw_postgres(&database_url(), &kill).await;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_give_all_of_a_budget_and_not_a_point_more() {
    eight_at_once(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_whose_connections_are_killed_give_all_of_it_and_not_a_point_more() {
    eight_at_once(true).await;
}

/// Near the end each takes what others have; the last points go to whoever comes.
#[tokio::test(flavor = "multi_thread")]
async fn workers_that_race_for_the_last_points_all_come_to_an_end() {
    let campaign = Campaign::postgres().await;
    campaign.rules(&base_and_spring(), "555").await;
    let mut tasks = Vec::new();
    for worker in 0..WORKERS {
        let campaign = campaign.beside().await;
        tasks.push(tokio::spawn(async move {
            for n in 0..20 {
                campaign.apply(&[&buy(&format!("o{worker}-{n}"), &format!("m{worker}"), "1.00")]).await;
            }
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(2), task).await.expect("workers keep each other from it").unwrap();
    }
    assert_eq!(campaign.stands().await, "555 used, 0 left");
    let total = campaign.ledger.totals(&pipeline()).await.unwrap().wallets.remove(0);
    assert_eq!(total.available.to_string(), (555 + 160).to_string());
    campaign.audits_clean().await;
}
