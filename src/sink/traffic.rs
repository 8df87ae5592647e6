//! When an endpoint is sent something and when it is left alone: the outcomes of attempts go in, permits and the endpoint's record come
//! out; pure, the dispatcher brings the times.
//!
//! A circuit breaker as M. Nygard describes it ("Release It!", 2007) with three differences. An endpoint that says it is too busy is paused
//! at once, for as long as it asks. While it is paused or fails, only one attempt is on its way at a time. And the state outlives the
//! process.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::rate::Window;
use super::retry;
use crate::config::TrafficConfig;
use crate::model::{AddressHash, EndpointRecord, EndpointState};

/// Pauses of an endpoint that fails, shortest and longest: an alert is to go out within minutes of its return.
const PROBE_WAITS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(5));

/// Pauses of an endpoint that is too busy and does not say for how long.
const BUSY_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// Longest pause that a stored record is believed: nobody may ask for a longer one, so a clock was wrong.
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// An endpoint's failing time that is not stored yet may be as long.
const UNSTORED_MAX: Duration = Duration::from_hours(1);

/// How an attempt ended, as far as it tells something of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has the alert.
    Delivered,
    /// It is there, and refuses this alert as it is.
    Refused,
    /// It is not there, or fails.
    Failed,
    /// It is too busy, and may have said for how long.
    Busy(Option<Duration>),
    /// It is gone for good.
    Gone,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// So many attempts. `may_be_early`: also at what was tried before and has its next turn later, to see whether the endpoint is back.
    Start { room: usize, may_be_early: bool },
    /// None for so long, if nothing happens.
    Wait(Duration),
}

impl Permit {
    /// To begin `room` attempts.
    pub(super) fn of(room: usize) -> Self {
        if room == 0 { Self::Wait(Duration::MAX) } else { Self::Start { room, may_be_early: false } }
    }
}

/// What an outcome changed of an endpoint, worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Paused(Duration),
    Failing,
    Disabled,
    Back,
}

/// The traffic to one endpoint.
pub(super) struct Traffic {
    config: TrafficConfig,
    record: EndpointRecord,
    window: Window,
    /// No attempt before. Not by the wall clock: one that is set back must not make a pause longer.
    left_alone_until: Option<Instant>,
    /// When that was last set: what was begun before says nothing new.
    judged_at: Option<Instant>,
    last_failure: Option<Instant>,
    /// Pauses in a row, of either sort.
    pauses: (u32, u32),
    failing_time: Duration,
    /// Of the time between two failures so much counts; in the rest nothing was sent.
    gap_max: Duration,
    /// The record has changed since it was stored; and the endpoint is back from failing.
    is_unstored: bool,
    is_back: bool,
}

impl Traffic {
    /// Goes on from what is stored of this endpoint, unless its address is another now. What fails is tried again after `wait_max` at
    /// the latest.
    pub(super) fn resume(
        (config, wait_max): (TrafficConfig, Duration),
        (sink, address): (&str, AddressHash),
        stored: Option<EndpointRecord>,
        now: (Timestamp, Instant),
    ) -> Self {
        let is_other = stored.as_ref().is_some_and(|record| record.address != address);
        let record = stored
            .filter(|record| record.address == address)
            .unwrap_or_else(|| EndpointRecord::healthy(sink.to_owned(), address, now.0));
        let mut traffic = Self {
            window: Window::new(config.rate_max),
            config,
            left_alone_until: None,
            judged_at: None,
            last_failure: None,
            pauses: (0, 0),
            failing_time: Duration::from_secs(record.failing_seconds),
            gap_max: wait_max.max(PROBE_WAITS.1),
            is_unstored: is_other,
            is_back: is_other,
            record,
        };
        let pause = traffic.record.left_alone_until.map(|until| until.duration_since(now.0));
        if let Some(pause) = pause.and_then(|pause| Duration::try_from(pause).ok()) {
            traffic.left_alone_until = Some(now.1 + pause.min(PAUSE_MAX));
        }
        traffic
    }

    pub(super) fn record(&self) -> &EndpointRecord {
        &self.record
    }

    /// The record to be stored, if it is not, and whether the endpoint is back from failing.
    pub(super) fn unstored(&self) -> Option<(EndpointRecord, bool)> {
        let record = EndpointRecord { failing_seconds: self.failing_time.as_secs(), ..self.record.clone() };
        self.is_unstored.then_some((record, self.is_back))
    }

    /// What [`Self::unstored`] gave was stored.
    pub(super) fn stored(&mut self) {
        (self.is_unstored, self.is_back) = (false, false);
        self.record.failing_seconds = self.failing_time.as_secs();
    }

    /// Somebody else has changed what is stored: an endpoint that was left alone counts as well again. Says whether that is so.
    pub(super) fn take_over(&mut self, stored: Option<EndpointRecord>) -> bool {
        let is_enabled = !self.is_unstored
            && self.record.state != EndpointState::Healthy
            && stored.as_ref().is_none_or(|record| record.state == EndpointState::Healthy);
        if is_enabled {
            self.forget_failures();
            self.record.failing_seconds = 0;
            self.record = stored.unwrap_or_else(|| self.record.clone());
        }
        is_enabled
    }

    /// What may be sent at `now`, with `under_way` attempts that have not ended and at most `concurrency_max` at once.
    pub(super) fn permit(&mut self, now: Instant, under_way: usize, concurrency_max: usize) -> Permit {
        let state = self.record.state;
        if state == EndpointState::Disabled {
            return Permit::Wait(Duration::MAX);
        }
        if let Some(wait) = self.left_alone_until.map(|until| until.saturating_duration_since(now))
            && wait > Duration::ZERO
        {
            return Permit::Wait(wait);
        }
        if let Some(wait) = self.window.wait(now) {
            return Permit::Wait(wait);
        }
        let at_once = if state == EndpointState::Healthy { concurrency_max } else { 1 };
        match at_once.saturating_sub(under_way).min(self.window.room(now)) {
            0 => Permit::Wait(Duration::MAX),
            room => Permit::Start { room, may_be_early: state == EndpointState::Failing },
        }
    }

    /// How long none may begin because of the rate alone.
    pub(super) fn wait_for_rate(&mut self, now: Instant) -> Option<Duration> {
        self.window.wait(now)
    }

    /// An attempt begins at `now`.
    pub(super) fn start(&mut self, now: Instant) {
        self.window.start(now);
    }

    /// An attempt that was begun at `begun` has ended so; `why` says it in words.
    pub(super) fn note(
        &mut self,
        outcome: &Outcome,
        why: &str,
        begun: Instant,
        (at, now): (Timestamp, Instant),
    ) -> Option<Shift> {
        if self.record.state == EndpointState::Disabled {
            return None;
        }
        if *outcome == Outcome::Delivered {
            return self.succeeded(at);
        }
        self.count_failing_time(at, now);
        let limit = self.config.disable_after;
        if *outcome == Outcome::Gone || !limit.is_zero() && self.failing_time >= limit {
            let over = if *outcome == Outcome::Gone { "" } else { "nothing but failures for too long, the last: " };
            self.turn(EndpointState::Disabled, &format!("{over}{why}"), at);
            self.left_alone_until = None;
            self.record.left_alone_until = None;
            return Some(Shift::Disabled);
        }
        match outcome {
            Outcome::Delivered | Outcome::Gone => None,
            Outcome::Refused => self.refused(at),
            Outcome::Failed | Outcome::Busy(_) => self.failed(outcome, why, begun, (at, now)),
        }
    }

    fn succeeded(&mut self, at: Timestamp) -> Option<Shift> {
        let before = self.record.state;
        self.forget_failures();
        if before == EndpointState::Healthy {
            // What was stored of the trouble has to be taken back.
            self.is_unstored |= self.record.failing_seconds > 0;
            return None;
        }
        self.is_back = before == EndpointState::Failing;
        (self.record.since, self.is_unstored) = (at, true);
        Some(Shift::Back)
    }

    /// It answers, so it is there: what waited for that goes out. But it has had nothing since it began to fail.
    fn refused(&mut self, at: Timestamp) -> Option<Shift> {
        (self.record.failures, self.pauses) = (0, (0, 0));
        self.left_alone_until = None;
        self.record.left_alone_until = None;
        if self.record.state == EndpointState::Healthy {
            return None;
        }
        self.is_back |= self.record.state == EndpointState::Failing;
        self.turn(EndpointState::Healthy, "", at);
        self.record.why = None;
        Some(Shift::Back)
    }

    /// It failed, or said that it is too busy.
    fn failed(
        &mut self,
        outcome: &Outcome,
        why: &str,
        begun: Instant,
        (at, now): (Timestamp, Instant),
    ) -> Option<Shift> {
        self.record.failures = self.record.failures.saturating_add(1);
        // Several are under way when the first one fails: together they are one sign, but a later end that one asks for is granted.
        let is_news = self.judged_at.is_none_or(|judged| begun >= judged);
        let pause = match outcome {
            Outcome::Busy(asked) if is_news => {
                self.pauses.0 = self.pauses.0.saturating_add(1);
                Some(asked.unwrap_or_else(|| retry::back_off(self.pauses.0, BUSY_WAITS.0, BUSY_WAITS.1)))
            }
            Outcome::Busy(asked) => *asked,
            _ => None,
        };
        if let Some(pause) = pause {
            self.leave_alone(pause, (at, now), true);
        }
        let threshold = self.config.breaker_failures;
        let was_failing = self.record.state == EndpointState::Failing;
        if was_failing || threshold > 0 && self.record.failures >= threshold {
            if is_news || !was_failing {
                self.pauses.1 = self.pauses.1.saturating_add(1);
                self.leave_alone(retry::back_off(self.pauses.1, PROBE_WAITS.0, PROBE_WAITS.1), (at, now), false);
            }
            self.record.why = Some(why.to_owned());
            self.is_unstored = true;
            if was_failing {
                return None;
            }
            self.turn(EndpointState::Failing, why, at);
            return Some(Shift::Failing);
        }
        let pause = pause?;
        self.is_unstored = true;
        self.record.why = Some(why.to_owned());
        if self.record.state == EndpointState::Healthy {
            self.turn(EndpointState::Paused, why, at);
        }
        is_news.then_some(Shift::Paused(pause))
    }

    /// Leaves it alone for `pause` from now; never less than before. What it `asked` for counts after a restart, too.
    fn leave_alone(&mut self, pause: Duration, (at, now): (Timestamp, Instant), asked: bool) {
        let until = now + pause.min(PAUSE_MAX);
        self.judged_at = Some(now);
        if self.left_alone_until.is_none_or(|before| before < until) {
            self.left_alone_until = Some(until);
            if asked {
                self.record.left_alone_until = at.saturating_add(pause.min(PAUSE_MAX)).ok();
            }
        }
    }

    /// Adds the time since the failure before, as this process lived it; of a time without attempts only the longest wait between two.
    fn count_failing_time(&mut self, at: Timestamp, now: Instant) {
        self.record.failing_since.get_or_insert(at);
        if let Some(last) = self.last_failure {
            self.failing_time = self.failing_time.saturating_add(now.saturating_duration_since(last).min(self.gap_max));
        }
        self.last_failure = Some(now);
        let stored = Duration::from_secs(self.record.failing_seconds);
        self.is_unstored |= self.failing_time.saturating_sub(stored) >= UNSTORED_MAX;
    }

    fn turn(&mut self, state: EndpointState, why: &str, at: Timestamp) {
        self.record.state = state;
        self.record.since = at;
        self.record.why = Some(why.to_owned());
        self.is_unstored = true;
    }

    fn forget_failures(&mut self) {
        (self.left_alone_until, self.judged_at, self.last_failure) = (None, None, None);
        (self.pauses, self.failing_time) = ((0, 0), Duration::ZERO);
        self.record.state = EndpointState::Healthy;
        self.record.why = None;
        (self.record.failures, self.record.failing_since, self.record.left_alone_until) = (0, None, None);
    }
}

#[cfg(test)]
mod tests;
