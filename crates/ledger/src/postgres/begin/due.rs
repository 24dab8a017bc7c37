//! Lots of which something is due, and those that are to be there although nothing is.

use std::collections::BTreeSet;

use tokio_postgres::types::ToSql;

use super::{Keys, Open, prepare, read_lot};
use crate::error::LedgerError;
use crate::load::StoredLot;
use crate::rows::MemberKey;

/// One look at the member's due row; the lots only if its time has come.
pub(super) const DUE_LOTS: &str = "select w.bucket, w.member, l.wallet, l.sequence, l.initial, l.pending, l.available,
    l.held, l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for
    from unnest($2::smallint[], $3::bigint[], $4::timestamptz[]) as w(bucket, member, by)
    cross join lateral (
        select 1 from due where pipeline = $1 and bucket = w.bucket and member = w.member and at <= w.by offset 0
    ) d
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
            and pending > 0 and activates_at <= w.by
        union all
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
            and pending + available > 0 and expires_at is not null and expires_at <= w.by
        union all
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
            and pending + available > 0 and not warned and warns_at is not null and warns_at <= w.by
        union all
        select l.* from (
            select wallet from balance where pipeline = $1 and bucket = w.bucket and member = w.member
                and (idle_at <= w.by or (not idle_warned and idle_warns_at <= w.by)) offset 0
        ) b
        cross join lateral (
            select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member and wallet = b.wallet
                and idles and pending + available > 0 offset 0
        ) l
        union all
        select l.* from (
            select hold_id, wallet from hold where pipeline = $1 and bucket = w.bucket and member = w.member
                and held > 0 and expires_at <= w.by offset 0
        ) h
        cross join lateral (
            select lot from hold_lot where pipeline = $1 and bucket = w.bucket and member = w.member
                and hold_id = h.hold_id and held > 0 offset 0
        ) p
        cross join lateral (
            select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                and wallet = h.wallet and sequence = p.lot offset 0
        ) l
    ) l";

const IDLE_LOTS: &str = "select w.bucket, w.member, l.wallet, l.sequence, l.initial, l.pending, l.available, l.held,
    l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for
    from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
    cross join lateral (
        select wallet from balance where pipeline = $1 and bucket = w.bucket and member = w.member
            and idle_at is not null offset 0
    ) b
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member and wallet = b.wallet
            and idles and pending + available > 0 offset 0
    ) l";

/// All lots of these members that idle: a round trip, which few batches need.
pub(super) async fn idle_lots(
    open: &Open,
    pipeline: &str,
    members: BTreeSet<MemberKey>,
) -> Result<Vec<StoredLot>, LedgerError> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let keys = Keys::of(members.into_iter());
    let client = open.client()?;
    let loaded = async {
        let [statement] = prepare(client, [IDLE_LOTS]).await?;
        let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &keys.buckets, &keys.numbers];
        client.query(&statement, &args).await?.iter().map(read_lot).collect::<Result<Vec<_>, _>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}
