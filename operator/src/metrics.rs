//! What the operator measures. Labels come from closed sets.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, exponential_buckets,
};

/// Every metric of the operator; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) walks: Histogram,
    pub(crate) failed: IntCounter,
    pub(crate) writes: IntCounterVec,
    pub(crate) pipelines: IntGaugeVec,
    pub(crate) scalings: IntCounterVec,
    pub(crate) leader: prometheus::IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let buckets = exponential_buckets(0.001, 2.0, 15)?;
        let walks =
            HistogramOpts::new("loyalty_operator_walk_seconds", "Time of one walk over a pipeline.").buckets(buckets);
        let metrics = Self {
            walks: Histogram::with_opts(walks)?,
            failed: IntCounter::new("loyalty_operator_walks_failed_total", "Walks whose report could not be written.")?,
            writes: counter("loyalty_operator_writes_total", "Writes that were done.", "to")?,
            pipelines: IntGaugeVec::new(
                Opts::new("loyalty_operator_pipelines", "Pipelines, by whether they are ready."),
                &["ready"],
            )?,
            scalings: counter("loyalty_operator_scalings_total", "Changes of a number of workers.", "direction")?,
            leader: prometheus::IntGauge::new("loyalty_operator_leader", "1 while this process does the work.")?,
            registry,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> prometheus::Result<()> {
        let all: [Box<dyn prometheus::core::Collector>; 6] = [
            Box::new(self.walks.clone()),
            Box::new(self.failed.clone()),
            Box::new(self.writes.clone()),
            Box::new(self.pipelines.clone()),
            Box::new(self.scalings.clone()),
            Box::new(self.leader.clone()),
        ];
        for metric in all {
            self.registry.register(metric)?;
        }
        let info = Opts::new("loyalty_build_info", "1, with the version of the program.");
        let version = IntGaugeVec::new(info, &["version"])?;
        version.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.registry.register(Box::new(version))?;
        self.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
    }
}

fn counter(name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), &[label])
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    /// `docs/reference/metrics-operator.md` says what there is; UPDATE=1 rewrites it.
    #[test]
    fn the_reference_names_every_metric() {
        // In full: a metric that is new here wants a series below, or the registry does not see it.
        let Metrics { registry, walks: _, failed: _, writes, pipelines, scalings, leader: _ } = Metrics::new().unwrap();
        for to in ["broker", "cluster", "ledger"] {
            writes.with_label_values(&[to]);
        }
        for ready in ["True", "False", "Unknown"] {
            pipelines.with_label_values(&[ready]);
        }
        for direction in ["in", "out"] {
            scalings.with_label_values(&[direction]);
        }
        let text = format!(
            "<!-- written by UPDATE=1 of a test in `operator`; do not edit -->\n# Metrics of the operator\n\nAt `/metrics` of its port 8080.\n\n{}",
            host::metrics_table(&registry).replace(env!("CARGO_PKG_VERSION"), "VERSION")
        );
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/metrics-operator.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), text, "UPDATE=1 rewrites it");
    }
}
