//! Feeds and endpoints that fail in every way they can: each failure is a recorded state, and the healthy ones beside
//! them notice nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::matrix::{Row, record};
use crate::support::{
    Daemon, Endpoint, Feeds, RawServer, Request, SECRET, answer, gainsay, hang, json_lines, query, wait_for,
    write_config,
};

/// Ways of a feed to fail, by its name here: what the book calls it, and what stands in the alert about it.
const FAILURES: [(&str, &str, &str); 23] = [
    ("bomb", "bomb of gzip", "the decoded body is over 65536 bytes"),
    ("bomb-br", "bomb of brotli", "the decoded body is over 65536 bytes"),
    ("bomb-zstd", "bomb of zstd", "the decoded body is over 65536 bytes"),
    ("chunks", "body is cut into broken chunks", "cannot fetch"),
    ("cut", "body ends before its stated length", "cannot fetch"),
    ("drip", "body comes byte by byte without end", "took longer than 1 s"),
    ("drip-head", "head of an answer comes byte by byte without end", "took longer than 1 s"),
    ("empty", "body is empty", "the body is empty"),
    ("endless", "body has no end", "is over 65536 bytes"),
    ("flood", "head of an answer has a thousand headers", "cannot fetch"),
    ("flood-long", "head of an answer has no end", "cannot fetch"),
    ("gone", "feed is gone", "answers 410"),
    ("inside", "redirect leads to a cloud's metadata", "a cloud metadata address"),
    ("inside-ipv6", "redirect leads inside in the clothes of IPv6", "a cloud metadata address"),
    ("inside-number", "redirect leads inside by a number", "a private address"),
    ("loop", "redirects lead in a loop", "redirects in a loop"),
    ("maze", "redirects lead on and on", "redirects more than 5 times"),
    ("nameless", "host has no address", "cannot fetch"),
    ("noise", "answer is no HTTP", "cannot fetch"),
    ("page", "feed is a web page", "a web page, not a feed"),
    ("plain", "https is asked of a server that speaks http", "cannot fetch"),
    ("self-signed", "certificate is signed by nobody", "certificate"),
    ("slow", "body stands still", "took longer than 1 s"),
];

/// Eight million spaces, as brotli has them.
const BROTLI_BOMB: [u8; 14] = [0x9b, 0xff, 0xff, 0x7f, 0xf8, 0x25, 0x40, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x0f];

fn misbehave(request: &Request, stream: &mut TcpStream) {
    let redirect = |stream: &mut TcpStream, to: &str| answer(stream, "302 Found", &format!("location: {to}\r\n"), b"");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n<rss>";
    let bomb = |stream: &mut TcpStream, encoding: &str, body: &[u8]| {
        answer(stream, "200 OK", &format!("content-encoding: {encoding}\r\n"), body)
    };
    match request.path.as_str() {
        "/bomb" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&vec![b' '; 8 << 20]).unwrap();
            bomb(stream, "gzip", &encoder.finish().unwrap());
        }
        "/bomb-br" => drop(bomb(stream, "br", &BROTLI_BOMB)),
        "/bomb-zstd" => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            bomb(stream, "zstd", &ruzstd::encoding::compress_to_vec(&vec![b' '; 8 << 20][..], level));
        }
        "/chunks" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n<rss>\r\n")),
        "/cut" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<rss><channel>")),
        "/drip" => drip(stream, head, b" "),
        "/drip-head" => drip(stream, b"HTTP/1.1 200 OK\r\nx-long: ", b"x"),
        "/empty" => drop(answer(stream, "200 OK", "", b"")),
        "/endless" => pour(stream, head, &[b' '; 4096]),
        "/flood" => drop(answer(stream, "200 OK", &"x-flood: 1\r\n".repeat(1000), b"<rss/>")),
        "/flood-long" => pour(stream, b"HTTP/1.1 200 OK\r\nx-long: ", &[b'x'; 4096]),
        "/gone" => drop(answer(stream, "410 Gone", "", b"")),
        "/inside" => drop(redirect(stream, "http://169.254.169.254/latest/meta-data/")),
        "/inside-ipv6" => drop(redirect(stream, "http://[::ffff:169.254.169.254]/latest/meta-data/")),
        "/inside-number" => drop(redirect(stream, "http://0x0a000001/feed")),
        "/loop" => drop(redirect(stream, "/loop")),
        "/noise" => drop(stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n")),
        "/page" => drop(answer(stream, "200 OK", "content-type: text/html\r\n", b"<!DOCTYPE html><html></html>")),
        "/slow" => {
            stream.write_all(head).unwrap_or_default();
            hang(stream);
        }
        maze => drop(redirect(stream, &format!("{maze}x"))),
    }
}

/// Sends `first`, then `more` as fast as it is taken, until the client has had enough.
pub(crate) fn pour(stream: &mut TcpStream, first: &[u8], more: &[u8]) {
    let mut is_open = stream.write_all(first).is_ok();
    while is_open {
        is_open = stream.write_all(more).is_ok();
    }
}

/// The same, little by little: there is always something new, and never an end.
pub(crate) fn drip(stream: &mut TcpStream, first: &[u8], more: &[u8]) {
    let mut is_open = stream.write_all(first).is_ok();
    while is_open {
        std::thread::sleep(Duration::from_millis(50));
        is_open = stream.write_all(more).is_ok();
    }
}

/// A server whose certificate nobody signed, and how many requests were told to it. Certificate and key serve these tests alone; they
/// are made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -addext subjectAltName=IP:127.0.0.1
/// -addext basicConstraints=critical,CA:FALSE`.
pub(crate) fn self_signed() -> (String, Arc<AtomicU32>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    let certificate = CertificateDer::from(&include_bytes!("../fixtures/tls/self_signed.der")[..]);
    let key = PrivatePkcs8KeyDer::from(&include_bytes!("../fixtures/tls/self_signed.key.der")[..]);
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let (config, told) = (Arc::new(config), Arc::new(AtomicU32::new(0)));
    let heard = Arc::clone(&told);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream);
            if tls.read(&mut [0; 64]).is_ok_and(|read| read > 0) {
                heard.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (base, told)
}

/// The last error of each feed about which an alert went out.
fn failing_feeds(folder: &Path) -> BTreeMap<String, String> {
    let alerts = query(folder, "SELECT CAST(body AS TEXT) FROM outbox_body");
    let alerts = alerts.iter().map(|body| serde_json::from_str::<serde_json::Value>(body).unwrap());
    alerts
        .filter(|alert| alert["type"] == "feed.failing" || alert["type"] == "feed.gone")
        .map(|alert| {
            let feed = alert.get("data").unwrap_or(&alert).get("feed").unwrap_or_else(|| panic!("no feed in {alert}"));
            (feed["id"].as_str().unwrap().to_owned(), feed["detail"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// What an alert says of the last failure, the same on every machine: what the resolver and the library of TLS say differs.
fn neutral_failure(detail: &str) -> String {
    let detail =
        ["the last one so: ", "from now on: "].iter().find_map(|before| Some(detail.split_once(before)?.1)).unwrap();
    let detail = crate::matrix::neutral(detail, Path::new("/nowhere"));
    let mut parts = detail.splitn(2, ": ");
    let (first, why) = (parts.next().unwrap(), parts.next().unwrap_or_default());
    match why {
        "" => first.to_owned(),
        _ if first.contains(".invalid") || first.contains("https://") => format!("{first}: …"),
        _ => format!("{first}: {why}"),
    }
}

#[test]
fn every_way_of_a_feed_to_fail_is_one_incident_and_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/good", story(0));
    let bad = RawServer::start(misbehave);
    let (secure, told) = self_signed();
    let url = |name: &str| match name {
        "nameless" => "http://no-such-host.invalid/feed".to_owned(),
        "plain" => format!("{}/plain", bad.base.replace("http:", "https:")),
        "self-signed" => format!("{secure}/feed"),
        _ => format!("{}/{name}", bad.base),
    };
    let mut urls: Vec<(&str, String)> = FAILURES.iter().map(|(name, ..)| (*name, url(name))).collect();
    urls.push(("good", format!("{}/good", wire.base)));
    let config = write_config(folder.path(), &urls, Some(&receiver.base));
    let limits = "[intake]\nfetch_timeout = \"1s\"\nbody_bytes_max = \"64KiB\"\ndecoded_bytes_max = \"64KiB\"\n";
    let text = std::fs::read_to_string(&config).unwrap().replace("[intake]\n", limits);
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("all incidents", Duration::from_mins(2), || failing_feeds(folder.path()).len() == FAILURES.len());
    let good = "SELECT id FROM cursor WHERE id = 'good' AND record->>'failures' = 0 AND record->>'last_success' > ''";
    assert_eq!(query(folder.path(), good), ["good"]);
    feeds.add("/good", story(1));
    let denials = || {
        let received = endpoint.received();
        received.iter().filter(|one| String::from_utf8_lossy(&one.body).contains("\"denial.new\"")).count()
    };
    wait_for("the alert of the healthy feed", Duration::from_mins(1), || denials() == 1);
    let status = gainsay(&["feeds", "status", "-c", config.to_str().unwrap()]).output().unwrap();
    assert_eq!(daemon.stop().0, Some(0));
    let (incidents, lines) = (failing_feeds(folder.path()), json_lines(&status.stdout));
    for (name, case, expected) in FAILURES {
        assert!(incidents[name].contains(expected), "{name}: {}", incidents[name]);
        let line = lines.iter().find(|line| line["id"] == name).unwrap();
        assert_eq!(line["state"], if name == "gone" { "gone" } else { "failing" }, "{line}");
        assert!(line["error"].as_str().is_some_and(|error| error.contains(expected)), "{line}");
        let (said, data) = (neutral_failure(&incidents[name]), "nothing of it is read; other feeds do not wait for it");
        record(&Row { section: "Feeds", case, run: "gainsay run", end: "it goes on", said: &said, data });
    }
    let alerts = query(folder.path(), "SELECT alert FROM outbox WHERE type IN ('feed.failing', 'feed.gone')");
    assert_eq!(alerts.len(), FAILURES.len(), "an incident is alerted once");
    assert_eq!(told.load(Ordering::SeqCst), 0, "nothing is told to whom nobody vouches for");
}

/// Bodies that are odd, by the name of their feed here: what the book calls them, entries that are read of them, the repair by which
/// they are counted.
const ODD: [(&str, &str, usize, &str); 7] = [
    ("cut-by-length", "stated length is shorter than the body", 1, "truncated"),
    ("declared-twice", "XML declaration stands twice", 1, ""),
    ("entries", "feed has 100000 entries", 500, "entries_left_out"),
    ("entry", "one entry has 50 MB", 2, ""),
    ("false-label", "UTF-16 says that it is UTF-8", 1, "charset"),
    ("no-label", "UTF-16 has no mark and no label", 1, "charset"),
    ("wrong-way", "UTF-16 is labelled the wrong way round", 1, "charset"),
];

/// Each body has this entry, whatever else it has.
fn odd_body(name: &str) -> (String, Vec<u8>) {
    let item = |guid: &str, text: &str| {
        format!(
            "<item><guid isPermaLink=\"false\">{guid}</guid><title>Fog</title><description>{text}</description></item>"
        )
    };
    let kept = item("kept", "It was mild.");
    let feed = |declared: &str, items: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{declared}\"?><rss version=\"2.0\"><channel><title>W</title>{items}</channel></rss>"
        )
    };
    let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let text = match name {
        "entries" => feed("utf-8", &(0..100_000).map(|n| item(&n.to_string(), "Fog.")).collect::<String>()),
        "entry" => feed("utf-8", &(kept + &item("long", &"fog ".repeat(50 << 18)))),
        "declared-twice" => {
            feed("utf-8", &kept).replace("<item>", "<?xml version=\"1.0\" encoding=\"windows-1251\"?><item>")
        }
        "cut-by-length" => feed("utf-8", &(kept + &item("cut", "It is not all here."))),
        _ => feed("utf-8", &kept),
    };
    let marked = |bytes: Vec<u8>, mark: [u8; 2]| [&mark[..], &bytes].concat();
    match name {
        "false-label" => ("; charset=utf-8".to_owned(), marked(utf16(&text, u16::to_be_bytes), [0xfe, 0xff])),
        "no-label" => (String::new(), utf16(&text, u16::to_le_bytes)),
        "wrong-way" => ("; charset=utf-16be".to_owned(), marked(utf16(&text, u16::to_le_bytes), [0xff, 0xfe])),
        _ => (String::new(), text.into_bytes()),
    }
}

#[test]
fn what_is_odd_in_a_body_is_counted_and_costs_no_other_feed() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/good", story(0));
    let bodies: BTreeMap<String, (String, Vec<u8>)> =
        ODD.iter().map(|(name, ..)| (format!("/{name}"), odd_body(name))).collect();
    let odd = RawServer::start(move |request, stream| {
        let (label, body) = &bodies[&request.path];
        let length = if request.path == "/cut-by-length" { body.len() - 50 } else { body.len() };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml{label}\r\ncontent-length: {length}\r\n\r\n");
        drop(stream.write_all(&[head.as_bytes(), body].concat()));
    });
    let mut urls: Vec<(&str, String)> = ODD.iter().map(|(name, ..)| (*name, format!("{}/{name}", odd.base))).collect();
    urls.push(("good", format!("{}/good", wire.base)));
    let config = write_config(folder.path(), &urls, Some(&receiver.base));
    // The large ones are read once; the good one every second, as all others.
    let limits = "[intake]\nbody_bytes_max = \"64MiB\"\ndecoded_bytes_max = \"64MiB\"\n";
    let mut text = std::fs::read_to_string(&config).unwrap().replace("[intake]\n", limits);
    for name in ["entries", "entry"] {
        let id = format!("id = \"{name}\"\n");
        text = text.replace(&id, &format!("{id}poll_interval = \"1h\"\n"));
    }
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    let read = "SELECT id FROM cursor WHERE record->>'last_body' > ''";
    wait_for("all feeds", Duration::from_mins(3), || query(folder.path(), read).len() == ODD.len() + 1);
    feeds.add("/good", story(1));
    let denials = || {
        let received = endpoint.received();
        received.iter().filter(|one| String::from_utf8_lossy(&one.body).contains("\"denial.new\"")).count()
    };
    wait_for("the alert of the healthy feed", Duration::from_mins(1), || denials() == 1);
    assert_eq!(daemon.stop().0, Some(0));
    for (name, case, entries, repair) in ODD {
        let of =
            |what: &str| query(folder.path(), &format!("SELECT record->>'{what}' FROM cursor WHERE id = '{name}'"));
        let count = format!("SELECT CAST(record->>'last_item_count' AS TEXT) FROM cursor WHERE id = '{name}'");
        assert_eq!(query(folder.path(), &count), [entries.to_string()], "{name}: {:?}", of("repairs"));
        let repairs = of("repairs").concat();
        assert!(repairs.contains(repair), "{name}: {repairs}");
        let said = if repair.is_empty() { String::new() } else { format!("repairs: {repair}") };
        let data = match name {
            "entries" => "500 (`entries_max`) are read, the rest is counted as left out",
            "entry" => "the first 200,000 bytes of its text are read, and all other entries",
            "cut-by-length" => "what came whole is read; the feed is asked for the rest at every poll",
            _ => "it is read as what it is",
        };
        record(&Row { section: "Feeds", case, run: "gainsay run", end: "it goes on", said: &said, data });
    }
    let longest = query(folder.path(), "SELECT CAST(max(length(record)) AS TEXT) FROM document");
    assert!(longest[0].parse::<usize>().unwrap() < 1 << 20, "{longest:?} bytes of one document");
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
    // Not what is told of the endpoints themselves.
    text += "[[rule]]\nname = \"feeds\"\ntypes = [\"feed.failing\"]\n";
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
fn an_endpoint_that_is_gone_gets_no_more_until_its_address_changes() {
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
    assert_eq!(said.matches("endpoint is disabled").count(), 1, "{said}");
    assert_eq!(query(folder.path(), "SELECT state || attempts FROM outbox"), ["pending0"; 2]);

    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let daemon = Daemon::start(&one_at_a_time(&receiver.base));
    wait_for("the alerts", Duration::from_mins(1), || endpoint.received().len() == 2);
    assert_eq!(daemon.stop().0, Some(0));
}
