//! Conditions: CEL over `event` (and `member.tier`, where there are tiers), checked when a rule set is compiled, evaluated when an event is decided.
//!
//! What passes the check is bounded in size and depth, names only fields that there are, compares only what
//! can be compared and answers true or false. What can still fail is what only an event can tell: a field
//! of `event.data` that is missing or of another type, an index beyond a list, an overflow.

mod call;
mod check;
mod failure;
mod fault;
mod guard;
mod sample;
mod schema;
mod scope;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use cel::{Program, Value};
use contract::program::Rule;
use contract::ruleset::Ruleset;
use jiff::tz::TimeZone;

use self::check::{DataReads, Knows};
pub(crate) use self::fault::Fault;
pub(crate) use self::scope::{Scope, Seen};

use crate::activity;

/// The parser recurses for each level; a debug build takes more than 2 MiB for 40 of them. Reserved, not used.
const STACK_BYTES: usize = 64 << 20;

/// A condition that was checked.
#[derive(Debug)]
pub(crate) struct Condition {
    program: Program,
    reads: DataReads,
}

impl Condition {
    /// Whether the condition is met; `Err` is a sentence about why that cannot be said of this event.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        scope.bounded(self.reads)?;
        match self.program.execute(scope.context()) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("it gives neither true nor false; compare its value with something".to_owned()),
            Err(error) => Err(failure::sentence(&error)),
        }
    }
}

/// Every rule's condition with what is wrong with it, in the order of the rules; `None` for a rule without one.
pub(crate) fn compile_all(ruleset: &Ruleset, zone: &TimeZone) -> Vec<Option<Result<Condition, Vec<Fault>>>> {
    let all = || ruleset.rules.iter().map(|rule| compile_one(rule, (ruleset, zone))).collect();
    if ruleset.rules.iter().all(|rule| rule.when.is_none()) {
        return ruleset.rules.iter().map(|_| None).collect();
    }
    thread::scope(|scope| {
        let big = thread::Builder::new().name("conditions".to_owned()).stack_size(STACK_BYTES);
        let joined = big.spawn_scoped(scope, all).ok().and_then(|thread| thread.join().ok());
        joined.unwrap_or_else(|| ruleset.rules.iter().map(unread).collect())
    })
}

fn unread(rule: &Rule) -> Option<Result<Condition, Vec<Fault>>> {
    let problem = "could not be read for want of a thread with 64 MiB of stack; give the process more memory";
    rule.when.as_ref().map(|_| Err(vec![Fault::whole(problem)]))
}

fn compile_one(rule: &Rule, (ruleset, zone): (&Ruleset, &TimeZone)) -> Option<Result<Condition, Vec<Fault>>> {
    let text = rule.when.as_deref()?;
    let compiled = guard::check(text).and_then(|()| parse(text)).map_err(|fault| vec![fault]);
    Some(compiled.and_then(|program| {
        let tiers: Vec<&str> =
            ruleset.program.tiers.iter().flat_map(|tiers| &tiers.levels).map(|level| level.name.as_str()).collect();
        let declared = activity::of(&rule.on, ruleset);
        let knows = Knows { on: rule.on.as_str(), tiers: &tiers, declared: declared.as_ref() };
        let reads = check::check(&program, text, knows)?;
        let condition = Condition { program, reads };
        match sample::try_out(&condition, (&rule.on, tiers.first().copied()), (ruleset.currency(), zone)) {
            Some(fault) => Err(vec![fault]),
            None => Ok(condition),
        }
    }))
}

/// The first fault only: what a parser says after it has lost the thread helps nobody.
fn parse(text: &str) -> Result<Program, Fault> {
    // A parser of this size may have a bug left; one rule's text must not take the process down.
    let parsed = catch_unwind(AssertUnwindSafe(|| Program::compile(text)));
    match parsed {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(errors)) => Err(Fault::syntax(text, errors.errors.first())),
        Err(_) => Err(Fault::whole("could not be read by the CEL parser; write it in another way")),
    }
}
