//! The plan, carried out: broker, then the ledger's rules, then the cluster. What fails is told in the findings, and what would
//! rest on it is not tried.

use api::{AutoscalingMode, Reason};
use contract::broker_object::Step;
use serde_json::json;

use super::nouns::{ChildStep, Finding, Observed, Plan, SeenLedger, Trouble, Valid};
use crate::children::{Child, Kind};
use crate::cluster;
use crate::house::House;
use crate::writes::Side;

/// Carries out the plan; answers what is known afterwards in its findings.
///
/// A cancelled call leaves the steps before it carried out; the next walk finds what is missing.
pub(super) async fn apply(valid: &Valid, observed: &Observed, plan: &mut Plan, house: &House) {
    let mut stopped = None;
    if let Ok(broker) = &observed.broker {
        if let Err(trouble) = broker_steps(&broker.link, &plan.broker, house).await {
            plan.findings.topology = trouble.finding();
            stopped = Some("the broker");
        }
        house.board.note_steps(&valid.key, &plan.broker);
    }
    if let (true, SeenLedger::Ready { ledger, url, .. }) = (plan.append_rules, &observed.ledger) {
        match house.ledgers.append(ledger.as_ref(), url, valid).await {
            Ok(()) => house.writes.done(Side::Ledger).await,
            Err(trouble) => {
                plan.findings.ledger = trouble.finding();
                stopped = Some("the ledger");
            }
        }
    }
    if let Some(by) = stopped {
        hold(plan, by);
    }
    children(valid, plan, house).await;
}

/// Takes steps one after another, on one channel.
pub(super) async fn broker_steps(link: &broker::Link, steps: &[Step], house: &House) -> Result<(), Trouble> {
    if steps.is_empty() {
        return Ok(());
    }
    let lost = |error: String| Trouble::new(Reason::BrokerUnreachable, error);
    let connection = link.connection().await.map_err(|error| lost(host::chain(&error)))?;
    let applier = connection.applier().await.map_err(|error| lost(host::chain(&error)))?;
    for step in steps {
        applier.take(step).await.map_err(|error| {
            let reason = if error.source.is_lost() { Reason::BrokerUnreachable } else { Reason::BrokerRefused };
            Trouble::new(reason, host::chain(&error))
        })?;
        house.writes.done(Side::Broker).await;
    }
    applier.close().await;
    Ok(())
}

/// The number of workers as the scaling last wrote it: it may have done so while this walk looked around.
fn with_latest_number(child: &Child, valid: &Valid, house: &House) -> Child {
    let mut child = child.clone();
    let autoscaling = &valid.spec.workers.autoscaling;
    let is_scaled = autoscaling.mode == AutoscalingMode::Builtin && !valid.spec.suspend;
    if let (Kind::Deployment, true, Some(scaled)) = (child.kind, is_scaled, house.board.scaled(&valid.key)) {
        child.body["spec"]["replicas"] = json!(scaled.replicas);
    }
    child
}

/// Takes the steps out of the plan that rest on what has just failed. What workers are told waits with them: a pod that starts again
/// reads it, and would ask for a queue that is not there.
fn hold(plan: &mut Plan, by: &str) {
    let rests = |step: &ChildStep| match step {
        ChildStep::Apply(child, _) => matches!(child.kind, Kind::ConfigMap | Kind::Deployment),
        ChildStep::Delete(..) => false,
    };
    for step in plan.children.extract_if(.., |step| rests(step)) {
        if let ChildStep::Apply(child, _) = step {
            plan.findings.held.push(format!("{}: waits for {by}", child.kind));
        }
    }
}

async fn children(valid: &Valid, plan: &mut Plan, house: &House) {
    let namespace = &valid.key.namespace;
    let writing = house.board.writing(&valid.key);
    for step in &plan.children {
        let _held = writing.lock().await;
        let done = match step {
            ChildStep::Apply(child, why) => {
                let child = &with_latest_number(child, valid, house);
                tracing::info!(pipeline = %valid.key, kind = %child.kind, name = child.name, why, "applying");
                cluster::apply(&house.client, namespace, child)
                    .await
                    .map_err(|error| (child.kind, child.name.clone(), error))
            }
            ChildStep::Delete(kind, name) => cluster::delete(&house.client, *kind, namespace, name)
                .await
                .map_err(|error| (*kind, name.clone(), error)),
        };
        match done {
            Ok(()) => house.writes.done(Side::Cluster).await,
            Err((kind, name, error)) => {
                let message = format!("could not apply {kind} `{name}`: {}", host::chain(&error));
                plan.findings.workers = Finding::no(Reason::ClusterRefused, message);
                return;
            }
        }
    }
}
