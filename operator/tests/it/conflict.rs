//! What is somebody else's is left alone, and told.

use api::{ConditionStatus, ConditionType, LoyaltyPipeline, Reason};
use contract::broker_object::{Queue, Step};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, Running, Stage, admin};

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
    assert!(first.message.contains("exchange shop") && first.message.contains("/tea`"), "{}", first.message);
    let shared =
        PIPELINE.replace("name: coffee", "name: tea").replace("type: Topic }", "type: Topic, declare: false }");
    stage.apply(&shared).await;
    stage.ready("tea").await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::InSync).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_schema_takes_and_the_reader_cannot_read_is_told_and_hides_no_other() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let told = stage.told_unread().await;
    assert!(told["message"].as_str().unwrap().contains("could not be read"), "{told}");
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_stay_with_the_pipeline_that_began_them_whoever_asks_first_after_a_restart() {
    let (owner, late) = (Stage::migrated().await, Stage::new().await);
    let (_kubelet, _other) = (Kubelet::of(&owner), Kubelet::of(&late));
    let first = owner.operator();
    owner.apply(PIPELINE).await;
    owner.ready("coffee").await;
    first.kill();
    // The same database, under the same name of a pipeline.
    late.secret("ledger-db", &[("url", owner.ledger_url.clone())]).await;
    late.apply(PIPELINE).await;
    let both = vec![late.namespace.clone(), owner.namespace.clone()];
    let args = loyalty_operator::Args { watch_namespaces: both, ..owner.args() };
    let _second = Running::start(admin, args, None);
    let told = late.told("coffee", ConditionType::LedgerReady, Reason::Conflict).await;
    let says = format!("pipeline `{}/coffee` keeps its points in this database", owner.namespace);
    assert!(told.message.contains(&says), "{}", told.message);
    assert!(late.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none());
    owner.apply(&PIPELINE.replace(r#"points: "1""#, r#"points: "2""#)).await;
    owner.ready("coffee").await;
    // It goes, and what it kept may be another's.
    owner.api::<LoyaltyPipeline>().delete("coffee", &DeleteParams::default()).await.unwrap();
    late.ready("coffee").await;
    late.end().await;
    owner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changes_back_again_and_again_is_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    let deployments = stage.api::<Deployment>();
    let somebody = tokio::spawn(async move {
        let containers = json!([{ "name": "worker", "image": "theirs" }]);
        let patch = Patch::Strategic(json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
        loop {
            let _ = deployments.patch("coffee-worker", &PatchParams::default(), &patch).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    let told = stage.told("coffee", ConditionType::WorkersReady, Reason::Different).await;
    assert!(told.message.contains("Deployment `coffee-worker`"), "{}", told.message);
    assert!(told.message.contains("changed back by somebody"), "{}", told.message);
    somebody.abort();
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_do_not_run_with_what_is_somebody_elses() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let maps = stage.api::<ConfigMap>();
    let theirs = serde_json::from_value(json!({ "metadata": { "name": "coffee-worker" }, "data": { "a": "b" } }));
    maps.create(&PostParams::default(), &theirs.unwrap()).await.unwrap();
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::WorkersReady, Reason::Conflict).await;
    assert!(told.message.contains("ConfigMap `coffee-worker` is not this pipeline's"), "{}", told.message);
    assert!(stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none());
    maps.delete("coffee-worker", &DeleteParams::default()).await.unwrap();
    stage.ready("coffee").await;
    stage.end().await;
}
