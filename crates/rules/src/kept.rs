//! What a customer kept of an order, from all that came back: a function of the totals, so that neither the
//! order of the refunds nor how they were split can matter.

use std::cmp::Reverse;

use contract::decision::{Returned, ReturnedLine};
use contract::event::{Line, LineRef, Purchase};
use contract::program::RoundingMode;
use contract::{BuryReason, Money, Quantity, Refusal, Scale};
use rust_decimal::Decimal;

use crate::ratio::Ratio;

/// What came back of one line.
#[derive(Debug, Clone, Copy, Default)]
struct Gone {
    whole: bool,
    /// Pieces that take their share of the line's money along.
    pieces: Decimal,
    /// Pieces whose money was named.
    pieces_priced: Decimal,
    /// Money named, in minor units.
    minor: i64,
}

/// The order as if only what was kept had been bought; `None` when nothing was.
///
/// A line is gone with its last piece, whatever money was named for it; one whose money was all given back
/// but whose pieces were not stays, at nought.
pub(crate) fn kept(purchase: &Purchase, returned: &Returned) -> Result<Option<Purchase>, Refusal> {
    let gone = gone(purchase, returned)?;
    if returned.whole {
        return Ok(None);
    }
    let (mut bought, mut lines) = (Vec::new(), Vec::with_capacity(purchase.lines.len()));
    for (line, gone) in purchase.lines.iter().zip(&gone) {
        if let Some(left) = left(line, gone)? {
            bought.push(line);
            lines.push(left);
        }
    }
    if lines.is_empty() || !spread(&mut lines, returned.amount_minor) {
        return Ok(None);
    }
    for (bought, kept) in bought.into_iter().zip(&mut lines) {
        kept.discount = along(bought.discount, (bought, kept)).ok_or_else(|| too_fine(bought))?;
        kept.tax = along(bought.tax, (bought, kept)).ok_or_else(|| too_fine(bought))?;
    }
    let minor = lines.iter().map(|line| line.amount.minor).sum();
    Ok(Some(Purchase { order: purchase.order.clone(), amount: purchase.amount.with_minor(minor), lines }))
}

/// Returns by line: those that name a line first, then those that name an article, over its lines in order.
fn gone(purchase: &Purchase, returned: &Returned) -> Result<Vec<Gone>, Refusal> {
    let mut gone = vec![Gone::default(); purchase.lines.len()];
    for (name, sum) in &returned.lines {
        if let LineRef::Id(id) = name {
            let at = purchase.lines.iter().position(|line| line.id == *id);
            let at = at.ok_or_else(|| unknown(purchase, &format!("line `{id}`")))?;
            pour(&purchase.lines, &mut gone, &[at], sum)?;
        }
    }
    for (name, sum) in &returned.lines {
        if let LineRef::Sku(sku) = name {
            let of_sku = |at: &usize| purchase.lines[*at].sku.as_ref() == Some(sku);
            let ats: Vec<usize> = (0..purchase.lines.len()).filter(of_sku).collect();
            if ats.is_empty() {
                return Err(unknown(purchase, &format!("article `{sku}`")));
            }
            pour(&purchase.lines, &mut gone, &ats, sum)?;
        }
    }
    Ok(gone)
}

fn unknown(purchase: &Purchase, what: &str) -> Refusal {
    let detail = format!("order `{}` has no {what}; name a line or sku of the purchase", purchase.order);
    Refusal::new(BuryReason::UnknownLine, detail)
}

/// Fills the lines one after the other, each up to what it has; what is more than all of them have is lost.
fn pour(lines: &[Line], gone: &mut [Gone], ats: &[usize], sum: &ReturnedLine) -> Result<(), Refusal> {
    let (mut pieces, mut priced, mut minor) = (sum.quantity, sum.quantity_priced, sum.amount_minor);
    for at in ats {
        let (line, gone) = (&lines[*at], &mut gone[*at]);
        gone.whole |= sum.whole;
        // What came back as a whole has no piece left that an article's refund could mean.
        if gone.whole {
            continue;
        }
        let mut room = line.quantity.get() - gone.pieces - gone.pieces_priced;
        let take = pieces.min(room);
        (gone.pieces, pieces, room) = (gone.pieces + take, pieces - take, room - take);
        let take = priced.min(room);
        (gone.pieces_priced, priced) = (gone.pieces_priced + take, priced - take);
    }
    // Money after all pieces: a piece's share is of the line as it was bought.
    for at in ats {
        let (line, gone) = (&lines[*at], &mut gone[*at]);
        if gone.whole {
            continue;
        }
        let take = minor.min(money_left(line, gone)?);
        (gone.minor, minor) = (gone.minor + take, minor - take);
    }
    Ok(())
}

/// >= 0: shares and named money stop at what the line had.
fn money_left(line: &Line, gone: &Gone) -> Result<i64, Refusal> {
    let share = share(line, gone.pieces).ok_or_else(|| too_fine(line))?;
    Ok((line.amount.minor - share).saturating_sub(gone.minor).max(0))
}

/// The money of so many pieces, a half minor unit up.
fn share(line: &Line, pieces: Decimal) -> Option<i64> {
    let minor = Ratio::of(Decimal::from(line.amount.minor))?;
    let share = minor.times(Ratio::of(pieces)?)?.over(Ratio::of(line.quantity.get())?)?;
    share.round(Scale::default(), RoundingMode::HalfUp).map(|rounded| rounded.0)
}

/// What is left of a line, if any piece is.
fn left(line: &Line, gone: &Gone) -> Result<Option<Line>, Refusal> {
    let pieces = line.quantity.get() - gone.pieces - gone.pieces_priced;
    if gone.whole || pieces <= Decimal::ZERO {
        return Ok(None);
    }
    let quantity = Quantity::parse(&pieces.normalize().to_string()).map_err(|_| too_fine(line))?;
    let amount = line.amount.with_minor(money_left(line, gone)?);
    Ok(Some(Line { quantity, amount, ..line.clone() }))
}

/// What of a line's discount or tax is left with what is left of the line: the part that its money is, or its pieces where it cost
/// nothing; half a minor unit up. So a tax is no more than its line again. The outer `None` says that a number left its range.
#[expect(clippy::option_option, reason = "a number that left its range is something else than nothing")]
fn along(part: Option<Money>, (bought, kept): (&Line, &Line)) -> Option<Option<Money>> {
    let Some(part) = part else { return Some(None) };
    let weight = |line: &Line| match bought.amount.minor {
        0 => Ratio::of(line.quantity.get()),
        _ => Ratio::of(Decimal::from(line.amount.minor)),
    };
    let exact = Ratio::of(Decimal::from(part.minor))?.times(weight(kept)?)?.over(weight(bought)?)?;
    let left = part.with_minor(exact.round(Scale::default(), RoundingMode::HalfUp)?.0);
    Some(Some(left).filter(|left| left.minor > 0))
}

fn too_fine(line: &Line) -> Refusal {
    let detail =
        format!("the quantities of line `{}` have more digits together than can be counted; round them", line.id);
    Refusal::new(BuryReason::Overflow, detail)
}

/// Takes money off the order as a whole, in proportion to what is left of each line; `false` when it was all.
///
/// By largest remainder, so that the lines add up to the minor unit: of two equal remainders the earlier line's.
fn spread(lines: &mut [Line], minor: i64) -> bool {
    let total: i128 = lines.iter().map(|line| i128::from(line.amount.minor)).sum();
    let minor = i128::from(minor);
    if minor == 0 || minor >= total {
        return minor == 0;
    }
    let mut rest = minor;
    let mut order: Vec<(Reverse<i128>, usize)> = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter_mut().enumerate() {
        let product = minor * i128::from(line.amount.minor);
        let take = product / total;
        rest -= take;
        line.amount.minor = less(line.amount.minor, take);
        order.push((Reverse(product % total), at));
    }
    order.sort_unstable();
    for (_, at) in order.into_iter().take(usize::try_from(rest).unwrap_or(0)) {
        lines[at].amount.minor = less(lines[at].amount.minor, 1);
    }
    true
}

/// `take` is at most `minor`, so the difference is an i64 again.
fn less(minor: i64, take: i128) -> i64 {
    i64::try_from(i128::from(minor) - take).unwrap_or(0)
}
