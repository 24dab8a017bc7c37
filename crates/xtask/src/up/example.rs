//! The example: its pipeline, and the tour through it.

use std::fs;

use contract::PipelineName;
use contract::pipeline::{Lane, Names};

use super::error::UpError;
use crate::repository::{self, EXAMPLE, SAMPLE};
use crate::tour::{self, Expected, Purchase, Tour};

/// What is run.
#[derive(Debug)]
pub(crate) struct Example {
    /// What is published.
    pub(crate) tour: Tour,
    /// What must come out.
    pub(crate) expected: Expected,
    /// The purchases alone.
    pub(crate) purchases: Vec<Purchase>,
    name: PipelineName,
    pipeline: api::LoyaltyPipeline,
}

impl Example {
    pub(crate) fn read() -> Result<Self, UpError> {
        let read = |name: &str| {
            let path = repository::root().join(name);
            fs::read_to_string(&path).map_err(UpError::file("read", path))
        };
        let problem = |problem: String| UpError::Example { file: EXAMPLE, problem };
        let manifest = api::parse(&read(EXAMPLE)?).map_err(|error| problem(error.to_string()))?;
        let pipeline =
            manifest.pipelines.into_iter().next().ok_or_else(|| problem("it holds no pipeline".to_owned()))?;
        let name = pipeline.metadata.name.as_deref().unwrap_or_default();
        let name = PipelineName::parse(name).map_err(|error| problem(error.to_string()))?;
        let purchases = tour::read(&read(SAMPLE)?)?;
        Ok(Self { tour: Tour::of(&purchases), expected: Expected::of(&purchases), purchases, name, pipeline })
    }

    /// The queues that the worker takes from.
    pub(crate) fn lanes(&self) -> Vec<String> {
        let lanes: Vec<Lane> = self.pipeline.spec.events.lanes();
        lanes.into_iter().map(|lane| Names(&self.name).lane(lane)).collect()
    }

    /// All its queues.
    pub(crate) fn queues(&self) -> Vec<String> {
        let names = Names(&self.name);
        let subscribers = self.pipeline.spec.results.subscribers.iter().map(|it| names.subscriber(&it.name));
        self.lanes().into_iter().chain([names.dead(), names.unrouted()]).chain(subscribers).collect()
    }

    /// Where its events come in and its results go out.
    pub(crate) fn exchanges(&self) -> Vec<String> {
        let spec = &self.pipeline.spec;
        let sources = spec.events.sources.iter().map(|source| source.exchange.name.clone());
        sources.chain([spec.results.exchange_name(&self.name)]).collect()
    }

    /// The queue of the first subscriber.
    pub(super) fn subscriber(&self) -> Option<String> {
        let subscribers = &self.pipeline.spec.results.subscribers;
        subscribers.first().map(|it| Names(&self.name).subscriber(&it.name))
    }
}
