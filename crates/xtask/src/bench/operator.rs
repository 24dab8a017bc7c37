//! `cargo xtask bench operator`: how soon a burst moves the number of workers, and what a thousand pipelines cost. The measuring
//! itself is an example of the operator's crate, which knows the cluster; here are the parts and the table.

use std::env;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{BenchError, Format, Options};
use crate::parts::{Parts, RunFolder, Wanted, live};
use crate::progress::step;
use crate::repository;

/// What is asked for with and without `--quick`: bursts, pipelines, seconds at rest.
const FULL: [&str; 3] = ["50", "1000", "600"];
const QUICK: [&str; 3] = ["5", "50", "10"];

/// A mean wait that nobody minds, in seconds.
const MEAN_GOAL_S: f64 = 1.5;
/// As near to the raw loop as a careful one can be.
const RATIO_GOAL: f64 = 1.3;

pub(super) fn run(options: &Options) -> Result<(), BenchError> {
    live::end_on_signals()?;
    let folder = RunFolder::make(&env::temp_dir())?;
    let parts = Parts::make_sure(Wanted::All)?;
    let [bursts, resources, rest] = if options.quick { QUICK } else { FULL };
    let mut command = repository::cargo();
    command.args(["run", "--quiet", "--package", "loyalty-operator", "--example", "measure"]);
    if !options.debug {
        command.arg("--release");
    }
    command.args(["--", "--bursts", bursts, "--resources", resources, "--rest", rest]);
    command.current_dir(repository::root()).envs(parts.variables()).envs([folder.mark()]);
    let figures = step("bench: the operator", || ask(&mut command))?;
    match options.output {
        Format::Table => print!("{}", table(&figures)),
        Format::Json => println!("{figures:#}"),
    }
    Ok(())
}

fn ask(command: &mut Command) -> Result<Value, BenchError> {
    let program = "the operator's example `measure`".to_owned();
    let fail = |why: String, tail: String| BenchError::Program { program: program.clone(), why, tail };
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| fail(error.to_string(), String::new()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| fail(format!("it ended with {}", output.status), said))
}

fn table(figures: &Value) -> String {
    let seconds = |value: &Value| value.as_f64().map_or_else(|| "?".to_owned(), |seconds| format!("{seconds:.2} s"));
    let reached = |value: &Value, goal: f64| match value.as_f64() {
        Some(value) if value <= goal => "reached",
        _ => "missed",
    };
    let many = &figures["many"];
    let mut rows = Vec::new();
    for (name, bursts) in [("from zero", &figures["fromZero"]), ("from one", &figures["fromOne"])] {
        let what = format!("burst {name}: replicas patched after, mean of {}", bursts["count"]);
        rows.push((what, seconds(&bursts["meanS"]), format!("<= 1.5 s: {}", reached(&bursts["meanS"], MEAN_GOAL_S))));
        rows.push((format!("burst {name}: worst"), seconds(&bursts["worstS"]), String::new()));
    }
    let ratio = many["ratio"].as_f64().unwrap_or(f64::NAN);
    rows.extend([
        (
            format!("{} pipelines, broker and cluster, by a raw loop", many["resources"]),
            seconds(&many["rawS"]),
            String::new(),
        ),
        ("the same by the operator".to_owned(), seconds(&many["operatorS"]), String::new()),
        ("ratio".to_owned(), format!("{ratio:.2}"), format!("<= 1.3: {}", reached(&many["ratio"], RATIO_GOAL))),
        ("memory of the operator".to_owned(), format!("{} MiB", many["memoryMib"]), String::new()),
        (format!("writes in {} s at rest", many["restS"]), many["writesAtRest"].to_string(), "0".to_owned()),
    ]);
    let width = rows.iter().map(|(what, ..)| what.chars().count()).max().unwrap_or(0);
    rows.iter()
        .map(|(what, figure, goal)| format!("{what:<width$}  {figure:>9}  {goal}").trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn the_table_says_which_goals_were_reached() {
        let bursts = |mean: f64| json!({ "count": 50, "meanS": mean, "worstS": 2.5 });
        let many = json!({
            "resources": 1000, "rawS": 40.0, "operatorS": 60.0, "ratio": 1.5, "memoryMib": 90, "restS": 60, "writesAtRest": 0,
        });
        let table = table(&json!({ "fromZero": bursts(0.4), "fromOne": bursts(1.6), "many": many }));
        assert_eq!(table.matches("reached").count(), 1, "{table}");
        assert_eq!(table.matches("missed").count(), 2, "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    }
}
