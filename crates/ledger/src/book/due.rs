//! What is due for a member: points that wait become available, holds whose time has come are set free, points that outlived their
//! time end.
//!
//! Each time at which something was due is an entry of its own for each kind, with that time as its effective time, whoever finds
//! it: the member's next event, or a timer; each hold has one to itself. In a night points are activated, then holds are set free,
//! before points end.

use std::collections::BTreeMap;

use contract::decision::HoldStage;
use contract::event::{ContentHash, DUE_SOURCE};
use contract::result::{Cause, ResultBody, ResultEvent};
use contract::ruleset::{Ruleset, RulesetHash, hex};
use contract::{BuryReason, EventId, HoldId, MemberId, PipelineName, Points, Refusal, Scale, Source, WalletName};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::MemberState;
use super::applied::{Account, Applied, Entry, EntryKind, Outcome, Parking};
use super::debt::{self, Claims};
use super::draft::{scale, text};
use super::hold::{Freed, Holding};
use super::wallet::{Balances, Stuck};
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
    /// A rule set that knows every wallet; the one that was said last does.
    pub ruleset_hash: &'a RulesetHash,
    /// The same, for the scales of its wallets.
    pub ruleset: &'a Ruleset,
}

/// In the order of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Activate,
    TimeOut,
    Expire,
}

impl Move {
    fn kind(self) -> EntryKind {
        match self {
            Self::Activate => EntryKind::Activate,
            Self::TimeOut => EntryKind::TimeOut,
            Self::Expire => EntryKind::Expire,
        }
    }
}

/// What is due of one kind at one time.
#[derive(Debug, Default)]
struct Items {
    lots: BTreeMap<WalletName, Vec<i64>>,
    holds: Vec<HoldId>,
}

/// What is due, in the order of its times and of a night.
type Due = BTreeMap<(Timestamp, Move), Items>;

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
        let due = self.due(settling.by);
        self.settle_what(settling, due)
    }

    fn settle_what(&mut self, settling: Settling<'_>, due: Due) -> Result<Vec<Applied>, Refusal> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let (wallets, holds) = (self.wallets.clone(), self.holds.clone());
        let settled = self.settle_all(settling, due);
        if settled.is_err() {
            (self.wallets, self.holds) = (wallets, holds);
        }
        settled
    }

    /// The same for a member who is about to be erased: every hold that is open ends then, too.
    pub fn settle_last(&mut self, settling: Settling<'_>) -> Result<Vec<Applied>, Refusal> {
        let mut due = self.due(settling.by);
        for (hold, book) in &self.holds {
            if book.is_open() && book.ends(settling.by).is_none() {
                due.entry((settling.by, Move::TimeOut)).or_default().holds.push(hold.clone());
            }
        }
        self.settle_what(settling, due)
    }

    /// Whether anything is due by then, of the lots and holds that were loaded.
    #[must_use]
    pub fn is_due(&self, by: Timestamp) -> bool {
        self.wallets.values().flat_map(|wallet| &wallet.lots).any(|lot| lot.is_to_activate(by) || lot.is_to_expire(by))
            || self.holds.values().any(|book| book.ends(by).is_some())
    }

    fn due(&self, by: Timestamp) -> Due {
        let mut due = Due::new();
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
        }
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
            let Items { lots, holds } = items;
            if let Some(mut moved) = self.settle_lots(settling, what, lots)? {
                claims.append(&mut moved.claims);
                applied.push(moved.applied(settling, (at, what))?);
            }
            for hold in holds {
                let mut moved = self.time_out(settling, &hold, at)?;
                claims.append(&mut moved.claims);
                applied.push(moved.applied(settling, (at, what))?);
                self.ends_after(&hold, (at, settling.by), &mut due);
            }
        }
        self.claimed(claims);
        Ok(applied)
    }

    /// Points that were set free at a time may end soon after it.
    fn ends_after(&self, hold: &HoldId, (at, by): (Timestamp, Timestamp), due: &mut Due) {
        let Some(book) = self.holds.get(hold) else { return };
        let name = &book.state.wallet;
        let Some(wallet) = self.wallets.get(name) else { return };
        for lot in book.lots.iter().filter_map(|held| wallet.lot(held.lot)) {
            if let Some(ends) = lot.expires.filter(|ends| *ends > at && lot.is_to_expire(by)) {
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
        let mut moved = Moved::new(what.kind());
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
                Move::TimeOut | Move::Expire => ResultBody::Expired { wallet: name, points, available },
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
                Move::TimeOut | Move::Expire => wallet.expire(*sequence).map_err(stuck)?,
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
        let hold = self.entry.hold.as_ref().map(|row| &row.hold);
        let (identity, hash) = identity(settling.cause, (at, what), hold)?;
        let cause = || Cause { source: identity.source.clone(), id: identity.id.clone() };
        let result = |(n, body)| ResultEvent::due(settling.pipeline, (cause(), at, settling.member), n, body);
        let results = self.bodies.into_iter().enumerate().map(result).collect();
        Ok(Applied {
            identity,
            hash,
            member: settling.member.clone(),
            occurred_at: at,
            ruleset: settling.ruleset_hash.clone(),
            outcome: Outcome::Applied,
            results,
            entry: Some(self.entry),
            order: None,
            parking: Parking::None,
            idles: Vec::new(),
            standing: None,
            transit: None,
        })
    }
}

/// Follows from what brought it up, so that it says nothing of the member.
fn identity(
    cause: &Identity,
    (at, what): (Timestamp, Move),
    hold: Option<&HoldId>,
) -> Result<(Identity, ContentHash), Refusal> {
    let mut hasher = Sha256::new();
    let at = at.as_microsecond().to_string();
    let parts = [cause.source.as_str(), cause.id.as_str(), what.kind().as_str(), &at];
    // A control character cannot stand in an identity, so it separates them without doubt.
    for part in parts.into_iter().chain(hold.map(HoldId::as_str)) {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let wrong = |e: contract::id::IdError| Refusal::new(BuryReason::LedgerRefused, format!("a due move {e}"));
    let source = Source::parse(DUE_SOURCE).map_err(wrong)?;
    let id = EventId::parse(&hex(&digest[..16])).map_err(wrong)?;
    Ok((Identity { source, id }, ContentHash(digest)))
}
