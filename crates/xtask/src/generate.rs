//! `cargo xtask generate`: files that stand in the repository and are made from its code.

mod conditions;
mod resource;

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::progress::say;
use crate::repository::{self, CHART_DEFINITION, CHART_RIGHTS, DEFINITION, EVENTS, SAMPLE};
use crate::tour::{self, SampleError};

const RESOURCE_REFERENCE: &str = "docs/reference/resource.md";
const RESOURCE_SCHEMA: &str = "docs/reference/loyaltypipeline.schema.json";
const TESTS_SCHEMA: &str = "docs/reference/rules-test.schema.json";
const CONDITIONS_REFERENCE: &str = "docs/reference/conditions.md";

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a file differs from what would be written
    #[arg(long)]
    check: bool,
}

/// Why files cannot be made, or are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A file.
    #[error("could not {what} `{}`", path.display())]
    File {
        /// The verb.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The sample is not what was published.
    #[error("could not read `{SAMPLE}`")]
    Sample(#[from] SampleError),
    /// A file is not what the code says.
    #[error("generated files differ from the code: {}; run `cargo xtask generate`", files.join(", "))]
    Stale {
        /// Relative to the repository.
        files: Vec<String>,
    },
}

impl GenerateError {
    /// What the command answers with: 1 for a difference, 2 when it could not look.
    pub(crate) fn code(&self) -> u8 {
        if matches!(self, Self::Stale { .. }) { 1 } else { 2 }
    }
}

/// A file that is made from code.
#[derive(Debug)]
pub struct Generated {
    /// Relative to the repository.
    pub path: &'static str,
    /// What it should hold.
    pub text: String,
}

impl Generated {
    /// Whether the repository holds something else, or nothing, at its place.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        fs::read(repository::root().join(self.path)).ok().as_deref() != Some(self.text.as_bytes())
    }
}

/// Every generated file, made anew.
///
/// # Errors
/// When the published sample cannot be read.
pub fn files() -> Result<Vec<Generated>, GenerateError> {
    let path = repository::root().join(SAMPLE);
    let sample = fs::read_to_string(&path).map_err(|source| GenerateError::File { what: "read", path, source })?;
    let purchases = tour::read(&sample)?;
    Ok(vec![
        Generated { path: DEFINITION, text: api::crd_yaml() },
        // Helm reads nothing outside its chart.
        Generated { path: CHART_DEFINITION, text: api::crd_yaml() },
        Generated { path: CHART_RIGHTS, text: api::rights_yaml() },
        Generated { path: RESOURCE_SCHEMA, text: api::resource_schema() },
        Generated { path: TESTS_SCHEMA, text: api::suite_schema() },
        Generated { path: RESOURCE_REFERENCE, text: resource::reference() },
        Generated { path: CONDITIONS_REFERENCE, text: conditions::reference() },
        Generated { path: EVENTS, text: tour::to_json_lines(&purchases) },
    ])
}

/// Writes what differs, or only tells it.
pub(crate) fn run(options: &Options) -> Result<(), GenerateError> {
    let stale: Vec<Generated> = files()?.into_iter().filter(Generated::is_stale).collect();
    if options.check && !stale.is_empty() {
        return Err(GenerateError::Stale { files: stale.iter().map(|file| file.path.to_owned()).collect() });
    }
    for Generated { path: name, text } in stale {
        let path = repository::root().join(name);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| fs::write(&path, text)).map_err(|source| GenerateError::File {
            what: "write",
            path,
            source,
        })?;
        say(&format!("wrote {name}"));
    }
    Ok(())
}
