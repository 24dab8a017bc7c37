//! `erase`: a member is forgotten, as an event through the engine like any other; what is forgotten cannot be brought back.

use contract::event::Event;
use contract::result::ResultBody;
use contract::{MemberId, WalletName};
use engine::Settled;
use ledger::book::Outcome;
use rust_decimal::Decimal;
use serde::Serialize;

use super::balance::parse;
use super::freeze::{FreezeError, WordArgs, decide, prepare};
use super::member;
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table};

/// Forget a member for good: forfeit what they have, and keep nothing of who they are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What the member has is forfeited and what they owe is waived, open holds end first, points on their way to them go back, and points that
they sent arrive. Their name, their purchases, waiting refunds and what was published of them are deleted; the entries stay, under a name that
says nothing, so that sums and audits stay right. What comes in their name later settles as `Erased`.

It cannot be undone: without --yes it only shows what would be forfeited. It looks at every event of the pipeline once.

Exit codes: 0 the member is (or with --dry-run would be) erased, 1 the member is unknown, was erased before, or --yes is missing, 2 the
ledger cannot be asked.

Examples:
  loyaltyctl erase 19339 --reason 'request 4711' --dry-run -f pipeline.yaml
  loyaltyctl erase 19339 --reason 'request 4711' --yes -f pipeline.yaml
  loyaltyctl erase 19339 --reason 'request 4711' --author bea --yes -f pipeline.yaml -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    word: WordArgs,

    /// Really do it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// What a wallet loses.
#[derive(Debug, Serialize)]
struct Loss {
    wallet: WalletName,
    forfeited: Decimal,
    waived: Decimal,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let name = parse("a member", &args.word.member, MemberId::parse)?;
    let target = args.word.ledger.open().await?;
    let Some(known) = member::known(&target, &name).await? else {
        screen.warn(&member::stranger(&target, &name, "; check the name").await?)?;
        return Ok(Verdict::Found);
    };
    if let Some(erased) = &known.erased {
        screen.warn(&format!("nothing changes: member `{name}` was {}\n", member::gone(erased)))?;
        return Ok(Verdict::Found);
    }
    if let Some(merged) = &known.merged {
        screen.warn(&format!("nothing changes: member `{name}` was {}\n", member::elsewhere(merged)))?;
        return Ok(Verdict::Found);
    }
    let (engine, event) = prepare("erase", &args.word, (&target, &[])).await?;
    let settled = decide(&engine, &event, args.yes).await?;
    let losses = losses(&settled)?;
    let told =
        Told { member: &name, event: &event, losses: &losses, is_preview: !args.yes, dry_run: args.word.dry_run };
    told.show(screen)?;
    Ok(Verdict::found(!args.yes && !args.word.dry_run))
}

/// By wallet; a member who was erased a moment before by somebody else loses nothing.
fn losses(settled: &[Settled]) -> Result<Vec<Loss>, Halt> {
    let results = match settled.first() {
        Some(Settled::Fresh { outcome: Outcome::Applied, results, .. }) => results,
        Some(Settled::Buried(refusal)) => return Err(FreezeError::Refused(refusal.clone()).into()),
        _ => return Ok(Vec::new()),
    };
    let number = |text: &String| text.parse::<Decimal>().unwrap_or_default();
    let loss = |body: &ResultBody| match body {
        ResultBody::Forfeited { wallet, points, debt } => Some(Loss {
            wallet: wallet.clone(),
            forfeited: number(points),
            waived: debt.as_ref().map(number).unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(results.iter().filter_map(|result| loss(&result.body)).collect())
}

struct Told<'a> {
    member: &'a MemberId,
    event: &'a Event,
    losses: &'a [Loss],
    is_preview: bool,
    dry_run: bool,
}

impl Told<'_> {
    fn show(&self, screen: &Screen) -> std::io::Result<()> {
        let Self { member, event, losses, is_preview, dry_run } = self;
        if screen.is_json() {
            screen.json(&serde_json::json!({
                "preview": is_preview, "event": event.id, "member": member, "erased": !is_preview, "wallets": losses,
            }))?;
        } else if screen.is_csv() {
            screen.csv(&self.table())?;
        } else if !losses.is_empty() {
            screen.show(&format!("{}\n", self.table().render(screen)))?;
        }
        let sentence = match (is_preview, dry_run) {
            (true, true) => format!("dry run: member `{member}` would be erased\n"),
            (true, false) => format!("nothing was erased: member `{member}` cannot be brought back; say `--yes`\n"),
            _ => format!("member `{member}` is erased\n"),
        };
        if *is_preview && !dry_run {
            return screen.warn(&sentence);
        }
        if screen.is_json() || screen.is_csv() { Ok(()) } else { screen.show(&sentence) }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["WALLET", "FORFEITED", "WAIVED"]);
        for Loss { wallet, forfeited, waived } in self.losses {
            table.row([Cell::bold(wallet.as_str()), Cell::amount(*forfeited), Cell::amount(*waived)]);
        }
        table
    }
}
