//! Members who are erased, on every store: what becomes of what they had, of what they did, and of what still comes in their name.

use std::time::Duration;

use contract::event::{Event, Kind, Word};
use contract::program::TakeBack;
use ledger::Identity;
use ledger::book::{Applied, MemberState, Outcome, RewardRules, TurningAway};
use ledger::report::{StatementAsk, StatementMark};

use crate::freezing::freeze;
use crate::holds::{capture, hold_of, release, until};
use crate::privacy::tables_with;
use crate::property::{Dice, history, run};
use crate::time::{days, on};
use crate::transfers::{carry, send};
use crate::world::{Said, World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    what_an_erased_member_had_is_forfeited
    holds_end_first_and_pay_off_what_is_owed
    what_an_erased_member_owes_is_waived
    one_who_has_nothing_is_erased_without_an_entry
    whatever_comes_later_settles_as_erased
    what_came_before_is_a_duplicate_whatever_it_says
    an_identity_of_an_erased_member_is_a_clash_for_another
    a_refund_that_waited_is_forgotten
    nothing_says_who_an_erased_member_was
    what_is_under_way_to_an_erased_member_comes_back
    what_is_sent_to_an_erased_member_comes_back
    what_an_erased_member_sent_arrives
    what_comes_back_to_an_erased_member_is_forfeited
    an_erasure_among_other_events_of_a_batch
    a_name_that_says_nothing_is_nobody_s
    a_worker_that_has_never_heard_of_an_erasure_makes_no_new_member
    entries_of_an_erased_member_stay_under_another_name
    tables_with_rows_of_the_version_before_erasures_migrate
}

pub(crate) fn erase(name: &str, member: &str) -> Event {
    let word = Word { reason: "asked for it".to_owned(), author: "bea".to_owned() };
    event(name, member, Kind::Erase(word))
}

/// As an engine does it with an event of a member who was erased.
pub(crate) fn turned_away(world: &World, event: &Event, state: &MemberState) -> Applied {
    let (pipeline, ruleset_hash) = (&world.pipeline, &world.hash);
    state.turn_away(TurningAway { pipeline, event, hash: event.content_hash(), ruleset_hash })
}

impl World {
    /// What is due before an event; before an erasure, every hold ends.
    pub(crate) fn settle_for(
        &self,
        state: &mut MemberState,
        (event, cause): (&Event, &Identity),
        rewards: &RewardRules,
    ) -> Vec<Applied> {
        let settling = self.settling((&event.member, cause), event.occurred_at, rewards);
        let is_last = matches!(event.kind, Kind::Erase(_));
        if is_last { state.settle_last(settling) } else { state.settle(settling) }.unwrap()
    }

    async fn was_erased(&self, member: &str) -> bool {
        self.ledger.was_erased(&self.pipeline, &id(member)).await.unwrap()
    }

    async fn is_known(&self, member: &str) -> bool {
        self.ledger.member(&self.pipeline, &id(member)).await.unwrap().is_some()
    }

    /// earned, expired, clawed, available of points, over all members
    async fn sums(&self) -> [String; 4] {
        let totals = self.ledger.totals(&self.pipeline).await.unwrap();
        let points = totals.wallets.iter().find(|sums| sums.wallet.as_str() == "points").unwrap();
        [points.earned, points.expired, points.clawed, points.available].map(|points| points.to_string())
    }
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

const ERASED: &str = "erased by bea: asked for it";

async fn what_an_erased_member_had_is_forfeited(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(days(bought("o2", "ann", &[20, 10]), "wait", 9)).await;
    world.one(days(bought("o3", "ann", &[3, 4]), "last", 90)).await;
    world.one(days(days(bought("o4", "ann", &[5, 6]), "idle", 90), "active", 90)).await;
    world.one(bought("o5", "bob", &[8, 9])).await;
    world.one(freeze("f1", "ann")).await;
    assert_eq!(told(&world, erase("x1", "ann")).await, ["forfeited 148 points", ERASED]);
    assert_eq!(world.sums().await, ["165", "148", "0", "17"]);
    assert!(world.was_erased("ann").await && !world.was_erased("bob").await);
    assert!(!world.is_known("ann").await, "her name is gone");
    let best = world.ledger.best_members(&world.pipeline, &id("points"), 9).await.unwrap();
    assert_eq!(best.iter().map(|best| best.member.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(world.ledger.next_due(&world.pipeline).await.unwrap(), None);
    assert_eq!(told(&world, spend("s1", "bob", 17)).await, ["spent 17 points, 0"], "others have what they had");
}

async fn holds_end_first_and_pay_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.one(bought("o1", "ann", &[50, 30, 20])).await;
    world.one(hold_of("h1", "ann", ("till", 30))).await;
    world.one(until(hold_of("h2", "ann", ("web", 20)), 3)).await;
    world.one(spend("s1", "ann", 40)).await;
    assert_eq!(told(&world, back("r1", "ann", "o1", &["1"])).await, ["clawed 10 points, waived 0, owed 40, 0"]);
    let said = told(&world, erase("x1", "ann")).await;
    let want = [
        "timed out 30 of till, 0",
        "repaid 30 points, owed 10, 0",
        "timed out 20 of web, 10",
        "repaid 10 points, owed 0, 10",
        "forfeited 10 points",
        ERASED,
    ];
    assert_eq!(said, want);
    assert_eq!(world.sums().await, ["100", "10", "50", "0"]);
}

async fn what_an_erased_member_owes_is_waived(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.one(bought("o1", "ann", &[60, 30, 10])).await;
    world.one(bought("o2", "ann", &[7])).await;
    world.one(days(bought("o3", "ann", &[5, 5]), "wait", 9)).await;
    world.one(spend("s1", "ann", 157)).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    assert_eq!(told(&world, back("r2", "ann", "o2", &[])).await, ["clawed 0 points, waived 0, owed 57, 0"]);
    assert_eq!(world.awards("o2").await, [("7".to_owned(), "0".to_owned()), ("50".to_owned(), "0".to_owned())]);
    assert_eq!(told(&world, erase("x1", "ann")).await, ["forfeited 10 points, waived 117", ERASED]);
    assert_eq!(world.sums().await, ["167", "10", "0", "0"]);
    // What was to be taken is not: the whole of it is waived.
    assert_eq!(world.awards("o1").await, [("0".to_owned(), "60".to_owned())]);
    assert_eq!(world.awards("o2").await, [("0".to_owned(), "7".to_owned()), ("0".to_owned(), "50".to_owned())]);
}

async fn one_who_has_nothing_is_erased_without_an_entry(world: World) {
    world.one(spend("s1", "ann", 5)).await;
    assert_eq!(told(&world, erase("x1", "ann")).await, [ERASED]);
    assert!(world.was_erased("ann").await);
}

async fn whatever_comes_later_settles_as_erased(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(erase("x1", "ann")).await;
    for (later, want) in [
        (bought("o2", "ann", &[50]), vec![]),
        (back("r1", "ann", "o1", &[]), vec![]),
        (back("r9", "ann", "o9", &[]), vec![]),
        (spend("s1", "ann", 5), vec!["no redeem: MemberErased"]),
        (hold_of("h1", "ann", ("till", 5)), vec!["no hold: MemberErased"]),
        (capture("c1", "ann", ("till", None), false), vec!["no capture: MemberErased"]),
        (release("l1", "ann", "till"), vec!["no release: MemberErased"]),
        (adjust("a1", "ann", 5), vec!["no adjust: MemberErased"]),
        (send("t1", "ann", ("bob", 5)), vec!["no transfer: MemberErased"]),
        (freeze("f1", "ann"), vec!["no freeze: MemberErased"]),
        (erase("x2", "ann"), vec!["no erase: MemberErased"]),
    ] {
        let said = world.one(later.clone()).await;
        assert!(matches!(said, Said::Fresh(Outcome::Erased, _)), "{said:?}");
        assert_eq!(said.told(), want);
        let again = world.one(later).await;
        assert!(matches!(again, Said::Replayed(Outcome::Erased, _)), "{again:?}");
        assert_eq!(again.told(), want, "who asked gets the same answer");
    }
    world.audits_clean().await;
    assert_eq!(world.sums().await, ["100", "100", "0", "0"]);
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!((totals.members, totals.events.get("Erased")), (1, Some(&11)), "nobody is no member");
}

async fn what_came_before_is_a_duplicate_whatever_it_says(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(spend("s1", "ann", 30)).await;
    world.one(erase("x1", "ann")).await;
    for again in [bought("o1", "ann", &[50, 50]), spend("s1", "ann", 31), erase("x1", "ann")] {
        let said = world.one(again).await;
        assert!(matches!(said, Said::Replayed(Outcome::Applied, _)), "{said:?}");
    }
    // What was published of her is forgotten, but for the last word.
    assert_eq!(world.one(spend("s1", "ann", 30)).await.told(), [""; 0]);
    assert_eq!(world.one(erase("x1", "ann")).await.told(), ["forfeited 70 points", ERASED]);
    world.audits_clean().await;
}

async fn an_identity_of_an_erased_member_is_a_clash_for_another(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(erase("x1", "ann")).await;
    world.one(spend("s1", "ann", 30)).await;
    assert_eq!(world.one(bought("o1", "bob", &[50, 50])).await, Said::Clash);
    assert_eq!(world.one(spend("s1", "bob", 30)).await, Said::Clash);
    world.audits_clean().await;
}

async fn a_refund_that_waited_is_forgotten(world: World) {
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(erase("x1", "ann")).await;
    world.audits_clean().await;
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(world.ledger.parked_before(&world.pipeline, later, 10).await.unwrap(), []);
    assert_eq!(told(&world, bought("o1", "ann", &[50])).await, [""; 0]);
    let said = world.one(back("r1", "ann", "o1", &[])).await;
    assert!(matches!(said, Said::Replayed(Outcome::Erased, _)), "{said:?}");
}

const MEMBER: &str = "+49-170-1234567";

async fn nothing_says_who_an_erased_member_was(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    let mut order = bought("o1", MEMBER, &[43, 30]);
    order.data.insert("note".to_owned(), "walnut".into());
    world.one(order).await;
    world.one(back("r1", MEMBER, "o1", &["1"])).await;
    world.one(back("r9", MEMBER, "o9", &[])).await;
    world.one(freeze("f1", MEMBER)).await;
    world.one(adjust("a1", MEMBER, 5)).await;
    world.one(send("t1", "bob", (MEMBER, 1))).await;
    for text in [MEMBER, "walnut", "card stolen", "goodwill"] {
        assert!(!tables_with(&world, text).await.is_empty(), "the search finds `{text}` before");
    }
    world.one(erase("x1", MEMBER)).await;
    let mut order = bought("o2", MEMBER, &[43]);
    order.data.insert("note".to_owned(), "walnut".into());
    world.one(order).await;
    world.one(send("t2", "bob", (MEMBER, 1))).await;
    for text in [MEMBER, "walnut", "card stolen", "goodwill"] {
        assert_eq!(tables_with(&world, text).await, [""; 0], "{text}");
    }
    world.audits_clean().await;
}

async fn what_is_under_way_to_an_erased_member_comes_back(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    world.one(erase("x1", "bob")).await;
    world.audits_clean().await;
    assert_eq!(carry(&world).await, ["refused 30 points: MemberErased", "came back 30 points, 100"]);
    world.audits_clean().await;
    assert_eq!(world.sums().await, ["100", "0", "0", "100"]);
}

async fn what_is_sent_to_an_erased_member_comes_back(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("o2", "bob", &[1, 1])).await;
    world.one(erase("x1", "bob")).await;
    assert_eq!(told(&world, send("t1", "ann", ("bob", 30))).await, ["sent 30 points, 70"]);
    assert_eq!(carry(&world).await, ["refused 30 points: MemberErased", "came back 30 points, 100"]);
    world.audits_clean().await;
    assert!(!world.is_known("bob").await, "no new member of his name");
    assert_eq!(world.sums().await, ["102", "2", "0", "100"]);
}

async fn what_an_erased_member_sent_arrives(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    assert_eq!(told(&world, erase("x1", "ann")).await, ["forfeited 70 points", ERASED]);
    assert_eq!(carry(&world).await, ["received 30 points, 30"]);
    world.audits_clean().await;
    assert_eq!(world.sums().await, ["100", "70", "0", "30"]);
}

async fn what_comes_back_to_an_erased_member_is_forfeited(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(freeze("f1", "bob")).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    world.one(send("t2", "ann", ("zoe", 5))).await;
    world.one(erase("x1", "ann")).await;
    // Both ends of this one are nobody by now.
    world.one(erase("x2", "zoe")).await;
    let want = [
        "refused 30 points: MemberFrozen",
        "refused 5 points: MemberErased",
        "forfeited 30 points",
        "forfeited 5 points",
    ];
    assert_eq!(carry(&world).await, want);
    world.audits_clean().await;
    assert_eq!(world.sums().await, ["100", "100", "0", "0"]);
}

async fn an_erasure_among_other_events_of_a_batch(world: World) {
    let events = [
        bought("o1", "ann", &[50, 50]),
        bought("o2", "bob", &[50, 50]),
        hold_of("h1", "ann", ("till", 10)),
        back("r9", "ann", "o9", &[]),
        send("t1", "bob", ("ann", 5)),
        erase("x1", "ann"),
        bought("o9", "ann", &[50]),
        spend("s1", "ann", 10),
        send("t2", "bob", ("ann", 5)),
        bought("o1", "ann", &[50, 50]),
        spend("s2", "bob", 10),
    ];
    let said = world.batch(&events).await;
    assert_eq!(said[5].told(), ["timed out 10 of till, 100", "forfeited 100 points", ERASED]);
    assert!(matches!(said[6], Said::Fresh(Outcome::Erased, _)) && said[6].told().is_empty(), "{:?}", said[6]);
    assert_eq!(said[7].told(), ["no redeem: MemberErased"]);
    assert_eq!(said[10].told(), ["spent 10 points, 80"]);
    world.audits_clean().await;
    let all = ["refused 5 points: MemberErased", "refused 5 points: MemberErased"];
    assert_eq!(carry(&world).await, [&all[..], &["came back 5 points, 85", "came back 5 points, 90"]].concat());
    for said in world.batch(&events).await {
        assert!(matches!(said, Said::Replayed(..)), "{said:?}");
    }
    world.audits_clean().await;
    assert_eq!(world.sums().await, ["200", "100", "0", "90"]);
}

/// The name under which an erased member's entries stand.
async fn pseudonym(world: &World, event: &str) -> String {
    let reports = world.ledger.explain_event(&world.pipeline, &id(event), None).await.unwrap();
    assert!(reports[0].erased);
    reports[0].member.to_string()
}

async fn a_name_that_says_nothing_is_nobody_s(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(erase("x1", "ann")).await;
    world.one(spend("s1", "ann", 5)).await;
    let (ann, nobody) = (pseudonym(&world, "o1").await, pseudonym(&world, "s1").await);
    assert_ne!(ann, nobody, "nothing leads from what comes later to what was there");
    for (n, name) in [ann, nobody].iter().enumerate() {
        assert!(name.starts_with("erased-"), "{name}");
        let said = world.one(bought(&format!("n{n}"), name, &[50, 50])).await;
        assert!(matches!(said, Said::Fresh(Outcome::Erased, _)), "{said:?}");
        world.one(bought(&format!("b{n}"), "bob", &[1, 1])).await;
        assert_eq!(
            told(&world, send(&format!("t{n}"), "bob", (name, 1))).await,
            [format!("sent 1 points, {}", 2 * n + 1)]
        );
        assert_eq!(carry(&world).await[0], "refused 1 points: MemberErased");
    }
    world.audits_clean().await;
}

async fn a_worker_that_has_never_heard_of_an_erasure_makes_no_new_member(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    let other = World::beside(&world);
    other.one(bought("o2", "bob", &[50, 50])).await;
    world.one(erase("x1", "ann")).await;
    assert_eq!(other.one(spend("s1", "ann", 5)).await.told(), ["no redeem: MemberErased"]);
    assert_eq!(other.one(send("t1", "bob", ("ann", 5))).await.told(), ["sent 5 points, 95"]);
    assert!(!world.is_known("ann").await);
    world.one(erase("x2", "bob")).await;
    assert_eq!(other.one(spend("s2", "bob", 5)).await.told(), ["no redeem: MemberErased"]);
    world.audits_clean().await;
}

async fn entries_of_an_erased_member_stay_under_another_name(world: World) {
    world.one(on(bought("o1", "ann", &[50, 50]), 0)).await;
    world.one(on(erase("x1", "ann"), 1)).await;
    let name = pseudonym(&world, "o1").await;
    let member = world.ledger.member(&world.pipeline, &id(&name)).await.unwrap().unwrap();
    let erased = member.erased.unwrap();
    assert_eq!(
        (erased.at, erased.reason.as_str(), erased.author.as_str()),
        (on(erase("x1", "ann"), 1).occurred_at, "asked for it", "bea")
    );
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id(&name), &ask, &mark).await.unwrap().unwrap();
    let lines: Vec<_> =
        page.lines.iter().map(|line| format!("{} {} {}", line.kind, line.amount, line.balance)).collect();
    assert_eq!(lines, ["Earn 100 100", "Erase -100 0"]);
    let results = world.ledger.unpublished(&world.pipeline, Duration::ZERO, 10).await.unwrap();
    let named: Vec<_> =
        results.iter().flat_map(|batch| &batch.results).map(|result| result.member.to_string()).collect();
    assert_eq!(named, [name.as_str(), &name], "what is published of the end says no name either");
}

async fn tables_with_rows_of_the_version_before_erasures_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(back("r9", "ann", "o9", &[])).await;
    let world = world.migrated_from(6).await;
    assert_eq!(told(&world, erase("x1", "ann")).await, ["forfeited 100 points", ERASED]);
    let said = world.one(bought("o1", "ann", &[50, 50])).await;
    assert!(matches!(said, Said::Replayed(Outcome::Applied, _)), "{said:?}");
}

/// Some members are erased in the middle of everything.
fn with_erasures(seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut events = history(&mut dice, 160);
    for n in 0..3 {
        let at = usize::try_from(dice.upto(events.len() as u64)).unwrap();
        events.insert(at, erase(&format!("x{n}"), &format!("m{}", dice.upto(2))));
    }
    events
}

async fn check(seed: u64, fresh: impl AsyncFn() -> World) {
    println!("seed {seed}");
    let events = with_erasures(seed);
    let (first, second, third) = (fresh().await, fresh().await, fresh().await);
    let one_by_one = run(&first, &events, 1).await;
    first.audits_clean().await;
    for (world, most) in [(&second, 7), (&third, 200)] {
        assert_eq!(run(world, &events, most).await, one_by_one, "seed {seed}, batches of up to {most}");
        world.audits_clean().await;
        assert_eq!(world.sums().await, first.sums().await, "seed {seed}");
    }
    let (_, again) = run(&third, &events, 50).await;
    assert_eq!(again, one_by_one.1, "seed {seed}, replayed");
    third.audits_clean().await;
    assert_eq!(third.sums().await, first.sums().await, "seed {seed}, replayed");
}

#[tokio::test]
async fn random_histories_with_erasures_leave_the_same_books_whatever_the_batches() {
    for seed in 0..10 {
        check(seed, World::sqlite_memory).await;
    }
    for seed in 100..106 {
        check(seed, async || World::sqlite_memory().await.policy(TakeBack::Unlimited).await).await;
    }
}

#[tokio::test]
async fn random_histories_with_erasures_leave_the_same_books_in_postgres() {
    for seed in 200..202 {
        check(seed, World::postgres).await;
    }
    for seed in 300..302 {
        check(seed, async || World::postgres().await.policy(TakeBack::Unlimited).await).await;
    }
}

#[tokio::test]
async fn both_stores_keep_the_same_books_with_erasures() {
    let events = with_erasures(4711);
    let (sqlite, postgres) = (World::sqlite_file().await, World::postgres().await);
    assert_eq!(run(&sqlite, &events, 20).await, run(&postgres, &events, 33).await);
    assert_eq!(sqlite.sums().await, postgres.sums().await);
}
