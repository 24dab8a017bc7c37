//! Which worker shall go first: the one that holds the least. Written as Kubernetes' pod deletion cost before a number is lowered.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;

use crate::children::WORKER;
use crate::house::House;
use crate::walk::nouns::Key;
use crate::writes::Side;

/// As the `ReplicaSet` controller reads it.
const ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";

/// A worker that does not answer within this is as good to go as any.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// What workers call the number of messages that they hold.
const IN_FLIGHT: &str = "loyalty_in_flight{";

/// Workers asked at the same time.
const AT_ONCE: usize = 16;

/// Asks each worker what it holds and writes it to its pod. What fails leaves the choice to chance, which costs nobody a message.
pub(super) async fn tell_costs(house: &House, key: &Key) {
    let pods = house.shelves.pods_of(key, WORKER);
    let workers = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let told = workers.map(|pod| async move {
        let held = in_flight(&pod).await.unwrap_or(0);
        tell(house, key, &pod, held).await;
    });
    futures::stream::iter(told).buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn in_flight(pod: &DynamicObject) -> Option<u64> {
    let ip = pod.data["status"]["podIP"].as_str()?;
    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
    let client = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build().ok()?;
    let text = client.get(format!("http://{host}:8080/metrics")).send().await.ok()?.text().await.ok()?;
    Some(sum(&text))
}

/// The sum over all lanes.
fn sum(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(IN_FLIGHT));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn tell(house: &House, key: &Key, pod: &DynamicObject, held: u64) {
    let cost = held.to_string();
    if pod.annotations().get(ANNOTATION) == Some(&cost) {
        return;
    }
    let api: Api<Pod> = Api::namespaced(house.client.clone(), &key.namespace);
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { ANNOTATION: cost } } }));
    match api.patch_metadata(&pod.name_any(), &PatchParams::default(), &patch).await {
        Ok(_) => house.writes.done(Side::Cluster).await,
        Err(error) => tracing::debug!(error = host::chain(&error), "could not tell what a worker costs"),
    }
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn what_a_worker_holds_is_the_sum_of_its_lanes() {
        let metrics = "# HELP loyalty_in_flight x\nloyalty_in_flight{lane=\"main\"} 12\nloyalty_in_flight{lane=\"express\"} 3\nloyalty_in_flight_max{lane=\"main\"} 7\nother 9\n";
        assert_eq!(sum(metrics), 15);
        assert_eq!(sum(""), 0);
    }
}
