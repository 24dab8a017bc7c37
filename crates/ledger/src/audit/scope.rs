//! How far a check looks: over everything, or over what is recent.

use super::Check;

/// Tables whose rows belong to a member.
const OF_MEMBERS: [&str; 19] = [
    "posting",
    "balance",
    "lot",
    "allocation",
    "award",
    "entry",
    "purchase",
    "due",
    "hold",
    "hold_lot",
    "owed",
    "payment",
    "transfer",
    "counter",
    "reward",
    "parked",
    "qualifying",
    "tally",
    "tier_history",
];

/// Tables whose rows tell themselves when they were recorded.
const BY_TIME: [&str; 2] = ["inbox", "batch"];

/// Members that an entry touched since `$3`, and those who were merged into them.
const TOUCHED: &str = "select distinct bucket, member from entry where pipeline = $1 and recorded_at >= at_micros($3)
    union select m.bucket, m.number from member m join (
        select distinct bucket, member from entry where pipeline = $1 and recorded_at >= at_micros($3)
    ) t on t.bucket = m.merged_bucket and t.member = m.merged_number where m.pipeline = $1 and m.merged_number is not null";

impl Check {
    /// Over everything.
    pub(super) fn whole(&self) -> String {
        OF_MEMBERS
            .iter()
            .chain(&BY_TIME)
            .chain(&["member", "budget", "slice"])
            .fold(self.sql.to_owned(), |sql, table| sql.replace(&format!("{{{table}}}"), table))
    }

    /// Over the members that were touched since `$3`; of events and batches, over those recorded since. `SQLite` takes a cross join in
    /// its order, so that it goes from the members to their rows; to `PostgreSQL` it is a join like any other.
    pub(super) fn since(&self) -> String {
        let mut sql = self.sql.replace("{budget}", "budget").replace("{slice}", "slice");
        for table in OF_MEMBERS {
            let theirs = format!(
                "(select t.* from touched u cross join {table} t where t.pipeline = $1 and t.bucket = u.bucket and t.member = u.member)"
            );
            sql = sql.replace(&format!("{{{table}}}"), &theirs);
        }
        let members = "(select t.* from touched u cross join member t where t.pipeline = $1 and t.bucket = u.bucket and t.number = u.member)";
        sql = sql.replace("{member}", members);
        for table in BY_TIME {
            let recent = format!("(select * from {table} where pipeline = $1 and recorded_at >= at_micros($3))");
            sql = sql.replace(&format!("{{{table}}}"), &recent);
        }
        format!("with touched as materialized ({TOUCHED}) {sql}")
    }
}
