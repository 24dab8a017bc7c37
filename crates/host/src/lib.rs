//! What any process of ours needs to live: one TLS provider, a log, `/livez`, `/readyz`, `/metrics`, and a two-signal shutdown.
//!
//! It knows nothing of pipelines; who is ready, and what is measured, is told by the process.

mod chain;
mod health;
mod log;
mod reference;
mod serve;
mod shutdown;

pub use chain::chain;
pub use health::Health;
pub use log::{Format, LogError, init as init_log};
pub use reference::{ANY, metrics_table};
pub use serve::{ServeError, Server, bind};
pub use shutdown::{Shutdown, on_signals};

/// Makes ring the one TLS provider; first thing in every `main`. A second call changes nothing.
pub fn install_tls() {
    // An error only says that one is installed already: by us, since no other is compiled in.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
