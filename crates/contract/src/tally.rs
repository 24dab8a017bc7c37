//! What a rule counts over several events of one member, and what was given for it so far.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Points, RuleName, WalletName};

/// Which sum: of one rule, into one wallet, within one time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TallyKey {
    /// The rule, by whichever version: another one of the same name goes on with it.
    pub rule: RuleName,
    /// Where its points go.
    pub wallet: WalletName,
    /// What is added up. A version that counts something else begins anew.
    pub counts: Counts,
    /// The first day of the time within which it is; `None`: it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Counts {
    /// Money.
    Money,
    /// Money, each line's times its multipliers.
    Multiplied,
    /// Pieces.
    Quantity,
    /// Events.
    Events,
}

impl Counts {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Money, Self::Multiplied, Self::Quantity, Self::Events];

    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Money => "Money",
            Self::Multiplied => "Multiplied",
            Self::Quantity => "Quantity",
            Self::Events => "Events",
        }
    }

    /// Reads what [`Counts::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counts| counts.as_str() == text)
    }
}

impl TallyKey {
    /// What is added up and since when, as it stands in the ledger beside rule and wallet.
    #[must_use]
    pub fn counted(&self) -> String {
        match self.since {
            Some(since) => format!("{} since {since}", self.counts.as_str()),
            None => self.counts.as_str().to_owned(),
        }
    }

    /// Reads what [`TallyKey::counted`] wrote.
    #[must_use]
    pub fn read(rule: RuleName, wallet: WalletName, counted: &str) -> Option<Self> {
        let (counts, since) = match counted.split_once(" since ") {
            Some((counts, since)) => (counts, Some(since.parse().ok()?)),
            None => (counted, None),
        };
        Some(Self { rule, wallet, counts: Counts::parse(counts)?, since })
    }
}

/// What is counted is counted in millionths; what is finer of an event is left out of it.
pub const MILLIONTHS: i64 = 1_000_000;

/// Millionths as a person reads them.
#[must_use]
pub fn whole(millionths: i64) -> Decimal {
    Decimal::new(millionths, 6).normalize()
}

/// A sum, with what became of its awards: `taken + waived = due <= awarded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// In millionths, >= 0, of what was kept.
    pub sum: i64,
    /// Given for it so far.
    pub awarded: Points,
    /// To be taken back, because what is left of the sum is worth less.
    pub due: Points,
    /// Taken back.
    pub taken: Points,
    /// What the policy could not take; the member has it still, so that what comes next is set off against it.
    pub waived: Points,
}

impl Tally {
    /// How many points an event brings after which the sum is worth so many: those that the member was not left with.
    #[must_use]
    pub fn fresh(&self, worth: Points) -> Points {
        // All are >= 0, so that nothing leaves the range.
        Points(worth.0.saturating_sub(self.awarded.0.saturating_sub(self.taken.0)).max(0))
    }

    /// How many more are due after a refund that leaves the sum worth so many.
    #[must_use]
    pub fn more_due(&self, worth: Points) -> Points {
        Points(self.awarded.0.saturating_sub(worth.0).saturating_sub(self.due.0).max(0))
    }

    /// The same once those are given. `None` beyond an i64.
    #[must_use]
    pub fn given(self, worth: Points) -> Option<Self> {
        Some(Self { awarded: self.awarded.plus(self.fresh(worth))?, ..self.forgiven(worth) })
    }

    /// The same when the sum is worth so many: what was waived and is deserved again is waived no longer.
    #[must_use]
    pub fn forgiven(self, worth: Points) -> Self {
        let due = Points(self.awarded.0.saturating_sub(worth.0).min(self.due.0).max(self.taken.0));
        Self { due, waived: Points(due.0 - self.taken.0), ..self }
    }
}

/// What one order counts in a sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TallyPart {
    /// Which.
    #[serde(flatten)]
    pub key: TallyKey,
    /// In millionths, of what was kept of the order.
    pub part: i64,
}

/// How an event changes a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyChange {
    /// What its order counts in it from now on; of an event without an order, what it counts.
    pub part: TallyPart,
    /// The sum after, in millionths.
    pub sum: i64,
    /// How many points that is worth, by the rule.
    pub worth: Points,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(awarded: i64, taken: i64, waived: i64) -> Tally {
        let [awarded, due, taken, waived] = [awarded, taken + waived, taken, waived].map(Points);
        Tally { sum: 0, awarded, due, taken, waived }
    }

    #[test]
    fn what_the_member_was_left_with_is_not_given_again() {
        for (name, before, worth, fresh, after) in [
            ("nothing was given", tally(0, 0, 0), 3, 3, tally(3, 0, 0)),
            ("more is deserved", tally(3, 0, 0), 5, 2, tally(5, 0, 0)),
            ("what was taken is deserved again", tally(3, 1, 0), 3, 1, tally(4, 1, 0)),
            ("what was waived is deserved again", tally(3, 0, 1), 3, 0, tally(3, 0, 0)),
            ("one of two that were waived", tally(3, 0, 2), 2, 0, tally(3, 0, 1)),
            ("more than was waived", tally(3, 1, 1), 5, 3, tally(6, 1, 0)),
        ] {
            let after_all = before.given(Points(worth)).unwrap();
            assert_eq!((before.fresh(Points(worth)).0, after_all), (fresh, after), "{name}");
        }
    }

    #[test]
    fn what_is_counted_is_read_as_it_was_written() {
        let (rule, wallet) = (RuleName::parse("stamps").unwrap(), WalletName::parse("points").unwrap());
        for (counted, counts, since) in [
            ("Quantity", Counts::Quantity, None),
            ("Money since 2024-05-01", Counts::Money, Some("2024-05-01".parse().unwrap())),
            ("Events since -000044-03-15", Counts::Events, Some("-000044-03-15".parse().unwrap())),
        ] {
            let key = TallyKey { rule: rule.clone(), wallet: wallet.clone(), counts, since };
            assert_eq!(key.counted(), counted);
            assert_eq!(TallyKey::read(rule.clone(), wallet.clone(), counted), Some(key));
            assert_eq!(TallyKey::read(rule.clone(), wallet.clone(), "Stamps"), None);
        }
    }

    #[test]
    fn a_refund_makes_due_what_is_no_longer_deserved() {
        for (before, worth, more) in
            [(tally(3, 0, 0), 2, 1), (tally(3, 1, 0), 2, 0), (tally(3, 0, 1), 0, 2), (tally(3, 0, 0), 4, 0)]
        {
            assert_eq!(before.more_due(Points(worth)), Points(more), "{before:?}");
        }
    }
}
