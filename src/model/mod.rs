//! Plain data that every stage shares: feed, item, document, story, claim, thread, alert; no I/O, no clock.

mod address;
mod alert;
mod analysis;
mod article;
mod claim;
mod document;
mod endpoint;
mod event;
mod feed;
mod feed_control;
mod feedback;
mod id;
mod item;
mod known;
mod outbox;
mod record;
mod rhythm;
mod sorted;
mod span;
mod story;
mod zone;

pub use address::{
    ADDRESS_BYTES_MAX, canonical_address, comparable_address, shown_address, shown_endpoint, shown_text,
};
pub use alert::{
    Alert, AlertAnswer, AlertClaim, AlertDocument, AlertStory, AlertThread, AlertType, ClaimSpeaker, Digest,
    DigestCause, DigestEntry, Evidence, ExplainedAct, ExplainedSentence, ExtractedClaim, FeedAlert, Link, Offsets,
    Priority, Quote, SCHEMA_VERSION, SinkAlert, Stance, StanceEntry, StoryLine,
};
pub use analysis::{Analysis, Issue, ModelsHash};
pub use article::Article;
pub use claim::{Attribution, Basis, Claim, Confidence, Kind, OwnWords, Proposition, Speaker};
pub use document::{Document, EntryTrace, OffsetMap, SourceInfo};
pub use endpoint::{EndpointRecord, EndpointState, SinkChange, SinkHealth};
pub use event::{ClaimEvent, Event, Subject, related};
pub use feed::{FeedCursor, FeedHealth, FeedIncident, FilesRead, KeptList, ListedFeed, Moving, PageDue, Subscription};
pub use feed_control::{AddedFeed, FeedControl, PausedFeed};
pub use feedback::{
    ChangedFeedback, Corrected, Feedback, FeedbackAct, FeedbackLine, FeedbackState, ReadAs, SILENCE_MAX, Silence,
};
pub use id::{
    AddressHash, AlertId, ClaimId, ContentHash, DocumentId, FeedId, FeedbackId, InvalidId, StoryId, ThreadId,
};
pub use item::{EntryIdentity, IdentityRule, Item, Markup, MarkupFormat, Release, Version};
pub use known::{ClaimText, KnownClaim};
pub use outbox::{
    Attempt, AttemptResult, DropCause, Dropped, Moved, Outbox, OutboxEntry, OutboxRow, Rendering, SilencedRow, WITHHELD,
};
pub use record::{
    AlertedAs, BudgetRecord, ClaimRecord, DocumentRecord, FeedRecord, GroupRecord, HeldAlert, HeldList, HourRecord,
    Knowledge, MutedSpeaker, Records, Report, SilenceRecord, StanceRecord, StoryRecord, ThreadRecord, ThreadState,
    Wording,
};
pub use rhythm::{PollReason, RHYTHM_BINS, Rhythm, Wishes};
pub use sorted::SortedSet;
pub use span::Span;
pub use story::{Fingerprint, Lists, RevisionLabel};
pub use zone::zone_seconds;
