//! Wiring: everything is opened, told of each other, and closed in turn.

use std::sync::Arc;

use contract::config::WorkerConfig;
use contract::intake::{Intake, TimeLimits};
use engine::Engine;
use host::{Health, ServeError, Shutdown};
use ledger::{Ledger, LedgerError};

use crate::Args;
use crate::hold::{Holder, Told};
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::session;
use crate::settings::{self, Settings, SettingsError};
use crate::tenure::Tenure;

/// Why a worker cannot start; waiting would not help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("could not write `{path}`")]
    ListenFile { path: std::path::PathBuf, source: std::io::Error },
    #[error("could not register metrics")]
    Metrics(#[from] prometheus::Error),
    #[error("could not listen for signals")]
    Signals(#[source] std::io::Error),
}

/// Everything that a session works with.
pub(crate) struct Worker {
    pub(crate) config: WorkerConfig,
    pub(crate) args: Args,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) engine: Engine,
    pub(crate) intake: Intake,
    pub(crate) limits: TimeLimits,
    pub(crate) marks: Marks,
    pub(crate) holder: Holder,
    /// Names this process on the broker and as the holder of the lease.
    pub(crate) consumer_tag: String,
}

impl Worker {
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.holder.metrics
    }
}

pub(crate) async fn run(args: Args) -> Result<(), StartError> {
    let settings = settings::read(&args)?;
    let shutdown = host::on_signals().map_err(StartError::Signals)?;
    let metrics = Metrics::new()?;
    let health = Health::waiting_for(&["broker", "ledger"]);
    let server = host::bind(args.listen).await?;
    if let Some(path) = &args.listen_file {
        let write = std::fs::write(path, server.address.to_string());
        write.map_err(|source| StartError::ListenFile { path: path.clone(), source })?;
    }
    let probes = tokio::spawn(server.run(health.clone(), metrics.registry.clone(), shutdown.clone()));
    let stopping = health.clone();
    let asked = shutdown.clone();
    tokio::spawn(async move {
        asked.asked().await;
        // Alive and not ready: traffic and roll-outs look at this.
        stopping.down("worker", "stopping");
    });
    let worked = tenures(args, settings, Process { health, metrics, shutdown: shutdown.clone() }).await;
    shutdown.insist();
    // A client that never finishes its question must not keep the process.
    probes.abort();
    worked
}

/// What outlives a tenure.
struct Process {
    health: Health,
    metrics: Metrics,
    shutdown: Shutdown,
}

/// One address of the ledger after another, until the process is asked to stop.
async fn tenures(args: Args, settings: Settings, process: Process) -> Result<(), StartError> {
    let Settings { config, ledger_url: mut url } = settings;
    let mut ledger = ledger::open(&url)?;
    loop {
        let tenure = Tenure::new(args.ledger_secret.clone(), &url, process.shutdown.part());
        let holder = Holder {
            health: process.health.clone(),
            metrics: process.metrics.clone(),
            shutdown: tenure.end.clone(),
            tenure: tenure.clone(),
            told: Told::default(),
        };
        work(args.clone(), config.clone(), ledger.clone(), holder).await?;
        if process.shutdown.is_asked() {
            return Ok(());
        }
        process.health.down("broker", "not consuming: the ledger's address was exchanged");
        // It may have been exchanged back, or again: whatever it is, the next look sees it.
        if let Some(next) = tenure.next() {
            (url, ledger) = next;
        }
    }
}

async fn work(args: Args, config: WorkerConfig, ledger: Arc<dyn Ledger>, holder: Holder) -> Result<(), StartError> {
    if !ledger_ready(ledger.as_ref(), &holder).await? {
        return Ok(());
    }
    let limits = TimeLimits::new(&config.events);
    let open = async || Engine::open(config.pipeline.clone(), ledger.clone(), limits).await;
    let Some(engine) = holder.ledger(open).await else { return Ok(()) };
    let (marks, marking) = Marks::start(ledger.clone());
    let intake = Intake::new(&config.events, config.currency);
    let consumer_tag = tag(&config);
    tracing::info!(pipeline = config.pipeline.as_str(), worker = consumer_tag, "started");
    let worker = Arc::new(Worker { config, args, ledger, engine, intake, limits, marks, holder, consumer_tag });
    session::run(&worker).await;
    tracing::info!("stopped");
    let left = worker.holder.shutdown.clone();
    drop(worker);
    tokio::select! {
        () = finish(marking) => {}
        () = left.now() => {}
    }
    Ok(())
}

/// Whether the ledger has our version (`false`: asked to stop first). A newer one is for a person.
async fn ledger_ready(ledger: &dyn Ledger, holder: &Holder) -> Result<bool, LedgerError> {
    let check = async || match ledger.check_version().await {
        Err(error) if may_pass(&error, &holder.tenure) => Err(error.into()),
        checked => Ok(checked),
    };
    match holder.ledger(check).await {
        Some(checked) => checked.map(|()| true),
        None => Ok(false),
    }
}

/// Whether waiting may help: a migration may be under way, and a login that is refused may be exchanged.
fn may_pass(error: &LedgerError, tenure: &Tenure) -> bool {
    match error {
        LedgerError::WrongVersion { stands, needed, .. } => stands < needed,
        LedgerError::Misconfigured { .. } => tenure.may_change(),
        error => error.is_away(),
    }
}

/// A consumer tag has at most 255 bytes.
const HOST_CHARS_MAX: usize = 40;

/// Host name and process id: what `rabbitmqctl list_consumers` shows must lead to a pod.
fn tag(config: &WorkerConfig) -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".into());
    // Two hosts may call themselves `localhost` and have the same process id; the lease must still tell them apart.
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.subsec_nanos());
    let host: String = host.chars().take(HOST_CHARS_MAX).collect();
    format!("{}@{host}/{}-{nanos:08x}", config.pipeline, std::process::id())
}

/// The last marks are worth a moment, not a hang: the lease holder sets what is left.
async fn finish(marking: tokio::task::JoinHandle<()>) {
    const MARKS_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(2);
    if tokio::time::timeout(MARKS_WAIT_MAX, marking).await.is_err() {
        tracing::debug!("the last marks are left to the lease holder");
    }
}
