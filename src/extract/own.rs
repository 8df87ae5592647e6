//! A user's own words: what a desk knows that the models do not, said in its config, without training anything.

use std::ops::RangeInclusive;

use super::phrases::{Match, Wordings};
use super::reading::Sentence;
use crate::model::{Kind, OwnWords};
use crate::text::normalize::fold;

/// The class of wordings that are no claim.
const NEVER: usize = Kind::ALL.len();

/// A user's words, ready to look up.
#[derive(Debug, Default)]
pub(super) struct Own {
    wordings: Wordings,
    roles: Vec<String>,
    bodies: Vec<(String, String)>,
}

impl Own {
    /// Prepares a user's words.
    pub(super) fn new(words: &OwnWords) -> Self {
        let mut wordings = Wordings::default();
        for (kind, wording) in &words.cues {
            if let Some(class) = Kind::ALL.iter().position(|one| one == kind) {
                wordings.add(class, wording);
            }
        }
        for wording in &words.never {
            wordings.add(NEVER, wording);
        }
        let bodies = words.metonyms.iter().map(|(name, body)| (fold(name), body.clone())).collect();
        Self { wordings, roles: words.roles.iter().map(|role| fold(role)).collect(), bodies }
    }

    /// The cues of a user in a sentence: kind and tokens; none where the same words are never a claim.
    pub(super) fn cues(&self, sentence: &Sentence) -> Vec<(Kind, RangeInclusive<usize>)> {
        let found = self.wordings.matches(&sentence.tokens);
        let never: Vec<&Match> = found.iter().filter(|found| found.class == NEVER).collect();
        let is_free = |cue: &&Match| never.iter().all(|other| other.last < cue.first || cue.last < other.first);
        let cues = found.iter().filter(is_free);
        cues.filter_map(|cue| Some((Kind::ALL.get(cue.class).copied()?, cue.first..=cue.last))).collect()
    }

    /// Whether tokens of a sentence stand in words that are never a claim.
    pub(super) fn is_never(&self, sentence: &Sentence, first: usize, last: usize) -> bool {
        let found = self.wordings.matches(&sentence.tokens);
        found.iter().any(|found| found.class == NEVER && found.first <= last && first <= found.last)
    }

    /// Nouns of offices, folded.
    pub(super) fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The body that a name stands for: "Zhongnanhai" for "China".
    pub(super) fn body(&self, name: &str) -> Option<&str> {
        let name = fold(name);
        let name = name.strip_prefix("the ").unwrap_or(&name);
        let is_meant = |(metonym, _): &&(String, String)| metonym.strip_prefix("the ").unwrap_or(metonym) == name;
        self.bodies.iter().find(is_meant).map(|(_, body)| body.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::reading::Reading;

    fn own() -> Own {
        Own::new(&OwnWords {
            cues: vec![(Kind::Denial, "pour cold water on".into()), (Kind::Allegation, "call out ~ for".into())],
            never: vec!["denied boarding".into(), "pour cold water on ~ fire".into()],
            roles: vec!["Ombudsman".into()],
            metonyms: vec![("the Hill House".into(), "Ostland".into())],
        })
    }

    fn first(text: &str) -> Sentence {
        let sentences = crate::text::sentence::sentences(text, None);
        Reading::new(text, None, &sentences).sentences.swap_remove(0)
    }

    #[test]
    fn wordings_are_cues_by_their_stems() {
        let cues = own().cues(&first("The minister poured cold water on the reports."));
        assert_eq!(cues, [(Kind::Denial, 2..=5)]);
        let cues = own().cues(&first("He called out the old company for dumping."));
        assert_eq!(cues, [(Kind::Allegation, 1..=6)]);
    }

    #[test]
    fn what_is_never_a_claim_is_no_cue_either() {
        let sentence = first("Crews poured cold water on the fire, and he was denied boarding.");
        assert_eq!(own().cues(&sentence), []);
        assert!(own().is_never(&sentence, 11, 11), "denied");
        assert!(!own().is_never(&sentence, 9, 9), "he");
    }

    #[test]
    fn names_stand_for_bodies_with_or_without_the_article() {
        assert_eq!(own().body("Hill House"), Some("Ostland"));
        assert_eq!(own().body("the hill house"), Some("Ostland"));
        assert_eq!(own().body("Hill"), None);
    }
}
