//! One look at one pipeline: the resource, its workers, what happened to it.

use jiff::Timestamp;

use super::kubectl::{Kubectl, KubectlError};
use super::told::{Deployment, Event, List, Pipeline};

/// In full, so that no kind of another group is meant.
pub(super) const PIPELINES: &str = "loyaltypipelines.loyalty.dev";

/// Events that are shown.
const EVENTS_MAX: usize = 5;

/// What was seen.
pub(super) struct Look {
    pub(super) at: Timestamp,
    pub(super) pipeline: Pipeline,
    /// The first one with the pipeline's label; there is one or none.
    pub(super) workers: Result<Option<Deployment>, KubectlError>,
    /// Newest first.
    pub(super) events: Result<Vec<Event>, KubectlError>,
}

/// Asks. What stands beside the resource may stay unknown; without the resource there is nothing to show.
pub(super) async fn look(name: &str, kubectl: &Kubectl) -> Result<Look, KubectlError> {
    let selector =
        format!("--selector=app.kubernetes.io/managed-by=loyalty-operator,app.kubernetes.io/instance={name}");
    let about = format!("--field-selector=involvedObject.kind=LoyaltyPipeline,involvedObject.name={name}");
    let (pipeline, workers, events) = tokio::join!(
        kubectl.get::<Pipeline, _>([PIPELINES, name]),
        kubectl.get::<List<Deployment>, _>([&selector, "deployments.apps"]),
        kubectl.get::<List<Event>, _>([&about, "events"]),
    );
    let workers = workers.map(|list| list.items.into_iter().next());
    Ok(Look { at: Timestamp::now(), pipeline: pipeline?, workers, events: events.map(newest) })
}

fn newest(list: List<Event>) -> Vec<Event> {
    let mut events = list.items;
    events.sort_by_key(|event| std::cmp::Reverse(event.at().parse::<Timestamp>().ok()));
    events.truncate(EVENTS_MAX);
    events
}
