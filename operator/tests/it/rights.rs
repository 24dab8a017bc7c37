//! The operator runs with exactly the chart's rights: with all of them nothing is forbidden, and each of them is used.

use std::collections::BTreeSet;
use std::time::Duration;

use api::{ConditionType, LoyaltyPipeline, Reason, Right, rights};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::stage::{Kubelet, PIPELINE, Running, SOON, Stage, WITHIN_A_MINUTE, admin, given, holds, until};

/// Group, resource, verb.
pub(crate) type Use = (String, String, String);

fn all(rights: &[Right]) -> BTreeSet<Use> {
    let mut found = BTreeSet::new();
    for Right { api_groups, resources, verbs } in rights {
        for (group, resource, verb) in api_groups.iter().flat_map(|group| {
            resources.iter().flat_map(move |resource| verbs.iter().map(move |verb| (group, resource, verb)))
        }) {
            found.insert(((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned()));
        }
    }
    found
}

pub(crate) async fn grant(stage: &Stage, account: &str, rights: &[Right]) {
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": account }, "rules": rights });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": account },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": account }],
    });
    let params = PatchParams::apply("test").force();
    stage.api::<Role>().patch(account, &params, &Patch::Apply(role)).await.unwrap();
    stage.api::<RoleBinding>().patch(account, &params, &Patch::Apply(binding)).await.unwrap();
    let question = json!({ "spec": { "user": account, "resourceAttributes": {
        "namespace": stage.namespace, "verb": "list", "group": "apps", "resource": "deployments",
    } } });
    let question: SubjectAccessReview = serde_json::from_value(question).unwrap();
    let reviews: Api<SubjectAccessReview> = Api::all(stage.client.clone());
    holds("the API server knows of the role", SOON, async || {
        let answer = reviews.create(&PostParams::default(), &question).await.unwrap();
        answer.status.is_some_and(|status| status.allowed)
    })
    .await;
}

/// A worker is given back after thirty seconds without waiting messages in which the broker's counters were never missing, as they
/// are now and then on a busy machine: each time the thirty seconds begin anew.
const GIVEN_BACK_MAX: Duration = Duration::from_mins(4);

/// Everything that an operator does in its life: makes, mends, scales, migrates, deletes.
async fn live_a_life(stage: &Stage) {
    let embedded = PIPELINE.replace("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}");
    let embedded = embedded.replace("name: coffee\n", "name: tea\n").replace("name: shop", "name: tea-shop");
    stage.apply(&embedded.replace("  results:", "  deletionPolicy: Delete\n  results:")).await;
    stage
        .apply(
            &PIPELINE
                .replace("  results:", "  deletionPolicy: Delete\n  workers: { autoscaling: { min: 3 } }\n  results:"),
        )
        .await;
    stage.told("coffee", ConditionType::LedgerReady, Reason::Migrating).await;
    // Made from something else, a Job is deleted and made again.
    let job = async || {
        let jobs = stage.api::<Job>().list(&ListParams::default()).await.unwrap().items;
        jobs.into_iter().find_map(|job| job.metadata.uid)
    };
    let first = until(SOON, job).await.expect("the Job is there");
    stage.secret("ledger-db", &[("url", stage.ledger_url.clone()), ("note", "rotated".to_owned())]).await;
    holds("another Job is there", SOON, async || job().await.is_some_and(|uid| uid != first)).await;
    // From here on pods run, also that of the Job.
    let _kubelet = Kubelet::of(stage);
    stage.ready("coffee").await;
    stage.told("tea", ConditionType::LedgerReady, Reason::Embedded).await;
    stage.told_unread().await;
    // Fewer workers, and some left: each is asked what it holds.
    stage
        .apply(
            &PIPELINE
                .replace("  results:", "  deletionPolicy: Delete\n  workers: { autoscaling: { min: 1 } }\n  results:"),
        )
        .await;
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> = stage.api();
    holds("fewer workers", GIVEN_BACK_MAX, async || {
        deployments.get("coffee-worker").await.unwrap().spec.replicas < Some(3)
    })
    .await;
    // The same event a second time is a series.
    for _ in 0..2 {
        stage.api::<Secret>().delete("rabbitmq", &DeleteParams::default()).await.unwrap();
        stage.told("coffee", ConditionType::TopologyInSync, Reason::SecretMissing).await;
        stage.secret("rabbitmq", &stage.broker_secret()).await;
        stage.told("coffee", ConditionType::TopologyInSync, Reason::InSync).await;
    }
    for name in ["coffee", "tea"] {
        stage.api::<LoyaltyPipeline>().delete(name, &DeleteParams::default()).await.unwrap();
        holds("it is gone", WITHIN_A_MINUTE, async || stage.pipeline(name).await.is_none()).await;
    }
}

/// The whole log, also what was put aside when it grew.
fn audit() -> String {
    let log = std::path::PathBuf::from(given("LOYALTY_TEST_KUBE_AUDIT"));
    let beside = std::fs::read_dir(log.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let logs = beside.filter(|path| path.extension() == log.extension());
    let ours = logs.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("audit"));
    ours.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// What a user did, and what was forbidden to it, as the API server saw it.
pub(crate) fn seen_by_the_server(who: &str) -> (BTreeSet<Use>, Vec<String>) {
    let (mut used, mut refused) = (BTreeSet::new(), Vec::new());
    for line in audit().lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        if event["impersonatedUser"]["username"] != who {
            continue;
        }
        let of = |field: &str| event["objectRef"][field].as_str().unwrap_or_default().to_owned();
        let resource = match of("subresource") {
            none if none.is_empty() => of("resource"),
            sub => format!("{}/{sub}", of("resource")),
        };
        if event["responseStatus"]["code"] == 403 {
            refused.push(format!("{} {resource}: {}", event["verb"], event["responseStatus"]["message"]));
        }
        let code = event["responseStatus"]["code"].as_u64().unwrap_or(0);
        let verb = event["verb"].as_str().unwrap_or_default().to_owned();
        // An apply that makes an object needs both.
        if verb == "patch" && code == 201 {
            used.insert((of("apiGroup"), resource.clone(), "create".to_owned()));
        }
        used.insert((of("apiGroup"), resource, verb));
    }
    (used, refused)
}

async fn operator_of(stage: &Stage, account: &str) -> Running {
    let args = loyalty_operator::Args { leader_election: true, ..stage.args() };
    operator_as(account, args).await
}

/// An operator that asks the API server under a name of its own.
pub(crate) async fn operator_as(account: &str, args: loyalty_operator::Args) -> Running {
    let mut config = admin().await;
    config.auth_info.impersonate = Some(account.to_owned());
    Running::start(async move || config, args, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_with_exactly_the_rights_of_the_chart() {
    let stage = Stage::new().await;
    let account = format!("operator-of-{}", stage.namespace);
    // Here it watches the namespace that it lives in.
    let granted = [rights().watched, rights().own].concat();
    grant(&stage, &account, &granted).await;
    let operator = operator_of(&stage, &account).await;
    live_a_life(&stage).await;
    operator.kill();
    let granted = all(&granted);
    // The log may be a moment behind.
    let seen =
        until(SOON, async || Some(seen_by_the_server(&account)).filter(|(used, _)| granted.is_subset(used))).await;
    let (used, refused) = seen.unwrap_or_else(|| seen_by_the_server(&account));
    assert_eq!(refused, Vec::<String>::new());
    let idle: Vec<&Use> = granted.difference(&used).collect();
    assert_eq!(idle, Vec::<&Use>::new(), "granted and never used");
    let more: Vec<&Use> = used.difference(&granted).collect();
    assert_eq!(more, Vec::<&Use>::new(), "used and not granted");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_may_not_watch_something_is_not_ready_until_it_may() {
    let stage = Stage::migrated().await;
    let account = format!("operator-of-{}", stage.namespace);
    let granted = [rights().watched, rights().own].concat();
    let mut fewer = granted.clone();
    for right in fewer.iter_mut().filter(|right| right.resources.contains(&"loyaltypipelines")) {
        right.verbs.retain(|verb| *verb != "list");
    }
    assert_ne!(all(&fewer), all(&granted));
    grant(&stage, &account, &fewer).await;
    let operator = operator_of(&stage, &account).await;
    holds("it leads", SOON, async || {
        let lease = stage.api::<Lease>().get_opt("loyalty-operator").await.unwrap();
        lease.is_some_and(|lease| lease.spec.is_some_and(|spec| spec.holder_identity.is_some()))
    })
    .await;
    holds("it is not ready", SOON, async || operator.missing().iter().any(|why| why.contains("could be listed"))).await;
    grant(&stage, &account, &granted).await;
    holds("it is ready", WITHIN_A_MINUTE, async || operator.missing().is_empty()).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_may_not_ask_for_does_not_look_like_missing_and_is_told() {
    let stage = Stage::migrated().await;
    let _kubelet = Kubelet::of(&stage);
    let account = format!("operator-of-{}", stage.namespace);
    let granted = [rights().watched, rights().own].concat();
    let mut fewer = granted.clone();
    for right in fewer.iter_mut().filter(|right| right.resources.contains(&"deployments")) {
        right.verbs.retain(|verb| *verb != "get");
    }
    assert_ne!(all(&fewer), all(&granted));
    grant(&stage, &account, &fewer).await;
    let _operator = operator_of(&stage, &account).await;
    stage.apply(PIPELINE).await;
    let told = stage.told("coffee", ConditionType::WorkersReady, Reason::ClusterRefused).await;
    let says = "could not ask for Deployment `coffee-worker`";
    assert!(told.message.contains(says) && told.message.contains("forbidden"), "{}", told.message);
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> = stage.api();
    assert!(deployments.get_opt("coffee-worker").await.unwrap().is_none());
    grant(&stage, &account, &granted).await;
    stage.ready("coffee").await;
    stage.end().await;
}
