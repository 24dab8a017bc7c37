//! The folder in which a pipeline of this machine keeps its things.

use std::path::PathBuf;

use contract::PipelineName;

/// Where a pipeline of this machine keeps its things.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DataArgs {
    /// Folder of the pipeline: embedded ledger, worker's configuration and log [default: .loyalty/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

impl DataArgs {
    pub(crate) fn folder(&self, pipeline: &PipelineName) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from(".loyalty").join(pipeline.as_str()))
    }
}
