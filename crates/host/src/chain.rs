//! An error for a log or a terminal: the whole way down, once.

use std::error::Error;

/// An error with what led to it, on one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat their source in their own text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[test]
    fn a_chain_says_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not begin")]
        struct Outer(#[source] std::io::Error);
        let inner = std::io::Error::other("no route");
        assert_eq!(chain(&Outer(inner)), "could not begin: no route");
    }
}
