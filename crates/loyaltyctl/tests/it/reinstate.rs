//! Points that had ended and are given back by a person: seen first, then given, and only once.

use crate::ask::{ask, filled};

const ROWS: &str = "id,member,points,earned,expires\n1,zoe,100,2025-01-01,2025-02-28\n2,yan,7,2025-01-01,2025-02-28\n";

#[test]
fn points_that_ended_are_given_back_once_and_count_as_expired_no_more() {
    let folder = filled();
    let folder = folder.path();
    std::fs::write(folder.join("opening.csv"), ROWS).unwrap();
    ask(folder, &["import", "opening.csv"]).ended(0);
    let give = |points: &str, more: &[&str]| {
        let question =
            ["adjust", "zoe", "--points", points, "--reinstate", "--reason", "shop was closed", "-o", "json"];
        ask(folder, &[&question[..], &["--author", "bea"], more].concat())
    };
    let row = |points: &str, more: &[&str]| give(points, more).ended(0).json()["corrections"][0].clone();
    let refused = give("101", &["--dry-run"]).ended(1).json();
    assert_eq!(refused["corrections"][0]["what"], "turned down: 100 have ended, 1 are missing");
    let end = ["--expires", "2126-12-31"];
    for (more, what) in [(&["--dry-run"][..], "would be applied"), (&[], "applied")] {
        let row = row("60", &[&end[..], more].concat());
        let told = ["before", "after", "what"].map(|field| row[field].as_str().unwrap().to_owned());
        assert_eq!(told, ["0", "60", what], "{row}");
    }
    let again = row("60", &end);
    assert!(again["what"].as_str().unwrap().contains("was applied before"), "{again}");
    // The same words mean another thing where the points are new ones.
    let new =
        ["adjust", "zoe", "--points", "60", "--reason", "shop was closed", "--expires", "2126-12-31", "-o", "json"];
    assert_eq!(ask(folder, &new).ended(0).json()["applied"], 1);
    let wallet = ask(folder, &["balance", "zoe", "-o", "json"]).ended(0).json()["wallets"][0].clone();
    assert_eq!(wallet["available"], "120");
    assert_eq!(wallet["lots"][0]["expires"], "2127-01-01T00:00:00Z");

    let liability = ask(folder, &["liability", "-o", "csv"]).ended(0).out;
    assert!(liability.lines().any(|line| line.ends_with("points,expired,40")), "{liability}");
    let statement = ask(folder, &["statement", "zoe", "-o", "csv"]).ended(0).out;
    assert!(statement.contains("Reinstate,,,shop was closed,bea,points,available,60,60"), "{statement}");
    let id = again["id"].as_str().unwrap();
    assert!(id.starts_with("reinstate-"), "{id}");
    let explained = ask(folder, &["explain", id]).ended(0).out;
    let sentence =
        "60 points that had ended given back by bea (shop was closed), until 2127-01-01T00:00:00Z, 60 available";
    assert!(explained.contains(sentence), "{explained}");
    let audit = ask(folder, &["audit"]).ended(0).out;
    assert!(audit.ends_with("audit: 0 differences\n"), "{audit}");
}

#[test]
fn a_file_of_members_gets_points_back() {
    let folder = filled();
    let folder = folder.path();
    std::fs::write(folder.join("opening.csv"), ROWS).unwrap();
    ask(folder, &["import", "opening.csv"]).ended(0);
    let rows = "member,points,reason\nzoe,100,closed\nyan,8,closed\n";
    std::fs::write(folder.join("rows.csv"), rows).unwrap();
    let give = ["adjust", "--reinstate", "--rows", "rows.csv", "-o", "json"];
    assert_eq!(ask(folder, &give).ended(1).json()["applied"], 0, "none while one cannot");
    let partly = ask(folder, &[&give[..], &["--partly"]].concat()).ended(1).json();
    assert_eq!((&partly["applied"], &partly["corrections"][1]["fate"]), (&1.into(), &"Refused".into()));
    // Turned down as it was asked for; it is asked for anew under another id, or with other points.
    std::fs::write(folder.join("rows.csv"), rows.replace(",8,", ",7,")).unwrap();
    let said = ask(folder, &give).ended(0).json();
    let fates: Vec<_> =
        said["corrections"].as_array().unwrap().iter().map(|row| row["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["Known", "Applied"]);
    let below = ["adjust", "zoe", "--points=-5", "--reinstate", "--reason", "x"];
    let said = ask(folder, &below).ended(1);
    assert!(said.err.contains("`points` is below nought"), "{}", said.err);
}
