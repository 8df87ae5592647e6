//! Silences as the state keeps them: users begin and end them, the desk's clock ends the rest. What they keep back is decided in
//! `route`.

use jiff::Timestamp;

use super::feedback::Refusal;
use super::{Change, State};
use crate::link::speaker::name_key;
use crate::model::{Feedback, FeedbackId, SILENCE_MAX, Silence, SilenceRecord};

/// Silences that count at once: each is asked of each alert.
const SILENCES_MAX: usize = 1_000;

impl State {
    /// The silences that are not over, in order of their ids.
    pub fn silences(&self) -> impl ExactSizeIterator<Item = &SilenceRecord> {
        self.silences.values()
    }

    pub(super) fn unsilenceable(&self, silence: &Silence) -> Option<Refusal> {
        let nameless = silence.speaker.iter().find(|speaker| name_key(speaker).is_empty());
        if silence.is_open() {
            Some(Refusal::SilencesAll)
        } else if let Some(speaker) = nameless {
            Some(Refusal::Nameless(speaker.clone()))
        } else {
            (self.silences.len() >= SILENCES_MAX).then_some(Refusal::TooManySilences(SILENCES_MAX))
        }
    }

    /// Begins a silence; one that is longer than may be ends when it must.
    pub(super) fn silence(&mut self, feedback: &Feedback, silence: &Silence, changes: &mut Vec<Change>) {
        let latest = feedback.time.saturating_add(SILENCE_MAX).unwrap_or(Timestamp::MAX);
        let silence = Silence { until: silence.until.min(latest), ..silence.clone() };
        let record = SilenceRecord { id: feedback.id, since: feedback.time, by: feedback.by.clone(), silence };
        self.silences.insert(record.id, record.clone());
        changes.push(Change::Silence(Box::new(record)));
    }

    pub(super) fn end_silence(&mut self, id: FeedbackId, changes: &mut Vec<Change>) {
        if self.silences.remove(&id).is_some() {
            changes.push(Change::EndSilence(id));
        }
    }

    /// Ends the silences whose time is over.
    pub(super) fn end_silences(&mut self, now: Timestamp, changes: &mut Vec<Change>) {
        let over: Vec<FeedbackId> =
            self.silences.values().filter(|record| record.silence.until <= now).map(|record| record.id).collect();
        for id in over {
            self.end_silence(id, changes);
        }
    }
}
