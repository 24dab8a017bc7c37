//! Points: whole units at the scale of their wallet.

use std::fmt;
use std::iter::Sum;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Decimals of a wallet's points, 0 to 4; immutable once the wallet has been used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Scale(u32);

/// A scale outside 0 to 4.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is {0}; a wallet's scale is 0 to {max}", max = Scale::MAX)]
pub struct ScaleError(u32);

impl Scale {
    /// Four decimals are enough for a cashback in hundredths of a per cent, and leave 14 digits before the point.
    pub const MAX: u32 = 4;

    /// Decimals, 0 to 4.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Scale {
    type Error = ScaleError;
    fn try_from(digits: u32) -> Result<Self, ScaleError> {
        if digits <= Self::MAX { Ok(Self(digits)) } else { Err(ScaleError(digits)) }
    }
}

impl From<Scale> for u32 {
    fn from(scale: Scale) -> Self {
        scale.0
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Scale {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scale".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "format": "uint32", "minimum": 0, "maximum": Scale::MAX })
    }
}

/// A number of points in units of the wallet's scale (12.5 points at scale 1 are 125); signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(pub i64);

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` beyond an i64.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` beyond an i64.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// As a decimal number of points of a wallet with this scale.
    #[must_use]
    pub fn to_decimal(self, scale: Scale) -> Decimal {
        Decimal::new(self.0, scale.digits())
    }

    /// Reads decimal points exactly; `None` when finer than the scale, or too large.
    #[must_use]
    pub fn from_decimal(points: Decimal, scale: Scale) -> Option<Self> {
        let exact = points.normalize();
        if exact.scale() > scale.digits() {
            return None;
        }
        let factor = 10_i128.pow(scale.digits() - exact.scale());
        let units = exact.mantissa().checked_mul(factor)?;
        i64::try_from(units).ok().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Sum for Points {
    /// Saturates: callers that post use [`Points::plus`].
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.fold(0_i64, |total, points| total.saturating_add(points.0)))
    }
}

impl fmt::Display for Points {
    /// In units; use [`Points::to_decimal`] where a person reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_exact_at_their_scale() {
        let one = Scale::try_from(1).unwrap();
        let read = |text: &str, scale| Points::from_decimal(text.parse().unwrap(), scale);
        assert_eq!(read("12.5", one), Some(Points(125)));
        assert_eq!(read("12.50", one), Some(Points(125)));
        assert_eq!(read("12.55", one), None);
        assert_eq!(read("3", Scale::default()), Some(Points(3)));
        assert_eq!(Points(125).to_decimal(one).to_string(), "12.5");
        assert!(Scale::try_from(5).is_err());
    }
}
