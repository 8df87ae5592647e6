//! Speech acts of a document: its claims in, those that tell one act grouped out.
//!
//! A story tells what matters more than once: in its headline, its lead, and again with the details. Each telling is a claim
//! of the analysis; the desk knows one claim for the act, in the words of its fullest telling.

use std::collections::BTreeSet;

use crate::contract;
use crate::link::score::{Overlap, overlap, telling_stems};
use crate::link::speaker::{same_name, same_party, same_side};
use crate::link::view::View;
use crate::model::{Analysis, Claim, ClaimId, Document, Kind, Proposition, Span, Speaker, ThreadId};
use crate::text::normalize::{fold, stem};
use crate::text::token::tokens;

/// Share of the shorter content that two tellings by one side have in common: the tellings, and the copies of a story, say the
/// same in other cuts …
const SAME_SIDE_CONTAINMENT_MIN: f64 = 0.45;
/// … and that two have of which one names its speaker and the other only says what the speaker is …
const DESCRIBED_CONTAINMENT_MIN: f64 = 0.6;
/// … with this many terms.
const DESCRIBED_SHARED_MIN: usize = 2;
/// Share of a headline's words that the sentence holds which tells it again …
const HEADLINE_CONTAINMENT_MIN: f64 = 0.6;
/// … and their number.
const HEADLINE_SHARED_MIN: usize = 3;
/// Acts of one document that a claim is compared with: a bound for hostile text.
const ACTS_MAX: usize = 100;

/// One speech act of a document.
pub(super) struct Act {
    /// Its fullest telling, with what the others add: who speaks or is accused where it does not say, the allegations they answer,
    /// and how sure they are.
    pub(super) claim: Claim,
    /// Positions of its tellings in the analysis.
    pub(super) tellings: BTreeSet<usize>,
    /// How it is compared with claims of other documents.
    pub(super) view: View,
    /// The thread of earlier documents that tells of its matter.
    pub(super) earlier: Option<ThreadId>,
}

impl Act {
    fn new(analysis: &Analysis, claim: Claim, tellings: BTreeSet<usize>) -> Self {
        let report = contract::report(analysis, &claim, ClaimId::of(&[]), 1);
        let view = View::of(claim.kind, &report, claim.speaker.as_ref(), &claim.proposition);
        Self { claim, tellings, view, earlier: None }
    }
}

/// The acts of a document, statements left out: allegations first, so that their answers find them; of each kind the story's own
/// words before its headline's, which tell less. `weight` gives the rarity of a term.
pub(super) fn acts(analysis: &Analysis, common_nouns: &CommonNouns, weight: impl Fn(&str) -> f64) -> Vec<Act> {
    let document = &analysis.document;
    let headline_end = document.headline.map_or(0, |headline| headline.end);
    let lead = analysis.sentences.iter().copied().find(|sentence| sentence.start >= headline_end);
    let told = Told { text: &document.text, headline_end, lead, common_nouns };
    let claims = analysis.claims.iter().enumerate();
    let mut order: Vec<(usize, &Claim)> = claims.filter(|(_, claim)| claim.kind != Kind::Statement).collect();
    order.sort_by_key(|(_, claim)| (claim.kind != Kind::Allegation, told.is_headline(claim)));
    let mut acts: Vec<(Claim, BTreeSet<usize>)> = Vec::new();
    for (position, claim) in order {
        let is_same = |(_, tellings): &&mut (Claim, BTreeSet<usize>)| {
            let tellings = || tellings.iter().filter_map(|&telling| analysis.claims.get(telling));
            tellings().all(|other| told.may_be_one(claim, other))
                && tellings().any(|other| told.is_one(claim, other, &weight))
        };
        if let Some((fullest, tellings)) = acts.iter_mut().take(ACTS_MAX).find(is_same) {
            tellings.insert(position);
            *fullest = told.merged(fullest, claim);
        } else {
            acts.push((claim.clone(), [position].into()));
        }
    }
    acts.into_iter().map(|(claim, tellings)| Act::new(analysis, claim, tellings)).collect()
}

/// A document, to compare what it tells.
struct Told<'a> {
    text: &'a str,
    headline_end: usize,
    /// The first sentence of the story itself.
    lead: Option<Span>,
    common_nouns: &'a CommonNouns,
}

impl Told<'_> {
    fn is_headline(&self, claim: &Claim) -> bool {
        claim.attribution.sentence.end <= self.headline_end
    }

    /// Whether nothing speaks against two claims telling one act.
    fn may_be_one(&self, one: &Claim, other: &Claim) -> bool {
        let speakers = one.speaker.as_ref().zip(other.speaker.as_ref());
        let targets = one.target.as_deref().zip(other.target.as_deref());
        one.kind == other.kind
            && one.is_negated_denial == other.is_negated_denial
            && one.proposition.is_negated == other.proposition.is_negated
            && figures_agree(&one.proposition, &other.proposition)
            && speakers.is_none_or(|(speaker, second)| {
                let are_described = [speaker, second].map(|speaker| self.common_nouns.describe_own(&speaker.name));
                // A headline says "Washington" for the Pentagon, or "regulator"; a text that names both means two.
                if self.is_headline(one) == self.is_headline(other) {
                    same_name(&speaker.name, &second.name) || are_described[0] != are_described[1]
                } else {
                    same_side(speaker, second) || are_described.contains(&true)
                }
            })
            && targets.is_none_or(|(target, second)| {
                let names = [target, second];
                // A headline accuses "the deputy leader" whom the text names.
                let is_short = self.is_headline(one) != self.is_headline(other);
                same_party(target, second)
                    || names.into_iter().any(|name| self.common_nouns.describe_own(name))
                    || is_short && names.into_iter().any(|name| self.common_nouns.has_description(name))
            })
    }

    /// Whether two claims that may tell one act do.
    fn is_one(&self, one: &Claim, other: &Claim, weight: impl Fn(&str) -> f64) -> bool {
        let found = overlap(&one.proposition, &other.proposition, weight);
        if tells_the_same(&found, one.speaker.as_ref(), other.speaker.as_ref()) {
            return true;
        }
        // A headline sums up what its side answers, in whatever words.
        let is_same_side =
            || one.speaker.as_ref().zip(other.speaker.as_ref()).is_some_and(|(one, other)| same_side(one, other));
        let is_summary = || one.kind.is_answer() && is_same_side();
        self.is_headline(one) != self.is_headline(other)
            && (is_summary() || self.tells_headline(one, other) || self.leads_on(one, other))
    }

    /// Whether one claim is the headline's and the other the lead's, which says at length what the headline says: a word in common is
    /// enough.
    fn leads_on(&self, one: &Claim, other: &Claim) -> bool {
        let (headline, body) = if self.is_headline(one) { (one, other) } else { (other, one) };
        let stems = |claim: &Claim| telling_stems(self.text, claim.attribution.sentence);
        self.lead == Some(body.attribution.sentence)
            && stems(headline).iter().any(|stem| stems(body).binary_search(stem).is_ok())
    }

    /// Whether one claim's sentence holds most of the headline that is the other's.
    #[expect(clippy::cast_precision_loss, reason = "counts of the words of a sentence are small")]
    fn tells_headline(&self, one: &Claim, other: &Claim) -> bool {
        let (headline, sentence) = if self.is_headline(one) { (one, other) } else { (other, one) };
        let headline = telling_stems(self.text, headline.attribution.sentence);
        let sentence = telling_stems(self.text, sentence.attribution.sentence);
        let shared = headline.iter().filter(|stem| sentence.binary_search(stem).is_ok()).count();
        shared >= HEADLINE_SHARED_MIN && shared as f64 >= HEADLINE_CONTAINMENT_MIN * headline.len() as f64
    }

    /// The fuller of two tellings, with what the other adds.
    fn merged(&self, one: &Claim, other: &Claim) -> Claim {
        let fullness = |claim: &Claim| {
            let is_named = claim.speaker.as_ref().is_some_and(|speaker| !self.common_nouns.describe_own(&speaker.name));
            (!self.is_headline(claim), is_named, claim.target.is_some(), claim.proposition.terms.len())
        };
        let (fuller, other) = if fullness(other) > fullness(one) { (other, one) } else { (one, other) };
        let named =
            |claim: &Claim| claim.speaker.clone().filter(|speaker| !self.common_nouns.describe_own(&speaker.name));
        let answers: BTreeSet<usize> = fuller.answers.iter().chain(&other.answers).copied().collect();
        Claim {
            speaker: named(fuller)
                .or_else(|| named(other))
                .or_else(|| fuller.speaker.clone().or_else(|| other.speaker.clone())),
            target: fuller.target.clone().or_else(|| other.target.clone()),
            answers: answers.into_iter().collect(),
            is_background: fuller.is_background && other.is_background,
            confidence: fuller.confidence.max(other.confidence),
            ..fuller.clone()
        }
    }
}

/// Whether two contents that may be one act's have enough in common for it.
pub(super) fn tells_the_same(found: &Overlap, one: Option<&Speaker>, other: Option<&Speaker>) -> bool {
    if one.zip(other).is_none_or(|(one, other)| same_side(one, other)) {
        found.containment >= SAME_SIDE_CONTAINMENT_MIN
    } else {
        found.containment >= DESCRIBED_CONTAINMENT_MIN && found.shared >= DESCRIBED_SHARED_MIN
    }
}

/// Whether one content gives no figure that the other contradicts.
fn figures_agree(one: &Proposition, other: &Proposition) -> bool {
    let figures = |proposition: &Proposition| -> BTreeSet<String> {
        proposition.entities.iter().filter(|entity| entity.starts_with(|c: char| c.is_ascii_digit())).cloned().collect()
    };
    let (one, other) = (figures(one), figures(other));
    one.is_subset(&other) || other.is_subset(&one)
}

/// Which words a document writes as common nouns and which as names.
pub(super) struct CommonNouns {
    /// Stems of the words that it also writes small.
    small: BTreeSet<String>,
    /// The words that it writes with a capital below its headline, where capitals tell little.
    capital: BTreeSet<String>,
}

impl CommonNouns {
    /// The common nouns of a document.
    pub(super) fn of(analysis: &Analysis) -> Self {
        let Document { text, headline, .. } = &analysis.document;
        let headline_end = headline.map_or(0, |headline| headline.end);
        let mut found = Self { small: BTreeSet::new(), capital: BTreeSet::new() };
        for token in analysis.sentences.iter().flat_map(|&sentence| tokens(text, sentence)) {
            let word = token.of(text);
            if word.starts_with(char::is_lowercase) {
                found.small.insert(stem(&fold(word)));
            } else if token.start >= headline_end {
                found.capital.insert(fold(word));
            }
        }
        found
    }

    /// Whether a name is only a description: "the mayor", "Prosecutors".
    fn describe(&self, name: &str) -> bool {
        words(name).all(|word| self.small.contains(&stem(&word)))
    }

    /// Whether a name holds a word that the document also writes small.
    fn has_description(&self, name: &str) -> bool {
        words(name).any(|word| self.small.contains(&stem(&word)))
    }

    /// Whether a name that the document itself gives is only a description; also what only its headline writes with a capital is.
    fn describe_own(&self, name: &str) -> bool {
        words(name).all(|word| self.small.contains(&stem(&word)) || !self.capital.contains(&word))
    }

    /// Whether a speaker of the document can be one of another copy: of one side, or one of them described only.
    pub(super) fn may_be_one(&self, one: &Speaker, other: &Speaker) -> bool {
        same_side(one, other) || self.describe(&one.name) != self.describe(&other.name)
    }
}

fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).map(fold)
}
