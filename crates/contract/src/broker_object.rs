//! Objects on a RabbitMQ broker as values: what is wanted, what stands, and the steps between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Optional arguments of an object, by name.
pub type Arguments = BTreeMap<String, Argument>;

/// The value of an argument; what the broker holds and we never set (tables, floats) is kept as the text of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Name in its vhost.
    pub name: String,
    /// `topic`, `direct`, `fanout`, `headers`, or a plugin's.
    pub kind: String,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Goes with its last binding.
    pub auto_delete: bool,
    /// Takes no messages from publishers.
    pub internal: bool,
    /// Optional arguments.
    pub arguments: Arguments,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Name in its vhost.
    pub name: String,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Goes with its last consumer.
    pub auto_delete: bool,
    /// Optional arguments, `x-queue-type` among them.
    pub arguments: Arguments,
}

/// What a binding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Destination {
    /// A queue.
    Queue,
    /// Another exchange.
    Exchange,
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Binding {
    /// The exchange that messages come from.
    pub source: String,
    /// What kind of object they go to.
    pub destination_kind: Destination,
    /// Its name.
    pub destination: String,
    /// Routing key or pattern.
    pub routing_key: String,
    /// Optional arguments.
    pub arguments: Arguments,
}

/// A queue that stands, with what it holds. A number that the broker does not tell is unknown, not nought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingQueue {
    /// The queue as declared.
    pub queue: Queue,
    /// What policies set for it, by their keys.
    pub policy: Arguments,
    /// Messages in it, ready, unacknowledged and delayed.
    pub messages: Option<u64>,
    /// Consumers of it.
    pub consumers: Option<u64>,
}

/// What stands on the broker, as far as it could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// All fields, read through the management API.
    Seen(Seen),
    /// The broker has no management API (that we may use): nothing but success of a declaration can be known.
    Unseen,
}

/// Objects of a vhost with all their fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By name.
    pub exchanges: BTreeMap<String, Exchange>,
    /// By name.
    pub queues: BTreeMap<String, StandingQueue>,
    /// Without the default exchange's implied ones.
    pub bindings: BTreeSet<Binding>,
}

/// What a pipeline wants to stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// In the order in which they are to be declared.
    pub exchanges: Vec<Exchange>,
    /// In the order in which they are to be declared.
    pub queues: Vec<Queue>,
    /// After the objects.
    pub bindings: BTreeSet<Binding>,
    /// Exchanges that somebody else declares and that must be there, with the type that the spec says.
    pub foreign_exchanges: BTreeMap<String, String>,
}

/// Which RabbitMQ a broker is, as far as it makes a difference to what is asked of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// `4` of `4.1.8`; unknown where the broker does not say it.
    pub major: Option<u32>,
}

impl Release {
    /// From a version as the broker writes it.
    #[must_use]
    pub fn of(version: &str) -> Self {
        Self { major: version.split('.').next().and_then(|major| major.trim().parse().ok()) }
    }

    /// Whether `-1` is no limit of deliveries. Before 4.0 no limit is what holds without the argument, and `-1` is a limit that
    /// the first return of a message exceeds. A broker that does not say what it is counts as a new one.
    #[must_use]
    pub fn knows_no_limit(self) -> bool {
        self.major.is_none_or(|major| major >= 4)
    }
}

/// One change of the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Create an exchange.
    DeclareExchange(Exchange),
    /// Create a queue.
    DeclareQueue(Queue),
    /// Create a binding.
    Bind(Binding),
    /// Remove a binding to one of our own queues that nobody wants any more.
    Unbind(Binding),
    /// Remove a queue of ours.
    DeleteQueue {
        /// Which.
        name: String,
        /// With all that it holds; else it is refused while messages are ready in it.
        force: bool,
    },
    /// Remove an exchange of ours, with its bindings.
    DeleteExchange {
        /// Which.
        name: String,
    },
}

/// The argument of a mark, which is a binding from a pipeline's owner exchange to an object of its own; its value is the owner.
pub const OWNER_ARGUMENT: &str = "loyalty.dev/owner";

impl Binding {
    /// Whose mark this is, if it is one.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        match self.arguments.get(OWNER_ARGUMENT) {
            Some(Argument::Text(owner)) => Some(owner),
            _ => None,
        }
    }
}
