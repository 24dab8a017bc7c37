//! Tables that fit: columns are as wide as they must be, and the widest ones are wrapped where the line ends.

use std::io;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Screen, Style, group, plain};

/// Between two columns.
const GAP: usize = 2;

/// A column of sentences is made this narrow before a word anywhere is broken.
const SENTENCE_MIN: usize = 24;

/// No column is made narrower than this.
const COLUMN_MIN: usize = 8;

/// One field of a table; its text is made harmless for a terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    /// For programs, where it is another one than for people.
    exact: Option<String>,
    right: bool,
    whole: bool,
    look: Look,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Plain,
    Bold,
    Dim,
    Green,
    Red,
    Yellow,
}

impl Cell {
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Self { text: plain(text.as_ref()), ..Self::default() }
    }

    pub(crate) fn bold(text: impl AsRef<str>) -> Self {
        Self { look: Look::Bold, ..Self::plain(text) }
    }

    pub(crate) fn dim(text: impl AsRef<str>) -> Self {
        Self { look: Look::Dim, ..Self::plain(text) }
    }

    pub(crate) fn green(text: impl AsRef<str>) -> Self {
        Self { look: Look::Green, ..Self::plain(text) }
    }

    pub(crate) fn red(text: impl AsRef<str>) -> Self {
        Self { look: Look::Red, ..Self::plain(text) }
    }

    pub(crate) fn yellow(text: impl AsRef<str>) -> Self {
        Self { look: Look::Yellow, ..Self::plain(text) }
    }

    /// A number: stands at the right, and is never wrapped.
    pub(crate) fn number(text: impl AsRef<str>) -> Self {
        Self { right: true, whole: true, ..Self::plain(text) }
    }

    /// A time: looked for by eye, and never wrapped.
    pub(crate) fn time(at: Timestamp) -> Self {
        Self { whole: true, ..Self::dim(at.to_string()) }
    }

    /// An amount: in threes for people, plain for programs.
    pub(crate) fn amount(value: Decimal) -> Self {
        let exact = value.to_string();
        Self { exact: Some(exact.clone()), ..Self::number(group(&exact)) }
    }

    /// A name that is copied from here into a command: never wrapped.
    pub(crate) fn name(text: impl AsRef<str>) -> Self {
        Self { whole: true, ..Self::bold(text) }
    }
}

/// Rows under a head.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Lines with a line feed at the end of each.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let rights: Vec<bool> = (0..self.head.len()).map(|column| self.is_number(column)).collect();
        let widths = self.widths(screen.width);
        let head = self.head.iter().zip(&rights).map(|(title, right)| Cell { right: *right, ..Cell::dim(title) });
        let mut text = line(&head.collect::<Vec<_>>(), &widths, screen.style);
        for row in &self.rows {
            text.push_str(&line(row, &widths, screen.style));
        }
        text
    }

    /// As CSV: columns named in small letters, amounts without commas.
    pub(crate) fn csv(&self, with_head: bool) -> io::Result<String> {
        let mut out = csv::Writer::from_writer(Vec::new());
        if with_head {
            out.write_record(self.head.iter().map(|title| title.to_lowercase().replace(' ', "_")))?;
        }
        for row in &self.rows {
            out.write_record(row.iter().map(|cell| cell.exact.as_deref().unwrap_or(&cell.text)))?;
        }
        let bytes = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn is_number(&self, column: usize) -> bool {
        self.rows.iter().filter_map(|row| row.get(column)).any(|cell| cell.right)
    }

    fn is_whole(&self, column: usize) -> bool {
        self.rows.iter().filter_map(|row| row.get(column)).any(|cell| cell.whole)
    }

    fn widths(&self, line: Option<usize>) -> Vec<usize> {
        let natural = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
            cells.chain([self.head[column].len()]).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> = (0..self.head.len()).map(natural).collect();
        let Some(line) = line else { return widths };
        let wholes: Vec<bool> = (0..self.head.len()).map(|column| self.is_whole(column)).collect();
        let room = line.saturating_sub(GAP * widths.len().saturating_sub(1));
        let whole_words = |column: usize| self.longest_word(column).max(SENTENCE_MIN);
        for least in [&whole_words as &dyn Fn(usize) -> usize, &|_| COLUMN_MIN] {
            while widths.iter().sum::<usize>() > room {
                let columns = widths.iter_mut().enumerate().filter(|(at, width)| !wholes[*at] && **width > least(*at));
                let Some((_, widest)) = columns.max_by_key(|(_, width)| **width) else { break };
                *widest -= 1;
            }
        }
        widths
    }

    fn longest_word(&self, column: usize) -> usize {
        let words = self.rows.iter().filter_map(|row| row.get(column)).flat_map(|cell| cell.text.split(' '));
        words.map(|word| word.chars().count()).max().unwrap_or_default()
    }
}

fn line(cells: &[Cell], widths: &[usize], style: Style) -> String {
    let wrapped: Vec<Vec<String>> = cells.iter().zip(widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or_default();
    let mut text = String::new();
    for at in 0..height {
        let mut row = String::new();
        let mut owed = 0;
        for ((cell, width), parts) in cells.iter().zip(widths).zip(&wrapped) {
            let part = parts.get(at).map_or("", String::as_str);
            let room = width.saturating_sub(part.chars().count());
            let (before, after) = if cell.right { (room, 0) } else { (0, room) };
            if part.is_empty() {
                owed += width + GAP;
            } else {
                row.extend(std::iter::repeat_n(' ', owed + before));
                row.push_str(&painted(part, cell.look, style));
                owed = after + GAP;
            }
        }
        text.push_str(&row);
        text.push('\n');
    }
    text
}

fn painted(text: &str, look: Look, style: Style) -> String {
    match look {
        Look::Plain => text.to_owned(),
        Look::Bold => style.bold(text),
        Look::Dim => style.dim(text),
        Look::Green => style.green(text),
        Look::Red => style.red(text),
        Look::Yellow => style.yellow(text),
    }
}

/// Lines of at most `width` characters, broken between words where that is possible.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let len = word.chars().count();
        if used > 0 && used + 1 + len <= width {
            append(&mut lines, " ");
            append(&mut lines, word);
            used += 1 + len;
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        let letters: Vec<char> = word.chars().collect();
        for (at, part) in letters.chunks(width.max(1)).enumerate() {
            if at > 0 {
                lines.push(String::new());
            }
            append(&mut lines, &part.iter().collect::<String>());
            used = part.len();
        }
        if letters.is_empty() {
            used = 0;
        }
    }
    lines
}

fn append(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Screen};
    use super::{Cell, Table, wrap};

    fn screen(width: usize) -> Screen {
        Screen { width: Some(width), ..Screen::look(Format::Table) }
    }

    #[test]
    fn a_table_is_as_wide_as_it_must_be_and_no_wider_than_the_line() {
        let mut table = Table::new(&["NAME", "POINTS", "WHY"]);
        table.row([Cell::plain("19339"), Cell::number("6,517"), Cell::plain("a short reason")]);
        table.row([Cell::plain("5"), Cell::number("1"), Cell::plain("a reason that is too long for this line")]);
        let text = table.render(&screen(40));
        let want = "\
NAME   POINTS  WHY
19339   6,517  a short reason
5           1  a reason that is too long
               for this line
";
        assert_eq!(text, want);
        assert!(text.lines().all(|line| line.chars().count() <= 40));
    }

    #[test]
    fn as_csv_a_table_has_plain_amounts_and_quotes_what_it_must() {
        let mut table = Table::new(&["MEMBER", "TAKEN BACK", "WHY"]);
        table.row([Cell::name("ann"), Cell::amount((-1_234_567).into()), Cell::plain("a \"gift\", late")]);
        let want = "member,taken_back,why\nann,-1234567,\"a \"\"gift\"\", late\"\n";
        assert_eq!(table.csv(true).unwrap(), want);
        assert_eq!(table.csv(false).unwrap(), want.split_once('\n').unwrap().1);
        assert!(table.render(&screen(80)).contains("-1,234,567"));
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken() {
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
