//! The files of an image.

use std::fs;
use std::path::Path;

use super::{Contents, ImageError};

/// Where the authorities stand, on a machine of Debian's kind as in the image: the TLS library looks there.
pub(super) const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Without it a libc may ask the network before `/etc/hosts`, where Kubernetes writes the pod's own name.
const NAME_SERVICES: &str = include_str!("nsswitch.conf");

/// One file.
#[derive(Debug)]
pub(super) struct File {
    /// Relative to the image's root.
    pub(super) path: &'static str,
    /// Its permissions.
    pub(super) mode: u32,
    /// What it holds.
    pub(super) content: Vec<u8>,
}

impl File {
    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.content.len() as u64
    }
}

/// All files, in the order of their paths.
pub(super) fn files(contents: &Contents<'_>) -> Result<Vec<File>, ImageError> {
    let binary = fs::read(contents.binary).map_err(ImageError::file("read", contents.binary))?;
    let authorities = read_authorities(contents.authorities)?;
    Ok(vec![
        File { path: "etc/nsswitch.conf", mode: 0o644, content: NAME_SERVICES.into() },
        File { path: AUTHORITIES.trim_start_matches('/'), mode: 0o644, content: authorities },
        File { path: contents.program.entrypoint().trim_start_matches('/'), mode: 0o755, content: binary },
    ])
}

/// The authorities' certificates; there is at least one.
pub(super) fn read_authorities(path: &Path) -> Result<Vec<u8>, ImageError> {
    let missing = |why: String| ImageError::NoAuthorities { path: path.to_owned(), why };
    let pem = fs::read(path).map_err(|error| missing(error.to_string()))?;
    if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        Ok(pem)
    } else {
        Err(missing("there is none in it".to_owned()))
    }
}
