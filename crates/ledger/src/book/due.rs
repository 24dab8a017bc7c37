//! What is due for a member: points that wait become available, holds whose time has come are set free, points are turned into rewards,
//! a tier whose time is over is reviewed, points that outlived their time end, and warnings that they will.
//!
//! Each time at which something was due is an entry of its own for each kind, with that time as its effective time, whoever finds
//! it: the member's next event, or a timer; each hold has one to itself. In a night points are activated, then holds are set free,
//! before points are turned into rewards, tiers are reviewed and points end, and what will end is told after that.

use std::collections::{BTreeMap, BTreeSet};

use contract::decision::HoldStage;
use contract::event::{ContentHash, DUE_SOURCE};
use contract::result::{Cause, ResultBody, ResultEvent};
use contract::ruleset::{Ruleset, RulesetHash, hex};
use contract::{BuryReason, EventId, HoldId, MemberId, PipelineName, Points, Refusal, Scale, Source, WalletName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::MemberState;
use super::applied::{Account, Applied, Entry, EntryKind, Outcome};
use super::debt::{self, Claims};
use super::draft::{scale, text};
use super::hold::{Freed, Holding};
use super::reward::RewardRules;
use super::tier::TierRules;
use super::wallet::{Balances, Stuck};
use super::warn::Outlook;
use crate::store::Identity;

/// What is due for a member by a time.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    /// Whose ledger.
    pub pipeline: &'a PipelineName,
    /// Which member.
    pub member: &'a MemberId,
    /// The event, or the timer, that brings it up. What is due has its identity from it, so that the same input names it the same.
    /// For a refund that waited it is the purchase that let it in: it was decided once before, when it was parked.
    pub cause: &'a Identity,
    /// Until when, inclusive.
    pub by: Timestamp,
    /// Ends up to here are past, and not warned of any more: `by`, or the present where that is later and counts.
    pub past: Timestamp,
    /// A rule set that knows every wallet; the one that was said last does.
    pub ruleset_hash: &'a RulesetHash,
    /// The same, for the scales of its wallets.
    pub ruleset: &'a Ruleset,
    /// Where its days begin and end.
    pub zone: &'a TimeZone,
    /// Rewards that points are turned into by themselves, by all rule sets.
    pub rewards: &'a RewardRules,
    /// Tiers, by all rule sets.
    pub tiers: &'a TierRules,
}

/// In the order of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Move {
    Activate,
    TimeOut,
    Reward,
    /// Moves nothing: of the member's tier.
    Review,
    Expire,
    /// Moves nothing.
    Warn,
}

impl Move {
    fn as_str(self) -> &'static str {
        match self {
            Self::Activate => EntryKind::Activate.as_str(),
            Self::TimeOut => EntryKind::TimeOut.as_str(),
            Self::Reward => EntryKind::Reward.as_str(),
            Self::Review => "Review",
            Self::Expire => EntryKind::Expire.as_str(),
            Self::Warn => "Warn",
        }
    }
}

/// What is due of one kind at one time.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) lots: BTreeMap<WalletName, Vec<i64>>,
    holds: Vec<HoldId>,
    /// Wallets whose points that idle are warned of.
    pub(super) idle: BTreeSet<WalletName>,
}

/// What is due, in the order of its times and of a night.
pub(super) type Due = BTreeMap<(Timestamp, Move), Items>;

/// What an entry moved and told, before it has an identity.
struct Moved {
    entry: Entry,
    bodies: Vec<ResultBody>,
    /// What it paid off of what is owed.
    claims: Claims,
}

impl MemberState {
    /// Posts what is due, and carries the state on; one value for each time and kind (and hold), in their order.
    ///
    /// A [`Refusal`] says that the member's lots do not hold what they should; the state is then as before.
    pub fn settle(&mut self, settling: Settling<'_>) -> Result<Vec<Applied>, Refusal> {
        let mut due = self.due(settling.outlook());
        self.review_due(settling, &mut due);
        self.settle_what(settling, due)
    }

    fn settle_what(&mut self, settling: Settling<'_>, due: Due) -> Result<Vec<Applied>, Refusal> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let (wallets, holds, tiers) = (self.wallets.clone(), self.holds.clone(), self.tiers.clone());
        let settled = self.settle_all(settling, due);
        if settled.is_err() {
            (self.wallets, self.holds, self.tiers) = (wallets, holds, tiers);
        }
        settled
    }

    /// The same for a member who is about to be erased: then every hold that is open ends, too. What those set free is to be forfeited, not
    /// turned into rewards, and nobody is warned of what ends.
    pub fn settle_last(&mut self, settling: Settling<'_>) -> Result<Vec<Applied>, Refusal> {
        let settling = Settling { past: Timestamp::MAX, ..settling };
        let mut settled = self.settle(settling)?;
        let mut holds = Due::new();
        for (hold, _) in self.holds.iter().filter(|(_, book)| book.is_open()) {
            holds.entry((settling.by, Move::TimeOut)).or_default().holds.push(hold.clone());
        }
        settled.extend(self.settle_what(Settling { rewards: &RewardRules::default(), ..settling }, holds)?);
        Ok(settled)
    }

    /// Whether anything is due by then, of the lots and holds that were loaded; for `past` see [`Settling`].
    #[must_use]
    pub fn is_due(&self, by: Timestamp, past: Timestamp) -> bool {
        self.wallets.values().flat_map(|wallet| &wallet.lots).any(|lot| lot.is_to_activate(by) || lot.is_to_expire(by))
            || self.holds.values().any(|book| book.ends(by).is_some())
            || self.is_to_review(by)
            || self.wallets.values().any(|wallet| wallet.is_to_reward(by) || wallet.is_to_warn(Outlook { by, past }))
    }

    fn due(&self, outlook: Outlook) -> Due {
        let (by, mut due) = (outlook.by, Due::new());
        for (name, wallet) in &self.wallets {
            for lot in &wallet.lots {
                let moves = [
                    (Move::Activate, lot.activates.filter(|_| lot.is_to_activate(by))),
                    (Move::Expire, lot.expires.filter(|_| lot.is_to_expire(by))),
                ];
                for (what, at) in moves {
                    let Some(at) = at else { continue };
                    due.entry((at, what)).or_default().lots.entry(name.clone()).or_default().push(lot.sequence);
                }
            }
            wallet.warnings(name, (wallet.lots.iter(), Timestamp::MIN), (outlook, &mut due));
        }
        self.rewards_due(by, &mut due);
        for (hold, book) in &self.holds {
            if let Some(at) = book.ends(by) {
                due.entry((at, Move::TimeOut)).or_default().holds.push(hold.clone());
            }
        }
        due
    }

    fn settle_all(&mut self, settling: Settling<'_>, mut due: Due) -> Result<Vec<Applied>, Refusal> {
        let (mut applied, mut claims) = (Vec::with_capacity(due.len()), Claims::new());
        while let Some(((at, what), items)) = due.pop_first() {
            let Items { lots, holds, idle } = items;
            if what == Move::Warn {
                applied.extend(self.warn(settling, at, (lots, idle))?);
                continue;
            }
            if what == Move::Reward {
                self.reward_due(settling, at, &mut applied)?;
                self.rewards_due(settling.by, &mut due);
                continue;
            }
            if what == Move::Review {
                if let Some(reviewed) = self.review(settling, at)? {
                    applied.push(reviewed);
                    self.review_due(settling, &mut due);
                }
                continue;
            }
            if !settling.rewards.is_empty() {
                // What came may be enough, or what ends too much.
                due.entry((at, Move::Reward)).or_default();
            }
            if let Some(mut moved) = self.settle_lots(settling, what, lots)? {
                claims.append(&mut moved.claims);
                applied.push(moved.applied(settling, (at, what))?);
            }
            for hold in holds {
                let mut moved = self.time_out(settling, &hold, at)?;
                claims.append(&mut moved.claims);
                applied.push(moved.applied(settling, (at, what))?);
                self.ends_after(&hold, (at, settling.outlook()), &mut due);
            }
        }
        self.claimed(claims);
        Ok(applied)
    }

    /// Points that were set free at a time may end soon after it, or be to be warned of.
    fn ends_after(&self, hold: &HoldId, (at, outlook): (Timestamp, Outlook), due: &mut Due) {
        let Some(book) = self.holds.get(hold) else { return };
        let name = &book.state.wallet;
        let Some(wallet) = self.wallets.get(name) else { return };
        let freed = || book.lots.iter().filter_map(|held| wallet.lot(held.lot));
        wallet.warnings(name, (freed(), at), (outlook, &mut *due));
        for lot in freed() {
            if let Some(ends) = lot.expires.filter(|ends| *ends > at && lot.is_to_expire(outlook.by)) {
                // It may stand there already: the second time nothing is left of it.
                due.entry((ends, Move::Expire)).or_default().lots.entry(name.clone()).or_default().push(lot.sequence);
            }
        }
    }

    /// `None` when nothing is left to move: points that end before their wait is over have no activation.
    fn settle_lots(
        &mut self,
        settling: Settling<'_>,
        what: Move,
        wallets: BTreeMap<WalletName, Vec<i64>>,
    ) -> Result<Option<Moved>, Refusal> {
        let kind = if what == Move::Activate { EntryKind::Activate } else { EntryKind::Expire };
        let mut moved = Moved::new(kind);
        for (wallet, lots) in wallets {
            let mut repaid = Claims::new();
            let points = self.settle_wallet(what, (&wallet, &lots), (&mut moved.entry, &mut repaid))?;
            if points.is_zero() {
                continue;
            }
            let (scale, balances) = (scale(settling.ruleset, &wallet)?, self.balances(&wallet));
            let (name, points, available) = (wallet.clone(), text(points, scale), text(balances.available, scale));
            moved.bodies.push(match what {
                Move::Activate => ResultBody::Activated { wallet: name, points, available },
                _ => ResultBody::Expired { wallet: name, points, available },
            });
            moved.repaid(wallet, repaid, (balances, scale));
        }
        Ok((!moved.bodies.is_empty()).then_some(moved))
    }

    /// Sets free what a hold has whose time has come.
    fn time_out(&mut self, settling: Settling<'_>, hold: &HoldId, at: Timestamp) -> Result<Moved, Refusal> {
        let mut moved = Moved::new(EntryKind::TimeOut);
        let missing = |wallet: &WalletName| Stuck::LotsMissing.refuse(wallet);
        let Some(book) = self.holds.get_mut(hold) else {
            return Err(Refusal::new(BuryReason::LedgerRefused, "a hold that is due was not loaded"));
        };
        let name = book.state.wallet.clone();
        let wallet = self.wallets.get_mut(&name).ok_or_else(|| missing(&name))?;
        let owed = wallet.owed.clone();
        let Freed { available, expired, repaid } =
            Holding { hold, book: &mut *book, wallet: &mut *wallet, entry: &mut moved.entry }.release(at)?;
        book.state.stage = HoldStage::TimedOut;
        moved.entry.hold = Some(book.row(hold));
        moved.entry.balances.push((name.clone(), wallet.balances, wallet.last_lot));
        moved.entry.owed.extend(debt::changes(&name, &owed, &wallet.owed));
        let (scale, balances) = (scale(settling.ruleset, &name)?, wallet.balances);
        moved.bodies.push(ResultBody::HoldExpired {
            hold: hold.clone(),
            points: text(Points(available), scale),
            expired: (expired > 0).then(|| text(Points(expired), scale)),
            available: text(balances.available, scale),
            wallet: name.clone(),
        });
        moved.repaid(name, repaid, (balances, scale));
        Ok(moved)
    }

    /// Moves the points of one wallet; answers how many, and notes what they paid off.
    fn settle_wallet(
        &mut self,
        what: Move,
        (name, lots): (&WalletName, &[i64]),
        (entry, repaid): (&mut Entry, &mut Claims),
    ) -> Result<Points, Refusal> {
        let Some(wallet) = self.wallets.get_mut(name) else { return Ok(Points::ZERO) };
        let mut all = Points::ZERO;
        let owed = wallet.owed.clone();
        for sequence in lots {
            let stuck = |stuck: Stuck| stuck.refuse(name);
            let [pending, available] = match what {
                Move::Activate => [wallet.activate(*sequence).map_err(stuck)?, Points::ZERO],
                _ => wallet.expire(*sequence).map_err(stuck)?,
            };
            let points = Points(pending.0 + available.0);
            if points.is_zero() {
                continue;
            }
            let into = if what == Move::Activate { Account::Available } else { Account::Expired };
            for (from, part) in [(Account::Pending, pending), (Account::Available, available)] {
                if !part.is_zero() {
                    entry.line(from, name, -part.0)?;
                }
            }
            entry.line(into, name, points.0)?;
            if into == Account::Expired {
                entry.allocate(name, *sequence, points.0, None);
            } else {
                repaid.extend(debt::fill(wallet, name, *sequence, entry)?);
            }
            if let Some(lot) = wallet.lot(*sequence) {
                entry.touched(name, lot, false);
            }
            all = Points(all.0 + points.0);
        }
        if !all.is_zero() {
            entry.balances.push((name.clone(), wallet.balances, wallet.last_lot));
            entry.owed.extend(debt::changes(name, &owed, &wallet.owed));
        }
        Ok(all)
    }
}

impl Moved {
    fn new(kind: EntryKind) -> Self {
        Self { entry: Entry::new(kind, None), bodies: Vec::new(), claims: Claims::new() }
    }

    /// Notes what was paid off in a wallet, and tells it if it was anything.
    fn repaid(&mut self, wallet: WalletName, mut claims: Claims, (balances, scale): (Balances, Scale)) {
        if claims.is_empty() {
            return;
        }
        let (points, debt) = (text(debt::sum(&claims), scale), text(balances.debt, scale));
        let available = text(balances.available, scale);
        self.bodies.push(ResultBody::Repaid { wallet, points, debt, available });
        self.claims.append(&mut claims);
    }

    fn applied(mut self, settling: Settling<'_>, (at, what): (Timestamp, Move)) -> Result<Applied, Refusal> {
        // What came in may have paid off what is owed to the last point.
        self.entry.postings.retain(|line| !line.amount.is_zero());
        let hold = self.entry.hold.as_ref().map(|row| row.hold.as_str());
        let applied = settling.applied((at, what), hold.into_iter(), self.bodies)?;
        Ok(Applied { entry: Some(self.entry), ..applied })
    }
}

impl Settling<'_> {
    pub(super) fn outlook(&self) -> Outlook {
        Outlook { by: self.by, past: self.past.max(self.by) }
    }

    /// What was due at a time, with nothing but its results. The names tell it from what else was due then.
    pub(super) fn applied<'n>(
        &self,
        (at, what): (Timestamp, Move),
        names: impl Iterator<Item = &'n str>,
        bodies: Vec<ResultBody>,
    ) -> Result<Applied, Refusal> {
        let (identity, hash) = identity(self.cause, (at, what), names)?;
        let cause = || Cause { source: identity.source.clone(), id: identity.id.clone() };
        let result = |(n, body)| ResultEvent::due(self.pipeline, (cause(), at, self.member), n, body);
        let results = bodies.into_iter().enumerate().map(result).collect();
        let whose = (self.member, at);
        Ok(Applied { results, ..Applied::nothing((identity, hash), whose, self.ruleset_hash, Outcome::Applied) })
    }
}

/// Follows from what brought it up, so that it says nothing of the member.
fn identity<'n>(
    cause: &Identity,
    (at, what): (Timestamp, Move),
    names: impl Iterator<Item = &'n str>,
) -> Result<(Identity, ContentHash), Refusal> {
    let mut hasher = Sha256::new();
    let at = at.as_microsecond().to_string();
    let parts = [cause.source.as_str(), cause.id.as_str(), what.as_str(), &at];
    // A control character cannot stand in an identity, so it separates them without doubt.
    let mut add = |part: &str| {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    };
    parts.into_iter().for_each(&mut add);
    names.for_each(&mut add);
    let digest: [u8; 32] = hasher.finalize().into();
    let wrong = |e: contract::id::IdError| Refusal::new(BuryReason::LedgerRefused, format!("a due move {e}"));
    let source = Source::parse(DUE_SOURCE).map_err(wrong)?;
    let id = EventId::parse(&hex(&digest[..16])).map_err(wrong)?;
    Ok((Identity { source, id }, ContentHash(digest)))
}
