//! What a rule does when it applies, parsed: the numbers fit, the wallet is there.

use contract::program::{Base, Earn, Multiply, Per, Rounding, Rule, Wallet};
use contract::ruleset::Ruleset;
use contract::{Points, Quantity, Scale, WalletName};
use rust_decimal::Decimal;

use crate::budget;
use crate::check::Faults;
use crate::ratio::Ratio;
use crate::suggest::not_there;
use crate::tally::{self, TallyEarn};
use crate::term::{self, Terms, until};

/// What a rule does.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Points for money.
    Money(MoneyEarn),
    /// A fixed number of points.
    Fixed(FixedEarn),
    /// More points from the money rules.
    Multiply(Multiplies),
    /// Points for what several events come to.
    Tally(TallyEarn),
}

/// `per` and `perStep`.
#[derive(Debug)]
pub(crate) struct MoneyEarn {
    pub(crate) wallet: WalletName,
    pub(crate) scale: Scale,
    pub(crate) per: Per,
    /// `per.amount` in major units, > 0.
    pub(crate) amount: Ratio,
    /// `per.points`, > 0.
    pub(crate) points: Ratio,
    /// Whole steps only.
    pub(crate) steps: bool,
    pub(crate) base: Base,
    pub(crate) rounding: Rounding,
    pub(crate) terms: Terms,
}

/// `fixed`.
#[derive(Debug)]
pub(crate) struct FixedEarn {
    pub(crate) wallet: WalletName,
    pub(crate) points: Points,
    pub(crate) written: Decimal,
    pub(crate) terms: Terms,
}

/// `multiply`.
#[derive(Debug)]
pub(crate) struct Multiplies {
    pub(crate) by: Ratio,
    pub(crate) written: Decimal,
    /// Only awards into this wallet.
    pub(crate) wallet: Option<WalletName>,
}

/// The effect of a rule, or `None` after telling what is wrong with it.
pub(crate) fn parse(path: &str, rule: &Rule, ruleset: &Ruleset, faults: &mut Faults) -> Option<Effect> {
    match (&rule.earn, &rule.multiply) {
        (Some(earn), None) => {
            let path = format!("{path}.earn");
            until::rule(&path, (rule, earn), ruleset, faults);
            parse_earn(&path, (rule, earn), ruleset, faults)
        }
        (None, Some(multiply)) => parse_multiply(&format!("{path}.multiply"), multiply, ruleset, faults),
        (None, None) => {
            faults.add(path, "does nothing; give it `earn` or `multiply`");
            None
        }
        (Some(_), Some(_)) => {
            faults.add(path, "has both `earn` and `multiply`; make it two rules");
            None
        }
    }
}

fn parse_earn(path: &str, (rule, earn): (&Rule, &Earn), ruleset: &Ruleset, faults: &mut Faults) -> Option<Effect> {
    let wallet = known_wallet(&format!("{path}.wallet"), &earn.wallet, ruleset, faults);
    budget::of_rule(&format!("{path}.budget"), earn, ruleset, faults);
    let terms = wallet.map_or_else(Terms::default, |wallet| Terms::of(earn, wallet));
    if earn.pending.is_some() || earn.expiry.is_some() {
        term::shape(path, (earn.pending.as_ref(), earn.expiry.as_ref()), term::Of::Rule, faults);
        term::check(path, &terms, faults);
    }
    if let Some(over) = earn.over {
        return tally::parse(path, (rule, earn, over), (wallet?, terms), faults).map(Effect::Tally);
    }
    let over_several = [("every", earn.every.is_some()), ("reaching", !earn.reaching.is_empty())];
    if let Some((field, _)) = over_several.iter().find(|(_, given)| *given) {
        let problem =
            "counts over several events, and nothing says which; give `over`, such as `over: Month`, or `over: Ever`";
        faults.add(format!("{path}.{field}"), problem);
        return None;
    }
    match (earn.per, earn.per_step, earn.fixed) {
        (Some(per), None, None) => {
            parse_money(&format!("{path}.per"), wallet, Written { per, steps: false, earn, terms }, faults)
        }
        (None, Some(per), None) => {
            parse_money(&format!("{path}.perStep"), wallet, Written { per, steps: true, earn, terms }, faults)
        }
        (None, None, Some(points)) => {
            let useless = [("rounding", earn.rounding.is_some()), ("base", !earn.base.is_default())];
            for (field, _) in useless.iter().filter(|(_, given)| *given) {
                faults.add(format!("{path}.{field}"), "has no effect beside `fixed`; remove it");
            }
            parse_fixed(&format!("{path}.fixed"), wallet?, (points, terms), faults)
        }
        (None, None, None) => {
            faults.add(
                path,
                "says no number of points; give it one of `per`, `perStep`, `fixed`, `every` and `reaching`",
            );
            None
        }
        _ => {
            faults.add(
                path,
                "may have only one of `per`, `perStep`, `fixed`, `every` and `reaching`; make each a rule of its own",
            );
            None
        }
    }
}

/// `per` or `perStep` as it was written.
struct Written<'a> {
    per: Per,
    steps: bool,
    earn: &'a Earn,
    terms: Terms,
}

fn parse_money(path: &str, wallet: Option<&Wallet>, written: Written<'_>, faults: &mut Faults) -> Option<Effect> {
    let Written { per, steps, earn, terms } = written;
    let amount = above_nought(&format!("{path}.amount"), per.amount, faults);
    let points = above_nought(&format!("{path}.points"), per.points, faults);
    let (wallet, amount, points) = (wallet?, amount?, points?);
    let (base, rounding) = (earn.base, earn.rounding.unwrap_or_default());
    let (name, scale) = (wallet.name.clone(), wallet.scale);
    Some(Effect::Money(MoneyEarn { wallet: name, scale, per, amount, points, steps, base, rounding, terms }))
}

fn parse_fixed(path: &str, wallet: &Wallet, (points, terms): (Quantity, Terms), faults: &mut Faults) -> Option<Effect> {
    above_nought(path, points, faults)?;
    let written = points.get();
    let units = units(path, (written, wallet), faults)?;
    Some(Effect::Fixed(FixedEarn { wallet: wallet.name.clone(), points: units, written, terms }))
}

fn parse_multiply(path: &str, multiply: &Multiply, ruleset: &Ruleset, faults: &mut Faults) -> Option<Effect> {
    if let Some(name) = &multiply.wallet {
        known_wallet(&format!("{path}.wallet"), name, ruleset, faults)?;
    }
    let written = multiply.by.get();
    let by = Ratio::of(written)?;
    Some(Effect::Multiply(Multiplies { by, written, wallet: multiply.wallet.clone() }))
}

fn known_wallet<'a>(path: &str, name: &WalletName, ruleset: &'a Ruleset, faults: &mut Faults) -> Option<&'a Wallet> {
    let wallet = ruleset.wallet(Some(name));
    if wallet.is_none() {
        faults.add(path, no_wallet(name, ruleset));
    }
    wallet
}

/// The sentence about a wallet that the programme does not have.
pub(crate) fn no_wallet(name: &WalletName, ruleset: &Ruleset) -> String {
    not_there("wallet", name.as_str(), ruleset.program.wallets.iter().map(|wallet| wallet.name.as_str()))
}

/// Points that the programme writes, as units of their wallet; `None` after telling why it cannot hold them.
pub(crate) fn units(path: &str, (written, wallet): (Decimal, &Wallet), faults: &mut Faults) -> Option<Points> {
    let units = Points::from_decimal(written, wallet.scale);
    if units.is_none() {
        let problem = unfit(written, wallet, ", or raise the wallet's `scale`");
        faults.add(path, format!("is `{written}`, {problem}"));
    }
    units
}

/// Why a wallet cannot hold these points, and what to do; for such as are too fine there may be something else.
pub(crate) fn unfit(points: Decimal, wallet: &Wallet, or: &str) -> String {
    let (digits, name) = (wallet.scale.digits(), &wallet.name);
    if points.normalize().scale() > digits {
        format!("finer than the {digits} decimals of wallet `{name}`; round it{or}")
    } else {
        format!("more than wallet `{name}` can hold; make it smaller")
    }
}

pub(crate) fn above_nought(path: &str, quantity: Quantity, faults: &mut Faults) -> Option<Ratio> {
    if quantity.is_zero() {
        faults.add(path, "is 0; it must be more");
        return None;
    }
    Ratio::of(quantity.get())
}
