//! Feeds and endpoints that fail in every way they can: each failure is a recorded state, and the healthy ones beside
//! them notice nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::support::{
    Daemon, Endpoint, Entry, Feeds, RawServer, Request, SECRET, answer, hang, query, wait_for, write_config,
};

/// What stands in the alert about a feed of this name, each a way to fail.
const FAILURES: [(&str, &str); 10] = [
    ("bomb", "the decoded body is over 65536 bytes"),
    ("cut", "cannot fetch"),
    ("empty", "the body is empty"),
    ("endless", "is over 65536 bytes"),
    ("gone", "answers 410"),
    ("inside", "a cloud metadata address"),
    ("loop", "redirects in a loop"),
    ("maze", "redirects more than 5 times"),
    ("page", "a web page, not a feed"),
    ("slow", "took longer than 1 s"),
];

fn misbehave(request: &Request, stream: &mut TcpStream) {
    let redirect = |stream: &mut TcpStream, to: &str| answer(stream, "302 Found", &format!("location: {to}\r\n"), b"");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n<rss>";
    match request.path.as_str() {
        "/bomb" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&vec![b' '; 8 << 20]).unwrap();
            answer(stream, "200 OK", "content-encoding: gzip\r\n", &encoder.finish().unwrap());
        }
        "/cut" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<rss><channel>")),
        "/empty" => drop(answer(stream, "200 OK", "", b"")),
        "/endless" => {
            let mut is_open = stream.write_all(head).is_ok();
            while is_open {
                is_open = stream.write_all(&[b' '; 4096]).is_ok();
            }
        }
        "/gone" => drop(answer(stream, "410 Gone", "", b"")),
        "/inside" => drop(redirect(stream, "http://169.254.169.254/latest/meta-data/")),
        "/loop" => drop(redirect(stream, "/loop")),
        "/page" => drop(answer(stream, "200 OK", "content-type: text/html\r\n", b"<!DOCTYPE html><html></html>")),
        "/slow" => {
            stream.write_all(head).unwrap_or_default();
            hang(stream);
        }
        maze => drop(redirect(stream, &format!("{maze}x"))),
    }
}

fn failing_feeds(folder: &Path) -> BTreeMap<String, String> {
    let alerts = query(folder, "SELECT CAST(body AS TEXT) FROM outbox_body");
    let alerts = alerts.iter().map(|body| serde_json::from_str::<serde_json::Value>(body).unwrap());
    alerts
        // Who says "gone" three times running is believed.
        .filter(|alert| {
            let is_gone = alert["feed"]["id"] == "gone";
            alert["type"] == if is_gone { "feed.gone" } else { "feed.failing" }
        })
        .map(|alert| {
            let feed = &alert["feed"];
            (feed["id"].as_str().unwrap().to_owned(), feed["detail"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn every_way_of_a_feed_to_fail_is_one_incident_and_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/good", Entry::new("1", "Weather stays mild", "It was mild."));
    let bad = RawServer::start(misbehave);
    let mut urls: Vec<(&str, String)> =
        FAILURES.iter().map(|(name, _)| (*name, format!("{}/{name}", bad.base))).collect();
    urls.push(("good", format!("{}/good", wire.base)));
    let config = write_config(folder.path(), &urls, None);
    let limits = "[intake]\nfetch_timeout = \"1s\"\nbody_bytes_max = \"64KiB\"\ndecoded_bytes_max = \"64KiB\"\n";
    let text = std::fs::read_to_string(&config).unwrap().replace("[intake]\n", limits);
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("all incidents", Duration::from_mins(2), || failing_feeds(folder.path()).len() == FAILURES.len());
    let good = "SELECT id FROM cursor WHERE id = 'good' AND record->>'failures' = 0 AND record->>'last_success' > ''";
    assert_eq!(query(folder.path(), good), ["good"]);
    feeds.add("/good", Entry::new("2", "Fog in the north", "Ferries wait."));
    wait_for("the healthy feed", Duration::from_mins(1), || query(folder.path(), "SELECT id FROM document").len() == 2);
    assert_eq!(daemon.stop().0, Some(0));
    let incidents = failing_feeds(folder.path());
    for (name, expected) in FAILURES {
        assert!(incidents[name].contains(expected), "{name}: {}", incidents[name]);
    }
    let alerts = query(folder.path(), "SELECT alert FROM outbox WHERE type IN ('feed.failing', 'feed.gone')");
    assert_eq!(alerts.len(), FAILURES.len(), "an incident is alerted once");
}

/// Endpoints, each with what becomes of one alert: its state, the number of attempts, the last error.
const ENDPOINTS: [(&str, &str, &str, &str); 6] = [
    ("cut", "dead", "3", "no answer: "),
    ("gone", "pending", "0", "answered 410: closed for good"),
    ("hang", "dead", "3", "no answer within 1 s"),
    ("healthy", "delivered", "1", ""),
    ("heals", "delivered", "3", ""),
    ("sick", "dead", "3", "answered 500: out of order"),
];

#[test]
fn every_way_of_an_endpoint_to_fail_is_recorded_and_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let received: &'static Mutex<Vec<(String, String, Vec<u8>)>> = Box::leak(Box::default());
    let receiver = RawServer::start(move |request, stream| {
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        let before = {
            let mut received = received.lock().unwrap();
            received.push((request.path.clone(), id, request.body.clone()));
            received.iter().filter(|(path, _, _)| *path == request.path).count() - 1
        };
        match request.path.as_str() {
            "/cut" => {}
            "/gone" => drop(answer(stream, "410 Gone", "", b"closed for good")),
            "/hang" => hang(stream),
            "/heals" if before == 0 => drop(answer(stream, "503 Service Unavailable", "", b"")),
            "/heals" if before == 1 => {}
            "/sick" => drop(answer(stream, "500 Internal Server Error", "", b"out of order")),
            _ => drop(answer(stream, "200 OK", "", b"thanks")),
        }
    });
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let config = write_config(folder.path(), &[("page", page.base.clone())], None);
    let mut text = std::fs::read_to_string(&config).unwrap();
    for (name, ..) in ENDPOINTS {
        write!(
            text,
            "[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{}/{name}\"\nsecret = \"{SECRET}\"\n\
             timeout = \"1s\"\nretry_schedule = [\"100ms\", \"100ms\"]\n",
            receiver.base
        )
        .unwrap();
    }
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("all attempts", Duration::from_mins(2), || {
        query(folder.path(), "SELECT sink FROM delivery WHERE state <> 'pending' OR last_error LIKE 'answered 410%'")
            .len()
            == ENDPOINTS.len()
    });
    assert_eq!(daemon.stop().0, Some(0));
    for (name, state, attempts, error) in ENDPOINTS {
        let row = format!("SELECT state || ' ' || attempts FROM outbox WHERE sink = '{name}'");
        assert_eq!(query(folder.path(), &row), [format!("{state} {attempts}")], "{name}");
        let last = format!("SELECT coalesce(last_error, '') FROM delivery WHERE sink = '{name}'");
        let last = query(folder.path(), &last).remove(0);
        assert!(last.starts_with(error) && last.is_empty() == error.is_empty(), "{name}: {last}");
    }
    let received = received.lock().unwrap();
    let different: BTreeSet<_> = received.iter().map(|(_, id, body)| (id, body)).collect();
    assert_eq!(different.len(), 1, "every attempt has the same id and bytes");
    let settled = |sink: &str| -> i64 {
        query(folder.path(), &format!("SELECT CAST(settled AS TEXT) FROM outbox WHERE sink = '{sink}'"))[0]
            .parse()
            .unwrap()
    };
    assert!(settled("healthy") < settled("hang"));
}

#[test]
fn an_endpoint_that_is_gone_gets_no_more_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let calls: &'static AtomicU32 = Box::leak(Box::default());
    let gone = RawServer::start(move |_, stream| {
        calls.fetch_add(1, Ordering::SeqCst);
        answer(stream, "410 Gone", "", b"");
    });
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let feeds = ["a", "b"].map(|id| (id, page.base.clone()));
    let one_at_a_time = |endpoint: &str| {
        let config = write_config(folder.path(), &feeds, Some(endpoint));
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("type = \"webhook\"", "type = \"webhook\"\nconcurrency_max = 1")).unwrap();
        config
    };
    let daemon = Daemon::start(&one_at_a_time(&gone.base));
    wait_for("both alerts and an attempt", Duration::from_mins(1), || {
        query(folder.path(), "SELECT alert FROM outbox").len() == 2
            && !query(folder.path(), "SELECT error FROM attempt").is_empty()
    });
    let (code, said) = daemon.stop();
    assert_eq!((code, calls.load(Ordering::SeqCst)), (Some(0), 1), "{said}");
    assert_eq!(said.matches("endpoint is gone").count(), 1, "{said}");
    assert_eq!(query(folder.path(), "SELECT state || attempts FROM outbox"), ["pending0"; 2]);

    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let daemon = Daemon::start(&one_at_a_time(&receiver.base));
    wait_for("the alerts", Duration::from_mins(1), || endpoint.received().len() == 2);
    assert_eq!(daemon.stop().0, Some(0));
}
