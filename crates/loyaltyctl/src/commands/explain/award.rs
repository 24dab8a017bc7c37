//! The arithmetic of an award as a person would write it down.

use contract::decision::{AwardInputs, Budgeted, Capped, Effect, LineInputs, Picked};
use contract::program::{Base, Counted, Discount, Pick, Rule, Selector, Valid};
use ledger::report::AwardReport;
use rust_decimal::Decimal;

use super::tally;

/// Lines of an order that are shown one by one.
const LINES_SHOWN_MAX: usize = 10;

/// Money as its currency writes it; an award keeps the bare number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digits(pub(super) u32);

impl Digits {
    pub(super) fn of(self, amount: Decimal) -> String {
        let exact = amount.normalize();
        // Never fewer digits than there are: a sum that is shown must be right.
        let digits = exact.scale().max(self.0) as usize;
        format!("{exact:.digits$}")
    }
}

/// `base: 29.33 x 1 per 1.00 = 29.33, Floor at Order -> 29 points`, then lines and what refunds did to it.
pub(super) fn render(award: &AwardReport, digits: Digits) -> String {
    let mut told = vec![format!("  {}", sentence(award, digits))];
    told.extend(award.spec.as_ref().map(|spec| format!("    because {}", reason(spec))));
    let lines = &award.inputs.lines;
    // A quantity is no money: it has the digits that it has.
    let digits = if award.inputs.effect == Effect::PerQuantity { Digits(0) } else { digits };
    told.extend(lines.iter().take(LINES_SHOWN_MAX).map(|line| format!("    {}", line_sentence(line, digits))));
    if lines.len() > LINES_SHOWN_MAX {
        told.push(format!("    and {} more lines", lines.len() - LINES_SHOWN_MAX));
    }
    told.extend((!award.due.is_zero()).then(|| format!("    {}", after_refunds(award))));
    told.join("\n") + "\n"
}

fn sentence(award: &AwardReport, digits: Digits) -> String {
    let AwardReport { rule, wallet, awarded, inputs, .. } = award;
    if let Some(tally) = &inputs.tally {
        return format!("{rule}: {} -> {awarded} {wallet}", tally::arithmetic(inputs, tally, digits));
    }
    let rounded = inputs.rounding.map(|rounding| format!(", {:?} at {:?}", rounding.mode, rounding.at));
    let rounded = rounded.unwrap_or_default();
    let band = inputs.band.map(|from| format!(", in the band from {}", digits.of(from))).unwrap_or_default();
    let cap = inputs.cap.map(capped).unwrap_or_default();
    let group = inputs.group.as_ref().map(picked).unwrap_or_default();
    let budget = inputs.budget.as_ref().map(|budget| of_budget(budget, *awarded)).unwrap_or_default();
    format!("{rule}: {}{band}{rounded}{cap}{group}{budget} -> {awarded} {wallet}", arithmetic(inputs, digits))
}

/// The most that the rule gives, and what that took away.
fn capped(Capped { max, wanted }: Capped) -> String {
    let most = max.normalize();
    if wanted > max { format!(", {} but at most {most}", wanted.normalize()) } else { format!(", at most {most}") }
}

/// In whose place it stands.
fn picked(Picked { name, pick, over }: &Picked) -> String {
    let what = if *pick == Pick::Best { "the best" } else { "the first" };
    let over: Vec<String> =
        over.iter().map(|other| format!("{} of {}", other.points.normalize(), other.rule)).collect();
    let over = if over.is_empty() { String::new() } else { format!(" (before {})", over.join(", ")) };
    format!(", {what} of group {name}{over}")
}

/// Where the points came from, and whether there were enough.
fn of_budget(Budgeted { name, wanted }: &Budgeted, awarded: Decimal) -> String {
    if awarded < *wanted {
        return format!(", {} wanted but budget {name} had no more", wanted.normalize());
    }
    format!(", out of budget {name}")
}

fn arithmetic(inputs: &AwardInputs, digits: Digits) -> String {
    let AwardInputs { effect, per_amount, points, multipliers, exact, lines, .. } = inputs;
    let per_amount = per_amount.unwrap_or_default();
    let (base, per) = (format!("{}{}", digits.of(inputs.base), counted(inputs.counts)), digits.of(per_amount));
    let by: Vec<String> = multipliers.iter().map(|by| format!(" x {} ({})", by.by, by.rule)).collect();
    // Multipliers of some lines only: the lines say which.
    let mixed = lines.iter().any(|line| line.factor != lines.first().map_or(Decimal::ONE, |first| first.factor));
    let by = if mixed { ", some lines multiplied".to_owned() } else { by.concat() };
    match effect {
        // The last two are told as sums.
        Effect::Fixed | Effect::Every | Effect::Reaching => format!("{points} for the event"),
        Effect::PerQuantity => {
            let (base, per) = (inputs.base.normalize(), per_amount.normalize());
            format!("quantity {base} x {points} per {per}{by} = {}", exact.normalize())
        }
        Effect::Per => format!("{base} x {points} per {per}{by} = {}", exact.normalize()),
        Effect::PerStep => {
            let steps = inputs.base.checked_div(per_amount).unwrap_or_default().floor();
            format!("{base} holds {steps} full steps of {per}, {points} each{by} = {}", exact.normalize())
        }
    }
}

/// Which money counted, where it is another than what was paid.
fn counted(base: Base) -> String {
    let parts = [
        (base.discount == Discount::Before, "before discounts"),
        (base.tax == Counted::Excluded, "without tax"),
        (base.delivery == Counted::Excluded, "without delivery"),
    ];
    let parts: Vec<&str> = parts.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn line_sentence(LineInputs { line, base, factor, exact }: &LineInputs, digits: Digits) -> String {
    let base = digits.of(*base);
    let by = if *factor == Decimal::ONE { String::new() } else { format!(" x {}", factor.normalize()) };
    format!("line {line}: {base}{by}, which is {} points", exact.normalize())
}

fn reason(rule: &Rule) -> String {
    let mut parts = vec![format!("it is a {}", rule.on)];
    parts.extend(rule.valid.as_ref().map(|valid| format!("it happened {}", within(valid))));
    parts.extend(rule.minimum_order.map(|least| format!("the order is at least {least}")));
    parts.extend(rule.when.as_ref().map(|when| format!("`{}` is true", when.trim())));
    parts.extend(rule.include.as_ref().map(|lines| format!("counting only {}", selected(lines))));
    parts.extend(rule.exclude.as_ref().map(|lines| format!("leaving out {}", selected(lines))));
    parts.join(", ")
}

/// When the rule holds: `from 2026-12-01, on Saturday, from 17:00 to 19:00`.
fn within(valid: &Valid) -> String {
    let mut parts = Vec::new();
    parts.extend(valid.from.map(|from| format!("from {from} on")));
    parts.extend(valid.until.map(|until| format!("before {until}")));
    let days: Vec<&str> = valid.weekdays.iter().map(|day| day.as_str()).collect();
    parts.extend((!days.is_empty()).then(|| format!("on {}", days.join(" or "))));
    let dates: Vec<String> = valid.dates.iter().map(ToString::to_string).collect();
    parts.extend((!dates.is_empty()).then(|| format!("on {}", dates.join(" or "))));
    let hours: Vec<String> =
        valid.hours.iter().map(|hours| format!("between {} and {}", hours.from, hours.until)).collect();
    parts.extend((!hours.is_empty()).then(|| hours.join(" or ")));
    parts.join(" and ")
}

fn selected(selector: &Selector) -> String {
    let lists = selector.lists();
    let named = lists.iter().filter(|(_, names)| !names.is_empty());
    named.map(|(kind, names)| format!("{kind} {}", names.join(", "))).collect::<Vec<_>>().join(" or ")
}

fn after_refunds(award: &AwardReport) -> String {
    let AwardReport { awarded, due, taken, waived, .. } = award;
    let kept = awarded - due;
    let waived = if waived.is_zero() { String::new() } else { format!(", {waived} could not be and were waived") };
    format!("after refunds {kept} of {awarded} stay: {taken} taken back{waived}")
}

#[cfg(test)]
mod tests {
    use contract::decision::{AwardInputs, Budgeted, Capped, Effect, Multiplier, Passed, Picked};
    use contract::program::{Pick, Rounding, RoundingAt, RoundingMode};
    use contract::{RuleName, WalletName};
    use ledger::report::AwardReport;
    use rust_decimal::Decimal;

    use super::Digits;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn award(inputs: AwardInputs, awarded: &str) -> AwardReport {
        let (awarded, due, taken, waived) = (decimal(awarded), Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let (rule, wallet) = (RuleName::parse("base").unwrap(), WalletName::parse("points").unwrap());
        AwardReport { rule, wallet, awarded, due, taken, waived, lot: 1, inputs, spec: None }
    }

    fn inputs(effect: Effect, base: &str, per: Option<&str>, points: &str, exact: &str) -> AwardInputs {
        let rounding = per.map(|_| Rounding { mode: RoundingMode::Floor, at: RoundingAt::Order });
        AwardInputs {
            effect,
            base: decimal(base),
            per_amount: per.map(decimal),
            exact: decimal(exact),
            rounding,
            ..AwardInputs::fixed(decimal(points))
        }
    }

    #[test]
    fn an_award_is_told_as_the_sum_that_a_person_would_do() {
        let per = award(inputs(Effect::Per, "29.33", Some("1.00"), "1", "29.33"), "29");
        assert_eq!(super::sentence(&per, Digits(2)), "base: 29.33 x 1 per 1.00 = 29.33, Floor at Order -> 29 points");
        let step = award(inputs(Effect::PerStep, "29.33", Some("10.00"), "1", "2"), "2");
        assert_eq!(
            super::sentence(&step, Digits(2)),
            "base: 29.33 holds 2 full steps of 10.00, 1 each = 2, Floor at Order -> 2 points"
        );
        let fixed = award(inputs(Effect::Fixed, "0", None, "25", "25"), "25");
        assert_eq!(super::sentence(&fixed, Digits(2)), "base: 25 for the event -> 25 points");
        let by = Multiplier { rule: RuleName::parse("double").unwrap(), by: decimal("2") };
        let more = AwardInputs { multipliers: vec![by], ..inputs(Effect::Per, "10.50", Some("1.00"), "1", "21.00") };
        let net = serde_json::from_str(r#"{ "discount": "Before", "tax": "Excluded" }"#).unwrap();
        let net = AwardInputs { counts: net, ..inputs(Effect::Per, "29.33", Some("1.00"), "1", "29.33") };
        assert_eq!(
            super::sentence(&award(net, "29"), Digits(2)),
            "base: 29.33 (before discounts, without tax) x 1 per 1.00 = 29.33, Floor at Order -> 29 points"
        );
        assert_eq!(
            super::sentence(&award(more, "21"), Digits(2)),
            "base: 10.50 x 1 per 1.00 x 2 (double) = 21, Floor at Order -> 21 points"
        );
    }

    #[test]
    fn an_award_tells_its_quantity_its_band_and_its_cap() {
        let pieces = award(inputs(Effect::PerQuantity, "3.0", Some("1"), "5", "15"), "15");
        assert_eq!(super::sentence(&pieces, Digits(2)), "base: quantity 3 x 5 per 1 = 15, Floor at Order -> 15 points");
        let large = inputs(Effect::Per, "1234.50", Some("10.00"), "1", "123.45");
        let cap = |wanted| Some(Capped { max: decimal("100"), wanted: decimal(wanted) });
        let told = |wanted, awarded| {
            let inputs = AwardInputs { band: Some(decimal("555")), cap: cap(wanted), ..large.clone() };
            super::sentence(&award(inputs, awarded), Digits(2))
        };
        assert_eq!(
            told("123", "100"),
            "base: 1234.50 x 1 per 10.00 = 123.45, in the band from 555.00, Floor at Order, 123 but at most 100 -> 100 points"
        );
        assert!(told("99", "99").ends_with(", Floor at Order, at most 100 -> 99 points"));
    }

    #[test]
    fn an_award_tells_in_whose_place_it_stands() {
        let name = || contract::GroupName::parse("spring").unwrap();
        let told = |pick, over| {
            let group = Some(Picked { name: name(), pick, over });
            super::sentence(
                &award(AwardInputs { group, ..inputs(Effect::Fixed, "0", None, "25", "25") }, "25"),
                Digits(2),
            )
        };
        let over = vec![Passed { rule: RuleName::parse("gift").unwrap(), points: decimal("20.0") }];
        assert_eq!(
            told(Pick::Best, over),
            "base: 25 for the event, the best of group spring (before 20 of gift) -> 25 points"
        );
        assert_eq!(told(Pick::First, Vec::new()), "base: 25 for the event, the first of group spring -> 25 points");
    }

    #[test]
    fn a_rule_tells_when_it_holds() {
        let valid = r#"{ "from": "2026-12-01", "until": "2027-01-01", "weekdays": ["Saturday", "Sunday"],
            "hours": [{ "from": "17:00", "until": "19:00" }], "dates": ["12-24"] }"#;
        assert_eq!(
            super::within(&serde_json::from_str(valid).unwrap()),
            "from 2026-12-01 on and before 2027-01-01 and on Saturday or Sunday and on 12-24 and between 17:00 and 19:00"
        );
    }

    #[test]
    fn an_award_out_of_a_budget_names_it_and_says_whether_it_had_enough() {
        let name = contract::BudgetName::parse("spring").unwrap();
        let of = Some(Budgeted { name, wanted: decimal("25.0") });
        let inputs = AwardInputs { budget: of, ..inputs(Effect::Fixed, "0", None, "25", "25") };
        let told = |awarded| super::sentence(&award(inputs.clone(), awarded), Digits(2));
        assert_eq!(told("25.0"), "base: 25 for the event, out of budget spring -> 25.0 points");
        assert_eq!(told("7.5"), "base: 25 for the event, 25 wanted but budget spring had no more -> 7.5 points");
    }

    #[test]
    fn what_refunds_took_of_an_award_is_told() {
        let mut award = award(inputs(Effect::Per, "29.33", Some("1.00"), "1", "29.33"), "29");
        (award.due, award.taken, award.waived) = (decimal("29"), decimal("20"), decimal("9"));
        let text = super::render(&award, Digits(2));
        assert!(text.contains("after refunds 0 of 29 stay: 20 taken back, 9 could not be and were waived"), "{text}");
    }
}
