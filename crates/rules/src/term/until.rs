//! Points that wait for something that happens to their order.

use contract::EventType;
use contract::event::BUILT_IN_TYPES;
use contract::program::{Earn, Pending, Rule};
use contract::ruleset::Ruleset;

use super::{Terms, waits_for_time};
use crate::check::Faults;

impl Terms {
    /// The activity that points wait for, beside or in place of a time.
    pub(crate) fn until(&self) -> Option<&EventType> {
        self.pending.as_ref().and_then(|pending| pending.until.as_ref())
    }
}

/// What is wrong with `until` where it is written.
pub(super) fn shape(path: &str, pending: &Pending, faults: &mut Faults) {
    let Some(until) = &pending.until else { return };
    let path = format!("{path}.until");
    if BUILT_IN_TYPES.contains(&until.as_str()) {
        let problem = format!("`{until}` is not about an order that was bought before; name an activity of your own");
        faults.add(path, problem);
    } else if pending.r#for.is_some() && !waits_for_time(pending) {
        faults.add(path, "has nothing to shorten, as `for` is no time at all; remove it, or make `for` longer");
    }
}

/// Points of a rule wait for what happens to their order: only a purchase has one.
pub(crate) fn rule(path: &str, (rule, earn): (&Rule, &Earn), ruleset: &Ruleset, faults: &mut Faults) {
    let Some(wallet) = ruleset.wallet(Some(&earn.wallet)) else { return };
    let terms = Terms::of(earn, wallet);
    let Some(until) = terms.until().filter(|_| rule.on.as_str() != "purchase") else { return };
    let problem = format!(
        "would let points wait for `{until}` of their order, and a `{}` has none; give it `for`, such as `for: 0d`",
        rule.on
    );
    faults.add(format!("{path}.pending"), problem);
}
