//! `audit`: every invariant of the ledger, checked by its own query.

use ledger::audit::{Auditing, Finding};

use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table, count};
use crate::target::LedgerArgs;

/// Check every invariant of the ledger and tell what breaks one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 no differences, 1 there are some, 2 the ledger cannot be asked.

Examples:
  loyaltyctl audit -f pipeline.yaml
  LEDGER_URL=postgres://me:PASSWORD@db/loyalty loyaltyctl audit --pipeline coffee-club -o json")]
pub(crate) struct Args {
    /// No worker runs and the queues are empty: an unpublished batch is a difference then, not work that goes on
    #[arg(long)]
    idle: bool,

    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let target = args.ledger.open().await?;
    let auditing = if args.idle { Auditing::Idle } else { Auditing::Running };
    let quiet = screen.is_json();
    let progress = |number: u8, name: &str| {
        if !quiet {
            // That nobody reads the progress shows when the answer is printed.
            let _ = screen.show(&format!("{}\n", screen.style.dim(&format!("{number:>2}  {name}"))));
        }
    };
    let findings = target.ledger.audit(&target.pipeline, auditing, &progress).await?;
    let differences = findings.iter().filter(|finding| !finding.pending).count() as u64;
    if screen.is_json() {
        let pipeline = target.pipeline.as_str();
        screen.json(&serde_json::json!({ "pipeline": pipeline, "differences": differences, "findings": findings }))?;
    } else {
        screen.show(&render(&findings, differences, screen))?;
    }
    Ok(Verdict::found(differences > 0))
}

fn render(findings: &[Finding], differences: u64, screen: &Screen) -> String {
    let mut text = String::new();
    if !findings.is_empty() {
        let mut table = Table::new(&["INVARIANT", "WHERE", "WHAT STANDS THERE"]);
        for Finding { invariant, name, subject, detail, pending } in findings {
            let detail = if *pending { format!("{detail} (not done yet)") } else { detail.clone() };
            table.row([Cell::plain(format!("{invariant} {name}")), Cell::bold(subject), Cell::plain(detail)]);
        }
        text = format!("\n{}\n", table.render(screen));
    }
    let sum = format!("audit: {}", count(differences, "difference"));
    let sum = if differences == 0 { screen.style.green(&sum) } else { screen.style.red(&sum) };
    format!("{text}{sum}\n")
}
