//! What a programme owes its members: outstanding points, and when they will be gone.
//!
//! Everything is summed from postings, lots and allocations, so that it can be told for any time of the past. The months are of
//! the last moment at which a lot can be spent: what is gone at 00:00 of 1 February expires in January.

use std::collections::BTreeMap;

use contract::{PipelineName, WalletName};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::Reckoning;
use super::sums::Scales;
use crate::carry::carried_forward;
use crate::error::LedgerError;
use crate::sql::{Arg, Sql};

/// Months that are told one by one, the present one first.
pub const MONTHS_AHEAD: usize = 12;

/// As of when.
#[derive(Debug, Clone)]
pub struct LiabilityAsk {
    /// `None`: all that is recorded.
    pub at: Option<Timestamp>,
    /// By which time an entry counts.
    pub by: Reckoning,
    /// Whose months.
    pub zone: TimeZone,
}

/// One wallet: earned + adjusted = outstanding + pending + held - debt + in transit + redeemed + expired + taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletLiability {
    /// Which wallet.
    pub wallet: WalletName,
    /// Spendable.
    pub outstanding: Decimal,
    /// Earned, not yet spendable.
    pub pending: Decimal,
    /// Reserved.
    pub held: Decimal,
    /// How many holds have reserved it.
    pub open_holds: i64,
    /// Owed by members.
    pub debt: Decimal,
    /// On the way from one member to another.
    pub in_transit: Decimal,
    /// Ever earned.
    pub earned: Decimal,
    /// Corrected by people, net.
    pub adjusted: Decimal,
    /// Taken back by refunds, net.
    pub taken_back: Decimal,
    /// Ever spent, net of what was given back.
    pub redeemed: Decimal,
    /// Ever expired, net of what was reinstated.
    pub expired: Decimal,
    /// The share that expired of what expired or was redeemed, from 0 to 1 with four decimals; `None` before anything did.
    pub breakage_share: Option<Decimal>,
    /// What lots hold (outstanding, pending, held), by when it will be gone.
    pub expiring: Vec<Expiring>,
}

/// Points that will be gone together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// When they can be spent for the last time.
    pub until: Until,
    /// How many.
    pub points: Decimal,
}

/// The last time at which points can be spent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// It has passed; the entry that expires them is still to come.
    Passed,
    /// Within a month, `2026-11`.
    Month(String),
    /// After those.
    Later,
    /// They do not expire.
    Never,
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Month(month) => month,
            Self::Later => "later",
            Self::Never => "never",
        })
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// When a lot `l` ends, in microseconds: one that idles does so with its wallet `b`.
const LOT_END: &str = "micros(case when l.idles = true then b.idle_at else l.expires_at end)";

/// The slots of time, each with the last microsecond of `expires_at` that belongs to it.
struct Slots {
    named: Vec<Until>,
    ends: Vec<i64>,
}

impl Slots {
    fn of(at: Timestamp, zone: &TimeZone) -> Result<Self, LedgerError> {
        let far = |e| LedgerError::unreadable("a month", e);
        let first = at.to_zoned(zone.clone()).date().first_of_month();
        let (mut named, mut ends) = (vec![Until::Passed], vec![at.as_microsecond()]);
        let mut month = first;
        for _ in 0..MONTHS_AHEAD {
            let next = month.checked_add(1.month()).map_err(far)?;
            named.push(Until::Month(month.strftime("%Y-%m").to_string()));
            ends.push(next.to_zoned(zone.clone()).map_err(far)?.timestamp().as_microsecond());
            month = next;
        }
        named.extend([Until::Later, Until::Never]);
        Ok(Self { named, ends })
    }

    /// The number of the slot of a lot `l`.
    fn sql(&self) -> String {
        let whens: Vec<String> =
            self.ends.iter().enumerate().map(|(slot, end)| format!("when {LOT_END} <= {end} then {slot}")).collect();
        let later = self.ends.len();
        format!("case when {LOT_END} is null then {} {} else {later} end", later + 1, whens.join(" "))
    }
}

pub(crate) async fn liability(
    store: &dyn Sql,
    pipeline: &PipelineName,
    ask: &LiabilityAsk,
) -> Result<Vec<WalletLiability>, LedgerError> {
    told_of(store, pipeline, ask).await?;
    let scales = Scales::load(store, pipeline).await?;
    let slots = Slots::of(ask.at.unwrap_or_else(Timestamp::now), &ask.zone)?;
    let mut lots = lots(store, pipeline, ask, &slots).await?;
    let holds = super::holds::counts(store, pipeline, ask).await?;
    let mut wallets = Vec::new();
    for (wallet, sums) in accounts(store, pipeline, ask).await? {
        let lots = lots.remove(&wallet).unwrap_or_default();
        let open_holds = holds.get(&wallet).copied().unwrap_or_default();
        wallets.push(WalletLiability { open_holds, ..of_wallet(&scales, wallet, &sums, (&slots, &lots))? });
    }
    // Entries may have become sums between one question and the next.
    told_of(store, pipeline, ask).await?;
    Ok(wallets)
}

/// What entries say that are gone cannot be told for a time within theirs.
async fn told_of(store: &dyn Sql, pipeline: &PipelineName, ask: &LiabilityAsk) -> Result<(), LedgerError> {
    let Some(at) = ask.at else { return Ok(()) };
    let Some(carried) = carried_forward(store, pipeline).await? else { return Ok(()) };
    let from = match ask.by {
        Reckoning::Happened => carried.happened_until,
        Reckoning::Recorded => carried.recorded_before,
    };
    if at < from { Err(LedgerError::CarriedForward { at, from }) } else { Ok(()) }
}

type Sums<K> = BTreeMap<WalletName, BTreeMap<K, i128>>;

/// The part of a query that leaves out what came later: a join to the entry of `x`, and a condition on it.
fn until(ask: &LiabilityAsk, of: &str) -> (String, String) {
    let Some(at) = ask.at else { return (String::new(), String::new()) };
    let join = format!(
        "join entry e on e.pipeline = {of}.pipeline and e.bucket = {of}.bucket and e.member = {of}.member and e.id = {of}.entry"
    );
    (join, format!("and micros(e.{}) <= {}", ask.by.column(), at.as_microsecond()))
}

/// The same for the entry that a lot `l` began with: one that is gone came before all of the times that can be asked for.
fn began(ask: &LiabilityAsk) -> (String, String) {
    let (join, condition) = until(ask, "l");
    let condition = condition.strip_prefix("and ").map_or(String::new(), |is| format!("and (e.id is null or {is})"));
    (if join.is_empty() { join } else { format!("left {join}") }, condition)
}

async fn accounts(store: &dyn Sql, pipeline: &PipelineName, ask: &LiabilityAsk) -> Result<Sums<String>, LedgerError> {
    let (join, condition) = until(ask, "x");
    let sql = format!(
        "select x.wallet, x.account, cast(sum(x.amount) as text) from posting x {join}
         where x.pipeline = $1 {condition} group by x.wallet, x.account"
    );
    let mut sums = Sums::new();
    for row in store.sweep(&sql, &[Arg::from(pipeline.as_str())]).await? {
        sums.entry(row.id(0)?).or_default().insert(row.text(1)?.to_owned(), row.parse(2)?);
    }
    Ok(sums)
}

/// What lots hold, by slot: what they began with, without what left them.
async fn lots(
    store: &dyn Sql,
    pipeline: &PipelineName,
    ask: &LiabilityAsk,
    slots: &Slots,
) -> Result<Sums<usize>, LedgerError> {
    let slot = slots.sql();
    let join_b = "left join balance b on l.idles = true and b.pipeline = l.pipeline and b.bucket = l.bucket
        and b.member = l.member and b.wallet = l.wallet";
    let ((join_l, condition_l), (join_a, condition_a)) = (began(ask), until(ask, "a"));
    let sql = format!(
        "select x.wallet, cast(x.slot as text), cast(sum(x.amount) as text) from (
            select l.wallet, {slot} as slot, l.initial as amount from lot l {join_l} {join_b}
                where l.pipeline = $1 {condition_l}
            union all select a.wallet, {slot} as slot, -a.amount as amount from allocation a {join_a}
                join lot l on l.pipeline = a.pipeline and l.bucket = a.bucket and l.member = a.member
                    and l.wallet = a.wallet and l.sequence = a.lot
                {join_b}
                where a.pipeline = $1 {condition_a}
         ) x group by x.wallet, x.slot"
    );
    let mut sums = Sums::new();
    for row in store.sweep(&sql, &[Arg::from(pipeline.as_str())]).await? {
        sums.entry(row.id(0)?).or_default().insert(row.parse(1)?, row.parse(2)?);
    }
    Ok(sums)
}

fn of_wallet(
    scales: &Scales,
    wallet: WalletName,
    sums: &BTreeMap<String, i128>,
    (slots, lots): (&Slots, &BTreeMap<usize, i128>),
) -> Result<WalletLiability, LedgerError> {
    let units = |account: &str| sums.get(account).copied().unwrap_or_default();
    let points = |units: i128| scales.units(&wallet, units);
    let expiring = slots.named.iter().enumerate().map(|(slot, until)| {
        let held = lots.get(&slot).copied().unwrap_or_default();
        Ok(Expiring { until: until.clone(), points: points(held)? })
    });
    let (redeemed, expired) = (points(units("redeemed"))?, points(units("expired"))?);
    Ok(WalletLiability {
        outstanding: points(units("available"))?,
        pending: points(units("pending"))?,
        held: points(units("held"))?,
        open_holds: 0,
        debt: points(-units("debt"))?,
        in_transit: points(units("transit"))?,
        earned: points(-units("issued"))?,
        adjusted: points(-units("adjusted"))?,
        taken_back: points(units("clawed"))?,
        redeemed,
        expired,
        breakage_share: share(expired, redeemed),
        expiring: expiring.collect::<Result<_, LedgerError>>()?,
        wallet,
    })
}

/// Decimals of a share.
const SHARE_DIGITS: u32 = 4;

fn share(part: Decimal, rest: Decimal) -> Option<Decimal> {
    let whole = part.checked_add(rest).filter(|whole| !whole.is_zero())?;
    Some(part.checked_div(whole)?.round_dp(SHARE_DIGITS).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_belongs_to_the_month_of_its_last_moment_in_the_programmes_zone() {
        let at: Timestamp = "2026-01-31T22:30:00Z".parse().unwrap();
        for (zone, first, end) in
            [("UTC", "2026-01", "2026-02-01T00:00:00Z"), ("Europe/Moscow", "2026-02", "2026-02-28T21:00:00Z")]
        {
            let slots = Slots::of(at, &TimeZone::get(zone).unwrap()).unwrap();
            assert_eq!(slots.named[1], Until::Month(first.to_owned()), "{zone}");
            assert_eq!(slots.ends[1], end.parse::<Timestamp>().unwrap().as_microsecond(), "{zone}");
            assert_eq!((slots.named.len(), slots.ends.len()), (MONTHS_AHEAD + 3, MONTHS_AHEAD + 1));
        }
    }

    #[test]
    fn a_share_is_of_what_expired_or_was_redeemed() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(share(dec("1"), dec("2")), Some(dec("0.3333")));
        assert_eq!(share(dec("0"), dec("2")), Some(dec("0")));
        assert_eq!(share(dec("0"), dec("0")), None);
    }
}
