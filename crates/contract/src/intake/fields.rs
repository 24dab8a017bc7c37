//! From fields as they came to a typed event: each field is looked at once, in the order in which a person would.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{self, Raw, RawLine};
use super::{LINES_MAX, adjust, clip, hold, line, merge, promote, transfer};
use crate::event::{
    DUE_SOURCE, Event, Kind, LineRef, MERGE_SOURCE, OfOrder, Purchase, Redeem, Refund, RefundLine, TRANSFER_SOURCE,
    Word,
};
use crate::id::IdError;
use crate::money::MoneyError;
use crate::{BuryReason, Currency, EventType, Money, Quantity, Refusal, WalletName};

/// What an event means where it says nothing.
pub(super) struct Defaults<'a> {
    pub(super) currency: Currency,
    pub(super) source: &'a str,
}

/// Longest free text (channel, sku, reason, ...) in bytes; it is stored with the order.
const TEXT_BYTES_MAX: usize = 255;

pub(super) fn missing(field: &str) -> Refusal {
    Refusal::new(BuryReason::MissingField, format!("`{field}` is missing"))
}

pub(super) fn bad(field: &str, problem: impl std::fmt::Display) -> Refusal {
    Refusal::new(BuryReason::BadValue, format!("`{field}` {problem}"))
}

pub(super) fn event(raw: &Raw<'_>, kind: EventType, defaults: &Defaults<'_>) -> Result<Event, Refusal> {
    let id = identity("id", raw.id.as_deref(), crate::EventId::parse)?;
    let source = identity("source", raw.source.as_deref().or(Some(defaults.source)), crate::Source::parse)?;
    let is_ours = [TRANSFER_SOURCE, MERGE_SOURCE].iter().any(|ours| source.as_str().starts_with(ours));
    if is_ours || source.as_str() == DUE_SOURCE {
        return Err(bad("source", format!("is `{source}`, which only the ledger itself uses; name another")));
    }
    let member = identity("member", raw.member.as_deref(), crate::MemberId::parse)?;
    let occurred_at = raw.occurred_at.as_deref().ok_or_else(|| missing("occurredAt"))?;
    let occurred_at = time("occurredAt", occurred_at)?;
    let channel = raw.channel.as_deref().map(|text| plain("channel", text)).transpose()?;
    let currency = currency(raw.currency.as_deref(), defaults.currency)?;
    let data = sorted(raw.data.clone().unwrap_or_default());
    let kind = match kind.as_str() {
        "purchase" => Kind::Purchase(purchase(raw, currency)?),
        "refund" => Kind::Refund(refund(raw, currency)?),
        "redeem" => Kind::Redeem(redeem(raw)?),
        "hold" => Kind::Hold(hold::hold(raw, occurred_at)?),
        "capture" => Kind::Capture(hold::capture(raw)?),
        "release" => Kind::Release(hold::release(raw)?),
        "adjust" => Kind::Adjust(adjust::adjust(raw, occurred_at)?),
        "reinstate" => Kind::Reinstate(adjust::reinstate(raw, occurred_at)?),
        "transfer" => Kind::Transfer(transfer::transfer(raw, (&source, &id), &member)?),
        "promote" => Kind::Promote(promote::promote(raw, occurred_at)?),
        "freeze" => Kind::Freeze(word(raw)?),
        "unfreeze" => Kind::Unfreeze(word(raw)?),
        "erase" => Kind::Erase(word(raw)?),
        "merge" => Kind::Merge(merge::merge(raw, (&source, &id), &member)?),
        "signup" => Kind::Signup,
        _ => match raw.order.as_deref() {
            Some(order) => {
                Kind::OfOrder(OfOrder { name: kind, order: identity("order", Some(order), crate::OrderId::parse)? })
            }
            None => Kind::Custom(kind),
        },
    };
    Ok(Event { source, id, occurred_at, member, channel, data, kind })
}

pub(super) fn identity<T>(
    field: &str,
    text: Option<&str>,
    parse: fn(&str) -> Result<T, IdError>,
) -> Result<T, Refusal> {
    parse(text.ok_or_else(|| missing(field))?).map_err(|e| bad(field, e))
}

pub(super) fn plain(field: &str, text: &str) -> Result<String, Refusal> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(bad(field, format!("is {} bytes long; at most {TEXT_BYTES_MAX} are allowed", text.len())));
    }
    if text.contains('\0') {
        return Err(bad(field, "contains a NUL character; remove it"));
    }
    Ok(text.to_owned())
}

pub(super) fn time(field: &str, text: &str) -> Result<Timestamp, Refusal> {
    let instant: Timestamp = text.parse().map_err(|_| {
        bad(field, format!("is `{}`; write RFC 3339 with an offset, such as `2026-01-31T12:00:00Z`", clip(text)))
    })?;
    if instant < Timestamp::from_second(YEAR_ONE_SECOND).unwrap_or(Timestamp::MIN) {
        return Err(bad(field, format!("is `{}`, before the year 1", clip(text))));
    }
    // The stores keep microseconds; a finer time would not be the same after it was read back.
    Timestamp::from_microsecond(instant.as_microsecond()).map_err(|e| bad(field, e))
}

/// 0001-01-01T00:00:00Z: PostgreSQL's calendar does not reach as far back as ours.
const YEAR_ONE_SECOND: i64 = -62_135_596_800;

fn currency(named: Option<&str>, programme: Currency) -> Result<Currency, Refusal> {
    let Some(named) = named else {
        return Ok(programme);
    };
    let currency = Currency::parse(named).map_err(|e| bad("currency", e))?;
    if currency == programme {
        return Ok(currency);
    }
    let detail = format!("`currency` is {currency}; the programme's is {programme}");
    Err(Refusal::new(BuryReason::ForeignCurrency, detail))
}

/// The text of a JSON number or string; anything else is of a wrong type.
pub(super) fn number<'a>(field: &str, raw: &'a RawValue) -> Result<&'a str, Refusal> {
    let text = raw.get().trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if text.starts_with(['{', '[', 't', 'f', 'n']) {
        let detail = format!("`{field}` has a wrong type; write a decimal string such as \"12.50\"");
        return Err(Refusal::new(BuryReason::WrongType, detail));
    }
    Ok(inner)
}

pub(super) fn money(field: &str, raw: &RawValue, currency: Currency) -> Result<Money, Refusal> {
    let money = Money::parse(number(field, raw)?, currency).map_err(|e: MoneyError| bad(field, e))?;
    if money.minor < 0 {
        let detail = format!("`{field}` is below nought; send a `refund` to give money back");
        return Err(Refusal::new(BuryReason::NegativeAmount, detail));
    }
    Ok(money)
}

pub(super) fn quantity(field: &str, raw: &RawValue) -> Result<Quantity, Refusal> {
    let text = number(field, raw)?;
    if text.starts_with('-') {
        return Err(Refusal::new(BuryReason::NegativeAmount, format!("`{field}` is below nought")));
    }
    let quantity = Quantity::parse(text).map_err(|e| bad(field, format!("is wrong: {e}")))?;
    if quantity.is_zero() {
        return Err(bad(field, "is nought; leave the line out"));
    }
    // `1` and `1.0` are the same content, whatever library wrote them.
    Ok(quantity.normalized())
}

fn too_many(lines: usize) -> Result<(), Refusal> {
    if lines > LINES_MAX {
        return Err(bad("lines", format!("has {lines} entries; at most {LINES_MAX} are allowed")));
    }
    Ok(())
}

fn purchase(raw: &Raw<'_>, currency: Currency) -> Result<Purchase, Refusal> {
    let order = identity("order", raw.order.as_deref(), crate::OrderId::parse)?;
    let named = raw.amount.map(|amount| money("amount", amount, currency)).transpose()?;
    let raw_lines = raw.lines.as_deref().unwrap_or_default();
    too_many(raw_lines.len())?;
    let mut lines = Vec::with_capacity(raw_lines.len().max(1));
    for (n, raw_line) in raw_lines.iter().enumerate() {
        lines.push(line::line(n, &raw_line_of(n, raw_line)?, currency)?);
    }
    if lines.is_empty() {
        let amount = named.ok_or_else(|| missing("amount"))?;
        lines.push(line::whole_order(amount)?);
    }
    line::unique(&lines)?;
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount.minor));
    let sum = sum.ok_or_else(|| bad("lines", "add up to more than an amount can hold"))?;
    let amount = Money { minor: sum, currency };
    match named {
        Some(named) if named != amount => Err(bad(
            "amount",
            format!(
                "is {named}, but the lines add up to {amount}; a line's `amount` is what was paid for it, after discounts"
            ),
        )),
        _ => Ok(Purchase { order, amount, lines }),
    }
}

fn raw_line_of(n: usize, raw: &RawValue) -> Result<RawLine<'_>, Refusal> {
    json::read(raw.get().as_bytes(), &format!("lines[{n}]."))
}

fn refund(raw: &Raw<'_>, currency: Currency) -> Result<Refund, Refusal> {
    let order = identity("order", raw.order.as_deref(), crate::OrderId::parse)?;
    let amount = raw.amount.map(|amount| money("amount", amount, currency)).transpose()?;
    let raw_lines = raw.lines.as_deref().unwrap_or_default();
    too_many(raw_lines.len())?;
    let mut lines = Vec::with_capacity(raw_lines.len());
    for (n, raw_line) in raw_lines.iter().enumerate() {
        lines.push(refund_line(n, &raw_line_of(n, raw_line)?, currency)?);
    }
    match (amount, lines.is_empty()) {
        // A total beside lines says the same money twice; the lines are the finer word, and must agree.
        (Some(total), false) => {
            agree(total, &lines)?;
            Ok(Refund { order, lines, amount: None })
        }
        _ => Ok(Refund { order, lines, amount }),
    }
}

fn agree(total: Money, lines: &[RefundLine]) -> Result<(), Refusal> {
    let amounts: Option<Vec<i64>> = lines.iter().map(|line| line.amount.map(|amount| amount.minor)).collect();
    let sum = amounts.and_then(|all| all.into_iter().try_fold(0_i64, i64::checked_add));
    if sum == Some(total.minor) {
        return Ok(());
    }
    Err(bad("amount", "is not the sum of the lines' amounts; name an `amount` on each line, or leave it out here"))
}

fn refund_line(n: usize, raw: &RawLine<'_>, currency: Currency) -> Result<RefundLine, Refusal> {
    let field = |name: &str| format!("lines[{n}].{name}");
    let line = match (&raw.line, &raw.sku) {
        (Some(id), _) => LineRef::Id(plain(&field("line"), id)?),
        (None, Some(sku)) => LineRef::Sku(plain(&field("sku"), sku)?),
        (None, None) => return Err(missing(&field("line"))),
    };
    Ok(RefundLine {
        line,
        quantity: raw.quantity.map(|raw| quantity(&field("quantity"), raw)).transpose()?,
        amount: raw.amount.map(|raw| money(&field("amount"), raw, currency)).transpose()?,
    })
}

pub(super) fn wallet(raw: &Raw<'_>) -> Result<Option<WalletName>, Refusal> {
    raw.wallet.as_deref().map(|name| WalletName::parse(name).map_err(|e| bad("wallet", e))).transpose()
}

fn redeem(raw: &Raw<'_>) -> Result<Redeem, Refusal> {
    let points = quantity("points", raw.points.ok_or_else(|| missing("points"))?)?;
    Ok(Redeem { wallet: wallet(raw)?, points, order: order(raw)? })
}

/// The order that points pay for, if it is named.
pub(super) fn order(raw: &Raw<'_>) -> Result<Option<crate::OrderId>, Refusal> {
    raw.order.as_deref().map(|order| identity("order", Some(order), crate::OrderId::parse)).transpose()
}

/// Why, and who says so.
pub(super) fn word(raw: &Raw<'_>) -> Result<Word, Refusal> {
    let said = |field: &str, text: &Option<String>| match text.as_deref().map(str::trim) {
        None | Some("") => Err(missing(field)),
        Some(text) => plain(field, text),
    };
    Ok(Word { reason: said("reason", &raw.reason)?, author: said("author", &raw.author)? })
}

/// Object keys in order on every level, whatever order the producer or a JSON library's map keeps: the hash depends on it.
fn sorted(data: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    data.into_iter().map(|(key, value)| (key, sorted_value(value))).collect()
}

fn sorted_value(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<String, Value> = map.into_iter().map(|(k, v)| (k, sorted_value(v))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted_value).collect()),
        other => other,
    }
}
