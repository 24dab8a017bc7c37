//! Rewards that points are turned into by themselves: as soon as there are enough that can be spent, and so many a day.
//!
//! What counts is the day on which the balance is looked at, and it never goes back: an event that comes late for its day finds the last
//! one on which any was given. What the balance has points for beyond the limit is due when the next day begins.

use std::collections::{BTreeMap, BTreeSet};

use contract::result::ResultBody;
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{BuryReason, Points, Refusal, RewardName, WalletName};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::MemberState;
use super::applied::{Account, Applied, Entry, EntryKind};
use super::draft::{scale, text};
use super::due::{Due, Move, Settling};
use super::wallet::{Stuck, WalletState};

/// What a wallet's automatic rewards came to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewarding {
    /// When the last day began on which any was given; `None`: there was none yet.
    pub window: Option<Timestamp>,
    /// How many on that day.
    pub used: i64,
    /// When the next one is due that the balance has points for.
    pub next: Option<Timestamp>,
}

/// What of a wallet's automatic rewards changed, as it stands after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardChange {
    /// Which wallet.
    pub wallet: WalletName,
    /// After.
    pub rewarding: Rewarding,
    /// Most rewards of the day, where some were given now.
    pub most: Option<i64>,
}

/// A reward that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// From which wallet.
    pub wallet: WalletName,
    /// What it is.
    pub reward: RewardName,
    /// > 0.
    pub points: Points,
    /// When its day began.
    pub window: Timestamp,
}

/// What one wallet says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    reward: RewardName,
    points: Points,
    per_day: i64,
}

/// The automatic rewards of all rule sets of a timeline.
#[derive(Debug, Clone, Default)]
pub struct RewardRules {
    /// The last one said first.
    lines: Vec<(Option<Timestamp>, RulesetHash, BTreeMap<WalletName, Rule>)>,
}

impl RewardRules {
    /// Of rule sets with the time from which each holds, in the order in which they were said.
    pub fn of<'a>(lines: impl DoubleEndedIterator<Item = (Option<Timestamp>, &'a RulesetHash, &'a Ruleset)>) -> Self {
        let rules = |ruleset: &Ruleset| {
            let of_wallets = ruleset.program.wallets.iter().filter_map(|wallet| {
                let said = wallet.auto_reward.as_ref()?;
                let points = Points::from_decimal(said.points.get(), wallet.scale).filter(|points| points.0 > 0)?;
                let rule = Rule { reward: said.reward.clone(), points, per_day: i64::from(said.per_day) };
                Some((wallet.name.clone(), rule))
            });
            of_wallets.collect()
        };
        Self { lines: lines.rev().map(|(from, hash, ruleset)| (from, hash.clone(), rules(ruleset))).collect() }
    }

    /// Whether no rule set has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|(_, _, rules)| rules.is_empty())
    }

    /// Wallets of which any rule set says some.
    #[must_use]
    pub fn wallets(&self) -> Vec<WalletName> {
        let names: BTreeSet<_> = self.lines.iter().flat_map(|(_, _, rules)| rules.keys()).collect();
        names.into_iter().cloned().collect()
    }

    /// What holds at a time: of the lines that do, the last one said.
    fn at(&self, at: Timestamp) -> Option<(&RulesetHash, &BTreeMap<WalletName, Rule>)> {
        let holds = |from: &Option<Timestamp>| from.is_none_or(|from| from <= at);
        self.lines.iter().find(|(from, _, _)| holds(from)).map(|(_, hash, rules)| (hash, rules))
    }
}

impl WalletState {
    /// Whether points are due to be turned into rewards.
    pub(super) fn is_to_reward(&self, by: Timestamp) -> bool {
        self.rewards.next.is_some_and(|at| at <= by)
    }

    /// How many rewards the balance and the day allow at a time; notes them, and when the next one is due.
    fn allow(&mut self, rule: Option<&Rule>, at: Timestamp, zone: &TimeZone) -> Result<i64, jiff::Error> {
        let Some(rule) = rule else {
            self.rewards.next = None;
            return Ok(0);
        };
        let own = midnight(at, 0, zone)?;
        let window = self.rewards.window.map_or(own, |last| last.max(own));
        let used = if self.rewards.window == Some(window) { self.rewards.used } else { 0 };
        let enough = self.balances.available.0 / rule.points.0;
        let given = enough.min(rule.per_day.saturating_sub(used)).max(0);
        if given > 0 {
            (self.rewards.window, self.rewards.used) = (Some(window), used + given);
        }
        self.rewards.next = if enough > given { Some(midnight(window, 1, zone)?) } else { None };
        Ok(given)
    }
}

/// When the day of a time begins, or one so many days later.
fn midnight(at: Timestamp, days: i64, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let day = at.to_zoned(zone.clone()).date().checked_add(jiff::Span::new().days(days))?;
    Ok(day.to_zoned(zone.clone())?.timestamp())
}

impl MemberState {
    /// Adds the times at which rewards are due.
    pub(super) fn rewards_due(&self, by: Timestamp, due: &mut Due) {
        for at in self.wallets.values().filter_map(|wallet| wallet.rewards.next).filter(|at| *at <= by) {
            due.entry((at, Move::Reward)).or_default();
        }
    }

    /// Turns points into rewards after something happened at a time, as far as balance and day allow; carries the state on.
    ///
    /// What changes without a reward (when the next one is due) is written with `after`, which happened then. A frozen member gets none.
    /// A [`Refusal`] says that the lots do not hold what the balance does; the caller drops the state then.
    pub fn reward(
        &mut self,
        settling: Settling<'_>,
        at: Timestamp,
        after: &mut Applied,
    ) -> Result<Option<Applied>, Refusal> {
        let (changes, given) = self.rewarded(settling, at)?;
        if let Some(given) = given {
            return Ok(Some(Applied { rewarding: changes, ..given }));
        }
        after.rewarding.extend(changes);
        Ok(None)
    }

    /// The same where something was due: `applied` has what was written so far.
    pub(super) fn reward_due(
        &mut self,
        settling: Settling<'_>,
        at: Timestamp,
        applied: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        if let Some(last) = applied.last_mut() {
            let given = self.reward(settling, at, last)?;
            applied.extend(given);
            return Ok(());
        }
        let mut alone = settling.applied((at, Move::Reward), std::iter::empty(), Vec::new())?;
        match self.reward(settling, at, &mut alone)? {
            Some(given) => applied.push(given),
            // The rules have changed since it was said when the next one is due.
            None if !alone.rewarding.is_empty() => applied.push(alone),
            None => {}
        }
        Ok(())
    }

    fn rewarded(
        &mut self,
        settling: Settling<'_>,
        at: Timestamp,
    ) -> Result<(Vec<RewardChange>, Option<Applied>), Refusal> {
        let (mut changes, mut names, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let mut entry = Entry::new(EntryKind::Reward, None);
        let said = settling.rewards.at(at).filter(|_| self.frozen.is_none());
        for (name, wallet) in &mut self.wallets {
            let (before, rule) = (wallet.rewards, said.and_then(|(_, rules)| rules.get(name)));
            let is_left = self.frozen.is_none() && settling.is_of_before(name, (before, rule), at);
            if is_left || (rule.is_none() && before.next.is_none()) {
                continue;
            }
            let beyond = |_| Refusal::new(BuryReason::Overflow, format!("{at} has no next day; check `occurredAt`"));
            let given = wallet.allow(rule, at, settling.zone).map_err(beyond)?;
            if let (Some(rule), Some(window), true) = (rule, wallet.rewards.window, given > 0) {
                let scale = scale(settling.ruleset, name)?;
                for _ in 0..given {
                    spend((name, &mut *wallet), rule, &mut entry)?;
                    let (reward, available) = (rule.reward.clone(), text(wallet.balances.available, scale));
                    entry.granted.push(Granted { wallet: name.clone(), reward, points: rule.points, window });
                    let (reward, points) = (rule.reward.clone(), text(rule.points, scale));
                    bodies.push(ResultBody::RewardGranted { reward, wallet: name.clone(), points, available });
                }
                // More of a day each time: so no other one has this name.
                names.push(format!("{name} {} {}", window.as_microsecond(), wallet.rewards.used));
                entry.balances.push((name.clone(), wallet.balances, wallet.last_lot));
            }
            if wallet.rewards != before {
                let most = rule.filter(|_| given > 0).map(|rule| rule.per_day);
                changes.push(RewardChange { wallet: name.clone(), rewarding: wallet.rewards, most });
            }
        }
        let Some((hash, _)) = said.filter(|_| !bodies.is_empty()) else { return Ok((changes, None)) };
        let applied = settling.applied((at, Move::Reward), names.iter().map(String::as_str), bodies)?;
        Ok((changes, Some(Applied { entry: Some(entry), ruleset: hash.clone(), ..applied })))
    }
}

impl Settling<'_> {
    /// Whether a late event would be looked at by rules of before those that said when the next reward is due: that stays then. It is said when
    /// a day has no more, so that none would be given now anyway.
    fn is_of_before(&self, wallet: &WalletName, (before, rule): (Rewarding, Option<&Rule>), at: Timestamp) -> bool {
        let at_next = |next| self.rewards.at(next).and_then(|(_, rules)| rules.get(wallet));
        before.next.filter(|next| *next > at).is_some_and(|next| at_next(next) != rule)
    }
}

/// One reward's points, in burn order.
fn spend((name, wallet): (&WalletName, &mut WalletState), rule: &Rule, entry: &mut Entry) -> Result<(), Refusal> {
    for moved in wallet.spend(rule.points).map_err(|stuck| stuck.refuse(name))? {
        entry.line(Account::Available, name, -moved.points)?;
        entry.line(Account::Redeemed, name, moved.points)?;
        entry.allocate(name, moved.lot, moved.points, None);
        let lot = wallet.lot(moved.lot).ok_or_else(|| Stuck::LotsMissing.refuse(name))?;
        entry.touched(name, lot, false);
    }
    Ok(())
}
