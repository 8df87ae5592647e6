//! Links within one document: which allegation a denial, confirmation, no-comment or retraction of the same text answers.
//!
//! Every answer is compared with the allegations around it. What speaks for and against a pair is a list of `Sign`s, each
//! worth some points: log odds, in tenths, of a logistic regression over annotated news stories, rounded. A model of the
//! wording would see more, but these signs can be read, and they tell why a link was made.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::score::{for_each_shared, telling_stems};
use super::speaker::{same_name, shares_name, speaks_for, telling_words};
use crate::model::{Claim, Confidence, Kind, Span};
use crate::text::lexicon::lines;
use crate::text::normalize::stem;

/// Points from which an allegation is answered, however many there are …
const ANSWERED_MIN: i32 = 8;
/// … and from which the likeliest one is.
const LIKELIEST_MIN: i32 = -5;
/// Allegations looked at before and after an answer; a bound, so that hostile text costs linear time.
const BEFORE_MAX: usize = 48;
const AFTER_MAX: usize = 16;
/// What a unit of log odds that the judge gives a pair is worth, and what its word adds at even odds: chosen on the development articles, where
/// the judge's links by themselves are fewer than those of the signs.
const JUDGE_WEIGHT: f32 = 3.0;
const JUDGE_BASE: f32 = 6.0;
/// What it takes away at most: it sees a window, not the whole text.
const JUDGE_LEAST: f32 = -6.0;
/// What a unit of log odds is worth by which an allegation is less sure to be one than `SURE`: a link to what is no allegation is wrong whatever speaks for it.
/// Fitted beside the other signs on claims found in event sets.
const SURENESS_WEIGHT: f64 = 2.5;
/// Likelihood of an allegation from which it makes no difference.
const SURE: f64 = 0.85;
/// Other allegations between an answer and an allegation above it, from which the two seldom belong together.
const BETWEEN_MIN: usize = 3;
/// Letters by which words are compared: "interfered" and "interference" are one.
const ROOT_LETTERS: usize = 6;
/// Share of a content's roots that a sentence must hold to restate it.
const RESTATED_MIN: f64 = 0.4;

/// Fills `answers` of every answering claim: ascending positions in `claims` of the allegations it answers. `judged`: of each claim the
/// allegations that the judge read beside it, as positions, with the probability that it answers each.
pub fn link(claims: &mut [Claim], judged: &[Vec<(usize, f32)>], text: &str, sentences: &[Span]) {
    let views = |is_wanted: fn(Kind) -> bool| -> Vec<View<'_>> {
        let wanted = claims.iter().enumerate().filter(|(_, claim)| is_wanted(claim.kind));
        wanted.map(|(position, claim)| View::of(position, claim, text, sentences)).collect()
    };
    let allegations = views(|kind| kind == Kind::Allegation);
    let answers = views(Kind::is_answer);
    let mut found: Vec<(usize, Vec<usize>)> = Vec::new();
    for answer in &answers {
        let before = found.iter().rev().map(|(_, before)| before.as_slice()).find(|before| !before.is_empty());
        let judged = judged.get(answer.position).map(Vec::as_slice).unwrap_or_default();
        let answered = answered(answer, &allegations, judged, before.unwrap_or_default());
        found.push((answer.position, answered));
    }
    for (position, answers) in found {
        if let Some(claim) = claims.get_mut(position) {
            claim.answers = answers;
        }
    }
}

/// Positions of the allegations that an answer answers: those that are likely enough. Where none is, all that the answer before it
/// answers (`before`), if it points back ("cannot verify the claims"), and else the likeliest even where less speaks for it, since
/// an answer mostly answers something in its text.
fn answered(answer: &View<'_>, allegations: &[View<'_>], judged: &[(usize, f32)], before: &[usize]) -> Vec<usize> {
    let next = allegations.partition_point(|allegation| allegation.position < answer.position);
    let first = next.saturating_sub(BEFORE_MAX);
    let near = allegations.iter().enumerate().skip(first).take(next - first + AFTER_MAX);
    let scored: Vec<(i32, usize)> = near
        .map(|(index, allegation)| {
            let remote = (next > index + BETWEEN_MIN).then_some(Sign::OthersBetween);
            let signs = signs(answer, allegation).into_iter().chain(remote);
            let judged = judged.iter().find(|&&(position, _)| position == allegation.position);
            let points = signs.map(Sign::points).sum::<i32>()
                + judged.map_or(0, |&(_, probability)| judge_points(probability))
                + sureness_points(allegation.claim.confidence);
            (points, allegation.position)
        })
        .collect();
    let is_likely = |&(points, _): &(i32, usize)| points >= ANSWERED_MIN;
    if answer.points_back && !before.is_empty() && !scored.iter().any(is_likely) {
        return before.to_vec();
    }
    let likeliest = scored.iter().copied().rev().max_by_key(|&(points, _)| points);
    let is_answered = |pair: &(i32, usize)| is_likely(pair) || (pair.0 >= LIKELIEST_MIN && likeliest == Some(*pair));
    scored.into_iter().filter(is_answered).map(|(_, position)| position).collect()
}

/// What the judge's word on a pair is worth, in tenths of log odds.
#[expect(clippy::cast_possible_truncation, reason = "bounded before it is rounded")]
fn judge_points(probability: f32) -> i32 {
    let probability = probability.clamp(1e-3, 1.0 - 1e-3);
    let odds = (probability / (1.0 - probability)).ln();
    (JUDGE_WEIGHT * odds + JUDGE_BASE).round().max(JUDGE_LEAST) as i32
}

/// What it takes away that an allegation may be none, in tenths of log odds.
#[expect(clippy::cast_possible_truncation, reason = "bounded before it is rounded")]
fn sureness_points(confidence: Confidence) -> i32 {
    let log_odds = |probability: f64| (probability / (1.0 - probability)).ln();
    let lacking = log_odds(confidence.probability().clamp(0.01, SURE)) - log_odds(SURE);
    (SURENESS_WEIGHT * lacking).round() as i32
}

/// What speaks for or against an answer and an allegation belonging together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// How often answers of this kind answer an allegation at all.
    Kind(Kind),
    /// The answer tells an old act again.
    Background,
    /// The allegation stands in the same sentence, before the answer: "was accused of X - claims he denied".
    SameSentenceBefore,
    /// In the same sentence, after it: "denied that …, as X had alleged".
    SameSentenceAfter,
    /// In the sentence before.
    SentenceBefore,
    /// In the sentence after.
    SentenceAfter,
    /// Further down.
    FarAfter,
    /// Other allegations stand between the two.
    OthersBetween,
    /// It accuses somebody else than the answering side.
    AgainstOthers,
    /// It accuses the answering speaker or whom they speak for.
    AgainstAnswerer,
    /// The answering speaker made it: people do not deny themselves …
    Own,
    /// … but it is their own claims that they take back.
    OwnTakenBack,
    /// The answer's sentence names who made it.
    AccuserNamed,
    /// The answer says what it answers, and shares no root with the allegation.
    SharesNone,
    /// The contents share several roots.
    SharesSome,
    /// The allegation's sentence holds much of the answer's content …
    AnswerRestated,
    /// … or the answer's sentence much of the allegation's.
    AllegationRestated,
    /// The allegation is the headline, which sums up what the text is about.
    Headline,
    /// The answer is: the text then tells what it answers.
    AnswerHeadline,
}

impl Sign {
    /// Tenths of log odds.
    fn points(self) -> i32 {
        match self {
            Self::Kind(Kind::Denial) | Self::AgainstAnswerer => 6,
            Self::Background => -11,
            Self::SameSentenceBefore => 22,
            Self::SameSentenceAfter => 16,
            Self::SentenceBefore => 9,
            Self::FarAfter => -15,
            Self::OthersBetween | Self::AgainstOthers => -10,
            Self::Own => -31,
            Self::OwnTakenBack => 20,
            Self::AccuserNamed => 3,
            Self::Kind(Kind::Retraction) | Self::SentenceAfter | Self::SharesNone => -7,
            Self::Kind(Kind::NoComment)
            | Self::SharesSome
            | Self::AnswerRestated
            | Self::AllegationRestated
            | Self::Headline => 5,
            Self::AnswerHeadline => 11,
            Self::Kind(_) => -2,
        }
    }
}

/// What the signs are read from: a claim with what is prepared of it once.
struct View<'a> {
    position: usize,
    claim: &'a Claim,
    /// Number of its sentence.
    sentence: usize,
    /// Roots of its content, sorted, without those of [`OBJECTS`].
    content: Vec<String>,
    /// The same of its whole sentence.
    surroundings: Vec<String>,
    /// It refuses to speak of what was told before: "the claims".
    points_back: bool,
}

impl<'a> View<'a> {
    fn of(position: usize, claim: &'a Claim, text: &str, sentences: &[Span]) -> Self {
        let span = claim.attribution.sentence;
        let is_object = claim.attribution.content.iter().any(|&piece| {
            let named = telling_stems(text, piece);
            !named.is_empty() && named.iter().all(|stem| OBJECTS.contains(stem))
        });
        Self {
            points_back: claim.kind == Kind::NoComment && is_object,
            position,
            claim,
            sentence: sentences.partition_point(|other| other.end <= span.start),
            content: roots(claim.proposition.terms.iter().cloned()),
            surroundings: roots(telling_stems(text, span).into_iter()),
        }
    }

    /// Whether an allegation is directed at somebody else than this claim's speaker and their side.
    fn is_bystander_of(&self, allegation: &View<'_>) -> bool {
        let parties = self.claim.speaker.as_ref().zip(allegation.claim.target.as_deref());
        parties.is_some_and(|(speaker, target)| !shares_name(speaker, target) && !speaks_for(speaker, target))
    }

    /// Whether an allegation is directed at the body that this claim's speaker speaks for.
    fn answers_for_target_of(&self, allegation: &View<'_>) -> bool {
        let parties = self.claim.speaker.as_ref().zip(allegation.claim.target.as_deref());
        parties.is_some_and(|(speaker, target)| speaks_for(speaker, target))
    }

    /// Whether both claims are of one speaker.
    fn has_speaker_of(&self, other: &View<'_>) -> bool {
        let speakers = self.claim.speaker.as_ref().zip(other.claim.speaker.as_ref());
        speakers.is_some_and(|(one, other)| same_name(&one.name, &other.name))
    }

    /// Whether its sentence names the speaker of `other`.
    fn names_speaker_of(&self, other: &View<'_>) -> bool {
        let name = other.claim.speaker.as_ref().and_then(|speaker| telling_words(&speaker.name).pop());
        name.is_some_and(|name| self.surroundings.binary_search(&root(&stem(&name))).is_ok())
    }
}

/// What speaks for or against a pair, as far as the two tell by themselves.
fn signs(answer: &View<'_>, allegation: &View<'_>) -> Vec<Sign> {
    let is_retraction = answer.claim.kind == Kind::Retraction;
    let is_own = answer.has_speaker_of(allegation);
    let shared = shared_count(&answer.content, &allegation.content);
    let are_apart = answer.sentence != allegation.sentence;
    let applying = [
        (Sign::Background, answer.claim.is_background),
        (Sign::AgainstOthers, answer.is_bystander_of(allegation)),
        (Sign::AgainstAnswerer, answer.answers_for_target_of(allegation)),
        (Sign::Own, is_own && !is_retraction),
        (Sign::OwnTakenBack, is_own && is_retraction),
        (Sign::AccuserNamed, !is_own && answer.names_speaker_of(allegation)),
        (Sign::SharesNone, shared == 0 && !answer.content.is_empty()),
        (Sign::SharesSome, shared > 1),
        (Sign::AnswerRestated, are_apart && restates(&allegation.surroundings, &answer.content)),
        (Sign::AllegationRestated, are_apart && restates(&answer.surroundings, &allegation.content)),
        (Sign::Headline, are_apart && allegation.sentence == 0),
        (Sign::AnswerHeadline, are_apart && answer.sentence == 0),
    ];
    let applying = applying.into_iter().filter_map(|(sign, applies)| applies.then_some(sign));
    [Sign::Kind(answer.claim.kind)].into_iter().chain(distance(answer, allegation)).chain(applying).collect()
}

fn distance(answer: &View<'_>, allegation: &View<'_>) -> Option<Sign> {
    let is_before = allegation.claim.attribution.cue.start < answer.claim.attribution.cue.start;
    match allegation.sentence.abs_diff(answer.sentence) {
        0 if is_before => Some(Sign::SameSentenceBefore),
        0 => Some(Sign::SameSentenceAfter),
        1 if is_before => Some(Sign::SentenceBefore),
        1 => Some(Sign::SentenceAfter),
        _ if is_before => None,
        _ => Some(Sign::FarAfter),
    }
}

/// Whether much of a content stands in a sentence again.
#[expect(clippy::cast_precision_loss, reason = "counts of the words of a sentence are small")]
fn restates(sentence: &[String], content: &[String]) -> bool {
    !content.is_empty() && shared_count(sentence, content) as f64 >= RESTATED_MIN * content.len() as f64
}

fn shared_count(one: &[String], other: &[String]) -> usize {
    let mut count = 0;
    for_each_shared(one, other, |_| count += 1);
    count
}

/// Roots of stems, sorted, each once, without those that tell no allegation from another.
fn roots(stems: impl Iterator<Item = String>) -> Vec<String> {
    let mut roots: Vec<String> = stems.filter(|stem| !OBJECTS.contains(stem)).map(|stem| root(&stem)).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

fn root(stem: &str) -> String {
    stem.chars().take(ROOT_LETTERS).collect()
}

/// Stems of the words that stand for any allegation.
static OBJECTS: LazyLock<FxHashSet<String>> = LazyLock::new(|| {
    let words = lines(include_str!("../../config/lexicon/answer_objects.txt")).flat_map(str::split_whitespace);
    words.map(stem).collect()
});

#[cfg(test)]
mod tests;
