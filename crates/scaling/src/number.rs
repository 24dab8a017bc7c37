//! From whole numbers to real ones and back, without surprises at the edges.

/// Exact up to 2^53, which no queue reaches.
#[expect(clippy::cast_precision_loss, reason = "a count of messages beyond 2^53 may be off by one in 10^15")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// The least whole number that is not less; nothing and nonsense are 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and makes 0 of NaN")]
pub(crate) fn ceil(number: f64) -> u32 {
    number.ceil() as u32
}

/// The same for counts of messages, to the nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and makes 0 of NaN")]
pub(crate) fn nearest(number: f64) -> u64 {
    number.round() as u64
}
