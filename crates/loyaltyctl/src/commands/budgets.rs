//! `budgets`: what is left of what campaigns may give.

use contract::PipelineName;
use ledger::report::BudgetReport;

use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table};
use crate::target::LedgerArgs;

/// Show what is left of each budget of the programme, and how much of that lies with workers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
USED is what rules gave out of the budget, less what refunds took back. LEFT can still be given. Of that, WITH WORKERS lies in slices from
which workers give without asking each other; when nothing else is left, any other worker may have it, whether its owner lives or not.
The limit is the one that was applied last.

Exit codes: 0 fine, 2 the ledger cannot be asked.

Examples:
  loyaltyctl budgets -f pipeline.yaml
  loyaltyctl budgets -f pipeline.yaml -o csv")]
pub(crate) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let target = args.ledger.open().await?;
    let budgets = target.ledger.budgets(&target.pipeline).await?;
    if screen.is_json() {
        screen.json(&serde_json::json!({ "pipeline": target.pipeline, "budgets": budgets }))?;
    } else if screen.is_csv() {
        screen.csv(&table(&budgets))?;
    } else {
        screen.show(&render(&target.pipeline, &budgets, screen))?;
    }
    Ok(Verdict::Fine)
}

fn render(pipeline: &PipelineName, budgets: &[BudgetReport], screen: &Screen) -> String {
    if budgets.is_empty() {
        return format!("pipeline {pipeline}: no rules that were applied have budgets\n");
    }
    format!("pipeline {pipeline}\n\n{}", table(budgets).render(screen))
}

fn table(budgets: &[BudgetReport]) -> Table {
    let mut table = Table::new(&["BUDGET", "WALLET", "LIMIT", "USED", "LEFT", "WITH WORKERS", "SLICES"]);
    for BudgetReport { budget, wallet, limit, used, left, in_slices, slices } in budgets {
        table.row([
            Cell::bold(budget.as_str()),
            Cell::plain(wallet.as_str()),
            Cell::amount(*limit),
            Cell::amount(*used),
            Cell::amount(*left),
            Cell::amount(*in_slices),
            Cell::number(slices.to_string()),
        ]);
    }
    table
}
