//! The nouns: what one drain gave, and two ways compared over some rounds.

use super::BenchError;
use super::Size;
use super::meter::OfEach;
use crate::progress::step;

/// One drain, from a tenth to nine tenths of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// Events a second.
    pub(crate) rate: f64,
    /// Processor time of an event, in microseconds.
    pub(crate) cpu: OfEach<f64>,
    /// Peak of memory, in kB.
    pub(crate) peak: OfEach<u64>,
}

/// Ours and the least that could do it, round by round.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// In a few words.
    pub(crate) what: String,
    /// What is compared (A), and with what (B).
    pub(crate) names: [&'static str; 2],
    /// Without a goal the comparison explains another one.
    pub(crate) goal: Option<Goal>,
    /// A and B of each round, or why there are none.
    pub(crate) rounds: Result<Vec<[Figure; 2]>, String>,
}

/// What A should reach beside B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// So many times B's rate, at least.
    Rate(f64),
    /// So many times what an event costs B, at most.
    Cost(f64),
}

impl Goal {
    pub(crate) fn is_reached(self, ratio: f64) -> bool {
        match self {
            Self::Rate(least) => ratio >= least,
            Self::Cost(most) => ratio <= most,
        }
    }

    pub(crate) fn value(self) -> f64 {
        let (Self::Rate(value) | Self::Cost(value)) = self;
        value
    }
}

/// Median, least and most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

impl Comparison {
    /// The ratios of the rounds, of rates or of costs as the goal says: what two rounds do at different times is never compared.
    pub(crate) fn ratio(&self) -> Option<Spread> {
        let rounds = self.rounds.as_ref().ok()?;
        let is_cost = matches!(self.goal, Some(Goal::Cost(_)));
        let ratio = |[ours, least]: &[Figure; 2]| if is_cost { least.rate / ours.rate } else { ours.rate / least.rate };
        Spread::of(rounds.iter().map(ratio).collect())
    }

    /// The median of something over the rounds; `side` 0 is A, 1 is B.
    pub(crate) fn median(&self, side: usize, of: impl Fn(&Figure) -> Option<f64>) -> Option<f64> {
        let rounds = self.rounds.as_ref().ok()?;
        let values: Option<Vec<f64>> = rounds.iter().map(|round| of(&round[side])).collect();
        Spread::of(values?).map(|spread| spread.median)
    }
}

/// Round after round, the ways in turn, after a short one of warm-up that is not counted.
pub(crate) fn rounds<const N: usize>(
    what: &str,
    size: Size,
    mut measure: impl FnMut(usize) -> Result<[Figure; N], BenchError>,
) -> Result<Result<Vec<[Figure; N]>, String>, BenchError> {
    let mut all = Vec::with_capacity(size.rounds);
    let sizes = std::iter::once(size.warm_up).chain(std::iter::repeat_n(size.messages, size.rounds));
    for (n, messages) in sizes.enumerate() {
        let told = if n == 0 { format!("{what}: warm-up") } else { format!("{what}: round {n} of {}", size.rounds) };
        match step(&told, || measure(messages)) {
            Ok(figures) if n > 0 => all.push(figures),
            Ok(_) => {}
            Err(error) if error.is_of_one() => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(all))
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_of_an_even_number_of_rounds_is_between_the_middle_two() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[2.0]), Some(Spread { median: 2.0, min: 2.0, max: 2.0 }));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
    }
}
