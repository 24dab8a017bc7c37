//! The nearest known name, for a person who mistyped one.

/// "; did you mean `x`?" when a known name is near, else nothing.
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The sentence about something that the programme does not list.
pub(crate) fn not_there<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = did_you_mean(name, known.clone());
    if !near.is_empty() {
        return format!("the programme has no {what} `{name}`{near}");
    }
    let known: Vec<String> = known.map(|known| format!("`{known}`")).collect();
    let known =
        if known.is_empty() { format!("list it in `program.{what}s`") } else { format!("it has {}", known.join(", ")) };
    format!("the programme has no {what} `{name}`; {known}")
}

fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may differ; a name that begins with what was given is near, too.
    let limit = given.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .map(|name| {
            let begins = given.len() >= 3 && name.starts_with(given);
            (if begins { 0 } else { distance(given, name) }, name)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance over characters, upper and lower case alike.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["points", "stars", "quantityMilli", "amountMinor"];
        assert_eq!(nearest("point", names), Some("points"));
        assert_eq!(nearest("amountMinr", names), Some("amountMinor"));
        assert_eq!(nearest("quantity", names), Some("quantityMilli"));
        assert_eq!(nearest("POINTS", names), Some("points"));
        assert_eq!(nearest("coupons", names), None);
    }
}
