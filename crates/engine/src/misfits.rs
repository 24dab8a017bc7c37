//! What waited for a purchase that came, and does not fit it.

use contract::Refusal;
use contract::event::{Event, Kind};
use ledger::book::MemberState;

use crate::desk::{Desk, Item};

impl Desk<'_> {
    /// What still waits for a purchase which came: it did not fit it, and whoever was to bury it died before that.
    pub(crate) fn misfits(&self, event: &Event, state: Option<&MemberState>) -> Vec<(Event, Refusal)> {
        let (Kind::Purchase(purchase), Some(state)) = (&event.kind, state) else { return Vec::new() };
        let misfit = |waiting: &Event| {
            let refusal = self.post(&Item::of(waiting), &mut state.clone(), None).err()?;
            Some((waiting.clone(), refusal))
        };
        state.parked(&purchase.order).iter().filter_map(misfit).collect()
    }
}
