//! All pipelines of a namespace, or of all, one a line.

use super::kubectl::{Kubectl, KubectlError};
use super::look::PIPELINES;
use super::one::{threes, truth};
use super::told::{List, Pipeline};
use crate::screen::{Cell, Screen, Table};

/// What there is.
pub(super) struct All {
    pub(super) pipelines: Vec<Pipeline>,
    place: String,
    is_everywhere: bool,
}

pub(super) async fn ask(kubectl: &Kubectl) -> Result<All, KubectlError> {
    let list: List<Pipeline> = kubectl.get([PIPELINES]).await?;
    Ok(All { pipelines: list.items, place: kubectl.place().to_owned(), is_everywhere: kubectl.is_everywhere() })
}

impl All {
    /// Where there is none, a namespace was mistyped more often than emptied: that must not read as success.
    pub(super) fn is_ready(&self) -> bool {
        !self.pipelines.is_empty() && self.pipelines.iter().all(Pipeline::is_ready)
    }

    pub(super) fn render(&self, screen: &Screen) -> String {
        if self.pipelines.is_empty() {
            return format!("no pipelines in {}\n", self.place);
        }
        let head = ["NAME", "READY", "REASON", "QUEUE", "DRAINED", "WORKERS"];
        let rows = self.pipelines.iter().map(row);
        if self.is_everywhere {
            let mut table = Table::new(&["NAMESPACE", head[0], head[1], head[2], head[3], head[4], head[5]]);
            for ([name, ready, reason, queue, drained, workers], pipeline) in rows.zip(&self.pipelines) {
                let namespace = Cell::plain(&pipeline.metadata.namespace);
                table.row([namespace, name, ready, reason, queue, drained, workers]);
            }
            return table.render(screen);
        }
        let mut table = Table::new(&head);
        rows.for_each(|row| table.row(row));
        table.render(screen)
    }
}

fn row(pipeline: &Pipeline) -> [Cell; 6] {
    let status = &pipeline.status;
    let (ready, reason) = match pipeline.condition("Ready") {
        // What was said is about another spec.
        Some(_) if pipeline.is_behind() => ("Unknown", "not looked at yet"),
        Some(ready) => (ready.status.as_str(), ready.reason.as_str()),
        None => ("Unknown", "no operator"),
    };
    let queue = status.queue.as_ref();
    let depth = threes(queue.and_then(|queue| queue.depth.as_deref()).unwrap_or("?"));
    let drain = queue.and_then(|queue| queue.drain_seconds);
    let drain = drain.map_or_else(|| "?".to_owned(), |seconds| format!("{seconds} s"));
    let workers = status.replicas.map_or_else(|| "?".to_owned(), |count| count.to_string());
    [
        Cell::name(&pipeline.metadata.name),
        truth(ready),
        Cell::plain(reason),
        Cell::plain(depth),
        Cell::number(drain),
        Cell::number(workers),
    ]
}
