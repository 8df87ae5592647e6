//! What a feed says in itself about how often it may be read: the text of an XML feed in, [`Wishes`] out; called by `parse`.
//!
//! Read from the text as it came, apart from the entries, which the recovery layer writes anew without any of this.

use memchr::memrchr_iter;

use super::markup::{Scanner, Token, local};
use crate::model::Wishes;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
/// Mean lengths in the Gregorian calendar: 146,097 days in 400 years.
const YEAR: u32 = 31_556_952;
const MONTH: u32 = YEAR / 12;
/// Longer times are nonsense.
const WISH_MAX: u32 = YEAR;
/// Bytes that are looked at before the first entry and behind the last: the head of a feed has a few thousand.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Reads the elements of the feed that stand before its first entry and behind its last.
pub(super) fn read(text: &str) -> Wishes {
    let mut found = Found::default();
    found.scan(cut(text, HEAD_BYTES_MAX));
    found.scan(cut(behind_last_entry(text), HEAD_BYTES_MAX));
    let frequency = found.frequency.unwrap_or(1).max(1);
    Wishes {
        update_period: found
            .period
            .or(found.frequency.map(|_| DAY))
            .map(|period| period / frequency)
            .filter(|one| *one > 0),
        ..found.wishes
    }
}

/// What stands behind the last entry; nothing where there is none.
fn behind_last_entry(text: &str) -> &str {
    let mut tags = memrchr_iter(b'<', text.as_bytes()).filter_map(|at| text.get(at..));
    tags.find_map(|tag| tag.strip_prefix("</item>").or_else(|| tag.strip_prefix("</entry>"))).unwrap_or_default()
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[derive(Debug, Default)]
struct Found {
    wishes: Wishes,
    period: Option<u32>,
    frequency: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
enum Element {
    Ttl,
    Period,
    Frequency,
    Hour,
    Day,
}

impl Found {
    fn scan(&mut self, text: &str) {
        let mut element = None;
        for token in Scanner::new(text) {
            match token {
                Token::Start(tag) => {
                    element = match local(tag.name).to_ascii_lowercase().as_str() {
                        "item" | "entry" => return,
                        "ttl" => Some(Element::Ttl),
                        "updateperiod" => Some(Element::Period),
                        "updatefrequency" => Some(Element::Frequency),
                        "hour" => Some(Element::Hour),
                        "day" => Some(Element::Day),
                        _ => None,
                    };
                }
                Token::End(..) => element = None,
                Token::Text(text) | Token::Cdata(text) => {
                    if let Some(element) = element {
                        self.take(element, text.trim());
                    }
                }
                Token::Doctype(_) | Token::Aside => {}
            }
        }
    }

    fn take(&mut self, element: Element, text: &str) {
        let number = || text.parse::<u32>().ok();
        match element {
            Element::Ttl => {
                let ttl = number().filter(|ttl| *ttl > 0).map(|ttl| ttl.saturating_mul(MINUTE).min(WISH_MAX));
                self.wishes.ttl = self.wishes.ttl.or(ttl);
            }
            Element::Period => self.period = self.period.or(period(text)),
            Element::Frequency => self.frequency = self.frequency.or(number().filter(|times| *times > 0)),
            // RSS 0.91 counts hours from 1 to 24.
            Element::Hour => {
                if let Some(hour @ 0..=24) = number() {
                    self.wishes.skip_hours |= 1 << (hour % 24);
                }
            }
            Element::Day => {
                const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
                if let Some(day) = DAYS.iter().position(|day| text.eq_ignore_ascii_case(day)) {
                    self.wishes.skip_days |= 1 << day;
                }
            }
        }
    }
}

/// The length of a period of the syndication module (web.resource.org/rss/1.0/modules/syndication), in seconds.
fn period(name: &str) -> Option<u32> {
    match name.to_ascii_lowercase().as_str() {
        "hourly" => Some(HOUR),
        "daily" => Some(DAY),
        "weekly" => Some(7 * DAY),
        "monthly" => Some(MONTH),
        "yearly" => Some(YEAR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inside: &str, expected: Wishes) {
        assert_eq!(read(&format!("<rss version=\"2.0\"><channel>{inside}</channel></rss>")), expected, "{inside}");
    }

    #[test]
    fn what_a_feed_asks_for_is_read() {
        let none = Wishes::default();
        let period = |seconds| Wishes { update_period: Some(seconds), ..none };
        check("<title>ttl</title><link>day</link>", none);
        check("<ttl>60</ttl>", Wishes { ttl: Some(3600), ..none });
        check("<item><ttl>5</ttl></item><ttl> 15 </ttl>", Wishes { ttl: Some(900), ..none });
        for nonsense in ["0", "-5", "soon", ""] {
            check(&format!("<ttl>{nonsense}</ttl>"), none);
        }
        check("<ttl>4294967295</ttl>", Wishes { ttl: Some(YEAR), ..none });
        check("<sy:updatePeriod>\n hourly </sy:updatePeriod>", period(3600));
        check("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", period(900));
        check("<sy:updateFrequency>2</sy:updateFrequency>", period(43_200));
        check("<syn:updatePeriod>monthly</syn:updatePeriod>", period(2_629_746));
        check("<updatePeriod>yearly</updatePeriod><updateFrequency>0</updateFrequency>", period(31_556_952));
        check("<sy:updatePeriod>fortnightly</sy:updatePeriod>", none);
        check(
            "<skipHours><hour>0</hour><hour>23</hour><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>",
            Wishes { skip_hours: 1 | 1 << 23, ..none },
        );
        check("<skipDays><day>Saturday</day><day>sunday</day></skipDays>", Wishes { skip_days: 0b110_0000, ..none });
        check("<item/><skipDays><day>Monday</day></skipDays>", none);
    }
}
