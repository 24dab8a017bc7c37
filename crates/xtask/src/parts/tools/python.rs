//! Packages of `PyPI`, through the machine's Python and its `pip`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::parts::apt::{self, find_program};
use crate::parts::cache::Half;
use crate::parts::error::PartError;
use crate::parts::process::run;
use crate::progress::{say, step};

/// Debian's and Ubuntu's packages of both.
const PACKAGES: &[&str] = &["python3", "python3-pip"];

/// The name of the cache's folder for a package in a version, `name==1.2.3`.
pub(super) fn folder_of(package: &str) -> String {
    format!("{}-{}", package.replace("==", "-"), std::env::consts::ARCH)
}

/// Installs `packages` into the folder; Python looks for them there only when it is told to.
pub(super) fn install(half: &Half<'_>, packages: &[&str]) -> Result<(), PartError> {
    half.begin()?;
    let mut pip = pip(packages)?;
    pip.args(["install", "--no-compile", "--target"]).arg(half.folder).args(packages);
    fetch(half, packages, &mut pip)
}

fn fetch(half: &Half<'_>, packages: &[&str], pip: &mut Command) -> Result<(), PartError> {
    let names = packages.join(", ");
    say(&format!("fetching {names} into `{}`, once", half.whole.display()));
    step(&format!("pip: fetching {names}"), || run("pip", pip, half.log))
}

/// A `pip` that asks nothing.
fn pip(packages: &[&str]) -> Result<Command, PartError> {
    let mut command = Command::new(python(packages)?);
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]);
    Ok(command)
}

/// A Python with `pip`, found or installed once a run.
fn python(packages: &[&str]) -> Result<PathBuf, PartError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(python) = FOUND.get() {
        return Ok(python.clone());
    }
    let missing = |why: String| PartError::NoTool { tool: packages.join(", "), why };
    if find().is_none() {
        if let Some(why) = apt::obstacle() {
            return Err(missing(format!("there is no `python3` with `pip`, and {why}")));
        }
        apt::install(PACKAGES)?;
    }
    let python = find().ok_or_else(|| missing("`python3 -m pip` does not work".to_owned()))?;
    Ok(FOUND.get_or_init(|| python).clone())
}

fn find() -> Option<PathBuf> {
    let python = find_program("python3")?;
    let works = Command::new(&python).args(["-m", "pip", "--version"]).output().is_ok_and(|it| it.status.success());
    works.then_some(python)
}
