//! Every Rust file of a crate is part of it: a file that no `mod` names is compiled by nobody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, ItemMod};

use super::house::{Package, packages, text};
use super::none;

/// A file of a crate, and whether only tests compile it.
pub(super) type Reached = BTreeMap<PathBuf, bool>;

/// Follows the `mod`s of a crate. `read` gives a file's text, or nothing when there is no such file.
struct Walk<'a> {
    read: &'a dyn Fn(&Path) -> Option<String>,
    reached: Reached,
}

impl Walk<'_> {
    fn file(&mut self, file: &Path, folder: &Path, tests: bool) {
        let Some(source) = (self.read)(file) else { return };
        self.reached.insert(file.to_owned(), tests);
        self.items(&parse(file, &source).items, folder, tests);
    }

    fn items(&mut self, items: &[Item], folder: &Path, tests: bool) {
        for module in items.iter().filter_map(|item| if let Item::Mod(module) = item { Some(module) } else { None }) {
            let ItemMod { attrs, ident, content, .. } = module;
            let tests = tests || for_tests(attrs);
            let below = folder.join(ident.to_string());
            if let Some((_, items)) = content {
                self.items(items, &below, tests);
            } else {
                self.file(&below.with_extension("rs"), &below, tests);
                self.file(&below.join("mod.rs"), &below, tests);
            }
        }
    }
}

/// All files that the crate's roots lead to.
pub(super) fn reached(roots: &[PathBuf], read: &dyn Fn(&Path) -> Option<String>) -> Reached {
    let mut walk = Walk { read, reached: Reached::new() };
    for root in roots {
        walk.file(root, root.parent().unwrap_or(Path::new("")), false);
    }
    walk.reached
}

pub(super) fn parse(file: &Path, source: &str) -> syn::File {
    syn::parse_file(source).unwrap_or_else(|error| panic!("could not read `{}` as Rust: {error}", file.display()))
}

/// `#[cfg(test)]`, or a condition with `test` in it.
pub(super) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
        attribute.path().is_ident("cfg")
            && tokens.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "test")
    })
}

/// The files of one crate of ours.
pub(super) fn of(package: &Package) -> Reached {
    let source = package.folder.join("src");
    let mut roots = vec![source.join("lib.rs"), source.join("main.rs")];
    let programs = source.join("bin");
    roots.extend(package.sources().map(PathBuf::from).filter(|file| file.parent() == Some(&programs)));
    let ours: Vec<&String> = package.sources().collect();
    let read = |file: &Path| ours.iter().find(|known| Path::new(known) == file).and_then(|known| text(known));
    reached(&roots, &read)
}

#[test]
fn every_rust_file_is_reached_by_a_mod() {
    let mut complaints = Vec::new();
    for package in packages() {
        let reached = of(package);
        let lost = package.sources().filter(|file| !reached.contains_key(Path::new(file)));
        complaints.extend(lost.map(|file| format!("`{file}` is reached by no `mod`")));
    }
    none(&complaints);
}

#[test]
fn a_file_that_no_mod_names_is_not_reached() {
    let house: &[(&str, &str)] = &[
        ("src/lib.rs", "mod a; #[cfg(test)] mod trial; mod inline { mod deep; }"),
        ("src/a.rs", "mod b;"),
        ("src/a/b.rs", ""),
        ("src/trial.rs", "mod more;"),
        ("src/trial/more.rs", ""),
        ("src/inline/deep.rs", ""),
        ("src/lost.rs", ""),
        ("src/b.rs", ""),
    ];
    let read = |file: &Path| house.iter().find(|(name, _)| Path::new(name) == file).map(|(_, text)| (*text).to_owned());
    let reached = reached(&["src/lib.rs".into()], &read);
    let expected: Reached = [
        ("src/lib.rs", false),
        ("src/a.rs", false),
        ("src/a/b.rs", false),
        ("src/trial.rs", true),
        ("src/trial/more.rs", true),
        ("src/inline/deep.rs", false),
    ]
    .map(|(name, tests)| (PathBuf::from(name), tests))
    .into();
    assert_eq!(reached, expected);
}
