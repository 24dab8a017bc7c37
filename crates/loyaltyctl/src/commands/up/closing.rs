//! What stands in the ledger, and what still waits, when a pipeline is stopped.

use broker::Settings;
use contract::pipeline::Names;
use ledger::Ledger;

use super::super::totals;
use crate::edge::Halt;
use crate::observe;
use crate::screen::{Screen, grouped};
use crate::target::Pipeline;

/// Tells the totals.
pub(super) async fn tell(
    pipeline: &Pipeline,
    ledger: &dyn Ledger,
    settings: &Settings,
    screen: &Screen,
) -> Result<(), Halt> {
    let waiting = waiting(pipeline, settings).await;
    let totals = ledger.totals(&pipeline.name).await?;
    if screen.is_json() {
        let waiting: std::collections::BTreeMap<_, _> = waiting.into_iter().collect();
        let text = serde_json::json!({ "pipeline": pipeline.name, "waiting": waiting, "totals": totals }).to_string();
        screen.show(&(text + "\n"))?;
        return Ok(());
    }
    let queues = waiting.iter().map(|(queue, count)| format!("{queue} {}", count.map_or("?".to_owned(), grouped)));
    let queues = format!("waiting: {}\n", queues.collect::<Vec<_>>().join(", "));
    screen.show(&format!("\n{queues}{}", totals::render(&totals, screen)))?;
    Ok(())
}

/// Messages in the queues of lanes and of buried messages; `None` is unknown.
async fn waiting(pipeline: &Pipeline, settings: &Settings) -> Vec<(String, Option<u64>)> {
    let names = Names(&pipeline.name);
    let lanes = pipeline.spec.events.lanes().into_iter().map(|lane| names.lane(lane));
    let queues: Vec<String> = lanes.chain([names.dead()]).collect();
    let connection = observe::connect(settings).await.ok();
    let mut waiting = Vec::new();
    for queue in queues {
        let depth = match &connection {
            Some(connection) => connection.passive_depth(&queue).await.ok().flatten(),
            None => None,
        };
        waiting.push((queue, depth));
    }
    if let Some(connection) = connection {
        connection.close().await;
    }
    waiting
}
