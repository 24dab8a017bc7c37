//! Money: minor units with their currency. No binary floating point anywhere near it.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code with its minor digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Why a text is not an amount; reads on after "`FIELD` ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("is not a currency; use an ISO 4217 code such as `EUR`")]
    NotACurrency,
    /// Not a plain decimal number.
    #[error("is not an amount; write a plain decimal such as `12.50`")]
    NotANumber,
    /// More decimals than the currency has.
    #[error("has more than the {digits} decimals of {currency}")]
    TooFine {
        /// Decimals that the currency has.
        digits: u32,
        /// The currency that was meant.
        currency: Currency,
    },
    /// Beyond what an i64 of minor units holds.
    #[error("is too large; at most {} minor units fit", i64::MAX)]
    TooLarge,
}

impl Currency {
    /// Checks the form of the code (three capital letters), not that a bank knows it.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        match code.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::NotACurrency),
        }
    }

    /// Decimals of the currency's minor unit, by ISO 4217 (2 unless the list says otherwise).
    #[must_use]
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Capital ASCII letters only, by construction.
        str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// An i64 has 19 digits; what has more before the point cannot fit, and a decimal holds no more than 28.
const WHOLE_DIGITS_MAX: usize = 19;

/// An amount in minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units (cents); may be negative only where a docstring says so.
    pub minor: i64,
    /// The currency of the minor units.
    pub currency: Currency,
}

impl Money {
    /// Reads a plain decimal (`12`, `12.5`, `-0.05`; no exponent, no grouping) exactly.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        if !plain || text.starts_with('.') || text.ends_with('.') {
            return Err(MoneyError::NotANumber);
        }
        let whole_digits = text.trim_start_matches(['-', '0']).split('.').next().map_or(0, str::len);
        if whole_digits > WHOLE_DIGITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        let exact = Decimal::from_str_exact(text).map_err(|e| match e {
            rust_decimal::Error::Underflow => MoneyError::TooFine { digits: currency.digits(), currency },
            _ => MoneyError::NotANumber,
        })?;
        let digits = currency.digits();
        let exact = exact.normalize();
        if exact.scale() > digits {
            return Err(MoneyError::TooFine { digits, currency });
        }
        let factor = 10_i128.pow(digits - exact.scale());
        let minor = exact.mantissa().checked_mul(factor).ok_or(MoneyError::TooLarge)?;
        let minor = i64::try_from(minor).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// The amount in major units, exactly.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.digits())
    }

    /// The same currency with other minor units.
    #[must_use]
    pub fn with_minor(self, minor: i64) -> Self {
        Self { minor, ..self }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_in_the_currencys_own_minor_units() {
        let minor = |text, code| Money::parse(text, Currency::parse(code).unwrap()).map(|m| m.minor);
        assert_eq!(minor("29.33", "USD"), Ok(2933));
        assert_eq!(minor("29.3", "USD"), Ok(2930));
        assert_eq!(minor("29.330", "USD"), Ok(2933));
        assert_eq!(minor("-0.05", "USD"), Ok(-5));
        assert_eq!(minor("120", "JPY"), Ok(120));
        assert_eq!(minor("1.234", "KWD"), Ok(1234));
        assert!(matches!(minor("1.5", "JPY"), Err(MoneyError::TooFine { digits: 0, .. })));
        assert!(matches!(minor("1.001", "USD"), Err(MoneyError::TooFine { digits: 2, .. })));
        for bad in ["", "1e3", "1,000.00", "NaN", ".5", "5.", "--1", "1.2.3", " 1"] {
            assert_eq!(minor(bad, "USD"), Err(MoneyError::NotANumber), "{bad}");
        }
        assert_eq!(minor("92233720368547758.08", "USD"), Err(MoneyError::TooLarge));
        assert_eq!(minor(&"9".repeat(40), "USD"), Err(MoneyError::TooLarge));
    }
}
