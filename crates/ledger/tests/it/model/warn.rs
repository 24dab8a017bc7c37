//! Warnings of the model: of each lot once, and of each end of the points that idle once.

use std::collections::BTreeMap;

use contract::event::Event;
use jiff::{SignedDuration, Timestamp};

use super::{Model, Place};

/// When to warn, and whether it was done.
#[derive(Debug, Default)]
struct Warning {
    at: Option<Timestamp>,
    given: bool,
}

#[derive(Debug, Default)]
pub(super) struct Warnings {
    lots: BTreeMap<usize, Warning>,
    idle: Warning,
    told: Vec<String>,
}

/// So many days before the end as the event says, but not before the event.
fn warning(event: &Event, end: Timestamp) -> Warning {
    let days = event.data.get("warn").and_then(serde_json::Value::as_i64);
    let at = days.map(|days| event.occurred_at.max(end - SignedDuration::from_hours(24 * days)));
    Warning { at, given: false }
}

impl Model {
    /// What was warned of, in the order in which it was.
    pub(crate) fn warned(&self) -> &[String] {
        &self.warnings.told
    }

    /// What nobody has heard by now is never said.
    pub(crate) fn unsay(&mut self) {
        self.warnings.told.clear();
    }

    /// Does something of which nobody is warned.
    pub(super) fn quietly(&mut self, what: impl FnOnce(&mut Self)) {
        let said = self.warnings.told.len();
        what(self);
        self.warnings.told.truncate(said);
    }

    pub(super) fn lot_warns(&mut self, lot: usize, (event, end): (&Event, Timestamp)) {
        self.warnings.lots.insert(lot, warning(event, end));
    }

    /// Points that idle have another end.
    pub(super) fn idle_warns(&mut self, event: &Event, end: Timestamp) {
        self.warnings.idle = warning(event, end);
    }

    pub(super) fn times_to_warn(&self) -> impl Iterator<Item = Timestamp> {
        self.warnings.lots.values().chain([&self.warnings.idle]).filter_map(|warning| warning.at)
    }

    /// Warns of what was to be warned of by a moment, if it has not ended by the time at which somebody looks.
    pub(super) fn warn(&mut self, moment: Timestamp, by: Timestamp) {
        let mut warnings = std::mem::take(&mut self.warnings);
        let mut ends: BTreeMap<Timestamp, usize> = BTreeMap::new();
        let is_open = |warning: &Warning| !warning.given && warning.at.is_some_and(|at| at <= moment);
        let in_time = |end: &Timestamp| *end > by;
        for (lot, warning) in warnings.lots.iter_mut().filter(|(_, warning)| is_open(warning)) {
            let points = self.ending(|n| self.points[n].lot == *lot && !self.points[n].idles);
            let end = points.first().and_then(|n| self.points[*n].expires).filter(in_time);
            if let Some(end) = end {
                *ends.entry(end).or_default() += points.len();
                warning.given = true;
            }
        }
        if is_open(&warnings.idle) {
            let points = self.ending(|n| self.points[n].idles);
            if let Some(end) = self.idle.filter(|end| in_time(end) && !points.is_empty()) {
                *ends.entry(end).or_default() += points.len();
                warnings.idle.given = true;
            }
        }
        let available = self.count(Place::Available);
        for (end, points) in ends {
            let last = (end - SignedDuration::from_nanos(1)).to_zoned(jiff::tz::TimeZone::UTC).date();
            warnings.told.push(format!("{moment} expiring {points} points after {last}, {available}"));
        }
        self.warnings = warnings;
    }

    /// Those of some points that will end.
    fn ending(&self, which: impl Fn(usize) -> bool) -> Vec<usize> {
        let is_left = |n: &usize| matches!(self.points[*n].place, Place::Pending | Place::Available);
        (0..self.points.len()).filter(|n| is_left(n) && which(*n)).collect()
    }
}
