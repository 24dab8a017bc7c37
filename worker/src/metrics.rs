//! What the worker measures. Labels come from closed sets, or from names in the pipeline's own spec.

use contract::BuryReason;
use contract::pipeline::Lane;
use prometheus::{
    CounterVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    exponential_buckets,
};

/// Every metric of a worker; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// Where they are gathered.
    pub(crate) registry: Registry,
    pub(crate) received: IntCounterVec,
    pub(crate) redelivered: IntCounterVec,
    pub(crate) settled: IntCounterVec,
    pub(crate) buried: IntCounterVec,
    pub(crate) in_flight: IntGaugeVec,
    pub(crate) held: IntGaugeVec,
    pub(crate) points_earned: CounterVec,
    pub(crate) results: IntCounterVec,
    pub(crate) forgotten: IntCounter,
    pub(crate) due_settled: IntCounter,
    pub(crate) due_age: IntGauge,
    pub(crate) due_refused: IntGauge,
    pub(crate) batch_messages: Histogram,
    pub(crate) ledger_seconds: Histogram,
    pub(crate) confirm_seconds: Histogram,
}

impl Metrics {
    /// Registers all of them, with a series for every label value of a closed set from the start.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            received: counter(&registry, "loyalty_received_total", "Messages received.", "lane")?,
            redelivered: counter(
                &registry,
                "loyalty_redelivered_total",
                "Messages received that were delivered before, here or elsewhere.",
                "lane",
            )?,
            settled: counter(&registry, "loyalty_settled_total", "Events applied and acknowledged.", "outcome")?,
            buried: counter(&registry, "loyalty_buried_total", "Messages dead-lettered.", "reason")?,
            in_flight: gauge(&registry, "loyalty_in_flight", "Messages received and not yet acknowledged.", "lane")?,
            held: gauge(&registry, "loyalty_held", "1 while work waits for what is named.", "cause")?,
            points_earned: points(&registry)?,
            results: counter(&registry, "loyalty_results_total", "Results published and confirmed.", "type")?,
            forgotten: forgotten(&registry)?,
            due_settled: due_settled(&registry)?,
            due_age: plain(
                &registry,
                "loyalty_due_age_seconds",
                "For how long the oldest thing that is due for a member has been; 0 at workers that do not hold the lease.",
            )?,
            due_refused: plain(
                &registry,
                "loyalty_due_refused",
                "Members of whom the ledger refuses to take what is due; `loyaltyctl audit` may say why.",
            )?,
            batch_messages: histogram(&registry, "loyalty_batch_messages", "Messages of a batch.", (1.0, 2.0, 10))?,
            ledger_seconds: histogram(
                &registry,
                "loyalty_ledger_seconds",
                "Time until a batch is committed, from when it is its turn.",
                (0.000_5, 2.0, 16),
            )?,
            confirm_seconds: histogram(
                &registry,
                "loyalty_confirm_seconds",
                "Time until the broker confirmed a batch's results and buried copies.",
                (0.000_5, 2.0, 16),
            )?,
            registry,
        };
        metrics.start()?;
        Ok(metrics)
    }

    fn start(&self) -> prometheus::Result<()> {
        for lane in Lane::ALL {
            self.received.with_label_values(&[lane.as_str()]);
            self.redelivered.with_label_values(&[lane.as_str()]);
            self.in_flight.with_label_values(&[lane.as_str()]);
        }
        for outcome in ["applied", "rejected", "parked", "erased", "replayed"] {
            self.settled.with_label_values(&[outcome]);
        }
        for reason in BuryReason::ALL {
            self.buried.with_label_values(&[reason.as_str()]);
        }
        for cause in [HELD_BY_BROKER, HELD_BY_LEDGER, HELD_BY_RULES] {
            self.held.with_label_values(&[cause]);
        }
        let version = gauge(&self.registry, "loyalty_build_info", "1, with the version of the program.", "version")?;
        version.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
    }
}

/// Work waits for the broker.
pub(crate) const HELD_BY_BROKER: &str = "broker";
/// Work waits for the database.
pub(crate) const HELD_BY_LEDGER: &str = "ledger";
/// Work waits for a first rule set.
pub(crate) const HELD_BY_RULES: &str = "rules";

fn counter(registry: &Registry, name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
    let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauge(registry: &Registry, name: &str, help: &str, label: &str) -> prometheus::Result<IntGaugeVec> {
    let gauge = IntGaugeVec::new(Opts::new(name, help), &[label])?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn due_settled(registry: &Registry) -> prometheus::Result<IntCounter> {
    let help = "Members whose due moves (points that become available or end) were settled without an event of theirs.";
    let counter = IntCounter::new("loyalty_due_settled_total", help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn forgotten(registry: &Registry) -> prometheus::Result<IntCounter> {
    let help =
        "Times that the ledger's database did not have what it had confirmed: a replica that was behind took over.";
    let counter = IntCounter::new("loyalty_ledger_forgotten_total", help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn plain(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn points(registry: &Registry) -> prometheus::Result<CounterVec> {
    let help = "Points earned by events settled since the start; the ledger, not this, is the truth.";
    let counter = CounterVec::new(Opts::new("loyalty_points_earned_total", help), &["wallet"])?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    (start, factor, count): (f64, f64, usize),
) -> prometheus::Result<Histogram> {
    let buckets = exponential_buckets(start, factor, count)?;
    let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    /// `docs/reference/metrics-worker.md` says what there is; UPDATE=1 rewrites it.
    #[test]
    fn the_reference_names_every_metric() {
        // In full: a metric that is new here wants a series below, or the registry does not see it.
        let Metrics {
            registry,
            received: _,
            forgotten: _,
            redelivered: _,
            settled: _,
            buried: _,
            in_flight: _,
            held: _,
            points_earned,
            results,
            due_settled: _,
            due_age: _,
            due_refused: _,
            batch_messages: _,
            ledger_seconds: _,
            confirm_seconds: _,
        } = Metrics::new().unwrap();
        points_earned.with_label_values(&[host::ANY]);
        results.with_label_values(&[host::ANY]);
        let text = format!(
            "<!-- written by UPDATE=1 of a test in `worker`; do not edit -->\n# Metrics of a worker\n\nAt `/metrics` of each worker's port 8080.\n\n{}",
            host::metrics_table(&registry).replace(env!("CARGO_PKG_VERSION"), "VERSION")
        );
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/metrics-worker.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), text, "UPDATE=1 rewrites it");
    }
}
