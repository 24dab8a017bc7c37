//! Rule sets and when they hold. Append-only; two who append at the same time are put in a row by the key of a line.

use std::collections::BTreeMap;

use contract::program::{Budget, Rule, Wallet};
use contract::ruleset::{Ruleset, RulesetHash, TimelineLine};
use contract::{PipelineName, TierName};

use crate::error::LedgerError;
use crate::sql::{self, Arg, Row, Sql};
use crate::store::{Appended, Since};

/// How often somebody else may append first before we say that the store is not well.
const APPEND_TRIES: u32 = 100;

const LINE: &str = "cast(seq as text), cast(micros(valid_from) as text), hash, author";

pub(crate) async fn lines(store: &dyn Sql, pipeline: &PipelineName) -> Result<Vec<TimelineLine>, LedgerError> {
    let sql = format!("select {LINE} from timeline t where pipeline = $1 order by t.seq");
    store.ask(&sql, &[pipeline.as_str().into()]).await?.iter().map(line).collect()
}

fn line(row: &Row) -> Result<TimelineLine, LedgerError> {
    Ok(TimelineLine {
        seq: row.int(0)?,
        valid_from: row.maybe_time(1)?,
        hash: RulesetHash(row.text(2)?.to_owned()),
        author: row.text(3)?.to_owned(),
    })
}

pub(crate) async fn ruleset(store: &dyn Sql, hash: &RulesetHash) -> Result<Option<Ruleset>, LedgerError> {
    let rows = store.ask("select spec from ruleset where hash = $1", &[hash.0.as_str().into()]).await?;
    rows.first().map(|row| row.json(0)).transpose()
}

pub(crate) async fn append(
    store: &dyn Sql,
    pipeline: &PipelineName,
    ruleset: &Ruleset,
    since: &Since,
) -> Result<Appended, LedgerError> {
    let hash = ruleset.hash();
    // Stores keep microseconds: what is finer would differ from itself when it is applied again.
    let valid_from = since.valid_from.map(|at| sql::time(at.as_microsecond())).transpose()?;
    let since = &Since { valid_from, author: since.author.clone() };
    store
        .tell(
            "insert into ruleset (hash, spec) values ($1, $2) on conflict (hash) do nothing",
            &[hash.0.as_str().into(), ruleset.to_json().as_str().into()],
        )
        .await?;
    for _ in 0..APPEND_TRIES {
        let known = lines(store, pipeline).await?;
        if let Some(last) = known.last()
            && last.hash == hash
            && (since.valid_from.is_none() || since.valid_from == last.valid_from || known.len() == 1)
        {
            return Ok(Appended::Unchanged(last.clone()));
        }
        compatible(store, &known, ruleset).await?;
        let seq = known.last().map_or(1, |last| last.seq.saturating_add(1));
        if let Some(line) = insert(store, pipeline, &hash, (seq, since)).await? {
            return Ok(Appended::Added(line));
        }
    }
    Err(LedgerError::Incompatible { detail: "others append without pause; see who does, and try again".to_owned() })
}

/// `None`: somebody else was faster.
async fn insert(
    store: &dyn Sql,
    pipeline: &PipelineName,
    hash: &RulesetHash,
    (seq, since): (i64, &Since),
) -> Result<Option<TimelineLine>, LedgerError> {
    let start = match (seq, since.valid_from) {
        (1, _) => "null".to_owned(),
        (_, None) => "now()".to_owned(),
        (_, Some(at)) => format!("at_micros({})", at.as_microsecond()),
    };
    let sql = format!(
        "insert into timeline (pipeline, seq, valid_from, hash, author, recorded_at)
         values ($1, $2, {start}, $3, $4, now()) on conflict (pipeline, seq) do nothing returning {LINE}"
    );
    let args: [Arg; 4] = [pipeline.as_str().into(), seq.into(), hash.0.as_str().into(), since.author.as_str().into()];
    store.tell(&sql, &args).await?.first().map(line).transpose()
}

/// A wallet that was ever used stays, with its scale, and a budget with its wallet; points would otherwise change their value or lose their name.
async fn compatible(store: &dyn Sql, known: &[TimelineLine], ruleset: &Ruleset) -> Result<(), LedgerError> {
    let wallets: BTreeMap<_, _> = ruleset.program.wallets.iter().map(|wallet| (&wallet.name, wallet)).collect();
    let mut seen = std::collections::BTreeSet::new();
    for line in known.iter().filter(|line| seen.insert(&line.hash)) {
        let Some(earlier) = self::ruleset(store, &line.hash).await? else { continue };
        if earlier.currency() != ruleset.currency() {
            let detail = format!(
                "`program.currency` is {}, but an earlier version was {}; make another pipeline for another currency",
                ruleset.currency(),
                earlier.currency()
            );
            return Err(LedgerError::Incompatible { detail });
        }
        for wallet in &earlier.program.wallets {
            wallet_stays(wallet, wallets.get(&wallet.name).copied())?;
        }
        tiers_stay(&earlier, ruleset)?;
        sums_stay(&earlier, ruleset)?;
        for budget in &earlier.program.budgets {
            budget_stays(budget, &ruleset.program.budgets)?;
        }
    }
    Ok(())
}

/// What was given of a budget is counted in points of its wallet.
fn budget_stays(earlier: &Budget, now: &[Budget]) -> Result<(), LedgerError> {
    let Budget { name, wallet, .. } = earlier;
    match now.iter().find(|budget| budget.name == *name && budget.wallet != *wallet) {
        None => Ok(()),
        Some(now) => {
            let detail = format!(
                "budget `{name}` is of wallet `{}`, but an earlier version's was of `{wallet}`; keep its wallet, or add another budget",
                now.wallet
            );
            Err(LedgerError::Incompatible { detail })
        }
    }
}

/// What is counted over several events is of one type of them, and none that may wait for its purchase: by the version that decides it then, nobody
/// knows its sums.
fn sums_stay(earlier: &Ruleset, now: &Ruleset) -> Result<(), LedgerError> {
    fn counting(ruleset: &Ruleset) -> impl Iterator<Item = &Rule> {
        ruleset.rules.iter().filter(|rule| rule.earn.as_ref().is_some_and(|earn| earn.over.is_some()))
    }
    for rule in counting(now) {
        let other = counting(earlier).find(|was| was.name == rule.name && was.on != rule.on);
        if let Some(was) = other {
            let detail = format!(
                "rule `{}` counts `{}` over several events, but that of an earlier version counted `{}`; give it another name",
                rule.name, rule.on, was.on
            );
            return Err(LedgerError::Incompatible { detail });
        }
    }
    for (counted, waiting) in [(now, earlier), (earlier, now)] {
        let awaited = waiting.awaited();
        if let Some(rule) = counting(counted).find(|rule| awaited.contains(&rule.on)) {
            let detail = format!(
                "rule `{}` counts `{}` over several events, and by another version points wait for that (`pending.until`); name another activity",
                rule.name, rule.on
            );
            return Err(LedgerError::Incompatible { detail });
        }
    }
    Ok(())
}

/// Members have the levels, and what counted is points of the one wallet.
fn tiers_stay(earlier: &Ruleset, now: &Ruleset) -> Result<(), LedgerError> {
    let Some(tiers) = &earlier.program.tiers else { return Ok(()) };
    let is_there = |level: &TierName| now.program.tiers.as_ref().is_some_and(|now| now.height(level).is_some());
    if let Some(missing) = tiers.levels.iter().map(|level| &level.name).find(|level| !is_there(level)) {
        let detail = format!(
            "level `{missing}` of an earlier version is missing in `program.tiers.levels`; keep it, its members have it, and make it harder to reach"
        );
        return Err(LedgerError::Incompatible { detail });
    }
    let [was, is] = [earlier, now].map(|ruleset| ruleset.qualifying().map(|wallet| &wallet.name));
    match (was, is) {
        (Some(was), Some(is)) if was != is => {
            let detail = format!(
                "tiers count points of wallet `{is}`, but those of an earlier version counted `{was}`; say `program.tiers.points: {{ wallet: {was} }}`"
            );
            Err(LedgerError::Incompatible { detail })
        }
        _ => Ok(()),
    }
}

fn wallet_stays(earlier: &Wallet, now: Option<&Wallet>) -> Result<(), LedgerError> {
    let name = &earlier.name;
    let was = earlier.scale.digits();
    let detail = match now.map(|wallet| wallet.scale.digits()) {
        Some(is) if is == was => return Ok(()),
        Some(is) => format!(
            "wallet `{name}` has `scale: {is}`, but an earlier version had {was}; a used wallet keeps its scale, add another wallet"
        ),
        None => format!(
            "wallet `{name}` of an earlier version is missing in `program.wallets`; keep it, its members have points"
        ),
    };
    Err(LedgerError::Incompatible { detail })
}
