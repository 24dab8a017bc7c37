//! What is due for a member: points that wait become available, points that outlived their time end.
//!
//! Each time at which something was due is an entry of its own for each kind, with that time as its effective time, whoever finds
//! it: the member's next event, or a timer. In a night points are activated before others end.

use std::collections::BTreeMap;

use contract::event::{ContentHash, DUE_SOURCE};
use contract::result::{Cause, ResultBody, ResultEvent};
use contract::ruleset::{Ruleset, RulesetHash, hex};
use contract::{BuryReason, EventId, MemberId, PipelineName, Points, Refusal, Source, WalletName};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::MemberState;
use super::applied::{Account, Applied, Entry, EntryKind, Outcome, Parking};
use super::debt::{self, Claims};
use super::draft::{scale, text};
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
    Expire,
}

impl Move {
    fn kind(self) -> EntryKind {
        match self {
            Self::Activate => EntryKind::Activate,
            Self::Expire => EntryKind::Expire,
        }
    }

    fn body(self, wallet: WalletName, points: String, available: String) -> ResultBody {
        match self {
            Self::Activate => ResultBody::Activated { wallet, points, available },
            Self::Expire => ResultBody::Expired { wallet, points, available },
        }
    }
}

/// Lots by what is due of them, when, and in which wallet.
type Due = BTreeMap<(Timestamp, Move), BTreeMap<WalletName, Vec<i64>>>;

impl MemberState {
    /// Posts what is due, and carries the state on; one value for each time and kind, in their order.
    ///
    /// A [`Refusal`] says that the member's lots do not hold what they should; the state is then as before.
    pub fn settle(&mut self, settling: Settling<'_>) -> Result<Vec<Applied>, Refusal> {
        let due = self.due(settling.by);
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let before = self.wallets.clone();
        let mut applied = Vec::with_capacity(due.len());
        let mut claims = Vec::new();
        for (when, wallets) in due {
            match self.settle_at(settling, when, (wallets, &mut claims)) {
                Ok(settled) => applied.extend(settled),
                Err(refusal) => {
                    self.wallets = before;
                    return Err(refusal);
                }
            }
        }
        self.claimed(claims);
        Ok(applied)
    }

    /// Whether anything is due by then, of the lots that were loaded.
    #[must_use]
    pub fn is_due(&self, by: Timestamp) -> bool {
        self.wallets.values().flat_map(|wallet| &wallet.lots).any(|lot| lot.is_to_activate(by) || lot.is_to_expire(by))
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
                    due.entry((at, what)).or_default().entry(name.clone()).or_default().push(lot.sequence);
                }
            }
        }
        due
    }

    /// `None` when nothing is left to move: points that end before their wait is over have no activation.
    fn settle_at(
        &mut self,
        settling: Settling<'_>,
        (at, what): (Timestamp, Move),
        (wallets, claims): (BTreeMap<WalletName, Vec<i64>>, &mut Claims),
    ) -> Result<Option<Applied>, Refusal> {
        let mut entry = Entry::new(what.kind(), None);
        let mut bodies = Vec::new();
        for (name, lots) in wallets {
            let mut repaid = Vec::new();
            let points = self.settle_wallet(what, (&name, &lots), (&mut entry, &mut repaid))?;
            if points.is_zero() {
                continue;
            }
            let (scale, balances) = (scale(settling.ruleset, &name)?, self.balances(&name));
            let available = text(balances.available, scale);
            bodies.push(what.body(name.clone(), text(points, scale), available.clone()));
            if !repaid.is_empty() {
                let (points, debt) = (text(debt::sum(&repaid), scale), text(balances.debt, scale));
                bodies.push(ResultBody::Repaid { wallet: name, points, debt, available });
                claims.append(&mut repaid);
            }
        }
        if bodies.is_empty() {
            return Ok(None);
        }
        // What was activated may have paid off what is owed to the last point.
        entry.postings.retain(|line| !line.amount.is_zero());
        let (identity, hash) = identity(settling.cause, at, what)?;
        let cause = || Cause { source: identity.source.clone(), id: identity.id.clone() };
        let result = |(n, body)| ResultEvent::due(settling.pipeline, (cause(), at, settling.member), n, body);
        let results = bodies.into_iter().enumerate().map(result).collect();
        Ok(Some(Applied {
            identity,
            hash,
            member: settling.member.clone(),
            occurred_at: at,
            ruleset: settling.ruleset_hash.clone(),
            outcome: Outcome::Applied,
            results,
            entry: Some(entry),
            order: None,
            parking: Parking::None,
        }))
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
            let stuck = |stuck: super::wallet::Stuck| stuck.refuse(name);
            let [pending, available] = match what {
                Move::Activate => [wallet.activate(*sequence).map_err(stuck)?, Points::ZERO],
                Move::Expire => wallet.expire(*sequence).map_err(stuck)?,
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
            if what == Move::Expire {
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

/// Follows from what brought it up, so that it says nothing of the member.
fn identity(cause: &Identity, at: Timestamp, what: Move) -> Result<(Identity, ContentHash), Refusal> {
    let mut hasher = Sha256::new();
    // A control character cannot stand in an identity, so it separates them without doubt.
    for part in [cause.source.as_str(), cause.id.as_str(), what.kind().as_str(), &at.as_microsecond().to_string()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let wrong = |e: contract::id::IdError| Refusal::new(BuryReason::LedgerRefused, format!("a due move {e}"));
    let source = Source::parse(DUE_SOURCE).map_err(wrong)?;
    let id = EventId::parse(&hex(&digest[..16])).map_err(wrong)?;
    Ok((Identity { source, id }, ContentHash(digest)))
}
