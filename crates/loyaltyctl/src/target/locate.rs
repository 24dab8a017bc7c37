//! Where in a file a field stands.
//!
//! The YAML reader keeps no places for what it has read, but an error of its names one: so we read along the path and let the
//! reading fail at the field.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bytes before it.
    pub(crate) index: usize,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

/// Which document of a text holds the pipeline of this name, from 0.
pub(super) fn document(text: &str, name: &str) -> usize {
    #[derive(Deserialize)]
    struct Head {
        kind: String,
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        name: String,
    }
    let heads = serde_yaml::Deserializer::from_str(text).map(Head::deserialize);
    let is_it = |head: Head| head.kind == "LoyaltyPipeline" && head.metadata.name == name;
    heads.into_iter().position(|head| head.is_ok_and(is_it)).unwrap_or_default()
}

/// Where the value of a field stands, or what is nearest above it when the field is not there.
pub(crate) fn place(text: &str, document: usize, path: &str) -> Option<Place> {
    let steps = steps(path);
    let reader = serde_yaml::Deserializer::from_str(text).nth(document)?;
    let error = Walk(&steps).deserialize(reader).err()?;
    let location = error.location()?;
    Some(Place { index: location.index(), line: location.line(), column: location.column() })
}

#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// `spec.rules[2].on` in its parts.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|key| !key.is_empty()).map(Step::Key));
        let index = |piece: &str| piece.trim_end_matches(']').parse().ok().map(Step::Index);
        steps.extend(pieces.filter_map(index));
    }
    steps
}

/// Reads along the path; always ends in an error.
#[derive(Clone, Copy)]
struct Walk<'a>(&'a [Step<'a>]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some((Step::Key(wanted), rest)) = self.0.split_first() {
            while let Some(key) = map.next_key::<String>()? {
                if key == *wanted {
                    return map.next_value_seed(Walk(rest));
                }
                map.next_value::<IgnoredAny>()?;
            }
        }
        Err(A::Error::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Some((Step::Index(wanted), rest)) = self.0.split_first() {
            for _ in 0..*wanted {
                list.next_element::<IgnoredAny>()?;
            }
            list.next_element_seed(Walk(rest))?;
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, document, place, steps};

    const TEXT: &str = "\
kind: Secret
metadata: { name: a }
---
kind: LoyaltyPipeline
metadata: { name: a }
spec:
  rules:
    - name: base
      when: event.a == 1
    - { name: more, earn: { fixed: \"5\" } }
  program:
    wallets: []
";

    #[test]
    fn a_path_has_keys_and_indices() {
        assert_eq!(steps("spec.rules[2].on"), [Step::Key("spec"), Step::Key("rules"), Step::Index(2), Step::Key("on")]);
    }

    #[test]
    fn a_field_is_found_where_it_stands_and_an_absent_one_where_it_should() {
        let document = document(TEXT, "a");
        assert_eq!(document, 1);
        for (path, want) in [
            ("metadata.name", (5, 19)),
            ("spec.rules[0].when", (9, 13)),
            ("spec.rules[1].earn.fixed", (10, 36)),
            ("spec.rules[0].earn", (8, 7)),
            ("spec.rules[7]", (8, 5)),
            ("spec.program.wallets", (12, 14)),
            ("spec.broker.secretRef", (7, 3)),
        ] {
            let found = place(TEXT, document, path).map(|place| (place.line, place.column));
            assert_eq!(found, Some(want), "{path}");
        }
    }
}
