//! By hand on `PostgreSQL`: one connection, one statement a table, and as few round trips as the ledger makes.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Statement};

use crate::rows::{Batch, Member};
use crate::{Clock, Failure};

const PIPELINE: &str = "bench";

/// An empty schema, in place of an older one of this name.
pub(crate) async fn schema(url: &str, name: &str) -> Result<(), Failure> {
    let client = connect(url).await?;
    Ok(client.batch_execute(&format!("drop schema if exists {name} cascade; create schema {name}")).await?)
}

/// Members that never did anything, in the order of their keys.
pub(crate) async fn crowd(url: &str, count: i64) -> Result<(), Failure> {
    // The bucket is that of the ledger: the first two bytes of SHA-256(pipeline, 0, member), modulo 1024.
    const MEMBERS: &str = "insert into member (pipeline, bucket, external_id)
        select $1::text, (get_byte(hash, 0) * 256 + get_byte(hash, 1)) % 1024, id from (
            select 'm-' || n as id, sha256(convert_to($1::text, 'UTF8') || '\\x00'::bytea || convert_to('m-' || n, 'UTF8')) as hash
            from generate_series(0, $2::bigint - 1) as n
        ) as crowd order by 2, 3";
    const BALANCES: &str = "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
        select pipeline, bucket, number, 'points', 0, 0, 0, 0, 0 from member where pipeline = $1 order by bucket, number";
    let client = connect(url).await?;
    client.execute(MEMBERS, &[&PIPELINE, &count]).await?;
    client.execute(BALANCES, &[&PIPELINE]).await?;
    client.batch_execute("vacuum (analyze) member; ").await?;
    client.batch_execute("vacuum (analyze) balance").await?;
    Ok(client.batch_execute("checkpoint").await?)
}

/// Bytes of the tables in the first schema of the path, with their indexes.
pub(crate) async fn size(url: &str) -> Result<i64, Failure> {
    const SIZE: &str = "select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
        where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')";
    Ok(connect(url).await?.query_one(SIZE, &[]).await?.try_get(0)?)
}

/// Writes all batches; answers how many events the inbox then has.
pub(crate) async fn replay(url: &str, batches: &[Batch]) -> Result<usize, Failure> {
    // What the ledger sets for each batch: a plan made while the tables were empty would scan them for ever.
    const SETTINGS: &str =
        "set jit = off; set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off";
    let client = connect(url).await?;
    client.batch_execute(SETTINGS).await?;
    let mut desk = Desk { statements: Statements::prepare(&client).await?, client, numbers: HashMap::new() };
    let mut clock = Clock::of(batches.len());
    for (n, batch) in batches.iter().enumerate() {
        clock.before(n);
        desk.apply(batch).await?;
        clock.after(n, batch.events.len());
    }
    let counted: i64 = desk.client.query_one("select count(*) from inbox", &[]).await?.try_get(0)?;
    Ok(usize::try_from(counted)?)
}

async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Declares the statements of a batch, each with its text.
macro_rules! statements {
    ($($name:ident: $text:literal,)*) => {
        struct Statements { $($name: Statement,)* }

        impl Statements {
            async fn prepare(client: &Client) -> Result<Self, Error> {
                Ok(Self { $($name: client.prepare($text).await?,)* })
            }
        }
    };
}

statements! {
    insert_members: "insert into member (pipeline, bucket, external_id)
        select $1, w.bucket, w.id from unnest($2::smallint[], $3::text[]) with ordinality as w(bucket, id, n)
        where not exists (
            select 1 from member where pipeline = $1 and bucket = w.bucket and external_id = w.id offset 0
        )
        order by w.n on conflict (pipeline, bucket, external_id) do nothing",
    lock_members: "select m.external_id, m.number
        from (select * from unnest($2::smallint[], $3::text[]) with ordinality as u(bucket, id, n) order by n offset 0) w
        cross join lateral (
            select external_id, number from member
            where pipeline = $1 and bucket = w.bucket and external_id = w.id for update
        ) m",
    batch_id: "select nextval('batch_id')",
    look_inbox: "select w.source, w.id, i.hash, i.outcome, i.results, i.batch
        from unnest($2::text[], $3::text[]) as w(source, id)
        cross join lateral (
            select * from inbox where pipeline = $1 and source = w.source and event_id = w.id offset 0
        ) i",
    look_timeline: "select coalesce(max(seq), 0) from timeline where pipeline = $1",
    look_balances: "select w.member, b.pending, b.available, b.held, b.debt
        from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
        cross join lateral (
            select * from balance where pipeline = $1 and bucket = w.bucket and member = w.member offset 0
        ) b",
    look_purchases: "select w.bucket, w.member, w.id, p.event, p.ruleset, p.returned, p.entry
        from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
        cross join lateral (
            select * from purchase
            where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
        ) p",
    look_parked: "select w.bucket, w.member, p.event
        from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
        cross join lateral (
            select event from parked
            where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
        ) p",
    batch: "insert into batch (pipeline, id) values ($1, $2)",
    inbox: "insert into inbox (pipeline, batch, source, event_id, hash, bucket, member, occurred_at, ruleset, outcome,
            results, position, entry)
        select $1, $2, * from unnest($3::text[], $4::text[], $5::bytea[], $6::smallint[], $7::bigint[],
            $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::integer[], $13::bigint[])",
    entries: "insert into entry (pipeline, bucket, member, id, kind, source, event_id, order_id, effective_at, ruleset)
        select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::timestamptz[], $10::text[])",
    postings: "insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount)
        select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[],
            $8::bigint[])",
    balances: "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
        select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[])
        on conflict (pipeline, bucket, member, wallet) do update set pending = excluded.pending,
            available = excluded.available, held = excluded.held, debt = excluded.debt, last_lot = excluded.last_lot",
    lots: "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held)
        select $1, bucket, member, wallet, sequence, entry, initial, 0, initial, 0
        from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
            as w(bucket, member, wallet, sequence, entry, initial)",
    awards: "insert into award (pipeline, bucket, member, entry, n, order_id, rule, ruleset, wallet, lot, inputs,
            awarded, due, taken, waived)
        select $1, w.*, 0, 0, 0 from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bigint[]) as w",
    purchases: "insert into purchase (pipeline, bucket, member, order_id, event, ruleset, entry)
        select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[])",
}

/// A column of values, one a row.
macro_rules! column {
    ($rows:expr, $row:ident => $value:expr) => {
        &$rows.iter().map(|$row| $value).collect::<Vec<_>>()
    };
}

type Arguments<'a> = &'a [&'a (dyn ToSql + Sync)];

struct Desk {
    client: Client,
    statements: Statements,
    /// From a member's number in the rows to the one in this ledger.
    numbers: HashMap<i64, i64>,
}

impl Desk {
    async fn apply(&mut self, batch: &Batch) -> Result<(), Error> {
        let id = self.lock(batch).await?;
        self.look(batch).await?;
        let balances = self.load(batch).await?;
        self.write(batch, id, &balances).await
    }

    async fn lock(&mut self, batch: &Batch) -> Result<i64, Error> {
        let Self { client, statements, .. } = self;
        let buckets = column!(batch.members, member => member.bucket);
        let names = column!(batch.members, member => member.external_id.as_str());
        let members: Arguments<'_> = &[&PIPELINE, buckets, names];
        let ((), _, locked, id) = tokio::try_join!(
            biased;
            client.batch_execute("begin"),
            client.execute(&statements.insert_members, members),
            client.query(&statements.lock_members, members),
            client.query_one(&statements.batch_id, &[])
        )?;
        let known: HashMap<&str, &Member> =
            batch.members.iter().map(|member| (member.external_id.as_str(), member)).collect();
        for row in &locked {
            self.numbers.insert(known[row.try_get::<_, &str>(0)?].number, row.try_get(1)?);
        }
        id.try_get(0)
    }

    async fn look(&self, batch: &Batch) -> Result<(), Error> {
        let Self { client, statements, .. } = self;
        let events: Arguments<'_> = &[
            &PIPELINE,
            column!(batch.events, event => event.source.as_str()),
            column!(batch.events, event => event.id.as_str()),
        ];
        tokio::try_join!(
            biased;
            client.query(&statements.look_inbox, events),
            client.query_one(&statements.look_timeline, &events[..1])
        )?;
        Ok(())
    }

    /// Pending, available, held and debt of each member, by the number in this ledger; new ones have none.
    async fn load(&self, batch: &Batch) -> Result<HashMap<i64, [i64; 4]>, Error> {
        let Self { client, statements, numbers } = self;
        let members: Arguments<'_> = &[
            &PIPELINE,
            column!(batch.members, member => member.bucket),
            column!(batch.members, member => numbers[&member.number]),
        ];
        let orders: Arguments<'_> = &[
            &PIPELINE,
            column!(batch.purchases, row => row.bucket),
            column!(batch.purchases, row => numbers[&row.member]),
            column!(batch.purchases, row => row.order.as_str()),
        ];
        let (balances, _, _) = tokio::try_join!(
            biased;
            client.query(&statements.look_balances, members),
            client.query(&statements.look_purchases, orders),
            client.query(&statements.look_parked, orders)
        )?;
        let read = |row: &tokio_postgres::Row| {
            Ok((row.try_get(0)?, [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?]))
        };
        balances.iter().map(read).collect()
    }

    async fn write(&self, batch: &Batch, id: i64, balances: &HashMap<i64, [i64; 4]>) -> Result<(), Error> {
        let Self { client, statements, .. } = self;
        let of_batch: Arguments<'_> = &[&PIPELINE, &id];
        tokio::try_join!(
            biased;
            client.execute(&statements.batch, of_batch),
            self.inbox(batch, id),
            self.entries(batch),
            self.postings(batch),
            self.balances(batch, balances),
            self.lots(batch),
            self.awards(batch),
            self.purchases(batch),
            async { client.batch_execute("commit").await.map(|()| 0) }
        )?;
        Ok(())
    }

    async fn inbox(&self, batch: &Batch, id: i64) -> Result<u64, Error> {
        let rows = &batch.events;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            &id,
            column!(rows, row => row.source.as_str()),
            column!(rows, row => row.id.as_str()),
            column!(rows, row => row.hash.as_slice()),
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => time(row.occurred_at)),
            column!(rows, row => row.ruleset.as_str()),
            column!(rows, row => row.outcome.as_str()),
            column!(rows, row => row.results.as_deref()),
            column!(rows, row => row.position),
            column!(rows, row => row.entry),
        ];
        self.client.execute(&self.statements.inbox, arguments).await
    }

    async fn entries(&self, batch: &Batch) -> Result<u64, Error> {
        let rows = &batch.entries;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.id),
            column!(rows, row => row.kind.as_str()),
            column!(rows, row => row.source.as_str()),
            column!(rows, row => row.event.as_str()),
            column!(rows, row => row.order.as_deref()),
            column!(rows, row => time(row.effective_at)),
            column!(rows, row => row.ruleset.as_str()),
        ];
        self.client.execute(&self.statements.entries, arguments).await
    }

    async fn postings(&self, batch: &Batch) -> Result<u64, Error> {
        let rows = &batch.postings;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.account.as_str()),
            column!(rows, row => row.wallet.as_str()),
            column!(rows, row => row.amount),
        ];
        self.client.execute(&self.statements.postings, arguments).await
    }

    async fn balances(&self, batch: &Batch, stood: &HashMap<i64, [i64; 4]>) -> Result<u64, Error> {
        let mut written = None;
        let rows: Vec<_> = batch.lots.iter().filter(|lot| written.replace(lot.member) != Some(lot.member)).collect();
        let stood = |member: i64| stood.get(&self.numbers[&member]).copied().unwrap_or_default();
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.wallet.as_str()),
            column!(rows, row => stood(row.member)[0]),
            column!(rows, row => stood(row.member)[1] + batch.gains[&row.member].0),
            column!(rows, row => stood(row.member)[2]),
            column!(rows, row => stood(row.member)[3]),
            column!(rows, row => batch.gains[&row.member].1),
        ];
        self.client.execute(&self.statements.balances, arguments).await
    }

    async fn lots(&self, batch: &Batch) -> Result<u64, Error> {
        let rows = &batch.lots;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.wallet.as_str()),
            column!(rows, row => row.sequence),
            column!(rows, row => row.entry),
            column!(rows, row => row.initial),
        ];
        self.client.execute(&self.statements.lots, arguments).await
    }

    async fn awards(&self, batch: &Batch) -> Result<u64, Error> {
        let rows = &batch.awards;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.order.as_deref()),
            column!(rows, row => row.rule.as_str()),
            column!(rows, row => row.ruleset.as_str()),
            column!(rows, row => row.wallet.as_str()),
            column!(rows, row => row.lot),
            column!(rows, row => row.inputs.as_str()),
            column!(rows, row => row.awarded),
        ];
        self.client.execute(&self.statements.awards, arguments).await
    }

    async fn purchases(&self, batch: &Batch) -> Result<u64, Error> {
        let rows = &batch.purchases;
        let arguments: Arguments<'_> = &[
            &PIPELINE,
            column!(rows, row => row.bucket),
            column!(rows, row => self.numbers[&row.member]),
            column!(rows, row => row.order.as_str()),
            column!(rows, row => row.event.as_str()),
            column!(rows, row => row.ruleset.as_str()),
            column!(rows, row => row.entry),
        ];
        self.client.execute(&self.statements.purchases, arguments).await
    }
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}
