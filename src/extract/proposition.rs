//! Propositions: the spans of a claim's content in, a form that can be compared across wordings out.

use std::collections::BTreeSet;

use super::resolve::lexicon::{is_body, is_people};
use crate::model::{Proposition, Span};
use crate::text::normalize::{fold, is_stop_word, stem};
use crate::text::place::{PLACE_WORDS_MAX, place};
use crate::text::token::tokens;

/// Terms kept of one proposition, first ones first; content is bounded already, this bounds hostile text.
const TERMS_MAX: usize = 200;
/// Words that report or hedge a proposition without being part of it.
const REPORTING: [&str; 30] = [
    "say",
    "said",
    "says",
    "tell",
    "told",
    "allege",
    "alleged",
    "allegedly",
    "allegation",
    "allegations",
    "claim",
    "claims",
    "claimed",
    "accuse",
    "accused",
    "accusation",
    "accusations",
    "report",
    "reports",
    "reported",
    "reportedly",
    "deny",
    "denied",
    "denies",
    "denial",
    "according",
    "add",
    "added",
    "suggest",
    "suggestion",
];
/// Words that negate the clause they stand in.
const NEGATIONS: [&str; 9] = ["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "cannot"];
/// Words behind which a clause of its own begins; a negation there does not touch the proposition.
const SUBORDINATORS: [&str; 12] =
    ["who", "whom", "whose", "which", "because", "although", "though", "while", "whereas", "unless", "if", "despite"];
/// Words that turn a negation before them into an emphasis ("not only", "no doubt").
const EMPHASES: [&str; 4] = ["only", "doubt", "just", "longer"];

/// The proposition that `content` states.
pub fn proposition(text: &str, content: &[Span]) -> Proposition {
    let pieces: Vec<&str> = content.iter().map(|span| span.of(text)).collect();
    let mut terms = BTreeSet::new();
    let mut entities = BTreeSet::new();
    let mut is_negated = false;
    for &span in content {
        let words: Vec<Word<'_>> = tokens(text, span).into_iter().map(|at| Word::new(at.of(text))).collect();
        is_negated |= negates(&words);
        collect(&words, &mut terms, &mut entities);
    }
    let sorted = |found: BTreeSet<String>| found.into_iter().collect();
    Proposition { text: pieces.join(" … "), terms: sorted(terms), entities: sorted(entities), is_negated }
}

struct Word<'a> {
    text: &'a str,
    folded: String,
}

impl<'a> Word<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, folded: fold(text) }
    }

    fn is_capital(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }

    fn is_telling(&self) -> bool {
        self.text.chars().any(char::is_alphanumeric)
            && !is_stop_word(&self.folded)
            && !REPORTING.contains(&self.folded.as_str())
    }
}

/// Fills terms and entities: places under one name, figures, names by their telling word, all other telling words stemmed.
fn collect(words: &[Word<'_>], terms: &mut BTreeSet<String>, entities: &mut BTreeSet<String>) {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if terms.len() >= TERMS_MAX {
            return;
        }
        if let Some((name, length)) = place_at(words, at) {
            let name = fold(name);
            terms.insert(name.clone());
            entities.insert(name);
            at += length;
            continue;
        }
        let length = name_length(words, at);
        let named = words.get(at..at + length).unwrap_or_default();
        terms.extend(
            named
                .iter()
                .chain(named.is_empty().then_some(word))
                .filter(|word| word.is_telling())
                .map(|word| stem(&word.folded)),
        );
        let opens = at == 0 && length == 1;
        if let Some(name) = name_key(named).filter(|_| !opens) {
            entities.insert(name);
        } else if word.folded.starts_with(|c: char| c.is_ascii_digit()) {
            entities.insert(word.folded.clone());
        }
        at += length.max(1);
    }
}

/// The place named at a word, and how many words name it.
fn place_at(words: &[Word<'_>], at: usize) -> Option<(&'static str, usize)> {
    let first = words.get(at).filter(|word| word.is_capital())?;
    if first.folded == "us" && first.text != "US" {
        return None;
    }
    (1..=PLACE_WORDS_MAX).rev().find_map(|length| {
        let part = words.get(at..at + length)?;
        let joined = part.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ");
        place(&joined).map(|name| (name, length))
    })
}

/// How many words from `at` on make up a name.
fn name_length(words: &[Word<'_>], at: usize) -> usize {
    let is_part = |word: &&Word<'_>| word.is_capital() && word.is_telling();
    words.iter().skip(at).take_while(is_part).count()
}

/// The word that tells a name from others: the last; all of them where the last is a common noun for a body.
fn name_key(name: &[Word<'_>]) -> Option<String> {
    let last = name.last().filter(|last| !is_people(&last.folded))?;
    if is_body(&last.folded) {
        return Some(name.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" "));
    }
    Some(last.folded.clone())
}

/// Whether the main clause of a piece is negated.
fn negates(words: &[Word<'_>]) -> bool {
    let clause = words.iter().take_while(|word| !SUBORDINATORS.contains(&word.folded.as_str())).collect::<Vec<_>>();
    clause.iter().enumerate().any(|(at, word)| {
        let is_negation = NEGATIONS.contains(&word.folded.as_str()) || word.folded.ends_with("n't");
        is_negation && !clause.get(at + 1).is_some_and(|next| EMPHASES.contains(&next.folded.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Proposition {
        proposition(text, &[Span::new(0, text.len())])
    }

    #[track_caller]
    fn check(text: &str, terms: &[&str], entities: &[&str], is_negated: bool) {
        let found = of(text);
        assert_eq!(found.terms, terms, "terms of {text}");
        assert_eq!(found.entities, entities, "entities of {text}");
        assert_eq!(found.is_negated, is_negated, "polarity of {text}");
    }

    #[test]
    fn terms_names_and_figures() {
        check("that Alba Lind took 3 bribes", &["3", "alba", "brib", "lind", "took"], &["3", "lind"], false);
        check("Vostok's troops were sent", &["sent", "troop", "vostok"], &[], false);
        check("the Harbour Ministry lied", &["harbour", "lied", "ministri"], &["harbour ministry"], false);
    }

    #[test]
    fn places_have_one_name() {
        assert_eq!(of("North Korean soldiers in Russia").entities, ["north korea", "russia"]);
        assert_eq!(of("Pyongyang's soldiers on Russian soil").entities, ["north korea", "russia"]);
        assert!(of("gave us nothing").entities.is_empty());
    }

    #[test]
    fn polarity() {
        for negated in ["is not a violation of it", "no troops were sent", "We didn't pay", "there is no evidence"] {
            assert!(of(negated).is_negated, "{negated}");
        }
        for plain in ["paid not only him", "a man who was not there took it", "no doubt he took it", "took bribes"] {
            assert!(!of(plain).is_negated, "{plain}");
        }
    }

    #[test]
    fn pieces_are_joined() {
        let text = "one, he said, two";
        assert_eq!(proposition(text, &[Span::new(0, 3), Span::new(14, 17)]).text, "one … two");
    }

    proptest! {
        #[test]
        fn any_text_gives_sorted_lists(text in "\\PC{0,80}") {
            let found = of(&text);
            prop_assert!(found.terms.is_sorted() && found.entities.is_sorted());
        }
    }
}
