//! The programme as a person writes it: wallets and rules. Shapes only; what they mean is the rules' matter.

mod activity;
mod budget;
mod earn;
mod group;
mod over;
mod reward;
mod rule;
mod tier;
mod valid;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::span::Span;

pub use activity::{ACTIVITIES_MAX, Activity, FIELDS_MAX, FieldType};
pub use budget::{BUDGETS_MAX, Budget};
pub use earn::{
    BANDS_MAX, Band, Base, Counted, Discount, Earn, Multiply, Per, PerQuantity, Rounding, RoundingAt, RoundingMode,
};
pub use group::{GROUPS_MAX, Group, PRIORITY_MAX, Pick};
pub use over::{Every, MARKS_MAX, Mark, Over};
pub use reward::{AutoReward, REWARDS_A_DAY_MAX};
pub use rule::{Rule, Selector};
pub use tier::{Downgrade, Level, Measure, Qualifying, Reach, TIERS_MAX, Tiers, Ungiven, Validity, Visits, Window};
pub use valid::{HOURS_MAX, Hours, VALID_DATES_MAX, Valid, Weekday};

use crate::{Currency, EventType, Period, Scale, WalletName, YearDay};

/// Most wallets of a programme; each costs a balance row per member.
pub const WALLETS_MAX: usize = 16;

/// Most rules of a programme; each is asked for every event of its type.
pub const RULES_MAX: usize = 1000;

/// Wallets, and what holds for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.currency == oldSelf.currency",
        "message": "the currency cannot change: all amounts would change their meaning"
    },
    {
        "rule": "oldSelf.wallets.all(old, self.wallets.exists(new, new.name == old.name))",
        "message": "a wallet cannot be removed: its members have points"
    },
    {
        "rule": "!has(oldSelf.tiers) || has(self.tiers)",
        "message": "tiers cannot be removed: members have them; keep the levels, and leave validity out if none is to be reviewed"
    },
])))]
pub struct Program {
    /// ISO 4217 code of all amounts; an event in another currency is buried.
    pub currency: Currency,
    /// Points currencies; the first one is meant where an event names none.
    #[cfg_attr(
        feature = "schema",
        schemars(
            length(min = 1, max = 16),
            extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
        )
    )]
    pub wallets: Vec<Wallet>,
    /// What rules may give in all, each of them shared by the rules that name it (`earn.budget`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))
    )]
    pub budgets: Vec<Budget>,
    /// Rules of which an event gets only some (`group` of a rule).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))
    )]
    pub groups: Vec<Group>,
    /// Custom activities whose fields are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))
    )]
    pub activities: Vec<Activity>,
    /// Levels that members reach by what they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Tiers>,
    /// Where a day begins and ends: the IANA name of a time zone, such as `Europe/Moscow`.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub time_zone: String,
    /// What a refund may take back.
    #[serde(default)]
    pub refunds: Refunds,
    /// From when these rules hold, by `occurredAt`; absent: from when they are first applied. The first version always
    /// holds from the beginning of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub valid_from: Option<Timestamp>,
}

impl Program {
    /// A programme of these wallets and nothing more.
    #[must_use]
    pub fn new(currency: Currency, wallets: Vec<Wallet>) -> Self {
        Self {
            currency,
            wallets,
            budgets: Vec::new(),
            groups: Vec::new(),
            activities: Vec::new(),
            tiers: None,
            time_zone: utc(),
            refunds: Refunds::default(),
            valid_from: None,
        }
    }
}

/// The time zone of a programme that names none.
#[must_use]
pub fn utc() -> String {
    "UTC".to_owned()
}

fn is_utc(zone: &str) -> bool {
    zone == "UTC"
}

/// One points currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.scale == oldSelf.scale", "message": "a wallet's scale cannot change: all its points would change their meaning"
}])))]
pub struct Wallet {
    /// Unique in the programme.
    pub name: WalletName,
    /// Decimals of its points, 0 to 4; cannot change once the wallet was used.
    #[serde(default)]
    pub scale: Scale,
    /// How long earned points wait before they can be spent; at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// When points end that nobody spent; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
    /// What a hold of its points means where it does not say it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// A reward that its points are turned into by themselves, as soon as there are enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_reward: Option<AutoReward>,
}

/// What a hold means where it does not say it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Holds {
    /// How long it lasts, from the event on: whole seconds to days of 24 hours, such as `30m`. Without it, such a hold has no end.
    pub timeout: Span,
}

/// How long earned points wait before they can be spent. At least one of `for`, `onDates` and `until`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.__for__) || has(self.onDates) || has(self.until)", "message": "give for, onDates or until, or several of them"
}])))]
pub struct Pending {
    /// From the event on, to the same time of day in the programme's time zone; `0d` is at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Period>,
    /// On to the beginning of the next of these days, in the programme's time zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 24)))]
    pub on_dates: Vec<YearDay>,
    /// Until a custom activity of this type comes that names the points' order, such as `delivered`; with `for` or `onDates` no longer than
    /// they say. Only points of purchases wait so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<EventType>,
}

/// When points end that nobody spent: so long after they were earned (`after`, `onDates`), together after a time in which the member did
/// nothing (`inactivity`), or `never`. They can be spent on the day that this leads to, and are gone when it ends in the programme's time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "[has(self.after) || has(self.onDates), has(self.inactivity), has(self.never)].exists_one(given, given)",
        "message": "give after or onDates or both, or inactivity, or never"
    },
    {
        "rule": "!has(self.roundUpTo) || (has(self.after) && !has(self.onDates)) || has(self.inactivity)",
        "message": "roundUpTo goes with after or inactivity, and not with onDates"
    },
    { "rule": "!has(self.never) || self.never", "message": "never can only be true; leave it out" },
    { "rule": "!has(self.warnBefore) || !has(self.never)", "message": "never is no end to warn of; leave warnBefore out" },
    {
        "rule": "!has(self.warnBefore) || self.warnBefore.matches('[1-9]')",
        "message": "warnBefore is no time at all; give at least 1d"
    }
])))]
pub struct Expiry {
    /// From the day of the event on, whether the points were pending or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Period>,
    /// Put off to the last day of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_up_to: Option<RoundUpTo>,
    /// Put off to the next of these days, such as `12-31`. With `after`, points that were earned so shortly before one of them are carried to
    /// the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 24)))]
    pub on_dates: Vec<YearDay>,
    /// All points of the wallet end together, so long after the member's last activity. Only a wallet can say so, not a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactivity: Option<Inactivity>,
    /// So long before their end the member is warned of it (`points.expiring`), once for each end, or at once where they come in later than
    /// that. Shorter than the points live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_before: Option<Period>,
    /// They never end; for a rule whose points are to outlast the others of their wallet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub never: bool,
}

impl Expiry {
    /// How long they last before anything puts the end off; `None` where only dates, or nothing, end them.
    #[must_use]
    pub fn so_long(&self) -> Option<Period> {
        self.after.or(self.inactivity.as_ref().map(|inactivity| inactivity.after))
    }
}

/// A time in which the member did nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inactivity {
    /// From the day of the last activity on.
    pub after: Period,
    /// Types of the events that are an activity, such as `purchase` and `redeem`. One that is turned down is none.
    #[cfg_attr(
        feature = "schema",
        schemars(length(min = 1, max = 32), extend("x-kubernetes-list-type" = "set"))
    )]
    pub activities: Vec<EventType>,
}

/// A part of the calendar whose last day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RoundUpTo {
    /// The month.
    Month,
    /// January to March, and so on.
    Quarter,
    /// January to June, or July to December.
    HalfYear,
    /// The year.
    Year,
}

/// What a refund may take back, and how long what it gives back can be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refunds {
    /// How far a clawback may go.
    #[serde(default)]
    pub take_back: TakeBack,
    /// How long points that had paid for a returned order can be spent again, at least: they keep their own end unless that comes
    /// sooner. From the day of the refund on, and to the end of the day that this leads to.
    // Absent from the stored form while it is the default: rule sets of before keep their hash.
    #[serde(default = "grace", skip_serializing_if = "is_grace")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = grace().to_string())))]
    pub reinstate_grace: Period,
}

impl Default for Refunds {
    fn default() -> Self {
        Self { take_back: TakeBack::default(), reinstate_grace: grace() }
    }
}

/// A month: what a customer who returned something needs to come back to the shop.
const GRACE_DAYS: u32 = 30;

fn grace() -> Period {
    Period::days(GRACE_DAYS)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_grace(period: &Period) -> bool {
    *period == grace()
}

/// How far a clawback may go. In each of them, points of the order that have ended already are asked for no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TakeBack {
    /// What the order earned and what cannot be spent yet; what is missing is waived.
    OnlyPending,
    /// Down to an empty balance; what is missing is waived.
    #[default]
    WithinBalance,
    /// All of it: what is missing is owed, and the next points that can be spent pay it off.
    Unlimited,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
