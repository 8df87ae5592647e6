//! What the last polls of a feed brought (`PollNote`): kept in memory while the daemon runs, a few for each feed.

use std::collections::VecDeque;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::FeedConfig;
use crate::intake::{Outcome, Poll};

/// Polls of a feed that are kept; with ten thousand feeds they are four megabytes.
const POLLS_MAX: usize = 8;
/// Characters of an error.
const ERROR_CHARACTERS_MAX: usize = 300;

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PollResult {
    /// The feed was read.
    Entries,
    /// It has not changed.
    NotModified,
    /// It could not be read.
    Failed,
}

/// What one poll brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PollNote {
    /// When it was.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u32,
    /// How it ended.
    pub result: PollResult,
    /// Status of the answer over HTTP, where there was one.
    pub status: Option<u16>,
    /// Entries in its body, old and new.
    pub entries: u32,
    /// What went wrong, in words.
    pub error: Option<Box<str>>,
}

impl PollNote {
    /// Of a poll that was made at `at` and was over at `end`; a watched directory answers without a status.
    pub fn new(feed: &FeedConfig, poll: &Poll, at: Timestamp, end: Timestamp) -> Self {
        let duration_ms = u32::try_from(end.duration_since(at).as_millis()).unwrap_or_default();
        let bare = Self { at, duration_ms, result: PollResult::Entries, status: None, entries: 0, error: None };
        let answered = |status: u16| (feed.url.scheme() != "file").then_some(status);
        match &poll.outcome {
            Outcome::Items { items, .. } => {
                let entries = u32::try_from(items.len()).unwrap_or(u32::MAX);
                Self { entries, status: answered(200), ..bare }
            }
            Outcome::NotModified => Self { result: PollResult::NotModified, status: answered(304), ..bare },
            Outcome::Failed(error) => {
                let status = error.status();
                let error: String = error.to_string().chars().take(ERROR_CHARACTERS_MAX).collect();
                Self { result: PollResult::Failed, status, error: Some(error.into()), ..bare }
            }
        }
    }
}

/// The last polls of a feed, the latest last.
#[derive(Debug, Default)]
pub(super) struct RecentPolls(VecDeque<PollNote>);

impl RecentPolls {
    pub(super) fn push(&mut self, note: PollNote) {
        if self.0.len() >= POLLS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(note);
    }

    pub(super) fn all(&self) -> Vec<PollNote> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_polls_are_kept() {
        let mut recent = RecentPolls::default();
        let note = |entries| PollNote {
            at: Timestamp::UNIX_EPOCH,
            duration_ms: 1,
            result: PollResult::Entries,
            status: Some(200),
            entries,
            error: None,
        };
        (0..40).for_each(|entries| recent.push(note(entries)));
        let kept: Vec<u32> = recent.all().iter().map(|note| note.entries).collect();
        assert_eq!(kept, (32..40).collect::<Vec<_>>());
    }
}
