//! Who goes first when there shall be fewer workers.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, WITHIN_A_MINUTE, holds};

/// Answers as a worker that holds so many messages, at an address of its own; the port is that of the workers.
async fn holder_of(messages: u64, address: Ipv4Addr) {
    let listener = TcpListener::bind((address, 8080)).await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let body =
                format!("loyalty_in_flight{{lane=\"main\"}} {messages}\nloyalty_in_flight{{lane=\"express\"}} 1\n");
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
}

async fn workers(stage: &Stage) -> Vec<Pod> {
    let workers = ListParams::default().labels("app.kubernetes.io/name=loyalty-worker");
    let pods = stage.api::<Pod>().list(&workers).await.unwrap().items;
    pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_that_holds_the_least_goes_first() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = stage.operator();
    let many = |number: u32| {
        PIPELINE.replace(
            "  results:",
            &format!("  workers: {{ autoscaling: {{ min: {number}, max: {number} }} }}\n  results:"),
        )
    };
    stage.apply(&many(3)).await;
    stage.ready("coffee").await;
    holds("three workers", SOON, async || workers(&stage).await.len() == 3).await;
    let mut named = Vec::new();
    // No process of this machine listens there: these are addresses of nobody.
    for (number, (pod, held)) in workers(&stage).await.into_iter().zip([900, 0, 5]).enumerate() {
        let address = Ipv4Addr::new(127, 86, 7, u8::try_from(number).unwrap() + 1);
        holder_of(held, address).await;
        let status = json!({ "status": { "podIP": address.to_string(), "podIPs": [{ "ip": address.to_string() }] } });
        let name = pod.name_any();
        stage.api::<Pod>().patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
        named.push((name, held));
    }
    stage.apply(&many(2)).await;
    let mut left = Vec::new();
    holds("two workers", WITHIN_A_MINUTE, async || {
        left = workers(&stage).await;
        left.len() == 2
    })
    .await;
    let cost = |pod: &Pod| pod.annotations().get("controller.kubernetes.io/pod-deletion-cost").cloned();
    let mut costs: Vec<_> = left.iter().map(|pod| (pod.name_any(), cost(pod))).collect();
    let expected = named.into_iter().filter(|(_, held)| *held > 0);
    let mut expected: Vec<_> = expected.map(|(name, held)| (name, Some((held + 1).to_string()))).collect();
    costs.sort();
    expected.sort();
    assert_eq!(costs, expected, "whoever holds one message goes");
    stage.end().await;
}
