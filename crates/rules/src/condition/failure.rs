//! What went wrong in an evaluation, for a person; without values: they are a member's.

use cel::ExecutionError;

/// Reads on after "could not be evaluated: ".
pub(crate) fn sentence(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no `{key}` in it; ask `has(...)` first, or send it with every event")
        }
        ExecutionError::IndexOutOfBounds(_) => "an index is beyond the end of its list; ask `size()` first".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by nought; ask for nought first".to_owned()
        }
        ExecutionError::Overflow(..) => "a number leaves the range of 64 bits; compare smaller numbers".to_owned(),
        ExecutionError::FunctionError { function, .. } => {
            format!("`{function}` cannot take this value; send one of the form that it needs")
        }
        // Only `event.data` can surprise the checker with a type.
        ExecutionError::NoSuchOverload(error) => {
            format!(
                "`{}` does not go with {}; send the fields of `data` with the types that the condition needs",
                operator(error.function()),
                error.argument_types().join(" and ")
            )
        }
        _ => "a field of `data` has another type than the condition needs; send the type that it needs".to_owned(),
    }
}

/// `_&&_` as it is written.
fn operator(name: &str) -> &str {
    name.trim_matches(['_', '@'])
}
