//! What happened, and why.

use contract::event::Event;
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{EventId, MemberId, PipelineName, RuleName, Source, WalletName};
use jiff::Timestamp;

use super::holds;
use super::merge::{along, merge};
use super::sums::{Scales, find_member, four, lots};
use super::transfer::transfer;
use super::{AllocationReport, AwardReport, EntryReport, EventReport, PostingReport};
use crate::book::Outcome;
use crate::carry::{CARRIED_KIND, carried_forward};
use crate::error::LedgerError;
use crate::sql::{Arg, Row, Sql};
use crate::store::BatchId;
use crate::stored;
use crate::timeline;

pub(crate) async fn explain_event(
    store: &dyn Sql,
    pipeline: &PipelineName,
    id: &EventId,
    source: Option<&Source>,
) -> Result<Vec<EventReport>, LedgerError> {
    let sql = format!(
        "select i.source, i.event_id, m.external_id, cast(micros(i.occurred_at) as text),
         cast(micros(i.recorded_at) as text), i.ruleset, i.outcome, i.results, cast(i.batch as text),
         cast(micros(b.published_at) as text), cast(i.entry as text), cast(i.bucket as text), cast(i.member as text),
         cast(micros(m.erased_at) as text)
         from inbox i
         join member m on m.pipeline = i.pipeline and m.bucket = i.bucket and m.number = i.member
         left join batch b on b.id = i.batch
         where i.pipeline = $1 and i.event_id = $2 {} order by i.source",
        if source.is_some() { "and i.source = $3" } else { "" }
    );
    let mut args: Vec<Arg> = vec![pipeline.as_str().into(), id.as_str().into()];
    args.extend(source.map(|source| Arg::from(source.as_str())));
    let scales = Scales::load(store, pipeline).await?;
    let mut reports = Vec::new();
    for row in store.ask(&sql, &args).await? {
        reports.push(event_report(store, &scales, pipeline, &row).await?);
    }
    Ok(reports)
}

async fn event_report(
    store: &dyn Sql,
    scales: &Scales,
    pipeline: &PipelineName,
    row: &Row,
) -> Result<EventReport, LedgerError> {
    let key = [pipeline.as_str().into(), row.int(11)?.into(), row.int(12)?.into()];
    let (source, id): (Source, EventId) = (row.id(0)?, row.id(1)?);
    let entry = match row.maybe(10) {
        Some(_) => {
            // The sums of a member have the number of the last entry in them.
            let which = format!("id = {} and kind <> '{CARRIED_KIND}'", row.int(10)?);
            entries(store, scales, &key, &which).await?.pop()
        }
        None => None,
    };
    let number = row.maybe(10).map(|_| row.int(10)).transpose()?;
    let carried_forward = match number.filter(|_| entry.is_none()) {
        Some(number) => carried(store, pipeline, &key, number).await?,
        None => None,
    };
    let member: MemberId = row.id(2)?;
    let along = along(store, &key).await?;
    let event = stored_event(store, &along, ((&source, &id), entry.as_ref(), number)).await?;
    let event = event.map(|event| Event { member: member.clone(), ..event });
    let mut refunds = Vec::new();
    if let Some(order) = event.as_ref().filter(|event| event.type_name() == "purchase").and_then(Event::order) {
        let mut args = along.clone();
        args.push(order.as_str().into());
        refunds = entries(store, scales, &args, "order_id = $4 and kind in ('Clawback', 'GiveBack')").await?;
        refunds.reverse();
    }
    let about = entry.as_ref().and_then(|entry| Some((entry.id, entry.hold.clone()?)));
    let (mut hold, mut of_hold) = (None, Vec::new());
    if let Some((own, name)) = about {
        hold = holds::hold(store, scales, &along, &name).await?;
        let args = [&along[..], &[name.as_str().into()]].concat();
        of_hold = entries(store, scales, &args, "hold_id = $4").await?;
        of_hold.retain(|entry| entry.id != own);
        of_hold.reverse();
    }
    let transfer = transfer(store, scales, pipeline, (&source, &id)).await?;
    let merge = merge(store, pipeline, (&source, &id)).await?;
    let outcome = row.text(6)?;
    let outcome = Outcome::parse(outcome)
        .ok_or_else(|| LedgerError::unreadable("inbox.outcome", format!("`{outcome}` is not known")))?;
    let results = row.maybe(7).map(|text| stored::results("inbox.results", text, &member)).transpose()?;
    Ok(EventReport {
        source,
        id,
        member,
        erased: row.maybe(13).is_some(),
        occurred_at: row.time(3)?,
        recorded_at: row.time(4)?,
        ruleset: RulesetHash(row.text(5)?.to_owned()),
        outcome,
        results: stored::merged(results.unwrap_or_default(), merge.as_ref().map(|merge| &merge.into)),
        batch: BatchId(row.int(8)?).0,
        published: row.maybe(9).is_some(),
        event,
        entry,
        carried_forward,
        refunds,
        hold,
        of_hold,
        transfer,
        merge,
    })
}

/// Until when all is carried forward, where the entry of this number is.
async fn carried(
    store: &dyn Sql,
    pipeline: &PipelineName,
    key: &[Arg; 3],
    number: i64,
) -> Result<Option<Timestamp>, LedgerError> {
    let sql = format!(
        "select cast(id as text) from entry where pipeline = $1 and bucket = $2 and member = $3 and id >= $4
         and kind = '{CARRIED_KIND}' and from_member is null"
    );
    if store.ask(&sql, &[&key[..], &[number.into()]].concat()).await?.is_empty() {
        return Ok(None);
    }
    Ok(carried_forward(store, pipeline).await?.map(|carried| carried.recorded_before))
}

/// Purchases and what waits for one are kept whole; of other events the results tell what there is to know. A purchase is kept by its order,
/// which its entry names, or with the number of an entry that is carried forward; one that earned nothing has no entry, and is looked for among its
/// like.
async fn stored_event(
    store: &dyn Sql,
    key: &[Arg],
    (identity, entry, number): ((&Source, &EventId), Option<&EntryReport>, Option<i64>),
) -> Result<Option<Event>, LedgerError> {
    let (source, id) = identity;
    let places: Vec<(&str, Vec<Arg>)> = match entry.map(|entry| &entry.order) {
        Some(Some(order)) => vec![("purchase where order_id = $4", vec![order.as_str().into()])],
        Some(None) => Vec::new(),
        None => {
            let waits =
                ("parked where source = $4 and event_id = $5", vec![source.as_str().into(), id.as_str().into()]);
            let of_it = number.map_or(("purchase where entry is null", Vec::new()), |number| {
                ("purchase where entry = $4", vec![number.into()])
            });
            vec![waits, of_it]
        }
    };
    for (place, args) in places {
        let sql = format!("select event from {place} and pipeline = $1 and bucket = $2 and member = $3");
        for row in store.ask(&sql, &[key, &args[..]].concat()).await? {
            let event: Event = row.json(0)?;
            if event.source == *source && event.id == *id {
                return Ok(Some(event));
            }
        }
    }
    Ok(None)
}

pub(crate) async fn explain_member(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
    limit: usize,
) -> Result<Vec<EntryReport>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(Vec::new()) };
    let scales = Scales::load(store, pipeline).await?;
    let key: [Arg; 3] = [pipeline.as_str().into(), bucket.into(), number.into()];
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let latest = format!(
        "id in (select id from entry where pipeline = $1 and bucket = $2 and member = $3 and from_member is null order by id desc limit {limit})"
    );
    entries(store, &scales, &key, &latest).await
}

/// A member's entries that fit a condition, newest first, with all that hangs on them.
async fn entries(store: &dyn Sql, scales: &Scales, key: &[Arg], which: &str) -> Result<Vec<EntryReport>, LedgerError> {
    let sql = format!(
        "select cast(id as text), kind, source, event_id, order_id, cast(micros(effective_at) as text),
         cast(micros(recorded_at) as text), ruleset, hold_id, cast(coalesce(from_bucket, bucket) as text),
         cast(coalesce(from_member, member) as text) from entry e
         where pipeline = $1 and bucket = $2 and member = $3 and {which} order by e.id desc"
    );
    let mut reports = Vec::new();
    let along = along(store, &key[..3]).await?;
    for row in store.ask(&sql, key).await? {
        let id = row.int(0)?;
        let ruleset = RulesetHash(row.text(7)?.to_owned());
        // Postings stay; everything else goes along with a merge.
        let own = [key[0].clone(), row.int(9)?.into(), row.int(10)?.into()];
        let parts = Parts { store, scales, own: &own, along: &along, entry: id };
        // Awards and lots of the last entry that it sums are not its own.
        let is_whole = row.text(1)? != CARRIED_KIND;
        reports.push(EntryReport {
            id,
            kind: row.text(1)?.to_owned(),
            source: row.id(2)?,
            event: row.id(3)?,
            order: row.maybe(4).map(|_| row.id(4)).transpose()?,
            hold: row.maybe(8).map(|_| row.id(8)).transpose()?,
            effective_at: row.time(5)?,
            recorded_at: row.time(6)?,
            postings: parts.postings().await?,
            awards: if is_whole { parts.awards(&ruleset).await? } else { Vec::new() },
            lots: lots(store, scales, &along, &format!("{is_whole} and entry = {id}")).await?,
            allocations: parts.allocations().await?,
            ruleset,
        });
    }
    Ok(reports)
}

/// What hangs on one entry.
struct Parts<'a> {
    store: &'a dyn Sql,
    scales: &'a Scales,
    own: &'a [Arg],
    along: &'a [Arg],
    entry: i64,
}

impl Parts<'_> {
    async fn rows(&self, columns: &str, table: &str, key: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        let sql = format!(
            "select {columns} from {table}
             where pipeline = $1 and bucket = $2 and member = $3 and entry = {} order by n",
            self.entry
        );
        self.store.ask(&sql, key).await
    }

    async fn postings(&self) -> Result<Vec<PostingReport>, LedgerError> {
        let read = |row: &Row| {
            let wallet: WalletName = row.id(1)?;
            let amount = self.scales.points(&wallet, row, 2)?;
            Ok(PostingReport { account: row.text(0)?.to_owned(), wallet, amount })
        };
        self.rows("account, wallet, cast(amount as text)", "posting", self.own).await?.iter().map(read).collect()
    }

    async fn allocations(&self) -> Result<Vec<AllocationReport>, LedgerError> {
        let read = |row: &Row| {
            let wallet: WalletName = row.id(0)?;
            let amount = self.scales.points(&wallet, row, 2)?;
            Ok(AllocationReport { wallet, lot: row.int(1)?, amount })
        };
        self.rows("wallet, cast(lot as text), cast(amount as text)", "allocation", self.along)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    async fn awards(&self, ruleset: &RulesetHash) -> Result<Vec<AwardReport>, LedgerError> {
        let columns = "rule, wallet, cast(awarded as text), cast(due as text), cast(taken as text),
                       cast(waived as text), cast(lot as text), inputs";
        let rows = self.rows(columns, "award", self.along).await?;
        let rules = if rows.is_empty() { None } else { timeline::ruleset(self.store, ruleset).await? };
        let read = |row: &Row| {
            let (rule, wallet): (RuleName, WalletName) = (row.id(0)?, row.id(1)?);
            let [awarded, due, taken, waived] = four(self.scales, &wallet, row, 2)?;
            let spec = rules.as_ref().and_then(|rules: &Ruleset| rules.rules.iter().find(|known| known.name == rule));
            let (spec, lot, inputs) = (spec.cloned(), row.int(6)?, row.json(7)?);
            Ok(AwardReport { rule, wallet, awarded, due, taken, waived, lot, inputs, spec })
        };
        rows.iter().map(read).collect()
    }
}
