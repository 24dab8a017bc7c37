//! Budgets: what is wrong with them as they are written, and awards that get no more than is left.

use std::collections::BTreeMap;

use contract::decision::{Award, OrderAward, OrderState, Rooms};
use contract::program::{BUDGETS_MAX, Budget, Earn, Wallet};
use contract::ruleset::Ruleset;
use contract::{BudgetName, Points, RuleName};

use crate::check::Faults;
use crate::effect::{no_wallet, units};
use crate::group::in_place;
use crate::suggest::not_there;

const PATH: &str = "spec.program.budgets";

/// What is wrong with the budgets of a programme.
pub(crate) fn shape(ruleset: &Ruleset, faults: &mut Faults) {
    let budgets = &ruleset.program.budgets;
    if budgets.len() > BUDGETS_MAX {
        faults.add(PATH, format!("has {} budgets; at most {BUDGETS_MAX} are allowed", budgets.len()));
    }
    for (index, budget) in budgets.iter().enumerate() {
        if let Some(first) = budgets[..index].iter().position(|other| other.name == budget.name) {
            let problem = format!("`{}` is also the name of {PATH}[{first}]; give each budget its own", budget.name);
            faults.add(format!("{PATH}[{index}].name"), problem);
        }
        match ruleset.wallet(Some(&budget.wallet)) {
            Some(wallet) => points(&format!("{PATH}[{index}].points"), (budget, wallet), faults),
            None => faults.add(format!("{PATH}[{index}].wallet"), no_wallet(&budget.wallet, ruleset)),
        }
    }
}

fn points(path: &str, (budget, wallet): (&Budget, &Wallet), faults: &mut Faults) {
    if budget.points.is_zero() {
        faults.add(path, "is 0, so that its rules would give nothing; it must be more");
    } else {
        units(path, (budget.points.get(), wallet), faults);
    }
}

/// What is wrong with the budget that a rule names.
pub(crate) fn of_rule(path: &str, earn: &Earn, ruleset: &Ruleset, faults: &mut Faults) {
    let Some(name) = &earn.budget else { return };
    let budgets = &ruleset.program.budgets;
    let Some(budget) = budgets.iter().find(|budget| budget.name == *name) else {
        let known = budgets.iter().map(|budget| budget.name.as_str());
        return faults.add(path, not_there("budget", name.as_str(), known));
    };
    if budget.wallet != earn.wallet {
        let problem = format!(
            "budget `{name}` is of wallet `{}`, but the rule gives into `{}`; name one budget for each wallet",
            budget.wallet, earn.wallet
        );
        faults.add(path, problem);
    }
}

/// The awards as far as their budgets have room, the first ones first; what gets nothing stays in its place, to be told. A budget that nobody
/// looked at has no room: it could not be taken of.
pub(crate) fn clip(mut awards: Vec<Award>, rooms: Option<&Rooms>) -> Vec<Award> {
    let Some(mut rooms) = rooms.cloned() else { return awards };
    for award in &mut awards {
        if let Some(budget) = &award.inputs.budget {
            let room = rooms.entry(budget.name.clone()).or_default();
            award.points = award.points.min(Points(room.0.max(0)));
            room.0 -= award.points.0;
        }
    }
    awards
}

/// What is due back of each award of an order that came out of a budget, when the rules would give this for what was kept: the order goes on
/// to have what it has of the budget, as far as the rule still gives it. What was taken back may have been given to somebody else meanwhile,
/// so that it only comes again where there is room.
///
/// Of a group the kept part may have picked another rule, out of the same budget: that stands for the one that gave.
pub(crate) fn of_order(
    (ruleset, state): (&Ruleset, &OrderState),
    earned: &[Award],
    rooms: Option<&Rooms>,
) -> BTreeMap<RuleName, Points> {
    let mut rooms: BTreeMap<BudgetName, Points> = rooms.cloned().unwrap_or_default();
    let mut due = BTreeMap::new();
    for (award, budget) in state.awards.iter().filter_map(|award| Some((award, award.budget.as_ref()?))) {
        let again =
            earned.iter().find(|again| in_place(ruleset, &award.rule, &again.rule)).map_or(0, |again| again.points.0);
        let wanted = again.clamp(0, award.awarded.0);
        let room = rooms.entry(budget.clone()).or_default();
        let more = (wanted - has(award)).clamp(0, room.0.max(0));
        room.0 -= more;
        let kept = wanted.min(has(award) + more);
        due.insert(award.rule.clone(), Points(award.awarded.0 - kept));
    }
    due
}

/// What an order still has of a budget; what was waived it has as well.
fn has(award: &OrderAward) -> i64 {
    award.awarded.0.saturating_sub(award.taken.0).max(0)
}
