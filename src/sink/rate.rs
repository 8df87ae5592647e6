//! At most so many attempts in any stretch of a second, a minute or an hour: a sliding window of their beginnings.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// The beginnings of attempts that still count. A window rather than a bucket of tokens, which lets nearly twice as many through in the
/// stretch after a quiet one: receivers count what comes within theirs.
pub(super) struct Window {
    rate: Option<Rate>,
    starts: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self { rate, starts: VecDeque::new() }
    }

    /// How many attempts may begin at `now`.
    pub(super) fn room(&mut self, now: Instant) -> usize {
        let Some(Rate { count, period }) = self.rate else { return usize::MAX };
        while self.starts.front().is_some_and(|start| now.saturating_duration_since(*start) >= period) {
            self.starts.pop_front();
        }
        usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(self.starts.len())
    }

    /// How long no attempt may begin; nothing where one may at `now`.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        if self.room(now) > 0 {
            return None;
        }
        let (rate, first) = (self.rate?, self.starts.front()?);
        Some((*first + rate.period).saturating_duration_since(now))
    }

    /// An attempt begins.
    pub(super) fn start(&mut self, now: Instant) {
        if self.rate.is_some() {
            self.starts.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stretch_holds_more_than_the_rate() {
        let rate = Rate { count: 3, period: Duration::from_mins(1) };
        let (mut window, begin) = (Window::new(Some(rate)), Instant::now());
        let mut starts = Vec::new();
        // Tries every 7 seconds, as often as it may.
        for second in (0..600).step_by(7) {
            let now = begin + Duration::from_secs(second);
            assert_eq!(window.room(now) == 0, window.wait(now).is_some());
            for _ in 0..window.room(now) {
                window.start(now);
                starts.push(second);
            }
        }
        let most =
            starts.iter().map(|first| starts.iter().filter(|at| (*first..first + 60).contains(at)).count()).max();
        assert_eq!((most, starts.len()), (Some(3), 30));
        window.start(begin + Duration::from_secs(700));
        assert_eq!(window.wait(begin + Duration::from_secs(701)), None);
    }

    #[test]
    fn the_wait_ends_when_there_is_room() {
        let rate = Rate { count: 1, period: Duration::from_secs(1) };
        let (mut window, now) = (Window::new(Some(rate)), Instant::now());
        assert_eq!((window.room(now), window.wait(now)), (1, None));
        window.start(now);
        assert_eq!(window.wait(now), Some(Duration::from_secs(1)));
        assert_eq!(window.room(now + Duration::from_secs(1)), 1);
        assert_eq!(Window::new(None).room(now), usize::MAX);
    }
}
