//! Which cases pass, and what differs in the others.

use serde::Serialize;

use super::compare::Difference;
use crate::screen::{Cell, Screen, Table, count};

/// What became of a case.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// None: it passes.
    pub(super) differences: Vec<Difference>,
    /// Why the events behind them came to what they came to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) explanation: Vec<String>,
}

/// A case of a file.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) file: String,
    pub(super) case: String,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

impl Told {
    fn passes(&self) -> bool {
        self.outcome.differences.is_empty()
    }
}

pub(super) fn show(told: &[Told], screen: &Screen) -> std::io::Result<()> {
    let differ = told.iter().filter(|told| !told.passes()).count() as u64;
    let pass = told.len() as u64 - differ;
    if screen.is_json() {
        return screen.json(&serde_json::json!({ "passed": pass, "differ": differ, "cases": told }));
    }
    let mut text = String::new();
    let mut file = "";
    for one in told {
        if one.file != file {
            file = &one.file;
            text = text + &screen.style.bold(file) + "\n";
        }
        text.push_str(&case(one, screen));
    }
    let sum = match differ {
        0 => screen.style.green(&format!("{} passed", count(pass, "case"))),
        1 => screen.style.red(&format!("{} passed, 1 differs", count(pass, "case"))),
        _ => screen.style.red(&format!("{} passed, {differ} differ", count(pass, "case"))),
    };
    screen.show(&format!("{text}\n{sum}\n"))
}

fn case(told: &Told, screen: &Screen) -> String {
    let name = crate::screen::plain(&told.case);
    if told.passes() {
        return format!("  {}  {name}\n", screen.style.green("ok"));
    }
    let mut table = Table::new(&["EVENT", "WHAT", "EXPECTED", "FOUND"]);
    for Difference { what, event, expected, found, .. } in &told.outcome.differences {
        let event = Cell::plain(event.as_deref().unwrap_or_default());
        table.row([event, Cell::bold(what), Cell::green(expected), Cell::red(found)]);
    }
    let mut text = format!("  {}  {name}\n", screen.style.red("differs"));
    text.push_str(&indented(&table.render(screen)));
    for explanation in &told.outcome.explanation {
        text.push_str(&indented(explanation));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("      {line}\n") }).collect()
}
