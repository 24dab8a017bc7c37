//! The operator is killed after each single write to broker, ledger or cluster, while a pipeline is created, changed and deleted: each
//! time the next one comes to the same end. The points are enumerated: as many as the undisturbed run has writes.

use std::time::Duration;

use api::LoyaltyPipeline;
use contract::broker_object::Seen;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, ListParams};

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, WITHIN_A_MINUTE, holds};

/// Stages that play at the same time.
const AT_ONCE: usize = 4;

/// A run that has fewer writes than the point it should be killed at ends by itself.
const NO_MORE: Duration = Duration::from_secs(20);

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Create,
    Change,
    Delete,
}

/// What is left at the end, without what differs from stage to stage.
#[derive(Debug, PartialEq)]
struct End {
    queues: Vec<String>,
    exchanges: Vec<String>,
    bindings: usize,
    timeline: usize,
    objects: Vec<String>,
}

fn before() -> String {
    PIPELINE.replace("  results:", "  deletionPolicy: Delete\n  results:")
}

/// Another key, another subscriber, other rules, another configuration.
fn after() -> String {
    let changed = before().replace(r#""refund.#"]"#, r#""refund.*"]"#).replace(r#"points: "1""#, r#"points: "2""#);
    changed.replace("subscribers: [", "subscribers: [{ name: bi, routingKeys: [\"#\"] }, ")
}

async fn settled(stage: &Stage) {
    stage.ready("coffee").await;
}

async fn act(stage: &Stage, act: Act) {
    match act {
        Act::Create => drop(stage.apply(&before()).await),
        Act::Change => drop(stage.apply(&after()).await),
        Act::Delete => drop(stage.api::<LoyaltyPipeline>().delete("coffee", &DeleteParams::default()).await.unwrap()),
    }
}

async fn came_to_an_end(stage: &Stage, act: Act) -> End {
    match act {
        Act::Create | Act::Change => settled(stage).await,
        Act::Delete => {
            holds("the resource is gone", WITHIN_A_MINUTE, async || stage.pipeline("coffee").await.is_none()).await;
            holds("the workers are gone", SOON, async || {
                stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none()
            })
            .await;
        }
    }
    end(stage).await
}

async fn end(stage: &Stage) -> End {
    let Seen { queues, exchanges, bindings } = stage.seen().await;
    let own = exchanges.into_keys().filter(|name| !name.starts_with("amq."));
    let name = contract::PipelineName::parse("coffee").unwrap();
    let timeline = ledger::open(&stage.ledger_url).unwrap().timeline(&name).await.unwrap().len();
    let deployments = stage.api::<Deployment>().list(&ListParams::default()).await.unwrap();
    let objects = deployments.items.into_iter().filter_map(|object| object.metadata.name);
    End {
        queues: queues.into_keys().collect(),
        exchanges: own.collect(),
        bindings: bindings.len(),
        timeline,
        objects: objects.collect(),
    }
}

/// A stage on which everything before the act has happened.
async fn prepared(at: Act) -> (Stage, Kubelet) {
    let stage = Stage::migrated().await;
    let kubelet = Kubelet::of(&stage);
    if at != Act::Create {
        let operator = stage.operator();
        act(&stage, Act::Create).await;
        settled(&stage).await;
        operator.kill();
    }
    (stage, kubelet)
}

/// The act without a crash: how it ends, and after how many writes.
async fn undisturbed(at: Act) -> (End, u64) {
    let (stage, _kubelet) = prepared(at).await;
    let operator = stage.operator();
    act(&stage, at).await;
    let end = came_to_an_end(&stage, at).await;
    let writes = operator.writes();
    stage.end().await;
    (end, writes)
}

async fn killed_after(at: Act, writes: u64) -> End {
    let (stage, _kubelet) = prepared(at).await;
    let first = stage.operator_until(writes);
    act(&stage, at).await;
    first.stopped_within(NO_MORE).await;
    first.kill();
    let _second = stage.operator();
    let end = came_to_an_end(&stage, at).await;
    stage.end().await;
    end
}

async fn check(at: Act) {
    let (expected, writes) = undisturbed(at).await;
    assert!(writes >= 3, "{at:?} has {writes} writes");
    let runs = (1..=writes).map(|point| async move { (point, killed_after(at, point).await) });
    let ends: Vec<(u64, End)> = futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    for (point, end) in ends {
        assert_eq!(end, expected, "{at:?}, killed after write {point} of {writes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_creation_it_comes_to_the_same_end() {
    check(Act::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_change_it_comes_to_the_same_end() {
    check(Act::Change).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_deletion_it_comes_to_the_same_end() {
    check(Act::Delete).await;
}
