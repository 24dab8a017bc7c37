//! Results as CloudEvents.

use jiff::Timestamp;
use serde::Serialize;

use super::{ResultBody, ResultEvent};
use crate::{EventId, MemberId, PipelineName, Source};

impl ResultEvent {
    /// A CloudEvent in structured JSON mode (`application/cloudevents+json`).
    #[must_use]
    pub fn to_cloud_event(&self, pipeline: &PipelineName) -> Vec<u8> {
        let envelope = Envelope {
            specversion: "1.0",
            id: &self.id,
            source: format!("/pipelines/{pipeline}"),
            time: self.time,
            subject: &self.member,
            datacontenttype: "application/json",
            causeid: &self.cause.id,
            causesource: &self.cause.source,
            body: &self.body,
        };
        // Only string keys and plain values: this cannot fail.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }
}

/// Content type of [`ResultEvent::to_cloud_event`].
pub const CLOUD_EVENT_JSON: &str = "application/cloudevents+json";

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    time: Timestamp,
    subject: &'a MemberId,
    datacontenttype: &'static str,
    causeid: &'a EventId,
    causesource: &'a Source,
    #[serde(flatten)]
    body: &'a ResultBody,
}
