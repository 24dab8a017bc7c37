//! What shall be done, from what is wanted and what stands. Pure, and cannot fail.

use api::{AutoscalingMode, Reason};
use contract::broker_object::{Standing, Step};
use jiff::{SignedDuration, Timestamp};
use topology::{Conflict, Left};

use super::nouns::{ChildStep, Finding, Findings, Observed, Plan, SeenBroker, SeenLedger, Valid};
use crate::children::{self, Child, Kind, MigrationState, Pods, WorkerImage};

/// What is known beside what stands.
pub(super) struct Context<'a> {
    pub(super) image: &'a WorkerImage,
    /// How many workers the scaling wants, if it has decided already.
    pub(super) scaled: Option<u32>,
    pub(super) drain: Finding,
    /// Steps that were taken a while ago and again and again since: what is planned once more did not help.
    pub(super) stuck: &'a [Step],
    pub(super) now: Timestamp,
}

/// How long the walk that sees a Job done may have looked at the ledger before.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(15);

pub(super) fn plan(valid: &Valid, observed: &Observed, context: &Context<'_>) -> Plan {
    let (broker, topology, mut held) = match &observed.broker {
        Ok(broker) => broker_steps(valid, broker, context.stuck),
        Err(trouble) => (Vec::new(), trouble.finding(), Vec::new()),
    };
    let is_broker_fine = observed.broker.is_ok() && topology.reason != Reason::Conflict;
    let ledger = ledger_finding(valid, observed, context);
    let is_ledger_fine = matches!(observed.ledger, SeenLedger::Embedded | SeenLedger::Ready { .. });
    let replicas = replicas(valid, observed, context);
    let worker = children::child_name(&valid.name, "worker");
    let map = observed.live.get(&(Kind::ConfigMap, worker));
    let pods = Pods {
        image: context.image,
        secrets: &observed.secrets,
        ledger_key: observed.ledger_key.as_deref(),
        rules_since: children::rules_since(valid, map, context.now),
    };
    let mut wanted = children::beside(valid);
    if let SeenLedger::Behind { needed, .. } = observed.ledger {
        wanted.push(children::job(valid, &Pods { secrets: &observed.ledger_version, ..pods }, needed));
    }
    // Whatever is in trouble: nobody shall work while `suspend` is set, and a pod that does not run needs neither.
    let is_to_end = valid.spec.suspend && live_replicas(valid, observed).is_some_and(|count| count > 0);
    if is_to_end || (is_broker_fine && is_ledger_fine) {
        // What workers are told goes with them: a pod that starts again reads it.
        wanted.push(children::config_map(valid, pods.rules_since));
        wanted.push(children::deployment(valid, &pods, replicas));
    } else {
        held.push("Deployment: waits for broker and ledger".to_owned());
    }
    let (steps, foreign) = child_steps(&wanted, observed, &mut held);
    let workers = workers_finding(valid, observed, replicas, foreign);
    let append_rules = matches!(observed.ledger, SeenLedger::Ready { knows_rules: false, .. });
    let accepted = Finding::yes(Reason::Valid, "every field, rule and condition is right");
    let drain = context.drain.clone();
    let findings = Findings { accepted, topology, ledger, workers, drain, held };
    Plan { broker, append_rules, children: steps, findings }
}

fn broker_steps(valid: &Valid, broker: &SeenBroker, stuck: &[Step]) -> (Vec<Step>, Finding, Vec<String>) {
    let standing = match &broker.seen {
        Ok(seen) => Standing::Seen(seen.clone()),
        Err(why) => {
            let message = format!("declared; {why}, so that nothing can be read back");
            let steps = topology::diff(&broker.wanted, &Standing::Unseen, &valid.owner).steps;
            return (steps, Finding::unknown(Reason::NotReadBack, message), Vec::new());
        }
    };
    let plan = topology::diff(&broker.wanted, &standing, &valid.owner);
    let stranded: Vec<String> = plan.left.iter().filter_map(stranded).collect();
    if !plan.conflicts.is_empty() {
        let mut held = plan.conflicts.iter().map(conflict).collect::<Vec<_>>();
        let more =
            if held.len() > 1 { format!("; and {} more, see `status.plan`", held.len() - 1) } else { String::new() };
        let first = held.first().cloned().unwrap_or_default();
        held.extend(stranded);
        return (Vec::new(), Finding::no(Reason::Conflict, format!("{first}{more}")), held);
    }
    let finding = match plan.steps.len() {
        0 if !stranded.is_empty() => {
            let all = stranded.iter().chain(&broker.contested).map(String::as_str).collect::<Vec<_>>();
            Finding::yes(Reason::Stranded, all.join("; "))
        }
        0 if broker.contested.is_empty() => Finding::yes(Reason::InSync, "read back, no difference"),
        0 => Finding::yes(Reason::Contested, broker.contested.join("; ")),
        count if plan.steps == stuck => {
            let first = topology::render(&topology::Plan { steps: plan.steps[..1].to_vec(), ..Default::default() });
            let message = format!("the broker took {count} steps and stored nothing, the first: {}", first.trim());
            Finding::no(Reason::Different, message)
        }
        count => Finding::no(Reason::Progressing, format!("{count} steps are being taken")),
    };
    (plan.steps, finding, stranded)
}

/// What is in a queue that the resource named once and names no more: nobody reads it. Nothing of an exchange, nor of what is empty.
fn stranded(left: &Left) -> Option<String> {
    let queue = left.object.strip_prefix("queue ")?;
    let holds = match left.messages {
        Some(0) => return None,
        Some(1) => "holds 1 message".to_owned(),
        Some(messages) => format!("holds {messages} messages"),
        None => "may hold messages, the broker does not tell how many".to_owned(),
    };
    Some(format!(
        "queue {queue} {holds}, and nobody reads them since the resource does not name it any more: write back what was removed \
         until they are done, or move or purge them and delete the queue"
    ))
}

fn conflict(conflict: &Conflict) -> String {
    let Conflict { object, field, have, want, advice } = conflict;
    format!("{object}: {field} is `{have}`, wanted `{want}`; {advice}")
}

fn ledger_finding(valid: &Valid, observed: &Observed, context: &Context<'_>) -> Finding {
    match &observed.ledger {
        SeenLedger::Embedded => match &observed.migration_trouble {
            Some(trouble) => Finding::no(Reason::LedgerRefused, trouble.clone()),
            None => {
                Finding::yes(Reason::Embedded, "a file on the worker's volume, made by the worker's first container")
            }
        },
        SeenLedger::Ready { .. } => {
            Finding::yes(Reason::Migrated, format!("rules {} are in force", valid.ruleset.hash().short()))
        }
        SeenLedger::Behind { stands, needed } => {
            let tables = format!("the tables stand at version {stands}, version {needed} is needed");
            migration_finding(valid, observed, context, (&tables, *needed))
        }
        SeenLedger::Trouble(trouble) => trouble.finding(),
    }
}

fn migration_finding(
    valid: &Valid,
    observed: &Observed,
    context: &Context<'_>,
    (tables, needed): (&str, u32),
) -> Finding {
    let name = children::child_name(&valid.name, &format!("migrate-{needed}"));
    let job = observed.live.get(&(Kind::Job, name.clone()));
    let trouble = observed.migration_trouble.as_ref();
    let again = format!("delete Job `{name}` to try again");
    match job.map(children::migration_state) {
        Some(MigrationState::Failed) => {
            let why = trouble.map_or("see the log of its pods", String::as_str);
            Finding::no(Reason::MigrationFailed, format!("{tables}, and its Job failed: {why}; {again}"))
        }
        Some(MigrationState::Done) if job.is_some_and(|job| is_of_no_use(job, context.now)) => {
            let image = &context.image.image;
            let why = format!("its Job is done: `{image}` knows an older version, or a backup was restored");
            Finding::no(
                Reason::MigrationFailed,
                format!("{tables}, and {why}; see `workerImage` of the chart, {again}"),
            )
        }
        _ => {
            let why = trouble.map(|trouble| format!(": {trouble}")).unwrap_or_default();
            Finding::no(Reason::Migrating, format!("{tables}; a Job is at it{why}"))
        }
    }
}

/// Whether the ledger was looked at after the Job was done.
fn is_of_no_use(job: &serde_json::Value, now: Timestamp) -> bool {
    children::done_at(job).is_none_or(|done| now.duration_since(done) > SEEN_WITHIN)
}

fn replicas(valid: &Valid, observed: &Observed, context: &Context<'_>) -> u32 {
    let most = if valid.is_embedded() { 1 } else { u32::MAX };
    let autoscaling = &valid.spec.workers.autoscaling;
    if valid.spec.suspend {
        return 0;
    }
    match autoscaling.mode {
        AutoscalingMode::Off => valid.spec.workers.count.min(most),
        AutoscalingMode::Builtin => {
            let live = || live_replicas(valid, observed);
            let wanted = context.scaled.or_else(live).unwrap_or(autoscaling.min);
            wanted.clamp(autoscaling.min, autoscaling.max).min(most)
        }
    }
}

fn live_deployment<'a>(valid: &Valid, observed: &'a Observed) -> Option<&'a serde_json::Value> {
    observed.live.get(&(Kind::Deployment, children::child_name(&valid.name, "worker")))
}

fn live_replicas(valid: &Valid, observed: &Observed) -> Option<u32> {
    let count = live_deployment(valid, observed)?["spec"]["replicas"].as_u64()?;
    u32::try_from(count).ok()
}

/// Steps in the order of kinds, and what stands in the way of one. Workers do not run with what is somebody else's.
fn child_steps(wanted: &[Child], observed: &Observed, held: &mut Vec<String>) -> (Vec<ChildStep>, Option<Finding>) {
    let mut steps = Vec::new();
    let mut foreign = None;
    for child in wanted {
        if child.kind == Kind::Deployment && foreign.is_some() {
            held.push("Deployment: waits for the objects that it uses".to_owned());
            continue;
        }
        let at = (child.kind, child.name.clone());
        if let Some((kind, name, why)) =
            observed.others.unseen.iter().find(|(kind, name, _)| (*kind, name) == (at.0, &at.1))
        {
            let message = format!("could not ask for {kind} `{name}`: {why}");
            foreign.get_or_insert(Finding::no(Reason::ClusterRefused, message));
            continue;
        }
        if observed.others.foreign.contains(&at) {
            let (kind, name) = at;
            let advice = "is not this pipeline's; delete it, or give the pipeline another name";
            foreign.get_or_insert(Finding::no(Reason::Conflict, format!("{kind} `{name}` {advice}")));
            continue;
        }
        if let Some(why) = differs(child, observed.live.get(&at)) {
            // A Job cannot change: it goes now, and is made again when it is gone.
            let is_standing_job = child.kind == Kind::Job && observed.live.contains_key(&at);
            steps.push(if is_standing_job {
                ChildStep::Delete(child.kind, child.name.clone())
            } else {
                ChildStep::Apply(Box::new(child.clone()), why)
            });
        }
    }
    steps.sort_by_key(|step| match step {
        ChildStep::Apply(child, _) => child.kind,
        ChildStep::Delete(kind, _) => *kind,
    });
    (steps, foreign)
}

fn differs(child: &Child, live: Option<&serde_json::Value>) -> Option<String> {
    let Some(live) = live else { return Some("missing".to_owned()) };
    // A Claim can only grow, and a Job never changes: what they were made from is all that can be looked at.
    if !children::is_made_from(live, &child.body) && child.kind != Kind::Claim {
        return Some("made from something else".to_owned());
    }
    match child.kind {
        Kind::Claim | Kind::Job => None,
        _ => children::difference(live, &child.body),
    }
}

fn workers_finding(valid: &Valid, observed: &Observed, replicas: u32, foreign: Option<Finding>) -> Finding {
    if let Some(foreign) = foreign {
        return foreign;
    }
    if valid.spec.suspend {
        let left = live_deployment(valid, observed).map_or(0, |live| {
            let number = |field: &serde_json::Value| field.as_u64().unwrap_or(0);
            number(&live["spec"]["replicas"]).max(number(&live["status"]["replicas"]))
        });
        if left > 0 {
            return Finding::no(Reason::Progressing, format!("{left} workers are ending, because `suspend` is set"));
        }
        return Finding::yes(Reason::Suspended, "no worker shall run while `suspend` is set; events wait");
    }
    let Some(live) = live_deployment(valid, observed) else {
        return Finding::no(Reason::Progressing, "the Deployment is not there yet");
    };
    let number = |field: &str| live["status"][field].as_u64().unwrap_or(0);
    let (ready, updated, all) = (number("readyReplicas"), number("updatedReplicas"), number("replicas"));
    let wanted = u64::from(replicas);
    let is_seen = live["status"]["observedGeneration"] == live["metadata"]["generation"];
    if ready == wanted && updated == wanted && all == wanted && is_seen {
        return Finding::yes(Reason::Available, format!("{ready} of {wanted} are ready"));
    }
    let so_far = format!("{ready} of {wanted} are ready, {updated} of this version");
    match observed.worker_trouble.clone().or_else(|| rollout_trouble(live)) {
        Some(trouble) => Finding::no(Reason::Unavailable, format!("{so_far}: {trouble}")),
        None => Finding::no(Reason::Progressing, so_far),
    }
}

/// Why there is no pod that could say it: a quota, an admission webhook, no progress.
fn rollout_trouble(deployment: &serde_json::Value) -> Option<String> {
    let conditions = deployment["status"]["conditions"].as_array()?.iter();
    let mut bad = conditions.filter(|it| match it["type"].as_str() {
        Some("ReplicaFailure") => it["status"] == "True",
        Some("Progressing") => it["status"] == "False",
        _ => false,
    });
    bad.find_map(|it| it["message"].as_str()).map(str::to_owned)
}
