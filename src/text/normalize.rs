//! Normal forms of words: folded (for comparing spellings) and stemmed (for comparing inflections), and stop words.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::lexicon::STOP_WORDS;

/// The comparison form of `text`: compatibility-decomposed, marks and invisible characters dropped, lower case, quotes and
/// dashes in their ASCII form. Folding twice is folding once.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Lower-casing can bring marks back (İ becomes i and a dot), hence the second filter after it.
    let lower = text.nfkd().filter(|&c| !is_dropped(c)).flat_map(char::to_lowercase);
    lower.nfkd().filter(|&c| !is_dropped(c)).map(plain).collect()
}

/// The stem of a folded English word: plural, `-ed`, `-ing` and possessive endings taken off, so that "denies", "denied" and
/// "denying" meet in "deni", as "deny" does. Light on purpose: it never touches derivation ("denial" stays "denial"), and words
/// of up to three letters stay as they are.
pub fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'")).unwrap_or(word);
    if word.len() <= 3 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let base = strip_inflection(word);
    // A final y and i are one letter here (deny, deni-es); a silent e goes (charge, charg-ed).
    let base = match base.as_bytes() {
        [kept @ .., before, b'y'] if !is_vowel(*before) && !kept.is_empty() => {
            Cow::Owned(format!("{}i", base.strip_suffix('y').unwrap_or(base)))
        }
        [_, _, _, .., b'e'] if !base.ends_with("ee") => Cow::Borrowed(base.strip_suffix('e').unwrap_or(base)),
        _ => Cow::Borrowed(base),
    };
    base.into_owned()
}

/// Whether a folded word is a function word.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}

fn strip_inflection(word: &str) -> &str {
    let ending = |suffix: &str, least: usize| {
        word.strip_suffix(suffix)
            .filter(|rest| rest.len() >= least && rest.bytes().any(|byte| is_vowel(byte) || byte == b'y'))
    };
    if let Some(rest) = ending("ied", 2).or_else(|| ending("ies", 2)) {
        return word.get(..=rest.len()).unwrap_or(rest);
    }
    if let Some(rest) = ending("ing", 3).or_else(|| ending("ed", 3)) {
        return undouble(rest);
    }
    if ["sses", "xes", "ches", "shes", "zzes"].iter().any(|suffix| word.ends_with(suffix)) {
        return word.strip_suffix("es").unwrap_or(word);
    }
    match word.strip_suffix('s') {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => rest,
        _ => word,
    }
}

/// "stopp" (of "stopped") becomes "stop"; double l, s and z belong to the word ("tell", "pass", "buzz").
fn undouble(base: &str) -> &str {
    match base.as_bytes() {
        [.., a, b] if a == b && !is_vowel(*a) && !matches!(a, b'l' | b's' | b'z') => {
            base.get(..base.len() - 1).unwrap_or(base)
        }
        _ => base,
    }
}

fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u')
}

fn is_dropped(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn plain(c: char) -> char {
    match c {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '`' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '«' | '»' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_fold(text: &str, expected: &str) {
        assert_eq!(fold(text), expected);
    }

    #[track_caller]
    fn check_stem(words: &[&str], expected: &str) {
        for word in words {
            assert_eq!(stem(word), expected, "stem of {word}");
        }
    }

    #[test]
    fn spellings_meet() {
        check_fold("Nicolás’s “élan” — NO", "nicolas's \"elan\" - no");
        check_fold("bar\u{ad}red \u{fb01}ne", "barred fine");
        check_fold("İzmir", "izmir");
    }

    #[test]
    fn inflections_meet() {
        check_stem(&["deny", "denies", "denied", "denying"], "deni");
        check_stem(&["charge", "charges", "charged", "charging"], "charg");
        check_stem(&["stop", "stops", "stopped", "stopping"], "stop");
        check_stem(&["dismiss", "dismisses", "dismissed", "dismissing"], "dismiss");
        check_stem(&["troop", "troops"], "troop");
        check_stem(&["russia", "russia's"], "russia");
        check_stem(&["bus"], "bus");
        check_stem(&["string"], "string");
        check_stem(&["agree", "agrees"], "agree");
        check_stem(&["1987"], "1987");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
