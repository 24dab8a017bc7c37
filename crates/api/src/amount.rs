//! Amounts of CPU, memory and storage as Kubernetes writes them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An amount such as `250m`, `64Mi` or `1.5`; what is not one cannot be held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(String);

/// A text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount; write a number and, if need be, one of {UNITS_TEXT}, such as `250m` or `64Mi`")]
pub struct AmountError(String);

/// Longest text of an amount, in bytes.
const LEN_MAX: usize = 24;
const UNITS: [&str; 12] = ["m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", ""];
const UNITS_TEXT: &str = "`m`, `k`, `M`, `G`, `T`, `P`, `Ki`, `Mi`, `Gi`, `Ti`, `Pi`";
const PATTERN: &str = r"^[0-9]+(\.[0-9]{1,3})?(m|[kMGTP]|[KMGTP]i)?$";

impl Amount {
    /// Reads `64Mi`; at most three decimals, because Kubernetes keeps no more.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let fail = || AmountError(text.chars().take(40).collect());
        let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits_end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let fits = text.len() <= LEN_MAX && decimals.len() <= 3;
        if fits && is_number(whole) && is_number(decimals) && UNITS.contains(&unit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(fail())
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;
    fn try_from(text: String) -> Result<Self, AmountError> {
        Self::parse(&text)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": LEN_MAX, "pattern": PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn an_amount_is_a_number_and_a_unit_of_kubernetes() {
        for good in ["1", "250m", "64Mi", "1.5", "0.125Gi", "1k", "10P"] {
            assert_eq!(Amount::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "m", ".5", "1.", "1.2345", "-1", "1 Gi", "1gi", "1e3", "1Mib", "1234567890123456789012345"] {
            assert!(Amount::parse(bad).is_err(), "{bad}");
        }
    }
}
