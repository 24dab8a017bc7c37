//! Whether a resource can be done. Nothing is asked of anybody.

use std::sync::Arc;

use api::LoyaltyPipeline;
use contract::PipelineName;
use contract::config::WorkerConfig;
use contract::ruleset::Ruleset;
use kube::ResourceExt;

use super::nouns::{Key, Valid};

/// Problems that are told in a message; the rest is a number.
const TOLD_MAX: usize = 10;

/// The pipeline, or what is wrong with it in one text.
pub(super) fn validate(pipeline: &LoyaltyPipeline) -> Result<Valid, String> {
    let mut problems: Vec<String> =
        api::validate(pipeline).err().unwrap_or_default().iter().map(ToString::to_string).collect();
    let spec = &pipeline.spec;
    let ruleset = Ruleset::new(&spec.program, &spec.rules);
    let told: Vec<String> = problems.clone();
    let faults = rules::compile(ruleset.clone()).err().unwrap_or_default();
    // What the shape said of a field is not said of it twice.
    let news = faults.iter().filter(|fault| !told.iter().any(|told| told.starts_with(&format!("`{}`", fault.path))));
    problems.extend(news.map(place));
    let name = PipelineName::parse(&pipeline.name_any()).map_err(|problem| format!("`metadata.name` {problem}"));
    let name = match (name, problems.is_empty()) {
        (Ok(name), true) => name,
        (Err(problem), true) => return Err(problem),
        (_, false) => return Err(tell(&problems)),
    };
    Ok(valid(pipeline, name, ruleset))
}

/// What a resource has made on the broker, as far as it says so, whether or not it is right otherwise.
pub(super) fn outline(pipeline: &LoyaltyPipeline) -> Option<Valid> {
    let name = PipelineName::parse(&pipeline.name_any()).ok()?;
    let ruleset = Ruleset::new(&pipeline.spec.program, &pipeline.spec.rules);
    Some(valid(pipeline, name, ruleset))
}

fn valid(pipeline: &LoyaltyPipeline, name: PipelineName, ruleset: Ruleset) -> Valid {
    let spec = pipeline.spec.clone();
    let key = Key { namespace: pipeline.namespace().unwrap_or_default(), name: name.to_string() };
    let owner = key.to_string();
    let (events, queue, results) = (&spec.events, &spec.queue, &spec.results);
    let wanted = topology::desired(&topology::Pipeline { name: &name, owner: &owner, events, queue, results });
    let config = WorkerConfig {
        pipeline: name.clone(),
        currency: spec.program.currency,
        events: events.clone(),
        queue: queue.clone(),
        results: results.clone(),
    };
    let uid = pipeline.uid().unwrap_or_default();
    Valid { key, uid, name, owner, wanted: Arc::new(wanted), ruleset, config, spec }
}

fn place(fault: &rules::RuleError) -> String {
    let place = match (fault.line, fault.column) {
        (Some(line), Some(column)) => format!(" line {line}, column {column}"),
        _ => String::new(),
    };
    format!("`{}`{place} {}", fault.path, fault.problem)
}

fn tell(problems: &[String]) -> String {
    let mut text = problems.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join("; ");
    if problems.len() > TOLD_MAX {
        text = format!("{text}; and {} more", problems.len() - TOLD_MAX);
    }
    text
}
