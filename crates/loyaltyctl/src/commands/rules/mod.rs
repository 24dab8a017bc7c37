//! `rules test`: a programme put to the test by cases that somebody wrote down who need not program.

mod case;
mod compare;
mod file;
mod told;

use std::path::PathBuf;

use crate::edge::{Halt, Verdict};
use crate::screen::{Progress, Screen};
use file::Tests;
use told::Told;

/// Test the rules of a programme
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  loyaltyctl rules test coffee.test.yaml
  loyaltyctl rules test tests/*.test.yaml -o json")]
pub(crate) enum Command {
    Test(TestArgs),
}

/// Run events through a programme and compare what comes out with what was expected
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file names a pipeline and cases. Each case begins with an empty ledger in memory; its events are decided as a worker would, each at its own
time and never too late. What is not named under `expect` may be as it is; an event that would be buried is a difference unless it is
expected.

  pipeline: coffee.yaml
  member: ann
  at: 2026-03-02
  cases:
    - name: gold members get two stars a dollar
      given:
        - { type: purchase, order: o1, amount: \"500.00\" }
        - { type: purchase, order: o2, amount: \"4.00\", at: 2026-03-03 }
      until: 2026-06-01
      expect:
        points: { stars: { available: 1008, pending: 0 } }
        tier: gold
        results: { tier.changed: [{ from: green, to: gold }], points.expired: 0 }

`given` has events as producers send them. `id` is an event's number without one, `member` and `at` may stand in the case or at the top. `until`
posts what is due by then: points that can be spent or that end, reviews of tiers. A day begins in the programme's time zone.

`expect` knows `points` (by wallet: those that can be spent, or `available`, `pending`, `held`, `debt`), `tier`, `members` (the same of others),
`results` (by type: all of them with the fields that matter, or how many) and `buried` (the reasons). docs/rules-test.md has more.

Exit codes: 0 every case passes, 1 some differ, 2 a file is wrong.

Examples:
  loyaltyctl rules test coffee.test.yaml
  loyaltyctl rules test coffee.test.yaml --filter gold
  loyaltyctl rules test tests/*.test.yaml -o json")]
pub(crate) struct TestArgs {
    /// Files of tests
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Only cases whose name contains this, in whatever case of letters
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
}

/// Why nothing could be tested.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("could not find a case whose name contains `{filter}`; there are {names}")]
    NoCase { filter: String, names: String },
}

pub(super) async fn run(command: &Command, screen: &Screen) -> Result<Verdict, Halt> {
    let Command::Test(args) = command;
    // All files first: what is wrong in the last one is told before the first one is run.
    let (mut suites, mut problems) = (Vec::new(), Vec::new());
    for file in &args.files {
        match Tests::read(file)? {
            Ok(tests) => suites.push(tests),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(Halt::Unusable(problems));
    }
    chosen(&mut suites, args.filter.as_deref())?;
    let mut told = Vec::new();
    let mut progress = Progress::on_a_terminal();
    for tests in &suites {
        for case in &tests.cases {
            progress.tell(&format!("{}: {}", tests.file, case.name));
            let outcome = case::run(tests, case, screen).await?;
            told.push(Told { file: tests.file.clone(), case: case.name.clone(), outcome });
        }
    }
    progress.end();
    told::show(&told, screen)?;
    Ok(Verdict::found(told.iter().any(|told| !told.outcome.differences.is_empty())))
}

/// Leaves the cases that are asked for.
fn chosen(suites: &mut [Tests], filter: Option<&str>) -> Result<(), TestError> {
    let Some(filter) = filter else { return Ok(()) };
    let names: Vec<String> =
        suites.iter().flat_map(|tests| &tests.cases).map(|case| format!("`{}`", case.name)).collect();
    let wanted = filter.to_lowercase();
    for tests in suites.iter_mut() {
        tests.cases.retain(|case| case.name.to_lowercase().contains(&wanted));
    }
    if suites.iter().any(|tests| !tests.cases.is_empty()) {
        return Ok(());
    }
    Err(TestError::NoCase { filter: filter.to_owned(), names: names.join(", ") })
}
