//! Entries of long ago become sums, some members a transaction: nobody sees half of a member, or of those who were merged into one.

use contract::PipelineName;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{thread, translate};
use crate::carry::{self, CARRIED_KIND, CarryReport, Sums};
use crate::error::LedgerError;

/// Members of one transaction; workers wait for it.
const MEMBERS_MAX: usize = 200;

/// A member and who they are by now, with all others who are; `$2` and `$3` are the member's.
const FAMILY: &str = "insert into family
    with root as (select coalesce(merged_bucket, bucket) as bucket, coalesce(merged_number, number) as number from member
        where pipeline = $1 and bucket = $2 and number = $3)
    select bucket, number from root union
    select m.bucket, m.number from root r join member m on m.pipeline = $1 and m.merged_bucket = r.bucket and m.merged_number = r.number";

/// Of that family.
const OF: &str = "and (x.bucket, x.member) in (select bucket, member from family)";

/// Where the sums stand until what they sum is gone.
const SUMS: &str = "
    create temp table if not exists family (bucket integer, member integer, primary key (bucket, member)) without rowid;
    create temp table if not exists entry_sums as select * from entry where false;
    create temp table if not exists posting_sums as select * from posting where false;
    create temp table if not exists allocation_sums as select * from allocation where false;
    delete from family; delete from entry_sums; delete from posting_sums; delete from allocation_sums";

/// One pass over a pipeline's entries.
pub(super) struct Pass<'a> {
    pub(super) connection: &'a Connection,
    pub(super) object: &'a str,
    pub(super) pipeline: &'a PipelineName,
    pub(super) before: Timestamp,
}

/// A member as the tables name them.
pub(super) type Member = (i64, i64);

/// What there is to do, and of whom.
pub(super) struct Plan {
    pub(super) report: CarryReport,
    pub(super) members: Vec<Member>,
    edge: i64,
    happened: i64,
}

impl Pass<'_> {
    pub(super) fn plan(&self) -> Result<Plan, LedgerError> {
        self.planned().map_err(|e| thread::error(self.object, e))
    }

    fn planned(&self) -> rusqlite::Result<Plan> {
        let (pipeline, before) = (self.pipeline.as_str(), self.before.as_microsecond());
        let edge: i64 = self.connection.query_row(&common(carry::EDGE), params![pipeline, before], |row| row.get(0))?;
        let key = params![pipeline, before, edge];
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?, row.get::<_, Option<i64>>(3)?))
        };
        let (entries, members, happened, fresh) = self.connection.query_row(&common(&carry::counted()), key, read)?;
        let mut plan = Plan { report: CarryReport::default(), members: Vec::new(), edge, happened: 0 };
        let (Some(happened), Some(1..)) = (happened, fresh) else { return Ok(plan) };
        plan.happened = happened;
        let before = Some(self.before);
        plan.report = CarryReport { before, entries, members, bytes: self.bytes()?, bytes_after: None };
        let sql = format!(
            "select distinct x.bucket, x.member from entry x where {} and x.kind <> '{CARRIED_KIND}'",
            carry::SUMMED
        );
        let mut find = self.connection.prepare(&common(&sql))?;
        let found = find.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        plan.members = found.collect::<Result<_, _>>()?;
        Ok(plan)
    }

    /// Pages in use.
    pub(super) fn bytes(&self) -> rusqlite::Result<i64> {
        let pragma = |name: &str| self.connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0));
        Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
    }

    /// The next members; answers the bytes that are left.
    pub(super) fn some(&self, plan: &Plan, members: &[Member]) -> Result<i64, LedgerError> {
        let folded = || {
            self.connection.execute_batch("begin immediate")?;
            self.note(plan)?;
            for member in members {
                self.one(plan.edge, *member)?;
            }
            self.connection.execute_batch("commit")?;
            self.bytes()
        };
        folded().map_err(|e| {
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("rollback")
            {
                tracing::warn!(%error, "could not roll back");
            }
            thread::error(self.object, e)
        })
    }

    /// First, so that nothing is told of a time of which a part is gone.
    fn note(&self, plan: &Plan) -> rusqlite::Result<()> {
        let args = params![self.pipeline.as_str(), self.before.as_microsecond(), plan.happened];
        self.connection.prepare_cached(&common(carry::NOTE))?.execute(args).map(|_| ())
    }

    fn one(&self, edge: i64, (bucket, member): Member) -> rusqlite::Result<()> {
        self.connection.execute_batch(SUMS)?;
        self.connection.prepare_cached(&common(FAMILY))?.execute(params![self.pipeline.as_str(), bucket, member])?;
        let args = params![self.pipeline.as_str(), self.before.as_microsecond(), edge];
        let sums = Sums { of: OF, into: "_sums", also: "", timed: false };
        let of_entry = format!("{} {OF}", carry::SUMMED);
        let theirs = format!(
            "where pipeline = $1 and (bucket, member) in (select bucket, member from family)
             and entry in (select x.id from entry x where {of_entry})"
        );
        for sql in [
            sums.entries(),
            sums.repeated(),
            sums.postings(),
            sums.allocations(),
            format!("delete from posting {theirs}"),
            format!("delete from allocation {theirs}"),
            format!("delete from entry as x where {of_entry}"),
        ] {
            self.connection.prepare_cached(&common(&sql))?.execute(args)?;
        }
        for table in ["entry", "posting", "allocation"] {
            self.connection.execute_batch(&format!("insert into {table} select * from {table}_sums"))?;
        }
        Ok(())
    }
}

/// From the common dialect.
fn common(sql: &str) -> String {
    translate(sql, &[]).0
}

/// Members by transactions.
pub(super) fn portions(plan: &Plan) -> impl Iterator<Item = &[Member]> {
    plan.members.chunks(MEMBERS_MAX)
}
