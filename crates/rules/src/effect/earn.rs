//! `earn`, parsed.

use contract::Quantity;
use contract::decision::Effect as EffectKind;
use contract::program::{BANDS_MAX, Base, Earn, Per, PerQuantity, Rule, Wallet};
use contract::ruleset::Ruleset;

use super::{Amount, Band, Effect, FixedEarn, Gives, OrderEarn, Rate, known_wallet, units};
use crate::budget;
use crate::check::Faults;
use crate::group;
use crate::ratio::Ratio;
use crate::tally;
use crate::term::{self, Terms};

/// What of a rule or of a band says how many points there are.
struct Written {
    per: Option<Per>,
    per_step: Option<Per>,
    per_quantity: Option<PerQuantity>,
    fixed: Option<Quantity>,
}

pub(super) fn parse(
    path: &str,
    (rule, earn): (&Rule, &Earn),
    ruleset: &Ruleset,
    faults: &mut Faults,
) -> Option<Effect> {
    let wallet = known_wallet(&format!("{path}.wallet"), &earn.wallet, ruleset, faults);
    budget::of_rule(&format!("{path}.budget"), earn, ruleset, faults);
    let terms = wallet.map_or_else(Terms::default, |wallet| Terms::of(earn, wallet));
    if earn.pending.is_some() || earn.expiry.is_some() {
        term::shape(path, (earn.pending.as_ref(), earn.expiry.as_ref()), term::Of::Rule, faults);
        term::check(path, &terms, faults);
    }
    if let Some(over) = earn.over {
        if group::of(rule, ruleset).is_some() {
            let problem = "counts several events, and a group picks among the awards of one; leave `group` out";
            faults.add(format!("{path}.over"), problem);
        }
        if ruleset.awaited().contains(&rule.on) {
            // It may have to wait for its purchase, and is decided with that: of its own sums nobody knows then.
            let problem = format!("counts `{}`, for which points of orders wait; count another activity", rule.on);
            faults.add(format!("{path}.over"), problem);
        }
        return tally::parse(path, (rule, over), (earn, wallet?, terms), faults).map(Effect::Tally);
    }
    let max = max(path, (earn, wallet), faults);
    let bands = bands(path, (earn, wallet), faults);
    without_effect(path, earn, faults);
    let (wallet, max, mut bands) = (wallet?, max?, bands?);
    let name = wallet.name.clone();
    if earn.fixed.is_some() {
        let Gives::Fixed(amount) = bands.pop()?.gives else { return None };
        return Some(Effect::Fixed(FixedEarn { wallet: name, scale: wallet.scale, amount, terms }));
    }
    let (base, rounding) = (earn.base, earn.rounding.unwrap_or_default());
    Some(Effect::Order(OrderEarn { wallet: name, scale: wallet.scale, base, bands, rounding, max, terms }))
}

/// What has no effect beside what the rule gives.
fn without_effect(path: &str, earn: &Earn, faults: &mut Faults) {
    let only_fixed = !earn.bands.is_empty() && earn.bands.iter().all(|band| band.fixed.is_some());
    let beside_fixed = [
        ("rounding", earn.rounding.is_some(), "remove it"),
        ("base", !earn.base.is_default(), "remove it"),
        ("max", earn.max.is_some(), "write the smaller number there"),
    ];
    if earn.fixed.is_some() {
        for (field, _, advice) in beside_fixed.iter().filter(|(_, given, _)| *given) {
            faults.add(format!("{path}.{field}"), format!("has no effect beside `fixed`; {advice}"));
        }
    } else if only_fixed && earn.rounding.is_some() {
        faults.add(format!("{path}.rounding"), "has no effect, as all bands give a fixed number; remove it");
    }
    let of_money = Base { delivery: Base::default().delivery, ..earn.base };
    if earn.per_quantity.is_some() && !of_money.is_default() {
        let problem = "`discount` and `tax` are money and have no effect on `perQuantity`; leave `delivery` alone";
        faults.add(format!("{path}.base"), problem);
    }
}

/// `Some(None)` for a rule without one.
#[expect(clippy::option_option, reason = "a fault is something else than nothing")]
pub(crate) fn max(path: &str, (earn, wallet): (&Earn, Option<&Wallet>), faults: &mut Faults) -> Option<Option<Amount>> {
    let Some(max) = earn.max else { return Some(None) };
    amount(&format!("{path}.max"), (max, wallet), faults).map(Some)
}

/// What has a meaning only where several events are counted together.
fn over_several(earn: &Earn) -> Option<&'static str> {
    let fields = [("every", earn.every.is_some()), ("reaching", !earn.reaching.is_empty())];
    fields.iter().find(|(_, given)| *given).map(|(field, _)| *field)
}

/// Never empty; one that every order reaches where the rule has none.
fn bands(path: &str, (earn, wallet): (&Earn, Option<&Wallet>), faults: &mut Faults) -> Option<Vec<Band>> {
    const CHOICE: &str = "`per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`";
    let Earn { per, per_step, per_quantity, fixed, .. } = *earn;
    let written = Written { per, per_step, per_quantity, fixed };
    if let Some(field) = over_several(earn) {
        let problem =
            "counts over several events, and nothing says which; give `over`, such as `over: Month`, or `over: Ever`";
        faults.add(format!("{path}.{field}"), problem);
        return None;
    }
    if earn.bands.is_empty() {
        let gives = written.parse(path, (wallet, CHOICE, "make each a rule of its own"), faults)?;
        return Some(vec![Band { from: None, gives }]);
    }
    if written.count() > 0 {
        faults.add(path, format!("may have only one of {CHOICE}; make each a rule of its own"));
    }
    if earn.bands.len() > BANDS_MAX {
        let problem = format!("has {} bands; at most {BANDS_MAX} are allowed", earn.bands.len());
        faults.add(format!("{path}.bands"), problem);
    }
    let mut bands = Vec::with_capacity(earn.bands.len());
    for (index, band) in earn.bands.iter().enumerate() {
        let path = format!("{path}.bands[{index}]");
        if let Some(before) = earn.bands[..index].last().filter(|before| before.from >= band.from) {
            let problem = format!(
                "is {}, and the band before it begins at {}; write them in ascending order",
                band.from, before.from
            );
            faults.add(format!("{path}.from"), problem);
        }
        let written =
            Written { per: band.per, per_step: band.per_step, per_quantity: band.per_quantity, fixed: band.fixed };
        let choice = ("`per`, `perStep`, `perQuantity` and `fixed`", "a band gives one thing");
        let gives = written.parse(&path, (wallet, choice.0, choice.1), faults);
        bands.push(
            gives
                .zip(Ratio::of(band.from.get()))
                .map(|(gives, from)| Band { from: Some((from, band.from.get())), gives }),
        );
    }
    bands.into_iter().collect()
}

impl Written {
    fn count(&self) -> usize {
        let given = [self.per.is_some(), self.per_step.is_some(), self.per_quantity.is_some(), self.fixed.is_some()];
        given.into_iter().filter(|given| *given).count()
    }

    /// `choice` is what there is to choose from, `advice` what to do about more than one of it.
    fn parse(
        &self,
        path: &str,
        (wallet, choice, advice): (Option<&Wallet>, &str, &str),
        faults: &mut Faults,
    ) -> Option<Gives> {
        let money = |per: Per| ("amount", per.amount, per.points);
        let rate = match (self.count(), self.per, self.per_step, self.per_quantity, self.fixed) {
            (1, Some(per), ..) => ("per", EffectKind::Per, money(per)),
            (1, _, Some(per), ..) => ("perStep", EffectKind::PerStep, money(per)),
            (1, _, _, Some(per), _) => ("perQuantity", EffectKind::PerQuantity, ("quantity", per.quantity, per.points)),
            (1, _, _, _, Some(points)) => {
                return amount(&format!("{path}.fixed"), (points, wallet), faults).map(Gives::Fixed);
            }
            (0, ..) => {
                faults.add(path, format!("says no number of points; give it one of {choice}"));
                return None;
            }
            _ => {
                faults.add(path, format!("may have only one of {choice}; {advice}"));
                return None;
            }
        };
        parse_rate(path, rate, faults).map(Gives::Rate)
    }
}

pub(crate) fn parse_rate(
    path: &str,
    (name, kind, (unit, amount, points)): (&str, EffectKind, (&str, Quantity, Quantity)),
    faults: &mut Faults,
) -> Option<Rate> {
    let written = (amount.get(), points.get());
    let amount = above_nought(&format!("{path}.{name}.{unit}"), amount, faults);
    let points = above_nought(&format!("{path}.{name}.points"), points, faults);
    Some(Rate { kind, amount: amount?, points: points?, written })
}

/// A number of points that is more than nought and that the wallet can hold.
fn amount(path: &str, (points, wallet): (Quantity, Option<&Wallet>), faults: &mut Faults) -> Option<Amount> {
    above_nought(path, points, faults)?;
    let written = points.get();
    let points = units(path, (written, wallet?), faults)?;
    Some(Amount { points, written })
}

pub(crate) fn above_nought(path: &str, quantity: Quantity, faults: &mut Faults) -> Option<Ratio> {
    if quantity.is_zero() {
        faults.add(path, "is 0; it must be more");
        return None;
    }
    Ratio::of(quantity.get())
}
