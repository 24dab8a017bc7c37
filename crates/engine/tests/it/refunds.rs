//! Refunds through the real rules: policies that change, orders paid for with points, whatever the order and the split.

use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use engine::Settled;
use ledger::Since;
use ledger::report::WalletTotals;

use crate::shop::{Shop, base, pipeline, purchase, refund, words};

async fn policy(shop: &Shop, refunds: serde_json::Value, valid_from: &str) {
    let program = serde_json::json!({ "currency": "USD", "wallets": [{ "name": "points" }], "refunds": refunds });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(base()).unwrap();
    let since = Since { valid_from: Some(valid_from.parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
}

fn redeem(id: &str, day: u8, points: u32, order: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"redeem","occurredAt":"2026-01-{day:02}T13:00:00Z","member":"m","points":"{points}"{order}}}"#
    )
}

fn types(settled: &Settled) -> Vec<&'static str> {
    let Settled::Fresh { results, .. } = settled else { panic!("{settled:?}") };
    results.iter().map(|result| result.body.type_name()).collect()
}

async fn sums(shop: &Shop) -> WalletTotals {
    shop.ledger.totals(&pipeline()).await.unwrap().wallets.remove(0)
}

#[tokio::test]
async fn a_refund_goes_as_far_as_the_rules_that_paid_say_through_a_b_and_a_again() {
    let shop = Shop::in_memory().await;
    policy(&shop, serde_json::json!({ "takeBack": "Unlimited" }), "2026-01-10T00:00:00Z").await;
    policy(&shop, serde_json::json!({ "takeBack": "WithinBalance" }), "2026-01-20T00:00:00Z").await;
    for (order, day) in [("a1", 1), ("b", 10), ("a2", 20)] {
        shop.apply(&[&purchase(order, day, "10.00")]).await;
    }
    assert_eq!(shop.engine.rulebook().seq, 3);
    shop.apply(&[&redeem("s", 21, 30, "")]).await;
    let mut owed = Vec::new();
    for order in ["a1", "b", "a2"] {
        assert_eq!(words(&shop.apply(&[&refund(&format!("r-{order}"), order, "")]).await), ["Applied 1"]);
        owed.push(sums(&shop).await.debt.to_string());
    }
    assert_eq!(owed, ["0", "10", "10"], "only the order that was paid under `Unlimited` left anything to be paid off");
    assert_eq!(types(&shop.apply(&[&purchase("c", 31, "12.00")]).await[0]), ["points.earned", "debt.repaid"]);
    assert_eq!((shop.available("m").await.as_str(), sums(&shop).await.debt.to_string().as_str()), ("2", "0"));
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_refund_that_waited_posts_what_is_due_by_its_own_time() {
    let shop = Shop::in_memory().await;
    let program = serde_json::json!({
        "currency": "USD", "refunds": { "takeBack": "OnlyPending" },
        "wallets": [{ "name": "points", "pending": { "for": "10d" } }],
    });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(base()).unwrap();
    let since = Since { valid_from: Some("2026-01-01T00:00:00Z".parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    assert_eq!(words(&shop.apply(&[&refund("r", "a", "")]).await), ["Parked 0"]);
    let settled = shop.apply(&[&purchase("a", 2, "10.00")]).await;
    // On the 31st they could be spent, and no policy that takes what waits can take them any more.
    assert_eq!(types(&settled[0]), ["points.earned", "points.activated", "points.clawedback"]);
    assert_eq!(shop.available("m").await, "10");
    shop.audits_clean().await;
}

#[tokio::test]
async fn what_is_due_before_a_refund_is_parked_and_after_it_waited_are_two_things() {
    let shop = Shop::in_memory().await;
    let program = serde_json::json!({
        "currency": "USD", "wallets": [{ "name": "points", "pending": { "for": "10d" } }],
    });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(base()).unwrap();
    let since = Since { valid_from: Some("2026-01-01T00:00:00Z".parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    shop.apply(&[&purchase("a", 2, "10.00")]).await;
    // The refund is parked, and brings up the points of the one order; its purchase was made at the same moment as that.
    assert_eq!(types(&shop.apply(&[&refund("r", "b", "")]).await[0]), ["points.activated"]);
    let settled = shop.apply(&[&purchase("b", 2, "10.00")]).await;
    assert_eq!(types(&settled[0]), ["points.earned", "points.activated", "points.clawedback"]);
    assert_eq!(shop.available("m").await, "10");
    shop.audits_clean().await;
}

/// Refunds of one order by line, article, piece and money, a redemption for it, and the purchase itself.
fn events(dice: &mut Dice, round: usize) -> Vec<String> {
    let lines = 1 + dice.upto(3);
    let line = |n: u64, dice: &mut Dice| {
        let (quantity, amount) = (1 + dice.upto(3), dice.upto(4000));
        format!(
            r#"{{"line":"{n}","sku":"{}","quantity":{quantity},"amount":"{}.{:02}"}}"#,
            ["a", "b"][usize::try_from(n % 2).unwrap()],
            amount / 100,
            amount % 100
        )
    };
    let bought: Vec<String> = (0..lines).map(|n| line(n, dice)).collect();
    let order = format!("o{round}");
    let mut events = vec![
        format!(
            r#"{{"id":"{order}","type":"purchase","occurredAt":"2026-01-03T12:00:00Z","member":"m","order":"{order}","lines":[{}]}}"#,
            bought.join(",")
        ),
        redeem(&format!("s{round}"), 4, 1 + u32::try_from(dice.upto(70)).unwrap(), &format!(r#","order":"{order}""#)),
    ];
    for n in 0..=dice.upto(4) {
        let line = dice.upto(lines);
        let name = match dice.upto(3) {
            0 => format!(r#""sku":"{}""#, ["a", "b"][usize::try_from(line % 2).unwrap()]),
            _ => format!(r#""line":"{line}""#),
        };
        let rest = match dice.upto(4) {
            0 => String::new(),
            1 | 2 => format!(r#","quantity":{}"#, 1 + dice.upto(2)),
            _ => format!(r#","amount":"{}.50""#, dice.upto(9)),
        };
        let what = match dice.upto(6) {
            0 => format!(r#","amount":"{}.25""#, dice.upto(20)),
            _ => format!(r#","lines":[{{{name}{rest}}}]"#),
        };
        events.push(refund(&format!("r{round}-{n}"), &order, &what));
    }
    events
}

/// Knuth's MMIX generator: the round is all that a failure must tell.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn upto(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What a member has, less what they owe, after the events in batches of a size; and what paid for orders in the end.
async fn position(events: &[String], size: usize) -> (String, String) {
    let shop = Shop::in_memory().await;
    policy(&shop, serde_json::json!({ "takeBack": "Unlimited" }), "2026-01-01T00:00:00Z").await;
    shop.apply(&[&purchase("wallet", 2, "100.00")]).await;
    for batch in events.chunks(size) {
        let settled = words(&shop.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await);
        assert!(
            settled.iter().all(|word| word.starts_with("Applied") || word.starts_with("Parked")),
            "{settled:?}: {events:?}"
        );
    }
    shop.audits_clean().await;
    let sums = sums(&shop).await;
    ((sums.available - sums.debt).to_string(), sums.spent.to_string())
}

#[tokio::test]
async fn by_line_article_piece_and_money_in_any_order_and_split_a_return_comes_to_the_same() {
    for round in 0..150 {
        let mut dice = Dice(round as u64 + 1);
        let mut events = events(&mut dice, round);
        let straight = position(&events, 1).await;
        for at in (1..events.len()).rev() {
            events.swap(at, usize::try_from(dice.upto(at as u64 + 1)).unwrap());
        }
        assert_eq!(position(&events, 1).await, straight, "round {round}: {events:#?}");
        assert_eq!(position(&events, 4).await, straight, "round {round}, in batches: {events:#?}");
        // And in the end all of it came back.
        events.push(refund("whole", &format!("o{round}"), ""));
        assert_eq!(position(&events, 3).await, ("100".to_owned(), "0".to_owned()), "round {round}: {events:#?}");
    }
}
