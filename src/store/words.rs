//! Words that are looked for: a client's text in, an expression of the full-text index out in which nothing of it is an operator; and
//! where in a text they stand.

use crate::model::Kind;
use crate::text::normalize::fold;

use super::StoreError;
use super::index::{DEGREES, feed_word, word_of_kind};

/// Letters of a word from which on it may be the beginning of a longer one.
const BEGINNING_MIN: usize = 4;
/// Words of a query that count.
const WORDS_MAX: usize = 16;

/// Gives the words of the index that begin with a text, where they are few enough to be listed.
pub(super) type Beginnings<'a> = dyn Fn(&str) -> Result<Option<Vec<String>>, StoreError> + 'a;

/// Places of what was looked for in a text, in code points.
pub type Marks = Vec<(usize, usize)>;

/// Words that are looked for in claims. Nothing given means all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClaimWords {
    /// One of these kinds.
    pub kinds: Vec<Kind>,
    /// Words of the speaker's name or role; the last may be the beginning of one.
    pub speaker: Option<String>,
    /// Words of an outlet's name.
    pub outlet: Option<String>,
    /// Words of what was said, of its headline, speaker or outlet.
    pub text: Option<String>,
    /// The id of the feed that brought it.
    pub feed: Option<String>,
    /// ISO 639-3.
    pub language: Option<String>,
    /// As sure as this, 0 to 1.
    pub confidence_min: Option<f64>,
}

impl ClaimWords {
    /// The expression of the full-text index; nothing where all rows fit.
    ///
    /// # Errors
    /// When `beginnings` fails.
    pub(super) fn expression(&self, beginnings: &Beginnings<'_>) -> Result<Option<String>, StoreError> {
        let one_of = |words: Vec<String>| {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            (!quoted.is_empty()).then(|| format!("facts : ({})", quoted.join(" OR ")))
        };
        let degree = self.confidence_min.and_then(|min| {
            DEGREES.iter().rev().find(|degree| f64::from(**degree) / 100.0 <= min).map(|degree| format!("c{degree}"))
        });
        let all_words = |text: &Option<String>, columns: &str| {
            let found = text.as_deref().map(|text| all_words(text, beginnings)).transpose()?;
            Ok::<_, StoreError>(found.map(|words| format!("{columns} : ({words})")))
        };
        let parts = [
            one_of(self.kinds.iter().map(|kind| word_of_kind(kind.as_str())).collect()),
            one_of(self.language.iter().map(|language| format!("l{}", plain(language))).collect()),
            one_of(self.feed.iter().map(|feed| feed_word(feed)).collect()),
            one_of(degree.into_iter().collect()),
            all_words(&self.speaker, "speaker")?,
            all_words(&self.outlet, "outlets")?,
            all_words(&self.text, "{speaker outlets words}")?,
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Whether anything in a text can be looked for.
pub(crate) fn has_words(text: &str) -> bool {
    words(text).next().is_some()
}

/// The words of a text as the index has them: runs of letters and digits, as SQLite's tokenizer takes them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS_MAX)
}

/// All words of a text, in any order. Each is quoted: nothing that a client writes is an operator.
fn all_words(text: &str, beginnings: &Beginnings<'_>) -> Result<String, StoreError> {
    let quoted = |word: &str| format!("\"{word}\"");
    let mut parts: Vec<String> = words(text).map(quoted).collect();
    if let Some((last, part)) =
        words(text).last().zip(parts.last_mut()).filter(|(last, _)| last.chars().count() >= BEGINNING_MIN)
    {
        *part = match beginnings(last)? {
            // SQLite puts all rows of all words with a beginning together before it gives the first of them; those of whole words it reads
            // as far as they are asked for.
            Some(whole) if !whole.is_empty() => {
                format!("({})", whole.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" OR "))
            }
            Some(_) => quoted(last),
            None => format!("{} *", quoted(last)),
        };
    }
    // Nothing is found by no words.
    Ok(if parts.is_empty() { quoted("\u{2}") } else { parts.join(" AND ") })
}

/// Places in a text of the words of a query, in code points, as the index finds them.
pub(crate) fn marks(text: &str, query: &str) -> Marks {
    let folded: Vec<String> = words(query).map(fold).collect();
    let mut found = Vec::new();
    let (mut word, mut start) = (String::new(), 0);
    let mut close = |word: &mut String, start: usize, end: usize| {
        let known = fold(word);
        let is_meant = |(at, wanted): (usize, &String)| {
            let is_beginning = at + 1 == folded.len() && wanted.chars().count() >= BEGINNING_MIN;
            *wanted == known || is_beginning && known.starts_with(wanted.as_str())
        };
        if !word.is_empty() && folded.iter().enumerate().any(is_meant) {
            found.push((start, end));
        }
        word.clear();
    };
    let mut end = 0;
    for (at, character) in text.chars().enumerate() {
        end = at + 1;
        if character.is_alphanumeric() {
            if word.is_empty() {
                start = at;
            }
            word.push(character);
        } else {
            close(&mut word, start, at);
        }
    }
    close(&mut word, start, end);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_client_writes_is_an_operator() {
        let of = |text: &str| {
            let words = ClaimWords { text: Some(text.to_owned()), ..ClaimWords::default() };
            words.expression(&|_| Ok(None)).unwrap().unwrap()
        };
        assert_eq!(of("a OR b"), "{speaker outlets words} : (\"a\" AND \"OR\" AND \"b\")");
        assert_eq!(
            of("NEAR(\"x\" facts:kdenial)"),
            "{speaker outlets words} : (\"NEAR\" AND \"x\" AND \"facts\" AND \"kdenial\" *)"
        );
        assert_eq!(of("\"* - ^"), "{speaker outlets words} : (\"\u{2}\")");
        assert_eq!(ClaimWords::default().expression(&|_| Ok(None)).unwrap(), None);
    }

    #[test]
    fn a_beginning_is_looked_up_by_the_words_that_it_begins() {
        let known = |beginning: &str| {
            Ok((beginning != "many").then(|| match beginning {
                "mone" => vec!["money".to_owned(), "moneys".to_owned()],
                _ => Vec::new(),
            }))
        };
        let of = |text: &str| {
            let words = ClaimWords { speaker: Some(text.to_owned()), ..ClaimWords::default() };
            words.expression(&known).unwrap().unwrap()
        };
        assert_eq!(of("stole mone"), "speaker : (\"stole\" AND (\"money\" OR \"moneys\"))");
        assert_eq!(of("zebra"), "speaker : (\"zebra\")");
        assert_eq!(of("many"), "speaker : (\"many\" *)");
    }

    #[test]
    fn sureness_is_looked_up_by_the_next_lower_degree() {
        let of = |min| {
            let words = ClaimWords { confidence_min: Some(min), ..ClaimWords::default() };
            words.expression(&|_| Ok(None)).unwrap()
        };
        assert_eq!(of(0.9).unwrap(), "facts : (\"c90\")");
        assert_eq!(of(0.93).unwrap(), "facts : (\"c90\")");
        assert_eq!(of(0.2), None);
    }

    #[test]
    fn marks_are_code_points_and_case_and_accents_do_not_count() {
        assert_eq!(marks("Señor Renée Dufaux denies it", "renee DENI"), [(6, 11), (19, 25)]);
        assert_eq!(marks("denied, denies", "den"), []);
        assert_eq!(marks("\u{202e}evil", "evil"), [(1, 5)]);
        assert_eq!(marks("", "x"), []);
    }
}
