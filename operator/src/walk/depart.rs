//! The walk toward nothing: workers first, then, where the resource says `Delete`, the broker's objects once they are empty.
//!
//! A resource that says `Retain` carries no finalizer, so that it goes at once and the cluster collects what it owned.

use std::time::Duration;

use api::{ConditionType, DeletionPolicy, LoyaltyPipeline, Reason};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::apply::broker_steps;
use super::nouns::{Finding, Findings, Key, SeenBroker, Trouble, Valid};
use super::observe::{BROKER_FIELD, see_broker, unseen_for};
use super::reconcile::Never;
use super::report::{News, report, tell, told_before};
use super::validate::outline;
use crate::children::{self, Kind};
use crate::cluster;
use crate::house::{FIELD_MANAGER, House};
use crate::writes::Side;

/// What holds a resource until its objects on the broker are gone.
const FINALIZER: &str = "loyalty.dev/broker";

/// With the value `true`: queues go with what they hold.
const FORCE: &str = "loyalty.dev/force-delete";

/// A broker that has been away or unseen for so long is gone for good, as far as a deletion is concerned.
pub(crate) const GIVEN_UP_AFTER: Duration = Duration::from_mins(5);

/// The last pods have up to their grace period to end.
const AGAIN: Duration = Duration::from_secs(2);

/// While messages remain, or the broker is away.
const LATER: Duration = Duration::from_secs(5);

/// How far a departure has come.
enum Step {
    /// Nothing is left that we are to remove.
    Done,
    /// What was done last cannot be seen yet.
    Unseen(Duration),
    /// Something goes on, and is looked at again.
    Again(String),
    /// Somebody has to do something first.
    Held(Trouble),
    /// It cannot be gone on with, ever: what is left is named.
    LeftBehind(String),
}

/// Adds or removes the finalizer, as the deletion policy wants it. `false`: the resource is gone or was changed meanwhile, and what is
/// known of it must not be acted on.
pub(super) async fn take_in_hand(pipeline: &LoyaltyPipeline, house: &House) -> kube::Result<bool> {
    let wanted = pipeline.spec.deletion_policy == DeletionPolicy::Delete;
    if wanted == is_in_hand(pipeline) {
        return Ok(true);
    }
    set_finalizer(pipeline, wanted, house).await
}

fn is_in_hand(pipeline: &LoyaltyPipeline) -> bool {
    pipeline.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

async fn set_finalizer(pipeline: &LoyaltyPipeline, wanted: bool, house: &House) -> kube::Result<bool> {
    let others = pipeline.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER);
    let finalizers: Vec<&str> = others.map(String::as_str).chain(wanted.then_some(FINALIZER)).collect();
    let metadata = json!({ "finalizers": finalizers, "resourceVersion": pipeline.resource_version() });
    patch_metadata(&pipeline.namespace().unwrap_or_default(), &pipeline.name_any(), metadata, house).await
}

/// `false`: gone, or changed meanwhile; the next walk knows.
async fn patch_metadata(namespace: &str, name: &str, metadata: serde_json::Value, house: &House) -> kube::Result<bool> {
    let api: Api<kube::core::PartialObjectMeta<LoyaltyPipeline>> = Api::namespaced(house.client.clone(), namespace);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch_metadata(name, &params, &Patch::Merge(json!({ "metadata": metadata }))).await {
        Err(kube::Error::Api(error)) if [404, 409].contains(&error.code) => Ok(false),
        Err(error) => Err(error),
        Ok(_) => {
            house.writes.done(Side::Cluster).await;
            Ok(true)
        }
    }
}

/// For a resource that cannot be read: nobody can tell what it made, so that it must not be held. An event says that something may stay.
pub(super) async fn release_unreadable(
    key: &Key,
    metadata: &kube::core::ObjectMeta,
    house: &House,
) -> kube::Result<()> {
    let finalizers = metadata.finalizers.clone().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(());
    }
    let about = ObjectReference {
        api_version: Some(LoyaltyPipeline::api_version(&()).into_owned()),
        kind: Some(LoyaltyPipeline::kind(&()).into_owned()),
        name: Some(key.name.clone()),
        namespace: Some(key.namespace.clone()),
        uid: metadata.uid.clone(),
        ..ObjectReference::default()
    };
    let what = "the resource could not be read, so that nobody knows what it made; queues and exchanges stay on the broker, and so does \
                the volume of an embedded ledger; delete them by hand";
    tell_left_behind(&about, what, key, house).await;
    let others: Vec<&String> = finalizers.iter().filter(|finalizer| *finalizer != FINALIZER).collect();
    patch_metadata(&key.namespace, &key.name, json!({ "finalizers": others }), house).await.map(|_| ())
}

pub(super) async fn depart(pipeline: &LoyaltyPipeline, key: &Key, house: &House) -> Result<Action, Never> {
    house.board.note_running(key, None);
    if !is_in_hand(pipeline) {
        return Ok(Action::await_change());
    }
    let Some(valid) = outline(pipeline) else {
        return release(pipeline, house).await;
    };
    match step(pipeline, &valid, house).await? {
        Step::Done => {
            remove_claim(&valid, house).await?;
            release(pipeline, house).await
        }
        Step::Unseen(wait) => Ok(Action::requeue(wait)),
        Step::Again(what) => {
            report(pipeline, &valid, &leaving(pipeline, &valid, Finding::no(Reason::Deleting, what)), house).await?;
            Ok(Action::requeue(AGAIN))
        }
        Step::Held(trouble) => {
            report(pipeline, &valid, &leaving(pipeline, &valid, trouble.finding()), house).await?;
            Ok(Action::requeue(LATER))
        }
        Step::LeftBehind(mut what) => {
            if valid.is_embedded() {
                what.push_str("; the ledger's volume goes, with all points");
            }
            tell_left_behind(&pipeline.object_ref(&()), &what, key, house).await;
            remove_claim(&valid, house).await?;
            release(pipeline, house).await
        }
    }
}

/// Before the resource is let go: afterwards there is none to tell it of.
async fn tell_left_behind(about: &ObjectReference, what: &str, key: &Key, house: &House) {
    let (type_, on) = (EventType::Warning, ConditionType::TopologyInSync);
    tell(News { about, type_, reason: Reason::Deleting, on, note: what }, house).await;
    tracing::warn!(pipeline = %key, what, "released");
}

/// Lets the resource go; once more where it was changed meanwhile.
async fn release(pipeline: &LoyaltyPipeline, house: &House) -> Result<Action, Never> {
    let is_free = set_finalizer(pipeline, false, house).await?;
    Ok(if is_free { Action::await_change() } else { Action::requeue(AGAIN) })
}

async fn step(pipeline: &LoyaltyPipeline, valid: &Valid, house: &House) -> kube::Result<Step> {
    if valid.spec.deletion_policy == DeletionPolicy::Retain {
        return Ok(Step::Done);
    }
    let left = workers_left(valid, house).await?;
    let idle_since = house.board.note_idle(&valid.key, left.is_none());
    if let Some(what) = left {
        return Ok(Step::Again(what));
    }
    let since = idle_since.max(house.board.stepped_at(&valid.key));
    if let Some(wait) = unseen_for(valid, since, house).await {
        return Ok(Step::Unseen(wait));
    }
    let secret = &valid.spec.broker.secret_ref.name;
    let broker = match house.secrets.read(&valid.key.namespace, secret, BROKER_FIELD).await {
        Ok(held) => see_broker(valid, house, held, since).await,
        Err(trouble) => Err(trouble),
    };
    Ok(match broker {
        Ok(broker) => {
            if broker.seen.is_ok() {
                house.board.note_there(&valid.key);
            }
            remove(pipeline, valid, &broker, house).await
        }
        Err(trouble) => without_broker(valid, trouble, house),
    })
}

/// What is still there of the workers, after a step toward nothing.
async fn workers_left(valid: &Valid, house: &House) -> kube::Result<Option<String>> {
    let (namespace, name) = (&valid.key.namespace, children::child_name(&valid.name, "worker"));
    if let Some(live) = house.shelves.get(Kind::Deployment, namespace, &name)
        && children::is_ours(Kind::Deployment, &live, valid)
    {
        let _held = house.board.writing(&valid.key).lock_owned().await;
        cluster::delete(&house.client, Kind::Deployment, namespace, &name).await?;
        house.writes.done(Side::Cluster).await;
        return Ok(Some("the workers are being removed".to_owned()));
    }
    let pods = house.shelves.pods_of(&valid.key, children::WORKER).len();
    Ok((pods > 0).then(|| format!("{pods} workers are still ending; nothing of the broker is removed before")))
}

async fn remove(pipeline: &LoyaltyPipeline, valid: &Valid, broker: &SeenBroker, house: &House) -> Step {
    let seen = match &broker.seen {
        Ok(seen) => seen,
        // It may be a moment only.
        Err(why) => {
            let message = format!("{why}, so that nobody can tell which queues are empty");
            return without_broker(valid, Trouble::new(Reason::NotReadBack, message), house);
        }
    };
    let removal = topology::removal(&broker.wanted, seen, &valid.owner);
    let is_forced = pipeline.annotations().get(FORCE).is_some_and(|value| value == "true");
    let steps = if is_forced { removal.forced() } else { removal.steps() };
    let taken = broker_steps(&broker.link, &steps, house).await;
    house.board.note_steps(&valid.key, &steps);
    if let Err(trouble) = taken {
        return Step::Held(trouble);
    }
    if !steps.is_empty() {
        return Step::Again(format!("{} objects of the broker were removed, what is left is looked at", steps.len()));
    }
    if removal.holding.is_empty() { Step::Done } else { Step::Held(not_empty(&removal.holding)) }
}

fn not_empty(holding: &[topology::Left]) -> Trouble {
    let queues: Vec<String> = holding
        .iter()
        .take(5)
        .map(|left| match left.messages {
            Some(messages) => format!("{} holds {messages} messages", left.object),
            None => format!("{}: the broker does not tell yet how many messages it holds", left.object),
        })
        .collect();
    let advice = format!("drain or purge them, or annotate the resource with `{FORCE}: \"true\"` to lose them");
    Trouble::new(Reason::QueuesNotEmpty, format!("{}; {advice}", queues.join(", ")))
}

fn without_broker(valid: &Valid, trouble: Trouble, house: &House) -> Step {
    let left = |why: &str| format!("queues and exchanges stay on the broker: {why}; delete them by hand");
    match trouble.reason {
        // It went with its namespace, or was deleted by hand: nobody can tell any more where the broker is.
        Reason::SecretMissing => Step::LeftBehind(left(&trouble.message)),
        // That the API server does not answer says nothing about the broker.
        Reason::ClusterRefused => Step::Held(trouble),
        _ if house.board.away_for(&valid.key) > house.given_up_after => Step::LeftBehind(left(&trouble.message)),
        _ => Step::Held(trouble),
    }
}

/// The volume of an embedded ledger goes only where everything was asked to go; then also where the broker kept something: whoever wrote
/// `Delete` does not look for a volume afterwards.
async fn remove_claim(valid: &Valid, house: &House) -> kube::Result<()> {
    if !valid.is_embedded() || valid.spec.deletion_policy == DeletionPolicy::Retain {
        return Ok(());
    }
    let (namespace, name) = (&valid.key.namespace, children::child_name(&valid.name, "ledger"));
    let live = house.shelves.get(Kind::Claim, namespace, &name);
    if live.is_some_and(|live| children::is_ours(Kind::Claim, &live, valid)) {
        cluster::delete(&house.client, Kind::Claim, namespace, &name).await?;
        house.writes.done(Side::Cluster).await;
    }
    Ok(())
}

fn leaving(pipeline: &LoyaltyPipeline, valid: &Valid, topology: Finding) -> Findings {
    let deleting = Finding::no(Reason::Deleting, "the resource is being deleted, and no worker shall run");
    let right = || Finding::yes(Reason::Valid, "every field, rule and condition is right");
    let ledger = if valid.is_embedded() && valid.spec.deletion_policy == DeletionPolicy::Delete {
        "the ledger's volume is deleted at the end, with all points"
    } else {
        "the ledger keeps all points"
    };
    Findings {
        // Nobody checks any more what is to go.
        accepted: told_before(pipeline, ConditionType::Accepted).unwrap_or_else(right),
        topology,
        ledger: Finding::yes(Reason::Deleting, ledger),
        workers: deleting.clone(),
        drain: deleting,
        held: Vec::new(),
    }
}
