//! The sentence for a person.

use std::time::Duration;

use crate::decision::LimitedBy;
use crate::number::nearest;
use crate::saturation::Held;
use crate::settle::SETTLE_FOR;
use crate::signals::{Due, Signals, Target};
use crate::stall::STALL_AFTER;

/// What the sentence is made of.
pub(crate) struct Facts<'a> {
    pub(crate) target: &'a Target,
    pub(crate) signals: &'a Signals,
    pub(crate) replicas: u32,
    /// Workers that are needed, or that would do.
    pub(crate) wanted: u32,
    pub(crate) limited_by: LimitedBy,
    pub(crate) arrival_per_s: Option<f64>,
    pub(crate) per_worker: Option<f64>,
    pub(crate) held: Option<Held>,
    /// The last worker that was there for what is due left it undone.
    pub(crate) gave_up: bool,
}

/// Why this many.
pub(crate) fn reason(facts: &Facts<'_>) -> String {
    let Facts { target, replicas, wanted, .. } = facts;
    match facts.limited_by {
        LimitedBy::Nothing if *replicas == 0 => asleep(facts),
        LimitedBy::Nothing => format!("{} for {}{}", workers(*replicas), work(facts), speed(facts)),
        LimitedBy::Minimum if *wanted == 0 => format!("nothing waits; `min` is {}", target.min),
        LimitedBy::Minimum => format!("{wanted} would do for {}; `min` is {}", work(facts), target.min),
        LimitedBy::Maximum => {
            format!("{} needed for {}{}; `max` is {}", are(*wanted), work(facts), speed(facts), target.max)
        }
        LimitedBy::Stall => format!(
            "held at {replicas}: {} and nothing was acknowledged for {} s or longer by {}; see their logs, and whether the \
             ledger answers",
            waiting(facts),
            STALL_AFTER.as_secs(),
            stalled(facts.signals)
        ),
        LimitedBy::Saturation => saturation(facts),
        LimitedBy::NoSignal => format!("held at {replicas}: {}", unknown(facts.signals)),
        LimitedBy::Settling => {
            format!(
                "{} would do for {}; {replicas} stay until that has held for {} s",
                wanted,
                work(facts),
                SETTLE_FOR.as_secs()
            )
        }
        LimitedBy::Measuring if facts.per_worker.is_some() => format!(
            "{} until it is seen what the last ones bring; {} needed for {}{}",
            workers(*replicas),
            are(*wanted),
            work(facts),
            speed(facts)
        ),
        LimitedBy::Measuring => {
            format!("{} to begin with, for {}: what one does is not measured yet", workers(*replicas), work(facts))
        }
        LimitedBy::Due if facts.signals.due == Due::Unknown => format!(
            "nothing waits; {} to see whether something is due for members without events: an embedded ledger, or one that does not \
             answer, cannot be asked from outside",
            workers(*replicas)
        ),
        LimitedBy::Due => {
            format!("nothing waits; {} to settle what is due for members without events", workers(*replicas))
        }
    }
}

/// Why there is nobody, and when somebody will be.
fn asleep(facts: &Facts<'_>) -> String {
    let nobody = "nothing waits, so no worker is needed";
    let (due, within) = (facts.signals.due, spelled(facts.target.due_within));
    if due == Due::Nothing || facts.target.max == 0 {
        return nobody.to_owned();
    }
    if facts.gave_up {
        let advice = "see its log, and `loyaltyctl audit`";
        return format!(
            "{nobody}; the last one left undone what is due for members: {advice}; the next one comes within {within}"
        );
    }
    if due == Due::Unknown {
        return format!(
            "{nobody}; one is woken every {within} to see whether something is due for members without events"
        );
    }
    format!("{nobody}; something is due for members without events, and one is woken for it within {within}")
}

/// In minutes, where there are some.
fn spelled(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

fn saturation(facts: &Facts<'_>) -> String {
    let Some(held) = facts.held else { return format!("held at {}: more workers brought nothing", facts.replicas) };
    format!(
        "held at {}: {} acknowledged about {} messages a second, no more than {} did, so that something else is at its limit, such as \
         the ledger's database; {} needed for {}",
        facts.replicas,
        workers_about(held.more),
        rounded(held.acked_per_s),
        nearest(held.fewer).max(1),
        are(facts.wanted),
        work(facts)
    )
}

fn workers_about(number: f64) -> String {
    match nearest(number).max(1) {
        1 => "1 worker".to_owned(),
        more => format!("{more} workers"),
    }
}

fn workers(number: u32) -> String {
    if number == 1 { "1 worker".to_owned() } else { format!("{number} workers") }
}

fn stalled(signals: &Signals) -> String {
    match (signals.workers_ready, signals.replicas) {
        (0, 1) => "1 worker, which is not ready any more".to_owned(),
        (0, all) => format!("{all} workers, of which none is ready any more"),
        (1, _) => "1 ready worker".to_owned(),
        (ready, _) => format!("{ready} ready workers"),
    }
}

fn are(number: u32) -> String {
    if number == 1 { "1 worker is".to_owned() } else { format!("{number} workers are") }
}

/// What there is to do.
fn work(facts: &Facts<'_>) -> String {
    let waiting = match (facts.signals.backlog(), facts.signals.backlog_at_least()) {
        (Some(0), _) => None,
        (Some(backlog), _) => Some(format!("a backlog of {}", rounded_count(backlog))),
        (None, least) => Some(format!("a backlog of {} or more", rounded_count(least))),
    };
    let coming = facts.arrival_per_s.filter(|rate| *rate > 0.0).map(per_second);
    match (coming, waiting) {
        (Some(coming), Some(waiting)) => format!("{coming} and {waiting}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "what was just there".to_owned(),
    }
}

fn per_second(rate: f64) -> String {
    match rounded(rate).as_str() {
        "1" => "1 message a second".to_owned(),
        other => format!("{other} messages a second"),
    }
}

fn speed(facts: &Facts<'_>) -> String {
    let Some(per_worker) = facts.per_worker else { return String::new() };
    let within = facts.target.drain_within.as_secs_f64();
    format!(" (a worker does {} a second; target {} s)", rounded(per_worker), rounded(within))
}

fn waiting(facts: &Facts<'_>) -> String {
    match facts.signals.backlog_at_least() {
        1 => "1 message waits".to_owned(),
        more => format!("{} messages wait", rounded_count(more)),
    }
}

fn unknown(signals: &Signals) -> String {
    let all = [
        (signals.ready.is_none(), "how many messages wait"),
        (signals.unacked.is_none(), "how many are unacknowledged"),
        (signals.delayed.is_none(), "how many are delayed"),
        (signals.acked.is_none(), "how many were acknowledged"),
    ];
    let missing: Vec<&str> = all.into_iter().filter(|(missing, _)| *missing).map(|(_, what)| what).collect();
    match missing.as_slice() {
        [] => "the rate of acknowledgements is too old".to_owned(),
        missing => format!("the broker does not tell {}", missing.join(", ")),
    }
}

/// A count to two digits: a sentence that changes with each message is read by nobody.
fn rounded_count(count: u64) -> String {
    rounded(crate::number::real(count))
}

/// To two digits, with commas.
pub(crate) fn rounded(number: f64) -> String {
    if number >= 10.0 {
        let unit = 10_f64.powf(number.log10().floor() - 1.0);
        return commas(nearest((number / unit).round() * unit));
    }
    let text = if number >= 0.95 { format!("{number:.1}") } else { format!("{number:.2}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn commas(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_to_two_digits() {
        let table = [
            (0.0, "0"),
            (0.034, "0.03"),
            (0.5, "0.5"),
            (0.99, "1"),
            (7.25, "7.2"),
            (12.4, "12"),
            (1_234_567.0, "1,200,000"),
        ];
        for (number, text) in table {
            assert_eq!(rounded(number), text, "{number}");
        }
    }
}
