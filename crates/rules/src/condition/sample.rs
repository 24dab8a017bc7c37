//! A condition is tried on sample events before it is let in: it finds what no type tells, such as a division
//! by an amount that may be nought.

use std::collections::BTreeMap;

use contract::event::{Event, Kind, Line, Purchase};
use contract::{Currency, EventId, EventType, MemberId, Money, OrderId, Quantity, Source};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Condition;
use super::failure;
use super::fault::Fault;
use super::scope::{Scope, Seen};
use cel::ExecutionError;

/// What fails on a sample event, if anything does.
pub(crate) fn try_out(
    condition: &Condition,
    (on, tier): (&EventType, Option<&str>),
    (currency, zone): (Currency, &TimeZone),
) -> Option<Fault> {
    let samples = [sample(on, Money { minor: 0, currency }), sample(on, Money { minor: 12_345, currency })];
    samples.into_iter().flatten().find_map(|event| {
        let error =
            condition.program.execute(Scope::of(Seen { event: &event, zone, declared: None }, tier).context()).err()?;
        // The samples have no `data`: what a producer sends is not known here.
        if condition.reads.anywhere && matches!(error, ExecutionError::NoSuchKey(_)) {
            return None;
        }
        Some(Fault::whole(format!("fails on a sample event: {}", failure::sentence(&error))))
    })
}

/// The least that an event of this type says: one line without an article, no channel, no `data`.
fn sample(on: &EventType, amount: Money) -> Option<Event> {
    let kind = match on.as_str() {
        "purchase" => {
            Kind::Purchase(Purchase { order: OrderId::parse("sample").ok()?, amount, lines: vec![line(amount)?] })
        }
        "signup" => Kind::Signup,
        _ => Kind::Custom(on.clone()),
    };
    Some(Event {
        source: Source::parse("sample").ok()?,
        id: EventId::parse("sample").ok()?,
        occurred_at: Timestamp::UNIX_EPOCH,
        member: MemberId::parse("sample").ok()?,
        channel: None,
        data: BTreeMap::new(),
        kind,
    })
}

fn line(amount: Money) -> Option<Line> {
    Some(Line::plain("1", Quantity::parse("1").ok()?, amount))
}
