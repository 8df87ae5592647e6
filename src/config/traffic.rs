//! How much a webhook endpoint is sent, and when it is left alone: the keys `rate_max`, `breaker_failures` and `disable_after` of its sink.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;

use super::reader::{Section, Wrong, count, duration, string};

/// Bounds of the number in a rate.
const RATE_COUNT: RangeInclusive<u32> = 1..=10_000;
const RATE: &str = "attempts in a second, a minute or an hour, such as \"5/s\", \"30/m\" or \"1000/h\" (1 to 10000), or \"\" for no limit";
/// What a rate looks like, for editors.
pub(super) const RATE_PATTERN: &str = "^\\s*(([1-9][0-9]{0,3}|10000)/[smh]\\s*)?$";
/// Units of a rate.
const PERIODS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3_600)];
/// Bounds of the failures in a row after which an endpoint counts as failing.
pub(super) const BREAKER_FAILURES: RangeInclusive<i64> = 0..=1_000;
/// Bounds of the time after which an endpoint is disabled.
pub(super) const DISABLE_AFTER: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24 * 366);

/// How much an endpoint is sent, and when it is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficConfig {
    /// Most attempts in a stretch of time; nothing for no limit.
    pub rate_max: Option<Rate>,
    /// Failed attempts in a row after which it is only asked now and then whether it is back. 0: never.
    pub breaker_failures: u32,
    /// After so long of nothing but failures nothing is sent until somebody says so. 0: never.
    pub disable_after: Duration,
}

impl Default for TrafficConfig {
    fn default() -> Self {
        Self { rate_max: None, breaker_failures: 5, disable_after: Duration::from_hours(24 * 5) }
    }
}

/// At most `count` in any stretch of `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time: a second, a minute or an hour.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no rate");
        let (number, unit) = text.trim().split_once('/').ok_or_else(wrong)?;
        let (_, seconds) = PERIODS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let count = if is_number { number.parse().ok() } else { None };
        let count = count.filter(|count| RATE_COUNT.contains(count) && !number.starts_with('0')).ok_or_else(wrong)?;
        Ok(Self { count, period: Duration::from_secs(*seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = PERIODS.iter().find(|(_, seconds)| *seconds == self.period.as_secs()).map_or("s", |(name, _)| name);
        write!(f, "{}/{unit}", self.count)
    }
}

/// Reads the keys of a sink.
pub(super) fn read_traffic(section: &mut Section<'_>) -> TrafficConfig {
    let default = TrafficConfig::default();
    TrafficConfig {
        rate_max: section.read("rate_max", rate).flatten(),
        breaker_failures: section
            .read("breaker_failures", |value| count(value, &BREAKER_FAILURES))
            .unwrap_or(default.breaker_failures),
        disable_after: section
            .read("disable_after", |value| duration(value, DISABLE_AFTER))
            .unwrap_or(default.disable_after),
    }
}

fn rate(value: &DeValue<'_>) -> Result<Option<Rate>, Wrong> {
    let text = string(value, RATE)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|what: String| Wrong::new(what, RATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, u64)>) {
        let rate = text.parse::<Rate>().ok();
        assert_eq!(rate.map(|rate| (rate.count, rate.period.as_secs())), expected, "{text}");
        let pattern = regex_lite(text);
        assert_eq!(pattern, expected.is_some(), "{text}: the schema says otherwise");
        if let Some(rate) = rate {
            assert_eq!(rate.to_string(), text.trim());
        }
    }

    /// Whether the pattern of the schema lets a rate through.
    fn regex_lite(text: &str) -> bool {
        let schema = serde_json::json!({"type": "string", "pattern": RATE_PATTERN});
        !text.trim().is_empty() && jsonschema::is_valid(&schema, &text.into())
    }

    #[test]
    fn rates_are_a_number_and_a_unit() {
        check("1/s", Some((1, 1)));
        check(" 30/m ", Some((30, 60)));
        check("10000/h", Some((10_000, 3_600)));
        for wrong in [
            "0/s", "10001/h", "30", "30/", "/m", "30/d", "-1/s", "+1/s", "1.5/s", "30 / m", "1e3/s", "٣/s", "", "007/s",
        ] {
            check(wrong, None);
        }
    }
}
