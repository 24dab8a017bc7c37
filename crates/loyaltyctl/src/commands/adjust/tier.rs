//! Tiers that members bring along from another system, each as the event that gives it.

use contract::event::Event;
use contract::intake::Intake;
use contract::program::{Tiers, Ungiven};
use contract::{Refusal, TierName};
use jiff::Timestamp;

use super::rows::{Maker, Row};

/// Stands before the id of the row: no row of points has such an id.
const PREFIX: &str = "tier-";

/// The column that is wrong (none where the sentence names it), and what is wrong with it.
type Wrong = (&'static str, String);

impl Maker<'_> {
    /// The event by which the row's member has its tier, if the row names one.
    pub(super) fn promotion(&self, intake: &Intake, row: &Row) -> Result<Option<Event>, Wrong> {
        let said = |refusal: Refusal| ("", refusal.detail);
        let Some(tier) = &row.tier else {
            let lonely = [("tierUntil", &row.tier_until), ("tierSince", &row.tier_since)];
            return match lonely.into_iter().find(|(_, date)| date.is_some()) {
                Some((column, _)) => {
                    Err((column, "stands without a `tier`; name the level, or leave it empty".to_owned()))
                }
                None => Ok(None),
            };
        };
        let Some(tiers) = &self.ruleset.program.tiers else {
            let what = format!("is `{tier}`, but the programme has no tiers; add `program.tiers`, or leave it empty");
            return Err(("tier", what));
        };
        let since = row.tier_since.as_deref().map(|text| self.first("tierSince", text)).transpose().map_err(said)?;
        let until = row.tier_until.as_deref().map(|text| self.end(("tierUntil", text))).transpose().map_err(said)?;
        self.holds((tiers, tier), since, until)?;
        let mut body = serde_json::json!({
            "id": format!("{PREFIX}{}", row.id.as_deref().unwrap_or("-")), "type": "promote", "member": row.member,
            "occurredAt": since.unwrap_or(self.now), "tier": tier, "reason": row.reason, "author": self.author,
        });
        if let Some(until) = until {
            body["until"] = until.to_string().into();
        }
        intake.decode_unrouted(body.to_string().as_bytes()).map(Some).map_err(said)
    }

    /// Whether the level is one of the programme's, and not over.
    fn holds(
        &self,
        (tiers, tier): (&Tiers, &str),
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<(), Wrong> {
        let level = TierName::parse(tier).map_err(|wrong| ("tier", wrong.to_string()))?;
        if since.is_some_and(|since| since > self.now) {
            return Err(("tierSince", "has not come yet; name the day on which the member got it".to_owned()));
        }
        let ends = tiers.given((&level, since.unwrap_or(self.now)), until, &self.zone).map_err(|why| match why {
            Ungiven::Unknown { .. } => ("tier", format!("is `{tier}`, which {why}")),
            Ungiven::EndOfFirst | Ungiven::EndForEver | Ungiven::Beyond => ("tierUntil", why.to_string()),
        })?;
        match ends.filter(|ends| *ends <= self.now) {
            Some(ends) if until.is_some() => {
                Err(("tierUntil", format!("is over since {ends}; leave the tier out, or name a later end")))
            }
            Some(ends) => Err((
                "tierSince",
                format!("is so long ago that the level is over since {ends}, as the programme says; name `tierUntil`"),
            )),
            None => Ok(()),
        }
    }
}
