//! Tiers: what is wrong with them as they are written, and the money of an order that counts for them.

use contract::decision::Facts;
use contract::event::{Event, Kind};
use contract::program::{Downgrade, Level, Measure, Reach, TIERS_MAX, Tiers, Validity, Window};
use contract::ruleset::Ruleset;
use contract::{Money, Points, Refusal, TierName};

use crate::Compiled;
use crate::check::Faults;
use crate::effect::{no_wallet, units};
use crate::kept::kept;
use crate::refund::overflow;
use crate::term::{self, idle};

const PATH: &str = "spec.program.tiers";

/// What is wrong with the tiers of a programme.
pub(crate) fn shape(ruleset: &Ruleset, faults: &mut Faults) {
    let Some(tiers) = &ruleset.program.tiers else { return };
    levels(tiers, faults);
    let wallet = tiers.points.as_ref().map(|points| &points.wallet);
    if let Some(unknown) = wallet.filter(|wallet| ruleset.wallet(Some(wallet)).is_none()) {
        faults.add(format!("{PATH}.points.wallet"), no_wallet(unknown, ruleset));
    }
    let mut reached: Vec<(Measure, i64, &TierName)> = Vec::new();
    for (index, level) in tiers.levels.iter().enumerate().skip(1) {
        let path = format!("{PATH}.levels[{index}].reach");
        let Some(reach) = &level.reach else {
            let problem = "is missing: only the first level is everybody's; give `points`, `spend` or `visits`";
            faults.add(path, problem);
            continue;
        };
        for (measure, least) in self::reach(&path, (reach, tiers), ruleset, faults) {
            let path = format!("{path}.{}", measure.as_str());
            let easier = reached.iter().find(|(of, most, _)| *of == measure && *most >= least);
            if let Some((_, _, below)) = easier {
                faults.add(path, format!("is not more than that of `{below}`, a level below; make it more"));
            }
            reached.push((measure, least, &level.name));
        }
    }
    if let Some(visits) = &tiers.visits {
        let words = ("nothing would be a visit", "is no visit");
        idle::activities(&format!("{PATH}.visits.activities"), &visits.activities, words, faults);
    }
    window(&tiers.window, faults);
    match &tiers.validity {
        Some(validity) => self::validity(validity, faults),
        None if tiers.downgrade != Downgrade::ToDue => {
            let problem = "has nothing to do, as levels never end; give `validity`, or remove it";
            faults.add(format!("{PATH}.downgrade"), problem);
        }
        None => {}
    }
}

fn levels(tiers: &Tiers, faults: &mut Faults) {
    let path = format!("{PATH}.levels");
    let levels = &tiers.levels;
    match levels.len() {
        0 => faults.add(&path, "is empty; name at least the one that everybody has"),
        1..=TIERS_MAX => {}
        many => faults.add(&path, format!("has {many} levels; at most {TIERS_MAX} are allowed")),
    }
    for (index, Level { name, .. }) in levels.iter().enumerate() {
        if let Some(first) = levels[..index].iter().position(|other| other.name == *name) {
            let problem = format!("`{name}` is also the name of {path}[{first}]; give each level its own");
            faults.add(format!("{path}[{index}].name"), problem);
        }
    }
    if levels.first().is_some_and(|first| first.reach.is_some()) {
        let problem = "is of the first level, which everybody has; remove it, or put a level without it first";
        faults.add(format!("{path}[0].reach"), problem);
    }
}

/// What a level asks for, as far as it can be counted.
fn reach(path: &str, (reach, tiers): (&Reach, &Tiers), ruleset: &Ruleset, faults: &mut Faults) -> Vec<(Measure, i64)> {
    let Reach { points, spend, visits } = reach;
    if points.is_none() && spend.is_none() && visits.is_none() {
        faults.add(path, "names nothing; give `points`, `spend` or `visits`, or several of them");
    }
    let mut asked = Vec::new();
    for (measure, is_nought) in [
        (Measure::Points, points.is_some_and(contract::Quantity::is_zero)),
        (Measure::Spend, spend.is_some_and(contract::Quantity::is_zero)),
        (Measure::Visits, *visits == Some(0)),
    ] {
        if is_nought {
            faults.add(format!("{path}.{}", measure.as_str()), "is 0, so that everybody has it; it must be more");
        }
    }
    let wallet = ruleset.qualifying();
    if let (Some(points), Some(wallet)) = (points.filter(|points| !points.is_zero()), wallet) {
        let units = units(&format!("{path}.points"), (points.get(), wallet), faults);
        asked.extend(units.map(|Points(units)| (Measure::Points, units)));
    }
    if let Some(spend) = spend.filter(|spend| !spend.is_zero()) {
        match Money::parse(&spend.get().to_string(), ruleset.currency()) {
            Ok(money) => asked.push((Measure::Spend, money.minor)),
            Err(error) => faults.add(format!("{path}.spend"), error.to_string()),
        }
    }
    if let Some(visits) = visits.filter(|visits| *visits > 0) {
        if tiers.visits.is_none() {
            let problem = format!("counts visits, and nothing is one; name types of events in `{PATH}.visits`");
            faults.add(format!("{path}.visits"), problem);
        }
        asked.push((Measure::Visits, i64::from(visits)));
    }
    asked
}

fn window(window: &Window, faults: &mut Faults) {
    let path = format!("{PATH}.window");
    let Window { calendar, rolling, since_start, for_ever } = window;
    let given = [calendar.is_some(), rolling.is_some(), *since_start, *for_ever];
    match given.into_iter().filter(|given| *given).count() {
        1 => {}
        0 => faults.add(&path, "names no time; give `calendar`, `rolling`, `sinceStart` or `forEver`"),
        _ => faults.add(&path, "names several times; give one of `calendar`, `rolling`, `sinceStart` and `forEver`"),
    }
    if rolling.is_some_and(contract::Period::is_zero) {
        faults.add(format!("{path}.rolling"), "is no time at all; give at least `1d`");
    }
}

fn validity(validity: &Validity, faults: &mut Faults) {
    let path = format!("{PATH}.validity");
    if validity.r#for.is_zero() && validity.round_up_to.is_none() && validity.on_dates.is_empty() {
        let problem = "is no time at all; give at least `1d`, or put it off with `roundUpTo` or `onDates`";
        faults.add(format!("{path}.for"), problem);
    }
    term::dates(&format!("{path}.onDates"), &validity.on_dates, faults);
}

impl Compiled {
    /// What a condition sees of a member's tier: its name, or that of the first one; `None` where there are no tiers.
    pub(crate) fn tier<'a>(&'a self, tier: Option<&'a TierName>) -> Option<&'a str> {
        let first = self.ruleset().program.tiers.as_ref()?.levels.first();
        tier.or(first.map(|level| &level.name)).map(TierName::as_str)
    }

    /// By how much the event changes what was spent on orders, in minor units: what a purchase paid, less what a refund gave back of it. The
    /// refund's order must be the one of `facts`, and these the rules that paid.
    pub fn spends(&self, event: &Event, facts: Facts<'_>) -> Result<i64, Refusal> {
        if self.ruleset().program.tiers.is_none() {
            return Ok(0);
        }
        match (&event.kind, facts.order) {
            (Kind::Purchase(purchase), _) => Ok(purchase.amount.minor),
            (Kind::Refund(refund), Some(state)) => {
                let Kind::Purchase(purchase) = &state.purchase.kind else { return Ok(0) };
                let minor = |returned| Ok(kept(purchase, returned)?.map_or(0, |kept| kept.amount.minor));
                let returned = state.returned.and(refund).ok_or_else(overflow)?;
                // Both lie between nought and what was paid.
                Ok(minor(&returned)? - minor(&state.returned)?)
            }
            _ => Ok(0),
        }
    }
}
