//! Any histories of a few members: whatever the batches, the same lines; and the lines, folded, are what the members have.

use serde_json::json;

use super::club::{back, buy, by_years, counted, history, open, said_of, timers, visit, with};
use crate::budgets::campaign::{Campaign, on_both_stores};

on_both_stores! {
    any_size_of_batches_gives_the_same_lines
}

/// Numbers that look random, the same each time (Knuth's linear congruence).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Events of some years, most of them in their order, some late.
fn events(dice: &mut Dice, count: u64) -> Vec<String> {
    let mut bought: Vec<(String, u64)> = Vec::new();
    let mut lines = Vec::new();
    for n in 0..count {
        let late = if dice.roll(4) == 0 { dice.roll(300) } else { 0 };
        let day = (n * 20).saturating_sub(late);
        let when = (jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(i64::try_from(day).unwrap())).to_string();
        let member = dice.roll(2);
        let line = match dice.roll(6) {
            0 => visit(&format!("e{n}"), &when),
            1 if !bought.is_empty() => {
                let at = usize::try_from(dice.roll(bought.len() as u64)).unwrap();
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
                buy(&format!("e{n}"), &when, &format!("{}.00", dice.roll(180)))
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
