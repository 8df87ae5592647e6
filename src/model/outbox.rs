//! The outbox: alerts on their way to sinks. `store` keeps it, `sink` empties it; these types are all they share.

use std::time::Duration;

use jiff::Timestamp;

use super::{AlertId, AlertType, DocumentId, EndpointRecord};

/// In place of the end of an embargo: until a later version says otherwise. The last whole second that there is.
pub const WITHHELD: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// One alert for one sink, as the desk puts it into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Which alert.
    pub alert: AlertId,
    /// Name of the sink it goes to.
    pub sink: String,
    /// What happened.
    pub alert_type: AlertType,
    /// Thread or feed: alerts of one order key reach one sink in order.
    pub order_key: String,
    /// Place among the alerts of its order key; equal ones keep the order in which they were put in.
    pub sequence: u64,
    /// The alert in the format of its sink: the exact bytes that go out, on every attempt, unless there is a rendering.
    pub body: Vec<u8>,
    /// What goes out instead, where the sink wants another form.
    pub rendering: Option<Rendering>,
    /// Not to be sent before; kept to the millisecond.
    pub due: Timestamp,
    /// The document that it shows, whose embargo may still be moved; not given back by the store.
    pub document: Option<DocumentId>,
}

/// An alert that is kept back for good: a row of the outbox that goes to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilencedRow {
    /// What would have gone out.
    pub row: OutboxRow,
    /// Why it does not, in words.
    pub reason: String,
}

/// The release of a document that has changed after alerts that show it were put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Which document.
    pub document: DocumentId,
    /// When what shows it and still waits may go.
    pub due: Timestamp,
}

/// A document that may not be used and never will be, as far as is known. What shows it and was not sent is kept back for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Which document.
    pub document: DocumentId,
    /// Why.
    pub cause: DropCause,
}

/// Why a document will not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropCause {
    /// It was killed or canceled before its release.
    Canceled,
    /// It left the window while it was withheld. Should it come again, it is as if it had never been there.
    Forgotten,
}

impl DropCause {
    /// Whether a row of the outbox that says this was dropped, whatever the cause.
    pub fn is_reason(reason: &str) -> bool {
        [Self::Canceled, Self::Forgotten].iter().any(|cause| cause.reason() == reason)
    }

    /// The reason, as rows of the outbox say it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Canceled => "canceled: the story was killed before its release",
            Self::Forgotten => "withheld: the feed did not say in time that the story may be used",
        }
    }
}

/// An alert in the form that its sink wants: rendered once, and the same bytes on every attempt, whatever becomes of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// Its media type.
    pub content_type: String,
    /// More headers that belong to it, by name.
    pub headers: Vec<(String, String)>,
    /// The exact bytes.
    pub body: Vec<u8>,
}

impl Rendering {
    /// The media type of a mail.
    pub const MAIL: &str = "message/rfc822";

    /// Whether it is a mail.
    pub fn is_mail(&self) -> bool {
        self.content_type == Self::MAIL
    }

    /// JSON as it is.
    pub fn json(body: Vec<u8>) -> Self {
        Self { content_type: "application/json".to_owned(), headers: Vec::new(), body }
    }
}

/// One alert for one sink that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// What was put in; `due` is when the next attempt may start.
    pub row: OutboxRow,
    /// Attempts so far.
    pub attempts: u32,
}

/// One attempt to deliver one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which alert.
    pub alert: AlertId,
    /// Name of the sink.
    pub sink: String,
    /// When it started.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status code of the answer, where there was one.
    pub status: Option<u16>,
    /// The beginning of the answer's body, on one line.
    pub head: Option<String>,
    /// How it ended.
    pub result: AttemptResult,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver has it.
    Delivered,
    /// It failed and is due again.
    Retry {
        /// When.
        due: Timestamp,
        /// What went wrong, in words.
        error: String,
    },
    /// The receiver wants nothing more, or it was an attempt before its time that only asked whether a failing receiver is back: it
    /// stays due when it was. Counts as no attempt, so that none is missing when the receiver is back.
    Held {
        /// What the receiver said, in words.
        error: String,
    },
    /// It failed for good: kept and visible, never tried again.
    Dead {
        /// What went wrong, in words.
        error: String,
    },
}

/// What a dispatcher needs of the store. Methods block; call them from blocking threads.
pub trait Outbox: Send + Sync {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Entries of `sink` that are due at `now`, longest due first, at most `limit`. An entry is left out while an
    /// earlier one of its order key is neither delivered nor dead.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    fn due(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, Self::Error>;

    /// When the first entry of `sink` that is due later than `now` becomes due.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    fn next_due(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, Self::Error>;

    /// Entries of `sink` that were tried in vain, are under no embargo and due later than `now`, the first due first, at most `limit`; left out as in
    /// [`Outbox::due`].
    ///
    /// # Errors
    /// When the outbox cannot be read.
    fn tried(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, Self::Error>;

    /// Makes due at `now` what was tried in vain for `sink` at a time that is yet to come: the clock was set back since, and it would wait the longer
    /// by that.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    fn hasten(&self, sink: &str, now: Timestamp) -> Result<(), Self::Error>;

    /// What is known of the endpoint of `sink`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn endpoint(&self, sink: &str) -> Result<Option<EndpointRecord>, Self::Error>;

    /// Makes what is known of an endpoint durable. Where it `is_back` from failing, what was tried and waits for its turn is due at
    /// once, within the same transaction.
    ///
    /// # Errors
    /// When it could not be made durable; nothing is changed then.
    fn keep_endpoint(&self, record: EndpointRecord, is_back: bool) -> Result<(), Self::Error>;

    /// Writes down an attempt and the entry's new state, durably. An attempt at an entry that is already delivered or
    /// dead changes nothing.
    ///
    /// # Errors
    /// When it could not be made durable; nothing is changed then.
    fn record_attempt(&self, attempt: Attempt) -> Result<(), Self::Error>;
}
