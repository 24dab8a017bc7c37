//! `validate`: everything that can be checked without a broker.

use std::path::PathBuf;

use crate::edge::{Halt, Verdict};
use crate::problem;
use crate::screen::Screen;
use crate::target::Loaded;

/// Check files: every field, every rule, every condition; every problem is told with its place
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 nothing is wrong, 1 something is, 2 a file cannot be read.

Examples:
  loyaltyctl validate -f pipeline.yaml
  loyaltyctl validate -f *.yaml -o json
  helm template . | loyaltyctl validate -f -")]
pub(crate) struct Args {
    /// Files with pipelines and Secrets; `-` is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true, num_args = 1..)]
    file: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let loaded = Loaded::read(&args.file)?;
    let names: Vec<&str> = loaded.pipelines().collect();
    if screen.is_json() {
        screen.json(&serde_json::json!({ "pipelines": names, "problems": loaded.problems }))?;
    } else if screen.is_csv() {
        screen.csv(&problem::rows(&loaded.problems))?;
    } else if !loaded.problems.is_empty() {
        screen.show(&problem::table(&loaded.problems, screen))?;
    } else if names.is_empty() {
        screen.show("no pipeline in these files\n")?;
    } else {
        let lines = names.iter().map(|name| format!("pipeline {name}: {}\n", screen.style.green("valid")));
        screen.show(&lines.collect::<String>())?;
    }
    // A file without a pipeline, in a script, is a mistyped name and not a success.
    Ok(Verdict::found(!loaded.problems.is_empty() || names.is_empty()))
}
