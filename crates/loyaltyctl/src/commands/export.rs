//! `export`: everything that the ledger knows of a member, for whoever asks what is known of them.
//!
//! Written while it is read: a member may have a hundred thousand events.

use contract::MemberId;

use super::balance::{open_holds, parse};
use super::member;
use crate::edge::{Halt, Verdict};
use crate::screen::{Progress, Screen, grouped};
use crate::target::{LedgerArgs, LedgerTarget};

/// Write everything that is known of a member as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One JSON object, whatever --output says: since when the member is known and whether frozen, the wallets with their open lots, the open holds, the
tiers that they had with what counts for them, what rules count of them over several events, and every event in the order in which it was decided, each with what was published of it, its entry (postings, lots, awards with their
arithmetic), and of purchases and waiting refunds the event itself. Entries recorded before `carriedForward`, if that is given, are
no longer told one by one, and events that happened before `forgottenBefore` are no longer known. Of a transfer it names the other member as well. Events of who was merged
into the member are among them; of one who was merged it says into whom.

It looks at every event of the pipeline once. Exit codes: 0 fine, 1 the member is unknown, 2 the ledger cannot be asked.

Examples:
  loyaltyctl export 19339 -f pipeline.yaml > 19339.json
  loyaltyctl export 19339 --pipeline coffee-club --ledger sqlite:ledger.db")]
pub(crate) struct Args {
    /// The member, as the events name them
    #[arg(value_name = "MEMBER")]
    member: String,

    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let name = parse("a member", &args.member, MemberId::parse)?;
    let target = args.ledger.open().await?;
    let LedgerTarget { ledger, pipeline } = &target;
    let Some(known) = member::known(&target, &name).await? else {
        screen.warn(&member::stranger(&target, &name, "; check the name").await?)?;
        return Ok(Verdict::Found);
    };
    let wallets = ledger.balance(pipeline, &name).await?.unwrap_or_default();
    let holds = open_holds(&target, &name, None).await?;
    let tiers = ledger.tiers(pipeline, &name).await?.unwrap_or_default();
    let tallies = ledger.tallies(pipeline, &name).await?;
    let carried = ledger.carried_forward(pipeline).await?;
    let head = serde_json::json!({
        "pipeline": pipeline, "member": name, "knownSince": known.known_since, "frozen": known.frozen, "erased": known.erased,
        "merged": known.merged, "wallets": wallets, "holds": holds, "tiers": tiers, "tallies": tallies,
        "carriedForward": carried.map(|carried| carried.recorded_before),
        "forgottenBefore": ledger.forgotten_before(pipeline).await?,
    });
    let head = serde_json::to_string_pretty(&head)?;
    // The object stays open for what comes one by one.
    screen.show(&format!("{},\n  \"events\": [", head.trim_end().trim_end_matches('}').trim_end()))?;
    let (mut progress, mut written) = (Progress::start(), 0_u64);
    for event in ledger.events_of(pipeline, &name).await? {
        for report in ledger.explain_event(pipeline, &event.id, Some(&event.source)).await? {
            let comma = if written == 0 { "" } else { "," };
            screen.show(&format!("{comma}\n{}", serde_json::to_string(&report)?))?;
            written += 1;
        }
        progress.tell(&format!("export: {} events", grouped(written)));
    }
    progress.end();
    screen.show("\n  ]\n}\n")?;
    Ok(Verdict::Fine)
}
