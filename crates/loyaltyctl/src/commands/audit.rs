//! `audit`: every invariant of the ledger, checked by its own query.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ledger::LedgerError;
use ledger::audit::{Auditing, FINDINGS_MAX, Finding, SinceReport};

use super::when::{self, ZoneArgs};
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Progress, Screen, Table, count};
use crate::target::{LedgerArgs, LedgerTarget};

/// Check every invariant of the ledger and tell what breaks one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --since it looks at the entries recorded since then and at everything of the members that they touched, which is enough for
a nightly run; what it did not look at is told. Let two runs overlap, and run it whole now and then. The first difference of each
invariant is named; -o json and -o csv name all of them.

Exit codes: 0 no differences, 1 there are some, 2 the ledger cannot be asked.

Examples:
  loyaltyctl audit -f pipeline.yaml
  loyaltyctl audit -f pipeline.yaml --since 25h
  LEDGER_URL=postgres://me:PASSWORD@db/loyalty loyaltyctl audit --pipeline coffee-club -o json")]
pub(crate) struct Args {
    /// No worker runs and the queues are empty: an unpublished batch is a difference then, not work that goes on
    #[arg(long)]
    idle: bool,

    /// Only entries recorded since then, and the members that they touched: a day, a time, or how long ago (`25h`)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    #[command(flatten)]
    zone: ZoneArgs,

    #[command(flatten)]
    ledger: LedgerArgs,
}

/// How often the progress may change.
const TICK: Duration = Duration::from_millis(250);

/// What was checked, and what came out.
struct Audited {
    /// Number and sentence of each check, in order.
    checks: Vec<(u8, &'static str)>,
    findings: Vec<Finding>,
    /// When it was not everything.
    recent: Option<(Timestamp, SinceReport)>,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let target = args.ledger.open().await?;
    let zone = args.zone.zone(&target).await?;
    let since = args.since.as_deref().map(|text| when::since(text, &zone, Timestamp::now())).transpose()?;
    let auditing = if args.idle { Auditing::Idle } else { Auditing::Running };
    let audited = audit(&target, since, auditing).await?;
    let differences = audited.findings.iter().filter(|finding| !finding.pending).count() as u64;
    if screen.is_json() {
        let (pipeline, findings) = (target.pipeline.as_str(), &audited.findings);
        let not_looked_at = audited.not_looked_at();
        let since = audited.recent.as_ref().map(|(since, _)| since);
        screen.json(&serde_json::json!({
            "pipeline": pipeline, "differences": differences, "findings": findings, "since": since,
            "notLookedAt": not_looked_at,
        }))?;
    } else if screen.is_csv() {
        screen.csv(&every_finding(&audited.findings))?;
    } else {
        screen.show(&audited.render(differences, screen))?;
    }
    Ok(Verdict::found(differences > 0))
}

async fn audit(target: &LedgerTarget, since: Option<Timestamp>, auditing: Auditing) -> Result<Audited, LedgerError> {
    let LedgerTarget { ledger, pipeline } = target;
    let checks = Mutex::new(Vec::new());
    let begun = || checks.lock().unwrap_or_else(PoisonError::into_inner);
    let note = |number: u8, name: &'static str| begun().push((number, name));
    let looking = async {
        match since {
            None => Ok((ledger.audit(pipeline, auditing, &note).await?, None)),
            Some(since) => {
                let mut report = ledger.audit_since(pipeline, since, auditing, &note).await?;
                Ok((std::mem::take(&mut report.findings), Some((since, report))))
            }
        }
    };
    let mut looking = std::pin::pin!(looking);
    let (mut progress, mut tick) = (Progress::start(), tokio::time::interval(TICK));
    let looked: Result<_, LedgerError> = loop {
        tokio::select! {
            looked = &mut looking => break looked,
            _ = tick.tick() => {
                let text = begun().last().map(|(number, name)| format!("audit: looking whether {name} ({number})"));
                progress.tell(&text.unwrap_or_default());
            }
        }
    };
    progress.end();
    let (findings, recent) = looked?;
    let checks = begun().clone();
    Ok(Audited { checks, findings, recent })
}

impl Audited {
    fn of(&self, check: (u8, &str)) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| (finding.invariant, finding.name) == check)
    }

    fn render(&self, differences: u64, screen: &Screen) -> String {
        let mut checks = Table::new(&["INVARIANT", "WHAT MUST HOLD", "DIFFERENCES"]);
        let mut first = Table::new(&["INVARIANT", "FIRST DIFFERENCE", "WHAT STANDS THERE"]);
        for check @ (number, name) in self.checks.iter().copied() {
            let pending = self.of(check).filter(|finding| finding.pending).count();
            let found = self.of(check).count() - pending;
            let most = if found == FINDINGS_MAX { "at least " } else { "" };
            let text = if pending > 0 { format!("{pending} not done yet") } else { format!("{most}{found}") };
            checks.row([Cell::number(number.to_string()), Cell::plain(name), Cell::number(text)]);
            for finding in self.of(check).take(1) {
                let detail =
                    if finding.pending { format!("{} (not done yet)", finding.detail) } else { finding.detail.clone() };
                first.row([Cell::number(number.to_string()), Cell::bold(&finding.subject), Cell::plain(detail)]);
            }
        }
        let mut parts = vec![checks.render(screen)];
        if !self.findings.is_empty() {
            parts.push(first.render(screen));
        }
        parts.extend(self.looked_at());
        let sum = format!("audit: {}", count(differences, "difference"));
        let sum = if differences == 0 { screen.style.green(&sum) } else { screen.style.red(&sum) };
        format!("{}{}{sum}\n", parts.join("\n"), if self.recent.is_some() { "" } else { "\n" })
    }

    fn looked_at(&self) -> Option<String> {
        let (since, report) = self.recent.as_ref()?;
        let (entries, members) = (of(report.entries, "entry", "entries"), of(report.members, "member", "members"));
        let head = format!("since {since}\nlooked at: {entries}, and all that their {members} have\nnot looked at:\n");
        Some(self.not_looked_at().iter().fold(head, |text, what| text + "- " + what + "\n"))
    }

    fn not_looked_at(&self) -> Vec<String> {
        let Some((_, report)) = &self.recent else { return Vec::new() };
        vec![
            format!("{} without an entry since then", of(report.other_members, "member", "members")),
            "events decided before then, but for the entries of those members".to_owned(),
            "batches committed before then".to_owned(),
            "sums over all members (invariants 9 and 11): only over those members".to_owned(),
        ]
    }
}

fn of(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", crate::screen::group(&number.to_string()), if number == 1 { one } else { many })
}

fn every_finding(findings: &[Finding]) -> Table {
    let mut table = Table::new(&["INVARIANT", "NAME", "WHERE", "WHAT STANDS THERE", "PENDING"]);
    for Finding { invariant, name, subject, detail, pending } in findings {
        let (number, pending) = (Cell::number(invariant.to_string()), Cell::plain(pending.to_string()));
        table.row([number, Cell::plain(name), Cell::plain(subject), Cell::plain(detail), pending]);
    }
    table
}
