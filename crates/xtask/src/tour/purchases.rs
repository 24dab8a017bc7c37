//! The CDNOW sample of Fader and Hardie as events: one purchase a line of the published file.

use std::collections::HashMap;
use std::fmt::Write as _;

/// One line of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// `cdnow-` and the line's number in the file, from 1; order and event at once.
    pub id: String,
    /// The customer's number as it stands in the file, zeros included.
    pub customer: String,
    /// 12:00:00Z of the day, a second later for each earlier purchase of the same customer that day; RFC 3339.
    pub occurred_at: String,
    /// Number of CDs.
    pub cds: u32,
    /// What was paid, in dollars, as it stands in the file.
    pub dollars: String,
}

/// A line that is not of the sample's form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not read line {line} of the sample: expected `CUSTOMER SAMPLE YYYYMMDD CDS DOLLARS`")]
pub struct SampleError {
    /// Its number, from 1.
    pub line: usize,
}

/// Reads the sample, in order of day, then line.
pub fn read(text: &str) -> Result<Vec<Purchase>, SampleError> {
    let mut purchases = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        purchases.push(parse(line, n + 1).ok_or(SampleError { line: n + 1 })?);
    }
    // The sort is stable: within a day the file's order stays.
    purchases.sort_by(|a, b| a.day().cmp(b.day()));
    let mut same_day: HashMap<(String, String), u32> = HashMap::new();
    for purchase in &mut purchases {
        let earlier = same_day.entry((purchase.customer.clone(), purchase.day().to_owned())).or_default();
        purchase.occurred_at = format!("{}T12:00:{earlier:02}Z", purchase.day());
        *earlier += 1;
    }
    Ok(purchases)
}

fn parse(line: &str, number: usize) -> Option<Purchase> {
    let mut fields = line.split_whitespace();
    let (customer, _, day) = (fields.next()?, fields.next()?, fields.next()?);
    let (cds, dollars) = (fields.next()?.parse().ok()?, fields.next()?);
    let whole_day = day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
    (whole_day && fields.next().is_none()).then(|| Purchase {
        id: format!("cdnow-{number}"),
        customer: customer.to_owned(),
        occurred_at: format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]),
        cds,
        dollars: dollars.to_owned(),
    })
}

impl Purchase {
    /// Its day, `YYYY-MM-DD`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.occurred_at.get(..10).unwrap_or_default()
    }

    /// The event in the product's flat JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { id, customer, occurred_at, cds, dollars } = self;
        format!(
            r#"{{"id":"{id}","type":"purchase","occurredAt":"{occurred_at}","member":"{customer}","order":"{id}","lines":[{{"sku":"cd","quantity":{cds},"amount":"{dollars}"}}]}}"#
        )
    }

    #[cfg(test)]
    pub(super) fn sample(n: usize) -> Self {
        Self {
            id: format!("cdnow-{n}"),
            customer: "00004".into(),
            occurred_at: "1997-01-01T12:00:00Z".into(),
            cds: 1,
            dollars: "9.99".into(),
        }
    }
}

/// The purchases as JSON lines, as `examples/cdnow/purchases.jsonl` holds them.
#[must_use]
pub fn to_json_lines(purchases: &[Purchase]) -> String {
    purchases.iter().fold(String::new(), |mut text, purchase| {
        let _ = writeln!(text, "{}", purchase.to_json());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purchases_stand_in_order_of_day_and_a_second_apart_within_a_customers_day() {
        let text =
            " 00021 0002 19970102  3   63.34\r\n 00004 0001 19970101  2   29.33\r\n 00004 0001 19970101  1    0.00\r\n";
        let read = read(text).unwrap();
        let brief: Vec<_> = read.iter().map(|p| (p.id.as_str(), p.occurred_at.as_str(), p.dollars.as_str())).collect();
        assert_eq!(
            brief,
            [
                ("cdnow-2", "1997-01-01T12:00:00Z", "29.33"),
                ("cdnow-3", "1997-01-01T12:00:01Z", "0.00"),
                ("cdnow-1", "1997-01-02T12:00:00Z", "63.34"),
            ]
        );
        assert_eq!(super::read("hello"), Err(SampleError { line: 1 }));
    }
}
