//! The settings of a sink of JSON Lines: its file, when that makes room for a new one, and when a line counts as safe.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::load::{Surroundings, file_path};
use super::reader::{Section, Wrong, boolean, count, duration, size, string};
use super::units::{parse_duration, show_duration};

/// Bounds of the size at which a file is closed.
pub(super) const ROTATE_BYTES: RangeInclusive<u64> = 1 << 10..=1 << 40;
/// Bounds of the stretch of time that a file holds.
pub(super) const ROTATE_EVERY: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24 * 366);
/// Bounds of the closed files that are kept.
pub(super) const KEEP_FILES: RangeInclusive<i64> = 1..=100_000;
/// Bounds of the time between two waits for the disk.
const FSYNC_INTERVAL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_hours(1);
const FSYNC: &str = "\"always\", \"never\" or \"interval\" with 10ms to 1h, such as \"interval 1s\"";
/// What it looks like, for editors.
pub(super) const FSYNC_PATTERN: &str = "^\\s*(always|never|interval\\s+([0-9]+\\s*(ms|s|m|h|d)\\s*)+)\\s*$";

/// A sink of JSON Lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinesConfig {
    /// The file, appended to; without it: standard output.
    pub path: Option<PathBuf>,
    /// When the file is closed and a new one begun.
    pub rotation: Rotation,
    /// When a line counts as delivered.
    pub fsync: Fsync,
}

/// When a file is closed and what becomes of it; by default it is left to grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Most bytes of a file; a single line that has more goes into a file of its own.
    pub bytes: Option<u64>,
    /// A file holds the lines of one such stretch of time, counted from the beginning of 1970 in UTC.
    pub every: Option<Duration>,
    /// Closed files that are kept, the newest; without it: all.
    pub keep: Option<usize>,
    /// Whether closed files are compressed.
    pub compress: bool,
}

impl Rotation {
    /// Whether files are ever closed.
    pub fn is_on(&self) -> bool {
        self.bytes.is_some() || self.every.is_some()
    }
}

/// When a line counts as delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fsync {
    /// When it is on the disk.
    #[default]
    Always,
    /// When the system has it; it is on the disk after so long at the latest.
    Interval(Duration),
    /// When the system has it.
    Never,
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Interval(interval) => write!(f, "interval {}", show_duration(*interval)),
            Self::Never => f.write_str("never"),
        }
    }
}

/// Reads the keys of a sink.
pub(super) fn read_lines(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> LinesConfig {
    let default = LinesConfig::default();
    let rotation = Rotation {
        bytes: section.read("rotate_bytes", |value| size(value, ROTATE_BYTES)),
        every: section.read("rotate_every", |value| duration(value, ROTATE_EVERY)),
        keep: section.read("keep_files", |value| count(value, &KEEP_FILES)),
        compress: section.read("compress", boolean).unwrap_or(default.rotation.compress),
    };
    let fsync = section.read("fsync", fsync).unwrap_or(default.fsync);
    if !section.has("path")
        && let Some(key) = ["rotate_bytes", "rotate_every", "fsync"].into_iter().find(|key| section.has(key))
    {
        section.problem(Wrong::new(format!("has {key} without a path"), format!("{key} beside path")));
    }
    let is_rotated = section.has("rotate_bytes") || section.has("rotate_every");
    if !is_rotated && let Some(key) = ["keep_files", "compress"].into_iter().find(|key| section.has(key)) {
        let accepted = format!("{key} beside rotate_bytes or rotate_every");
        section.problem(Wrong::new(format!("has {key} and never closes a file"), accepted));
    }
    LinesConfig { path: section.read("path", |value| file_path(value, surroundings)), rotation, fsync }
}

fn fsync(value: &DeValue<'_>) -> Result<Fsync, Wrong> {
    let text = string(value, FSYNC)?;
    let wrong = || Wrong::new(format!("{text:?} says not when lines are safe"), FSYNC);
    match text.trim() {
        "always" => Ok(Fsync::Always),
        "never" => Ok(Fsync::Never),
        other => {
            let interval = other.strip_prefix("interval").filter(|rest| rest.starts_with(char::is_whitespace));
            let interval = interval.and_then(parse_duration).filter(|interval| FSYNC_INTERVAL.contains(interval));
            interval.map(Fsync::Interval).ok_or_else(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Fsync>) {
        let read = fsync(&DeValue::String(text.into())).ok();
        assert_eq!(read, expected, "{text:?}");
        let schema = serde_json::json!({"type": "string", "pattern": FSYNC_PATTERN});
        // A pattern cannot know the bounds; what is read it must let through.
        assert!(read.is_none() || jsonschema::is_valid(&schema, &text.into()), "{text:?}: the schema says otherwise");
        if let Some(fsync) = read {
            assert_eq!(super::fsync(&DeValue::String(fsync.to_string().into())).ok(), Some(fsync));
        }
    }

    #[test]
    fn when_lines_are_safe() {
        check("always", Some(Fsync::Always));
        check(" never ", Some(Fsync::Never));
        check("interval 1s", Some(Fsync::Interval(Duration::from_secs(1))));
        check("interval  1m 30s", Some(Fsync::Interval(Duration::from_secs(90))));
        check("interval 10ms", Some(Fsync::Interval(Duration::from_millis(10))));
        for wrong in [
            "",
            "sometimes",
            "interval",
            "interval 1",
            "interval1s",
            "interval 0s",
            "interval 9ms",
            "interval 2h",
            "1s",
        ] {
            check(wrong, None);
        }
    }
}
