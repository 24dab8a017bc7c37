//! Decimal quantities as they are written in YAML: strings, so that no reader turns them into floats.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A decimal number >= 0 written as a string (`"1.00"`); exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity(Decimal);

/// A text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quantity; write a decimal string of at most 18 digits such as \"1.50\"")]
pub struct QuantityError(String);

impl Quantity {
    /// More digits would overflow the arithmetic of an award.
    pub const DIGITS_MAX: usize = 18;

    /// Reads `1`, `1.5`, `0.05`; no sign, no exponent.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.ends_with(|c: char| c.is_ascii_digit())
            && digits <= Self::DIGITS_MAX;
        let read = plain.then(|| Decimal::from_str_exact(text).ok()).flatten();
        read.map(Self).ok_or_else(|| QuantityError(text.chars().take(40).collect()))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> Decimal {
        self.0
    }

    /// Without zeros at the end: equal numbers become equal texts.
    #[must_use]
    pub fn normalized(self) -> Self {
        Self(self.0.normalize())
    }

    /// Whether it is nought.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Quantity {
    type Error = QuantityError;
    fn try_from(text: String) -> Result<Self, QuantityError> {
        Self::parse(&text)
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.0.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 19, "pattern": "^[0-9]+(\\.[0-9]+)?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn a_quantity_is_a_plain_decimal_string() {
        assert_eq!(Quantity::parse("1.50").unwrap().to_string(), "1.50");
        for bad in ["", "-1", "1e2", ".5", "5.", "1_0", "1,5", "12345678901234567890", " 1"] {
            assert!(Quantity::parse(bad).is_err(), "{bad}");
        }
    }
}
