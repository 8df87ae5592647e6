//! One act in several tellings: a copy of a story with other words can tell an act so that it is not known again. It becomes a claim of
//! its own, and who was alerted of the act needs no second alert.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use crate::link::speaker::same_side;
use crate::model::{ClaimId, Kind, KnownClaim, Speaker, StoryId, ThreadId};

/// Claims of one story looked at for one claim: a bound for hostile text.
const STORY_CLAIMS_MAX: usize = 500;
/// Claims that ride in an alert because they tell again what was alerted.
const RETOLD_MAX: usize = 16;

/// Whether two claims can be one act in two tellings: of one side as far as is known, in one story and thread, neither of them taken
/// back nor retold as background. Of answers the kinds may differ: the last one of a side is what it says.
fn is_retold(one: &KnownClaim, speaker: Option<&Speaker>, other: &KnownClaim) -> bool {
    one.id != other.id
        && one.kind.is_answer() == other.kind.is_answer()
        && !other.is_withdrawn
        && !other.is_background
        && !one.stories.is_disjoint(&other.stories)
        && !one.threads.is_disjoint(&other.threads)
        && speaker.is_none_or(|one| other.text().speaker.is_none_or(|other| same_side(one, &other)))
}

/// Sinks that were alerted of the act of `claim` as one of the `others` told it.
pub fn told<'a>(claim: &KnownClaim, others: impl IntoIterator<Item = &'a KnownClaim>) -> BTreeSet<String> {
    let speaker = claim.text().speaker;
    // Of whom nobody was alerted says nothing here, and to read its speaker is the most of the work.
    let is_retold = |other: &&KnownClaim| other.sinks().len() > 0 && is_retold(claim, speaker.as_ref(), other);
    let mut retold: Vec<&KnownClaim> = others.into_iter().filter(is_retold).collect();
    retold.sort_by_key(|other| other.sequence);
    let mut last: BTreeMap<&str, Kind> = BTreeMap::new();
    for other in retold {
        last.extend(other.sinks().map(|sink| (sink, other.kind)));
    }
    last.into_iter().filter(|(_, kind)| *kind == claim.kind).map(|(sink, _)| sink.to_owned()).collect()
}

impl State {
    fn claims_of(&self, story: StoryId) -> impl Iterator<Item = &KnownClaim> {
        let claims = self.claims_of_story.get(&story).into_iter().flatten().take(STORY_CLAIMS_MAX);
        claims.filter_map(|id| self.claims.get(id))
    }

    /// Sinks that were alerted of the act of a claim, as another claim of this story and of its threads told it.
    pub(super) fn told(&self, claim: &KnownClaim, story: StoryId) -> BTreeSet<String> {
        told(claim, self.claims_of(story))
    }

    /// Claims of a story and thread of which nobody was alerted because they tell again what was; the `others` are known.
    pub(super) fn retold(&self, story: StoryId, thread: ThreadId, others: &BTreeSet<ClaimId>) -> Vec<ClaimId> {
        let is_silent = |claim: &&KnownClaim| {
            claim.thread == thread
                && claim.sinks().len() == 0
                && !claim.is_withdrawn
                && !claim.is_background
                && !others.contains(&claim.id)
        };
        let silent = self.claims_of(story).filter(is_silent).take(RETOLD_MAX);
        silent.filter(|claim| !self.told(claim, story).is_empty()).map(|claim| claim.id).collect()
    }
}
