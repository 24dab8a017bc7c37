//! Earning over several events as it is written, parsed: the numbers fit, and nothing stands there without an effect.

use contract::decision::{Capped, Effect as EffectKind};
use contract::program::{Earn, Every, MARKS_MAX, Mark, Over, Per, RoundingAt, Rule, Wallet};
use contract::tally::{Counts, MILLIONTHS, whole};
use contract::{Points, Quantity, WalletName};
use rust_decimal::Decimal;

use crate::check::Faults;
use crate::effect::earn::{self, above_nought, parse_rate};
use crate::effect::{OrderEarn, Rate, units};
use crate::ratio::Ratio;
use crate::term::Terms;

/// What a rule gives for a sum over several events.
#[derive(Debug)]
pub(crate) struct TallyEarn {
    pub(crate) wallet: WalletName,
    pub(crate) over: Over,
    pub(crate) counts: Counts,
    pub(crate) worth: Worth,
    /// Which money counts, how it is rounded, and the most that all of it gives; also of a rule that counts none. It has no bands.
    pub(crate) order: OrderEarn,
}

/// What a sum is worth. It never falls as the sum grows.
#[derive(Debug)]
pub(crate) enum Worth {
    /// In proportion, rounded.
    Rate(Rate),
    /// Points for each full step of so many millionths, > 0.
    Steps(i64, Points),
    /// Points for each mark, in millionths, that is reached; ascending.
    Marks(Vec<(i64, Points)>),
}

/// The points of a sum, and how they came about.
pub(crate) struct Worthy {
    pub(crate) points: Points,
    /// Before rounding.
    pub(crate) exact: Decimal,
    /// The most that there is, and what there would be without it.
    pub(crate) cap: Option<Capped>,
}

/// What was written of it.
enum Written<'a> {
    Per(Per),
    PerStep(Per),
    Every(Every),
    Reaching(&'a [Mark]),
}

/// A number in millionths.
fn millionths(number: Decimal) -> Option<i64> {
    let number = number.normalize();
    let factor = 10_i128.pow(6_u32.checked_sub(number.scale())?);
    i64::try_from(number.mantissa().checked_mul(factor)?).ok()
}

/// What the rule says of `over`, or `None` after telling what is wrong with it.
pub(crate) fn parse(
    path: &str,
    (rule, over): (&Rule, Over),
    (earn, wallet, terms): (&Earn, &Wallet, Terms),
    faults: &mut Faults,
) -> Option<TallyEarn> {
    useless(path, earn, faults);
    if terms.until().is_some() {
        let problem = "is for points of one order, and these are of several; give `pending.for`, or remove `over`";
        faults.add(format!("{path}.over"), problem);
    }
    let written = match (earn.per, earn.per_step, earn.every, &earn.reaching[..]) {
        (Some(per), None, None, []) => Written::Per(per),
        (None, Some(per), None, []) => Written::PerStep(per),
        (None, None, Some(every), []) => Written::Every(every),
        (None, None, None, marks @ [_, ..]) => Written::Reaching(marks),
        _ => {
            let problem =
                "must say how many points: give one of `per`, `perStep`, `every` and `reaching` beside `over`";
            faults.add(path, problem);
            return None;
        }
    };
    let (counts, worth) = match written {
        Written::Per(per) => {
            let rate = ("per", EffectKind::Per, ("amount", per.amount, per.points));
            (Counts::Multiplied, Worth::Rate(parse_rate(path, rate, faults)?))
        }
        Written::PerStep(per) => {
            let path = format!("{path}.perStep");
            (Counts::Money, steps(&path, ("amount", per.amount), (per.points, wallet), faults)?)
        }
        Written::Every(every) => self::every(&format!("{path}.every"), rule, (every, wallet), faults)?,
        Written::Reaching(marks) => self::marks(&format!("{path}.reaching"), rule, (marks, wallet), faults)?,
    };
    let (base, rounding) = (earn.base, earn.rounding.unwrap_or_default());
    let max = earn::max(path, (earn, Some(wallet)), faults)?;
    let (name, scale) = (wallet.name.clone(), wallet.scale);
    let order = OrderEarn { wallet: name.clone(), scale, base, bands: Vec::new(), rounding, max, terms };
    Some(TallyEarn { wallet: name, over, counts, worth, order })
}

/// What has no effect beside `over`.
fn useless(path: &str, earn: &Earn, faults: &mut Faults) {
    let is_rounded = earn.per.is_some();
    let of_one = [
        ("fixed", earn.fixed.is_some(), "give `every: { events: 1, points: ... }`, or remove `over`"),
        ("perQuantity", earn.per_quantity.is_some(), "give `every: { quantity: ... }`, or remove `over`"),
        ("bands", !earn.bands.is_empty(), "give `reaching`, or remove `over`"),
        ("budget", earn.budget.is_some(), "remove it, or remove `over`"),
    ];
    for (field, _, advice) in of_one.iter().filter(|(_, given, _)| *given) {
        faults.add(
            format!("{path}.{field}"),
            format!("is for what one event earns, and `over` counts several; {advice}"),
        );
    }
    if earn.max.is_some() && !earn.reaching.is_empty() {
        faults.add(format!("{path}.max"), "has no effect, as the marks say how many points there are; remove it");
    }
    if earn.rounding.is_some() && !is_rounded {
        faults.add(format!("{path}.rounding"), "has no effect, as only full steps count; remove it");
    }
    if is_rounded && earn.rounding.is_some_and(|rounding| rounding.at == RoundingAt::Line) {
        let problem = "is `Line`, but with `over` the sum of all events is rounded; leave `at` out";
        faults.add(format!("{path}.rounding.at"), problem);
    }
    let of_money = earn.per_step.is_some() || earn.reaching.iter().any(|mark| mark.amount.is_some());
    if !is_rounded && !of_money && !earn.base.is_default() {
        faults.add(format!("{path}.base"), "has no effect, as no money is counted; remove it");
    }
}

fn steps(
    path: &str,
    (field, size): (&str, Quantity),
    (points, wallet): (Quantity, &Wallet),
    faults: &mut Faults,
) -> Option<Worth> {
    let size = counted(&format!("{path}.{field}"), size, faults);
    let points = self::points(path, (points, wallet), faults);
    Some(Worth::Steps(size?, points?))
}

fn points(path: &str, (points, wallet): (Quantity, &Wallet), faults: &mut Faults) -> Option<Points> {
    let path = format!("{path}.points");
    above_nought(&path, points, faults)?;
    units(&path, (points.get(), wallet), faults)
}

/// A number that sums are compared with, in millionths.
fn counted(path: &str, number: Quantity, faults: &mut Faults) -> Option<i64> {
    above_nought(path, number, faults)?;
    let counted = millionths(number.get());
    if counted.is_none() {
        faults.add(path, "is finer than a millionth, or more than can be counted; round it");
    }
    counted
}

fn events(path: &str, events: u32, faults: &mut Faults) -> Option<i64> {
    if events == 0 {
        faults.add(path, "is 0; it must be at least 1");
        return None;
    }
    Some(i64::from(events) * MILLIONTHS)
}

fn every(path: &str, rule: &Rule, (every, wallet): (Every, &Wallet), faults: &mut Faults) -> Option<(Counts, Worth)> {
    let points = self::points(path, (every.points, wallet), faults);
    let (counts, size) = match (every.events, every.quantity) {
        (Some(events), None) => (Counts::Events, self::events(&format!("{path}.events"), events, faults)),
        (None, Some(quantity)) => {
            let path = format!("{path}.quantity");
            of_lines(&path, rule, faults);
            (Counts::Quantity, counted(&path, quantity, faults))
        }
        _ => {
            faults.add(path, "must say of what: give one of `events` and `quantity`");
            return None;
        }
    };
    Some((counts, Worth::Steps(size?, points?)))
}

fn marks(path: &str, rule: &Rule, (marks, wallet): (&[Mark], &Wallet), faults: &mut Faults) -> Option<(Counts, Worth)> {
    if marks.len() > MARKS_MAX {
        faults.add(path, format!("has {} marks; at most {MARKS_MAX} are allowed", marks.len()));
        return None;
    }
    let mut parsed: Vec<(Counts, i64, Points)> = Vec::with_capacity(marks.len());
    for (index, mark) in marks.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let points = points(&path, (mark.points, wallet), faults);
        let (counts, at) = match (mark.amount, mark.quantity, mark.events) {
            (Some(amount), None, None) => (Counts::Money, counted(&format!("{path}.amount"), amount, faults)),
            (None, Some(quantity), None) => (Counts::Quantity, counted(&format!("{path}.quantity"), quantity, faults)),
            (None, None, Some(events)) => (Counts::Events, self::events(&format!("{path}.events"), events, faults)),
            _ => {
                faults.add(path, "must say what is reached: give one of `amount`, `quantity` and `events`");
                return None;
            }
        };
        if counts != Counts::Events {
            of_lines(&path, rule, faults);
        }
        match parsed.last() {
            Some((before, _, _)) if *before != counts => {
                faults.add(&path, "counts something else than the mark before it; make it a rule of its own");
                return None;
            }
            Some((_, before, _)) if at.is_some_and(|at| at <= *before) => {
                faults.add(&path, "asks for no more than the mark before it; put them in ascending order");
                return None;
            }
            _ => parsed.push((counts, at?, points?)),
        }
    }
    let counts = parsed.first()?.0;
    Some((counts, Worth::Marks(parsed.into_iter().map(|(_, at, points)| (at, points)).collect())))
}

/// Money and pieces are those of lines, and only a purchase has any.
fn of_lines(path: &str, rule: &Rule, faults: &mut Faults) {
    if rule.on.as_str() != "purchase" {
        let problem = format!("only a purchase has lines; give `events`, or say `on: purchase` (it is `{}`)", rule.on);
        faults.add(path, problem);
    }
}

impl TallyEarn {
    /// How many points so many millionths are worth; `None` beyond what a wallet can hold.
    pub(super) fn worth(&self, sum: i64) -> Option<Worthy> {
        let scale = self.order.scale;
        let (wanted, exact) = match &self.worth {
            Worth::Rate(Rate { amount, points, .. }) => {
                let exact = Ratio::of(whole(sum))?.times(*points)?.over(*amount)?;
                (exact.round(scale, self.order.rounding.mode)?, Some(exact.to_decimal()?))
            }
            // What no wallet could hold is only a wish where there is a most.
            Worth::Steps(size, points) if self.order.max.is_some() => {
                (Points(points.0.saturating_mul(sum / size)), None)
            }
            Worth::Steps(size, points) => (Points(points.0.checked_mul(sum / size)?), None),
            Worth::Marks(marks) => {
                let reached = marks.iter().filter(|(at, _)| *at <= sum).map(|(_, points)| *points);
                (reached.reduce(|sum, points| Points(sum.0.saturating_add(points.0))).unwrap_or_default(), None)
            }
        };
        let cap = self.order.max.map(|max| Capped { max: max.written, wanted: wanted.to_decimal(scale) });
        let points = self.order.max.map_or(wanted, |max| wanted.min(max.points));
        Some(Worthy { points, exact: exact.unwrap_or_else(|| wanted.to_decimal(scale)), cap })
    }
}
