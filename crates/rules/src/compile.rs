//! A rule set becomes something that can decide: checked as a whole, every fault told at once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use contract::program::Rule;
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{BudgetName, EventType, RuleName};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::activity::{self, Declared};
use crate::check::{self, Faults};
use crate::condition::{self, Condition};
use crate::effect::{self, Effect};
use crate::error::RuleError;
use crate::group::{self, Picks};
use crate::select::Picker;
use crate::term;
use crate::valid::{self, Times};

/// A rule set that can decide; immutable, shared between threads.
#[derive(Debug)]
pub struct Compiled {
    hash: RulesetHash,
    ruleset: Ruleset,
    /// Where the programme's days begin and end.
    pub(crate) zone: TimeZone,
    /// Activities for which points of some order may wait.
    awaited: BTreeSet<EventType>,
    /// Activities whose fields are declared, by their names.
    pub(crate) declared: HashMap<String, Declared>,
    /// By event type, in the order in which they are asked.
    rules: HashMap<String, Vec<CompiledRule>>,
}

/// Workers share it.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Compiled>();
};

/// One rule, ready to be asked.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) name: RuleName,
    pub(crate) valid: Option<Times>,
    /// Where that picks.
    pub(crate) group: Option<Picks>,
    priority: i32,
    pub(crate) minimum: Option<Decimal>,
    pub(crate) picker: Picker,
    pub(crate) condition: Option<Condition>,
    pub(crate) effect: Effect,
    pub(crate) budget: Option<BudgetName>,
    pub(crate) stop_after: bool,
}

/// Checks a whole rule set and makes it ready; the errors are all that there are, in the order of the fields.
pub fn compile(ruleset: Ruleset) -> Result<Compiled, Vec<RuleError>> {
    let mut faults = Faults::default();
    check::ruleset(&ruleset, &mut faults);
    let zone = term::zone(&ruleset, &mut faults);
    // A rule set over its limits is not looked at any closer: the limits are there to bound this work.
    if ruleset.rules.len() > contract::program::RULES_MAX {
        return Err(faults.into_errors());
    }
    let mut conditions = condition::compile_all(&ruleset, &zone).into_iter();
    let mut rules: HashMap<String, Vec<CompiledRule>> = HashMap::new();
    for (index, rule) in ruleset.rules.iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        check::rule(&path, &ruleset.rules[..index], rule, &mut faults);
        group::of_rule(&path, (rule, index), &ruleset, &mut faults);
        let condition = match conditions.next().flatten() {
            Some(Err(errors)) => {
                faults.extend(errors.into_iter().map(|error| error.under(&format!("{path}.when"))));
                None
            }
            Some(Ok(condition)) => Some(condition),
            None => None,
        };
        let valid = rule.valid.as_ref().and_then(|valid| valid::parse(&path, valid, &zone, &mut faults));
        if let Some(effect) = effect::parse(&path, rule, &ruleset, &mut faults) {
            let mut compiled = CompiledRule::new(rule, (valid, condition), effect);
            compiled.group = group::of(rule, &ruleset);
            rules.entry(rule.on.to_string()).or_default().push(compiled);
        }
    }
    faults.none_or_all()?;
    // Stable: those of one priority stay in the order of the file.
    for of_type in rules.values_mut() {
        of_type.sort_by_key(|rule| Reverse(rule.priority));
    }
    let declared = ruleset.program.activities.iter();
    let declared = declared.filter_map(|known| Some((known.name.to_string(), activity::of(&known.name, &ruleset)?)));
    let (declared, awaited) = (declared.collect(), ruleset.awaited());
    Ok(Compiled { hash: ruleset.hash(), awaited, declared, ruleset, zone, rules })
}

impl CompiledRule {
    fn new(rule: &Rule, (valid, condition): (Option<Times>, Option<Condition>), effect: Effect) -> Self {
        Self {
            name: rule.name.clone(),
            valid,
            group: None,
            priority: rule.priority,
            minimum: rule.minimum_order.map(contract::Quantity::get),
            picker: Picker::new(rule),
            condition,
            effect,
            budget: rule.earn.as_ref().and_then(|earn| earn.budget.clone()),
            stop_after: rule.stop_after,
        }
    }
}

impl Compiled {
    /// The address of the rule set.
    #[must_use]
    pub fn hash(&self) -> &RulesetHash {
        &self.hash
    }

    /// The rule set as it was written.
    #[must_use]
    pub fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// Activities for which points of some order may wait (`pending.until`).
    #[must_use]
    pub fn awaited(&self) -> &BTreeSet<EventType> {
        &self.awaited
    }

    /// When a day begins in the programme's time zone. Fails at the ends of the calendar (years -9999 and 9999).
    pub fn midnight(&self, day: jiff::civil::Date) -> Result<jiff::Timestamp, jiff::Error> {
        Ok(day.to_zoned(self.zone.clone())?.timestamp())
    }

    /// Where the programme's days begin and end.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The rules of an event type, in their order.
    pub(crate) fn rules_on(&self, event_type: &str) -> &[CompiledRule] {
        self.rules.get(event_type).map_or(&[], Vec::as_slice)
    }
}
