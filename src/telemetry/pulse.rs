//! Whether the daemon lives: where it is in its life, and which stage makes no progress; told by `app`, asked by `web` and by
//! the supervisor's watchdog.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::FeedId;

/// Where the daemon is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The state is rebuilt, the sinks are opened.
    Starting,
    /// Feeds are polled, alerts delivered.
    Ready,
    /// No new work is taken, what is under way ends.
    Stopping,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 3] = [Self::Starting, Self::Ready, Self::Stopping];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        }
    }
}

/// A stage that can get stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It neither finishes a batch nor commits one.
    Desk,
    /// Feeds are due, and no poll ends.
    Feeds,
}

impl Stage {
    /// All such stages.
    pub const ALL: [Self; 2] = [Self::Desk, Self::Feeds];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Feeds => "feeds",
        }
    }
}

/// Notes signs of life.
#[derive(Debug)]
pub struct Pulse {
    phase: watch::Sender<Phase>,
    beats: Mutex<Beats>,
}

#[derive(Debug)]
struct Beats {
    /// Since when the desk has been at its batch.
    busy_since: Option<Instant>,
    /// First and last of the commits that failed since one succeeded.
    failing: Option<(Instant, Instant)>,
    /// Why the database took nothing when it was written to last.
    refused: Option<String>,
    /// When each feed that waits for its turn is due.
    due: BTreeMap<FeedId, Instant>,
    last_poll: Instant,
    /// Longest that one poll may take.
    poll_time_max: Duration,
}

impl Pulse {
    /// Of a daemon that starts.
    pub fn new() -> Self {
        let beats = Beats {
            busy_since: None,
            failing: None,
            refused: None,
            due: BTreeMap::new(),
            last_poll: Instant::now(),
            poll_time_max: Duration::ZERO,
        };
        Self { phase: watch::Sender::new(Phase::Starting), beats: Mutex::new(beats) }
    }

    /// Where the daemon is.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Told of every change of phase.
    pub fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Goes on to a phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// The desk has taken a batch.
    pub fn desk_began(&self) {
        self.beats().busy_since.get_or_insert_with(Instant::now);
    }

    /// The desk is through with its batch, which is durable or not.
    pub fn desk_ended(&self, is_durable: bool) {
        let now = Instant::now();
        let mut beats = self.beats();
        beats.busy_since = None;
        beats.failing = if is_durable { None } else { Some((beats.failing.map_or(now, |(first, _)| first), now)) };
    }

    /// The database was written to, or refused with these words.
    pub fn wrote(&self, written: Result<(), String>) {
        self.beats().refused = written.err();
    }

    /// Why the database took nothing when it was written to last; nothing where it did.
    pub fn refused(&self) -> Option<String> {
        self.beats().refused.clone()
    }

    /// A feed waits and is due after `delay`; one poll takes at most `poll_time_max`.
    pub fn feed_waits(&self, feed: &FeedId, delay: Duration, poll_time_max: Duration) {
        let mut beats = self.beats();
        beats.poll_time_max = beats.poll_time_max.max(poll_time_max);
        if let Some(due) = Instant::now().checked_add(delay) {
            beats.due.insert(feed.clone(), due);
        }
    }

    /// A poll has ended, however.
    pub fn feed_polled(&self, feed: &FeedId) {
        let mut beats = self.beats();
        beats.due.remove(feed);
        beats.last_poll = Instant::now();
    }

    /// A feed is watched no longer.
    pub fn feed_left(&self, feed: &FeedId) {
        self.beats().due.remove(feed);
    }

    /// Which stages have made no progress for longer than `patience`.
    pub fn stuck(&self, patience: Duration) -> Vec<Stage> {
        self.beats().stuck(patience, Instant::now())
    }

    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl Beats {
    fn stuck(&self, patience: Duration, now: Instant) -> Vec<Stage> {
        let is_busy = self.busy_since.is_some_and(|since| now.duration_since(since) > patience);
        // One failure is none that lasts, however long ago it was: the next batch may be an interval away.
        let is_failing = self.failing.is_some_and(|(first, last)| last.duration_since(first) > patience);
        // Many feeds behind few fetches are late for long; they are stuck when not even one of them gets through.
        let patience = patience + self.poll_time_max;
        let is_late = self.due.values().any(|due| now.saturating_duration_since(*due) > patience);
        let is_silent = now.duration_since(self.last_poll) > patience;
        let desk = (is_busy || is_failing).then_some(Stage::Desk);
        desk.into_iter().chain((is_late && is_silent).then_some(Stage::Feeds)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// What is stuck, with a patience of five minutes, `minutes` after the beats were taken down.
    #[track_caller]
    fn check(set: impl FnOnce(&mut Beats, Instant), minutes: u32, expected: &[Stage]) {
        let start = Instant::now();
        let mut beats = Beats {
            busy_since: None,
            failing: None,
            refused: None,
            due: BTreeMap::new(),
            last_poll: start,
            poll_time_max: MINUTE,
        };
        set(&mut beats, start);
        assert_eq!(beats.stuck(5 * MINUTE, start + minutes * MINUTE), expected);
    }

    #[test]
    fn a_desk_that_sits_at_a_batch_is_stuck() {
        check(|beats, now| beats.busy_since = Some(now), 5, &[]);
        check(|beats, now| beats.busy_since = Some(now), 6, &[Stage::Desk]);
        check(|_, _| (), 600, &[]);
    }

    #[test]
    fn a_desk_that_never_commits_is_stuck_but_one_failure_is_forgiven() {
        check(|beats, now| beats.failing = Some((now, now)), 600, &[]);
        check(|beats, now| beats.failing = Some((now, now + 6 * MINUTE)), 6, &[Stage::Desk]);
    }

    #[test]
    fn feeds_are_stuck_when_some_are_due_and_none_is_polled() {
        let due = |minutes: u32| {
            move |beats: &mut Beats, now: Instant| {
                beats.due.insert(FeedId::new("a"), now + minutes * MINUTE);
            }
        };
        check(due(0), 6, &[]);
        check(due(0), 7, &[Stage::Feeds]);
        check(due(60), 60, &[]);
        let others_are_polled = |beats: &mut Beats, now: Instant| {
            beats.due.insert(FeedId::new("a"), now);
            beats.last_poll = now + 9 * MINUTE;
        };
        check(others_are_polled, 10, &[]);
    }

    #[test]
    fn what_ends_is_forgotten() {
        let pulse = Pulse::new();
        let feed = FeedId::new("a");
        pulse.feed_waits(&feed, Duration::ZERO, Duration::ZERO);
        pulse.desk_began();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(pulse.stuck(Duration::ZERO), [Stage::Desk, Stage::Feeds]);
        pulse.feed_polled(&feed);
        pulse.desk_ended(true);
        assert_eq!(pulse.stuck(Duration::ZERO), []);
    }
}
