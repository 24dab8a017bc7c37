//! `dlq`: what was buried, and why.

use std::collections::BTreeMap;

use broker::Message;
use contract::pipeline::{Names, bury_header};
use serde::Serialize;

use crate::edge::{Halt, Verdict};
use crate::observe;
use crate::screen::{Cell, Screen, Table, count, grouped};
use crate::target::{BrokerArgs, Files, Loaded};

/// Look at buried messages
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
}

/// List buried messages, oldest first, with their reasons; takes none away
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 listed (there may be none), 2 the broker cannot be asked.

Examples:
  loyaltyctl dlq list -f pipeline.yaml --broker amqp://localhost
  loyaltyctl dlq list -f pipeline.yaml --limit 5 -o json")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    broker: BrokerArgs,

    /// At most so many, from the front of the queue
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// No queue to look into.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not look into queue `{queue}`: there is none; run `loyaltyctl up`, or check the vhost at the end of the broker's URL"
)]
struct NoQueue {
    queue: String,
}

pub(super) async fn run(command: &Command, screen: &Screen) -> Result<Verdict, Halt> {
    let Command::List(args) = command;
    let loaded = Loaded::read(&args.files.file)?;
    let pipeline = loaded.one(args.files.pipeline.as_deref())?;
    let broker = args.broker.find(&pipeline, &loaded)?;
    let queue = Names(&pipeline.name).dead();
    let connection = observe::connect(&broker.settings).await?;
    let depth = connection.passive_depth(&queue).await?;
    let depth = depth.ok_or_else(|| NoQueue { queue: queue.clone() })?;
    let messages = connection.peek(&queue, args.limit as usize).await?;
    connection.close().await;
    let buried: Vec<Buried> = messages.iter().map(Buried::of).collect();
    if screen.is_json() {
        screen.json(
            &serde_json::json!({ "queue": queue, "messages": depth, "reasons": reasons(&buried), "shown": buried }),
        )?;
    } else if screen.is_csv() {
        screen.csv(&table(&buried))?;
    } else {
        screen.show(&render(&queue, depth, &buried, screen))?;
    }
    Ok(Verdict::Fine)
}

/// A buried message, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Buried {
    at: Option<String>,
    reason: String,
    detail: String,
    /// Event type and id, where the body can be read.
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    exchange: Option<String>,
    routing_key: Option<String>,
    queue: Option<String>,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Buried {
    fn of(message: &Message) -> Self {
        let header = |name: &str| message.headers.get(name).cloned();
        let body = String::from_utf8_lossy(&message.body).into_owned();
        let (kind, id) = type_and_id(&message.body);
        Self {
            at: header(bury_header::AT),
            // A person or a tool may reject messages by hand; those come without our headers.
            reason: header(bury_header::REASON).unwrap_or_else(|| "unknown".to_owned()),
            detail: header(bury_header::DETAIL).unwrap_or_default(),
            kind,
            id,
            exchange: header(bury_header::EXCHANGE),
            routing_key: header(bury_header::ROUTING_KEY),
            queue: header(bury_header::QUEUE),
            headers: message.headers.clone(),
            body,
        }
    }

    fn subject(&self) -> String {
        match (&self.kind, &self.id) {
            (Some(kind), Some(id)) => format!("{kind} {id}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => format!("{} bytes", grouped(self.body.len() as u64)),
        }
    }
}

/// As far as the body is JSON with these two as texts.
fn type_and_id(body: &[u8]) -> (Option<String>, Option<String>) {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| value.get(name).and_then(|value| value.as_str()).map(ToOwned::to_owned);
    (field("type"), field("id"))
}

fn reasons(buried: &[Buried]) -> BTreeMap<&str, u64> {
    buried.iter().fold(BTreeMap::new(), |mut reasons, buried| {
        *reasons.entry(buried.reason.as_str()).or_default() += 1;
        reasons
    })
}

fn table(buried: &[Buried]) -> Table {
    let mut table = Table::new(&["WHEN", "REASON", "EVENT", "DETAIL"]);
    for one in buried {
        let at = one.at.as_deref().map_or("?", |at| at.split('.').next().unwrap_or(at));
        table.row([Cell::dim(at), Cell::bold(&one.reason), Cell::plain(one.subject()), Cell::plain(&one.detail)]);
    }
    table
}

fn render(queue: &str, depth: u64, buried: &[Buried], screen: &Screen) -> String {
    if buried.is_empty() {
        return format!("queue {queue}: nothing is buried\n");
    }
    let mut sums = Table::new(&["REASON", "MESSAGES"]);
    for (reason, messages) in reasons(buried) {
        sums.row([Cell::bold(reason), Cell::number(grouped(messages))]);
    }
    let table = table(buried);
    let shown = buried.len() as u64;
    let title = match depth {
        depth if depth > shown => format!("the oldest {} of {}", grouped(shown), count(depth, "message")),
        _ => count(shown, "message"),
    };
    format!("queue {queue}: {title}\n\n{}\n{}", sums.render(screen), table.render(screen))
}
