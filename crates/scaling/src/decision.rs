//! What a decision says.

use std::fmt;

/// How many workers there shall be, and why.
///
/// As long as nothing happens, it is the same to the last letter tick after tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// How many.
    pub replicas: u32,
    /// What keeps it from being another number.
    pub limited_by: LimitedBy,
    /// Whether the backlog goes as fast as was asked for.
    pub drain: Drain,
    /// One sentence for a person: why this many.
    pub reason: String,
    /// Messages that are not done: ready, unacknowledged and delayed.
    pub backlog: Option<u64>,
    /// Messages that come in a second.
    pub arrival_per_s: Option<f64>,
    /// Messages that are acknowledged a second.
    pub acked_per_s: Option<f64>,
    /// How many seconds the backlog needs with the workers that are asked for. `None` also while it does not shrink.
    pub drain_s: Option<f64>,
}

/// What keeps the number from being another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitedBy {
    /// It is what the formula says.
    Nothing,
    /// Fewer would do; `min` says no.
    Minimum,
    /// More are needed; `max` says no.
    Maximum,
    /// Nothing is acknowledged: more workers would not help, and fewer may be too few.
    Stall,
    /// The last workers that were added brought nothing.
    Saturation,
    /// A number is missing that the decision needs.
    NoSignal,
    /// Fewer seem to do; that has to hold for a while.
    Settling,
    /// It is a careful guess until it was measured what a worker does, or what the last ones brought.
    Measuring,
    /// Nothing waits; something is, or may be, due for members without events.
    Due,
}

impl LimitedBy {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Nothing,
        Self::Minimum,
        Self::Maximum,
        Self::Stall,
        Self::Saturation,
        Self::NoSignal,
        Self::Settling,
        Self::Measuring,
        Self::Due,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::Stall => "Stall",
            Self::Saturation => "Saturation",
            Self::NoSignal => "NoSignal",
            Self::Settling => "Settling",
            Self::Measuring => "Measuring",
            Self::Due => "Due",
        }
    }
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the backlog goes as fast as was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drain {
    /// It will be gone within the target, or there is none.
    OnTarget,
    /// It will take longer.
    Behind,
    /// Nothing is acknowledged.
    Stalled,
    /// It will take longer, and more workers do not help.
    Saturated,
    /// A number is missing, or nothing was measured yet.
    Unknown,
}

impl Drain {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::OnTarget, Self::Behind, Self::Stalled, Self::Saturated, Self::Unknown];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnTarget => "OnTarget",
            Self::Behind => "Behind",
            Self::Stalled => "Stalled",
            Self::Saturated => "Saturated",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
