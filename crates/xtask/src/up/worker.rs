//! What the worker says of itself: whether it is ready, and its counters.

use crate::parts::http;

/// The counters that say whether everything that came is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// When the process that counts began, in whole seconds since 1970: another one counts from nought.
    pub(super) started: u64,
    /// Messages received.
    pub(super) received: u64,
    /// Events applied.
    pub(super) applied: u64,
    /// Events that were there before.
    pub(super) replayed: u64,
    /// Events settled, whatever became of them.
    pub(super) settled: u64,
    /// Messages buried.
    pub(super) buried: u64,
    /// Messages received and not acknowledged.
    pub(super) in_flight: u64,
    /// Whole points earned.
    pub(super) issued: u64,
}

impl Counts {
    /// Asks the worker at `address`; `None` while it does not answer.
    pub(super) fn ask(address: &str) -> Option<Self> {
        get(address, "/metrics").map(|text| Self::parse(&text))
    }

    /// From Prometheus' text form.
    fn parse(text: &str) -> Self {
        let sum = |series: &str| sum(text, series);
        Self {
            started: sum("process_start_time_seconds "),
            received: sum("loyalty_received_total{"),
            applied: sum(r#"loyalty_settled_total{outcome="applied"}"#),
            replayed: sum(r#"loyalty_settled_total{outcome="replayed"}"#),
            settled: sum("loyalty_settled_total{"),
            buried: sum("loyalty_buried_total{"),
            in_flight: sum("loyalty_in_flight{"),
            issued: sum("loyalty_points_earned_total{"),
        }
    }

    /// Itself, if the process that counted then counts still: what an ended one counted is gone.
    pub(super) fn since(self, first: &Self) -> Option<Self> {
        (self.started == first.started).then_some(self)
    }

    /// Whether nothing that came is still being worked on.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether everything was received once and settled once: not so after a lost connection, when some came again.
    pub(super) fn adds_up(&self) -> bool {
        self.received == self.settled + self.buried
    }
}

/// What the worker at `address` counts, if it takes messages.
pub(super) fn if_ready(address: &str) -> Option<Counts> {
    get(address, "/readyz").and_then(|_| Counts::ask(address))
}

/// The probes ask for no login, and pass over the one that our small client always sends.
fn get(address: &str, path: &str) -> Option<String> {
    let answer = http::request(&format!("http://tour:tour@{}", address.trim()), "GET", path, "").ok()?;
    (answer.status == 200).then_some(answer.body)
}

/// The sum of the series that begin so; all of them count whole things.
fn sum(text: &str, series: &str) -> u64 {
    let lines = text.lines().filter(|line| line.starts_with(series));
    let whole = |line: &str| line.rsplit(' ').next()?.split('.').next()?.parse::<u64>().ok();
    lines.filter_map(whole).sum()
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counters_are_summed_over_their_labels() {
        let text = "# TYPE loyalty_received_total counter\nloyalty_received_total{lane=\"express\"} 2\n\
                    loyalty_received_total{lane=\"main\"} 11\nloyalty_settled_total{outcome=\"applied\"} 7\n\
                    loyalty_settled_total{outcome=\"replayed\"} 2\nloyalty_buried_total{reason=\"NotJson\"} 3\n\
                    loyalty_in_flight{lane=\"main\"} 1\nloyalty_points_earned_total{wallet=\"points\"} 239444.0\n\
                    process_start_time_seconds 1795462263\n";
        let counts = Counts::parse(text);
        let want = Counts {
            started: 1_795_462_263,
            received: 13,
            applied: 7,
            replayed: 2,
            settled: 9,
            buried: 3,
            in_flight: 1,
            issued: 239_444,
        };
        assert_eq!(counts, want);
        assert!(!counts.is_settled());
        assert!(Counts { in_flight: 0, ..counts }.is_settled());
        assert!(!counts.adds_up() && Counts { received: 12, ..counts }.adds_up());
    }
}
