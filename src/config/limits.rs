//! How much a sink takes and when: its caps, groups and quiet hours.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::reader::{Section, Wrong, count, duration, most_alike, string};
use crate::rule::{Limits, QuietHours, QuietSpan, SPAN, SPANS_MAX};

/// Bounds of a sink's budget of a day and its cap of an hour.
pub(super) const ALERTS: RangeInclusive<i64> = 0..=1_000_000;
/// Bounds of how long alerts wait for others of their thread.
pub(super) const GROUP_WAIT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
/// Bounds of a priority.
pub(super) const PRIORITY: RangeInclusive<i64> = 0..=100;
const ZONE: &str = "the name of a time zone such as \"Europe/Berlin\" or \"UTC\"";

/// The limits of a sink; what it does not say is as by default.
pub(super) fn read_limits(section: &mut Section<'_>) -> Limits {
    let default = Limits::default();
    let alerts_per_day = section.read("alerts_per_day", |value| count(value, &ALERTS));
    let alerts_per_hour = section.read("alerts_per_hour", |value| count(value, &ALERTS));
    let group_wait = section.read("group_wait", |value| duration(value, GROUP_WAIT));
    let group_wait = group_wait.and_then(|wait| SignedDuration::try_from(wait).ok());
    let spans = section.list("quiet_hours", "spans of the week", span).unwrap_or_default();
    let zone = section.read("quiet_zone", zone).unwrap_or(TimeZone::UTC);
    let quiet_priority = section.read("quiet_priority", |value| count(value, &PRIORITY));
    if spans.len() > SPANS_MAX {
        section.problem(Wrong::new("quiet_hours has too many spans", format!("at most {SPANS_MAX}")));
    }
    let quiet = QuietHours::new(spans.into_iter().take(SPANS_MAX).collect(), zone);
    if quiet.are_endless() {
        let accepted = "spans that leave some time of the week; what a sink is never to get is a matter of rules";
        section.problem(Wrong::new("quiet_hours never end", accepted));
    }
    Limits {
        alerts_per_day: alerts_per_day.unwrap_or(default.alerts_per_day),
        alerts_per_hour: alerts_per_hour.unwrap_or(default.alerts_per_hour),
        group_wait: group_wait.unwrap_or(default.group_wait),
        quiet,
        quiet_priority: quiet_priority.unwrap_or(default.quiet_priority),
    }
}

fn span(value: &DeValue<'_>) -> Result<QuietSpan, Wrong> {
    string(value, SPAN)?.parse().map_err(|what: String| Wrong::new(what, SPAN))
}

fn zone(value: &DeValue<'_>) -> Result<TimeZone, Wrong> {
    let name = string(value, ZONE)?;
    // "Local" would be another one on each machine.
    let is_name = !name.eq_ignore_ascii_case("local");
    TimeZone::get(name).ok().filter(|_| is_name).ok_or_else(|| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let lower: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
        let alike = most_alike(name, lower.iter().map(String::as_str));
        let alike = known.iter().find(|name| Some(name.to_lowercase().as_str()) == alike);
        let guess = alike.map(|name| format!(", did you mean {name:?}?")).unwrap_or_default();
        Wrong::new(format!("{name:?} is not a time zone{guess}"), ZONE)
    })
}
