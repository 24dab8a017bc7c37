//! `adjust`: corrections by a person, also of points that should not have ended, as events through the engine: there is no other way to
//! change a balance.

pub(super) mod rows;
mod tier;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use contract::event::Event;
use contract::intake::TimeLimits;
use contract::pipeline::Events;
use contract::ruleset::Ruleset;
use engine::Engine;
use jiff::Timestamp;

use super::when::ZoneArgs;
use crate::edge::{Halt, Verdict};
use crate::screen::{Progress, Screen, count, grouped};
use crate::target::{LedgerArgs, LedgerTarget};
use crate::user;
use rows::{Correction, Maker, Row};
use told::{Fate, Told};

/// Add points to members or take some, with a reason, from the command line or a file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file is CSV with the columns `member`, `points`, `reason`, and if wanted `wallet` and `id`. The id of a correction follows from
its content, so that the same file applied twice changes nothing (with another --expires it is another correction); to give the same points for the same reason again, give an `id`.
Nothing is applied while any row cannot be, unless --partly is given. --dry-run decides everything and keeps nothing.
With --reinstate the points are given back out of those that ended, and no more than those: what expired is less by them.

Exit codes: 0 everything is (or would be) applied, 1 some is not, 2 the ledger cannot be asked.

Examples:
  loyaltyctl adjust 19339 --points 50 --reason 'late delivery' -f pipeline.yaml
  loyaltyctl adjust 19339 --points=-50 --wallet points --reason 'booked twice' -f pipeline.yaml
  loyaltyctl adjust --rows goodwill.csv --dry-run -f pipeline.yaml
  loyaltyctl adjust 19339 --points 50 --reinstate --expires 2026-12-31 --reason 'our shop was closed' -f pipeline.yaml")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// The member, as the events name them
    #[arg(value_name = "MEMBER", required_unless_present = "rows", conflicts_with = "rows", requires = "points")]
    member: Option<String>,

    /// How many to add, or with `=-N` to take
    #[arg(long, value_name = "N", requires = "reason", conflicts_with = "rows", allow_hyphen_values = true)]
    points: Option<String>,

    /// In which wallet; the programme's first one without it
    #[arg(long, value_name = "NAME", conflicts_with = "rows")]
    wallet: Option<String>,

    /// Why; it is published, and an audit asks for it
    #[arg(long, value_name = "TEXT", conflicts_with = "rows")]
    reason: Option<String>,

    /// The event's id, where the one that follows from the content is taken
    #[arg(long, value_name = "ID", conflicts_with = "rows")]
    id: Option<String>,

    /// Give them back out of those that ended, instead of adding new ones
    #[arg(long)]
    reinstate: bool,

    /// The last day on which the points that come in can be spent, or a time; as the wallet's points end without it
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,

    /// Instead of one member: a CSV file; `-` is standard input
    #[arg(long = "rows", value_name = "FILE.csv")]
    rows: Option<PathBuf>,

    /// Who says so [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Apply the rows that can be, though others cannot
    #[arg(long)]
    partly: bool,

    /// A member of whom nothing is known yet is no mistake
    #[arg(long)]
    new_members: bool,

    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Why nothing could be corrected.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdjustError {
    #[error("could not read corrections from `{file}`; it must be CSV with a line of column names")]
    File { file: String, source: csv::Error },
    #[error("could not take `{file}`: it has more than {max} rows; split it")]
    TooMany { file: String, max: usize },
    #[error("could not make events of the corrections")]
    Events(#[source] serde_json::Error),
}

/// Rows that are looked at in one transaction.
const PREVIEW_LEN: usize = 10_000;

/// Events of one transaction: workers wait no longer for its members than for a batch of theirs.
const BATCH_LEN: usize = 500;

/// Who says the events.
const SOURCE: &str = ledger::BY_HAND_SOURCE;

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let (file, rows) = args.rows()?;
    let (author, zone) = (args.author.clone(), ZoneArgs::default());
    let (dry_run, partly, new_members) = (args.dry_run, args.partly, args.new_members);
    let says = if args.reinstate { "reinstate" } else { "adjust" };
    let job = Job { file, rows, says, what: "correction", author, zone, dry_run, partly, new_members };
    carry_out(job, &args.ledger, screen).await
}

/// Rows that are to become events of one kind.
pub(super) struct Job {
    pub(super) file: String,
    pub(super) rows: Vec<Row>,
    /// The type of the events.
    pub(super) says: &'static str,
    /// What a row is, for people.
    pub(super) what: &'static str,
    pub(super) author: Option<String>,
    pub(super) zone: ZoneArgs,
    pub(super) dry_run: bool,
    pub(super) partly: bool,
    pub(super) new_members: bool,
}

/// Looks at all rows, applies those that can be if that was asked for, and shows what became of each.
pub(super) async fn carry_out(job: Job, ledger: &LedgerArgs, screen: &Screen) -> Result<Verdict, Halt> {
    let target = ledger.open().await?;
    let desk = Desk::open(&target).await?;
    let author = job.author.clone().unwrap_or_else(user::name);
    let zone = job.zone.zone(&target).await?;
    let Job { file, rows, says, what, dry_run, partly, new_members, .. } = job;
    let maker = Maker { events: &desk.events, ruleset: &desk.ruleset, author: &author, now: desk.now, zone, says };
    let corrections = maker.make(&file, rows)?;
    let mut preview = Vec::with_capacity(corrections.len());
    for rows in corrections.chunks(PREVIEW_LEN) {
        preview.extend(desk.preview(rows, new_members).await?);
    }
    let refused = preview.iter().any(|told| told.fate == Fate::Refused);
    let is_preview = dry_run || refused && !partly;
    let told = if is_preview {
        preview.into_iter().map(Told::not_kept).collect()
    } else {
        desk.apply(corrections, preview).await?
    };
    show(&told, (is_preview, dry_run, what), screen)?;
    Ok(Verdict::found(told.iter().any(|told| told.fate == Fate::Refused)))
}

impl Args {
    /// The rows, and the name of what they stand in.
    fn rows(&self) -> Result<(String, Vec<Row>), Halt> {
        if let Some(path) = &self.rows {
            let rows = rows::read(path, &rows::CORRECTIONS)?.into_iter();
            let rows = rows.map(|row| Row { expires: self.expires.clone(), ..row }).collect();
            return Ok((path.display().to_string(), rows));
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (wallet, id, expires) = (self.wallet.clone(), self.id.clone(), self.expires.clone());
        let (member, points, reason) = (text(&self.member), text(&self.points), text(&self.reason));
        Ok(("command line".to_owned(), vec![Row { member, wallet, points, reason, id, expires, ..Row::default() }]))
    }
}

/// Where corrections are decided.
struct Desk<'a> {
    target: &'a LedgerTarget,
    engine: Engine,
    events: Events,
    ruleset: Ruleset,
    now: Timestamp,
}

impl<'a> Desk<'a> {
    async fn open(target: &'a LedgerTarget) -> Result<Self, Halt> {
        let LedgerTarget { ledger, pipeline } = target;
        // By the events' own clock: a row may say when its points were earned.
        let events: Events = serde_json::from_value(serde_json::json!({
            "clock": "Event",
            "sources": [{ "exchange": { "name": SOURCE }, "routingKeys": ["#"], "types": ["adjust", "reinstate", "promote"] }],
        }))
        .map_err(AdjustError::Events)?;
        let ruleset = target.ruleset().await?;
        let engine = Engine::open(pipeline.clone(), Arc::clone(ledger), TimeLimits::new(&events)).await?;
        Ok(Self { target, engine, events, ruleset, now: Timestamp::now() })
    }

    /// What would become of each, and of all of them one after the other.
    async fn preview(&self, corrections: &[Correction], new_members: bool) -> Result<Vec<Told>, Halt> {
        let events: Vec<Event> = corrections.iter().map(|correction| correction.event.clone()).collect();
        let settled = if events.is_empty() { Vec::new() } else { self.engine.preview(&events, self.now).await? };
        let LedgerTarget { ledger, pipeline } = self.target;
        let mut known = BTreeMap::new();
        let mut told = Vec::with_capacity(corrections.len());
        let mut progress = Progress::start();
        for (correction, settled) in corrections.iter().zip(&settled) {
            let one = Told::of((ledger.as_ref(), pipeline), correction, settled).await?;
            progress.tell(&format!(
                "adjust: looked at {} of {}",
                grouped(told.len() as u64),
                grouped(events.len() as u64)
            ));
            let member = &correction.event.member;
            if new_members || one.fate != Fate::Applied {
                told.push(one);
                continue;
            }
            if !known.contains_key(member) {
                known.insert(member.clone(), ledger.balance(pipeline, member).await?.is_some());
            }
            told.push(if known.get(member) == Some(&true) { one } else { one.stranger() });
        }
        progress.end();
        Ok(told)
    }

    /// Applies those that can be; what a worker did meanwhile counts.
    async fn apply(&self, corrections: Vec<Correction>, preview: Vec<Told>) -> Result<Vec<Told>, Halt> {
        let LedgerTarget { ledger, pipeline } = self.target;
        let mut all: Vec<Told> = preview;
        let chosen: Vec<usize> = (0..all.len()).filter(|at| all[*at].fate == Fate::Applied).collect();
        for batch in chosen.chunks(BATCH_LEN) {
            let events: Vec<Event> = batch.iter().map(|at| corrections[*at].event.clone()).collect();
            let settled = self.engine.apply(&events, &[], self.now).await?;
            for (at, settled) in batch.iter().zip(&settled) {
                all[*at] = Told::of((ledger.as_ref(), pipeline), &corrections[*at], settled).await?;
            }
        }
        Ok(all)
    }
}

fn show(told: &[Told], (is_preview, dry_run, what): (bool, bool, &str), screen: &Screen) -> std::io::Result<()> {
    // A row may bring points and a tier.
    let of =
        |fate: Fate| told.iter().filter(|told| told.fate == fate).map(Told::line).collect::<BTreeSet<_>>().len() as u64;
    if screen.is_json() {
        let applied = if is_preview { 0 } else { of(Fate::Applied) };
        return screen
            .json(&serde_json::json!({ "preview": is_preview, "applied": applied, format!("{what}s"): told }));
    }
    if screen.is_csv() {
        return screen.csv(&told::table(told));
    }
    let (applied, known, refused) = (of(Fate::Applied), of(Fate::Known), of(Fate::Refused));
    let sum = match (is_preview, dry_run) {
        (true, true) => {
            format!("dry run: {} would be applied, {known} known before, {refused} refused\n", count(applied, what))
        }
        (true, false) => format!("nothing was applied: {refused} refused; correct them, or say `--partly`\n"),
        _ => format!("{} applied, {known} known before, {refused} refused\n", count(applied, what)),
    };
    screen.show(&format!("{}\n{sum}", told::table(told).render(screen)))
}
