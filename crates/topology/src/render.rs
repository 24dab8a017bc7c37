//! A plan as lines for people.

use std::fmt::Write;

use contract::broker_object::{Arguments, Binding, Exchange, Queue, Step};

use crate::claim::{owner_of, word};
use crate::diff::{Conflict, Left, Plan};
use crate::removal::{Kept, Removal};

/// One line a step (`+` made, `-` removed), a conflict (`!`) or a thing that is left (`~`); `no changes` when there are none.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let steps = plan.steps.iter().map(step);
    let lines: Vec<_> = steps.chain(plan.conflicts.iter().map(conflict)).chain(plan.left.iter().map(left)).collect();
    if plan.steps.is_empty() && plan.conflicts.is_empty() {
        return lines.into_iter().chain(["no changes\n".to_owned()]).collect();
    }
    lines.concat()
}

/// A removal in the same signs: a queue that is not known to be empty stands in the way.
#[must_use]
pub fn render_removal(removal: &Removal) -> String {
    let steps = removal.unbind.iter().chain(&removal.remove).map(step);
    let lines: Vec<_> = steps.chain(removal.holding.iter().map(holding)).chain(removal.kept.iter().map(kept)).collect();
    if removal.is_done() {
        return lines.into_iter().chain(["no changes\n".to_owned()]).collect();
    }
    lines.concat()
}

fn step(step: &Step) -> String {
    match step {
        Step::DeclareExchange(exchange) => declare_exchange(exchange),
        Step::DeclareQueue(queue) => declare_queue(queue),
        Step::Bind(binding) => bind('+', binding),
        Step::Unbind(binding) => bind('-', binding),
        Step::DeleteQueue { name, force } => {
            let force = if *force { "  with all that it holds" } else { "" };
            format!("- queue {name}{force}\n")
        }
        Step::DeleteExchange { name } => format!("- exchange {name}\n"),
    }
}

fn declare_exchange(exchange: &Exchange) -> String {
    let internal = if exchange.internal { ", internal" } else { "" };
    format!("+ exchange {}  {}{internal}{}\n", exchange.name, exchange.kind, arguments(&exchange.arguments, ""))
}

fn declare_queue(queue: &Queue) -> String {
    let kind = queue.arguments.get("x-queue-type").map(ToString::to_string).unwrap_or_default();
    format!("+ queue {}  {kind}{}\n", queue.name, arguments(&queue.arguments, "x-queue-type"))
}

fn bind(sign: char, binding: &Binding) -> String {
    let Binding { source, destination, routing_key, .. } = binding;
    match owner_of(binding) {
        Some(owner) => format!("{sign} mark {} {destination}  {owner}\n", word(binding.destination_kind)),
        None => format!(
            "{sign} binding {source} -> {destination}  \"{routing_key}\"{}\n",
            arguments(&binding.arguments, "")
        ),
    }
}

fn arguments(arguments: &Arguments, without: &str) -> String {
    let shown = arguments.iter().filter(|(name, _)| *name != without);
    shown.fold(String::new(), |mut text, (name, value)| {
        let _ = write!(text, ", {name}={value}");
        text
    })
}

fn conflict(conflict: &Conflict) -> String {
    let Conflict { object, field, have, want, advice } = conflict;
    format!("! {object}  {field} is `{have}`, wanted `{want}`; {advice}\n")
}

fn left(left: &Left) -> String {
    let holds = match left.messages {
        Some(0) => ", empty".to_owned(),
        Some(messages) => format!(", holds {messages} messages"),
        None => String::new(),
    };
    format!("~ {}  not wanted any more, kept{holds}\n", left.object)
}

fn holding(left: &Left) -> String {
    let holds = match left.messages {
        Some(messages) => format!("holds {messages} messages"),
        None => "is not known to be empty".to_owned(),
    };
    format!("! {}  {holds}\n", left.object)
}

fn kept(kept: &Kept) -> String {
    format!("~ {}  kept: {}\n", kept.object, kept.because)
}
