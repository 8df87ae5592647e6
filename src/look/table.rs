//! Tables: rows of cells in, aligned lines that fit the terminal out.

use std::borrow::Cow;

use anstyle::Style;

use crate::terminal::{BOLD, columns_of, cut, visible};

/// Columns between two cells.
const GAP: usize = 2;
/// Columns that a text keeps on a terminal that has no room for more.
const NARROWEST: usize = 4;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// What stands above it.
    pub(super) head: &'static str,
    /// Columns that it keeps as long as another one can be spared; `None` where it is never cut.
    pub(super) least: Option<usize>,
    /// Its cells stand at its right end.
    pub(super) is_number: bool,
    /// It goes where the others have no room.
    pub(super) is_spare: bool,
}

impl Column {
    /// A column that is never cut: ids, times, states.
    pub(super) const fn whole(head: &'static str) -> Self {
        Self { head, least: None, is_number: false, is_spare: false }
    }

    /// A column of numbers.
    pub(super) const fn number(head: &'static str) -> Self {
        Self { head, least: None, is_number: true, is_spare: false }
    }

    /// A column of texts that are cut where there is no room.
    pub(super) const fn text(head: &'static str, least: usize) -> Self {
        Self { head, least: Some(least), is_number: false, is_spare: false }
    }

    /// The same, to be left out where the terminal is too narrow for all; of several the last one goes first.
    pub(super) const fn spare(self) -> Self {
        Self { is_spare: true, ..self }
    }
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in a style.
    pub(super) fn styled(text: &str, style: Style) -> Self {
        Self { text: visible(text).trim().to_owned(), style }
    }

    /// A plain cell.
    pub(super) fn new(text: &str) -> Self {
        Self::styled(text, Style::new())
    }
}

/// The rows under their heads, coloured, in lines of at most `width` columns where what is never cut allows.
pub(super) fn table(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> String {
    let mut widths = widths(columns, rows, width, 0);
    let spare = columns.iter().rposition(|column| column.is_spare).filter(|_| together(&widths) > width);
    if let Some(spare) = spare {
        let without = |all: &[Cell]| {
            let kept = all.iter().enumerate().filter(|(at, _)| *at != spare);
            kept.map(|(_, cell)| cell.clone()).collect()
        };
        let fewer: Vec<Column> =
            columns.iter().enumerate().filter(|(at, _)| *at != spare).map(|(_, column)| *column).collect();
        return table(&fewer, &rows.iter().map(|row| without(row)).collect::<Vec<_>>(), width);
    }
    if together(&widths) > width {
        widths = self::widths(columns, rows, width, NARROWEST);
    }
    let heads: Vec<Cell> = columns.iter().map(|column| Cell::styled(column.head, BOLD)).collect();
    let mut lines = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        line(&mut lines, columns, row, &widths);
    }
    lines
}

fn line(lines: &mut String, columns: &[Column], row: &[Cell], widths: &[usize]) {
    // Space is written only when something follows it.
    let mut space = 0;
    for ((column, cell), &width) in columns.iter().zip(row).zip(widths) {
        let text: Cow<'_, str> = cut(&cell.text, width);
        let room = width.saturating_sub(columns_of(&text));
        if column.is_number {
            space += room;
        }
        if !text.is_empty() {
            lines.extend(std::iter::repeat_n(' ', space));
            lines.extend([&cell.style.render().to_string(), text.as_ref(), &cell.style.render_reset().to_string()]);
            space = 0;
            space += if column.is_number { 0 } else { room };
        } else if !column.is_number {
            space += room;
        }
        space += GAP;
    }
    lines.push('\n');
}

/// Columns of a line.
fn together(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// As wide as the widest cell; where that is too much, the widest of those that may be cut gives way first: down to `narrowest` columns,
/// or to its own least where that is 0.
fn widths(columns: &[Column], rows: &[Vec<Cell>], width: usize, narrowest: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| columns_of(column.head)).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = columns_of(&cell.text).max(*widest);
        }
    }
    while together(&widths) > width {
        let can_give = |(column, &wide): (&Column, &usize)| {
            column.least.is_some_and(|least| wide > if narrowest == 0 { least } else { narrowest })
        };
        let widest = columns.iter().zip(&widths).enumerate().filter(|(_, pair)| can_give(*pair));
        let Some(at) = widest.max_by_key(|(_, (_, wide))| **wide).map(|(at, _)| at) else { break };
        if let Some(wide) = widths.get_mut(at) {
            *wide -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] =
        [Column::whole("ID"), Column::text("WHO", 5), Column::number("N"), Column::text("WHAT", 8)];

    #[track_caller]
    fn check(rows: &[[&str; 4]], width: usize, expected: &str) {
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.map(Cell::new).to_vec()).collect();
        let plain = anstream::adapter::strip_str(&table(&COLUMNS, &rows, width)).to_string();
        assert_eq!(plain, expected);
    }

    #[test]
    fn spare_columns_go_where_there_is_no_room() {
        let columns = [Column::whole("ID"), Column::whole("TIME").spare(), Column::number("N").spare(), COLUMNS[3]];
        let rows = [["a1", "08:00", "7", "taking bribes"].map(Cell::new).to_vec()];
        let plain = |width| anstream::adapter::strip_str(&table(&columns, &rows, width)).to_string();
        assert_eq!(plain(22), "ID  TIME   N  WHAT\na1  08:00  7  taking…\n");
        assert_eq!(plain(21), "ID  TIME   WHAT\na1  08:00  taking br…\n");
        assert_eq!(plain(12), "ID  WHAT\na1  taking…\n");
        assert_eq!(plain(9), "ID  WHAT\na1  taki…\n");
    }

    #[test]
    fn columns_are_aligned_and_cut() {
        let rows = [["a1", "Odile Franck", "7", "taking bribes"], ["b2", "", "12", "a lie"]];
        check(
            &rows,
            40,
            "ID  WHO            N  WHAT\na1  Odile Franck   7  taking bribes\nb2                12  a lie\n",
        );
        check(&rows, 30, "ID  WHO          N  WHAT\na1  Odile Fra…   7  taking br…\nb2              12  a lie\n");
        check(&rows, 1, "ID  WHO    N  WHAT\na1  Odi…   7  tak…\nb2        12  a l…\n");
        check(&[["a1", "東京都庁", "7", "no"]], 40, "ID  WHO       N  WHAT\na1  東京都庁  7  no\n");
        check(
            &[["a1", "\u{1b}[2Jx", "", "two\nlines"]],
            40,
            "ID  WHO         N  WHAT\na1  \\u{1b}[2Jx     two lines\n",
        );
    }
}
