//! The spine: `analyse` turns a document into what it says, `step` turns that into changes of the desk's state.
//!
//! Both are pure. `analyse` runs in parallel, anywhere; `step` is ordered, cheap and deterministic: it runs no model,
//! reads no clock, no file and no hash-map order. Replaying the same inputs gives the same changes, byte for byte.

mod acts;
mod analyse;
mod bounds;
mod earlier;
mod feedback;
mod held;
mod matching;
mod recognise;
mod release;
mod retelling;
mod revise;
mod silence;
mod state;
mod thread_feedback;
mod threading;
mod turn;

pub use analyse::{Models, Scope, WindowCounts, analyse, quarantine, weighed};
pub use bounds::RecordCounts;
pub use feedback::Refusal;
pub use release::WITHHELD;
pub use retelling::told;
pub use state::{State, Windows};

use jiff::Timestamp;

use crate::model::{
    AlertType, Analysis, BudgetRecord, ClaimId, ClaimRecord, DocumentId, DocumentRecord, Dropped, EntryTrace, Event,
    FeedHealth, FeedRecord, Feedback, FeedbackId, GroupRecord, Moved, MutedSpeaker, SilenceRecord, SinkAlert,
    SinkChange, SinkHealth, StoryId, StoryRecord, Subject, ThreadId, ThreadRecord, Version,
};

/// What the desk is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// A document whose text is new or has changed.
    Analysed(Box<Analysis>),
    /// A known document was seen again, unchanged, with its trace if it has one.
    SeenAgain(DocumentId, Option<EntryTrace>),
    /// A known document may not be used now, or not before this instant: its agency says so, of this version.
    Released(DocumentId, Version, Option<Timestamp>),
    /// A feed was polled.
    FeedHealth(FeedHealth),
    /// The endpoint of a sink does otherwise than before.
    SinkHealth(SinkHealth),
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
    Budget(Box<BudgetRecord>),
    /// Write this group.
    Group(Box<GroupRecord>),
    /// The group of this key has gone out.
    ForgetGroup(String),
    /// Write this silence.
    Silence(Box<SilenceRecord>),
    /// This silence is over.
    EndSilence(FeedbackId),
    /// What shows this document and waits in the outbox goes at another time.
    Moved(Moved),
    /// What shows this document and waits in the outbox never goes.
    Dropped(Dropped),
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
        Input::Released(document, version, until) => state.release(document, version, until, &mut changes),
        Input::FeedHealth(health) => state.feed_health(health, now, &mut changes),
        Input::SinkHealth(health) => changes.push(Change::Event(sink_event(health, now))),
        // Heeded above: it moves no window.
        Input::Feedback(_) => {}
    }
    changes
}

/// What is told of an endpoint. Who tells it sees to it that it is news.
fn sink_event(SinkHealth { sink, change, since, detail }: SinkHealth, now: Timestamp) -> Event {
    let (alert_type, why) = match change {
        SinkChange::Failing => (AlertType::SinkFailing, format!("the endpoint of {sink} fails: {detail}")),
        SinkChange::Disabled => {
            let mend = format!("alerts wait for `gainsay endpoint enable {sink}`");
            (AlertType::SinkDisabled, format!("the endpoint of {sink} is disabled, {mend}: {detail}"))
        }
        SinkChange::Recovered => (AlertType::SinkRecovered, format!("the endpoint of {sink} takes alerts again")),
    };
    Event { alert_type, time: now, why, subject: Subject::Sink(SinkAlert { name: sink, since, detail }) }
}

#[cfg(test)]
mod tests;
