//! The chart's values: each is described, has an effect, and stands in the README.

use std::fmt::Write as _;

use serde_json::Value;

use super::helm::{HELM_4, ci, repository_file, root, template};

const README: &str = "charts/loyalty-operator/README.md";
const TABLE: (&str, &str) = ("<!-- values: written by UPDATE=1 -->\n", "<!-- end of values -->\n");

/// Helm hands them to a dependency; nothing reads them.
const NOT_READ: [&str; 2] = ["global", "enabled"];

/// One value that can be set, as `values.yaml` has it and as the schema describes it.
struct Leaf {
    path: String,
    value: Value,
    schema: Value,
}

fn schema() -> Value {
    serde_json::from_str(&repository_file("charts/loyalty-operator/values.schema.json")).unwrap()
}

/// Every value of `values.yaml`; lists and empty mappings are one value each.
fn leaves() -> Vec<Leaf> {
    let values: serde_yaml::Value =
        serde_yaml::from_str(&repository_file("charts/loyalty-operator/values.yaml")).unwrap();
    let mut found = Vec::new();
    collect(&values, &schema(), "", &mut found);
    assert!(found.len() > 70, "{}", found.len());
    found
}

/// In the order of the file.
fn collect(value: &serde_yaml::Value, schema: &Value, path: &str, found: &mut Vec<Leaf>) {
    match value.as_mapping().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            for (key, value) in fields {
                let key = key.as_str().unwrap();
                let of_key = schema["properties"].get(key).or(schema.get("additionalProperties"));
                let of_key = of_key.filter(|schema| schema.is_object());
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                collect(value, of_key.unwrap_or_else(|| panic!("`{path}` is not in the schema")), &path, found);
            }
        }
        None => found.push(Leaf {
            path: path.to_owned(),
            value: serde_json::to_value(value).unwrap(),
            schema: schema.clone(),
        }),
    }
}

impl Leaf {
    /// Other values that the schema allows, in JSON.
    fn others(&self) -> Vec<Value> {
        if let Value::Bool(value) = self.value {
            return vec![Value::Bool(!value)];
        }
        let all = self.schema.get("enum").or(self.schema.get("examples")).and_then(Value::as_array);
        let all = all.unwrap_or_else(|| panic!("`{}` has no examples in the schema", self.path));
        let others: Vec<Value> = all.iter().filter(|value| **value != self.value).cloned().collect();
        assert!(!others.is_empty(), "`{}`: the schema's examples are what it is anyway", self.path);
        others
    }
}

#[test]
fn each_value_has_an_effect() {
    let stages: Vec<(Option<String>, String)> = ci()
        .into_iter()
        .map(|values| {
            let more: Vec<&str> = values.iter().flat_map(|file| ["--values", file]).collect();
            let text = template(HELM_4, &more).succeeded();
            (values, text)
        })
        .collect();
    let changes = |leaf: &Leaf, other: &Value, (values, text): &(Option<String>, String)| {
        let set = format!("{}={other}", leaf.path);
        let mut more: Vec<&str> = values.iter().flat_map(|file| ["--values", file]).collect();
        more.extend(["--set-json", &set]);
        let said = template(HELM_4, &more);
        said.is_success && &said.out != text
    };
    let mut idle = Vec::new();
    for leaf in leaves() {
        for other in leaf.others() {
            if !stages.iter().any(|stage| changes(&leaf, &other, stage)) {
                idle.push(format!("{}={other}", leaf.path));
            }
        }
    }
    assert_eq!(idle, Vec::<String>::new(), "these change nothing, whatever else is set");
}

#[test]
fn each_value_is_described_and_nothing_else_can_be_set() {
    fn walk(schema: &Value, path: &str, faults: &mut Vec<String>) {
        let Some(fields) = schema["properties"].as_object() else { return };
        // An environment variable and the like are Kubernetes' to describe.
        let is_list_item = path.ends_with("[]");
        if !is_list_item && schema["additionalProperties"] != false {
            faults.push(format!("`{path}` takes unknown keys"));
        }
        for (key, field) in fields {
            let path = format!("{path}.{key}");
            if !field["description"].as_str().is_some_and(|text| text.ends_with('.')) {
                faults.push(format!("`{path}` is not described by a sentence"));
            }
            walk(field, &path, faults);
            walk(&field["items"], &format!("{path}[]"), faults);
        }
    }
    let mut faults = Vec::new();
    walk(&schema(), "", &mut faults);
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_schema_has_no_value_that_the_file_of_values_lacks() {
    fn paths(schema: &Value, path: &str, found: &mut Vec<String>) {
        match schema["properties"].as_object() {
            Some(fields) => {
                for (key, field) in fields {
                    paths(field, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
                }
            }
            None => found.push(path.to_owned()),
        }
    }
    let mut described = Vec::new();
    paths(&schema(), "", &mut described);
    let set = leaves();
    let is_set = |path: &str| set.iter().any(|leaf| leaf.path == path || leaf.path.starts_with(&format!("{path}.")));
    let missing: Vec<String> =
        described.into_iter().filter(|path| !is_set(path) && !NOT_READ.contains(&path.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new(), "described, but not in values.yaml");
}

#[test]
fn the_readme_lists_every_value() {
    let mut table = "| value | default | what it is |\n|---|---|---|\n".to_owned();
    for Leaf { path, value, schema } in leaves() {
        let what = schema["description"].as_str().unwrap();
        let one_of = schema["enum"].as_array().map(|all| {
            let all: Vec<String> = all.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect();
            format!(" One of {}.", all.join(", "))
        });
        writeln!(table, "| `{path}` | `{value}` | {what}{} |", one_of.unwrap_or_default()).unwrap();
    }
    let readme = repository_file(README);
    let (before, rest) = readme.split_once(TABLE.0).expect("the README has a place for the table");
    let (_, after) = rest.split_once(TABLE.1).expect("the table's place has an end");
    let wanted = format!("{before}{}{table}{}{after}", TABLE.0, TABLE.1);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(README), &wanted).unwrap();
    }
    assert_eq!(repository_file(README), wanted, "run with UPDATE=1 to take over");
}
