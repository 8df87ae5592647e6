//! Corrections and kills: what an outlet takes back or changes reaches everyone who was alerted.

use crate::link::thread::{drop_stance, stance_of, take_stance};
use crate::model::{AlertType, Claim, ClaimId, KnownClaim, Wording};
use crate::pipeline::State;
use crate::pipeline::feedback::{as_corrected, report_as_corrected};
use crate::pipeline::turn::{Pending, Turn};

/// Replaced wordings kept of one claim; the first ones have the most copies.
const FORMER_MAX: usize = 8;

impl State {
    /// The story is killed: its claims are withdrawn, but for those that another story carries too.
    pub(super) fn kill(&mut self, turn: &mut Turn<'_>) {
        let doomed: Vec<ClaimId> =
            self.all_claims_of(turn.story).filter(|known| is_only_here(known)).map(|known| known.id).collect();
        for id in doomed {
            self.withdraw(turn, id, "the story was killed");
        }
    }

    /// A full correction no longer carries these claims: they are withdrawn. A correction that is much shorter than the
    /// story is taken for an excerpt, which proves nothing about what it leaves out.
    pub(super) fn withdraw_missing(&mut self, turn: &mut Turn<'_>) {
        let full = self.stories.get(turn.story).map_or(0, |story| story.fingerprint.word_count);
        if turn.analysis.fingerprint.word_count * 2 < full {
            return;
        }
        let carried = turn.carried();
        let doomed: Vec<ClaimId> = self
            .all_claims_of(turn.story)
            .filter(|known| is_only_here(known) && !carried.contains(&known.id))
            .map(|known| known.id)
            .collect();
        for id in doomed {
            self.withdraw(turn, id, "the corrected story no longer says so");
        }
    }

    fn withdraw(&mut self, turn: &mut Turn<'_>, id: ClaimId, why: &str) {
        let Some(claim) = self.claims.get_mut(&id) else { return };
        claim.is_withdrawn = true;
        claim.last_seen = turn.now;
        let (threads, is_alerted) = (claim.threads.clone(), claim.sinks().len() > 0);
        turn.touched_claims.insert(id);
        for thread in &threads {
            if let Some(thread) = self.threads.get_mut(thread) {
                drop_stance(thread, id);
            }
        }
        self.touch_threads(turn, &threads);
        if is_alerted {
            turn.pending.push(Pending::new(AlertType::ClaimWithdrawn, id, why.to_owned()));
        }
    }

    /// The wording of a story sent again takes the place of the old one under the same id; a claim that was withdrawn stands
    /// again.
    pub(super) fn revise(&mut self, turn: &mut Turn<'_>, claim: &Claim, id: ClaimId) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        let claim = as_corrected(claim, &record);
        let answers = std::mem::take(&mut record.report.claim.answers);
        record.report = report_as_corrected(turn.analysis, &claim, &record, record.report.claim.revision + 1);
        record.report.claim.answers = answers;
        let former = Wording {
            speaker: std::mem::replace(&mut record.speaker, claim.speaker.clone()),
            proposition: std::mem::replace(&mut record.proposition, claim.proposition.clone()),
        };
        if former.speaker != claim.speaker || former.proposition != claim.proposition {
            record.former.push(former);
            record.former.truncate(FORMER_MAX);
        }
        record.last_seen = turn.now;
        let was_withdrawn = std::mem::take(&mut record.is_withdrawn);
        let (threads, is_alerted) = (record.threads.clone(), !record.alerted.is_empty());
        self.put_claim(record);
        turn.touched_claims.insert(id);
        for thread in &threads {
            let Some(thread) = self.threads.get_mut(thread) else { continue };
            for stance in thread.stances.values_mut().filter(|stance| stance.claim == id) {
                if let Some(speaker) = &claim.speaker {
                    stance.respondent.clone_from(&speaker.name);
                }
            }
            if let Some(stance) = stance_of(claim.kind).filter(|_| was_withdrawn && !claim.is_background) {
                take_stance(thread, claim.speaker.as_ref(), stance, id);
            }
            if thread.claims.len() == 1 {
                thread.proposition.clone_from(&claim.proposition.text);
            }
        }
        self.touch_threads(turn, &threads);
        if is_alerted {
            let why =
                if was_withdrawn { "the withdrawn claim stands again" } else { "a correction changed this claim" };
            turn.pending.push(Pending::new(AlertType::ClaimRevised, id, why.to_owned()));
        }
    }
}

/// Whether only this story carries the claim, and still does.
fn is_only_here(claim: &KnownClaim) -> bool {
    claim.stories.len() == 1 && !claim.is_withdrawn
}
