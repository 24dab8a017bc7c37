//! Bad input is refused with a sentence: by the API server where the schema can say it, by a condition where it cannot.

use std::time::Duration;

use api::{ConditionType, Reason};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams};
use serde_json::json;

use crate::stage::{Kubelet, PIPELINE, Stage, given, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_schema_can_say_is_refused_before_it_is_stored() {
    let stage = Stage::new().await;
    let long = "a".repeat(64);
    for (from, to, says) in [
        ("name: coffee\n", "name: coffee.club\n", "the name must be a DNS label"),
        ("name: coffee\n", &format!("name: {long}\n"), "the name must be a DNS label"),
        ("postgres: { secretRef: { name: ledger-db } }", "{}", "exactly one of sqlite and postgres"),
        (
            "type: Topic }\n        routingKeys: [\"redeem.#\"]",
            "type: Fanout }\n        routingKeys: [\"\"]",
            "one type",
        ),
        ("earn: {", "multiply: { by: \"2\" }\n      earn: {", "exactly one of earn and multiply"),
        ("  results:", "  workers: { autoscaling: { min: 3, max: 2 } }\n  results:", "min is more than max"),
        ("  results:", "  workers: { autoscaling: { max: 0 } }\n  results:", "greater than or equal to 1"),
        ("  results:", "  workers: { resources: { limits: { memory: lots } } }\n  results:", "should match"),
        ("  results:", "  deletionPolicy: Burn\n  results:", "Unsupported value"),
        ("  results:", "  colour: red\n  results:", "field not declared"),
        ("      on: purchase\n", "", "give the event type that triggers it once"),
        ("name: shop, type: Topic", "name: amq.topic, type: Topic", "only the broker may declare"),
        (
            "name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
            "name: shop, type: Topic, declare: false }\n        routingKeys: [\"redeem.#\"]",
            "say the same `declare`",
        ),
        (
            "name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
            "name: all, type: Fanout }\n        routingKeys: [\"redeem.#\"]",
            "write `routingKeys: [\"\"]`",
        ),
        (
            "  results:\n",
            "  results:\n    exchange: { name: told, type: Fanout }\n",
            "write `routingKeys: [\"\"]` for its subscribers",
        ),
        ("  results:\n", "  results:\n    exchange: { name: shop }\n", "a source names the exchange of results"),
        ("name: shop, type: Topic", "name: coffee.results, type: Topic", "a source names the exchange of results"),
    ] {
        let yaml = PIPELINE.replacen(from, to, 1);
        assert_ne!(yaml, PIPELINE, "{from}");
        let error = stage.try_apply(&yaml).await.map(|_| ()).expect_err(to).to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_change_cannot_be_changed() {
    let stage = Stage::new().await;
    stage.apply(PIPELINE).await;
    for (from, to, says) in [
        ("currency: EUR", "currency: USD", "the currency cannot change"),
        ("wallets: [{ name: points }]", "wallets: [{ name: stars }]", "a wallet cannot be removed"),
        ("{ name: points }]\n", "{ name: points, scale: 2 }]\n", "scale cannot change"),
        ("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}", "the kind of ledger cannot change"),
        ("  program:", "  queue: { storage: Disk }\n  program:", "storage cannot change"),
        ("  program:", "  queue: { deadLetter: { maxLength: 7 } }\n  program:", "maxLength cannot change"),
    ] {
        let yaml = PIPELINE.replacen(from, to, 1);
        assert_ne!(yaml, PIPELINE, "{from}");
        let error = stage.try_apply(&yaml).await.map(|_| ()).expect_err(to).to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
    stage.end().await;
}

/// Neither a message of the status nor an Event shows a password that a Secret of this test held.
async fn assert_no_password(stage: &Stage, told: &str) {
    let given = [stage.settings.secret_url(), stage.ledger_url.clone()];
    let password = |url: &String| url.split_once("://")?.1.split_once('@')?.0.split_once(':').map(|it| it.1.to_owned());
    let mut secrets: Vec<String> = given.iter().filter_map(password).collect();
    assert_eq!(secrets.len(), 2, "both URLs hold one");
    secrets.push("hush-hush".to_owned());
    let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap().items;
    assert!(!events.is_empty());
    let status = serde_json::to_string(&stage.stored("coffee").await.data["status"]).unwrap();
    let notes = events.into_iter().filter_map(|event| event.note);
    for text in notes.chain([told.to_owned(), status]) {
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "a password is shown: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_secret_is_told_in_a_condition_and_the_right_one_heals_it() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    // It has a Secret of this name, which is of no use here.
    let other = Stage::new().await;
    let secrets: Api<Secret> = stage.api();
    secrets.delete("rabbitmq", &DeleteParams::default()).await.unwrap();
    stage.apply(PIPELINE).await;
    let (topology, ledger) = (ConditionType::TopologyInSync, ConditionType::LedgerReady);
    let told = stage.told("coffee", topology, Reason::SecretMissing).await;
    let expected = format!("there is no Secret `rabbitmq` in namespace `{}`; create it there", stage.namespace);
    assert!(told.message.contains(&expected), "{}", told.message);
    let management = stage.broker_secret()[1].clone();
    for (values, reason, says) in [
        (vec![("user", "x".to_owned()), ("password", "hush-hush".to_owned())], Reason::SecretInvalid, "no key `uri`"),
        (vec![("uri", "http://a:hush-hush@x".to_owned())], Reason::SecretInvalid, "must begin with `amqp://`"),
        (
            vec![("uri", "amqp://a:hush-hush@127.0.0.1:1/x".to_owned())],
            Reason::BrokerUnreachable,
            "could not reach the broker",
        ),
        (
            vec![("uri", stage.settings.clone().with_vhost("nowhere").secret_url()), management],
            Reason::BrokerRefused,
            "there is none",
        ),
    ] {
        stage.secret("rabbitmq", &values).await;
        let told = stage.told_that("coffee", (topology, reason), says).await;
        assert_no_password(&stage, &told.message).await;
        secrets.delete("rabbitmq", &DeleteParams::default()).await.unwrap();
        stage.told("coffee", topology, Reason::SecretMissing).await;
    }
    stage.secret("rabbitmq", &stage.broker_secret()).await;
    stage.ready("coffee").await;
    for (values, reason, says) in [
        (vec![("password", "hush-hush".to_owned())], Reason::SecretInvalid, "has no key `url` or `uri`"),
        (vec![("url", "mysql://a:hush-hush@x".to_owned())], Reason::SecretInvalid, "holds no URL"),
        (
            vec![("url", "postgres://a:hush-hush@127.0.0.1:1/x".to_owned())],
            Reason::LedgerUnreachable,
            "could not reach the ledger",
        ),
        (
            vec![("url", stage.ledger_url.clone()), ("ca.crt", "no PEM".to_owned())],
            Reason::LedgerRefused,
            "`ca.crt` beside the ledger's URL holds no certificate",
        ),
    ] {
        secrets.delete("ledger-db", &DeleteParams::default()).await.unwrap();
        stage.secret("ledger-db", &values).await;
        let told = stage.told_that("coffee", (ledger, reason), says).await;
        assert_no_password(&stage, &told.message).await;
    }
    secrets.delete("ledger-db", &DeleteParams::default()).await.unwrap();
    // As CloudNativePG names it.
    stage.secret("ledger-db", &[("uri", stage.ledger_url.clone())]).await;
    stage.ready("coffee").await;
    other.end().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_the_broker_refuses_holds_what_workers_are_told_and_the_workers() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.apply(&PIPELINE.replace("        lane: express\n", "")).await;
    stage.ready("coffee").await;
    let config = async || stage.api::<ConfigMap>().get("coffee-worker").await.unwrap().data.unwrap();
    let template = async || stage.api::<Deployment>().get("coffee-worker").await.unwrap().spec.template;
    let (told_before, runs) = (config().await, template().await);
    // No room for one more.
    let limit = format!("{}/api/vhost-limits/{}/max-queues", given("MANAGEMENT_URL"), stage.namespace);
    let full = json!({ "value": stage.seen().await.queues.len() }).to_string();
    let client = reqwest::Client::new();
    let put = client.put(&limit).header("content-type", "application/json").body(full);
    put.send().await.unwrap().error_for_status().unwrap();
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::BrokerRefused).await;
    assert!(told.message.contains("coffee.express"), "{}", told.message);
    let plan = stage.pipeline("coffee").await.unwrap().status.unwrap().plan;
    for line in ["ConfigMap: waits for the broker", "Deployment: waits for the broker"] {
        assert!(plan.iter().any(|told| told == line), "{line}: {plan:?}");
    }
    // What is held is changed back by nobody, however often it is tried.
    let blamed = until(Duration::from_secs(25), async || {
        let conditions = stage.pipeline("coffee").await?.status?.conditions;
        conditions.into_iter().find(|it| it.reason == Reason::Different)
    });
    assert_eq!(blamed.await, None);
    assert_eq!((config().await, template().await), (told_before, runs), "a pod that starts again finds its queues");
    client.delete(&limit).send().await.unwrap().error_for_status().unwrap();
    stage.ready("coffee").await;
    assert!(config().await.values().any(|text| text.contains("express")));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_management_api_works_and_what_cannot_be_known_is_unknown() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    stage.secret("rabbitmq", &[("uri", stage.settings.secret_url())]).await;
    let secrets: Api<Secret> = stage.api();
    secrets.delete("rabbitmq", &DeleteParams::default()).await.unwrap();
    stage.secret("rabbitmq", &[("uri", stage.settings.secret_url())]).await;
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::TopologyInSync, Reason::NotReadBack).await;
    assert_eq!(told.status, api::ConditionStatus::Unknown);
    assert!(stage.seen().await.queues.contains_key("coffee.main"));
    stage.told("coffee", ConditionType::WorkersReady, Reason::Available).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_names_many_rules_and_foreign_letters_are_handled() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    let (one, other) = (format!("{}b", "a".repeat(62)), format!("{}c", "a".repeat(62)));
    for name in [&one, &other] {
        let yaml = PIPELINE.replace("name: coffee\n", &format!("name: {name}\n"));
        stage.apply(&yaml.replace("name: shop", &format!("name: shop-{}", &name[62..]))).await;
    }
    let rule = |number: usize| {
        format!(
            "    - name: rule-{number}\n      on: purchase\n      when: event.channel == 'кофе ☕ {number}'\n      earn: {{ wallet: points, fixed: \"1\" }}\n"
        )
    };
    let rules: String = (0..499).map(rule).collect();
    let many = PIPELINE.replace("name: coffee\n", "name: many\n").replace("name: shop", "name: laden-früh");
    stage.apply(&many.replace("  results:", &format!("{rules}  results:"))).await;
    for name in [one.as_str(), other.as_str(), "many"] {
        stage.ready(name).await;
    }
    stage.end().await;
}
