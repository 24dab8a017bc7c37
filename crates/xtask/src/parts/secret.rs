//! Passwords of parts that live as long as one run.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::PartError;

/// 128 random bits as hexadecimal digits: safe in a URL and in every configuration file.
pub(crate) fn fresh() -> Result<String, PartError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(PartError::file("read", source))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
