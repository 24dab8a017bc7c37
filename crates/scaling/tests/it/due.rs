//! Nobody is there, no message comes, and something is due for members.

use std::time::Duration;

use scaling::{Decision, Due, GIVE_UP_AFTER, LOOK_FOR, LimitedBy};

use crate::{Shop, TARGET};

/// In whole seconds.
const HOUR: u32 = 3600;

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap()
}

fn due(minutes: u64) -> Due {
    Due::Since(Duration::from_mins(minutes))
}

impl Shop {
    /// So many seconds, in which what is due gets older by as much. The last decision.
    fn ages(&mut self, seconds: u32) -> Decision {
        let mut last = None;
        for _ in 0..seconds * 2 {
            if let Due::Since(age) = &mut self.signals.due {
                *age += Duration::from_millis(500);
            }
            last = Some(self.step());
        }
        last.unwrap()
    }

    /// Somebody was woken, and is ready.
    fn woken(due: Due) -> Self {
        let mut shop = Self::new();
        shop.signals.due = due;
        shop.ages(HOUR + 1);
        assert_eq!(shop.signals.replicas, 1, "somebody is there");
        shop
    }
}

#[test]
fn what_is_due_wakes_one_worker_within_the_hour() {
    // What is due, min, max, how long nobody has been there: how many then, and what limits it.
    let table = [
        (Due::Nothing, 0, 20, 2 * HOUR, 0, LimitedBy::Nothing),
        (due(0), 0, 20, HOUR - 10, 0, LimitedBy::Nothing),
        (due(0), 0, 20, HOUR + 1, 1, LimitedBy::Due),
        (due(7 * 24 * 60), 0, 20, HOUR - 10, 0, LimitedBy::Nothing),
        (due(7 * 24 * 60), 0, 20, HOUR + 1, 1, LimitedBy::Due),
        (Due::Unknown, 0, 20, HOUR - 10, 0, LimitedBy::Nothing),
        (Due::Unknown, 0, 20, HOUR + 1, 1, LimitedBy::Due),
        // Nobody may be there, or somebody is in any case.
        (due(60), 0, 0, 2 * HOUR, 0, LimitedBy::Nothing),
        (due(60), 2, 20, 2 * HOUR, 2, LimitedBy::Minimum),
        (Due::Unknown, 1, 1, 2 * HOUR, 1, LimitedBy::Minimum),
    ];
    for (due, min, max, passed, replicas, limited_by) in table {
        let mut shop = Shop::new();
        (shop.signals.due, shop.target.min, shop.target.max) = (due, min, max);
        let decision = shop.ages(passed);
        let found = (decision.replicas, decision.limited_by);
        assert_eq!(found, (replicas, limited_by), "{due:?}, {min} to {max}, {passed} s: {}", decision.reason);
    }
}

#[test]
fn the_worker_goes_when_nothing_is_due_any_more() {
    let mut shop = Shop::woken(due(30));
    assert_eq!(shop.ages(60).replicas, 1);
    shop.signals.due = Due::Nothing;
    assert_eq!(shop.ages(20).replicas, 0);
    // New things become due all the time; a worker that is ready settles them within a minute, and needs not stay for the next ones.
    let mut shop = Shop::woken(due(30));
    for second in 0..120 {
        shop.signals.due = Due::Since(Duration::from_secs(20));
        let decision = shop.passes(1);
        assert!(decision.replicas == 1 || second > 40, "it had no time yet: {second} s");
    }
    assert_eq!(shop.signals.replicas, 0);
    shop.signals.due = due(50);
    assert_eq!(shop.ages(HOUR - 120).replicas, 0);
    assert_eq!(shop.ages(130).replicas, 1, "an hour later what came meanwhile is settled");
}

#[test]
fn a_worker_stays_for_as_long_as_it_gets_on() {
    let mut shop = Shop::woken(due(7 * 24 * 60));
    // Two hours of backlog a minute.
    for minute in 0..80_u64 {
        shop.signals.due = due(7 * 24 * 60 - minute * 120);
        let decision = shop.ages(60);
        assert_eq!((decision.replicas, decision.limited_by), (1, LimitedBy::Due), "after {minute} min");
    }
    shop.signals.due = Due::Nothing;
    assert_eq!(shop.ages(20).replicas, 0);
}

#[test]
fn a_worker_that_does_not_get_on_is_let_go_and_that_is_told() {
    for obedient in [true, false] {
        let mut shop = Shop::new();
        (shop.signals.due, shop.obedient) = (due(30), obedient);
        shop.ages(HOUR + 1);
        assert_eq!(shop.signals.replicas, 1);
        assert_eq!(shop.ages(seconds(GIVE_UP_AFTER) - 10).replicas, 1);
        let decision = shop.ages(30);
        assert_eq!(decision.replicas, 0, "{}", decision.reason);
        assert!(decision.reason.contains("the last one left undone what is due"), "{}", decision.reason);
        assert_eq!(shop.ages(HOUR - 60).replicas, 0, "not again and again");
        assert_eq!(shop.ages(60).replicas, 1, "it is tried again within the hour");
    }
}

#[test]
fn where_nobody_can_be_asked_a_worker_looks_for_a_while() {
    let mut shop = Shop::woken(Due::Unknown);
    assert_eq!(shop.ages(seconds(LOOK_FOR) - 5).replicas, 1);
    let decision = shop.ages(20);
    assert_eq!(decision.replicas, 0, "{}", decision.reason);
    assert!(decision.reason.contains("one is woken every 60 min"), "{}", decision.reason);
    // It takes long to start: the look begins when it is ready.
    let mut shop = Shop::new();
    (shop.signals.due, shop.obedient) = (Due::Unknown, false);
    shop.ages(HOUR + 60);
    shop.signals.workers_ready = 1;
    assert_eq!(shop.ages(seconds(LOOK_FOR) - 5).replicas, 1);
    assert_eq!(shop.ages(20).replicas, 0);
}

#[test]
fn messages_come_first_and_what_is_due_is_no_hindrance() {
    let mut shop = Shop::woken(due(30));
    shop.signals.ready = Some(50_000);
    let decision = shop.ages(1);
    assert_ne!(decision.limited_by, LimitedBy::Due, "{}", decision.reason);
    assert!(decision.replicas >= 1);
    let decision = shop.works(120, (300, 300), 40_000);
    assert!(decision.replicas > 1, "{}", decision.reason);
    shop.signals.ready = Some(0);
    let decision = shop.ages(90);
    assert_eq!(
        (decision.replicas, decision.limited_by),
        (1, LimitedBy::Due),
        "then it has its time: {}",
        decision.reason
    );
    let decision = shop.ages(seconds(GIVE_UP_AFTER));
    assert_eq!(decision.replicas, 0, "{}", decision.reason);
}

#[test]
fn the_last_worker_stays_for_what_is_due() {
    let mut shop = Shop::of(1);
    shop.signals.due = due(30);
    let decision = shop.ages(120);
    assert_eq!((decision.replicas, decision.limited_by), (1, LimitedBy::Due), "{}", decision.reason);
    shop.signals.due = Due::Nothing;
    assert_eq!(shop.ages(1).replicas, 0);
    // What is due since a moment ago, or may be, waits for the next one.
    for due in [Due::Since(Duration::from_secs(5)), Due::Unknown] {
        let mut shop = Shop::of(1);
        for _ in 0..120 {
            shop.signals.due = due;
            shop.passes(1);
        }
        assert_eq!(shop.signals.replicas, 0, "{due:?}");
    }
}

#[test]
fn as_long_as_nothing_happens_it_says_the_same_to_the_last_letter() {
    let table = [
        (
            due(30),
            0,
            "nothing waits, so no worker is needed; something is due for members without events, and one is woken for it within 60 min",
        ),
        (due(30), HOUR, "nothing waits; 1 worker to settle what is due for members without events"),
        (
            Due::Unknown,
            0,
            "nothing waits, so no worker is needed; one is woken every 60 min to see whether something is due for members without events",
        ),
        (
            Due::Unknown,
            HOUR,
            "nothing waits; 1 worker to see whether something is due for members without events: an embedded ledger, or one that does not answer, cannot be asked from outside",
        ),
    ];
    for (due, passed, reason) in table {
        let mut shop = Shop::new();
        shop.signals.due = due;
        let first = shop.ages(passed + 30);
        assert_eq!(first.reason, reason);
        for _ in 0..60 {
            assert_eq!(shop.ages(1), first);
        }
    }
    assert_eq!(TARGET.due_within, Duration::from_hours(1));
}
