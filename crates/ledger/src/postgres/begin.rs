//! The first half of a batch: lock the members, then (with snapshots taken after the locks) look and load.

mod budget;
mod due;
mod ended;
mod holds;
mod lock;
mod merge;
mod whole;

use std::collections::{BTreeSet, HashMap};

use contract::Points;
use contract::decision::Rooms;
use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::Open;
use crate::book::{Balances, Idling, Lot};
use crate::error::LedgerError;
use crate::load::{
    self, BalanceRow, Books, Known, ParkedRow, PurchaseRow, StoredAllocation, StoredAward, StoredLot, Wish,
};
use crate::rows::MemberKey;
use crate::store::{BatchRequest, Begun, Identity};

const INBOX: &str = "select w.source, w.id, i.hash, i.outcome, i.results, i.batch, (
        select external_id from member where number = i.member and bucket = i.bucket and pipeline = $1
    ) from unnest($2::text[], $3::text[]) as w(source, id)
    cross join lateral (
        select * from inbox where pipeline = $1 and source = w.source and event_id = w.id offset 0
    ) i";

const BALANCES: &str = "select w.bucket, w.member, b.wallet, b.pending, b.available, b.held, b.debt, b.last_lot,
    b.idle_at, b.idle_warns_at, b.idle_warned, b.reward_at
    from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
    cross join lateral (
        select * from balance where pipeline = $1 and bucket = w.bucket and member = w.member offset 0
    ) b";

/// After the inbox: whose row is gone by then has its mark by now.
const TIMELINE: &str = "select coalesce(max(seq), 0), (select happened_before from forgotten where pipeline = $1)
    from timeline where pipeline = $1";

const PURCHASES: &str = "select w.bucket, w.member, w.id, p.event, p.ruleset, p.returned, p.entry, p.tier, p.tallied
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select * from purchase where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
    ) p";

const AWARDS: &str =
    "select w.bucket, w.member, a.entry, a.rule, a.wallet, a.lot, a.awarded, a.due, a.taken, a.waived, a.budget
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select entry from purchase
        where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
    ) p
    cross join lateral (
        select * from award where pipeline = $1 and bucket = w.bucket and member = w.member and entry = p.entry
            and counted is null offset 0
    ) a
    order by a.entry, a.n";

const ALLOCATIONS: &str = "select w.bucket, w.member, w.id, a.wallet, a.lot, a.amount
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select * from allocation
        where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
    ) a
    order by a.entry, a.n";

const PARKED: &str = "select w.bucket, w.member, w.id, p.event
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select event from parked where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
    ) p";

const NAMED_LOTS: &str = "select w.bucket, w.member, w.wallet, l.sequence, l.initial, l.pending, l.available, l.held,
    l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for
    from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[]) as w(bucket, member, wallet, lot)
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member and wallet = w.wallet
            and sequence = w.lot offset 0
    ) l";

const BURN_ORDER: &str = "select w.bucket, w.member, w.wallet, l.sequence, l.initial, l.pending, l.available, l.held,
    l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for, w.n
    from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[])
        with ordinality as w(bucket, member, wallet, skip, lots, idles, n)
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member and wallet = w.wallet
            and available > 0 and (w.idles is null or idles = w.idles)
            order by expires_at, sequence limit w.lots offset w.skip
    ) l";

mod recall;
mod refunds;
mod rewards;
mod tallies;
mod tiers;

use due::DUE_LOTS;

pub(super) use lock::{Locking, read_erasure};
pub(super) use recall::recall;

pub(super) async fn begin(open: &mut Open, request: &BatchRequest) -> Result<Begun, LedgerError> {
    lock::lock(open, request).await?;
    load(open, request).await
}

/// The same where nobody is to be waited for; `None`, and the transaction has ended, where somebody is locked.
pub(super) async fn begin_free(
    open: &mut Open,
    request: &BatchRequest,
    locking: Locking,
) -> Result<Option<Begun>, LedgerError> {
    if !lock::lock_free(open, request, locking).await? {
        return Ok(None);
    }
    load(open, request).await.map(Some)
}

async fn load(open: &mut Open, request: &BatchRequest) -> Result<Begun, LedgerError> {
    let Looked { mut known, parked, timeline_seq, forgotten_before } = look(open, request).await?;
    open.loaded.again = load::said_again(request, &mut known);
    let answers = load::answers(&request.wanted, &known, &open.loaded)?;
    let followed = open.loaded.followed.clone();
    let undecided = load::undecided(request, &open.loaded, (&known, &parked));
    let request = undecided.as_ref();
    if request.wanted.is_empty() {
        let members = load::states(&open.loaded, Books::default(), Vec::new())?;
        return Ok(Begun { answers, members, followed, timeline_seq, forgotten_before, rooms: Rooms::new() });
    }
    let mut books = load_books(open, request).await?;
    let idlers = load::idlers(request, &open.loaded, &parked);
    books.due.extend(due::idle_lots(open, request.pipeline.as_str(), idlers).await?);
    books.counters = rewards::counters(open, request).await?;
    books.parked = parked;
    books.tally_keys = load::tallies(request, &open.loaded, (&books.purchases, &books.parked))?;
    (books.tallies, books.tally_awards) = tallies::load(open, request, &books).await?;
    let paid = load::paid_orders(request, &open.loaded.members, &books.parked)?;
    let (of_orders, of_refunds) =
        tokio::try_join!(biased; load_orders(open, request, &books), refunds::load(open, request, (&books, &paid)))?;
    (books.awards, books.allocations) = of_orders;
    (books.owed, books.payments) = (of_refunds.owed, of_refunds.payments);
    books.due.extend(of_refunds.due);
    // After all that is due: its lots tell whether a hold's time may have come.
    books.holds = holds::load(open, request, &books).await?;
    let (all_lots, all_holds) = whole::load(open, request).await?;
    books.holds.extend(all_holds);
    books.shared = merge::shared(open, request).await?;
    (books.tiers, books.counted) = tiers::load(open, request, &books).await?;
    let mut lots = load_lots(open, request, &books).await?;
    lots.extend(all_lots);
    lots.extend(ended::lots(open, request).await?);
    let members = load::states(&open.loaded, books, lots)?;
    open.loaded.pots = budget::pots(open, &request.budgets).await?;
    let rooms = crate::budget::rooms(&open.loaded.pots);
    Ok(Begun { answers, members, followed, timeline_seq, forgotten_before, rooms })
}

/// What tells whether the rest is needed.
struct Looked {
    known: HashMap<Identity, Known>,
    parked: Vec<ParkedRow>,
    timeline_seq: i64,
    forgotten_before: Option<Timestamp>,
}

/// One round trip: the inbox, the timeline, and what waits for an order of the batch.
async fn look(open: &Open, request: &BatchRequest) -> Result<Looked, LedgerError> {
    let identities: BTreeSet<&Identity> = request.wanted.iter().map(|want| &want.identity).collect();
    let sources: Vec<&str> = identities.iter().map(|identity| identity.source.as_str()).collect();
    let ids: Vec<&str> = identities.iter().map(|identity| identity.id.as_str()).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &sources, &ids];
    let orders = load::orders(request, &open.loaded.members);
    let keys = Keys::of(orders.iter().map(|(member, _)| *member));
    let order_ids: Vec<&str> = orders.iter().map(|(_, order)| order.as_str()).collect();
    let of_orders: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &order_ids];
    let looked = async {
        let [inbox, timeline, parked] = prepare(client, [INBOX, TIMELINE, PARKED]).await?;
        let (inbox, timeline, parked) = tokio::try_join!(
            biased;
            client.query(&inbox, &args),
            client.query_one(&timeline, &args[..1]),
            client.query(&parked, &of_orders)
        )?;
        let known = inbox.iter().map(read_known).collect::<Result<Vec<_>, _>>()?;
        let parked = parked.iter().map(read_parked).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((known, parked, (timeline.try_get(0)?, timeline.try_get(1)?)))
    };
    let (rows, parked, (timeline_seq, forgotten_before)) = looked.await.map_err(|e| open.fail(e))?;
    let known = rows.into_iter().map(|(source, id, row)| Ok((identity(&source, &id)?, row)));
    Ok(Looked { known: known.collect::<Result<_, LedgerError>>()?, parked, timeline_seq, forgotten_before })
}

fn identity(source: &str, id: &str) -> Result<Identity, LedgerError> {
    Ok(Identity { source: crate::sql::id("inbox.source", source)?, id: crate::sql::id("inbox.event_id", id)? })
}

/// One round trip: balances, what is due, and the orders that the events name.
async fn load_books(open: &mut Open, request: &BatchRequest) -> Result<Books, LedgerError> {
    let members = Keys::of(load::members(request, &open.loaded.members).into_iter());
    let orders = load::orders(request, &open.loaded.members);
    let keys = Keys::of(orders.iter().map(|(member, _)| *member));
    let ids: Vec<&str> = orders.iter().map(|(_, order)| order.as_str()).collect();
    let due = load::due_by(request, &open.loaded.members);
    let due_keys = Keys::of(due.keys().copied());
    let by: Vec<Timestamp> = due.into_values().collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let of_members: [&(dyn ToSql + Sync); 3] = [&pipeline, &members.buckets, &members.numbers];
    let of_orders: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &ids];
    let of_due: [&(dyn ToSql + Sync); 4] = [&pipeline, &due_keys.buckets, &due_keys.numbers, &by];
    let loaded = async {
        let [balances, due, purchases] = prepare(client, [BALANCES, DUE_LOTS, PURCHASES]).await?;
        let (balances, due, purchases) = tokio::try_join!(
            biased;
            client.query(&balances, &of_members),
            client.query(&due, &of_due),
            client.query(&purchases, &of_orders)
        )?;
        Ok::<_, Error>(Books {
            balances: balances.iter().map(read_balance).collect::<Result<_, _>>()?,
            purchases: purchases.iter().map(read_purchase).collect::<Result<_, _>>()?,
            due: due.iter().map(read_lot).collect::<Result<_, _>>()?,
            ..Books::default()
        })
    };
    let books = loaded.await.map_err(|e| open.fail(e))?;
    for row in &books.purchases {
        let order = crate::sql::id("purchase.order_id", &row.order)?;
        open.loaded.orders.insert((row.member, order), row.entry);
    }
    Ok(books)
}

/// One round trip, if an order is there already: what it was awarded, and what its refunds took.
async fn load_orders(
    open: &Open,
    request: &BatchRequest,
    books: &Books,
) -> Result<(Vec<StoredAward>, Vec<StoredAllocation>), LedgerError> {
    if books.purchases.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let keys = Keys::of(books.purchases.iter().map(|row| row.member));
    let ids: Vec<&str> = books.purchases.iter().map(|row| row.order.as_str()).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &ids];
    let loaded = async {
        let [awards, allocations] = prepare(client, [AWARDS, ALLOCATIONS]).await?;
        let (awards, allocations) =
            tokio::try_join!(biased; client.query(&awards, &args), client.query(&allocations, &args))?;
        let awards = awards.iter().map(read_award).collect::<Result<_, _>>()?;
        Ok::<_, Error>((awards, allocations.iter().map(read_allocation).collect::<Result<_, _>>()?))
    };
    loaded.await.map_err(|e| open.fail(e))
}

/// A round trip for the lots that refunds and holds name, and one for each page of lots in burn order.
async fn load_lots(open: &Open, request: &BatchRequest, books: &Books) -> Result<Vec<StoredLot>, LedgerError> {
    let mut lots = Vec::new();
    let named = load::named_lots(request, &open.loaded, books)?;
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    if !named.is_empty() {
        let keys = Keys::of(named.iter().map(|(member, _, _)| *member));
        let wallets: Vec<&str> = named.iter().map(|(_, wallet, _)| wallet.as_str()).collect();
        let sequences: Vec<i64> = named.iter().map(|(_, _, sequence)| *sequence).collect();
        let loaded = async {
            let [statement] = prepare(client, [NAMED_LOTS]).await?;
            let args: [&(dyn ToSql + Sync); 5] = [&pipeline, &keys.buckets, &keys.numbers, &wallets, &sequences];
            client.query(&statement, &args).await?.iter().map(read_lot).collect::<Result<Vec<_>, _>>()
        };
        lots = loaded.await.map_err(|e| open.fail(e))?;
    }
    let mut wishes = load::wishes(request, &open.loaded, books)?;
    while !wishes.is_empty() {
        let pages = burn_order(client, pipeline, &wishes).await.map_err(|e| open.fail(e))?;
        let mut left = Vec::new();
        for (mut wish, page) in wishes.into_iter().zip(pages) {
            let points: Vec<i64> = page.iter().map(|lot| lot.lot.available.0).collect();
            lots.extend(page);
            if wish.goes_on(&points) {
                left.push(wish);
            }
        }
        wishes = left;
    }
    Ok(lots)
}

/// The next page of each wish.
async fn burn_order(client: &Object, pipeline: &str, wishes: &[Wish]) -> Result<Vec<Vec<StoredLot>>, Error> {
    let keys = Keys::of(wishes.iter().map(|wish| wish.member));
    let wallets: Vec<&str> = wishes.iter().map(|wish| wish.wallet.as_str()).collect();
    let skips: Vec<i64> = wishes.iter().map(|wish| wish.offset).collect();
    let limits: Vec<i64> = wishes.iter().map(|wish| wish.limit).collect();
    let [statement] = prepare(client, [BURN_ORDER]).await?;
    let kinds: Vec<Option<bool>> = wishes.iter().map(|wish| wish.idles).collect();
    let args: [&(dyn ToSql + Sync); 7] = [&pipeline, &keys.buckets, &keys.numbers, &wallets, &skips, &limits, &kinds];
    let mut pages: Vec<Vec<StoredLot>> = wishes.iter().map(|_| Vec::new()).collect();
    for row in client.query(&statement, &args).await? {
        let n: i64 = row.try_get(15)?;
        let page = usize::try_from(n.saturating_sub(1)).ok().and_then(|n| pages.get_mut(n));
        if let Some(page) = page {
            page.push(read_lot(&row)?);
        }
    }
    Ok(pages)
}

/// Members' keys as two columns.
struct Keys {
    buckets: Vec<i16>,
    numbers: Vec<i64>,
}

impl Keys {
    fn of(members: impl Iterator<Item = MemberKey>) -> Self {
        let (buckets, numbers) = members.map(|member| (member.bucket, member.number)).unzip();
        Self { buckets, numbers }
    }
}

async fn prepare<const N: usize>(client: &Object, texts: [&str; N]) -> Result<[Statement; N], Error> {
    let mut statements = Vec::with_capacity(N);
    for text in texts {
        statements.push(client.prepare_cached(text).await?);
    }
    // As many as there are texts.
    Ok(std::array::from_fn(|n| statements[n].clone()))
}

fn key(row: &Row) -> Result<MemberKey, Error> {
    Ok(MemberKey { bucket: row.try_get(0)?, number: row.try_get(1)? })
}

fn read_known(row: &Row) -> Result<(String, String, Known), Error> {
    let (hash, outcome) = (row.try_get(2)?, row.try_get(3)?);
    let known = Known { hash, outcome, results: row.try_get(4)?, batch: row.try_get(5)?, name: row.try_get(6)? };
    Ok((row.try_get(0)?, row.try_get(1)?, known))
}

fn read_balance(row: &Row) -> Result<BalanceRow, Error> {
    let balances = Balances {
        pending: Points(row.try_get(3)?),
        available: Points(row.try_get(4)?),
        held: Points(row.try_get(5)?),
        debt: Points(row.try_get(6)?),
    };
    let (last_lot, ends): (i64, Option<Timestamp>) = (row.try_get(7)?, row.try_get(8)?);
    let (warns, warned) = (row.try_get(9)?, row.try_get(10)?);
    let idle = ends.map(|ends| Idling { ends, warns, warned });
    let reward = row.try_get(11)?;
    Ok(BalanceRow { member: key(row)?, wallet: row.try_get(2)?, balances, last_lot, idle, reward })
}

fn read_purchase(row: &Row) -> Result<PurchaseRow, Error> {
    Ok(PurchaseRow {
        member: key(row)?,
        order: row.try_get(2)?,
        event: row.try_get(3)?,
        ruleset: row.try_get(4)?,
        tier: row.try_get(7)?,
        returned: row.try_get(5)?,
        entry: row.try_get(6)?,
        tallied: row.try_get(8)?,
    })
}

fn read_award(row: &Row) -> Result<StoredAward, Error> {
    Ok(StoredAward {
        member: key(row)?,
        entry: row.try_get(2)?,
        rule: row.try_get(3)?,
        wallet: row.try_get(4)?,
        lot: row.try_get(5)?,
        points: [row.try_get(6)?, row.try_get(7)?, row.try_get(8)?, row.try_get(9)?],
        budget: row.try_get(10)?,
    })
}

fn read_allocation(row: &Row) -> Result<StoredAllocation, Error> {
    Ok(StoredAllocation {
        member: key(row)?,
        order: row.try_get(2)?,
        wallet: row.try_get(3)?,
        lot: row.try_get(4)?,
        amount: row.try_get(5)?,
    })
}

fn read_parked(row: &Row) -> Result<ParkedRow, Error> {
    Ok(ParkedRow { member: key(row)?, order: row.try_get(2)?, event: row.try_get(3)? })
}

fn read_lot(row: &Row) -> Result<StoredLot, Error> {
    let lot = Lot {
        sequence: row.try_get(3)?,
        initial: Points(row.try_get(4)?),
        pending: Points(row.try_get(5)?),
        available: Points(row.try_get(6)?),
        held: Points(row.try_get(7)?),
        activates: row.try_get(8)?,
        expires: row.try_get(9)?,
        expired: Points(row.try_get(10)?),
        idles: row.try_get(11)?,
        warns: row.try_get(12)?,
        warned: row.try_get(13)?,
        until: None,
    };
    Ok(StoredLot { member: key(row)?, wallet: row.try_get(2)?, lot, waits_for: row.try_get(14)? })
}
