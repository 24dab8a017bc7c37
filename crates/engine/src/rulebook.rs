//! The compiled rules of a pipeline's timeline, as far as this process has seen it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use contract::ruleset::{RulesetHash, TimelineLine};
use contract::{BudgetName, EventType, PipelineName, Points};
use ledger::book::{RewardRules, TierRules};
use ledger::{BudgetWanted, Ledger};
use rules::{Compiled, Timeline};

use crate::EngineError;

/// A timeline with every rule set that it names, compiled.
#[derive(Debug)]
pub struct Rulebook {
    /// The timeline's last sequence; a batch that the ledger began under a later one is begun again with newer rules.
    pub seq: i64,
    /// Which rules hold when.
    pub timeline: Timeline,
    /// Rewards that points are turned into by themselves, by all of them.
    pub(crate) rewards: RewardRules,
    /// Tiers, by all of them.
    pub(crate) tiers: TierRules,
    /// Budgets of all of them, each as it was said last.
    budgets: BTreeMap<BudgetName, BudgetWanted>,
    /// Activities for which points of an order may wait, by any of them: of which version a purchase is that comes later, nobody knows.
    pub(crate) awaited: BTreeSet<EventType>,
    /// Those that an activity may take of: a purchase may bring up some that waited for it, and nobody knows yet of what types and times.
    of_activities: BTreeSet<BudgetName>,
    compiled: HashMap<RulesetHash, Arc<Compiled>>,
}

impl Rulebook {
    /// Loads the timeline and whatever rule sets `known` does not hold yet. Cancel-safe: it only reads.
    pub async fn load(ledger: &dyn Ledger, pipeline: &PipelineName, known: Option<&Self>) -> Result<Self, EngineError> {
        let lines = ledger.timeline(pipeline).await?;
        let Some(seq) = lines.iter().map(|line| line.seq).max() else {
            return Err(EngineError::NoRules(pipeline.clone()));
        };
        let mut compiled = known.map(|known| known.compiled.clone()).unwrap_or_default();
        for line in &lines {
            if !compiled.contains_key(&line.hash) {
                compiled.insert(line.hash.clone(), compile(ledger, &line.hash).await?);
            }
        }
        let versions: Vec<(TimelineLine, Arc<Compiled>)> =
            lines.into_iter().filter_map(|line| compiled.get(&line.hash).cloned().map(|rules| (line, rules))).collect();
        let (rewards, budgets, of_activities) = (rewards(&versions), budgets(&versions), of_activities(&versions));
        let awaited = versions.iter().flat_map(|(_, rules)| rules.awaited().iter().cloned()).collect();
        let tiers = tiers(&versions);
        Ok(Self { seq, timeline: Timeline::new(versions), rewards, tiers, budgets, awaited, of_activities, compiled })
    }

    /// The budgets of these names, with what may be given of each; all of them for `None`.
    pub(crate) fn budgets(&self, names: Option<&BTreeSet<BudgetName>>) -> Vec<BudgetWanted> {
        let is_wanted = |budget: &&BudgetWanted| names.is_none_or(|names| names.contains(&budget.name));
        self.budgets.values().filter(is_wanted).cloned().collect()
    }

    /// The budgets of rules that a purchase does not trigger itself.
    pub(crate) fn of_activities(&self) -> &BTreeSet<BudgetName> {
        &self.of_activities
    }

    /// The rules that paid, for a refund.
    #[must_use]
    pub fn by_hash(&self, hash: &RulesetHash) -> Option<&Arc<Compiled>> {
        self.compiled.get(hash)
    }
}

fn rewards(versions: &[(TimelineLine, Arc<Compiled>)]) -> RewardRules {
    let mut said: Vec<_> = versions.iter().collect();
    said.sort_by_key(|(line, _)| line.seq);
    RewardRules::of(said.iter().map(|(line, rules)| (line.valid_from, rules.hash(), rules.ruleset())))
}

fn tiers(versions: &[(TimelineLine, Arc<Compiled>)]) -> TierRules {
    let mut said: Vec<_> = versions.iter().collect();
    said.sort_by_key(|(line, _)| line.seq);
    TierRules::of(said.iter().map(|(line, rules)| (line.valid_from, rules.hash(), rules.ruleset(), rules.zone())))
}

/// A limit counts from when it is said: how much is given cannot depend on which of two events of different times comes first.
fn budgets(versions: &[(TimelineLine, Arc<Compiled>)]) -> BTreeMap<BudgetName, BudgetWanted> {
    let mut said: Vec<_> = versions.iter().collect();
    said.sort_by_key(|(line, _)| line.seq);
    let mut budgets = BTreeMap::new();
    for ruleset in said.iter().map(|(_, rules)| rules.ruleset()) {
        for budget in &ruleset.program.budgets {
            let scale = ruleset.wallet(Some(&budget.wallet)).map(|wallet| wallet.scale).unwrap_or_default();
            let (name, wallet) = (budget.name.clone(), budget.wallet.clone());
            let limit = Points::from_decimal(budget.points.get(), scale).unwrap_or(Points::ZERO);
            budgets.insert(name.clone(), BudgetWanted { name, wallet, limit });
        }
    }
    budgets
}

/// A purchase's and a sign-up's never wait; all others may be of activities that do, by one version or another.
fn of_activities(versions: &[(TimelineLine, Arc<Compiled>)]) -> BTreeSet<BudgetName> {
    let rules = versions.iter().flat_map(|(_, rules)| &rules.ruleset().rules);
    let of_activities = rules.filter(|rule| !matches!(rule.on.as_str(), "purchase" | "signup"));
    of_activities.filter_map(|rule| rule.earn.as_ref()?.budget.clone()).collect()
}

async fn compile(ledger: &dyn Ledger, hash: &RulesetHash) -> Result<Arc<Compiled>, EngineError> {
    let ruleset = ledger.ruleset(hash).await?.ok_or_else(|| EngineError::Missing(hash.clone()))?;
    let compiled = rules::compile(ruleset).map_err(|errors| EngineError::Uncompilable {
        hash: hash.clone(),
        problem: errors.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    Ok(Arc::new(compiled))
}
