//! Wordpieces: a folded token in, the numbers of the vocabulary's pieces out.
//!
//! The longest piece that the word starts with, again and again (Wu et al. 2016): pieces behind the first carry "##".

use rustc_hash::FxHashMap;

/// Pieces kept of one token; a bound for hostile text.
const PIECES_MAX: usize = 12;
/// Bytes of one word that are looked at; longer runs of letters are no words.
const WORD_BYTES_MAX: usize = 100;

/// Stands for a word that has no pieces; the marks that every vocabulary starts with have their numbers in the order of `MARKS`.
pub(super) const UNKNOWN: i32 = 1;
/// Starts a window.
pub(super) const START: i32 = 2;
/// Ends a sentence.
pub(super) const END: i32 = 3;
const MARKS: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// A vocabulary.
#[derive(Debug)]
pub(super) struct WordPieces(FxHashMap<Box<str>, i32>);

impl WordPieces {
    /// Reads a vocabulary, one piece a line; `None` where it does not start with the four marks.
    pub(super) fn from_lines(text: &str) -> Option<Self> {
        let mut pieces = FxHashMap::default();
        for (number, piece) in (0_i32..).zip(text.lines()) {
            pieces.insert(Box::from(piece), number);
        }
        let starts_right = (0..).zip(MARKS).all(|(number, mark)| pieces.get(mark) == Some(&number));
        starts_right.then_some(Self(pieces))
    }

    /// The pieces of a folded token: at least one.
    pub(super) fn pieces(&self, token: &str) -> Vec<i32> {
        let mut found = Vec::new();
        let mut rest = token;
        while !rest.is_empty() && found.len() < PIECES_MAX {
            let word = rest.len() - rest.trim_start_matches(char::is_alphanumeric).len();
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let (part, behind) = rest.split_at(word.max(first));
            self.add_part(part, &mut found);
            rest = behind;
        }
        found.truncate(PIECES_MAX);
        if found.is_empty() {
            found.push(UNKNOWN);
        }
        found
    }

    /// Adds the pieces of a run of letters and digits, or of a mark.
    fn add_part(&self, part: &str, found: &mut Vec<i32>) {
        let before = found.len();
        if part.len() > WORD_BYTES_MAX {
            found.push(UNKNOWN);
            return;
        }
        let mut key = String::with_capacity(part.len() + 2);
        let mut rest = part;
        while !rest.is_empty() {
            let prefix = if rest.len() < part.len() { "##" } else { "" };
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let longest = ends.into_iter().find_map(|end| {
                key.clear();
                key.push_str(prefix);
                key.push_str(rest.get(..end)?);
                self.0.get(key.as_str()).map(|&number| (end, number))
            });
            let Some((end, number)) = longest else {
                found.truncate(before);
                found.push(UNKNOWN);
                return;
            };
            found.push(number);
            rest = rest.get(end..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> WordPieces {
        WordPieces::from_lines("[PAD]\n[UNK]\n[CLS]\n[SEP]\ndeny\nden\n##ied\n##y\n'\ns\n.\nu").unwrap()
    }

    #[test]
    fn the_longest_piece_wins() {
        assert_eq!(vocabulary().pieces("deny"), [4]);
        assert_eq!(vocabulary().pieces("denied"), [5, 6]);
    }

    #[test]
    fn marks_stand_alone() {
        assert_eq!(vocabulary().pieces("u.s"), [11, 10, 9]);
        assert_eq!(vocabulary().pieces("'s"), [8, 9]);
    }

    #[test]
    fn what_has_no_pieces_is_unknown_as_a_whole() {
        assert_eq!(vocabulary().pieces("denx"), [UNKNOWN]);
        assert_eq!(vocabulary().pieces("deny-ж"), [4, UNKNOWN, UNKNOWN]);
        assert_eq!(vocabulary().pieces(""), [UNKNOWN]);
        assert_eq!(vocabulary().pieces(&"u".repeat(5_000)), [UNKNOWN]);
    }

    #[test]
    fn pieces_are_bounded() {
        assert_eq!(vocabulary().pieces(&"u.".repeat(5_000)).len(), PIECES_MAX);
    }

    #[test]
    fn a_vocabulary_without_its_marks_is_refused() {
        assert!(WordPieces::from_lines("deny\nden").is_none());
        assert!(WordPieces::from_lines("").is_none());
    }
}
