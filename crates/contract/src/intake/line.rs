//! A line of a purchase: from fields as they came.

use serde_json::value::RawValue;

use super::clip;
use super::fields::{bad, missing, money, plain, quantity};
use super::json::RawLine;
use crate::event::Line;
use crate::{BuryReason, Currency, Money, Quantity, Refusal};

/// An order without lines is one line of its own amount.
pub(super) fn whole_order(amount: Money) -> Result<Line, Refusal> {
    let quantity = Quantity::parse("1").map_err(|e| bad("quantity", e))?;
    Ok(Line::plain("1", quantity, amount))
}

pub(super) fn line(n: usize, raw: &RawLine<'_>, currency: Currency) -> Result<Line, Refusal> {
    let field = |name: &str| format!("lines[{n}].{name}");
    let text = |name: &str, text: &Option<String>| text.as_deref().map(|t| plain(&field(name), t)).transpose();
    let amount = money(&field("amount"), raw.amount.ok_or_else(|| missing(&field("amount")))?, currency)?;
    let quantity = match raw.quantity {
        Some(raw) => quantity(&field("quantity"), raw)?,
        None => Quantity::parse("1").map_err(|e| bad("quantity", e))?,
    };
    let part = |name: &str, raw: Option<&RawValue>| {
        let part = raw.map(|raw| money(&field(name), raw, currency)).transpose()?;
        // Nought says nothing: the line is the one that does not name it.
        Ok(part.filter(|part| part.minor > 0))
    };
    let (discount, tax) = (part("discount", raw.discount)?, part("tax", raw.tax)?);
    within(amount, (&field("discount"), discount), (&field("tax"), tax))?;
    let labels = raw.labels.iter().map(|label| plain(&field("labels"), label)).collect::<Result<_, _>>()?;
    Ok(Line {
        id: text("line", &raw.line)?.unwrap_or_else(|| (n + 1).to_string()),
        sku: text("sku", &raw.sku)?,
        quantity,
        amount,
        discount,
        tax,
        is_delivery: raw.is_delivery.map(|raw| yes_or_no(&field("isDelivery"), raw)).transpose()?.unwrap_or(false),
        category: text("category", &raw.category)?,
        brand: text("brand", &raw.brand)?,
        labels,
    })
}

/// Tax is a part of what was paid, and what was taken off a part of the price.
fn within(
    amount: Money,
    (of_discount, discount): (&str, Option<Money>),
    (of_tax, tax): (&str, Option<Money>),
) -> Result<(), Refusal> {
    if let Some(tax) = tax.filter(|tax| tax.minor > amount.minor) {
        return Err(bad(of_tax, format!("is {tax}, more than the line's `amount` ({amount}), of which it is a part")));
    }
    match discount.map_or(Some(0), |discount| amount.minor.checked_add(discount.minor)) {
        Some(_) => Ok(()),
        None => Err(bad(of_discount, "and the line's `amount` add up to more than an amount can hold")),
    }
}

fn yes_or_no(field: &str, raw: &RawValue) -> Result<bool, Refusal> {
    let wrong = |_| Refusal::new(BuryReason::WrongType, format!("`{field}` has a wrong type; write `true` or `false`"));
    serde_json::from_str(raw.get()).map_err(wrong)
}

pub(super) fn unique(lines: &[Line]) -> Result<(), Refusal> {
    let mut ids: Vec<&str> = lines.iter().map(|line| line.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(bad("lines", format!("has two lines called `{}`; name each `line` once", clip(pair[0])))),
        None => Ok(()),
    }
}
