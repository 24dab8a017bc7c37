//! The operator is killed after each single write to broker, ledger or cluster, while a pipeline is created, changed and deleted: each
//! time the next one comes to the same end. The points are enumerated: as many as the undisturbed run has writes, and with the small share
//! every third of them, from another one each time.

use std::collections::BTreeSet;
use std::time::Duration;

use api::LoyaltyPipeline;
use contract::broker_object::Seen;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams};

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, WITHIN_A_MINUTE, given, holds};

/// Stages that play at the same time.
const AT_ONCE: usize = 4;

/// From one point to the next where not all are asked for.
const STRIDE: usize = 3;

/// A run that has fewer writes than the point it should be killed at ends by itself.
const NO_MORE: Duration = Duration::from_secs(20);

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Create,
    Change,
    Delete,
    /// Of a pipeline whose ledger is embedded: its volume goes, too.
    DeleteEmbedded,
}

/// What is left at the end, without what differs from stage to stage.
#[derive(Debug, PartialEq)]
struct End {
    queues: Vec<String>,
    exchanges: Vec<String>,
    /// From, to, by which key.
    bindings: BTreeSet<(String, String, String)>,
    /// Hashes of the rules, in their order.
    timeline: Vec<String>,
    /// Kind, name, and what it was made from.
    objects: BTreeSet<(String, String, String)>,
}

fn before() -> String {
    PIPELINE.replace("  results:", "  deletionPolicy: Delete\n  results:")
}

fn embedded() -> String {
    before().replace("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}")
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
        Act::Delete | Act::DeleteEmbedded => {
            drop(stage.api::<LoyaltyPipeline>().delete("coffee", &DeleteParams::default()).await.unwrap());
        }
    }
}

async fn came_to_an_end(stage: &Stage, act: Act) -> End {
    match act {
        Act::Create | Act::Change => settled(stage).await,
        Act::Delete | Act::DeleteEmbedded => {
            holds("the resource is gone", WITHIN_A_MINUTE, async || stage.pipeline("coffee").await.is_none()).await;
            holds("its objects are gone", SOON, async || end(stage).await.objects.is_empty()).await;
        }
    }
    end(stage).await
}

async fn end(stage: &Stage) -> End {
    let Seen { queues, exchanges, bindings } = stage.seen().await;
    let own = exchanges.into_keys().filter(|name| !name.starts_with("amq."));
    let name = contract::PipelineName::parse("coffee").unwrap();
    let timeline = ledger::open(&stage.ledger_url).unwrap().timeline(&name).await.unwrap();
    let mut objects = objects_of::<Deployment>(stage).await;
    objects.extend(objects_of::<ConfigMap>(stage).await);
    objects.extend(objects_of::<ServiceAccount>(stage).await);
    objects.extend(objects_of::<PodDisruptionBudget>(stage).await);
    objects.extend(objects_of::<PersistentVolumeClaim>(stage).await);
    End {
        queues: queues.into_keys().collect(),
        exchanges: own.collect(),
        bindings: bindings.into_iter().map(|it| (it.source, it.destination, it.routing_key)).collect(),
        timeline: timeline.into_iter().map(|line| line.hash.0).collect(),
        objects,
    }
}

/// Those of ours, without what is of this stage alone: the Secrets' versions are part of what a Deployment is made from.
async fn objects_of<K>(stage: &Stage) -> BTreeSet<(String, String, String)>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=loyalty-operator");
    let kind = K::kind(&()).into_owned();
    let found = stage.api::<K>().list(&ours).await.unwrap().items;
    found
        .into_iter()
        .map(|object| {
            let annotations = object.meta().annotations.clone().unwrap_or_default();
            let made_from = if kind == "Deployment" {
                serde_json::to_value(&object).unwrap()["spec"]["template"]["spec"].to_string()
            } else {
                annotations["loyalty.dev/made-from"].clone()
            };
            (kind.clone(), object.meta().name.clone().unwrap(), made_from)
        })
        .collect()
}

/// A stage on which everything before the act has happened.
async fn prepared(at: Act) -> (Stage, Kubelet) {
    // A ledger without tables: a Job makes them.
    let stage = Stage::new().await;
    let kubelet = Kubelet::of(&stage);
    if at == Act::DeleteEmbedded {
        ledger::open(&stage.ledger_url).unwrap().migrate().await.unwrap();
    }
    if at != Act::Create {
        let operator = stage.operator();
        let first = if at == Act::DeleteEmbedded { embedded() } else { before() };
        stage.apply(&first).await;
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

/// How it ended, and whether the first operator came as far as it was to be killed.
async fn killed_after(at: Act, writes: u64) -> (End, bool) {
    let (stage, _kubelet) = prepared(at).await;
    let first = stage.operator_until(writes);
    act(&stage, at).await;
    let came_so_far = first.stopped_within(NO_MORE).await;
    first.kill();
    let _second = stage.operator();
    let end = came_to_an_end(&stage, at).await;
    stage.end().await;
    (end, came_so_far)
}

async fn check(at: Act) {
    let (expected, writes) = undisturbed(at).await;
    let stride = if given("LOYALTY_TEST_SHARE") == "all" { 1 } else { STRIDE };
    let first = 1 + jiff::Timestamp::now().as_millisecond().unsigned_abs() % stride as u64;
    println!("points from {first} on, every {stride}");
    let runs = futures::stream::iter((first..).step_by(stride))
        .map(|point| async move { (point, killed_after(at, point).await) });
    let mut runs = std::pin::pin!(runs.buffered(AT_ONCE));
    let mut reached = 0;
    // How often a status is written on the way differs from run to run: until there is no further point.
    while let Some((point, (end, came_so_far))) = runs.next().await {
        assert_eq!(end, expected, "{at:?}, killed after write {point}");
        reached += u64::from(came_so_far);
        if !came_so_far && point >= writes {
            break;
        }
    }
    let asked = writes / stride as u64;
    assert!(
        reached >= asked.min(3) && reached * 2 >= asked,
        "{at:?}: only {reached} points of {asked}, an undisturbed run has {writes} writes"
    );
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_deletion_with_its_volume_it_comes_to_the_same_end() {
    check(Act::DeleteEmbedded).await;
}
