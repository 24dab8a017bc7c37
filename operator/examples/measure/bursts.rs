//! From the first message of a burst that is safe with the broker to the changed number in the Deployment. Each burst meets a
//! pipeline of its own: what an earlier one left in the operator's memory would be part of the answer otherwise.

use std::time::{Duration, Instant};

use api::{ConditionStatus, ConditionType, LoyaltyPipeline};
use broker::{Connection, Publication};
use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use serde::Serialize;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use crate::place::{Place, wait};

/// Messages of a burst; at the consumer's rate they need five workers.
const BURST: usize = 5_000;
/// What the one worker that there is acknowledges a second.
const PER_WORKER: u64 = 200;
/// Pipelines that are taught at once how fast their worker is.
const TAUGHT_AT_ONCE: usize = 10;
/// How long one is taught: some windows of the broker's counts.
const TEACHING: Duration = Duration::from_secs(20);
/// Longest wait until all pipelines are ready, or have the number of workers that they begin with.
const READY_MAX: Duration = Duration::from_mins(5);
/// Longest wait for a number to change.
const PATCHED_MAX: Duration = Duration::from_secs(30);

/// Seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bursts {
    count: usize,
    mean_s: f64,
    worst_s: f64,
}

pub(crate) async fn measure(count: usize) -> (Bursts, Bursts) {
    let place = Place::make("bursts").await;
    let _working = place.operate();
    let connection = broker::connect(&place.settings, "measure").await.unwrap();
    let asleep = names("asleep", count);
    apply(&place, &asleep, 0).await;
    let mut zero = Vec::new();
    for name in &asleep {
        zero.push(burst(&place, &connection, (name, 0)).await);
    }
    let awake = names("awake", count);
    apply(&place, &awake, 1).await;
    nurse(&place).await;
    let consumers: Vec<_> =
        awake.iter().map(|name| tokio::spawn(consume(place.settings.clone(), format!("{name}.main")))).collect();
    for some in awake.chunks(TAUGHT_AT_ONCE) {
        join_all(some.iter().map(|name| teach(&connection, name))).await;
    }
    let mut one = Vec::new();
    for name in &awake {
        stand(&place, name, 1).await;
        one.push(burst(&place, &connection, (name, 1)).await);
    }
    consumers.iter().for_each(tokio::task::JoinHandle::abort);
    connection.close().await;
    place.end().await;
    (Bursts::of(&zero), Bursts::of(&one))
}

impl Bursts {
    fn of(times: &[Duration]) -> Self {
        let total: Duration = times.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let mean_s = total.as_secs_f64() / times.len().max(1) as f64;
        let worst_s = times.iter().max().map_or(0.0, Duration::as_secs_f64);
        Self { count: times.len(), mean_s, worst_s }
    }
}

fn names(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{what}-{number}")).collect()
}

/// Applies all of them, and waits until each is ready with that many workers.
async fn apply(place: &Place, names: &[String], min: u32) {
    let api = place.api::<LoyaltyPipeline>();
    for name in names {
        let body = json!({
            "apiVersion": "loyalty.dev/v1alpha1", "kind": "LoyaltyPipeline", "metadata": { "name": name },
            "spec": {
                "broker": { "secretRef": { "name": "rabbitmq" } },
                "ledger": { "postgres": { "secretRef": { "name": "ledger-db" } } },
                "events": {
                    "sources": [{ "exchange": { "name": name }, "routingKeys": ["#"], "types": ["purchase"] }],
                },
                "queue": { "storage": "Disk" },
                "program": { "currency": "EUR", "wallets": [{ "name": "points" }] },
                "workers": { "autoscaling": { "min": min, "max": 5, "drainWithin": "5s" } },
            },
        });
        api.patch(name, &PatchParams::apply("measure").force(), &Patch::Apply(body)).await.unwrap();
    }
    for name in names {
        wait(READY_MAX, async || {
            nurse(place).await;
            is_ready(&api.get(name).await.unwrap())
        })
        .await;
        stand(place, name, min).await;
    }
}

fn is_ready(pipeline: &LoyaltyPipeline) -> bool {
    let conditions = pipeline.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|it| it.kind == ConditionType::Ready && it.status == ConditionStatus::True)
}

async fn replicas(place: &Place, name: &str) -> u32 {
    let live = place.api::<Deployment>().get(&format!("{name}-worker")).await.unwrap();
    live.spec.replicas.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// Waits until the operator is content with so many workers.
async fn stand(place: &Place, name: &str, workers: u32) {
    wait(READY_MAX, async || replicas(place, name).await == workers).await;
}

async fn publish(connection: &Connection, exchange: String) {
    let publisher = connection.publisher().await.unwrap();
    for _ in 1..BURST {
        publisher.publish(message(&exchange)).await.unwrap();
    }
    publisher.close().await.unwrap();
}

fn message(exchange: &str) -> Publication {
    Publication {
        exchange: exchange.to_owned(),
        routing_key: "purchase".to_owned(),
        body: b"{}".to_vec(),
        ..Publication::default()
    }
}

async fn burst(place: &Place, connection: &Connection, (name, workers): (&str, u32)) -> Duration {
    let first = connection.publisher().await.unwrap();
    // The one before ended when the operator had looked: this one shall not begin there, too.
    tokio::time::sleep(offset(name)).await;
    first.publish(message(name)).await.unwrap().wait().await.unwrap();
    let begun = Instant::now();
    let ((), took) = tokio::join!(publish(connection, name.to_owned()), async {
        wait(PATCHED_MAX, async || replicas(place, name).await > workers).await;
        begun.elapsed()
    });
    first.close().await.unwrap();
    connection.purge(&format!("{name}.main")).await.unwrap();
    took
}

/// Spread evenly over a second: the fractional parts of the multiples of the golden section.
fn offset(name: &str) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_75;
    let number: u32 = name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    Duration::from_secs_f64((f64::from(number) * GOLDEN).fract())
}

/// A worker as far as the broker can tell: it takes and acknowledges, so many a second.
async fn consume(settings: broker::Settings, queue: String) {
    let connection = broker::connect(&settings, "measure").await.unwrap();
    let mut consumer = connection.consume(&queue).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / PER_WORKER));
    // It does not work faster because it had nothing to do.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A purged queue, or a pause: there will be more.
        let _ = consumer.next(Duration::from_secs(1)).await;
    }
}

/// Work enough for the operator to see how fast the worker is.
async fn teach(connection: &Connection, name: &str) {
    publish(connection, name.to_owned()).await;
    tokio::time::sleep(TEACHING).await;
    connection.purge(&format!("{name}.main")).await.unwrap();
}

/// Plays kubelet: the pods that there are get ready.
async fn nurse(place: &Place) {
    let pods = place.api::<Pod>();
    for pod in pods.list(&ListParams::default()).await.unwrap().items {
        let now = jiff::Timestamp::now().to_string();
        let condition = json!({ "type": "Ready", "status": "True", "lastTransitionTime": now });
        let status = json!({ "status": { "phase": "Running", "conditions": [condition] } });
        let is_ready = pod.status.is_some_and(|status| status.phase.as_deref() == Some("Running"));
        if !is_ready {
            // It may be gone by now.
            let name = pod.metadata.name.unwrap_or_default();
            let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
        }
    }
}
