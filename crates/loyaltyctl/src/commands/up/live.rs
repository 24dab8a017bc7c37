//! Keeps one worker running, and shows it, until asked to stop.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use host::Shutdown;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::sync::mpsc;

use super::rates::{Look, Rates};
use super::sample::{Sample, Sampler};
use super::say;
use super::tally::{BURIED, RECEIVED, SETTLED, Tally};
use super::view::View;
use super::worker::{Launch, how};
use crate::edge::Halt;
use crate::screen::Screen;
use crate::target::Pipeline;

/// First pause before a worker that died is started again.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A worker that lived so long did not die of its start.
const LIVED_WELL: Duration = Duration::from_secs(10);

/// Where nothing can be rewritten, a line is written every five looks; a look comes a little late.
const LINE_EVERY: Duration = Duration::from_millis(4_500);

/// How it came to its end.
pub(super) enum Ended {
    /// By the first signal: the worker finished its batch.
    Asked,
    /// By the second signal.
    Insisted,
}

/// Runs until a signal comes, or until the worker says that it cannot start.
pub(super) async fn run(pipeline: &Pipeline, launch: Launch, sampler: Sampler, screen: &Screen) -> Result<Ended, Halt> {
    let shutdown = host::on_signals()?;
    let (tx, mut seen) = mpsc::channel(1);
    let sampling = tokio::spawn(sampler.run(tx));
    let mut live = Live::new(pipeline, launch, screen);
    let watched = live.watch(&mut seen, &shutdown).await;
    sampling.abort();
    watched?;
    live.stop(&shutdown).await
}

struct Live<'a> {
    pipeline: &'a Pipeline,
    launch: Launch,
    screen: &'a Screen,
    begun: Instant,
    child: Option<Child>,
    started: Instant,
    pause: Duration,
    /// Of a child that died.
    start_at: Instant,
    restarts: u32,
    tally: Tally,
    rates: Rates,
    /// Lines of the block that stands on the terminal.
    block: usize,
    told: Option<Instant>,
}

impl<'a> Live<'a> {
    fn new(pipeline: &'a Pipeline, launch: Launch, screen: &'a Screen) -> Self {
        let now = Instant::now();
        Self {
            pipeline,
            launch,
            screen,
            begun: now,
            child: None,
            started: now,
            pause: PAUSE_MIN,
            start_at: now,
            restarts: 0,
            tally: Tally::default(),
            rates: Rates::default(),
            block: 0,
            told: None,
        }
    }

    async fn watch(&mut self, samples: &mut mpsc::Receiver<Sample>, shutdown: &Shutdown) -> Result<(), Halt> {
        self.start()?;
        loop {
            let away = self.child.is_none();
            tokio::select! {
                () = shutdown.asked() => return Ok(()),
                status = exited(&mut self.child) => self.died(status?)?,
                () = tokio::time::sleep_until(self.start_at.into()), if away => {
                    self.restarts += 1;
                    self.start()?;
                }
                Some(sample) = samples.recv() => self.show(&sample)?,
            }
        }
    }

    fn start(&mut self) -> Result<(), Halt> {
        self.child = Some(self.launch.start()?);
        self.started = Instant::now();
        Ok(())
    }

    fn died(&mut self, status: ExitStatus) -> Result<(), Halt> {
        self.child = None;
        if let Some(error) = self.launch.cannot_start(status) {
            self.clear()?;
            return Err(error.into());
        }
        if self.started.elapsed() > LIVED_WELL {
            self.pause = PAUSE_MIN;
        }
        let last = self.launch.last_words().map(|words| format!("; its last words: {words}")).unwrap_or_default();
        let again = format!("{:.1}", self.pause.as_secs_f64());
        self.tell(&format!("the worker died: {}{last}; starting it again in {again} s\n", how(status)))?;
        self.start_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    fn show(&mut self, sample: &Sample) -> Result<(), Halt> {
        if let Some(metrics) = &sample.metrics {
            if self.tally.take(metrics) {
                self.rates.forget();
            }
            let waiting = sample.waiting.iter().map(|(_, waiting)| *waiting).sum();
            let settled = self.tally.sum(SETTLED) + self.tally.sum(BURIED);
            let (received, in_flight) = (self.tally.sum(RECEIVED), metrics.sum("loyalty_in_flight"));
            self.rates.take(Look { at: sample.at, waiting, in_flight, received, settled });
        } else {
            self.rates.forget();
        }
        if self.screen.is_terminal() {
            let screen = self.screen.again();
            let block = self.view(sample).block(&screen);
            self.clear()?;
            self.screen.show(&(block.join("\n") + "\n"))?;
            self.block = block.len();
        } else if self.told.is_none_or(|told| told.elapsed() >= LINE_EVERY) {
            let view = self.view(sample);
            let text = if self.screen.is_json() { view.json() } else { view.line() };
            self.screen.show(&text)?;
            self.told = Some(Instant::now());
        }
        Ok(())
    }

    fn view<'b>(&'b self, sample: &'b Sample) -> View<'b> {
        View {
            pipeline: self.pipeline.name.as_str(),
            running: self.begun.elapsed(),
            sample,
            tally: &self.tally,
            rates: &self.rates,
            pid: self.child.as_ref().and_then(Child::id),
            restarts: self.restarts,
            is_embedded: self.pipeline.spec.ledger.sqlite.is_some(),
            log: self.launch.log().to_str().unwrap_or_default(),
        }
    }

    /// A line above the block.
    fn tell(&mut self, text: &str) -> Result<(), Halt> {
        self.clear()?;
        say(self.screen, text)?;
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Halt> {
        if self.block > 0 {
            self.screen.show(&format!("\r\x1b[{}A\x1b[J", self.block))?;
            self.block = 0;
        }
        Ok(())
    }

    /// Lets the worker finish; a second signal ends it at once.
    async fn stop(&mut self, shutdown: &Shutdown) -> Result<Ended, Halt> {
        // What was shown last stays.
        self.block = 0;
        let Some(mut child) = self.child.take() else { return Ok(Ended::Asked) };
        say(self.screen, "stopping: the worker finishes its batch; Ctrl-C again leaves at once\n")?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Gone already is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                if !status.success() {
                    self.tell(&format!("the worker did not end well: {}; its log is {}\n", how(status), self.launch.log().display()))?;
                }
                Ok(Ended::Asked)
            }
            () = shutdown.now() => {
                child.kill().await?;
                Ok(Ended::Insisted)
            }
        }
    }
}

/// Ends with the child; never without one. Cancel-safe.
async fn exited(child: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}
