//! The shape of a rule set: names, limits, and what may stand beside what.

use contract::program::{REWARDS_A_DAY_MAX, RULES_MAX, Rule, Selector, TakeBack, WALLETS_MAX, Wallet};
use contract::ruleset::{Ruleset, SEMANTICS};

use crate::activity;
use crate::budget;
use crate::effect::units;
use crate::error::RuleError;
use crate::group;
use crate::term::{self, Terms};
use crate::tier;

/// Most names in one list of a selector; the schema of the resource says the same.
const SELECTOR_NAMES_MAX: usize = 1000;

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<RuleError>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(RuleError::at(path, problem));
    }

    pub(crate) fn extend(&mut self, errors: impl IntoIterator<Item = RuleError>) {
        self.0.extend(errors);
    }

    pub(crate) fn into_errors(self) -> Vec<RuleError> {
        self.0
    }

    pub(crate) fn none_or_all(self) -> Result<(), Vec<RuleError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// What holds for the rule set as a whole.
pub(crate) fn ruleset(ruleset: &Ruleset, faults: &mut Faults) {
    if ruleset.semantics != SEMANTICS {
        let problem = format!(
            "is {}, but this version computes by {SEMANTICS}; run the version that wrote the rule set",
            ruleset.semantics
        );
        faults.add("semantics", problem);
    }
    wallets(ruleset, faults);
    budget::shape(ruleset, faults);
    group::shape(ruleset, faults);
    activity::shape(ruleset, faults);
    tier::shape(ruleset, faults);
    refunds(ruleset, faults);
    let rules = ruleset.rules.len();
    if rules > RULES_MAX {
        faults.add("spec.rules", format!("has {rules} rules; at most {RULES_MAX} are allowed"));
    }
}

fn wallets(ruleset: &Ruleset, faults: &mut Faults) {
    const PATH: &str = "spec.program.wallets";
    let wallets = &ruleset.program.wallets;
    match wallets.len() {
        0 => faults.add(PATH, "is empty; name at least one wallet"),
        1..=WALLETS_MAX => {}
        many => faults.add(PATH, format!("has {many} wallets; at most {WALLETS_MAX} are allowed")),
    }
    for (index, wallet) in wallets.iter().enumerate() {
        if let Some(first) = wallets[..index].iter().position(|other| other.name == wallet.name) {
            let problem = format!("`{}` is also the name of {PATH}[{first}]; give each wallet its own", wallet.name);
            faults.add(format!("{PATH}[{index}].name"), problem);
        }
        let path = format!("{PATH}[{index}]");
        term::shape(&path, (wallet.pending.as_ref(), wallet.expiry.as_ref()), term::Of::Wallet, faults);
        term::check(&path, &Terms { pending: wallet.pending.clone(), expiry: wallet.expiry.clone() }, faults);
        reward(&format!("{path}.autoReward"), wallet, faults);
        if wallet.holds.is_some_and(|holds| holds.timeout.seconds() == 0) {
            let problem = "ends a hold before it begins; give at least `1s`, or leave it out for holds without an end";
            faults.add(format!("{PATH}[{index}].holds.timeout"), problem);
        }
    }
}

/// Points that make a reward have to be some that the wallet can hold.
fn reward(path: &str, wallet: &Wallet, faults: &mut Faults) {
    let Some(reward) = &wallet.auto_reward else { return };
    let (of_points, written) = (format!("{path}.points"), reward.points.get());
    if written.is_zero() {
        faults.add(of_points, "is 0; it must be more");
    } else {
        units(&of_points, (written, wallet), faults);
    }
    match reward.per_day {
        0 => faults.add(format!("{path}.perDay"), "is 0, so that none would ever be given; give at least 1"),
        1..=REWARDS_A_DAY_MAX => {}
        many => {
            faults.add(format!("{path}.perDay"), format!("is {many}; at most {REWARDS_A_DAY_MAX} a day are allowed"));
        }
    }
}

/// A policy that takes only what waits, where nothing ever does, is a mistake.
fn refunds(ruleset: &Ruleset, faults: &mut Faults) {
    if ruleset.program.refunds.take_back != TakeBack::OnlyPending {
        return;
    }
    let of_wallets = ruleset.program.wallets.iter().filter_map(|wallet| wallet.pending.as_ref());
    let of_rules = ruleset.rules.iter().filter_map(|rule| rule.earn.as_ref()?.pending.as_ref());
    if !of_wallets.chain(of_rules).any(term::waits) {
        let problem = "is `OnlyPending`, but no points ever wait, so that no refund would take any; \
                       give a wallet or a rule `pending`, or say `WithinBalance`";
        faults.add("spec.program.refunds.takeBack", problem);
    }
}

/// What holds for one rule apart from its effect and its condition.
pub(crate) fn rule(path: &str, before: &[Rule], rule: &Rule, faults: &mut Faults) {
    if let Some(first) = before.iter().position(|other| other.name == rule.name) {
        let problem = format!(
            "`{}` is also the name of spec.rules[{first}]; an award names its rule, so give each its own",
            rule.name
        );
        faults.add(format!("{path}.name"), problem);
    }
    trigger(path, rule, faults);
    selector(&format!("{path}.include"), rule.include.as_ref(), "to count all lines", faults);
    selector(&format!("{path}.exclude"), rule.exclude.as_ref(), "to leave no line out", faults);
}

fn trigger(path: &str, rule: &Rule, faults: &mut Faults) {
    let why = match rule.on.as_str() {
        "refund" => "a refund takes back what its purchase earned, by the rules that paid",
        "redeem" => "a redemption spends points and earns none",
        "hold" | "capture" | "release" => "a hold keeps points that are there, and earns none",
        "transfer" => "points go from one member to another, and none are earned",
        "promote" => "it says which tier a member has, and gives no points",
        "freeze" | "unfreeze" => "it says who may spend points, and gives none",
        "merge" => "it says that two members are one, and gives no points",
        "erase" => "it forgets a member, who earns nothing any more",
        "reinstate" => "it gives points back that had ended, and earns nothing more",
        "adjust" => "an adjustment is a person's decision and earns nothing more",
        _ => return only_of_purchases(path, rule, faults),
    };
    let problem =
        format!("a rule cannot be triggered by `{}`: {why}; use `purchase`, `signup` or a custom type", rule.on);
    faults.add(format!("{path}.on"), problem);
}

fn only_of_purchases(path: &str, rule: &Rule, faults: &mut Faults) {
    if rule.on.as_str() == "purchase" {
        return;
    }
    let earn = rule.earn.as_ref();
    let fields = [
        ("minimumOrder", rule.minimum_order.is_some()),
        ("include", rule.include.is_some()),
        ("exclude", rule.exclude.is_some()),
        ("earn.per", earn.is_some_and(|earn| earn.per.is_some())),
        ("earn.perStep", earn.is_some_and(|earn| earn.per_step.is_some())),
        ("earn.perQuantity", earn.is_some_and(|earn| earn.per_quantity.is_some())),
        ("earn.bands", earn.is_some_and(|earn| !earn.bands.is_empty())),
        ("earn.base", earn.is_some_and(|earn| !earn.base.is_default())),
        ("multiply", rule.multiply.is_some()),
    ];
    for (field, _) in fields.iter().filter(|(_, given)| *given) {
        let problem = format!(
            "only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `{}`)",
            rule.on
        );
        faults.add(format!("{path}.{field}"), problem);
    }
}

fn selector(path: &str, selector: Option<&Selector>, without: &str, faults: &mut Faults) {
    let Some(selector) = selector else { return };
    let lists = selector.lists();
    if lists.iter().all(|(_, names)| names.is_empty()) {
        faults.add(
            path,
            format!("names nothing; list `skus`, `categories`, `labels` or `brands`, or leave it out {without}"),
        );
    }
    for (list, names) in lists {
        if names.len() > SELECTOR_NAMES_MAX {
            let problem = format!("has {} names; at most {SELECTOR_NAMES_MAX} are allowed", names.len());
            faults.add(format!("{path}.{list}"), problem);
        }
        if let Some(at) = names.iter().position(String::is_empty) {
            faults.add(format!("{path}.{list}[{at}]"), "is empty; write the name in full, or remove it");
        }
    }
}
