//! Tiers that members bring along: which level is meant, and until when it holds.

use contract::decision::Decision;
use contract::event::{Event, Promote};
use contract::program::Ungiven;
use contract::{BuryReason, Refusal};

use crate::Compiled;

impl Compiled {
    /// Whether the member has a higher one is the ledger's matter.
    pub(crate) fn promote(&self, event: &Event, promote: &Promote) -> Result<Decision, Refusal> {
        let Promote { tier, until, .. } = promote;
        let wrong = |field: &str, what: String| Refusal::new(BuryReason::BadValue, format!("`{field}` {what}"));
        let Some(tiers) = &self.ruleset().program.tiers else {
            return Err(wrong("tier", format!("is `{tier}`, and the programme has no tiers; add `program.tiers`")));
        };
        let given = tiers.given((tier, event.occurred_at), *until, &self.zone);
        let until = given.map_err(|why| match why {
            Ungiven::Unknown { .. } => wrong("tier", format!("is `{tier}`, which {why}")),
            Ungiven::EndOfFirst | Ungiven::EndForEver | Ungiven::Beyond => wrong("until", why.to_string()),
        })?;
        Ok(Decision::Promote { tier: tier.clone(), until })
    }
}
