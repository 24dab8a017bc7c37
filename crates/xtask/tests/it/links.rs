//! Documents lead where they say.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Markdown file of a folder and of those below.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            documents(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "md") {
            found.push(entry);
        }
    }
}

fn all() -> Vec<PathBuf> {
    let mut found = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)).to_vec();
    documents(&root().join("docs"), &mut found);
    documents(&root().join("charts"), &mut found);
    found
}

/// What stands in `](...)`, without web addresses and places in the same text. Code has none.
fn links(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let words: String = line.split('`').step_by(2).collect();
        let targets = words.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let own = targets.filter(|target| !is_code && !target.contains("://") && !target.starts_with('#'));
        found.extend(own.map(|target| target.split('#').next().unwrap_or_default().to_owned()));
    }
    found
}

#[test]
fn every_link_between_documents_leads_to_a_file() {
    let mut count = 0;
    let mut broken = Vec::new();
    for document in all() {
        for link in links(&fs::read_to_string(&document).unwrap()) {
            count += 1;
            if !document.parent().unwrap().join(&link).exists() {
                broken.push(format!("{}: {link}", document.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(count > 30, "only {count} links were looked at");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_index_names_every_document() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    let decisions = fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    let listed: Vec<String> =
        links(&index).into_iter().chain(links(&decisions).iter().map(|link| format!("decisions/{link}"))).collect();
    let mut found = Vec::new();
    documents(&root().join("docs"), &mut found);
    let names = found.iter().map(|file| file.strip_prefix(root().join("docs")).unwrap().to_str().unwrap().to_owned());
    let missing: Vec<String> = names.filter(|name| name != "README.md" && !listed.contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new());
}
