//! The second half of a batch: one statement for each table, all of them and the commit sent at once.
//!
//! What changes a row is written as an insert that meets it: a join's plan could walk the whole table for each key (see
//! `begin.rs`), a conflict is found by the key.

use contract::ruleset::hex;
use contract::{HoldId, OrderId, PipelineName};
use deadpool_postgres::Object;
use futures::future::{join_all, maybe_done};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};

use super::fault;
use super::graves::Forgetting;
use crate::budget::Taking;
use crate::rows::{InboxRow, Rows};
use crate::store::{AttemptKey, BatchId};

pub(super) struct Batch<'a> {
    pub(super) id: BatchId,
    pub(super) pipeline: &'a PipelineName,
    pub(super) rows: &'a Rows,
    pub(super) cleared: &'a [AttemptKey],
    /// Where a member is to be forgotten.
    pub(super) forgetting: Option<Forgetting>,
    pub(super) takings: Vec<Taking>,
    /// Of slices of budgets.
    pub(super) owner: &'a str,
}

/// A statement over columns. The first argument of each is the pipeline.
struct Write {
    sql: &'static str,
    columns: Vec<Box<dyn ToSql + Sync + Send>>,
}

/// A column of values, one a row.
macro_rules! column {
    ($rows:expr, $row:pat => $value:expr) => {
        Box::new($rows.iter().map(|$row| $value).collect::<Vec<_>>()) as Box<dyn ToSql + Sync + Send>
    };
}

// After the macro that they use.
mod budget;
mod due;
mod erased;
mod holds;
mod idle;
mod members;
mod merge;
mod refunds;
mod rewards;
mod tallies;
mod tiers;
mod transfers;

pub(super) async fn commit(client: &Object, batch: &Batch<'_>) -> Result<(), Error> {
    let pipeline = batch.pipeline.as_str();
    let (mut sent, mut unprepared) = (Vec::new(), None);
    for Write { sql, columns } in writes(batch) {
        let statement = match client.prepare_cached(sql).await {
            Ok(statement) => statement,
            Err(e) => {
                // Most likely one that was sent before has failed, and says why.
                unprepared = Some(e);
                break;
            }
        };
        let mut run = Box::pin(maybe_done(async move { run(client, &statement, (&pipeline, &columns)).await }));
        // Its first poll sends it, so that this is the order on the wire, and the database writes one table while the next one is gathered.
        let _ = futures::poll!(&mut run);
        sent.push(run);
    }
    // The last one; after a failure a commit is a rollback, too.
    let end = if unprepared.is_some() { "rollback" } else { "commit" };
    let (_, ended) = tokio::join!(biased; join_all(sent.iter_mut()), client.batch_execute(end));
    let mut written = sent.iter_mut().filter_map(|run| run.as_mut().take_output()?.err());
    let failed = written.find(|e| !fault::is_follow_up(e)).or(unprepared);
    failed.map_or(ended, Err)
}

async fn run(
    client: &Object,
    statement: &Statement,
    (pipeline, columns): (&&str, &[Box<dyn ToSql + Sync + Send>]),
) -> Result<u64, Error> {
    let mut args: Vec<&(dyn ToSql + Sync)> = vec![pipeline];
    args.extend(columns.iter().map(|column| &**column as &(dyn ToSql + Sync)));
    client.execute(statement, &args).await
}

type Table = fn(&Batch<'_>) -> Write;

/// Each is made when it is asked for.
fn writes(batch: &Batch<'_>) -> impl Iterator<Item = Write> {
    let rows = batch.rows;
    let tables: [(bool, Table); 33] = [
        (!rows.inbox.is_empty() || !rows.unparked.is_empty(), batch_row),
        (!rows.again.is_empty(), again),
        (!rows.inbox.is_empty(), inbox),
        (!rows.unparked.is_empty(), unparked),
        (!rows.unparked.is_empty(), no_longer_parked),
        (!rows.entries.is_empty(), entries),
        (!rows.postings.is_empty(), postings),
        (!rows.balances.is_empty(), balances),
        (!rows.new_lots.is_empty(), new_lots),
        (!rows.lots.is_empty(), lots),
        (!rows.holds.is_empty(), holds::holds),
        (!rows.holds.is_empty(), holds::parts),
        (!rows.ended.is_empty(), idle::ended),
        (!rows.idles.is_empty(), idle::ends),
        (!rows.rewards.granted.is_empty(), rewards::granted),
        (!rows.rewards.counters.is_empty(), rewards::counters),
        (!rows.rewards.next.is_empty(), rewards::next),
        (!rows.tiers.counted.is_empty(), tiers::counted),
        (!rows.tiers.lines.is_empty(), tiers::lines),
        (!rows.tiers.last.is_empty(), tiers::last),
        (!rows.due.is_empty(), due::due),
        (!rows.allocations.is_empty(), allocations),
        (!rows.awards.is_empty(), awards),
        (!rows.award_changes.is_empty(), award_changes),
        (!rows.tallies.sums.is_empty(), tallies::sums),
        (!rows.tallies.awards.is_empty(), tallies::awards),
        (!rows.owed.is_empty(), refunds::owed),
        (!rows.payments.is_empty(), refunds::payments),
        (!rows.purchases.is_empty(), purchases),
        (!rows.returns.is_empty(), returns),
        (!rows.parked.is_empty(), parked),
        (!rows.transfers.sent.is_empty(), transfers::sent),
        (!batch.cleared.is_empty(), attempts),
    ];
    let needed = tables.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, table)| table(batch));
    let members = transfers::carried(batch).chain(members::standing(batch)).chain(erased::erased(batch));
    // Last: whoever has one of its rows waits for nobody but another one of them.
    merge::merges(batch).chain(needed).chain(members).chain(budget::takings(batch))
}

/// A batch without results is born published.
fn batch_row(batch: &Batch<'_>) -> Write {
    Write {
        sql: "insert into batch (pipeline, id, published_at) values ($1, $2, case when $3 then null else now() end)",
        columns: vec![Box::new(batch.id.0), Box::new(batch.rows.has_results)],
    }
}

/// What was given up and is decided anew stands in the inbox once.
fn again(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.again;
    Write {
        sql: "delete from inbox where ctid = any(array(
                  select i.at from unnest($2::text[], $3::text[]) as w(source, id)
                  cross join lateral (
                      select ctid as at from inbox where pipeline = $1 and source = w.source and event_id = w.id offset 0
                  ) i))",
        columns: vec![
            column!(rows, identity => identity.source.as_str().to_owned()),
            column!(rows, identity => identity.id.as_str().to_owned()),
        ],
    }
}

fn inbox(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.inbox;
    let mut columns = inbox_columns(batch, rows);
    columns.push(column!(rows, row => row.member.bucket));
    columns.push(column!(rows, row => row.member.number));
    columns.push(column!(rows, row => row.hash.clone()));
    columns.push(column!(rows, row => row.occurred_at));
    Write {
        sql: "insert into inbox (pipeline, batch, source, event_id, ruleset, outcome, results, position, entry, bucket,
                  member, hash, occurred_at)
              select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
                  $9::bigint[], $10::smallint[], $11::bigint[], $12::bytea[], $13::timestamptz[])",
        columns,
    }
}

/// Columns that an event's inbox row and its later outcome have in common.
fn inbox_columns(batch: &Batch<'_>, rows: &[InboxRow]) -> Vec<Box<dyn ToSql + Sync + Send>> {
    vec![
        Box::new(batch.id.0),
        column!(rows, row => row.identity.source.as_str().to_owned()),
        column!(rows, row => row.identity.id.as_str().to_owned()),
        column!(rows, row => row.ruleset.clone()),
        column!(rows, row => row.outcome.as_str()),
        column!(rows, row => row.results.clone()),
        column!(rows, row => row.position),
        column!(rows, row => row.entry),
    ]
}

fn unparked(batch: &Batch<'_>) -> Write {
    Write {
        sql: "insert into inbox (pipeline, batch, source, event_id, ruleset, outcome, results, position, entry, bucket,
                  member, hash, occurred_at, recorded_at)
              select $1, $2, w.source, w.id, w.ruleset, w.outcome, w.results, w.position, w.entry, i.bucket, i.member,
                  i.hash, i.occurred_at, i.recorded_at
              from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[])
                  as w(source, id, ruleset, outcome, results, position, entry)
              cross join lateral (
                  select * from inbox where pipeline = $1 and source = w.source and event_id = w.id offset 0
              ) i
              on conflict (pipeline, source, event_id) do update set batch = excluded.batch,
                  ruleset = excluded.ruleset, outcome = excluded.outcome, results = excluded.results,
                  position = excluded.position, entry = excluded.entry",
        columns: inbox_columns(batch, &batch.rows.unparked),
    }
}

fn no_longer_parked(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.unparked;
    Write {
        sql: "delete from parked where ctid = any(array(
                  select p.at from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[])
                      as w(bucket, member, source, id)
                  cross join lateral (
                      select ctid as at from parked where pipeline = $1 and bucket = w.bucket and member = w.member
                          and source = w.source and event_id = w.id offset 0
                  ) p))",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.identity.source.as_str().to_owned()),
            column!(rows, row => row.identity.id.as_str().to_owned()),
        ],
    }
}

fn entries(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.entries;
    Write {
        sql: "insert into entry (pipeline, bucket, member, id, kind, source, event_id, order_id, effective_at, ruleset, hold_id)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                  $8::text[], $9::timestamptz[], $10::text[], $11::text[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.id),
            column!(rows, row => row.kind.as_str()),
            column!(rows, row => row.identity.source.as_str().to_owned()),
            column!(rows, row => row.identity.id.as_str().to_owned()),
            column!(rows, row => order(row.order.as_ref())),
            column!(rows, row => row.effective_at),
            column!(rows, row => row.ruleset.clone()),
            column!(rows, row => hold(row.hold.as_ref())),
        ],
    }
}

fn postings(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.postings;
    Write {
        sql: "insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[],
                  $7::text[], $8::bigint[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.account.as_str()),
            column!(rows, row => row.wallet.as_str().to_owned()),
            column!(rows, row => row.amount.0),
        ],
    }
}

fn balances(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.balances;
    Write {
        sql: "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
                  $7::bigint[], $8::bigint[], $9::bigint[])
              on conflict (pipeline, bucket, member, wallet) do update set pending = excluded.pending,
                  available = excluded.available, held = excluded.held, debt = excluded.debt,
                  last_lot = excluded.last_lot",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, wallet), _) => wallet.as_str().to_owned()),
            column!(rows, (_, (balances, _)) => balances.pending.0),
            column!(rows, (_, (balances, _)) => balances.available.0),
            column!(rows, (_, (balances, _)) => balances.held.0),
            column!(rows, (_, (balances, _)) => balances.debt.0),
            column!(rows, (_, (_, last_lot)) => *last_lot),
        ],
    }
}

fn new_lots(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.new_lots;
    Write {
        sql: "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held,
                  activates_at, expires_at, expired, idles, warns_at, warned, waits_for)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
                  $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::timestamptz[],
                  $13::bigint[], $14::boolean[], $15::timestamptz[], $16::boolean[], $17::text[])",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, wallet, _), _) => wallet.as_str().to_owned()),
            column!(rows, ((_, _, sequence), _) => *sequence),
            column!(rows, (_, (entry, _)) => *entry),
            column!(rows, (_, (_, row)) => row.lot.initial.0),
            column!(rows, (_, (_, row)) => row.lot.pending.0),
            column!(rows, (_, (_, row)) => row.lot.available.0),
            column!(rows, (_, (_, row)) => row.lot.held.0),
            column!(rows, (_, (_, row)) => row.lot.activates),
            column!(rows, (_, (_, row)) => row.lot.own_end()),
            column!(rows, (_, (_, row)) => row.lot.expired.0),
            column!(rows, (_, (_, row)) => row.lot.idles),
            column!(rows, (_, (_, row)) => row.lot.warns),
            column!(rows, (_, (_, row)) => row.lot.warned),
            column!(rows, (_, (_, row)) => row.lot.until.as_ref().map(ToString::to_string)),
        ],
    }
}

fn lots(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.lots;
    Write {
        sql: "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held,
                  activates_at, expires_at, expired, warned, waits_for)
              select $1, w.bucket, w.member, w.wallet, w.lot, l.entry, l.initial, w.pending, w.available, w.held,
                  w.activates_at, l.expires_at, w.expired, w.warned, w.waits_for
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::boolean[], $11::timestamptz[], $12::text[])
                  as w(bucket, member, wallet, lot, pending, available, held, expired, warned, activates_at, waits_for)
              cross join lateral (
                  select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                      and wallet = w.wallet and sequence = w.lot offset 0
              ) l
              on conflict (pipeline, bucket, member, wallet, sequence) do update set pending = excluded.pending,
                  available = excluded.available, held = excluded.held, expired = excluded.expired,
                  warned = excluded.warned, activates_at = excluded.activates_at, waits_for = excluded.waits_for",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, wallet, _), _) => wallet.as_str().to_owned()),
            column!(rows, ((_, _, sequence), _) => *sequence),
            column!(rows, (_, row) => row.lot.pending.0),
            column!(rows, (_, row) => row.lot.available.0),
            column!(rows, (_, row) => row.lot.held.0),
            column!(rows, (_, row) => row.lot.expired.0),
            column!(rows, (_, row) => row.lot.warned),
            column!(rows, (_, row) => row.lot.activates),
            column!(rows, (_, row) => row.lot.until.as_ref().map(ToString::to_string)),
        ],
    }
}

fn allocations(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.allocations;
    Write {
        sql: "insert into allocation (pipeline, bucket, member, entry, n, wallet, lot, amount, order_id, hold_id)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[],
                  $7::bigint[], $8::bigint[], $9::text[], $10::text[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.allocation.wallet.as_str().to_owned()),
            column!(rows, row => row.allocation.lot),
            column!(rows, row => row.allocation.points.0),
            column!(rows, row => order(row.allocation.order.as_ref())),
            column!(rows, row => hold(row.allocation.hold.as_ref())),
        ],
    }
}

fn awards(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.awards;
    Write {
        sql: "insert into award (pipeline, bucket, member, entry, n, order_id, rule, ruleset, wallet, lot, inputs,
                  awarded, due, taken, waived, budget, freed, counts_on, counted)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[],
                  $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[],
                  $14::bigint[], $15::bigint[], $16::text[], $17::bigint[], $18::integer[], $19::text[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => order(row.order.as_ref())),
            column!(rows, row => row.award.rule.as_str().to_owned()),
            column!(rows, row => row.ruleset.clone()),
            column!(rows, row => row.award.wallet.as_str().to_owned()),
            column!(rows, row => row.lot),
            column!(rows, row => row.inputs.clone()),
            column!(rows, row => row.award.awarded.0),
            column!(rows, row => row.award.due.0),
            column!(rows, row => row.award.taken.0),
            column!(rows, row => row.award.waived.0),
            column!(rows, row => row.award.budget.as_ref().map(|budget| budget.as_str().to_owned())),
            column!(rows, row => row.award.budget.as_ref().map_or(0, |_| row.award.taken.0)),
            column!(rows, row => row.counts_on),
            column!(rows, row => row.counted.clone()),
        ],
    }
}

fn award_changes(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.award_changes;
    Write {
        sql:
            "update award a set due = w.due, taken = w.taken, waived = w.waived,
                  freed = case when a.budget is null then 0 else w.taken end
              from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[],
                  $8::bigint[]) as w(bucket, member, entry, n, due, taken, waived)
              where a.pipeline = $1 and a.bucket = w.bucket and a.member = w.member and a.entry = w.entry and a.n = w.n",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, entry, _), _) => *entry),
            column!(rows, ((_, _, n), _) => *n),
            column!(rows, (_, award) => award.due.0),
            column!(rows, (_, award) => award.taken.0),
            column!(rows, (_, award) => award.waived.0),
        ],
    }
}

fn purchases(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.purchases;
    Write {
        sql: "insert into purchase (pipeline, bucket, member, order_id, event, ruleset, returned, entry, tier, tallied)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                  $8::bigint[], $9::text[], $10::text[])",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, order), _) => order.as_str().to_owned()),
            column!(rows, (_, row) => row.event.clone()),
            column!(rows, (_, row) => row.ruleset.clone()),
            column!(rows, (_, row) => row.returned.clone()),
            column!(rows, (_, row) => row.entry),
            column!(rows, (_, row) => row.tier.as_ref().map(|tier| tier.as_str().to_owned())),
            column!(rows, (_, row) => row.tallied.clone()),
        ],
    }
}

fn returns(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.returns;
    Write {
        sql: "insert into purchase (pipeline, bucket, member, order_id, event, ruleset, returned, entry, tallied)
              select $1, w.bucket, w.member, w.id, p.event, p.ruleset, w.returned, p.entry, w.tallied
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
                  as w(bucket, member, id, returned, tallied)
              cross join lateral (
                  select * from purchase where pipeline = $1 and bucket = w.bucket and member = w.member
                      and order_id = w.id offset 0
              ) p
              on conflict (pipeline, bucket, member, order_id) do update set returned = excluded.returned,
                  tallied = excluded.tallied",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, order), _) => order.as_str().to_owned()),
            column!(rows, (_, row) => row.returned.clone()),
            column!(rows, (_, row) => row.tallied.clone()),
        ],
    }
}

fn parked(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.parked;
    Write {
        sql: "insert into parked (pipeline, bucket, member, order_id, source, event_id, event)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, order, _), _) => order.as_str().to_owned()),
            column!(rows, ((_, _, identity), _) => identity.source.as_str().to_owned()),
            column!(rows, ((_, _, identity), _) => identity.id.as_str().to_owned()),
            column!(rows, (_, event) => event.clone()),
        ],
    }
}

fn attempts(batch: &Batch<'_>) -> Write {
    let mut keys: Vec<String> = batch.cleared.iter().map(|key| hex(key)).collect();
    keys.sort();
    // Each statement has the pipeline as its first argument; attempts know none.
    Write { sql: "delete from attempt where $1::text is not null and key = any($2)", columns: vec![Box::new(keys)] }
}

fn hold(hold: Option<&HoldId>) -> Option<String> {
    hold.map(|hold| hold.as_str().to_owned())
}

fn order(order: Option<&OrderId>) -> Option<String> {
    order.map(|order| order.as_str().to_owned())
}
