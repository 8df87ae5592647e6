//! `Limits`: how much a sink takes and when, below its rules; read by `config`, applied by `route`.

use jiff::{SignedDuration, Timestamp};

use super::collect::Collect;
use super::quiet::QuietHours;

/// How much a sink takes, and when. What it does not take at once comes later or in a digest, never not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Alerts of claims in a day (UTC), and as many of feeds; 0: no limit.
    pub alerts_per_day: u32,
    /// Alerts of claims in an hour, and as many of feeds; 0: no limit.
    pub alerts_per_hour: u32,
    /// How long the first alert of a thread waits for others of it; zero: it does not.
    pub group_wait: SignedDuration,
    /// When it is to be left alone.
    pub quiet: QuietHours,
    /// From this priority on alerts come in quiet hours too, and are not collected.
    pub quiet_priority: u8,
    /// When it gets what it collects; nothing where it gets all at once.
    pub collect: Option<Collect>,
}

/// An analyst reads about so many alerts a day.
pub const ALERTS_PER_DAY: u32 = 100;
/// From this priority on an alert is worth to be woken for.
pub const QUIET_PRIORITY: u8 = 90;

impl Limits {
    /// Takes everything at once.
    pub fn none() -> Self {
        Self {
            alerts_per_day: 0,
            alerts_per_hour: 0,
            group_wait: SignedDuration::ZERO,
            quiet: QuietHours::none(),
            quiet_priority: QUIET_PRIORITY,
            collect: None,
        }
    }

    /// Whether nothing is ever held to be counted or put into a digest.
    pub fn take_everything(&self) -> bool {
        let Self { alerts_per_day, alerts_per_hour, quiet, collect, .. } = self;
        *alerts_per_day == 0 && *alerts_per_hour == 0 && quiet.spans().is_empty() && collect.is_none()
    }

    /// Whether an alert of this priority is not to come at `time`.
    pub fn is_quiet(&self, priority: u8, time: Timestamp) -> bool {
        priority < self.quiet_priority && self.quiet.hold(time)
    }

    /// When an alert of this priority goes out with what is collected; nothing where it goes at once.
    pub fn collects(&self, priority: u8) -> Option<&Collect> {
        self.collect.as_ref().filter(|_| priority < self.quiet_priority)
    }
}

impl Default for Limits {
    /// The limits of a sink that says nothing of them.
    fn default() -> Self {
        Self { alerts_per_day: ALERTS_PER_DAY, ..Self::none() }
    }
}
