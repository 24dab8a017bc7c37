//! Warnings that points are about to end. They move nothing: there is no entry, only the result, and a mark that it was given.
//!
//! The mark stands with what ends: with the lot, or with the wallet for points that idle, whose end it has in one place. Another end of
//! theirs takes it away. What has ended by the time at which somebody looks is not warned of any more.

use std::collections::{BTreeMap, BTreeSet};

use contract::result::ResultBody;
use contract::{BuryReason, Points, Refusal, WalletName};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::MemberState;
use super::applied::{Applied, LotRow};
use super::draft::{overflow, scale, text};
use super::due::{Due, Move, Settling};
use super::idle::IdleEnd;
use super::wallet::{Lot, WalletState};

/// Until when warnings are given, and which ends are past.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlook {
    pub(super) by: Timestamp,
    /// Never before `by`.
    pub(super) past: Timestamp,
}

impl Lot {
    /// When the member was to be warned that it ends, unless they were.
    fn to_warn(&self, Outlook { by, past }: Outlook) -> Option<Timestamp> {
        let is_open = !self.idles && !self.warned && self.can_end() && !self.has_ended(past);
        self.warns.filter(|at| is_open && *at <= by)
    }
}

impl WalletState {
    /// The same, of what idles.
    fn idle_to_warn(&self, Outlook { by, past }: Outlook) -> Option<Timestamp> {
        let idle = self.idle.filter(|idle| !idle.warned && idle.ends > past)?;
        idle.warns.filter(|at| *at <= by && self.lots.iter().any(|lot| lot.idles && lot.can_end()))
    }

    /// Whether a warning was to be given by then.
    pub(super) fn is_to_warn(&self, outlook: Outlook) -> bool {
        self.lots.iter().any(|lot| lot.to_warn(outlook).is_some()) || self.idle_to_warn(outlook).is_some()
    }

    /// Adds the warnings of these lots, and of what idles; none sooner than `from`.
    pub(super) fn warnings<'a>(
        &self,
        name: &WalletName,
        (lots, from): (impl Iterator<Item = &'a Lot>, Timestamp),
        (outlook, due): (Outlook, &mut Due),
    ) {
        for lot in lots {
            if let Some(at) = lot.to_warn(outlook) {
                let items = due.entry((at.max(from), Move::Warn)).or_default();
                items.lots.entry(name.clone()).or_default().push(lot.sequence);
            }
        }
        if let Some(at) = self.idle_to_warn(outlook) {
            due.entry((at.max(from), Move::Warn)).or_default().idle.insert(name.clone());
        }
    }
}

/// What ends, and is told.
#[derive(Default)]
struct Told {
    points: Points,
    /// Sequences.
    lots: Vec<i64>,
}

impl Told {
    fn add(&mut self, name: &WalletName, lot: &Lot) -> Result<(), Refusal> {
        let more = lot.pending.plus(lot.available).and_then(|more| self.points.plus(more));
        self.points = more.ok_or_else(|| overflow(name))?;
        self.lots.push(lot.sequence);
        Ok(())
    }
}

impl MemberState {
    /// Warns of what was to be warned of at a time; one result for each wallet and end. `None` when nothing is left of it.
    pub(super) fn warn(
        &mut self,
        settling: Settling<'_>,
        at: Timestamp,
        (lots, idle): (BTreeMap<WalletName, Vec<i64>>, BTreeSet<WalletName>),
    ) -> Result<Option<Applied>, Refusal> {
        let outlook = settling.outlook();
        let mut told: BTreeMap<(WalletName, Timestamp), Told> = BTreeMap::new();
        let (mut unmoved, mut idles) = (Vec::new(), Vec::new());
        for (name, sequences) in lots {
            let Some(wallet) = self.wallets.get_mut(&name) else { continue };
            for lot in wallet.lots.iter_mut().filter(|lot| sequences.contains(&lot.sequence)) {
                // It may stand there twice.
                let Some(end) = lot.expires.filter(|_| lot.to_warn(outlook).is_some()) else { continue };
                told.entry((name.clone(), end)).or_default().add(&name, lot)?;
                lot.warned = true;
                unmoved.push(LotRow { wallet: name.clone(), lot: lot.clone(), is_new: false });
            }
        }
        for name in idle {
            let Some(wallet) = self.wallets.get_mut(&name) else { continue };
            let Some(mut idling) = wallet.idle.filter(|_| wallet.idle_to_warn(outlook).is_some()) else { continue };
            for lot in wallet.lots.iter().filter(|lot| lot.idles && lot.can_end()) {
                told.entry((name.clone(), idling.ends)).or_default().add(&name, lot)?;
            }
            idling.warned = true;
            wallet.idle = Some(idling);
            idles.push(IdleEnd { wallet: name, idling, ended: None });
        }
        if told.is_empty() {
            return Ok(None);
        }
        let (mut bodies, mut names) = (Vec::new(), Vec::new());
        for ((wallet, end), Told { points, lots }) in told {
            let scale = scale(settling.ruleset, &wallet)?;
            // A lot is warned of once: so no other warning has this name.
            names.push(format!("{wallet} {} {lots:?}", end.as_microsecond()));
            bodies.push(ResultBody::Expiring {
                points: text(points, scale),
                available: text(self.balances(&wallet).available, scale),
                wallet,
                expires_at: end,
                last_day: last_day(end, settling.zone)?,
            });
        }
        let applied = settling.applied((at, Move::Warn), names.iter().map(String::as_str), bodies)?;
        Ok(Some(Applied { idles, unmoved, ..applied }))
    }
}

/// The last day that begins before the end.
fn last_day(end: Timestamp, zone: &TimeZone) -> Result<Date, Refusal> {
    let beyond = |_| Refusal::new(BuryReason::Overflow, format!("points end at {end}, out of the calendar"));
    let last = end.checked_sub(SignedDuration::from_nanos(1)).map_err(beyond)?;
    Ok(last.to_zoned(zone.clone()).date())
}
