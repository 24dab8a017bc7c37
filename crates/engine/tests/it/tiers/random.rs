//! Any histories of a few members: whatever the batches, and whoever finds what is due, the same lines; the lines, folded, are what the
//! members have; and nobody has less than what is due to them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::json;

use super::club::{back, buy, by_years, club, counted, history, open, report, said, said_of, timers, visit, with};
use super::joined::merge;
use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::refunds::Dice;

on_both_stores! {
    any_size_of_batches_gives_the_same_lines
    whether_a_timer_or_an_event_finds_a_review_gives_the_same_lines
    nobody_has_less_than_what_is_due_whenever_it_came
}

/// Events of some years, most of them in their order, some late.
fn events(dice: &mut Dice, count: u64) -> Vec<String> {
    let mut bought: Vec<(String, u64)> = Vec::new();
    let mut lines = Vec::new();
    for n in 0..count {
        let late = if dice.upto(4) == 0 { dice.upto(300) } else { 0 };
        let day = (n * 20).saturating_sub(late);
        let when = (jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(i64::try_from(day).unwrap())).to_string();
        let member = dice.upto(2);
        let line = match dice.upto(6) {
            0 => visit(&format!("e{n}"), &when),
            1 if !bought.is_empty() => {
                let at = usize::try_from(dice.upto(bought.len() as u64)).unwrap();
                let (order, owner) = bought.remove(at);
                let when = format!(
                    "{}T12:00:00Z",
                    jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(i64::try_from(n * 20).unwrap())
                );
                lines.push(said_of(&format!("m{owner}"), &back(&format!("e{n}"), &when, &order, "")));
                continue;
            }
            _ => {
                bought.push((format!("e{n}"), member));
                buy(&format!("e{n}"), &when, &format!("{}.00", dice.upto(180)))
            }
        };
        lines.push(said_of(&format!("m{member}"), &line));
    }
    lines
}

async fn any_size_of_batches_gives_the_same_lines(shop: Campaign) {
    let windows = [json!({ "calendar": "HalfYear" }), json!({ "rolling": "200d" }), json!({ "sinceStart": true })];
    for (seed, window) in windows.into_iter().enumerate() {
        let tiers = with(with(by_years(), "window", window), "validity", json!({ "for": "5mo", "roundUpTo": "Month" }));
        let tiers = with(with(tiers, "downgrade", json!("OneLevel")), "visits", json!({ "activities": ["visit"] }));
        let lines = events(&mut Dice(seed as u64 + 7), 40);
        let mut seen = Vec::new();
        for size in [1, 40] {
            let shop = shop.fresh_one().await;
            open(&shop, &tiers).await;
            for batch in lines.chunks(size) {
                shop.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
            }
            timers(&shop, "2025-01-01").await;
            let mut of_members = Vec::new();
            for member in ["m0", "m1"] {
                of_members.push((history(&shop, member).await, counted(&shop, member).await));
            }
            seen.push(of_members);
        }
        assert!(seen[0].iter().any(|(history, _)| history.len() > 4), "{seen:?}");
        assert_eq!(seen[0], seen[1], "one by one, and all at once");
    }
}

fn day(n: u64) -> Date {
    jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(i64::try_from(n).unwrap())
}

/// Events in their order, each with its time: of five members, four of whom become the fifth soon after the end of a quarter, at which reviews are.
fn in_order(dice: &mut Dice) -> Vec<(String, String)> {
    let mut bought: Vec<(String, u64)> = Vec::new();
    let mut lines = Vec::new();
    for (n, at) in (1..).zip(["2021-01-01", "2021-07-01", "2022-04-01", "2023-01-01"]) {
        let at = format!("{at}T00:20:00Z");
        lines.push((at.clone(), merge(&format!("m{n}"), "m0", &at)));
    }
    for member in 0..5 {
        lines.push((
            format!("{}T11:00:00Z", day(0)),
            said_of(&format!("m{member}"), &visit("first", "2020-01-01T11:00:00Z")),
        ));
    }
    for n in 0..48 {
        let when = format!("{}T12:00:00Z", day(n * 29 + 3));
        let (member, id) = (dice.upto(5), format!("e{n}"));
        let line = match dice.upto(5) {
            0 => said_of(&format!("m{member}"), &visit(&id, &when)),
            1 if !bought.is_empty() => {
                let at = usize::try_from(dice.upto(bought.len() as u64)).unwrap();
                let (order, owner) = bought.remove(at);
                said_of(&format!("m{owner}"), &back(&id, &when, &order, ""))
            }
            _ => {
                bought.push((id.clone(), member));
                said_of(&format!("m{member}"), &buy(&id, &when, &format!("{}.00", 40 + dice.upto(300))))
            }
        };
        lines.push((when, line));
    }
    lines.sort();
    lines
}

/// A late event may find another history, so that these come in their order.
async fn whether_a_timer_or_an_event_finds_a_review_gives_the_same_lines(shop: Campaign) {
    let windows = [json!({ "calendar": "HalfYear" }), json!({ "rolling": "100d" }), json!({ "sinceStart": true })];
    for (seed, (window, downgrade)) in (0..).zip(windows.into_iter().zip(["ToDue", "OneLevel", "Never"])) {
        let tiers =
            with(with(by_years(), "window", window), "validity", json!({ "for": "5mo", "roundUpTo": "Quarter" }));
        let mut for_ever = with(tiers.clone(), "visits", json!({ "activities": ["visit"] }));
        for_ever.as_object_mut().unwrap().remove("validity");
        let tiers = with(tiers, "downgrade", json!(downgrade));
        let lines = in_order(&mut Dice(seed + 40));
        let mut seen = Vec::new();
        for are_timers_first in [true, false] {
            let shop = shop.fresh_one().await;
            open(&shop, &tiers).await;
            said(&shop, &club(&for_ever), "2023-06-20T00:00:00Z").await.unwrap();
            if are_timers_first {
                for (when, line) in &lines {
                    let midnight = format!("{}T00:00:00Z", &when[..10]);
                    timers(&shop, &midnight).await;
                    shop.apply(&[line]).await;
                }
            } else {
                shop.apply(&lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>()).await;
            }
            timers(&shop, "2025-01-01").await;
            seen.push((history(&shop, "m0").await, counted(&shop, "m0").await));
        }
        assert!(seen[0].0.len() > 4, "{seen:?}");
        assert_eq!(seen[0], seen[1], "{downgrade}: timers first, and events first");
    }
}

/// The sentence, said once more: the highest level that is reached on any day up to one, of those that hold beyond it. Points of 200 days, for
/// ten.
fn due(points: &BTreeMap<Date, i64>, today: Date) -> usize {
    let reached = |day: Date| {
        let first = day - jiff::Span::new().days(199);
        let sum: i64 = points.range(first..=day).map(|(_, points)| points).sum();
        usize::from(sum >= 100) + usize::from(sum >= 120)
    };
    let holds = |day: &&Date| **day <= today && **day + jiff::Span::new().days(10) >= today;
    points.keys().filter(holds).map(|day| reached(*day)).max().unwrap_or_default()
}

async fn nobody_has_less_than_what_is_due_whenever_it_came(shop: Campaign) {
    let levels = json!([
        { "name": "basic" }, { "name": "silver", "reach": { "points": "100" } }, { "name": "gold", "reach": { "points": "120" } },
    ]);
    let tiers = with(with(by_years(), "window", json!({ "rolling": "200d" })), "validity", json!({ "for": "10d" }));
    open(&shop, &with(tiers, "levels", levels)).await;
    let (mut dice, mut seen) = (Dice(90), [0; 3]);
    for n in 0..100 {
        let (mut points, mut latest, member) = (BTreeMap::<Date, i64>::new(), 0, format!("m{n}"));
        // One after the other would be in order; the first ones are too far from the last to count with it.
        let mut days = vec![dice.upto(40), 40 + dice.upto(160), 215 + dice.upto(60)];
        while !days.is_empty() {
            let at = days.remove(usize::try_from(dice.upto(days.len() as u64)).unwrap());
            let (when, amount) = (day(at), 20 + dice.upto(79));
            latest = at.max(latest);
            *points.entry(when).or_default() += i64::try_from(amount).unwrap();
            let line = buy(&format!("e{at}"), &when.to_string(), &format!("{amount}.00"));
            shop.apply(&[&said_of(&member, &line)]).await;
            timers(&shop, &format!("{}T23:00:00Z", day(latest))).await;
            let now = report(&shop, &member).await.now().map_or("basic".to_owned(), |line| line.level.to_string());
            let height = ["basic", "silver", "gold"].iter().position(|level| *level == now).unwrap();
            let due = due(&points, day(latest));
            seen[due] += 1;
            assert!(height >= due, "{now} on {} with {points:?}", day(latest));
        }
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
    shop.audits_clean().await;
}
