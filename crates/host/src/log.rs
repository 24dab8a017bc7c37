//! One subscriber for the whole process, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The AMQP client prints messages that it got back, body and all, and Kubernetes' client whole answers that it cannot read, which may
/// be Secrets; no payload belongs into a log.
const PAYLOADS: [&str; 2] = ["lapin::returned_messages=off", "kube_client::client=error"];

/// The filter could not be read, or a log was started before.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Not a filter.
    #[error("could not read the log filter `{filter}`; write a level such as `info`, or `loyalty_worker=debug,info`")]
    Filter {
        /// What was given.
        filter: String,
        /// What the reader says.
        source: tracing_subscriber::filter::ParseError,
    },
    /// A second start.
    #[error("could not start the log")]
    Started(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts the log with a filter such as `info`.
pub fn init(filter: &str, format: Format) -> Result<(), LogError> {
    let parsed = EnvFilter::try_new(filter).map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let parsed = PAYLOADS.iter().filter_map(|target| target.parse().ok()).fold(parsed, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    match format {
        Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    }
    .map_err(LogError::Started)
}
