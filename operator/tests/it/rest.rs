//! What is as it should be is left alone.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;

use crate::stage::{Kubelet, PIPELINE, SOON, Stage, given, holds};

/// How long nothing may be written: a share of ten minutes unless all of it is asked for.
fn at_rest() -> Duration {
    if given("LOYALTY_TEST_SHARE") == "all" { Duration::from_mins(10) } else { Duration::from_secs(40) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_rest_and_after_a_restart_nothing_is_written() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let first = stage.operator();
    stage.apply(PIPELINE).await;
    let before = stage.ready("coffee").await;
    assert!(first.writes() > 10, "it made everything");
    first.kill();
    let second = stage.operator();
    // Nothing can be waited for where nothing shall happen: this is the time in which it must not.
    tokio::time::sleep(at_rest()).await;
    assert_eq!(second.writes(), 0, "a restarted operator finds everything as it should be");
    let after = stage.pipeline("coffee").await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
    // It was there all the time.
    let maps = stage.api::<ConfigMap>();
    maps.delete("coffee-worker", &DeleteParams::default()).await.unwrap();
    holds("what is missing is made again", SOON, async || maps.get_opt("coffee-worker").await.unwrap().is_some()).await;
    assert!(second.writes() > 0);
    stage.end().await;
}
