//! What is told: the status, and events about what changed in it. Always the last step, also after a refusal.

use api::{Condition, ConditionStatus, ConditionType, LoyaltyPipeline, LoyaltyPipelineStatus, Reason};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::nouns::{Finding, Findings, Key, Valid};
use super::validate::outline;
use crate::children;
use crate::house::{FIELD_MANAGER, House};
use crate::writes::Side;

/// Lines of `status.plan`.
const HELD_MAX: usize = 20;

/// Longest message, in bytes: etcd keeps each version of the object.
const MESSAGE_MAX: usize = 4000;

/// Longest note of an event, in bytes: the API server takes no more than 1024.
const NOTE_MAX: usize = 1000;

/// Writes what was found, where it differs from what is told already.
pub(super) async fn report(
    pipeline: &LoyaltyPipeline,
    valid: &Valid,
    findings: &Findings,
    house: &House,
) -> kube::Result<()> {
    let mut status = status(pipeline, findings);
    let selector = children::selector(valid.name.as_str());
    let selector: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    status.selector = Some(selector.join(","));
    if findings.ledger.status == ConditionStatus::True {
        status.ruleset_hash = Some(valid.ruleset.hash().short().to_owned());
    } else {
        status.ruleset_hash = pipeline.status.as_ref().and_then(|old| old.ruleset_hash.clone());
    }
    // Not looked at yet since this operator began: what the one before it said still counts.
    (status.queue, status.scaling) = pipeline.status.clone().map(|old| (old.queue, old.scaling)).unwrap_or_default();
    tell_numbers(valid, &mut status, house);
    write(pipeline, status, house).await
}

/// What is counted now, as far as somebody looked.
fn tell_numbers(valid: &Valid, status: &mut LoyaltyPipelineStatus, house: &House) {
    let live = house.shelves.deployment(&valid.key.namespace, &children::child_name(&valid.name, "worker"));
    let replicas = live.and_then(|live| live.data["status"]["replicas"].as_i64());
    status.replicas = i32::try_from(replicas.unwrap_or(0)).ok();
    if let Some(scaled) = house.board.scaled(&valid.key) {
        (status.queue, status.scaling) = (Some(scaled.queue), Some(scaled.scaling));
    }
}

/// The same for a resource that is not accepted: what runs goes on, and what is known of it is still told.
pub(super) async fn report_refused(pipeline: &LoyaltyPipeline, problem: String, house: &House) -> kube::Result<()> {
    let mut findings = Findings::refused(problem);
    let valid = outline(pipeline);
    if let Some(scaled) = valid.as_ref().and_then(|valid| house.board.scaled(&valid.key)) {
        findings.drain = scaled.drain;
    }
    let mut status = LoyaltyPipelineStatus {
        conditions: status(pipeline, &findings).conditions,
        observed_generation: pipeline.metadata.generation,
        ..pipeline.status.clone().unwrap_or_default()
    };
    if let Some(valid) = &valid {
        tell_numbers(valid, &mut status, house);
    }
    write(pipeline, status, house).await
}

fn status(pipeline: &LoyaltyPipeline, findings: &Findings) -> LoyaltyPipelineStatus {
    let mut plan: Vec<String> = findings.held.iter().take(HELD_MAX).cloned().collect();
    if findings.held.len() > HELD_MAX {
        plan.push(format!("and {} more", findings.held.len() - HELD_MAX));
    }
    LoyaltyPipelineStatus {
        observed_generation: pipeline.metadata.generation,
        conditions: conditions(told(pipeline), pipeline.metadata.generation, findings),
        plan,
        ..LoyaltyPipelineStatus::default()
    }
}

fn told(pipeline: &LoyaltyPipeline) -> &[Condition] {
    pipeline.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}

/// Whether nothing was ever told of it.
pub(super) fn is_untold(pipeline: &LoyaltyPipeline) -> bool {
    told(pipeline).is_empty()
}

/// Whether a reason says that something has begun or waits, which is worth no event.
pub(super) fn is_passing(reason: Reason) -> bool {
    matches!(reason, Reason::Waiting | Reason::Progressing | Reason::NoSignal | Reason::Deleting)
}

/// What a condition said so far.
pub(super) fn told_before(pipeline: &LoyaltyPipeline, kind: ConditionType) -> Option<Finding> {
    let told = told(pipeline).iter().find(|condition| condition.kind == kind)?;
    Some(Finding { status: told.status, reason: told.reason, message: told.message.clone() })
}

fn conditions(old: &[Condition], observed_generation: Option<i64>, findings: &Findings) -> Vec<Condition> {
    let parts = findings.parts();
    let ready = ready(&parts);
    let all = parts.into_iter().map(|(kind, finding)| (kind, finding.clone()));
    let now = Timestamp::now().round(jiff::Unit::Second).map(|now| now.to_string()).unwrap_or_default();
    let made = all.chain([(ConditionType::Ready, ready)]).map(|(kind, finding)| {
        debug_assert!(is_known(kind, &finding), "the reference knows no {kind} that is {finding:?}");
        let Finding { status, reason, message } = finding;
        let message = cut(&message, MESSAGE_MAX);
        let same = old.iter().find(|old| old.kind == kind && old.status == status);
        let last_transition_time = same.map_or_else(|| now.clone(), |old| old.last_transition_time.clone());
        Condition { kind, status, reason, message, observed_generation, last_transition_time }
    });
    made.collect()
}

/// Whether the reference has it. `Ready` says again what one of its parts says; what another version gave, only that one knows.
fn is_known(kind: ConditionType, finding: &Finding) -> bool {
    let is_derived = kind == ConditionType::Ready && finding.status != ConditionStatus::True;
    is_derived || finding.reason == Reason::Other || finding.reason.given_for().contains(&(kind, finding.status))
}

/// True when all parts are; else the first that is false, else the first that is unknown.
fn ready(parts: &[(ConditionType, &Finding)]) -> Finding {
    let first = |status| parts.iter().find(|(_, finding)| finding.status == status);
    match first(ConditionStatus::False).or_else(|| first(ConditionStatus::Unknown)) {
        None => Finding::yes(Reason::AllTrue, "everything is as the resource says"),
        Some((kind, finding)) => Finding { message: format!("{kind}: {}", finding.message), ..(*finding).clone() },
    }
}

/// At most so many bytes, and that something is missing.
fn cut(text: &str, max: usize) -> String {
    const MORE: &str = "…";
    if text.len() <= max {
        return text.to_owned();
    }
    format!("{}{MORE}", &text[..text.floor_char_boundary(max.saturating_sub(MORE.len()))])
}

async fn write(pipeline: &LoyaltyPipeline, mut status: LoyaltyPipelineStatus, house: &House) -> kube::Result<()> {
    let old = pipeline.status.clone().unwrap_or_default();
    keep_time_of_signal(&old, &mut status);
    if old == status {
        return Ok(());
    }
    let (namespace, name) = (pipeline.namespace().unwrap_or_default(), pipeline.name_any());
    let api: Api<LoyaltyPipeline> = Api::namespaced(house.client.clone(), &namespace);
    let body = json!({
        "apiVersion": LoyaltyPipeline::api_version(&()),
        "kind": LoyaltyPipeline::kind(&()),
        "metadata": { "name": name, "namespace": namespace },
        "status": status,
    });
    match api.patch_status(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&body)).await {
        // Gone while it was looked at.
        Err(kube::Error::Api(error)) if error.code == 404 => return Ok(()),
        answer => drop(answer?),
    }
    house.writes.done(Side::Cluster).await;
    tell_changes(pipeline, &old, &status, house).await;
    Ok(())
}

/// That nothing was read later is no news, where nothing that was read has changed.
fn keep_time_of_signal(old: &LoyaltyPipelineStatus, status: &mut LoyaltyPipelineStatus) {
    if let (Some(old), Some(new)) = (&old.queue, &mut status.queue) {
        let taken = std::mem::replace(&mut new.oldest_signal, old.oldest_signal.clone());
        if new != old {
            new.oldest_signal = taken;
        }
    }
}

async fn tell_changes(
    pipeline: &LoyaltyPipeline,
    old: &LoyaltyPipelineStatus,
    new: &LoyaltyPipelineStatus,
    house: &House,
) {
    for condition in new.conditions.iter().filter(|condition| is_news(&old.conditions, condition)) {
        let type_ = if is_good(condition) { EventType::Normal } else { EventType::Warning };
        let (reason, on, note) = (condition.reason, condition.kind, condition.message.as_str());
        tell(News { about: &pipeline.object_ref(&()), type_, reason, on, note }, house).await;
    }
}

/// Whether a condition is worth an event.
fn is_news(old: &[Condition], condition: &Condition) -> bool {
    let before = old.iter().find(|before| before.kind == condition.kind);
    let same = before.is_some_and(|before| before.status == condition.status && before.reason == condition.reason);
    if condition.kind == ConditionType::Ready {
        // Else it says again what its part said.
        return !same && condition.status == ConditionStatus::True;
    }
    // What came to be well without trouble is told once for all parts, by `Ready`.
    let in_order = is_good(condition) && before.is_none_or(|before| is_passing(before.reason));
    !(same || is_passing(condition.reason) || in_order)
}

fn is_good(condition: &Condition) -> bool {
    let is_warning = matches!(condition.reason, Reason::Contested | Reason::Stranded);
    condition.status == ConditionStatus::True && !is_warning
}

/// Something that happened to an object.
pub(crate) struct News<'a> {
    pub(crate) about: &'a ObjectReference,
    pub(crate) type_: EventType,
    pub(crate) reason: Reason,
    pub(crate) on: ConditionType,
    pub(crate) note: &'a str,
}

/// Publishes one event. That it cannot be is no reason to stop: in a namespace that is ending nothing can be made.
pub(crate) async fn tell(news: News<'_>, house: &House) {
    let News { about, type_, reason, on, note } = news;
    let (reason, action) = (reason.to_string(), on.to_string());
    let event = Event { type_, reason, note: Some(cut(note, NOTE_MAX)), action, secondary: None };
    match house.recorder.publish(&event, about).await {
        Ok(()) => house.writes.done(Side::Cluster).await,
        Err(error) => tracing::debug!(error = host::chain(&error), "could not publish an event"),
    }
}

/// For a resource that could not even be read.
pub(super) async fn report_unreadable(
    key: &Key,
    generation: Option<i64>,
    problem: &str,
    house: &House,
) -> kube::Result<()> {
    // It cannot be read as a pipeline here either.
    let resource = ApiResource::erase::<LoyaltyPipeline>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(house.client.clone(), &key.namespace, &resource);
    let Some(stored) = api.get_opt(&key.name).await? else { return Ok(()) };
    let old: Vec<Condition> = serde_json::from_value(stored.data["status"]["conditions"].clone()).unwrap_or_default();
    let findings = Findings::refused(format!("could not be read: {problem}; correct it"));
    let conditions = conditions(&old, generation, &findings);
    if old == conditions {
        return Ok(());
    }
    let body = json!({
        "apiVersion": LoyaltyPipeline::api_version(&()),
        "kind": LoyaltyPipeline::kind(&()),
        "metadata": { "name": key.name, "namespace": key.namespace },
        "status": { "observedGeneration": generation, "conditions": conditions },
    });
    api.patch_status(&key.name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&body)).await?;
    house.writes.done(Side::Cluster).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(status: ConditionStatus) -> Finding {
        Finding { status, reason: Reason::Behind, message: String::new() }
    }

    #[test]
    fn ready_is_true_if_and_only_if_all_others_are() {
        let statuses = [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown];
        for number in 0..3_usize.pow(5) {
            let findings: Vec<Finding> =
                (0..5).map(|place| finding(statuses[number / 3_usize.pow(place) % 3])).collect();
            let parts: Vec<_> = ConditionType::PARTS.into_iter().zip(&findings).collect();
            let all = findings.iter().all(|finding| finding.status == ConditionStatus::True);
            let any_false = findings.iter().any(|finding| finding.status == ConditionStatus::False);
            let expected = match (all, any_false) {
                (true, _) => ConditionStatus::True,
                (false, true) => ConditionStatus::False,
                (false, false) => ConditionStatus::Unknown,
            };
            assert_eq!(ready(&parts).status, expected, "{findings:?}");
        }
    }

    #[test]
    fn a_condition_that_the_reference_does_not_know_is_seen() {
        use ConditionStatus::{False, True, Unknown};
        use ConditionType::{DrainOnTarget, Ready, TopologyInSync, WorkersReady};
        let table = [
            (WorkersReady, False, Reason::Different, true),
            (TopologyInSync, False, Reason::Deleting, true),
            (TopologyInSync, True, Reason::Stranded, true),
            (DrainOnTarget, Unknown, Reason::Other, true),
            (Ready, True, Reason::AllTrue, true),
            (Ready, False, Reason::Different, true),
            (Ready, True, Reason::InSync, false),
            (WorkersReady, True, Reason::Different, false),
            (DrainOnTarget, False, Reason::Different, false),
        ];
        for (kind, status, reason, known) in table {
            let finding = Finding { status, reason, message: String::new() };
            assert_eq!(is_known(kind, &finding), known, "{kind} {finding:?}");
        }
    }

    #[test]
    fn trouble_and_its_end_are_news_and_what_comes_in_order_is_none() {
        use ConditionStatus::{False, True, Unknown};
        use ConditionType::{Accepted, DrainOnTarget, Ready, TopologyInSync, WorkersReady};
        let condition = |kind, (status, reason)| Condition {
            kind,
            status,
            reason,
            message: String::new(),
            observed_generation: None,
            last_transition_time: String::new(),
        };
        let progressing = (False, Reason::Progressing);
        let table = [
            (Accepted, None, (True, Reason::Valid), false),
            (Accepted, None, (False, Reason::Invalid), true),
            (Accepted, Some((False, Reason::Invalid)), (True, Reason::Valid), true),
            (TopologyInSync, Some(progressing), (True, Reason::InSync), false),
            (TopologyInSync, Some(progressing), (True, Reason::Stranded), true),
            (TopologyInSync, None, (True, Reason::Contested), true),
            (TopologyInSync, Some((True, Reason::InSync)), progressing, false),
            (TopologyInSync, Some((Unknown, Reason::BrokerUnreachable)), (True, Reason::InSync), true),
            (WorkersReady, Some(progressing), (False, Reason::Unavailable), true),
            (WorkersReady, Some((False, Reason::Unavailable)), (True, Reason::Available), true),
            (DrainOnTarget, Some((Unknown, Reason::NoSignal)), (True, Reason::OnTarget), false),
            (DrainOnTarget, Some((False, Reason::Stalled)), (True, Reason::OnTarget), true),
            (Ready, Some(progressing), (True, Reason::AllTrue), true),
            (Ready, Some((True, Reason::AllTrue)), (True, Reason::AllTrue), false),
            (Ready, None, (False, Reason::Invalid), false),
        ];
        for (kind, before, now, expected) in table {
            let old: Vec<Condition> = before.map(|before| condition(kind, before)).into_iter().collect();
            assert_eq!(is_news(&old, &condition(kind, now)), expected, "{kind} {before:?} {now:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters_to_so_many_bytes() {
        assert_eq!(cut("кофе", 8), "кофе");
        assert_eq!(cut("кофе!", 8), "ко…");
        assert!(cut(&"ж".repeat(5000), NOTE_MAX).len() <= NOTE_MAX);
    }

    #[test]
    fn a_later_reading_of_the_same_numbers_is_no_news() {
        let queue = |ready, at: &str| api::QueueStatus {
            ready: Some(ready),
            oldest_signal: Some(at.to_owned()),
            ..Default::default()
        };
        let status = |queue| LoyaltyPipelineStatus { queue: Some(queue), ..Default::default() };
        let old = status(queue(3, "a"));
        let mut same = status(queue(3, "b"));
        keep_time_of_signal(&old, &mut same);
        assert_eq!(old, same);
        let mut other = status(queue(4, "b"));
        keep_time_of_signal(&old, &mut other);
        assert_eq!(other, status(queue(4, "b")));
    }
}
