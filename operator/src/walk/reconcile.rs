//! One walk over one pipeline.

use std::sync::Arc;
use std::time::Duration;

use api::{ConditionStatus, ConditionType, LoyaltyPipeline, Reason};
use jiff::Timestamp;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};

use super::apply::apply;
use super::depart::{depart, release_unreadable, take_in_hand};
use super::nouns::{ChildStep, Finding, Key, Observed, Plan, SeenLedger, Valid};
use super::observe::{link, observe, unseen_for};
use super::plan::{Context, plan};
use super::report::{is_passing, is_untold, report, report_refused, report_unreadable, told_before};
use super::validate::{outline, validate};
use crate::board::{Running, not_looked_at};
use crate::children::{self, Kind};
use crate::house::{House, Stored};

/// What drifts on the broker, which tells nobody, is found within this.
const AGAIN: Duration = Duration::from_secs(30);

/// After trouble of the world; it is often over soon.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// After steps were taken: whether they helped.
const AFTER_STEPS: Duration = Duration::from_millis(200);

/// A walk ends well: what went wrong stands in the status. Only what cannot be written there is an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Never {
    /// The API server did not take a report, a finalizer or the end of the workers.
    #[error("could not write to the API server")]
    Write(#[from] kube::Error),
}

/// Makes broker and cluster look like the resource, and says how far that is so.
pub(crate) async fn reconcile(stored: Arc<Stored>, house: Arc<House>) -> Result<Action, Never> {
    let timer = house.metrics.walks.start_timer();
    let key = key_of(&stored);
    let is_leaving = stored.meta().deletion_timestamp.is_some();
    let action = match (&stored.0, is_leaving) {
        (Ok(pipeline), true) => depart(pipeline, &key, &house).await,
        (Ok(pipeline), false) => walk(pipeline, &key, &house).await,
        (Err(unreadable), _) => cannot_read(unreadable, &key, &house).await,
    };
    timer.observe_duration();
    action
}

/// The API server took it under another version of its definition, or the definition is not ours.
async fn cannot_read(unreadable: &InvalidObject, key: &Key, house: &House) -> Result<Action, Never> {
    house.board.note_running(key, None);
    if unreadable.metadata.deletion_timestamp.is_some() {
        release_unreadable(key, &unreadable.metadata, house).await?;
    } else if house.board.is_news(key, unreadable.metadata.generation) {
        report_unreadable(key, unreadable.metadata.generation, &unreadable.error, house).await?;
        house.board.note_unreadable(key, unreadable.metadata.generation);
    }
    Ok(Action::await_change())
}

/// When a report could not be written.
#[expect(clippy::needless_pass_by_value, reason = "the controller passes values")]
pub(crate) fn retry(stored: Arc<Stored>, error: &Never, house: Arc<House>) -> Action {
    tracing::warn!(pipeline = %key_of(&stored), error = host::chain(error), "the walk is done again");
    house.metrics.failed.inc();
    Action::requeue(AFTER_TROUBLE)
}

async fn walk(pipeline: &LoyaltyPipeline, key: &Key, house: &House) -> Result<Action, Never> {
    if !take_in_hand(pipeline, house).await? {
        return Ok(Action::requeue(AFTER_STEPS));
    }
    let valid = match check(pipeline, key, house).await {
        Ok(valid) => valid,
        Err(problem) => {
            follow_further(pipeline, key, house).await;
            report_refused(pipeline, problem, house).await?;
            return Ok(Action::requeue(AGAIN));
        }
    };
    let stepped_at = house.board.stepped_at(key);
    if let Some(wait) = unseen_for(&valid, stepped_at, house).await {
        return Ok(Action::requeue(wait));
    }
    let is_first = stepped_at.is_none() && is_untold(pipeline);
    let observed = observe(&valid, house).await;
    let scaled = house.board.scaled(key);
    let context = Context {
        image: &house.image,
        scaled: scaled.as_ref().map(|scaled| scaled.replicas),
        drain: match &scaled {
            Some(scaled) => scaled.drain.clone(),
            // What the operator before this one said, until the queues were looked at again.
            None if observed.broker.is_ok() => {
                told_before(pipeline, ConditionType::DrainOnTarget).unwrap_or_else(not_looked_at)
            }
            None => not_looked_at(),
        },
        stuck: &house.board.stuck_steps(key),
        now: Timestamp::now().round(jiff::Unit::Second).unwrap_or_default(),
    };
    let mut plan = plan(&valid, &observed, &context);
    apply(&valid, &observed, &mut plan, house).await;
    tell_repetition(&mut plan, key, house);
    note_running(&valid, &observed, house);
    // The next walk, a moment later, mostly finds it done; if not, that is told then.
    if !(is_first && has_only_begun(&plan)) {
        report(pipeline, &valid, &plan.findings, house).await?;
    }
    Ok(next(&observed, &plan))
}

/// Whether steps were taken on the broker, and nothing is wrong.
fn has_only_begun(plan: &Plan) -> bool {
    let is_fine = |finding: &Finding| finding.status == ConditionStatus::True || is_passing(finding.reason);
    plan.findings.topology.reason == Reason::Progressing && plan.findings.parts().iter().all(|(_, part)| is_fine(part))
}

/// What runs of a resource that is refused now goes on, and so does its scaling as it was accepted last. Where another operator accepted
/// it, nobody knows what that was: then the number of workers is held. That nobody shall work is heard all the same.
async fn follow_further(pipeline: &LoyaltyPipeline, key: &Key, house: &House) {
    if house.board.is_running(key) {
        return house.board.note_suspend(key, pipeline.spec.suspend);
    }
    let Some(valid) = outline(pipeline) else { return };
    let live = house.shelves.get(Kind::Deployment, &key.namespace, &children::child_name(&valid.name, "worker"));
    let Some(live) = live.filter(|live| children::is_ours(Kind::Deployment, live, &valid)) else { return };
    if let Ok(link) = link(&valid, house).await {
        // Whatever its spec says of scaling may be what was refused.
        let held_at = live["spec"]["replicas"].as_u64().and_then(|count| u32::try_from(count).ok());
        let running = Running { valid: Arc::new(valid), link, held_at: held_at.or(Some(0)), ledger: None };
        house.board.note_running(key, Some(running));
    }
}

/// What is applied again and again, and never stays, is changed back by somebody: that is told, and done less often. What was held or
/// refused was not applied.
fn tell_repetition(plan: &mut Plan, key: &Key, house: &House) {
    let steps: Vec<String> = plan
        .children
        .iter()
        .map(|step| match step {
            ChildStep::Apply(child, why) => format!("{} `{}`: {why}", child.kind, child.name),
            ChildStep::Delete(kind, name) => format!("{kind} `{name}`"),
        })
        .collect();
    if house.board.is_repeated(key, &steps) && plan.findings.workers.reason != Reason::ClusterRefused {
        let what = steps.join(", ");
        let message = format!("{what} is changed back by somebody; see admission webhooks and other controllers");
        plan.findings.workers = Finding::no(Reason::Different, message);
    }
}

/// The earlier answer for the same generation, or a new one.
async fn check(pipeline: &LoyaltyPipeline, key: &Key, house: &House) -> Result<Arc<Valid>, String> {
    let (uid, generation) = (pipeline.uid().unwrap_or_default(), pipeline.metadata.generation.unwrap_or_default());
    if let Some(answer) = house.board.checked(key, &uid, generation) {
        return answer;
    }
    let copy = pipeline.clone();
    // Compiling many rules takes long enough to hold up everybody else.
    let answer = tokio::task::spawn_blocking(move || validate(&copy).map(Arc::new)).await;
    let answer = answer.unwrap_or_else(|error| Err(format!("the rules could not be compiled: {error}")));
    house.board.note_checked(key, (&uid, generation), &answer);
    answer
}

fn note_running(valid: &Arc<Valid>, observed: &Observed, house: &House) {
    // A broker that is away for a moment takes nothing back: its queues are looked at as soon as it is there again.
    if let Ok(broker) = &observed.broker {
        let ledger = match &observed.ledger {
            SeenLedger::Ready { ledger, .. } => Some(ledger.clone()),
            _ => None,
        };
        let running = Running { valid: valid.clone(), link: broker.link.clone(), held_at: None, ledger };
        house.board.note_running(&valid.key, Some(running));
    }
}

fn next(observed: &Observed, plan: &Plan) -> Action {
    let findings = &plan.findings;
    let parts = [&findings.topology, &findings.ledger, &findings.workers];
    if parts.iter().any(|finding| is_trouble(finding.reason)) {
        return Action::requeue(AFTER_TROUBLE);
    }
    let is_unseen = observed.broker.as_ref().is_ok_and(|broker| broker.seen.is_err());
    if plan.is_empty() || is_unseen { Action::requeue(AGAIN) } else { Action::requeue(AFTER_STEPS) }
}

/// What may be over soon, and tells nobody when it is.
fn is_trouble(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::BrokerUnreachable
            | Reason::BrokerRefused
            | Reason::ClusterRefused
            | Reason::Conflict
            | Reason::Different
            | Reason::LedgerUnreachable
            | Reason::LedgerRefused
            | Reason::RulesRefused
    )
}

fn key_of(stored: &Stored) -> Key {
    Key { namespace: stored.namespace().unwrap_or_default(), name: stored.name_any() }
}
