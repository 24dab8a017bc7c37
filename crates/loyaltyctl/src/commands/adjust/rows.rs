//! What is to be corrected, from the command line or a CSV file, as the events that will do it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use contract::event::{Event, Kind};
use contract::intake::Intake;
use contract::pipeline::Events;
use contract::ruleset::{Ruleset, hex};
use contract::{EventId, Refusal};
use jiff::Timestamp;

use super::AdjustError;
use crate::edge::Halt;
use crate::problem::Problem;

/// Rows of one file: they are looked at in one transaction.
const ROWS_MAX: usize = 10_000;

/// Columns that a file must have, and those that it may have.
const MUST: [&str; 3] = ["member", "points", "reason"];
const MAY: [&str; 2] = ["wallet", "id"];

/// Hexadecimal digits of a content's hash in an id: enough that no two of a ledger meet.
const ID_DIGITS: usize = 32;

/// One correction, as somebody wrote it.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Of the file, from 1; 0 on the command line.
    pub(super) line: u64,
    pub(super) member: String,
    pub(super) wallet: Option<String>,
    pub(super) points: String,
    pub(super) reason: String,
    /// Else one that follows from the content.
    pub(super) id: Option<String>,
}

/// A row as an event.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) line: u64,
    pub(super) event: Event,
}

/// Reads a file with a line of names first; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, Halt> {
    let name = path.display().to_string();
    let fail = |source: csv::Error| AdjustError::File { file: name.clone(), source };
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| fail(error.into()))?)
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
    let head: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_lowercase).collect();
    columns(&name, &head)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        if rows.len() == ROWS_MAX {
            return Err(AdjustError::TooMany { file: name, max: ROWS_MAX }.into());
        }
        let of = |wanted: &str| {
            let at = head.iter().position(|column| column == wanted);
            at.and_then(|at| record.get(at)).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let must = |wanted: &str| of(wanted).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        let (wallet, id) = (of("wallet"), of("id"));
        rows.push(Row { line, member: must("member"), wallet, points: must("points"), reason: must("reason"), id });
    }
    Ok(rows)
}

/// An unknown column would be a mistyped one, whose values have no effect.
fn columns(file: &str, head: &[String]) -> Result<(), Halt> {
    let mut problems = Vec::new();
    let missing = MUST.iter().filter(|must| !head.iter().any(|column| column == *must));
    problems.extend(
        missing.map(|column| {
            problem((file, 1), column, "is missing in the first line; name the columns there".to_owned())
        }),
    );
    let unknown = head.iter().filter(|column| !MUST.iter().chain(&MAY).any(|known| known == column));
    problems.extend(unknown.map(|column| {
        problem(
            (file, 1),
            column,
            "is not a column; there are `member`, `points`, `reason`, `wallet` and `id`".to_owned(),
        )
    }));
    if problems.is_empty() { Ok(()) } else { Err(Halt::Refused(problems)) }
}

fn problem((file, line): (&str, u64), column: &str, what: String) -> Problem {
    let line = usize::try_from(line).ok().filter(|line| *line > 0);
    Problem { file: file.to_owned(), line, column: None, path: column.to_owned(), what }
}

/// Makes events of rows, as a worker would read them from the broker; tells every row that is wrong.
pub(super) struct Maker<'a> {
    pub(super) events: &'a Events,
    pub(super) ruleset: &'a Ruleset,
    pub(super) author: &'a str,
    pub(super) now: Timestamp,
}

impl Maker<'_> {
    pub(super) fn make(&self, file: &str, rows: Vec<Row>) -> Result<Vec<Correction>, Halt> {
        let intake = Intake::new(self.events, self.ruleset.currency());
        let (mut corrections, mut problems) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows {
            match self.event(&intake, &row, &mut seen) {
                Ok(event) => corrections.push(Correction { line: row.line, event }),
                Err(refusal) => problems.push(problem((file, row.line), "", refusal.detail)),
            }
        }
        if problems.is_empty() { Ok(corrections) } else { Err(Halt::Refused(problems)) }
    }

    fn event(&self, intake: &Intake, row: &Row, seen: &mut BTreeMap<String, u32>) -> Result<Event, Refusal> {
        let first = || self.ruleset.wallet(None).map(|wallet| wallet.name.to_string());
        let body = serde_json::json!({
            "id": row.id.as_deref().unwrap_or("-"), "type": "adjust", "occurredAt": self.now, "member": row.member,
            "wallet": row.wallet.clone().or_else(first), "points": row.points, "reason": row.reason, "author": self.author,
        });
        let event = intake.decode_unrouted(body.to_string().as_bytes())?;
        if row.id.is_some() {
            return Ok(event);
        }
        let id = content_id(&event);
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        let id = if *count == 1 { id } else { format!("{id}-{count}") };
        let wrong =
            |error: contract::id::IdError| Refusal::new(contract::BuryReason::BadValue, format!("`id` {error}"));
        Ok(Event { id: EventId::parse(&id).map_err(wrong)?, ..event })
    }
}

/// The same correction has the same id, whoever says it and when: said twice, it counts once.
fn content_id(event: &Event) -> String {
    let mut content = Event { occurred_at: Timestamp::UNIX_EPOCH, ..event.clone() };
    if let Kind::Adjust(adjust) = &mut content.kind {
        adjust.author = String::new();
    }
    format!("adjust-{}", &hex(&content.content_hash().0)[..ID_DIGITS])
}
