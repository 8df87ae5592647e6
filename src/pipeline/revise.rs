//! Corrections and kills: what an outlet takes back or changes reaches everyone who was alerted.

use crate::contract;
use crate::link::thread::drop_stance;
use crate::model::{AlertType, Claim, ClaimId, ClaimRecord, Wording};
use crate::pipeline::State;
use crate::pipeline::turn::{Pending, Turn};

/// Replaced wordings kept of one claim; the first ones have the most copies.
const FORMER_MAX: usize = 8;

impl State {
    /// The story is killed: its claims are withdrawn, but for those that another story carries too.
    pub(super) fn kill(&mut self, turn: &mut Turn<'_>) {
        let doomed: Vec<ClaimId> =
            self.story_claims(turn).filter(|known| is_only_here(known)).map(|known| known.id).collect();
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
            .story_claims(turn)
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
        turn.touched_claims.insert(id);
        if let Some(thread) = self.threads.get_mut(&claim.thread) {
            drop_stance(thread, id);
            thread.last_seen = turn.now;
            turn.touched_threads.insert(thread.id);
        }
        if claim.is_announced {
            turn.pending.push(Pending::new(AlertType::ClaimWithdrawn, id, why.to_owned()));
        }
    }

    /// The corrected wording takes the place of the old one under the same id.
    pub(super) fn revise(&mut self, turn: &mut Turn<'_>, claim: &Claim, id: ClaimId) {
        let Some(mut record) = self.claims.get(&id).cloned() else { return };
        let answers = std::mem::take(&mut record.report.claim.answers);
        record.report = contract::report(turn.analysis, claim, id, record.report.claim.revision + 1);
        record.report.claim.answers = answers;
        record.former.push(Wording {
            speaker: std::mem::replace(&mut record.speaker, claim.speaker.clone()),
            proposition: std::mem::replace(&mut record.proposition, claim.proposition.clone()),
        });
        record.former.truncate(FORMER_MAX);
        record.last_seen = turn.now;
        let (thread, is_announced) = (record.thread, record.is_announced);
        self.put_claim(record);
        turn.touched_claims.insert(id);
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.last_seen = turn.now;
            for stance in thread.stances.values_mut().filter(|stance| stance.claim == id) {
                if let Some(speaker) = &claim.speaker {
                    stance.respondent.clone_from(&speaker.name);
                }
            }
            if thread.claims.len() == 1 {
                thread.proposition.clone_from(&claim.proposition.text);
            }
            turn.touched_threads.insert(thread.id);
        }
        if is_announced {
            turn.pending.push(Pending::new(AlertType::ClaimRevised, id, "a correction changed this claim".to_owned()));
        }
    }
}

/// Whether only this story carries the claim, and still does.
fn is_only_here(claim: &ClaimRecord) -> bool {
    claim.stories.len() == 1 && !claim.is_withdrawn
}
