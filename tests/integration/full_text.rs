//! Articles behind teasers: fetched once, politely and within bounds, and never in the way of what the feed itself says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gainsay::config::{FeedAccess, FeedConfig, IntakeConfig, TextPolicy};
use gainsay::intake::{PageError, Poller};
use gainsay::model::{Article, FeedId};

use crate::kills::story;
use crate::support::{
    Daemon, Endpoint, RawServer, Received, Request, answer, get, hang, listen, query, wait_for, write_config,
};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

type Handler = Arc<dyn Fn(&Request, &mut TcpStream) + Send + Sync>;

/// A site: its feed's entries, its pages, and what it was asked for.
#[derive(Clone, Default)]
struct Site {
    entries: Arc<Mutex<Vec<String>>>,
    pages: Arc<Mutex<BTreeMap<String, Handler>>>,
    asked: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Site {
    fn serve(&self) -> RawServer {
        let site = self.clone();
        RawServer::start(move |request, stream| {
            let has_login = request.headers.contains_key("authorization");
            site.asked.lock().unwrap().push((request.path.clone(), has_login));
            if request.path == "/feed" {
                let entries = site.entries.lock().unwrap().concat();
                let feed = format!("<rss version=\"2.0\"><channel><title>Site</title>{entries}</channel></rss>");
                // Validators, so that the poller may be told that nothing changed.
                let etag = format!("\"{}\"", feed.len());
                if request.headers.get("if-none-match").is_some_and(|known| *known == etag) {
                    answer(stream, "304 Not Modified", &format!("etag: {etag}\r\n"), b"");
                } else {
                    answer(stream, "200 OK", &format!("etag: {etag}\r\ncontent-type: text/xml\r\n"), feed.as_bytes());
                }
                return;
            }
            let page = site.pages.lock().unwrap().get(&request.path).cloned();
            match page {
                Some(page) => page(request, stream),
                None => {
                    answer(stream, "404 Not Found", "content-type: text/html\r\n", b"nothing here");
                }
            }
        })
    }

    fn add_entry(&self, guid: &str, title: &str, teaser: &str, link: &str) {
        let entry = format!(
            "<item><guid isPermaLink=\"false\">{guid}</guid><title>{title}</title><link>{link}</link>\
             <description>{teaser}</description><pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>"
        );
        self.entries.lock().unwrap().insert(0, entry);
    }

    fn add_page(&self, path: &str, page: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) {
        self.pages.lock().unwrap().insert(path.to_owned(), Arc::new(page));
    }

    fn add_html(&self, path: &str, html: String) {
        self.add_page(path, move |_, stream| {
            answer(stream, "200 OK", "content-type: text/html; charset=utf-8\r\n", html.as_bytes());
        });
    }

    /// How often a path was asked for.
    fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, _)| asked == path).count()
    }
}

/// A page whose article says this, long enough to be one.
fn article(denial: &str) -> String {
    let rest = "<p>The hearing went on until the evening and will be taken up again on Thursday, when the books of the \
                last year are to be read out before the council and all who wish to listen.</p>";
    format!(
        "<html><head><title>Hearing</title></head><body><nav><a href=/>Home</a></nav><article><h1>Hearing</h1>\
         <p>{denial}</p>{rest}{rest}</article></body></html>"
    )
}

/// A config that reads pages and lets every denial through.
fn config(folder: &Path, feed: &str, endpoint: &str, more: &str) -> PathBuf {
    let path = write_config(folder, &[("site", feed.to_owned())], Some(endpoint));
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("[[feed]]\n", &format!("text = \"auto\"\n{more}[[feed]]\n"));
    std::fs::write(&path, text + "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n")
        .unwrap();
    path
}

fn evidence(received: &Received) -> String {
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    body["data"]["evidence"]["sentence"].as_str().unwrap_or_default().to_owned()
}

fn alerted(endpoint: &Endpoint, words: &str) -> usize {
    endpoint.received().iter().filter(|received| evidence(received).contains(words)).count()
}

/// The first sentence of a story, which is its denial.
fn denial(number: usize) -> String {
    story(number).body.split_inclusive('.').next().unwrap().to_owned()
}

#[test]
fn a_denial_behind_a_teaser_is_alerted_once_and_its_page_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let (site, endpoint) = (Site::default(), Endpoint::default());
    let (wire, receiver) = (site.serve(), endpoint.serve());
    site.add_html("/1", article(&denial(1)));
    site.add_entry("1", &story(1).title, "A hearing began on Monday.", &format!("{}/1?utm_source=rss", wire.base));
    // Asked for as the entry links to it.
    site.add_html("/1?utm_source=rss", article(&denial(1)));
    let config = config(folder.path(), &format!("{}/feed", wire.base), &receiver.base, "");
    let daemon = Daemon::start(&config);
    wait_for("the alert", PATIENCE, || alerted(&endpoint, &denial(1)) == 1);
    let polls = site.count("/feed");
    wait_for("two more polls", PATIENCE, || site.count("/feed") >= polls + 2);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((site.count("/1?utm_source=rss"), site.count("/robots.txt")), (1, 1));

    // After a restart the page is not fetched again, nor once it is gone taken for an edit back to the teaser.
    site.pages.lock().unwrap().clear();
    let daemon = Daemon::start(&config);
    site.add_html("/2", article(&denial(12)));
    site.add_entry("2", &story(12).title, "Another hearing began.", &format!("{}/2", wire.base));
    wait_for("the second alert", PATIENCE, || alerted(&endpoint, &denial(12)) == 1);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((site.count("/1?utm_source=rss"), site.count("/2"), endpoint.received().len()), (1, 1, 2));
    let revisions = query(folder.path(), "SELECT CAST(COUNT(*) AS TEXT) FROM analysis");
    assert_eq!(revisions, ["2"], "one text of each document");
}

#[test]
fn a_page_that_comes_late_is_an_edit_of_its_teaser() {
    let folder = tempfile::tempdir().unwrap();
    let (site, endpoint) = (Site::default(), Endpoint::default());
    let (wire, receiver) = (site.serve(), endpoint.serve());
    let (site_asked, page) = (site.clone(), article(&denial(2)));
    site.add_page("/1", move |_, stream| {
        if site_asked.count("/1") < 2 {
            answer(stream, "500 Internal Server Error", "", b"");
        } else {
            answer(stream, "200 OK", "content-type: text/html\r\n", page.as_bytes());
        }
    });
    site.add_entry("1", &story(1).title, &denial(1), &format!("{}/1", wire.base));
    // One that never comes is asked for a few times and then stands as it is.
    site.add_page("/2", |_, stream| {
        answer(stream, "500 Internal Server Error", "", b"");
    });
    site.add_entry("2", "Weather", "It rains.", &format!("{}/2", wire.base));
    let config = config(folder.path(), &format!("{}/feed", wire.base), &receiver.base, "");
    let daemon = Daemon::start(&config);
    wait_for("the alert of the teaser", PATIENCE, || alerted(&endpoint, &denial(1)) == 1);
    wait_for("the alert of the page", PATIENCE, || alerted(&endpoint, &denial(2)) == 1);
    wait_for("the last try", PATIENCE, || site.count("/2") == 3);
    let polls = site.count("/feed");
    wait_for("three more polls", PATIENCE, || site.count("/feed") >= polls + 3);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((site.count("/1"), site.count("/2"), endpoint.received().len()), (2, 3, 2));
    let due = query(folder.path(), "SELECT record FROM cursor");
    assert!(due.len() == 1 && due.iter().all(|cursor| !cursor.contains("\"pages\"")), "{due:?}");
}

/// Ways in which a page is not to be had, with the reason that is counted.
const FAILURES: [(&str, &str); 10] = [
    ("forbidden", "robots"),
    ("missing", "status"),
    ("consent", "consent"),
    ("inside", "refused"),
    ("large", "too_large"),
    ("slow", "timeout"),
    ("bomb", "encoding"),
    ("pdf", "content_type"),
    ("script", "no_link"),
    ("private", "refused"),
];

fn misbehave(site: &Site) {
    let html = "content-type: text/html\r\n";
    site.add_page("/robots.txt", |_, stream| {
        answer(stream, "200 OK", "content-type: text/plain\r\n", b"User-agent: gainsay\nDisallow: /forbidden\n");
    });
    site.add_html("/forbidden", article(&denial(90)));
    let notice = "<p>We and our partners store cookies for purposes you choose; consent to vendors in the privacy preferences.</p>";
    site.add_html("/consent", format!("<title>Site</title>{}", notice.repeat(5)));
    site.add_page("/inside", |_, stream| {
        answer(stream, "302 Found", "location: http://169.254.169.254/latest/meta-data/\r\n", b"");
    });
    site.add_page("/large", move |_, stream| {
        let mut is_open = write!(stream, "HTTP/1.1 200 OK\r\n{html}\r\n<p>").is_ok();
        for _ in 0..50 {
            is_open = is_open && stream.write_all(&vec![b'x'; 1 << 20]).is_ok();
        }
    });
    site.add_page("/slow", move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n{html}\r\n<p>").unwrap_or_default();
        hang(stream);
    });
    site.add_page("/bomb", move |_, stream| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&vec![b' '; 64 << 20]).unwrap();
        answer(stream, "200 OK", &format!("{html}content-encoding: gzip\r\n"), &encoder.finish().unwrap());
    });
    site.add_page("/pdf", |_, stream| {
        answer(stream, "200 OK", "content-type: application/pdf\r\n", b"%PDF-1.7");
    });
}

#[test]
fn whatever_is_wrong_with_a_page_its_teaser_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (site, endpoint) = (Site::default(), Endpoint::default());
    let (wire, receiver) = (site.serve(), endpoint.serve());
    misbehave(&site);
    for (number, (name, _)) in FAILURES.iter().enumerate() {
        let link = match *name {
            "script" => "javascript:alert(1)".to_owned(),
            "private" => "http://10.0.0.1/story".to_owned(),
            name => format!("{}/{name}", wire.base),
        };
        site.add_entry(name, &story(number).title, &denial(number), &link);
    }
    let more = "fetch_timeout = \"2s\"\npage_wait = \"30s\"\npages_max = 20\n";
    let config = config(folder.path(), &format!("{}/feed", wire.base), &receiver.base, more);
    let address = listen(&config);
    let daemon = Daemon::start(&config);
    for number in 0..FAILURES.len() {
        wait_for("the alert of a teaser", PATIENCE * 2, || alerted(&endpoint, &denial(number)) == 1);
    }
    let metrics = get(address, "/metrics").unwrap().1;
    let mut counted = String::new();
    for line in metrics.lines().filter(|line| line.starts_with("gainsay_article_pages_total") && !line.ends_with(" 0"))
    {
        writeln!(counted, "{line}").unwrap();
    }
    for (name, reason) in FAILURES {
        assert!(counted.contains(&format!("result=\"{reason}\"")), "{name} {reason}\n{counted}");
    }
    assert!(!counted.contains("result=\"read\"") && !counted.contains("defect"), "{counted}");
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((site.count("/forbidden"), site.count("/robots.txt"), site.count("/consent")), (0, 1, 1));
    assert_eq!(endpoint.received().len(), FAILURES.len());
}

#[test]
fn what_a_feed_carried_before_and_what_its_policy_leaves_is_not_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let (site, endpoint) = (Site::default(), Endpoint::default());
    let (wire, receiver) = (site.serve(), endpoint.serve());
    for name in ["/old", "/new", "/full"] {
        site.add_html(name, article(&denial(3)));
    }
    site.add_entry("old", "Old", "It was.", &format!("{}/old", wire.base));
    let path = config(folder.path(), &format!("{}/feed", wire.base), &receiver.base, "");
    let quiet = std::fs::read_to_string(&path).unwrap().replace("backfill = \"3650d\"\n", "");
    std::fs::write(&path, quiet).unwrap();
    let daemon = Daemon::start(&path);
    wait_for("the baseline", PATIENCE, || !query(folder.path(), "SELECT id FROM document").is_empty());
    let full =
        "The council met and spoke of the new quay, of its price and of those who are to pay for it. ".repeat(12);
    site.add_entry("full", "Council", &full, &format!("{}/full", wire.base));
    site.add_entry("new", "New", "It is.", &format!("{}/new", wire.base));
    wait_for("the alert", PATIENCE, || alerted(&endpoint, &denial(3)) == 1);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((site.count("/old"), site.count("/full"), site.count("/new")), (0, 0, 1));
}

fn intake() -> IntakeConfig {
    IntakeConfig {
        fetch_timeout: Duration::from_secs(20),
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..IntakeConfig::default()
    }
}

/// The article at a path of `base`, for a feed that is at `feed` with a password.
fn fetch(poller: &Poller, feed: &str, page: &str) -> Result<Article, PageError> {
    let access = FeedConfig {
        id: FeedId::new("site"),
        url: feed.parse().unwrap(),
        outlet: "Site".to_owned(),
        poll_interval: Duration::from_mins(5),
        poll_interval_max: Duration::from_mins(5),
        backfill: Duration::ZERO,
        access: access(),
        text: TextPolicy::Page,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(poller.article(
        &access,
        &page.parse().unwrap(),
        gainsay::clock::Clock::now(&gainsay::clock::SystemClock),
    ))
}

/// The credentials of a feed, as a config gives them.
fn access() -> FeedAccess {
    let text = "[[feed]]\nid = \"a\"\nurl = \"http://a.example\"\noutlet = \"A\"\nusername = \"u\"\npassword = \"p\"\n";
    let surroundings = gainsay::config::Surroundings {
        folder: Path::new(""),
        env: &|_| None,
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    gainsay::config::parse(text, "test", &surroundings).unwrap().feeds.remove(0).access.clone()
}

#[test]
fn credentials_go_to_the_feeds_own_server_and_never_along() {
    let (own, other) = (Site::default(), Site::default());
    let (home, abroad) = (own.serve(), other.serve());
    own.add_html("/story", article(&denial(4)));
    other.add_html("/story", article(&denial(4)));
    let back = format!("location: {}/story\r\n", home.base);
    other.add_page("/back", move |_, stream| {
        answer(stream, "302 Found", &back, b"");
    });
    let poller = Poller::new(&intake()).unwrap();
    let feed = format!("{}/feed", home.base);
    let asked = |site: &Site| std::mem::take(&mut *site.asked.lock().unwrap());
    assert!(fetch(&poller, &feed, &format!("{}/story", home.base)).is_ok());
    assert_eq!(asked(&own), [("/robots.txt".to_owned(), false), ("/story".to_owned(), true)]);
    assert!(fetch(&poller, &feed, &format!("{}/story", abroad.base)).is_ok());
    assert!(fetch(&poller, &feed, &format!("{}/back", abroad.base)).is_ok());
    assert!(asked(&other).iter().all(|(_, has_login)| !has_login));
    assert_eq!(asked(&own), [("/story".to_owned(), false)], "another server chose this address");
}

#[test]
fn each_hop_asks_its_own_site() {
    let (first, second) = (Site::default(), Site::default());
    let (home, abroad) = (first.serve(), second.serve());
    let to = format!("location: {}/private/1\r\n", abroad.base);
    first.add_page("/1", move |_, stream| {
        answer(stream, "302 Found", &to, b"");
    });
    first.add_page("/robots.txt", |_, stream| {
        answer(stream, "410 Gone", "", b"User-agent: *\nDisallow: /");
    });
    second.add_page("/robots.txt", |_, stream| {
        answer(stream, "302 Found", "location: /rules\r\n", b"");
    });
    // A file of more than 500 KiB counts up to there.
    let rules = format!("User-agent: *\nDisallow: /private\n{}Allow: /private/1\n", "#\n".repeat(300_000));
    second.add_page("/rules", move |_, stream| {
        answer(stream, "200 OK", "", rules.as_bytes());
    });
    second.add_html("/private/1", article(&denial(5)));
    let poller = Poller::new(&intake()).unwrap();
    let error = fetch(&poller, "http://feed.example/feed", &format!("{}/1", home.base)).unwrap_err();
    assert!(matches!(error, PageError::Robots { .. }), "{error}");
    assert_eq!((first.count("/1"), second.count("/private/1")), (1, 0));
}

#[test]
fn a_site_whose_rules_cannot_be_had_is_left_alone_for_a_while() {
    let site = Site::default();
    let server = site.serve();
    site.add_page("/robots.txt", |_, stream| {
        answer(stream, "503 Service Unavailable", "", b"");
    });
    site.add_html("/1", article(&denial(6)));
    let poller = Poller::new(&intake()).unwrap();
    for _ in 0..2 {
        let error = fetch(&poller, "http://feed.example/feed", &format!("{}/1", server.base)).unwrap_err();
        assert!(matches!(error, PageError::RobotsUnknown { .. }) && error.is_retryable(), "{error}");
    }
    assert_eq!((site.count("/robots.txt"), site.count("/1")), (1, 0));
}

#[test]
fn a_busy_site_is_left_alone_as_long_as_it_asks() {
    let site = Site::default();
    let server = site.serve();
    site.add_page("/1", |_, stream| {
        answer(stream, "429 Too Many Requests", "retry-after: 600\r\n", b"");
    });
    let poller = Poller::new(&intake()).unwrap();
    let page = format!("{}/1", server.base);
    assert!(matches!(fetch(&poller, "http://feed.example/feed", &page), Err(PageError::Fetch(_))));
    assert!(matches!(fetch(&poller, "http://feed.example/feed", &page), Err(PageError::Postponed)));
    assert_eq!(site.count("/1"), 1);
}
