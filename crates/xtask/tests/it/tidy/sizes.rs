//! Files and functions stay small enough to be read at once.

use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, FnArg, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, TraitItemFn};

use super::house::{packages, text};
use super::none;
use super::reached::{self, for_tests, parse};

/// Lines of a file before its tests; the aim is 300.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function from `fn` to its brace; the aim is 25.
const FUNCTION_LINES_MAX: usize = 70;
/// More than that is a struct; `self` does not count, nor do functions whose form a trait prescribes: there the trait is
/// looked at, if it is ours.
const ARGUMENTS_MAX: usize = 4;
/// A `main.rs` only calls.
const MAIN_LINES_MAX: usize = 25;

/// The lines before the tests at the end of a file.
fn production_lines(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

fn too_long(file: &str, source: &str) -> Vec<String> {
    let lines = production_lines(source);
    let name = Path::new(file).file_name().and_then(|name| name.to_str());
    let max = if name == Some("main.rs") { MAIN_LINES_MAX } else { FILE_LINES_MAX };
    if lines > max { vec![format!("{file}: {lines} lines, at most {max}")] } else { Vec::new() }
}

/// Visits every function but those of tests.
struct Functions<'a> {
    file: &'a str,
    of_trait: bool,
    complaints: Vec<String>,
}

impl Functions<'_> {
    fn body(&mut self, signature: &Signature, body: &Block) {
        let (name, line) = (&signature.ident, signature.fn_token.span.start().line);
        let lines = body.span().end().line - line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.complaints
                .push(format!("{}:{line}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}", self.file));
        }
    }

    fn arguments(&mut self, signature: &Signature) {
        let (name, line) = (&signature.ident, signature.fn_token.span.start().line);
        let arguments = signature.inputs.iter().filter(|argument| matches!(argument, FnArg::Typed(_))).count();
        if arguments > ARGUMENTS_MAX {
            self.complaints
                .push(format!("{}:{line}: `{name}` has {arguments} arguments, at most {ARGUMENTS_MAX}", self.file));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        if !for_tests(&block.attrs) {
            let outer = std::mem::replace(&mut self.of_trait, block.trait_.is_some());
            visit::visit_item_impl(self, block);
            self.of_trait = outer;
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !for_tests(&function.attrs) {
            self.arguments(&function.sig);
            self.body(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !for_tests(&function.attrs) {
            if !self.of_trait {
                self.arguments(&function.sig);
            }
            self.body(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        self.arguments(&function.sig);
        if let Some(body) = &function.default {
            self.body(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn functions(file: &str, source: &str) -> Vec<String> {
    let mut functions = Functions { file, of_trait: false, complaints: Vec::new() };
    functions.visit_file(&parse(Path::new(file), source));
    functions.complaints
}

#[test]
fn files_and_functions_are_small() {
    let mut complaints = Vec::new();
    for (file, tests) in packages().iter().flat_map(reached::of) {
        let file = file.to_str().unwrap();
        if !tests {
            let source = text(file).unwrap();
            complaints.extend(too_long(file, &source));
            complaints.extend(functions(file, &source));
        }
    }
    none(&complaints);
}

#[test]
fn the_rules_on_sizes_can_fail() {
    let filler = "// a line\n".repeat(500);
    let tests = "#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(too_long("a.rs", &format!("{filler}{tests}")), Vec::<String>::new(), "tests do not count");
    assert_eq!(too_long("a.rs", &format!("{filler}fn a() {{}}\n{tests}")), ["a.rs: 501 lines, at most 500"]);
    assert_eq!(too_long("src/main.rs", &"// a line\n".repeat(26)), ["src/main.rs: 26 lines, at most 25"]);
    let hidden = format!("#[cfg(test)]\nuse x;\n{filler}");
    assert_eq!(too_long("a.rs", &hidden).len(), 1, "an item for tests does not hide what follows");

    let body = "    let x = 1;\n".repeat(69);
    let long = format!("/// Documented.\nfn long() {{\n{body}}}\n");
    assert_eq!(functions("a.rs", &long), ["a.rs:2: `long` has 71 lines, at most 70"]);
    assert_eq!(functions("a.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}\n")), Vec::<String>::new());
    let method = "struct A;\nimpl A {\n    fn many(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {}\n    fn few(&self, a: u8, b: u8, c: u8, d: u8) {}\n}\n";
    assert_eq!(functions("a.rs", method), ["a.rs:3: `many` has 5 arguments, at most 4"]);
    let prescribed = "impl Foreign for A {\n    fn many(a: u8, b: u8, c: u8, d: u8, e: u8) {}\n}\n";
    assert_eq!(functions("a.rs", prescribed), Vec::<String>::new());
    let ours = "trait Ours {\n    fn many(a: u8, b: u8, c: u8, d: u8, e: u8);\n}\n";
    assert_eq!(functions("a.rs", ours), ["a.rs:2: `many` has 5 arguments, at most 4"]);
}
