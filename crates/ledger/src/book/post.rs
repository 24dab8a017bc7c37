//! Posting one decided event: from a decision to moves, results and rows.

use std::collections::BTreeMap;

use contract::decision::{Award, Dates, Decision, GiveBack, IdlesUntil, OrderAward, OrderState, Returned};
use contract::event::{ContentHash, Event, Kind, OfOrder};
use contract::result::{AwardPart, RejectReason, ResultBody};
use contract::ruleset::{Ruleset, RulesetHash};
use contract::tally::TallyChange;
use contract::{BuryReason, EventType, OrderId, PipelineName, Points, Refusal, WalletName};

use super::applied::{Account, Applied, EntryKind, LotRow, NewAward, OrderChange, Outcome, Parking};
use super::draft::{Draft, overflow, text, unfit};
use super::member::TurnedDown;
use super::wallet::Moved;
use super::{MemberState, OrderBook, Taken};
use crate::store::Identity;

/// An event with what the rules decided.
#[derive(Debug, Clone, Copy)]
pub struct Posting<'a> {
    /// Whose ledger.
    pub pipeline: &'a PipelineName,
    /// The event.
    pub event: &'a Event,
    /// Its content hash.
    pub hash: ContentHash,
    /// What the rules decided.
    pub decision: &'a Decision,
    /// The rule set that decided.
    pub ruleset_hash: &'a RulesetHash,
    /// The same, for the scales of its wallets.
    pub ruleset: &'a Ruleset,
    /// Wallets in which the event is an activity, each with when its points end if it is the member's last one. It is none when it is turned down.
    pub active: &'a BTreeMap<WalletName, IdlesUntil>,
}

impl MemberState {
    /// Posts a decided event, as far as the balance allows, and carries the state on.
    ///
    /// A [`Refusal`] says that the message is at fault (the order is known from another event, a sum is beyond an i64, ...);
    /// the state is then as before.
    pub fn post(&mut self, posting: Posting<'_>) -> Result<Applied, Refusal> {
        let mut draft = Draft::new(self, posting);
        let earns = matches!(posting.decision, Decision::Purchase { .. } | Decision::Activity { .. });
        if earns {
            // First, so that what it earns is told with its end.
            draft.active();
        }
        let outcome = match posting.decision {
            Decision::Purchase { awards, tallies } => draft.purchase(awards, tallies)?,
            Decision::Activity { awards, tallies } => draft.activity(awards, tallies)?,
            Decision::Redeem { wallet, points, gives_back } => draft.redeem(wallet, *points, gives_back)?,
            Decision::Adjust { wallet, points, dates } => draft.adjust(wallet, *points, *dates)?,
            Decision::Reinstate { wallet, points, dates } => draft.reinstate(wallet, (*points, *dates))?,
            Decision::Refund { returned, due, of_budgets, gives_back, tallies } => {
                draft.refund((returned, gives_back), (due, of_budgets), tallies)?
            }
            Decision::Park { order } => draft.park(order)?,
            Decision::Hold { hold, wallet, points, expires } => draft.hold(hold, (wallet, *points), *expires)?,
            Decision::Capture { hold, points, keeps_rest, gives_back } => {
                draft.capture(hold, (*points, *keeps_rest), gives_back)?
            }
            Decision::Release { hold } => draft.release(hold)?,
            Decision::Transfer { to, wallet, points } => draft.transfer(to, (wallet, *points))?,
            Decision::Promote { tier, until } => draft.promote(tier, *until)?,
            Decision::Freeze(word) => draft.freeze(word),
            Decision::Unfreeze(word) => draft.unfreeze(word),
            Decision::Erase(word) => draft.erase(word)?,
            Decision::Merge(_) => return Err(unfit("a merge is of two members, and was decided for one")),
            Decision::Decline(declined) => draft.decline(declined)?,
        };
        if !earns && outcome == Outcome::Applied {
            draft.active();
        }
        draft.send_off();
        draft.tell_repaid()?;
        Ok(draft.finish(outcome))
    }

    /// Gives up what was parked and does not fit its purchase (the rules refused it once that had come).
    #[must_use]
    pub fn give_up(&mut self, posting: GivingUp<'_>) -> Applied {
        self.unpark(posting.event);
        let GivingUp { event, hash, ruleset_hash } = posting;
        let (identity, whose) = (Identity::of(event), (&event.member, event.occurred_at));
        let nothing = Applied::nothing((identity, hash), whose, ruleset_hash, Outcome::GivenUp);
        Applied { parking: Parking::Unpark, ..nothing }
    }

    /// Removes an event from the parked ones; whether it was there.
    pub(super) fn unpark(&mut self, event: &Event) -> bool {
        let Some(order) = event.order() else { return false };
        let Some(waiting) = self.parked.get_mut(order) else { return false };
        let before = waiting.len();
        waiting.retain(|parked| parked.id != event.id || parked.source != event.source);
        waiting.len() < before
    }
}

/// Puts events that wait into the order in which they are to be decided, whoever loaded them or parked them in which order.
pub(crate) fn in_turn(waiting: &mut [Event]) {
    waiting.sort_by(|a, b| (a.occurred_at, &a.source, &a.id).cmp(&(b.occurred_at, &b.source, &b.id)));
}

/// What awards have in common that make one lot.
type Together<'a> = (&'a WalletName, Dates, Option<&'a EventType>);

fn together(award: &Award) -> Together<'_> {
    (&award.wallet, award.dates, award.until.as_ref())
}

/// What was parked and is given up.
#[derive(Debug, Clone, Copy)]
pub struct GivingUp<'a> {
    /// The parked event.
    pub event: &'a Event,
    /// Its content hash.
    pub hash: ContentHash,
    /// The rule set under which it was refused.
    pub ruleset_hash: &'a RulesetHash,
}

impl Draft<'_, '_> {
    fn purchase(&mut self, awards: &[Award], tallies: &[TallyChange]) -> Result<Outcome, Refusal> {
        let Kind::Purchase(purchase) = &self.posting.event.kind else {
            return Err(unfit("a purchase was decided for an event of another type"));
        };
        if self.state.orders.contains_key(&purchase.order) {
            let detail =
                "the member's `order` was already paid for by another event; give each purchase an order of its own";
            return Err(Refusal::new(BuryReason::DuplicateOrder, detail));
        }
        let outcome = self.earn(awards, Some(&purchase.order))?;
        let event = self.posting.event.clone();
        self.tally(tallies, Some(&purchase.order))?;
        let paid = |award: &Award| OrderAward {
            budget: award.inputs.budget.as_ref().map(|budget| budget.name.clone()),
            ..OrderAward::paid(&award.rule, &award.wallet, award.points)
        };
        let is_own = |award: &&Award| !award.points.is_zero() && award.inputs.tally.is_none();
        let state = OrderState {
            purchase: event.clone(),
            ruleset: self.posting.ruleset_hash.clone(),
            tier: self.state.tier_at(event.occurred_at).cloned(),
            returned: Returned::default(),
            awards: awards.iter().filter(is_own).map(paid).collect(),
            tallied: tallies.iter().map(|change| change.part.clone()).collect(),
        };
        let (tier, parts) = (state.tier.clone(), state.tallied.clone());
        let own = self.entry.awards.iter().filter(|award| award.inputs.tally.is_none());
        let lots = own.map(|award| (award.wallet.clone(), award.lot)).collect();
        self.order_book = Some((purchase.order.clone(), OrderBook { state, lots, taken: Vec::new() }));
        self.order = Some(OrderChange::Bought { purchase: Box::new(event), tier, tallied: parts });
        Ok(outcome)
    }

    /// First what waited for it can be spent, and then it earns.
    fn activity(&mut self, awards: &[Award], tallies: &[TallyChange]) -> Result<Outcome, Refusal> {
        if let Kind::OfOrder(of) = &self.posting.event.kind {
            self.awake(of)?;
        }
        let outcome = self.earn(awards, None)?;
        self.tally(tallies, None)?;
        Ok(outcome)
    }

    /// What the order's lots have pending becomes available, of those that wait for this.
    fn awake(&mut self, of: &OfOrder) -> Result<(), Refusal> {
        let at = self.posting.event.occurred_at;
        let mut lots = self.state.orders.get(&of.order).map(|book| book.lots.clone()).unwrap_or_default();
        lots.sort();
        lots.dedup();
        let mut sums: BTreeMap<WalletName, Points> = BTreeMap::new();
        for (name, sequence) in lots {
            let woken = self.wallet(&name).awake(sequence, (&of.name, at)).map_err(|stuck| stuck.refuse(&name))?;
            let Some(points) = woken else { continue };
            if points.is_zero() {
                let lot = self.wallet(&name).lot(sequence).cloned();
                self.unmoved.extend(lot.map(|lot| LotRow { wallet: name, lot, is_new: false }));
                continue;
            }
            self.entry.line(Account::Pending, &name, -points.0)?;
            self.entry.line(Account::Available, &name, points.0)?;
            self.fill_debt(&name, sequence)?;
            self.touched(&name, sequence, false);
            let sum = sums.entry(name.clone()).or_default();
            *sum = sum.plus(points).ok_or_else(|| overflow(&name))?;
        }
        for (wallet, points) in sums {
            let (points, available) = (text(points, self.scale(&wallet)?), self.available(&wallet)?);
            self.bodies.push(ResultBody::Activated { wallet, points, available });
        }
        self.tell_repaid()
    }

    fn earn(&mut self, awards: &[Award], order: Option<&OrderId>) -> Result<Outcome, Refusal> {
        let earns_nothing = awards.iter().all(|award| award.points.is_zero());
        self.entry.kind =
            if earns_nothing && !self.entry.postings.is_empty() { EntryKind::Activate } else { EntryKind::Earn };
        let mut sums: BTreeMap<Together<'_>, Points> = BTreeMap::new();
        for award in awards {
            let is_told_only = award.points.is_zero() && award.inputs.budget.is_some();
            if award.points.0 <= 0 && !is_told_only {
                return Err(unfit("an award must be of more than 0 points"));
            }
            if is_told_only {
                continue;
            }
            let sum = sums.entry(together(award)).or_default();
            *sum = sum.plus(award.points).ok_or_else(|| overflow(&award.wallet))?;
        }
        let mut lots = BTreeMap::new();
        for ((wallet, dates, until), points) in sums {
            let lot = self.credit_until(wallet, (points, dates, until), Account::Issued)?;
            lots.insert((wallet, dates, until), lot);
            let parts =
                awards.iter().filter(|award| together(award) == (wallet, dates, until) && !award.points.is_zero());
            let scale = self.scale(wallet)?;
            let part = |award: &Award| AwardPart { rule: award.rule.clone(), points: text(award.points, scale) };
            let (available, expires_at) = (self.available(wallet)?, self.ends(wallet, dates));
            self.bodies.push(ResultBody::Earned {
                wallet: wallet.clone(),
                points: text(points, scale),
                available,
                order: order.cloned(),
                activates_at: dates.activates,
                activates_with: until.cloned(),
                expires_at,
                awards: parts.map(part).collect(),
            });
            self.tell_repaid()?;
        }
        self.take_of_budgets(awards, order)?;
        for award in awards.iter().filter(|award| !award.points.is_zero()) {
            self.entry.awards.push(NewAward {
                rule: award.rule.clone(),
                wallet: award.wallet.clone(),
                points: award.points,
                lot: lots.get(&together(award)).copied().unwrap_or_default(),
                inputs: award.inputs.clone(),
                counts_on: None,
            });
        }
        Ok(Outcome::Applied)
    }

    fn redeem(&mut self, wallet: &WalletName, points: Points, gives_back: &GiveBack) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Spend;
        let Kind::Redeem(redeem) = &self.posting.event.kind else {
            return Err(unfit("a redemption was decided for an event of another type"));
        };
        if points.0 <= 0 {
            return Err(unfit("a redemption must be of more than 0 points"));
        }
        let scale = self.scale(wallet)?;
        if let Some(TurnedDown { points, available, missing, reason }) = self.turned_down(wallet, points)? {
            let wallet = wallet.clone();
            self.bodies.push(ResultBody::RedemptionRejected { wallet, points, available, missing, reason });
            return Ok(Outcome::Rejected);
        }
        let moved = self.debit(wallet, points, Account::Redeemed)?;
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::RedemptionAccepted {
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
        });
        if let Some(order) = &redeem.order {
            let taken = |moved: &Moved| Taken { wallet: wallet.clone(), lot: moved.lot, points: moved.points };
            self.pays(order, moved.iter().map(taken).collect(), gives_back)?;
        }
        Ok(Outcome::Applied)
    }

    fn adjust(&mut self, wallet: &WalletName, points: Points, dates: Dates) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Adjust;
        let Kind::Adjust(adjust) = &self.posting.event.kind else {
            return Err(unfit("an adjustment was decided for an event of another type"));
        };
        let scale = self.scale(wallet)?;
        let size = Points(points.0.checked_abs().ok_or_else(|| overflow(wallet))?);
        if points.0 < 0 {
            if let Some(missing) = self.missing(wallet, size) {
                let available = self.available(wallet)?;
                self.bodies.push(ResultBody::AdjustmentRejected {
                    wallet: wallet.clone(),
                    points: text(points, scale),
                    available,
                    missing: text(missing, scale),
                    reason: RejectReason::InsufficientBalance,
                });
                return Ok(Outcome::Rejected);
            }
            self.debit(wallet, size, Account::Adjusted)?;
        } else if points.0 > 0 {
            self.credit(wallet, (size, dates), Account::Adjusted)?;
        }
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::Adjusted {
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
            reason: adjust.reason.clone(),
            author: adjust.author.clone(),
            activates_at: adjust.activates,
            expires_at: adjust.expires,
        });
        Ok(Outcome::Applied)
    }

    fn park(&mut self, order: &OrderId) -> Result<Outcome, Refusal> {
        if self.state.orders.contains_key(order) {
            return Err(unfit("nothing can wait for an order that is there"));
        }
        let event = self.posting.event.clone();
        let waiting = self.state.parked.entry(order.clone()).or_default();
        waiting.push(event.clone());
        in_turn(waiting);
        self.parking = Parking::Park(Box::new(event));
        Ok(Outcome::Parked)
    }
}
