//! A file of tests, with the pipeline that it names: read, and everything checked that needs no event.

use std::collections::BTreeMap;
use std::path::Path;

use api::{Balance, Case, Expect, ParseError, Results, Suite};
use contract::pipeline::{Clock, Format};
use contract::result::ResultBody;
use contract::{BuryReason, MemberId};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use rules::did_you_mean;
use serde_json::{Map, Value};

use super::super::when;
use crate::edge::Halt;
use crate::problem::Problem;
use crate::target::{FilesError, Loaded, Pipeline, place};

/// A file of tests that can be run.
#[derive(Debug)]
pub(super) struct Tests {
    pub(super) file: String,
    pub(super) pipeline: Pipeline,
    pub(super) cases: Vec<Ready>,
}

/// A case that can be run.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) member: Option<MemberId>,
    /// Bodies as a producer would have sent them.
    pub(super) given: Vec<Vec<u8>>,
    pub(super) until: Option<Timestamp>,
    pub(super) expect: Expect,
}

/// When the events of a case happen that do not say it.
#[derive(Debug, Clone, Copy)]
enum At {
    Named(Timestamp),
    /// Told already.
    Wrong,
    Missing,
}

/// Looks at one file.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pipeline: &'a Pipeline,
    zone: TimeZone,
    problems: Vec<Problem>,
}

impl Tests {
    /// Reads a file; what is wrong in it, or in the pipeline that it names, is `Err` inside.
    pub(super) fn read(path: &Path) -> Result<Result<Self, Vec<Problem>>, Halt> {
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| FilesError::Unreadable { file: file.clone(), source })?;
        let suite = match api::parse_suite(&text) {
            Ok(suite) => suite,
            Err(error) => return Ok(Err(vec![unreadable(&file, &text, error)])),
        };
        let of = path.parent().unwrap_or(Path::new("")).join(&suite.pipeline);
        let mut pipeline = match Loaded::read(&[of]).map_err(Halt::from).and_then(|loaded| loaded.one(None)) {
            Ok(pipeline) => pipeline,
            Err(Halt::Refused(problems)) => return Ok(Err(problems)),
            Err(halt) => return Err(halt),
        };
        // Cases are about days that they name, and write events in the one form.
        pipeline.spec.events.clock = Clock::Event;
        pipeline.spec.events.format = Format::Json;
        let zone = TimeZoneDatabase::bundled().get(&pipeline.spec.program.time_zone)?;
        let mut reader = Reader { file: &file, text: &text, pipeline: &pipeline, zone, problems: Vec::new() };
        let cases = reader.cases(&suite);
        let problems = reader.problems;
        Ok(if problems.is_empty() { Ok(Self { file, pipeline, cases }) } else { Err(problems) })
    }
}

/// The reader's words, with the name that was meant where one is near.
fn unreadable(file: &str, text: &str, error: ParseError) -> Problem {
    let file = file.to_owned();
    let ParseError::Unreadable { place: found, path, problem, .. } = error else {
        return Problem { file, line: None, column: None, path: String::new(), what: error.to_string() };
    };
    let (line, column) = found.or_else(|| place(text, 0, &path).map(|place| (place.line, place.column))).unzip();
    Problem { file, line, column, path, what: format!("{problem}{}", meant(&problem)) }
}

/// Of an unknown field the reader says what was written, and then what there is, each in backticks.
fn meant(problem: &str) -> String {
    let mut quoted = problem.split('`').skip(1).step_by(2);
    match quoted.next().filter(|_| problem.starts_with("unknown field")) {
        Some(given) => did_you_mean(given, quoted),
        None => String::new(),
    }
}

impl Reader<'_> {
    fn wrong(&mut self, path: &str, what: impl Into<String>) {
        let (line, column) = place(self.text, 0, path).map(|place| (place.line, place.column)).unzip();
        let (file, path) = (self.file.to_owned(), path.to_owned());
        let problem = Problem { file, line, column, path, what: what.into() };
        // What is wrong at the top of a file is so in each case.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn cases(&mut self, suite: &Suite) -> Vec<Ready> {
        if suite.cases.is_empty() {
            self.wrong("cases", "is empty; write at least one");
        }
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut ready = Vec::new();
        for (index, case) in suite.cases.iter().enumerate() {
            let path = format!("cases[{index}]");
            if let Some(first) = names.insert(&case.name, index) {
                let what = format!("`{}` is also the name of cases[{first}]; give each its own", case.name);
                self.wrong(&format!("{path}.name"), what);
            }
            ready.push(self.case((&path, case), suite));
        }
        ready
    }

    fn case(&mut self, (path, case): (&str, &Case), suite: &Suite) -> Ready {
        if case.given.is_empty() {
            self.wrong(&format!("{path}.given"), "is empty; write at least one event");
        }
        let member = case.member.as_ref().or(suite.member.as_ref());
        let at = match (&case.at, &suite.at) {
            (Some(own), _) => self.time(&format!("{path}.at"), own).map_or(At::Wrong, At::Named),
            (None, Some(of_file)) => self.time("at", of_file).map_or(At::Wrong, At::Named),
            (None, None) => At::Missing,
        };
        let mut given = Vec::with_capacity(case.given.len());
        for (n, event) in case.given.iter().enumerate() {
            let mut event = self.timed((&format!("{path}.given[{n}]"), event), at);
            if let Some(member) = member {
                event.entry("member").or_insert_with(|| member.clone().into());
            }
            event.entry("id").or_insert_with(|| (n + 1).to_string().into());
            given.push(Value::Object(event).to_string().into_bytes());
        }
        let until = case.until.as_deref().and_then(|until| self.time(&format!("{path}.until"), until));
        self.expect((&format!("{path}.expect"), &case.expect), member.is_some());
        let member = member.and_then(|name| {
            let parsed = MemberId::parse(name);
            parsed.map_err(|wrong| self.wrong(&format!("{path}.member"), format!("`{name}` {wrong}"))).ok()
        });
        Ready { name: case.name.clone(), member, given, until, expect: case.expect.clone() }
    }

    /// The event with the time at which it happens.
    fn timed(&mut self, (path, event): (&str, &Map<String, Value>), at: At) -> Map<String, Value> {
        let mut event = event.clone();
        let own = event.remove("at");
        let place = format!("{path}.at");
        let time = match (own, event.contains_key("occurredAt")) {
            (Some(_), true) => {
                self.wrong(&place, "stands beside `occurredAt`; leave one of the two out");
                None
            }
            (Some(Value::String(own)), false) => self.time(&place, &own),
            (Some(_), false) => {
                self.wrong(&place, "is no text; write a day such as 2026-12-31, or a time with an offset");
                None
            }
            (None, true) => None,
            (None, false) => match at {
                At::Named(time) => Some(time),
                At::Wrong => None,
                At::Missing => {
                    self.wrong(path, "says no time; give it `at`, or write `at` in the case or at the top of the file");
                    None
                }
            },
        };
        if let Some(time) = time {
            event.insert("occurredAt".to_owned(), time.to_string().into());
        }
        event
    }

    fn time(&mut self, path: &str, text: &str) -> Option<Timestamp> {
        let found = when::first("at", text, &self.zone);
        if found.is_err() {
            let what = format!("is `{text}`; write a day such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z");
            self.wrong(path, what);
        }
        found.ok()
    }

    fn expect(&mut self, (path, expect): (&str, &Expect), has_member: bool) {
        let Expect { points, tier, members, results, buried } = expect;
        let is_of_one = !points.is_empty() || tier.is_some();
        if !is_of_one && members.is_empty() && results.is_empty() && buried.is_none() {
            self.wrong(path, "expects nothing; give it `points`, `tier`, `members`, `results` or `buried`");
        }
        if is_of_one && !has_member {
            self.wrong(path, "says nothing of whom it means; write `member` in the case or at the top of the file, or expect it under `members`");
        }
        self.holds(path, (points, tier.as_deref()));
        for (name, has) in members {
            let path = format!("{path}.members.{name}");
            if let Err(wrong) = MemberId::parse(name) {
                self.wrong(&path, format!("`{name}` {wrong}"));
            }
            if has.points.is_empty() && has.tier.is_none() {
                self.wrong(&path, "expects nothing; give it `points` or `tier`");
            }
            self.holds(&path, (&has.points, has.tier.as_deref()));
        }
        self.results(&format!("{path}.results"), results);
        let known = |reason: &str| BuryReason::ALL.iter().any(|known| known.as_str() == reason);
        for (n, reason) in buried.iter().flatten().enumerate().filter(|(_, reason)| !known(reason)) {
            let near = did_you_mean(reason, BuryReason::ALL.iter().map(|known| known.as_str()));
            let what = format!("`{reason}` is no reason for which an event is buried{near}");
            self.wrong(&format!("{path}.buried[{n}]"), what);
        }
    }

    fn results(&mut self, path: &str, results: &BTreeMap<String, Results>) {
        for (name, each) in results {
            if !ResultBody::TYPES.contains(&name.as_str()) {
                let near = did_you_mean(name, ResultBody::TYPES);
                self.wrong(path, format!("`{name}` is no type of results{near}; the README lists them"));
            }
            if matches!(each, Results::Each(list) if list.iter().any(Map::is_empty)) {
                let what =
                    format!("a result of `{name}` names no field; write how many there are, such as `{name}: 1`");
                self.wrong(path, what);
            }
        }
    }

    /// Whether wallets and tier are the programme's.
    fn holds(&mut self, path: &str, (points, tier): (&BTreeMap<String, Balance>, Option<&str>)) {
        let program = &self.pipeline.spec.program;
        let wallets: Vec<String> = program.wallets.iter().map(|wallet| wallet.name.to_string()).collect();
        let levels: Option<Vec<String>> =
            program.tiers.as_ref().map(|tiers| tiers.levels.iter().map(|level| level.name.to_string()).collect());
        for (name, balance) in points {
            let path = format!("{path}.points.{name}");
            if !wallets.contains(name) {
                self.wrong(&path, format!("the programme has no wallet `{name}`{}", or_one_of(name, &wallets)));
            } else if balance.states.is_empty() {
                self.wrong(&path, "expects nothing; give a number, or `available`, `pending`, `held` or `debt`");
            }
        }
        let Some(tier) = tier else { return };
        let path = format!("{path}.tier");
        match levels {
            None => self.wrong(&path, "is expected, and the programme has no tiers"),
            Some(levels) if !levels.iter().any(|level| level == tier) => {
                self.wrong(&path, format!("`{tier}` is no level of the programme{}", or_one_of(tier, &levels)));
            }
            Some(_) => {}
        }
    }
}

/// The name that was meant, or those that there are.
fn or_one_of(given: &str, known: &[String]) -> String {
    match did_you_mean(given, known.iter().map(String::as_str)) {
        near if near.is_empty() => format!("; it has `{}`", known.join("`, `")),
        near => near,
    }
}
