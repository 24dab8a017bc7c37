//! Which lines of an order a rule looks at, and which money of them counts.

use std::collections::HashSet;

use contract::event::Line;
use contract::program::{Base, Counted, Discount, Rule, Selector};

use crate::ratio::Ratio;

/// `include` and `exclude` of one rule, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Picker {
    include: Option<Named>,
    exclude: Option<Named>,
    without_delivery: bool,
}

#[derive(Debug)]
struct Named {
    skus: HashSet<String>,
    categories: HashSet<String>,
    labels: HashSet<String>,
    brands: HashSet<String>,
}

impl Picker {
    pub(crate) fn new(rule: &Rule) -> Self {
        Self {
            include: rule.include.as_ref().map(Named::new),
            exclude: rule.exclude.as_ref().map(Named::new),
            without_delivery: rule.earn.as_ref().is_some_and(|earn| earn.base.delivery == Counted::Excluded),
        }
    }

    /// Positions of the selected lines, ascending. An excluded line stays out even when it is included.
    pub(crate) fn pick(&self, lines: &[Line]) -> Vec<usize> {
        let picked = |line: &Line| {
            !(self.without_delivery && line.is_delivery)
                && self.include.as_ref().is_none_or(|named| named.names(line))
                && !self.exclude.as_ref().is_some_and(|named| named.names(line))
        };
        (0..lines.len()).filter(|at| picked(&lines[*at])).collect()
    }
}

impl Named {
    fn new(selector: &Selector) -> Self {
        let set = |names: &[String]| names.iter().cloned().collect();
        Self {
            skus: set(&selector.skus),
            categories: set(&selector.categories),
            labels: set(&selector.labels),
            brands: set(&selector.brands),
        }
    }

    fn names(&self, line: &Line) -> bool {
        line.sku.as_ref().is_some_and(|sku| self.skus.contains(sku))
            || line.category.as_ref().is_some_and(|category| self.categories.contains(category))
            || line.brand.as_ref().is_some_and(|brand| self.brands.contains(brand))
            || line.labels.iter().any(|label| self.labels.contains(label))
    }
}

/// The money of a line that counts, in major units. `None` says that it left its range.
pub(crate) fn money_of(line: &Line, base: Base) -> Option<Ratio> {
    // Events are read so that tax is a part of what was paid, and the price fits.
    let before = line.discount.filter(|_| base.discount == Discount::Before).map_or(0, |discount| discount.minor);
    let tax = line.tax.filter(|_| base.tax == Counted::Excluded).map_or(0, |tax| tax.minor);
    let minor = line.amount.minor.checked_add(before)?.checked_sub(tax)?;
    Ratio::of(line.amount.with_minor(minor).to_decimal())
}
