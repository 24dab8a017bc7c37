//! Wrong files, and what is said about them: `golden/validate/NAME.yaml` and `NAME.txt`, rewritten by `UPDATE=1`.

use std::path::{Path, PathBuf};

use crate::program::{loyaltyctl, run, run_with};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/validate")
}

fn cases() -> Vec<String> {
    let files = std::fs::read_dir(golden()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".yaml").map(ToOwned::to_owned)).collect();
    names.sort();
    names
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place_its_field_and_what_to_do() {
    let cases = cases();
    assert!(cases.len() >= 15, "{cases:?}");
    for case in cases {
        let said = run(&mut loyaltyctl(&golden(), &["validate", "-f", &format!("{case}.yaml")]));
        assert_eq!(said.code, i32::from(case != "valid"), "{case}: {said:?}");
        assert_eq!(said.err, "", "{case}");
        let file = golden().join(format!("{case}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &said.out).unwrap();
        }
        assert_eq!(said.out, std::fs::read_to_string(&file).unwrap(), "{case}; UPDATE=1 rewrites it");
        assert!(!said.out.contains("very-secret"), "{case}");
    }
}

#[test]
fn an_invalid_file_stops_every_other_command_with_the_same_table_and_exit_code_1() {
    let folder = golden();
    let table = run(&mut loyaltyctl(&folder, &["validate", "-f", "unknown-wallet.yaml"])).out;
    for command in ["plan", "up"] {
        let said = run(&mut loyaltyctl(&folder, &[command, "-f", "unknown-wallet.yaml"])).ended(1);
        assert_eq!((said.err, said.out.as_str()), (table.clone(), ""), "{command}");
    }
    let said = run(&mut loyaltyctl(&folder, &["simulate", "-f", "unknown-wallet.yaml", "none.jsonl"])).ended(1);
    assert_eq!(said.err, table);
}

#[test]
fn problems_come_as_json_too() {
    let said =
        run(&mut loyaltyctl(&golden(), &["validate", "-o", "json", "-f", "two-wallets-of-one-name.yaml"])).ended(1);
    let problems = said.json()["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
    assert_eq!(problems[0]["path"], "spec.program.wallets[1].name");
    assert_eq!(problems[0]["file"], "two-wallets-of-one-name.yaml");
    assert_eq!(problems[0]["line"], 16);
}

#[test]
fn problems_come_as_csv_too() {
    let said = run(&mut loyaltyctl(&golden(), &["validate", "-o", "csv", "-f", "wrong-kind.yaml"])).ended(1);
    assert!(said.out.starts_with("where,field,problem\nwrong-kind.yaml"), "{}", said.out);
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
}

#[test]
fn standard_input_and_several_files_are_read() {
    let folder = golden();
    let text = std::fs::read(folder.join("valid.yaml")).unwrap();
    let said = run_with(&mut loyaltyctl(&folder, &["validate", "-f", "-"]), &text).ended(0);
    assert_eq!(said.out, "pipeline coffee: valid\n");
    let said = run(&mut loyaltyctl(&folder, &["validate", "-f", "valid.yaml", "valid.yaml"])).ended(1);
    assert!(said.out.contains("is `coffee`, as in `valid.yaml`; rename or remove one of the two"), "{}", said.out);
    let said = run(&mut loyaltyctl(&folder, &["validate", "-f", "none.yaml"])).ended(2);
    assert_eq!(said.err, "error: could not read `none.yaml`; check the path: No such file or directory (os error 2)\n");
}

#[test]
fn every_example_is_valid() {
    let examples = crate::program::workspace().join("examples");
    let folders = std::fs::read_dir(examples).unwrap().map(|folder| folder.unwrap().path());
    let files: Vec<PathBuf> = folders.map(|folder| folder.join("pipeline.yaml")).filter(|file| file.exists()).collect();
    assert!(!files.is_empty());
    for file in files {
        run(&mut loyaltyctl(Path::new("/"), &["validate", "-f", file.to_str().unwrap()])).ended(0);
    }
}
