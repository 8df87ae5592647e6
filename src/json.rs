//! How all JSON that leaves the program is written: any value in, compact JSON out in which no character is invisible; called by
//! `commands`, `intake`, `sink` and `template`.
//!
//! Evidence is verbatim, so its texts may hold what upsets a terminal (C1 controls) or shows words in another order than they
//! stand (bidirectional marks). Escaped, they read back as the same text and do nothing on the way.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Appends `value` to `out`.
///
/// # Errors
/// If the output cannot be written or the value is none that JSON can hold.
pub(crate) fn write(out: impl io::Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Visible))
}

/// The compact form with invisible characters escaped; `serde_json` itself escapes those below U+0020.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_invisible) {
            let (before, after) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let mut characters = after.chars();
            // All of them lie in the plane that four digits reach.
            if let Some(character) = characters.next() {
                write!(out, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Controls, bidirectional marks, and the two separators that some readers of lines take for the end of one.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        write(&mut out, &text).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert_eq!(written, format!("\"{expected}\""));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        check("\u{9b}31m", "\\u009b31m");
        check("\u{1b}[0m\u{7f}\u{80}\u{9f}", "\\u001b[0m\\u007f\\u0080\\u009f");
        check("a\u{202e}b\u{2066}c\u{200f}", "a\\u202eb\\u2066c\\u200f");
        check("a\u{2028}b\u{85}", "a\\u2028b\\u0085");
        check("“naïve” \"é\"\n", "“naïve” \\\"é\\\"\\n");
    }
}
