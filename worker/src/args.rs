//! The command line. Secrets come by environment or by files, so that no process list shows them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::migrate::MigrateArgs;

/// Turns deliveries of one pipeline into postings and results.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  AMQP_URL=amqp://localhost LEDGER_URL=sqlite:ledger.db loyalty-worker --config worker.yaml
  loyalty-worker --config /etc/loyalty/worker.yaml --broker-secret /etc/loyalty/broker --ledger-secret /etc/loyalty/ledger/url

Signals: the first SIGTERM or SIGINT works off what was delivered, for 20 seconds at most; the second leaves at once.
Exit codes: 0 stopped as asked, 2 could not start."
)]
pub struct Cli {
    /// What to do instead of working
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to work
    #[command(flatten)]
    pub work: Option<Args>,
}

/// What to do instead of working.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make or renew the ledger's tables, and write a pipeline's rules into its timeline
    Migrate(MigrateArgs),
}

/// How to work.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pipeline's configuration (YAML or JSON)
    #[arg(long, env = "LOYALTY_CONFIG", value_name = "FILE")]
    pub config: PathBuf,

    /// Folder with the keys of a broker Secret (uri, ca.crt, tls.crt, tls.key); without it AMQP_URL is read
    #[arg(long, env = "LOYALTY_BROKER_SECRET", value_name = "DIR")]
    pub broker_secret: Option<PathBuf>,

    /// File with the ledger's URL (postgres://..., sqlite:PATH); without it LEDGER_URL is read
    #[arg(long, env = "LOYALTY_LEDGER_SECRET", value_name = "FILE")]
    pub ledger_secret: Option<PathBuf>,

    /// Where /livez, /readyz and /metrics answer
    #[arg(long, env = "LOYALTY_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// File to write the address into on which it listens (useful with port 0)
    #[arg(long, value_name = "FILE")]
    pub listen_file: Option<PathBuf>,

    /// Log filter: a level, or targets with levels
    #[arg(long, env = "LOYALTY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How log lines look
    #[arg(long, env = "LOYALTY_LOG_FORMAT", value_name = "FORMAT", default_value = "json")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl From<LogFormat> for host::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}
