//! Holds, captures and releases. What a person at a till can get wrong (a hold that has ended, a number too large) is turned down
//! with its reason, and never buried: somebody waits for the answer.

use contract::decision::{Decision, Declined, Facts, HoldStage, HoldState};
use contract::event::{Capture, Hold, Release};
use contract::program::Wallet;
use contract::result::RejectReason;
use contract::{BuryReason, Points, Refusal};
use jiff::{SignedDuration, Timestamp};

use crate::Compiled;
use crate::decide::units;
use crate::payment;

impl Compiled {
    /// Whether the balance has the points is the ledger's matter.
    pub(crate) fn hold(&self, (hold, at): (&Hold, Timestamp), known: Option<&HoldState>) -> Result<Decision, Refusal> {
        let wallet = self.wallet(hold.wallet.as_ref())?;
        let points = units(hold.points.get(), wallet)?;
        let expires = hold.expires.map_or_else(|| timeout(wallet, at), |at| Ok(Some(at)))?;
        let (hold, name) = (hold.hold.clone(), wallet.name.clone());
        // The same event again is the inbox's matter; here another one claims the name.
        if known.is_some() {
            let reason = RejectReason::DuplicateHold;
            return Ok(Decision::Decline(Declined {
                hold,
                wallet: Some(name),
                points: Some(points),
                missing: None,
                reason,
            }));
        }
        Ok(Decision::Hold { hold, wallet: name, points, expires })
    }

    pub(crate) fn capture(&self, (capture, at): (&Capture, Timestamp), facts: Facts<'_>) -> Result<Decision, Refusal> {
        let hold = capture.hold.clone();
        let no = |reason| Declined { hold: hold.clone(), wallet: None, points: None, missing: None, reason };
        let Some(state) = facts.hold else { return Ok(Decision::Decline(no(RejectReason::UnknownHold))) };
        let wallet = self.wallet(Some(&state.wallet))?;
        let points = capture.points.map(|points| units(points.get(), wallet)).transpose()?;
        let no = |reason| Declined { wallet: Some(state.wallet.clone()), points, ..no(reason) };
        if let Some(reason) = ended(state.stage) {
            return Ok(Decision::Decline(no(reason)));
        }
        let points = points.unwrap_or(state.held);
        // Both are > 0, so the difference fits.
        let missing = Points(points.0.saturating_sub(state.held.0));
        if missing.0 > 0 {
            return Ok(Decision::Decline(Declined { missing: Some(missing), ..no(RejectReason::MoreThanHeld) }));
        }
        let gives_back = payment::late(self, facts, (&state.wallet, points), at)?;
        Ok(Decision::Capture { hold, points, keeps_rest: capture.keeps_rest, gives_back })
    }
}

/// When a hold ends that does not say it itself.
fn timeout(wallet: &Wallet, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(holds) = wallet.holds else { return Ok(None) };
    let span = i64::try_from(holds.timeout.seconds()).map(SignedDuration::from_secs);
    let end = span.ok().and_then(|span| at.checked_add(span).ok());
    end.map(Some).ok_or_else(|| {
        let detail = format!("a hold made at {at} would last until after the year 9999; check `occurredAt`");
        Refusal::new(BuryReason::Overflow, detail)
    })
}

/// The programme has no say in it.
pub(crate) fn release(release: &Release, known: Option<&HoldState>) -> Decision {
    let hold = release.hold.clone();
    let reason = match known {
        None => Some(RejectReason::UnknownHold),
        Some(state) => ended(state.stage),
    };
    let Some(reason) = reason else { return Decision::Release { hold } };
    Decision::Decline(Declined { hold, wallet: None, points: None, missing: None, reason })
}

fn ended(stage: HoldStage) -> Option<RejectReason> {
    match stage {
        HoldStage::Open => None,
        HoldStage::Captured => Some(RejectReason::HoldCaptured),
        HoldStage::Released => Some(RejectReason::HoldReleased),
        HoldStage::TimedOut => Some(RejectReason::HoldExpired),
    }
}
