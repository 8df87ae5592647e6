//! Claim identity: whether a claim of a document is one that the desk knows, and which earlier wording a correction replaces.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::link::score::overlap;
use crate::link::speaker::{same_party, same_side, same_speaker};
use crate::link::view::View;
use crate::model::{Claim, ClaimId, ClaimText, KnownClaim, Proposition, Report, Speaker};
use crate::pipeline::State;
use crate::pipeline::acts::{Act, tells_the_same};
use crate::pipeline::turn::Turn;

/// Across stories a claim is the same only if most of the shorter wording is in the longer one.
const CLAIM_CONTAINMENT_MIN: f64 = 0.65;
/// Terms that two wordings must share to be one claim across stories.
const CLAIM_SHARED_MIN: usize = 3;
/// Wordings without a speaker need more in common.
const NAMELESS_JACCARD_MIN: f64 = 0.6;
/// Claims of one story looked at for one claim.
const STORY_CLAIMS_MAX: usize = 500;

impl State {
    /// The known claim that an act repeats: same kind, same speaker, same proposition, same polarity.
    pub(super) fn find_known(&self, turn: &Turn<'_>, act: &Act) -> Option<ClaimId> {
        let tellings = act.tellings.iter().filter_map(|&telling| turn.analysis.claims.get(telling));
        let claims: Vec<&Claim> = [&act.claim].into_iter().chain(tellings).collect();
        let in_story = || claims.iter().find_map(|claim| self.find_in_story(turn, claim));
        in_story()
            .or_else(|| self.find_in_earlier(turn, act))
            .or_else(|| claims.iter().find_map(|claim| self.find_elsewhere(turn, claim, &act.view)))
    }

    /// Among the claims of the turn's story: its copies say the same in other cuts, so less is asked for than across stories.
    pub(super) fn find_in_story(&self, turn: &Turn<'_>, claim: &Claim) -> Option<ClaimId> {
        let mut best: Option<(f64, ClaimId)> = None;
        for known in self.story_claims(turn) {
            let Some(score) = self.sameness_in_story(turn, claim, known) else { continue };
            if best.is_none_or(|(other, _)| score > other) {
                best = Some((score, known.id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn sameness_in_story(&self, turn: &Turn<'_>, claim: &Claim, known: &KnownClaim) -> Option<f64> {
        if !Self::may_repeat(turn, claim, known) {
            return None;
        }
        let text = &turn.analysis.document.text;
        let (sentence, cue) = (claim.attribution.sentence.of(text), claim.attribution.cue.of(text));
        let ClaimText { speaker, proposition, former, report, .. } = known.text();
        if report.evidence.sentence == sentence && report.claim.cue.text == cue {
            return Some(2.0);
        }
        let former = former.iter().map(|wording| (&wording.speaker, &wording.proposition));
        let scores = former.chain([(&speaker, &proposition)]).filter_map(|(speaker, proposition)| {
            let speakers = claim.speaker.as_ref().zip(speaker.as_ref());
            let may_be_one = speakers.is_none_or(|(one, other)| turn.common_nouns.may_be_one(one, other));
            let found = overlap(&claim.proposition, proposition, |term| self.index.weight(term));
            let is_same = tells_the_same(&found, claim.speaker.as_ref(), speaker.as_ref());
            (may_be_one && is_same && !found.is_opposed).then(|| found.score())
        });
        scores.max_by(f64::total_cmp)
    }

    /// Whether a claim can be a known one at all. Another act of the same document is another claim, however alike the two are.
    fn may_repeat(turn: &Turn<'_>, claim: &Claim, known: &KnownClaim) -> bool {
        known.may_read(claim.kind, claim.is_negated_denial) && !turn.ids.contains(&Some(known.id))
    }

    /// Among all claims: those of the same speaker in much the same words.
    fn find_elsewhere(&self, turn: &Turn<'_>, claim: &Claim, view: &View) -> Option<ClaimId> {
        let limit = turn.now.checked_sub(self.windows.claims).ok()?;
        let mut best: Option<(f64, ClaimId)> = None;
        for known in self.candidates(view) {
            if !Self::may_repeat(turn, claim, known)
                || known.last_seen < limit
                || (known.is_withdrawn && !known.is_no_claim())
            {
                continue;
            }
            let text = known.text();
            if !known.speakers(&text).any(|speaker| same_speaker(claim.speaker.as_ref(), speaker)) {
                continue;
            }
            let found = overlap(&claim.proposition, &text.proposition, |term| self.index.weight(term));
            let is_same = if claim.speaker.is_some() {
                found.containment >= CLAIM_CONTAINMENT_MIN && found.shared >= CLAIM_SHARED_MIN
            } else {
                found.jaccard >= NAMELESS_JACCARD_MIN && found.shared > CLAIM_SHARED_MIN
            };
            if is_same
                && !found.is_about_others
                && !found.is_opposed
                && best.is_none_or(|(other, _)| found.score() > other)
            {
                best = Some((found.score(), known.id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// Whether a claim of a correction, though much the same, says something else than the known one: another speaker, name,
    /// figure or accused party took the place of one. The outlet that was wrong repeats the rest word for word, so from it any
    /// other word counts. Late copies of a first correction do not undo a second.
    pub(super) fn corrects(&self, turn: &Turn<'_>, claim: &Claim, id: ClaimId) -> bool {
        let Some(ClaimText { speaker, proposition, former, report, .. }) = self.claims.get(&id).map(KnownClaim::text)
        else {
            return false;
        };
        let is_same_outlet = report.document.outlet == turn.analysis.document.source.outlet;
        let differs = |speaker: Option<&Speaker>, other: &Proposition| {
            let speakers = claim.speaker.as_ref().zip(speaker);
            speakers.is_some_and(|(one, other)| !same_side(one, other))
                || replaces(&claim.proposition.entities, &other.entities)
                || (is_same_outlet && replaces(&claim.proposition.terms, &other.terms))
        };
        let target = report.claim.target.as_deref();
        let is_other_target = claim.target.as_deref().zip(target).is_some_and(|(one, other)| !same_party(one, other));
        let is_former = former.iter().any(|wording| !differs(wording.speaker.as_ref(), &wording.proposition));
        (is_other_target || differs(speaker.as_ref(), &proposition)) && !is_former
    }

    /// The earlier wording that a claim of a correction replaces: same kind, not in the corrected text (`kept`), and either the
    /// same speaker or much the same proposition.
    pub(super) fn find_superseded(&self, turn: &Turn<'_>, claim: &Claim, kept: &BTreeSet<ClaimId>) -> Option<ClaimId> {
        let carried = turn.carried();
        let mut best: Option<(f64, ClaimId)> = None;
        for known in self.story_claims(turn) {
            if ![known.kind, known.read_kind()].contains(&claim.kind) || known.is_withdrawn || known.stories.len() > 1 {
                continue;
            }
            if kept.contains(&known.id) || carried.contains(&known.id) {
                continue;
            }
            let text = known.text();
            let found = overlap(&claim.proposition, &text.proposition, |term| self.index.weight(term));
            let is_same_speaker =
                claim.speaker.is_some() && same_speaker(claim.speaker.as_ref(), text.speaker.as_ref());
            let score = found.containment + f64::from(u8::from(is_same_speaker));
            if score >= 0.5 && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, known.id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// Claims of the turn's story, in order of their ids.
    pub(super) fn story_claims(&self, turn: &Turn<'_>) -> impl Iterator<Item = &KnownClaim> {
        self.claims_of_story
            .get(&turn.story)
            .into_iter()
            .flatten()
            .take(STORY_CLAIMS_MAX)
            .filter_map(|id| self.claims.get(id))
    }

    /// Known claims with rare terms in common, in order of creation.
    fn candidates(&self, view: &View) -> impl Iterator<Item = &KnownClaim> {
        self.index.candidates(view).into_iter().filter_map(|id| self.claims.get(&id))
    }

    /// Whether two outlets can be reporting the same speech act.
    pub(super) fn is_recent(turn: &Turn<'_>, report: &Report) -> bool {
        turn.now.duration_since(report.document.first_seen) <= SignedDuration::from_hours(72)
    }
}

/// Whether each list holds a text that the other lacks.
fn replaces(one: &[String], other: &[String]) -> bool {
    one.iter().any(|text| !other.contains(text)) && other.iter().any(|text| !one.contains(text))
}
