//! One [`Ledger`] over any SQL store: what is the same text in both goes through [`Sql`], the rest through [`Store`].

use std::time::Duration;

use async_trait::async_trait;
use contract::event::Event;
use contract::ruleset::{Ruleset, RulesetHash, TimelineLine};
use contract::{EventId, MemberId, PipelineName, Source, WalletName};
use jiff::Timestamp;

use crate::audit::{self, Auditing, Finding, SinceReport};
use crate::carry::{self, CarriedForward, CarryAsk, CarryReport};
use crate::error::LedgerError;
use crate::forget::{self, ForgetAsk, ForgetReport};
use crate::report::{
    self, Balance, BestMember, BudgetReport, EntryReport, EventReport, HoldMark, HoldPage, LiabilityAsk, LotMark,
    LotPage, MemberReport, StatementAsk, StatementMark, StatementPage, TallyReport, TiersReport, Totals,
    WalletLiability,
};
use crate::sql::Sql;
use crate::store::{
    Answer, Appended, AttemptKey, BatchId, BatchRequest, Begun, DueMember, Identity, Ledger, OpenBatch, Since,
    Unpublished,
};
use crate::transit::{Transit, UnderWay};
use crate::{erasure, notes, timeline, transit};

/// What a store does in its own way.
#[async_trait]
pub(crate) trait Store: Sql + std::fmt::Debug {
    /// URL without password.
    fn address(&self) -> &str;
    /// The last migration that this program knows.
    fn needed(&self) -> u32;
    /// See [`Ledger::begin`].
    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError>;
    /// See [`Ledger::begin_free`].
    async fn begin_free(&self, request: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError>;
    /// See [`Ledger::recall`].
    async fn recall(&self, request: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError>;
    /// See [`Ledger::give_up_parked`].
    async fn give_up(&self, pipeline: &PipelineName, events: &[Identity]) -> Result<(), LedgerError>;
    /// See [`Ledger::migrate`].
    async fn migrate(&self) -> Result<(), LedgerError>;
    /// See [`Ledger::carry_forward`].
    async fn carry_forward(
        &self,
        ask: &CarryAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<CarryReport, LedgerError>;
    /// Whether this answer says that a table is missing.
    fn says_no_table(&self, error: &LedgerError) -> bool;
}

/// A ledger in an SQL store.
#[derive(Debug)]
pub(crate) struct Desk<S>(pub(crate) S);

#[async_trait]
impl<S: Store> Ledger for Desk<S> {
    fn address(&self) -> &str {
        self.0.address()
    }

    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError> {
        self.0.begin(request).await
    }

    async fn begin_free(&self, request: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError> {
        self.0.begin_free(request).await
    }

    async fn recall(&self, request: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError> {
        self.0.recall(request).await
    }

    async fn mark_published(&self, batches: &[BatchId]) -> Result<(), LedgerError> {
        notes::mark_published(&self.0, batches).await
    }

    async fn unpublished(
        &self,
        pipeline: &PipelineName,
        older_than: Duration,
        limit: usize,
    ) -> Result<Vec<Unpublished>, LedgerError> {
        notes::unpublished(&self.0, pipeline, older_than, limit).await
    }

    async fn acquire_lease(&self, pipeline: &PipelineName, holder: &str, ttl: Duration) -> Result<bool, LedgerError> {
        notes::acquire_lease(&self.0, pipeline, holder, ttl).await
    }

    async fn note_redelivered(&self, keys: &[AttemptKey]) -> Result<Vec<u32>, LedgerError> {
        notes::note_redelivered(&self.0, keys).await
    }

    async fn note_attempt(&self, key: AttemptKey) -> Result<u32, LedgerError> {
        notes::note_attempt(&self.0, key).await
    }

    async fn clear_attempts(&self, keys: &[AttemptKey]) -> Result<(), LedgerError> {
        notes::clear_attempts(&self.0, keys).await
    }

    async fn timeline(&self, pipeline: &PipelineName) -> Result<Vec<TimelineLine>, LedgerError> {
        timeline::lines(&self.0, pipeline).await
    }

    async fn ruleset(&self, hash: &RulesetHash) -> Result<Option<Ruleset>, LedgerError> {
        timeline::ruleset(&self.0, hash).await
    }

    async fn append_timeline(
        &self,
        pipeline: &PipelineName,
        ruleset: &Ruleset,
        since: &Since,
    ) -> Result<Appended, LedgerError> {
        timeline::append(&self.0, pipeline, ruleset, since).await
    }

    async fn parked_before(
        &self,
        pipeline: &PipelineName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Event>, LedgerError> {
        notes::parked_before(&self.0, pipeline, before, limit).await
    }

    async fn due_members(
        &self,
        pipeline: &PipelineName,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueMember>, LedgerError> {
        notes::due_members(&self.0, pipeline, by, limit).await
    }

    async fn under_way(
        &self,
        pipeline: &PipelineName,
        which: UnderWay,
        limit: usize,
    ) -> Result<Vec<Transit>, LedgerError> {
        transit::under_way(&self.0, pipeline, which, limit).await
    }

    async fn next_due(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>, LedgerError> {
        notes::next_due(&self.0, pipeline).await
    }

    async fn give_up_parked(&self, pipeline: &PipelineName, events: &[Identity]) -> Result<(), LedgerError> {
        self.0.give_up(pipeline, events).await
    }

    async fn migrate(&self) -> Result<(), LedgerError> {
        self.0.migrate().await
    }

    async fn carry_forward(
        &self,
        ask: &CarryAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<CarryReport, LedgerError> {
        self.0.carry_forward(ask, progress).await
    }

    async fn carried_forward(&self, pipeline: &PipelineName) -> Result<Option<CarriedForward>, LedgerError> {
        carry::carried_forward(&self.0, pipeline).await
    }

    async fn forget(
        &self,
        ask: &ForgetAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<ForgetReport, LedgerError> {
        forget::forget(&self.0, ask, progress).await
    }

    async fn forgotten_before(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>, LedgerError> {
        forget::forgotten_before(&self.0, pipeline).await
    }

    async fn check_version(&self) -> Result<(), LedgerError> {
        let stands = match self.0.ask("select cast(max(version) as text) from refinery_schema_history", &[]).await {
            Ok(rows) => rows.first().filter(|row| row.maybe(0).is_some()).map_or(Ok(0), |row| row.parse(0))?,
            Err(e) if self.0.says_no_table(&e) => 0,
            Err(e) => return Err(e),
        };
        let needed = self.0.needed();
        let remedy = match stands.cmp(&needed) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => "run `loyaltyctl migrate`",
            std::cmp::Ordering::Greater => "use a newer version of this program",
        };
        Err(LedgerError::WrongVersion { object: self.0.address().to_owned(), stands, needed, remedy })
    }

    async fn member(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<MemberReport>, LedgerError> {
        report::member(&self.0, pipeline, member).await
    }

    async fn was_erased(&self, pipeline: &PipelineName, member: &MemberId) -> Result<bool, LedgerError> {
        erasure::was_erased(&self.0, pipeline, member).await
    }

    async fn events_of(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Vec<Identity>, LedgerError> {
        report::events_of(&self.0, pipeline, member).await
    }

    async fn balance(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<Vec<Balance>>, LedgerError> {
        report::balance(&self.0, pipeline, member).await
    }

    async fn tiers(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<TiersReport>, LedgerError> {
        report::tiers(&self.0, pipeline, member).await
    }

    async fn tallies(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Vec<TallyReport>, LedgerError> {
        report::tallies(&self.0, pipeline, member).await
    }

    async fn best_members(
        &self,
        pipeline: &PipelineName,
        wallet: &WalletName,
        limit: usize,
    ) -> Result<Vec<BestMember>, LedgerError> {
        report::best_members(&self.0, pipeline, wallet, limit).await
    }

    async fn totals(&self, pipeline: &PipelineName) -> Result<Totals, LedgerError> {
        report::totals(&self.0, pipeline).await
    }

    async fn explain_event(
        &self,
        pipeline: &PipelineName,
        id: &EventId,
        source: Option<&Source>,
    ) -> Result<Vec<EventReport>, LedgerError> {
        report::explain_event(&self.0, pipeline, id, source).await
    }

    async fn explain_member(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        limit: usize,
    ) -> Result<Vec<EntryReport>, LedgerError> {
        report::explain_member(&self.0, pipeline, member, limit).await
    }

    async fn statement(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        ask: &StatementAsk,
        after: &StatementMark,
    ) -> Result<Option<StatementPage>, LedgerError> {
        report::statement(&self.0, (pipeline, member), ask, after).await
    }

    async fn open_lots(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        wallet: Option<&WalletName>,
        after: &LotMark,
    ) -> Result<LotPage, LedgerError> {
        report::open_lots(&self.0, (pipeline, member), wallet, after).await
    }

    async fn open_holds(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        wallet: Option<&WalletName>,
        after: &HoldMark,
    ) -> Result<HoldPage, LedgerError> {
        report::open_holds(&self.0, (pipeline, member), wallet, after).await
    }

    async fn liability(
        &self,
        pipeline: &PipelineName,
        ask: &LiabilityAsk,
    ) -> Result<Vec<WalletLiability>, LedgerError> {
        report::liability(&self.0, pipeline, ask).await
    }

    async fn budgets(&self, pipeline: &PipelineName) -> Result<Vec<BudgetReport>, LedgerError> {
        report::budgets(&self.0, pipeline).await
    }

    async fn audit(
        &self,
        pipeline: &PipelineName,
        auditing: Auditing,
        progress: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<Vec<Finding>, LedgerError> {
        audit::audit(&self.0, pipeline, auditing, progress).await
    }

    async fn audit_since(
        &self,
        pipeline: &PipelineName,
        since: Timestamp,
        auditing: Auditing,
        progress: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<SinceReport, LedgerError> {
        audit::audit_since(&self.0, (pipeline, since), auditing, progress).await
    }
}
