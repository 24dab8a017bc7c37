//! What is wrong with a rule set: where, and what to do.

use std::fmt;

/// One fault of a rule set; a refused rule set tells all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The field of the resource, such as `spec.rules[3].when`; rules and wallets count from 0.
    pub path: String,
    /// Line within the expression, from 1; only for a condition.
    pub line: Option<u32>,
    /// Column within that line in characters, from 1; only for a condition.
    pub column: Option<u32>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl std::error::Error for RuleError {}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl RuleError {
    pub(crate) fn at(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, column: None, problem: problem.into() }
    }
}
