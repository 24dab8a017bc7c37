//! Batches in a line: the next one is begun while one commits, and nobody can tell from what stands afterwards.

mod beside;
mod turns;

use std::collections::HashSet;
use std::sync::Arc;

use contract::event::Event;
use engine::{Batch, EngineError, Line, Settled, sends};
use ledger::UnderWay;

use crate::budgets::campaign::Campaign;
use crate::shop::NOW;

/// Lines of one batch each; a merge is one of its own, as a lane has it.
fn batches(campaign: &Campaign, lines: &[Vec<String>]) -> Vec<Arc<Batch>> {
    let read = |lines: &Vec<String>| lines.iter().map(|line| campaign.read(line)).collect::<Vec<Event>>();
    let all: Vec<Vec<Event>> = lines.iter().map(read).collect();
    let runs = all.iter().flat_map(|events| ledger::runs(events).map(<[Event]>::to_vec).collect::<Vec<_>>());
    runs.map(|events| Arc::new(Batch::new(events, Vec::new()))).collect()
}

/// As a lane does it: one behind the other, and what is sent arrives before the next one.
async fn in_line(campaign: &Campaign, batches: &[Arc<Batch>]) -> Result<Vec<Vec<Settled>>, EngineError> {
    let mut line = Line::of(&campaign.engine);
    let mut all = Vec::new();
    for (n, batch) in batches.iter().enumerate() {
        let settled = line.apply(batch, || batches.get(n + 1).cloned(), NOW.parse().unwrap()).await?;
        carry(campaign, &settled).await?;
        all.push(settled);
    }
    Ok(all)
}

/// The same without a line.
async fn one_by_one(campaign: &Campaign, batches: &[Arc<Batch>]) -> Vec<Vec<Settled>> {
    let mut all = Vec::new();
    for batch in batches {
        let settled = campaign.engine.apply(batch.events(), &[], NOW.parse().unwrap()).await.unwrap();
        carry(campaign, &settled).await.unwrap();
        all.push(settled);
    }
    all
}

async fn carry(campaign: &Campaign, settled: &[Settled]) -> Result<(), EngineError> {
    for settled in settled {
        let Settled::Fresh { results, batch, .. } = settled else { continue };
        if sends(results) {
            while campaign.engine.carry(UnderWay::Of(*batch), 20, &HashSet::new()).await?.is_some() {}
        }
    }
    Ok(())
}

/// All but the number of the batch.
fn told(settled: &[Vec<Settled>]) -> Vec<Vec<String>> {
    let one = |settled: &Settled| match settled {
        Settled::Fresh { outcome, results, given_up, .. } => format!("{outcome:?} {results:?} {given_up:?}"),
        other => format!("{other:?}"),
    };
    settled.iter().map(|batch| batch.iter().map(one).collect()).collect()
}
