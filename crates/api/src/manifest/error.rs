//! Why a file could not be read.

use super::SIZE_MAX;

/// Why a file could not be read; no error tells a Secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More bytes than a pipeline can sensibly have.
    #[error("could not read the file: it has {len} bytes, at most {SIZE_MAX} are allowed")]
    TooLarge {
        /// Its size in bytes.
        len: usize,
    },
    /// Brackets in brackets in brackets.
    #[error("could not read the file: its brackets are nested too deeply; a pipeline needs ten levels")]
    TooDeep,
    /// Aliases of aliases.
    #[error("could not read the file: its aliases (`*NAME`) grow into too much; write out what they stand for")]
    Grows,
    /// Not YAML, or a field that is unknown, missing or of another type.
    #[error("could not read document {document}{}{}: {problem}", at(*place), field(path))]
    Unreadable {
        /// From 1.
        document: usize,
        /// Line and column, from 1, where the reader knows them; of a value that has the wrong form, those of what it is in.
        place: Option<(usize, usize)>,
        /// The field, such as `spec.events.sources[0].lane`; empty for the whole document.
        path: String,
        /// What is wrong, with the allowed fields or values.
        problem: String,
    },
    /// `apiVersion` or `kind` is missing.
    #[error(
        "could not read document {document}: `{field}` is missing; write `apiVersion: loyalty.dev/v1alpha1` and `kind: LoyaltyPipeline`"
    )]
    NoKind {
        /// From 1.
        document: usize,
        /// Which of the two.
        field: &'static str,
    },
    /// Something that we do not read.
    #[error("could not use document {document}: `kind` is `{kind}`; only `LoyaltyPipeline` and `Secret` are read")]
    WrongKind {
        /// From 1.
        document: usize,
        /// What it says.
        kind: String,
    },
    /// Another version.
    #[error("could not use document {document}: `apiVersion` of {kind} is `{api_version}`; write `{want}`")]
    WrongVersion {
        /// From 1.
        document: usize,
        /// What it is.
        kind: String,
        /// What it says.
        api_version: String,
        /// What is read.
        want: &'static str,
    },
    /// No name.
    #[error("could not use document {document}: `metadata.name` is missing; give it a name")]
    NoName {
        /// From 1.
        document: usize,
    },
    /// A name that was there before.
    #[error("could not use document {document}: there is another {kind} `{name}` before it; remove one or rename it")]
    Twice {
        /// From 1.
        document: usize,
        /// What it is.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A value under `data` that is not base64.
    #[error("could not read document {document}: `data.{key}` is not base64; encode it, or move it to `stringData`")]
    NotBase64 {
        /// From 1.
        document: usize,
        /// Its key.
        key: String,
    },
    /// A value under `stringData` that YAML reads as something else.
    #[error("could not read document {document}: `stringData.{key}` is not text; put it in quotes")]
    NotText {
        /// From 1.
        document: usize,
        /// Its key.
        key: String,
    },
}

impl ParseError {
    pub(super) fn unreadable(document: usize, error: &serde_path_to_error::Error<serde_yaml::Error>) -> Self {
        let inner = error.inner();
        let place = inner.location().map(|location| (location.line(), location.column()));
        let path = match error.path().to_string() {
            path if path == "." || path == "?" => String::new(),
            path => path,
        };
        // Said by us already; a syntax error goes on with where it began.
        let said = place.map_or_else(String::new, |(line, column)| format!(" at line {line} column {column}"));
        let text = inner.to_string().replacen(&said, "", 1);
        Self::Unreadable { document, place, problem: problem(&text, &path), path }
    }
}

/// The reader's words without what we say ourselves (place and path), with what to do where that is known.
fn problem(text: &str, path: &str) -> String {
    let text = match text.split_once(": ") {
        Some((place, rest)) if !place.is_empty() && path.starts_with(place) => rest,
        _ => text,
    };
    let advice = if text.starts_with("unknown field") || text.starts_with("unknown variant") {
        "; remove or rename it"
    } else if text.starts_with("missing field") {
        "; add it"
    } else if text.starts_with("invalid type") && text.ends_with("expected a string") {
        "; put it in quotes"
    } else {
        ""
    };
    format!("{text}{advice}")
}

fn at(place: Option<(usize, usize)>) -> String {
    place.map_or_else(String::new, |(line, column)| format!(", line {line}, column {column}"))
}

fn field(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", `{path}`") }
}
