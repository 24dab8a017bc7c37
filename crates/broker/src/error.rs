//! What can go wrong on the way to the broker and on it.

use contract::broker_object::{Destination, Step};

/// What a client library said, whichever it is; shared, for several may wait for one answer.
pub type Fault = std::sync::Arc<dyn std::error::Error + Send + Sync + 'static>;

/// Why there is no connection. The address is `host:port`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// Nobody answers there.
    #[error("could not reach the broker at `{address}`; check host and port, and that RabbitMQ runs")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        #[source]
        source: Fault,
    },
    /// Somebody answers too slowly or not at all.
    #[error("could not reach the broker at `{address}`: no answer within {seconds} s; check host, port and firewall")]
    Slow {
        /// Where.
        address: String,
        /// How long we waited, in seconds.
        seconds: u64,
    },
    /// User or password is wrong.
    #[error(
        "could not log in to the broker at `{address}`: it refuses the password of user `{username}`; check both in `uri`"
    )]
    Login {
        /// Where.
        address: String,
        /// As whom.
        username: String,
    },
    /// There is no such vhost.
    #[error(
        "could not open vhost `{vhost}` on the broker at `{address}`: there is none; create it or correct the end of `uri`"
    )]
    NoVhost {
        /// Where.
        address: String,
        /// Which.
        vhost: String,
    },
    /// The user may not use the vhost, or the broker has a limit on it.
    #[error(
        "could not open vhost `{vhost}` on the broker at `{address}`: {reply}; give user `{username}` permissions there"
    )]
    Vhost {
        /// Where.
        address: String,
        /// Which.
        vhost: String,
        /// As whom.
        username: String,
        /// What the broker said.
        reply: String,
    },
    /// Nobody whom we trust signed the broker's certificate.
    #[error(
        "could not trust the broker at `{address}`: {problem}; put the certificate of the authority that signed the broker's \
         into `ca.crt`"
    )]
    Certificate {
        /// Where.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No TLS on a port that should speak it.
    #[error(
        "could not speak TLS with the broker at `{address}`: that port does not; write `amqp://`, or the TLS port (usually 5671)"
    )]
    NotTls {
        /// Where.
        address: String,
    },
    /// The broker's TLS ended the handshake.
    #[error(
        "could not speak TLS with the broker at `{address}`: it ended with `{alert}`; check `tls.crt` and `tls.key`"
    )]
    Handshake {
        /// Where.
        address: String,
        /// The alert's name.
        alert: String,
    },
    /// Something else answers there.
    #[error(
        "could not speak AMQP 0-9-1 with `{address}`: it does not; check the port (usually 5672), and write `amqps://` if it is \
         the TLS port"
    )]
    NotAmqp {
        /// Where.
        address: String,
        /// What was heard.
        #[source]
        source: Fault,
    },
    /// `ca.crt`, `tls.crt` or `tls.key` do not work.
    #[error(
        "could not set up TLS; check `ca.crt`, `tls.crt` and `tls.key`, or that this machine has a bundle of authorities"
    )]
    Tls {
        /// What the TLS library said.
        #[source]
        source: Fault,
    },
}

/// Why one request to a connected broker was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OperationError {
    /// The broker refuses; the channel is closed, the connection stands.
    #[error("could not {action}: the broker refuses: {reply}")]
    Refused {
        /// What was tried, with the object's name.
        action: String,
        /// AMQP reply code: 403 not allowed, 404 not there, 405 in exclusive use, 406 stands with other properties.
        code: u16,
        /// What the broker said.
        reply: String,
    },
    /// The connection is gone.
    #[error("could not {action}: the connection to the broker is lost")]
    Lost {
        /// What was tried.
        action: String,
        /// What the client library said.
        #[source]
        source: Fault,
    },
    /// No answer in time; whether it was carried out is unknown.
    #[error("could not {action}: no answer from the broker within {seconds} s")]
    Slow {
        /// What was tried.
        action: String,
        /// How long we waited, in seconds.
        seconds: u64,
    },
    /// A queue that was to be deleted if empty is not.
    #[error("could not {action}: {ready} messages are ready in it; drain or purge it first")]
    NotEmpty {
        /// What was tried.
        action: String,
        /// Messages that were ready.
        ready: u64,
    },
    /// A name or key that AMQP cannot carry.
    #[error("could not {action}: `{value}` has more than the 255 bytes that AMQP carries")]
    TooLong {
        /// What was tried.
        action: String,
        /// The beginning of it.
        value: String,
    },
}

impl OperationError {
    /// The object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// The object stands with other properties than declared.
    #[must_use]
    pub fn is_precondition_failed(&self) -> bool {
        matches!(self, Self::Refused { code: 406, .. })
    }

    /// The connection is gone or silent: another one may do better.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Slow { .. })
    }
}

/// Why a message is not known to be safe with the broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// No queue takes it.
    #[error("could not publish to exchange `{exchange}` with key `{routing_key}`: no queue takes it; bind one")]
    Unroutable {
        /// Where it was published.
        exchange: String,
        /// With which key.
        routing_key: String,
    },
    /// The broker says that it did not take it.
    #[error("could not publish to exchange `{exchange}`: the broker did not take the message; try again")]
    Nacked {
        /// Where it was published.
        exchange: String,
    },
    /// Refused, or the connection is gone; whether it was taken is unknown.
    #[error("could not publish to exchange `{exchange}`: {problem}")]
    Unconfirmed {
        /// Where it was published.
        exchange: String,
        /// What happened.
        problem: String,
    },
}

/// A step that was not carried out; the ones before it were.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not apply: {}", step_name(step))]
pub struct ApplyError {
    /// Which one.
    pub step: Box<Step>,
    /// Why.
    #[source]
    pub source: OperationError,
}

/// A step in words, after "could not".
pub(crate) fn step_name(step: &Step) -> String {
    match step {
        Step::DeclareExchange(exchange) => format!("declare exchange `{}`", exchange.name),
        Step::DeclareQueue(queue) => format!("declare queue `{}`", queue.name),
        Step::Bind(binding) => format!("bind {} to exchange `{}`", target(binding), binding.source),
        Step::Unbind(binding) => format!("unbind {} from exchange `{}`", target(binding), binding.source),
        Step::DeleteQueue { name, .. } => format!("delete queue `{name}`"),
        Step::DeleteExchange { name } => format!("delete exchange `{name}`"),
    }
}

fn target(binding: &contract::broker_object::Binding) -> String {
    let kind = match binding.destination_kind {
        Destination::Queue => "queue",
        Destination::Exchange => "exchange",
    };
    format!("{kind} `{}` by key `{}`", binding.destination, binding.routing_key)
}
