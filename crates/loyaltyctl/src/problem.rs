//! What is wrong in the files of a pipeline, and where.

use std::io;

use serde::Serialize;

use crate::screen::{Cell, Screen, Table};

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) file: String,
    /// From 1, where known.
    pub(crate) line: Option<usize>,
    /// From 1, where known.
    pub(crate) column: Option<usize>,
    /// The field, such as `spec.rules[0].when`; empty for the whole document.
    pub(crate) path: String,
    /// What is wrong and what to do.
    #[serde(rename = "problem")]
    pub(crate) what: String,
}

impl Problem {
    fn place(&self) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            (Some(line), None) => format!("{}:{line}", self.file),
            _ => self.file.clone(),
        }
    }
}

/// Tells problems on standard error, or as JSON on standard output when that was asked for.
pub(crate) fn tell(problems: &[Problem], screen: &Screen) -> io::Result<()> {
    if screen.is_json() {
        return screen.json(&serde_json::json!({ "problems": problems }));
    }
    screen.warn(&table(problems, screen))
}

/// Where, field, problem.
pub(crate) fn rows(problems: &[Problem]) -> Table {
    let mut table = Table::new(&["WHERE", "FIELD", "PROBLEM"]);
    for problem in problems {
        table.row([Cell::plain(problem.place()), Cell::bold(&problem.path), Cell::plain(&problem.what)]);
    }
    table
}

/// The problems, and how many there are.
pub(crate) fn table(problems: &[Problem], screen: &Screen) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    format!("{}\n{}\n", rows(problems).render(screen), screen.style.red(&count))
}
