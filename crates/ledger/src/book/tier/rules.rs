//! What the rule sets of a timeline say of tiers.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::calendar::{day_of, end_of};
use contract::event::{Event, Kind};
use contract::program::{Downgrade, Level, Measure, Tiers};
use contract::result::TierReason;
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{Money, Points, Refusal, TierName, WalletName};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{TierLine, beyond};

/// The tiers of all rule sets of a timeline.
#[derive(Debug, Clone, Default)]
pub struct TierRules {
    /// The last one said first.
    lines: Vec<(Option<Timestamp>, Arc<Programme>)>,
    by_hash: BTreeMap<RulesetHash, Arc<Programme>>,
}

/// What is to be loaded of members' tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TiersWanted {
    /// What counts on so many days before; `None`: on all of them.
    pub days: Option<u32>,
}

/// The tiers of one rule set, as they are counted.
#[derive(Debug)]
pub(super) struct Programme {
    tiers: Tiers,
    zone: TimeZone,
    wallet: WalletName,
    /// Of each level any is enough; of the first one there is none.
    needs: Vec<Vec<(Measure, i64)>>,
}

impl TierRules {
    /// Of rule sets with the time from which each holds and their time zone, in the order in which they were said.
    pub fn of<'a>(
        lines: impl DoubleEndedIterator<Item = (Option<Timestamp>, &'a RulesetHash, &'a Ruleset, &'a TimeZone)>,
    ) -> Self {
        let mut rules = Self::default();
        for (from, hash, ruleset, zone) in lines.rev() {
            let Some(programme) = Programme::of(ruleset, zone) else { continue };
            let programme = Arc::new(programme);
            rules.lines.push((from, programme.clone()));
            rules.by_hash.insert(hash.clone(), programme);
        }
        rules
    }

    /// Whether no rule set has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What is to be loaded for them, where there are any.
    #[must_use]
    pub fn wanted(&self) -> Option<TiersWanted> {
        let days = self.lines.iter().map(|(_, programme)| programme.days_max());
        let days = days.reduce(|one, other| Some(one?.max(other?)))?;
        Some(TiersWanted { days })
    }

    pub(super) fn by_hash(&self, hash: &RulesetHash) -> Option<&Arc<Programme>> {
        self.by_hash.get(hash)
    }

    /// What holds at a time: of the lines that do, the last one said; before there were any, what was said last of all.
    pub(super) fn at(&self, at: Timestamp) -> Option<&Arc<Programme>> {
        let holds = |from: &Option<Timestamp>| from.is_none_or(|from| from <= at);
        let line = self.lines.iter().find(|(from, _)| holds(from)).or(self.lines.first());
        line.map(|(_, programme)| programme)
    }
}

impl Programme {
    fn of(ruleset: &Ruleset, zone: &TimeZone) -> Option<Self> {
        let tiers = ruleset.program.tiers.clone()?;
        let wallet = ruleset.qualifying()?;
        let needs = |level: &Level| {
            let Some(reach) = &level.reach else { return Vec::new() };
            let points = reach.points.and_then(|points| Points::from_decimal(points.get(), wallet.scale));
            let spend = reach.spend.and_then(|spend| Money::parse(&spend.get().to_string(), ruleset.currency()).ok());
            let needs = [
                (Measure::Points, points.map(|points| points.0)),
                (Measure::Spend, spend.map(|spend| spend.minor)),
                (Measure::Visits, reach.visits.map(i64::from)),
            ];
            needs.into_iter().filter_map(|(measure, least)| Some((measure, least?))).collect()
        };
        let needs = tiers.levels.iter().map(needs).collect();
        Some(Self { wallet: wallet.name.clone(), needs, zone: zone.clone(), tiers })
    }

    pub(super) fn wallet(&self) -> &WalletName {
        &self.wallet
    }

    /// Whether its levels have no end.
    pub(super) fn holds_for_ever(&self) -> bool {
        self.tiers.validity.is_none()
    }

    pub(super) fn downgrade(&self) -> Downgrade {
        self.tiers.downgrade
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        day_of(at, &self.zone)
    }

    /// Whether an event may count: of whatever earns points, a purchase, its refund, and a visit. For all others nobody has to look.
    pub(super) fn may_count(&self, event: &Event) -> bool {
        let earns = matches!(
            event.kind,
            Kind::Purchase(_) | Kind::Refund(_) | Kind::Signup | Kind::Custom(_) | Kind::OfOrder(_)
        );
        earns || self.is_visit(event.type_name())
    }

    pub(super) fn is_visit(&self, event_type: &str) -> bool {
        let mut activities = self.tiers.visits.iter().flat_map(|visits| &visits.activities);
        activities.any(|activity| activity.as_str() == event_type)
    }

    pub(super) fn first(&self) -> Option<TierName> {
        self.tiers.levels.first().map(|level| level.name.clone())
    }

    /// A level that is not there (none can be removed) is the first one.
    pub(super) fn height(&self, level: &TierName) -> usize {
        self.tiers.height(level).unwrap_or(0)
    }

    pub(super) fn first_day(&self, day: Date, began: Option<Timestamp>) -> Option<Date> {
        self.tiers.window.first_day(day, began, &self.zone)
    }

    pub(super) fn counts_since_start(&self) -> bool {
        self.tiers.window.since_start
    }

    /// The highest level for which these are enough.
    pub(super) fn reached(&self, sums: &[(Measure, i128)]) -> usize {
        let is_enough = |(measure, least): &(Measure, i64)| {
            sums.iter().any(|(of, sum)| of == measure && *sum >= i128::from(*least))
        };
        self.needs.iter().rposition(|needs| needs.iter().any(is_enough)).unwrap_or(0)
    }

    /// How long a level holds that is reached on a day; `None`: for ever.
    pub(super) fn until(&self, day: Date) -> Result<Option<Timestamp>, Refusal> {
        let Some(validity) = &self.tiers.validity else { return Ok(None) };
        let last = validity.last_day(day).and_then(|last| end_of(last, &self.zone));
        last.map(Some).map_err(|_| beyond(day))
    }

    /// The same, for a level that is left at the end of a day: to a later time than that.
    pub(super) fn until_after(&self, day: Date, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        match self.until(day)? {
            Some(until) if until <= at => self.until(day.tomorrow().map_err(|_| beyond(day))?),
            until => Ok(until),
        }
    }

    /// When a day begins.
    pub(super) fn begins(&self, day: Date) -> Result<Timestamp, Refusal> {
        Ok(day.to_zoned(self.zone.clone()).map_err(|_| beyond(day))?.timestamp())
    }

    pub(super) fn line(
        &self,
        (height, reason): (usize, TierReason),
        (since, until): (Timestamp, Option<Timestamp>),
    ) -> Option<TierLine> {
        let level = self.tiers.levels.get(height)?.name.clone();
        Some(TierLine { level, since, until, reason })
    }

    /// On how many days before a time what counts may still say something then: within the window of a day whose level still holds.
    fn days_max(&self) -> Option<u32> {
        // Without validity only the days since the event matter, of which each has its window: a review looks at none, and a merge at those
        // of the window.
        let holds = self.tiers.validity.as_ref().map_or(0, contract::program::Validity::days_max);
        Some(self.tiers.window.days_max()?.saturating_add(holds))
    }
}
