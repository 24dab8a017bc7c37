//! What a process measures, as a table for the reference: made from the registry itself, so that it cannot say anything else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prometheus::Registry;
use prometheus::proto::{MetricFamily, MetricType};

/// The value of a label that stands for any name.
pub const ANY: &str = "*";

/// Every metric of a registry in Markdown, by name. A metric without a series is not seen by the registry, and so not here.
#[must_use]
pub fn metrics_table(registry: &Registry) -> String {
    let head = "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n".to_owned();
    registry.gather().iter().fold(head, |mut text, family| {
        let (name, kind, help) = (family.name(), kind(family), family.help());
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {} | {help} |", unit(name), labels(family));
        text
    })
}

fn kind(family: &MetricFamily) -> &'static str {
    match family.get_field_type() {
        MetricType::COUNTER => "counter",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::GAUGE | MetricType::UNTYPED => "gauge",
    }
}

/// By Prometheus' custom a name ends with its unit, `_total` apart.
fn unit(name: &str) -> &'static str {
    match name.trim_end_matches("_total").rsplit('_').next() {
        Some("seconds") => "seconds",
        Some("bytes") => "bytes",
        _ => "",
    }
}

/// `lane` (`express`, `main`)
fn labels(family: &MetricFamily) -> String {
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for label in family.get_metric().iter().flat_map(prometheus::proto::Metric::get_label) {
        let (value, known) = (format!("`{}`", label.value()), values.entry(label.name()).or_default());
        if label.value() != ANY && !known.contains(&value) {
            known.push(value);
        }
    }
    let said = values.iter().map(|(name, values)| match values.as_slice() {
        [] => format!("`{name}`"),
        values => format!("`{name}` ({})", values.join(", ")),
    });
    said.collect::<Vec<_>>().join(", ")
}
