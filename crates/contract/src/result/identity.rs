//! Ids of results: the same cause has the same ones, whoever decides it and however often.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Cause, ResultBody, ResultEvent};
use crate::event::Event;
use crate::ruleset::hex;
use crate::{MemberId, PipelineName};

impl ResultEvent {
    /// The `n`-th (from 0) result of an event.
    #[must_use]
    pub fn of(pipeline: &PipelineName, event: &Event, n: usize, body: ResultBody) -> Self {
        let cause = Cause { source: event.source.clone(), id: event.id.clone() };
        Self { id: result_id(pipeline, &cause, n), time: event.occurred_at, member: event.member.clone(), cause, body }
    }

    /// The `n`-th (from 0) result of what was due for a member at a time.
    #[must_use]
    pub fn due(
        pipeline: &PipelineName,
        (cause, time, member): (Cause, Timestamp, &MemberId),
        n: usize,
        body: ResultBody,
    ) -> Self {
        Self { id: result_id(pipeline, &cause, n), time, member: member.clone(), cause, body }
    }
}

fn result_id(pipeline: &PipelineName, cause: &Cause, n: usize) -> String {
    let mut hasher = Sha256::new();
    // A control character cannot stand in an identity, so it separates them without doubt.
    for part in [pipeline.as_str(), cause.source.as_str(), cause.id.as_str(), &n.to_string()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex(&hasher.finalize()[..16])
}
