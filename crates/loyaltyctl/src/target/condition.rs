//! Where in a file an error of a condition stands: the condition knows its own lines, the file has it somewhere, quoted or folded.

use contract::program::Rule;
use rules::RuleError;

use super::locate::{self, Place};

/// The place of what is wrong in a rule; within its condition where the text stands in the file as it was read.
pub(super) fn place(text: &str, document: usize, error: &RuleError, rules: &[Rule]) -> Option<Place> {
    let field = locate::place(text, document, &error.path)?;
    let within = || {
        let (line, column) = (usize::try_from(error.line?).ok()?, usize::try_from(error.column?).ok()?);
        let rule = rules.iter().enumerate().find(|(at, _)| error.path == format!("spec.rules[{at}].when"))?.1;
        inside(text, field, rule.when.as_deref()?, (line, column))
    };
    Some(within().unwrap_or(field))
}

fn inside(text: &str, field: Place, condition: &str, (line, column): (usize, usize)) -> Option<Place> {
    let wanted = condition.lines().nth(line.checked_sub(1)?)?;
    let rest = text.get(field.index..)?;
    if rest.starts_with(['|', '>']) {
        // A block: the lines that follow, indented.
        let indented = rest.lines().skip(1).enumerate();
        let (at, found) = indented.filter(|(_, found)| found.trim() == wanted.trim()).nth(repeats(condition, line))?;
        let indent = found.chars().take_while(|c| *c == ' ').count();
        let own = wanted.chars().take_while(|c| *c == ' ').count();
        return Some(Place { line: field.line + 1 + at, column: indent - own.min(indent) + column, ..field });
    }
    let quote = usize::from(rest.starts_with(['"', '\'']));
    let same = line == 1 && rest.get(quote..)?.starts_with(condition);
    same.then_some(Place { column: field.column + quote + column - 1, ..field })
}

/// How many equal lines stand before this one.
fn repeats(condition: &str, line: usize) -> usize {
    let lines: Vec<&str> = condition.lines().map(str::trim).collect();
    lines.iter().take(line - 1).filter(|other| Some(*other) == lines.get(line - 1)).count()
}

#[cfg(test)]
mod tests {
    use super::super::locate;
    use super::inside;

    fn found(yaml: &str, condition: &str, at: (usize, usize)) -> Option<(usize, usize)> {
        let field = locate::place(yaml, 0, "when").unwrap();
        inside(yaml, field, condition, at).map(|place| (place.line, place.column))
    }

    #[test]
    fn a_place_in_a_condition_is_a_place_in_the_file_where_the_texts_agree() {
        assert_eq!(found("a: 1\nwhen: event.x\n", "event.x", (1, 7)), Some((2, 13)));
        assert_eq!(found("when: \"event.x\"\n", "event.x", (1, 7)), Some((1, 14)));
        assert_eq!(found("when: |\n    true\n    && event.x\n", "true\n&& event.x\n", (2, 4)), Some((3, 8)));
        assert_eq!(found("when: |\n  true\n  true\n", "true\ntrue\n", (2, 1)), Some((3, 3)));
        assert_eq!(found("when: \"a \\\"b\\\"\"\n", "a \"b\"", (1, 3)), None);
    }
}
