//! A member's entries.

use std::collections::BTreeMap;

use contract::{MemberId, WalletName};
use ledger::report::EntryReport;
use rust_decimal::Decimal;

use crate::screen::{Cell, Screen, Table, group};

/// Accounts of the member; the others are the programme's.
const OWN: [&str; 4] = ["available", "pending", "held", "debt"];

/// How an entry changed what the member has, less what they owe, by wallet.
pub(super) fn changes(entry: &EntryReport) -> BTreeMap<&WalletName, Decimal> {
    let own = entry.postings.iter().filter(|posting| OWN.contains(&posting.account.as_str()));
    own.fold(BTreeMap::new(), |mut sums, posting| {
        *sums.entry(&posting.wallet).or_default() += posting.amount;
        sums
    })
}

/// How an entry changed what is held; a hold is of one wallet.
fn held(entry: &EntryReport) -> Decimal {
    entry.postings.iter().filter(|posting| posting.account == "held").map(|posting| posting.amount).sum()
}

/// A row for each wallet that an entry changed.
pub(super) fn table(entries: &[EntryReport]) -> Table {
    let mut table = Table::new(&["WHEN", "KIND", "EVENT", "ORDER", "POINTS", "WHY"]);
    for entry in entries {
        let mut why: Vec<String> =
            entry.awards.iter().map(|award| format!("{} {}", award.rule, award.awarded)).collect();
        why.extend(entry.hold.as_ref().map(|hold| format!("hold {hold}: held {:+}", held(entry))));
        for (wallet, change) in changes(entry) {
            let order = entry.order.as_ref().map_or("", |order| order.as_str());
            let points = Cell::number(format!("{} {wallet}", group(&change.to_string())));
            table.row([
                Cell::dim(entry.effective_at.to_string()),
                Cell::plain(&entry.kind),
                Cell::bold(entry.event.as_str()),
                Cell::plain(order),
                points,
                Cell::plain(why.join(", ")),
            ]);
        }
    }
    table
}

/// Newest first.
pub(super) fn render(member: &MemberId, entries: &[EntryReport], screen: &Screen) -> String {
    let table = table(entries);
    let hint = screen.style.dim("`loyaltyctl explain EVENT` tells the arithmetic of one");
    format!("member {member}, newest first\n\n{}{hint}\n", table.render(screen))
}
