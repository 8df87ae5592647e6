//! Texts for a terminal: what feeds and people wrote goes in, lines that fit and cannot steer the terminal come out; called by
//! `demo`, `look` and `rulebook`.

use std::borrow::Cow;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde::Serialize;
use terminal_size::{Width, terminal_size};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::json::is_invisible;

/// What is said beside the matter.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What to look at.
pub(crate) const BOLD: Style = Style::new().bold();
/// Headings.
pub(crate) const HEADING: Style = AnsiColor::Cyan.on_default().bold();

/// Words in one style.
pub(crate) type Piece<'a> = (Style, &'a str);

/// Writes a text on standard error. Where that takes nothing, such as a full disk or a pipe that nobody reads, only the text is
/// lost: what a command does, and how it ends, must not depend on whether anybody hears of it.
pub(crate) fn tell(text: std::fmt::Arguments<'_>) {
    anstream::stderr().write_fmt(text).ok();
}

/// Prints JSON Lines on standard output.
pub(crate) fn print_json(lines: &[impl Serialize]) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in lines {
        crate::json::write(&mut out, line).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Prints coloured lines on standard output; a pipe and `NO_COLOR` get them without colours.
pub(crate) fn print_text(lines: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(lines.as_bytes())?;
    Ok(out.flush()?)
}

/// Columns of the terminal, if standard output is one that says so.
pub(crate) fn columns() -> Option<usize> {
    terminal_size().map(|(Width(columns), _)| usize::from(columns))
}

/// A text as it may be shown: white space of any kind as a space, what cannot be seen as its escape.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() || is_invisible(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => shown.push(' '),
            _ if character.is_control() || is_invisible(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Columns that a visible text takes.
pub(crate) fn columns_of(text: &str) -> usize {
    text.width()
}

/// A visible text in at most `columns` columns, its end as `…` where it is longer.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if columns_of(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut room = columns.saturating_sub(1);
    let fits = |character: &char| {
        let width = character.width().unwrap_or_default();
        let is_room = width <= room;
        room = if is_room { room - width } else { 0 };
        is_room
    };
    let head: String = text.chars().take_while(fits).collect();
    Cow::Owned(if columns == 0 { head } else { format!("{}…", head.trim_end()) })
}

/// Pieces as lines of at most `width` columns where words allow: the first behind `label`, which is as wide as `indent`,
/// the others behind as many spaces. What could steer the terminal is escaped.
pub(crate) fn wrapped(pieces: &[Piece<'_>], label: &str, indent: usize, width: usize) -> String {
    let mut lines = label.to_owned();
    let mut column = indent;
    // The space behind the last word is written only when another word follows on the same line.
    let mut has_space = false;
    for (style, text) in pieces {
        for token in visible(text).split_inclusive(' ') {
            let word = token.trim_end();
            let columns = columns_of(word);
            if has_space && !word.is_empty() {
                let is_full = column + 1 + columns > width;
                lines.push(if is_full { '\n' } else { ' ' });
                lines.extend(std::iter::repeat_n(' ', if is_full { indent } else { 0 }));
                column = if is_full { indent } else { column + 1 };
                has_space = false;
            }
            lines.extend([style.render().to_string().as_str(), word, style.render_reset().to_string().as_str()]);
            column += columns;
            has_space |= token.ends_with(' ');
        }
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[Piece<'_>], expected: &str) {
        let plain = anstream::adapter::strip_str(&wrapped(pieces, "a ", 2, 12)).to_string();
        assert_eq!(plain, expected);
    }

    #[test]
    fn lines_break_between_words_only() {
        check(&[(BOLD, "one two three four")], "a one two\n  three four\n");
        check(&[(DIM, "one two "), (BOLD, "denied"), (DIM, ", he")], "a one two\n  denied, he\n");
        check(&[(DIM, "incomprehensible \u{1b}[2J")], "a incomprehensible\n  \\u{1b}[2J\n");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("one\ttwo\r\nthree"), "one two  three");
        assert_eq!(visible("a\u{1b}[31m\u{9b}b\u{202e}c\u{7}"), "a\\u{1b}[31m\\u{9b}b\\u{202e}c\\u{7}");
        assert_eq!(visible("“naïve” 東京"), "“naïve” 東京");
    }

    #[test]
    fn what_does_not_fit_is_cut_by_columns() {
        assert_eq!(
            (cut("denied", 6), cut("denied it", 7), cut("denied it", 8)),
            ("denied".into(), "denied…".into(), "denied…".into())
        );
        assert_eq!(
            (cut("東京都庁", 5), cut("東京都庁", 4), cut("ab", 1), cut("ab", 0)),
            ("東京…".into(), "東…".into(), "…".into(), "".into())
        );
    }
}
