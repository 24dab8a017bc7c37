//! Files that have to be there, and what may not stand in any.

use super::house::{files, text};
use super::none;

/// What a visitor looks for first.
const EXPECTED: &[&str] = &["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md"];

/// Folders of one machine; in two halves, so that this file does not hold what it forbids.
const PLACES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn missing(files: &[String]) -> Vec<String> {
    let absent = EXPECTED.iter().filter(|name| !files.iter().any(|file| file == *name));
    absent.map(|name| format!("`{name}` is missing")).collect()
}

/// An absolute path only: `https://host/a/work/b` is none.
fn machine_paths(file: &str, text: &str) -> Vec<String> {
    let begins = |line: &str, at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '.' | '-' | '_' | '/' | '}' | '*'))
    };
    let mut complaints = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for place in PLACES {
            if line.match_indices(place).any(|(at, _)| begins(line, at)) {
                complaints.push(format!("{file}:{}: names the folder `{place}` of one machine", number + 1));
            }
        }
    }
    complaints
}

#[test]
fn a_visitor_finds_the_first_pages() {
    none(&missing(files()));
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let complaints =
        files().iter().flat_map(|file| text(file).map(|text| machine_paths(file, &text)).unwrap_or_default());
    none(&complaints.collect::<Vec<String>>());
}

#[test]
fn the_rules_on_files_can_fail() {
    let some = ["LICENSE", "docs/README.md", "CHANGELOG.md", "ARCHITECTURE.md"].map(str::to_owned);
    assert_eq!(missing(&some), ["`README.md` is missing"]);
    let [first, second] = [PLACES[0], PLACES[1]];
    for (line, complaints) in [
        (format!("see {first}main"), 1),
        (format!("cache = \"{second}.cache\""), 1),
        (format!("https://host.test/home{first}main"), 0),
        (format!("${{HOME}}{first}main"), 0),
    ] {
        assert_eq!(machine_paths("a.md", &line).len(), complaints, "{line}");
    }
}
