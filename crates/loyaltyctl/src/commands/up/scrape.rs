//! The worker's probes, asked over plain HTTP on this machine; and its metrics in Prometheus' text form.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A worker that is alive answers in a millisecond.
const ANSWER_MAX: Duration = Duration::from_millis(800);

/// More is no answer of ours.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Status and body of an answer.
pub(super) async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    timeout(ANSWER_MAX, ask(address, path)).await?
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    // Version 1.0: the answer ends with the connection and comes in one piece.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
}

/// Values of the series with at most one label, by name and label's value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metrics {
    series: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Metrics {
    /// Passes over what it does not understand.
    pub(super) fn parse(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse() else { continue };
            let (name, label) = match series.split_once('{') {
                Some((name, labels)) => (name, labels.split('"').nth(1).unwrap_or_default()),
                None => (series, ""),
            };
            metrics.series.entry(name.to_owned()).or_default().insert(label.to_owned(), value);
        }
        metrics
    }

    /// The series of a name, by label.
    pub(super) fn all(&self, name: &str) -> BTreeMap<String, f64> {
        self.series.get(name).cloned().unwrap_or_default()
    }

    /// The sum over all labels.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.series.get(name).map_or(0.0, |series| series.values().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn metrics_are_read_by_name_and_label() {
        let text = "# HELP a b\na{lane=\"main\"} 3\na{lane=\"express\"} 4\nb 1.5e3\nbroken\nc{x=\"y\"} NaNo\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.all("a").get("main"), Some(&3.0));
        assert!((metrics.sum("a") - 7.0).abs() < f64::EPSILON);
        assert!((metrics.sum("b") - 1500.0).abs() < f64::EPSILON);
        assert!(metrics.all("c").is_empty());
    }
}
