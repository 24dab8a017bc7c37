//! Exact arithmetic >= 0: a ratio of two integers, rounded once at the end.
//!
//! A decimal would have to cut 1/3 off somewhere, and three thirds would no longer be a whole; a half would
//! no longer be recognised as one.

use std::cmp::Ordering;

use contract::Points;
use contract::Scale;
use contract::program::RoundingMode;
use rust_decimal::Decimal;

/// A number >= 0 as a ratio, not always in lowest terms. Operations are `None` when the result does not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    num: u128,
    /// > 0.
    den: u128,
}

impl Ratio {
    pub(crate) const ZERO: Self = Self { num: 0, den: 1 };
    pub(crate) const ONE: Self = Self { num: 1, den: 1 };

    pub(crate) fn whole(number: u128) -> Self {
        Self { num: number, den: 1 }
    }

    /// `None` for a negative number: money and quantities of a rule have none.
    pub(crate) fn of(number: Decimal) -> Option<Self> {
        let number = number.normalize();
        let num = u128::try_from(number.mantissa()).ok()?;
        Some(Self { num, den: 10_u128.pow(number.scale()) })
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let product = |a: Self, b: Self| Some(Self { num: a.num.checked_mul(b.num)?, den: a.den.checked_mul(b.den)? });
        product(self, other).or_else(|| {
            // Crosswise, so that what is left is the result in lowest terms: it fits or it does not.
            let (a, b) = (self.lowest(), other.lowest());
            let (x, y) = (Self { num: a.num, den: b.den }.lowest(), Self { num: b.num, den: a.den }.lowest());
            product(x, y)
        })
    }

    /// Nought divided by nought is no number either: `None`.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        if other.num == 0 { None } else { self.times(Self { num: other.den, den: other.num }) }
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let sum = |a: Self, b: Self| {
            if a.den == b.den {
                return Some(Self { num: a.num.checked_add(b.num)?, den: a.den });
            }
            let num = a.num.checked_mul(b.den)?.checked_add(b.num.checked_mul(a.den)?)?;
            Some(Self { num, den: a.den.checked_mul(b.den)? })
        };
        sum(self, other).or_else(|| {
            let (a, b) = (self.lowest(), other.lowest());
            // Over the least common multiple of the two.
            let common = gcd(a.den, b.den);
            let (left, right) = (b.den / common, a.den / common);
            let num = a.num.checked_mul(left)?.checked_add(b.num.checked_mul(right)?)?;
            Some(Self { num, den: a.den.checked_mul(left)? }.lowest())
        })
    }

    /// Whether this is as much as the other, or more.
    pub(crate) fn reaches(self, other: Self) -> Option<bool> {
        if other.is_zero() { Some(true) } else { self.over(other).map(|times| times.floor() >= 1) }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.num == 0
    }

    /// Down to a whole number.
    pub(crate) fn floor(self) -> u128 {
        self.num / self.den
    }

    /// To whole units of the wallet's scale.
    pub(crate) fn round(self, scale: Scale, mode: RoundingMode) -> Option<Points> {
        let units = self.times(Self::whole(10_u128.pow(scale.digits())))?;
        let (down, rest) = (units.num / units.den, units.num % units.den);
        // rest < den, so the difference cannot underflow where twice the rest could overflow.
        let half = rest.cmp(&(units.den - rest));
        let up = match mode {
            RoundingMode::Floor => false,
            RoundingMode::Ceiling => rest > 0,
            RoundingMode::HalfUp => half != Ordering::Less,
            RoundingMode::HalfDown => half == Ordering::Greater,
            RoundingMode::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && down % 2 == 1),
        };
        i64::try_from(down + u128::from(up)).ok().map(Points)
    }

    /// For people: exact where it ends within a decimal's digits, else cut off after them. `None` beyond an i64.
    pub(crate) fn to_decimal(self) -> Option<Decimal> {
        /// What a decimal's 96 bits always hold.
        const DIGITS_MAX: u32 = 28;
        let whole = i64::try_from(self.floor()).ok()?;
        let (mut mantissa, mut rest, mut scale) = (i128::from(whole), self.num % self.den, 0);
        let mut room = DIGITS_MAX - if whole == 0 { 0 } else { whole.ilog10() + 1 };
        while rest > 0 && room > 0 {
            let Some(next) = rest.checked_mul(10) else { break };
            mantissa = mantissa * 10 + i128::try_from(next / self.den).ok()?;
            rest = next % self.den;
            scale += 1;
            room -= 1;
        }
        Decimal::try_from_i128_with_scale(mantissa, scale).ok().map(|exact| exact.normalize())
    }

    fn lowest(self) -> Self {
        let common = gcd(self.num, self.den);
        Self { num: self.num / common, den: self.den / common }
    }
}

/// At least 1 when one of the two is.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(num: u128, den: u128) -> Ratio {
        Ratio { num, den }
    }

    #[test]
    fn three_thirds_are_a_whole() {
        let third = Ratio::ONE.over(Ratio::whole(3)).unwrap();
        let whole = third.plus(third).and_then(|sum| sum.plus(third)).unwrap();
        assert_eq!(whole.round(Scale::default(), RoundingMode::Floor), Some(Points(1)));
        assert_eq!(third.times(Ratio::whole(3)).unwrap().floor(), 1);
    }

    #[test]
    fn a_half_is_recognised_in_every_mode() {
        use RoundingMode::{Ceiling, Floor, HalfDown, HalfEven, HalfUp};
        // The number, and what floor, ceiling, half up, half down and half even make of it.
        let table = [
            (ratio(5, 2), [2, 3, 3, 2, 2]),
            (ratio(7, 2), [3, 4, 4, 3, 4]),
            (ratio(1, 3), [0, 1, 0, 0, 0]),
            (ratio(2, 3), [0, 1, 1, 1, 1]),
            (ratio(4, 2), [2, 2, 2, 2, 2]),
            (ratio(0, 7), [0, 0, 0, 0, 0]),
            // A hair below and above a half, finer than any decimal.
            (ratio(5 * 10_u128.pow(35) - 1, 10_u128.pow(36)), [0, 1, 0, 0, 0]),
            (ratio(5 * 10_u128.pow(35) + 1, 10_u128.pow(36)), [0, 1, 1, 1, 1]),
        ];
        for (number, expected) in table {
            let modes = [Floor, Ceiling, HalfUp, HalfDown, HalfEven];
            let rounded = modes.map(|mode| number.round(Scale::default(), mode).unwrap().0);
            assert_eq!(rounded, expected, "{number:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_and_what_fits_in_lowest_terms_does() {
        let big = ratio(u128::MAX - 1, u128::MAX);
        assert_eq!(big.times(ratio(u128::MAX, u128::MAX - 1)).unwrap().floor(), 1);
        assert!(Ratio::whole(u128::MAX).times(Ratio::whole(2)).is_none());
        assert!(Ratio::whole(u128::MAX).plus(Ratio::ONE).is_none());
        assert!(Ratio::ONE.over(Ratio::ZERO).is_none());
        let sum = ratio(u128::MAX / 3, u128::MAX).plus(ratio(1, u128::MAX)).unwrap();
        assert_eq!(sum.floor(), 0);
        assert!(Ratio::whole(1 << 63).round(Scale::default(), RoundingMode::Floor).is_none());
    }

    #[test]
    fn people_see_all_digits_that_there_are() {
        let shown = |number: Ratio| number.to_decimal().unwrap().to_string();
        assert_eq!(shown(ratio(12_345, 100)), "123.45");
        assert_eq!(shown(ratio(1, 3)), "0.3333333333333333333333333333");
        assert_eq!(shown(ratio(50, 100)), "0.5");
        assert_eq!(shown(ratio(i64::MAX as u128 * 3, 3)), i64::MAX.to_string());
        assert_eq!(shown(ratio(i64::MAX as u128 * 3 + 1, 3)), format!("{}.333333333", i64::MAX));
    }
}
