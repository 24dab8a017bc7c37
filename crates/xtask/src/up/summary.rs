//! What came out, told with the commands that a person would type.

use super::ctl::{Ctl, bold, print_line};
use super::error::UpError;
use super::example::Example;
use super::findings::Findings;
use crate::repository::{EVENTS, EXAMPLE};
use crate::tour::REFUND_EVERY;

/// Tells all of it; an error when something is not as it must be.
pub(super) fn tell(example: &Example, findings: &Findings, ctl: &Ctl) -> Result<(), UpError> {
    print_line(&format!("\n{}\n{}", bold("What came out"), totals(example, findings)));
    let mut problems = findings.differences(example);
    if problems.is_empty() {
        print_line("  checked    the same as counted from the sample itself, member by member");
    }
    let returned = example.purchases.get(REFUND_EVERY - 1).map(|purchase| purchase.id.as_str()).unwrap_or_default();
    let questions: [&[&str]; 4] =
        [&["balance", "--top", "3"], &["explain", returned], &["dlq", "list"], &["audit", "--idle"]];
    for arguments in questions {
        let status = ctl.show(arguments)?;
        if !status.success() {
            problems.push(format!("`loyaltyctl {}` ended with {status}", arguments.join(" ")));
        }
    }
    print_line(&format!("\n{}\n{}", bold("What to try next"), next(example, ctl)));
    if !problems.is_empty() {
        return Err(UpError::Wrong { problems });
    }
    let left = grouped(findings.left);
    print_line(&format!("\n{}", bold(&format!("All right: {left} points left, audit: 0 differences."))));
    Ok(())
}

/// Lines of at most 80 columns.
fn totals(example: &Example, findings: &Findings) -> String {
    let tour = &example.tour;
    let number = |number: usize| grouped(number as u64);
    let published = format!(
        "{}: {} purchases, {} refunds, {} doubles, {} of garbage",
        number(tour.messages.len()),
        number(example.purchases.len()),
        number(tour.refunds),
        number(tour.doubles),
        number(tour.garbage),
    );
    let (left, reasons) = (grouped(findings.left), findings.reasons);
    let Some(counts) = &findings.counts else {
        return format!(
            "  published  {published}\n  events     a worker died and another went on; the ledger's own sums stand above\n  \
             points     {left} left"
        );
    };
    let (applied, replayed, buried) = (grouped(counts.applied), grouped(counts.replayed), grouped(findings.buried));
    let (issued, taken) = (grouped(counts.issued), grouped(findings.taken_back(counts)));
    format!(
        "  published  {published}\n  events     {applied} applied, {replayed} doubles paid nothing, {buried} buried for {reasons} reasons\n  \
         points     {issued} issued, {taken} taken back by refunds, {left} left"
    )
}

fn next(example: &Example, ctl: &Ctl) -> String {
    let best = example.expected.best.first().map(|(member, _)| member.as_str()).unwrap_or_default();
    let programs = ctl.programs.display();
    let explain = ctl.line(&["explain", "--member", best]);
    let crm = example.subscriber().unwrap_or_default();
    format!(
        "  In the repository's folder:\n\n  \
         export PATH=\"{programs}:$PATH\"\n  {explain}\n  \
         loyaltyctl simulate -f {EXAMPLE} \\\n      {EVENTS}\n  \
         cargo xtask up --keep\n\n  \
         With `mode: HalfUp` in the example's rule, simulate says 243,871 points, not\n  \
         239,444. With --keep, broker and worker go on until Ctrl-C, and the results\n  \
         wait in queue {crm} for whoever sends the mails."
    )
}

/// Digits in threes: `239,444`.
pub(super) fn grouped(number: u64) -> String {
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
