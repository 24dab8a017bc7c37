//! Keeps nothing: every event is fresh and every member new. For benchmarks of everything but the ledger.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use contract::event::Event;
use contract::program::{Program, Wallet};
use contract::ruleset::{Ruleset, RulesetHash, TimelineLine};
use contract::{Currency, EventId, MemberId, PipelineName, Scale, Source, WalletName};
use jiff::Timestamp;

use crate::audit::{Auditing, Finding, SinceReport};
use crate::book::MemberState;
use crate::carry::{CarriedForward, CarryAsk, CarryReport};
use crate::error::LedgerError;
use crate::forget::{ForgetAsk, ForgetReport};
use crate::report::{
    Balance, BestMember, BudgetReport, EntryReport, EventReport, HoldMark, HoldPage, LiabilityAsk, LotMark, LotPage,
    MemberReport, StatementAsk, StatementMark, StatementPage, TallyReport, TiersReport, Totals, WalletLiability,
};
use crate::store::{
    Answer, Appended, AttemptKey, BatchId, BatchRequest, BatchWrites, Begun, Committed, DueMember, Identity, Ledger,
    OpenBatch, Since, Unpublished,
};
use crate::transit::{Transit, UnderWay};

/// No ledger at all, but for the timeline: a worker needs its rules. Until somebody appends some, rules that give nothing hold.
#[derive(Debug)]
pub(crate) struct Null {
    timeline: std::sync::Mutex<Vec<(TimelineLine, Ruleset)>>,
}

impl Default for Null {
    fn default() -> Self {
        let line = nothing().map(|ruleset| {
            let author = "null".to_owned();
            (TimelineLine { seq: 0, valid_from: None, hash: ruleset.hash(), author }, ruleset)
        });
        Self { timeline: std::sync::Mutex::new(line.into_iter().collect()) }
    }
}

/// A programme without rules. `None` never happens: both names are good.
fn nothing() -> Option<Ruleset> {
    let name = WalletName::parse("points").ok()?;
    let wallet = Wallet { name, scale: Scale::default(), pending: None, expiry: None, holds: None, auto_reward: None };
    let currency = Currency::parse("USD").ok()?;
    Some(Ruleset::new(&Program::new(currency, vec![wallet]), &[]))
}

impl Null {
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<(TimelineLine, Ruleset)>> {
        self.timeline.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for Null {
    fn address(&self) -> &'static str {
        "null:"
    }

    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError> {
        let mut members: HashMap<MemberId, MemberState> = HashMap::new();
        for want in &request.wanted {
            members.entry(want.member.clone()).or_default().count_from_nought(&want.reads);
        }
        let answers = vec![Answer::Fresh; request.wanted.len()];
        let timeline_seq = self.lines().last().map_or(0, |(line, _)| line.seq);
        let rooms = request.budgets.iter().map(|budget| (budget.name.clone(), budget.limit)).collect();
        let (followed, forgotten_before) = (HashMap::new(), None);
        Ok((Box::new(NullBatch), Begun { answers, members, followed, timeline_seq, forgotten_before, rooms }))
    }

    async fn begin_free(&self, _: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError> {
        Ok(None)
    }

    async fn recall(&self, _: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError> {
        Ok(None)
    }

    async fn mark_published(&self, _: &[BatchId]) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn unpublished(&self, _: &PipelineName, _: Duration, _: usize) -> Result<Vec<Unpublished>, LedgerError> {
        Ok(Vec::new())
    }

    async fn acquire_lease(&self, _: &PipelineName, _: &str, _: Duration) -> Result<bool, LedgerError> {
        Ok(true)
    }

    async fn note_redelivered(&self, keys: &[AttemptKey]) -> Result<Vec<u32>, LedgerError> {
        Ok(vec![1; keys.len()])
    }

    async fn note_attempt(&self, _: AttemptKey) -> Result<u32, LedgerError> {
        Ok(1)
    }

    async fn clear_attempts(&self, _: &[AttemptKey]) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn timeline(&self, _: &PipelineName) -> Result<Vec<TimelineLine>, LedgerError> {
        Ok(self.lines().iter().map(|(line, _)| line.clone()).collect())
    }

    async fn ruleset(&self, hash: &RulesetHash) -> Result<Option<Ruleset>, LedgerError> {
        Ok(self.lines().iter().find(|(line, _)| line.hash == *hash).map(|(_, ruleset)| ruleset.clone()))
    }

    async fn append_timeline(
        &self,
        _: &PipelineName,
        ruleset: &Ruleset,
        since: &Since,
    ) -> Result<Appended, LedgerError> {
        let mut lines = self.lines();
        let hash = ruleset.hash();
        if let Some((last, _)) = lines.last().filter(|(last, _)| last.hash == hash) {
            return Ok(Appended::Unchanged(last.clone()));
        }
        let seq = lines.last().map_or(1, |(last, _)| last.seq + 1);
        let valid_from = (seq > 1).then(|| since.valid_from.unwrap_or_else(Timestamp::now));
        let line = TimelineLine { seq, valid_from, hash, author: since.author.clone() };
        lines.push((line.clone(), ruleset.clone()));
        Ok(Appended::Added(line))
    }

    async fn parked_before(&self, _: &PipelineName, _: Timestamp, _: usize) -> Result<Vec<Event>, LedgerError> {
        Ok(Vec::new())
    }

    async fn due_members(&self, _: &PipelineName, _: Timestamp, _: usize) -> Result<Vec<DueMember>, LedgerError> {
        Ok(Vec::new())
    }

    async fn under_way(&self, _: &PipelineName, _: UnderWay, _: usize) -> Result<Vec<Transit>, LedgerError> {
        Ok(Vec::new())
    }

    async fn next_due(&self, _: &PipelineName) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }

    async fn give_up_parked(&self, _: &PipelineName, _: &[Identity]) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn migrate(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn check_version(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn member(&self, _: &PipelineName, _: &MemberId) -> Result<Option<MemberReport>, LedgerError> {
        Ok(None)
    }

    async fn was_erased(&self, _: &PipelineName, _: &MemberId) -> Result<bool, LedgerError> {
        Ok(false)
    }

    async fn events_of(&self, _: &PipelineName, _: &MemberId) -> Result<Vec<Identity>, LedgerError> {
        Ok(Vec::new())
    }

    async fn balance(&self, _: &PipelineName, _: &MemberId) -> Result<Option<Vec<Balance>>, LedgerError> {
        Ok(None)
    }

    async fn tiers(&self, _: &PipelineName, _: &MemberId) -> Result<Option<TiersReport>, LedgerError> {
        Ok(None)
    }

    async fn tallies(&self, _: &PipelineName, _: &MemberId) -> Result<Vec<TallyReport>, LedgerError> {
        Ok(Vec::new())
    }

    async fn best_members(&self, _: &PipelineName, _: &WalletName, _: usize) -> Result<Vec<BestMember>, LedgerError> {
        Ok(Vec::new())
    }

    async fn totals(&self, _: &PipelineName) -> Result<Totals, LedgerError> {
        Ok(Totals {
            members: 0,
            events: std::collections::BTreeMap::new(),
            unpublished_batches: 0,
            wallets: Vec::new(),
        })
    }

    async fn explain_event(
        &self,
        _: &PipelineName,
        _: &EventId,
        _: Option<&Source>,
    ) -> Result<Vec<EventReport>, LedgerError> {
        Ok(Vec::new())
    }

    async fn explain_member(&self, _: &PipelineName, _: &MemberId, _: usize) -> Result<Vec<EntryReport>, LedgerError> {
        Ok(Vec::new())
    }

    async fn statement(
        &self,
        _: &PipelineName,
        _: &MemberId,
        _: &StatementAsk,
        _: &StatementMark,
    ) -> Result<Option<StatementPage>, LedgerError> {
        Ok(None)
    }

    async fn open_lots(
        &self,
        _: &PipelineName,
        _: &MemberId,
        _: Option<&WalletName>,
        _: &LotMark,
    ) -> Result<LotPage, LedgerError> {
        Ok(LotPage { lots: Vec::new(), next: None })
    }

    async fn open_holds(
        &self,
        _: &PipelineName,
        _: &MemberId,
        _: Option<&WalletName>,
        _: &HoldMark,
    ) -> Result<HoldPage, LedgerError> {
        Ok(HoldPage { holds: Vec::new(), next: None })
    }

    async fn liability(&self, _: &PipelineName, _: &LiabilityAsk) -> Result<Vec<WalletLiability>, LedgerError> {
        Ok(Vec::new())
    }

    async fn budgets(&self, _: &PipelineName) -> Result<Vec<BudgetReport>, LedgerError> {
        Ok(Vec::new())
    }

    async fn carry_forward(&self, _: &CarryAsk, _: &(dyn Fn(&'static str) + Sync)) -> Result<CarryReport, LedgerError> {
        Ok(CarryReport::default())
    }

    async fn forget(&self, _: &ForgetAsk, _: &(dyn Fn(&'static str) + Sync)) -> Result<ForgetReport, LedgerError> {
        Ok(ForgetReport::default())
    }

    async fn forgotten_before(&self, _: &PipelineName) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }

    async fn carried_forward(&self, _: &PipelineName) -> Result<Option<CarriedForward>, LedgerError> {
        Ok(None)
    }

    async fn audit(
        &self,
        _: &PipelineName,
        _: Auditing,
        _: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<Vec<Finding>, LedgerError> {
        Ok(Vec::new())
    }

    async fn audit_since(
        &self,
        _: &PipelineName,
        _: Timestamp,
        _: Auditing,
        _: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<SinceReport, LedgerError> {
        Ok(SinceReport { findings: Vec::new(), entries: 0, members: 0, other_members: 0 })
    }
}

struct NullBatch;

#[async_trait]
impl OpenBatch for NullBatch {
    async fn more(&mut self, _: &BatchRequest) -> Result<Option<Begun>, LedgerError> {
        Ok(None)
    }

    async fn commit(self: Box<Self>, _: BatchWrites) -> Result<Committed, LedgerError> {
        Ok(Committed::Done(BatchId(0)))
    }
}
