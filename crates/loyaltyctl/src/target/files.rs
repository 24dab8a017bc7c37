//! Reads the files of a pipeline, and checks everything that can be checked without broker or ledger.

use std::io::Read;
use std::path::{Path, PathBuf};

use api::{LoyaltyPipeline, LoyaltyPipelineSpec, Manifest, ParseError, Secret};
use contract::PipelineName;
use contract::broker_object::{Desired, Release};
use contract::config::WorkerConfig;
use contract::ruleset::Ruleset;

use super::{condition, locate};
use crate::edge::Halt;
use crate::problem::Problem;

/// The files that a command is about.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Files {
    /// File with the pipeline, and with the Secrets that it names if they are known here; `-` is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true)]
    pub(crate) file: Vec<PathBuf>,

    /// Which pipeline, where the files hold several
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
}

/// Why the files cannot be looked at, or do not say which pipeline is meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("could not read `{file}`; check the path")]
    Unreadable { file: String, source: std::io::Error },
    #[error("could not find a pipeline in {files}: no document has `kind: LoyaltyPipeline`")]
    NoPipeline { files: String },
    #[error("could not find pipeline `{name}` in {files}; they hold {held}")]
    NoSuchPipeline { name: String, files: String, held: String },
    #[error("could not tell which pipeline is meant: the files hold {held}; name one with `--pipeline`")]
    Several { held: String },
}

/// A valid pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) name: PipelineName,
    /// Who it is among all that use the broker: `NAMESPACE/NAME`, or `local/NAME`.
    pub(crate) owner: String,
    pub(crate) spec: LoyaltyPipelineSpec,
}

impl Pipeline {
    pub(crate) fn ruleset(&self) -> Ruleset {
        Ruleset::new(&self.spec.program, &self.spec.rules)
    }

    /// What it wants of a broker of this release.
    pub(crate) fn desired(&self, release: Release) -> Desired {
        let Self { name, owner, spec } = self;
        let (events, queue, results) = (&spec.events, &spec.queue, &spec.results);
        topology::suited(topology::desired(&topology::Pipeline { name, owner, events, queue, results }), release)
    }

    pub(crate) fn worker_config(&self) -> WorkerConfig {
        WorkerConfig {
            pipeline: self.name.clone(),
            currency: self.spec.program.currency,
            events: self.spec.events.clone(),
            queue: self.spec.queue.clone(),
            results: self.spec.results.clone(),
        }
    }
}

/// Everything that the files hold.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) problems: Vec<Problem>,
    pipelines: Vec<Document>,
    secrets: Vec<(String, Secret)>,
    names: Vec<String>,
}

#[derive(Debug)]
struct Document {
    file: String,
    pipeline: LoyaltyPipeline,
    problems: usize,
}

impl Loaded {
    /// Reads and checks every file; what is wrong in them stands in `problems`.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, FilesError> {
        let mut loaded = Self::default();
        for path in files {
            let file = path.display().to_string();
            let text = read(path).map_err(|source| FilesError::Unreadable { file: file.clone(), source })?;
            match api::parse(&text) {
                Ok(manifest) => loaded.take(&file, &text, manifest),
                Err(error) => loaded.problems.push(unreadable(&file, &text, error)),
            }
            loaded.names.push(format!("`{file}`"));
        }
        Ok(loaded)
    }

    /// Names of the pipelines, in their order.
    pub(crate) fn pipelines(&self) -> impl Iterator<Item = &str> {
        self.pipelines.iter().map(|document| name_of(&document.pipeline))
    }

    /// The Secret of a name and the file that holds it.
    pub(crate) fn secret(&self, name: &str) -> Option<&(String, Secret)> {
        self.secrets.iter().find(|(_, secret)| secret.name == name)
    }

    /// The one pipeline that is meant, if it is valid.
    pub(crate) fn one(&self, wanted: Option<&str>) -> Result<Pipeline, Halt> {
        if !self.problems.is_empty() {
            return Err(Halt::Refused(self.problems.clone()));
        }
        let held = || self.pipelines().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let files = || self.names.join(", ");
        let document = match (wanted, self.pipelines.as_slice()) {
            (_, []) => return Err(FilesError::NoPipeline { files: files() }.into()),
            (None, [one]) => one,
            (None, _) => return Err(FilesError::Several { held: held() }.into()),
            (Some(name), documents) => {
                let found = documents.iter().find(|document| name_of(&document.pipeline) == name);
                found.ok_or_else(|| FilesError::NoSuchPipeline {
                    name: name.to_owned(),
                    files: files(),
                    held: held(),
                })?
            }
        };
        document.valid()
    }

    fn take(&mut self, file: &str, text: &str, manifest: Manifest) {
        for pipeline in manifest.pipelines {
            let name = name_of(&pipeline).to_owned();
            if let Some(other) = self.pipelines.iter().find(|other| name_of(&other.pipeline) == name) {
                let problem = format!("is `{name}`, as in `{}`; rename or remove one of the two", other.file);
                self.problems.push(at(file, "metadata.name", problem));
            }
            let before = self.problems.len();
            self.problems.extend(check(file, text, &pipeline));
            let problems = self.problems.len() - before;
            self.pipelines.push(Document { file: file.to_owned(), pipeline, problems });
        }
        for secret in manifest.secrets {
            if let Some((other, _)) = self.secret(&secret.name) {
                let problem = format!("Secret `{}` is also in `{other}`; remove one of the two", secret.name);
                self.problems.push(at(file, "metadata.name", problem));
            }
            self.secrets.push((file.to_owned(), secret));
        }
    }
}

impl Document {
    fn valid(&self) -> Result<Pipeline, Halt> {
        debug_assert_eq!(self.problems, 0, "problems were refused before");
        let metadata = &self.pipeline.metadata;
        let name = PipelineName::parse(name_of(&self.pipeline))
            .map_err(|problem| Halt::Refused(vec![at(&self.file, "metadata.name", problem.to_string())]))?;
        let owner = format!("{}/{name}", metadata.namespace.as_deref().unwrap_or("local"));
        Ok(Pipeline { name, owner, spec: self.pipeline.spec.clone() })
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn name_of(pipeline: &LoyaltyPipeline) -> &str {
    pipeline.metadata.name.as_deref().unwrap_or_default()
}

fn at(file: &str, path: &str, what: String) -> Problem {
    Problem { file: file.to_owned(), line: None, column: None, path: path.to_owned(), what }
}

fn unreadable(file: &str, text: &str, error: ParseError) -> Problem {
    match error {
        ParseError::Unreadable { document, place, path, problem } => {
            let found = || locate::place(text, document - 1, &path).map(|place| (place.line, place.column));
            let (line, column) = place.or_else(found).unzip();
            Problem { file: file.to_owned(), line, column, path, what: problem }
        }
        other => at(file, "", other.to_string()),
    }
}

/// The shape first; what the rules say of a field that was told already is not told twice.
fn check(file: &str, text: &str, pipeline: &LoyaltyPipeline) -> Vec<Problem> {
    let document = locate::document(text, name_of(pipeline));
    let mut problems = Vec::new();
    for found in api::validate(pipeline).err().unwrap_or_default() {
        let place = locate::place(text, document, &found.path);
        let (line, column) = place.map(|place| (place.line, place.column)).unzip();
        problems.push(Problem { line, column, ..at(file, &found.path, found.problem) });
    }
    let ruleset = Ruleset::new(&pipeline.spec.program, &pipeline.spec.rules);
    for error in rules::compile(ruleset).err().unwrap_or_default() {
        if problems.iter().any(|problem| problem.path == error.path) {
            continue;
        }
        let place = condition::place(text, document, &error, &pipeline.spec.rules);
        let (line, column) = place.map(|place| (place.line, place.column)).unzip();
        problems.push(Problem { line, column, ..at(file, &error.path, error.problem) });
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}
