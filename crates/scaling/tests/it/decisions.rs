//! Single decisions.

use std::time::Duration;

use scaling::{Counter, Drain, LimitedBy, QUIET_FOR, SILENT_FOR, STALL_AFTER};

use crate::{Shop, TARGET};

#[test]
fn the_first_message_wakes_the_first_worker_at_the_first_look() {
    // What is there first, by kind: ready, unacknowledged, delayed.
    for (ready, unacked, delayed) in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (50_000, 0, 0)] {
        let mut shop = Shop::new();
        shop.passes(60);
        (shop.signals.ready, shop.signals.unacked, shop.signals.delayed) = (Some(ready), Some(unacked), Some(delayed));
        assert_eq!(shop.step().replicas, 1, "{ready} ready, {unacked} unacked, {delayed} delayed");
    }
}

#[test]
fn what_is_known_of_the_speed_is_used_at_the_first_look_at_a_burst() {
    // A worker does 100 a second, the target is 30 s: backlog, workers.
    for (backlog, workers) in [(100, 1), (3_000, 1), (3_300, 2), (12_000, 4), (24_000, 8), (1_000_000, 20)] {
        let mut shop = Shop::measured();
        shop.signals.ready = Some(backlog);
        let decision = shop.step();
        // Until it was seen that more do more, eight times as many as were seen is all.
        assert_eq!(decision.replicas, workers.min(16), "{backlog}: {}", decision.reason);
    }
}

#[test]
fn an_unknown_number_is_not_nought() {
    let mut shop = Shop::of(4);
    shop.passes(5);
    for blind in ["ready", "unacked", "delayed"] {
        let mut shop = Shop { scaler: shop.scaler.clone(), ..Shop::of(4) };
        match blind {
            "ready" => shop.signals.ready = None,
            "unacked" => shop.signals.unacked = None,
            _ => shop.signals.delayed = None,
        }
        let decision = shop.passes(600);
        assert_eq!((decision.replicas, decision.limited_by), (4, LimitedBy::NoSignal), "{blind}");
        assert_eq!((decision.backlog, decision.drain_s), (None, None), "{blind}");
        assert_eq!(decision.drain, Drain::Unknown, "{blind}");
        assert!(decision.reason.starts_with("held at 4: the broker does not tell how many"), "{}", decision.reason);
    }
}

#[test]
fn a_message_that_is_known_wakes_a_worker_whatever_else_is_unknown() {
    let mut shop = Shop::new();
    (shop.signals.ready, shop.signals.unacked, shop.signals.delayed, shop.signals.acked) = (Some(7), None, None, None);
    assert_eq!(shop.look().replicas, 1);
}

#[test]
fn the_last_worker_goes_only_after_all_was_empty_for_a_while() {
    let quiet = u32::try_from(QUIET_FOR.as_secs()).unwrap();
    let mut shop = Shop::of(1);
    assert_eq!(shop.passes(quiet - 1).replicas, 1);
    assert_eq!(shop.passes(2).replicas, 0);
    // What keeps it, for ever: one message that is ready, held or delayed.
    for (ready, unacked, delayed) in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        let mut shop = Shop::of(1);
        (shop.signals.ready, shop.signals.unacked, shop.signals.delayed) = (Some(ready), Some(unacked), Some(delayed));
        assert_ne!(shop.passes(600).replicas, 0, "{ready} ready, {unacked} unacked, {delayed} delayed");
    }
}

#[test]
fn messages_that_pass_between_two_looks_keep_their_worker() {
    let mut shop = Shop::of(1);
    assert_eq!(shop.works(120, (10, 10), 0).replicas, 1);
}

#[test]
fn without_a_count_of_acknowledgements_an_empty_queue_is_trusted_later() {
    let mut shop = Shop::of(1);
    shop.signals.acked = None;
    assert_eq!(shop.passes(50).replicas, 1);
    assert_eq!(shop.passes(20).replicas, 0);
}

#[test]
fn where_only_the_depth_is_known_silence_takes_workers_away_and_a_message_wakes_one() {
    let silent = u32::try_from(SILENT_FOR.as_secs()).unwrap();
    // min, workers: what is left just before the silence was long enough, and half a minute after each other from then on.
    let table: [(u32, u32, &[u32]); 5] =
        [(0, 1, &[0, 0]), (0, 7, &[3, 1, 0, 0]), (2, 7, &[3, 2, 2]), (1, 1, &[1, 1]), (0, 20, &[10, 5, 2, 1, 0])];
    for (min, workers, left) in table {
        let mut shop = Shop::of(workers);
        shop.target.min = min;
        (shop.signals.unacked, shop.signals.delayed, shop.signals.acked) = (None, None, None);
        let before = shop.passes(silent);
        assert_eq!(
            (before.replicas, before.limited_by),
            (workers, LimitedBy::NoSignal),
            "{workers}: {}",
            before.reason
        );
        let mut seen = vec![shop.passes(1).replicas];
        seen.extend(left.iter().skip(1).map(|_| shop.passes(30).replicas));
        assert_eq!(seen, left, "min {min}, {workers} workers");
        shop.signals.ready = Some(1);
        assert!(shop.step().replicas > 0, "a message wakes one");
    }
}

#[test]
fn without_counts_a_burst_is_worked_off_and_its_workers_go_again() {
    let mut shop = Shop::new();
    (shop.signals.unacked, shop.signals.delayed, shop.signals.acked) = (None, None, None);
    shop.signals.ready = Some(50_000);
    let grown = shop.passes(60).replicas;
    assert_eq!(grown, 8, "nobody tells what more of them would bring");
    // What waits at one look only: there is work, though it is not seen at most looks.
    for _ in 0..12 {
        shop.signals.ready = Some(0);
        shop.passes(60);
        shop.signals.ready = Some(1);
        assert_eq!(shop.step().replicas, grown, "a message a minute is no silence");
    }
    shop.signals.ready = Some(0);
    let decision = shop.passes(3 * u32::try_from(SILENT_FOR.as_secs()).unwrap());
    assert_eq!(decision.replicas, 0, "{}", decision.reason);
}

#[test]
fn silence_is_believed_only_where_the_broker_counts_nothing() {
    // What is missing: what stays after an hour of four workers.
    let table = [
        ((None, None, None), 0),
        ((None, None, Some(())), 4),
        ((Some(0), None, None), 4),
        ((None, Some(0), None), 4),
        ((Some(0), Some(0), None), 0),
    ];
    for ((unacked, delayed, acked), left) in table {
        let mut shop = Shop::of(4);
        (shop.signals.unacked, shop.signals.delayed) = (unacked, delayed);
        shop.signals.acked = shop.signals.acked.filter(|_| acked.is_some());
        assert_eq!(shop.passes(3600).replicas, left, "{unacked:?}, {delayed:?}, {acked:?}");
    }
}

#[test]
fn never_below_the_minimum_and_never_above_the_maximum() {
    // min, max, now, ready: replicas, limited by.
    let table = [
        (2, 20, 0, 0, 2, LimitedBy::Minimum),
        (2, 20, 2, 0, 2, LimitedBy::Nothing),
        (0, 20, 30, 90_000, 20, LimitedBy::Maximum),
        (3, 20, 1, 5, 3, LimitedBy::Minimum),
        (5, 2, 0, 0, 2, LimitedBy::Minimum),
        (0, 0, 0, 5, 0, LimitedBy::Maximum),
    ];
    for (min, max, now, ready, replicas, limited_by) in table {
        let mut shop = Shop::of(now);
        (shop.target.min, shop.target.max, shop.signals.ready) = (min, max, Some(ready));
        let decision = shop.look();
        assert_eq!(decision.replicas, replicas, "min {min}, max {max}, now {now}, ready {ready}");
        if min <= max {
            assert_eq!(decision.limited_by, limited_by, "min {min}, max {max}, now {now}, ready {ready}");
        }
    }
}

#[test]
fn a_stall_holds_the_number_and_is_told() {
    let mut shop = Shop::of(3);
    shop.works(30, (300, 300), 4_000);
    let before = shop.signals.replicas;
    let stall = u32::try_from(STALL_AFTER.as_secs()).unwrap();
    let told = shop.works(stall + 10, (300, 0), 4_000);
    assert_eq!((told.limited_by, told.drain), (LimitedBy::Stall, Drain::Stalled), "{}", told.reason);
    assert_eq!((told.drain_s, told.acked_per_s), (None, Some(0.0)));
    let held = told.replicas;
    let later = shop.works(120, (300, 0), 12_000);
    assert_eq!((later.replicas, later.limited_by), (held, LimitedBy::Stall), "it was {before} before");
    // A minute later they work again: it is no stall any more, and what a worker does was not forgotten.
    let over = shop.works(15, (300, 300), 40_000);
    assert_ne!(over.limited_by, LimitedBy::Stall, "{}", over.reason);
    assert!(over.replicas < 20, "{}", over.reason);
}

#[test]
fn a_broker_that_counts_and_has_never_seen_an_acknowledgement_is_a_stall_after_a_while() {
    let mut shop = Shop::new();
    (shop.signals.acked, shop.signals.ready) = (None, Some(100_000));
    let decision = shop.passes(60);
    assert_eq!((decision.limited_by, decision.drain), (LimitedBy::Stall, Drain::Stalled), "{}", decision.reason);
    assert!(decision.replicas <= 4, "{}", decision.reason);
}

#[test]
fn workers_that_do_not_get_ready_are_no_stall() {
    // Measured before or not: workers, what limits them.
    for (mut shop, workers, limited_by) in
        [(Shop::new(), 1, LimitedBy::Measuring), (Shop::measured(), 16, LimitedBy::Measuring)]
    {
        (shop.obedient, shop.signals.ready) = (false, Some(100_000));
        let decision = shop.passes(120);
        assert_eq!((decision.replicas, decision.limited_by), (workers, limited_by), "{}", decision.reason);
        assert_ne!(decision.drain, Drain::Stalled, "{}", decision.reason);
    }
}

#[test]
fn workers_that_lose_their_readiness_are_a_stall_and_get_no_company() {
    // Workers, and what stands of the work when the database goes: ready, unacknowledged, delayed.
    for (workers, (ready, unacked, delayed)) in [(3, (400, 30, 0)), (3, (0, 30, 0)), (1, (0, 0, 12)), (8, (90, 0, 0))] {
        let case = format!("{workers} workers, {ready} ready, {unacked} unacked, {delayed} delayed");
        let mut shop = Shop::of(workers);
        (shop.target.min, shop.target.max) = (workers, workers);
        shop.works(60, (200, 200), 5_000);
        shop.target.max = 20;
        shop.obedient = false;
        (shop.signals.ready, shop.signals.unacked, shop.signals.delayed) = (Some(ready), Some(unacked), Some(delayed));
        shop.signals.workers_ready = 0;
        let stall = u32::try_from(STALL_AFTER.as_secs()).unwrap();
        let told = shop.works_on(stall + 1, (4, 0));
        assert_eq!((told.limited_by, told.drain), (LimitedBy::Stall, Drain::Stalled), "{case}: {}", told.reason);
        assert!(told.reason.contains("ready any more"), "{case}: {}", told.reason);
        assert!(told.replicas <= workers + 3, "{case}: {}", told.reason);
        // However long it takes and whatever comes.
        let later = shop.works_on(600, (400, 0));
        assert_eq!((later.replicas, later.limited_by), (told.replicas, LimitedBy::Stall), "{case}: {}", later.reason);
        assert_eq!(later.drain, Drain::Stalled, "{case}");
        // Ready again: it is over with the first acknowledgements.
        shop.signals.workers_ready = shop.signals.replicas;
        let over = shop.works_on(15, (200, 300));
        assert_ne!(over.limited_by, LimitedBy::Stall, "{case}: {}", over.reason);
    }
}

#[test]
fn what_is_no_stall_though_no_worker_is_ready() {
    let stall = u32::try_from(STALL_AFTER.as_secs()).unwrap();
    // Nothing waits.
    let mut shop = Shop::of(2);
    shop.target.min = 2;
    shop.works(30, (0, 0), 0);
    (shop.obedient, shop.signals.workers_ready) = (false, 0);
    assert_eq!(shop.passes(2 * stall).drain, Drain::OnTarget);
    // A moment without: a pod was replaced.
    let mut shop = Shop::of(2);
    shop.works(30, (200, 200), 4_000);
    (shop.obedient, shop.signals.workers_ready) = (false, 0);
    assert_ne!(shop.works_on(stall - 10, (200, 0)).limited_by, LimitedBy::Stall);
    // Workers that start anew after all were gone, as slowly as the first ones; the last one is ready until it has ended, or is not.
    for ending in [0, 1] {
        let mut shop = Shop::measured();
        (shop.obedient, shop.signals.workers_ready) = (false, ending);
        shop.step();
        shop.signals.workers_ready = 0;
        let decision = shop.works(3 * stall, (2, 0), 50);
        assert_eq!((decision.replicas, decision.limited_by), (1, LimitedBy::Nothing), "{}", decision.reason);
    }
}

#[test]
fn more_workers_that_bring_nothing_stop_the_growth() {
    let mut shop = Shop::of(2);
    // However many there are, 200 a second are acknowledged, while 400 come.
    shop.works(30, (200, 200), 4_000);
    shop.signals.ready = Some(4_000);
    let told = (0..120).map(|_| shop.works_on(1, (400, 200))).find(|it| it.limited_by == LimitedBy::Saturation);
    let told = told.expect("it is told within two minutes");
    assert_eq!(told.drain, Drain::Saturated, "{}", told.reason);
    assert!(told.replicas <= 16, "{}", told.reason);
    let later = shop.works_on(40, (400, 200));
    assert_eq!((later.replicas, later.limited_by), (told.replicas, LimitedBy::Saturation), "{}", later.reason);
    // The database is itself again.
    let over = shop.works(15, (400, 2_000), 40_000);
    assert_ne!(over.limited_by, LimitedBy::Saturation, "{}", over.reason);
}

#[test]
fn a_counter_that_begins_again_is_no_flood_and_no_stall() {
    let mut shop = Shop::of(3);
    let before = shop.works(60, (210, 210), 0);
    shop.acked = 0;
    let mut most = before.replicas;
    for _ in 0..60 {
        let decision = shop.works(1, (210, 210), 0);
        most = most.max(decision.replicas);
        assert!(decision.arrival_per_s.is_none_or(|rate| rate < 400.0), "{}", decision.reason);
    }
    assert!(most <= before.replicas, "{most} after {}", before.replicas);
}

#[test]
fn the_same_reading_told_again_changes_nothing() {
    let mut shop = Shop::of(3);
    shop.target.min = 3;
    let before = shop.works(60, (210, 210), 0);
    let reading = shop.signals.acked;
    for _ in 0..10 {
        shop.signals.at += Duration::from_millis(500);
        shop.signals.acked = reading;
        let decision = shop.look();
        assert_eq!((decision.replicas, decision.arrival_per_s), (before.replicas, before.arrival_per_s));
    }
}

#[test]
fn a_reading_of_long_ago_is_none() {
    let mut shop = Shop::of(2);
    let before = shop.works(60, (100, 100), 0);
    assert!(before.arrival_per_s.is_some());
    let stale = shop.signals.acked;
    for _ in 0..40 {
        shop.signals.at += Duration::from_millis(500);
        shop.signals.acked = stale;
        shop.look();
    }
    let decision = shop.look();
    assert_eq!((decision.arrival_per_s, decision.acked_per_s), (None, None));
}

#[test]
fn a_purged_queue_is_no_arrival_and_not_waited_for() {
    let mut shop = Shop::of(2);
    shop.signals.ready = Some(1_000_000);
    shop.passes(10);
    shop.signals.ready = Some(0);
    let decision = shop.passes(60);
    assert_eq!((decision.replicas, decision.arrival_per_s), (0, Some(0.0)), "{}", decision.reason);
}

#[test]
fn a_new_memory_keeps_the_workers_that_it_finds() {
    let mut shop = Shop::of(7);
    let decision = shop.works(25, (560, 560), 0);
    assert_eq!(decision.replicas, 7, "{}", decision.reason);
}

#[test]
fn the_formula_is_what_the_manual_says() {
    let mut shop = Shop::measured();
    // 100 a second and worker, N = ceil(lambda / 80 + backlog / 3000): lambda 400 and nothing waits is 5.
    shop.signals.unacked = Some(4);
    shop.step();
    let decision = shop.works(40, (400, 400), 0);
    assert_eq!(decision.replicas, 5, "{}", decision.reason);
    assert_eq!((decision.drain, decision.limited_by), (Drain::OnTarget, LimitedBy::Nothing));
}

#[test]
fn numbers_at_the_edge_are_survived() {
    for number in [0, 1, u64::MAX / 2, u64::MAX] {
        let mut shop = Shop::of(3);
        shop.target.max = u32::MAX;
        shop.target.drain_within = Duration::ZERO;
        shop.signals.ready = Some(number);
        shop.signals.unacked = Some(number);
        shop.signals.acked = Some(Counter { total: number, at: Duration::MAX });
        shop.passes(30);
        // Time goes back, which it should not.
        shop.signals.at = Duration::ZERO;
        shop.signals.replicas = u32::MAX;
        shop.obedient = false;
        shop.passes(30);
    }
    assert_eq!(TARGET.max, 20);
}
