//! Feeds that operators add, drop, pause, resume and poll while the daemon runs, over the API and by commands, also over restarts.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{read, send, wait_until_ready};
use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, RawServer, answer, gainsay, listen, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
const LINES: [&str; 2] = ["content-type: application/json", "x-gainsay: 1"];

/// Status and body of a change.
fn change(address: SocketAddr, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (status, _, answer) = send(address, method, &format!("/api/v1{path}"), &LINES, &body.to_string());
    (status, serde_json::from_str(&answer).unwrap_or_default())
}

/// Runs `gainsay feeds …` on a config: whether it went well, and all that it said.
fn feeds(config: &Path, args: &[&str]) -> (bool, String) {
    let output = gainsay(&["feeds"]).args(args).args(["-c", config.to_str().unwrap()]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn state(address: SocketAddr, feed: &str) -> Value {
    read(address, &format!("/feeds/{feed}"))["state"].clone()
}

fn start(config: &Path, address: SocketAddr) -> Daemon {
    let daemon = Daemon::start(config);
    wait_until_ready(address);
    daemon
}

#[test]
fn a_feed_is_added_beside_the_config_survives_restarts_and_is_dropped_again() {
    let (folder, served, endpoint) = (tempfile::tempdir().unwrap(), Feeds::default(), Endpoint::default());
    let (wire, receiver) = (served.serve(), endpoint.serve());
    served.add("/b", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let address = listen(&config);
    let before = std::fs::read_to_string(&config).unwrap();
    let daemon = start(&config, address);

    let b = format!("{}/b", wire.base);
    let (status, added) = change(address, "POST", "/feeds", &json!({"url": b}));
    assert_eq!(status, 201, "{added}");
    let id = added["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("added.127-0-0-1-"), "{id}");
    wait_for("the alert of the added feed", MINUTE, || endpoint.received().len() == 1);
    wait_for("the poll", MINUTE, || {
        read(address, &format!("/feeds/{id}"))["polls"].as_array().is_some_and(|all| !all.is_empty())
    });
    let shown = read(address, &format!("/feeds/{id}"));
    let first = &shown["polls"][0];
    assert_eq!(
        (&shown["origin"], &first["status"], &first["result"]),
        (&json!("added"), &json!(200), &json!("entries"))
    );
    assert_eq!((&first["entries"], &first["new"], &first["error"]), (&json!(1), &json!(1), &Value::Null), "{shown}");
    assert_eq!(change(address, "POST", "/feeds", &json!({"url": b})).0, 409, "it is there already");
    let (status, refused) = change(address, "DELETE", "/feeds/a", &json!({}));
    assert_eq!(status, 409);
    assert!(refused["detail"].as_str().unwrap().contains("stands in its config"), "{refused}");

    drop(daemon);
    let daemon = start(&config, address);
    wait_for("a poll after the restart", MINUTE, || {
        !read(address, &format!("/feeds/{id}"))["polls"].as_array().unwrap().is_empty()
    });
    served.add("/b", story(2));
    wait_for("what came after the restart", MINUTE, || endpoint.received().len() == 2);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before, "the config is its owner's");
    let listed = feeds(&config, &["list"]).1;
    assert!(listed.contains(&format!("\"{id}\"")) && listed.contains(r#""origin":"added""#), "{listed}");

    // A config feed of the same address wins; the added one is there again when that goes.
    std::fs::write(&config, format!("{before}[[feed]]\nid = \"mine\"\nurl = \"{b}\"\noutlet = \"Mine\"\n")).unwrap();
    assert!(!feeds(&config, &["list"]).1.contains(r#""origin":"added""#));
    std::fs::write(&config, &before).unwrap();

    assert_eq!(change(address, "DELETE", &format!("/feeds/{id}"), &json!({})).0, 204);
    wait_for("the end of the added feed", MINUTE, || state(address, &id) == "dropped");
    assert_eq!(change(address, "DELETE", &format!("/feeds/{id}"), &json!({})).0, 404);
    // Who adds it again goes on where it was.
    let (_, again) = change(address, "POST", "/feeds", &json!({"url": b, "outlet": "Bee", "unseen": true}));
    assert_eq!((&again["id"], &again["outlet"]), (&json!(id), &json!("Bee")));
    served.add("/b", story(3));
    wait_for("what came after it was added again", MINUTE, || endpoint.received().len() == 3);
    let (is_good, said) = feeds(&config, &["remove", &id]);
    assert!(is_good && said.contains("the running gainsay takes it up"), "{said}");
    wait_for("its end", MINUTE, || state(address, &id) == "dropped");
    drop(daemon);
    assert_eq!(endpoint.received().len(), 3, "nothing was alerted twice");
}

#[test]
fn what_is_no_feed_is_not_added_and_a_page_offers_its_feeds() {
    const PAGE: &str =
        "<!doctype html><html><head><link rel=alternate type='application/rss+xml' href='/rss'></head></html>";
    const RSS: &str = "<rss version='2.0'><channel><title>Harbour \u{202e}News</title><item><title>One</title></item></channel></rss>";
    let site = RawServer::start(|request, stream| {
        match &*request.path {
            "/" => answer(stream, "200 OK", "content-type: text/html\r\n", PAGE.as_bytes()),
            "/rss" => answer(stream, "200 OK", "content-type: application/rss+xml\r\n", RSS.as_bytes()),
            "/text" => answer(stream, "200 OK", "", b"no feed at all"),
            _ => answer(stream, "404 Not Found", "", b""),
        };
    });
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", format!("{}/rss?a", site.base))], None);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[[sink]]\nname = \"log\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\n"))
        .unwrap();
    let address = listen(&config);
    let _daemon = start(&config, address);
    let refused = |url: &str, status: u16, words: &str| {
        let (found, problem) = change(address, "POST", "/feeds", &json!({"url": url}));
        assert_eq!(found, status, "{url}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{url}: {problem}");
        problem
    };
    let offered = refused(&format!("{}/", site.base), 422, "leads to some");
    assert_eq!(offered["feeds"][0]["url"], format!("{}/rss", site.base));
    assert_eq!(offered["feeds"][0]["entries"], 1);
    refused(&format!("{}/gone", site.base), 422, "404");
    refused("http://10.11.12.13/rss", 422, "a private address (10.11.12.13); intake.allow_networks can permit it");
    refused("http://169.254.169.254/latest", 422, "metadata");
    refused("javascript:alert(1)", 400, "\"javascript\" cannot be used");
    refused("", 400, "does not begin with http");
    refused(&format!("{}/rss?a", site.base), 409, "the feed a has this address already");
    assert_eq!(change(address, "POST", "/feeds", &json!({"url": "https://a.example", "more": 1})).0, 400);
    assert_eq!(read(address, "/feeds")["items"].as_array().unwrap().len(), 1, "nothing was added");
}

#[test]
fn a_paused_feed_rests_over_restarts_until_it_is_resumed() {
    let (folder, served, endpoint) = (tempfile::tempdir().unwrap(), Feeds::default(), Endpoint::default());
    let (wire, receiver) = (served.serve(), endpoint.serve());
    let named = ["a", "b"].map(|id| (id, format!("{}/{id}", wire.base)));
    served.add("/a", story(1));
    served.add("/b", story(2));
    let config = write_config(folder.path(), &named, Some(&receiver.base));
    let address = listen(&config);
    let daemon = start(&config, address);
    wait_for("the first alerts", MINUTE, || endpoint.received().len() == 2);

    let (is_good, said) = feeds(&config, &["pause", "a", "--by", "Ada"]);
    assert!(is_good && said.starts_with("paused a; ") && said.contains("takes it up within a second"), "{said}");
    wait_for("the pause", MINUTE, || state(address, "a") == "paused");
    let since = read(address, "/feeds/a")["paused"]["since"].clone();
    assert_eq!(change(address, "POST", "/feeds/a/pause", &json!({})).1["paused"], json!({"since": since, "by": "Ada"}));
    assert_eq!(read(address, "/status")["feeds"]["paused"], 1);
    assert_eq!(change(address, "POST", "/feeds/a/poll", &json!({})).0, 409);
    // The daemon has let go of the feed once another that is polled as often has been polled again.
    drop(daemon);
    served.add("/a", story(3));
    served.add("/b", story(4));
    let _daemon = start(&config, address);
    wait_for("what the other feed brought", MINUTE, || endpoint.received().len() == 3);
    served.add("/b", story(5));
    wait_for("more of it", MINUTE, || endpoint.received().len() == 4);
    assert_eq!(state(address, "a"), "paused");
    assert!(feeds(&config, &["list"]).1.contains(r#""by":"Ada""#));
    let table = feeds(&config, &["status", "--table"]).1;
    assert!(table.contains("paused by Ada since"), "{table}");

    let (status, resumed) = change(address, "POST", "/feeds/a/resume", &json!({}));
    assert_eq!((status, &resumed["paused"]), (202, &Value::Null));
    wait_for("what came while it rested", MINUTE, || endpoint.received().len() == 5);
    assert_eq!(change(address, "POST", "/feeds/nobody/pause", &json!({})).0, 404);
    let (is_good, said) = feeds(&config, &["resume", "nobody"]);
    assert!(!is_good && said.contains("there is no feed \"nobody\""), "{said}");
}

#[test]
fn a_poll_that_is_asked_for_comes_at_once_but_not_against_retry_after() {
    let (folder, served, endpoint) = (tempfile::tempdir().unwrap(), Feeds::default(), Endpoint::default());
    let (wire, receiver) = (served.serve(), endpoint.serve());
    let busy = RawServer::start(|_, stream| {
        answer(stream, "429 Too Many Requests", "retry-after: 3000\r\n", b"");
    });
    // By another name: a site that is asked too often rests as a whole.
    let other_site = busy.base.replace("127.0.0.1", "localhost");
    let named = [
        ("a", format!("{}/a", wire.base)),
        ("busy", format!("{other_site}/x")),
        ("calm", format!("{}/a", wire.base.replace("127.0.0.1", "localhost"))),
    ];
    let config = write_config(folder.path(), &named, Some(&receiver.base));
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("poll_interval = \"1s\"", "poll_interval = \"1h\"")).unwrap();
    let (is_good, said) = feeds(&config, &["poll", "a"]);
    assert!(!is_good && said.contains("no gainsay runs on"), "{said}");
    let address = listen(&config);
    let _daemon = start(&config, address);
    let polls = |feed: &str| read(address, &format!("/feeds/{feed}"))["polls"].as_array().map_or(0, Vec::len);
    wait_for("the first polls", MINUTE, || polls("a") == 1 && polls("busy") == 1);

    // A poll is seen a moment before it is durable.
    wait_for("what the server asks", MINUTE, || read(address, "/feeds/busy")["failures"] == 1);
    let (_, held) = change(address, "POST", "/feeds/busy/poll", &json!({}));
    assert!(held["held"].as_str().unwrap().contains("Retry-After"), "{held}");
    // Another feed of a site that said "too many requests" waits with it, though nobody asked that of this one.
    let (_, held) = change(address, "POST", "/feeds/calm/poll", &json!({}));
    assert!(held["held"].as_str().unwrap().contains("its site rests"), "{held}");
    let at: jiff::Timestamp = held["at"].as_str().unwrap().parse().unwrap();
    assert!((20..=61).contains(&at.duration_since(jiff::Timestamp::now()).as_secs()), "{held}");
    served.add("/a", story(1));
    let (status, asked) = change(address, "POST", "/feeds/a/poll", &json!({}));
    assert_eq!(status, 202, "{asked}");
    wait_for("what the poll brought", MINUTE, || endpoint.received().len() == 1);
    let (is_good, said) = feeds(&config, &["poll", "a"]);
    assert!(is_good && said.starts_with("a is polled at ") && said.contains("a moment ago"), "{said}");
    wait_for("the third poll", MINUTE, || polls("a") == 3);
    assert_eq!(polls("busy"), 1);
    let failed = read(address, "/feeds/busy")["polls"][0].clone();
    assert_eq!((&failed["result"], &failed["status"]), (&json!("failed"), &json!(429)));
    assert!(failed["error"].as_str().unwrap().contains("429"), "{failed}");
}
