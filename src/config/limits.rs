//! How much a sink takes and when: its caps, groups and quiet hours.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::reader::{Section, Wrong, count, duration, most_alike, string};
use crate::rule::{COLLECT, COLLECT_EVERY, Collect, Limits, QuietHours, QuietSpan, SPAN, SPANS_MAX};

/// Bounds of a sink's budget of a day and its cap of an hour.
pub(super) const ALERTS: RangeInclusive<i64> = 0..=1_000_000;
/// Bounds of how long alerts wait for others of their thread.
pub(super) const GROUP_WAIT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
/// Bounds of a priority.
pub(super) const PRIORITY: RangeInclusive<i64> = 0..=100;
/// When what is collected goes out, for editors.
pub(super) const COLLECT_PATTERN: &str = "^\\s*(([0-9]+\\s*(ms|s|m|h|d)\\s*)+|([0-2][0-9]:[0-5][0-9][ ,]*)+)?$";
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
    let collect = section.read("digest", |value| collect(value, &zone)).flatten();
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
        collect,
    }
}

/// A duration, or times of day by the clocks of this zone; empty for neither.
fn collect(value: &DeValue<'_>, zone: &TimeZone) -> Result<Option<Collect>, Wrong> {
    let text = string(value, COLLECT)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains(':') {
        let times = text.parse().map_err(|what: String| Wrong::new(what, COLLECT))?;
        return Ok(Some(Collect::At(times, zone.clone())));
    }
    let [least, most] = [COLLECT_EVERY.start(), COLLECT_EVERY.end()].map(|bound| bound.unsigned_abs());
    let every = duration(value, least..=most).map_err(|wrong| wrong.accepting(COLLECT))?;
    // A day is within all bounds.
    Ok(SignedDuration::try_from(every).ok().map(Collect::Every))
}

fn span(value: &DeValue<'_>) -> Result<QuietSpan, Wrong> {
    string(value, SPAN)?.parse().map_err(|what: String| Wrong::new(what, SPAN))
}

fn zone(value: &DeValue<'_>) -> Result<TimeZone, Wrong> {
    let name = string(value, ZONE)?;
    // "Local" would be another one on each machine.
    let is_name = !name.eq_ignore_ascii_case("local");
    TimeZone::get(name).ok().filter(|_| is_name).ok_or_else(|| {
        let known: BTreeMap<String, String> =
            jiff::tz::db().available().map(|name| (name.as_str().to_lowercase(), name.to_string())).collect();
        let guess = most_alike(name, known.keys().map(String::as_str)).and_then(|name| known.get(name));
        let guess = guess.map_or_else(String::new, |name| format!(", did you mean {name:?}?"));
        Wrong::new(format!("{name:?} is not a time zone{guess}"), ZONE)
    })
}
