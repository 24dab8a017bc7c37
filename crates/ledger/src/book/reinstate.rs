//! Points that had ended and are given back by a person: those that ended last come first, in a lot of their own.
//!
//! They leave what has expired of the lots that they come from, so that no refund claims them there any more: it finds them where they can
//! be spent.

use contract::decision::Dates;
use contract::event::Kind;
use contract::result::{ReinstatementRejected, RejectReason, Restored, ResultBody};
use contract::{Points, Refusal, WalletName};

use super::applied::{Account, EntryKind, Outcome};
use super::draft::{Draft, overflow, text, unfit};
use super::wallet::{Stuck, WalletState};

impl WalletState {
    /// What has ended of its loaded lots, and was neither given back nor claimed by a refund since; `None` beyond an i64.
    fn ended(&self) -> Option<Points> {
        self.lots.iter().try_fold(Points::ZERO, |sum, lot| sum.plus(lot.expired))
    }

    /// Takes so many out of what has ended, of the lot that ended last before the others; answers how many of which lot.
    fn unend(&mut self, points: Points) -> Result<Vec<(i64, i64)>, Stuck> {
        let (mut missing, mut parts) = (points.0, Vec::new());
        for lot in self.lots.iter_mut().rev().filter(|lot| !lot.expired.is_zero()) {
            let part = lot.expired.0.min(missing);
            if part <= 0 {
                break;
            }
            (lot.expired.0, missing) = (lot.expired.0 - part, missing - part);
            parts.push((lot.sequence, part));
        }
        if missing > 0 { Err(Stuck::LotsMissing) } else { Ok(parts) }
    }
}

impl Draft<'_, '_> {
    pub(super) fn reinstate(
        &mut self,
        wallet: &WalletName,
        (points, dates): (Points, Dates),
    ) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Reinstate;
        let Kind::Reinstate(reinstate) = &self.posting.event.kind else {
            return Err(unfit("a reinstatement was decided for an event of another type"));
        };
        if points.0 <= 0 {
            return Err(unfit("a reinstatement must be of more than 0 points"));
        }
        let scale = self.scale(wallet)?;
        let ended = self.wallet(wallet).ended().ok_or_else(|| overflow(wallet))?;
        if ended < points {
            let available = self.available(wallet)?;
            self.bodies.push(ResultBody::ReinstatementRejected(ReinstatementRejected {
                wallet: wallet.clone(),
                points: text(points, scale),
                expired: text(ended, scale),
                // Both are >= 0, so the difference fits.
                missing: text(Points(points.0 - ended.0), scale),
                available,
                reason: RejectReason::MoreThanExpired,
            }));
            return Ok(Outcome::Rejected);
        }
        for (lot, part) in self.wallet(wallet).unend(points).map_err(|stuck| stuck.refuse(wallet))? {
            // It had left the lot before, and still has: from now on not by its end.
            self.entry.allocate(wallet, lot, -part, None);
            self.entry.allocate(wallet, lot, part, None);
            self.touched(wallet, lot, false);
        }
        self.credit(wallet, (points, dates), Account::Expired)?;
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::Restored(Restored {
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
            reason: reinstate.reason.clone(),
            author: reinstate.author.clone(),
            expires_at: reinstate.expires,
        }));
        Ok(Outcome::Applied)
    }
}
