//! Events of long ago are forgotten: their rows of the inbox go, but none that somebody may still ask for.

use contract::Source;
use contract::event::Event;
use contract::period::Period;
use jiff::{SignedDuration, Timestamp};
use ledger::{Answer, ForgetAsk, ForgetReport};

use crate::audit::publish;
use crate::merging::merged;
use crate::transfers::{carry, send};
use crate::world::{World, adjust, back, bought, id, on_stores_that_last, spend};

on_stores_that_last! {
    old_events_go_and_what_a_person_said_waits_or_is_not_published_stays
    what_is_forgotten_is_told_by_its_time
    some_thousand_events_go_at_a_time
    an_entry_without_its_event_is_a_difference_where_that_is_not_forgotten
}

impl World {
    /// Everything happened and was recorded three years earlier.
    async fn all_is_old(&self) {
        let ago = if self.is_postgres() { "interval '1096 days'" } else { "1096 * 86400000000" };
        for (table, column) in [
            ("inbox", "occurred_at"),
            ("inbox", "recorded_at"),
            ("batch", "recorded_at"),
            ("entry", "effective_at"),
            ("entry", "recorded_at"),
        ] {
            self.tamper(&format!("update {table} set {column} = {column} - {ago}")).await;
        }
    }

    fn forgetting(&self, dry_run: bool) -> ForgetAsk {
        ForgetAsk { pipeline: self.pipeline.clone(), keep: Period::days(90), dry_run }
    }

    async fn forget(&self) -> ForgetReport {
        self.ledger.forget(&self.forgetting(false), &|_| ()).await.unwrap()
    }

    async fn known(&self, member: &str) -> Vec<String> {
        let events = self.ledger.events_of(&self.pipeline, &id(member)).await.unwrap();
        events.into_iter().map(|event| event.id.to_string()).collect()
    }
}

fn by_hand(event: Event) -> Event {
    Event { source: id::<Source>("loyaltyctl"), ..event }
}

async fn old_events_go_and_what_a_person_said_waits_or_is_not_published_stays(world: World) {
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(spend("s1", "ann", 30)).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    world.one(back("w1", "ann", "later", &[])).await;
    world.one(by_hand(adjust("a1", "ann", 5))).await;
    world.one(send("t1", "ann", ("bob", 10))).await;
    carry(&world).await;
    world.one(by_hand(merged("m1", "cid", "bob"))).await;
    publish(&world).await;
    world.one(spend("u1", "ann", 1)).await;
    world.all_is_old().await;
    world.one(spend("s2", "ann", 2)).await;
    let before = world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap();
    let dry = world.ledger.forget(&world.forgetting(true), &|_| ()).await.unwrap();
    assert_eq!(dry.events, 4);
    assert_eq!(world.ledger.forgotten_before(&world.pipeline).await.unwrap(), None, "a dry run does nothing");
    let report = world.forget().await;
    assert_eq!(report.events, 4);
    let age = Timestamp::now().duration_since(report.before.unwrap());
    assert!((age - SignedDuration::from_hours(90 * 24)).abs() < SignedDuration::from_hours(1), "{age}");
    assert_eq!(world.ledger.forgotten_before(&world.pipeline).await.unwrap(), report.before);
    assert_eq!(world.known("ann").await, ["w1", "a1", "u1", "s2"]);
    assert_eq!(world.known("bob").await, ["t1/in", "m1", "m1/in"]);
    world.audits_clean().await;
    assert_eq!(world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap(), before);
    assert_eq!(world.forget().await, ForgetReport::default(), "it is done");
    // What waited finds its purchase, what is refunded its awards.
    world.one(bought("later", "ann", &[10, 10])).await;
    world.one(back("r2", "ann", "o1", &[])).await;
    world.audits_clean().await;
    publish(&world).await;
    assert_eq!(world.forget().await.events, 1, "the one that had not been published");
    world.audits_clean().await;
}

async fn what_is_forgotten_is_told_by_its_time(world: World) {
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(bought("o2", "ann", &[1, 2])).await;
    publish(&world).await;
    let begun = async |event: Event| {
        let (open, begun) = world.ledger.begin(&world.request(&[event])).await.unwrap();
        drop(open);
        (begun.answers, begun.forgotten_before)
    };
    assert_eq!(begun(bought("o9", "ann", &[1])).await.1, None);
    world.all_is_old().await;
    world.one(bought("o3", "ann", &[1, 2])).await;
    let before = world.forget().await.before;
    assert!(before.is_some());
    // Neither is it known, nor does it happen in time; what came since is known.
    assert_eq!(begun(bought("o1", "ann", &[60, 40])).await, (vec![Answer::Fresh], before));
    let (answers, told) = begun(bought("o3", "ann", &[1, 2])).await;
    assert!(matches!(answers[0], Answer::Replayed { .. }) && told == before, "{answers:?}");
    // Kept for longer from now on: what was forgotten stays so.
    world.all_is_old().await;
    publish(&world).await;
    let ask = ForgetAsk { keep: Period::days(900), ..world.forgetting(false) };
    assert_eq!(world.ledger.forget(&ask, &|_| ()).await.unwrap().events, 1);
    assert_eq!(world.ledger.forgotten_before(&world.pipeline).await.unwrap(), before);
}

async fn some_thousand_events_go_at_a_time(world: World) {
    world.one(spend("s1", "ann", 30)).await;
    publish(&world).await;
    world
        .tamper(
            "insert into inbox (pipeline, source, event_id, hash, bucket, member, occurred_at, recorded_at, ruleset, outcome, results, batch, position)
             with recursive s(k) as (select 1 union all select k + 1 from s where k < 4500)
             select pipeline, source, event_id || '-' || k, hash, bucket, member, occurred_at, recorded_at, ruleset, outcome, results, batch, position + k
             from inbox cross join s where event_id = 's1'",
        )
        .await;
    world.all_is_old().await;
    world.one(spend("s2", "ann", 30)).await;
    assert_eq!(world.forget().await.events, 4501);
    assert_eq!(world.known("ann").await, ["s2"]);
    world.audits_clean().await;
}

async fn an_entry_without_its_event_is_a_difference_where_that_is_not_forgotten(world: World) {
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(by_hand(adjust("a1", "ann", 5))).await;
    publish(&world).await;
    world.all_is_old().await;
    world.one(bought("o2", "ann", &[60, 40])).await;
    assert_eq!(world.forget().await.events, 1);
    world.audits_clean().await;
    let found = async || world.differences().await.into_iter().map(|finding| finding.detail).collect::<Vec<_>>();
    for (gone, more) in [("o2", "event o2 of shop names none"), ("a1", "event a1 of loyaltyctl names none")] {
        world.tamper(&format!("delete from inbox where event_id = '{gone}'")).await;
        assert!(found().await.contains(&more.to_owned()), "{:?}", found().await);
    }
    world.tamper("delete from forgotten").await;
    assert_eq!(found().await.len(), 3);
}
