//! What is to be corrected, from the command line or a CSV file, as the events that will do it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use contract::event::{Event, Kind};
use contract::intake::Intake;
use contract::pipeline::Events;
use contract::ruleset::{Ruleset, hex};
use contract::{BuryReason, EventId, Refusal};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;

use super::super::when;
use super::AdjustError;
use crate::edge::Halt;
use crate::problem::Problem;

/// What a file looks like, and what it says.
#[derive(Debug)]
pub(in super::super) struct Form {
    /// Columns that it must have.
    pub(in super::super) must: &'static [&'static str],
    /// Columns that it may have.
    pub(in super::super) may: &'static [&'static str],
    /// The same in a sentence.
    pub(in super::super) columns: &'static str,
    /// Stands before the ids that it gives.
    pub(in super::super) prefix: &'static str,
    /// Why, where a row does not say it.
    pub(in super::super) reason: &'static str,
    /// Most rows of one file.
    pub(in super::super) rows_max: usize,
}

/// Corrections: their rows are looked at in one transaction.
pub(super) const CORRECTIONS: Form = Form {
    must: &["member", "points", "reason"],
    may: &["wallet", "id"],
    columns: "`member`, `points`, `reason`, `wallet` and `id`",
    prefix: "",
    reason: "",
    rows_max: 10_000,
};

/// Hexadecimal digits of a content's hash in an id: enough that no two of a ledger meet.
const ID_DIGITS: usize = 32;

/// One correction, as somebody wrote it.
#[derive(Debug, Default)]
pub(in super::super) struct Row {
    /// Of the file, from 1; 0 on the command line.
    pub(super) line: u64,
    pub(super) member: String,
    pub(super) wallet: Option<String>,
    pub(super) points: String,
    pub(super) reason: String,
    /// Else one that follows from the content.
    pub(super) id: Option<String>,
    /// A day or time; else now.
    pub(super) earned: Option<String>,
    /// The first day, or time, at which they can be spent.
    pub(super) activates: Option<String>,
    /// The last day at which they can be spent, or the time when they are gone.
    pub(super) expires: Option<String>,
    /// A level that the member brings along.
    pub(super) tier: Option<String>,
    /// The last day of it, or the time when it is reviewed.
    pub(super) tier_until: Option<String>,
    /// The first day of it, or a time; else now.
    pub(super) tier_since: Option<String>,
}

impl Row {
    /// A row with a tier may have no points, or none of them.
    fn brings_points(&self) -> bool {
        let is_nought = || self.points.is_empty() || self.points.parse() == Ok(Decimal::ZERO);
        self.tier.is_none() || !is_nought()
    }
}

/// A row as an event.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) line: u64,
    pub(super) event: Event,
    /// Whether its row says when it happened.
    pub(super) names_time: bool,
}

/// Reads a file with a line of names first; `-` is standard input.
pub(super) fn read(path: &Path, form: &Form) -> Result<Vec<Row>, Halt> {
    let name = path.display().to_string();
    let fail = |source: csv::Error| AdjustError::File { file: name.clone(), source };
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| fail(error.into()))?)
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
    let head: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_lowercase).collect();
    columns((&name, form), &head)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        if rows.len() == form.rows_max {
            return Err(AdjustError::TooMany { file: name, max: form.rows_max }.into());
        }
        let of = |wanted: &str| {
            let at = head.iter().position(|column| column == wanted);
            at.and_then(|at| record.get(at)).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let must = |wanted: &str| of(wanted).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        let reason = of("reason").unwrap_or_else(|| form.reason.to_owned());
        rows.push(Row {
            line,
            member: must("member"),
            wallet: of("wallet"),
            points: must("points"),
            reason,
            id: of("id").map(|id| format!("{}{id}", form.prefix)),
            earned: of("earned"),
            activates: of("activates"),
            expires: of("expires"),
            tier: of("tier"),
            tier_until: of("tieruntil"),
            tier_since: of("tiersince"),
        });
    }
    Ok(rows)
}

/// The same, of a file whose every row has an id of its own and brings points or a tier in.
pub(in super::super) fn read_opening(path: &Path, form: &Form) -> Result<Vec<Row>, Halt> {
    let (rows, file) = (read(path, form)?, path.display().to_string());
    let (mut seen, mut problems) = (BTreeMap::new(), Vec::new());
    for row in &rows {
        let what = match &row.id {
            None => "is empty; a row counts once by its id".to_owned(),
            Some(id) => match seen.insert(id, row.line) {
                Some(line) => format!("is that of line {line}, too; give each row its own"),
                None => continue,
            },
        };
        problems.push(problem((&file, row.line), "id", what));
    }
    for row in rows.iter().filter(|row| row.points.is_empty() && row.tier.is_none()) {
        let what = "is empty, and no `tier` is named; a row brings points in, or a tier, or both";
        problems.push(problem((&file, row.line), "points", what.to_owned()));
    }
    for row in rows.iter().filter(|row| row.points.starts_with('-')) {
        problems.push(problem((&file, row.line), "points", "is below nought; a row brings points in".to_owned()));
    }
    if problems.is_empty() { Ok(rows) } else { Err(Halt::Refused(problems)) }
}

/// An unknown column would be a mistyped one, whose values have no effect.
fn columns((file, form): (&str, &Form), head: &[String]) -> Result<(), Halt> {
    let mut problems = Vec::new();
    let missing = form.must.iter().filter(|must| !head.iter().any(|column| column == *must));
    problems.extend(
        missing.map(|column| {
            problem((file, 1), column, "is missing in the first line; name the columns there".to_owned())
        }),
    );
    let unknown =
        head.iter().filter(|column| !form.must.iter().chain(form.may).any(|known| known.eq_ignore_ascii_case(column)));
    problems.extend(
        unknown.map(|column| problem((file, 1), column, format!("is not a column; there are {}", form.columns))),
    );
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
    /// Whose days are meant.
    pub(super) zone: TimeZone,
    /// The type of the events: `adjust` or `reinstate`.
    pub(super) says: &'static str,
}

impl Maker<'_> {
    pub(super) fn make(&self, file: &str, rows: Vec<Row>) -> Result<Vec<Correction>, Halt> {
        let intake = Intake::new(self.events, self.ruleset.currency());
        let (mut corrections, mut problems) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows {
            let points = row.brings_points().then(|| self.event(&intake, &row, &mut seen)).transpose();
            match points {
                Ok(event) => corrections.extend(event.map(|event| Correction {
                    line: row.line,
                    event,
                    names_time: row.earned.is_some(),
                })),
                Err(refusal) => problems.push(problem((file, row.line), "", refusal.detail)),
            }
            match self.promotion(&intake, &row) {
                Ok(event) => corrections.extend(event.map(|event| Correction {
                    line: row.line,
                    event,
                    names_time: row.tier_since.is_some(),
                })),
                Err((column, what)) => problems.push(problem((file, row.line), column, what)),
            }
        }
        if problems.is_empty() { Ok(corrections) } else { Err(Halt::Refused(problems)) }
    }

    fn event(&self, intake: &Intake, row: &Row, seen: &mut BTreeMap<String, u32>) -> Result<Event, Refusal> {
        let first = || self.ruleset.wallet(None).map(|wallet| wallet.name.to_string());
        let day = |column, text: &Option<String>| text.as_deref().map(|text| self.first(column, text)).transpose();
        let mut body = serde_json::json!({
            "id": row.id.as_deref().unwrap_or("-"), "type": self.says, "member": row.member,
            "occurredAt": day("earned", &row.earned)?.unwrap_or(self.now),
            "wallet": row.wallet.clone().or_else(first), "points": row.points, "reason": row.reason, "author": self.author,
        });
        let end = row.expires.as_deref().map(|text| self.end(("expires", text))).transpose()?;
        for (field, at) in [("activatesAt", day("activates", &row.activates)?), ("expiresAt", end)] {
            if let Some(at) = at {
                body[field] = at.to_string().into();
            }
        }
        let event = intake.decode_unrouted(body.to_string().as_bytes())?;
        if row.id.is_some() {
            return Ok(event);
        }
        let id = content_id(&event);
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        let id = if *count == 1 { id } else { format!("{id}-{count}") };
        let wrong = |error: contract::id::IdError| Refusal::new(BuryReason::BadValue, format!("`id` {error}"));
        Ok(Event { id: EventId::parse(&id).map_err(wrong)?, ..event })
    }
}

impl Maker<'_> {
    /// The first moment of a day, or a time.
    pub(super) fn first(&self, column: &'static str, text: &str) -> Result<Timestamp, Refusal> {
        when::first(column, text, &self.zone).map_err(|_| no_time(column, text))
    }

    /// What can be used on a day for the last time is gone when the next one begins.
    pub(super) fn end(&self, (column, text): (&'static str, &str)) -> Result<Timestamp, Refusal> {
        let wrong = || no_time(column, text);
        let last = when::last(column, text, &self.zone).map_err(|_| wrong())?;
        let is_time = text.contains(':');
        if is_time { Ok(last) } else { last.checked_add(1.microsecond()).map_err(|_| wrong()) }
    }
}

fn no_time(column: &str, text: &str) -> Refusal {
    let detail =
        format!("`{column}` is `{text}`; write a date such as `2026-12-31`, or a time such as `2026-12-31T12:00:00Z`");
    Refusal::new(BuryReason::BadValue, detail)
}

/// The same correction has the same id, whoever says it and when: said twice, it counts once.
fn content_id(event: &Event) -> String {
    let mut content = Event { occurred_at: Timestamp::UNIX_EPOCH, ..event.clone() };
    match &mut content.kind {
        Kind::Adjust(adjust) => adjust.author = String::new(),
        Kind::Reinstate(reinstate) => reinstate.author = String::new(),
        _ => {}
    }
    format!("{}-{}", event.type_name(), &hex(&content.content_hash().0)[..ID_DIGITS])
}
