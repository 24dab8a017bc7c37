//! An event as conditions see it, bound once for all rules.

use std::sync::LazyLock;

use cel::Context;
use contract::event::{Event, Kind};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::check::DataReads;
use super::view::View;
use crate::activity::Declared;

/// Making the standard functions costs more than twenty evaluations: all share one set.
static ROOT: LazyLock<Context<'static, 'static>> = LazyLock::new(Context::default);

/// Values of `event.data` (long texts count by the piece) that conditions may look at.
const DATA_WEIGHT_MAX: usize = 1000;

/// Values that a macro may come by when it looks into `event.data` for each line: about 50 ms.
const LOOKS_MAX: usize = 1_000_000;

/// Bytes of a text that weigh as much as a value.
const TEXT_PIECE_BYTES: usize = 64;

/// The functions, without an event.
pub(super) fn root() -> &'static Context<'static, 'static> {
    &ROOT
}

/// An event with what it takes to read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) event: &'a Event,
    /// The programme's.
    pub(crate) zone: &'a TimeZone,
    /// The fields of its `data`, where the programme declares them.
    pub(crate) declared: Option<&'a Declared>,
}

/// An event, bound.
pub(crate) struct Scope<'a> {
    context: Context<'a, 'a>,
    event: &'a Event,
}

impl<'a> Scope<'a> {
    /// `tier` is the name of the member's, where there are any.
    pub(crate) fn of(seen: Seen<'a>, tier: Option<&'a str>) -> Self {
        let root: &'a Context<'a, 'a> = root();
        let mut context = root.new_inner_scope();
        context.add_variable_as_val("event", Box::new(View::Event(seen)));
        if let Some(tier) = tier {
            context.add_variable_as_val("member", Box::new(View::Member(tier)));
        }
        Self { context, event: seen.event }
    }

    pub(super) fn context(&self) -> &Context<'a, 'a> {
        &self.context
    }

    /// `Err` with a sentence when `event.data` is too large for a condition that reads it so: a producer must
    /// not be able to hold a worker up.
    pub(super) fn bounded(&self, reads: DataReads) -> Result<(), String> {
        if !reads.anywhere {
            return Ok(());
        }
        let weight = self.event.data.values().map(weight).sum::<usize>();
        if weight > DATA_WEIGHT_MAX {
            return Err(format!(
                "`data` has more than {DATA_WEIGHT_MAX} values (64 bytes of a text count as one); send fewer"
            ));
        }
        let elements = match &self.event.kind {
            Kind::Purchase(purchase) => purchase.lines.len().max(weight),
            _ => weight,
        };
        if weight * elements * reads.in_macros > LOOKS_MAX {
            return Err("its macros would look at more than a million values of `data`, again for each line; send fewer in `data`".to_owned());
        }
        Ok(())
    }
}

fn weight(value: &Json) -> usize {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 1,
        Json::String(text) => 1 + text.len() / TEXT_PIECE_BYTES,
        Json::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Json::Object(fields) => 1 + fields.values().map(weight).sum::<usize>(),
    }
}
