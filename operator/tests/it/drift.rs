//! What somebody changes or deletes by hand comes back.

use std::time::Duration;

use api::{ConditionType, Reason};
use contract::broker_object::{Arguments, Binding, Destination, Step};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, WITHIN_A_MINUTE, holds};

/// Sooner than a walk that nobody has asked for.
const BY_A_WATCH: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_and_a_deleted_binding_come_back_within_a_minute() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    let connection = stage.connection().await;
    connection.delete_queue("coffee.express").await.unwrap();
    let binding = Binding {
        source: "shop".to_owned(),
        destination_kind: Destination::Queue,
        destination: "coffee.main".to_owned(),
        routing_key: "purchase.#".to_owned(),
        arguments: Arguments::new(),
    };
    connection.declare(&Step::Unbind(binding.clone())).await.unwrap();
    holds("queue and binding are back", WITHIN_A_MINUTE, async || {
        let seen = stage.seen().await;
        seen.queues.contains_key("coffee.express") && seen.bindings.contains(&binding)
    })
    .await;
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_removed_lane_and_a_removed_subscriber_are_told_until_they_are_gone() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    stage.publish("redeem.web", (0..3).map(|number| format!("{{\"id\":\"{number}\"}}"))).await;
    holds("the broker counts them", SOON, async || stage.seen().await.queues["coffee.express"].messages == Some(3))
        .await;
    let less = PIPELINE
        .replace("        lane: express\n", "")
        .replace("subscribers: [{ name: crm, ", "subscribers: [{ name: erp, ");
    assert_eq!(less.matches("express").count() + less.matches("crm").count(), 0);
    stage.apply(&less).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::Stranded).await;
    for part in ["queue coffee.express holds 3 messages", "write back", "purge"] {
        assert!(told.message.contains(part), "{part}: {}", told.message);
    }
    let pipeline = stage.ready("coffee").await;
    let plan = pipeline.status.unwrap().plan;
    assert_eq!(plan.len(), 1, "an empty queue that is left is worth no line: {plan:?}");
    assert!(plan[0].starts_with("queue coffee.express holds 3 messages"), "{plan:?}");
    let seen = stage.seen().await;
    assert!(
        seen.queues.contains_key("coffee.express") && seen.queues.contains_key("coffee.results.crm"),
        "both are kept"
    );
    let events: Api<Event> = stage.api();
    let warned = async || {
        let events = events.list(&ListParams::default()).await.unwrap().items;
        events
            .iter()
            .any(|event| event.reason.as_deref() == Some("Stranded") && event.type_.as_deref() == Some("Warning"))
    };
    holds("an event warns", SOON, warned).await;
    stage.connection().await.purge("coffee.express").await.unwrap();
    stage.told("coffee", ConditionType::TopologyInSync, Reason::InSync).await;
    assert_eq!(stage.pipeline("coffee").await.unwrap().status.unwrap().plan, Vec::<String>::new());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_and_changed_objects_of_the_cluster_come_back_at_once() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    let (name, now) = ("coffee-worker", DeleteParams::background());
    stage.api::<Deployment>().delete(name, &now).await.unwrap();
    stage.api::<ConfigMap>().delete(name, &now).await.unwrap();
    stage.api::<ServiceAccount>().delete(name, &now).await.unwrap();
    stage.api::<PodDisruptionBudget>().delete(name, &now).await.unwrap();
    holds("all four are back", BY_A_WATCH, async || {
        stage.api::<Deployment>().get_opt(name).await.unwrap().is_some()
            && stage.api::<ConfigMap>().get_opt(name).await.unwrap().is_some()
            && stage.api::<ServiceAccount>().get_opt(name).await.unwrap().is_some()
            && stage.api::<PodDisruptionBudget>().get_opt(name).await.unwrap().is_some()
    })
    .await;
    let image =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "worker", "image": "other" }] } } } });
    stage.api::<Deployment>().patch(name, &PatchParams::default(), &Patch::Strategic(image)).await.unwrap();
    holds("the image is ours again", BY_A_WATCH, async || {
        let live = stage.api::<Deployment>().get(name).await.unwrap();
        live.spec.template.spec.unwrap().containers[0].image.as_deref() == Some("docker.io/loyalty/loyalty-worker:test")
    })
    .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_makes_new_pods_and_a_wrong_one_is_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    let template = async || {
        let live = stage.api::<Deployment>().get("coffee-worker").await.unwrap();
        live.spec.template.metadata.unwrap().annotations.unwrap()["loyalty.dev/secrets"].clone()
    };
    let before = template().await;
    let mut values = stage.broker_secret();
    values.push(("comment", "rotated".to_owned()));
    stage.secret("rabbitmq", &values).await;
    holds("the pods know of the new Secret", BY_A_WATCH, async || template().await != before).await;
    stage.ready("coffee").await;
    let wrong = stage.settings.secret_url().replacen(':', ":x", 2).replacen("amqp:x", "amqp:", 1);
    stage.secret("rabbitmq", &[("uri", wrong), stage.broker_secret()[1].clone()]).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::BrokerRefused).await;
    assert!(told.message.contains("refuses the password"), "{}", told.message);
    let kept = stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap();
    assert!(kept.is_some(), "what runs goes on");
    stage.secret("rabbitmq", &stage.broker_secret()).await;
    stage.ready("coffee").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rules_are_appended_to_the_timeline_and_broken_ones_leave_everything_alone() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    let deployment = async || stage.api::<Deployment>().get("coffee-worker").await.unwrap().metadata.generation;
    let ledger = ledger::open(&stage.ledger_url).unwrap();
    let name = contract::PipelineName::parse("coffee").unwrap();
    let before = deployment().await;
    let more = PIPELINE.replace(r#"points: "1""#, r#"points: "2""#);
    stage.apply(&more).await;
    holds("the new rules are in force", SOON, async || ledger.timeline(&name).await.unwrap().len() == 2).await;
    stage.ready("coffee").await;
    assert_eq!(deployment().await, before, "workers learn of rules by the ledger");
    let broken = more.replace("event.channel in", "event.chanel in");
    stage.apply(&broken).await;
    let told = stage.told("coffee", ConditionType::Accepted, Reason::Invalid).await;
    for part in ["`spec.rules[0].when`", "line 1, column 7", "chanel", "channel"] {
        assert!(told.message.contains(part), "{part}: {}", told.message);
    }
    assert_eq!(ledger.timeline(&name).await.unwrap().len(), 2);
    assert_eq!(deployment().await, before);
    stage.apply(&more).await;
    stage.ready("coffee").await;
    assert_eq!(ledger.timeline(&name).await.unwrap().len(), 2, "the same rules are no new line");
    stage.end().await;
}
