//! The rules of a well-behaved feed reader, each against a scripted server that notes every request byte for byte. The book's page of
//! manners names the test of each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gainsay::config::IntakeConfig;
use gainsay::intake::{Outcome, Poller};
use gainsay::model::PollReason;
use jiff::SignedDuration;
use jiff::tz::Offset;

use crate::intake::{FEED, config};
use crate::scripted::{Reader, Scripted, feed, not_modified, reply};
use crate::support::{Daemon, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_first_request_is_a_plain_get_of_the_address_as_it_was_given() {
    let server = Scripted::answering(feed("set-cookie: seen=yes\r\n"));
    let path = "/a%2Fb/rss.xml?utm_source=rss&b=2&a=%C3%A9+1";
    let mut reader = Reader::of(&server, &format!("{path}#top"));
    reader.read().await;
    reader.read().await;
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "neither HEAD nor robots.txt nor an icon: {seen:?}");
    for request in &seen {
        assert_eq!(request.line(), format!("GET {path} HTTP/1.1"));
        let names: BTreeSet<String> = request.headers().into_iter().map(|(name, _)| name).collect();
        // No Referer, no cookie, no credentials, no validators that nobody gave, nothing that tells one poll from another.
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"].map(str::to_owned).into());
        assert_eq!(request.headers().len(), 4);
        assert_eq!(request.header("host"), Some(server.address.as_str()));
        assert_eq!(request.header("accept-encoding"), Some("gzip, deflate, br, zstd"));
        for kind in ["application/rss+xml", "application/atom+xml", "application/feed+json", "*/*;q="] {
            assert!(request.header("accept").unwrap().contains(kind), "{}", request.head);
        }
    }
    assert_eq!(seen[0].head, seen[1].head, "every request is the same, byte for byte");
}

#[tokio::test]
async fn the_name_never_changes_and_says_whom_to_ask() {
    let server = Scripted::start(|request| match request.path() {
        "/moved" => reply("302 Found", "location: /feed\r\n", ""),
        _ if request.header("if-none-match").is_some() => not_modified(),
        _ => feed("etag: \"1\"\r\n"),
    });
    let config = IntakeConfig { contact: Some("mailto:desk@news.example".to_owned()), ..config() };
    let mut reader = Reader::with(&server, "/moved", &config);
    for _ in 0..2 {
        reader.poll().await;
    }
    server.answer(reply("500 Oops", "", ""));
    reader.fail().await;
    let names: BTreeSet<String> =
        server.seen().iter().map(|request| request.header("user-agent").unwrap().to_owned()).collect();
    assert_eq!(names, ["gainsay-test/1 (+mailto:desk@news.example)".to_owned()].into());
    assert_eq!(server.seen().len(), 5);
    assert!(server.seen().iter().all(|request| request.header("referer").is_none()));
}

#[tokio::test]
async fn validators_go_back_as_they_came() {
    for (etag, date) in [
        ("\"v1\"", "Thu, 31 Oct 2024 08:00:00 GMT"),
        ("W/\"weak\"", ""),
        ("\"a\\\"b, c-gzip\"", "Thu, 31 Oct 2024 08:00:00 +0000"),
        ("no-quotes", "yesterday at eight"),
        ("\"\"", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("", "31/10/2024"),
        ("null", ""),
        ("", ""),
    ] {
        let line =
            |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("{name}: {value}\r\n") };
        let server = Scripted::answering(feed(&(line("etag", etag) + &line("last-modified", date))));
        let mut reader = Reader::of(&server, "/feed");
        reader.read().await;
        server.answer(not_modified());
        reader.poll().await;
        let expected = [etag, date].map(|value| Some(value).filter(|value| !value.is_empty()));
        assert_eq!(server.last().validators(), (expected[0], expected[1]), "none invented, none altered");
    }
    // What says nothing, or too much, is no validator.
    let long = "x".repeat(5000);
    for headers in
        ["etag: \r\nlast-modified: \r\n".to_owned(), format!("etag: \"{long}\"\r\nlast-modified: {long}\r\n")]
    {
        let server = Scripted::answering(feed(&headers));
        let mut reader = Reader::of(&server, "/feed");
        reader.read().await;
        reader.read().await;
        assert_eq!(server.last().validators(), (None, None));
    }
}

#[tokio::test]
async fn validators_move_together_and_go_when_the_server_sends_none() {
    let server = Scripted::answering(feed("etag: \"a\"\r\nlast-modified: one\r\n"));
    let mut reader = Reader::of(&server, "/feed");
    reader.read().await;
    for (next, known) in [
        ("etag: \"b\"\r\n", (Some("\"a\""), Some("one"))),
        ("last-modified: two\r\n", (Some("\"b\""), None)),
        ("", (None, Some("two"))),
        ("", (None, None)),
    ] {
        server.answer(feed(next));
        reader.read().await;
        assert_eq!(server.last().validators(), known);
    }
}

#[tokio::test]
async fn validators_are_those_of_the_last_body_that_was_read_whole() {
    let other = "etag: \"other\"\r\nlast-modified: later\r\n";
    let server = Scripted::answering(feed("etag: \"good\"\r\n"));
    let mut reader = Reader::of(&server, "/feed");
    reader.read().await;
    for (answer, what) in [
        (reply("200 OK", other, "<!doctype html><html>back soon</html>"), "a web page"),
        (reply("200 OK", other, ""), "no body"),
        (reply("200 OK", other, "<rss version='2.0'><channel/></rss>"), "a feed that ran empty"),
        (reply("200 OK", other, FEED.get(..FEED.len() - 300).unwrap()), "a feed that is cut off"),
        (reply("206 Partial Content", other, FEED), "a part that was not asked for"),
        (reply("404 Not Found", other, ""), "an error of ours"),
        (reply("500 Oops", other, FEED), "an error of theirs"),
        (format!("HTTP/1.1 304 Not Modified\r\n{other}\r\n").into_bytes(), "not modified"),
    ] {
        server.answer(answer);
        reader.poll().await;
        reader.poll().await;
        assert_eq!(server.last().validators(), (Some("\"good\""), None), "{what}");
    }
}

#[tokio::test]
async fn another_validator_of_what_is_known_brings_nothing_new() {
    let server = Scripted::answering(feed("etag: \"1\"\r\n"));
    let mut reader = Reader::of(&server, "/feed");
    assert!(reader.poll().await.is_new);
    // The same body again in spite of the validator, then with another one.
    for etag in ["\"1\"", "\"2\""] {
        server.answer(feed(&format!("etag: {etag}\r\n")));
        let poll = reader.poll().await;
        assert!(!poll.is_new && matches!(poll.outcome, Outcome::Items { .. }));
    }
    reader.poll().await;
    assert_eq!(server.last().validators(), (Some("\"2\""), None));
    assert_eq!(server.seen().len(), 4, "nothing is asked for twice");
}

#[tokio::test]
async fn validators_are_shown_to_the_address_that_gave_them_alone() {
    let target = Arc::new(Mutex::new("/one"));
    let led = Arc::clone(&target);
    let server = Scripted::start(move |request| match request.path() {
        "/feed" => reply("302 Found", &format!("location: {}\r\n", led.lock().unwrap()), ""),
        // Both happen to call what they have "1".
        _ if request.header("if-none-match") == Some("\"1\"") => not_modified(),
        "/one" => feed("etag: \"1\"\r\n"),
        _ => reply("200 OK", "etag: \"1\"\r\n", &FEED.replace("wire-", "other-")),
    });
    let mut reader = Reader::of(&server, "/feed");
    assert_eq!(reader.read().await, 3);
    assert!(matches!(reader.poll().await.outcome, Outcome::NotModified));
    *target.lock().unwrap() = "/two";
    let poll = reader.poll().await;
    assert!(matches!(poll.outcome, Outcome::Items { .. }), "{:?}", poll.outcome);
    assert!(matches!(reader.poll().await.outcome, Outcome::NotModified));
    let shown: Vec<String> = server
        .seen()
        .into_iter()
        .filter(|request| request.header("if-none-match").is_some())
        .map(|request| request.path().to_owned())
        .collect();
    assert_eq!(shown, ["/one", "/two"]);
}

#[tokio::test]
async fn not_modified_that_nobody_asked_about_is_a_failure() {
    let server = Scripted::answering(not_modified());
    let mut reader = Reader::of(&server, "/feed");
    assert!(reader.fail().await.contains("answers 304"));
    assert_eq!(server.last().validators(), (None, None));
}

#[tokio::test]
async fn one_connection_serves_one_request_a_poll() {
    let server = Scripted::start(|request| match request.header("if-none-match") {
        Some(_) => not_modified(),
        None => feed("etag: \"1\"\r\n"),
    });
    let mut reader = Reader::of(&server, "/feed");
    for polls in 1..=6 {
        reader.poll().await;
        assert_eq!(server.seen().len(), polls);
    }
    let connections: BTreeSet<usize> = server.seen().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0].into(), "it is kept open, also after an answer without a body");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_as_it_asks_and_at_least_an_interval() {
    let hour = |hours: u64| Duration::from_hours(hours);
    for (status, headers, expected) in [
        ("429 Too Many Requests", "retry-after: 1800\r\n", MINUTE * 30),
        ("429 Too Many Requests", "retry-after: Thu, 31 Oct 2024 12:00:00 GMT\r\n", hour(3)),
        ("503 Service Unavailable", "retry-after: 7200\r\n", hour(2)),
        ("503 Service Unavailable", "retry-after: Thu, 31 Oct 2024 10:00:00 GMT\r\n", hour(1)),
        // Longer than anybody can mean, over, nonsense, nothing.
        ("429 Too Many Requests", "retry-after: 99999999999999999999\r\n", hour(24)),
        ("429 Too Many Requests", "retry-after: Thu, 31 Oct 2024 08:00:00 GMT\r\n", MINUTE * 5),
        ("429 Too Many Requests", "retry-after: soon\r\n", MINUTE * 5),
        ("429 Too Many Requests", "retry-after: -1\r\n", MINUTE * 5),
        ("429 Too Many Requests", "", MINUTE * 5),
    ] {
        let server = Scripted::answering(reply(status, headers, ""));
        let mut reader = Reader::of(&server, "/feed");
        let poll = reader.poll().await;
        assert_eq!(poll.next_poll_after, expected, "{status} {headers}");
        assert!(poll.is_limited && server.seen().len() == 1);
    }
}

/// The waits between the polls of a feed whose server always says this.
async fn waits(answer: Vec<u8>, polls: usize) -> Vec<u64> {
    let server = Scripted::answering(answer);
    let mut reader = Reader::of(&server, "/feed");
    let mut waits = Vec::new();
    for _ in 0..polls {
        // The site's own pause is waited for in real time; a reader anew has none.
        reader.poller = Poller::new(&config()).unwrap();
        waits.push(reader.poll().await.next_poll_after.as_secs() / 60);
    }
    assert_eq!(server.seen().len(), polls);
    waits
}

#[tokio::test]
async fn who_fails_is_asked_less_and_less() {
    assert_eq!(waits(reply("404 Not Found", "", ""), 6).await, [5, 10, 20, 40, 60, 60]);
    assert_eq!(waits(reply("429 Too Many Requests", "", ""), 6).await, [5, 10, 20, 40, 60, 60]);
    assert_eq!(waits(reply("500 Oops", "", ""), 9).await, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(waits(reply("200 OK", "", "<!doctype html><html/>"), 6).await, [5, 10, 20, 40, 60, 60]);
}

#[tokio::test]
async fn a_feed_that_is_not_found_for_two_weeks_is_looked_at_once_a_week() {
    let server = Scripted::answering(reply("404 Not Found", "", ""));
    let mut reader = Reader::of(&server, "/feed");
    let begin = reader.now;
    while reader.now.duration_since(begin) < SignedDuration::from_hours(24 * 15) {
        reader.poll().await;
    }
    assert_eq!(reader.cursor.next_poll_reason, Some(PollReason::Retired));
    let (asked, since) = (server.seen().len(), reader.now);
    while reader.now.duration_since(since) < SignedDuration::from_hours(24 * 70) {
        reader.poll().await;
    }
    assert_eq!(server.seen().len() - asked, 10);
    server.answer(feed(""));
    assert_eq!(reader.read().await, 3);
    assert_eq!(reader.cursor.retired_since, None);
}

#[tokio::test]
async fn what_the_server_says_of_freshness_is_kept() {
    let server = Scripted::answering(feed("etag: \"1\"\r\n"));
    let mut reader = Reader::of(&server, "/feed");
    reader.read().await;
    let not_modified = |headers: &str| format!("HTTP/1.1 304 Not Modified\r\n{headers}\r\n").into_bytes();
    let soon = reader.poll().await.next_poll_after;
    for (answer, expected) in [
        (not_modified("cache-control: max-age=6000\r\n"), Some(100)),
        (feed("cache-control: public, Max-Age=\"6000\", must-revalidate\r\nage: 600\r\n"), Some(90)),
        (not_modified("cache-control: max-age=0\r\ncache-control: s-maxage=7000\r\n"), None),
        // Not to be kept does not mean not to be asked for.
        (not_modified("cache-control: no-store, max-age=6000\r\n"), None),
        (not_modified("cache-control: no-cache\r\nexpires: Thu, 31 Oct 2030 08:00:00 GMT\r\n"), None),
        (not_modified("cache-control: max-age=soon\r\n"), None),
    ] {
        server.answer(answer);
        let after = reader.poll().await.next_poll_after;
        match expected {
            Some(minutes) => assert_eq!(after, MINUTE * minutes),
            None => assert!(after <= soon * 3, "{after:?} against {soon:?}"),
        }
        server.answer(feed("etag: \"1\"\r\n"));
        reader.poll().await;
    }
}

#[tokio::test]
async fn no_interval_is_shorter_than_the_shortest() {
    let count = Arc::new(Mutex::new(0));
    // Something new at every poll: as fast as can be.
    let server = Scripted::start(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        reply("200 OK", "", &FEED.replace("wire-", &format!("wire-{count}-")))
    });
    let mut reader = Reader::with(&server, "/feed", &IntakeConfig { jitter: 0.5, ..config() });
    let mut longer = 0;
    for _ in 0..60 {
        let poll = reader.poll().await;
        assert!(poll.next_poll_after >= reader.feed.poll_interval, "{:?}", poll.next_poll_after);
        longer += usize::from(poll.next_poll_after > reader.feed.poll_interval);
    }
    assert!(longer > 5, "and still they do not fall into step");
    // As the config says it, whatever the jitter.
    reader.feed.poll_interval_max = reader.feed.poll_interval;
    for _ in 0..60 {
        assert!(reader.poll().await.next_poll_after >= reader.feed.poll_interval);
    }
}

#[tokio::test]
async fn skipped_hours_are_skipped() {
    let hours: Vec<String> = (0..6).chain(20..24).map(|hour| format!("<hour>{hour}</hour>")).collect();
    let body = FEED.replacen("<item>", &format!("<skipHours>{}</skipHours><item>", hours.concat()), 1);
    let server = Scripted::answering(reply("200 OK", "", &body));
    let mut reader = Reader::of(&server, "/feed");
    let mut polls: BTreeMap<i8, usize> = BTreeMap::new();
    let begin = reader.now;
    while reader.now.duration_since(begin) < SignedDuration::from_hours(72) {
        *polls.entry(Offset::UTC.to_datetime(reader.now).hour()).or_default() += 1;
        reader.read().await;
    }
    assert!(polls.keys().all(|hour| (6..20).contains(hour)) && polls.len() > 6, "{polls:?}");
}

#[tokio::test]
async fn temporary_redirects_are_asked_anew_every_time() {
    for status in ["302 Found", "303 See Other", "307 Temporary Redirect"] {
        let server = Scripted::start(move |request| match request.path() {
            "/feed" => reply(status, "location: /today\r\n", ""),
            _ => feed(""),
        });
        let mut reader = Reader::of(&server, "/feed");
        for _ in 0..5 {
            reader.read().await;
        }
        assert_eq!((server.asked("/feed"), server.asked("/today")), (5, 5), "{status}");
    }
    for status in ["301 Moved Permanently", "308 Permanent Redirect"] {
        let server = Scripted::start(move |request| match request.path() {
            "/feed" => reply(status, "location: /new\r\n", ""),
            _ => feed(""),
        });
        let mut reader = Reader::of(&server, "/feed");
        for _ in 0..5 {
            reader.read().await;
        }
        assert_eq!((server.asked("/feed"), server.asked("/new")), (3, 5), "{status}");
    }
}

/// Runs the daemon on these feeds until `done`, then ends it in peace.
fn run(folder: &std::path::Path, feeds: &[(&str, String)], interval: &str, done: impl FnMut() -> bool) {
    let config = write_config(folder, feeds, None);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("poll_interval = \"1s\"", &format!("poll_interval = \"{interval}\"")))
        .unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the polls", MINUTE, done);
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn a_restart_is_no_reason_to_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    let (server, beside) = (Scripted::answering(feed("etag: \"1\"\r\n")), Scripted::answering(feed("")));
    let known = ("known", server.url("/feed"));
    let stored = || crate::support::query(folder.path(), "SELECT id FROM cursor").len();
    run(folder.path(), std::slice::from_ref(&known), "1h", || stored() == 1);
    // Those that are due come at once: had the known one been, it would have been asked with them.
    let others: Vec<(String, String)> = (0..4).map(|n| (format!("new-{n}"), beside.url(&format!("/{n}")))).collect();
    let all: Vec<(&str, String)> =
        others.iter().map(|(id, url)| (id.as_str(), url.clone())).chain([known.clone()]).collect();
    run(folder.path(), &all, "1h", || stored() == 5);
    assert_eq!((server.seen().len(), beside.seen().len()), (1, 4));
}

#[test]
fn what_was_learned_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Scripted::answering(feed("etag: W/\"1\"\r\nlast-modified: Thu, 31 Oct 2024 08:00:00 GMT\r\n"));
    let feeds = [("wire", server.url("/feed"))];
    run(folder.path(), &feeds, "1s", || server.seen().len() >= 2);
    let before = server.seen().len();
    server.answer(not_modified());
    run(folder.path(), &feeds, "1s", || server.seen().len() >= before + 2);
    for request in server.seen().split_off(before) {
        assert_eq!(request.validators(), (Some("W/\"1\""), Some("Thu, 31 Oct 2024 08:00:00 GMT")));
    }
}

#[test]
fn a_feed_that_is_gone_is_not_asked_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (gone, beside) = (Scripted::answering(reply("410 Gone", "", "")), Scripted::answering(feed("")));
    let feeds = [("gone", gone.url("/feed")), ("beside", beside.url("/feed"))];
    let retired = "SELECT id FROM cursor WHERE record->>'retired_since' > ''";
    run(folder.path(), &feeds, "1s", || crate::support::query(folder.path(), retired) == ["gone"]);
    assert_eq!(gone.seen().len(), 3);
    let before = beside.seen().len();
    run(folder.path(), &feeds, "1s", || beside.seen().len() >= before + 3);
    assert_eq!(gone.seen().len(), 3);
}

/// A rule of the book that no test holds would be a claim without proof, and a test here that the book does not name would be a rule untold.
#[test]
fn every_rule_of_the_book_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/src/manners.md")).unwrap();
    let named: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| rule |"))
        .flat_map(|row| row.trim_end_matches(" |").rsplit(" | ").next().unwrap().split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let sources = ["tests/integration/intake.rs", "tests/integration/schedule.rs", "tests/integration/transport.rs"];
    let sources = sources.iter().chain(&["tests/integration/manners.rs", "src/intake/schedule/tests.rs"]);
    let tests: String = sources.map(|path| std::fs::read_to_string(root.join(path)).unwrap()).collect();
    for name in &named {
        assert!(tests.contains(&format!("fn {name}()")), "no test is called {name}");
    }
    let own = std::fs::read_to_string(root.join("tests/integration/manners.rs")).unwrap();
    let mut lines = own.lines();
    while lines.any(|line| line.ends_with("test]")) {
        let name = lines.next().unwrap().split("fn ").nth(1).unwrap().split('(').next().unwrap();
        assert!(named.contains(name) || name == "every_rule_of_the_book_has_its_test", "the book does not name {name}");
    }
}
