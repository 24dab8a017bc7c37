//! Reading files: documents of YAML with pipelines and the Secrets that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

use crate::{LoyaltyPipeline, LoyaltyPipelineSpec};

mod base64;
mod budget;
mod error;

pub use error::ParseError;

/// Most bytes of a file; etcd holds no larger object either.
pub const SIZE_MAX: usize = 1024 * 1024;

/// Most brackets in one another; the reader's time grows with the square of it.
const NESTING_MAX: usize = 256;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// In their order.
    pub pipelines: Vec<LoyaltyPipeline>,
    /// In their order.
    pub secrets: Vec<Secret>,
}

/// A Secret, decoded. `Debug` shows its keys only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its namespace, if the file says one.
    pub namespace: Option<String>,
    /// `data` decoded, overlaid by `stringData`.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.data.keys().collect();
        f.debug_struct("Secret").field("name", &self.name).field("keys", &keys).finish_non_exhaustive()
    }
}

impl Manifest {
    /// The Secret of a name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.name == name)
    }
}

/// Reads a file of one or more YAML documents, `LoyaltyPipeline` and `Secret`; empty documents are skipped.
///
/// Fails at the first document that is not readable, is something else, has a field that nobody knows, or has
/// a name that was there before. Not checked: what [`crate::validate`] checks.
pub fn parse(text: &str) -> Result<Manifest, ParseError> {
    guard(text)?;
    let mut manifest = Manifest::default();
    let mut names = BTreeSet::new();
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let number = index + 1;
        let head: Option<Head> = read(document, number)?;
        let Some(head) = head else { continue };
        let name = head.metadata.name.clone().ok_or(ParseError::NoName { document: number })?;
        let kind = kind(&head, number)?;
        if !names.insert((kind, head.metadata.namespace.clone(), name.clone())) {
            return Err(ParseError::Twice { document: number, kind: kind.as_str(), name });
        }
        match kind {
            Kind::Pipeline => manifest.pipelines.push(nth::<PipelineDocument>(text, index)?.into()),
            Kind::Secret => manifest.secrets.push(nth::<SecretDocument>(text, index)?.decode(number, name)?),
        }
    }
    Ok(manifest)
}

/// Whether a text is small enough to be read.
pub(crate) fn guard(text: &str) -> Result<(), ParseError> {
    if text.len() > SIZE_MAX {
        return Err(ParseError::TooLarge { len: text.len() });
    }
    if nesting(text) > NESTING_MAX {
        return Err(ParseError::TooDeep);
    }
    if budget::is_kept(text) { Ok(()) } else { Err(ParseError::Grows) }
}

/// Open brackets at the deepest place, also of those in texts and comments, where they mostly come in pairs.
fn nesting(text: &str) -> usize {
    let mut deepest = 0;
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Pipeline,
    Secret,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "LoyaltyPipeline",
            Self::Secret => "Secret",
        }
    }
}

/// What must be known of a document before the rest of it can be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    metadata: HeadMeta,
}

#[derive(Default, Deserialize)]
struct HeadMeta {
    name: Option<String>,
    namespace: Option<String>,
}

fn kind(head: &Head, document: usize) -> Result<Kind, ParseError> {
    let api_version = head.api_version.clone().ok_or(ParseError::NoKind { document, field: "apiVersion" })?;
    let kind = head.kind.clone().ok_or(ParseError::NoKind { document, field: "kind" })?;
    let (found, want) = match kind.as_str() {
        "LoyaltyPipeline" => (Kind::Pipeline, "loyalty.dev/v1alpha1"),
        "Secret" => (Kind::Secret, "v1"),
        _ => return Err(ParseError::WrongKind { document, kind }),
    };
    if api_version == want { Ok(found) } else { Err(ParseError::WrongVersion { document, kind, api_version, want }) }
}

// The derived root type would let unknown fields beside `spec` pass.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PipelineDocument {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    spec: LoyaltyPipelineSpec,
}

impl From<PipelineDocument> for LoyaltyPipeline {
    fn from(document: PipelineDocument) -> Self {
        Self { metadata: document.metadata, spec: document.spec, status: None }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretDocument {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    #[serde(rename = "type")]
    _kind_of_secret: Option<String>,
    #[serde(rename = "immutable")]
    _immutable: Option<bool>,
    #[serde(default)]
    data: Hidden,
    #[serde(default)]
    string_data: Hidden,
}

/// Values of a Secret, nothing where one is no text: an error about them must not tell them, as serde's own would.
#[derive(Default)]
struct Hidden(BTreeMap<String, Option<String>>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fail = || D::Error::custom("is not a map from keys to texts; write `KEY: VALUE` lines");
        let value = serde_yaml::Value::deserialize(deserializer).map_err(|_| fail())?;
        let Some(fields) = value.as_mapping() else { return Err(fail()) };
        let pair = |(key, value): (&serde_yaml::Value, &serde_yaml::Value)| {
            Some((key.as_str()?.to_owned(), value.as_str().map(ToOwned::to_owned)))
        };
        fields.iter().map(pair).collect::<Option<_>>().map(Self).ok_or_else(fail)
    }
}

impl SecretDocument {
    fn decode(self, document: usize, name: String) -> Result<Secret, ParseError> {
        let mut data = BTreeMap::new();
        for (key, value) in self.data.0 {
            let decoded = value.as_deref().and_then(base64::decode);
            let decoded = decoded.ok_or_else(|| ParseError::NotBase64 { document, key: key.clone() })?;
            data.insert(key, decoded);
        }
        for (key, value) in self.string_data.0 {
            let text = value.ok_or_else(|| ParseError::NotText { document, key: key.clone() })?;
            data.insert(key, text.into_bytes());
        }
        Ok(Secret { name, namespace: self.metadata.namespace, data })
    }
}

/// Reads a document twice: from the text, which knows lines, and from its value, which knows that `1.00` is a number. The
/// first alone would take it for a text, and an API server would not.
fn nth<T: DeserializeOwned>(text: &str, index: usize) -> Result<T, ParseError> {
    let number = index + 1;
    let document =
        || serde_yaml::Deserializer::from_str(text).nth(index).ok_or(ParseError::NoName { document: number });
    read::<T>(document()?, number)?;
    let value: serde_yaml::Value = read(document()?, number)?;
    serde_path_to_error::deserialize(value).map_err(|error| ParseError::unreadable(number, &error))
}

pub(crate) fn read<T: DeserializeOwned>(
    document: serde_yaml::Deserializer<'_>,
    number: usize,
) -> Result<T, ParseError> {
    serde_path_to_error::deserialize(document).map_err(|error| ParseError::unreadable(number, &error))
}
