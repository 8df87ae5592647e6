//! Tokens of a stretch of text: words and single marks; read by the extractor and the fingerprint.

use crate::model::Span;

/// Letters of the longest acronym; a bound, so that hostile text costs linear time.
const ACRONYM_LETTERS_MAX: usize = 12;

/// The words and marks of `span` in order, as byte ranges of `text`.
///
/// A word keeps its inner apostrophes, hyphens, decimal and thousands marks and ampersands ("didn't", "well-known", "10,000",
/// "AT&T") and the stops of an acronym ("U.S."); the clitic 's is a token of its own ("Russia", "'s"). Every other character that
/// is not white space is a token of its own, except that a run of full stops or hyphens is one ("...", "--").
pub fn tokens(text: &str, span: Span) -> Vec<Span> {
    let mut found = Vec::new();
    let words = span.of(text);
    let mut rest = words.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let tail = words.get(start..).unwrap_or_default();
        let len = if is_word(first) {
            word_len(tail)
        } else if let Some(clitic) = clitic_len(tail) {
            clitic
        } else if matches!(first, '.' | '-') {
            tail.len() - tail.trim_start_matches(first).len()
        } else {
            first.len_utf8()
        };
        found.push(Span::new(span.start + start, span.start + start + len));
        while rest.next_if(|&(at, _)| at < start + len).is_some() {}
    }
    found
}

/// Length in bytes of the word that `tail` starts with.
fn word_len(tail: &str) -> usize {
    if let Some(len) = acronym_len(tail) {
        return len;
    }
    let mut characters = tail.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = characters.next() {
        if is_word(c) {
            before = c;
            continue;
        }
        let next = characters.peek().map_or(' ', |&(_, next)| next);
        let joins = match c {
            '\'' | '\u{2019}' => is_word(next) && clitic_len(tail.get(at..).unwrap_or_default()).is_none(),
            '-' | '\u{2010}' | '\u{2011}' | '&' | '\u{ad}' => is_word(next),
            '.' | ',' => before.is_ascii_digit() && next.is_ascii_digit(),
            _ => false,
        };
        if !joins {
            return at;
        }
        before = c;
    }
    tail.len()
}

/// Length of "'s" where it ends a word.
fn clitic_len(tail: &str) -> Option<usize> {
    let mut characters = tail.chars();
    let mark = characters.next().filter(|c| matches!(c, '\'' | '\u{2019}'))?;
    characters.next().filter(|c| matches!(c, 's' | 'S'))?;
    match characters.next() {
        Some(c) if is_word(c) => None,
        _ => Some(mark.len_utf8() + 1),
    }
}

/// Length of "U.S." and the like: single letters each with a full stop, at least two.
fn acronym_len(tail: &str) -> Option<usize> {
    let mut len = 0;
    let mut letters = 0;
    let mut characters = tail.chars();
    while let (Some(letter), Some('.')) = (characters.next(), characters.next()) {
        if !letter.is_alphabetic() || letters == ACRONYM_LETTERS_MAX {
            break;
        }
        len += letter.len_utf8() + 1;
        letters += 1;
    }
    let ends = tail.get(len..).and_then(|after| after.chars().next()).is_none_or(|c| !is_word(c));
    (letters >= 2 && ends).then_some(len)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = tokens(text, Span::new(0, text.len())).iter().map(|span| span.of(text)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_and_marks() {
        check("Russia's envoy didn't reply.", &["Russia", "'s", "envoy", "didn't", "reply", "."]);
        check("Russia’s", &["Russia", "’s"]);
        check(
            "U.S. officials paid $1.2 bn, or 10,000 each",
            &["U.S.", "officials", "paid", "$", "1.2", "bn", ",", "or", "10,000", "each"],
        );
        check("\"No,\" he said...", &["\"", "No", ",", "\"", "he", "said", "..."]);
        check("well-known AT&T -- O'Brien", &["well-known", "AT&T", "--", "O'Brien"]);
        check("the troops' camp", &["the", "troops", "'", "camp"]);
        check("Élan vital—oui", &["Élan", "vital", "—", "oui"]);
    }

    #[test]
    fn a_span_in_the_middle() {
        let text = "One. Two words. Three";
        let found = tokens(text, Span::new(5, 15));
        assert_eq!(found.iter().map(|span| span.of(text)).collect::<Vec<_>>(), ["Two", "words", "."]);
    }

    proptest! {
        #[test]
        fn spans_are_ascending_and_cover_all_but_white_space(text in "\\PC{0,60}") {
            let found = tokens(&text, Span::new(0, text.len()));
            let mut at = 0;
            for span in found {
                prop_assert!(span.start >= at && !span.is_empty() && text.get(span.start..span.end).is_some());
                prop_assert!(text.get(at..span.start).is_some_and(|gap| gap.trim().is_empty()));
                at = span.end;
            }
            prop_assert!(text.get(at..).is_some_and(|gap| gap.trim().is_empty()));
        }
    }
}
