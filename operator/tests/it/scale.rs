//! The number of workers follows the queues.

use std::time::{Duration, Instant};

use api::{ConditionType, LoyaltyPipeline, Reason};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, holds, until};

async fn replicas(stage: &Stage) -> i32 {
    let live = stage.api::<Deployment>().get("coffee-worker").await.unwrap();
    live.spec.replicas.unwrap_or(0)
}

/// Publishes events that nobody works off: there are no workers here.
async fn publish(stage: &Stage, count: usize) {
    let body =
        |number| format!(r#"{{"id":"{number}","type":"purchase","occurredAt":"2026-01-01T00:00:00Z","member":"m"}}"#);
    stage.publish("purchase.web", (0..count).map(body)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_message_wakes_a_sleeping_pipeline_and_silence_sends_it_to_sleep() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    assert_eq!(replicas(&stage).await, 0);
    publish(&stage, 1).await;
    let burst = Instant::now();
    until(SOON, async || (replicas(&stage).await > 0).then_some(())).await.expect("somebody works");
    assert!(burst.elapsed() < Duration::from_secs(5), "{:?}", burst.elapsed());
    stage.connection().await.purge("coffee.main").await.unwrap();
    holds("nobody is needed any more", Duration::from_secs(90), async || replicas(&stage).await == 0).await;
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_that_nobody_works_off_is_told_as_a_stall() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    publish(&stage, 50).await;
    let told = stage.told("coffee", ConditionType::DrainOnTarget, Reason::Stalled).await;
    assert!(told.message.contains("50"), "{}", told.message);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_lose_their_readiness_get_no_company_and_a_stall_is_told() {
    let stage = Stage::migrated().await;
    let kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("  results:", "  workers: { autoscaling: { min: 3 } }\n  results:")).await;
    stage.ready("coffee").await;
    drop(kubelet);
    // As each of them does when its database is away.
    let pods = stage.api::<Pod>();
    let now = jiff::Timestamp::now().to_string();
    let unready = json!({ "type": "Ready", "status": "False", "lastTransitionTime": now });
    let unready = Patch::Merge(json!({ "status": { "conditions": [unready] } }));
    for pod in pods.list(&ListParams::default()).await.unwrap().items {
        pods.patch_status(&pod.metadata.name.unwrap(), &PatchParams::default(), &unready).await.unwrap();
    }
    stage.told("coffee", ConditionType::WorkersReady, Reason::Progressing).await;
    publish(&stage, 5_000).await;
    let told = stage.told("coffee", ConditionType::DrainOnTarget, Reason::Stalled).await;
    assert!(told.message.contains("3 workers, of which none is ready any more"), "{}", told.message);
    publish(&stage, 5_000).await;
    let is_more = until(Duration::from_secs(15), async || (replicas(&stage).await != 3).then_some(())).await;
    assert!(is_more.is_none(), "more workers would not help");
    let status = stage.pipeline("coffee").await.unwrap().status.unwrap();
    assert_eq!(status.scaling.unwrap().limited_by, "Stall");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_autoscaling_the_scale_subresource_says_how_many() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage
        .apply(&PIPELINE.replace("  results:", "  workers: { count: 2, autoscaling: { mode: Off } }\n  results:"))
        .await;
    let pipeline = stage.ready("coffee").await;
    assert_eq!(replicas(&stage).await, 2);
    assert_eq!(pipeline.status.unwrap().scaling.unwrap().limited_by, "Fixed");
    let three = json!({ "spec": { "replicas": 3 } });
    let api = stage.api::<LoyaltyPipeline>();
    let scale = api.patch_scale("coffee", &PatchParams::default(), &Patch::Merge(three)).await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(3));
    holds("three workers", SOON, async || replicas(&stage).await == 3).await;
    holds("the subresource tells them", SOON, async || {
        api.get_scale("coffee").await.unwrap().status.is_some_and(|status| status.replicas == 3)
    })
    .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_pipeline_has_no_worker_whatever_waits() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    let busy = PIPELINE.replace("  results:", "  workers: { autoscaling: { min: 1 } }\n  results:");
    stage.apply(&busy).await;
    stage.ready("coffee").await;
    assert_eq!(replicas(&stage).await, 1);
    stage.apply(&busy.replace("  results:", "  suspend: true\n  results:")).await;
    stage.told("coffee", ConditionType::WorkersReady, Reason::Suspended).await;
    publish(&stage, 3).await;
    holds("no worker", SOON, async || replicas(&stage).await == 0).await;
    stage.told("coffee", ConditionType::DrainOnTarget, Reason::Suspended).await;
    stage.apply(&busy).await;
    holds("one worker", SOON, async || replicas(&stage).await >= 1).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_ledger_has_one_worker_on_its_own_volume() {
    let stage = Stage::new().await;
    let operator = stage.operator();
    let embedded = PIPELINE.replace("postgres: { secretRef: { name: ledger-db } }", "sqlite: { size: 2Gi }");
    stage
        .apply(&embedded.replace("  results:", "  workers: { count: 5, autoscaling: { mode: Off } }\n  results:"))
        .await;
    stage.told("coffee", ConditionType::LedgerReady, Reason::Embedded).await;
    let deployment =
        until(SOON, async || stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap()).await.unwrap();
    assert_eq!(deployment.spec.replicas, Some(1), "one file has one writer");
    let pod = deployment.spec.template.spec.unwrap();
    assert_eq!(pod.init_containers.unwrap()[0].name, "migrate");
    let claim = stage.api::<k8s_openapi::api::core::v1::PersistentVolumeClaim>().get("coffee-ledger").await.unwrap();
    assert_eq!(claim.spec.unwrap().resources.unwrap().requests.unwrap()["storage"].0, "2Gi");
    assert!(claim.metadata.owner_references.is_none(), "points outlive their pipeline");
    let since = async || {
        let map = stage.api::<k8s_openapi::api::core::v1::ConfigMap>().get("coffee-worker").await.unwrap();
        let rules: serde_json::Value = serde_json::from_str(&map.data.unwrap()["rules.json"]).unwrap();
        rules["validFrom"].as_str().map(str::to_owned)
    };
    let first = since().await;
    assert!(first.is_some(), "rules hold from when they were applied, not from when a worker begins");
    operator.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _second = stage.operator();
    let other = embedded.replace(r#"points: "1""#, r#"points: "2""#);
    stage.told("coffee", ConditionType::LedgerReady, Reason::Embedded).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(since().await, first, "another operator changes nothing");
    stage.apply(&other).await;
    holds("other rules hold from now on", SOON, async || since().await > first).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_of_a_refused_resource_follows_its_queues_also_after_a_restart() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let first = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    stage.apply(&PIPELINE.replace("event.channel in", "event.chanel in")).await;
    stage.told("coffee", ConditionType::Accepted, Reason::Invalid).await;
    first.kill();
    let _second = stage.operator();
    publish(&stage, 7).await;
    holds("somebody works", SOON, async || replicas(&stage).await > 0).await;
    holds("what waits is told", SOON, async || {
        let queue = stage.pipeline("coffee").await.unwrap().status.unwrap().queue;
        queue.is_some_and(|queue| queue.ready == Some(7))
    })
    .await;
    stage.told("coffee", ConditionType::Accepted, Reason::Invalid).await;
    let broken = PIPELINE.replace("event.channel in", "event.chanel in");
    stage.apply(&broken.replace("  results:", "  suspend: true\n  results:")).await;
    holds("nobody works", SOON, async || replicas(&stage).await == 0).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_refused_resource_says_of_scaling_is_not_done_before_and_after_a_restart() {
    let two = PIPELINE.replace("  results:", "  workers: { autoscaling: { min: 2, max: 6 } }\n  results:");
    let refused = [
        "workers: { autoscaling: { min: 5, max: 9 } }",
        "workers: { autoscaling: { min: 0, max: 1 } }",
        "workers: { count: 4, autoscaling: { mode: Off } }",
    ];
    for workers in refused {
        let stage = Stage::migrated().await;
        let _kubelet = Kubelet::of(&stage);
        let first = stage.operator();
        stage.apply(&two).await;
        stage.ready("coffee").await;
        let other = two.replace("workers: { autoscaling: { min: 2, max: 6 } }", workers);
        assert_ne!(other, two);
        stage.apply(&other.replace("event.channel in", "event.chanel in")).await;
        stage.told("coffee", ConditionType::Accepted, Reason::Invalid).await;
        let stays = Duration::from_secs(5);
        let moved = until(stays, async || (replicas(&stage).await != 2).then_some(())).await;
        assert!(moved.is_none(), "{workers}: {}", replicas(&stage).await);
        first.kill();
        let _second = stage.operator();
        publish(&stage, 500).await;
        holds("it is told why", SOON, async || {
            let scaling = stage.pipeline("coffee").await.unwrap().status.unwrap().scaling;
            scaling.is_some_and(|scaling| (scaling.limited_by.as_str(), scaling.desired) == ("Refused", 2))
        })
        .await;
        let moved = until(stays, async || (replicas(&stage).await != 2).then_some(())).await;
        assert!(moved.is_none(), "{workers}: {}", replicas(&stage).await);
        stage.apply(&other).await;
        let right = if workers.contains("count: 4") {
            4..=4
        } else if workers.contains("max: 1") {
            0..=1
        } else {
            5..=9
        };
        holds("it is accepted", SOON, async || right.contains(&replicas(&stage).await)).await;
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspend_holds_whatever_is_in_trouble_also_after_a_restart() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let first = stage.operator();
    let busy = PIPELINE.replace("  results:", "  workers: { autoscaling: { min: 1 } }\n  results:");
    stage.apply(&busy).await;
    stage.ready("coffee").await;
    first.kill();
    stage.secret("rabbitmq", &[("uri", "amqp://a:b@127.0.0.1:1/x".to_owned())]).await;
    stage.apply(&busy.replace("  results:", "  suspend: true\n  results:")).await;
    let _second = stage.operator();
    holds("no worker", SOON, async || replicas(&stage).await == 0).await;
    stage.told("coffee", ConditionType::TopologyInSync, Reason::BrokerUnreachable).await;
    stage.told("coffee", ConditionType::WorkersReady, Reason::Suspended).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_says_nothing_holds_up_nobody_but_its_own() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    // Connections are taken, and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let (uri, management) = (format!("amqp://a:b@{address}/x"), format!("http://{address}"));
    stage.secret("silent", &[("uri", uri), ("managementUri", management)]).await;
    let silent_ones: Vec<String> = (0..8).map(|number| format!("silent-{number}")).collect();
    for name in &silent_ones {
        let own = PIPELINE.replace("name: coffee", &format!("name: {name}"));
        stage.apply(&own.replace("name: rabbitmq", "name: silent")).await;
    }
    for name in &silent_ones {
        stage.told(name, ConditionType::TopologyInSync, Reason::BrokerUnreachable).await;
    }
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    publish(&stage, 1).await;
    let burst = Instant::now();
    holds("somebody works", SOON, async || replicas(&stage).await > 0).await;
    assert!(burst.elapsed() < Duration::from_secs(5), "{:?}", burst.elapsed());
    stage.end().await;
}
