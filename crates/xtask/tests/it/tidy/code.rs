//! Words that may not stand in Rust code. Comments and texts are not code: only the compiler's tokens are looked at.

use proc_macro2::{TokenStream, TokenTree};

use super::house::{files, is_rust, text};
use super::none;

/// What stands for code that is not written yet, or was only for a look.
const UNFINISHED: &[&str] = &["dbg", "todo", "unimplemented"];

/// A clock of the standard library is named by its type.
const CLOCKS: &[&str] = &["Instant", "SystemTime"];

/// A name or a sign, and the line it stands on.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// All tokens of a file, those in macro calls too.
pub(super) fn tokens(file: &str, source: &str) -> Vec<Token> {
    let stream: TokenStream = source.parse().unwrap_or_else(|error| panic!("could not read `{file}` as Rust: {error}"));
    let mut tokens = Vec::new();
    collect(stream, &mut tokens);
    tokens
}

fn collect(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => collect(group.stream(), tokens),
            TokenTree::Ident(ident) => tokens.push(Token { text: ident.to_string(), line }),
            TokenTree::Punct(punct) => tokens.push(Token { text: punct.as_char().to_string(), line }),
            TokenTree::Literal(_) => tokens.push(Token { text: "a literal".to_owned(), line }),
        }
    }
}

fn unfinished(file: &str, source: &str) -> Vec<String> {
    let tokens = tokens(file, source);
    let pairs = tokens.windows(2).filter(|pair| UNFINISHED.contains(&pair[0].text.as_str()) && pair[1].text == "!");
    pairs.map(|pair| format!("{file}:{}: `{}!` is not finished code", pair[0].line, pair[0].text)).collect()
}

/// `SystemTime`, `Instant`, and any `Type::now`.
pub(super) fn clocks(file: &str, source: &str) -> Vec<String> {
    let tokens = tokens(file, source);
    let named = tokens.iter().filter(|token| CLOCKS.contains(&token.text.as_str()));
    let asked = tokens.windows(2).filter(|pair| pair[0].text == ":" && pair[1].text == "now").map(|pair| &pair[1]);
    named
        .chain(asked)
        .map(|token| format!("{file}:{}: a pure crate is told the time, it does not ask", token.line))
        .collect()
}

#[test]
fn no_unfinished_code_is_left() {
    for file in files().iter().filter(|file| is_rust(file)) {
        none(&unfinished(file, &text(file).unwrap()));
    }
}

#[test]
fn the_rules_on_words_can_fail() {
    let source = "// todo!()\nfn a() -> &'static str {\n    todo!();\n    \"dbg!\"\n}\nfn todo() {}\n";
    assert_eq!(unfinished("a.rs", source), ["a.rs:3: `todo!` is not finished code"]);
    let source =
        "fn a() {\n    let now = jiff::Timestamp::now();\n    let then = now + x;\n}\nuse std::time::Instant;\n";
    assert_eq!(clocks("a.rs", source).len(), 2);
}
