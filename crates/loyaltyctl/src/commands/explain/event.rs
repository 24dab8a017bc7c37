//! One event, told from top to bottom.

use contract::event::{Event, Kind};
use contract::ruleset::TimelineLine;
use ledger::report::{AllocationReport, EntryReport, EventReport, LotReport, PostingReport};
use rust_decimal::Decimal;

use super::super::holds;
use super::{award, moves, outcome};
use crate::screen::{Cell, Screen, Table, group, plain};

/// Everything that is known of an event.
pub(super) fn render(report: &EventReport, timeline: &[TimelineLine], screen: &Screen) -> String {
    let mut text = head(report, timeline, screen);
    if let Some(entry) = &report.entry {
        text.push_str(&why(report, entry, screen));
        text.push_str(&section("postings (they sum to zero)", &postings(&entry.postings, screen), screen));
        if !entry.lots.is_empty() {
            text.push_str(&section("lots made", &lots(&entry.lots, screen), screen));
        }
        if !entry.allocations.is_empty() {
            text.push_str(&section("lots touched", &allocations(&entry.allocations, screen), screen));
        }
    }
    if !report.refunds.is_empty() {
        text.push_str(&section("later refunds of its order", &later(&report.refunds, screen), screen));
    }
    if let Some(hold) = &report.hold {
        text.push_str(&section("the hold, as it stands now", &holds::table([hold]).render(screen), screen));
    }
    if !report.of_hold.is_empty() {
        text.push_str(&section("other entries of this hold", &later(&report.of_hold, screen), screen));
    }
    text
}

/// What became of an event, and why it got its points.
pub(in super::super) fn brief(report: &EventReport, screen: &Screen) -> String {
    let happened = report.event.as_ref().map(|event| format!(": {}", outcome::happening(event))).unwrap_or_default();
    let head = format!("\n{}{}\n", screen.style.bold(&format!("event {}", report.id)), plain(&happened));
    let digits = award::Digits(currency_digits(report.event.as_ref()));
    let awards = report.entry.iter().flat_map(|entry| &entry.awards).map(|award| award::render(award, digits));
    format!("{head}  {}\n{}", plain(&outcome::sentence(report)), awards.collect::<String>())
}

fn head(report: &EventReport, timeline: &[TimelineLine], screen: &Screen) -> String {
    let EventReport { source, id, member, occurred_at, recorded_at, published, .. } = report;
    let results = match (report.results.len(), published) {
        (0, _) => "none to publish".to_owned(),
        (count, true) => format!("{count} published and confirmed by the broker"),
        (count, false) => format!("{count} not confirmed by a broker yet"),
    };
    let mut rows = vec![
        ("event", format!("{id} from {source}")),
        ("member", member.to_string()),
        ("happened", format!("{occurred_at} (recorded {recorded_at})")),
    ];
    rows.extend(report.event.as_ref().map(|event| ("what", outcome::happening(event))));
    rows.push(("outcome", outcome::sentence(report)));
    let carried = |before| format!("carried forward: in the sums of all that was recorded before {before}");
    rows.extend(report.carried_forward.map(|before| ("entry", carried(before))));
    rows.extend(report.transfer.as_ref().map(|transfer| ("transfer", moves::transfer(transfer))));
    rows.extend(report.merge.as_ref().map(|merge| ("merge", moves::merge(merge))));
    rows.push(("rules", rules(report, timeline)));
    rows.push(("results", results));
    let line =
        |(name, value): (&str, String)| format!("{} {}\n", screen.style.dim(&format!("{name:<9}")), plain(&value));
    rows.into_iter().map(line).collect()
}

/// The rule set that decided, and since when it holds: of the lines that name it, the last one that held then.
fn rules(report: &EventReport, timeline: &[TimelineLine]) -> String {
    let short = report.ruleset.short();
    let named = timeline.iter().filter(|line| line.hash == report.ruleset);
    let held = |line: &&TimelineLine| line.valid_from.is_none_or(|from| from <= report.occurred_at);
    match named.clone().rfind(held).or_else(|| named.clone().next()) {
        None => short.to_owned(),
        Some(TimelineLine { seq, valid_from, author, .. }) => {
            let since = valid_from.map_or_else(|| "from the beginning".to_owned(), |from| format!("since {from}"));
            format!("{short}, version {seq}, in force {since}, applied by {author}")
        }
    }
}

fn why(report: &EventReport, entry: &EntryReport, screen: &Screen) -> String {
    let is_purchase = report.event.as_ref().is_some_and(|event| event.type_name() == "purchase");
    if entry.awards.is_empty() {
        let nothing = if is_purchase { "\nno rule gave points for it\n" } else { "" };
        return nothing.to_owned();
    }
    let digits = award::Digits(currency_digits(report.event.as_ref()));
    if report.erased {
        return section("why", "the arithmetic is forgotten with the member\n", screen);
    }
    let awards: String = entry.awards.iter().map(|award| award::render(award, digits)).collect();
    section("why", &awards, screen)
}

/// Decimals of the purchase's currency; an activity has no money.
fn currency_digits(event: Option<&Event>) -> u32 {
    match event.map(|event| &event.kind) {
        Some(Kind::Purchase(purchase)) => purchase.amount.currency.digits(),
        _ => 0,
    }
}

fn section(title: &str, body: &str, screen: &Screen) -> String {
    format!("\n{}\n{body}", screen.style.bold(title))
}

fn number(value: Decimal) -> Cell {
    Cell::number(group(&value.to_string()))
}

fn postings(postings: &[PostingReport], screen: &Screen) -> String {
    let mut table = Table::new(&["ACCOUNT", "WALLET", "OUT", "IN"]);
    for PostingReport { account, wallet, amount } in postings {
        let nothing = || Cell::number("");
        let (out, into) =
            if amount.is_sign_negative() { (number(-amount), nothing()) } else { (nothing(), number(*amount)) };
        table.row([Cell::plain(account), Cell::plain(wallet.as_str()), out, into]);
    }
    table.render(screen)
}

fn lots(lots: &[LotReport], screen: &Screen) -> String {
    let mut table = Table::new(&["WALLET", "LOT", "AWARDED", "LEFT", "EXPIRES"]);
    for lot in lots {
        let expires = lot.expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let left = lot.pending + lot.available + lot.held;
        let sequence = Cell::number(lot.sequence.to_string());
        table.row([
            Cell::plain(lot.wallet.as_str()),
            sequence,
            number(lot.initial),
            number(left),
            Cell::plain(expires),
        ]);
    }
    table.render(screen)
}

fn allocations(allocations: &[AllocationReport], screen: &Screen) -> String {
    let mut table = Table::new(&["WALLET", "LOT", "TAKEN", "GIVEN BACK"]);
    for AllocationReport { wallet, lot, amount } in allocations {
        let nothing = || Cell::number("");
        let (taken, given) =
            if amount.is_sign_negative() { (nothing(), number(-amount)) } else { (number(*amount), nothing()) };
        table.row([Cell::plain(wallet.as_str()), Cell::number(lot.to_string()), taken, given]);
    }
    table.render(screen)
}

fn later(entries: &[EntryReport], screen: &Screen) -> String {
    let mut table = Table::new(&["WHEN", "EVENT", "KIND", "WALLET", "POINTS"]);
    for entry in entries {
        for (wallet, change) in super::member::changes(entry) {
            let (when, event) = (Cell::plain(entry.effective_at.to_string()), Cell::bold(entry.event.as_str()));
            table.row([when, event, Cell::plain(&entry.kind), Cell::plain(wallet.as_str()), number(change)]);
        }
    }
    table.render(screen)
}
