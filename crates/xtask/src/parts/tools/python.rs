//! Packages of `PyPI`, through the machine's Python and its `pip`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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
/// Succeeds when there is a `pip` too. On the PATH may lie a script that chooses among several Pythons: the one that
/// it chose is meant from then on.
const ASK: &str = "import pip, sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";

/// A Python with `pip`.
#[derive(Debug, Clone)]
pub(super) struct Python {
    program: PathBuf,
    version: String,
}

/// The name of the cache's folder for a package in a version, `name==1.2.3`.
pub(super) fn folder_of(package: &str) -> String {
    format!("{}-{}", package.replace("==", "-"), std::env::consts::ARCH)
}

impl Python {
    /// Found or installed, once a run; `tool` is what it is wanted for.
    pub(super) fn make_sure(tool: &str) -> Result<Self, PartError> {
        static FOUND: OnceLock<Python> = OnceLock::new();
        if let Some(python) = FOUND.get() {
            return Ok(python.clone());
        }
        let missing = |why: String| PartError::NoTool { tool: tool.to_owned(), why };
        if let Some(python) = find() {
            return Ok(FOUND.get_or_init(|| python).clone());
        }
        if let Some(why) = apt::obstacle() {
            return Err(missing(format!("there is no `python3` with `pip`, and {why}")));
        }
        apt::install(PACKAGES)?;
        let python = find().ok_or_else(|| missing("`python3 -m pip` does not work".to_owned()))?;
        Ok(FOUND.get_or_init(|| python).clone())
    }

    /// As [`folder_of`], for packages that may be compiled for one version of Python.
    pub(super) fn folder_of(&self, package: &str) -> String {
        format!("{}-python{}", folder_of(package), self.version)
    }

    /// Installs `package` into the folder; Python looks for it there only when it is told to.
    pub(super) fn install(&self, half: &Half<'_>, package: &str) -> Result<(), PartError> {
        half.begin()?;
        let mut pip = self.pip();
        pip.args(["install", "--no-compile", "--target"]).arg(half.folder).arg(package);
        fetch(half, package, &mut pip)
    }

    /// Makes a program that runs a module of what `install` has installed.
    pub(super) fn wrap(&self, half: &Half<'_>, program: &str, module: &str) -> Result<(), PartError> {
        let path = half.folder.join(program);
        let (packages, python) = (half.whole.display(), self.program.display());
        let text = format!("#!/bin/sh\nPYTHONPATH='{packages}' exec '{python}' -m {module} \"$@\"\n");
        fs::write(&path, text).map_err(PartError::file("write", &path))?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).map_err(PartError::file("make executable", &path))
    }

    /// Fetches the wheel of `package` and gives it to `script`, with the folder to fill.
    pub(super) fn unpack(&self, half: &Half<'_>, package: &str, script: &str) -> Result<(), PartError> {
        half.begin()?;
        let wheels = half.folder.join("wheel");
        let mut pip = self.pip();
        pip.args(["download", "--no-deps", "--only-binary=:all:", "--dest"]).arg(&wheels).arg(package);
        fetch(half, package, &mut pip)?;
        let found = fs::read_dir(&wheels).map_err(PartError::file("read", &wheels))?.flatten().next();
        let wheel = found.map(|entry| entry.path()).ok_or_else(|| PartError::NoTool {
            tool: package.to_owned(),
            why: format!("`pip download` has put nothing into `{}`", wheels.display()),
        })?;
        let mut python = Command::new(&self.program);
        run("python3", python.args(["-c", script]).arg(&wheel).arg(half.folder), half.log)?;
        fs::remove_dir_all(&wheels).map_err(PartError::file("remove", &wheels))
    }

    /// A `pip` that asks nothing.
    fn pip(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]);
        command
    }
}

fn fetch(half: &Half<'_>, package: &str, pip: &mut Command) -> Result<(), PartError> {
    say(&format!("fetching `{package}` with pip into `{}`, once", half.whole.display()));
    step(&format!("fetching `{package}`"), || run("pip", pip, half.log))
}

fn find() -> Option<Python> {
    let output = Command::new(find_program("python3")?).args(["-c", ASK]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (program, version) = text.trim_end().split_once('\n')?;
    output.status.success().then(|| Python { program: program.into(), version: version.to_owned() })
}
