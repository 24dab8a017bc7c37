//! Rewards of the model: as long as there are enough points and the day has room.

use jiff::{SignedDuration, Timestamp};

use super::{Model, Place};

#[derive(Debug, Default)]
pub(super) struct Rewards {
    /// So many points, so many times a day.
    pub(super) rule: Option<(i64, u32)>,
    /// The last day that had any, and how many.
    day: Option<Timestamp>,
    given: u32,
    /// Whether the event at hand was at fault itself: then nothing happened.
    pub(super) is_refused: bool,
    /// When the last thing happened that the event at hand brought: itself, or what had waited for it.
    pub(super) last: Timestamp,
}

/// Longer than any points wait, or any hold lasts, before the last night.
const DAYS_MAX: i32 = 150;

fn midnight(at: Timestamp) -> Timestamp {
    at.to_zoned(jiff::tz::TimeZone::UTC).start_of_day().unwrap().timestamp()
}

impl Model {
    pub(crate) fn rewarding(mut self, points: i64, per_day: u32) -> Self {
        self.rewards.rule = Some((points, per_day));
        self
    }

    pub(super) fn reward(&mut self, at: Timestamp) {
        let Some((points, per_day)) = self.rewards.rule.filter(|_| !self.frozen) else { return };
        let day = self.rewards.day.map_or(midnight(at), |last| last.max(midnight(at)));
        let given = if self.rewards.day == Some(day) { self.rewards.given } else { 0 };
        if given < per_day && !self.take(points, Place::Spent).is_empty() {
            (self.rewards.day, self.rewards.given) = (Some(day), given + 1);
            self.reward(at);
        }
    }

    pub(super) fn reward_last(&mut self) {
        if !self.rewards.is_refused {
            self.reward(self.rewards.last);
        }
    }

    /// The days that begin after the last one that had any.
    pub(super) fn days_to_reward(&self, by: Timestamp) -> Vec<Timestamp> {
        let day = SignedDuration::from_hours(24);
        if self.rewards.rule.is_none() {
            return Vec::new();
        }
        let first = self.rewards.day.map_or_else(|| midnight(by - day * DAYS_MAX), |last| last + day);
        std::iter::successors(Some(first), |last| Some(*last + day)).take_while(|day| *day <= by).collect()
    }
}
