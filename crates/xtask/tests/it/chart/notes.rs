//! What Helm tells a person after the installation.

use super::helm::{HELM_4, Rendered, ci, run};

/// The notes and what was rendered with them; Helm 3 asks a cluster even for this.
fn notes(values: Option<&str>) -> (String, Rendered) {
    let mut arguments =
        vec!["install", "shop", super::helm::chart_path(), "--namespace", "loyalty", "--dry-run=client"];
    arguments.extend(values.iter().flat_map(|file| ["--values", *file]));
    let said = run(HELM_4, &arguments).succeeded();
    let (rest, notes) = said.split_once("\nNOTES:\n").unwrap_or_else(|| panic!("no notes in {said}"));
    let (_, manifest) = rest.split_once("\nMANIFEST:\n").unwrap_or_else(|| panic!("no manifest in {said}"));
    (notes.to_owned(), Rendered::parse(manifest))
}

/// The commands: the lines that stand apart.
pub(super) fn commands(notes: &str) -> Vec<&str> {
    notes.lines().filter_map(|line| line.strip_prefix("  ")).collect()
}

#[test]
fn the_notes_name_only_what_is_there() {
    for values in ci() {
        let (notes, rendered) = notes(values.as_deref());
        let commands = commands(&notes);
        assert!(commands.len() >= 5, "{notes}");
        let deployment = format!("deployment/{}", rendered.only("Deployment")["metadata"]["name"].as_str().unwrap());
        for command in &commands {
            let words: Vec<&str> = command.split(' ').collect();
            match words[0] {
                "helm" => assert_eq!(words, ["helm", "test", "shop", "--namespace", "loyalty"]),
                "kubectl" => {
                    for named in words.iter().filter(|word| word.starts_with("deployment/")) {
                        assert_eq!(*named, deployment, "{command}");
                    }
                    // An unknown flag or command is said before help is given.
                    let mut arguments = words[1..].to_vec();
                    arguments.push("--help");
                    let said = run("LOYALTY_KUBECTL", &arguments);
                    assert!(said.is_success, "`{command}`: {}", said.all());
                }
                other => panic!("`{other}` is no command that a person has: {command}"),
            }
        }
        assert!(commands.iter().any(|command| command.contains(&deployment)), "{notes}");
    }
}

#[test]
fn the_notes_say_where_the_operator_works_and_what_it_was_not_given() {
    let text = |file: &str| notes(Some(&format!("charts/loyalty-operator/ci/{file}.yaml"))).0;
    let some = text("namespaces");
    assert!(some.contains("in these namespaces: shops, cafes."), "{some}");
    assert!(some.contains("`crds.install: false`") && !some.contains("stays behind"), "{some}");
    let own = text("own-namespace");
    assert!(own.contains("in these namespaces: loyalty."), "{own}");
    assert!(own.contains("`rbac.create: false`"), "{own}");
    let everything = text("everything");
    assert!(everything.contains("in every namespace.") && everything.contains("stays behind"), "{everything}");
}
