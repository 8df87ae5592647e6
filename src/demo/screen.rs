//! The terminal: takes lines from the parts of the demo, wraps and colours them; colours go where output is no terminal.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style};
use terminal_size::{Width, terminal_size};
use tokio_util::sync::CancellationToken;

/// Columns where the terminal does not say.
const WIDTH: usize = 96;
/// Fewest and most columns that are used: lines of more are hard to read.
const WIDTH_RANGE: (usize, usize) = (60, 100);

/// What is said beside the matter.
pub(super) const DIM: Style = Style::new().dimmed();
/// What to look at.
pub(super) const BOLD: Style = Style::new().bold();
/// Headings.
pub(super) const HEADING: Style = AnsiColor::Cyan.on_default().bold();

/// Words in one style.
pub(super) type Piece<'a> = (Style, &'a str);

/// Standard output, shared by the parts of the demo.
pub(super) struct Screen {
    out: Mutex<Result<anstream::AutoStream<io::Stdout>, io::Error>>,
    width: usize,
    stop: CancellationToken,
}

impl Screen {
    /// The screen; `stop` is cancelled when nobody looks any more.
    pub(super) fn new(stop: CancellationToken) -> Self {
        let width = terminal_size().map_or(WIDTH, |(Width(columns), _)| usize::from(columns));
        let width = width.clamp(WIDTH_RANGE.0, WIDTH_RANGE.1);
        Self { out: Mutex::new(Ok(anstream::stdout())), width, stop }
    }

    /// Columns to write in.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Writes whole lines at once, so that those of others do not come between.
    pub(super) fn write(&self, lines: &str) {
        let mut out = self.lock();
        let Ok(stream) = out.as_mut() else { return };
        if let Err(error) = stream.write_all(lines.as_bytes()).and_then(|()| stream.flush()) {
            *out = Err(error);
            self.stop.cancel();
        }
    }

    /// Writes a remark.
    pub(super) fn aside(&self, text: &str) {
        self.write(&wrapped(&[(DIM, text)], "  ", 2, self.width));
    }

    /// Says what kept it from writing.
    ///
    /// # Errors
    /// The first error.
    pub(super) fn finish(&self) -> io::Result<()> {
        match &*self.lock() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.kind().into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Result<anstream::AutoStream<io::Stdout>, io::Error>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pieces as lines of at most `width` columns where words allow: the first behind `label`, which is as wide as `indent`,
/// the others behind as many spaces. Control characters, which could steer the terminal, are left out.
pub(super) fn wrapped(pieces: &[Piece<'_>], label: &str, indent: usize, width: usize) -> String {
    let mut lines = label.to_owned();
    let mut column = indent;
    // The space behind the last word is written only when another word follows on the same line.
    let mut has_space = false;
    for (style, text) in pieces {
        let text: String = text.chars().filter(|&c| c == ' ' || !c.is_control()).collect();
        for token in text.split_inclusive(' ') {
            let word = token.trim_end();
            let columns = word.chars().count();
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
        check(&[(DIM, "incomprehensible \u{1b}[2J")], "a incomprehensible\n  [2J\n");
    }
}
