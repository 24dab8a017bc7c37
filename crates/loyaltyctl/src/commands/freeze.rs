//! `freeze` and `unfreeze`: whether a member's points may leave, as events through the engine like any other.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::MemberId;
use contract::event::Event;
use contract::intake::{Intake, TimeLimits};
use contract::pipeline::Events;
use engine::{Engine, Settled};
use jiff::Timestamp;
use ledger::book::Outcome;
use ledger::report::MemberReport;

use super::balance::parse;
use super::member;
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table};
use crate::target::{LedgerArgs, LedgerTarget};
use crate::user;

/// Stop a member's points from being spent, held or transferred, with a reason
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A frozen member goes on to earn, and refunds, ends and corrections go on; holds that were made before can be captured and released.

Exit codes: 0 the member is (or would be) frozen, 1 the member is unknown, 2 the ledger cannot be asked.

Examples:
  loyaltyctl freeze 19339 --reason 'card stolen' -f pipeline.yaml
  loyaltyctl freeze 19339 --reason 'card stolen' --dry-run -f pipeline.yaml -o json")]
pub(crate) struct FreezeArgs {
    #[command(flatten)]
    word: WordArgs,
}

/// Let the points of a frozen member be spent again, with a reason
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the member is (or would be) frozen no longer, 1 the member is unknown, 2 the ledger cannot be asked.

Examples:
  loyaltyctl unfreeze 19339 --reason 'card replaced' -f pipeline.yaml
  loyaltyctl unfreeze 19339 --reason 'card replaced' --author bea -f pipeline.yaml")]
pub(crate) struct UnfreezeArgs {
    #[command(flatten)]
    word: WordArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct WordArgs {
    /// The member, as the events name them
    #[arg(value_name = "MEMBER")]
    pub(super) member: String,

    /// Why; it is published, and an audit asks for it
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Who says so [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

/// Why nothing could be said of a member.
#[derive(Debug, thiserror::Error)]
pub(super) enum FreezeError {
    #[error("could not make an event of it")]
    Event(#[source] serde_json::Error),
    #[error("could not use what was given: {0}")]
    Refused(#[from] contract::Refusal),
}

/// Who says the events.
const SOURCE: &str = ledger::BY_HAND_SOURCE;

pub(super) async fn freeze(args: &FreezeArgs, screen: &Screen) -> Result<Verdict, Halt> {
    run("freeze", &args.word, screen).await
}

pub(super) async fn unfreeze(args: &UnfreezeArgs, screen: &Screen) -> Result<Verdict, Halt> {
    run("unfreeze", &args.word, screen).await
}

async fn run(what: &'static str, args: &WordArgs, screen: &Screen) -> Result<Verdict, Halt> {
    let name = parse("a member", &args.member, MemberId::parse)?;
    let target = args.ledger.open().await?;
    let Some(before) = member::known(&target, &name).await? else {
        screen.warn(&member::stranger(&target, &name, "; check the name").await?)?;
        return Ok(Verdict::Found);
    };
    if let Some(erased) = &before.erased {
        screen.warn(&format!("nothing changes: member `{name}` was {}\n", member::gone(erased)))?;
        return Ok(Verdict::Found);
    }
    if let Some(merged) = &before.merged {
        screen.warn(&format!("nothing changes: member `{name}` was {}\n", member::elsewhere(merged)))?;
        return Ok(Verdict::Found);
    }
    let (engine, event) = prepare(what, args, (&target, &[])).await?;
    let mut is_change = changes(&decide(&engine, &event, false).await?)?;
    if is_change && !args.dry_run {
        // Somebody else may have said it since.
        is_change = changes(&decide(&engine, &event, true).await?)?;
    }
    let after = member::known(&target, &name).await?;
    let told = Told { what, event: &event, changes: is_change, is_preview: args.dry_run };
    told.show((&before, after.as_ref()), screen)?;
    Ok(Verdict::Fine)
}

/// The engine, and the event as a worker would read it from the broker, with more fields.
pub(super) async fn prepare(
    what: &str,
    args: &WordArgs,
    (target, more): (&LedgerTarget, &[(&str, &str)]),
) -> Result<(Engine, Event), Halt> {
    let events: Events = serde_json::from_value(serde_json::json!({
        "sources": [{ "exchange": { "name": SOURCE }, "routingKeys": ["#"], "types": [what] }],
    }))
    .map_err(FreezeError::Event)?;
    let (now, ruleset) = (Timestamp::now(), target.ruleset().await?);
    let mut body = serde_json::json!({
        "id": id(what), "type": what, "occurredAt": now, "member": args.member, "reason": args.reason,
        "author": args.author.clone().unwrap_or_else(user::name),
    });
    for (field, value) in more {
        body[*field] = (*value).into();
    }
    let intake = Intake::new(&events, ruleset.currency());
    let event = intake.decode_unrouted(body.to_string().as_bytes()).map_err(FreezeError::Refused)?;
    let engine = Engine::open(target.pipeline.clone(), Arc::clone(&target.ledger), TimeLimits::new(&events)).await?;
    Ok((engine, event))
}

/// Of this time and this process; should another machine have made the same one, it is refused, and can be tried again. Not made of the
/// content: it stays in the ledger when its member is erased, and a hash over a name can be guessed.
fn id(what: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{what}-{nanos}-{}", std::process::id())
}

/// What comes of it, or would.
pub(super) async fn decide(engine: &Engine, event: &Event, is_meant: bool) -> Result<Vec<Settled>, Halt> {
    let events = std::slice::from_ref(event);
    if is_meant {
        return Ok(engine.apply(events, &[], event.occurred_at).await?);
    }
    Ok(engine.preview(events, event.occurred_at).await?)
}

/// Whether it changes anything: what is so already is turned down.
fn changes(settled: &[Settled]) -> Result<bool, Halt> {
    match settled.first() {
        Some(Settled::Fresh { outcome, .. }) => Ok(*outcome == Outcome::Applied),
        Some(Settled::Buried(refusal)) => Err(FreezeError::Refused(refusal.clone()).into()),
        Some(Settled::Replayed { .. }) | None => Ok(false),
    }
}

struct Told<'a> {
    what: &'static str,
    event: &'a Event,
    changes: bool,
    is_preview: bool,
}

impl Told<'_> {
    fn show(&self, (before, after): (&MemberReport, Option<&MemberReport>), screen: &Screen) -> std::io::Result<()> {
        let frozen = after.and_then(|member| member.frozen.as_ref());
        if screen.is_json() {
            return screen.json(&serde_json::json!({
                "preview": self.is_preview, "event": self.event.id, "member": self.event.member, "asked": self.what,
                "changes": self.changes, "frozen": frozen,
            }));
        }
        let name = &self.event.member;
        if screen.is_csv() {
            let mut table = Table::new(&["MEMBER", "ASKED", "CHANGES", "PREVIEW", "FROZEN SINCE"]);
            let since = frozen.map(|frozen| frozen.since.to_string()).unwrap_or_default();
            let [changes, preview] = [self.changes, self.is_preview].map(|is_so| is_so.to_string());
            table.row([name.as_str(), self.what, &changes, &preview, &since].map(Cell::plain));
            return screen.csv(&table);
        }
        let state = before
            .frozen
            .as_ref()
            .map_or_else(|| "is not frozen".to_owned(), |frozen| format!("is {}", member::sentence(frozen)));
        screen.show(&match (self.changes, self.is_preview, self.what) {
            (false, ..) => format!("nothing changes: member `{name}` {state}\n"),
            (true, true, what) => format!("dry run: member `{name}` {state}; `{what}` would change that\n"),
            (true, false, "freeze") => format!(
                "member `{name}` is frozen: no points of theirs can be spent, held or transferred until `loyaltyctl unfreeze`\n"
            ),
            (true, false, _) => format!("member `{name}` is frozen no longer; they {}\n", state.replacen("is ", "were ", 1)),
        })
    }
}
