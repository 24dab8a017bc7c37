//! What the tour must come to, by whole numbers and without any code of the product.

use std::collections::HashMap;

use super::messages::REFUND_EVERY;
use super::purchases::Purchase;

/// The example's programme: one point for each whole dollar of an order, taken back whole when the order is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Points of all purchases.
    pub issued: u64,
    /// Points of the orders that are returned.
    pub taken_back: u64,
    /// Members with most points left, best first; equal ones by name.
    pub best: Vec<(String, u64)>,
}

impl Expected {
    /// Of these purchases, in the order in which they are published.
    #[must_use]
    pub fn of(purchases: &[Purchase]) -> Self {
        let (mut issued, mut taken_back) = (0, 0);
        let mut left: HashMap<&str, u64> = HashMap::new();
        for (n, purchase) in purchases.iter().enumerate() {
            let points = whole_dollars(&purchase.dollars);
            issued += points;
            if (n + 1).is_multiple_of(REFUND_EVERY) {
                taken_back += points;
            } else {
                *left.entry(&purchase.customer).or_default() += points;
            }
        }
        let mut best: Vec<(String, u64)> = left.into_iter().map(|(name, points)| (name.to_owned(), points)).collect();
        best.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self { issued, taken_back, best }
    }

    /// Points that nobody took back.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.issued - self.taken_back
    }
}

/// The digits before the point; the sample has no negative amounts.
fn whole_dollars(dollars: &str) -> u64 {
    dollars.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fiftieth_order_leaves_nothing() {
        let purchases: Vec<_> = (1..=100)
            .map(|n| Purchase { customer: format!("{}", n % 2), dollars: "9.99".into(), ..Purchase::sample(n) })
            .collect();
        let expected = Expected::of(&purchases);
        assert_eq!((expected.issued, expected.taken_back, expected.left()), (900, 18, 882));
        assert_eq!(expected.best, [("1".to_owned(), 450), ("0".to_owned(), 432)], "both returns are of one customer");
    }

    #[test]
    fn the_sample_comes_to_the_published_sum() {
        let text = include_str!("../../../../examples/cdnow/cdnow-sample.txt");
        let purchases = crate::tour::read(text).unwrap();
        assert_eq!(purchases.len(), 6_919);
        assert_eq!(Expected::of(&purchases).issued, 239_444, "floor per order, as other programs compute it");
    }
}
