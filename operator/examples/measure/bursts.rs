//! From the first message of a burst that is safe with the broker to the changed number in the Deployment.

use std::time::{Duration, Instant};

use api::LoyaltyPipeline;
use broker::Publication;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::json;

use crate::place::{Place, wait};

/// Messages of a burst; at the consumer's rate they need five workers.
const BURST: usize = 5_000;
/// What the one worker that there is acknowledges a second.
const PER_WORKER: u64 = 200;
/// Longest wait until nothing is wanted any more after a burst: what came in is remembered for a while.
const REST_MAX: Duration = Duration::from_mins(2);
/// Longest wait for a number to change.
const PATCHED_MAX: Duration = Duration::from_secs(30);
const NAME: &str = "burst-worker";

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
    apply(&place, 0).await;
    wait(PATCHED_MAX, async || place.api::<Deployment>().get_opt(NAME).await.unwrap().is_some()).await;
    let mut zero = Vec::new();
    for _ in 0..count {
        zero.push(burst(&place, 0).await);
    }
    apply(&place, 1).await;
    let consumer = tokio::spawn(consume(place.settings.clone()));
    learn(&place).await;
    let mut one = Vec::new();
    for _ in 0..count {
        one.push(burst(&place, 1).await);
    }
    consumer.abort();
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

async fn apply(place: &Place, min: u32) {
    let body = json!({
        "apiVersion": "loyalty.dev/v1alpha1", "kind": "LoyaltyPipeline", "metadata": { "name": "burst" },
        "spec": {
            "broker": { "secretRef": { "name": "rabbitmq" } },
            "ledger": { "postgres": { "secretRef": { "name": "ledger-db" } } },
            "events": { "sources": [{ "exchange": { "name": "burst" }, "routingKeys": ["#"], "types": ["purchase"] }] },
            "queue": { "storage": "Disk" },
            "program": { "currency": "EUR", "wallets": [{ "name": "points" }] },
            "workers": { "autoscaling": { "min": min, "max": 20, "drainWithin": "5s" } },
        },
    });
    let api = place.api::<LoyaltyPipeline>();
    api.patch("burst", &PatchParams::apply("measure").force(), &Patch::Apply(body)).await.unwrap();
}

async fn replicas(place: &Place) -> i32 {
    place.api::<Deployment>().get(NAME).await.unwrap().spec.replicas.unwrap_or(0)
}

/// Brings the number back, and waits until it stays.
async fn rest(place: &Place, workers: i32) {
    let connection = broker::connect(&place.settings, "measure").await.unwrap();
    wait(REST_MAX, async || {
        connection.purge("burst.main").await.unwrap();
        if replicas(place).await != workers {
            let patch = Patch::Merge(json!({ "spec": { "replicas": workers } }));
            place.api::<Deployment>().patch(NAME, &PatchParams::default(), &patch).await.unwrap();
        }
        nurse(place).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        replicas(place).await == workers
    })
    .await;
    connection.close().await;
}

async fn burst(place: &Place, workers: i32) -> Duration {
    rest(place, workers).await;
    let connection = broker::connect(&place.settings, "measure").await.unwrap();
    let publisher = connection.publisher().await.unwrap();
    let message = || Publication {
        exchange: "burst".to_owned(),
        routing_key: "purchase".to_owned(),
        body: b"{}".to_vec(),
        ..Publication::default()
    };
    publisher.publish(message()).await.unwrap().wait().await.unwrap();
    let begun = Instant::now();
    let publishing = tokio::spawn(async move {
        for _ in 1..BURST {
            publisher.publish(message()).await.unwrap();
        }
        publisher.close().await.unwrap();
    });
    wait(PATCHED_MAX, async || replicas(place).await > workers).await;
    let took = begun.elapsed();
    publishing.await.unwrap();
    took
}

/// A worker as far as the broker can tell: it takes and acknowledges, so many a second.
async fn consume(settings: broker::Settings) {
    let connection = broker::connect(&settings, "measure").await.unwrap();
    let mut consumer = connection.consume("burst.main").await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / PER_WORKER));
    loop {
        ticks.tick().await;
        // A purged queue, or a pause: there will be more.
        let _ = consumer.next(Duration::from_secs(1)).await;
    }
}

/// Until the operator has seen how fast a worker is.
async fn learn(place: &Place) {
    wait(PATCHED_MAX, async || {
        nurse(place).await;
        replicas(place).await >= 1
    })
    .await;
    burst(place, 1).await;
    wait(Duration::from_mins(2), async || {
        nurse(place).await;
        let pipeline = place.api::<LoyaltyPipeline>().get("burst").await.unwrap();
        let queue = pipeline.status.and_then(|status| status.queue).unwrap_or_default();
        queue.acked_rate.is_some_and(|rate| rate > 0)
    })
    .await;
}

/// Plays kubelet: pods are ready.
async fn nurse(place: &Place) {
    let pods = place.api::<Pod>();
    for pod in pods.list(&kube::api::ListParams::default()).await.unwrap().items {
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
