//! What the rules that applied give: exact up to one rounding, with the arithmetic kept beside the result.

use contract::decision::{Award, AwardInputs, Budgeted, Dates, Effect as EffectKind, LineInputs, Multiplier};
use contract::event::Line;
use contract::program::RoundingAt;
use contract::{BuryReason, Points, Refusal, RuleName, WalletName};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::effect::{Effect, FixedEarn, MoneyEarn, Multiplies};
use crate::ratio::Ratio;
use crate::select::money_of;
use crate::term::Terms;
use crate::walk::Applied;

/// A `multiply` rule that applied.
pub(crate) struct Multiplied<'a> {
    rule: &'a RuleName,
    by: &'a Multiplies,
    lines: &'a [usize],
}

/// A `per` or `perStep` rule that applied, with all that it counts.
pub(crate) struct Counted<'a> {
    rule: &'a RuleName,
    earn: &'a MoneyEarn,
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
        let mut award = match &one.rule.effect {
            Effect::Money(earn) => {
                let counted = Counted::of(one, earn, &multiplied, lines);
                counted.award(when.dates(&earn.terms)?).ok_or_else(|| too_many(&one.rule.name))?
            }
            Effect::Fixed(earn) => fixed(&one.rule.name, earn, when.dates(&earn.terms)?),
            Effect::Multiply(_) | Effect::Tally(_) => continue,
        };
        if !award.points.is_zero() {
            award.inputs.budget = budgeted(one, award.points);
            awards.push(award);
        }
    }
    Ok(awards)
}

/// What the rule's award comes out of, and how much that is before anybody looks at what is left.
fn budgeted(one: &Applied<'_>, points: Points) -> Option<Budgeted> {
    let name = one.rule.budget.clone()?;
    let wanted = match &one.rule.effect {
        Effect::Money(earn) => points.to_decimal(earn.scale),
        Effect::Fixed(earn) => earn.written,
        Effect::Multiply(_) | Effect::Tally(_) => return None,
    };
    Some(Budgeted { name, wanted })
}

pub(crate) fn too_many(rule: &RuleName) -> Refusal {
    let detail = format!("rule `{rule}` gives more points for this event than a wallet can hold; check its amounts");
    Refusal::new(BuryReason::Overflow, detail)
}

fn fixed(rule: &RuleName, earn: &FixedEarn, dates: Dates) -> Award {
    let inputs = AwardInputs::fixed(earn.written);
    let (wallet, until) = (earn.wallet.clone(), earn.terms.until().cloned());
    Award { rule: rule.clone(), wallet, points: earn.points, dates, until, inputs }
}

/// In what follows `None` says that a number left its range.
impl<'a> Counted<'a> {
    pub(crate) fn of(
        one: &'a Applied<'_>,
        earn: &'a MoneyEarn,
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

    fn award(&self, dates: Dates) -> Option<Award> {
        let parts = self.parts()?;
        let exact = sum(parts.iter().map(|part| part.exact))?;
        let by_line = self.earn.rounding.at == RoundingAt::Line;
        let points = if by_line {
            parts.iter().try_fold(Points::ZERO, |total, part| total.plus(self.round(part.exact)?))?
        } else {
            self.round(exact)?
        };
        let shown = by_line || self.many_lines;
        let inputs = AwardInputs {
            effect: if self.earn.steps { EffectKind::PerStep } else { EffectKind::Per },
            base: sum(parts.iter().map(|part| part.base))?.to_decimal()?,
            counts: self.earn.base,
            per_amount: Some(self.earn.per.amount.get()),
            points: self.earn.per.points.get(),
            multipliers: self.multipliers(),
            exact: exact.to_decimal()?,
            rounding: Some(self.earn.rounding),
            lines: parts.iter().filter(|_| shown).map(Part::shown).collect::<Option<_>>()?,
            budget: None,
            tally: None,
        };
        let (wallet, until) = (self.earn.wallet.clone(), self.earn.terms.until().cloned());
        Some(Award { rule: self.rule.clone(), wallet, points, dates, until, inputs })
    }

    pub(crate) fn multipliers(&self) -> Vec<Multiplier> {
        self.multiplied.iter().map(|by| by.shown()).collect()
    }

    /// The money of all selected lines, each times its factor or as it is.
    pub(crate) fn money(&self, is_multiplied: bool) -> Option<Ratio> {
        let of_part = |part: &Part<'_>| if is_multiplied { part.base.times(part.factor) } else { Some(part.base) };
        self.parts()?.iter().try_fold(Ratio::ZERO, |total, part| total.plus(of_part(part)?))
    }

    fn round(&self, exact: Ratio) -> Option<Points> {
        exact.round(self.earn.scale, self.earn.rounding.mode)
    }

    /// Each selected line with its own factor.
    fn parts(&self) -> Option<Vec<Part<'a>>> {
        let earn = self.earn;
        let rate = match (earn.steps, earn.rounding.at) {
            (false, _) => Some(earn.points.over(earn.amount)?),
            (true, RoundingAt::Order) => Some(self.rate_of_steps()?),
            // Each line counts its own steps.
            (true, RoundingAt::Line) => None,
        };
        let part = |(at, line): &(usize, &'a Line)| {
            let base = money_of(line, earn.base)?;
            let factor = self.factor(*at)?;
            let unmultiplied = match rate {
                Some(rate) => base.times(rate)?,
                None => Ratio::whole(base.over(earn.amount)?.floor()).times(earn.points)?,
            };
            Some(Part { line, base, factor, exact: unmultiplied.times(factor)? })
        };
        self.picked.iter().map(part).collect()
    }

    /// Points per unit of money when the full steps of the whole sum count: shared out among the lines by
    /// their money, so that a line's factor weighs as much as its money does.
    fn rate_of_steps(&self) -> Option<Ratio> {
        let total =
            self.picked.iter().try_fold(Ratio::ZERO, |total, (_, line)| total.plus(money_of(line, self.earn.base)?))?;
        if total.is_zero() {
            return Some(Ratio::ZERO);
        }
        Ratio::whole(total.over(self.earn.amount)?.floor()).times(self.earn.points)?.over(total)
    }

    fn factor(&self, at: usize) -> Option<Ratio> {
        let of_line = self.multiplied.iter().filter(|by| by.lines.binary_search(&at).is_ok());
        of_line.map(|by| by.by.by).try_fold(Ratio::ONE, Ratio::times)
    }
}

fn sum(mut parts: impl Iterator<Item = Ratio>) -> Option<Ratio> {
    parts.try_fold(Ratio::ZERO, Ratio::plus)
}

impl<'a> Multiplied<'a> {
    pub(crate) fn of(applied: &'a Applied<'_>) -> Option<Self> {
        match &applied.rule.effect {
            Effect::Multiply(by) => Some(Self { rule: &applied.rule.name, by, lines: &applied.lines }),
            _ => None,
        }
    }

    /// Whether it changes an award into this wallet for these lines.
    fn touches(&self, wallet: &WalletName, lines: &[usize]) -> bool {
        self.by.wallet.as_ref().is_none_or(|only| only == wallet)
            && lines.iter().any(|at| self.lines.binary_search(at).is_ok())
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
