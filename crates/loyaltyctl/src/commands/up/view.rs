//! What `up` shows: a block of lines for a terminal, one line for a log, one object for a program. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::rates::{Drain, Rates};
use super::sample::{Sample, WorkerState};
use super::tally::{BURIED, POINTS, RESULTS, SETTLED, Tally};
use crate::screen::{Screen, grouped, plain, wrap};

/// Width of the names before the values.
const NAME_WIDTH: usize = 9;

/// A name, its value, and how that is painted.
type Row<'a> = (&'static str, String, &'a dyn Fn(&str) -> String);

/// Everything that is shown.
pub(super) struct View<'a> {
    pub(super) pipeline: &'a str,
    pub(super) running: Duration,
    pub(super) sample: &'a Sample,
    pub(super) tally: &'a Tally,
    pub(super) rates: &'a Rates,
    pub(super) pid: Option<u32>,
    pub(super) restarts: u32,
    /// Whether more workers would do nothing, because the ledger has one writer.
    pub(super) is_embedded: bool,
    pub(super) log: &'a str,
}

impl View<'_> {
    /// Lines that fit the terminal.
    pub(super) fn block(&self, screen: &Screen) -> Vec<String> {
        let style = screen.style;
        let width = screen.width.unwrap_or(usize::MAX);
        let as_it_is = |text: &str| text.to_owned();
        let state = |text: &str| match &self.sample.worker {
            WorkerState::Ready if self.pid.is_some() => style.green(text),
            _ => style.yellow(text),
        };
        let buried = |text: &str| if text == "0" { text.to_owned() } else { style.yellow(text) };
        let rows: [Row<'_>; 8] = [
            ("worker", self.worker(), &state),
            ("waiting", self.waiting(), &as_it_is),
            ("rate", self.rate(), &as_it_is),
            ("settled", listed(&self.tally.all(SETTLED)), &as_it_is),
            ("points", listed(&self.tally.all(POINTS)), &as_it_is),
            ("results", listed(&self.tally.all(RESULTS)), &as_it_is),
            ("buried", self.buried(), &buried),
            ("log", self.log.to_owned(), &as_it_is),
        ];
        let head = format!("pipeline {}, up for {}; Ctrl-C stops it", self.pipeline, clock(self.running));
        let mut lines = vec![String::new()];
        lines.extend(wrap(&head, width).iter().map(|line| style.bold(line)));
        for (name, value, paint) in rows {
            for (at, part) in wrap(&value, width.saturating_sub(NAME_WIDTH + 1)).iter().enumerate() {
                let name = if at == 0 { name } else { "" };
                lines.push(format!("{} {}", style.dim(&format!("{name:<NAME_WIDTH$}")), paint(part)));
            }
        }
        lines
    }

    /// The same on one line.
    pub(super) fn line(&self) -> String {
        let (worker, waiting, rate) = (self.worker(), self.waiting(), self.rate());
        let points = listed(&self.tally.all(POINTS));
        let (running, buried) = (clock(self.running), self.buried());
        format!("{running} worker {worker}; waiting {waiting}; {rate}; points {points}; buried {buried}\n")
    }

    /// The same for a program, on one line.
    pub(super) fn json(&self) -> String {
        let (state, why) = match &self.sample.worker {
            WorkerState::Starting => ("starting", None),
            WorkerState::Ready => ("ready", None),
            WorkerState::Holding(why) => ("holding", Some(why.as_str())),
            WorkerState::Silent => ("silent", None),
        };
        let drain_seconds = match self.rates.drain() {
            Drain::Empty => Some(0.0),
            Drain::In(seconds) => Some(seconds),
            Drain::Never | Drain::Unknown => None,
        };
        let look = Look {
            pipeline: self.pipeline,
            seconds: self.running.as_secs(),
            worker: state,
            why,
            pid: self.pid,
            restarts: self.restarts,
            waiting: self.sample.waiting.iter().map(|(lane, waiting)| (lane.as_str(), *waiting)).collect(),
            arriving_per_second: self.rates.arriving(),
            settled_per_second: self.rates.settled(),
            drain_seconds,
            settled: self.tally.all(SETTLED),
            points: self.tally.all(POINTS),
            results: self.tally.all(RESULTS),
            buried: self.tally.all(BURIED),
        };
        // Only string keys and plain values: this cannot fail.
        serde_json::to_string(&look).unwrap_or_default() + "\n"
    }

    fn worker(&self) -> String {
        let state = match &self.sample.worker {
            _ if self.pid.is_none() => "not running",
            WorkerState::Starting => "starting",
            WorkerState::Ready => "ready",
            WorkerState::Holding(why) => return format!("holding: {}", plain(why)),
            WorkerState::Silent => "silent",
        };
        let pid = self.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
        let restarts = match self.restarts {
            0 => String::new(),
            1 => ", restarted once".to_owned(),
            times => format!(", restarted {times} times"),
        };
        let limit = if self.is_embedded { ", one process (limited by: ledger)" } else { "" };
        format!("{state}{pid}{restarts}{limit}")
    }

    fn waiting(&self) -> String {
        let lanes = self.sample.waiting.iter();
        let lanes =
            lanes.map(|(lane, waiting)| format!("{} {}", lane.as_str(), waiting.map_or("?".to_owned(), grouped)));
        lanes.collect::<Vec<_>>().join(", ")
    }

    fn rate(&self) -> String {
        let rate = |rate: Option<f64>| rate.map_or_else(|| "?".to_owned(), whole);
        let drain = match self.rates.drain() {
            Drain::Empty => "nothing waits".to_owned(),
            Drain::In(seconds) => format!("drained in {} s", whole(seconds.ceil())),
            Drain::Never => "not draining".to_owned(),
            Drain::Unknown => "drained in ? s".to_owned(),
        };
        format!("{}/s arrive, {}/s settled, {drain}", rate(self.rates.arriving()), rate(self.rates.settled()))
    }

    fn buried(&self) -> String {
        let reasons = self.tally.all(BURIED);
        let sum = whole(reasons.values().sum());
        if reasons.is_empty() { sum } else { format!("{sum}: {}", listed(&reasons)) }
    }
}

/// One look, for a program.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Look<'a> {
    pipeline: &'a str,
    seconds: u64,
    worker: &'static str,
    why: Option<&'a str>,
    pid: Option<u32>,
    restarts: u32,
    waiting: BTreeMap<&'static str, Option<u64>>,
    arriving_per_second: Option<f64>,
    settled_per_second: Option<f64>,
    drain_seconds: Option<f64>,
    settled: BTreeMap<String, f64>,
    points: BTreeMap<String, f64>,
    results: BTreeMap<String, f64>,
    buried: BTreeMap<String, f64>,
}

fn listed(series: &BTreeMap<String, f64>) -> String {
    if series.is_empty() {
        return "0".to_owned();
    }
    series.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect::<Vec<_>>().join(", ")
}

/// Whole numbers without a point, others with the decimals that points can have.
fn number(value: f64) -> String {
    crate::screen::group(format!("{value:.4}").trim_end_matches('0').trim_end_matches('.'))
}

fn whole(value: f64) -> String {
    crate::screen::group(&format!("{:.0}", value.round().abs()))
}

fn clock(running: Duration) -> String {
    let seconds = running.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use contract::pipeline::Lane;

    use super::super::rates::Rates;
    use super::super::sample::{Sample, WorkerState};
    use super::super::scrape::Metrics;
    use super::super::tally::Tally;
    use super::View;
    use crate::screen::{Format, Screen};

    const METRICS: &str = "process_start_time_seconds 1
loyalty_settled_total{outcome=\"applied\"} 6919
loyalty_points_earned_total{wallet=\"points\"} 239444.5
loyalty_buried_total{reason=\"NotJson\"} 2
loyalty_buried_total{reason=\"TooLate\"} 0
";

    fn shown(worker: WorkerState, waiting: Option<u64>, width: usize) -> String {
        let sample = Sample {
            at: Instant::now(),
            waiting: vec![(Lane::Main, waiting)],
            worker,
            metrics: Some(Metrics::parse(METRICS)),
        };
        let mut tally = Tally::default();
        tally.take(sample.metrics.as_ref().unwrap());
        let (running, rates) = (Duration::from_secs(3_723), Rates::default());
        let view = View {
            pipeline: "coffee",
            running,
            sample: &sample,
            tally: &tally,
            rates: &rates,
            pid: Some(7),
            restarts: 1,
            is_embedded: true,
            log: "worker.log",
        };
        let mut screen = Screen::look(Format::Table);
        screen.width = Some(width);
        view.block(&screen).join("\n")
    }

    #[test]
    fn the_block_tells_what_is_known_and_marks_what_is_not() {
        let want = "
pipeline coffee, up for 1:02:03; Ctrl-C stops it
worker    ready, pid 7, restarted once, one process (limited by: ledger)
waiting   main ?
rate      ?/s arrive, ?/s settled, drained in ? s
settled   applied 6,919
points    points 239,444.5
results   0
buried    2: NotJson 2
log       worker.log";
        assert_eq!(shown(WorkerState::Ready, None, 100), want);
    }

    #[test]
    fn a_worker_that_holds_says_why_and_no_line_is_wider_than_the_terminal() {
        let why = "ledger: could not reach the ledger `postgres://me@db/shop`; see that it runs and answers";
        let text = shown(WorkerState::Holding(why.to_owned()), Some(1234), 60);
        let want = "
worker    holding: ledger: could not reach the ledger
          `postgres://me@db/shop`; see that it runs and
          answers
waiting   main 1,234
";
        assert!(text.contains(want), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}
