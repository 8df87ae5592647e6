//! Polls in a row, and what is made of them.

use super::*;
use crate::config::FeedAccess;
use crate::model::FeedId;

const PACE: Pace = Pace {
    shortest: Duration::from_mins(5),
    longest: Duration::from_hours(1),
    jitter: 0.1,
    backoff_max: Duration::from_hours(1),
};

fn feed(url: &str) -> FeedConfig {
    FeedConfig {
        id: FeedId::new("wire"),
        url: url.parse().unwrap(),
        outlet: "Wire".to_owned(),
        poll_interval: Duration::from_mins(5),
        poll_interval_max: Duration::from_mins(5),
        backfill: Duration::ZERO,
        text: crate::config::TextPolicy::Feed,
        access: FeedAccess::default(),
    }
}

#[test]
fn an_incident_begins_with_the_first_failure() {
    let start: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
    let feed = feed("https://a.example/feed");
    let mut cursor = resume(&feed, None);
    let mut poll = |minute: u64, fails: bool| {
        let now = start + Duration::from_mins(minute);
        let failure = FetchError::RedirectTarget { url: String::new() };
        let answer = if fails { Err(failure.into()) } else { Ok(Answer::NotModified(Notes::default())) };
        let poll = conclude(&feed, &cursor, now, answer, BodySize::default(), (PACE, 0.5));
        cursor = poll.cursor;
        poll.health.and_then(|health| health.incident).map(|incident| incident.since)
    };
    let minute = |minute: u64| Some(start + Duration::from_mins(minute));
    assert_eq!([poll(0, false), poll(1, true), poll(2, true)], [None; 3]);
    assert_eq!([poll(4, true), poll(8, true)], [minute(1); 2]);
    assert_eq!([poll(9, false), poll(10, true), poll(11, true)], [None; 3]);
    assert_eq!(poll(13, true), minute(10));
}

#[test]
fn another_address_is_asked_at_once_and_without_the_validators_of_the_old_one() {
    let at = "2024-10-31T08:00:00Z".parse().ok();
    let stored = FeedCursor {
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Thu, 31 Oct 2024 08:00:00 GMT".to_owned()),
        last_success: at,
        last_poll: at,
        left_alone_until: at,
        last_item_count: Some(3),
        ..resume(&feed("https://a.example/feed"), None)
    };
    assert_eq!(resume(&feed("https://a.example/feed"), Some(stored.clone())), stored);
    let moved = resume(&feed("https://b.example/feed"), Some(stored.clone()));
    assert_eq!(
        (&moved.etag, &moved.last_modified, moved.last_poll, moved.left_alone_until),
        (&None, &None, None, None)
    );
    assert_eq!((moved.last_success, moved.last_item_count), (at, Some(3)));
    let of_unknown_address = FeedCursor { address: None, ..stored };
    assert_eq!(resume(&feed("https://a.example/feed"), Some(of_unknown_address)).etag, None);
}

/// What polls say, one after the other, each of them so many minutes after the one before.
struct Polls {
    feed: FeedConfig,
    cursor: FeedCursor,
    now: Timestamp,
}

impl Polls {
    fn of(url: &str) -> Self {
        let feed = feed(url);
        Self { cursor: resume(&feed, None), feed, now: "2024-10-31T08:00:00Z".parse().unwrap() }
    }

    fn poll(&mut self, minutes: u64, answer: Result<Answer, PollError>) -> Poll {
        self.poll_bytes(minutes, answer, 0)
    }

    fn poll_bytes(&mut self, minutes: u64, answer: Result<Answer, PollError>, decoded: u64) -> Poll {
        self.now += Duration::from_mins(minutes);
        let size = BodySize { wire: 0, decoded };
        let poll = conclude(&self.feed, &self.cursor, self.now, answer, size, (PACE, 0.5));
        self.cursor = poll.cursor.clone();
        poll
    }
}

fn status(status: u16) -> Result<Answer, PollError> {
    let status = reqwest::StatusCode::from_u16(status).unwrap();
    Err(FetchError::Status { url: "https://a.example/".to_owned(), status, retry_after: None }.into())
}

/// A body with entries of these dates, from where a permanent redirect led.
#[expect(clippy::unnecessary_wraps, reason = "as the fetcher gives it")]
fn body(dates: &[Timestamp], moved_to: Option<&str>) -> Result<Answer, PollError> {
    let item = |date| format!("<item><title>Story</title><guid>{date}</guid><pubDate>{date}</pubDate></item>");
    let items: Vec<String> = dates.iter().map(item).collect();
    let items = items.concat();
    let text = format!("<rss version=\"2.0\"><channel>{items}</channel></rss>");
    let parsed = super::super::parse(text.as_bytes(), None, None, 100).unwrap();
    let moved_to = moved_to.map(|to| to.parse().unwrap());
    let body = Body {
        bytes: Vec::new(),
        wire_bytes: 0,
        content_type: None,
        url: "https://a.example/feed".parse().unwrap(),
        etag: Some("\"v\"".to_owned()),
        last_modified: None,
        links: Box::default(),
        notes: Notes { moved_to, ..Notes::default() },
    };
    Ok(Answer::Body(Box::new((body, parsed))))
}

fn kind(poll: &Poll) -> Option<AlertType> {
    poll.health.as_ref()?.incident.as_ref().map(|incident| incident.kind)
}

#[test]
fn a_redirect_is_believed_when_a_feed_was_there_three_times_running() {
    let mut polls = Polls::of("https://a.example/feed");
    let to = Some("https://b.example/feed");
    let mut moved = |answer| {
        let poll = polls.poll(5, answer);
        (poll.health.and_then(|health| health.moved_to), address_of(&polls.feed, &polls.cursor).to_string())
    };
    let date = "2024-10-31T08:00:00Z".parse().unwrap();
    let there = || body(&[date], to);
    let stays = (None, "https://a.example/feed".to_owned());
    assert_eq!([moved(there()), moved(there())], [stays.clone(), stays.clone()]);
    // A failure, or a poll without the redirect, and the count begins anew.
    assert_eq!([moved(status(500)), moved(there()), moved(there())], [stays.clone(), stays.clone(), stays.clone()]);
    assert_eq!([moved(body(&[date], None)), moved(there())], [stays.clone(), stays.clone()]);
    let not_modified = || {
        let moved_to = to.map(|to| to.parse().unwrap());
        Ok(Answer::NotModified(Notes { moved_to, ..Notes::default() }))
    };
    assert_eq!(moved(not_modified()), stays);
    assert_eq!(moved(there()), (to.map(str::to_owned), "https://b.example/feed".to_owned()));
    // From there on the new address answers without a redirect.
    assert_eq!(moved(body(&[date], None)), (None, "https://b.example/feed".to_owned()));
    let etag = polls.cursor.etag.clone();
    assert!(etag.is_some() && polls.cursor.moving.is_none());
    // It fails there: the address of the config is tried again, without the other's validators.
    for _ in 0..3 {
        polls.poll(5, status(404));
    }
    assert_eq!((polls.cursor.moved_to.as_ref(), polls.cursor.etag.as_ref()), (None, None));
    // Another address in the config ends it all the same.
    polls.cursor.moved_to = to.map(str::to_owned);
    assert_eq!(resume(&feed("https://c.example/feed"), Some(polls.cursor)).moved_to, None);
}

#[test]
fn what_must_not_be_followed_for_good_is_not() {
    let may = |from: &str, to: &str| may_move(&feed(from), &to.parse().unwrap());
    assert!(may("https://a.example/feed", "https://b.example/feed"));
    assert!(may("http://a.example/feed", "https://a.example/feed"));
    assert!(!may("https://a.example/feed", "http://b.example/feed"));
    assert!(!may("https://u:p@a.example/feed", "https://a.example/new"));
    assert!(!may("https://a.example/feed", "https://u@b.example/feed"));
    assert!(!may("https://a.example/feed", &format!("https://b.example/{}", "x".repeat(ADDRESS_BYTES_MAX))));
}

#[test]
fn a_feed_that_is_gone_is_looked_at_once_a_week_and_comes_back() {
    let mut polls = Polls::of("https://a.example/feed");
    polls.poll(5, body(&[], None));
    assert_eq!(kind(&polls.poll(5, status(410))), None);
    assert_eq!(kind(&polls.poll(5, status(500))), None);
    assert_eq!(kind(&polls.poll(5, status(410))), Some(AlertType::FeedFailing));
    assert_eq!(kind(&polls.poll(5, status(410))), Some(AlertType::FeedFailing));
    let gone = polls.poll(5, status(410));
    assert_eq!((kind(&gone), gone.next_poll_after), (Some(AlertType::FeedGone), Duration::from_hours(7 * 24)));
    assert_eq!(kind(&polls.poll(7 * 24 * 60, status(503))), Some(AlertType::FeedGone));
    let back = polls.poll(7 * 24 * 60, body(&[], None));
    assert_eq!((kind(&back), back.health.is_some(), polls.cursor.retired_since), (None, true, None));
}

#[test]
fn nothing_at_an_address_for_two_weeks_is_no_feed_any_more() {
    let hour = 60;
    for (answer, expected) in [(404, AlertType::FeedGone), (500, AlertType::FeedFailing), (429, AlertType::FeedFailing)]
    {
        let mut polls = Polls::of("https://a.example/feed");
        for _ in 0..3 {
            polls.poll(hour, status(answer));
        }
        assert_eq!(kind(&polls.poll(13 * 24 * hour, status(answer))), Some(AlertType::FeedFailing), "{answer}");
        assert_eq!(kind(&polls.poll(24 * hour, status(answer))), Some(expected), "{answer}");
    }
}

#[test]
fn a_long_body_without_entries_is_none_of_an_empty_feed() {
    let mut polls = Polls::of("https://a.example/feed");
    assert_eq!(kind(&polls.poll_bytes(5, body(&[], None), EMPTY_BYTES_MAX)), None);
    assert!(polls.cursor.etag.take().is_some());
    assert_eq!(kind(&polls.poll_bytes(5, body(&[], None), EMPTY_BYTES_MAX + 1)), Some(AlertType::FeedEmpty));
    assert_eq!(polls.cursor.etag, None);
}

#[test]
fn silence_is_measured_by_the_feeds_own_rhythm() {
    let mut polls = Polls::of("https://a.example/feed");
    let start = polls.now;
    let mut dates = Vec::new();
    // Ten days with an entry every half an hour from 06:00 to 22:00.
    for step in 0..480 {
        let now = start + Duration::from_mins(30 * step);
        if (6..22).contains(&jiff::tz::Offset::UTC.to_datetime(now).hour()) {
            dates.push(now);
        }
        polls.now = now;
        let latest = dates.len().saturating_sub(20);
        assert_eq!(kind(&polls.poll(0, body(&dates[latest..], None))), None, "{now}");
    }
    let silent = dates.split_off(dates.len() - 20);
    let last = polls.cursor.rhythm.newest.unwrap();
    let mut first_stale = None;
    for step in 0..100 {
        polls.now = last + Duration::from_mins(30 * step);
        let poll = polls.poll(0, body(&silent, None));
        if kind(&poll) == Some(AlertType::FeedStale) && first_stale.is_none() {
            let incident = poll.health.unwrap().incident.unwrap();
            assert_eq!(incident.since, last);
            assert!(incident.detail.contains("has one every"), "{}", incident.detail);
            first_stale = Some(30 * step / 60);
        }
    }
    // Twice the pause of a night.
    assert!(first_stale.is_some_and(|hours| (15..24).contains(&hours)), "{first_stale:?}");
    let now = polls.now;
    assert_eq!(kind(&polls.poll(1, body(&[now], None))), None);
}

#[test]
fn what_went_wrong_is_kept_in_words_from_the_first_failure_on() {
    let mut polls = Polls::of("https://a.example/feed");
    polls.poll(5, status(500));
    assert!(polls.cursor.last_error.as_ref().unwrap().contains("answers 500"));
    polls.poll(5, body(&[], None));
    assert_eq!(polls.cursor.last_error, None);
    assert!(short(&"é".repeat(400)).len() <= ERROR_BYTES_MAX + 4);
}
