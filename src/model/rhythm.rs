//! What is remembered of when a feed publishes (`Rhythm`), what its publisher asks of pollers (`Wishes`), and why a poll comes
//! when it comes (`PollReason`): plain data; `intake` does the arithmetic.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bins of a rhythm: eight of three hours each (UTC) for Monday to Friday, then eight for the weekend.
pub const RHYTHM_BINS: usize = 16;

/// When a feed was seen to publish. Bounded whatever the feed does: counts by time of the week, not single times. Whole numbers,
/// so that what is stored is what was reckoned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rhythm {
    /// Since when it is known what the feed published.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// When it published last.
    pub newest: Option<Timestamp>,
    /// Hash of the identities in the last body: what is new in a feed without dates.
    pub listing: u64,
    /// Moments at which it published, by bin, in thousandths; older ones count less.
    pub moments: [u32; RHYTHM_BINS],
    /// Seconds over which they were counted, by bin; older ones count less.
    pub watched: [u32; RHYTHM_BINS],
    /// The same of the last hours alone, in thousandths ...
    pub recent_moments: u32,
    /// ... and seconds.
    pub recent_watched: u32,
    /// Longest pause between two moments, in seconds; fades over months.
    pub longest_pause: u32,
}

/// What a feed says in itself about how often it may be read. It comes with a body alone, so it is kept for the polls that bring none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// Seconds for which it may be kept: RSS `ttl`.
    pub ttl: Option<u32>,
    /// Seconds between two of its updates: `sy:updatePeriod` by `sy:updateFrequency`.
    pub update_period: Option<u32>,
    /// Hours of the day (UTC) at which it is not to be read, a bit each: RSS `skipHours`.
    pub skip_hours: u32,
    /// Days of the week (UTC, Monday the lowest bit) on which it is not to be read: RSS `skipDays`.
    pub skip_days: u8,
}

/// Why a feed is polled when it is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PollReason {
    /// The interval of the config is fixed, or the shortest.
    Interval,
    /// When the feed was seen to publish.
    Rhythm,
    /// The longest interval of the config.
    IntervalMax,
    /// RSS `ttl`.
    Ttl,
    /// `Cache-Control: max-age`.
    MaxAge,
    /// `Expires`.
    Expires,
    /// `sy:updatePeriod`.
    UpdatePeriod,
    /// Its hub pushes what is new.
    Push,
    /// RSS `skipHours`.
    SkipHours,
    /// RSS `skipDays`.
    SkipDays,
    /// The poll failed.
    Backoff,
    /// The server asked to be left alone.
    RetryAfter,
    /// The feed is gone.
    Retired,
}

impl PollReason {
    /// In words, behind "every 12 min: " or "at 14:05: ".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interval => "poll_interval",
            Self::Rhythm => "its rhythm",
            Self::IntervalMax => "poll_interval_max",
            Self::Ttl => "its ttl",
            Self::MaxAge => "Cache-Control",
            Self::Expires => "Expires",
            Self::UpdatePeriod => "sy:updatePeriod",
            Self::Push => "its hub pushes it",
            Self::SkipHours => "skipHours",
            Self::SkipDays => "skipDays",
            Self::Backoff => "it failed",
            Self::RetryAfter => "Retry-After",
            Self::Retired => "it is gone",
        }
    }
}
