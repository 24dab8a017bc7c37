//! A pipeline in a cluster on one screen. kubectl is a script that prints what an API server 1.37 answered: `golden/status/CASE/*.json`;
//! times in it are moved so that their ages are the same each day. `screen.txt` is rewritten by `UPDATE=1`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::program::{Running, Said, loyaltyctl, run};

/// The time at which the answers are looked at.
const NOW: &str = "2026-11-25T20:00:00Z";

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/status").join(case)
}

/// A kubectl that answers from files of its folder: `KIND.json`, or the words of `KIND.err` and exit code 1; notes what it was asked.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> asked
case "$*" in
*loyaltypipelines.loyalty.dev*--all*|*--all*loyaltypipelines.loyalty.dev*) kind=pipelines ;;
*deployments.apps) kind=deployments ;;
*events) kind=events ;;
*loyaltypipelines.loyalty.dev) kind=pipelines ;;
*) kind=pipeline ;;
esac
if [ -f "$kind.err" ]; then cat "$kind.err" >&2; exit 1; fi
cat "$kind.json"
"#;

struct Fake(tempfile::TempDir);

impl Fake {
    /// With the answers of a case.
    fn of(case: &str) -> Self {
        let fake = Self::new();
        for file in std::fs::read_dir(golden(case)).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "json") {
                let mut answer = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
                move_times(&mut answer, Timestamp::now().duration_since(NOW.parse().unwrap()));
                std::fs::write(fake.path(file.file_name().unwrap().to_str().unwrap()), answer.to_string()).unwrap();
            }
        }
        fake
    }

    fn new() -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        std::fs::write(fake.path("kubectl"), SCRIPT).unwrap();
        std::fs::set_permissions(fake.path("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Whatever is asked for, kubectl says this.
    fn saying(self, words: &str) -> Self {
        for kind in ["pipeline", "pipelines", "deployments", "events"] {
            std::fs::write(self.path(&format!("{kind}.err")), words).unwrap();
        }
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = loyaltyctl(self.0.path(), &[&["status"], args].concat());
        command.env("KUBECTL", self.path("kubectl")).env("COLUMNS", "80");
        command
    }

    fn status(&self, args: &[&str]) -> Said {
        run(&mut self.command(args))
    }
}

fn move_times(value: &mut Value, by: SignedDuration) {
    match value {
        Value::String(text) => {
            if let Ok(time) = text.parse::<Timestamp>() {
                *text = (time + by).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_times(item, by)),
        Value::Object(fields) => fields.values_mut().for_each(|field| move_times(field, by)),
        _ => {}
    }
}

fn compare(case: &str, said: &str) {
    let file = golden(case).join("screen.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(&file).unwrap(), "{case}; UPDATE=1 rewrites it");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{case}: wider than 80\n{said}");
    assert!(!said.contains('\x1b'), "{case}: nobody looks at colours");
}

#[test]
fn one_screen_tells_whether_a_pipeline_is_ready_and_why_not() {
    for (case, name, code) in [
        ("ready", "coffee-club", 0),
        ("conflict", "coffee-club", 1),
        ("untouched", "coffee-club", 1),
        ("changed", "coffee-club", 1),
        ("suspended", "bakery", 1),
        ("deleting", "leaver", 1),
    ] {
        let said = Fake::of(case).status(&[name, "-n", "shops"]).ended(code);
        assert_eq!(said.err, "", "{case}");
        compare(case, &said.out);
    }
}

#[test]
fn without_a_name_each_pipeline_is_a_line() {
    let fake = Fake::of("all");
    let said = fake.status(&["-A"]).ended(1);
    compare("all", &said.out);
    let json = fake.status(&["-A", "-o", "json"]).ended(1).json();
    let ready: Vec<bool> =
        json["pipelines"].as_array().unwrap().iter().map(|one| one["ready"].as_bool().unwrap()).collect();
    assert_eq!(ready, [false, false, true], "{json}");
    let none = Fake::new();
    std::fs::write(none.path("pipelines.json"), r#"{"apiVersion":"v1","items":[],"kind":"List"}"#).unwrap();
    let said = none.status(&["-n", "empty"]).ended(1);
    assert_eq!(said.out, "no pipelines in namespace `empty`\n");
}

#[test]
fn a_program_gets_numbers_and_true_only_for_the_present_generation() {
    let json = Fake::of("ready").status(&["coffee-club", "-o", "json"]).ended(0).json();
    assert_eq!((json["ready"].as_bool(), json["queue"]["ready"].as_u64()), (Some(true), Some(8400)), "{json}");
    assert_eq!((json["workers"]["desired"].as_u64(), json["workers"]["ready"].as_u64()), (Some(7), Some(7)));
    assert_eq!(json["conditions"][0]["type"], "Accepted");
    assert_eq!(json["events"].as_array().unwrap().len(), 3);
    let json = Fake::of("changed").status(&["coffee-club", "-o", "json"]).ended(1).json();
    assert_eq!((json["generation"].as_i64(), json["observedGeneration"].as_i64()), (Some(2), Some(1)));
    assert_eq!((json["ready"].as_bool(), json["conditions"][5]["status"].as_str()), (Some(false), Some("True")));
}

#[test]
fn the_options_of_a_cluster_are_handed_on() {
    let fake = Fake::of("ready");
    fake.status(&["coffee-club", "-n", "shops", "--context", "test", "--kubeconfig", "a.conf"]).ended(0);
    let asked = std::fs::read_to_string(fake.path("asked")).unwrap();
    assert_eq!(asked.lines().count(), 3, "{asked}");
    for line in asked.lines() {
        assert!(line.contains("--namespace shops --context test --kubeconfig a.conf"), "{line}");
    }
    let selector = "--selector=app.kubernetes.io/managed-by=loyalty-operator,app.kubernetes.io/instance=coffee-club";
    assert!(asked.contains(selector), "{asked}");
    assert!(asked.contains("--field-selector=involvedObject.kind=LoyaltyPipeline,involvedObject.name=coffee-club"));
}

/// The first words are kubectl 1.37's own.
#[test]
fn what_kubectl_cannot_is_told_with_what_to_do() {
    let log = "E1125 20:11:18.168070    2850 memcache.go:381] \"Couldn't get current server API group list\"\n";
    for (words, want) in [
        (
            "Error from server (NotFound): loyaltypipelines.loyalty.dev \"coffee-club\" not found",
            "could not find pipeline `coffee-club` in namespace `shops`; name the namespace with `-n`",
        ),
        ("Error from server (NotFound): namespaces \"shops\" not found", "could not find namespace `shops`; "),
        (
            "error: the server doesn't have a resource type \"loyaltypipelines\" in group \"loyalty.dev\"",
            "could not ask for pipelines: the cluster does not know them; install the chart",
        ),
        (
            "Error from server (Forbidden): loyaltypipelines.loyalty.dev \"coffee-club\" is forbidden: User \"anna\" cannot get",
            "could not look into namespace `shops`: your login may not; ask its administrator for the role `view`",
        ),
        (
            "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
            "could not log in to the cluster; log in again",
        ),
        (
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            "could not reach the cluster; see that it runs",
        ),
        (
            "Error in configuration: context was not found for specified context: foo",
            "could not use the kubeconfig; see `kubectl config get-contexts`",
        ),
        ("error: the moon is full", "could not ask the cluster: kubectl says: error: the moon is full"),
    ] {
        let fake = Fake::new().saying(&format!("{log}{log}{words}\n"));
        let said = fake.status(&["coffee-club", "-n", "shops"]).ended(2);
        assert!(said.err.starts_with(&format!("error: {want}")), "{}", said.err);
        assert!(said.err.ends_with(&format!("kubectl says: {words}\n")), "{}", said.err);
        assert_eq!(said.out, "");
    }
}

#[test]
fn no_kubectl_and_what_is_none_are_told() {
    let fake = Fake::new();
    let said = run(fake.command(&["coffee-club"]).env("KUBECTL", "no-such-kubectl")).ended(2);
    assert_eq!(
        said.err,
        "error: could not find `no-such-kubectl`; install kubectl and put it on the PATH, or name it with KUBECTL\n"
    );
    let said = run(fake.command(&["coffee-club"]).env("KUBECTL", "echo")).ended(2);
    assert!(said.err.starts_with("error: could not read what `echo` answered; see that it is kubectl"), "{}", said.err);
    let said = run(fake.command(&["coffee-club"]).env("KUBECTL", fake.path("asked-nobody/kubectl"))).ended(2);
    assert!(said.err.starts_with("error: could not find `"), "{}", said.err);
    let said = fake.status(&["Coffee Club"]).ended(2);
    assert!(said.err.starts_with("error: could not use `Coffee Club` as a pipeline: "), "{}", said.err);
}

#[test]
fn the_path_leads_to_kubectl_where_nothing_names_it() {
    let fake = Fake::of("ready");
    let path = format!("{}:/usr/bin:/bin", fake.0.path().display());
    run(fake.command(&["coffee-club"]).env_remove("KUBECTL").env("PATH", path)).ended(0);
}

#[test]
fn who_may_see_only_the_resource_sees_it_and_what_is_missing() {
    let fake = Fake::of("ready");
    let forbidden = "Error from server (Forbidden): events is forbidden: User \"anna\" cannot list resource \"events\"";
    std::fs::write(fake.path("events.err"), forbidden).unwrap();
    std::fs::write(fake.path("deployments.err"), forbidden.replace("events", "deployments.apps")).unwrap();
    let said = fake.status(&["coffee-club"]).ended(0);
    assert!(said.out.contains("workers   7 run; autoscaling from 0 to 20\n"), "{}", said.out);
    assert!(
        said.out.contains("events are not shown: could not look into the namespace of your context"),
        "{}",
        said.out
    );
}

#[test]
fn a_newer_operators_words_are_shown_as_they_are() {
    let fake = Fake::of("ready");
    let text = std::fs::read_to_string(fake.path("pipeline.json")).unwrap();
    let newer = text.replace("\"OnTarget\"", "\"Turbo\"").replace("\"WorkersReady\"", "\"RobotsReady\"");
    std::fs::write(fake.path("pipeline.json"), newer).unwrap();
    let said = fake.status(&["coffee-club"]).ended(0);
    assert!(said.out.contains("RobotsReady") && said.out.contains("Turbo"), "{}", said.out);
}

#[test]
fn text_of_a_cluster_cannot_paint_the_terminal() {
    let fake = Fake::of("conflict");
    let text = std::fs::read_to_string(fake.path("pipeline.json")).unwrap();
    std::fs::write(fake.path("pipeline.json"), text.replace("owner is", "\\u001b[31mowner is")).unwrap();
    let said = fake.status(&["coffee-club"]).ended(1);
    assert!(said.out.contains("·[31mowner") && !said.out.contains('\x1b'), "{}", said.out);
}

#[test]
fn a_watch_looks_again_until_it_is_interrupted_and_ends_like_its_last_look() {
    let fake = Fake::of("ready");
    let said = fake.status(&["coffee-club", "--watch"]).ended(2);
    assert!(said.err.starts_with("error: could not redraw what is no terminal; leave out `--watch`"), "{}", said.err);

    let watch = Running::start(&mut fake.command(&["coffee-club", "--watch", "-o", "json"]), fake.0.path());
    watch.until_said("\"ready\":true");
    std::fs::write(fake.path("pipeline.err"), "Unable to connect to the server: EOF").unwrap();
    watch.until_said("error: could not reach the cluster");
    std::fs::remove_file(fake.path("pipeline.err")).unwrap();
    let other = Fake::of("conflict");
    std::fs::copy(other.path("pipeline.json"), fake.path("pipeline.json")).unwrap();
    watch.until_said("\"ready\":false");
    watch.signal("INT");
    let (code, said) = watch.ended();
    assert_eq!(code, Some(1), "{said}");
}
