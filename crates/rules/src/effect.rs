//! What a rule does when it applies, parsed: the numbers fit, the wallet is there.

pub(crate) mod earn;

use contract::decision::Effect as EffectKind;
use contract::program::{Base, Multiply, Rounding, Rule, Wallet};
use contract::ruleset::Ruleset;
use contract::{Points, Scale, WalletName};
use rust_decimal::Decimal;

use crate::check::Faults;
use crate::ratio::Ratio;
use crate::suggest::not_there;
use crate::tally::TallyEarn;
use crate::term::{Terms, until};

/// What a rule does.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Points for what was bought.
    Order(OrderEarn),
    /// A fixed number of points.
    Fixed(FixedEarn),
    /// More points from the rules that give them for what was bought.
    Multiply(Multiplies),
    /// Points for what several events come to.
    Tally(TallyEarn),
}

/// `per`, `perStep`, `perQuantity` and `bands`.
#[derive(Debug)]
pub(crate) struct OrderEarn {
    pub(crate) wallet: WalletName,
    pub(crate) scale: Scale,
    /// Which money of a line counts.
    pub(crate) base: Base,
    /// Ascending by `from`; a rule without bands has one that every order reaches.
    pub(crate) bands: Vec<Band>,
    pub(crate) rounding: Rounding,
    pub(crate) max: Option<Amount>,
    pub(crate) terms: Terms,
}

/// What an order gets that reaches it.
#[derive(Debug)]
pub(crate) struct Band {
    /// Counted money in major units; `None` for that of a rule without bands.
    pub(crate) from: Option<(Ratio, Decimal)>,
    pub(crate) gives: Gives,
}

/// What one band gives.
#[derive(Debug)]
pub(crate) enum Gives {
    Rate(Rate),
    Fixed(Amount),
}

/// So many points for so much.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Never `Fixed`.
    pub(crate) kind: EffectKind,
    /// Per how much money in major units, or quantity; > 0.
    pub(crate) amount: Ratio,
    /// Points for it, > 0.
    pub(crate) points: Ratio,
    /// Both as they are written.
    pub(crate) written: (Decimal, Decimal),
}

/// A number of points, as units of its wallet and as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) points: Points,
    pub(crate) written: Decimal,
}

/// `fixed`.
#[derive(Debug)]
pub(crate) struct FixedEarn {
    pub(crate) wallet: WalletName,
    pub(crate) scale: Scale,
    pub(crate) amount: Amount,
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
            earn::parse(&path, (rule, earn), ruleset, faults)
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
