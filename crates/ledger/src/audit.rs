//! The invariants of the ledger, each a query that finds what breaks it.

use contract::PipelineName;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::LedgerError;
use crate::sql::{Arg, Row, Sql};

/// Whether workers may be at work while the audit runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auditing {
    /// They may: unpublished batches are told as pending.
    #[default]
    Running,
    /// None is, and the queue is empty: an unpublished batch is a difference.
    Idle,
}

/// Something that breaks an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its number.
    pub invariant: u8,
    /// Its sentence.
    pub name: &'static str,
    /// Which row.
    pub subject: String,
    /// What stands there.
    pub detail: String,
    /// Not a difference: work that is not done yet.
    pub pending: bool,
}

/// What a look at recent entries found, and at how much it looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinceReport {
    /// What breaks an invariant, of the members that were looked at.
    pub findings: Vec<Finding>,
    /// Entries recorded since.
    pub entries: i64,
    /// Members that they touched; all rows of these were looked at.
    pub members: i64,
    /// Members that were not looked at.
    pub other_members: i64,
}

/// More differences of one kind tell nothing new.
pub const FINDINGS_MAX: usize = 1000;

/// One query: it answers a subject and a detail for each row that breaks the invariant. A table in braces may be narrowed to
/// what is recent; it always has an alias.
struct Check {
    invariant: u8,
    name: &'static str,
    sql: &'static str,
}

/// `of member M` for a row `x` with bucket and member.
macro_rules! of_member {
    () => {
        "' of member ' || coalesce((select m.external_id from member m
            where m.pipeline = $1 and m.bucket = x.bucket and m.number = x.member), '?')"
    };
}

/// The same of an entry whose rows may have gone along with a merge, while its postings stay: entries have one number in the whole ledger.
macro_rules! of_some_member {
    () => {
        "' of member ' || coalesce((select m.external_id from member m
            where m.pipeline = $1 and m.number = x.member), '?')"
    };
}

/// Kinds of entries whose allocations of no order and no hold are what expiry took, or what a refund claimed of that.
macro_rules! expiring {
    () => {
        "'Expire', 'Erase', 'Clawback', 'GiveBack', 'Capture', 'Release', 'TimeOut'"
    };
}
pub(crate) use expiring;

/// Kinds of entries that give points back which had paid for an order: where that is into the lot that they came from, it is out of what had ended
/// of it.
macro_rules! claiming {
    () => {
        "'Clawback', 'GiveBack', 'Capture'"
    };
}
pub(crate) use claiming;

/// Entries of long ago are gone and summed by one that has the number of the last of them. What refers to entries of a member, their own and
/// those that came along by merges: an entry up to `c` that is not there is summed.
macro_rules! carried {
    () => {
        " left join (select bucket, member, max(id) as id from entry where pipeline = $1 and kind = 'CarriedForward'
                group by bucket, member) c on c.bucket = x.bucket and c.member = x.member "
    };
}

/// What refers to entries where their postings are: those up to `c` are summed.
macro_rules! own_carried {
    () => {
        " left join (select bucket, member, id from entry where pipeline = $1 and kind = 'CarriedForward' and from_member is null) c
            on c.bucket = x.bucket and c.member = x.member "
    };
}

/// What was redeemed is what is noted of it, entry by entry; of those that are summed, person by person: their sums stay with each of the
/// members whom they were, and notes go along. `$of` says which postings `p` of entries `e` are meant.
macro_rules! noted {
    ($table:literal, $of:literal, $difference:literal) => {
        concat!(
            "select case when x.entry = 0 then 'what is carried forward' else 'entry ' || cast(x.entry as text) end || ', wallet ' ||
                 x.wallet || ",
            of_some_member!(),
            ", '", $difference, " = ' || cast(x.amount as text) from (
                select y.entry, y.wallet, max(y.member) as member, sum(y.amount) as amount from (
                select p.wallet, p.amount, p.member, case when e.kind = 'CarriedForward' then 0 else p.entry end as entry,
                    case when e.kind = 'CarriedForward' then coalesce(m.merged_number, m.number) end as person
                    from {posting} p join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and (", $of, ")
                    join member m on m.pipeline = p.pipeline and m.bucket = p.bucket and m.number = p.member
                    where p.pipeline = $1 and p.account = 'redeemed'
                union all select x.wallet, -x.points, x.member, case when x.entry <= c.id and e.id is null then 0 else x.entry end,
                    case when x.entry <= c.id and e.id is null then x.member end
                    from {", $table, "} x
                    left join entry e on e.pipeline = x.pipeline and e.bucket = x.bucket and e.member = x.member and e.id = x.entry
                        and e.kind <> 'CarriedForward'",
            carried!(),
            "where x.pipeline = $1
                ) y group by y.entry, y.wallet, y.person having sum(y.amount) <> 0
             ) x order by 1, 2 limit $2"
        )
    };
}

// After the macros that they use.
mod budgets;
mod carried;
mod erased;
mod holds;
mod inbox;
mod merges;
mod payments;
mod rewards;
mod scope;
mod tallies;
mod tiers;
mod transfers;
mod waits;

const CHECKS: [Check; 15] = [
    Check {
        invariant: 1,
        name: "the postings of an entry sum to zero per wallet",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_member!(),
            ", 'sum ' || cast(sum(x.amount) as text) from {posting} x where x.pipeline = $1
             group by x.bucket, x.member, x.entry, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 2,
        name: "a member account is the sum of its postings",
        sql: concat!(
            "select x.account || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'balance - postings = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, 'available' as account, available as amount from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'pending', pending from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'held', held from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'debt', -debt from {balance} b where pipeline = $1
                union all select bucket, member, wallet, account, -amount from {posting} p
                    where pipeline = $1 and account in ('available', 'pending', 'held', 'debt')
             ) x group by x.bucket, x.member, x.wallet, x.account having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 2,
        name: "a member account is the sum of its lots in that state",
        sql: concat!(
            "select x.account || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'balance - lots = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, 'available' as account, available as amount from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'pending', pending from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'held', held from {balance} b where pipeline = $1
                union all select bucket, member, wallet, 'available', -available from {lot} l where pipeline = $1
                union all select bucket, member, wallet, 'pending', -pending from {lot} l where pipeline = $1
                union all select bucket, member, wallet, 'held', -held from {lot} l where pipeline = $1
             ) x group by x.bucket, x.member, x.wallet, x.account having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 2,
        name: "what a member owes is what the refunds of their orders left",
        sql: concat!(
            "select 'debt of wallet ' || x.wallet || ",
            of_member!(),
            ", 'balance - orders = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, debt as amount from {balance} b where pipeline = $1
                union all select bucket, member, wallet, -points from {owed} o where pipeline = $1
             ) x group by x.bucket, x.member, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 3,
        name: "what left a lot is the sum of its allocations",
        sql: concat!(
            "select 'lot ' || cast(x.lot as text) || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'gone - allocations = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, sequence as lot, initial - pending - available - held as amount
                    from {lot} l where pipeline = $1
                union all select bucket, member, wallet, lot, -amount from {allocation} a where pipeline = $1
             ) x group by x.bucket, x.member, x.wallet, x.lot having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 3,
        name: "what expired of a lot is what expiry took and no refund claimed, nor anybody gave back",
        sql: concat!(
            "select 'lot ' || cast(x.lot as text) || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'expired - allocations = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, sequence as lot, expired as amount from {lot} l where pipeline = $1
                union all select a.bucket, a.member, a.wallet, a.lot, -a.amount from {allocation} a
                    join entry e on e.pipeline = a.pipeline and e.bucket = a.bucket and e.member = a.member
                        and e.id = a.entry and (e.kind in (",
            expiring!(),
            ") or (e.kind = 'Reinstate' and a.amount < 0) or a.part = 'Expired')
                    where a.pipeline = $1 and a.order_id is null and a.hold_id is null
                union all select p.bucket, p.member, p.wallet, p.lot, p.points from {payment} p
                    join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and e.kind in (",
            claiming!(),
            ") where p.pipeline = $1 and p.into_lot = p.lot
             ) x group by x.bucket, x.member, x.wallet, x.lot having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 3,
        name: "a member's due row names the next time at which a lot activates, ends or is to be warned of, a hold ends, a reward is due, or a tier is reviewed",
        sql: concat!(
            "select 'what is due next' || ",
            of_member!(),
            ", 'the row is ' || case when max(x.is_row) = 0 then 'missing' else 'wrong' end from (
                select bucket, member, 1 as is_row, at as stands, null as upcoming from {due} d where pipeline = $1
                union all select bucket, member, 0, null, activates_at from {lot} l
                    where pipeline = $1 and pending > 0 and activates_at is not null
                union all select bucket, member, 0, null, expires_at from {lot} l
                    where pipeline = $1 and pending + available > 0 and expires_at is not null
                union all select l.bucket, l.member, 0, null, b.idle_at from {lot} l
                    join balance b on b.pipeline = l.pipeline and b.bucket = l.bucket and b.member = l.member
                        and b.wallet = l.wallet
                    where l.pipeline = $1 and l.idles = true and l.pending + l.available > 0
                union all select bucket, member, 0, null, warns_at from {lot} l
                    where pipeline = $1 and pending + available > 0 and warned = false and warns_at is not null
                union all select l.bucket, l.member, 0, null, b.idle_warns_at from {lot} l
                    join balance b on b.pipeline = l.pipeline and b.bucket = l.bucket and b.member = l.member
                        and b.wallet = l.wallet
                    where l.pipeline = $1 and l.idles = true and l.pending + l.available > 0 and b.idle_warned = false
                        and b.idle_warns_at is not null
                union all select bucket, member, 0, null, reward_at from {balance} r where pipeline = $1 and reward_at is not null
                union all select bucket, number, 0, null, tier_until from {member} m where pipeline = $1 and tier_until is not null
                union all select bucket, member, 0, null, expires_at from {hold} h
                    where pipeline = $1 and held > 0 and expires_at is not null
             ) x group by x.bucket, x.member having coalesce(micros(max(x.stands)), 0) <> coalesce(micros(min(x.upcoming)), 0)
             order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "a posting belongs to an entry",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ",
            of_member!(),
            ", 'postings without an entry' from {posting} x left join entry e on e.pipeline = x.pipeline
                 and e.bucket = x.bucket and e.member = x.member and e.id = x.entry
             where x.pipeline = $1 and e.id is null order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 5,
        name: "taken + waived = due <= awarded",
        sql: concat!(
            "select 'award of rule ' || x.rule || ', entry ' || cast(x.entry as text) || ",
            of_member!(),
            ", 'awarded ' || cast(x.awarded as text) || ', due ' || cast(x.due as text) || ', taken ' ||
                 cast(x.taken as text) || ', waived ' || cast(x.waived as text)
             from {award} x where x.pipeline = $1 and (x.taken + x.waived <> x.due or x.due > x.awarded or x.due < 0
                 or x.taken < 0 or x.waived < 0) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 5,
        name: "what refunds took from lots, or left to be paid off, is what the order's awards say",
        sql: concat!(
            "select 'order ' || x.order_id || ', wallet ' || x.wallet || ",
            of_member!(),
            ", 'taken - allocations = ' || cast(sum(x.amount) as text) from (
                select bucket, member, order_id, wallet, taken as amount from {award} a
                    where pipeline = $1 and order_id is not null
                union all select bucket, member, order_id, wallet, -amount from {allocation} a
                    where pipeline = $1 and order_id is not null
                union all select bucket, member, order_id, wallet, -points from {owed} o where pipeline = $1
             ) x group by x.bucket, x.member, x.order_id, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 5,
        name: "after a full refund all that was awarded is due",
        sql: concat!(
            "select 'order ' || x.order_id || ', rule ' || a.rule || ",
            of_member!(),
            ", 'awarded ' || cast(a.awarded as text) || ', due ' || cast(a.due as text)
             from {purchase} x join award a on a.pipeline = x.pipeline and a.bucket = x.bucket and a.member = x.member
                 and a.entry = x.entry
             where x.pipeline = $1 and x.returned like '{\"whole\":true%' and a.counted is null and a.due <> a.awarded order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 6,
        name: "no balance is negative, and nobody owes points who has some to spend",
        sql: concat!(
            "select 'wallet ' || x.wallet || ",
            of_member!(),
            ", 'pending ' || cast(x.pending as text) || ', available ' || cast(x.available as text) || ', held ' ||
                 cast(x.held as text) || ', debt ' || cast(x.debt as text)
             from {balance} x where x.pipeline = $1
                 and (x.pending < 0 or x.available < 0 or x.held < 0 or x.debt < 0 or (x.available > 0 and x.debt > 0)) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 6,
        name: "points are only left to be paid off by a refund whose rules say `Unlimited`",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_member!(),
            ", 'debt ' || cast(-x.amount as text) || ' by an entry of kind ' || e.kind
             from {posting} x join entry e on e.pipeline = x.pipeline and e.bucket = x.bucket and e.member = x.member
                 and e.id = x.entry
             left join ruleset r on r.hash = e.ruleset
             where x.pipeline = $1 and x.account = 'debt' and x.amount < 0 and e.kind not in ('MergeIn', 'CarriedForward')
                 and (e.kind <> 'Clawback' or coalesce(r.spec, '') not like '%\"takeBack\":\"Unlimited\"%')
             order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 9,
        name: "earned + adjusted + transferred in = available + pending + held - debt + spent + clawed + expired + transferred out",
        sql: "select 'wallet ' || x.wallet, 'balances - moves = ' || cast(sum(x.amount) as text) from (
                select wallet, amount from {posting} p
                    where pipeline = $1 and account in ('issued', 'adjusted', 'redeemed', 'clawed', 'expired', 'transit')
                union all select wallet, pending + available + held - debt from {balance} b where pipeline = $1
              ) x group by x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2",
    },
    Check {
        invariant: 11,
        name: "what was issued is the sum of all awards",
        sql: "select 'wallet ' || x.wallet, 'awards - issued = ' || cast(sum(x.amount) as text) from (
                select wallet, amount from {posting} p where pipeline = $1 and account = 'issued'
                union all select wallet, awarded from {award} a where pipeline = $1
              ) x group by x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2",
    },
];

/// Told as pending while workers run: their results are on the way.
const PUBLISHED: Check = Check {
    invariant: 12,
    name: "every committed batch is published",
    sql: "select 'batch ' || cast(id as text), 'its results are not confirmed by the broker'
          from {batch} b where pipeline = $1 and published_at is null order by b.id limit $2",
};

/// All of them, by their numbers.
fn checks() -> Vec<&'static Check> {
    let mut checks: Vec<_> = CHECKS
        .iter()
        .chain(&budgets::CHECKS)
        .chain(&carried::CHECKS)
        .chain(&erased::CHECKS)
        .chain(&holds::CHECKS)
        .chain(&inbox::CHECKS)
        .chain(&merges::CHECKS)
        .chain(&payments::CHECKS)
        .chain(&rewards::CHECKS)
        .chain(&tallies::CHECKS)
        .chain(&tiers::CHECKS)
        .chain(&transfers::CHECKS)
        .chain(&waits::CHECKS)
        .chain([&PUBLISHED])
        .collect();
    checks.sort_by_key(|check| check.invariant);
    checks
}

pub(crate) async fn audit(
    store: &dyn Sql,
    pipeline: &PipelineName,
    auditing: Auditing,
    progress: &(dyn Fn(u8, &'static str) + Sync),
) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    for check in checks() {
        progress(check.invariant, check.name);
        let rows = store.sweep(&check.whole(), &[pipeline.as_str().into(), FINDINGS_MAX.into()]).await?;
        for row in &rows {
            findings.push(finding(check, auditing, row)?);
        }
    }
    Ok(findings)
}

pub(crate) async fn audit_since(
    store: &dyn Sql,
    (pipeline, since): (&PipelineName, Timestamp),
    auditing: Auditing,
    progress: &(dyn Fn(u8, &'static str) + Sync),
) -> Result<SinceReport, LedgerError> {
    let mut findings = Vec::new();
    let args = [pipeline.as_str().into(), FINDINGS_MAX.into(), since.as_microsecond().into()];
    for check in checks() {
        progress(check.invariant, check.name);
        // By hash joins, as over everything: a planner without statistics goes row by row through whole tables for each member.
        for row in &store.sweep(&check.since(), &args).await? {
            findings.push(finding(check, auditing, row)?);
        }
    }
    let count = async |sql: &str, args: &[Arg]| {
        let rows = store.ask(sql, args).await?;
        rows.first().map_or(Ok(0), |row| row.int(0))
    };
    let recent = "from entry where pipeline = $1 and recorded_at >= at_micros($2)";
    let [of, from] = [Arg::from(pipeline.as_str()), since.as_microsecond().into()];
    let args = [of.clone(), from];
    // One that went along with a merge is there twice.
    let entries = count(&format!("select cast(count(*) as text) {recent} and from_member is null"), &args).await?;
    let touched = format!("select cast(count(*) as text) from (select distinct bucket, member {recent}) x");
    let members = count(&touched, &args).await?;
    let all = count("select cast(count(*) as text) from member where pipeline = $1", &[of]).await?;
    let other_members = all.saturating_sub(members);
    Ok(SinceReport { findings, entries, members, other_members })
}

fn finding(check: &Check, auditing: Auditing, row: &Row) -> Result<Finding, LedgerError> {
    Ok(Finding {
        invariant: check.invariant,
        name: check.name,
        subject: row.text(0)?.to_owned(),
        detail: row.text(1)?.to_owned(),
        pending: check.invariant == PUBLISHED.invariant && auditing == Auditing::Running,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_check_is_filled_in() {
        for check in checks() {
            assert!(check.sql.contains(" from {"), "no table of its own: {}", check.sql);
            assert!(!check.whole().contains('{') || check.whole().contains("{\"whole\""), "{}", check.whole());
            assert!(check.since().contains("$3"), "{}", check.since());
        }
    }
}
