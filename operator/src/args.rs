//! The command line.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use contract::span::Span;

/// Makes broker and cluster look like every `LoyaltyPipeline`, keeps them so, and scales the workers by queue depth
#[derive(Debug, Parser)]
#[command(
    name = "loyalty-operator",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  loyalty-operator --worker-image docker.io/loyalty/loyalty-worker:0.1.0
  loyalty-operator --worker-image loyalty-worker:dev --watch-namespace shops --leader-election false --log-format text
  loyalty-operator check --url http://loyalty-operator:8080/readyz

In a cluster it uses its service account, elsewhere the kubeconfig. The first SIGTERM or SIGINT ends the walks that have begun,
the second one leaves at once.
Exit codes: 0 stopped as asked, 1 the lease was lost, 2 could not start."
)]
pub struct Cli {
    /// What to do instead of operating
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to operate
    #[command(flatten)]
    pub operate: Args,
}

/// What to do instead of operating.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a running operator whether it is ready: exit code 0 if it is, 1 if not
    Check {
        /// Where it answers
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/readyz")]
        url: String,
    },
}

/// How to operate.
#[derive(Debug, Clone, ClapArgs)]
pub struct Args {
    /// Image of the workers
    #[arg(long, env = "LOYALTY_WORKER_IMAGE", value_name = "IMAGE", default_value = WORKER_IMAGE)]
    pub worker_image: String,

    /// When nodes fetch it: `IfNotPresent`, `Always` or `Never`
    #[arg(long, env = "LOYALTY_WORKER_PULL_POLICY", value_name = "POLICY", default_value = "IfNotPresent",
        value_parser = ["IfNotPresent", "Always", "Never"])]
    pub worker_pull_policy: String,

    /// Secret of each pipeline's namespace with which nodes fetch it; may be repeated
    #[arg(
        long = "worker-pull-secret",
        env = "LOYALTY_WORKER_PULL_SECRETS",
        value_name = "SECRET",
        value_delimiter = ','
    )]
    pub worker_pull_secrets: Vec<String>,

    /// Whether the platform chooses user and group of the workers, as `OpenShift` does; else they are the image's own, 65532
    #[arg(long, env = "LOYALTY_WORKER_ANY_USER", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    pub worker_any_user: bool,

    /// Namespace to watch; may be repeated, all when absent
    #[arg(long = "watch-namespace", env = "LOYALTY_WATCH_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// How long what is due for members (points that wait or end) may wait for a worker where there is none, such as `1h`
    #[arg(long, env = "LOYALTY_DUE_WITHIN", value_name = "SPAN", default_value = "1h", value_parser = Span::parse)]
    pub due_within: Span,

    /// Where /livez, /readyz and /metrics answer
    #[arg(long, env = "LOYALTY_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Whether to work only while holding a lease; `true` where several operators may run
    #[arg(long, env = "LOYALTY_LEADER_ELECTION", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub leader_election: bool,

    /// Name of that lease
    #[arg(long, env = "LOYALTY_LEASE_NAME", value_name = "NAME", default_value = "loyalty-operator")]
    pub lease_name: String,

    /// Namespace of that lease
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE", default_value = "default")]
    pub namespace: String,

    /// Who holds it; the name of the machine and something that no other process has when absent
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: Option<String>,

    /// Log filter: a level, or targets with levels; the AMQP library is silent unless it names `lapin`
    #[arg(long, env = "LOYALTY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How log lines look
    #[arg(long, env = "LOYALTY_LOG_FORMAT", value_name = "FORMAT", default_value = "json")]
    pub log_format: LogFormat,
}

impl Args {
    /// What the log shows: the library's own words on a lost connection are said by us, once.
    pub(crate) fn filter(&self) -> String {
        if self.log.contains("lapin") { self.log.clone() } else { format!("{},lapin=off", self.log) }
    }

    /// Who asks for the lease. Two operators of one name would both believe that they hold it.
    pub(crate) fn identity(&self) -> String {
        self.identity.clone().filter(|name| !name.is_empty()).unwrap_or_else(unique)
    }
}

fn unique() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = if machine.trim().is_empty() { "loyalty-operator" } else { machine.trim() };
    // Its keys differ from process to process.
    let random = RandomState::new().hash_one(std::process::id());
    format!("{machine}-{}-{random:x}", std::process::id())
}

const WORKER_IMAGE: &str = concat!("docker.io/loyalty/loyalty-worker:", env!("CARGO_PKG_VERSION"));

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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Cli;

    fn identity(args: &[&str]) -> String {
        Cli::parse_from([&["loyalty-operator"], args].concat()).operate.identity()
    }

    #[test]
    fn who_gives_no_name_has_one_that_nobody_else_has() {
        assert_eq!(identity(&["--identity", "one"]), "one");
        let (first, second) = (identity(&["--identity", ""]), identity(&["--identity", ""]));
        assert_ne!(first, second);
        assert!(first.contains(&std::process::id().to_string()), "{first}");
    }

    #[test]
    fn the_library_is_silent_unless_it_is_named() {
        let filter = |text: &str| Cli::parse_from(["loyalty-operator", "--log", text]).operate.filter();
        assert_eq!(filter("info"), "info,lapin=off");
        assert_eq!(filter("debug,kube=warn"), "debug,kube=warn,lapin=off");
        assert_eq!(filter("info,lapin=warn"), "info,lapin=warn");
    }
}
