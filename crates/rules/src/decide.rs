//! One event against one member's facts: the table of contents of this crate.

use std::collections::BTreeMap;

use contract::decision::{Award, Decision, Facts, IdlesUntil, OrderState, Reads};
use contract::event::{Event, Kind, Line, Purchase, Redeem, Transfer};
use contract::program::Wallet;
use contract::tally::TallyChange;
use contract::{BuryReason, Points, Refusal, WalletName};
use rust_decimal::Decimal;

use crate::Compiled;
use crate::award::{When, awards};
use crate::budget;
use crate::effect::{no_wallet, unfit};
use crate::hold;
use crate::payment;
use crate::refund;
use crate::term;
use crate::walk::walk;

/// What [`Compiled::decide`] will need to know for this event.
#[must_use]
pub fn reads(event: &Event) -> Reads {
    let (order, hold, recipient) = (event.order().cloned(), event.hold().cloned(), event.recipient().cloned());
    Reads { order, hold, recipient, ..Reads::default() }
}

impl Compiled {
    /// What these rules say about the event.
    ///
    /// A refund must be put to the rule set that paid for its order (`facts.order`); without an order it is
    /// parked, and so is an activity for which points of that order may wait (`facts.is_awaited`). `Err` when the event
    /// itself is at fault, or a rule fails on it: it is to be buried.
    pub fn decide(&self, event: &Event, facts: Facts<'_>) -> Result<Decision, Refusal> {
        if let Some(declared) = self.declared.get(event.type_name()) {
            declared.check(event)?;
        }
        match &event.kind {
            Kind::Purchase(purchase) => self.purchase(event, purchase, facts),
            Kind::OfOrder(of) if facts.order.is_none() && facts.is_awaited => {
                Ok(Decision::Park { order: of.order.clone() })
            }
            Kind::Signup | Kind::Custom(_) | Kind::OfOrder(_) => {
                let (awards, tallies) = self.earned(event, &[], facts)?;
                Ok(Decision::Activity { awards, tallies })
            }
            Kind::Refund(returned) => match facts.order {
                Some(state) => refund::decide(self, (event, returned), state, facts),
                None => Ok(Decision::Park { order: returned.order.clone() }),
            },
            Kind::Redeem(redeem) => self.redeem(event, redeem, facts),
            Kind::Hold(hold) => self.hold((hold, event.occurred_at), facts.hold),
            Kind::Capture(capture) => self.capture((capture, event.occurred_at), facts),
            Kind::Release(release) => Ok(hold::release(release, facts.hold)),
            Kind::Adjust(adjust) => self.adjust(event, adjust),
            Kind::Reinstate(reinstate) => self.reinstate(event, reinstate),
            Kind::Transfer(transfer) => self.transfer(transfer),
            Kind::Promote(promote) => self.promote(event, promote),
            Kind::Freeze(word) => Ok(Decision::Freeze(word.clone())),
            Kind::Unfreeze(word) => Ok(Decision::Unfreeze(word.clone())),
            Kind::Erase(word) => Ok(Decision::Erase(word.clone())),
            Kind::Merge(merge) => Ok(Decision::Merge(merge.clone())),
        }
    }

    /// Wallets whose points end only so long after this event, because its type is an activity there; each with when that is. It counts
    /// unless what the event asks for is turned down.
    pub fn active(&self, event: &Event) -> Result<BTreeMap<WalletName, IdlesUntil>, Refusal> {
        term::active(&self.ruleset().program.wallets, (event.type_name(), event.occurred_at), &self.zone)
    }

    /// What deciding the event by these rules needs to know: [`reads`], whether it may move an end that is warned of, and the budgets of the
    /// rules that it may trigger.
    #[must_use]
    pub fn reads(&self, event: &Event) -> Reads {
        let warns = |activity| term::warns(&self.ruleset().program.wallets, activity);
        // What had waited for a purchase is decided with it.
        let waited = matches!(event.kind, Kind::Purchase(_)) && self.awaited().iter().any(|name| warns(name.as_str()));
        let idles = waited || warns(event.type_name());
        let budgets = self.rules_on(event.type_name()).iter().filter_map(|rule| rule.budget.clone()).collect();
        Reads { idles, budgets, tallies: self.tally_keys(event).collect(), ..reads(event) }
    }

    fn purchase(&self, event: &Event, purchase: &Purchase, facts: Facts<'_>) -> Result<Decision, Refusal> {
        // The same event again is the inbox's matter; here another one claims the order.
        let paid_by_another =
            |state: &OrderState| state.purchase.source != event.source || state.purchase.id != event.id;
        if facts.order.is_some_and(paid_by_another) {
            let detail = format!(
                "order `{}` was already paid for by another event; give each purchase its own `order`",
                purchase.order
            );
            return Err(Refusal::new(BuryReason::DuplicateOrder, detail));
        }
        let (awards, tallies) = self.earned(event, &purchase.lines, facts)?;
        Ok(Decision::Purchase { awards, tallies })
    }

    /// The awards of an event, and what it adds to sums over several events.
    fn earned(
        &self,
        event: &Event,
        lines: &[Line],
        facts: Facts<'_>,
    ) -> Result<(Vec<Award>, Vec<TallyChange>), Refusal> {
        let applied = walk(self, event, facts.tier)?;
        let mut awards = budget::clip(awards(&applied, lines, self.when(event))?, facts.rooms);
        let (of_sums, tallies) = self.tallied(event, (&applied, lines), facts)?;
        awards.extend(of_sums);
        Ok((awards, tallies))
    }

    fn redeem(&self, event: &Event, redeem: &Redeem, facts: Facts<'_>) -> Result<Decision, Refusal> {
        let wallet = self.wallet(redeem.wallet.as_ref())?;
        let points = units(redeem.points.get(), wallet)?;
        let gives_back = payment::late(self, facts, (&wallet.name, points), event.occurred_at)?;
        Ok(Decision::Redeem { wallet: wallet.name.clone(), points, gives_back })
    }

    /// Whether the balance has the points is the ledger's matter.
    fn transfer(&self, transfer: &Transfer) -> Result<Decision, Refusal> {
        let wallet = self.wallet(transfer.wallet.as_ref())?;
        let points = units(transfer.points.get(), wallet)?;
        Ok(Decision::Transfer { to: transfer.to.clone(), wallet: wallet.name.clone(), points })
    }

    pub(crate) fn when(&self, event: &Event) -> When<'_> {
        When { at: event.occurred_at, zone: &self.zone }
    }

    pub(crate) fn wallet(&self, name: Option<&WalletName>) -> Result<&Wallet, Refusal> {
        self.ruleset().wallet(name).ok_or_else(|| {
            let detail = name.map_or_else(String::new, |name| no_wallet(name, self.ruleset()));
            Refusal::new(BuryReason::UnknownWallet, detail)
        })
    }
}

/// Decimal points as units of the wallet.
pub(crate) fn units(points: Decimal, wallet: &Wallet) -> Result<Points, Refusal> {
    Points::from_decimal(points, wallet.scale).ok_or_else(|| {
        let problem = unfit(points, wallet, "");
        Refusal::new(BuryReason::BadValue, format!("`points` is `{points}`, which is {problem}"))
    })
}
