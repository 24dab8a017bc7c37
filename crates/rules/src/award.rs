//! What the rules that applied give: exact up to one rounding, with the arithmetic kept beside the result.

use contract::decision::{Award, AwardInputs, Budgeted, Capped, Dates, Effect as EffectKind, LineInputs, Multiplier};
use contract::event::Line;
use contract::program::{Pick, RoundingAt};
use contract::{BuryReason, Points, Refusal, RuleName, WalletName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::compile::CompiledRule;
use crate::effect::{Band, Effect, FixedEarn, Gives, Multiplies, OrderEarn, Rate};
use crate::group::{self, Grouped, Picks};
use crate::ratio::Ratio;
use crate::select::money_of;
use crate::term::Terms;
use crate::walk::Applied;

/// A `multiply` rule that applied.
pub(crate) struct Multiplied<'a> {
    rule: &'a RuleName,
    picks: Option<&'a Picks>,
    by: &'a Multiplies,
    lines: &'a [usize],
}

/// A rule that gives points for what was bought and that applied, with all that it counts.
pub(crate) struct Counted<'a> {
    rule: &'a RuleName,
    earn: &'a OrderEarn,
    /// Selected lines with their positions in the order.
    picked: Vec<(usize, &'a Line)>,
    /// Those that touch this wallet and a selected line.
    multiplied: Vec<&'a Multiplied<'a>>,
    /// Whether the order has other lines to tell these from.
    many_lines: bool,
}

/// One line's part.
struct Part<'a> {
    line: &'a Line,
    base: Ratio,
    factor: Ratio,
    exact: Ratio,
}

/// The time from which the terms of points run.
#[derive(Clone, Copy)]
pub(crate) struct When<'a> {
    pub(crate) at: Timestamp,
    pub(crate) zone: &'a TimeZone,
}

impl When<'_> {
    pub(crate) fn dates(self, terms: &Terms) -> Result<Dates, Refusal> {
        terms.dates(self.at, self.zone)
    }
}

/// The awards of the rules that applied, in their order and with no regard to budgets; what comes to 0 points is left out.
pub(crate) fn awards(applied: &[Applied<'_>], lines: &[Line], when: When<'_>) -> Result<Vec<Award>, Refusal> {
    let multiplied: Vec<Multiplied<'_>> = applied.iter().filter_map(Multiplied::of).collect();
    let mut awards = Vec::new();
    for one in applied {
        let (mut award, scale) = match &one.rule.effect {
            Effect::Order(earn) => {
                let counted = Counted::of(one, earn, &multiplied, lines);
                let award = counted.award(when.dates(&earn.terms)?).ok_or_else(|| too_many(&one.rule.name))?;
                (award, earn.scale)
            }
            Effect::Fixed(earn) => (fixed(&one.rule.name, earn, when.dates(&earn.terms)?), earn.scale),
            Effect::Multiply(_) | Effect::Tally(_) => continue,
        };
        if !award.points.is_zero() {
            award.inputs.budget = one.rule.budget.clone().map(|name| {
                // How much that is before anybody looks at what is left.
                Budgeted { name, wanted: wanted(&one.rule.effect, award.points) }
            });
            awards.push(Grouped::new(award, one.rule.group.as_ref(), scale));
        }
    }
    Ok(group::pick(awards))
}

/// The points of an award as they are told: a fixed number as it is written.
fn wanted(effect: &Effect, points: Points) -> Decimal {
    match effect {
        Effect::Order(earn) => points.to_decimal(earn.scale),
        Effect::Fixed(earn) => earn.amount.written,
        Effect::Multiply(_) | Effect::Tally(_) => Decimal::ZERO,
    }
}

pub(crate) fn too_many(rule: &RuleName) -> Refusal {
    let detail = format!("rule `{rule}` gives more points for this event than a wallet can hold; check its amounts");
    Refusal::new(BuryReason::Overflow, detail)
}

fn fixed(rule: &RuleName, earn: &FixedEarn, dates: Dates) -> Award {
    let inputs = AwardInputs::fixed(earn.amount.written);
    let (wallet, until) = (earn.wallet.clone(), earn.terms.until().cloned());
    Award { rule: rule.clone(), wallet, points: earn.amount.points, dates, until, inputs }
}

/// In what follows `None` says that a number left its range.
impl<'a> Counted<'a> {
    pub(crate) fn of(
        one: &'a Applied<'_>,
        earn: &'a OrderEarn,
        multiplied: &'a [Multiplied<'a>],
        lines: &'a [Line],
    ) -> Self {
        Self {
            rule: &one.rule.name,
            earn,
            picked: one.lines.iter().map(|at| (*at, &lines[*at])).collect(),
            multiplied: multiplied.iter().filter(|by| by.touches(&earn.wallet, &one.lines)).collect(),
            many_lines: lines.len() > 1,
        }
    }

    /// Of 0 points where the order reaches no band.
    fn award(&self, dates: Dates) -> Option<Award> {
        let counted = self.counted()?;
        let (points, inputs) = match self.reached(counted)? {
            None => (Points::ZERO, AwardInputs::fixed(Decimal::ZERO)),
            Some(Band { from, gives }) => {
                let (points, inputs) = match gives {
                    Gives::Rate(rate) => self.rated(rate)?,
                    Gives::Fixed(amount) => {
                        let (base, counts) = (counted.to_decimal()?, self.earn.base);
                        (amount.points, AwardInputs { base, counts, ..AwardInputs::fixed(amount.written) })
                    }
                };
                (points, AwardInputs { band: from.map(|(_, written)| written), ..inputs })
            }
        };
        let (points, cap) = self.capped(points);
        let (wallet, until) = (self.earn.wallet.clone(), self.earn.terms.until().cloned());
        Some(Award { rule: self.rule.clone(), wallet, points, dates, until, inputs: AwardInputs { cap, ..inputs } })
    }

    /// Money of the selected lines that counts.
    pub(crate) fn counted(&self) -> Option<Ratio> {
        self.picked.iter().try_fold(Ratio::ZERO, |total, (_, line)| total.plus(money_of(line, self.earn.base)?))
    }

    /// The same, each line's times its multipliers.
    pub(crate) fn multiplied(&self) -> Option<Ratio> {
        let of_line = |(at, line): &(usize, &Line)| money_of(line, self.earn.base)?.times(self.factor(*at)?);
        self.picked.iter().try_fold(Ratio::ZERO, |total, line| total.plus(of_line(line)?))
    }

    /// The last band that so much money reaches; the inner `None`: it reaches none.
    #[expect(clippy::option_option, reason = "a number that left its range is something else than no band")]
    fn reached(&self, counted: Ratio) -> Option<Option<&'a Band>> {
        let mut last = None;
        for band in &self.earn.bands {
            let Some((from, _)) = band.from else { return Some(Some(band)) };
            if counted.reaches(from)? {
                last = Some(band);
            }
        }
        Some(last)
    }

    /// No more than the rule's `max`.
    fn capped(&self, points: Points) -> (Points, Option<Capped>) {
        let Some(max) = self.earn.max else { return (points, None) };
        let cap = Capped { max: max.written, wanted: points.to_decimal(self.earn.scale) };
        (points.min(max.points), Some(cap))
    }

    fn rated(&self, rate: &Rate) -> Option<(Points, AwardInputs)> {
        let parts = self.parts(rate)?;
        let exact = sum(parts.iter().map(|part| part.exact))?;
        let by_line = self.earn.rounding.at == RoundingAt::Line;
        let points = if by_line {
            parts.iter().try_fold(Points::ZERO, |total, part| total.plus(self.round(part.exact)?))?
        } else {
            self.round(exact)?
        };
        let shown = by_line || self.many_lines;
        let (per_amount, per_points) = rate.written;
        let inputs = AwardInputs {
            effect: rate.kind,
            base: sum(parts.iter().map(|part| part.base))?.to_decimal()?,
            counts: self.earn.base,
            per_amount: Some(per_amount),
            multipliers: self.multipliers(),
            exact: exact.to_decimal()?,
            rounding: Some(self.earn.rounding),
            lines: parts.iter().filter(|_| shown).map(Part::shown).collect::<Option<_>>()?,
            ..AwardInputs::fixed(per_points)
        };
        Some((points, inputs))
    }

    fn round(&self, exact: Ratio) -> Option<Points> {
        exact.round(self.earn.scale, self.earn.rounding.mode)
    }

    /// Each selected line with its own factor.
    fn parts(&self, rate: &Rate) -> Option<Vec<Part<'a>>> {
        let per_unit = match (rate.kind, self.earn.rounding.at) {
            (EffectKind::PerStep, RoundingAt::Order) => Some(self.rate_of_steps(rate)?),
            // Each line counts its own steps.
            (EffectKind::PerStep, RoundingAt::Line) => None,
            _ => Some(rate.points.over(rate.amount)?),
        };
        let part = |(at, line): &(usize, &'a Line)| {
            let base = match rate.kind {
                EffectKind::PerQuantity => Ratio::of(line.quantity.get())?,
                _ => money_of(line, self.earn.base)?,
            };
            let factor = self.factor(*at)?;
            let unmultiplied = match per_unit {
                Some(per_unit) => base.times(per_unit)?,
                None => Ratio::whole(base.over(rate.amount)?.floor()).times(rate.points)?,
            };
            Some(Part { line, base, factor, exact: unmultiplied.times(factor)? })
        };
        self.picked.iter().map(part).collect()
    }

    /// Points per unit of money when the full steps of the whole sum count: shared out among the lines by
    /// their money, so that a line's factor weighs as much as its money does.
    fn rate_of_steps(&self, rate: &Rate) -> Option<Ratio> {
        let total = self.counted()?;
        if total.is_zero() {
            return Some(Ratio::ZERO);
        }
        Ratio::whole(total.over(rate.amount)?.floor()).times(rate.points)?.over(total)
    }

    fn factor(&self, at: usize) -> Option<Ratio> {
        self.on_line(at).into_iter().map(|by| by.by.by).try_fold(Ratio::ONE, Ratio::times)
    }

    /// The multipliers that count for a line: of each group that picks one.
    fn on_line(&self, at: usize) -> Vec<&'a Multiplied<'a>> {
        let mut counting: Vec<&'a Multiplied<'a>> = Vec::new();
        for by in self.multiplied.iter().filter(|by| by.lines.binary_search(&at).is_ok()) {
            let rival = counting.iter_mut().find(|other| by.picks.is_some() && other.picks == by.picks);
            match rival {
                Some(rival) if by.beats(rival) => *rival = by,
                Some(_) => {}
                None => counting.push(by),
            }
        }
        counting
    }

    /// Those that count for any line.
    pub(crate) fn multipliers(&self) -> Vec<Multiplier> {
        let counts = |by: &Multiplied<'_>| {
            by.picks.is_none()
                || self.picked.iter().any(|(at, _)| self.on_line(*at).iter().any(|other| other.rule == by.rule))
        };
        self.multiplied.iter().filter(|by| counts(by)).map(|by| by.shown()).collect()
    }
}

fn sum(mut parts: impl Iterator<Item = Ratio>) -> Option<Ratio> {
    parts.try_fold(Ratio::ZERO, Ratio::plus)
}

impl<'a> Multiplied<'a> {
    pub(crate) fn of(applied: &'a Applied<'_>) -> Option<Self> {
        match &applied.rule.effect {
            Effect::Multiply(by) => {
                let CompiledRule { name, group, .. } = applied.rule;
                Some(Self { rule: name, picks: group.as_ref(), by, lines: &applied.lines })
            }
            _ => None,
        }
    }

    /// Whether it changes an award into this wallet for these lines.
    fn touches(&self, wallet: &WalletName, lines: &[usize]) -> bool {
        self.by.wallet.as_ref().is_none_or(|only| only == wallet)
            && lines.iter().any(|at| self.lines.binary_search(at).is_ok())
    }

    /// Whether it counts for a line in place of another one of its group.
    fn beats(&self, other: &Self) -> bool {
        self.picks.is_some_and(|group| group.pick == Pick::Best) && self.by.written > other.by.written
    }

    fn shown(&self) -> Multiplier {
        Multiplier { rule: self.rule.clone(), by: self.by.written }
    }
}

impl Part<'_> {
    fn shown(&self) -> Option<LineInputs> {
        Some(LineInputs {
            line: self.line.id.clone(),
            base: self.base.to_decimal()?,
            factor: self.factor.to_decimal()?,
            exact: self.exact.to_decimal()?,
        })
    }
}
