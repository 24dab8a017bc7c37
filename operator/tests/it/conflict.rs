//! What is somebody else's is left alone, and told.

use api::{ConditionStatus, ConditionType, LoyaltyPipeline, Reason};
use contract::broker_object::{Queue, Step};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::PostParams;
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_queue_of_our_name_is_a_conflict_that_is_told() {
    let stage = Stage::migrated().await;
    let queue = Queue {
        name: "coffee.main".to_owned(),
        durable: true,
        auto_delete: false,
        arguments: [("x-queue-type".to_owned(), contract::broker_object::Argument::Text("classic".to_owned()))].into(),
    };
    stage.connection().await.declare(&Step::DeclareQueue(queue)).await.unwrap();
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::Conflict).await;
    assert!(told.message.contains("queue coffee.main") && told.message.contains("delete"), "{}", told.message);
    let status = stage.pipeline("coffee").await.unwrap().status.unwrap();
    assert!(status.plan.iter().any(|line| line.contains("coffee.main")), "{:?}", status.plan);
    assert!(stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none());
    assert!(!stage.seen().await.queues.contains_key("coffee.dead"), "half a topology loses messages quietly");
    stage.connection().await.delete_queue("coffee.main").await.unwrap();
    let _kubelet = Kubelet::of(&stage);
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_deployment_of_our_name_is_a_conflict_that_is_told() {
    let stage = Stage::migrated().await;
    let labels = json!({ "app": "theirs" });
    let foreign = serde_json::from_value(json!({
        "metadata": { "name": "coffee-worker" },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "a", "image": "b" }] } },
        },
    }));
    stage.api::<Deployment>().create(&PostParams::default(), &foreign.unwrap()).await.unwrap();
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::WorkersReady, Reason::Conflict).await;
    assert!(told.message.contains("Deployment `coffee-worker` is not this pipeline's"), "{}", told.message);
    let live = stage.api::<Deployment>().get("coffee-worker").await.unwrap();
    assert_eq!(live.spec.template.spec.unwrap().containers[0].image.as_deref(), Some("b"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pipelines_that_want_one_exchange_are_both_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    stage.apply(&PIPELINE.replace("name: coffee", "name: tea")).await;
    let second = stage.told("tea", ConditionType::TopologyInSync, Reason::Conflict).await;
    assert!(second.message.contains("exchange shop") && second.message.contains("coffee"), "{}", second.message);
    let first = stage.told("coffee", ConditionType::TopologyInSync, Reason::Contested).await;
    assert_eq!(first.status, ConditionStatus::True, "it works as before");
    assert!(first.message.contains("`shop`") && first.message.contains("/tea`"), "{}", first.message);
    let shared =
        PIPELINE.replace("name: coffee", "name: tea").replace("type: Topic }", "type: Topic, declare: false }");
    stage.apply(&shared).await;
    stage.ready("tea").await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::InSync).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_version_stored_and_this_one_cannot_read_hides_no_other() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    // The schema takes it, the reader does not: a quantity with more digits than it can hold.
    let odd =
        PIPELINE.replace("name: coffee", "name: odd").replace("exchange: { name: shop", "exchange: { name: odd-shop");
    let odd = odd.replace(r#"amount: "1.00""#, r#"amount: "1.00000000000000000000000000000000000000001""#);
    if stage.try_apply(&odd).await.is_ok() {
        stage.told("odd", ConditionType::Accepted, Reason::Invalid).await;
    }
    stage.ready("coffee").await;
    let all = stage.api::<LoyaltyPipeline>().list_metadata(&Default::default()).await.unwrap();
    assert!(!all.items.is_empty());
    stage.end().await;
}
