//! Many pipelines: how long their objects on the broker and in the cluster take beside a loop that only declares the same, what the
//! operator holds in memory, and what it writes at rest.

use std::time::{Duration, Instant};

use api::LoyaltyPipeline;
use contract::PipelineName;
use contract::broker_object::{Desired, Standing, Step};
use futures::StreamExt;
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use serde::Serialize;
use serde_json::{Value, json};

use crate::place::{Place, resource, wait};

/// Longest wait for all of them.
const DECLARED_MAX: Duration = Duration::from_mins(15);

/// What a pipeline has in the cluster.
const KINDS: [(&str, &str, &str); 4] = [
    ("", "v1", "ServiceAccount"),
    ("", "v1", "ConfigMap"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("apps", "v1", "Deployment"),
];
/// Which objects those are.
const OURS: &str = "app.kubernetes.io/managed-by=loyalty-operator";

/// The figures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Many {
    resources: usize,
    raw_s: f64,
    operator_s: f64,
    ratio: f64,
    memory_mib: u64,
    rest_s: u64,
    writes_at_rest: u64,
}

pub(crate) async fn measure(resources: usize, rest_s: u64) -> Many {
    let place = Place::make("many").await;
    let applied = (0..resources).map(|number| apply(&place, number));
    futures::stream::iter(applied).buffer_unordered(16).collect::<()>().await;
    let before = resident_mib();
    let begun = Instant::now();
    let working = place.operate();
    let wanted = bindings(resources);
    wait(DECLARED_MAX, async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // What costs the broker more is asked last: the raw loop does not pay for a measurement either.
        have_children(&place, resources).await && standing(&place).await >= wanted
    })
    .await;
    let operator_s = begun.elapsed().as_secs_f64();
    settle(&working.writes).await;
    let memory_mib = resident_mib().saturating_sub(before);
    drop(working);
    let raw_s = raw(resources, &children(&place).await).await.as_secs_f64();
    // An operator that was restarted has nothing to write either.
    let restarted = place.operate();
    tokio::time::sleep(Duration::from_secs(rest_s)).await;
    let writes_at_rest = restarted.writes.count();
    drop(restarted);
    place.end().await;
    Many { resources, raw_s, operator_s, ratio: operator_s / raw_s, memory_mib, rest_s, writes_at_rest }
}

/// Until nothing was written for a while.
async fn settle(writes: &loyalty_operator::Writes) {
    let (mut last, mut since) = (writes.count(), Instant::now());
    wait(DECLARED_MAX, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if writes.count() != last {
            (last, since) = (writes.count(), Instant::now());
        }
        since.elapsed() > Duration::from_secs(20)
    })
    .await;
}

fn spec(number: usize) -> Value {
    json!({
        "broker": { "secretRef": { "name": "rabbitmq" } },
        "ledger": { "postgres": { "secretRef": { "name": "ledger-db" } } },
        "events": { "sources": [
            { "exchange": { "name": format!("shop-{number}") }, "routingKeys": ["purchase.#", "refund.#"], "types": ["purchase"] },
        ] },
        "queue": { "storage": "Disk" },
        "program": { "currency": "EUR", "wallets": [{ "name": "points" }] },
    })
}

async fn apply(place: &Place, number: usize) {
    let name = format!("many-{number}");
    let body = json!({
        "apiVersion": "loyalty.dev/v1alpha1", "kind": "LoyaltyPipeline", "metadata": { "name": name }, "spec": spec(number),
    });
    let api = place.api::<LoyaltyPipeline>();
    api.patch(&name, &PatchParams::apply("measure").force(), &Patch::Apply(body)).await.unwrap();
}

fn desired(number: usize, namespace: &str) -> Desired {
    let spec: api::LoyaltyPipelineSpec = serde_json::from_value(spec(number)).unwrap();
    let name = PipelineName::parse(&format!("many-{number}")).unwrap();
    let owner = format!("{namespace}/{name}");
    let (events, queue, results) = (&spec.events, &spec.queue, &spec.results);
    topology::desired(&topology::Pipeline { name: &name, owner: &owner, events, queue, results })
}

fn bindings(resources: usize) -> usize {
    desired(0, "x").bindings.len() * resources
}

async fn standing(place: &Place) -> usize {
    match place.management.observe(place.settings.vhost()).await.unwrap() {
        Standing::Seen(seen) => seen.bindings.len(),
        Standing::Unseen => 0,
    }
}

/// Whether each kind is there for each pipeline; one object is listed of each.
async fn have_children(place: &Place, resources: usize) -> bool {
    for kind in KINDS {
        let one = ListParams::default().limit(1);
        // With a selector the API server does not count what remains; the namespace holds nothing else but its own two.
        let listed = place.objects(kind).list_metadata(&one).await.unwrap();
        let remaining = usize::try_from(listed.metadata.remaining_item_count.unwrap_or(0)).unwrap_or(0);
        if listed.items.len() + remaining < resources {
            return false;
        }
    }
    true
}

/// What the operator made in the cluster, by kind, as it could be applied anew.
async fn children(place: &Place) -> Vec<Vec<DynamicObject>> {
    let ours = ListParams::default().labels(OURS);
    let mut all = Vec::new();
    for kind in KINDS {
        let listed = place.objects(kind).list(&ours).await.unwrap();
        all.push(listed.items.into_iter().map(|object| bare(object, kind)).collect());
    }
    all
}

fn bare(object: DynamicObject, kind: (&str, &str, &str)) -> DynamicObject {
    let mut bare = DynamicObject::new(&object.name_any(), &resource(kind)).data(object.data);
    bare.metadata.labels = object.metadata.labels;
    bare.metadata.annotations = object.metadata.annotations;
    if let Some(fields) = bare.data.as_object_mut() {
        fields.remove("status");
    }
    bare
}

/// The least that could do it: one connection, one channel, one declaration after the other, and the same in the cluster.
async fn raw(resources: usize, children: &[Vec<DynamicObject>]) -> Duration {
    let place = Place::make("raw").await;
    let steps =
        |number: usize| topology::diff(&desired(number, "raw"), &Standing::Unseen, &format!("raw/many-{number}")).steps;
    let steps: Vec<Vec<Step>> = (0..resources).map(steps).collect();
    let apis = KINDS.map(|kind| place.objects(kind));
    let params = PatchParams::apply("measure").force();
    let connection = broker::connect(&place.settings, "measure").await.unwrap();
    let applier = connection.applier().await.unwrap();
    let begun = Instant::now();
    for (number, steps) in steps.iter().enumerate() {
        for step in steps {
            applier.take(step).await.unwrap();
        }
        for (api, objects) in apis.iter().zip(children) {
            let object = &objects[number];
            api.patch(&object.name_any(), &params, &Patch::Apply(object)).await.unwrap();
        }
    }
    let took = begun.elapsed();
    applier.close().await;
    connection.close().await;
    place.end().await;
    took
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
