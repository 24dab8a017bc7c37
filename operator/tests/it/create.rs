//! A pipeline is applied, and everything it needs stands.

use api::{ConditionType, Reason};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodSpec;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, Running, SOON, Stage, admin, cannot_start, holds};

/// The URL, and the authorities of the database where the Secret has them.
fn assert_ledger_files(pod: &PodSpec) {
    let ledger = pod.volumes.iter().flatten().find(|volume| volume.name == "ledger").unwrap();
    let sources = &serde_json::to_value(ledger).unwrap()["projected"]["sources"];
    let file = |key: &str| json!([{ "key": key, "path": key }]);
    let ca = json!({ "name": "ledger-db", "items": file("ca.crt"), "optional": true });
    assert_eq!(*sources, json!([{ "secret": { "name": "ledger-db", "items": file("url") } }, { "secret": ca }]));
    let mounted = pod.containers[0].volume_mounts.iter().flatten().find(|mount| mount.name == "ledger").unwrap();
    assert_eq!(mounted.mount_path, "/etc/loyalty/ledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applied_pipeline_gets_its_queues_its_rules_and_its_workers() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let pipeline = stage.ready("coffee").await;
    let status = pipeline.status.unwrap();
    assert_eq!(status.conditions.len(), 6);
    assert_eq!(
        status.selector.as_deref(),
        Some("app.kubernetes.io/instance=coffee,app.kubernetes.io/name=loyalty-worker")
    );
    assert_eq!(status.queue.unwrap().depth.as_deref(), Some("main 0, express 0"));
    assert_eq!(status.scaling.unwrap().desired, 0);
    let seen = stage.seen().await;
    for queue in ["coffee.main", "coffee.express", "coffee.dead", "coffee.unrouted", "coffee.results.crm"] {
        assert!(seen.queues.contains_key(queue), "{queue}");
    }
    let ledger = ledger::open(&stage.ledger_url).unwrap();
    let timeline = ledger.timeline(&contract::PipelineName::parse("coffee").unwrap()).await.unwrap();
    assert_eq!(timeline.len(), 1);
    assert_eq!(timeline[0].author, format!("loyalty-operator {}/coffee", stage.namespace));
    assert_eq!(status.ruleset_hash.as_deref(), Some(timeline[0].hash.short()));
    let deployment = stage.api::<Deployment>().get("coffee-worker").await.unwrap();
    let spec = deployment.spec;
    assert_eq!(spec.replicas, Some(0));
    let pod = spec.template.spec.unwrap();
    assert_ledger_files(&pod);
    assert_eq!(pod.containers[0].termination_message_policy.as_deref(), Some("FallbackToLogsOnError"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_missing_are_made_by_a_job_before_any_worker_starts() {
    let stage = Stage::new().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::LedgerReady, Reason::Migrating).await;
    assert!(told.message.contains("version 0") && told.message.contains("needed"), "{}", told.message);
    let jobs = stage.api::<Job>().list(&ListParams::default()).await.unwrap();
    assert_eq!(jobs.items.len(), 1);
    assert_ledger_files(jobs.items[0].spec.as_ref().unwrap().template.spec.as_ref().unwrap());
    assert!(stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_none());
    // What the Job's pod would do.
    ledger::open(&stage.ledger_url).unwrap().migrate().await.unwrap();
    stage.told("coffee", ConditionType::LedgerReady, Reason::Migrated).await;
    holds("the workers are there", SOON, async || {
        stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap().is_some()
    })
    .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_that_cannot_start_is_told_while_the_old_one_works() {
    let stage = Stage::migrated().await;
    let kubelet = Kubelet::of(&stage);
    let first = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", "  workers: { autoscaling: { min: 1 } }\n  results:")).await;
    stage.ready("coffee").await;
    drop(kubelet);
    first.kill();
    let args = loyalty_operator::Args { worker_image: "docker.io/loyalty/nobody:1".to_owned(), ..stage.args() };
    let _second = Running::start(admin, args, None);
    cannot_start(&stage, "loyalty-worker", "worker").await;
    let told = stage.told_that("coffee", (ConditionType::WorkersReady, Reason::Unavailable), "ImagePullBackOff").await;
    assert!(told.message.contains("1 of 1 are ready"), "{}", told.message);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_cannot_start_and_one_that_was_of_no_use_are_told() {
    let stage = Stage::new().await;
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    let ledger = ConditionType::LedgerReady;
    cannot_start(&stage, "loyalty-migrate", "migrate").await;
    stage.told_that("coffee", (ledger, Reason::Migrating), "ImagePullBackOff").await;
    // An image that knows an older version makes older tables.
    let pods = stage.api::<k8s_openapi::api::core::v1::Pod>();
    for pod in pods.list(&ListParams::default()).await.unwrap().items {
        let done = Patch::Merge(json!({ "status": { "phase": "Succeeded" } }));
        pods.patch_status(&pod.metadata.name.unwrap(), &PatchParams::default(), &done).await.unwrap();
    }
    let told = stage.told_that("coffee", (ledger, Reason::MigrationFailed), "knows an older version").await;
    assert!(told.message.contains("loyalty-worker:test") && told.message.contains("delete Job"), "{}", told.message);
    stage.end().await;
}
