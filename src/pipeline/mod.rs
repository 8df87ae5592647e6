//! The spine: `analyse` turns a document into what it says, `step` turns that into changes of the desk's state.
//!
//! Both are pure. `analyse` runs in parallel, anywhere; `step` is ordered, cheap and deterministic: it runs no model,
//! reads no clock, no file and no hash-map order. Replaying the same inputs gives the same changes, byte for byte.

mod acts;
mod analyse;
mod bounds;
mod earlier;
mod feedback;
mod matching;
mod recognise;
mod retelling;
mod revise;
mod state;
mod thread_feedback;
mod threading;
mod turn;

pub use analyse::{Models, Scope, WindowCounts, analyse, quarantine, weighed};
pub use bounds::RecordCounts;
pub use feedback::Refusal;
pub use retelling::told;
pub use state::{State, Windows};

use jiff::Timestamp;

use crate::model::{
    Analysis, BudgetRecord, ClaimId, ClaimRecord, DocumentId, DocumentRecord, EntryTrace, Event, FeedHealth,
    FeedRecord, Feedback, MutedSpeaker, StoryId, StoryRecord, ThreadId, ThreadRecord,
};

/// What the desk is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// A document whose text is new or has changed.
    Analysed(Box<Analysis>),
    /// A known document was seen again, unchanged, with its trace if it has one.
    SeenAgain(DocumentId, Option<EntryTrace>),
    /// A feed was polled.
    FeedHealth(FeedHealth),
    /// A user said something.
    Feedback(Box<Feedback>),
}

/// What follows from an input: records to write and events to route. The store applies the records in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Write this document record.
    Document(Box<DocumentRecord>),
    /// Write this story record.
    Story(Box<StoryRecord>),
    /// Write this claim record.
    Claim(Box<ClaimRecord>),
    /// Write this thread record.
    Thread(Box<ThreadRecord>),
    /// Write this feed record.
    Feed(FeedRecord),
    /// Write this budget record.
    Budget(BudgetRecord),
    /// Write this muted speaker.
    Mute(MutedSpeaker),
    /// The speaker of this key is no longer muted.
    Unmute(String),
    /// The window has passed over this document.
    ForgetDocument(DocumentId),
    /// The window has passed over this story.
    ForgetStory(StoryId),
    /// The window has passed over this claim.
    ForgetClaim(ClaimId),
    /// The window has passed over this thread.
    ForgetThread(ThreadId),
    /// Something happened that may be worth an alert.
    Event(Event),
}

/// Applies one input to the state; `now` is when the desk learnt of it. Time does not run backwards: an earlier `now` than the
/// state's own counts as the state's, unless it is so much earlier that the clock must have been wrong before.
pub fn step(state: &mut State, input: Input, now: Timestamp) -> Vec<Change> {
    if let Input::Feedback(feedback) = input {
        return state.heed(&feedback, now);
    }
    let (now, mut changes) = state.advance(now);
    match input {
        Input::Analysed(analysis) => state.take(&analysis, now, &mut changes),
        Input::SeenAgain(document, trace) => {
            state.note_trace(document, trace, &mut changes);
            state.touch(document, now, &mut changes);
        }
        Input::FeedHealth(health) => state.feed_health(health, now, &mut changes),
        // Heeded above: it moves no window.
        Input::Feedback(_) => {}
    }
    changes
}

#[cfg(test)]
mod tests;
