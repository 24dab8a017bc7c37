//! A pipeline is deleted: workers first, and nothing that holds a message.

use std::time::Duration;

use api::{ConditionStatus, ConditionType, LoyaltyPipeline, Reason};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, WITHIN_A_MINUTE, holds, until};
use crate::wire::Wire;

const POLICY: &str = "  deletionPolicy: Delete\n  results:";

async fn delete(stage: &Stage) {
    stage.api::<LoyaltyPipeline>().delete("coffee", &DeleteParams::default()).await.unwrap();
}

async fn is_gone(stage: &Stage) {
    holds("the resource is gone", WITHIN_A_MINUTE, async || stage.pipeline("coffee").await.is_none()).await;
    holds("its workers are gone", WITHIN_A_MINUTE, async || {
        stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none()
    })
    .await;
}

/// How many events say that something stays.
async fn told_left_behind(stage: &Stage) -> usize {
    let events: Api<k8s_openapi::api::events::v1::Event> = stage.api();
    let told = events.list(&ListParams::default()).await.unwrap();
    let told = told.items.iter().filter(|event| event.type_.as_deref() == Some("Warning"));
    told.filter_map(|event| event.note.as_ref())
        .filter(|note| note.contains("queues and exchanges stay on the broker"))
        .count()
}

/// Puts a message into the queue of what nobody could route.
async fn leave_a_message(stage: &Stage) {
    stage.publish("nobody.knows", ["{}".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retain_keeps_queues_and_messages_and_removes_what_ran() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let pipeline = stage.ready("coffee").await;
    assert_eq!(pipeline.metadata.finalizers, None, "it holds nobody up");
    let before = stage.seen().await;
    delete(&stage).await;
    is_gone(&stage).await;
    let after = stage.seen().await;
    assert_eq!(before.queues.keys().collect::<Vec<_>>(), after.queues.keys().collect::<Vec<_>>());
    assert_eq!(before.bindings, after.bindings);
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_waits_until_the_queues_are_empty_and_leaves_nothing() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    leave_a_message(&stage).await;
    holds("the broker counts it", SOON, async || stage.seen().await.queues["coffee.unrouted"].messages == Some(1))
        .await;
    delete(&stage).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::QueuesNotEmpty).await;
    assert!(told.message.contains("queue coffee.unrouted holds 1 messages"), "{}", told.message);
    assert!(told.message.contains("loyalty.dev/force-delete"), "{}", told.message);
    stage.connection().await.purge("coffee.unrouted").await.unwrap();
    is_gone(&stage).await;
    let left = stage.seen().await;
    assert_eq!(left.queues.keys().collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(left.exchanges.keys().all(|name| name.starts_with("amq.")), "{:?}", left.exchanges.keys());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_deletion_takes_the_messages_along() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    leave_a_message(&stage).await;
    let force = json!({ "metadata": { "annotations": { "loyalty.dev/force-delete": "true" } } });
    let api = stage.api::<LoyaltyPipeline>();
    api.patch("coffee", &PatchParams::default(), &Patch::Merge(force)).await.unwrap();
    delete(&stage).await;
    is_gone(&stage).await;
    assert!(stage.seen().await.queues.is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_takes_the_secret_along_does_not_hang() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    leave_a_message(&stage).await;
    let namespaces: Api<Namespace> = Api::all(stage.client.clone());
    namespaces.delete(&stage.namespace, &DeleteParams::background()).await.unwrap();
    holds("the namespace is gone", WITHIN_A_MINUTE, async || {
        namespaces.get_opt(&stage.namespace).await.unwrap().is_none()
    })
    .await;
    assert!(!stage.seen().await.queues.is_empty(), "what holds a message stays on the broker");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_secret_releases_a_pipeline_that_waits_for_its_queues() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    leave_a_message(&stage).await;
    delete(&stage).await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::QueuesNotEmpty).await;
    stage.api::<Secret>().delete("rabbitmq", &DeleteParams::default()).await.unwrap();
    is_gone(&stage).await;
    assert_eq!(told_left_behind(&stage).await, 1);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_holds_a_deletion_until_it_is_back() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let (target, by_way_of) = Wire::instead_of(&stage.settings.secret_url());
    let wire = Wire::to(target).await;
    stage.secret("rabbitmq", &[("uri", by_way_of(wire.port)), stage.broker_secret()[1].clone()]).await;
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    wire.cut();
    delete(&stage).await;
    // Whoever hangs up at once is taken for something else than a broker.
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::BrokerRefused).await;
    assert!(told.message.contains("could not speak AMQP"), "{}", told.message);
    assert!(!stage.seen().await.queues.is_empty(), "nothing was taken away");
    wire.mend();
    is_gone(&stage).await;
    assert!(stage.seen().await.queues.is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stays_away_or_refuses_or_cannot_be_meant_is_given_up_and_that_is_told() {
    let patience = Duration::from_secs(3);
    // What becomes of the broker's Secret, and what is told meanwhile.
    let table = [
        (Some("amqp://a:b@127.0.0.1:1/x".to_owned()), Reason::BrokerUnreachable),
        (None, Reason::BrokerRefused),
        (Some("http://x".to_owned()), Reason::SecretInvalid),
    ];
    for (uri, reason) in table {
        let stage = Stage::migrated().await;
        let _kubelet = Kubelet::of(&stage);
        let _operator = stage.operator_giving_up_after(patience);
        stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
        stage.ready("coffee").await;
        let nowhere = stage.settings.clone().with_vhost("nowhere").secret_url();
        stage.secret("rabbitmq", &[("uri", uri.unwrap_or(nowhere)), stage.broker_secret()[1].clone()]).await;
        stage.told("coffee", ConditionType::TopologyInSync, reason).await;
        delete(&stage).await;
        is_gone(&stage).await;
        assert_eq!(told_left_behind(&stage).await, 1, "{reason}");
        assert!(!stage.seen().await.queues.is_empty(), "nothing was taken away");
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_management_api_a_deletion_waits_for_it_and_then_goes_on() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.ready("coffee").await;
    forget_management(&stage).await;
    delete(&stage).await;
    let told =
        stage.told_that("coffee", (ConditionType::TopologyInSync, Reason::NotReadBack), "which queues are empty").await;
    assert_eq!(told.status, ConditionStatus::Unknown);
    let is_gone_now =
        until(Duration::from_secs(12), async || stage.pipeline("coffee").await.is_none().then_some(())).await;
    assert!(is_gone_now.is_none(), "a moment without it is no reason to leave everything behind");
    stage.secret("rabbitmq", &stage.broker_secret()).await;
    is_gone(&stage).await;
    assert!(stage.seen().await.queues.is_empty());
    assert_eq!(told_left_behind(&stage).await, 0);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_management_api_everything_is_left_behind_and_that_is_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator_giving_up_after(Duration::from_secs(3));
    forget_management(&stage).await;
    stage.apply(&PIPELINE.replace("  results:", POLICY)).await;
    stage.told("coffee", ConditionType::WorkersReady, Reason::Available).await;
    delete(&stage).await;
    is_gone(&stage).await;
    assert_eq!(told_left_behind(&stage).await, 1);
    assert!(stage.seen().await.queues.contains_key("coffee.main"));
    stage.end().await;
}

/// The broker's Secret without the way to its management API, which is not where it usually is.
async fn forget_management(stage: &Stage) {
    // A key that is applied no more stays in a Secret.
    stage.api::<Secret>().delete("rabbitmq", &DeleteParams::default()).await.unwrap();
    stage.secret("rabbitmq", &stage.broker_secret()[..1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_that_cannot_be_read_is_released_and_that_is_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    let owned = PIPELINE.replace("  results:", POLICY);
    stage.apply(&owned).await;
    stage.ready("coffee").await;
    // The schema takes a bell in a text, the reader does not.
    stage.apply_unread(&owned.replace("on: purchase", r#"on: "a\ab""#)).await;
    holds("it is told", SOON, async || {
        let conditions = stage.stored("coffee").await.data["status"]["conditions"].clone();
        conditions.as_array().unwrap().iter().any(|it| it["type"] == "Accepted" && it["status"] == "False")
    })
    .await;
    stage.unread().delete("coffee", &DeleteParams::default()).await.unwrap();
    holds("the resource is gone", WITHIN_A_MINUTE, async || stage.unread().get_opt("coffee").await.unwrap().is_none())
        .await;
    assert_eq!(told_left_behind(&stage).await, 1);
    assert!(!stage.seen().await.queues.is_empty(), "nobody knows whose they are");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_volume_of_an_embedded_ledger_goes_with_its_points_and_that_is_told_before() {
    let stage = Stage::new().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    let embedded = PIPELINE.replace("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}");
    stage.apply(&embedded.replace("  results:", POLICY)).await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::InSync).await;
    let claims = stage.api::<PersistentVolumeClaim>();
    holds("there is a volume", SOON, async || claims.get_opt("coffee-ledger").await.unwrap().is_some()).await;
    leave_a_message(&stage).await;
    holds("the broker counts it", SOON, async || stage.seen().await.queues["coffee.unrouted"].messages == Some(1))
        .await;
    delete(&stage).await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::QueuesNotEmpty).await;
    let told = stage.told("coffee", ConditionType::LedgerReady, Reason::Deleting).await;
    assert_eq!(told.message, "the ledger's volume is deleted at the end, with all points");
    let kept = claims.get("coffee-ledger").await.unwrap();
    assert!(kept.metadata.deletion_timestamp.is_none(), "not before the end");
    // The broker is given up: something stays there, and the volume goes all the same.
    stage.api::<Secret>().delete("rabbitmq", &DeleteParams::default()).await.unwrap();
    is_gone(&stage).await;
    assert_eq!(told_left_behind(&stage).await, 1);
    holds("the volume goes", SOON, async || {
        let claim = claims.get_opt("coffee-ledger").await.unwrap();
        claim.is_none_or(|claim| claim.metadata.deletion_timestamp.is_some())
    })
    .await;
    stage.end().await;
}
