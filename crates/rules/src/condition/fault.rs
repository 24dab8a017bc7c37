//! A fault of an expression with its place, and the parser's complaints in plain words.

use cel::ParseError;

use crate::error::RuleError;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line and column, from 1, in characters.
    place: Option<(u32, u32)>,
    problem: String,
}

impl Fault {
    /// Of the expression as a whole.
    pub(crate) fn whole(problem: impl Into<String>) -> Self {
        Self { place: None, problem: problem.into() }
    }

    /// At a byte of the text.
    pub(crate) fn at(text: &str, byte: usize, problem: impl Into<String>) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = u32::try_from(line).ok().zip(u32::try_from(column).ok());
        Self { place, problem: problem.into() }
    }

    /// What the parser said first.
    pub(crate) fn syntax(text: &str, error: Option<&ParseError>) -> Self {
        let Some(error) = error else { return Self::whole("is not a CEL expression") };
        let (line, column) = error.pos;
        let place = u32::try_from(line).ok().zip(u32::try_from(column).ok()).filter(|(line, _)| *line > 0);
        Self { place, problem: plain(text, &error.msg) }
    }

    /// As an error of this field.
    pub(crate) fn under(self, path: &str) -> RuleError {
        let (line, column) = self.place.unzip();
        RuleError { path: path.to_owned(), line, column, problem: self.problem }
    }
}

/// The parser speaks of its grammar; a person wants to know which word is wrong.
fn plain(text: &str, message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    if text.trim().is_empty() {
        return "is empty; write a condition, or leave `when` out".to_owned();
    }
    if let Some(missing) = message.strip_prefix("missing ").and_then(quoted) {
        return format!("`{missing}` is missing here");
    }
    let word = quoted(message).unwrap_or_default();
    if message.starts_with("token recognition error") {
        return match word.trim() {
            "=" => "`=` is no operator; to compare, write `==`".to_owned(),
            word if word.starts_with(['\'', '"']) => format!(
                "the text that begins with `{word}` is never closed, or has an unknown escape; end it with the quote that it began with"
            ),
            word => format!("`{word}` has no meaning in CEL; remove it"),
        };
    }
    if !["mismatched", "extraneous", "no viable"].iter().any(|known| message.starts_with(known)) {
        return format!("is not CEL: {message}");
    }
    match word {
        "<EOF>" => "the expression ends too early; a value is missing".to_owned(),
        "and" => "`and` is no operator; write `&&`".to_owned(),
        "or" => "`or` is no operator; write `||`".to_owned(),
        word => format!("`{word}` is not expected here; an operator or a value is missing, or it is one too many"),
    }
}

/// What stands between the first quote and the one that closes it.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('\'')?;
    let end = rest.find("' expecting").or_else(|| rest.find("' at ")).or_else(|| rest.rfind('\''))?;
    rest.get(..end)
}
