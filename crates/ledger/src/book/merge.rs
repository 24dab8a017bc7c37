//! Two members who are one person: what the one has leaves by an entry of theirs, and comes in by one of the other's.
//!
//! Lots keep their dates, holds their names, debts their orders; their rows go along ([`crate::merge`]). Of points that idle the later end
//! holds: whoever was active as the one was active.

use std::collections::{BTreeMap, HashMap};

use contract::decision::Decision;
use contract::event::{ContentHash, Event};
use contract::result::{MergeRejected, PointsMerged, RejectReason, ResultBody};
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{MemberId, PipelineName, Points, Refusal, Scale, WalletName};
use jiff::Timestamp;

use super::applied::{Account, Applied, EntryKind, Outcome};
use super::draft::{Draft, overflow, text};
use super::idle::{EndedLots, IdleEnd, Idling};
use super::member::Standing;
use super::post::Posting;
use super::reward::Rewarding;
use super::wallet::{Stuck, WalletState};
use super::{Balances, MemberState, debt};
use crate::merge::{Merger, Shared};

/// Into whom a member was merged, when, why, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Who has all of it.
    pub into: MemberId,
    /// When it happened.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// A merge that is to be carried out.
#[derive(Debug, Clone, Copy)]
pub struct Merging<'a> {
    /// Whose ledger.
    pub pipeline: &'a PipelineName,
    /// The merge.
    pub merger: &'a Merger<'a>,
    /// Content hash of its event.
    pub hash: ContentHash,
    /// A rule set that knows every wallet; the one that was said last does.
    pub ruleset_hash: &'a RulesetHash,
    /// The same, for the scales of its wallets.
    pub ruleset: &'a Ruleset,
}

/// The members of a batch, and who of them is another one by now.
#[derive(Debug)]
pub struct Both<'a> {
    /// By name; those who were merged are missing.
    pub members: &'a mut HashMap<MemberId, MemberState>,
    /// Who was merged into whom.
    pub followed: &'a HashMap<MemberId, MemberId>,
}

impl Both<'_> {
    /// Makes two members one, or turns it down, and carries both states on. What is due for either by then is to be settled right after,
    /// with the other's ([`MemberState::settle`]); what has ended pays off nothing.
    ///
    /// A [`Refusal`] says that the ledger's rows do not fit; the states are then as before.
    pub fn merge(&mut self, merging: Merging<'_>) -> Result<Vec<Applied>, Refusal> {
        let Merger { event, merge, .. } = merging.merger;
        let into = self.followed.get(&merge.into).unwrap_or(&merge.into);
        let from = if self.followed.contains_key(&event.member) { None } else { self.members.get(&event.member) };
        let refused = match (from, self.members.get(into)) {
            (None, _) => Some((RejectReason::MemberMerged, Vec::new())),
            (Some(_), _) if *into == event.member => Some((RejectReason::SameMember, Vec::new())),
            (Some(_), None) => Some((RejectReason::UnknownMember, Vec::new())),
            (Some(_), Some(other)) if other.erased => Some((RejectReason::MemberErased, Vec::new())),
            (Some(from), Some(other)) => from.cannot_join(other),
        };
        if let Some((reason, names)) = refused {
            let name = self.followed.get(&event.member).unwrap_or(&event.member);
            return Ok(vec![turned_down(merging, name, (reason, names))]);
        }
        let none = || Refusal::new(contract::BuryReason::LedgerRefused, "a merge without its members");
        let mut leaver = self.members.get(&event.member).cloned().ok_or_else(none)?;
        let mut heir = self.members.get(into).cloned().ok_or_else(none)?;
        let left = leaver.clone();
        let out = leaver.leave(merging, into)?;
        let arrived = heir.take_over(merging, into, left)?;
        self.members.insert(event.member.clone(), leaver);
        self.members.insert(into.clone(), heir);
        Ok(vec![out, arrived])
    }
}

fn posting<'a>(merging: Merging<'a>, decision: &'a Decision) -> Posting<'a> {
    static NOWHERE: BTreeMap<WalletName, contract::decision::IdlesUntil> = BTreeMap::new();
    let Merging { pipeline, merger, hash, ruleset_hash, ruleset } = merging;
    Posting { pipeline, event: merger.event, hash, decision, ruleset_hash, ruleset, active: &NOWHERE }
}

fn turned_down(merging: Merging<'_>, name: &MemberId, (reason, names): (RejectReason, Vec<String>)) -> Applied {
    let decision = Decision::Merge(merging.merger.merge.clone());
    let event = Event { member: name.clone(), ..merging.merger.event.clone() };
    let mut nobody = MemberState::default();
    let mut draft = Draft::new(&mut nobody, Posting { event: &event, ..posting(merging, &decision) });
    draft.bodies.push(ResultBody::MergeRejected(MergeRejected { reason, names }));
    draft.finish(Outcome::Rejected)
}

/// All of it, whichever state it is in, less what is owed; `None` beyond an i64.
fn sum(balances: Balances) -> Option<Points> {
    let Balances { pending, available, held, debt } = balances;
    pending.plus(available)?.plus(held)?.minus(debt)
}

impl MemberState {
    /// Why the two cannot become one, with what both have.
    fn cannot_join(&self, other: &Self) -> Option<(RejectReason, Vec<String>)> {
        let names = |kind| -> Vec<String> {
            let of_kind = self.shared.iter().filter(|(shared, _)| *shared == kind);
            of_kind.map(|(_, name)| name.clone()).collect()
        };
        for (kind, reason) in [
            (Shared::Order, RejectReason::SameOrders),
            (Shared::Parked, RejectReason::RefundWaits),
            (Shared::Hold, RejectReason::SameHolds),
            (Shared::Transfer, RejectReason::TransferUnderWay),
        ] {
            let names = names(kind);
            if !names.is_empty() {
                return Some((reason, names));
            }
        }
        let fits = |(name, wallet): (&WalletName, &WalletState)| {
            let (one, two) = (wallet.balances, other.balances(name));
            let all = [one.pending, one.available, one.held, two.pending, two.available, two.held];
            all.into_iter().try_fold(Points::ZERO, Points::plus).is_some() && one.debt.plus(two.debt).is_some()
        };
        (!self.wallets.iter().all(fits)).then_some((RejectReason::WalletFull, Vec::new()))
    }

    /// All that the member has goes into transit.
    fn leave(&mut self, merging: Merging<'_>, into: &MemberId) -> Result<Applied, Refusal> {
        let merge = merging.merger.merge;
        let decision = Decision::Merge(merge.clone());
        let mut draft = Draft::new(self, posting(merging, &decision));
        draft.entry.kind = EntryKind::MergeOut;
        let names: Vec<WalletName> = draft.state.wallets.keys().cloned().collect();
        for name in names {
            let wallet = draft.wallet(&name);
            let balances = std::mem::take(&mut wallet.balances);
            wallet.lots.clear();
            let all = sum(balances).ok_or_else(|| overflow(&name))?;
            for (account, points) in [
                (Account::Pending, -balances.pending.0),
                (Account::Available, -balances.available.0),
                (Account::Held, -balances.held.0),
                (Account::Debt, balances.debt.0),
                (Account::Transit, all.0),
            ] {
                draft.entry.line(account, &name, points)?;
            }
        }
        let (into, at) = (into.clone(), draft.posting.event.occurred_at);
        let (reason, author) = (merge.reason.clone(), merge.author.clone());
        let body = ResultBody::Merged { into: into.clone(), reason: reason.clone(), author: author.clone() };
        draft.bodies.push(body);
        draft.standing = Some(Standing::Merged(Merged { into, at, reason, author }));
        Ok(draft.finish(Outcome::Applied))
    }

    /// All that another member had comes out of transit.
    fn take_over(&mut self, merging: Merging<'_>, own: &MemberId, from: Self) -> Result<Applied, Refusal> {
        let arrival = Event { member: own.clone(), ..merging.merger.arrival.clone() };
        let decision = Decision::Merge(merging.merger.merge.clone());
        let posting = Posting { event: &arrival, hash: arrival.content_hash(), ..posting(merging, &decision) };
        let mut draft = Draft::new(self, posting);
        draft.entry.kind = EntryKind::MergeIn;
        let Self { wallets, holds, frozen, .. } = from;
        if draft.state.frozen.is_none() {
            draft.standing = frozen.map(Standing::Frozen);
        }
        let mut shifts = BTreeMap::new();
        let mut ended = Vec::new();
        for (name, theirs) in wallets {
            let behind = draft.wallet(&name).last_lot;
            shifts.insert(name.clone(), behind);
            ended.extend(draft.join(&name, theirs)?);
        }
        let owed: BTreeMap<WalletName, _> =
            draft.wallets.iter().map(|(name, wallet)| (name.clone(), wallet.owed.clone())).collect();
        for name in shifts.keys() {
            draft.meet(name)?;
        }
        draft.tell_repaid()?;
        let mut applied = draft.finish(Outcome::Applied);
        applied.idles.extend(ended);
        if let Some(entry) = &mut applied.entry {
            // What came along and was paid off at once.
            for (name, owed) in &owed {
                let left = self.wallets.get(name).map_or(&[][..], |wallet| &wallet.owed);
                entry.owed.extend(debt::changes(name, owed, left));
            }
        }
        for (hold, mut book) in holds {
            let behind = shifts.get(&book.state.wallet).copied().unwrap_or_default();
            for held in &mut book.lots {
                held.lot = held.lot.checked_add(behind).ok_or_else(|| overflow(&book.state.wallet))?;
            }
            self.holds.insert(hold, book);
        }
        for name in shifts.keys() {
            self.holds_in_burn_order(name);
        }
        Ok(applied)
    }
}

impl Draft<'_, '_> {
    /// A wallet of theirs comes in; answers lots of theirs that idled and had ended, if there may be any.
    fn join(&mut self, name: &WalletName, theirs: WalletState) -> Result<Option<IdleEnd>, Refusal> {
        let at = self.posting.event.occurred_at;
        let stuck = |stuck: Stuck| stuck.refuse(name);
        let balances = theirs.balances;
        let wallet = self.wallet(name);
        let (own_ended, their_ended) = wallet.join(theirs, at).map_err(stuck)?;
        let after = wallet.balances.available;
        let their_ended = their_ended.and_then(|ended| Some((ended, wallet.idle?)));
        self.ended.extend(own_ended.map(|ended| (name.clone(), ended)));
        let all = sum(balances).ok_or_else(|| overflow(name))?;
        for (account, points) in [
            (Account::Transit, -all.0),
            (Account::Pending, balances.pending.0),
            (Account::Available, balances.available.0),
            (Account::Held, balances.held.0),
            (Account::Debt, -balances.debt.0),
        ] {
            self.entry.line(account, name, points)?;
        }
        if balances != Balances::default() {
            let scale = self.scale(name)?;
            self.bodies.push(told(name, balances, (after, scale)));
        }
        Ok(their_ended.map(|(ended, idling)| IdleEnd { wallet: name.clone(), idling, ended: Some(ended) }))
    }

    /// What the one owes is paid off by what the other can spend.
    fn meet(&mut self, name: &WalletName) -> Result<(), Refusal> {
        let at = self.posting.event.occurred_at;
        let wallet = self.wallet(name);
        let can_pay = |lot: &&super::Lot| !lot.available.is_zero() && !lot.has_ended(at);
        let lots: Vec<i64> = wallet.lots.iter().filter(can_pay).map(|lot| lot.sequence).collect();
        for lot in lots {
            if self.wallet(name).balances.debt.is_zero() {
                break;
            }
            self.fill_debt(name, lot)?;
            self.touched(name, lot, false);
        }
        Ok(())
    }
}

fn told(name: &WalletName, balances: Balances, (after, scale): (Points, Scale)) -> ResultBody {
    let some = |points: Points| (!points.is_zero()).then(|| text(points, scale));
    let Balances { pending, available, held, debt } = balances;
    ResultBody::PointsMerged(PointsMerged {
        wallet: name.clone(),
        points: text(available, scale),
        pending: some(pending),
        held: some(held),
        debt: some(debt),
        available: text(after, scale),
    })
}

impl WalletState {
    /// Everything of another member's wallet; their lots are numbered on behind its own. Answers its own lots that idled and had ended by
    /// then, and theirs.
    fn join(&mut self, theirs: Self, at: Timestamp) -> Result<(Option<EndedLots>, Option<EndedLots>), Stuck> {
        let behind = self.last_lot;
        let plus = |one: Points, two: Points| one.plus(two).ok_or(Stuck::Overflow);
        self.balances = Balances {
            pending: plus(self.balances.pending, theirs.balances.pending)?,
            available: plus(self.balances.available, theirs.balances.available)?,
            held: plus(self.balances.held, theirs.balances.held)?,
            debt: plus(self.balances.debt, theirs.balances.debt)?,
        };
        let last = behind.checked_add(theirs.last_lot).ok_or(Stuck::Overflow)?;
        let ended = |idle: Option<Idling>, (after, upto)| {
            idle.filter(|idle| idle.ends <= at).map(|idle| EndedLots { after, upto, at: idle.ends })
        };
        let (own_ended, their_ended) = (ended(self.idle, (0, behind)), ended(theirs.idle, (behind, last)));
        let can_idle = |lots: &[super::Lot]| lots.iter().any(|lot| lot.idles && lot.can_end());
        let both_idle = can_idle(&self.lots) && can_idle(&theirs.lots);
        let mut lots = theirs.lots;
        for lot in &mut lots {
            lot.sequence = lot.sequence.checked_add(behind).ok_or(Stuck::Overflow)?;
            lot.idles &= their_ended.is_none();
        }
        for lot in &mut self.lots {
            lot.idles &= own_ended.is_none();
        }
        self.lots.append(&mut lots);
        // The later end, which none of them has outlived but where all have.
        self.idle = match (self.idle, theirs.idle) {
            (Some(own), Some(other)) => {
                let later = if other.ends > own.ends { other } else { own };
                // Whoever was warned was warned of the points of one.
                Some(Idling { warned: later.warned && !both_idle, ..later })
            }
            (own, other) => own.or(other),
        };
        let oldest = self.owed.last().map_or(0, |last| last.sequence);
        for mut owed in theirs.owed {
            owed.sequence = owed.sequence.checked_add(oldest).ok_or(Stuck::Overflow)?;
            self.owed.push(owed);
        }
        self.rewards = self.rewards.join(theirs.rewards);
        self.last_lot = last;
        self.in_burn_order();
        Ok((own_ended, their_ended))
    }
}

impl Rewarding {
    /// The last day of both, with what either had on it; when the next one is due is looked at anew.
    fn join(self, theirs: Self) -> Self {
        let used = |of: Self, window| if of.window == window { of.used } else { 0 };
        let window = self.window.max(theirs.window);
        Self { window, used: used(self, window) + used(theirs, window), next: self.next }
    }
}
