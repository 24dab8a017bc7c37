//! What stands while one batch commits, seen from beside it. On `PostgreSQL`: `SQLite` has one writer, and nothing is begun beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Batch, Line, Settled};
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::{batches, in_line, told};
use crate::budgets::campaign::{Campaign, buy, raw_postgres, refund};
use crate::shop::{NOW, earn, words};

const DEADLINE: Duration = Duration::from_mins(1);

/// A shop whose batch with event `held` cannot commit before the gate is opened.
struct Held {
    shop: Campaign,
    /// By which its connections are told from others.
    name: String,
    /// Has the lock for which the event waits.
    keeper: Client,
}

impl Held {
    async fn new() -> Self {
        let shop = Campaign::postgres().await;
        shop.rules_without_budget(&json!([earn("base", "1")])).await;
        let key = i64::try_from(jiff::Timestamp::now().as_nanosecond() % i128::from(i64::MAX)).unwrap();
        let gate = format!(
            "create function gate() returns trigger language plpgsql as $$
             begin perform pg_advisory_xact_lock_shared({key}); return new; end $$;
             create trigger gate before insert on inbox for each row when (new.event_id = 'held') execute function gate()"
        );
        shop.tamper(&gate).await;
        let (keeper, connection) = tokio_postgres::connect(&shop.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        keeper.batch_execute(&format!("select pg_advisory_lock({key})")).await.unwrap();
        let name = format!("line-{key}");
        Self { shop: shop.beside_as(&name).await, name, keeper }
    }

    async fn opens(&self) {
        self.keeper.batch_execute("select pg_advisory_unlock_all()").await.unwrap();
    }

    async fn count(&self, which: &str) -> usize {
        let sql = format!("select 1 from pg_stat_activity where application_name = '{}' and {which}", self.name);
        rows(&self.keeper.simple_query(&sql).await.unwrap())
    }

    async fn until(&self, what: &str, which: &str) {
        let begun = Instant::now();
        while self.count(which).await == 0 {
            assert!(begun.elapsed() < DEADLINE, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The first batch waits at the gate, and the second one is begun beside it.
    async fn are_two(&self) {
        self.until("the first batch is on its way", COMMITS).await;
        self.until("the second one is begun", BEGUN).await;
        let kept = raw_postgres(&self.shop.url, "select 1 from inbox where event_id in ('held', 'next')").await;
        assert_eq!(rows(&kept), 0, "nothing is committed");
    }
}

const COMMITS: &str = "wait_event = 'advisory'";
const BEGUN: &str = "state = 'idle in transaction'";
const WAITS: &str = "wait_event in ('transactionid', 'tuple')";

fn rows(messages: &[tokio_postgres::SimpleQueryMessage]) -> usize {
    messages.iter().filter(|message| matches!(message, tokio_postgres::SimpleQueryMessage::Row(_))).count()
}

fn two(first: &[String], second: &[String]) -> [Vec<String>; 2] {
    [first.to_vec(), second.to_vec()]
}

fn all_words(settled: &[Vec<Settled>]) -> Vec<Vec<String>> {
    settled.iter().map(|batch| words(batch)).collect()
}

#[tokio::test]
async fn the_next_batch_is_begun_while_one_commits_and_committed_after_it() {
    let held = Held::new().await;
    let batches = batches(&held.shop, &two(&[buy("held", "ann", "10.00")], &[buy("next", "bob", "20.00")]));
    let seen = async {
        held.are_two().await;
        held.opens().await;
    };
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), seen);
    let settled = settled.unwrap();
    assert_eq!(all_words(&settled), [["Applied 1"], ["Applied 1"]]);
    let batch = |settled: &Settled| match settled {
        Settled::Fresh { batch, .. } => *batch,
        other => panic!("{other:?}"),
    };
    assert!(batch(&settled[0][0]) < batch(&settled[1][0]), "recorded in their order");
    held.shop.audits_clean().await;
}

#[tokio::test]
async fn a_member_of_both_batches_is_waited_for_and_seen_as_the_first_one_left_them() {
    let held = Held::new().await;
    let lines = two(&[buy("held", "ann", "10.00")], &[spend("next"), buy("held", "ann", "10.00")]);
    let batches = batches(&held.shop, &lines);
    let seen = async {
        held.until("the first batch is on its way", COMMITS).await;
        held.until("the second one waits for its member", WAITS).await;
        held.opens().await;
    };
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), seen);
    assert_eq!(all_words(&settled.unwrap()), [vec!["Applied 1"], vec!["Applied 1", "Replayed 1"]]);
    assert_eq!(held.shop.available("ann").await, "0");
    held.shop.audits_clean().await;
}

/// Most of a batch need not wait, though some of it has to.
#[tokio::test]
async fn events_of_other_members_are_decided_before_those_of_a_member_of_both() {
    let held = Held::new().await;
    let lines = two(&[buy("held", "ann", "10.00")], &[spend("first"), buy("next", "bob", "20.00"), spend("last")]);
    let batches = batches(&held.shop, &lines);
    let seen = async {
        held.are_two().await;
        held.opens().await;
    };
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), seen);
    assert_eq!(all_words(&settled.unwrap()), [vec!["Applied 1"], vec!["Applied 1", "Applied 1", "Rejected 1"]]);
    assert_eq!((held.shop.available("ann").await, held.shop.available("bob").await), ("0".into(), "20".into()));
    held.shop.audits_clean().await;
}

/// Somebody else comes first to the member of both, and is not waited for out of the order: all of the batch is begun again.
#[tokio::test]
async fn who_comes_between_for_a_member_of_both_batches_is_first() {
    let held = Held::new().await;
    held.shop.apply(&[&buy("before", "ann", "1.00")]).await;
    let lines = two(&[buy("held", "ann", "10.00")], &[spend("next"), buy("other", "bob", "20.00")]);
    let batches = batches(&held.shop, &lines);
    let (now, mut line) = (NOW.parse().unwrap(), Line::of(&held.shop.engine));
    let seen = async {
        held.are_two().await;
        held.opens().await;
    };
    let (first, ()) = tokio::join!(line.apply(&batches[0], || Some(batches[1].clone()), now), seen);
    let (between, connection) = tokio_postgres::connect(&held.shop.url, NoTls).await.unwrap();
    tokio::spawn(connection);
    between.batch_execute("begin; select 1 from member where external_id = 'ann' for update").await.unwrap();
    let goes_on = async {
        held.until("the second one waits for its member", WAITS).await;
        between.batch_execute("update balance set available = 9; commit").await.unwrap();
    };
    let (second, ()) = tokio::join!(line.apply(&batches[1], || None, now), goes_on);
    assert_eq!(all_words(&[first.unwrap(), second.unwrap()]), [vec!["Applied 1"], vec!["Rejected 1", "Applied 1"]]);
}

fn spend(id: &str) -> String {
    format!(r#"{{"id":"{id}","type":"redeem","occurredAt":"2026-01-31T12:00:00Z","member":"ann","points":"10"}}"#)
}

/// Of one identity, and no member in common: nothing is waited for, and the database itself refuses the second one's row.
#[tokio::test]
async fn one_identity_in_both_batches_is_decided_again_behind_the_first() {
    let held = Held::new().await;
    let batches = batches(
        &held.shop,
        &two(&[buy("held", "ann", "10.00")], &[buy("held", "bob", "10.00"), buy("next", "bob", "1.00")]),
    );
    let seen = async {
        held.are_two().await;
        held.opens().await;
    };
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), seen);
    assert_eq!(all_words(&settled.unwrap()), [vec!["Applied 1"], vec!["IdentityClash", "Applied 1"]]);
    assert_eq!(held.shop.available("bob").await, "1");
    held.shop.audits_clean().await;
}

/// Kills the connections of which this is so.
async fn kill(held: &Held, which: &str) {
    let sql = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{}' and {which}",
        held.name
    );
    held.keeper.simple_query(&sql).await.unwrap();
}

#[tokio::test]
async fn a_killed_connection_costs_no_more_than_another_try() {
    for (which, is_of_first) in [(COMMITS, true), (BEGUN, false)] {
        let held = Held::new().await;
        let batches = batches(&held.shop, &two(&[buy("held", "ann", "10.00")], &[buy("next", "bob", "20.00")]));
        let now = NOW.parse().unwrap();
        let mut line = Line::of(&held.shop.engine);
        let seen = async {
            held.are_two().await;
            kill(&held, which).await;
            held.opens().await;
        };
        let (first, ()) = tokio::join!(line.apply(&batches[0], || Some(batches[1].clone()), now), seen);
        assert_eq!(first.is_err(), is_of_first, "{first:?}");
        // What was begun behind a batch that failed is gone: it holds nobody back.
        let first = match first {
            Ok(first) => first,
            Err(_) => line.apply(&batches[0], || Some(batches[1].clone()), now).await.unwrap(),
        };
        // Its own connection may be the one that is gone.
        let second = match line.apply(&batches[1], || None, now).await {
            Ok(second) => second,
            Err(_) => line.apply(&batches[1], || None, now).await.unwrap(),
        };
        assert_eq!(all_words(&[first, second]), [["Applied 1"], ["Applied 1"]]);
        held.shop.audits_clean().await;
    }
}

#[tokio::test]
async fn a_cancelled_call_leaves_nothing_of_either_batch() {
    let held = Held::new().await;
    let batches = batches(&held.shop, &two(&[buy("held", "ann", "10.00")], &[buy("next", "bob", "20.00")]));
    let mut line = Line::of(&held.shop.engine);
    tokio::select! {
        settled = line.apply(&batches[0], || Some(batches[1].clone()), NOW.parse().unwrap()) => panic!("{settled:?}"),
        () = held.are_two() => {}
    }
    held.opens().await;
    drop(line);
    // Whether the first one stands, its answer tells; the second one does not.
    let settled = all_words(&in_line(&held.shop, &batches).await.unwrap());
    assert!(settled[0] == ["Applied 1"] || settled[0] == ["Replayed 1"], "{settled:?}");
    assert_eq!(settled[1], ["Applied 1"]);
    held.shop.audits_clean().await;
}

/// Whoever was begun by older rules stays so; the next one knows the newer.
#[tokio::test]
async fn rules_that_change_while_one_commits_hold_from_the_next_batch_that_is_begun() {
    let held = Held::new().await;
    let lines =
        [vec![buy("held", "ann", "10.00")], vec![buy("next", "bob", "10.00")], vec![buy("last", "eve", "10.00")]];
    let batches = batches(&held.shop, &lines);
    let seen = async {
        held.are_two().await;
        held.shop.rules_without_budget(&json!([earn("base", "3")])).await;
        held.opens().await;
    };
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), seen);
    settled.unwrap();
    let available = async |member: &str| held.shop.available(member).await;
    assert_eq!([available("ann").await, available("bob").await, available("eve").await], ["10", "10", "30"]);
    held.shop.audits_clean().await;
}

/// A table that is altered waits for the second batch, which has read it, and the first one for the table: the database sees no circle.
#[tokio::test]
async fn who_stands_between_two_batches_ends_it() {
    let held = Held::new().await;
    held.shop.apply(&[&buy("order", "bob", "10.00")]).await;
    let lines = two(&[buy("held", "ann", "10.00")], &[refund("next", "bob", "order", r#","amount":"4.00""#)]);
    let batches = batches(&held.shop, &lines);
    let between = async {
        held.until("the first batch is on its way", COMMITS).await;
        held.until("the second one is begun", BEGUN).await;
        let url = format!("{}&application_name=between", held.shop.url);
        let altering = tokio::spawn(async move { raw_postgres(&url, "begin; lock table award; commit").await });
        let waits = "select 1 from pg_stat_activity where application_name = 'between' and wait_event = 'relation'";
        let begun = Instant::now();
        while rows(&held.keeper.simple_query(waits).await.unwrap()) == 0 && !altering.is_finished() {
            assert!(begun.elapsed() < DEADLINE, "the table is asked for");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        held.opens().await;
        altering.await.unwrap();
    };
    let begun = Instant::now();
    let (settled, ()) = tokio::join!(in_line(&held.shop, &batches), between);
    assert_eq!(all_words(&settled.unwrap()), [["Applied 1"], ["Applied 1"]]);
    // A minute is when the database itself ends a transaction in which nothing happens.
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    assert_eq!(held.shop.available("bob").await, "6");
    held.shop.audits_clean().await;
}

/// Another batch than the one that was begun is decided for itself, and so is that one, later.
#[tokio::test]
async fn what_was_begun_for_another_batch_is_let_go_of() {
    let held = Held::new().await;
    held.opens().await;
    let lines = [vec![buy("a", "ann", "1.00")], vec![buy("b", "bob", "2.00")], vec![buy("c", "bob", "4.00")]];
    let batches: Vec<Arc<Batch>> = batches(&held.shop, &lines);
    let (now, mut line) = (NOW.parse().unwrap(), Line::of(&held.shop.engine));
    let first = line.apply(&batches[0], || Some(batches[1].clone()), now).await.unwrap();
    let third = line.apply(&batches[2], || None, now).await.unwrap();
    let second = line.apply(&batches[1], || None, now).await.unwrap();
    assert_eq!(told(&[first, second, third]).concat().len(), 3);
    assert_eq!(held.shop.available("bob").await, "6");
    held.shop.audits_clean().await;
}
