//! Pages of the documentation, whose commands are run as they are printed.

/// The blocks of commands of a page, or of a part of it.
#[must_use]
pub fn blocks(text: &str) -> Vec<&str> {
    let fenced = text.split("```sh\n").skip(1);
    fenced.map(|rest| rest.split_once("```").map_or(rest, |(block, _)| block)).collect()
}
