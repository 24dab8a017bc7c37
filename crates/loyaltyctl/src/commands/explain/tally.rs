//! The arithmetic of an award for several events, as a person would write it down.

use contract::decision::{AwardInputs, Effect, Tallied};
use contract::tally::Counts;
use rust_decimal::Decimal;

use super::award::Digits;

/// `0.60 more make 1.20 since 2026-01-01: 1.20 x 1 per 1.00 = 1.2, Floor, 0 of it given before`.
pub(super) fn arithmetic(inputs: &AwardInputs, tally: &Tallied, digits: Digits) -> String {
    let Tallied { counts, since, sum, before } = tally;
    let of = |number: Decimal| match counts {
        Counts::Money | Counts::Multiplied => digits.of(number),
        Counts::Quantity | Counts::Events => number.normalize().to_string(),
    };
    let unit = match counts {
        Counts::Money | Counts::Multiplied => "",
        Counts::Quantity => " pieces",
        Counts::Events => " events",
    };
    let part = match counts {
        Counts::Events => "one event".to_owned(),
        _ => format!("{}{unit}", of(inputs.base)),
    };
    let by: Vec<String> = inputs.multipliers.iter().map(|by| format!(" ({} by {})", by.rule, by.by)).collect();
    let since = since.map_or_else(String::new, |since| format!(" since {since}"));
    let (whole, exact) = (format!("{}{unit}", of(*sum)), inputs.exact.normalize());
    let (per, points) = (of(inputs.per_amount.unwrap_or_default()), inputs.points.normalize());
    let worth = match inputs.effect {
        Effect::Reaching => format!("which reaches {exact} points"),
        Effect::Per => format!("{whole} x {points} per {per} = {exact}"),
        _ if per == "1" && !unit.is_empty() => format!("{points} for each of them = {exact}"),
        _ => format!("{points} for each full {per}{unit} = {exact}"),
    };
    let rounded = inputs.rounding.map_or_else(String::new, |rounding| format!(", {:?}", rounding.mode));
    let cap = inputs.cap.map_or_else(String::new, |cap| format!(", at most {}", cap.max.normalize()));
    let by = by.concat();
    let make = if *counts == Counts::Events { "makes" } else { "make" };
    format!("{part} more{by} {make} {whole}{since}: {worth}{rounded}{cap}, {} of it given before", before.normalize())
}

#[cfg(test)]
mod tests {
    use contract::decision::Capped;
    use contract::program::Rounding;

    use super::*;

    fn told((effect, counts): (Effect, Counts), numbers: [&str; 6], since: Option<&str>) -> String {
        let [base, per, points, exact, sum, before] = numbers.map(|number| number.parse().unwrap());
        let tally = Tallied { counts, since: since.map(|day| day.parse().unwrap()), sum, before };
        let rounding = (effect == Effect::Per).then(Rounding::default);
        let inputs = AwardInputs { effect, base, per_amount: Some(per), exact, rounding, ..AwardInputs::fixed(points) };
        arithmetic(&inputs, &tally, Digits(2))
    }

    #[test]
    fn a_sum_is_told_with_what_the_event_added_and_what_was_given_before() {
        let capped =
            AwardInputs { cap: Some(Capped { max: 3.into(), wanted: 5.into() }), ..AwardInputs::fixed(1.into()) };
        let tally = Tallied { counts: Counts::Events, since: None, sum: 5.into(), before: 3.into() };
        let capped = AwardInputs { effect: Effect::Every, per_amount: Some(1.into()), exact: 5.into(), ..capped };
        assert_eq!(
            arithmetic(&capped, &tally, Digits(2)),
            "one event more makes 5 events: 1 for each of them = 5, at most 3, 3 of it given before"
        );
        for (kind, numbers, since, expected) in [
            (
                (Effect::Per, Counts::Multiplied),
                ["0.6", "1", "1", "1.2", "1.2", "0"],
                Some("2026-01-01"),
                "0.60 more make 1.20 since 2026-01-01: 1.20 x 1 per 1.00 = 1.2, Floor, 0 of it given before",
            ),
            (
                (Effect::PerStep, Counts::Money),
                ["60", "50", "5", "10", "120", "5"],
                None,
                "60.00 more make 120.00: 5 for each full 50.00 = 10, 5 of it given before",
            ),
            (
                (Effect::Every, Counts::Quantity),
                ["25", "10", "1", "3", "34", "0"],
                None,
                "25 pieces more make 34 pieces: 1 for each full 10 pieces = 3, 0 of it given before",
            ),
            (
                (Effect::Reaching, Counts::Events),
                ["1", "0", "50", "50", "3", "10"],
                Some("2026-01-01"),
                "one event more makes 3 events since 2026-01-01: which reaches 50 points, 10 of it given before",
            ),
        ] {
            assert_eq!(told(kind, numbers, since), expected);
        }
    }
}
