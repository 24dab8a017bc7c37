//! What any store of the ledger does, and the nouns that pass through it. No SQL here.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use contract::decision::{Reads, Rooms};
use contract::event::{ContentHash, Event};
use contract::result::ResultEvent;
use contract::ruleset::{Ruleset, RulesetHash, TimelineLine};
use contract::{EventId, MemberId, PipelineName, Source, WalletName};
use jiff::Timestamp;

use crate::audit::{Auditing, Finding, SinceReport};
use crate::book::{Applied, MemberState, Outcome, TiersWanted};
use crate::budget::BudgetWanted;
use crate::carry::{CarriedForward, CarryAsk, CarryReport};
use crate::error::LedgerError;
use crate::forget::{ForgetAsk, ForgetReport};
use crate::report::{
    Balance, BestMember, BudgetReport, EntryReport, EventReport, HoldMark, HoldPage, LiabilityAsk, LotMark, LotPage,
    MemberReport, StatementAsk, StatementMark, StatementPage, TallyReport, TiersReport, Totals, WalletLiability,
};
use crate::takes::Takes;
use crate::transit::{Transit, UnderWay};

/// Most events of one batch: entry numbers of a batch have 16 bits, and purchases may let in what was parked.
pub const BATCH_EVENTS_MAX: usize = 20_000;

/// One ledger. Every method may be called from many tasks; none waits for a member longer than the batch that holds it.
///
/// While a task holds an [`OpenBatch`], it must not call writing methods of the same ledger (`SQLite` has one writer: it
/// would wait for itself); [`Ledger::timeline`] and [`Ledger::ruleset`] are fine.
#[async_trait]
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Address without password, for logs and errors.
    fn address(&self) -> &str;

    /// Locks the members of a batch, says which of its events are fresh and loads what deciding them needs.
    ///
    /// A cancelled call leaves nothing behind. So does dropping the [`OpenBatch`]: its transaction is rolled back.
    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError>;

    /// The same, but nobody is waited for: `None` where another batch holds one of the members, or where there is one writer. A batch that is
    /// begun so can get more events ([`OpenBatch::more`]).
    async fn begin_free(&self, request: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError>;

    /// What [`Ledger::begin`] would answer to events that were all applied before, without a lock: what was applied stays so. `None` when
    /// one of them was not, or wants a closer look (somebody was erased or merged, something waits for it, its content differs): begin then.
    ///
    /// A cancelled call leaves nothing behind.
    async fn recall(&self, request: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError>;

    /// Marks batches whose results are confirmed by the broker; ids that are already marked are fine.
    async fn mark_published(&self, batches: &[BatchId]) -> Result<(), LedgerError>;

    /// Batches whose results were committed at least `older_than` ago and never marked, oldest first.
    async fn unpublished(
        &self,
        pipeline: &PipelineName,
        older_than: Duration,
        limit: usize,
    ) -> Result<Vec<Unpublished>, LedgerError>;

    /// Takes or renews the pipeline's lease for `ttl` by the store's clock; `false` when somebody else holds it.
    async fn acquire_lease(&self, pipeline: &PipelineName, holder: &str, ttl: Duration) -> Result<bool, LedgerError>;

    /// Counts one more delivery of each key that the broker marked as redelivered; answers the counts in the order of `keys`.
    async fn note_redelivered(&self, keys: &[AttemptKey]) -> Result<Vec<u32>, LedgerError>;

    /// Notes, before it is decided alone, that this message is tried; answers how often it was.
    async fn note_attempt(&self, key: AttemptKey) -> Result<u32, LedgerError>;

    /// Forgets what was counted for messages that are settled without a batch (buried ones).
    async fn clear_attempts(&self, keys: &[AttemptKey]) -> Result<(), LedgerError>;

    /// All lines of the pipeline's timeline, by sequence.
    async fn timeline(&self, pipeline: &PipelineName) -> Result<Vec<TimelineLine>, LedgerError>;

    /// A stored rule set.
    async fn ruleset(&self, hash: &RulesetHash) -> Result<Option<Ruleset>, LedgerError>;

    /// Makes a rule set hold from `valid_from`, or from the store's present time. The first line of a pipeline always holds
    /// from the beginning of time. The same rule set (and time, if one is given) as the last line changes nothing.
    ///
    /// [`LedgerError::Incompatible`] when a wallet of an earlier version is missing or has another scale, or the currency differs.
    async fn append_timeline(
        &self,
        pipeline: &PipelineName,
        ruleset: &Ruleset,
        since: &Since,
    ) -> Result<Appended, LedgerError>;

    /// What was parked before `before`, oldest first.
    async fn parked_before(
        &self,
        pipeline: &PipelineName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Event>, LedgerError>;

    /// Members for whom something is due by a time (inclusive), the longest due first. Each has to be settled in a batch of its
    /// members ([`BatchWrites::reviewed`]), or it is told again.
    async fn due_members(
        &self,
        pipeline: &PipelineName,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueMember>, LedgerError>;

    /// Transfers that have neither arrived nor come back, oldest first. Each is to be carried ([`crate::book::MemberState::carry`]) in a
    /// batch of the one member whom its next event touches.
    async fn under_way(
        &self,
        pipeline: &PipelineName,
        which: UnderWay,
        limit: usize,
    ) -> Result<Vec<Transit>, LedgerError>;

    /// When the next thing is or was due for any member; `None` when nothing is. One look into an index.
    async fn next_due(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>, LedgerError>;

    /// Gives up what is parked: its outcome becomes [`Outcome::GivenUp`]. Those no longer parked are left as they are.
    async fn give_up_parked(&self, pipeline: &PipelineName, events: &[Identity]) -> Result<(), LedgerError>;

    /// Applies the embedded migrations that are missing. Idempotent; safe when two run at once.
    async fn migrate(&self) -> Result<(), LedgerError>;

    /// Sums up the entries of whole months of long ago, one entry for each member; nothing else changes. Workers may be at work. On
    /// `PostgreSQL` it needs the rights of [`Ledger::migrate`] and room for the sums beside what they sum. Each step is told to `progress`
    /// before it begins.
    ///
    /// A cancelled call leaves a ledger that is whole: the same call goes on.
    async fn carry_forward(
        &self,
        ask: &CarryAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<CarryReport, LedgerError>;

    /// How far the pipeline's entries are carried forward; `None`: all are there.
    async fn carried_forward(&self, pipeline: &PipelineName) -> Result<Option<CarriedForward>, LedgerError>;

    /// Forgets events that happened long ago and are decided and published, some thousand rows a transaction; never those that a person said
    /// by hand. What happened before and comes again, or for the first time, is late from then on: [`Begun::forgotten_before`].
    ///
    /// A cancelled call has forgotten some: the same call goes on.
    async fn forget(
        &self,
        ask: &ForgetAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<ForgetReport, LedgerError>;

    /// Before what time events of producers are not known one by one; `None`: all are.
    async fn forgotten_before(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>, LedgerError>;

    /// Whether the tables are of this program's version; [`LedgerError::WrongVersion`] says what to run.
    async fn check_version(&self) -> Result<(), LedgerError>;

    /// What is known of a member beside their points; `None` when the member is unknown.
    async fn member(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<MemberReport>, LedgerError>;

    /// Whether a member of this name was erased. Then nothing else is known under the name.
    async fn was_erased(&self, pipeline: &PipelineName, member: &MemberId) -> Result<bool, LedgerError>;

    /// All events of a member that were not buried, in the order in which they were decided. Looks at every event of the pipeline.
    async fn events_of(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Vec<Identity>, LedgerError>;

    /// A member's wallets with their lots in burn order; `None` when the member is unknown.
    async fn balance(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<Vec<Balance>>, LedgerError>;

    /// Which tiers a member had, and what counts for them; `None` when the member is unknown.
    async fn tiers(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Option<TiersReport>, LedgerError>;

    /// What rules count of a member over several events, by rule and the latest time first; none for an unknown member.
    async fn tallies(&self, pipeline: &PipelineName, member: &MemberId) -> Result<Vec<TallyReport>, LedgerError>;

    /// Members with the most available points of a wallet.
    async fn best_members(
        &self,
        pipeline: &PipelineName,
        wallet: &WalletName,
        limit: usize,
    ) -> Result<Vec<BestMember>, LedgerError>;

    /// Sums over the whole pipeline.
    async fn totals(&self, pipeline: &PipelineName) -> Result<Totals, LedgerError>;

    /// All that is known of an event; several when sources share its id and none is named.
    async fn explain_event(
        &self,
        pipeline: &PipelineName,
        id: &EventId,
        source: Option<&Source>,
    ) -> Result<Vec<EventReport>, LedgerError>;

    /// A member's latest entries, newest first.
    async fn explain_member(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        limit: usize,
    ) -> Result<Vec<EntryReport>, LedgerError>;

    /// The next page of a member's account, in recorded order; `None` when the member is unknown. `after` is the default at the
    /// beginning, then what the page before named.
    async fn statement(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        ask: &StatementAsk,
        after: &StatementMark,
    ) -> Result<Option<StatementPage>, LedgerError>;

    /// The next page of a member's lots that still hold something, by wallet and in burn order; none for an unknown member.
    async fn open_lots(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        wallet: Option<&WalletName>,
        after: &LotMark,
    ) -> Result<LotPage, LedgerError>;

    /// The next page of a member's open holds, oldest first; none for an unknown member.
    async fn open_holds(
        &self,
        pipeline: &PipelineName,
        member: &MemberId,
        wallet: Option<&WalletName>,
        after: &HoldMark,
    ) -> Result<HoldPage, LedgerError>;

    /// What the programme owes its members, by wallet. Looks at every posting and lot of the pipeline.
    async fn liability(&self, pipeline: &PipelineName, ask: &LiabilityAsk)
    -> Result<Vec<WalletLiability>, LedgerError>;

    /// What is left of the programme's budgets, by name.
    async fn budgets(&self, pipeline: &PipelineName) -> Result<Vec<BudgetReport>, LedgerError>;

    /// Checks the invariants one after another and tells each to `progress` before it runs. Empty means: no difference.
    async fn audit(
        &self,
        pipeline: &PipelineName,
        auditing: Auditing,
        progress: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<Vec<Finding>, LedgerError>;

    /// The same for the entries recorded at or after `since` and the members that they touched.
    async fn audit_since(
        &self,
        pipeline: &PipelineName,
        since: Timestamp,
        auditing: Auditing,
        progress: &(dyn Fn(u8, &'static str) + Sync),
    ) -> Result<SinceReport, LedgerError>;
}

/// A transaction that holds the members of its batch. Dropping it rolls back.
#[async_trait]
pub trait OpenBatch: Send {
    /// Takes further events in, of other members, where neither they nor those of before may use a budget. `None` where another batch holds one of
    /// them, who cannot be waited for out of the order: it has ended then, and all of it is to be begun again.
    ///
    /// After an `Err`, or a cancelled call, it can only be dropped.
    async fn more(&mut self, request: &BatchRequest) -> Result<Option<Begun>, LedgerError>;

    /// Writes everything or nothing.
    ///
    /// A cancelled call, and an `Err`, leave all of it or nothing: begin again, and the answers tell which.
    async fn commit(self: Box<Self>, writes: BatchWrites) -> Result<Committed, LedgerError>;
}

/// Key of a message that may be killing workers: a hash that names it whatever its content.
pub type AttemptKey = [u8; 32];

/// A committed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub i64);

/// Who said an event and under which id; with the pipeline the key of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Who said it.
    pub source: Source,
    /// Its own id.
    pub id: EventId,
}

impl Identity {
    /// The identity of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self { source: event.source.clone(), id: event.id.clone() }
    }
}

/// Events that are to be decided together.
#[derive(Debug, Clone)]
pub struct BatchRequest {
    /// Whose ledger.
    pub pipeline: PipelineName,
    /// At most [`BATCH_EVENTS_MAX`]; any order, doubles allowed.
    pub wanted: Vec<Wanted>,
    /// Wallets whose points may be turned into rewards by themselves: all that can be spent of them is loaded.
    pub rewards: Vec<WalletName>,
    /// Budgets that its events may take from or give back to.
    pub budgets: Vec<BudgetWanted>,
    /// What is to be loaded of members' tiers; `None`: nothing, as nobody has any.
    pub tiers: Option<TiersWanted>,
}

/// What one event needs.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which event.
    pub identity: Identity,
    /// Its content.
    pub hash: ContentHash,
    /// Whom it concerns.
    pub member: MemberId,
    /// What deciding reads.
    pub reads: Reads,
    /// Which lots it may consume.
    pub takes: Takes,
    /// When it happens: what is due for the member by then is loaded.
    pub at: Timestamp,
}

/// What `begin` found.
#[derive(Debug)]
pub struct Begun {
    /// One for each wanted event, in their order.
    pub answers: Vec<Answer>,
    /// Every member of the batch, as it stands; decide in order and let [`MemberState::post`] carry it on. Nothing was loaded of one
    /// of whom every event was decided before.
    pub members: HashMap<MemberId, MemberState>,
    /// Members of the batch who were merged into others, whose states stand above: what is said of the one is the other's.
    pub followed: HashMap<MemberId, MemberId>,
    /// Last line of the timeline; 0 when there is none. A worker that knows less loads the timeline first, and begins again.
    pub timeline_seq: i64,
    /// An event that is not known and happened before may have been applied and forgotten: it is late, unless it is of a source that nothing is
    /// forgotten of ([`crate::is_forgettable`]).
    pub forgotten_before: Option<Timestamp>,
    /// How much each wanted budget can still give; carry it on with [`Applied::budgets`]. Others may use it meanwhile: then the commit is
    /// [`Committed::Raced`].
    pub rooms: Rooms,
}

/// What the inbox says about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not known yet: decide it.
    Fresh,
    /// Decided before: publish what was stored, under the same ids.
    Replayed {
        /// What became of it.
        outcome: Outcome,
        /// What was published then.
        results: Vec<ResultEvent>,
        /// In which batch.
        batch: BatchId,
    },
    /// The identity is taken by another content.
    Clash,
    /// The identity stands earlier in this same batch. When that one was applied: a replay of it (`same`) or a clash. When it
    /// was refused: decide this one as fresh.
    Twin {
        /// Index of the first one with this identity.
        of: usize,
        /// Whether the content is the same.
        same: bool,
    },
}

/// What a decided batch leaves behind.
#[derive(Debug, Default)]
pub struct BatchWrites {
    /// In the order in which they were decided.
    pub applied: Vec<Applied>,
    /// Members of this batch of whom all that was due is settled: when the next thing is due is worked out anew.
    pub reviewed: Vec<MemberId>,
    /// Messages of this batch that are no longer suspects.
    pub cleared_attempts: Vec<AttemptKey>,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// All of it stands. Where nothing was decided there is no batch, and the id means nothing.
    Done(BatchId),
    /// Nothing stands: the store refused the content. Halve the batch until the culprit is alone.
    Refused {
        /// What the store said, without values.
        detail: String,
    },
    /// Nothing stands: another worker applied one of these identities for another member meanwhile, or used up what a budget had left, or recalled this one's slice
    /// of it. Begin again: whoever was in the way has gone on, so that it ends.
    Raced,
}

/// A member for whom something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMember {
    /// Who.
    pub member: MemberId,
    /// Since when.
    pub at: Timestamp,
    /// Names this one time within the pipeline: made of the member's number, the time, and how often the next time was set anew.
    pub timer: Identity,
}

/// Results that were committed and perhaps never published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// To be marked when they are confirmed.
    pub batch: BatchId,
    /// In the order in which they were decided.
    pub results: Vec<ResultEvent>,
}

/// From when a rule set holds and who says so.
#[derive(Debug, Clone, Default)]
pub struct Since {
    /// `None`: from the store's present time.
    pub valid_from: Option<Timestamp>,
    /// For the audit; a user or a service account.
    pub author: String,
}

/// What became of an appended rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is the last line already.
    Unchanged(TimelineLine),
    /// A new line stands.
    Added(TimelineLine),
}
