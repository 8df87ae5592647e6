//! Fetching and polling against a real server on loopback that behaves and misbehaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gainsay::config::{FeedAccess, FeedConfig, IntakeConfig, TextPolicy};
use gainsay::intake::{Outcome, Poll, Poller, Repair};
use gainsay::model::{AlertType, FeedCursor, FeedId};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) const FEED: &str = include_str!("../fixtures/feeds/wire_rss.xml");

/// What the server answers at a path: bytes, and what comes after them.
#[derive(Clone)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Hang,
    RepeatForever,
}

pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    Answer { bytes: [head.as_bytes(), body].concat(), then: Then::Close }
}

/// A scripted server; it stops when dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(BTreeMap::new()));
        let mut tasks = JoinSet::new();
        let shared = (Arc::clone(&requests), Arc::clone(&answers));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, requests, answers, _tasks: tasks }
    }

    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(crate) fn feed(&self, path: &str) -> FeedConfig {
        self.feed_at(&format!("http://{}{path}", self.address))
    }

    #[expect(clippy::unused_self, reason = "reads as the server's")]
    fn feed_at(&self, url: &str) -> FeedConfig {
        FeedConfig {
            id: FeedId::new("wire"),
            url: url.parse().unwrap(),
            outlet: "Wire".to_owned(),
            poll_interval: Duration::from_mins(5),
            poll_interval_max: Duration::from_mins(5),
            backfill: Duration::ZERO,
            access: FeedAccess::default(),
            text: TextPolicy::Feed,
        }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

type Shared = (Arc<Mutex<Vec<String>>>, Arc<Mutex<BTreeMap<String, Answer>>>);

async fn serve(mut stream: TcpStream, (requests, answers): Shared) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap().to_ascii_lowercase();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    requests.lock().unwrap().push(request);
    let answer = answers.lock().unwrap().get(&path).cloned();
    let Answer { bytes, then } = answer.unwrap_or_else(|| self::answer("404 Not Found", "", b"nothing here"));
    // A client that has read enough closes the connection, so writing may fail.
    if stream.write_all(&bytes).await.is_err() {
        return;
    }
    match then {
        Then::Close => {}
        Then::Hang => std::future::pending().await,
        Then::RepeatForever => while stream.write_all(&[b' '; 4096]).await.is_ok() {},
    }
}

pub(crate) fn config() -> IntakeConfig {
    IntakeConfig {
        poll_interval: Duration::from_mins(5),
        poll_interval_max: Duration::from_mins(5),
        jitter: 0.0,
        backoff_max: Duration::from_hours(1),
        fetch_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        body_bytes_max: 1 << 20,
        decoded_bytes_max: 2 << 20,
        redirects_max: 3,
        entries_max: 100,
        fetches_max: 4,
        fetches_per_host_max: 2,
        fetch_gap: Duration::ZERO,
        domains: Vec::new(),
        user_agent: "gainsay-test/1".to_owned(),
        contact: None,
        proxy: None,
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        backfill: Duration::ZERO,
        ..IntakeConfig::default()
    }
}

fn now() -> Timestamp {
    "2024-10-31T09:00:00Z".parse().unwrap()
}

fn new_cursor() -> FeedCursor {
    FeedCursor::new(FeedId::new("wire"))
}

async fn poll(server: &Server, path: &str) -> Poll {
    once(&Poller::new(&config()).unwrap(), &server.feed(path), &new_cursor()).await
}

async fn once(poller: &Poller, feed: &FeedConfig, cursor: &FeedCursor) -> Poll {
    poller.poll(&poller.turn(feed, cursor, now()).await, feed, cursor, now()).await
}

#[track_caller]
fn check_items(poll: &Poll, expected: usize) {
    match &poll.outcome {
        Outcome::Items { items, .. } => assert_eq!(items.len(), expected),
        other => panic!("no items: {other:?}"),
    }
}

#[track_caller]
fn check_failure(poll: &Poll, expected: &str) {
    let Outcome::Failed(error) = &poll.outcome else { panic!("no failure: {:?}", poll.outcome) };
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(poll.cursor.failures, 1);
    assert_eq!(poll.cursor.last_success, None);
}

#[tokio::test]
async fn an_unchanged_feed_costs_one_304() {
    let server = Server::start().await;
    let validators = "etag: \"v1\"\r\nlast-modified: Thu, 31 Oct 2024 08:00:00 GMT\r\ncontent-type: text/xml\r\n";
    server.set("/feed", answer("200 OK", validators, FEED.as_bytes()));
    let poller = Poller::new(&config()).unwrap();
    let first = once(&poller, &server.feed("/feed"), &new_cursor()).await;
    assert!(matches!(first.outcome, Outcome::Items { read_before: None, .. }));
    check_items(&first, 3);
    assert!(!server.last_request().contains("if-none-match"));
    assert!(server.last_request().contains("user-agent: gainsay-test/1"));

    server.set("/feed", answer("304 Not Modified", "", b""));
    let second = once(&poller, &server.feed("/feed"), &first.cursor).await;
    assert!(matches!(second.outcome, Outcome::NotModified));
    assert!(server.last_request().contains("if-none-match: \"v1\"\r\n"));
    assert!(server.last_request().contains("if-modified-since: thu, 31 oct 2024 08:00:00 gmt\r\n"));
    assert_eq!(second.cursor, first.cursor);
    assert_eq!(second.health.unwrap().incident, None);
    assert_eq!(second.next_poll_after, Duration::from_mins(5));

    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    let third = once(&poller, &server.feed("/feed"), &second.cursor).await;
    assert!(matches!(third.outcome, Outcome::Items { read_before: Some(_), .. }));
    assert_eq!(third.cursor.etag, None);
}

#[tokio::test]
async fn errors_leave_the_validators_alone_and_three_make_an_incident() {
    let server = Server::start().await;
    server.set("/feed", answer("200 OK", "etag: \"v1\"\r\n", FEED.as_bytes()));
    let poller = Poller::new(&config()).unwrap();
    let mut cursor = once(&poller, &server.feed("/feed"), &new_cursor()).await.cursor;
    server.set("/feed", answer("500 Oops", "", b""));
    for failures in 1..=4 {
        let failed = once(&poller, &server.feed("/feed"), &cursor).await;
        cursor = failed.cursor;
        assert_eq!((cursor.failures, cursor.etag.as_deref()), (failures, Some("\"v1\"")));
        assert_eq!(failed.next_poll_after, Duration::from_secs(30 << (failures - 1)));
        let incident = failed.health.map(|health| health.incident.unwrap());
        assert_eq!(incident.is_some(), failures >= 3, "{incident:?}");
        if let Some(incident) = incident {
            assert_eq!(incident.kind, AlertType::FeedFailing);
            assert!(incident.detail.contains("500"), "{}", incident.detail);
        }
    }
    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    let healed = once(&poller, &server.feed("/feed"), &cursor).await;
    assert_eq!((healed.cursor.failures, healed.health.unwrap().incident), (0, None));
}

#[tokio::test]
async fn a_feed_that_runs_empty_is_an_incident_until_it_has_entries() {
    let server = Server::start().await;
    server.set("/feed", answer("200 OK", "etag: \"full\"\r\n", FEED.as_bytes()));
    let poller = Poller::new(&config()).unwrap();
    let mut cursor = once(&poller, &server.feed("/feed"), &new_cursor()).await.cursor;
    server.set("/feed", answer("200 OK", "etag: \"empty\"\r\n", b"<rss version='2.0'><channel/></rss>"));
    for _ in 0..2 {
        let empty = once(&poller, &server.feed("/feed"), &cursor).await;
        check_items(&empty, 0);
        assert_eq!(empty.health.unwrap().incident.unwrap().kind, AlertType::FeedEmpty);
        cursor = empty.cursor;
        assert_eq!(cursor.etag.as_deref(), Some("\"full\""));
    }
    server.set("/feed", answer("304 Not Modified", "", b""));
    assert_eq!(once(&poller, &server.feed("/feed"), &cursor).await.health.unwrap().incident, None);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A brotli stream of stored blocks.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len() - 1).unwrap();
    // Window of 16 bits, then a block that is not the last, four nibbles of length, uncompressed.
    let bits = u32::from(length) << 4 | 1 << 20;
    let mut stream = bits.to_le_bytes()[..3].to_vec();
    stream.extend_from_slice(bytes);
    stream.push(0x03);
    stream
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let server = Server::start().await;
    let zstd = ruzstd::encoding::compress_to_vec(FEED.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    for (encoding, body) in [("gzip", gzip(FEED.as_bytes())), ("br", brotli(FEED.as_bytes())), ("zstd", zstd)] {
        server.set("/feed", answer("200 OK", &format!("content-encoding: {encoding}\r\n"), &body));
        let poll = poll(&server, "/feed").await;
        check_items(&poll, 3);
        assert!(server.last_request().contains("accept-encoding: gzip, deflate, br, zstd\r\n"));
    }
}

#[tokio::test]
async fn bodies_without_end_or_measure_stop_at_the_limits() {
    let server = Server::start().await;
    let bomb = gzip(&vec![b' '; 64 << 20]);
    server.set("/bomb", answer("200 OK", "content-encoding: gzip\r\n", &bomb));
    check_failure(&poll(&server, "/bomb").await, "the decoded body is over 2097152 bytes");
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    server.set("/endless", Answer { bytes: head.clone(), then: Then::RepeatForever });
    check_failure(&poll(&server, "/endless").await, "is over 1048576 bytes");
    server.set("/large", answer("200 OK", "", &vec![b' '; 2 << 20]));
    check_failure(&poll(&server, "/large").await, "is over 1048576 bytes");
    server.set("/corrupt", answer("200 OK", "content-encoding: gzip\r\n", b"plain"));
    check_failure(&poll(&server, "/corrupt").await, "gzip data is broken");
    server.set("/unknown", answer("200 OK", "content-encoding: lzma\r\n", b"plain"));
    check_failure(&poll(&server, "/unknown").await, "\"lzma\" is unknown");

    let slow = IntakeConfig { fetch_timeout: Duration::from_millis(200), ..config() };
    server.set("/slow", Answer { bytes: [head, FEED.as_bytes()[..99].to_vec()].concat(), then: Then::Hang });
    let poll = once(&Poller::new(&slow).unwrap(), &server.feed("/slow"), &new_cursor()).await;
    check_failure(&poll, "took longer than 0.2 s");
    assert_eq!(poll.next_poll_after, Duration::from_secs(30));
}

#[tokio::test]
async fn a_body_cut_on_the_wire_is_a_failure_not_a_short_feed() {
    let server = Server::start().await;
    let mut cut = answer("200 OK", "", FEED.as_bytes());
    cut.bytes.truncate(cut.bytes.len() - 300);
    server.set("/cut", cut);
    check_failure(&poll(&server, "/cut").await, "cannot fetch");
    // A server that cuts the feed itself: what is whole in it is read.
    server.set("/short", answer("200 OK", "", &FEED.as_bytes()[..FEED.len() - 300]));
    let poll = poll(&server, "/short").await;
    check_items(&poll, 2);
    assert_eq!(poll.repairs.0.get(&Repair::Truncated), Some(&1));
}

#[tokio::test]
async fn redirects_are_followed_within_reason() {
    let server = Server::start().await;
    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    for status in [301, 302, 303, 307, 308] {
        server.set("/moved", answer(&format!("{status} Moved"), "location: /feed\r\n", b""));
        check_items(&poll(&server, "/moved").await, 3);
    }
    server.set("/a", answer("302 Found", "location: /b\r\n", b""));
    server.set("/b", answer("302 Found", "location: /a\r\n", b""));
    check_failure(&poll(&server, "/a").await, "/a redirects in a loop");
    for hop in 0..5 {
        server.set(&format!("/{hop}"), answer("302 Found", &format!("location: /{}\r\n", hop + 1), b""));
    }
    check_failure(&poll(&server, "/0").await, "redirects more than 3 times");
    server.set("/nowhere", answer("302 Found", "", b""));
    check_failure(&poll(&server, "/nowhere").await, "redirects to no valid address");
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let server = Server::start().await;
    for (target, what) in [
        ("http://10.0.0.1/feed", "a private address"),
        ("http://169.254.169.254/latest/meta-data/", "a cloud metadata address"),
        ("http://[::ffff:169.254.169.254]/", "a cloud metadata address"),
        ("http://[::1]/", "a loopback address"),
        ("http://0x0a000001/", "a private address"),
        ("http://167772161/", "a private address"),
        ("http://012.0.0.1/", "a private address"),
        ("http://10.1/", "a private address"),
        ("http://10.0.0.1./", "a private address"),
        ("http://0/", "an unspecified address"),
        ("http://[::10.0.0.1]/", "an IPv4-compatible address"),
        ("http://[64:ff9b::10.0.0.1]/", "a private address"),
        ("http://[2002:a00:1::]/", "a private address"),
        ("http://[fd00:ec2::254]/", "a cloud metadata address"),
        ("file:///etc/passwd", "the scheme \"file\""),
    ] {
        server.set("/moved", answer("302 Found", &format!("location: {target}\r\n"), b""));
        let poll = poll(&server, "/moved").await;
        check_failure(&poll, what);
        assert_eq!(poll.next_poll_after, Duration::from_mins(5));
    }
}

#[tokio::test]
async fn names_are_checked_after_dns_and_loopback_needs_leave() {
    let server = Server::start().await;
    server.set("/feed", answer("200 OK", "", FEED.as_bytes()));
    let strict = Poller::new(&IntakeConfig { allow_networks: Vec::new(), ..config() }).unwrap();
    let port = server.address.rsplit(':').next().unwrap();
    let by_name = server.feed_at(&format!("http://localhost:{port}/feed"));
    check_failure(&once(&strict, &by_name, &new_cursor()).await, "localhost is a loopback address");
    check_failure(&once(&strict, &server.feed("/feed"), &new_cursor()).await, "a loopback address");
    assert_eq!(server.last_request(), "", "nothing may have been sent");
    check_items(&once(&Poller::new(&config()).unwrap(), &by_name, &new_cursor()).await, 3);
}

#[tokio::test]
async fn credentials_reach_their_own_host_and_no_message() {
    let (server, other) = (Server::start().await, Server::start().await);
    server.set("/moved", answer("302 Found", &format!("location: http://{}/gone\r\n", other.address), b""));
    let feed = server.feed_at(&format!("http://desk:secret@{}/moved", server.address));
    let poll = once(&Poller::new(&config()).unwrap(), &feed, &new_cursor()).await;
    check_failure(&poll, "404");
    assert!(server.last_request().contains("authorization: basic"));
    assert!(!other.last_request().is_empty() && !other.last_request().contains("authorization"));
    server.set("/moved", answer("500 Oops", "", b""));
    let poll = once(&Poller::new(&config()).unwrap(), &feed, &new_cursor()).await;
    check_failure(&poll, "/moved answers 500");
    assert!(!format!("{:?}", poll.outcome).contains("secret"));
}

#[tokio::test]
async fn what_is_no_feed_says_what_it_is() {
    let server = Server::start().await;
    server.set("/page", answer("200 OK", "content-type: text/html\r\n", b"<!DOCTYPE html><html></html>"));
    check_failure(&poll(&server, "/page").await, "a web page, not a feed");
    server.set("/empty", answer("200 OK", "", b""));
    check_failure(&poll(&server, "/empty").await, "the body is empty");
    check_failure(&poll(&server, "/missing").await, "answers 404 Not Found");
    server.set(
        "/cp1251",
        answer(
            "200 OK",
            "content-type: text/xml; charset=windows-1251\r\n",
            b"<rss><item><title>\xcd\xe5\xf2</title></item></rss>",
        ),
    );
    let poll = poll(&server, "/cp1251").await;
    let Outcome::Items { items, .. } = &poll.outcome else { panic!("{:?}", poll.outcome) };
    assert_eq!(items[0].title.as_ref().unwrap().body, "Нет");
}

#[tokio::test]
async fn busy_servers_are_left_alone_as_long_as_they_ask() {
    let server = Server::start().await;
    server.set("/busy", answer("429 Too Many Requests", "retry-after: 1800\r\n", b""));
    let poll_busy = poll(&server, "/busy").await;
    check_failure(&poll_busy, "answers 429");
    assert_eq!(poll_busy.next_poll_after, Duration::from_mins(30));
    server.set("/busy", answer("503 Service Unavailable", "retry-after: Thu, 31 Oct 2024 10:00:00 GMT\r\n", b""));
    assert_eq!(poll(&server, "/busy").await.next_poll_after, Duration::from_hours(1));
}

#[tokio::test]
async fn a_dead_host_is_named() {
    let server = Server::start().await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let poll =
        once(&Poller::new(&config()).unwrap(), &server.feed_at(&format!("http://{unused}/")), &new_cursor()).await;
    check_failure(&poll, "refused");
}

#[tokio::test]
async fn one_host_gets_a_limited_number_of_requests_at_once() {
    let server = Server::start().await;
    server.set("/hang", Answer { bytes: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), then: Then::Hang });
    let poller = Arc::new(Poller::new(&config()).unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (poller, feed) = (Arc::clone(&poller), server.feed("/hang"));
        tasks.spawn(async move { once(&poller, &feed, &new_cursor()).await });
    }
    while server.requests.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[test]
fn fixtures_parse_to_what_stands_beside_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feeds");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".expected"))
        .collect();
    names.sort();
    assert!(names.len() >= 14);
    for name in names {
        let mut out = Vec::new();
        gainsay::intake::parse_batch(name.as_bytes(), &folder, &mut out).unwrap();
        let expected = std::fs::read_to_string(folder.join(format!("{name}.expected"))).unwrap_or_default();
        let out = String::from_utf8(out).unwrap();
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
        assert_eq!(json(&out), json(&expected), "{name}: {out}");
    }
}
