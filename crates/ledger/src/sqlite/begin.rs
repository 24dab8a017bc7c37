//! The first half of a batch: one writing transaction from here to the commit, so nothing needs a lock of its own.

use std::collections::{BTreeSet, HashMap};

use contract::Points;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{holds, thread};
use crate::book::{Balances, Idling, Lot};
use crate::error::LedgerError;
use crate::load::{
    self, BalanceRow, Books, Known, ParkedRow, PurchaseRow, StoredAllocation, StoredAward, StoredLot, Wish,
};
use crate::rows::{Loaded, MemberKey};
use crate::store::{BatchRequest, Begun, Identity};

/// What [`stored_lot`] reads, of a lot `l`.
macro_rules! lot {
    () => {
        "l.sequence, l.initial, l.pending, l.available, l.held, l.activates_at, l.expires_at, l.expired, l.idles,
         l.warns_at, l.warned, l.waits_for"
    };
}

/// How many columns those are.
const LOT_COLUMNS: usize = 12;

// After the macro that it uses.
mod budget;
mod ended;
mod idle;
pub(super) mod members;
mod merge;
mod recall;
mod refunds;
mod rewards;
mod tallies;
mod tiers;
mod whole;

pub(super) use recall::recall;

pub(super) fn begin(
    connection: &Connection,
    object: &str,
    (request, owner): (&BatchRequest, &str),
) -> Result<(Loaded, Begun), LedgerError> {
    let begin = Begin { connection, pipeline: request.pipeline.as_str() };
    let fail = |e| thread::error(object, e);
    connection.execute_batch("begin immediate").map_err(fail)?;
    let mut loaded = Loaded::default();
    begin.members(request, &mut loaded).map_err(fail)?;
    let mut known = begin.inbox(request).map_err(fail)?;
    loaded.again = load::said_again(request, &mut known);
    let answers = load::answers(&request.wanted, &known, &loaded)?;
    let mut parked = Vec::new();
    for (member, order) in load::orders(request, &loaded.members) {
        begin.parked(member, order.as_str(), &mut parked).map_err(fail)?;
    }
    let undecided = load::undecided(request, &loaded, (&known, &parked));
    let request = undecided.as_ref();
    let whole = load::wholly(request, &loaded.members);
    let mut books = begin.books(request, &mut loaded).map_err(fail)?;
    for member in load::idlers(request, &loaded, &parked) {
        begin.idle_lots(member, &mut books.due).map_err(fail)?;
    }
    books.parked = parked;
    books.tally_keys = load::tallies(request, &loaded, (&books.purchases, &books.parked))?;
    begin.tallies(&mut books).map_err(fail)?;
    for (member, wallet) in load::rewarded(request, &loaded) {
        books.counters.extend(begin.counter(member, wallet.as_str()).map_err(fail)?);
    }
    let until = load::due_until(request, &loaded, &books.parked)?;
    for (member, by) in &until {
        begin.due(*member, *by, &mut books.due).map_err(fail)?;
    }
    for (member, order) in load::paid_orders(request, &loaded.members, &books.parked)? {
        begin.payments(member, order.as_str(), &mut books.payments).map_err(fail)?;
    }
    // After all that is due: its lots tell whether a hold's time may have come.
    books.holds = holds::load(&begin, request, (&loaded, &books), until).map_err(fail)?;
    let from = load::tiers_from(request, &loaded, (&books, &books.parked))?;
    for (member, at) in &from {
        begin.tiers(*member, *at, &mut books.tiers).map_err(fail)?;
    }
    for (member, day) in load::first_days(request, &loaded, (from, &books.tiers)) {
        begin.counted(member, day, &mut books.counted).map_err(fail)?;
    }
    for pair in load::leavers(request, &loaded.members) {
        begin.shared(pair, &mut books.shared).map_err(fail)?;
    }
    let mut lots = Vec::new();
    for member in whole {
        begin.all_of(member, (&mut lots, &mut books.holds)).map_err(fail)?;
    }
    for (member, wallet) in load::ended(request, &loaded.members) {
        begin.ended(member, wallet.as_str(), &mut lots).map_err(fail)?;
    }
    for (member, wallet, sequence) in load::named_lots(request, &loaded, &books)? {
        lots.extend(begin.named_lot(member, wallet.as_str(), sequence).map_err(fail)?);
    }
    for wish in load::wishes(request, &loaded, &books)? {
        begin.burn_order(wish, &mut lots).map_err(fail)?;
    }
    loaded.pots = begin.pots(&request.budgets, owner).map_err(fail)?;
    let rooms = crate::budget::rooms(&loaded.pots);
    let (timeline_seq, forgotten) = begin.timeline().map_err(fail)?;
    let forgotten_before = moment(forgotten)?;
    let members = load::states(&loaded, books, lots)?;
    let followed = loaded.followed.clone();
    Ok((loaded, Begun { answers, members, followed, timeline_seq, forgotten_before, rooms }))
}

fn moment(micros: Option<i64>) -> Result<Option<Timestamp>, LedgerError> {
    let moment = micros.map(Timestamp::from_microsecond).transpose();
    moment.map_err(|e| LedgerError::unreadable("forgotten.happened_before", e))
}

pub(super) struct Begin<'a> {
    pub(super) connection: &'a Connection,
    pub(super) pipeline: &'a str,
}

impl Begin<'_> {
    fn inbox(&self, request: &BatchRequest) -> rusqlite::Result<HashMap<Identity, Known>> {
        let mut find = self.connection.prepare_cached(
            "select i.hash, i.outcome, i.results, i.batch, m.external_id from inbox i
             join member m on m.pipeline = i.pipeline and m.bucket = i.bucket and m.number = i.member
             where i.pipeline = ?1 and i.source = ?2 and i.event_id = ?3",
        )?;
        let mut known = HashMap::new();
        for identity in request.wanted.iter().map(|want| &want.identity) {
            let key = params![self.pipeline, identity.source.as_str(), identity.id.as_str()];
            let read = |row: &Row<'_>| {
                let (hash, outcome) = (row.get(0)?, row.get(1)?);
                Ok(Known { hash, outcome, results: row.get(2)?, batch: row.get(3)?, name: row.get(4)? })
            };
            if let Some(row) = find.query_row(key, read).optional()? {
                known.insert(identity.clone(), row);
            }
        }
        Ok(known)
    }

    fn books(&self, request: &BatchRequest, loaded: &mut Loaded) -> rusqlite::Result<Books> {
        let mut books =
            Books { balances: self.balances(&load::members(request, &loaded.members))?, ..Books::default() };
        for (member, order) in load::orders(request, &loaded.members) {
            if let Some(row) = self.purchase(member, order.as_str())? {
                if let Some(entry) = row.entry {
                    self.awards(member, entry, &mut books.awards)?;
                    self.allocations(member, order.as_str(), &mut books.allocations)?;
                }
                loaded.orders.insert((member, order.clone()), row.entry);
                books.purchases.push(row);
            }
        }
        for member in load::debtors(&books.balances) {
            self.owed(member, &mut books.owed)?;
        }
        Ok(books)
    }

    fn balances(&self, members: &BTreeSet<MemberKey>) -> rusqlite::Result<Vec<BalanceRow>> {
        let mut find = self.connection.prepare_cached(
            "select wallet, pending, available, held, debt, last_lot, idle_at, idle_warns_at, idle_warned,
             reward_at from balance
             where pipeline = ?1 and bucket = ?2 and member = ?3",
        )?;
        let mut balances = Vec::with_capacity(members.len());
        for member in members.iter().copied() {
            let read = |row: &Row<'_>| {
                let balances = Balances {
                    pending: Points(row.get(1)?),
                    available: Points(row.get(2)?),
                    held: Points(row.get(3)?),
                    debt: Points(row.get(4)?),
                };
                let (warns, warned) = (time(row, 7)?, row.get(8)?);
                let idle = time(row, 6)?.map(|ends| Idling { ends, warns, warned });
                let (last_lot, reward) = (row.get(5)?, time(row, 9)?);
                Ok(BalanceRow { member, wallet: row.get(0)?, balances, last_lot, idle, reward })
            };
            for row in find.query_map(params![self.pipeline, member.bucket, member.number], read)? {
                balances.push(row?);
            }
        }
        Ok(balances)
    }

    /// One look at the member's due row; the lots only if its time has come.
    fn due(&self, member: MemberKey, by: Timestamp, into: &mut Vec<StoredLot>) -> rusqlite::Result<()> {
        let key = params![self.pipeline, member.bucket, member.number, by.as_microsecond()];
        let mut look = self
            .connection
            .prepare_cached("select 1 from due where pipeline = ?1 and bucket = ?2 and member = ?3 and at <= ?4")?;
        if !look.exists(key)? {
            return Ok(());
        }
        let mut find = self.connection.prepare_cached(concat!(
            "select ", lot!(), ", l.wallet from lot l
             where l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.pending > 0 and l.activates_at <= ?4
             union all
             select ", lot!(), ", l.wallet from lot l
             where l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.pending + l.available > 0
                 and l.expires_at is not null and l.expires_at <= ?4
             union all
             select ", lot!(), ", l.wallet from lot l
             where l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.pending + l.available > 0
                 and l.warned = 0 and l.warns_at is not null and l.warns_at <= ?4
             union all
             select ", lot!(), ", l.wallet from balance b cross join lot l
             where b.pipeline = ?1 and b.bucket = ?2 and b.member = ?3
                 and (b.idle_at <= ?4 or (b.idle_warned = 0 and b.idle_warns_at <= ?4))
                 and l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.wallet = b.wallet
                 and l.idles = 1 and l.pending + l.available > 0
             union all
             select ", lot!(), ", l.wallet from hold h cross join hold_lot p cross join lot l
             where h.pipeline = ?1 and h.bucket = ?2 and h.member = ?3 and h.held > 0
                 and h.expires_at is not null and h.expires_at <= ?4
                 and p.pipeline = ?1 and p.bucket = ?2 and p.member = ?3 and p.hold_id = h.hold_id and p.held > 0
                 and l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.wallet = h.wallet and l.sequence = p.lot",
        ))?;
        for row in find.query_map(key, |row| stored_lot(member, &row.get::<_, String>(LOT_COLUMNS)?, row))? {
            into.push(row?);
        }
        Ok(())
    }

    fn purchase(&self, member: MemberKey, order: &str) -> rusqlite::Result<Option<PurchaseRow>> {
        let mut find = self.connection.prepare_cached(
            "select event, ruleset, returned, entry, tier, tallied from purchase
             where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4",
        )?;
        let read = |row: &Row<'_>| {
            Ok(PurchaseRow {
                member,
                order: order.to_owned(),
                event: row.get(0)?,
                ruleset: row.get(1)?,
                tier: row.get(4)?,
                returned: row.get(2)?,
                entry: row.get(3)?,
                tallied: row.get(5)?,
            })
        };
        find.query_row(params![self.pipeline, member.bucket, member.number, order], read).optional()
    }

    fn awards(&self, member: MemberKey, entry: i64, into: &mut Vec<StoredAward>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select rule, wallet, lot, awarded, due, taken, waived, budget from award
             where pipeline = ?1 and bucket = ?2 and member = ?3 and entry = ?4 and counted is null order by n",
        )?;
        let read = |row: &Row<'_>| {
            let points = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            let (rule, wallet, lot, budget) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(7)?);
            Ok(StoredAward { member, entry, rule, wallet, lot, points, budget })
        };
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, entry], read)? {
            into.push(row?);
        }
        Ok(())
    }

    fn allocations(&self, member: MemberKey, order: &str, into: &mut Vec<StoredAllocation>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select wallet, lot, amount from allocation
             where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4 order by entry, n",
        )?;
        let read = |row: &Row<'_>| {
            let order = order.to_owned();
            Ok(StoredAllocation { member, order, wallet: row.get(0)?, lot: row.get(1)?, amount: row.get(2)? })
        };
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, order], read)? {
            into.push(row?);
        }
        Ok(())
    }

    fn parked(&self, member: MemberKey, order: &str, into: &mut Vec<ParkedRow>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select event from parked where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4",
        )?;
        let read = |row: &Row<'_>| Ok(ParkedRow { member, order: order.to_owned(), event: row.get(0)? });
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, order], read)? {
            into.push(row?);
        }
        Ok(())
    }

    fn named_lot(&self, member: MemberKey, wallet: &str, sequence: i64) -> rusqlite::Result<Option<StoredLot>> {
        let mut find = self.connection.prepare_cached(concat!(
            "select ",
            lot!(),
            " from lot l
             where pipeline = ?1 and bucket = ?2 and member = ?3 and wallet = ?4 and sequence = ?5"
        ))?;
        let read = |row: &Row<'_>| stored_lot(member, wallet, row);
        find.query_row(params![self.pipeline, member.bucket, member.number, wallet, sequence], read).optional()
    }

    fn burn_order(&self, mut wish: Wish, into: &mut Vec<StoredLot>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(concat!(
            "select ",
            lot!(),
            " from lot l
             where pipeline = ?1 and bucket = ?2 and member = ?3 and wallet = ?4 and available > 0
                 and (?7 is null or idles = ?7)
             order by expires_at is null, expires_at, sequence limit ?5 offset ?6"
        ))?;
        let member = wish.member;
        loop {
            let wallet = wish.wallet.as_str();
            let (limit, offset, idles) = (wish.limit, wish.offset, wish.idles);
            let key = params![self.pipeline, member.bucket, member.number, wallet, limit, offset, idles];
            let page: Vec<_> = find.query_map(key, |row| stored_lot(member, wallet, row))?.collect::<Result<_, _>>()?;
            let points: Vec<_> = page.iter().map(|lot| lot.lot.available.0).collect();
            into.extend(page);
            if !wish.goes_on(&points) {
                return Ok(());
            }
        }
    }

    /// Its last line, and before what time events are not known one by one.
    fn timeline(&self) -> rusqlite::Result<(i64, Option<i64>)> {
        let mut find = self.connection.prepare_cached(
            "select coalesce(max(seq), 0), (select happened_before from forgotten where pipeline = ?1)
             from timeline where pipeline = ?1",
        )?;
        find.query_row(params![self.pipeline], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

fn stored_lot(member: MemberKey, wallet: &str, row: &Row<'_>) -> rusqlite::Result<StoredLot> {
    let lot = Lot {
        sequence: row.get(0)?,
        initial: Points(row.get(1)?),
        pending: Points(row.get(2)?),
        available: Points(row.get(3)?),
        held: Points(row.get(4)?),
        activates: time(row, 5)?,
        expires: time(row, 6)?,
        expired: Points(row.get(7)?),
        idles: row.get(8)?,
        warns: time(row, 9)?,
        warned: row.get(10)?,
        until: None,
    };
    Ok(StoredLot { member, wallet: wallet.to_owned(), lot, waits_for: row.get(11)? })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|at| Timestamp::from_microsecond(at).ok()))
}
