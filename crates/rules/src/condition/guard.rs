//! Bounds on an expression before any parser sees it.

use super::fault::Fault;

/// Bytes of an expression; the schema of the resource says the same in characters.
const LEN_MAX: usize = 4096;

/// Words, numbers, texts and signs. It bounds the size of the syntax tree, and with it the work of a parse
/// and of one evaluation.
const TOKENS_MAX: usize = 1024;

/// Brackets within brackets; the parser recurses for each.
const BRACKETS_MAX: usize = 24;

/// Refuses what is too long, too large or too deep.
pub(crate) fn check(text: &str) -> Result<(), Fault> {
    if text.len() > LEN_MAX {
        let problem = format!("is {} bytes long; at most {LEN_MAX} are allowed: make it two rules", text.len());
        return Err(Fault::whole(problem));
    }
    let mut depth = 0_usize;
    let mut rest = text;
    for tokens in 0.. {
        let Some((token, after)) = next(rest) else { return Ok(()) };
        let at = text.len() - rest.len() + (rest.len() - after.len() - token.len());
        if tokens == TOKENS_MAX {
            let problem = format!("has more than {TOKENS_MAX} words and signs; make it two rules");
            return Err(Fault::at(text, at, problem));
        }
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS_MAX {
            let problem = format!("has more than {BRACKETS_MAX} brackets within brackets; make it two rules");
            return Err(Fault::at(text, at, problem));
        }
        rest = after;
    }
    Ok(())
}

/// The next token and what follows it. A coarse reading: it may count a sign as two. Only the backslash of a
/// raw text can hide tokens from it, and then the parser's own limit of 96 levels is what holds.
fn next(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let first = text.chars().next()?;
    let len = match first {
        '\'' | '"' => text_len(text, first),
        c if c.is_alphanumeric() || c == '_' => {
            text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
        }
        c => c.len_utf8(),
    };
    Some(text.split_at(len))
}

/// Up to the quote that ends the text, or the end of the line. A text of three quotes and a comment are read as
/// several tokens: that counts more, not fewer.
fn text_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
