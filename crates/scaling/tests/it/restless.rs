//! What nothing happens to does not change.

use scaling::{Drain, LimitedBy};

use crate::{Shop, TARGET};

#[test]
fn an_idle_pipeline_says_the_same_to_the_last_letter() {
    // min, workers at the beginning: what it says in the end.
    let table = [
        (0, 0, LimitedBy::Nothing, "nothing waits, so no worker is needed"),
        (0, 3, LimitedBy::Nothing, "nothing waits, so no worker is needed"),
        (2, 2, LimitedBy::Minimum, "nothing waits; `min` is 2"),
    ];
    for (min, workers, limited_by, reason) in table {
        let mut shop = Shop::of(workers);
        shop.target.min = min;
        let first = shop.passes(90);
        assert_eq!((first.limited_by, first.drain, first.reason.as_str()), (limited_by, Drain::OnTarget, reason));
        for _ in 0..600 {
            assert_eq!(shop.step(), first);
        }
    }
}

#[test]
fn idle_after_work_says_the_same_too() {
    let mut shop = Shop::measured();
    let first = shop.passes(60);
    for _ in 0..600 {
        assert_eq!(shop.step(), first);
    }
}

#[test]
fn a_rate_that_trembles_around_a_number_of_workers_does_not_move_it() {
    let mut shop = Shop::measured();
    let mut numbers = Vec::new();
    // 380 to 420 a second: 4.75 to 5.25 workers.
    for second in 0..600_u64 {
        let rate = 380 + (second * 7919) % 41;
        shop.signals.unacked = Some(4);
        let decision = shop.works(1, (rate, rate), 0);
        numbers.push(decision.replicas);
    }
    numbers.drain(..60);
    numbers.dedup();
    assert!(numbers.len() <= 2, "{numbers:?}");
    assert!(numbers.iter().all(|number| (5..=6).contains(number)), "{numbers:?}");
    assert_eq!(TARGET.min, 0);
}
