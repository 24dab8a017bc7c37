//! What is due for members without events wakes a pipeline that sleeps.

use std::time::Duration;

use api::ScalingStatus;
use contract::span::Span;
use k8s_openapi::api::apps::v1::Deployment;
use loyalty_operator::Args;

use crate::stage::{Kubelet, PIPELINE, Running, SOON, Stage, admin, holds};

/// Short, so that a test need not wait for an hour.
const WITHIN: &str = "5s";

fn waiting() -> String {
    let wallet = "{ name: points, pending: { for: 14d }, expiry: { after: 12mo, roundUpTo: Month } }";
    PIPELINE.replace("{ name: points }", wallet)
}

fn operator(stage: &Stage) -> Running {
    Running::start(admin, Args { due_within: Span::parse(WITHIN).unwrap(), ..stage.args() }, None)
}

async fn replicas(stage: &Stage) -> i32 {
    let live = stage.api::<Deployment>().get_opt("coffee-worker").await.unwrap();
    live.and_then(|live| live.spec.replicas).unwrap_or(0)
}

async fn scaling(stage: &Stage) -> ScalingStatus {
    let status = stage.pipeline("coffee").await.and_then(|pipeline| pipeline.status);
    status.and_then(|status| status.scaling).unwrap_or_default()
}

/// In the place of a worker, of which there is none here.
async fn write(stage: &Stage, sql: &str) {
    let (client, connection) = tokio_postgres::connect(&stage.ledger_url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_wakes_one_worker_that_goes_when_it_is_settled() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    write(
        &stage,
        "insert into due (pipeline, bucket, member, at, version) values ('coffee', 0, 1, now() - interval '3 hours', 1)",
    )
    .await;
    let _operator = operator(&stage);
    stage.apply(&waiting()).await;
    holds("one worker is woken", SOON, async || replicas(&stage).await == 1).await;
    holds("why is told", SOON, async || {
        let told = scaling(&stage).await;
        told.limited_by == "Due" && told.desired == 1 && told.reason.contains("to settle what is due for members")
    })
    .await;
    stage.ready("coffee").await;
    // Longer than an idle worker would be kept.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(replicas(&stage).await, 1, "it stays until it is settled");
    write(&stage, "update due set at = now() + interval '1 day'").await;
    holds("nobody is needed any more", Duration::from_mins(1), async || replicas(&stage).await == 0).await;
    holds("that is told", SOON, async || scaling(&stage).await.reason == "nothing waits, so no worker is needed").await;
    stage.ready("coffee").await;
    // Several times the time after which something due would wake one.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(replicas(&stage).await, 0, "what is due tomorrow wakes nobody");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be_asked_has_somebody_look_into_it() {
    let stage = Stage::new().await;
    let _kubelet = Kubelet::of(&stage);
    let _operator = operator(&stage);
    let embedded = "postgres: { secretRef: { name: ledger-db } }";
    stage.apply(&waiting().replace(embedded, "sqlite: {}")).await;
    holds("one worker is woken", SOON, async || replicas(&stage).await == 1).await;
    holds("why is told", SOON, async || {
        let told = scaling(&stage).await;
        told.limited_by == "Due" && told.reason.contains("an embedded ledger")
    })
    .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_and_a_programme_without_times_wake_nobody() {
    let (history, plain) = (Stage::migrated().await, Stage::new().await);
    let old = "insert into due (pipeline, bucket, member, at, version) values ('coffee', 0, 1, '2020-01-01', 1)";
    write(&history, old).await;
    let operators = [operator(&history), operator(&plain)];
    history.apply(&waiting().replace("  events:\n", "  events:\n    clock: Event\n")).await;
    plain.apply(&PIPELINE.replace("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}")).await;
    for stage in [&history, &plain] {
        holds("the queues were looked at", SOON, async || scaling(stage).await.limited_by == "Nothing").await;
    }
    // Several times the time after which something due would wake one.
    tokio::time::sleep(Duration::from_secs(20)).await;
    for stage in [&history, &plain] {
        assert_eq!(replicas(stage).await, 0);
        assert_eq!(scaling(stage).await.reason, "nothing waits, so no worker is needed");
    }
    drop(operators);
    history.end().await;
    plain.end().await;
}
