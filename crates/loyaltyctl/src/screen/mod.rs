//! Where a command shows what it has: its format, its width, its colours.

mod progress;
mod style;
mod table;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub(crate) use progress::Progress;
pub(crate) use style::Style;
pub(crate) use table::{Cell, Table, wrap};

/// The width of a terminal that does not say how wide it is.
const WIDTH_USUAL: usize = 80;

/// Narrower than this no table can be read; a terminal that says less is not believed.
const WIDTH_MIN: usize = 40;

/// How answers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// One table, for spreadsheets
    Csv,
}

/// Standard output and standard error, as they are this time.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    format: Format,
    pub(crate) style: Style,
    /// Characters of a line; `None` when nobody looks, and whoever reads wants whole lines.
    pub(crate) width: Option<usize>,
    is_terminal: bool,
}

impl Screen {
    /// Looks at standard output and the environment (`NO_COLOR`, `COLUMNS`).
    pub(crate) fn look(format: Format) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = match columns {
            Some(columns) => Some(columns),
            None if is_terminal => Some(terminal_size::terminal_size().map_or(WIDTH_USUAL, |(w, _)| usize::from(w.0))),
            None => None,
        };
        let style = Style::new(is_terminal && !no_colour && !dumb);
        Self { format, style, width: width.map(|width| width.max(WIDTH_MIN)), is_terminal: is_terminal && !dumb }
    }

    /// The same, looked at again: a window's width changes.
    pub(crate) fn again(&self) -> Self {
        Self::look(self.format)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a line that was shown can be rewritten.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal && self.format == Format::Table
    }

    pub(crate) fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// Shows a table as CSV.
    pub(crate) fn csv(&self, table: &Table) -> io::Result<()> {
        self.show(&table.csv(true)?)
    }

    /// Shows text as it is.
    #[expect(clippy::unused_self, reason = "what is shown is shown on a screen, wherever that writes")]
    pub(crate) fn show(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Shows a value as JSON.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.show(&text)
    }

    /// Tells something beside the answer, on standard error.
    #[expect(clippy::unused_self, reason = "what is told is told on a screen, wherever that writes")]
    pub(crate) fn warn(&self, text: &str) -> io::Result<()> {
        io::stderr().lock().write_all(text.as_bytes())
    }
}

/// Text from outside without what could move the cursor or change the colours of a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c })
        .map(|c| if c.is_control() { '·' } else { c })
        .collect()
}

/// A count with its noun: `1 event`, `2 events`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", grouped(number)),
    }
}

/// Digits in threes: `239,444`.
pub(crate) fn grouped(number: u64) -> String {
    group(&number.to_string())
}

/// Digits before the point in threes, for a plain decimal with or without sign: `-1,234.50`.
pub(crate) fn group(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::{group, plain};

    #[test]
    fn digits_stand_in_threes() {
        for (number, want) in
            [("0", "0"), ("100", "100"), ("1000", "1,000"), ("-239444", "-239,444"), ("1234567.5025", "1,234,567.5025")]
        {
            assert_eq!(group(number), want);
        }
    }

    #[test]
    fn text_from_outside_cannot_paint_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\nc\td\u{9b}e"), "a·[31mb c d·e");
    }
}
