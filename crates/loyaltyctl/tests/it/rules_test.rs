//! Programmes put to the test by files that somebody wrote who need not program.

use std::path::{Path, PathBuf};

use crate::program::{Said, loyaltyctl, run, workspace};

const CASES: &str = r#"
pipeline: pipeline.yaml
member: ann
at: 2026-03-02
cases:
  - name: a dollar is a point
    given:
      - { type: purchase, order: o1, amount: "9.50" }
    expect:
      points: { points: 9 }
  - name: two orders are two results
    given:
      - { type: purchase, order: o1, amount: "9.50" }
      - { type: purchase, order: o2, amount: 20.5, occurredAt: "2026-03-03T12:00:00Z", id: second }
    expect:
      points: { points: { available: 29, pending: 0, held: 0, debt: 0 } }
      results: { points.earned: [{ points: 9 }, { points: "20.0", order: o2 }], points.expired: 0 }
"#;

/// The pipeline of the CDNOW example beside a file of tests.
fn folder(tests: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(workspace().join("examples/cdnow/pipeline.yaml"), folder.path().join("pipeline.yaml")).unwrap();
    std::fs::write(folder.path().join("a.test.yaml"), tests).unwrap();
    folder
}

fn test(folder: &Path, more: &[&str]) -> Said {
    run(&mut loyaltyctl(folder, &[&["rules", "test", "a.test.yaml"], more].concat()))
}

fn programs() -> Vec<PathBuf> {
    let folder = workspace().join("examples/programs");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_programme_of_the_examples_does_what_its_tests_say() {
    let files = programs();
    let (tests, pipelines): (Vec<_>, Vec<_>) =
        files.iter().map(|file| file.to_str().unwrap()).partition(|file| file.ends_with(".test.yaml"));
    assert!(tests.len() >= 6 && tests.len() == pipelines.len(), "{files:?}");
    for pipeline in &pipelines {
        assert!(tests.contains(&pipeline.replace(".yaml", ".test.yaml").as_str()), "{pipeline}");
        run(&mut loyaltyctl(Path::new("/"), &["validate", "-f", pipeline])).ended(0);
    }
    let said = run(&mut loyaltyctl(Path::new("/"), &[&["rules", "test"][..], &tests].concat())).ended(0);
    assert!(said.out.ends_with(" cases passed\n"), "{}", said.out);
    assert!(said.out.matches("\n  ok  ").count() >= 25, "{}", said.out);
}

#[test]
fn cases_pass_or_differ_with_what_was_expected_and_found_and_why() {
    let same = folder(CASES);
    let said = test(same.path(), &[]).ended(0);
    assert_eq!(
        said.out,
        "a.test.yaml\n  ok  a dollar is a point\n  ok  two orders are two results\n\n2 cases passed\n"
    );
    let other = CASES.replace("points: 9 }\n  - name", "points: 10 }\n  - name").replace(r#""20.0""#, r#""21""#);
    let other = folder(&other);
    let said = test(other.path(), &[]).ended(1);
    let wanted = "\
a.test.yaml
  differs  a dollar is a point
      EVENT  WHAT                     EXPECTED  FOUND
             points points available  10        9

      event 1: order `o1` of 9.50 USD, 1 line
        applied; 9 points earned, 9 available after it
        base: 9.50 x 1 per 1.00 = 9.5, Floor at Order -> 9 points
          because it is a purchase
  differs  two orders are two results
      EVENT   WHAT               EXPECTED               FOUND
      second  points.earned [1]  order: o2, points: 21  order: o2, points: 20

      event second: order `o2` of 20.50 USD, 1 line
        applied; 20 points earned, 29 available after it
        base: 20.50 x 1 per 1.00 = 20.5, Floor at Order -> 20 points
          because it is a purchase

0 cases passed, 2 differ
";
    assert_eq!(said.out, wanted);
    let json = test(other.path(), &["--filter", "DOLLAR", "-o", "json"]).ended(1).json();
    assert_eq!((&json["passed"], &json["differ"]), (&0.into(), &1.into()));
    let difference = &json["cases"][0]["differences"][0];
    assert_eq!((&difference["expected"], &difference["found"]), (&"10".into(), &"9".into()));
    let none = test(other.path(), &["--filter", "euro"]).ended(2);
    assert!(none.err.contains("could not find a case whose name contains `euro`; there are `a dollar is a point`"));
}

#[test]
fn an_event_that_would_be_buried_is_a_difference_unless_it_is_expected() {
    let bad = CASES.replace(
        r#"order: o1, amount: "9.50" }
    expect:
      points: { points: 9 }"#,
        "order: o1 }\n    expect:\n      points: { points: 0 }",
    );
    let said = test(folder(&bad).path(), &["--filter", "dollar"]).ended(1).out;
    assert!(said.contains("number 1") && said.contains("MissingField: `amount` is missing"), "{said}");
    let expected = bad.replace("points: { points: 0 }", "buried: [MissingField]");
    test(folder(&expected).path(), &["--filter", "dollar"]).ended(0);
    let never = CASES.replace("points: { points: 9 }", "buried: [BadValue]");
    test(folder(&never).path(), &["--filter", "dollar"]).ended(1);
}

#[test]
fn a_wrong_file_is_told_with_its_place_and_what_was_meant() {
    for (from, to, wanted) in [
        (
            "expect:\n      points: { points: 9 }",
            "exepct:\n      points: { points: 9 }",
            &["a.test.yaml:9:5", "did you mean `expect`?"][..],
        ),
        (
            "points: { points: 9 }",
            "points: { pionts: 9 }",
            &["cases[0].expect.points.pionts", "did you mean `points`?"],
        ),
        ("points: { points: 9 }", "points: { points: { avialable: 9 } }", &["did you mean `available`?"]),
        ("points: { points: 9 }", "points: { points: many }", &["`many` is not a number of points"]),
        ("points: { points: 9 }", "tier: gold", &["cases[0].expect.tier", "the programme has no tiers"]),
        ("points: { points: 9 }", "results: { points.earnd: 1 }", &["did you mean `points.earned`?"]),
        ("points: { points: 9 }", "results: { points.earned: [{}] }", &["names no field"]),
        ("points: { points: 9 }", "buried: [BadValu]", &["did you mean `BadValue`?"]),
        ("points: { points: 9 }", "points: {}", &["cases[0].expect", "expects nothing"]),
        ("member: ann\n", "", &["says nothing of whom it means"]),
        ("at: 2026-03-02\n", "", &["cases[0].given[0]", "says no time"]),
        ("at: 2026-03-02\n", "at: soon\n", &["a.test.yaml:4:5", "is `soon`; write a day", "1 problem"]),
        ("name: two orders are two results", "name: a dollar is a point", &["is also the name of cases[0]"]),
        ("pipeline: pipeline.yaml\n", "", &["missing field `pipeline`"]),
    ] {
        assert!(CASES.contains(from), "{from}");
        let said = test(folder(&CASES.replacen(from, to, 1)).path(), &[]).ended(2);
        assert!(wanted.iter().all(|part| said.err.contains(part)), "{to}: {}", said.err);
    }
    let none = folder(&CASES.replace("pipeline: pipeline.yaml", "pipeline: none.yaml"));
    assert!(test(none.path(), &[]).ended(2).err.contains("none.yaml"));
    let wrong = folder(CASES);
    let text = std::fs::read_to_string(wrong.path().join("pipeline.yaml")).unwrap();
    std::fs::write(wrong.path().join("pipeline.yaml"), text.replace("wallet: points", "wallet: stars")).unwrap();
    assert!(test(wrong.path(), &[]).ended(2).err.contains("pipeline.yaml:"));
    assert!(
        run(&mut loyaltyctl(wrong.path(), &["rules", "test", "a.test.yaml", "-o", "csv"])).ended(2).err.contains("CSV")
    );
}

#[test]
fn the_page_about_tests_shows_files_that_pass() {
    let page = std::fs::read_to_string(workspace().join("docs/rules-test.md")).unwrap();
    let block = |kind: &str| {
        let fence = format!("```{kind}\n");
        page.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(workspace().join("examples/programs/coffee.yaml"), folder.path().join("coffee.yaml")).unwrap();
    let (files, answers) = (block("yaml"), block("text"));
    assert_eq!((files.len(), answers.len()), (2, 1));
    std::fs::write(folder.path().join("a.test.yaml"), &files[0]).unwrap();
    test(folder.path(), &[]).ended(0);
    std::fs::write(folder.path().join("a.test.yaml"), &files[1]).unwrap();
    assert_eq!(test(folder.path(), &[]).ended(1).out, answers[0]);
}
