//! `merge`: two members are one person, as an event through the engine like any other.

use contract::event::{Event, Kind};
use contract::result::{MergeRejected, PointsMerged, RejectReason, ResultBody};
use contract::{MemberId, WalletName};
use engine::Settled;
use ledger::book::Outcome;
use rust_decimal::Decimal;
use serde::Serialize;

use super::balance::parse;
use super::explain::why;
use super::freeze::{FreezeError, WordArgs, decide, prepare};
use super::member;
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table};
use crate::target::LedgerTarget;

/// Make one member of two who are the same person: give the second all that the first one has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Points keep their dates, holds stay open, debts stay owed, and refunds of the first one's orders find what they would have found. Everything
that names the first member from then on is the second one's. Whoever is frozen stays so.

Nothing is merged where both have an order, or had a hold, of the same name, where points that the first one sent have not arrived yet, or
where the second one is unknown. It cannot be undone: without --yes it only shows what would be merged.

Exit codes: 0 they are (or with --dry-run would be) one member, 1 one of them is unknown or was erased, they cannot be merged, or --yes is
missing, 2 the ledger cannot be asked.

Examples:
  loyaltyctl merge 19339 05420 --reason 'lost card' --dry-run -f pipeline.yaml
  loyaltyctl merge 19339 05420 --reason 'lost card' --yes -f pipeline.yaml
  loyaltyctl merge 19339 05420 --reason 'lost card' --author bea --yes -f pipeline.yaml -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    word: WordArgs,

    /// Who they are: the member that gets all of it
    #[arg(value_name = "INTO")]
    into: String,

    /// Really do it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// What comes in to a wallet.
#[derive(Debug, Serialize)]
struct Gain {
    wallet: WalletName,
    available: Decimal,
    pending: Decimal,
    held: Decimal,
    debt: Decimal,
    /// What the other one can spend after it, before what is owed is paid off.
    after: Decimal,
}

/// What came of it.
#[derive(Debug)]
enum Came {
    Merged(Vec<Gain>),
    Rejected(RejectReason, Vec<String>),
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let from = parse("a member", &args.word.member, MemberId::parse)?;
    let into = parse("a member", &args.into, MemberId::parse)?;
    let target = args.word.ledger.open().await?;
    for name in [&from, &into] {
        if let Some(sentence) = stands_against(&target, (name, &from)).await? {
            screen.warn(&sentence)?;
            return Ok(Verdict::Found);
        }
    }
    let (engine, event) = prepare("merge", &args.word, (&target, &[("into", &args.into)])).await?;
    let mut came = came(&decide(&engine, &event, false).await?)?;
    let mut is_preview = true;
    if let (Came::Merged(_), true) = (&came, args.yes) {
        // Somebody else may have changed it since.
        came = self::came(&decide(&engine, &event, true).await?)?;
        is_preview = false;
    }
    let told = Told { from: &from, event: &event, came: &came, is_preview, dry_run: args.word.dry_run };
    told.show(screen)?;
    Ok(Verdict::found(matches!(came, Came::Rejected(..)) || is_preview && !args.word.dry_run))
}

/// Why a member cannot be one of the two, before anybody is asked.
async fn stands_against(target: &LedgerTarget, (name, from): (&MemberId, &MemberId)) -> Result<Option<String>, Halt> {
    let Some(known) = member::known(target, name).await? else {
        return Ok(Some(member::stranger(target, name, "; check the name").await?));
    };
    if let Some(erased) = &known.erased {
        return Ok(Some(format!("nothing is merged: member `{name}` was {}\n", member::gone(erased))));
    }
    let merged = known.merged.filter(|_| name == from);
    Ok(merged.map(|merged| format!("nothing is merged: member `{name}` was {}\n", member::elsewhere(&merged))))
}

fn came(settled: &[Settled]) -> Result<Came, Halt> {
    let (outcome, results) = match settled.first() {
        Some(Settled::Fresh { outcome, results, .. }) => (*outcome, results),
        Some(Settled::Buried(refusal)) => return Err(FreezeError::Refused(refusal.clone()).into()),
        Some(Settled::Replayed { .. }) | None => return Ok(Came::Merged(Vec::new())),
    };
    let number = |text: &String| text.parse::<Decimal>().unwrap_or_default();
    let some = |text: &Option<String>| text.as_ref().map(number).unwrap_or_default();
    let mut gains = Vec::new();
    for result in results {
        match &result.body {
            ResultBody::PointsMerged(PointsMerged { wallet, points, pending, held, debt, available }) => {
                gains.push(Gain {
                    wallet: wallet.clone(),
                    available: number(points),
                    pending: some(pending),
                    held: some(held),
                    debt: some(debt),
                    after: number(available),
                });
            }
            ResultBody::MergeRejected(MergeRejected { reason, names }) => {
                return Ok(Came::Rejected(*reason, names.clone()));
            }
            ResultBody::RequestRejected { reason, .. } => return Ok(Came::Rejected(*reason, Vec::new())),
            _ => {}
        }
    }
    match outcome {
        Outcome::Applied => Ok(Came::Merged(gains)),
        _ => Ok(Came::Rejected(RejectReason::MemberErased, Vec::new())),
    }
}

struct Told<'a> {
    from: &'a MemberId,
    event: &'a Event,
    came: &'a Came,
    is_preview: bool,
    dry_run: bool,
}

impl Told<'_> {
    fn show(&self, screen: &Screen) -> std::io::Result<()> {
        let Self { from, event, came, is_preview, dry_run } = self;
        let into = match &event.kind {
            Kind::Merge(merge) => merge.into.as_str(),
            _ => "",
        };
        let (gains, refused) = match came {
            Came::Merged(gains) => (gains.as_slice(), None),
            Came::Rejected(reason, names) => (&[][..], Some((reason, names))),
        };
        if screen.is_json() {
            screen.json(&serde_json::json!({
                "preview": is_preview, "event": event.id, "member": from, "into": into,
                "merged": !is_preview && refused.is_none(), "wallets": gains,
                "refused": refused.map(|(reason, names)| serde_json::json!({ "reason": reason, "names": names })),
            }))?;
        } else if screen.is_csv() {
            screen.csv(&table(gains))?;
        } else if !gains.is_empty() {
            screen.show(&format!("{}\n", table(gains).render(screen)))?;
        }
        if let Some((reason, names)) = refused {
            let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            return screen.warn(&format!("nothing is merged: {}{names}\n", why(*reason)));
        }
        let sentence = match (is_preview, dry_run) {
            (true, true) => format!("dry run: member `{from}` would be `{into}`\n"),
            (true, false) => format!("nothing was merged: `{from}` and `{into}` cannot be parted again; say `--yes`\n"),
            _ => format!("member `{from}` is `{into}` from now on\n"),
        };
        if *is_preview && !dry_run {
            return screen.warn(&sentence);
        }
        if screen.is_json() || screen.is_csv() { Ok(()) } else { screen.show(&sentence) }
    }
}

fn table(gains: &[Gain]) -> Table {
    let mut table = Table::new(&["WALLET", "AVAILABLE", "PENDING", "HELD", "DEBT", "AFTER"]);
    for Gain { wallet, available, pending, held, debt, after } in gains {
        let cells = [available, pending, held, debt, after].map(|points| Cell::amount(*points));
        table.row([Cell::bold(wallet.as_str())].into_iter().chain(cells));
    }
    table
}
