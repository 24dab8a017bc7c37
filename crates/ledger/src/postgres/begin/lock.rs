//! Who is who: the members of a batch are made if they are new, and locked. Whoever was erased is nobody.

use std::collections::{BTreeSet, HashMap};

use contract::MemberId;
use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{merge, prepare};
use crate::book::Frozen;
use crate::erasure::{self, Erasure};
use crate::error::LedgerError;
use crate::load;
use crate::postgres::Open;
use crate::rows::{Loaded, MemberKey, bucket};
use crate::store::{BatchId, BatchRequest};

/// Every statement of a batch reaches its rows by key. The planner of a table that nobody has analysed yet believes that
/// a pipeline has one row, and would walk all of them for each key: hence no scans and no sorts, and each look-up in a
/// `lateral` of its own, fenced by `offset 0`, so that there is one plan to choose. A worker that was paused in mid batch loses its locks after
/// a minute, and learns of it at its commit.
pub(super) const BEGIN: &str = "begin isolation level read committed;
    set local idle_in_transaction_session_timeout = '60s'; set local jit = off; set local enable_seqscan = off;
    set local enable_bitmapscan = off; set local enable_sort = off; set local enable_hashjoin = off;
    set local enable_mergejoin = off";

/// Not those who were erased: either their row or their tombstone is there, whenever one looks. The hashes are missing as long as nobody
/// ever was.
const INSERT_MEMBERS: &str = "insert into member (pipeline, bucket, external_id)
    select $1, w.bucket, w.id from unnest($2::smallint[], $3::text[], $4::text[]) with ordinality as w(bucket, id, hash, n)
    where (select number from member where pipeline = $1 and bucket = w.bucket and external_id = w.id) is null
    and (select hash from tombstone where pipeline = $1 and hash = w.hash) is null
    order by w.n on conflict (pipeline, bucket, external_id) do nothing";

/// The arrays are in byte order, and so are the locks. A locale's order is not Rust's; two orders would deadlock. A locked row is the latest
/// one, but whom it names is looked up as the statement found the table: one who was made while it waited has no name yet.
macro_rules! lock_members {
    ($how:literal) => {
        concat!(
            "select m.external_id, m.bucket, m.number, m.frozen_at, m.frozen_reason, m.frozen_by, m.is_erased,
    (select t.external_id from member t where t.pipeline = $1 and t.bucket = m.merged_bucket and t.number = m.merged_number),
    m.merged_number is not null
    from (select * from unnest($2::smallint[], $3::text[]) with ordinality as u(bucket, id, n) order by n offset 0) w
    cross join lateral (
        select external_id, bucket, number, frozen_at, frozen_reason, frozen_by, erased_at is not null as is_erased,
            merged_bucket, merged_number from member
        where pipeline = $1 and bucket = w.bucket and external_id = w.id for update ",
            $how,
            "
    ) m"
        )
    };
}

/// How members are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Locking {
    /// By a new transaction, which waits for whoever is locked by another one.
    Waits,
    /// By a new transaction, which waits for nobody.
    Free,
    /// By a transaction that has others already. It must not wait: these come out of the one order.
    More,
}

impl Locking {
    fn text(self) -> &'static str {
        match self {
            Self::Waits => lock_members!(""),
            Self::Free | Self::More => lock_members!("skip locked"),
        }
    }
}

const FIND_MEMBERS: &str = "select m.external_id, m.bucket, m.number, m.merged_bucket, m.merged_number
    from unnest($2::smallint[], $3::text[]) as w(bucket, id)
    cross join lateral (
        select external_id, bucket, number, merged_bucket, merged_number from member
        where pipeline = $1 and bucket = w.bucket and external_id = w.id offset 0
    ) m";

const BATCH_ID: &str = "select nextval('batch_id')";

const TOMBSTONES: &str = "select hash from tombstone where pipeline = $1 and hash = any($2)";

/// Members who are erased or merged while one waits for their rows are looked for again; that often in a row somebody else is at fault.
const TRIES: usize = 10;

const GONE: &str = "rows of members are neither there nor erased";

const MERGED: &str = "members were merged again each time that they were to be locked";

/// Whether all of them were free; the transaction has ended if not. Nothing but rows that are being made is waited for.
pub(super) async fn lock_free(open: &mut Open, request: &BatchRequest, locking: Locking) -> Result<bool, LedgerError> {
    let (nobody, mut others) = (BTreeSet::new(), BTreeSet::new());
    if lock_once(open, (request, &nobody), locking).await? && !follow(open, request, &mut others).await? {
        find_recipients(open, request).await?;
        return Ok(true);
    }
    open.client()?.batch_execute("rollback").await.map_err(|e| open.fail(e))?;
    // Clean, and somebody else's.
    drop(open.client.take());
    Ok(false)
}

pub(super) async fn lock(open: &mut Open, request: &BatchRequest) -> Result<(), LedgerError> {
    let mut others = BTreeSet::new();
    let mut why = GONE;
    for _ in 0..TRIES {
        why = GONE;
        if lock_once(open, (request, &others), Locking::Waits).await? {
            if !follow(open, request, &mut others).await? {
                return find_recipients(open, request).await;
            }
            why = MERGED;
        }
        open.client()?.batch_execute("rollback").await.map_err(|e| open.fail(e))?;
    }
    Err(LedgerError::unreadable("member", why))
}

/// What one round trip said.
struct Locked {
    members: Vec<Row>,
    batch: i64,
    erasure: Option<Row>,
}

/// One round trip: begin, insert who is missing, lock in byte order, take a batch number, see whether anybody was ever erased; one more if
/// somebody is not there. `false`: somebody was erased meanwhile, or merged into one who was not there before, or is not waited for.
async fn lock_once(
    open: &mut Open,
    (request, others): (&BatchRequest, &BTreeSet<MemberId>),
    locking: Locking,
) -> Result<bool, LedgerError> {
    let ids: BTreeSet<&MemberId> = request.wanted.iter().map(|want| &want.member).chain(others).collect();
    open.loaded = Loaded::default();
    let known = open.graves.of(&request.pipeline);
    let locked = round_trip(open.client()?, (request, &ids, others), (locking, known.as_ref())).await;
    let locked = locked.map_err(|e| open.fail(e))?;
    let erasure = locked.erasure.as_ref().map(read_erasure).transpose().map_err(|e| open.fail(e))?;
    if erasure != known {
        // Whoever was inserted may have been erased: the hashes were of no key, or of another one.
        open.graves.learn(&request.pipeline, erasure);
        return Ok(false);
    }
    open.batch = BatchId(locked.batch);
    open.loaded.members = HashMap::with_capacity(locked.members.len());
    for row in &locked.members {
        let (id, key, frozen) = read_member(row).map_err(|e| open.fail(e))?;
        let id: MemberId = crate::sql::id("member.external_id", id)?;
        if row.try_get(6).map_err(|e| open.fail(e))? {
            open.loaded.erased.insert(id.clone());
        }
        let into: Option<&str> = row.try_get(7).map_err(|e| open.fail(e))?;
        if into.is_none() && row.try_get(8).map_err(|e| open.fail(e))? {
            return Ok(false);
        }
        if let Some(into) = into {
            let into = crate::sql::id("member.external_id", into)?;
            open.loaded.followed.insert(id.clone(), into);
        }
        open.loaded.members.insert(id, key);
        open.loaded.frozen.extend(frozen.map(|frozen| (key, frozen)));
    }
    let missing: BTreeSet<&MemberId> = ids.into_iter().filter(|id| !open.loaded.members.contains_key(*id)).collect();
    let buried = buried(open, request, (&missing, known.as_ref())).await?;
    // Of whom nobody has heard is not made by everything that names them, and who was looked up may be erased by now.
    let strangers = load::strangers(request);
    let is_there = |id: &&MemberId| buried.iter().any(|(known, _)| known == id);
    if missing.iter().any(|id| !is_there(id) && !strangers.contains(id)) {
        return Ok(false);
    }
    open.loaded.members.extend(buried.iter().map(|(id, key)| ((*id).clone(), *key)));
    open.loaded.erased.extend(buried.into_iter().map(|(id, _)| id.clone()));
    Ok(true)
}

/// Locks who a member is by now, and who was merged into one of whom all is loaded. `true`: not all of them were locked, and it has to be done
/// again, with them and in the one order. Who is locked stays who they are.
async fn follow(open: &mut Open, request: &BatchRequest, others: &mut BTreeSet<MemberId>) -> Result<bool, LedgerError> {
    let targets: Vec<(MemberId, MemberId)> =
        open.loaded.followed.iter().map(|(id, into)| (id.clone(), into.clone())).collect();
    let mut more: BTreeSet<MemberId> = BTreeSet::new();
    for (id, into) in targets {
        match open.loaded.members.get(&into).copied() {
            Some(key) => drop(open.loaded.members.insert(id, key)),
            None => drop(more.insert(into)),
        }
    }
    for member in load::wholly(request, &open.loaded.members) {
        let absorbed = merge::absorbed(open, (request.pipeline.as_str(), member)).await?;
        more.extend(absorbed.iter().map(|(id, _)| id.clone()).filter(|id| !open.loaded.members.contains_key(id)));
        open.loaded.absorbed.insert(member, absorbed);
    }
    if more.is_empty() {
        return Ok(false);
    }
    others.extend(more);
    Ok(true)
}

async fn round_trip(
    client: &Object,
    (request, ids, followed): (&BatchRequest, &BTreeSet<&MemberId>, &BTreeSet<MemberId>),
    (locking, erasure): (Locking, Option<&Erasure>),
) -> Result<Locked, Error> {
    let own = named(request, ids);
    let (recipients, strangers) = (load::recipients(request), load::strangers(request));
    // Those who may be sent something are made with the others, in one order, and are not locked. Who is only looked up is not made.
    let is_made = |id: &&MemberId| !strangers.contains(id) && !followed.contains(*id) || recipients.contains(id);
    let others: Option<BTreeSet<&MemberId>> = (!recipients.is_empty() || !strangers.is_empty() || !followed.is_empty())
        .then(|| ids.union(&recipients).copied().filter(is_made).collect());
    let made = others.as_ref().unwrap_or(ids);
    let all = others.as_ref().map(|made| named(request, made));
    let hashes: Vec<String> =
        erasure.map(|erasure| made.iter().map(|id| erasure.tombstone(id)).collect()).unwrap_or_default();
    let pipeline = request.pipeline.as_str();
    let [insert, lock, batch, find] =
        prepare(client, [INSERT_MEMBERS, locking.text(), BATCH_ID, erasure::FIND]).await?;
    let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &own.0, &own.1];
    let all = all.as_ref().unwrap_or(&own);
    let all: [&(dyn ToSql + Sync); 4] = [&pipeline, &all.0, &all.1, &hashes];
    let (begun, inserted, locked, batch, erasure) = tokio::join!(
        biased;
        async { if locking == Locking::More { Ok(()) } else { client.batch_execute(BEGIN).await } },
        client.execute(&insert, &all),
        client.query(&lock, &args),
        client.query_one(&batch, &[]),
        client.query_opt(&find, &args[..1])
    );
    begun?;
    inserted?;
    Ok(Locked { members: locked?, batch: batch?.try_get(0)?, erasure: erasure? })
}

/// Those of the missing who were erased, as the nobody that they are now; a round trip if there are any.
async fn buried<'a>(
    open: &Open,
    request: &BatchRequest,
    (missing, erasure): (&BTreeSet<&'a MemberId>, Option<&Erasure>),
) -> Result<Vec<(&'a MemberId, MemberKey)>, LedgerError> {
    let Some(erasure) = erasure.filter(|_| !missing.is_empty()) else { return Ok(Vec::new()) };
    let hashes: HashMap<String, &MemberId> = missing.iter().map(|id| (erasure.tombstone(id), *id)).collect();
    let asked: Vec<&str> = hashes.keys().map(String::as_str).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let found = async {
        let [find] = prepare(client, [TOMBSTONES]).await?;
        let rows = client.query(&find, &[&pipeline, &asked]).await?;
        rows.iter().map(|row| row.try_get::<_, String>(0)).collect::<Result<Vec<_>, Error>>()
    };
    let found = found.await.map_err(|e| open.fail(e))?;
    Ok(found.iter().filter_map(|hash| Some((*hashes.get(hash)?, erasure.nobody))).collect())
}

/// A round trip where points are sent.
async fn find_recipients(open: &mut Open, request: &BatchRequest) -> Result<(), LedgerError> {
    let ids = load::recipients(request);
    if ids.is_empty() {
        return Ok(());
    }
    let (buckets, names) = named(request, &ids);
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let found = async {
        let [find, erasure] = prepare(client, [FIND_MEMBERS, erasure::FIND]).await?;
        let rows = client.query(&find, &[&pipeline, &buckets, &names]).await?;
        // They are not locked, and may be erased while we look: after that, the key is there.
        Ok::<_, Error>((rows, client.query_opt(&erasure, &[&pipeline]).await?))
    };
    let (rows, erasure) = found.await.map_err(|e| open.fail(e))?;
    for row in &rows {
        let key = |at: usize| Ok::<_, Error>(MemberKey { bucket: row.try_get(at)?, number: row.try_get(at + 1)? });
        let merged = || row.try_get::<_, Option<i64>>(4)?.map(|_| key(3)).transpose();
        let read = || Ok::<_, Error>((row.try_get::<_, &str>(0)?, key(1)?, merged()?));
        let (id, own, merged) = read().map_err(|e| open.fail(e))?;
        let id: MemberId = crate::sql::id("member.external_id", id)?;
        open.loaded.aliases.extend(merged.map(|member| (id.clone(), member)));
        open.loaded.recipients.insert(id, own);
    }
    let erasure = erasure.as_ref().map(read_erasure).transpose().map_err(|e| open.fail(e))?;
    let missing = ids.into_iter().filter(|id| !open.loaded.recipients.contains_key(*id)).collect();
    let buried = buried(open, request, (&missing, erasure.as_ref())).await?;
    open.loaded.recipients.extend(buried.into_iter().map(|(id, key)| (id.clone(), key)));
    Ok(())
}

pub(in crate::postgres) fn read_erasure(row: &Row) -> Result<Erasure, Error> {
    let nobody = MemberKey { bucket: row.try_get(1)?, number: row.try_get(2)? };
    Ok(Erasure { key: row.try_get(0)?, nobody })
}

/// Members as two columns.
fn named<'a>(request: &BatchRequest, ids: &BTreeSet<&'a MemberId>) -> (Vec<i16>, Vec<&'a str>) {
    ids.iter().map(|id| (bucket(&request.pipeline, id), id.as_str())).unzip()
}

fn read_member(row: &Row) -> Result<(&str, MemberKey, Option<Frozen>), Error> {
    let key = MemberKey { bucket: row.try_get(1)?, number: row.try_get(2)? };
    let Some(since) = row.try_get(3)? else { return Ok((row.try_get(0)?, key, None)) };
    let frozen = Frozen { since, reason: row.try_get(4)?, author: row.try_get(5)? };
    Ok((row.try_get(0)?, key, Some(frozen)))
}
