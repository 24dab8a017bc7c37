//! The compiled rules of a pipeline's timeline, as far as this process has seen it.

use std::collections::HashMap;
use std::sync::Arc;

use contract::PipelineName;
use contract::ruleset::{RulesetHash, TimelineLine};
use ledger::Ledger;
use ledger::book::RewardRules;
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
        let rewards = rewards(&versions);
        Ok(Self { seq, timeline: Timeline::new(versions), rewards, compiled })
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

async fn compile(ledger: &dyn Ledger, hash: &RulesetHash) -> Result<Arc<Compiled>, EngineError> {
    let ruleset = ledger.ruleset(hash).await?.ok_or_else(|| EngineError::Missing(hash.clone()))?;
    let compiled = rules::compile(ruleset).map_err(|errors| EngineError::Uncompilable {
        hash: hash.clone(),
        problem: errors.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    Ok(Arc::new(compiled))
}
