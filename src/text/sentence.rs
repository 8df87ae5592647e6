//! Sentences of a text, as spans in order; read by the extractor and everything that quotes evidence.

use super::lexicon::{ABBREVIATIONS, AFTER_TIME, Abbreviation, OPENERS};
use crate::model::Span;

/// Bytes after which a sentence that will not end is cut at white space.
pub const SENTENCE_BYTES_MAX: usize = 2_000;
/// Marks that can end a sentence.
const STOPS: [char; 5] = ['.', '!', '?', '…', '。'];
/// Longest word looked at before a full stop.
const WORD_BYTES_MAX: usize = 40;

/// The sentences of `text`, trimmed, never empty, ascending. The headline is one; a line feed ends one; closing quotes and
/// brackets belong to the sentence before them.
pub fn sentences(text: &str, headline: Option<Span>) -> Vec<Span> {
    let mut found = Vec::new();
    let headline = headline.unwrap_or(Span::new(0, 0));
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        let span = Span::new(start, start + line.len());
        start = span.end;
        if !headline.is_empty() && span.overlaps(headline) {
            if found.last() != Some(&headline) {
                found.push(headline);
            }
            if span.end > headline.end {
                split_line(text, Span::new(headline.end, span.end), &mut found);
            }
        } else {
            split_line(text, span, &mut found);
        }
    }
    found
}

fn split_line(text: &str, line: Span, found: &mut Vec<Span>) {
    let words = line.of(text);
    let mut start = 0;
    let mut at = 0;
    while let Some(stop) = words.get(at..).and_then(|rest| rest.find(STOPS)) {
        let stop = at + stop;
        // Past the whole run of marks, so that a line of full stops takes linear time.
        let tail = words.get(stop..).unwrap_or_default();
        at = words.len() - tail.trim_start_matches(STOPS).len();
        if let Some(end) = sentence_end(words, start, stop) {
            push(text, line.start + start, line.start + end, found);
            start = end;
            at = end;
        }
    }
    push(text, line.start + start, line.end, found);
}

/// Adds the trimmed sentence, cut where it runs away.
fn push(text: &str, mut start: usize, end: usize, found: &mut Vec<Span>) {
    while end - start > SENTENCE_BYTES_MAX {
        let limit = text.floor_char_boundary(start + SENTENCE_BYTES_MAX);
        let piece = text.get(start..limit).unwrap_or_default();
        let cut = piece.rfind(char::is_whitespace).filter(|&at| at > 0).map_or(limit, |at| start + at);
        add(text, Span::new(start, cut), found);
        start = cut;
    }
    add(text, Span::new(start, end), found);
}

fn add(text: &str, span: Span, found: &mut Vec<Span>) {
    let span = span.trimmed(text);
    if !span.is_empty() {
        found.push(span);
    }
}

/// One past the sentence's last byte, if the mark at `stop` ends the sentence that began at `start`.
fn sentence_end(words: &str, start: usize, stop: usize) -> Option<usize> {
    let tail = words.get(stop..)?;
    let marks_len = tail.len() - tail.trim_start_matches(STOPS).len();
    let marks = tail.get(..marks_len)?;
    let after_marks = tail.get(marks_len..)?;
    let closers = after_marks.len() - after_marks.trim_start_matches(is_closer).len();
    let closed = after_marks.get(..closers)?;
    let after = after_marks.get(closers..)?;
    let next = after.trim_start();
    if next.is_empty() {
        return None;
    }
    let end = stop + marks_len + closers;
    if next.len() == after.len() {
        return is_glued_end(words, stop, marks, closed, after).then_some(end);
    }
    let opening = next.trim_start_matches(is_opener);
    let first = opening.chars().next()?;
    if first.is_lowercase() || matches!(first, ',' | ';' | ':' | ')') {
        return None;
    }
    let word = next_word(opening);
    if marks.chars().count() > 1 && closed.is_empty() {
        return Some(end);
    }
    if marks == "…" {
        // After an ellipsis a name may go on; a word that opens sentences does not.
        return (!closed.is_empty() || opening.len() < next.len() || is_sentence_opener(word)).then_some(end);
    }
    if marks != "." {
        // "Why?" Smith asked.
        let is_asked = !closed.is_empty() && is_attributed(opening);
        return (!is_asked).then_some(end);
    }
    if !closed.is_empty() {
        return Some(end);
    }
    ends_after_word(words.get(start..stop)?, word, opening.len() < next.len()).then_some(end)
}

/// Whether the stop after the last word of `before` ends the sentence, given the next word.
fn ends_after_word(before: &str, next: &str, is_quote_next: bool) -> bool {
    let from = before.char_indices().rev().find(|&(at, c)| c.is_whitespace() || before.len() - at > WORD_BYTES_MAX);
    let word = from.map_or(before, |(at, c)| before.get(at + c.len_utf8()..).unwrap_or_default());
    let word = word.trim_start_matches(|c: char| is_opener(c) || matches!(c, '-' | '—' | '–' | '/' | '$' | '£' | '€'));
    let lower = word.to_lowercase();
    let key = lower.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '-'));
    let class =
        ABBREVIATIONS.get(lower.as_str()).or_else(|| ABBREVIATIONS.get(key).filter(|_| key.len() < lower.len()));
    let opens = is_quote_next || is_sentence_opener(next);
    let is_digit_next = next.starts_with(|c: char| c.is_ascii_digit());
    match class {
        Some(Abbreviation::Title) => false,
        Some(Abbreviation::Number) => !is_digit_next,
        Some(Abbreviation::Time) => !is_digit_next && !AFTER_TIME.contains(next.to_lowercase().as_str()),
        Some(Abbreviation::Proper) if !word.starts_with(char::is_uppercase) => true,
        Some(Abbreviation::Unit | Abbreviation::Proper) => opens && !is_digit_next,
        None if is_initial(word) => opens,
        None => true,
    }
}

/// A stop with no space behind it ends a sentence only where mangled markup glued two: "said.The" or "left.”The".
fn is_glued_end(words: &str, stop: usize, marks: &str, closed: &str, after: &str) -> bool {
    let mut next = after.chars();
    let is_capitalised = next.next().is_some_and(char::is_uppercase) && next.next().is_some_and(char::is_lowercase);
    let mut before = words.get(..stop).unwrap_or_default().chars().rev();
    let is_word = (0..3).all(|_| before.next().is_some_and(char::is_lowercase));
    let is_address = words
        .get(..stop)
        .unwrap_or_default()
        .chars()
        .rev()
        .take(WORD_BYTES_MAX)
        .take_while(|c| !c.is_whitespace())
        .any(|c| matches!(c, '/' | '@' | '.'));
    marks.len() <= 3 && is_capitalised && !is_address && (is_word || !closed.is_empty())
}

/// "Smith asked", "he said": up to three words, the last a verb of speech.
fn is_attributed(next: &str) -> bool {
    next.split_whitespace().take(4).skip(1).any(|word| {
        matches!(
            word.trim_matches(|c: char| !c.is_alphabetic()),
            "said"
                | "asked"
                | "says"
                | "asks"
                | "told"
                | "added"
                | "wrote"
                | "tweeted"
                | "replied"
                | "shouted"
                | "wondered"
        )
    })
}

fn is_sentence_opener(word: &str) -> bool {
    OPENERS.contains(word.to_lowercase().as_str())
}

/// "J", "U.S": a letter, or letters parted by stops.
fn is_initial(word: &str) -> bool {
    let mut expects_letter = true;
    let mut letters = 0;
    for c in word.chars() {
        if c.is_alphabetic() == expects_letter && (expects_letter || c == '.') {
            letters += usize::from(expects_letter);
            expects_letter = !expects_letter;
        } else {
            return false;
        }
    }
    letters > 1 || word.chars().all(char::is_uppercase) && letters == 1
}

fn next_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'))).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    word.get(..word.floor_char_boundary(WORD_BYTES_MAX)).unwrap_or_default()
}

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '}' | '»')
}

fn is_opener(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '‘' | '(' | '[' | '{' | '«' | '„')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text, None).iter().map(|span| span.of(text)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn stops_end_sentences() {
        check("He left. She stayed! Why? Because.", &["He left.", "She stayed!", "Why?", "Because."]);
        check("He said: \"We go.\" Then he left.", &["He said: \"We go.\"", "Then he left."]);
        check("“No.” The envoy left.", &["“No.”", "The envoy left."]);
        check("One line\nAnother one", &["One line", "Another one"]);
        check("HE LEFT. REUTER", &["HE LEFT.", "REUTER"]);
        check("the army said.The rebels left", &["the army said.", "The rebels left"]);
    }

    #[test]
    fn abbreviations_do_not() {
        check("Gen. Lee and Sen. Ray met.", &["Gen. Lee and Sen. Ray met."]);
        check("The U.S. Army spent $1.2 bn. on it.", &["The U.S. Army spent $1.2 bn. on it."]);
        check("It costs $1.2 bn. The army pays.", &["It costs $1.2 bn.", "The army pays."]);
        check("At 5 p.m. Friday they met.", &["At 5 p.m. Friday they met."]);
        check("They met at 5 p.m. Smith left.", &["They met at 5 p.m.", "Smith left."]);
        check("He left the U.S. He is gone.", &["He left the U.S.", "He is gone."]);
        check("J. K. Doe of Acme Inc. Monday", &["J. K. Doe of Acme Inc. Monday"]);
        check("Room No. 5 is on St. James Street since Jan. 5.", &["Room No. 5 is on St. James Street since Jan. 5."]);
        check("The answer was no. He left.", &["The answer was no.", "He left."]);
        check("GEN. LEE LEFT. HE IS GONE.", &["GEN. LEE LEFT.", "HE IS GONE."]);
    }

    #[test]
    fn what_goes_on_in_lower_case_is_one_sentence() {
        check("\"Really?\" he asked.", &["\"Really?\" he asked."]);
        check("\"Why?\" Smith asked.", &["\"Why?\" Smith asked."]);
        check("The regime... and allies", &["The regime... and allies"]);
        check("They waited... Nobody came.", &["They waited...", "Nobody came."]);
        check(
            "Prices rose 1.5 pct to 20.75 at www.a.example today.",
            &["Prices rose 1.5 pct to 20.75 at www.a.example today."],
        );
    }

    #[test]
    fn the_headline_is_one_sentence() {
        let text = "No. 1 bank fails. Why?\nIt failed. It did.";
        let found = sentences(text, Some(Span::new(0, 22)));
        assert_eq!(
            found.iter().map(|span| span.of(text)).collect::<Vec<_>>(),
            ["No. 1 bank fails. Why?", "It failed.", "It did."]
        );
    }

    #[test]
    fn runaways_are_cut() {
        let text = "word ".repeat(2_000);
        let found = sentences(&text, None);
        assert!(found.len() >= 5 && found.iter().all(|span| span.len() <= SENTENCE_BYTES_MAX));
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for piece in [".", "a.", "?\"", ". ", "A. "] {
            let text = piece.repeat(60_000);
            assert!(sentences(&text, None).len() <= text.len(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn spans_are_trimmed_and_ascending(text in "[a-cA-C.?!\"'” \\né]{0,60}") {
            let mut at = 0;
            for span in sentences(&text, None) {
                prop_assert!(span.start >= at && !span.is_empty() && span.trimmed(&text) == span);
                at = span.end;
            }
        }
    }
}
