//! Words for the screen: what feeds and people wrote goes in, lines that fit and cannot steer the terminal come out; called by `screen`.

use anstyle::{AnsiColor, Color, Effects, Style};
use ratatui::style::{Color as ScreenColour, Modifier, Style as ScreenStyle};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

use crate::terminal::{columns_of, cut, visible};

/// Characters of a text that are shown: a screen holds no more.
const CHARACTERS_MAX: usize = 4_000;
/// Marks on one letter; more of them pile up over other lines.
const MARKS_MAX: usize = 4;

/// Words, each with its style.
pub(super) type Words = Vec<(Style, String)>;

/// Plain words.
pub(super) fn plain(text: impl Into<String>) -> Words {
    vec![(Style::new(), text.into())]
}

/// How styles are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    /// Whether with colours; emphasis stays without.
    pub(super) has_colours: bool,
}

impl Paint {
    /// A style of the program as one of the screen. Backgrounds are left as the terminal has them, light or dark.
    pub(super) fn style(self, style: Style) -> ScreenStyle {
        let mut shown = ScreenStyle::new();
        if let Some(Color::Ansi(colour)) = style.get_fg_color().filter(|_| self.has_colours) {
            shown = shown.fg(colour_of(colour));
        }
        let effects = style.get_effects();
        for (effect, modifier) in [
            (Effects::BOLD, Modifier::BOLD),
            (Effects::DIMMED, Modifier::DIM),
            (Effects::UNDERLINE, Modifier::UNDERLINED),
            (Effects::INVERT, Modifier::REVERSED),
        ] {
            if effects.contains(effect) {
                shown = shown.add_modifier(modifier);
            }
        }
        shown
    }

    /// Words on one line, cut where it ends.
    pub(super) fn line(self, words: &Words, width: usize) -> Line<'static> {
        let (mut room, mut spans) = (width, Vec::new());
        for (style, text) in words {
            let text = safe(text);
            let shown = cut(&text, room);
            room -= columns_of(&shown).min(room);
            spans.push(Span::styled(shown.clone().into_owned(), self.style(*style)));
            if shown.len() != text.len() {
                break;
            }
        }
        Line::from(spans)
    }

    /// Words in lines of at most `width` columns, broken between words where that can be: the first begins with `label`, the others
    /// with as many spaces as `indent` says.
    pub(super) fn wrapped(self, label: &Words, indent: usize, words: &Words, width: usize) -> Vec<Line<'static>> {
        let label = self.line(label, indent.min(width));
        let pad = indent.saturating_sub(label.width());
        let mut filler = Filler::new(indent, width);
        filler.spans.extend(label.spans);
        filler.spans.extend((pad > 0).then(|| Span::raw(" ".repeat(pad))));
        for (style, text) in words {
            let style = self.style(*style);
            for token in safe(text).split_inclusive(' ') {
                filler.word(token.trim_end_matches(' '), style);
                filler.has_space |= token.ends_with(' ');
            }
        }
        filler.finish()
    }
}

fn colour_of(colour: AnsiColor) -> ScreenColour {
    match colour {
        AnsiColor::Red | AnsiColor::BrightRed => ScreenColour::Red,
        AnsiColor::Green | AnsiColor::BrightGreen => ScreenColour::Green,
        AnsiColor::Yellow | AnsiColor::BrightYellow => ScreenColour::Yellow,
        AnsiColor::Blue | AnsiColor::BrightBlue => ScreenColour::Blue,
        AnsiColor::Magenta | AnsiColor::BrightMagenta => ScreenColour::Magenta,
        AnsiColor::Cyan | AnsiColor::BrightCyan => ScreenColour::Cyan,
        // Black and white are the background of one terminal or the other.
        _ => ScreenColour::Reset,
    }
}

/// Fills lines with words.
struct Filler {
    lines: Vec<Line<'static>>,
    spans: Vec<Span<'static>>,
    indent: usize,
    width: usize,
    column: usize,
    has_space: bool,
}

impl Filler {
    fn new(indent: usize, width: usize) -> Self {
        // One column is enough for a letter, two for a wide one.
        let width = width.max(indent + 2);
        Self { lines: Vec::new(), spans: Vec::new(), indent, width, column: indent, has_space: false }
    }

    fn word(&mut self, word: &str, style: ScreenStyle) {
        if word.is_empty() {
            return;
        }
        let columns = columns_of(word);
        if std::mem::take(&mut self.has_space) && self.column > self.indent {
            if self.column + 1 + columns > self.width {
                self.feed();
            } else {
                self.spans.push(Span::styled(" ", style));
                self.column += 1;
            }
        }
        if self.column + columns <= self.width {
            self.column += columns;
            self.spans.push(Span::styled(word.to_owned(), style));
            return;
        }
        // A word that no line holds is broken wherever the line ends.
        let mut part = String::new();
        for character in word.chars() {
            let columns = character.width().unwrap_or_default();
            if self.column + columns > self.width {
                self.spans.push(Span::styled(std::mem::take(&mut part), style));
                self.feed();
            }
            part.push(character);
            self.column += columns;
        }
        self.spans.push(Span::styled(part, style));
    }

    fn feed(&mut self) {
        self.lines.push(Line::from(std::mem::take(&mut self.spans)));
        self.spans.push(Span::raw(" ".repeat(self.indent)));
        self.column = self.indent;
    }

    fn finish(mut self) -> Vec<Line<'static>> {
        self.lines.push(Line::from(self.spans));
        self.lines
    }
}

/// A text as it may stand on a screen of which every column is counted: beside what [`visible`] escapes, what has no width, piles up or
/// is drawn wider by some terminals than by others.
pub(super) fn safe(text: &str) -> String {
    let text: String = text.chars().take(CHARACTERS_MAX).collect();
    let mut shown = String::with_capacity(text.len());
    let (mut marks, mut last_width) = (MARKS_MAX, 0);
    for character in visible(&text).chars() {
        match (character, character.width().unwrap_or_default()) {
            ('\u{fe00}'..='\u{fe0f}', _) => {}
            ('\u{200d}', _) if last_width > 1 => {}
            (character, _) if is_unseen(character) => shown.extend(character.escape_unicode()),
            // The first letter of a text carries no marks that came before it.
            (_, 0) if marks >= MARKS_MAX => {}
            (character, 0) => {
                marks += 1;
                shown.push(character);
            }
            (character, width) => {
                (marks, last_width) = (0, width);
                shown.push(character);
            }
        }
    }
    shown
}

/// What takes no place and joins no letters.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'
        | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAINT: Paint = Paint { has_colours: true };

    #[track_caller]
    fn check(words: &str, width: usize, expected: &[&str]) {
        let lines = PAINT.wrapped(&plain("a"), 2, &plain(words), width);
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
        for line in &lines {
            assert!(columns_of(line) <= width, "{line}");
        }
    }

    #[test]
    fn lines_break_between_words_and_within_long_ones() {
        check("one two three", 9, &["a one two", "  three"]);
        check("abcdefghij", 6, &["a abcd", "  efgh", "  ij"]);
        check("x abcdefghij", 6, &["a x", "  abcd", "  efgh", "  ij"]);
        check("東京都庁前", 7, &["a 東京", "  都庁", "  前"]);
        check("", 6, &["a "]);
        check("\u{1b}[2Jx", 20, &["a \\u{1b}[2Jx"]);
    }

    #[test]
    fn what_upsets_the_columns_is_taken_out() {
        assert_eq!(safe("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        assert_eq!(safe("👩\u{200d}👧 ❤\u{fe0f}"), "👩👧 ❤");
        assert_eq!(safe("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(safe(&format!("z{}", "\u{301}".repeat(900))), format!("z{}", "\u{301}".repeat(MARKS_MAX)));
        assert_eq!(safe("\u{301}\u{301}é"), "é", "no mark stands on what is before the text");
        assert_eq!(safe(&"x".repeat(100_000)).len(), CHARACTERS_MAX);
        assert_eq!(safe("a\u{202e}b\u{9b}c\nd"), "a\\u{202e}b\\u{9b}c d");
    }

    #[test]
    fn colours_go_and_emphasis_stays() {
        let style = AnsiColor::Red.on_default().bold().underline();
        let shown = Paint { has_colours: false }.style(style);
        assert_eq!(shown, ScreenStyle::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
        assert_eq!(PAINT.style(style), shown.fg(ScreenColour::Red));
    }

    #[test]
    fn a_line_ends_with_the_screen() {
        let words = vec![(Style::new(), "東京 ".to_owned()), (Style::new(), "one two".to_owned())];
        for (width, expected) in [(12, "東京 one two"), (10, "東京 one…"), (4, "東…"), (0, "")] {
            assert_eq!(PAINT.line(&words, width).to_string(), expected);
        }
    }
}
