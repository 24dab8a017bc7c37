//! A statement on paper: a table, JSON or CSV, written while it is read.

use std::io;

use contract::MemberId;
use ledger::report::{HoldReport, LotReport, MemberReport, StatementLine};
use serde::Serialize;

use super::super::holds;
use super::super::member::line;
use super::super::tier::{Tier, line as tier_line};
use super::{about, span};
use crate::screen::{Cell, Screen, Table};

/// What was written so far.
pub(super) struct Paper<'a> {
    screen: &'a Screen,
    /// Rows of the present part.
    rows: usize,
}

impl<'a> Paper<'a> {
    pub(super) fn begin(
        screen: &'a Screen,
        member: &MemberId,
        (known, tier): (Option<&MemberReport>, Option<&Tier>),
    ) -> io::Result<Self> {
        if screen.is_json() {
            let (member, frozen) = (serde_json::to_string(member)?, known.and_then(|known| known.frozen.as_ref()));
            let frozen = serde_json::to_string(&frozen)?;
            let tier = tier.map(|tier| Ok::<_, io::Error>(format!("\"tier\": {},\n", serde_json::to_string(tier)?)));
            let tier = tier.transpose()?.unwrap_or_default();
            screen.show(&format!("{{\n\"member\": {member},\n\"frozen\": {frozen},\n{tier}\"lines\": ["))?;
        } else if !screen.is_csv() {
            screen.show(&format!("member {member}, newest last\n{}{}", line(known, screen), tier_line(tier)))?;
        }
        Ok(Self { screen, rows: 0 })
    }

    pub(super) fn lines(&mut self, lines: &[StatementLine]) -> io::Result<()> {
        self.part(lines, if self.screen.is_csv() { every_field } else { table })
    }

    /// After the lines, before the lots.
    pub(super) fn between(&mut self, lots_only: bool) -> io::Result<()> {
        let screen = self.screen;
        if screen.is_json() {
            screen.show("\n],\n\"lots\": [")?;
        } else if screen.is_csv() {
            if self.rows == 0 && !lots_only {
                screen.csv(&every_field(&[]))?;
            }
        } else if self.rows == 0 && !lots_only {
            screen.show("\nno postings\n")?;
        }
        self.rows = 0;
        Ok(())
    }

    pub(super) fn lots(&mut self, lots: &[LotReport]) -> io::Result<()> {
        if self.rows == 0 && !lots.is_empty() && !self.screen.is_json() && !self.screen.is_csv() {
            self.screen.show(&format!("\n{}", self.screen.style.dim("open lots, spent from the top:")))?;
        }
        self.part(lots, lot_table)
    }

    pub(super) fn before_holds(&mut self) -> io::Result<()> {
        self.rows = 0;
        if self.screen.is_json() { self.screen.show("\n],\n\"holds\": [") } else { Ok(()) }
    }

    pub(super) fn holds(&mut self, holds: &[HoldReport]) -> io::Result<()> {
        if self.rows == 0 && !holds.is_empty() && !self.screen.is_json() {
            self.screen.show(&format!("\n{}", self.screen.style.dim("open holds, oldest first:")))?;
        }
        self.part(holds, |holds| holds::table(holds))
    }

    pub(super) fn end(self) -> io::Result<()> {
        let screen = self.screen;
        if screen.is_json() {
            return screen.show("\n]\n}\n");
        }
        Ok(())
    }

    fn part<T: Serialize>(&mut self, rows: &[T], table: impl Fn(&[T]) -> Table) -> io::Result<()> {
        let screen = self.screen;
        if screen.is_json() {
            for row in rows {
                let comma = if self.rows == 0 { "" } else { "," };
                screen.show(&format!("{comma}\n  {}", serde_json::to_string(row)?))?;
                self.rows += 1;
            }
            return Ok(());
        }
        if screen.is_csv() {
            screen.show(&table(rows).csv(self.rows == 0)?)?;
        } else if !rows.is_empty() {
            screen.show(&format!("\n{}", table(rows).render(screen)))?;
        }
        self.rows += rows.len();
        Ok(())
    }
}

fn table(lines: &[StatementLine]) -> Table {
    let mut table = Table::new(&["WHEN", "EVENT", "WHAT", "WALLET", "STATE", "AMOUNT", "BALANCE"]);
    for line in lines {
        table.row([
            Cell::time(line.at),
            Cell::bold(line.event.as_str()),
            Cell::plain(about(line)),
            Cell::plain(line.wallet.as_str()),
            Cell::plain(&line.state),
            Cell::amount(line.amount),
            Cell::amount(line.balance),
        ]);
    }
    table
}

/// For programs, which can take fifteen columns.
fn every_field(lines: &[StatementLine]) -> Table {
    let mut table = Table::new(&[
        "AT",
        "RECORDED AT",
        "SOURCE",
        "EVENT",
        "KIND",
        "ORDER",
        "RULES",
        "REASON",
        "AUTHOR",
        "WALLET",
        "STATE",
        "AMOUNT",
        "BALANCE",
        "HOLD",
        "OTHER",
    ]);
    for line in lines {
        let rules: Vec<String> = line.rules.iter().map(|share| format!("{} {}", share.rule, share.awarded)).collect();
        let maybe = |text: Option<&str>| Cell::plain(text.unwrap_or_default());
        table.row([
            Cell::plain(line.at.to_string()),
            Cell::plain(line.recorded_at.to_string()),
            Cell::plain(line.source.as_str()),
            Cell::plain(line.event.as_str()),
            Cell::plain(&line.kind),
            maybe(line.order.as_ref().map(contract::OrderId::as_str)),
            Cell::plain(rules.join(", ")),
            maybe(line.reason.as_deref()),
            maybe(line.author.as_deref()),
            Cell::plain(line.wallet.as_str()),
            Cell::plain(&line.state),
            Cell::amount(line.amount),
            Cell::amount(line.balance),
            maybe(line.hold.as_ref().map(contract::HoldId::as_str)),
            maybe(line.other.as_ref().map(MemberId::as_str)),
        ]);
    }
    table
}

fn lot_table(lots: &[LotReport]) -> Table {
    let mut table = Table::new(&["WALLET", "LOT", "AWARDED", "LEFT", "ACTIVE", "EXPIRES"]);
    for lot in lots {
        let (active, expires) = span(lot);
        table.row([
            Cell::plain(lot.wallet.as_str()),
            Cell::number(lot.sequence.to_string()),
            Cell::amount(lot.initial),
            Cell::amount(lot.pending + lot.available + lot.held),
            Cell::plain(active),
            Cell::plain(expires),
        ]);
    }
    table
}
