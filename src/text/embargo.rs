//! Embargoes: a document's text in, the instant before which its sender does not want it out; called by `text::document`.
//!
//! Only what stands at the start of one of the first lines, or in brackets, is a note to editors. "Embargo" is also what states do
//! to each other's oil and arms, and "not for release in the United States" is no time.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::lexicon::MONTHS;
use crate::model::zone_seconds;

/// Lines in which a note to editors may stand, the headline included.
const LINES_MAX: usize = 6;
/// Bytes looked at of a line.
const LINE_BYTES_MAX: usize = 300;
/// Words after the note's own in which its time may stand.
const WORDS_MAX: usize = 16;
/// Longest embargo that is believed; what names a later time was misread.
const EMBARGO_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long a document is held whose note names no time that can be read, from when it was first seen.
const UNREADABLE_HOLD: SignedDuration = SignedDuration::from_hours(24);

/// What a text says of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embargo {
    /// Not before this instant, which may have passed.
    Until(Timestamp),
    /// Not yet, but when is not to be read.
    Unreadable,
}

impl Embargo {
    /// When a document that was first seen at `first_seen` may go out.
    pub fn end(self, first_seen: Timestamp) -> Timestamp {
        match self {
            Self::Until(time) => time,
            Self::Unreadable => first_seen.saturating_add(UNREADABLE_HOLD).unwrap_or(Timestamp::MAX),
        }
    }
}

/// The embargo in the first lines of `text`; `stated`, when it was published or first seen, gives what a date leaves out. A
/// time without zone is UTC.
pub fn embargo(text: &str, stated: Timestamp) -> Option<Embargo> {
    text.lines().take(LINES_MAX).find_map(|line| {
        let line = line.get(..line.floor_char_boundary(LINE_BYTES_MAX))?;
        let words = words(line);
        let first_after = (0..words.len()).find_map(|at| note(line, &words, at))?;
        let time = Parts::read(words.get(first_after..).unwrap_or_default()).and_then(|parts| parts.time(stated));
        let is_near = |time: &Timestamp| time.duration_since(stated) <= EMBARGO_MAX;
        Some(time.filter(is_near).map_or(Embargo::Unreadable, Embargo::Until))
    })
}

/// A word in lower case and where it begins and ends in the line.
struct Word {
    text: String,
    start: usize,
    end: usize,
}

/// Words and numbers; a number keeps the points and colons inside it and parts from letters that follow ("6pm", "1800GMT").
fn words(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Where the last word may go on; none after anything else than a letter, a digit or a point in a number.
    let mut open = false;
    let mut rest = line.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let next_is_digit = rest.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        let last = words.last_mut().filter(|_| open);
        let in_number = last.as_ref().is_some_and(|word| word.text.ends_with(|c: char| c.is_ascii_digit()));
        // "p.m." is one word.
        let in_half = last.as_ref().is_some_and(|word| matches!(word.text.as_str(), "a" | "p"));
        let goes_on = match character {
            '.' | ':' => (in_number && next_is_digit) || (in_half && character == '.'),
            _ if character.is_ascii_digit() => in_number || last.as_ref().is_some_and(|w| w.text.ends_with([':', '.'])),
            _ => character.is_alphabetic() && !in_number,
        };
        let end = at + character.len_utf8();
        match last {
            Some(word) if goes_on => {
                if character != '.' || in_number {
                    word.text.extend(character.to_lowercase());
                }
                word.end = end;
            }
            _ if character.is_alphanumeric() => {
                words.push(Word { text: character.to_lowercase().collect(), start: at, end });
                open = true;
            }
            _ => open = false,
        }
    }
    words
}

/// Whether a note to editors begins with the word `at`: the first word after it.
fn note(line: &str, words: &[Word], at: usize) -> Option<usize> {
    let word = words.get(at)?;
    let follows = |place: usize, choice: &[&str]| words.get(place).is_some_and(|w| choice.contains(&w.text.as_str()));
    let use_of_it = ["release", "publication", "broadcast", "use", "published", "released"];
    let length = match word.text.as_str() {
        "embargoed" if is_last_of_its_part(line, word) || follows(at + 1, &["until", "till", "til", "not"]) => 1,
        "embargoed" if follows(at + 1, &["for", "to"]) => {
            let next = words.get(at + 2)?;
            (use_of_it.contains(&next.text.as_str()) || Parts::default().take(next, words.get(at + 3))).then_some(2)?
        }
        "embargo" if line.get(word.end..)?.starts_with(':') => 1,
        "embargo" if at > 0 && follows(at - 1, &["under", "strict"]) && follows(at + 1, &["until", "till", "to"]) => 1,
        "not" if follows(at + 1, &["for"]) && follows(at + 2, &use_of_it) && follows(at + 3, &["before", "until"]) => 4,
        "not"
            if follows(at + 1, &["to"])
                && follows(at + 2, &["be"])
                && follows(at + 3, &use_of_it)
                && follows(at + 4, &["before", "until"]) =>
        {
            5
        }
        "hold" if follows(at + 1, &["for"]) && follows(at + 2, &["release"]) => 3,
        _ => return None,
    };
    // "Strictly embargoed", "under embargo": what such a note begins with.
    let opening = ["strictly", "strict", "under"];
    let first = (0..at).rev().take_while(|&place| follows(place, &opening)).last().unwrap_or(at);
    let before = line.get(..words.get(first)?.start)?.trim_end();
    let starts_a_part = before.is_empty() || before.ends_with(|c: char| !c.is_alphanumeric() && !",'’\"”&".contains(c));
    starts_a_part.then_some(at + length)
}

/// Whether nothing, or no letter, follows a word: "EMBARGOED: …", "(Embargoed)".
fn is_last_of_its_part(line: &str, word: &Word) -> bool {
    let after = line.get(word.end..).unwrap_or_default().trim_start();
    after.is_empty() || after.starts_with([':', ')', ']', '-', '–', '—', '.', '*'])
}

/// What was read of a time.
#[derive(Debug, Default)]
struct Parts {
    time: Option<Time>,
    is_afternoon: Option<bool>,
    offset: Option<Offset>,
    weekday: Option<Weekday>,
    month: Option<i8>,
    day: Option<i8>,
    year: Option<i16>,
}

impl Parts {
    /// The time that begins at the first of the words that can be a part of one and ends at the first that cannot.
    fn read(words: &[Word]) -> Option<Self> {
        const LEADING: [&str; 16] = [
            "not",
            "for",
            "to",
            "be",
            "release",
            "released",
            "publication",
            "published",
            "broadcast",
            "use",
            "until",
            "till",
            "before",
            "the",
            "at",
            "on",
        ];
        const BETWEEN: [&str; 12] =
            ["on", "at", "of", "the", "hours", "hrs", "h", "local", "time", "london", "st", "th"];
        let mut parts = Self::default();
        let mut words = words.iter().take(WORDS_MAX).peekable();
        while words.next_if(|word| LEADING.contains(&word.text.as_str())).is_some() {}
        while let Some(word) = words.next() {
            let is_between = BETWEEN.contains(&word.text.as_str()) || matches!(word.text.as_str(), "nd" | "rd");
            if !parts.take(word, words.peek().copied()) && !is_between {
                break;
            }
        }
        (parts.time.is_some() || parts.weekday.is_some() || parts.month.is_some()).then_some(parts)
    }

    /// Takes a word that says something new; `next` decides what a number is.
    fn take(&mut self, word: &Word, next: Option<&Word>) -> bool {
        let text = word.text.as_str();
        let next = next.map_or("", |next| next.text.as_str());
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return self.take_number(text, next).is_some();
        }
        match text {
            "am" | "pm" if self.time.is_some() => set(&mut self.is_afternoon, text == "pm"),
            "noon" => set(&mut self.time, Time::constant(12, 0, 0, 0)),
            // The end of the day that is named: who means its start is held for a day, who means its end is not let down.
            "midnight" => set(&mut self.time, Time::constant(23, 59, 59, 0)),
            _ => {
                if let Some(month) = month(text) {
                    return set(&mut self.month, month);
                }
                if let Some(weekday) = weekday(text) {
                    return set(&mut self.weekday, weekday);
                }
                // Daylight saving or not is not said; the later of the two lets nothing out too early.
                let zone = match text {
                    "et" => "EST".to_owned(),
                    "ct" => "CST".to_owned(),
                    "mt" => "MST".to_owned(),
                    "pt" => "PST".to_owned(),
                    _ => text.to_ascii_uppercase(),
                };
                let offset = zone_seconds(&zone).and_then(|seconds| Offset::from_seconds(seconds).ok());
                self.time.is_some() && offset.is_some_and(|offset| set(&mut self.offset, offset))
            }
        }
    }

    fn take_number(&mut self, text: &str, next: &str) -> Option<()> {
        let clock = |hour: &str, minute: &str| Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok();
        if let Some((hour, minute)) = text.split_once([':', '.']) {
            return set(&mut self.time, clock(hour, minute.get(..2)?)?).then_some(());
        }
        let is_half = matches!(next, "am" | "pm");
        let is_time =
            is_half || matches!(next, "hours" | "hrs" | "h") || zone_seconds(&next.to_ascii_uppercase()).is_some();
        let has_date = self.month.is_some() && self.day.is_some();
        match text.len() {
            4 if has_date && text.starts_with("20") && !(is_time && self.time.is_none()) => {
                set(&mut self.year, text.parse().ok()?).then_some(())
            }
            3 | 4 => {
                let (hour, minute) = text.split_at_checked(text.len() - 2)?;
                set(&mut self.time, clock(hour, minute)?).then_some(())
            }
            1 | 2 if is_time => set(&mut self.time, clock(text, "0")?).then_some(()),
            1 | 2 => set(&mut self.day, text.parse().ok().filter(|day| (1..=31).contains(day))?).then_some(()),
            _ => None,
        }
    }

    /// The instant that is meant by who wrote it at `stated`.
    fn time(&self, stated: Timestamp) -> Option<Timestamp> {
        let offset = self.offset.unwrap_or(Offset::UTC);
        let mut time = self.time.unwrap_or_default();
        if let Some(is_afternoon) = self.is_afternoon {
            let hour = time.hour() % 12 + if is_afternoon { 12 } else { 0 };
            time = time.with().hour(hour).build().ok()?;
        }
        let instant = |date: Date| offset.to_timestamp(DateTime::from_parts(date, time)).ok();
        let today = offset.to_datetime(stated).date();
        if let (Some(month), Some(day)) = (self.month, self.day) {
            let years = self.year.map_or(today.year() - 1..=today.year() + 1, |year| year..=year);
            let dates = years.filter_map(|year| Date::new(year, month, day).ok());
            return dates.filter_map(instant).min_by_key(|time| time.duration_since(stated).abs());
        }
        if self.month.is_some() || self.day.is_some() {
            return None;
        }
        // Without a date it is the next such time, or one that has just passed.
        let grace = if self.weekday.is_some() { 24 } else { 1 };
        let earliest = stated.checked_sub(SignedDuration::from_hours(grace)).ok()?;
        let days = today.checked_sub(SignedDuration::from_hours(24)).ok()?.series(jiff::Span::new().days(1)).take(10);
        days.filter(|day| self.weekday.is_none_or(|weekday| day.weekday() == weekday))
            .filter_map(instant)
            .find(|time| *time >= earliest)
    }
}

/// Sets what is not set yet; a second month or day belongs to the story.
fn set<T>(part: &mut Option<T>, value: T) -> bool {
    let is_new = part.is_none();
    part.get_or_insert(value);
    is_new
}

/// A month by its whole name or three letters: a mayor is none.
fn month(word: &str) -> Option<i8> {
    let is_month = |month: &&str| {
        *month == word || (word.len() == 3 && month.starts_with(word)) || word == "sept" && **month == *"september"
    };
    i8::try_from(MONTHS.iter().position(is_month)? + 1).ok()
}

fn weekday(word: &str) -> Option<Weekday> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let is_day = |day: &&str| *day == word || (matches!(word.len(), 3..=5) && day.starts_with(word));
    Weekday::from_monday_one_offset(i8::try_from(DAYS.iter().position(is_day)? + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Thursday.
    const STATED: &str = "2024-10-31T08:00:00Z";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match embargo(text, STATED.parse().unwrap()) {
            None => "none".to_owned(),
            Some(Embargo::Unreadable) => "unreadable".to_owned(),
            Some(Embargo::Until(time)) => time.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_wires_forms_are_read() {
        let six = "2024-11-30T18:00:00Z";
        check("EMBARGOED UNTIL 1800 GMT NOV 30", six);
        check("EMBARGOED UNTIL 1800 GMT NOV 30-Mayor denies bribes", six);
        check("EMBARGOED UNTIL 1800 GMT NOV 30-2 officials deny bribes", six);
        check("Mayor denies bribes\nEMBARGOED: not for release before 1800 GMT Nov 30\nHe said no.", six);
        check("Mayor denies bribes (Embargoed until 18:00 GMT on 30 November)", six);
        check("STRICTLY EMBARGOED UNTIL 6 p.m. GMT, Saturday, November 30th, 2024", six);
        check("UNDER STRICT EMBARGO UNTIL 1800GMT, 30 NOV 2024", six);
        check("EMBARGO: 1800 hrs, Nov. 30", six);
        check("NOT FOR PUBLICATION BEFORE 6 PM EST NOV 30", "2024-11-30T23:00:00Z");
        check("Not to be published before 6pm ET on Nov 30", "2024-11-30T23:00:00Z");
        check("HOLD FOR RELEASE UNTIL 6:30 a.m. PST, Nov 30", "2024-11-30T14:30:00Z");
        check("EMBARGOED FOR RELEASE UNTIL 00:01 GMT, 30 NOVEMBER 2024", "2024-11-30T00:01:00Z");
        check("Embargoed to 0001 Wednesday November 13", "2024-11-13T00:01:00Z");
        check("EMBARGOED UNTIL 12.01AM GMT NOV 13", "2024-11-13T00:01:00Z");
        check("EMBARGOED UNTIL MIDNIGHT NOV 13", "2024-11-13T23:59:59Z");
        check("EMBARGOED UNTIL NOON JAN 2", "2025-01-02T12:00:00Z");
        check("EMBARGOED UNTIL OCT 30", "2024-10-30T00:00:00Z");
        check("EMBARGOED UNTIL NOV 30 2030 GMT", "2024-11-30T20:30:00Z");
    }

    #[test]
    fn what_a_date_leaves_out_is_the_next_one() {
        check("EMBARGOED UNTIL 1800 GMT", "2024-10-31T18:00:00Z");
        check("EMBARGOED UNTIL 0730 GMT", "2024-10-31T07:30:00Z");
        check("EMBARGOED UNTIL 0630 GMT", "2024-11-01T06:30:00Z");
        check("Embargoed to 0001 Tuesday", "2024-11-05T00:01:00Z");
        check("Embargoed until 0001 Thursday", "2024-10-31T00:01:00Z");
    }

    #[test]
    fn a_note_without_a_time_is_unreadable() {
        check("EMBARGOED\nMayor denies bribes", "unreadable");
        check("EMBARGOED UNTIL DELIVERY OF THE SPEECH", "unreadable");
        check("EMBARGOED UNTIL 0001 GMT 13", "unreadable");
        check("EMBARGOED UNTIL 0001 GMT NOV 13 2031", "unreadable");
        assert_eq!(Embargo::Unreadable.end(STATED.parse().unwrap()).to_string(), "2024-11-01T08:00:00Z");
    }

    #[test]
    fn embargoes_of_states_are_none() {
        check("Arms embargo until 2030, says council", "none");
        check("EU extends oil embargo to Nov 30", "none");
        check("Embargoed oil reaches port on Nov 30", "none");
        check("Embargoed for decades, the country opens", "none");
        check("The oil was embargoed until Nov 30, traders said", "none");
        check("Not for release in the United States, Canada or Japan", "none");
        check("Mayor denies\n\n\n\n\n\n\nEMBARGOED UNTIL NOV 30", "none");
        check("", "none");
    }
}
