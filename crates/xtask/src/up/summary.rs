//! What came out, told with the commands that a person would type.

use super::ctl::{Ctl, bold};
use super::error::UpError;
use super::example::Example;
use super::findings::Findings;
use crate::tour::REFUND_EVERY;

/// Tells all of it; an error when something is not as it must be.
pub(super) fn tell(example: &Example, findings: &Findings, ctl: &Ctl) -> Result<(), UpError> {
    println!("\n{}", bold("What came out"));
    println!("{}", totals(example, findings));
    let mut problems = findings.differences(example);
    match problems.as_slice() {
        [] => println!(
            "  checked     every number and every balance, with whole numbers from the sample itself: all the same"
        ),
        problems => problems.iter().for_each(|problem| println!("  {} {problem}", bold("WRONG"))),
    }
    let returned = example.purchases.get(REFUND_EVERY - 1).map(|purchase| purchase.id.as_str()).unwrap_or_default();
    for arguments in [vec!["balance", "--top", "3"], vec!["explain", returned], vec!["dlq", "list"]] {
        let status = ctl.show(&arguments)?;
        if !status.success() {
            problems.push(format!("`loyaltyctl {}` ended with {status}", arguments.join(" ")));
        }
    }
    if !ctl.show(&["audit", "--idle"])?.success() {
        problems.push("the audit found differences".to_owned());
    }
    println!("\n{}", next(example, ctl));
    if problems.is_empty() { Ok(()) } else { Err(UpError::Wrong { problems }) }
}

fn totals(example: &Example, findings: &Findings) -> String {
    let tour = &example.tour;
    let number = |number: usize| grouped(number as u64);
    let counts = &findings.counts;
    format!(
        "  published   {} messages: {} purchases, {} refunds, {} sent twice, {} of garbage\n  \
         events      {} applied, {} doubles that changed nothing, {} buried for {} reasons\n  \
         points      {} issued, {} taken back by refunds, {} left",
        number(tour.messages.len()),
        number(example.purchases.len()),
        number(tour.refunds),
        number(tour.doubles),
        number(tour.garbage),
        grouped(counts.applied),
        grouped(counts.replayed),
        grouped(findings.buried),
        findings.reasons,
        grouped(counts.issued),
        grouped(findings.taken_back()),
        grouped(findings.left),
    )
}

fn next(example: &Example, ctl: &Ctl) -> String {
    let best = example.expected.best.first().map(|(member, _)| member.as_str()).unwrap_or_default();
    let folder = ctl.programs.strip_prefix(crate::repository::root()).unwrap_or(&ctl.programs).display();
    let (explain, up) = (ctl.line(&["explain", "--member", best]), "cargo xtask up --keep");
    let crm = example.subscriber().unwrap_or_default();
    format!(
        "{}\n  export PATH=\"{folder}:$PATH\"     then, in this folder:\n  {explain}\n  \
         loyaltyctl simulate -f {example} {events}\n  {up}     goes on until Ctrl-C; the results wait in the queue {crm}\n\
         Change a rule in {example} (say `mode: HalfUp`) and simulate again: 243,871 points instead of 239,444.",
        bold("What to try next"),
        example = crate::repository::EXAMPLE,
        events = crate::repository::EVENTS,
    )
}

/// Digits in threes: `239,444`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_stand_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (7_412, "7,412"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }
}
