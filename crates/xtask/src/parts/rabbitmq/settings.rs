//! How our broker is set up: its configuration files and its environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::parts::account::Account;
use crate::parts::error::PartError;

const USER: &str = "loyalty";

/// Ports on 127.0.0.1, the password, and the run's folder as the broker sees it.
pub(crate) struct Settings {
    pub(crate) home: PathBuf,
    pub(crate) amqp: u16,
    pub(crate) management: u16,
    pub(crate) distribution: u16,
    pub(crate) mapper: u16,
    pub(crate) prometheus: u16,
    pub(crate) password: String,
}

impl Settings {
    pub(crate) fn amqp_url(&self) -> String {
        format!("amqp://{USER}:{}@127.0.0.1:{}/%2f", self.password, self.amqp)
    }

    pub(crate) fn management_url(&self) -> String {
        format!("http://{USER}:{}@127.0.0.1:{}", self.password, self.management)
    }

    /// Writes the files into `folder`, which is `home` as we see it, and gives all to the broker's user.
    pub(crate) fn write(&self, folder: &Path, account: Option<Account>) -> Result<(), PartError> {
        let configuration = folder.join("rabbitmq.conf");
        let plugins = folder.join("enabled_plugins");
        fs::write(&configuration, self.configuration()).map_err(PartError::file("write", &configuration))?;
        fs::write(&plugins, "[rabbitmq_management,rabbitmq_prometheus].\n")
            .map_err(PartError::file("write", &plugins))?;
        account.map_or(Ok(()), |account| account.own([folder.to_owned(), configuration, plugins]))
    }

    /// Memory is counted by the allocator, and its limit and that of the disk are absolute: in a root folder without
    /// `/proc` the broker can read neither.
    fn configuration(&self) -> String {
        let Self { amqp, management, prometheus, password, .. } = self;
        format!(
            "listeners.tcp.default = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             prometheus.tcp.ip = 127.0.0.1\n\
             prometheus.tcp.port = {prometheus}\n\
             default_user = {USER}\n\
             default_pass = {password}\n\
             vm_memory_calculation_strategy = allocated\n\
             vm_memory_high_watermark.absolute = 1GB\n\
             disk_free_limit.absolute = 50MB\n\
             log.console = true\n\
             log.console.level = warning\n\
             log.file = false\n"
        )
    }

    /// The environment; the node is told from every other by its own name, its own port mapper and its own cookie.
    pub(crate) fn apply(&self, command: &mut Command) {
        let home = &self.home;
        command.env("HOME", home);
        command.env("LANG", "C.UTF-8");
        command.env("ERL_EPMD_PORT", self.mapper.to_string());
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("ERL_CRASH_DUMP", home.join("erl_crash.dump"));
        command.env("RABBITMQ_NODENAME", format!("loyalty-{}@localhost", self.amqp));
        command.env("RABBITMQ_DIST_PORT", self.distribution.to_string());
        command.env("RABBITMQ_LOGS", "-");
        // The port mapper is a child of ours; Erlang's own one would outlive the node.
        let arguments = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}";
        command.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", arguments);
        for (variable, file) in [
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("RABBITMQ_CONF_ENV_FILE", "rabbitmq-env.conf"),
            ("RABBITMQ_MNESIA_BASE", "data"),
            ("RABBITMQ_MNESIA_DIR", "data/node"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_GENERATED_CONFIG_DIR", "generated"),
            ("RABBITMQ_SCHEMA_DIR", "schema"),
            ("RABBITMQ_PID_FILE", "rabbitmq.pid"),
        ] {
            command.env(variable, home.join(file));
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("home", &self.home).field("amqp", &self.amqp).finish_non_exhaustive()
    }
}
