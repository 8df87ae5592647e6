//! Earlier documents: which thread of the desk tells of the matter that a document's acts tell of, and which claim of it is theirs.
//!
//! What a document says of one matter is looked for together: a denial that restates nothing is known by the allegation beside it, and
//! a nameless "accusations that …" by the denial that answers them.

use std::collections::BTreeMap;

use crate::link::likeness::{Likeness, Relation, Speakers, likeness, speakers};
use crate::link::view::View;
use crate::model::{ClaimId, Kind, KnownClaim, ThreadId};
use crate::pipeline::State;
use crate::pipeline::acts::Act;
use crate::pipeline::turn::Turn;

/// Log odds from which one known claim that shares rare terms with an act tells of its matter …
const ODDS_MIN: f64 = -0.2;
/// … and what is added for each natural logarithm of the choice: the more a desk has to choose from, the likelier one looks right by
/// chance. Of a hundred candidates 0.9 is asked, and of the pairs of one kind that were drawn so from real archives and read by eye five of six
/// are right; of eight, as in the written event sets, 0.7.
const ODDS_BY_CHOICE: f64 = 0.5;
/// A choice of fewer is no surer.
const CHOICE_MIN: usize = 8;
/// What is asked beyond that of an answer and an allegation, of which a stream has the most look-alikes: with it three of four were right,
/// without it half.
const ODDS_OF_ANSWER: f64 = 1.1;
/// Probability from which a claim of one matter by the same side is the known one: an allegation …
const SAME_ALLEGATION_MIN: f64 = 0.4;
/// … and an answer, of which one side gives few.
const SAME_ANSWER_MIN: f64 = 0.2;
/// Probability from which one by a side that nothing tells apart is.
const UNSURE_MIN: f64 = 0.7;
/// Probability from which an answer is linked to an allegation of its thread.
const LINK_MIN: f64 = 0.65;
/// Claims of one thread looked at, latest first.
const THREAD_CLAIMS_MAX: usize = 200;

impl State {
    /// Notes for each act the thread of earlier documents that tells of its matter, if there is one. Acts of which one is known from
    /// the document's own story stay where that is.
    pub(super) fn find_earlier(&self, turn: &Turn<'_>, acts: &mut [Act]) {
        let matters = matters(turn, acts);
        let is_told_by_story = |act: &Act| {
            act.tellings
                .iter()
                .filter_map(|&at| turn.analysis.claims.get(at))
                .any(|claim| self.find_in_story(turn, claim).is_some())
        };
        let told: Vec<bool> = acts.iter().map(is_told_by_story).collect();
        let mut found: BTreeMap<usize, Option<ThreadId>> = BTreeMap::new();
        for &matter in &matters {
            found.entry(matter).or_insert_with(|| {
                let members = || {
                    matters
                        .iter()
                        .zip(acts.iter().zip(&told))
                        .filter(|(other, _)| **other == matter)
                        .map(|(_, act)| act)
                };
                if members().any(|(_, is_told)| *is_told) {
                    None
                } else {
                    self.likeliest_thread(members().map(|(act, _)| &act.view))
                }
            });
        }
        for (act, matter) in acts.iter_mut().zip(&matters) {
            act.earlier = found.get(matter).copied().flatten();
        }
    }

    /// The thread with the claim that most likely belongs together with one of these.
    fn likeliest_thread<'a>(&self, views: impl Iterator<Item = &'a View>) -> Option<ThreadId> {
        let mut best: Option<(f64, &KnownClaim)> = None;
        for view in views {
            let candidates = self.index.candidates(view);
            for &id in &candidates {
                let Some(known) = self.claims.get(&id).filter(|known| !known.is_withdrawn) else { continue };
                let Some(Likeness { probability, .. }) = self.likeness(view, known) else { continue };
                if probability >= least(view, known, candidates.len())
                    && best.is_none_or(|(other, _)| probability > other)
                {
                    best = Some((probability, known));
                }
            }
        }
        best.map(|(_, known)| known.thread)
    }

    /// How likely a claim belongs together with a known one.
    fn likeness(&self, view: &View, known: &KnownClaim) -> Option<Likeness> {
        likeness(view, self.index.view(known.sequence)?, &|term| self.index.rarity(term))
    }

    /// The claim that an act repeats, among those of the earlier thread.
    pub(super) fn find_in_earlier(&self, turn: &Turn<'_>, act: &Act) -> Option<ClaimId> {
        let claim = &act.claim;
        // "Denied that it had" and "said it had not" are one.
        let is_opposed = |known: &KnownClaim| {
            claim.kind != Kind::Denial && claim.proposition.is_negated != known.text().proposition.is_negated
        };
        let fits = |known: &&KnownClaim| {
            known.may_read(claim.kind, claim.is_negated_denial)
                && !turn.ids.contains(&Some(known.id))
                && (!known.is_withdrawn || known.is_no_claim())
                && !is_opposed(known)
        };
        let mut best: Option<(f64, ClaimId)> = None;
        for known in self.claims_of_thread(act.earlier?).filter(fits) {
            let Some(known_view) = self.index.view(known.sequence) else { continue };
            let least = match speakers((&act.view, claim.speaker.as_ref()), (known_view, known.text().speaker.as_ref()))
            {
                Speakers::One if claim.kind == Kind::Allegation => SAME_ALLEGATION_MIN,
                Speakers::One => SAME_ANSWER_MIN,
                Speakers::Unsure => UNSURE_MIN,
                Speakers::Two => continue,
            };
            let Some(Likeness { probability, .. }) = self.likeness(&act.view, known) else { continue };
            if probability >= least && best.is_none_or(|(other, _)| probability > other) {
                best = Some((probability, known.id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// The allegation of a thread that an answer most likely answers, with how likely that is.
    pub(super) fn answered_in(&self, thread: ThreadId, view: &View) -> Option<(&KnownClaim, Likeness)> {
        let allegations =
            self.claims_of_thread(thread).filter(|known| known.kind == Kind::Allegation && !known.is_withdrawn);
        let likely = allegations.filter_map(|known| Some((known, self.likeness(view, known)?)));
        likely
            .filter(|(_, link)| link.probability >= LINK_MIN)
            .max_by(|one, other| one.1.probability.total_cmp(&other.1.probability))
    }

    /// Answers of a thread that answer no allegation yet and most likely answer this one.
    pub(super) fn answering_in(&self, thread: ThreadId, view: &View) -> Vec<ClaimId> {
        let is_likely =
            |known: &&KnownClaim| self.likeness(view, known).is_some_and(|link| link.probability >= LINK_MIN);
        let answers = self.claims_of_thread(thread).filter(|known| {
            known.kind.is_answer() && !known.is_negated_denial && known.corrected.is_none() && known.answers.is_empty()
        });
        answers.filter(is_likely).map(|known| known.id).collect()
    }

    fn claims_of_thread(&self, thread: ThreadId) -> impl Iterator<Item = &KnownClaim> {
        let claims = self.threads.get(&thread).into_iter().flat_map(|thread| thread.claims.iter());
        let mut claims: Vec<&KnownClaim> = claims.filter_map(|id| self.claims.get(id)).collect();
        claims.sort_by_key(|known| std::cmp::Reverse(known.sequence));
        claims.into_iter().take(THREAD_CLAIMS_MAX)
    }
}

/// Probability from which a claim tells of the matter of a known one that is one of so many candidates.
#[expect(clippy::cast_precision_loss, reason = "candidates are few")]
fn least(view: &View, known: &KnownClaim, candidates: usize) -> f64 {
    let odds = ODDS_MIN + ODDS_BY_CHOICE * (candidates.max(CHOICE_MIN) as f64).ln();
    let is_answer = Relation::between(view.kind(), known.kind) == Some(Relation::Answer);
    1.0 / (1.0 + (-odds - if is_answer { ODDS_OF_ANSWER } else { 0.0 }).exp())
}

/// Of each act the first that is about the same matter: allegations that are alike, and answers with what they answer.
fn matters(turn: &Turn<'_>, acts: &[Act]) -> Vec<usize> {
    let act_of = |position: usize| acts.iter().position(|act| act.tellings.contains(&position));
    let mut matters: Vec<usize> = (0..acts.len()).collect();
    let mut join = |one: usize, other: usize| {
        let (Some(&one), Some(&other)) = (matters.get(one), matters.get(other)) else { return };
        let (kept, gone) = (one.min(other), one.max(other));
        matters.iter_mut().filter(|matter| **matter == gone).for_each(|matter| *matter = kept);
    };
    for (place, act) in acts.iter().enumerate() {
        let alike = act.tellings.iter().filter_map(|telling| turn.matters.get(telling)).copied();
        let linked = act.claim.answers.iter().copied();
        for other in alike.chain(linked).filter_map(act_of).collect::<Vec<_>>() {
            join(place, other);
        }
    }
    matters
}
