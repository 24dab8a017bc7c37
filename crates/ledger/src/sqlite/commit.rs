//! The second half of a batch: each row once, in key order, then the commit.

use contract::ruleset::hex;
use contract::{EventType, PipelineName};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use super::{holds, thread};
use crate::budget::{Pots, takings};
use crate::error::LedgerError;
use crate::rows::{InboxRow, Rows};
use crate::store::{AttemptKey, BatchId, Committed, Identity};

mod budget;
mod erased;
mod idle;
mod members;
mod merge;
mod refunds;
mod rewards;
mod tallies;
mod tiers;
mod transfers;

pub(super) struct Commit<'a> {
    pub(super) connection: &'a Connection,
    pub(super) pipeline: &'a PipelineName,
    pub(super) object: &'a str,
    /// Of slices of budgets.
    pub(super) owner: &'a str,
    /// Events that leave something behind; without any there is no batch.
    pub(super) decided: usize,
}

impl Commit<'_> {
    pub(super) fn run(
        self,
        fold: impl FnOnce(BatchId) -> Result<Rows, LedgerError>,
        (cleared, pots): (&[AttemptKey], &Pots),
    ) -> Result<Committed, LedgerError> {
        let batch = match self.decided {
            0 => BatchId(0),
            _ => self.batch().map_err(|e| thread::error(self.object, e))?,
        };
        let rows = fold(batch)?;
        let takings = takings(&rows.budgets, pots)?;
        let written = self.write(batch, &rows, cleared).and_then(|()| self.take(&takings));
        match written {
            // The caller rolls back.
            Ok(false) => Ok(Committed::Raced),
            Ok(true) => {
                self.connection.execute_batch("commit").map_err(|e| thread::error(self.object, e))?;
                Ok(Committed::Done(batch))
            }
            Err(e) if thread::is_refusal(&e) => Ok(Committed::Refused { detail: refusal(&e) }),
            Err(e) => Err(thread::error(self.object, e)),
        }
    }

    fn batch(&self) -> rusqlite::Result<BatchId> {
        self.prepare("insert into batch (pipeline, recorded_at) values (?1, ?2) returning id")?
            .query_row(params![self.pipeline.as_str(), Timestamp::now().as_microsecond()], |row| row.get(0))
            .map(BatchId)
    }

    fn write(&self, batch: BatchId, rows: &Rows, cleared: &[AttemptKey]) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        self.merges(rows)?;
        self.inbox(batch, rows, now)?;
        self.unparked(batch, &rows.unparked)?;
        self.entries(rows, now)?;
        self.balances(rows)?;
        self.lots(rows)?;
        holds::write(self.connection, self.pipeline, rows)?;
        self.ended(rows)?;
        self.idles(rows)?;
        self.rewards(rows)?;
        self.tiers(rows, now)?;
        self.due(rows)?;
        self.awards(rows)?;
        self.tallies(rows)?;
        self.owed(rows)?;
        self.payments(rows)?;
        self.purchases(rows)?;
        self.parked(rows, now)?;
        self.standing(rows)?;
        self.transfers(rows, now)?;
        self.erased(batch, rows)?;
        for key in cleared {
            self.prepare("delete from attempt where key = ?1")?.execute([hex(key)])?;
        }
        if !rows.has_results {
            // Nothing is to be published.
            self.prepare("update batch set published_at = recorded_at where id = ?1")?.execute([batch.0])?;
        }
        Ok(())
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    fn inbox(&self, batch: BatchId, rows: &Rows, now: i64) -> rusqlite::Result<()> {
        // What was given up and is decided anew stands in the inbox once.
        for Identity { source, id } in &rows.again {
            self.prepare("delete from inbox where pipeline = ?1 and source = ?2 and event_id = ?3")?.execute([
                self.pipeline.as_str(),
                source.as_str(),
                id.as_str(),
            ])?;
        }
        let mut insert = self.prepare(
            "insert into inbox (pipeline, source, event_id, hash, bucket, member, occurred_at, recorded_at, ruleset,
             outcome, results, batch, position, entry)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        for row in &rows.inbox {
            insert.execute(params![
                self.pipeline.as_str(),
                row.identity.source.as_str(),
                row.identity.id.as_str(),
                row.hash,
                row.member.bucket,
                row.member.number,
                row.occurred_at.as_microsecond(),
                now,
                row.ruleset,
                row.outcome.as_str(),
                row.results,
                batch.0,
                row.position,
                row.entry,
            ])?;
        }
        Ok(())
    }

    fn unparked(&self, batch: BatchId, rows: &[InboxRow]) -> rusqlite::Result<()> {
        let mut update = self.prepare(
            "update inbox set ruleset = ?4, outcome = ?5, results = ?6, batch = ?7, position = ?8, entry = ?9
             where pipeline = ?1 and source = ?2 and event_id = ?3",
        )?;
        let mut delete = self.prepare(
            "delete from parked where pipeline = ?1 and bucket = ?2 and member = ?3 and source = ?4 and event_id = ?5",
        )?;
        for row in rows {
            let (source, id) = (row.identity.source.as_str(), row.identity.id.as_str());
            let outcome = row.outcome.as_str();
            update.execute(params![
                self.pipeline.as_str(),
                source,
                id,
                row.ruleset,
                outcome,
                row.results,
                batch.0,
                row.position,
                row.entry,
            ])?;
            delete.execute(params![self.pipeline.as_str(), row.member.bucket, row.member.number, source, id])?;
        }
        Ok(())
    }

    fn entries(&self, rows: &Rows, now: i64) -> rusqlite::Result<()> {
        let mut entry = self.prepare(
            "insert into entry (pipeline, bucket, member, id, kind, source, event_id, order_id, effective_at, recorded_at, ruleset,
             hold_id) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        let pipeline = self.pipeline.as_str();
        for row in &rows.entries {
            entry.execute(params![
                pipeline,
                row.member.bucket,
                row.member.number,
                row.id,
                row.kind.as_str(),
                row.identity.source.as_str(),
                row.identity.id.as_str(),
                row.order.as_ref().map(contract::OrderId::as_str),
                row.effective_at.as_microsecond(),
                now,
                row.ruleset,
                row.hold.as_ref().map(contract::HoldId::as_str),
            ])?;
        }
        let mut posting = self.prepare(
            "insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for row in &rows.postings {
            let (account, wallet) = (row.account.as_str(), row.wallet.as_str());
            let (bucket, number) = (row.member.bucket, row.member.number);
            posting.execute(params![pipeline, bucket, number, row.entry, row.n, account, wallet, row.amount.0])?;
        }
        Ok(())
    }

    fn balances(&self, rows: &Rows) -> rusqlite::Result<()> {
        let mut upsert = self.prepare(
            "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             on conflict (pipeline, bucket, member, wallet) do update set pending = excluded.pending,
             available = excluded.available, held = excluded.held, debt = excluded.debt, last_lot = excluded.last_lot",
        )?;
        for ((member, wallet), (balances, last_lot)) in &rows.balances {
            upsert.execute(params![
                self.pipeline.as_str(),
                member.bucket,
                member.number,
                wallet.as_str(),
                balances.pending.0,
                balances.available.0,
                balances.held.0,
                balances.debt.0,
                last_lot,
            ])?;
        }
        Ok(())
    }

    fn lots(&self, rows: &Rows) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        let mut insert = self.prepare(
            "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held,
             activates_at, expires_at, expired, idles, warns_at, warned, waits_for)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        for ((member, wallet, sequence), (entry, row)) in &rows.new_lots {
            let lot = &row.lot;
            insert.execute(params![
                pipeline,
                member.bucket,
                member.number,
                wallet.as_str(),
                sequence,
                entry,
                lot.initial.0,
                lot.pending.0,
                lot.available.0,
                lot.held.0,
                lot.activates.map(Timestamp::as_microsecond),
                lot.own_end().map(Timestamp::as_microsecond),
                lot.expired.0,
                lot.idles,
                lot.warns.map(Timestamp::as_microsecond),
                lot.warned,
                lot.until.as_ref().map(EventType::as_str),
            ])?;
        }
        let mut update = self.prepare(
            "update lot set pending = ?6, available = ?7, held = ?8, expired = ?9, warned = ?10, activates_at = ?11,
                 waits_for = ?12
             where pipeline = ?1 and bucket = ?2 and member = ?3 and wallet = ?4 and sequence = ?5",
        )?;
        for ((member, wallet, sequence), row) in &rows.lots {
            let (wallet, lot) = (wallet.as_str(), &row.lot);
            let (pending, available, held) = (lot.pending.0, lot.available.0, lot.held.0);
            update.execute(params![
                pipeline,
                member.bucket,
                member.number,
                wallet,
                sequence,
                pending,
                available,
                held,
                lot.expired.0,
                lot.warned,
                lot.activates.map(Timestamp::as_microsecond),
                lot.until.as_ref().map(EventType::as_str),
            ])?;
        }
        let mut allocate = self.prepare(
            "insert into allocation (pipeline, bucket, member, entry, n, wallet, lot, amount, order_id, hold_id)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for row in &rows.allocations {
            let (wallet, lot) = (row.allocation.wallet.as_str(), row.allocation.lot);
            let (points, order) =
                (row.allocation.points.0, row.allocation.order.as_ref().map(contract::OrderId::as_str));
            let hold = row.allocation.hold.as_ref().map(contract::HoldId::as_str);
            let (bucket, number) = (row.member.bucket, row.member.number);
            allocate.execute(params![pipeline, bucket, number, row.entry, row.n, wallet, lot, points, order, hold])?;
        }
        Ok(())
    }

    /// When the next thing is due for a member, from the lots, holds and ends by inactivity as they stand now.
    fn due(&self, rows: &Rows) -> rusqlite::Result<()> {
        let mut upsert = self.prepare(
            "insert into due (pipeline, bucket, member, at, version)
             select ?1, ?2, ?3, min(at), 1 from (
                 select * from (select activates_at as at from lot where pipeline = ?1 and bucket = ?2 and member = ?3
                     and pending > 0 and activates_at is not null order by activates_at limit 1)
                 union all
                 select * from (select expires_at as at from lot where pipeline = ?1 and bucket = ?2 and member = ?3
                     and pending + available > 0 and expires_at is not null order by expires_at limit 1)
                 union all
                 select * from (select warns_at as at from lot where pipeline = ?1 and bucket = ?2 and member = ?3
                     and pending + available > 0 and warned = 0 and warns_at is not null order by warns_at limit 1)
                 union all
                 select * from (select expires_at as at from hold where pipeline = ?1 and bucket = ?2 and member = ?3
                     and held > 0 and expires_at is not null order by expires_at limit 1)
                 union all
                 select reward_at from balance where pipeline = ?1 and bucket = ?2 and member = ?3
                 union all
                 select tier_until from member where pipeline = ?1 and bucket = ?2 and number = ?3
                 union all
                 select case when b.idle_warned = 0 then min(b.idle_at, coalesce(b.idle_warns_at, b.idle_at))
                     else b.idle_at end from balance b where b.pipeline = ?1 and b.bucket = ?2 and b.member = ?3
                     and b.idle_at is not null and exists (select 1 from lot l where l.pipeline = ?1 and l.bucket = ?2
                         and l.member = ?3 and l.wallet = b.wallet and l.idles = 1 and l.pending + l.available > 0)
             ) where true
             on conflict (pipeline, bucket, member) do update set at = excluded.at, version = due.version + 1
             where due.at is not excluded.at",
        )?;
        for member in &rows.due {
            upsert.execute(params![self.pipeline.as_str(), member.bucket, member.number])?;
        }
        Ok(())
    }

    fn awards(&self, rows: &Rows) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        let mut insert = self.prepare(
            "insert into award (pipeline, bucket, member, entry, n, order_id, rule, ruleset, wallet, lot, inputs,
             awarded, due, taken, waived, budget, freed, counts_on, counted)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 case when ?16 is null then 0 else ?14 end, ?17, ?18)",
        )?;
        for row in &rows.awards {
            let award = &row.award;
            insert.execute(params![
                pipeline,
                row.member.bucket,
                row.member.number,
                row.entry,
                row.n,
                row.order.as_ref().map(contract::OrderId::as_str),
                award.rule.as_str(),
                row.ruleset,
                award.wallet.as_str(),
                row.lot,
                row.inputs,
                award.awarded.0,
                award.due.0,
                award.taken.0,
                award.waived.0,
                award.budget.as_ref().map(contract::BudgetName::as_str),
                row.counts_on,
                row.counted,
            ])?;
        }
        let mut update = self.prepare(
            "update award set due = ?6, taken = ?7, waived = ?8, freed = case when budget is null then 0 else ?7 end
             where pipeline = ?1 and bucket = ?2 and member = ?3 and entry = ?4 and n = ?5",
        )?;
        for ((member, entry, n), award) in &rows.award_changes {
            let (due, taken, waived) = (award.due.0, award.taken.0, award.waived.0);
            update.execute(params![pipeline, member.bucket, member.number, entry, n, due, taken, waived])?;
        }
        Ok(())
    }

    fn purchases(&self, rows: &Rows) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        let mut insert = self.prepare(
            "insert into purchase (pipeline, bucket, member, order_id, event, ruleset, returned, entry, tier, tallied)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for ((member, order), row) in &rows.purchases {
            let (bucket, number, order) = (member.bucket, member.number, order.as_str());
            insert.execute(params![
                pipeline,
                bucket,
                number,
                order,
                row.event,
                row.ruleset,
                row.returned,
                row.entry,
                row.tier.as_ref().map(contract::TierName::as_str),
                row.tallied,
            ])?;
        }
        let mut update = self.prepare(
            "update purchase set returned = ?5, tallied = ?6
             where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4",
        )?;
        for ((member, order), row) in &rows.returns {
            let key = (member.bucket, member.number, order.as_str());
            update.execute(params![pipeline, key.0, key.1, key.2, row.returned, row.tallied])?;
        }
        Ok(())
    }

    fn parked(&self, rows: &Rows, now: i64) -> rusqlite::Result<()> {
        let mut insert = self.prepare(
            "insert into parked (pipeline, bucket, member, order_id, source, event_id, event, recorded_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for ((member, order, identity), event) in &rows.parked {
            let (source, id) = (identity.source.as_str(), identity.id.as_str());
            let (bucket, number, order) = (member.bucket, member.number, order.as_str());
            insert.execute(params![self.pipeline.as_str(), bucket, number, order, source, id, event, now])?;
        }
        Ok(())
    }
}

/// Gives parked events up, in one transaction.
pub(super) fn give_up(
    connection: &mut Connection,
    pipeline: &PipelineName,
    events: &[Identity],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for event in events {
        let key = params![pipeline.as_str(), event.source.as_str(), event.id.as_str()];
        transaction
            .prepare_cached(
                "update inbox set outcome = 'GivenUp'
                 where pipeline = ?1 and source = ?2 and event_id = ?3 and outcome = 'Parked'",
            )?
            .execute(key)?;
        transaction
            .prepare_cached("delete from parked where pipeline = ?1 and source = ?2 and event_id = ?3")?
            .execute(key)?;
    }
    transaction.commit()
}

/// What the store said, without the values: they may be a member's.
fn refusal(error: &rusqlite::Error) -> String {
    let text = error.to_string();
    let constraint = text.split(": ").nth(1).unwrap_or("a limit").to_owned();
    format!("the ledger's own check refused what the event would post ({}: {constraint})", error_name(error))
}

fn error_name(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::TooBig) => "too big",
        Some(rusqlite::ErrorCode::TypeMismatch) => "wrong type",
        _ => "constraint",
    }
}
