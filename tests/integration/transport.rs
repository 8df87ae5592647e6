//! What lies between the poller and a feed's server: a proxy, cookies, the name under which it comes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::reload::Logged;
use crate::support::{RawServer, answer, query, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const RSS: &str = "<rss version='2.0'><channel><title>W</title><item><guid isPermaLink='false'>1</guid><title>One</title></item></channel></rss>";

/// A proxy for plain HTTP: it notes each request and passes it on to `upstream`, whatever host it names.
fn proxy(upstream: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
                head.extend_from_slice(&byte);
            }
            let head = String::from_utf8(head).unwrap();
            noted.lock().unwrap().push(head.clone());
            let path = head.split(' ').nth(1).unwrap().parse::<url::Url>().unwrap().path().to_owned();
            let mut server = TcpStream::connect(&upstream).unwrap();
            write!(server, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            server.read_to_end(&mut answer).unwrap();
            drop(client.write_all(&answer));
        }
    });
    (address, seen)
}

fn write(folder: &std::path::Path, intake: &str, feeds: &[(&str, &str, &str)]) -> std::path::PathBuf {
    let mut text = format!("database = \"gainsay.db\"\n[intake]\n{intake}\npoll_interval = \"1s\"\n");
    for (id, url, lines) in feeds {
        text.extend(["[[feed]]\noutlet = \"O\"\nid = \"", id, "\"\nurl = \"", url, "\"\n", lines]);
    }
    let path = folder.join("gainsay.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_proxy_fetches_and_what_it_may_fetch_is_checked_before() {
    let folder = tempfile::tempdir().unwrap();
    let server = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", RSS.as_bytes());
    });
    let (address, seen) = proxy(server.base.trim_start_matches("http://").to_owned());
    // The proxy is on loopback, and trusted there; feeds are not. A name that nobody here knows is the proxy's to look up.
    let config = write(
        folder.path(),
        "contact = \"mailto:desk@news.example\"",
        &[
            ("wire", "http://feeds.invalid/rss", ""),
            ("inside", "http://127.0.0.1:1/rss", ""),
            ("named", "http://localhost:1/rss", ""),
        ],
    );
    let secret = format!("http://desk:hunter2@{address}");
    let daemon = Logged::start(&config, &[("GAINSAY_INTAKE__PROXY", secret.as_str())]);
    wait_for("the feed", MINUTE, || query(folder.path(), "SELECT id FROM document").len() == 1);
    daemon.wait_for_log("feed=inside", 1);
    daemon.wait_for_log("feed=named", 1);
    let log = daemon.log();
    daemon.stop();
    assert!(log.matches("is a loopback address").count() >= 2 && !log.contains("hunter2"), "{log}");
    let seen = seen.lock().unwrap().join("").to_lowercase();
    assert!(seen.contains("get http://feeds.invalid/rss http/1.1"), "{seen}");
    assert!(seen.contains("(+mailto:desk@news.example)") && seen.contains("proxy-authorization: basic "), "{seen}");
    assert!(!seen.contains("127.0.0.1:1/") && !seen.contains("localhost:1"), "{seen}");
}

#[test]
fn cookies_are_kept_for_the_feed_that_wants_them_alone() {
    let folder = tempfile::tempdir().unwrap();
    let shown = Arc::new(Mutex::new(Vec::<(String, Option<String>)>::new()));
    let noted = Arc::clone(&shown);
    // Lets in whom it has seen before, as some do.
    let server = RawServer::start(move |request, stream| {
        let cookie = request.headers.get("cookie").map(|value| value.to_str().unwrap().to_owned());
        noted.lock().unwrap().push((request.path.clone(), cookie.clone()));
        if cookie.as_deref() == Some("seen=yes") {
            answer(stream, "200 OK", "", RSS.as_bytes());
        } else {
            let location = format!("{}?again", request.path.split('?').next().unwrap());
            answer(
                stream,
                "302 Found",
                &format!("location: {location}\r\nset-cookie: seen=yes; Path=/; HttpOnly\r\n"),
                b"",
            );
        }
    });
    let with = format!("{}/with", server.base);
    let without = format!("{}/without", server.base);
    let config = write(
        folder.path(),
        "allow_networks = [\"127.0.0.0/8\"]",
        &[("with", &with, "cookies = true\n"), ("without", &without, "")],
    );
    let daemon = Logged::start(&config, &[]);
    wait_for("the feed", MINUTE, || query(folder.path(), "SELECT id FROM document").len() == 1);
    daemon.wait_for_log("poll failed feed=without", 1);
    daemon.stop();
    let shown = shown.lock().unwrap();
    assert_eq!(shown.iter().find(|(path, _)| path == "/with").unwrap().1, None);
    assert!(shown.contains(&("/with?again".to_owned(), Some("seen=yes".to_owned()))));
    assert!(shown.iter().all(|(path, cookie)| !path.starts_with("/without") || cookie.is_none()), "{shown:?}");
}
