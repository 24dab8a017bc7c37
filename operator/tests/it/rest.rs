//! What is as it should be is left alone.

use std::collections::BTreeSet;
use std::time::Duration;

use api::rights;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;

use crate::rights::{Use, grant, operator_as, seen_by_the_server};
use crate::stage::{Kubelet, PIPELINE, SOON, Stage, given, holds};

/// How long nothing may be written: a share of ten minutes unless all of it is asked for.
fn at_rest() -> Duration {
    if given("LOYALTY_TEST_SHARE") == "all" { Duration::from_mins(10) } else { Duration::from_secs(40) }
}

/// What somebody changed in the cluster.
fn written(account: &str) -> BTreeSet<Use> {
    let (used, refused) = seen_by_the_server(account);
    assert_eq!(refused, Vec::<String>::new());
    used.into_iter().filter(|(.., verb)| !["get", "list", "watch"].contains(&verb.as_str())).collect()
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
    let account = format!("operator-of-{}", stage.namespace);
    grant(&stage, &account, &rights().watched).await;
    let second = operator_as(&account, stage.args()).await;
    // Nothing can be waited for where nothing shall happen: this is the time in which it must not.
    tokio::time::sleep(at_rest()).await;
    assert_eq!(second.writes(), 0, "a restarted operator finds everything as it should be");
    assert_eq!(written(&account), BTreeSet::new(), "as the API server saw it");
    let after = stage.pipeline("coffee").await.unwrap();
    assert_eq!(before.metadata.resource_version, after.metadata.resource_version);
    // It was there all the time.
    let maps = stage.api::<ConfigMap>();
    maps.delete("coffee-worker", &DeleteParams::default()).await.unwrap();
    holds("what is missing is made again", SOON, async || maps.get_opt("coffee-worker").await.unwrap().is_some()).await;
    holds("the operator counts it", SOON, async || second.writes() > 0).await;
    let patched = (String::new(), "configmaps".to_owned(), "patch".to_owned());
    holds("the API server sees that", SOON, async || written(&account).contains(&patched)).await;
    stage.end().await;
}
