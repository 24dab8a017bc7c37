//! Wiring: everything is opened, told of each other, and closed in turn.

use std::sync::Arc;

use contract::config::WorkerConfig;
use contract::intake::{Intake, TimeLimits};
use engine::Engine;
use host::{Health, ServeError};
use ledger::{Ledger, LedgerError};

use crate::Args;
use crate::hold::Holder;
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::session;
use crate::settings::{self, Settings, SettingsError};

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
    let holder = Holder { health, metrics, shutdown: shutdown.clone() };
    let stopping = holder.health.clone();
    let asked = shutdown.clone();
    tokio::spawn(async move {
        asked.asked().await;
        // Alive and not ready: traffic and roll-outs look at this.
        stopping.down("worker", "stopping");
    });
    let worked = work(args, settings, holder).await;
    shutdown.insist();
    // A client that never finishes its question must not keep the process.
    probes.abort();
    worked
}

async fn work(args: Args, settings: Settings, holder: Holder) -> Result<(), StartError> {
    let Settings { config, ledger_url } = settings;
    let ledger = ledger::open(&ledger_url)?;
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

/// Whether the ledger has our version (`false`: asked to stop first). A wrong one is for a person, an absent one is waited for.
async fn ledger_ready(ledger: &dyn Ledger, holder: &Holder) -> Result<bool, LedgerError> {
    let check = async || match ledger.check_version().await {
        Err(error) if error.is_away() => Err(error.into()),
        checked => Ok(checked),
    };
    match holder.ledger(check).await {
        Some(checked) => checked.map(|()| true),
        None => Ok(false),
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
