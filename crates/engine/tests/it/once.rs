//! Once in effect: doubles, clashes, early refunds, late events.

use engine::Settled;

use crate::shop::{NOW, Shop, pipeline, purchase, refund, words};

#[tokio::test]
async fn a_replayed_event_answers_what_it_answered_the_first_time() {
    let shop = Shop::in_memory().await;
    let line = purchase("a", 1, "10.99");
    let first = shop.apply(&[&line]).await;
    let again = shop.apply(&[&line]).await;
    let (Settled::Fresh { results: first, .. }, Settled::Replayed { results: again, .. }) = (&first[0], &again[0])
    else {
        panic!("{first:?} {again:?}")
    };
    assert_eq!(first, again);
    assert_eq!(shop.available("m").await, "10");
}

#[tokio::test]
async fn what_comes_again_and_again_is_answered_alike_and_what_is_new_among_it_is_decided() {
    let shop = Shop::in_memory().await;
    let (first, second) = (purchase("a", 1, "10.99"), purchase("b", 2, "5.00"));
    let applied = shop.apply(&[&first, &second]).await;
    assert_eq!(words(&applied), ["Applied 1", "Applied 1"]);
    let again = shop.apply(&[&first, &second]).await;
    for _ in 0..3 {
        assert_eq!(shop.apply(&[&first, &second]).await, again, "known whole");
    }
    let clash = purchase("a", 1, "99.00");
    assert_eq!(words(&shop.apply(&[&second, &clash]).await), ["Replayed 1", "IdentityClash"]);
    for _ in 0..2 {
        assert_eq!(shop.apply(&[&first, &second]).await, again);
    }
    assert_eq!(words(&shop.apply(&[&second, &purchase("c", 3, "2.00")]).await), ["Replayed 1", "Applied 1"]);
    assert_eq!(shop.available("m").await, "17");
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_preview_answers_what_would_be_answered_and_keeps_nothing() {
    let shop = Shop::in_memory().await;
    let now = NOW.parse().unwrap();
    let lines = [purchase("a", 1, "10.99"), purchase("b", 2, "5.00")];
    let events: Vec<_> = lines.iter().map(|line| shop.read(line)).collect();
    let told = words(&shop.engine.preview(&events, now).await.unwrap());
    assert_eq!(told, ["Applied 1", "Applied 1"]);
    assert_eq!(shop.ledger.balance(&pipeline(), &events[0].member).await.unwrap(), None, "the member is not known");
    assert_eq!(words(&shop.apply(&[&lines[0], &lines[1]]).await), told);
    assert_eq!(words(&shop.engine.preview(&events, now).await.unwrap()), ["Replayed 1", "Replayed 1"]);
    assert_eq!(shop.available("m").await, "15");
    shop.audits_clean().await;
}

#[tokio::test]
async fn doubles_and_clashes_are_told_apart_within_a_batch_and_between_batches() {
    let shop = Shop::in_memory().await;
    let (line, other) = (purchase("a", 1, "10.00"), purchase("a", 1, "99.00"));
    assert_eq!(words(&shop.apply(&[&line, &line, &other]).await), ["Applied 1", "Replayed 0", "IdentityClash"]);
    assert_eq!(words(&shop.apply(&[&other, &line]).await), ["IdentityClash", "Replayed 1"]);
    let same_order = purchase("b", 1, "10.00").replace(r#""order":"b""#, r#""order":"a""#);
    assert_eq!(words(&shop.apply(&[&same_order]).await), ["DuplicateOrder"]);
    assert_eq!(shop.available("m").await, "10");
    shop.audits_clean().await;
}

#[tokio::test]
async fn any_batch_size_gives_the_same_balance() {
    let mut lines: Vec<String> = (1..=28).map(|day| purchase(&format!("o{day}"), day, "7.77")).collect();
    lines.extend((1..=28).step_by(3).map(|n| refund(&format!("r{n}"), &format!("o{n}"), r#","amount":"2.22""#)));
    for size in [1, 2, 7, 100] {
        let shop = Shop::in_memory().await;
        for batch in lines.chunks(size) {
            shop.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        // 28 x 7, and ten orders that keep 5.55.
        assert_eq!(shop.available("m").await, (28 * 7 - 10 * 2).to_string(), "batches of {size}");
        shop.audits_clean().await;
    }
}

#[tokio::test]
async fn a_refund_that_comes_early_waits_and_one_that_does_not_fit_is_given_up() {
    let shop = Shop::in_memory().await;
    let (fits, strange) = (refund("r1", "a", r#","amount":"4.00""#), refund("r2", "a", r#","lines":[{"sku":"x"}]"#));
    assert_eq!(words(&shop.apply(&[&fits, &strange]).await), ["Parked 0", "Parked 0"]);
    let settled = shop.apply(&[&purchase("a", 1, "10.00")]).await;
    let Settled::Fresh { results, given_up, .. } = &settled[0] else { panic!("{settled:?}") };
    assert_eq!(results.len(), 2, "earned, and taken back at once");
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].1.reason.to_string(), "UnknownLine");
    assert_eq!(shop.available("m").await, "6");
    let parked = async || shop.ledger.parked_before(&pipeline(), jiff::Timestamp::MAX, 9).await.unwrap();
    assert_eq!(parked().await, [given_up[0].0.clone()], "it waits in the ledger until its copy is buried");
    let again = shop.apply(&[&purchase("a", 1, "10.00")]).await;
    let Settled::Replayed { given_up: told_again, .. } = &again[0] else { panic!("{again:?}") };
    assert_eq!(told_again, given_up, "a worker that died before it was buried is told again");
    assert_eq!(shop.apply(&[&purchase("a", 1, "10.00")]).await, again, "and again");
    shop.ledger.give_up_parked(&pipeline(), &[ledger::Identity::of(&given_up[0].0)]).await.unwrap();
    assert!(parked().await.is_empty());
    assert_eq!(
        words(&shop.apply(&[&fits, &strange]).await),
        ["Replayed 1", "UnknownLine"],
        "who says it again is told why"
    );
    shop.audits_clean().await;
}

#[tokio::test]
async fn only_a_fresh_event_can_be_late() {
    let shop = Shop::open("sqlite::memory:", "Wall").await;
    let line = purchase("a", 20, "10.00");
    assert_eq!(words(&shop.apply(&[&line, &purchase("b", 1, "10.00")]).await), ["Applied 1", "TooLate"]);
    let events = [shop.read(&line)];
    let years_later = "2030-01-01T00:00:00Z".parse().unwrap();
    let again = shop.engine.apply(&events, &[], years_later).await.unwrap();
    assert_eq!(words(&again), ["Replayed 1"], "a redelivery is answered, however long it took");
}
