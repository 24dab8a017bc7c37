//! The screen of one pipeline. Pure.

use super::age::since;
use super::look::Look;
use super::told::{Condition, Event, Pipeline, Queue, Workers};
use crate::screen::{Cell, Screen, Table, grouped, plain, wrap};

/// Width of the names before the values.
const NAME_WIDTH: usize = 9;

pub(super) fn render(look: &Look, screen: &Screen) -> String {
    let pipeline = &look.pipeline;
    let mut text = lines(&head(look), screen);
    if pipeline.is_told_of() {
        text.push('\n');
        text.push_str(&conditions(look, screen));
    } else {
        text.push_str(UNTOUCHED);
    }
    if !pipeline.status.plan.is_empty() {
        text.push_str("\nsteps not taken\n");
        for step in &pipeline.status.plan {
            text.push_str(&hanging(step, screen));
        }
    }
    text.push_str(&events(look, screen));
    text
}

/// A name and its value.
type Row = (&'static str, String);

fn head(look: &Look) -> Vec<Row> {
    let Pipeline { metadata, spec, status } = &look.pipeline;
    let made = since(&metadata.creation_timestamp, look.at);
    let leaving = metadata.deletion_timestamp.as_ref();
    let leaving = leaving.map(|at| format!(", being deleted for {}", since(at, look.at))).unwrap_or_default();
    let place = format!("{} in namespace {}, made {made} ago{leaving}", metadata.name, metadata.namespace);
    let mut rows = vec![("pipeline", place)];
    if !look.pipeline.is_told_of() {
        return rows;
    }
    rows.push(("ready", ready(look)));
    if look.pipeline.is_behind() {
        let (now, then) = (metadata.generation, status.observed_generation.unwrap_or_default());
        let text = format!("this is about generation {then} of the spec; generation {now} was not looked at yet");
        rows.push(("note", text));
    }
    match &status.queue {
        Some(queue) => rows.extend(queue_rows(queue, &spec.workers, look)),
        None => rows.push(("queue", "not looked at yet".to_owned())),
    }
    if let Some(scaling) = &status.scaling {
        let limited = match scaling.limited_by.as_str() {
            // What is due is no limit; the reason says it.
            "" | "Nothing" | "Due" => String::new(),
            by => format!(", limited by {by}"),
        };
        // Where autoscaling decides, its arithmetic is also what is said of the drain.
        let drain = look.pipeline.condition("DrainOnTarget").filter(|drain| drain.message == scaling.reason);
        let why = drain.map_or_else(|| format!(": {}", scaling.reason), |_| "; see DrainOnTarget".to_owned());
        rows.push(("scaling", format!("{} wanted{limited}{why}", scaling.desired)));
    }
    rows.push(("workers", workers(look)));
    rows.push(("rules", status.ruleset_hash.clone().unwrap_or_else(|| "none in force yet".to_owned())));
    rows
}

/// `Ready` says again what its part says; that part stands below.
fn ready(look: &Look) -> String {
    let Some(ready) = look.pipeline.condition("Ready") else { return "Unknown: the status has no `Ready`".to_owned() };
    let Condition { status, reason, message, last_transition_time, .. } = ready;
    let part =
        look.pipeline.status.conditions.iter().find(|part| *message == format!("{}: {}", part.kind, part.message));
    let why = part.map_or_else(|| message.clone(), |part| format!("see {}", part.kind));
    format!("{status} for {}, {reason}: {why}", since(last_transition_time, look.at))
}

fn queue_rows(queue: &Queue, workers: &Workers, look: &Look) -> [Row; 3] {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), grouped);
    let depth = threes(queue.depth.as_deref().unwrap_or("?"));
    let told = queue.oldest_signal.as_ref().map(|at| format!("; told {} ago", since(at, look.at))).unwrap_or_default();
    let waiting = format!("{depth}; {} unacknowledged{told}", number(queue.unacked));
    let rate = format!("{}/s arrive, {}/s acknowledged", number(queue.arrival_rate), number(queue.acked_rate));
    let drain =
        queue.drain_seconds.map_or_else(|| "not known".to_owned(), |seconds| format!("in {} s", grouped(seconds)));
    let target = match workers.autoscaling.drain_within.as_str() {
        "" => String::new(),
        within => format!(", target {within}"),
    };
    [("queue", waiting), ("rate", rate), ("drained", drain + &target)]
}

/// `main 1240, express 0` with its digits in threes.
pub(super) fn threes(depth: &str) -> String {
    let word = |word: &str| {
        let digits = word.trim_end_matches(',');
        digits.parse::<u64>().map_or_else(|_| word.to_owned(), |number| grouped(number) + &word[digits.len()..])
    };
    depth.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn workers(look: &Look) -> String {
    let Pipeline { spec, status, .. } = &look.pipeline;
    let standing = match &look.workers {
        Ok(Some(workers)) => {
            let (wanted, ready, updated) =
                (workers.spec.replicas, workers.status.ready_replicas, workers.status.updated_replicas);
            let old = if updated < wanted { format!(", {updated} of this version") } else { String::new() };
            format!("{ready} of {wanted} ready{old}")
        }
        Ok(None) => "no Deployment".to_owned(),
        Err(_) => format!("{} run", status.replicas.map_or_else(|| "?".to_owned(), |count| count.to_string())),
    };
    let rule = match &spec.workers.autoscaling {
        _ if spec.suspend => "suspended".to_owned(),
        scaling if scaling.is_off() => format!("autoscaling is Off, `workers.count` is {}", spec.workers.count),
        _ if spec.ledger.sqlite.is_some() => "at most 1, because the ledger is embedded".to_owned(),
        scaling => format!("autoscaling from {} to {}", scaling.min, scaling.max),
    };
    format!("{standing}; {rule}")
}

fn lines(rows: &[Row], screen: &Screen) -> String {
    let width = screen.width.unwrap_or(usize::MAX).saturating_sub(NAME_WIDTH + 1);
    let mut text = String::new();
    for (name, value) in rows {
        for (at, part) in wrap(&plain(value), width).iter().enumerate() {
            let shown = if at == 0 { name } else { "" };
            let part = match *name {
                "pipeline" => screen.style.bold(part),
                "ready" => painted(part, value, screen),
                "note" => screen.style.yellow(part),
                _ => part.clone(),
            };
            text = text + &screen.style.dim(&format!("{shown:<NAME_WIDTH$}")) + " " + &part + "\n";
        }
    }
    text
}

fn painted(part: &str, value: &str, screen: &Screen) -> String {
    match value.split(' ').next() {
        Some("True") => screen.style.green(part),
        Some("False") => screen.style.red(part),
        _ => screen.style.yellow(part),
    }
}

fn conditions(look: &Look, screen: &Screen) -> String {
    let mut table = Table::new(&["CONDITION", "STATUS", "REASON", "FOR", "MESSAGE"]);
    for condition in look.pipeline.status.conditions.iter().filter(|condition| condition.kind != "Ready") {
        let Condition { kind, status, reason, message, last_transition_time } = condition;
        let age = since(last_transition_time, look.at);
        table.row([Cell::plain(kind), truth(status), Cell::plain(reason), Cell::plain(age), Cell::plain(message)]);
    }
    table.render(screen)
}

/// A condition's status in its colour.
pub(super) fn truth(status: &str) -> Cell {
    match status {
        "True" => Cell::green(status),
        "False" => Cell::red(status),
        _ => Cell::yellow(status),
    }
}

/// An operator would have said something within seconds.
const UNTOUCHED: &str = "
no operator has looked at it: its status is empty
- see that the operator runs:
  kubectl get pods -A -l app.kubernetes.io/part-of=loyalty-pipelines
- and that it watches this namespace: `scope` and `watchNamespaces` of its chart
";

/// `- step`, wrapped under itself.
fn hanging(step: &str, screen: &Screen) -> String {
    let width = screen.width.unwrap_or(usize::MAX).saturating_sub(2);
    let parts = wrap(&plain(step), width);
    format!("- {}\n", parts.join("\n  "))
}

fn events(look: &Look, screen: &Screen) -> String {
    match &look.events {
        Err(error) => {
            format!("\n{}\n", screen.style.yellow(&format!("events are not shown: {}", plain(&host::chain(error)))))
        }
        Ok(events) if events.is_empty() => String::new(),
        Ok(events) => {
            let mut table = Table::new(&["EVENT", "TYPE", "AGO", "MESSAGE"]);
            for event in events {
                table.row(event_row(event, look));
            }
            format!("\n{}", table.render(screen))
        }
    }
}

fn event_row(event: &Event, look: &Look) -> [Cell; 4] {
    let kind = if event.kind == "Normal" { Cell::dim(&event.kind) } else { Cell::yellow(&event.kind) };
    let times = if event.times() > 1 { format!(" ({} times)", grouped(event.times())) } else { String::new() };
    let message = format!("{}{times}", event.message);
    [Cell::plain(&event.reason), kind, Cell::plain(since(event.at(), look.at)), Cell::plain(message)]
}
