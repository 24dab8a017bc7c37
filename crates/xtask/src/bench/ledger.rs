//! `cargo xtask bench ledger`: the ledger without a broker, beside SQL by hand, and beside itself where size and doubles shall not matter.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::figure::{Comparison, Figure, Goal, Spread, rounds};
use super::ledgers::{BATCH_LEN, HAND, STORES, Store, like, timed};
use super::program::Program;
use super::report::Report;
use super::stage::{self, Stage};
use super::{BenchError, Format, Options};
use crate::progress::step;

/// What a duplicate may cost of a first apply.
const DUPLICATE_GOAL: Goal = Goal::Cost(0.15);
/// What a redemption may cost more with many lots, when it takes few of them.
const LOTS_GOAL: Goal = Goal::Cost(1.2);
/// What an event may cost more among many members.
const CROWD_GOAL: Goal = Goal::Cost(1.3);

/// Members of the comparison of lots; each batch has one event of each of ten.
const SPENDERS: usize = 50;
const SPENDERS_AT_ONCE: &str = "10";
const FEW_LOTS: usize = 10;
const SPENT: usize = 20;

/// Blocks that are written for the probe, one after another.
const PROBES: usize = 200;
const BLOCK: [u8; 8192] = [0x5a; 8192];

/// How large the large ones are.
struct Large {
    lots: usize,
    members: usize,
    few_members: usize,
}

/// What stands under the table.
struct Notes {
    /// Bytes of tables and indexes of an event, by store.
    bytes: Vec<(&'static str, f64)>,
    /// What it takes to have one block on the disk, in microseconds.
    fsync: Spread,
}

pub(super) fn run(options: &Options) -> Result<(), BenchError> {
    let size = options.size();
    if !options.no_build {
        stage::build(options.debug)?;
    }
    let stage = Stage::make(options.debug, size)?;
    let large = if options.quick {
        Large { lots: 500, members: 100_000, few_members: 1_000 }
    } else {
        Large { lots: 10_000, members: 10_000_000, few_members: 10_000 }
    };
    let mut comparisons = Vec::new();
    let mut bytes = Vec::new();
    for store in STORES {
        let (compared, of_event) = against_hand_and_duplicates(&stage, store)?;
        comparisons.extend(compared);
        bytes.push((store.as_str(), of_event));
        comparisons.push(lots(&stage, store, &large)?);
        comparisons.push(crowds(&stage, store, &large)?);
    }
    let notes = Notes { bytes, fsync: fsync(stage.folder.path())? };
    let report = Report { size, comparisons };
    match options.output {
        Format::Table => print!("{}{}", report.table(), notes.text()),
        Format::Json => println!("{:#}", notes.added_to(report.json())),
    }
    match report.not_made() {
        0 => Ok(()),
        count => Err(BenchError::NotMade { count }),
    }
}

/// The engine against the same rows by hand, and events that it knows against those that it does not; and bytes of an event.
fn against_hand_and_duplicates(stage: &Stage, store: Store) -> Result<([Comparison; 2], f64), BenchError> {
    let name = store.as_str();
    let mut of_event = f64::NAN;
    let rounds = rounds(name, stage.size, |messages| {
        let like = like(stage, messages)?;
        let url = store.named(stage, "loyalty_bench")?;
        let hand = timed(stage, "hand_written", &["replay", &like, &url])?;
        let url = store.named(stage, "loyalty_bench")?;
        let events = stage.events(messages);
        let before = bytes(stage, &url)?;
        let engine = timed(stage, "apply_only", &["apply", &url, &events.to_string_lossy(), BATCH_LEN])?;
        of_event = (bytes(stage, &url)? - before) / super::queues::count(messages);
        let again = timed(stage, "apply_only", &["again", &url, &events.to_string_lossy(), BATCH_LEN])?;
        Ok([engine, hand, again])
    })?;
    let pairs = |sides: [usize; 2]| {
        let pair = |round: &[Figure; 3]| sides.map(|side| round[side]);
        rounds.clone().map(|all| all.iter().map(pair).collect())
    };
    let comparisons = [
        Comparison {
            what: format!("{name}: engine / {HAND}"),
            names: ["engine", HAND],
            goal: Some(store.goal()),
            rounds: pairs([0, 1]),
        },
        Comparison {
            what: format!("{name}: duplicate / first apply"),
            names: ["duplicate", "first apply"],
            goal: Some(DUPLICATE_GOAL),
            rounds: pairs([2, 0]),
        },
    ];
    Ok((comparisons, of_event))
}

/// Redemptions of members with many lots against those of members with few; each takes one or two.
fn lots(stage: &Stage, store: Store, large: &Large) -> Result<Comparison, BenchError> {
    let name = store.as_str();
    let prepared = |schema: &str, lots: usize| {
        let url = store.named(stage, schema)?;
        let spent = SPENT * (stage.size.messages * stage.size.rounds + stage.size.warm_up) / SPENDERS;
        let amount = spent.div_ceil(FEW_LOTS / 2);
        let purchases = (0..SPENDERS * lots).map(|n| purchase(&format!("lot-{n}"), n % SPENDERS, amount));
        let file = written(stage, "lots", purchases)?;
        step(&format!("{name}: {lots} lots of each member"), || {
            stage.example("apply_only", &["apply", &url, &file, BATCH_LEN])
        })?;
        Ok::<_, BenchError>(url)
    };
    let urls = [prepared("loyalty_bench_many", large.lots)?, prepared("loyalty_bench_few", FEW_LOTS)?];
    let mut round = 0;
    let rounds = rounds(&format!("{name}, lots"), stage.size, |messages| {
        round += 1;
        let spent = (0..messages / 5).map(|n| redeem(&format!("spent-{round}-{n}"), n % SPENDERS));
        let file = written(stage, "spent", spent)?;
        let apply = |url: &str| timed(stage, "apply_only", &["apply", url, &file, SPENDERS_AT_ONCE]);
        Ok([apply(&urls[0])?, apply(&urls[1])?])
    })?;
    Ok(Comparison {
        what: format!("{name}: {} lots / {FEW_LOTS}", large.lots),
        names: ["many lots", "few lots"],
        goal: Some(LOTS_GOAL),
        rounds,
    })
}

/// Purchases of a crowd's members against those of few.
fn crowds(stage: &Stage, store: Store, large: &Large) -> Result<Comparison, BenchError> {
    let name = store.as_str();
    let crowd = |schema: &str, members: usize| {
        let url = store.named(stage, schema)?;
        step(&format!("{name}: {members} members"), || {
            stage.example("hand_written", &["crowd", &url, &members.to_string()])
        })?;
        Ok::<_, BenchError>(url)
    };
    let sizes = [large.members, large.few_members];
    let urls = [crowd("loyalty_bench_many", sizes[0])?, crowd("loyalty_bench_few", sizes[1])?];
    let mut done = 0;
    let rounds = rounds(&format!("{name}, members"), stage.size, |messages| {
        let messages = messages / 5;
        let mut figures = Vec::with_capacity(2);
        for (url, members) in urls.iter().zip(sizes) {
            // Far from each other, as those who buy are.
            let who = |n: usize| (n * 7_919) % members;
            let purchases = (done..done + messages).map(|n| purchase(&format!("crowd-{n}"), who(n), 10));
            let file = written(stage, "crowd", purchases)?;
            figures.push(timed(stage, "apply_only", &["apply", url, &file, BATCH_LEN])?);
        }
        done += messages;
        Ok([figures[0], figures[1]])
    })?;
    Ok(Comparison {
        what: format!("{name}: {} members / {}", told(sizes[0]), told(sizes[1])),
        names: ["many members", "few members"],
        goal: Some(CROWD_GOAL),
        rounds,
    })
}

fn told(members: usize) -> String {
    if members >= 1_000_000 { format!("{} million", members / 1_000_000) } else { members.to_string() }
}

fn purchase(id: &str, member: usize, amount: usize) -> String {
    let lines = json!([{ "sku": "cd", "quantity": 1, "amount": format!("{amount}.00") }]);
    let time = "1997-01-01T12:00:00Z";
    json!({ "id": id, "type": "purchase", "occurredAt": time, "member": format!("m-{member}"), "order": id, "lines": lines })
        .to_string()
}

fn redeem(id: &str, member: usize) -> String {
    let time = "1997-01-02T12:00:00Z";
    json!({ "id": id, "type": "redeem", "occurredAt": time, "member": format!("m-{member}"), "points": SPENT.to_string() })
        .to_string()
}

fn written(stage: &Stage, name: &str, lines: impl Iterator<Item = String>) -> Result<String, BenchError> {
    let path = stage.folder.path().join(format!("{name}.jsonl"));
    let mut text = String::new();
    lines.for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    fs::write(&path, text).map_err(BenchError::file(&path))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Bytes of all tables and indexes of a ledger.
fn bytes(stage: &Stage, url: &str) -> Result<f64, BenchError> {
    let mut command = stage.program("examples/hand_written");
    let program = Program::start("hand_written", command.args(["size", url]), stage.folder.path())?;
    let line = program.line()?;
    let bytes = line.parse().map_err(|_| program.failure(&format!("it said `{line}`")))?;
    program.finish()?;
    Ok(bytes)
}

/// What the disk under the parts takes for one block that has to be on it.
fn fsync(folder: &Path) -> Result<Spread, BenchError> {
    let path = folder.join("probe");
    let mut file = File::create(&path).map_err(BenchError::file(&path))?;
    let mut micros = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let begun = Instant::now();
        file.write_all(&BLOCK).and_then(|()| file.sync_data()).map_err(BenchError::file(&path))?;
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Spread::of(micros).unwrap_or(Spread { median: f64::NAN, min: f64::NAN, max: f64::NAN }))
}

impl Notes {
    fn text(&self) -> String {
        let of_stores: Vec<String> = self.bytes.iter().map(|(store, bytes)| format!("{store} {bytes:.0}")).collect();
        let Spread { median, min, max } = self.fsync;
        format!(
            "bytes of an event with its indexes: {}\none block of {} bytes on the disk: {median:.0} us ({min:.0}-{max:.0}, {PROBES} times)\n",
            of_stores.join(", "),
            BLOCK.len()
        )
    }

    fn added_to(&self, mut report: Value) -> Value {
        report["bytesPerEvent"] = self.bytes.iter().map(|(store, bytes)| ((*store).to_owned(), json!(bytes))).collect();
        let Spread { median, min, max } = self.fsync;
        report["fsyncMicros"] = json!({ "median": median, "min": min, "max": max, "blockBytes": BLOCK.len() });
        report
    }
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::*;

    #[test]
    fn the_notes_fit_a_terminal_and_say_the_same_in_both_forms() {
        let fsync = Spread { median: 120.4, min: 80.0, max: 4000.0 };
        let notes = Notes { bytes: vec![("SQLite", 700.2), ("PostgreSQL", 1400.0)], fsync };
        let text = notes.text();
        assert!(text.contains("SQLite 700, PostgreSQL 1400") && text.contains("120 us (80-4000"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let json = notes.added_to(json!({ "rounds": 1 }));
        assert_eq!(json["bytesPerEvent"]["PostgreSQL"], 1400.0);
        assert_eq!((&json["fsyncMicros"]["median"], &json["rounds"]), (&json!(120.4), &json!(1)));
    }

    #[test]
    fn a_cost_is_reached_from_below_and_a_rate_from_above() {
        let figure = |rate| Figure { rate, cpu: [None; 3], peak: [None; 3] };
        let comparison = |goal| Comparison {
            what: "PostgreSQL: duplicate / first apply".into(),
            names: ["duplicate", "first apply"],
            goal: Some(goal),
            rounds: Ok(vec![[figure(1000.0), figure(100.0)]]),
        };
        let reached = |goal| comparison(goal).ratio().map(|ratio| goal.is_reached(ratio.median));
        assert_eq!(reached(Goal::Cost(0.15)), Some(true));
        assert_eq!(reached(Goal::Cost(0.05)), Some(false));
        assert_eq!(reached(Goal::Rate(9.0)), Some(true));
        assert_eq!(reached(Goal::Rate(11.0)), Some(false));
        let size = Size { messages: 1000, warm_up: 1000, rounds: 1 };
        let table = Report { size, comparisons: vec![comparison(Goal::Cost(0.05))] }.table();
        assert!(table.contains("10.0 %, and the goal is <= 5 %") && table.contains("missed"), "{table}");
    }
}
