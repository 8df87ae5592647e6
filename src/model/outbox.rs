//! The outbox: alerts on their way to sinks. `store` keeps it, `sink` empties it; these types are all they share.

use std::time::Duration;

use jiff::Timestamp;

use super::{AlertId, AlertType};

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
    /// The receiver wants nothing more: it stays due, to be tried again after the next start. Counts as no attempt, so
    /// that none is missing when the receiver is back.
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

    /// Writes down an attempt and the entry's new state, durably. An attempt at an entry that is already delivered or
    /// dead changes nothing.
    ///
    /// # Errors
    /// When it could not be made durable; nothing is changed then.
    fn record_attempt(&self, attempt: Attempt) -> Result<(), Self::Error>;
}
