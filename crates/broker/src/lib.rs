//! What a process of ours needs of RabbitMQ: where it is and how to log in, the AMQP connection, and the management API.
//!
//! No decisions: what should stand on the broker is decided elsewhere, here it is carried out and looked at. Not here
//! either: the worker's consuming, which needs the AMQP library itself and gets a channel of it.

pub mod amqp;
mod error;
mod flight;
mod link;
mod management;
mod pace;
mod percent;
mod settings;
mod sight;
mod tls;

pub use amqp::{
    Applier, Confirm, Connection, Consumer, Depth, Message, Properties, Publication, Publisher, apply, connect,
};
pub use error::{ApplyError, BrokerError, Fault, OperationError, PublishError};
pub use link::{Counts, DepthError, Link};
pub use management::{Management, ManagementError, Overview, QueueCounts};
pub use settings::{Settings, SettingsError};
pub use sight::{Sight, View, release, sight};

/// Makes ring the one TLS provider of this process. Harmless when called again; a process that never calls [`connect`] or
/// [`Management::new`] first thing in `main` calls this.
pub fn install_tls_provider() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
