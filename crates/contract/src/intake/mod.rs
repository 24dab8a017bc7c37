//! From a delivery to an event: who may say what, in which form. Pure; every refusal has its reason and its sentence.
//!
//! Time is not looked at here: see [`TimeLimits`].

mod adjust;
mod cloud_events;
mod fields;
mod hold;
mod json;
mod line;
mod merge;
mod promote;
mod routing;
mod transfer;

use jiff::{SignedDuration, Timestamp};

use crate::event::{BUILT_IN_TYPES, Event};
use crate::pipeline::{Clock, EventSource, Events, Format};
use crate::{BuryReason, Currency, EventType, Refusal};

pub use routing::topic_matches;

/// A larger body is buried unread: 1 MiB holds an order of thousands of lines.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Most lines of one order; each rule looks at each.
pub const LINES_MAX: usize = 2_000;

/// How far an event may be ahead of the wall clock: clocks of shops drift.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// A message as it came from the broker.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Exchange that it was published to.
    pub exchange: &'a str,
    /// Routing key that it was published with.
    pub routing_key: &'a str,
    /// AMQP content type.
    pub content_type: Option<&'a str>,
    /// Headers whose value is a text.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// Reads deliveries of one pipeline.
#[derive(Debug, Clone)]
pub struct Intake {
    currency: Currency,
    format: Format,
    sources: Vec<EventSource>,
}

impl Intake {
    /// The intake of a pipeline.
    #[must_use]
    pub fn new(events: &Events, currency: Currency) -> Self {
        Self { currency, format: events.format, sources: events.sources.clone() }
    }

    /// Reads one delivery. Each fault has its own [`BuryReason`].
    pub fn decode(&self, delivery: &Delivery<'_>) -> Result<Event, Refusal> {
        let from = self.sources_of(delivery)?;
        let default_source = from[0].exchange.name.as_str();
        self.read(delivery, default_source, &|name| allowed(name, from.iter().copied()))
    }

    /// Reads one event that came by no broker (a file): any source's types are allowed, and the first source that may say
    /// the type lends its exchange's name as the event's `source` where it names none.
    pub fn decode_unrouted(&self, body: &[u8]) -> Result<Event, Refusal> {
        let content_type = match self.format {
            Format::Json => None,
            Format::CloudEvents => Some(crate::result::CLOUD_EVENT_JSON),
        };
        let delivery = Delivery { exchange: "", routing_key: "", content_type, headers: &[], body };
        self.read(&delivery, "", &|name| allowed(name, self.sources.iter()))
    }

    fn read(&self, delivery: &Delivery<'_>, default_source: &str, allowed: &Allowed<'_>) -> Result<Event, Refusal> {
        if delivery.body.len() > BODY_BYTES_MAX {
            let detail = format!("the body has {} bytes; an event has at most {BODY_BYTES_MAX}", delivery.body.len());
            return Err(Refusal::new(BuryReason::TooLarge, detail));
        }
        let raw = match self.format {
            Format::Json => json::parse(delivery.body)?,
            Format::CloudEvents => cloud_events::parse(delivery)?,
        };
        let name = self.known_type(&raw)?;
        let exchange = allowed(&name)?;
        let default_source = if default_source.is_empty() { exchange } else { default_source };
        fields::event(&raw, name, &fields::Defaults { currency: self.currency, source: default_source })
    }

    fn sources_of(&self, delivery: &Delivery<'_>) -> Result<Vec<&EventSource>, Refusal> {
        let from: Vec<_> = self.sources.iter().filter(|source| routing::routes(source, delivery)).collect();
        if from.is_empty() {
            let detail = format!(
                "no source has exchange `{}` and a routing key that takes `{}`; publish to an exchange of `events.sources`",
                delivery.exchange, delivery.routing_key
            );
            return Err(Refusal::new(BuryReason::UnknownSource, detail));
        }
        Ok(from)
    }

    fn known_type(&self, raw: &json::Raw<'_>) -> Result<EventType, Refusal> {
        let Some(name) = raw.kind.as_deref() else {
            return Err(fields::missing("type"));
        };
        let named = |source: &EventSource| source.types.iter().any(|known| known.as_str() == name);
        if !BUILT_IN_TYPES.contains(&name) && !self.sources.iter().any(named) {
            let detail = format!("`type` is `{}`, which no source of this pipeline names", clip(name));
            return Err(Refusal::new(BuryReason::UnknownEventType, detail));
        }
        EventType::parse(name).map_err(|e| Refusal::new(BuryReason::BadValue, format!("`type` {e}")))
    }
}

type Allowed<'a> = dyn Fn(&EventType) -> Result<&'a str, Refusal> + 'a;

fn allowed<'a>(name: &EventType, from: impl Iterator<Item = &'a EventSource>) -> Result<&'a str, Refusal> {
    let mut said = Vec::new();
    for source in from {
        if source.types.contains(name) {
            return Ok(&source.exchange.name);
        }
        said.push(source.exchange.name.as_str());
    }
    said.dedup();
    let detail = format!(
        "`type` is `{name}`, which exchange `{}` may not say with this routing key; add it to the source's `types` if it may",
        said.join("`, `")
    );
    Err(Refusal::new(BuryReason::TypeNotAllowed, detail))
}

/// A text from outside, short enough for a sentence.
fn clip(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// How far from now an event may have happened.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    clock: Clock,
    late_max: SignedDuration,
}

impl TimeLimits {
    /// The limits of a pipeline.
    #[must_use]
    pub fn new(events: &Events) -> Self {
        let seconds = i64::try_from(events.max_lateness.seconds()).unwrap_or(i64::MAX);
        Self { clock: events.clock, late_max: SignedDuration::from_secs(seconds) }
    }

    /// Whether an event may still (or already) be applied `now`.
    pub fn check(&self, occurred_at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        if self.clock == Clock::Event {
            return Ok(());
        }
        let age = now.duration_since(occurred_at);
        if age > self.late_max {
            let detail = format!("`occurredAt` is {occurred_at}, longer ago than `events.maxLateness`");
            return Err(Refusal::new(BuryReason::TooLate, detail));
        }
        if age < -AHEAD_MAX {
            let detail =
                format!("`occurredAt` is {occurred_at}, more than five minutes ahead; check the producer's clock");
            return Err(Refusal::new(BuryReason::InTheFuture, detail));
        }
        Ok(())
    }

    /// Ends up to here are past for somebody who hears of this event `now`: by the wall clock, unless history counts by its own times.
    #[must_use]
    pub fn past(&self, occurred_at: Timestamp, now: Timestamp) -> Timestamp {
        if self.clock == Clock::Wall { occurred_at.max(now) } else { occurred_at }
    }

    /// The moment before which a refund that waits for its purchase is given up, if there is one.
    #[must_use]
    pub fn given_up_before(&self, now: Timestamp) -> Option<Timestamp> {
        (self.clock == Clock::Wall).then(|| now.checked_sub(self.late_max).ok()).flatten()
    }
}
