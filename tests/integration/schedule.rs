//! What a scripted server says about polling, and what becomes of it: redirects for good, feeds that are gone, limits, what is asked
//! of pollers. Nothing here waits: time is what the test says it is, and only order, counts and reckoned waits are looked at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use gainsay::config::{DomainConfig, FeedConfig, IntakeConfig};
use gainsay::intake::{Poll, Poller, resume};
use gainsay::model::{AlertType, FeedCursor, FeedId, PollReason};
use jiff::{SignedDuration, Timestamp};

use crate::intake::{FEED, Server, answer, config};

/// A feed that is polled by its rhythm, from poll to poll.
struct Polled {
    poller: Poller,
    feed: FeedConfig,
    cursor: FeedCursor,
    now: Timestamp,
}

impl Polled {
    fn of(server: &Server, path: &str) -> Self {
        let feed = FeedConfig { poll_interval_max: Duration::from_hours(2), ..server.feed(path) };
        let now = "2024-10-31T09:00:00Z".parse().unwrap();
        Self { poller: Poller::new(&config()).unwrap(), cursor: resume(&feed, None), feed, now }
    }

    /// Polls, and goes on to when the next poll is due.
    async fn poll(&mut self) -> Poll {
        let turn = self.poller.turn(&self.feed, &self.cursor, self.now).await;
        let poll = self.poller.poll(&turn, &self.feed, &self.cursor, self.now).await;
        self.cursor = poll.cursor.clone();
        self.now = self.now.checked_add(SignedDuration::try_from(poll.next_poll_after).unwrap()).unwrap();
        poll
    }

    fn reason(&self) -> PollReason {
        self.cursor.next_poll_reason.unwrap()
    }
}

fn kind(poll: &Poll) -> Option<AlertType> {
    poll.health.as_ref()?.incident.as_ref().map(|incident| incident.kind)
}

#[tokio::test]
async fn a_permanent_redirect_is_followed_for_good_once_a_feed_was_there_three_times() {
    let server = Server::start().await;
    server.set("/old", answer("301 Moved", "location: /new\r\n", b""));
    server.set("/new", answer("200 OK", "etag: \"n\"\r\n", FEED.as_bytes()));
    let mut polled = Polled::of(&server, "/old");
    for expected in [false, false, true] {
        let poll = polled.poll().await;
        let moved = poll.health.unwrap().moved_to;
        assert_eq!(moved.is_some(), expected);
        assert!(moved.is_none_or(|to| to.ends_with("/new")));
    }
    let asked =
        |path: &str| server.requests().iter().filter(|request| request.starts_with(&format!("get {path} "))).count();
    assert_eq!((asked("/old"), asked("/new")), (3, 3));
    server.set("/new", answer("304 Not Modified", "", b""));
    let poll = polled.poll().await;
    assert_eq!((asked("/old"), asked("/new"), poll.health.unwrap().moved_to), (3, 4, None));
    assert!(server.last_request().contains("if-none-match: \"n\""), "its validators are those of the new address");
    // It breaks down there: after three failures the old address is asked again, which knows a better one.
    server.set("/new", answer("404 Not Found", "", b""));
    for _ in 0..3 {
        polled.poll().await;
    }
    server.set("/old", answer("200 OK", "", FEED.as_bytes()));
    assert_eq!(kind(&polled.poll().await), None);
    assert_eq!((asked("/old"), asked("/new")), (4, 7));
    assert!(!server.last_request().contains("if-none-match"));
}

#[tokio::test]
async fn a_maintenance_page_or_a_temporary_redirect_is_not_followed_for_good() {
    let server = Server::start().await;
    server.set("/feed", answer("301 Moved", "location: /sorry\r\n", b""));
    server.set("/sorry", answer("200 OK", "", b"<!doctype html><html>back soon</html>"));
    server.set("/today", answer("302 Found", "location: /there\r\n", b""));
    server.set("/there", answer("200 OK", "", FEED.as_bytes()));
    let (mut sorry, mut today) = (Polled::of(&server, "/feed"), Polled::of(&server, "/today"));
    for _ in 0..5 {
        sorry.poll().await;
        today.poll().await;
    }
    assert_eq!((sorry.cursor.moved_to, sorry.cursor.moving), (None, None));
    assert_eq!((today.cursor.moved_to, today.cursor.moving), (None, None));
}

#[tokio::test]
async fn a_feed_that_says_410_is_left_alone_and_comes_back_by_itself() {
    let server = Server::start().await;
    server.set("/feed", answer("410 Gone", "", b""));
    let mut polled = Polled::of(&server, "/feed");
    let kinds = [kind(&polled.poll().await), kind(&polled.poll().await), kind(&polled.poll().await)];
    assert_eq!(kinds, [None, None, Some(AlertType::FeedGone)]);
    assert_eq!(polled.reason(), PollReason::Retired);
    let before = polled.now;
    assert_eq!(kind(&polled.poll().await), Some(AlertType::FeedGone));
    assert!(polled.now.duration_since(before) >= SignedDuration::from_hours(24 * 6));
    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    let back = polled.poll().await;
    assert!(kind(&back).is_none() && back.health.is_some() && polled.cursor.retired_since.is_none());
}

#[tokio::test]
async fn what_server_and_feed_ask_for_is_kept_up_to_the_longest_interval() {
    let server = Server::start().await;
    let mut polled = Polled::of(&server, "/feed");
    let with = |head: &str| FEED.replacen("<item>", &format!("{head}<item>"), 1);
    for (headers, head, reason) in [
        ("", "<ttl>90</ttl>", PollReason::Ttl),
        ("cache-control: max-age=6000\r\nage: 100\r\n", "<ttl>90</ttl>", PollReason::MaxAge),
        ("expires: Thu, 31 Oct 2030 08:00:00 GMT\r\n", "", PollReason::IntervalMax),
        ("cache-control: max-age=31536000\r\n", "", PollReason::IntervalMax),
    ] {
        server.set("/feed", answer("200 OK", headers, with(head).as_bytes()));
        let poll = polled.poll().await;
        assert_eq!(polled.reason(), reason, "{headers} {head}: {:?}", poll.outcome);
        assert!(poll.next_poll_after >= Duration::from_mins(90) && poll.next_poll_after <= Duration::from_hours(2));
    }
    // What the last body asked for counts where none comes.
    server.set("/feed", answer("200 OK", "etag: \"e\"\r\n", with("<ttl>100</ttl>").as_bytes()));
    polled.poll().await;
    server.set("/feed", answer("304 Not Modified", "", b""));
    assert_eq!((polled.poll().await.next_poll_after, polled.reason()), (Duration::from_mins(100), PollReason::Ttl));
    // An interval that somebody wrote down is kept whatever the feed asks for.
    polled.feed.poll_interval_max = polled.feed.poll_interval;
    assert_eq!((polled.poll().await.next_poll_after, polled.reason()), (Duration::from_mins(5), PollReason::Interval));
}

#[tokio::test]
async fn limits_are_told_from_denials() {
    let server = Server::start().await;
    server.set("/feed", answer("403 Forbidden", "retry-after: 7200\r\n", b""));
    let mut polled = Polled::of(&server, "/feed");
    let poll = polled.poll().await;
    assert_eq!((poll.next_poll_after, polled.reason()), (Duration::from_hours(2), PollReason::RetryAfter));
    assert!(poll.is_limited && !polled.cursor.is_denied && polled.cursor.last_error.is_some());
    let mut denied = Polled::of(&server, "/feed");
    server.set("/feed", answer("403 Forbidden", "", b""));
    let poll = denied.poll().await;
    assert!(!poll.is_limited && denied.cursor.is_denied);
}

#[tokio::test]
async fn feeds_of_a_site_that_limits_wait_and_those_of_others_do_not() {
    let (busy, calm) = (Server::start().await, Server::start().await);
    busy.set("/a", answer("429 Too Many Requests", "retry-after: 3600\r\n", b""));
    calm.set("/b", answer("200 OK", "", FEED.as_bytes()));
    // By name and by number they are two sites.
    let named = |server: &Server, path: &str, id: &str| {
        let port = server.address.rsplit(':').next().unwrap();
        let url = format!("http://localhost:{port}{path}").parse().unwrap();
        FeedConfig { id: FeedId::new(id), url, ..server.feed(path) }
    };
    let poller = Poller::new(&config()).unwrap();
    let now = "2024-10-31T09:00:00Z".parse().unwrap();
    let (limited, other) = (named(&busy, "/a", "a"), calm.feed("/b"));
    let cursor = FeedCursor::new(FeedId::new("a"));
    let turn = poller.turn(&limited, &cursor, now).await;
    assert!(poller.poll(&turn, &limited, &cursor, now).await.is_limited);
    drop(turn);
    drop(poller.turn(&other, &cursor, now).await);
    let waits =
        tokio::time::timeout(Duration::from_millis(50), poller.turn(&named(&busy, "/c", "c"), &cursor, now)).await;
    assert!(waits.is_err(), "a feed of the same site");
    assert_eq!(busy.requests().len(), 1);
}

#[tokio::test]
async fn requests_to_one_site_are_apart_and_in_the_order_in_which_they_were_due() {
    let server = Server::start().await;
    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    let gap = Duration::from_millis(20);
    let domain = DomainConfig { name: "127.0.0.1".to_owned(), fetches_max: Some(1), fetch_gap: Some(gap) };
    let poller = Poller::new(&IntakeConfig { domains: vec![domain], ..config() }).unwrap();
    let start: Timestamp = "2024-10-31T09:00:00Z".parse().unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let begin = std::time::Instant::now();
    let feed = server.feed("/feed");
    let cursor = FeedCursor::new(FeedId::new("wire"));
    // Holds the site until all stand in its queue.
    let first = poller.turn(&feed, &cursor, start).await;
    let one = async |number: i64| {
        let due = start.checked_add(SignedDuration::from_secs(100 - number)).unwrap();
        let turn = poller.turn(&feed, &cursor, due).await;
        poller.poll(&turn, &feed, &cursor, start).await;
        order.lock().unwrap().push(number);
    };
    let release = async { drop(first) };
    tokio::join!(one(0), one(1), one(2), one(3), one(4), release);
    assert_eq!(*order.lock().unwrap(), [4, 3, 2, 1, 0]);
    assert!(begin.elapsed() >= gap * 5, "never sooner than the gap allows");
    assert_eq!(server.requests().len(), 5);
}
