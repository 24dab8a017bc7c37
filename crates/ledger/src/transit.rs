//! Points on their way from one member to another: what has left the one and neither arrived nor come back yet.
//!
//! They leave with the sender's entry, in one transaction with a row that says so. That row is the work that is left: whoever finds it
//! lets the points arrive, in a transaction of the receiver's own, or come back, in one of the sender's. So no transaction waits for
//! two members, and a worker that dies between the two leaves nothing but the row.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::decision::Reads;
use contract::event::{ARRIVES, COMES_BACK, Event, Kind, TRANSFER_SOURCE};
use contract::{EventId, EventType, MemberId, PipelineName, Points, Source, WalletName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::rows::{ENTRY_BITS, MemberKey};
use crate::sql::{self, Arg, Row, Sql};
use crate::store::{BatchId, Identity, Wanted};
use crate::takes::Takes;

/// Which of the transfers that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnderWay {
    /// Those that a batch sent.
    Of(BatchId),
    /// Those that were sent at least so long ago: their own worker has most likely died.
    For(Duration),
}

/// Names a transfer within its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransitKey {
    pub(crate) sender: MemberKey,
    pub(crate) entry: i64,
}

/// Points on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transit {
    pub(crate) key: TransitKey,
    /// The event that sent them.
    pub transfer: Identity,
    /// Who sent them.
    pub from: MemberId,
    /// Who is to have them.
    pub to: MemberId,
    /// Of which wallet.
    pub wallet: WalletName,
    /// When they were sent.
    pub at: Timestamp,
    /// Whether they could not arrive, and are to come back.
    pub is_refused: bool,
    /// What left each lot, in burn order.
    pub parts: Vec<TransitPart>,
}

/// What left one lot, with what stood there then: what happens to the sender later does not touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitPart {
    /// Sequence of the sender's lot.
    pub lot: i64,
    /// > 0.
    pub points: Points,
    /// The lot's end, which they keep (of points that idle, the one of the sender's wallet); `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whether they end by inactivity: at the receiver's, with the others of the wallet.
    pub idles: bool,
    /// When that end is to be warned of; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warns: Option<Timestamp>,
}

impl Transit {
    /// What is to happen next, as an event of the one member whom it touches: `{event}/in`, or `{event}/back`. Its content says no more
    /// than its identity: what moves is what left the sender's lots.
    pub fn event(&self) -> Result<Event, LedgerError> {
        let wrong = |e: contract::id::IdError| LedgerError::unreadable("transfer.event_id", e);
        let (end, member) = if self.is_refused { (COMES_BACK, &self.from) } else { (ARRIVES, &self.to) };
        Ok(Event {
            source: Source::parse(&format!("{TRANSFER_SOURCE}{}", self.transfer.source)).map_err(wrong)?,
            id: EventId::parse(&format!("{}{end}", self.transfer.id)).map_err(wrong)?,
            occurred_at: self.at,
            member: member.clone(),
            channel: None,
            data: BTreeMap::new(),
            kind: Kind::Custom(EventType::parse("transfer").map_err(wrong)?),
        })
    }

    /// What that event needs.
    #[must_use]
    pub fn wanted(&self, event: &Event) -> Wanted {
        let lots = || self.parts.iter().map(|part| part.lot).collect();
        let takes =
            if self.is_refused { Takes::Lots { wallet: self.wallet.clone(), lots: lots() } } else { Takes::Nothing };
        Wanted {
            identity: Identity::of(event),
            hash: event.content_hash(),
            member: event.member.clone(),
            reads: Reads::default(),
            takes,
            at: self.at,
        }
    }
}

/// How a transfer goes on that was `InTransit` at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Refused,
    Arrived,
    Returned,
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "Refused",
            Self::Arrived => "Arrived",
            Self::Returned => "Returned",
        }
    }
}

pub(crate) async fn under_way(
    store: &dyn Sql,
    pipeline: &PipelineName,
    which: UnderWay,
    limit: usize,
) -> Result<Vec<Transit>, LedgerError> {
    let mut args: Vec<Arg> = vec![pipeline.as_str().into(), limit.into()];
    let condition = match which {
        UnderWay::Of(batch) => {
            let first = batch.0.checked_shl(ENTRY_BITS).unwrap_or(i64::MAX);
            args.extend([Arg::Int(first), Arg::Int(first.saturating_add((1 << ENTRY_BITS) - 1))]);
            "entry >= $3 and entry <= $4"
        }
        UnderWay::For(age) => {
            args.push(Arg::Int(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)));
            "micros(recorded_at) <= micros(now()) - $3"
        }
    };
    let sql = format!(
        "select cast(t.bucket as text), cast(t.member as text), cast(t.entry as text), t.source, t.event_id, t.wallet,
         cast(micros(t.at) as text), t.stage, s.external_id, r.external_id, t.parts
         from (select * from transfer where pipeline = $1 and ended is null and {condition} order by entry limit $2) t
         join member s on s.pipeline = t.pipeline and s.bucket = t.bucket and s.number = t.member
         join member r on r.pipeline = t.pipeline and r.bucket = t.to_bucket and r.number = t.to_member
         order by t.entry"
    );
    store.ask(&sql, &args).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Transit, LedgerError> {
    let sender = MemberKey { bucket: row.parse(0)?, number: row.int(1)? };
    Ok(Transit {
        key: TransitKey { sender, entry: row.int(2)? },
        transfer: Identity { source: row.id(3)?, id: row.id(4)? },
        from: row.id(8)?,
        to: row.id(9)?,
        wallet: sql::id("transfer.wallet", row.text(5)?)?,
        at: row.time(6)?,
        is_refused: row.text(7)? == Stage::Refused.as_str(),
        parts: sql::json("transfer.parts", row.text(10)?)?,
    })
}
