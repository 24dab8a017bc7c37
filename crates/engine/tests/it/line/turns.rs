//! Whatever comes behind whatever: answers and balances are those of one batch after the other.

use super::{batches, in_line, one_by_one, told};
use crate::budgets::campaign::{Campaign, base_and_spring, buy, on_both_stores, refund};
use crate::shop::earn;

/// Applies the batches in a line, and one by one to another shop on such a store.
async fn agree(campaign: Campaign, budget: Option<&str>, lines: &[Vec<String>]) -> Campaign {
    let plain = campaign.fresh_one().await;
    for shop in [&campaign, &plain] {
        match budget {
            Some(points) => shop.rules(&base_and_spring(), points).await,
            None => shop.rules_without_budget(&serde_json::json!([earn("base", "1")])).await,
        }
    }
    let batches = batches(&campaign, lines);
    let (line, plainly) = (in_line(&campaign, &batches).await.unwrap(), one_by_one(&plain, &batches).await);
    for ((line, plainly), batch) in told(&line).iter().zip(told(&plainly)).zip(&batches) {
        assert_eq!(*line, plainly, "{:?}", batch.events());
    }
    for shop in [&campaign, &plain] {
        shop.audits_clean().await;
    }
    for member in (0..8).map(|n| format!("m{n}")).chain(["ann", "bob"].map(str::to_owned)) {
        assert_eq!(campaign.available(&member).await, plain.available(&member).await, "{member}");
    }
    if budget.is_some() {
        assert_eq!(campaign.stands().await, plain.stands().await);
    }
    campaign
}

fn said(id: &str, (kind, member): (&str, &str), rest: &str) -> String {
    format!(r#"{{"id":"{id}","type":"{kind}","occurredAt":"2026-01-31T12:00:00Z","member":"{member}",{rest}}}"#)
}

fn redeem(id: &str, member: &str, points: u32) -> String {
    said(id, ("redeem", member), &format!(r#""points":"{points}""#))
}

fn alone(lines: &[String]) -> Vec<Vec<String>> {
    lines.iter().map(|line| vec![line.clone()]).collect()
}

/// Each spends what the one before it earned.
async fn the_next_batch_spends_what_this_one_earns(campaign: Campaign) {
    let lines = (0..12).flat_map(|n| [buy(&format!("o{n}"), "ann", "9.00"), redeem(&format!("p{n}"), "ann", 9)]);
    let campaign = agree(campaign, None, &alone(&lines.collect::<Vec<_>>())).await;
    assert_eq!(campaign.available("ann").await, "0");
}

async fn a_double_right_behind_is_a_replay_and_another_content_a_clash(campaign: Campaign) {
    let first = buy("o1", "ann", "5.00");
    let lines = [
        first.clone(),
        first.clone(),
        first.clone(),
        buy("o1", "ann", "6.00"),
        first,
        // Of another member: nothing but the identity is shared.
        buy("o1", "bob", "5.00"),
        buy("o2", "bob", "1.00"),
        buy("o2", "ann", "1.00"),
    ];
    let campaign = agree(campaign, None, &alone(&lines)).await;
    assert_eq!((campaign.available("ann").await, campaign.available("bob").await), ("5".into(), "1".into()));
}

/// A room is read without a lock: what the batch before gives back must be seen, and what it takes.
async fn what_a_batch_gives_back_to_a_budget_is_there_for_the_next_one(campaign: Campaign) {
    let mut lines = vec![buy("o0", "m0", "10.00")];
    for n in 1..12 {
        let (order, member) = (format!("o{n}"), format!("m{}", n % 8));
        let (before, payer) = (format!("o{}", n - 1), format!("m{}", (n - 1) % 8));
        lines.push(refund(&format!("r{n}"), &payer, &before, ""));
        lines.push(buy(&order, &member, "10.00"));
        lines.push(buy(&format!("x{n}"), "ann", "1.00"));
    }
    let campaign = agree(campaign, Some("100"), &alone(&lines)).await;
    assert_eq!(campaign.stands().await, "100 used, 0 left");
}

async fn a_refund_that_waits_is_applied_with_the_purchase_right_behind(campaign: Campaign) {
    let strange = refund("r9", "ann", "o1", r#","lines":[{"sku":"x"}]"#);
    let lines = [refund("r1", "ann", "o1", r#","amount":"4.00""#), strange, buy("o1", "ann", "10.00")];
    let again = lines.clone();
    let campaign = agree(campaign, None, &alone(&[lines, again].concat())).await;
    assert_eq!(campaign.available("ann").await, "6");
}

async fn nothing_is_begun_beside_a_merge_or_an_erasure(campaign: Campaign) {
    let erase = said("e1", ("erase", "m1"), r#""reason":"asked","author":"bea""#);
    let merge = said("g1", ("merge", "ann"), r#""into":"bob","reason":"one person","author":"bea""#);
    let send =
        |id: &str, member: &str, to: &str| said(id, ("transfer", member), &format!(r#""to":"{to}","points":"3""#));
    let lines = [
        vec![buy("o1", "ann", "50.00"), buy("o2", "m1", "20.00")],
        vec![send("t1", "ann", "m1"), send("t2", "ann", "m2")],
        vec![send("t3", "ann", "m1"), merge, buy("o3", "ann", "7.00")],
        vec![buy("o4", "bob", "1.00"), send("t4", "bob", "ann")],
        vec![buy("o5", "m1", "2.00")],
        vec![erase],
        vec![send("t5", "bob", "m1"), buy("o6", "m2", "1.00")],
        vec![buy("o7", "m1", "3.00")],
    ];
    agree(campaign, None, &lines).await;
}

async fn any_batches_in_a_line_are_those_batches_one_by_one(campaign: Campaign) {
    agree(campaign, None, &any_batches()).await;
}

async fn any_batches_that_share_a_budget_are_those_batches_one_by_one(campaign: Campaign) {
    agree(campaign, Some("900"), &any_batches()).await;
}

/// Everything at once, a batch of any size behind any other.
fn any_batches() -> Vec<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    let mut state: u64 = 0x5EED;
    let mut any = |below: usize| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        usize::try_from(state >> 33).unwrap() % below
    };
    for n in 0..260 {
        let member = format!("m{}", any(8));
        let id = format!("e{n}");
        let order = |n: usize| (format!("e{n}"), format!("m{}", n % 8));
        lines.push(match any(10) {
            0..4 => buy(&id, &order(n).1, &format!("{}.00", 1 + any(9))),
            // Of an order that was, that comes, or that is no order.
            4 => refund(&id, &order((n + 3).saturating_sub(any(12))).1, &order((n + 3).saturating_sub(any(12))).0, ""),
            5 => redeem(&id, &member, u32::try_from(1 + any(20)).unwrap()),
            6 => {
                let (from, points) = (any(8), 1 + any(5));
                let to = (from + 1 + any(7)) % 8;
                said(&id, ("transfer", &format!("m{from}")), &format!(r#""to":"m{to}","points":"{points}""#))
            }
            7 => said(&id, ("hold", &member), &format!(r#""hold":"h{n}","points":"{}""#, 1 + any(9))),
            8 => {
                let kind = ["capture", "release"][any(2)];
                said(&id, (kind, &member), &format!(r#""hold":"h{}""#, any(n + 1)))
            }
            _ => lines.get(any(n + 1)).cloned().unwrap_or_else(|| buy(&id, &member, "1.00")),
        });
    }
    let mut rest = &lines[..];
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at((1 + any(7)).min(rest.len()));
        batches.push(batch.to_vec());
        rest = behind;
    }
    batches
}

/// The database refuses one event in the middle: the batch is halved, with another one begun behind it.
async fn a_refused_event_costs_neither_its_neighbours_nor_the_next_batch(campaign: Campaign) {
    campaign.rules_without_budget(&serde_json::json!([earn("base", "1")])).await;
    let picky = if campaign.url.starts_with("sqlite:") { PICKY_SQLITE } else { PICKY_POSTGRES };
    campaign.tamper(picky).await;
    let lines: Vec<String> = (1..=40).map(|n| buy(&format!("o{n}"), &format!("m{}", n % 3), "1.00")).collect();
    let batches = batches(&campaign, &lines.chunks(8).map(<[String]>::to_vec).collect::<Vec<_>>());
    let settled = in_line(&campaign, &batches).await.unwrap();
    let words: Vec<String> = settled.iter().flat_map(|batch| crate::shop::words(batch)).collect();
    let refused: Vec<usize> = (0..40).filter(|n| words[*n] == "LedgerRefused").collect();
    assert_eq!(refused, [12, 22], "{words:?}");
    assert_eq!(words.iter().filter(|word| *word == "Applied 1").count(), 38);
    campaign.audits_clean().await;
}

const PICKY_SQLITE: &str = "create trigger picky before insert on inbox when new.event_id in ('o13', 'o23')
     begin select raise(abort, 'not this one'); end";
const PICKY_POSTGRES: &str = "create function picky() returns trigger language plpgsql as $$
     begin raise exception 'not this one'; end $$;
     create trigger picky before insert on inbox for each row when (new.event_id in ('o13', 'o23'))
     execute function picky()";

on_both_stores! {
    the_next_batch_spends_what_this_one_earns
    a_double_right_behind_is_a_replay_and_another_content_a_clash
    what_a_batch_gives_back_to_a_budget_is_there_for_the_next_one
    a_refund_that_waits_is_applied_with_the_purchase_right_behind
    nothing_is_begun_beside_a_merge_or_an_erasure
    any_batches_in_a_line_are_those_batches_one_by_one
    any_batches_that_share_a_budget_are_those_batches_one_by_one
    a_refused_event_costs_neither_its_neighbours_nor_the_next_batch
}
