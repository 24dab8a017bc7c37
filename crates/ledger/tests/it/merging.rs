//! Two members who are one person, on every store: what the one had is the other's, with its dates, holds, debts and orders.

use std::collections::HashMap;

use contract::event::{Event, Kind, Merge};
use contract::program::TakeBack;
use contract::{EventId, MemberId};
use ledger::book::{Applied, Both, Merging, Outcome};
use ledger::report::{LiabilityAsk, Reckoning, StatementAsk, StatementMark};
use ledger::{Begun, Identity, Merger};

use crate::erasing::erase;
use crate::freezing::{freeze, unfreeze};
use crate::holds::{capture, hold_of, release, until};
use crate::payments::spend_for;
use crate::privacy::tables_with;
use crate::property::{Dice, history, run};
use crate::time::{days, on};
use crate::transfers::{carry, send};
use crate::world::{Said, World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    lots_keep_their_dates
    what_waits_activates_at_the_other_member
    a_hold_is_captured_after_the_merge
    a_hold_that_ended_is_still_known
    what_one_owes_is_paid_off_by_what_the_other_has
    what_the_other_owes_is_paid_off_too
    what_has_ended_pays_off_nothing
    a_refund_after_the_merge_takes_what_it_would_have_taken
    what_a_refund_took_before_is_given_back_after
    what_paid_for_an_order_comes_back_after_the_merge
    a_refund_that_waits_finds_a_purchase_of_either_name
    whatever_names_the_merged_member_is_the_others
    what_came_before_is_a_duplicate
    a_chain_leads_to_its_end
    nobody_is_merged_into_themselves
    one_of_whom_nobody_has_heard_is_not_merged_into
    nobody_is_merged_into_one_who_was_erased
    an_erasure_forgets_both_names
    a_freeze_of_either_stays
    orders_and_holds_of_one_name_keep_members_apart
    points_that_were_sent_keep_a_member_until_they_arrive
    what_is_under_way_to_a_merged_member_arrives_at_the_other
    points_that_idle_end_as_the_later_ones
    a_member_without_anything_is_merged
    rewards_of_a_day_are_counted_together
    no_other_table_names_who_was_merged
    a_merge_among_other_events_is_a_batch_of_its_own
    books_are_told_after_a_merge
    what_was_owed_before_a_merge_is_told_as_it_was
    an_audit_finds_what_was_left_behind
    random_histories_and_merges_leave_books_that_audit
    eight_writers_merge_and_buy_at_once
    tables_with_rows_of_the_version_before_merges_migrate
}

pub(crate) fn merged(name: &str, from: &str, into: &str) -> Event {
    let merge = Merge { into: id(into), reason: "one person".to_owned(), author: "bea".to_owned() };
    event(name, from, Kind::Merge(merge))
}

/// An event that names somebody who is another one by now.
pub(crate) fn said_of(event: &Event, followed: &HashMap<MemberId, MemberId>) -> Event {
    let member = followed.get(&event.member).unwrap_or(&event.member).clone();
    Event { member, ..event.clone() }
}

/// As an engine does it.
pub(crate) fn merge(world: &World, merger: &Merger<'_>, begun: &mut Begun, applied: &mut Vec<Applied>) -> Said {
    if begun.members.get(&merger.event.member).is_some_and(ledger::book::MemberState::is_erased) {
        let away = crate::erasing::turned_away(world, merger.event, &begun.members[&merger.event.member]);
        let said = Said::Fresh(away.outcome, away.results.clone());
        applied.push(away);
        return said;
    }
    let into = begun.followed.get(&merger.merge.into).unwrap_or(&merger.merge.into).clone();
    let mut both = Both { members: &mut begun.members, followed: &begun.followed };
    let (pipeline, ruleset_hash, ruleset) = (&world.pipeline, &world.hash, &world.ruleset);
    let hash = merger.event.content_hash();
    let mut posted = both.merge(Merging { pipeline, merger, hash, ruleset_hash, ruleset }).unwrap();
    if posted.len() > 1 {
        let (state, cause) = (begun.members.get_mut(&into).unwrap(), Identity::of(&merger.arrival));
        posted.extend(world.settle(state, (&into, &cause), merger.event.occurred_at));
        let rewards = world.rewards();
        let settling = world.settling((&into, &cause), merger.event.occurred_at, &rewards);
        let given = state.reward(settling, merger.event.occurred_at, posted.last_mut().unwrap()).unwrap();
        posted.extend(given);
    }
    let results = posted.iter().flat_map(|of| of.results.clone()).collect();
    let said = Said::Fresh(posted[0].outcome, results);
    applied.extend(posted);
    said
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

const MERGED: &str = "merged into bob by bea: one person";

/// initial, pending, available, held, activates, expires of each lot of points, in burn order.
async fn lots(world: &World, member: &str) -> Vec<String> {
    let balances = world.ledger.balance(&world.pipeline, &id(member)).await.unwrap().unwrap_or_default();
    let day = |at: Option<jiff::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string()[..10].to_owned());
    let lots = balances.iter().filter(|balance| balance.wallet.as_str() == "points").flat_map(|balance| &balance.lots);
    lots.map(|lot| {
        let [initial, pending, available, held] = [lot.initial, lot.pending, lot.available, lot.held];
        format!("{}: {initial} {pending} {available} {held} {} {}", lot.sequence, day(lot.activates), day(lot.expires))
    })
    .collect()
}

/// pending, available, held, debt of points
async fn has(world: &World, member: &str) -> [String; 4] {
    let balances = world.ledger.balance(&world.pipeline, &id(member)).await.unwrap().unwrap_or_default();
    let points = balances.iter().find(|balance| balance.wallet.as_str() == "points");
    points.map_or_else(Default::default, |of| [of.pending, of.available, of.held, of.debt].map(|n| n.to_string()))
}

async fn lots_keep_their_dates(world: World) {
    world.one(days(bought("o1", "bob", &[10, 10]), "last", 30)).await;
    world.one(days(bought("o2", "ann", &[3, 4]), "last", 10)).await;
    world.one(days(days(bought("o3", "ann", &[5, 6]), "wait", 5), "last", 60)).await;
    world.one(spend("s1", "ann", 2)).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED, "joined 5 points, pending 11, 25"]);
    assert_eq!(
        lots(&world, "bob").await,
        ["2: 7 0 5 0 - 2026-11-11", "1: 20 0 20 0 - 2026-12-01", "3: 11 11 0 0 2026-11-06 2026-12-31",]
    );
    assert_eq!(lots(&world, "ann").await, [""; 0]);
    assert_eq!(told(&world, spend("s2", "bob", 6)).await, ["spent 6 points, 19"]);
    assert_eq!(lots(&world, "bob").await[0], "1: 20 0 19 0 - 2026-12-01");
    assert_eq!(told(&world, bought("o4", "bob", &[1, 1])).await, ["earned 2 points, 21"]);
    assert_eq!(lots(&world, "bob").await[2], "4: 2 0 2 0 - -");
}

async fn what_waits_activates_at_the_other_member(world: World) {
    world.one(days(bought("o1", "ann", &[5, 6]), "wait", 5)).await;
    world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(world.one(merged("m1", "ann", "bob")).await.told(), ["not merged: UnknownMember"]);
    world.one(bought("o2", "bob", &[1, 1])).await;
    assert_eq!(told(&world, merged("m2", "ann", "bob")).await, [MERGED, "joined 0 points, pending 11, 2"]);
    let later = on(adjust("a1", "ann", 1), 6);
    assert_eq!(told(&world, later).await, ["activated 11 points, 13", "adjusted 1 points, 14"]);
    // What was due before it and not posted yet comes with it.
    world.one(days(bought("o3", "cas", &[7, 7]), "wait", 2)).await;
    world.one(days(bought("o4", "cas", &[8, 8]), "last", 3)).await;
    let said = told(&world, on(merged("m3", "cas", "bob"), 7)).await;
    assert_eq!(said, [MERGED, "joined 16 points, pending 14, 30", "activated 14 points, 44", "expired 16 points, 28"]);
}

async fn a_hold_is_captured_after_the_merge(world: World) {
    world.one(bought("o1", "bob", &[10, 10])).await;
    world.one(bought("o2", "ann", &[30, 40])).await;
    world.one(until(hold_of("h1", "ann", ("till", 40)), 3)).await;
    world.one(capture("c1", "ann", ("till", Some(5)), true)).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED, "joined 30 points, held 35, 50"]);
    assert_eq!(
        told(&world, capture("c2", "ann", ("till", Some(20)), true)).await,
        ["captured 20 of till, held 15, 50"]
    );
    assert_eq!(
        told(&world, capture("c3", "bob", ("till", Some(5)), false)).await,
        ["captured 5 of till, held 0, freed 10, 60"]
    );
    world.one(bought("o3", "cas", &[9, 9])).await;
    world.one(until(hold_of("h2", "cas", ("web", 8)), 3)).await;
    world.one(merged("m2", "cas", "bob")).await;
    assert_eq!(
        told(&world, on(release("l1", "bob", "web"), 5)).await,
        ["timed out 8 of web, 78", "not released web: HoldExpired"]
    );
}

async fn a_hold_that_ended_is_still_known(world: World) {
    world.one(bought("o1", "ann", &[30, 40])).await;
    world.one(bought("o2", "bob", &[30, 40])).await;
    world.one(hold_of("h1", "ann", ("till", 40))).await;
    world.one(capture("c1", "ann", ("till", None), false)).await;
    world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(
        told(&world, capture("c2", "bob", ("till", None), false)).await,
        ["not captured all of till, held 0: HoldCaptured"]
    );
    assert_eq!(told(&world, hold_of("h2", "ann", ("till", 5))).await, ["not held 5 as till, 100: DuplicateHold"]);
}

async fn what_one_owes_is_paid_off_by_what_the_other_has(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.one(bought("o1", "ann", &[60, 30, 20])).await;
    world.one(spend("s1", "ann", 110)).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    world.one(bought("o2", "bob", &[20, 20])).await;
    world.one(bought("o3", "bob", &[5, 5])).await;
    let said = told(&world, merged("m1", "ann", "bob")).await;
    assert_eq!(said, [MERGED, "joined 0 points, owed 60, 50", "repaid 50 points, owed 10, 0"]);
    assert_eq!(has(&world, "bob").await, ["0", "0", "0", "10"]);
    // The order's next refund leaves less due: first what is owed goes, then what was paid off comes back.
    let said = told(&world, back("r2", "bob", "o1", &["2"])).await;
    assert_eq!(said, ["reinstated 10 points, unwaived 0, no longer owed 10, 10"]);
}

async fn what_the_other_owes_is_paid_off_too(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    for (member, order) in [("ann", "o1"), ("bob", "o2")] {
        world.one(bought(order, member, &[60, 30])).await;
        world.one(spend(&format!("s-{member}"), member, 90)).await;
        world.one(back(&format!("r-{member}"), member, order, &[])).await;
    }
    world.one(adjust("a1", "ann", 100)).await;
    assert_eq!(has(&world, "ann").await, ["0", "10", "0", "0"]);
    let said = told(&world, merged("m1", "ann", "bob")).await;
    assert_eq!(said, [MERGED, "joined 10 points, 10", "repaid 10 points, owed 80, 0"]);
    assert_eq!(
        told(&world, adjust("a2", "ann", 100)).await,
        ["adjusted 100 points, 20", "repaid 80 points, owed 0, 20"]
    );
}

async fn what_has_ended_pays_off_nothing(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.one(bought("o1", "ann", &[60, 30])).await;
    world.one(spend("s1", "ann", 90)).await;
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(days(bought("o2", "bob", &[20, 20]), "last", 3)).await;
    world.one(days(bought("o3", "bob", &[7, 7]), "wait", 3)).await;
    let said = told(&world, on(merged("m1", "ann", "bob"), 5)).await;
    let want = [
        MERGED,
        "joined 0 points, owed 90, 40",
        "activated 14 points, 40",
        "repaid 14 points, owed 76, 40",
        "expired 40 points, 0",
    ];
    assert_eq!(said, want);
}

/// The same refunds, with and without a merge before them.
async fn a_refund_after_the_merge_takes_what_it_would_have_taken(world: World) {
    for policy in [TakeBack::WithinBalance, TakeBack::Unlimited, TakeBack::OnlyPending] {
        let mut came = Vec::new();
        for merges in [false, true] {
            let name = |text: &str| format!("{text}-{policy:?}-{merges}");
            let (ann, bob) = (name("ann"), name("bob"));
            let world = world.sister(&name("w")).await.policy(policy).await;
            world.one(bought(&name("x"), &bob, &[9, 9])).await;
            world.one(spend(&name("sx"), &bob, 18)).await;
            world.one(bought(&name("o"), &ann, &[40, 30, 30])).await;
            world.one(bought(&name("p"), &ann, &[5, 6])).await;
            world.one(spend(&name("s"), &ann, 35)).await;
            world.one(back(&name("r1"), &ann, &name("o"), &["1"])).await;
            if merges {
                world.one(merged(&name("m"), &ann, &bob)).await;
            }
            let mut said = Vec::new();
            for (refund, lines) in [("r2", vec!["2"]), ("r3", vec!["3"]), ("r4", vec![])] {
                said.extend(told(&world, back(&name(refund), &ann, &name("o"), &lines)).await);
            }
            assert!(said.iter().any(|line| line.starts_with("reinstated")), "{said:?}");
            assert!(said.iter().any(|line| line.starts_with("clawed")), "{said:?}");
            came.push((said, world.awards(&name("o")).await, world.awards(&name("p")).await));
        }
        assert_eq!(came[0], came[1], "{policy:?}: without and with a merge");
    }
}

async fn what_a_refund_took_before_is_given_back_after(world: World) {
    world.one(bought("x", "bob", &[9, 9])).await;
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    world.one(back("r2", "ann", "o1", &["2"])).await;
    world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(has(&world, "bob").await, ["0", "98", "0", "0"]);
    assert_eq!(told(&world, back("r3", "bob", "o1", &["3"])).await, ["clawed 80 points, waived 0, 18"]);
    assert_eq!(lots(&world, "bob").await, ["1: 18 0 18 0 - -"]);
}

async fn what_paid_for_an_order_comes_back_after_the_merge(world: World) {
    world.one(bought("x", "bob", &[9, 9])).await;
    world.one(days(bought("o1", "ann", &[40, 30]), "last", 300)).await;
    world.one(spend_for("s1", "ann", "o2", 50)).await;
    world.one(bought("o2", "ann", &[10, 10])).await;
    world.one(merged("m1", "ann", "bob")).await;
    let said = told(&world, back("r1", "ann", "o2", &["1"])).await;
    assert_eq!(said, ["returned 25 points, 83"]);
    let said = told(&world, back("r2", "bob", "o2", &[])).await;
    assert_eq!(said, ["returned 25 points, 108", "clawed 20 points, waived 0, 88"]);
    assert_eq!(lots(&world, "bob").await[0], "2: 70 0 70 0 - 2027-08-28");
}

async fn a_refund_that_waits_finds_a_purchase_of_either_name(world: World) {
    world.one(bought("x", "bob", &[9, 9])).await;
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(back("r2", "ann", "o2", &[])).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED]);
    let waiting = world.ledger.parked_before(&world.pipeline, jiff::Timestamp::MAX, 9).await;
    assert!(waiting.is_err() || waiting.unwrap().iter().all(|event| event.member.as_str() == "bob"));
    assert_eq!(told(&world, bought("o1", "bob", &[5, 5])).await, ["earned 10 points, 28"]);
    assert_eq!(told(&world, bought("o2", "ann", &[6, 6])).await, ["earned 12 points, 30"]);
    assert_eq!(has(&world, "bob").await, ["0", "18", "0", "0"]);
    let said = world.one(back("r1", "ann", "o1", &[])).await;
    assert!(
        matches!(&said, Said::Replayed(Outcome::Applied, results) if results[0].member.as_str() == "bob"),
        "{said:?}"
    );
}

async fn whatever_names_the_merged_member_is_the_others(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("x", "bob", &[9, 9])).await;
    world.one(merged("m1", "ann", "bob")).await;
    let said = world.batch(&[bought("o2", "ann", &[1, 1]), spend("s1", "bob", 100), spend("s2", "ann", 20)]).await;
    let lines: Vec<_> = said.iter().flat_map(Said::told).collect();
    assert_eq!(lines, ["earned 2 points, 120", "spent 100 points, 20", "spent 20 points, 0"]);
    let Said::Fresh(_, results) = &said[2] else { panic!("{said:?}") };
    assert_eq!(results[0].member.as_str(), "bob");
    world.audits_clean().await;
    let again = world.one(spend("s2", "ann", 20)).await;
    let Said::Replayed(_, again) = again else { panic!("{again:?}") };
    assert_eq!(&again, results, "told as it was the first time");
    let report = world.ledger.member(&world.pipeline, &id("ann")).await.unwrap().unwrap().merged.unwrap();
    assert_eq!((report.into.as_str(), report.author.as_str(), report.reason.as_str()), ("bob", "bea", "one person"));
}

async fn what_came_before_is_a_duplicate(world: World) {
    let first = world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("x", "bob", &[9, 9])).await;
    let said = world.one(merged("m1", "ann", "bob")).await;
    let Said::Fresh(Outcome::Applied, results) = said else { panic!("{said:?}") };
    let again = world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(again, Said::Replayed(Outcome::Applied, vec![results[0].clone()]));
    let Said::Fresh(_, results) = first else { panic!("{first:?}") };
    assert_eq!(world.one(bought("o1", "ann", &[50, 50])).await, Said::Replayed(Outcome::Applied, results));
    assert_eq!(world.one(bought("o1", "ann", &[50, 51])).await, Said::Clash);
    assert_eq!(world.one(bought("o1", "bob", &[50, 50])).await, Said::Clash);
    assert_eq!(has(&world, "bob").await, ["0", "118", "0", "0"]);
    world.audits_clean().await;
}

async fn a_chain_leads_to_its_end(world: World) {
    for (member, order) in [("ann", "o1"), ("bob", "o2"), ("cas", "o3")] {
        world.one(bought(order, member, &[40, 30, 30])).await;
        world.one(spend(&format!("s-{member}"), member, 15)).await;
        world.one(back(&format!("r-{member}"), member, order, &["1"])).await;
    }
    world.one(merged("m1", "ann", "bob")).await;
    world.audits_clean().await;
    assert_eq!(told(&world, merged("m2", "bob", "cas")).await[0], "merged into cas by bea: one person");
    assert_eq!(has(&world, "cas").await, ["0", "135", "0", "0"]);
    assert_eq!(told(&world, back("b1", "ann", "o1", &["2"])).await, ["reinstated 20 points, unwaived 0, 155"]);
    assert_eq!(told(&world, bought("o4", "ann", &[1, 1])).await, ["earned 2 points, 157"]);
    assert_eq!(told(&world, merged("m3", "ann", "cas")).await, ["not merged: MemberMerged"]);
    assert_eq!(told(&world, merged("m4", "bob", "dan")).await, ["not merged: MemberMerged"]);
    // Who names somebody who was merged names who they are.
    world.one(bought("o5", "dan", &[3, 3])).await;
    assert_eq!(told(&world, merged("m5", "dan", "ann")).await[0], "merged into cas by bea: one person");
    assert_eq!(has(&world, "cas").await, ["0", "163", "0", "0"]);
    for name in ["ann", "bob", "dan"] {
        let report = world.ledger.member(&world.pipeline, &id(name)).await.unwrap().unwrap();
        assert_eq!(report.merged.unwrap().into.as_str(), "cas", "{name}");
    }
}

async fn nobody_is_merged_into_themselves(world: World) {
    world.one(bought("o1", "ann", &[1, 1])).await;
    world.one(bought("o2", "bob", &[1, 1])).await;
    world.one(bought("o3", "cas", &[1, 1])).await;
    assert_eq!(told(&world, merged("m0", "ann", "ann")).await, ["not merged: SameMember"]);
    world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(told(&world, merged("m2", "bob", "ann")).await, ["not merged: SameMember"]);
    world.one(merged("m3", "bob", "cas")).await;
    assert_eq!(told(&world, merged("m4", "cas", "ann")).await, ["not merged: SameMember"]);
    assert_eq!(has(&world, "cas").await, ["0", "6", "0", "0"]);
}

async fn one_of_whom_nobody_has_heard_is_not_merged_into(world: World) {
    world.one(bought("o1", "ann", &[1, 1])).await;
    for name in ["m1", "m2"] {
        assert_eq!(told(&world, merged(name, "ann", "bbo")).await, ["not merged: UnknownMember"]);
        assert!(world.ledger.member(&world.pipeline, &id("bbo")).await.unwrap().is_none());
    }
    assert_eq!(has(&world, "ann").await, ["0", "2", "0", "0"]);
}

async fn nobody_is_merged_into_one_who_was_erased(world: World) {
    world.one(bought("o1", "ann", &[1, 1])).await;
    world.one(bought("o2", "bob", &[1, 1])).await;
    world.one(erase("x1", "bob")).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, ["not merged: MemberErased"]);
    assert_eq!(told(&world, merged("m2", "bob", "ann")).await, ["no merge: MemberErased"]);
    assert_eq!(has(&world, "ann").await, ["0", "2", "0", "0"]);
}

async fn an_erasure_forgets_both_names(world: World) {
    world.one(bought("o1", "ann-the-first", &[50, 50])).await;
    world.one(back("r9", "ann-the-first", "o9", &[])).await;
    world.one(bought("o2", "bob-the-other", &[9, 9])).await;
    let merge = Merge { into: id("bob-the-other"), reason: "same walnut desk".to_owned(), author: "eve".to_owned() };
    world.one(event("m1", "ann-the-first", Kind::Merge(merge))).await;
    world.one(bought("o3", "ann-the-first", &[5, 5])).await;
    let said = told(&world, erase("x1", "ann-the-first")).await;
    assert_eq!(said, ["forfeited 128 points", "erased by bea: asked for it"]);
    for name in ["ann-the-first", "bob-the-other"] {
        assert!(world.ledger.was_erased(&world.pipeline, &id(name)).await.unwrap(), "{name}");
        assert!(world.ledger.member(&world.pipeline, &id(name)).await.unwrap().is_none());
        if world.url != "sqlite::memory:" {
            assert_eq!(tables_with(&world, name).await, [""; 0], "{name}");
        }
        assert_eq!(told(&world, spend(&format!("s-{name}"), name, 5)).await, ["no redeem: MemberErased"]);
    }
    for word in ["walnut", "eve"] {
        if world.url != "sqlite::memory:" {
            assert_eq!(tables_with(&world, word).await, [""; 0], "{word}");
        }
    }
    let said = world.one(bought("o1", "ann-the-first", &[50, 50])).await;
    assert!(matches!(said, Said::Replayed(Outcome::Applied, _)), "{said:?}");
    world.audits_clean().await;
}

async fn a_freeze_of_either_stays(world: World) {
    for member in ["ann", "bob", "cas"] {
        world.one(bought(&format!("o-{member}"), member, &[5, 5])).await;
    }
    world.one(freeze("f1", "ann")).await;
    world.one(merged("m1", "ann", "bob")).await;
    assert_eq!(told(&world, spend("s1", "bob", 5)).await, ["rejected 5 points, 20: MemberFrozen"]);
    world.one(merged("m2", "cas", "bob")).await;
    assert_eq!(told(&world, spend("s2", "cas", 5)).await, ["rejected 5 points, 30: MemberFrozen"]);
    world.one(unfreeze("u1", "ann")).await;
    assert_eq!(told(&world, spend("s3", "cas", 5)).await, ["spent 5 points, 25"]);
}

async fn orders_and_holds_of_one_name_keep_members_apart(world: World) {
    for member in ["ann", "bob"] {
        let order = Event { id: id::<EventId>(&format!("p-{member}")), ..bought("o1", member, &[50, 50]) };
        world.one(order).await;
        world.one(hold_of(&format!("h-{member}"), member, ("till", 5))).await;
    }
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, ["not merged: SameOrders o1"]);
    world.one(bought("o2", "cas", &[50, 50])).await;
    world.one(hold_of("h-cas", "cas", ("till", 5))).await;
    assert_eq!(told(&world, merged("m2", "cas", "bob")).await, ["not merged: SameHolds till"]);
    world.one(back("r3", "dan", "o1", &[])).await;
    assert_eq!(told(&world, merged("m3", "dan", "bob")).await, ["not merged: RefundWaits o1"]);
    assert_eq!(has(&world, "bob").await, ["0", "95", "5", "0"]);
}

async fn points_that_were_sent_keep_a_member_until_they_arrive(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, ["not merged: TransferUnderWay t1"]);
    carry(&world).await;
    assert_eq!(told(&world, merged("m2", "ann", "bob")).await, [MERGED, "joined 70 points, 110"]);
}

async fn what_is_under_way_to_a_merged_member_arrives_at_the_other(world: World) {
    world.one(bought("o1", "cas", &[50, 50])).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(send("t1", "cas", ("ann", 30))).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.one(send("t2", "cas", ("ann", 20))).await;
    world.audits_clean().await;
    assert_eq!(carry(&world).await, ["received 30 points, 40", "received 20 points, 60"]);
    world.audits_clean().await;
    assert_eq!(world.ledger.totals(&world.pipeline).await.unwrap().wallets[0].transit.to_string(), "0");
}

async fn points_that_idle_end_as_the_later_ones(world: World) {
    world.one(days(days(bought("o1", "ann", &[5, 5]), "idle", 10), "active", 10)).await;
    world.one(days(days(bought("o2", "bob", &[6, 6]), "idle", 20), "active", 20)).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.audits_clean().await;
    assert_eq!(lots(&world, "bob").await, ["1: 12 0 12 0 - 2026-11-21", "2: 10 0 10 0 - 2026-11-21"]);
    world.one(days(days(bought("o3", "cas", &[7, 7]), "idle", 30), "active", 30)).await;
    world.one(days(days(bought("o4", "dan", &[8, 8]), "idle", 5), "active", 5)).await;
    assert_eq!(told(&world, on(merged("m2", "dan", "cas"), 6)).await[2..], ["expired 16 points, 14"]);
    // What had ended at the one is not brought back by the other.
    assert_eq!(told(&world, on(merged("m3", "bob", "cas"), 25)).await[2..], ["expired 22 points, 14"]);
    assert_eq!(lots(&world, "cas").await, ["1: 14 0 14 0 - 2026-12-01"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 14), 29)).await, ["spent 14 points, 0"]);
}

async fn a_member_without_anything_is_merged(world: World) {
    world.one(bought("o2", "bob", &[5, 5])).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED]);
    assert_eq!(told(&world, bought("o1", "ann", &[5, 5])).await, ["earned 10 points, 20"]);
    world.one(bought("o3", "cas", &[5, 5])).await;
    world.one(spend("s1", "cas", 10)).await;
    assert_eq!(told(&world, merged("m2", "cas", "bob")).await, [MERGED]);
    assert_eq!(told(&world, bought("o4", "cas", &[5, 5])).await, ["earned 10 points, 30"]);
}

async fn rewards_of_a_day_are_counted_together(world: World) {
    let world = world.rewarding(100, 2).await;
    world.one(bought("o1", "ann", &[90, 60])).await;
    world.one(bought("o2", "bob", &[120, 60])).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED, "joined 50 points, 130"]);
    let midnight = "2026-11-02T00:00:00Z";
    assert_eq!(world.settle_due(midnight).await, ["reward coffee for 100, 30"], "of this day there were two");
    world.audits_clean().await;
    world.one(bought("o3", "cas", &[50, 30])).await;
    assert_eq!(
        told(&world, on(merged("m2", "cas", "bob"), 1)).await,
        ["merged into bob by bea: one person", "joined 80 points, 110", "reward coffee for 100, 10"]
    );
    // Where both had all that a day allows, the day has had more.
    for (order, member) in [("o4", "dan"), ("o5", "eve")] {
        world.one(bought(order, member, &[100, 130])).await;
    }
    assert_eq!(told(&world, merged("m3", "dan", "eve")).await[1..], ["joined 30 points, 60"]);
    assert_eq!(told(&world, adjust("a1", "dan", 100)).await, ["adjusted 100 points, 160"]);
}

async fn no_other_table_names_who_was_merged(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann-the-first", &[5, 5])).await;
    world.one(bought("o2", "bob-the-other", &[5, 5])).await;
    world.one(merged("m1", "ann-the-first", "bob-the-other")).await;
    for name in ["ann-the-first", "bob-the-other"] {
        assert_eq!(tables_with(&world, name).await, ["member"], "{name}");
    }
    let left = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 9).await.unwrap();
    let told: Vec<_> = left.iter().flat_map(|batch| batch.results.iter().map(crate::told::tell)).collect();
    assert!(told.contains(&"merged into bob-the-other by bea: one person".to_owned()), "{told:?}");
}

async fn a_merge_among_other_events_is_a_batch_of_its_own(world: World) {
    let events = [
        bought("o1", "ann", &[50, 50]),
        bought("o2", "bob", &[5, 5]),
        spend("s1", "ann", 10),
        merged("m1", "ann", "bob"),
        spend("s2", "ann", 100),
        merged("m2", "bob", "cas"),
        bought("o3", "cas", &[5, 5]),
        merged("m3", "bob", "cas"),
        bought("o4", "ann", &[5, 5]),
    ];
    let said = world.batch(&events).await;
    let lines: Vec<_> = said.iter().flat_map(Said::told).collect();
    let want = [
        "earned 100 points, 100",
        "earned 10 points, 10",
        "spent 10 points, 90",
        MERGED,
        "joined 90 points, 100",
        "spent 100 points, 0",
        "not merged: UnknownMember",
        "earned 10 points, 10",
        "merged into cas by bea: one person",
        "earned 10 points, 20",
    ];
    assert_eq!(lines, want);
    world.audits_clean().await;
}

async fn books_are_told_after_a_merge(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(spend("s1", "ann", 30)).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.one(back("r1", "ann", "o1", &[])).await;
    let statement = async |member: &str| {
        let page = world
            .ledger
            .statement(&world.pipeline, &id(member), &StatementAsk::default(), &StatementMark::default())
            .await;
        let line = |line: ledger::report::StatementLine| {
            let (other, rules) = (line.other.map_or(String::new(), |other| format!(" {other}")), line.rules.len());
            format!("{} {} {} {} {rules}{other}", line.kind, line.state, line.amount, line.balance)
        };
        page.unwrap().unwrap().lines.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        statement("ann").await,
        ["Earn available 100 100 1", "Spend available -30 70 0", "MergeOut available -70 0 0 bob"]
    );
    assert_eq!(
        statement("bob").await,
        ["Earn available 10 10 1", "MergeIn available 70 80 0 ann", "Clawback available -80 0 0"]
    );
    let explained = world.ledger.explain_event(&world.pipeline, &id("o1"), None).await.unwrap().remove(0);
    assert_eq!(explained.member.as_str(), "ann");
    let entry = explained.entry.unwrap();
    assert_eq!((entry.postings.len(), entry.awards.len(), entry.lots.len()), (2, 1, 1));
    assert_eq!(
        (entry.awards[0].taken.to_string(), entry.awards[0].waived.to_string()),
        ("80".to_owned(), "20".to_owned())
    );
    assert_eq!((explained.refunds.len(), explained.event.is_some()), (1, true));
    let explained = world.ledger.explain_event(&world.pipeline, &id("m1"), None).await.unwrap().remove(0);
    let merge = explained.merge.unwrap();
    assert_eq!((merge.from.as_str(), merge.into.as_str()), ("ann", "bob"));
    assert_eq!(explained.results.iter().map(crate::told::tell).collect::<Vec<_>>(), [MERGED]);
    let entries = world.ledger.explain_member(&world.pipeline, &id("bob"), 9).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["Clawback", "MergeIn", "Earn"]);
    let events = world.ledger.events_of(&world.pipeline, &id("bob")).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(),
        ["o1", "s1", "o2", "m1", "m1/in", "r1"]
    );
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(
        (totals.members, totals.wallets[0].transit.to_string(), totals.events["Applied"]),
        (1, "0".to_owned(), 5)
    );
    let best = world.ledger.best_members(&world.pipeline, &id("points"), 9).await.unwrap();
    assert_eq!(best.iter().map(|best| best.member.as_str()).collect::<Vec<_>>(), ["bob"]);
}

async fn what_was_owed_before_a_merge_is_told_as_it_was(world: World) {
    world.one(days(bought("o1", "ann", &[50, 50]), "last", 20)).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(on(spend("s1", "ann", 30), 1)).await;
    world.one(on(hold_of("h1", "ann", ("till", 20)), 2)).await;
    let at = |day| Some(on(spend("x", "ann", 1), day).occurred_at);
    let told = async || {
        let mut told = Vec::new();
        for day in [0, 1, 2, 4] {
            let ask = LiabilityAsk { at: at(day), by: Reckoning::Happened, zone: jiff::tz::TimeZone::UTC };
            let of = world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
            let slots: Vec<String> = of.expiring.iter().map(|slot| slot.points.to_string()).collect();
            told.push((of.outstanding.to_string(), of.held.to_string(), of.open_holds, of.earned.to_string(), slots));
        }
        told
    };
    let before = told().await;
    world.one(on(merged("m1", "ann", "bob"), 3)).await;
    assert_eq!(told().await, before, "at any date, before and after");
}

async fn an_audit_finds_what_was_left_behind(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(bought("o3", "cas", &[5, 5])).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.audits_clean().await;
    let ann = "(select number from member where external_id = 'ann')";
    let bob = "(select number from member where external_id = 'bob')";
    let buckets = "(select bucket from member where external_id = 'ann')";
    for (breaks, mends, want) in [
        (
            format!("update posting set amount = 99 where account = 'transit' and member = {ann}"),
            format!("update posting set amount = 100 where account = 'transit' and member = {ann}"),
            "what left by a merge arrived by it",
        ),
        (
            format!("update purchase set bucket = {buckets}, member = {ann} where order_id = 'o1'"),
            format!(
                "update purchase set bucket = (select bucket from member where external_id = 'bob'), member = {bob} where order_id = 'o1'"
            ),
            "to a member who was merged nothing is left",
        ),
        (
            format!("update entry set kind = 'Spend' where from_member = {ann}"),
            format!("update entry set kind = 'Earn' where from_member = {ann}"),
            "an entry that went along with a merge is the same where its postings are",
        ),
        (
            "update member set merged_number = 999999 where external_id = 'ann'".to_owned(),
            format!("update member set merged_number = {bob} where external_id = 'ann'"),
            "a member who was merged is one who is there, was not merged, and whose fate they share",
        ),
    ] {
        world.tamper(&breaks).await;
        let found: Vec<_> = world.differences().await.iter().map(|finding| finding.name).collect();
        assert!(found.contains(&want), "{breaks}: {found:?}");
        world.tamper(&mends).await;
        world.audits_clean().await;
    }
}

async fn random_histories_and_merges_leave_books_that_audit(world: World) {
    let share = if std::env::var("LOYALTY_TEST_SHARE").is_ok_and(|share| share == "small") { 3 } else { 12 };
    for seed in 0..share {
        for policy in [TakeBack::WithinBalance, TakeBack::Unlimited] {
            let mut dice = Dice(seed);
            let mut events = history(&mut dice, 90);
            // Each into another one, at any time; also into or from one who was merged, and among points that are under way.
            for n in 0..4 {
                let (from, into) = (dice.upto(4), dice.upto(4));
                if from != into {
                    let at = usize::try_from(dice.upto(events.len() as u64)).unwrap();
                    events.insert(at, merged(&format!("merge-{n}"), &format!("m{from}"), &format!("m{into}")));
                }
            }
            let mut first = None;
            for most in [1, 7] {
                let world = world.sister(&format!("{seed}-{policy:?}-{most}")).await.policy(policy).await;
                let came = run(&world, &events, most).await;
                assert_eq!(world.differences().await, [], "seed {seed}, {policy:?}, batches of {most}");
                let again: Vec<_> = world.batch(&events).await;
                assert!(!again.iter().any(|said| matches!(said, Said::Fresh(..))), "seed {seed}: replayed");
                let first = first.get_or_insert_with(|| came.clone());
                assert_eq!(&came, first, "seed {seed}, {policy:?}: batches of 1 and of {most}");
            }
        }
    }
}

async fn eight_writers_merge_and_buy_at_once(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    for n in 0..8 {
        world.one(bought(&format!("first-{n}"), &format!("m{n}"), &[10, 10])).await;
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u64 {
        let world = World::beside(&world);
        writers.spawn(async move {
            let mut dice = Dice(writer);
            for n in 0..20 {
                let name = format!("w{writer}-{n}");
                let (one, two) = (format!("m{}", dice.upto(8)), format!("m{}", dice.upto(8)));
                let batch = match dice.upto(6) {
                    0 if one != two => vec![merged(&name, &one, &two)],
                    _ => vec![bought(&name, &one, &[1, 1]), bought(&format!("{name}x"), &two, &[1, 1])],
                };
                loop {
                    match world.try_batch(&batch).await {
                        (_, ledger::Committed::Done(_)) => break,
                        (_, ledger::Committed::Raced) => {}
                        (_, refused) => panic!("{refused:?}"),
                    }
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    world.audits_clean().await;
    let merged = async |n: u64| {
        let report = world.ledger.member(&world.pipeline, &id(&format!("m{n}"))).await.unwrap().unwrap();
        report.merged.is_some()
    };
    let mut left = 0;
    for n in 0..8 {
        left += i32::from(!merged(n).await);
    }
    assert!((1..8).contains(&left), "{left} are left");
}

async fn tables_with_rows_of_the_version_before_merges_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("o2", "bob", &[9, 9])).await;
    world.one(spend("s1", "ann", 30)).await;
    let world = world.migrated_from(9).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, [MERGED, "joined 70 points, 88"]);
    assert_eq!(told(&world, back("r1", "ann", "o1", &[])).await, ["clawed 88 points, waived 12, 0"]);
}
