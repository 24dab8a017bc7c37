//! One of several operators works, also while the API server is out of reach for one of them.

use std::time::Duration;

use host::{Health, Shutdown};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Client, Config};
use loyalty_operator::{Args, Ended, Operator};

use crate::stage::{Kubelet, PIPELINE, Running, SOON, Stage, WITHIN_A_MINUTE, admin, holds};
use crate::wire::Wire;

fn candidate(stage: &Stage, identity: &str) -> Args {
    Args { leader_election: true, identity: Some(identity.to_owned()), ..stage.args() }
}

async fn holder(stage: &Stage) -> Option<String> {
    stage.api::<Lease>().get_opt("loyalty-operator").await.unwrap()?.spec?.holder_identity
}

/// A way to the API server that can be cut, and the configuration that leads over it.
async fn wired() -> (Wire, Config) {
    let mut config = admin().await;
    let (host, port) = (config.cluster_url.host().unwrap().to_owned(), config.cluster_url.port_u16().unwrap());
    let wire = Wire::to(format!("{host}:{port}")).await;
    config.cluster_url = format!("https://127.0.0.1:{}", wire.port).parse().unwrap();
    (wire, config)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_see_its_lease_ends_before_another_may_have_it() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let (wire, config) = wired().await;
    let first = Running::start(async move || config, candidate(&stage, "first"), None);
    stage.apply(PIPELINE).await;
    stage.ready("coffee").await;
    assert_eq!(holder(&stage).await.as_deref(), Some("first"));
    let second = Running::start(admin, candidate(&stage, "second"), None);
    // The second one has its turn to try and is refused.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((second.writes(), holder(&stage).await.as_deref()), (0, Some("first")));
    wire.cut();
    holds("the second has the lease", WITHIN_A_MINUTE, async || {
        let holder = holder(&stage).await;
        // Whoever held it has stopped when somebody else begins.
        assert!(holder.as_deref() == Some("first") || first.ended() == Some(Ended::LostLease), "{holder:?}");
        holder.as_deref() == Some("second")
    })
    .await;
    stage.apply(&PIPELINE.replace(r#"points: "1""#, r#"points: "2""#)).await;
    stage.ready("coffee").await;
    assert!(second.writes() > 0);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_asked_to_end_gives_its_lease_back_at_once() {
    let stage = Stage::migrated().await;
    let first = Running::start(admin, candidate(&stage, "first"), None);
    holds("the first has the lease", SOON, async || holder(&stage).await.as_deref() == Some("first")).await;
    let second = Running::start(admin, candidate(&stage, "second"), None);
    first.ask();
    holds("it ends", SOON, async || first.ended().is_some()).await;
    assert_eq!(first.ended(), Some(Ended::Asked));
    // Sooner than a lease that nobody renews would end.
    holds("the second has it", Duration::from_secs(12), async || holder(&stage).await.as_deref() == Some("second"))
        .await;
    second.kill();
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_away_at_the_start_is_waited_for() {
    let stage = Stage::migrated().await;
    let (wire, config) = wired().await;
    wire.cut();
    let operator = Running::start(async move || config, candidate(&stage, "early"), None);
    holds("it has asked more than once", SOON, async || wire.refused() > 2).await;
    assert_eq!((operator.ended(), operator.missing()), (None, vec!["cluster: not started".to_owned()]));
    wire.mend();
    holds("it has the lease", WITHIN_A_MINUTE, async || holder(&stage).await.as_deref() == Some("early")).await;
    holds("it is ready", SOON, async || operator.missing().is_empty()).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_it_may_not_ask_for_ends_it_with_the_reason() {
    let stage = Stage::migrated().await;
    let mut config = admin().await;
    config.auth_info.impersonate = Some(format!("nobody-of-{}", stage.namespace));
    let operator = Operator::new(Client::try_from(config).unwrap(), candidate(&stage, "nobody"), None).unwrap();
    let ended = operator.work(Shutdown::default(), Health::waiting_for(&["cluster"]));
    let error = tokio::time::timeout(SOON, ended).await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("could not ask for lease `loyalty-operator` in namespace"), "{error}");
    assert!(error.contains("forbidden"), "{error}");
    stage.end().await;
}
