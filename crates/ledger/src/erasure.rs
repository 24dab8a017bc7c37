//! What stays of members who were erased, so that whatever still comes in their name is known for that: a keyed hash of the name.
//!
//! The number that had been theirs keeps its entries under a name that says nothing. No row leads from the hash to the number: what comes
//! later is put down to nobody, one row of the pipeline for all of them.

use contract::decision::AwardInputs;
use contract::ruleset::hex;
use contract::{MemberId, PipelineName};
use hmac::{Hmac, Mac};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::error::LedgerError;
use crate::rows::{self, MemberKey};
use crate::sql::Sql;

/// How the names of erased members, and of nobody, begin; 32 random digits follow.
pub(crate) const NAMELESS: &str = "erased-";

/// How a pipeline knows whom it has erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Erasure {
    /// Random, made with the first member who is erased; it never changes.
    pub(crate) key: String,
    /// To whom goes what comes in the name of one who was erased.
    pub(crate) nobody: MemberKey,
}

impl Erasure {
    /// What stays of a name.
    pub(crate) fn tombstone(&self, member: &MemberId) -> String {
        tombstone(&self.key, member)
    }
}

/// HMAC-SHA-256 of the name, in hexadecimal digits.
pub(crate) fn tombstone(key: &str, member: &MemberId) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        unreachable!("this hash takes a key of any length")
    };
    mac.update(member.as_str().as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// A name that says nothing and belongs into a bucket, as every name does: made of something random.
pub(crate) fn pseudonym(pipeline: &PipelineName, bucket: i16, random: &str) -> String {
    let mut n = 0_u32;
    loop {
        let digest = Sha256::digest(format!("{random} {n}"));
        let name = format!("{NAMELESS}{}", hex(&digest[..16]));
        // A thousand tries, more or less.
        if MemberId::parse(&name).is_ok_and(|name| rows::bucket(pipeline, &name) == bucket) {
            return name;
        }
        n += 1;
    }
}

/// One row if anybody was ever erased: the key, and nobody's bucket and number.
pub(crate) const FIND: &str = "select e.key, m.bucket, m.number from erasure e
    join member m on m.pipeline = e.pipeline and m.bucket = e.bucket and m.external_id = e.nobody where e.pipeline = $1";

/// What is forgotten of a member, in this order; arguments are the pipeline, their bucket and their number.
pub(crate) const FORGET: [&str; 5] = [
    "delete from purchase where pipeline = $1 and bucket = $2 and member = $3",
    "delete from parked where pipeline = $1 and bucket = $2 and member = $3",
    "delete from qualifying where pipeline = $1 and bucket = $2 and member = $3",
    "delete from tier_history where pipeline = $1 and bucket = $2 and member = $3",
    // What they owed is owed no longer: of what their refunds were to take, the rest is waived.
    "update award set taken = taken - x.part, waived = waived + x.part from (
        select w.entry, w.n, case when w.earlier >= w.excess then 0
            when w.earlier + w.taken <= w.excess then w.taken else w.excess - w.earlier end as part
        from (
            select a.entry, a.n, a.taken, o.excess, coalesce(sum(a.taken) over (partition by a.order_id, a.wallet
                order by a.entry, a.n rows between unbounded preceding and 1 preceding), 0) as earlier
            from award a join (
                select y.order_id, y.wallet, sum(y.amount) as excess from (
                    select order_id, wallet, taken as amount from award
                        where pipeline = $1 and bucket = $2 and member = $3 and order_id is not null
                    union all select order_id, wallet, -amount from allocation
                        where pipeline = $1 and bucket = $2 and member = $3 and order_id is not null
                ) y group by y.order_id, y.wallet having sum(y.amount) > 0
            ) o on o.order_id = a.order_id and o.wallet = a.wallet
            where a.pipeline = $1 and a.bucket = $2 and a.member = $3
        ) w
     ) x where pipeline = $1 and bucket = $2 and member = $3 and award.entry = x.entry and award.n = x.n and x.part > 0",
];

/// The arithmetic of what they were awarded; `$4` says nothing.
pub(crate) const FORGET_INPUTS: &str =
    "update award set inputs = $4, counts_on = null where pipeline = $1 and bucket = $2 and member = $3";

/// What they did and what was published of it, but for the words of this last batch (`$4`); the hash would say who they were.
pub(crate) const FORGET_EVENTS: &str =
    "update inbox set outcome = case when outcome = 'Parked' then 'Erased' else outcome end, hash = $5,
     results = case when batch = $4 then results end where pipeline = $1 and bucket = $2 and member = $3";

/// Inputs of an award that say nothing.
pub(crate) fn no_inputs() -> Result<String, LedgerError> {
    serde_json::to_string(&AwardInputs::fixed(Decimal::ZERO))
        .map_err(|e| LedgerError::unreadable("what is to be written", e))
}

/// Whether a member of this name was erased.
pub(crate) async fn was_erased(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<bool, LedgerError> {
    let of = [pipeline.as_str().into()];
    let keys = store.ask("select key from erasure where pipeline = $1", &of).await?;
    let Some(row) = keys.first() else { return Ok(false) };
    let hash = tombstone(row.text(0)?, member);
    let args = [pipeline.as_str().into(), hash.as_str().into()];
    let found = store.ask("select hash from tombstone where pipeline = $1 and hash = $2", &args).await?;
    Ok(!found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn what_stays_of_a_name_is_its_keyed_hash() {
        let member = MemberId::parse("what do ya want for nothing?").unwrap();
        let want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(tombstone("Jefe", &member), want);
    }
}
