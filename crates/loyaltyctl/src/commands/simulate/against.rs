//! The same events by two programmes: who has more by the one than by the other.

use std::collections::{BTreeMap, BTreeSet};

use contract::{MemberId, WalletName};
use ledger::{Ledger, LedgerError};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::screen::{Cell, Screen, Table, group, grouped};
use crate::target::Pipeline;

/// Ledgers of a simulation by each programme.
pub(super) struct Both<'a> {
    pub(super) this: (&'a Pipeline, &'a dyn Ledger),
    pub(super) other: (&'a Pipeline, &'a dyn Ledger),
    /// Everybody of whom either has told something.
    pub(super) members: BTreeSet<MemberId>,
}

/// What changes if the one programme holds in place of the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Against {
    /// The other one's file.
    file: String,
    wallets: BTreeMap<WalletName, Sums>,
    /// Those with the largest change first.
    members: Vec<Change>,
    /// How many have another balance, in all.
    changed: u64,
}

/// Of all members, in a wallet.
#[derive(Debug, Default, Serialize)]
struct Sums {
    gain: u64,
    lose: u64,
    same: u64,
    /// By the other programme, and by this one: what can be spent, waits or is held, without what is owed.
    other: Decimal,
    this: Decimal,
}

/// What a member has by each.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    member: MemberId,
    wallet: WalletName,
    other: Decimal,
    this: Decimal,
    #[serde(rename = "change")]
    more: Decimal,
}

impl Against {
    pub(super) async fn of(both: Both<'_>, (file, limit): (String, usize)) -> Result<Self, LedgerError> {
        let Both { this, other, members } = both;
        let names: BTreeSet<WalletName> = [this.0, other.0]
            .into_iter()
            .flat_map(|pipeline| pipeline.spec.program.wallets.iter().map(|wallet| wallet.name.clone()))
            .collect();
        let mut wallets: BTreeMap<WalletName, Sums> = BTreeMap::new();
        let mut changes = Vec::new();
        for member in members {
            let (this, other) = (has(this, &member).await?, has(other, &member).await?);
            for wallet in &names {
                let of = |balances: &BTreeMap<WalletName, Decimal>| balances.get(wallet).copied().unwrap_or_default();
                let (this, other) = (of(&this), of(&other));
                let sums = wallets.entry(wallet.clone()).or_default();
                sums.add(this, other);
                if this != other {
                    let (member, wallet, more) = (member.clone(), wallet.clone(), this - other);
                    changes.push(Change { member, wallet, other, this, more });
                }
            }
        }
        changes.sort_by(|a, b| (b.more.abs(), &a.member, &a.wallet).cmp(&(a.more.abs(), &b.member, &b.wallet)));
        let count = changes.iter().map(|change| &change.member).collect::<BTreeSet<_>>().len() as u64;
        changes.truncate(limit);
        Ok(Self { file, wallets, members: changes, changed: count })
    }

    pub(super) fn render(&self, screen: &Screen) -> String {
        let head = format!("in place of {}:\n\n", self.file);
        let mut sums = Table::new(&["WALLET", "GAIN", "LOSE", "SAME", "BY THE OTHER", "BY THIS", "CHANGE"]);
        for (wallet, Sums { gain, lose, same, other, this }) in &self.wallets {
            let counts = [gain, lose, same].map(|members| Cell::number(grouped(*members)));
            let points = [*other, *this].map(|points| Cell::number(group(&points.to_string())));
            sums.row(
                [Cell::bold(wallet.as_str())].into_iter().chain(counts).chain(points).chain([signed(this - other)]),
            );
        }
        if self.members.is_empty() {
            return head + &sums.render(screen) + "\nevery member has the same by both\n";
        }
        let mut table = Table::new(&["MEMBER", "WALLET", "BY THE OTHER", "BY THIS", "CHANGE"]);
        for Change { member, wallet, other, this, more } in &self.members {
            let points = [*other, *this].map(|points| Cell::number(group(&points.to_string())));
            let names = [Cell::bold(member.as_str()), Cell::plain(wallet.as_str())];
            table.row(names.into_iter().chain(points).chain([signed(*more)]));
        }
        let tail = format!("{} of the members whose balance changes; `--limit` shows more\n", grouped(self.changed));
        let shown = self.members.iter().map(|change| &change.member).collect::<BTreeSet<_>>().len() as u64;
        let tail = if shown < self.changed { format!("\n{} of {tail}", grouped(shown)) } else { String::new() };
        head + &sums.render(screen) + "\n" + &table.render(screen) + &tail
    }
}

impl Sums {
    fn add(&mut self, this: Decimal, other: Decimal) {
        self.this += this;
        self.other += other;
        match this.cmp(&other) {
            std::cmp::Ordering::Greater => self.gain += 1,
            std::cmp::Ordering::Less => self.lose += 1,
            std::cmp::Ordering::Equal => self.same += 1,
        }
    }
}

async fn has(
    (pipeline, ledger): (&Pipeline, &dyn Ledger),
    member: &MemberId,
) -> Result<BTreeMap<WalletName, Decimal>, LedgerError> {
    let balances = ledger.balance(&pipeline.name, member).await?.unwrap_or_default();
    let worth = |of: ledger::report::Balance| (of.wallet, of.available + of.pending + of.held - of.debt);
    Ok(balances.into_iter().map(worth).collect())
}

/// `+1,234`.
fn signed(change: Decimal) -> Cell {
    let text = group(&change.to_string());
    let text = if change > Decimal::ZERO { format!("+{text}") } else { text };
    Cell::number(text)
}
