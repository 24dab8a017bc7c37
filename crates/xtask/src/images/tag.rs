//! The tag of an image.

use std::fmt;
use std::str::FromStr;

/// As a registry accepts it, and so without a `/`: file names hold it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

/// From the OCI distribution specification.
const LEN_MAX: usize = 128;

/// What is no tag.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is no tag: it takes up to {LEN_MAX} letters, digits, `_`, `.` and `-`, and begins with none of the last two"
)]
pub struct TagError {
    text: String,
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let fits = text.len() <= LEN_MAX
            && text.starts_with(word)
            && text.chars().all(|letter| word(letter) || matches!(letter, '.' | '-'));
        if fits { Ok(Self(text.to_owned())) } else { Err(TagError { text: text.to_owned() }) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version: the chart and the operator ask for that one.
impl Default for Tag {
    fn default() -> Self {
        Self(env!("CARGO_PKG_VERSION").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_what_a_registry_accepts() {
        for good in ["0.1.0", "dev", "_x", "V1-rc.2", &"a".repeat(LEN_MAX)] {
            assert_eq!(good.parse::<Tag>().unwrap().to_string(), good);
        }
        for bad in ["", ".1", "-1", "a/b", "../a", "a:b", "a b", "ä", &"a".repeat(LEN_MAX + 1)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}
