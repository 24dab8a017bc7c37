//! Builds the product's programs, quietly unless it takes its time.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::UpError;
use crate::parts::{Process, RunFolder, wait};
use crate::progress::say;
use crate::repository;

/// Before a person wonders, nothing is shown; then what cargo says.
const SILENT_MAX: Duration = Duration::from_secs(2);

/// A bare machine with one core builds everything within this.
const BUILD_MAX: Duration = Duration::from_hours(2);

/// Program and package.
const PROGRAMS: [(&str, &str); 2] = [("loyaltyctl", "loyaltyctl"), ("loyalty-worker", "loyalty-worker")];

/// The folder of the programs: the one that `LOYALTY_BIN_DIR` names, else built now where this program stands.
pub(crate) fn build(run: &RunFolder) -> Result<PathBuf, UpError> {
    if let Some(folder) = env::var_os("LOYALTY_BIN_DIR").filter(|folder| !folder.is_empty()) {
        return there(PathBuf::from(folder));
    }
    let log = run.path().join("build.log");
    let mut cargo = repository::cargo();
    cargo.arg("build").args(PROGRAMS.iter().flat_map(|(_, package)| ["--package", package]));
    cargo.current_dir(repository::root()).envs([run.mark()]);
    let mut process = Process::spawn("cargo build", &mut cargo, &log)?;
    let begun = Instant::now();
    let mut shown = Shown::new(&log);
    let status = wait::until(BUILD_MAX, || {
        let status = process.status();
        if begun.elapsed() > SILENT_MAX || status.is_some_and(|status| !status.success()) {
            shown.follow();
        }
        status
    });
    if begun.elapsed() > SILENT_MAX {
        say(&format!("building loyaltyctl and loyalty-worker: took {} s", begun.elapsed().as_secs()));
    }
    if !status.is_some_and(|status| status.success()) {
        return Err(UpError::Build);
    }
    there(repository::programs())
}

fn there(folder: PathBuf) -> Result<PathBuf, UpError> {
    for (program, package) in PROGRAMS {
        let path = folder.join(program);
        if !path.is_file() {
            return Err(UpError::NoProgram { path, package });
        }
    }
    Ok(folder)
}

/// What of a log was shown.
struct Shown {
    log: Option<File>,
}

impl Shown {
    fn new(log: &Path) -> Self {
        Self { log: File::open(log).ok() }
    }

    /// Shows what has come since.
    fn follow(&mut self) {
        let mut text = Vec::new();
        if let Some(log) = &mut self.log {
            // A log that cannot be read is missed by nobody when the build succeeds; when not, the error says where to look.
            let _ = log.read_to_end(&mut text);
        }
        let _ = io::Write::write_all(&mut io::stderr(), &text);
    }
}
