//! What became of each correction, or would become of it.

use contract::event::{Event, Kind};
use contract::result::{Promoted, PromotionRejected, ReinstatementRejected, Restored, ResultBody, ResultEvent};
use contract::{BuryReason, PipelineName, TierName, WalletName};
use engine::Settled;
use jiff::Timestamp;
use ledger::book::Outcome;
use ledger::report::EventReport;
use ledger::{Ledger, LedgerError};
use rust_decimal::Decimal;
use serde::Serialize;

use super::rows::Correction;
use crate::screen::{Cell, Table};

/// One correction and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Of the file.
    #[serde(skip_serializing_if = "is_nought")]
    line: u64,
    id: String,
    member: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    wallet: String,
    /// `None`: it brings a tier along.
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<TierName>,
    /// Available before and after; `None` where nothing was decided.
    before: Option<Decimal>,
    after: Option<Decimal>,
    pub(super) fate: Fate,
    what: String,
    /// When they can be spent and when they (or the tier) end, where that was named.
    #[serde(skip)]
    dates: [Option<Timestamp>; 2],
    #[serde(skip)]
    reason: String,
    /// Whether it gives points back that had ended.
    #[serde(skip)]
    reinstates: bool,
    /// When it happened, where that was named.
    #[serde(skip)]
    at: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_nought(line: &u64) -> bool {
    *line == 0
}

/// What became of it, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Fate {
    /// It changed, or will change, the balance.
    Applied,
    /// It was decided before; nothing changes.
    Known,
    /// It cannot be: too few points, or it is wrong.
    Refused,
}

impl Told {
    pub(super) async fn of(
        (ledger, pipeline): (&dyn Ledger, &PipelineName),
        correction: &Correction,
        settled: &Settled,
    ) -> Result<Self, LedgerError> {
        let event = &correction.event;
        let told = Self::blank(correction);
        Ok(match settled {
            Settled::Fresh { outcome: Outcome::Erased, .. } => {
                told.fate(Fate::Refused, "the member was erased; nothing happens under this name any more")
            }
            Settled::Fresh { results, .. } => told.decided(results),
            Settled::Replayed { .. } => told.fate(Fate::Known, "was applied before"),
            Settled::Buried(refusal) if refusal.reason == BuryReason::IdentityClash => {
                let reports = ledger.explain_event(pipeline, &event.id, Some(&event.source)).await?;
                match reports.first() {
                    Some(report) => told.known(report),
                    None => told.fate(Fate::Refused, "its id stands earlier in this file with other content"),
                }
            }
            Settled::Buried(refusal) => told.fate(Fate::Refused, &refusal.detail),
        })
    }

    fn blank(correction: &Correction) -> Self {
        let Correction { line, event, names_time } = correction;
        let asked = Asked::of(event);
        Self {
            line: *line,
            id: event.id.to_string(),
            member: event.member.to_string(),
            wallet: asked.wallet.map(ToString::to_string).unwrap_or_default(),
            points: asked.points,
            tier: asked.tier.cloned(),
            before: None,
            after: None,
            fate: Fate::Applied,
            what: "applied".to_owned(),
            dates: asked.dates,
            reason: asked.reason.to_owned(),
            reinstates: matches!(event.kind, Kind::Reinstate(_)),
            at: names_time.then_some(event.occurred_at),
        }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    fn fate(self, fate: Fate, what: &str) -> Self {
        Self { fate, what: what.to_owned(), ..self }
    }

    /// By the result that is published of it; what was due for the member comes before it.
    fn decided(self, results: &[ResultEvent]) -> Self {
        let number = |text: &String| text.parse::<Decimal>().ok();
        match results.iter().map(|result| &result.body).find(|body| is_of_a_correction(body)) {
            Some(ResultBody::Adjusted { available, .. } | ResultBody::Restored(Restored { available, .. })) => {
                let after = number(available);
                let paid_off = results.iter().find_map(|result| match &result.body {
                    // What was due has a cause of its own.
                    ResultBody::Repaid { points, .. } if result.cause.id.as_str() == self.id => number(points),
                    _ => None,
                });
                let came = self.points.and_then(|points| points.checked_sub(paid_off.unwrap_or_default()));
                let before = after.zip(came).and_then(|(after, came)| after.checked_sub(came));
                Self { before, after, ..self }
            }
            Some(ResultBody::AdjustmentRejected { available, missing, .. }) => {
                let before = number(available);
                Self { before, after: before, ..self }
                    .fate(Fate::Refused, &format!("turned down: {missing} are missing"))
            }
            Some(ResultBody::ReinstatementRejected(ReinstatementRejected { available, expired, missing, .. })) => {
                let before = number(available);
                Self { before, after: before, ..self }
                    .fate(Fate::Refused, &format!("turned down: {expired} have ended, {missing} are missing"))
            }
            Some(ResultBody::Promoted(_)) => {
                let is_own = |result: &&ResultEvent| result.cause.id.as_str() == self.id;
                let is_raised = |result: &ResultEvent| matches!(result.body, ResultBody::TierChanged(_));
                if results.iter().filter(is_own).any(is_raised) {
                    return self;
                }
                self.fate(Fate::Applied, "is so already; the later end holds")
            }
            Some(ResultBody::PromotionRejected(PromotionRejected { has, has_until, .. })) => {
                let until = has_until.map(|until| format!(" until {until}")).unwrap_or_default();
                self.fate(Fate::Refused, &format!("turned down: the member has `{has}`{until}, which is higher"))
            }
            _ => self,
        }
    }

    /// The id is known; the same correction is no difference, another one is a mistake.
    fn known(self, report: &EventReport) -> Self {
        let at = report.recorded_at;
        let is_of = |tier: &TierName| {
            report.member.as_str() == self.member
                && self.at.is_none_or(|at| at == report.occurred_at)
                && self.tier.as_ref() == Some(tier)
        };
        let same = |reinstates: bool, wallet: &str, points: &str| {
            reinstates == self.reinstates
                && report.member.as_str() == self.member
                && self.at.is_none_or(|at| at == report.occurred_at)
                && wallet == self.wallet
                && points.parse::<Decimal>().is_ok_and(|points| Some(points) == self.points)
        };
        match report.results.first().map(|result| &result.body) {
            Some(ResultBody::Adjusted { wallet, points, author, reason, activates_at, expires_at, .. })
                if same(false, wallet.as_str(), points)
                    && *reason == self.reason
                    && self.dates == [*activates_at, *expires_at] =>
            {
                self.fate(Fate::Known, &format!("was applied before, on {at} by {author}"))
            }
            Some(ResultBody::AdjustmentRejected { wallet, points, .. }) if same(false, wallet.as_str(), points) => {
                self.turned_down_before(at)
            }
            Some(ResultBody::Restored(Restored { wallet, points, author, reason, expires_at, .. }))
                if same(true, wallet.as_str(), points)
                    && *reason == self.reason
                    && self.dates == [None, *expires_at] =>
            {
                self.fate(Fate::Known, &format!("was applied before, on {at} by {author}"))
            }
            Some(ResultBody::ReinstatementRejected(ReinstatementRejected { wallet, points, .. }))
                if same(true, wallet.as_str(), points) =>
            {
                self.turned_down_before(at)
            }
            Some(ResultBody::Promoted(Promoted { tier, until, reason, author }))
                if is_of(tier) && self.dates == [None, *until] && *reason == self.reason =>
            {
                self.fate(Fate::Known, &format!("was applied before, on {at} by {author}"))
            }
            Some(ResultBody::PromotionRejected(PromotionRejected { tier, .. })) if is_of(tier) => {
                self.turned_down_before(at)
            }
            _ => self.fate(Fate::Refused, &format!("its id was used on {at} for something else; give it another one")),
        }
    }

    fn turned_down_before(self, at: Timestamp) -> Self {
        self.fate(Fate::Refused, &format!("was turned down before, on {at}; another `id` tries it again"))
    }

    /// Nothing was kept of it.
    pub(super) fn not_kept(self) -> Self {
        if self.fate == Fate::Applied { self.fate(Fate::Applied, "would be applied") } else { self }
    }

    /// The member has no event in the ledger.
    pub(super) fn stranger(self) -> Self {
        let told = Self { before: None, after: None, ..self };
        told.fate(Fate::Refused, "the member is not known; check the name, or say `--new-members`")
    }
}

fn is_of_a_correction(body: &ResultBody) -> bool {
    matches!(
        body,
        ResultBody::Adjusted { .. }
            | ResultBody::AdjustmentRejected { .. }
            | ResultBody::Restored(_)
            | ResultBody::ReinstatementRejected(_)
            | ResultBody::Promoted(_)
            | ResultBody::PromotionRejected(_)
    )
}

/// What an event asks for.
#[derive(Default)]
struct Asked<'a> {
    wallet: Option<&'a WalletName>,
    points: Option<Decimal>,
    tier: Option<&'a TierName>,
    dates: [Option<Timestamp>; 2],
    reason: &'a str,
}

impl<'a> Asked<'a> {
    fn of(event: &'a Event) -> Self {
        match &event.kind {
            Kind::Adjust(adjust) => Self {
                wallet: adjust.wallet.as_ref(),
                points: Some(adjust.points),
                dates: [adjust.activates, adjust.expires],
                reason: &adjust.reason,
                tier: None,
            },
            Kind::Reinstate(reinstate) => Self {
                wallet: reinstate.wallet.as_ref(),
                points: Some(reinstate.points.get()),
                dates: [None, reinstate.expires],
                reason: &reinstate.reason,
                tier: None,
            },
            Kind::Promote(promote) => Self {
                tier: Some(&promote.tier),
                dates: [None, promote.until],
                reason: &promote.reason,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// One row a correction.
pub(super) fn table(told: &[Told]) -> Table {
    let mut table = Table::new(&["LINE", "MEMBER", "WALLET", "POINTS", "BEFORE", "AFTER", "WHAT"]);
    for one in told {
        let line = if one.line == 0 { Cell::default() } else { Cell::number(one.line.to_string()) };
        let maybe = |value: Option<Decimal>| value.map_or_else(Cell::default, Cell::amount);
        let what = match one.fate {
            Fate::Applied => Cell::green(&one.what),
            Fate::Known => Cell::dim(&one.what),
            Fate::Refused => Cell::red(&one.what),
        };
        let wallet = one.tier.as_ref().map_or_else(|| one.wallet.clone(), |tier| format!("tier {tier}"));
        let (member, wallet) = (Cell::bold(&one.member), Cell::plain(wallet));
        table.row([line, member, wallet, maybe(one.points), maybe(one.before), maybe(one.after), what]);
    }
    table
}
