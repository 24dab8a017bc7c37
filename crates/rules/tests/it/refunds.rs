//! Refunds: what is due back is what was awarded, less what the kept part would have earned.

use contract::decision::{Decision, Facts};
use contract::event::{Kind, Line, Refund, RefundLine};
use contract::{BuryReason, Points, Quantity};
use serde_json::{Value, json};

use crate::support::{
    Dice, back, by_id, by_sku, compiled, earn, event, line, lines_back, merged, multiply, order, per, points, purchase,
    refunded, ruleset_of, state, wallet, whole,
};

pub(crate) fn one_per_dollar() -> Value {
    per("base", "1", "1.00", &json!({}))
}

fn article(id: &str, sku: &str, quantity: &str, amount: &str) -> Line {
    Line { sku: Some(sku.to_owned()), quantity: Quantity::parse(quantity).unwrap(), ..line(id, amount) }
}

#[test]
fn rvca_75_of_100_returned_keeps_25() {
    let rules = compiled(&json!([one_per_dollar()]));
    let mut order = state(&rules, &order("100.00"));
    assert_eq!(refunded(&rules, &mut order, &back("75.00")), 75);
}

#[test]
fn smile_io_a_coupon_is_not_in_the_base_and_a_full_refund_leaves_nothing() {
    let rules = compiled(&json!([one_per_dollar()]));
    let mut order = state(&rules, &order("40.00"));
    assert_eq!(order.awards[0].awarded, Points(40));
    assert_eq!(refunded(&rules, &mut order, &whole()), 40);
}

#[test]
fn a_refund_takes_by_the_version_that_paid() {
    let paid = compiled(&json!([one_per_dollar()]));
    let today = compiled(&json!([per("base", "2", "1.00", &json!({}))]));
    let mut order = state(&paid, &order("50.00"));
    assert_eq!(order.ruleset, *paid.hash());
    assert_ne!(today.hash(), paid.hash());
    assert_eq!(refunded(&paid, &mut order, &whole()), 50);
}

#[test]
fn a_bonus_for_exactly_one_line_is_first_not_taken_and_then_taken() {
    let bonus = earn("single", &json!({ "fixed": "50" }), &json!({ "when": "event.lines.size() == 1" }));
    let rules = compiled(&json!([one_per_dollar(), bonus]));
    let mut order = state(&rules, &purchase(vec![line("a", "40.00"), line("b", "30.00"), line("c", "30.00")]));
    let due: Vec<(i64, bool)> = ["a", "b", "c"]
        .iter()
        .map(|id| (refunded(&rules, &mut order, &lines_back(vec![by_id(id, None, None)])), order.returned.whole))
        .collect();
    // What is left would earn 60, then 30 + 50, then nothing; and then all of the order is known to have come back.
    assert_eq!(due, [(40, false), (20, false), (100, true)]);
}

/// An order of 3 apples for 10.00, two lines of pears at 4.00 and 6.00, and a wrapping for 0.00.
pub(crate) fn basket() -> Vec<Line> {
    vec![
        article("1", "apple", "3", "10.00"),
        article("2", "pear", "1", "4.00"),
        article("3", "pear", "1", "6.00"),
        article("4", "wrap", "1", "0.00"),
    ]
}

#[test]
fn what_is_kept_of_a_line() {
    // 100 points a dollar, so that a cent is a point; 7 for any wrapping.
    let wrap = earn("wrap", &json!({ "fixed": "7" }), &json!({ "include": { "skus": ["wrap"] } }));
    let rules = compiled(&json!([per("cents", "100", "1.00", &json!({})), wrap]));
    let bought = purchase(basket());
    assert_eq!(points(&rules, &bought), 2007);
    let table: [(&str, Vec<RefundLine>, i64); 17] = [
        ("a whole line", vec![by_id("1", None, None)], 1000),
        ("a third of a line, a half cent up", vec![by_id("1", Some("1"), None)], 333),
        ("two thirds at once", vec![by_id("1", Some("2"), None)], 667),
        ("all pieces", vec![by_id("1", Some("3"), None)], 1000),
        ("more pieces than there are", vec![by_id("1", Some("9"), None)], 1000),
        ("a piece with its price", vec![by_id("1", Some("1"), Some("2.50"))], 250),
        ("money alone", vec![by_id("1", None, Some("2.50"))], 250),
        ("more money than the line", vec![by_id("1", None, Some("99.00"))], 1000),
        ("a piece and money of the rest", vec![by_id("1", Some("1"), None), by_id("1", None, Some("1.00"))], 433),
        ("the last piece takes the line, whatever was paid back", vec![by_id("2", Some("1"), Some("1.00"))], 400),
        ("an article, its first line first", vec![by_sku("pear", Some("1"), None)], 400),
        ("an article, both lines", vec![by_sku("pear", None, None)], 1000),
        ("money of an article, over its lines", vec![by_sku("pear", None, Some("7.00"))], 700),
        ("a line by both names", vec![by_id("3", None, None), by_sku("pear", Some("1"), None)], 1000),
        (
            "a line by its id, the other by its article",
            vec![by_id("2", None, None), by_sku("pear", Some("1"), None)],
            1000,
        ),
        (
            "a line by its id, money of its article",
            vec![by_id("2", None, None), by_sku("pear", None, Some("1.00"))],
            500,
        ),
        ("a free article", vec![by_sku("wrap", Some("1"), None)], 7),
    ];
    for (name, back, expected) in table {
        let mut order = state(&rules, &bought);
        assert_eq!(refunded(&rules, &mut order, &lines_back(back)), expected, "{name}");
    }
}

#[test]
fn a_line_whose_money_came_back_stays_until_its_pieces_do() {
    let wrap = earn("apple", &json!({ "fixed": "7" }), &json!({ "include": { "skus": ["apple"] } }));
    let rules = compiled(&json!([one_per_dollar(), wrap]));
    let mut order = state(&rules, &purchase(basket()));
    assert_eq!(refunded(&rules, &mut order, &lines_back(vec![by_id("1", None, Some("10.00"))])), 10);
    assert_eq!(refunded(&rules, &mut order, &lines_back(vec![by_id("1", Some("3"), None)])), 17);
}

#[test]
fn money_back_on_the_order_is_spread_by_what_is_left() {
    // Only the pears count: 10.00 of 20.00 is half of each line, 4.00 + 6.00 give back 5.00 of theirs.
    let pears = per("pears", "100", "1.00", &json!({ "include": { "skus": ["pear"] } }));
    let rules = compiled(&json!([pears]));
    let mut order = state(&rules, &purchase(basket()));
    assert_eq!(refunded(&rules, &mut order, &back("10.00")), 500);
    // The apples go: 10.00 of the pears' 10.00 is everything.
    assert_eq!(refunded(&rules, &mut order, &lines_back(vec![by_id("1", None, None)])), 1000);
}

#[test]
fn cents_that_do_not_divide_go_to_the_largest_remainder() {
    let rules = compiled(&json!([per("a", "100", "1.00", &json!({ "include": { "skus": ["a"] } }))]));
    let lines = vec![article("1", "a", "1", "1.00"), article("2", "b", "1", "1.00"), article("3", "c", "1", "1.00")];
    let mut order = state(&rules, &purchase(lines));
    // A third of a cent each: equal remainders, so the first line gives the cent.
    assert_eq!(refunded(&rules, &mut order, &back("0.01")), 1);
    // Two cents more are a cent each, whatever the steps were.
    assert_eq!(refunded(&rules, &mut order, &back("0.02")), 1);
}

#[test]
fn an_order_that_was_all_given_back_earned_nothing_even_a_fixed_bonus() {
    let rules = compiled(&json!([one_per_dollar(), earn("fixed", &json!({ "fixed": "5" }), &json!({}))]));
    let table: [(&str, Refund); 5] = [
        ("whole", whole()),
        ("its amount", back("20.00")),
        ("more than its amount", back("2000.00")),
        (
            "every line",
            lines_back(vec![by_sku("apple", None, None), by_sku("pear", None, None), by_id("4", None, None)]),
        ),
        (
            "every piece",
            lines_back(vec![
                by_sku("apple", Some("3"), None),
                by_sku("pear", Some("2"), None),
                by_id("4", Some("1"), None),
            ]),
        ),
    ];
    for (name, refund) in table {
        let mut order = state(&rules, &purchase(basket()));
        assert_eq!(refunded(&rules, &mut order, &refund), 25, "{name}");
    }
    let mut free = state(&rules, &order("0.00"));
    assert_eq!(refunded(&rules, &mut free, &back("0.00")), 0, "nothing given back of a free order");
    assert_eq!(refunded(&rules, &mut free, &whole()), 5, "a free order");
}

#[test]
fn a_refund_is_due_from_each_wallet_that_the_order_earned() {
    let wallets = json!([{ "name": "points" }, { "name": "stars", "scale": 1 }, { "name": "idle" }]);
    let stars = json!({ "name": "stars", "on": "purchase", "earn": { "wallet": "stars", "per": { "amount": "10", "points": "0.5" } } });
    let rules = rules::compile(ruleset_of(&wallets, &json!([one_per_dollar(), stars]))).unwrap();
    let order = state(&rules, &order("100.00"));
    let refund = event(Kind::Refund(back("30.00")));
    let Ok(Decision::Refund { due, .. }) = rules.decide(&refund, Facts { order: Some(&order), ..Facts::default() })
    else {
        panic!()
    };
    let expected = [(wallet("points"), Points(30)), (wallet("stars"), Points(15))];
    assert_eq!(due.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_refund_before_its_purchase_is_parked_and_one_of_a_foreign_line_is_refused() {
    let rules = compiled(&json!([one_per_dollar()]));
    let Ok(Decision::Park { order }) = rules.decide(&event(Kind::Refund(whole())), Facts::default()) else { panic!() };
    assert_eq!(order.as_str(), "o-1");
    let order = state(&rules, &purchase(basket()));
    let table = [
        (by_id("9", None, None), "order `o-1` has no line `9`; name a line or sku of the purchase"),
        (by_sku("plum", None, None), "order `o-1` has no article `plum`; name a line or sku of the purchase"),
    ];
    for (line, expected) in table {
        let refund = event(Kind::Refund(lines_back(vec![line])));
        let refusal = rules.decide(&refund, Facts { order: Some(&order), ..Facts::default() }).unwrap_err();
        assert_eq!((refusal.reason, refusal.detail.as_str()), (BuryReason::UnknownLine, expected));
    }
}

#[test]
fn a_condition_that_fails_on_what_was_kept_does_not_hold_for_it() {
    let second = earn(
        "second",
        &json!({ "fixed": "5" }),
        &json!({ "when": "event.amountMinor > 1000 || 100 / (event.amountMinor - 1000) > 1" }),
    );
    let rules = compiled(&json!([second]));
    let order = state(&rules, &order("20.00"));
    let refund = event(Kind::Refund(back("10.00")));
    // Burying the refund instead would let a later one be computed as if this one had never come.
    let decision = rules.decide(&refund, Facts { order: Some(&order), ..Facts::default() }).unwrap();
    let Decision::Refund { due, .. } = decision else { panic!("{decision:?}") };
    assert_eq!(due.into_values().collect::<Vec<_>>(), [Points(5)]);
}

/// Rules in which nearly everything matters.
fn mixed_rules() -> Value {
    json!([
        per("base", "1.5", "1.00", &json!({ "exclude": { "skus": ["d"] } })),
        earn("steps", &json!({ "perStep": { "amount": "7", "points": "3" } }), &json!({ "minimumOrder": "20.00" })),
        merged(
            &earn(
                "line",
                &json!({ "per": { "amount": "3", "points": "1" }, "rounding": { "mode": "HalfEven", "at": "Line" } }),
                &json!({})
            ),
            &json!({ "include": { "skus": ["a", "b"] } })
        ),
        multiply(
            "double",
            "2",
            &json!({ "include": { "skus": ["b"] }, "when": "event.lines.exists(l, l.sku == 'a')" })
        ),
        earn(
            "net",
            &json!({
                "per": { "amount": "1", "points": "1.1" },
                "base": { "discount": "Before", "tax": "Excluded", "delivery": "Excluded" }
            }),
            &json!({})
        ),
        earn("pieces", &json!({ "perQuantity": { "quantity": "2", "points": "3" }, "max": "12" }), &json!({})),
        earn(
            "bands",
            &json!({ "bands": [
                { "from": "5", "fixed": "4" },
                { "from": "25.00", "perStep": { "amount": "6", "points": "2" } },
                { "from": "60", "per": { "amount": "1", "points": "0.7" } }
            ] }),
            &json!({ "exclude": { "skus": ["c"] } })
        ),
        earn("single", &json!({ "fixed": "50" }), &json!({ "when": "event.lines.size() == 1" })),
        earn("few", &json!({ "fixed": "11" }), &json!({ "when": "event.amountMinor < 3000" })),
    ])
}

pub(crate) fn some_order(dice: &mut Dice) -> Vec<Line> {
    (0..=dice.below(4))
        .map(|n| {
            let amount = format!("{}.{:02}", dice.below(30), dice.below(100));
            let sku = dice.one_of(&["a", "b", "c", "d"]);
            let line = article(&n.to_string(), sku, &(1 + dice.below(4)).to_string(), &amount);
            // A discount says nothing when it is nought; a tax is a part of what is paid.
            let some =
                |minor: u64| Some(line.amount.with_minor(minor.try_into().unwrap())).filter(|part| part.minor > 0);
            let (discount, tax) = (some(dice.below(900)), some(line.amount.minor.unsigned_abs() / (2 + dice.below(9))));
            Line { discount, tax, is_delivery: dice.below(5) == 0, ..line }
        })
        .collect()
}

pub(crate) fn some_refund(dice: &mut Dice, lines: &[Line]) -> Refund {
    let amount = format!("{}.{:02}", dice.below(6), dice.below(100));
    if dice.below(5) == 0 {
        return back(&amount);
    }
    let line = &lines[usize::try_from(dice.below(lines.len() as u64)).unwrap()];
    let pieces = (1 + dice.below(2)).to_string();
    let (quantity, amount) = match dice.below(8) {
        0 => (None, None),
        1..=4 => (Some(pieces.as_str()), None),
        5 => (None, Some(amount.as_str())),
        _ => (Some(pieces.as_str()), Some(amount.as_str())),
    };
    let sku = line.sku.as_deref().unwrap();
    lines_back(vec![if dice.below(3) == 0 { by_sku(sku, quantity, amount) } else { by_id(&line.id, quantity, amount) }])
}

#[test]
fn what_is_due_depends_neither_on_the_order_of_refunds_nor_on_how_they_were_split() {
    let rules = compiled(&mixed_rules());
    let mut dice = Dice::seeded(20_261_123);
    for round in 0..400 {
        let lines = some_order(&mut dice);
        let bought = purchase(lines.clone());
        let awarded: i64 = points(&rules, &bought);
        let mut refunds: Vec<Refund> = (0..=dice.below(4)).map(|_| some_refund(&mut dice, &lines)).collect();
        let mut one_after_the_other = state(&rules, &bought);
        let mut due = 0;
        for refund in &refunds {
            due = refunded(&rules, &mut one_after_the_other, refund);
            assert!((0..=awarded).contains(&due), "round {round}: {due} of {awarded}");
        }
        for at in (1..refunds.len()).rev() {
            refunds.swap(at, usize::try_from(dice.below(at as u64 + 1)).unwrap());
        }
        let mut shuffled = state(&rules, &bought);
        let again = refunds.iter().map(|refund| refunded(&rules, &mut shuffled, refund)).last().unwrap();
        assert_eq!(again, due, "round {round}: {refunds:?} of {lines:?}");
        // One refund that names all lines at once, with the money of the order as another.
        let named = refunds.iter().flat_map(|refund| refund.lines.clone()).collect::<Vec<_>>();
        let mut at_once = state(&rules, &bought);
        let mut last = if named.is_empty() { 0 } else { refunded(&rules, &mut at_once, &lines_back(named)) };
        for refund in refunds.iter().filter(|refund| refund.amount.is_some()) {
            last = refunded(&rules, &mut at_once, refund);
        }
        assert_eq!(last, due, "round {round}: at once");
        assert_eq!(refunded(&rules, &mut at_once, &whole()), awarded, "round {round}: the whole order in the end");
    }
}
