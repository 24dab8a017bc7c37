//! What `up` shows: a block of lines for a terminal, one line for a log, one object for a program. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::rates::{Drain, Rates};
use super::sample::{Sample, WorkerState};
use super::tally::{BURIED, POINTS, RESULTS, SETTLED, Tally};
use crate::screen::{Screen, grouped, plain};

/// Width of the names before the values.
const NAME_WIDTH: usize = 9;

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
        let room = screen.width.unwrap_or(usize::MAX).saturating_sub(NAME_WIDTH + 2);
        let line = |name: &str, value: &str| format!("{} {}", style.dim(&format!("{name:<NAME_WIDTH$}")), clip(value, room));
        let worker = match &self.sample.worker {
            WorkerState::Ready if self.pid.is_some() => style.green(&clip(&self.worker(), room)),
            _ => style.yellow(&clip(&self.worker(), room)),
        };
        let buried = match self.buried() {
            text if text == "0" => text,
            text => style.yellow(&clip(&text, room)),
        };
        let head = format!("pipeline {}, up for {}; Ctrl-C stops it", self.pipeline, clock(self.running));
        vec![
            String::new(),
            style.bold(&clip(&head, room + NAME_WIDTH)),
            format!("{} {worker}", style.dim(&format!("{:<NAME_WIDTH$}", "worker"))),
            line("waiting", &self.waiting()),
            line("rate", &self.rate()),
            line("settled", &listed(&self.tally.all(SETTLED))),
            line("points", &listed(&self.tally.all(POINTS))),
            line("results", &listed(&self.tally.all(RESULTS))),
            format!("{} {buried}", style.dim(&format!("{:<NAME_WIDTH$}", "buried"))),
            line("log", self.log),
        ]
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
        let lanes = lanes.map(|(lane, waiting)| format!("{} {}", lane.as_str(), waiting.map_or("?".to_owned(), grouped)));
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
    if (value - value.round()).abs() < 1e-6 { whole(value) } else { crate::screen::group(&format!("{value:.4}")) }
}

fn whole(value: f64) -> String {
    crate::screen::group(&format!("{:.0}", value.round().abs()))
}

fn clock(running: Duration) -> String {
    let seconds = running.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
