//! A pipeline as a person writes it, apart from programme and cluster: where events come from, how safe the queues are, where results go.

use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::{EventType, PipelineName, SubscriberName};

/// Where events come from and how they are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.sources.all(a, self.sources.all(b, a.exchange.name != b.exchange.name || a.exchange.type == b.exchange.type))",
        "message": "an exchange has one type: say the same wherever it is named"
    },
    {
        "rule": "self.sources.all(a, self.sources.all(b, \
                 a.exchange.name != b.exchange.name || a.exchange.declare == b.exchange.declare))",
        "message": "an exchange is declared by us or by somebody else: say the same `declare` wherever it is named"
    },
])))]
pub struct Events {
    /// At least one.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub sources: Vec<EventSource>,
    /// The form of the messages.
    #[serde(default)]
    pub format: Format,
    /// How old an event may be, and how long a refund waits for its purchase. Not used with `clock: Event`.
    #[serde(default = "max_lateness")]
    #[cfg_attr(feature = "schema", schemars(default = "max_lateness"))]
    pub max_lateness: Span,
    /// By which time lateness is measured.
    #[serde(default)]
    pub clock: Clock,
}

fn max_lateness() -> Span {
    Span::days(30)
}

/// One way by which events come in, and what may be said there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.exchange.type != 'Fanout' || self.routingKeys.all(key, key == '')",
    "message": "a Fanout exchange routes everything: write `routingKeys: [\"\"]`"
}])))]
pub struct EventSource {
    /// The exchange that producers publish to.
    pub exchange: ExchangeRef,
    /// Binding keys: patterns with `*` and `#` on a topic exchange, plain keys on a direct one, `[""]` on a fanout.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64), inner(length(max = 255))))]
    pub routing_keys: Vec<String>,
    /// Event types that may be said here; another type is buried.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub types: Vec<EventType>,
    /// Which queue its events wait in.
    #[serde(default)]
    pub lane: Lane,
}

/// An exchange of the producers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "!self.declare || !self.name.startsWith('amq.')",
    "message": "only the broker may declare what begins with `amq.`: write `declare: false`, or choose another name"
}])))]
pub struct ExchangeRef {
    /// Name on the broker.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 127)))]
    pub name: String,
    /// Its type on the broker.
    #[serde(rename = "type", default)]
    pub kind: ExchangeKind,
    /// Whether we create it (durable; a source's with our alternate exchange); `false` when somebody else does.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    // A default that is left out when it is written is one all the same.
    #[cfg_attr(feature = "schema", schemars(extend("default" = true)))]
    pub declare: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// Exchange types that can stand before a pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ExchangeKind {
    /// Routes by pattern.
    #[default]
    Topic,
    /// Routes by equal key.
    Direct,
    /// Routes everything.
    Fanout,
}

/// The form of incoming messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Format {
    /// One flat JSON object.
    #[default]
    Json,
    /// CloudEvents 1.0, structured or binary mode.
    CloudEvents,
}

/// By which time lateness is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Clock {
    /// The wall clock: events older than `maxLateness` or more than five minutes ahead are buried.
    #[default]
    Wall,
    /// The events' own time, for histories and imports: no event is too old or too new.
    Event,
}

/// One queue of a pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Lane {
    /// What can wait: accruals.
    #[default]
    Main,
    /// What overtakes it: redemptions at the till.
    Express,
}

/// How safe the queues are, and what happens to messages that cannot be applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.storage == oldSelf.storage", "message": "storage cannot change once the queues exist"
}])))]
pub struct Queue {
    /// The broker's answer to "how safe"; cannot change once the queues exist.
    #[serde(default)]
    pub storage: Storage,
    /// At how many deaths of a worker a message may be there, 3 to 100, before it is buried as `CrashedWorker`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 3, max = 100)))]
    pub attempts: Attempts,
    /// The queue of buried messages.
    #[serde(default)]
    pub dead_letter: DeadLetter,
}

/// A number of attempts, 3 to 100: two deaths make a message suspect, a third one convicts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Attempts(u32);

/// A number of attempts out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attempts is {0}; give 3 to 100")]
pub struct AttemptsError(u32);

impl Attempts {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self(5)
    }
}

impl TryFrom<u32> for Attempts {
    type Error = AttemptsError;
    fn try_from(count: u32) -> Result<Self, AttemptsError> {
        if (3..=100).contains(&count) { Ok(Self(count)) } else { Err(AttemptsError(count)) }
    }
}

impl From<Attempts> for u32 {
    fn from(attempts: Attempts) -> Self {
        attempts.0
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Attempts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Attempts".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "format": "uint32", "minimum": 3, "maximum": 100 })
    }
}

/// The broker's answer to "how safe".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Storage {
    /// Durable classic queues: on one node's disk.
    Disk,
    /// Quorum queues: on a majority of the nodes' disks.
    #[default]
    Replicated,
}

/// The queue of buried messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.maxLength == oldSelf.maxLength", "message": "maxLength cannot change once the queues exist"
}])))]
pub struct DeadLetter {
    /// Most messages it holds; beyond that the oldest go. Cannot change once the queues exist.
    #[serde(default = "dead_length")]
    #[cfg_attr(feature = "schema", schemars(default = "dead_length"))]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000_000)))]
    pub max_length: u32,
}

impl Default for DeadLetter {
    fn default() -> Self {
        Self { max_length: dead_length() }
    }
}

fn dead_length() -> u32 {
    100_000
}

/// Where results go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.exchange) || self.exchange.type != 'Fanout' || !has(self.subscribers) || \
             self.subscribers.all(one, one.routingKeys.all(key, key == ''))",
    "message": "a Fanout exchange routes everything: write `routingKeys: [\"\"]` for its subscribers"
}])))]
pub struct Results {
    /// The exchange of results; `NAME.results` of type `Topic` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeRef>,
    /// Other services that get a queue of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))
    )]
    pub subscribers: Vec<Subscriber>,
}

/// Another service that gets a queue with results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscriber {
    /// Its queue is `PIPELINE.results.NAME`.
    pub name: SubscriberName,
    /// Which results: patterns over types such as `points.#`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64), inner(length(max = 255))))]
    pub routing_keys: Vec<String>,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 2] = [Self::Main, Self::Express];

    /// As it stands in queue names, YAML and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Express => "express",
        }
    }
}

impl Events {
    /// The lanes that exist: `main` always, `express` when a source uses it.
    #[must_use]
    pub fn lanes(&self) -> Vec<Lane> {
        let used = |lane: &Lane| *lane == Lane::Main || self.sources.iter().any(|source| source.lane == *lane);
        Lane::ALL.into_iter().filter(used).collect()
    }
}

/// Names of a pipeline's own objects on the broker; all begin with the pipeline's name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(pub &'a PipelineName);

impl Names<'_> {
    /// The queue of a lane.
    #[must_use]
    pub fn lane(self, lane: Lane) -> String {
        format!("{}.{}", self.0, lane.as_str())
    }

    /// Exchange (fanout) and queue of buried messages.
    #[must_use]
    pub fn dead(self) -> String {
        format!("{}.dead", self.0)
    }

    /// Exchange (fanout) and queue of what no routing key of a source exchange caught.
    #[must_use]
    pub fn unrouted(self) -> String {
        format!("{}.unrouted", self.0)
    }

    /// The exchange of results, unless the spec names another.
    #[must_use]
    pub fn results(self) -> String {
        format!("{}.results", self.0)
    }

    /// The queue of a subscriber.
    #[must_use]
    pub fn subscriber(self, name: &SubscriberName) -> String {
        format!("{}.results.{name}", self.0)
    }

    /// The exchange (headers, never published to) whose bindings say which queues and exchanges are ours.
    #[must_use]
    pub fn owner(self) -> String {
        format!("{}.owner", self.0)
    }
}

impl Results {
    /// Name of the exchange of results.
    #[must_use]
    pub fn exchange_name(&self, pipeline: &PipelineName) -> String {
        self.exchange.as_ref().map_or_else(|| Names(pipeline).results(), |exchange| exchange.name.clone())
    }
}

/// Headers of a buried message, beside those that it came with.
pub mod bury_header {
    /// [`crate::BuryReason`].
    pub const REASON: &str = "x-loyalty-reason";
    /// A sentence for a person.
    pub const DETAIL: &str = "x-loyalty-detail";
    /// When, RFC 3339.
    pub const AT: &str = "x-loyalty-buried-at";
    /// Exchange by which the message came.
    pub const EXCHANGE: &str = "x-loyalty-exchange";
    /// Routing key with which it came.
    pub const ROUTING_KEY: &str = "x-loyalty-routing-key";
    /// Queue in which it waited.
    pub const QUEUE: &str = "x-loyalty-queue";
    /// There, and `true`, when its own headers were too large to be kept.
    pub const CUT: &str = "x-loyalty-headers-cut";
}
