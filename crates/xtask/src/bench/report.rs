//! What comes out: a table for people, JSON for programs, and a sentence for each goal that was missed.

use std::fmt::Write as _;
use std::thread::available_parallelism;

use serde_json::{Value, json};

use super::Size;
use super::figure::{Comparison, Figure, Goal, Spread};
use super::meter::EACH;
use super::queues::count;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) size: Size,
    pub(crate) comparisons: Vec<Comparison>,
}

impl Report {
    /// How many comparisons could not be made.
    pub(crate) fn not_made(&self) -> usize {
        self.comparisons.iter().filter(|comparison| comparison.rounds.is_err()).count()
    }

    /// Fits a terminal of 100 columns, but for errors.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:<41} {:>8} {:>8}  {:<22} {:>5}\n",
            "A / B", "A, ev/s", "B, ev/s", "A/B median (min-max)", "goal"
        );
        for comparison in &self.comparisons {
            line(&mut text, comparison);
        }
        let Size { messages, rounds, .. } = self.size;
        let _ =
            writeln!(text, "{rounds} rounds of {messages} messages, A and B in turn; ratios are of the same round\n");
        self.uses(&mut text);
        let missed = self.comparisons.iter().filter_map(missed);
        missed.for_each(|sentence| text.push_str(&sentence));
        text
    }

    fn uses(&self, text: &mut String) {
        let _ = writeln!(text, "{:<41} {:>18} {:>18} {:>18}", "CPU us/event, peak memory", EACH[0], EACH[1], EACH[2]);
        let mut told = Vec::new();
        for comparison in &self.comparisons {
            for side in 0..2 {
                let label = format!("{}: {}", place(comparison), comparison.names[side]);
                if comparison.rounds.is_err() || told.contains(&label) {
                    continue;
                }
                let cell = |n: usize| {
                    let cpu = comparison.median(side, |figure| figure.cpu[n]);
                    let peak = comparison.median(side, |figure| figure.peak[n].map(megabytes));
                    match (cpu, peak) {
                        (Some(cpu), Some(peak)) => format!("{cpu:.1} us {peak:>5.0} MB"),
                        _ => "-".to_owned(),
                    }
                };
                let _ = writeln!(text, "{label:<41} {:>18} {:>18} {:>18}", cell(0), cell(1), cell(2));
                told.push(label);
            }
        }
        text.push('\n');
    }

    /// The same for programs; ratios are fractions, rates events a second, memory kB.
    pub(crate) fn json(&self) -> Value {
        json!({
            "messages": self.size.messages,
            "rounds": self.size.rounds,
            "comparisons": self.comparisons.iter().map(of_comparison).collect::<Vec<_>>(),
        })
    }
}

/// Which queue or ledger.
fn place(comparison: &Comparison) -> &str {
    comparison.what.split(':').next().unwrap_or_default()
}

fn line(text: &mut String, comparison: &Comparison) {
    let what = &comparison.what;
    let rate = |side| comparison.median(side, |figure| Some(figure.rate)).unwrap_or_default();
    let Some(Spread { median, min, max }) = comparison.ratio() else {
        let why = comparison.rounds.as_ref().err().map_or("no rounds", String::as_str);
        let _ = writeln!(text, "{what:<41} not measured: {why}");
        return;
    };
    let ratio = format!("{:>5.1} % ({:.1}-{:.1})", median * 100.0, min * 100.0, max * 100.0);
    let (a, b) = (rate(0), rate(1));
    let goal = match comparison.goal {
        Some(goal) => format!("{} {}", percents(goal), if goal.is_reached(median) { "reached" } else { "missed" }),
        None => "    -".to_owned(),
    };
    let _ = writeln!(text, "{what:<41} {a:>8.0} {b:>8.0}  {ratio:<22} {goal}");
}

/// What was measured while a goal was missed: how long an event takes, who used the processors for it, and what A used more.
fn missed(comparison: &Comparison) -> Option<String> {
    let (goal, ratio) = (comparison.goal?, comparison.ratio()?.median);
    if goal.is_reached(ratio) {
        return None;
    }
    let mut text = format!("{}: {:.1} %, and the goal is {}.", comparison.what, ratio * 100.0, percents(goal).trim());
    let mut sums = [0.0; 2];
    for (side, name) in comparison.names.iter().enumerate() {
        let wall = 1e6 / comparison.median(side, |figure| Some(figure.rate))?;
        let parts: Vec<(&str, f64)> =
            (0..EACH.len()).filter_map(|n| Some((EACH[n], comparison.median(side, |figure| figure.cpu[n])?))).collect();
        sums[side] = parts.iter().map(|(_, cpu)| cpu).sum();
        let parts: Vec<String> = parts.iter().map(|(who, cpu)| format!("{who} {cpu:.1}")).collect();
        let _ = write!(
            text,
            " {name}: {wall:.1} us an event, of processors {:.1} ({}; {:.0} % of all).",
            sums[side],
            parts.join(", "),
            100.0 * sums[side] / (wall * processors())
        );
    }
    let _ = writeln!(text, " A uses {:+.1} us of processors an event more than B.", sums[0] - sums[1]);
    Some(wrapped(&text))
}

fn percents(goal: Goal) -> String {
    let at_most = if matches!(goal, Goal::Cost(_)) { "<=" } else { "" };
    format!("{at_most}{:>3.0} %", goal.value() * 100.0)
}

fn processors() -> f64 {
    count(available_parallelism().map_or(1, usize::from))
}

/// Broken at spaces, before column 100.
fn wrapped(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        if column + word.len() > 98 {
            out.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out + "\n"
}

#[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

fn of_comparison(comparison: &Comparison) -> Value {
    let side = |figure: &Figure| {
        let each = |n: usize| json!({ "cpuMicrosPerEvent": figure.cpu[n], "peakKilobytes": figure.peak[n] });
        json!({ "eventsPerSecond": figure.rate, EACH[0]: each(0), EACH[1]: each(1), EACH[2]: each(2) })
    };
    let ratio = comparison.ratio();
    let rounds = comparison.rounds.as_ref().map_or(&[][..], Vec::as_slice);
    json!({
        "what": comparison.what,
        "a": comparison.names[0],
        "b": comparison.names[1],
        "goal": comparison.goal.map(Goal::value),
        "ratio": ratio.map(|ratio| json!({ "median": ratio.median, "min": ratio.min, "max": ratio.max })),
        "reached": comparison.goal.zip(ratio).map(|(goal, ratio)| goal.is_reached(ratio.median)),
        "problem": comparison.rounds.as_ref().err(),
        "rounds": rounds.iter().map(|[a, b]| json!({ "a": side(a), "b": side(b) })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(rates: &[(f64, f64)], goal: f64) -> Comparison {
        let figure = |rate| Figure { rate, cpu: [Some(10.0), Some(20.0), None], peak: [Some(2048), Some(4096), None] };
        let rounds = rates.iter().map(|(a, b)| [figure(*a), figure(*b)]).collect();
        Comparison {
            what: "Disk: worker / raw".into(),
            names: ["worker", "raw"],
            goal: Some(Goal::Rate(goal)),
            rounds: Ok(rounds),
        }
    }

    fn report(comparisons: Vec<Comparison>) -> Report {
        Report { size: Size { messages: 1000, warm_up: 1000, rounds: 1 }, comparisons }
    }

    #[test]
    fn a_goal_is_reached_by_the_median_of_the_rounds_and_a_missed_one_has_its_sentence() {
        let rates = [(9_800.0, 10_000.0), (500.0, 1_000.0), (1_980.0, 2_000.0)];
        let table = report(vec![comparison(&rates, 0.97)]).table();
        assert!(table.contains("98.0 % (50.0-99.0)") && table.contains("reached"), "{table}");
        let table = report(vec![comparison(&rates, 0.99)]).table();
        assert!(table.contains("missed") && table.contains("98.0 %, and the goal is 99 %"), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    }

    #[test]
    fn a_comparison_that_could_not_be_made_says_why() {
        let lost = Comparison { rounds: Err("it ended".into()), ..comparison(&[], 0.97) };
        let report = report(vec![lost]);
        assert_eq!(report.not_made(), 1);
        assert!(report.table().contains("not measured: it ended"));
        assert_eq!(report.json()["comparisons"][0]["problem"], "it ended");
    }
}
