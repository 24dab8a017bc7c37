//! Two members become one through the engine, as loyaltyctl or a source does it.

use std::collections::HashSet;
use std::time::Duration;

use engine::Settled;
use ledger::UnderWay;

use crate::idle;
use crate::shop::{NOW, Shop, pipeline, purchase, refund, words};
use crate::waits::delivered;

fn merge(id: &str, from: &str, into: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"merge","occurredAt":"2026-01-31T13:00:00Z","member":"{from}","into":"{into}","reason":"one person","author":"bea"}}"#
    )
}

fn of(member: &str, line: &str) -> String {
    line.replace(r#""member":"m""#, &format!(r#""member":"{member}""#))
}

fn send(id: &str, member: &str, to: &str, points: u32) -> String {
    format!(
        r#"{{"id":"{id}","type":"transfer","occurredAt":"2026-01-31T12:00:00Z","member":"{member}","to":"{to}","points":"{points}"}}"#
    )
}

fn told(settled: &[Settled]) -> Vec<String> {
    let results = settled.iter().flat_map(|settled| match settled {
        Settled::Fresh { results, .. } | Settled::Replayed { results, .. } => results.clone(),
        Settled::Buried(refusal) => panic!("{refusal:?}"),
    });
    results.map(|result| format!("{} {}", result.member, result.body.type_name())).collect()
}

#[tokio::test]
async fn a_merge_among_other_events_is_applied_in_its_turn_and_refunds_go_by_the_rules_that_paid() {
    let shop = Shop::in_memory().await;
    let events = [
        purchase("a", 1, "100.00"),
        of("bob", &purchase("b", 2, "30.00")),
        refund("later", "z", ""),
        merge("x", "m", "bob"),
        of("bob", &refund("r", "a", r#","amount":"40.00""#)),
        purchase("z", 3, "5.00"),
        of("cas", &purchase("c", 4, "7.00")),
    ];
    let lines: Vec<&str> = events.iter().map(String::as_str).collect();
    let preview = shop.engine.preview(&[shop.read(lines[0]), shop.read(lines[1])], NOW.parse().unwrap()).await;
    assert_eq!(words(&preview.unwrap()), ["Applied 1", "Applied 1"]);
    let settled = shop.apply(&lines).await;
    assert_eq!(
        words(&settled),
        ["Applied 1", "Applied 1", "Parked 0", "Applied 2", "Applied 1", "Applied 2", "Applied 1"]
    );
    assert_eq!(
        told(&settled),
        [
            "m points.earned",
            "bob points.earned",
            "m member.merged",
            "bob points.merged",
            "bob points.clawedback",
            "bob points.earned",
            "bob points.clawedback",
            "cas points.earned",
        ]
    );
    assert_eq!((shop.available("bob").await, shop.available("m").await), ("90".to_owned(), "0".to_owned()));
    shop.audits_clean().await;
    let again = shop.apply(&lines).await;
    assert!(again.iter().all(|settled| matches!(settled, Settled::Replayed { .. })), "{again:?}");
    assert_eq!(shop.available("bob").await, "90");
    let preview = shop.engine.preview(&[shop.read(&merge("y", "cas", "m"))], NOW.parse().unwrap()).await.unwrap();
    assert_eq!(told(&preview), ["cas member.merged", "bob points.merged"], "who was merged is who they are");
    assert_eq!(shop.available("cas").await, "7", "a preview keeps nothing");
    let settled = shop.apply(&[&merge("y", "cas", "nobody"), &merge("y2", "bob", "m"), &merge("y3", "m", "cas")]).await;
    assert_eq!(told(&settled), ["cas merge.rejected", "bob merge.rejected", "bob merge.rejected"]);
    shop.audits_clean().await;
}

#[tokio::test]
async fn points_that_wait_go_along_and_so_does_what_waits_for_an_order() {
    let shop = idle::shop(&serde_json::json!({ "name": "points", "pending": { "until": "visit" } })).await;
    let merge = idle::at(&merge("x", "m", "bob"), "2014-03-03T12:00:00Z");
    let of_bob = |line: &str| of("bob", line);
    let [first, second] = ["a", "b"].map(|order| idle::bought(order, "2014-03-01T12:00:00Z"));
    shop.apply(&[&first, &of_bob(&second), &delivered("d", "z", "2014-03-02T12:00:00Z"), &merge]).await;
    assert_eq!(shop.available("bob").await, "0");
    let [first, second] = [("e", "a"), ("f", "b")].map(|(id, order)| delivered(id, order, "2014-03-05T12:00:00Z"));
    let settled = shop.apply(&[&first, &of_bob(&second)]).await;
    assert_eq!(told(&settled), ["bob points.activated"; 2], "in either name");
    let settled = shop.apply(&[&of_bob(&idle::bought("z", "2014-03-01T12:00:00Z"))]).await;
    assert_eq!(told(&settled), ["bob points.earned", "bob points.activated"]);
    assert_eq!(shop.available("bob").await, "30");
    shop.audits_clean().await;
}

/// Somebody looked up what is under way, and the receiver was merged before it could be carried.
#[tokio::test]
async fn what_was_under_way_to_a_merged_member_arrives_once() {
    let shop = Shop::in_memory().await;
    shop.apply(&[&purchase("a", 1, "100.00"), &of("bob", &purchase("b", 2, "30.00"))]).await;
    shop.apply(&[&send("t1", "m", "cas", 30), &merge("x", "cas", "bob"), &send("t2", "m", "cas", 20)]).await;
    let carried = shop.engine.carry(UnderWay::For(Duration::ZERO), 10, &HashSet::new()).await.unwrap().unwrap();
    assert_eq!(carried.transfers, 2);
    let members: Vec<&str> = carried.results.iter().map(|result| result.member.as_str()).collect();
    assert_eq!(members, ["bob", "bob"]);
    assert_eq!(shop.engine.carry(UnderWay::For(Duration::ZERO), 10, &HashSet::new()).await.unwrap(), None);
    assert_eq!((shop.available("bob").await, shop.available("m").await), ("80".to_owned(), "50".to_owned()));
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_merge_that_the_ledger_refuses_leaves_both_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let shop = Shop::open(&format!("sqlite:{}", path.display()), "Event").await;
    shop.apply(&[&purchase("a", 1, "100.00"), &of("bob", &purchase("b", 2, "30.00"))]).await;
    let admin = rusqlite::Connection::open(&path).unwrap();
    admin
        .execute_batch(
            "create trigger picky before insert on entry when new.kind = 'MergeIn' begin select raise(abort, 'not this one'); end",
        )
        .unwrap();
    let settled = shop.apply(&[&merge("x", "m", "bob"), &of("bob", &purchase("c", 3, "1.00"))]).await;
    assert_eq!(words(&settled), ["LedgerRefused", "Applied 1"], "everything or nothing: nothing is under way");
    assert_eq!((shop.available("bob").await, shop.available("m").await), ("31".to_owned(), "100".to_owned()));
    assert!(shop.ledger.under_way(&pipeline(), UnderWay::For(Duration::ZERO), 9).await.unwrap().is_empty());
    shop.audits_clean().await;
    admin.execute_batch("drop trigger picky").unwrap();
    assert_eq!(words(&shop.apply(&[&merge("x", "m", "bob")]).await), ["Applied 2"]);
    shop.audits_clean().await;
}

/// The timer was told of before the merge.
#[tokio::test]
async fn nothing_is_due_for_a_member_who_was_merged() {
    let shop = Shop::in_memory().await;
    shop.apply(&[&purchase("a", 1, "100.00"), &of("bob", &purchase("b", 2, "30.00")), &merge("x", "m", "bob")]).await;
    let due = shop.engine.settle_due("2030-01-01T00:00:00Z".parse().unwrap(), 9, &HashSet::new()).await.unwrap();
    assert_eq!(due, None);
}
