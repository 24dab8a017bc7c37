//! `explain`: why a member got what they got, in words that a person at the counter understands.

mod award;
mod event;
mod member;
mod moves;
mod outcome;
mod tally;

use contract::{EventId, MemberId, Source};

pub(super) use event::brief;
pub(super) use outcome::why;

use super::balance::parse;
use super::member::{known, line, stranger};
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::{LedgerArgs, LedgerTarget};

/// Say why an event gave what it gave, or what happened to a member
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of an event -o csv has its entry, and those that refunds of its order or its hold made since; the arithmetic is in the table and in -o json.

Exit codes: 0 explained, 1 nothing is known of it, 2 the ledger cannot be asked.

Examples:
  loyaltyctl explain cdnow-1 -f pipeline.yaml
  loyaltyctl explain --member 19339 -f pipeline.yaml
  loyaltyctl explain 4711 --source shop --pipeline coffee-club --ledger sqlite:ledger.db -o json")]
pub(crate) struct Args {
    /// The event's id
    #[arg(value_name = "EVENT", required_unless_present = "member", conflicts_with = "member")]
    event: Option<String>,

    /// Where several sources use the id: which one
    #[arg(long, value_name = "NAME", requires = "event")]
    source: Option<String>,

    /// Instead: a member's latest entries, newest first
    #[arg(long, value_name = "MEMBER")]
    member: Option<String>,

    /// At most so many entries of a member
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let source = args.source.as_deref().map(|name| parse("a source", name, Source::parse)).transpose()?;
    let event = args.event.as_deref().map(|id| parse("an event's id", id, EventId::parse)).transpose()?;
    let member = args.member.as_deref().map(|name| parse("a member", name, MemberId::parse)).transpose()?;
    let target = args.ledger.open().await?;
    match (event, member) {
        (Some(event), _) => one_event(&target, &event, source.as_ref(), screen).await,
        (None, Some(member)) => one_member(&target, &member, args.limit as usize, screen).await,
        // The command line asks for one of the two.
        (None, None) => Ok(Verdict::Fine),
    }
}

async fn one_event(
    target: &LedgerTarget,
    id: &EventId,
    source: Option<&Source>,
    screen: &Screen,
) -> Result<Verdict, Halt> {
    let LedgerTarget { ledger, pipeline } = target;
    let reports = ledger.explain_event(pipeline, id, source).await?;
    if reports.is_empty() {
        let forgotten = ledger.forgotten_before(pipeline).await?;
        let forgotten = forgotten.map(|before| format!(", or was forgotten, if it happened before {before}"));
        let text = format!(
            "event `{id}` is not known to pipeline `{pipeline}`: it never came, still waits, or was buried (`loyaltyctl dlq list`){}\n",
            forgotten.unwrap_or_default()
        );
        screen.warn(&text)?;
        return Ok(Verdict::Found);
    }
    if screen.is_json() {
        screen.json(&reports)?;
        return Ok(Verdict::Fine);
    }
    if screen.is_csv() {
        let entries =
            reports.into_iter().flat_map(|report| report.entry.into_iter().chain(report.refunds).chain(report.of_hold));
        screen.csv(&member::table(&entries.collect::<Vec<_>>()))?;
        return Ok(Verdict::Fine);
    }
    let timeline = ledger.timeline(pipeline).await?;
    let texts: Vec<String> = reports.iter().map(|report| event::render(report, &timeline, screen)).collect();
    screen.show(&texts.join("\n"))?;
    Ok(Verdict::Fine)
}

async fn one_member(target: &LedgerTarget, member: &MemberId, limit: usize, screen: &Screen) -> Result<Verdict, Halt> {
    let LedgerTarget { ledger, pipeline } = target;
    let entries = ledger.explain_member(pipeline, member, limit).await?;
    if screen.is_json() {
        screen.json(&entries)?;
    } else if screen.is_csv() {
        screen.csv(&member::table(&entries))?;
    } else if entries.is_empty() {
        screen.warn(&match known(target, member).await? {
            Some(_) => format!("member `{member}` has no entries in pipeline `{pipeline}`\n"),
            None => stranger(target, member, ": no event of theirs was applied").await?,
        })?;
    } else {
        screen.show(&line(known(target, member).await?.as_ref(), screen))?;
        screen.show(&member::render(member, &entries, screen))?;
    }
    Ok(Verdict::found(entries.is_empty()))
}
