//! What a person says about a member's points: corrections, and points that are given back after their end.

use contract::decision::{Dates, Decision};
use contract::event::{Adjust, Event, Reinstate};
use contract::program::Wallet;
use contract::{BuryReason, Refusal};
use jiff::Timestamp;

use crate::Compiled;
use crate::decide::units;
use crate::term::{self, Terms};

impl Compiled {
    pub(crate) fn adjust(&self, event: &Event, adjust: &Adjust) -> Result<Decision, Refusal> {
        let wallet = self.wallet(adjust.wallet.as_ref())?;
        let points = units(adjust.points, wallet)?;
        let (name, named) = (wallet.name.clone(), [adjust.activates, adjust.expires]);
        let dates = self.dates((wallet, points.0 > 0), event.occurred_at, named)?;
        Ok(Decision::Adjust { wallet: name, points, dates })
    }

    /// Whether so many have ended is the ledger's matter.
    pub(crate) fn reinstate(&self, event: &Event, reinstate: &Reinstate) -> Result<Decision, Refusal> {
        let wallet = self.wallet(reinstate.wallet.as_ref())?;
        let points = units(reinstate.points.get(), wallet)?;
        let dates = self.dates((wallet, true), event.occurred_at, [None, reinstate.expires])?;
        Ok(Decision::Reinstate { wallet: wallet.name.clone(), points, dates })
    }

    /// What a person adds can be spent at once, and ends as the wallet's points do, unless they say otherwise.
    fn dates(
        &self,
        (wallet, adds): (&Wallet, bool),
        at: Timestamp,
        [activates, expires]: [Option<Timestamp>; 2],
    ) -> Result<Dates, Refusal> {
        let terms = Terms::ending(wallet.expiry.clone().filter(|_| adds));
        let usual = terms.dates(at, &self.zone)?;
        let mut dates = Dates {
            activates,
            expires: expires.or(usual.expires),
            idles: usual.idles && expires.is_none(),
            warns: usual.warns,
        };
        if let Some(until) = expires {
            dates.warns = term::warning(terms.expiry.as_ref(), (at, until), &self.zone)?;
        }
        if let Some((from, until)) =
            dates.activates.zip(dates.expires.filter(|_| !dates.idles)).filter(|(from, until)| until <= from)
        {
            let problem = format!(
                "`activatesAt` is {from}, and points of wallet `{}` that come in at this event's time end before, at {until}; name a later `expiresAt`",
                wallet.name
            );
            return Err(Refusal::new(BuryReason::BadValue, problem));
        }
        Ok(dates)
    }
}
