//! The API of a real daemon: who is let in, what lists give page by page while more comes, the stream over restarts, hostile texts.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kills::story;
use crate::replays::{refusing_until, set_schedule};
use crate::support::{Daemon, Endpoint, Entry, Feeds, converse, get, listen, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
const READER: &str = "reader-0123456789abcdef";
const OPERATOR: &str = "operator-0123456789abcdef";

/// Status, head and body of a request with these lines in its head.
pub(crate) fn send(address: SocketAddr, method: &str, path: &str, lines: &[&str], body: &str) -> (u16, String, String) {
    let has = |name: &str| lines.iter().any(|line| line.to_lowercase().starts_with(name));
    let host = if has("host:") { String::new() } else { format!("host: {address}\r\n") };
    let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {}\r\n{lines}\r\n{body}",
        body.len()
    );
    let answer = converse(address, request.as_bytes()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

#[track_caller]
pub(crate) fn read(address: SocketAddr, path: &str) -> Value {
    let (status, _, body) = send(address, "GET", &format!("/api/v1{path}"), &[], "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[track_caller]
fn refused(address: SocketAddr, path: &str, lines: &[&str], status: u16, words: &str) {
    let (found, head, body) = send(address, "GET", &format!("/api/v1{path}"), lines, "");
    assert_eq!(found, status, "{path} {lines:?}: {body}");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["detail"].as_str().unwrap().contains(words), "{body}");
}

pub(crate) fn wait_until_ready(address: SocketAddr) {
    wait_for("readiness", MINUTE, || get(address, "/readyz").is_some_and(|(status, _)| status == 200));
}

fn wait_for_claims(address: SocketAddr, count: usize) {
    wait_for("claims", MINUTE, || read(address, "/claims?limit=200")["items"].as_array().unwrap().len() >= count);
}

/// A daemon with these stories, its config changed by `edit`.
fn start(folder: &Path, feeds: &Feeds, base: &str, edit: impl Fn(String) -> String) -> (Daemon, SocketAddr) {
    let endpoint = Endpoint::default().serve();
    let config = write_config(folder, &[("a", format!("{base}/a"))], Some(&endpoint.base));
    feeds.add("/b", story(999));
    let text = edit(std::fs::read_to_string(&config).unwrap());
    std::fs::write(&config, text).unwrap();
    let address = listen(&config);
    (Daemon::start(&config), address)
}

/// A daemon that has read a dozen stories.
fn start_with_claims(folder: &Path, feeds: &Feeds, base: &str) -> (Daemon, SocketAddr) {
    (0..12).for_each(|number| feeds.add("/a", story(number)));
    let (daemon, address) = start(folder, feeds, base, |text| text);
    wait_until_ready(address);
    wait_for_claims(address, 10);
    (daemon, address)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Everything in a list, by pages of so many.
fn by_pages(address: SocketAddr, list: &str, limit: usize) -> Vec<String> {
    let (mut cursor, mut found) = (String::new(), Vec::new());
    loop {
        let page = read(address, &format!("{list}?limit={limit}&cursor={cursor}"));
        found.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { return found };
        next.clone_into(&mut cursor);
    }
}

#[test]
fn lists_are_filtered_and_paged_without_gaps_or_repeats_while_claims_arrive() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    let (_daemon, address) = start_with_claims(folder.path(), &feeds, &wire.base);

    let whole = ids(&read(address, "/claims?limit=200"));
    let (mut cursor, mut paged) = (String::new(), Vec::new());
    loop {
        let page = read(address, &format!("/claims?limit=3&cursor={cursor}"));
        paged.extend(ids(&page));
        if paged.len() == 3 {
            feeds.add("/a", story(40));
            wait_for_claims(address, whole.len() + 1);
        }
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(paged, whole, "what came in between is on no later page");

    let first = read(address, "/claims?limit=1")["items"][0].clone();
    let id = first["id"].as_str().unwrap();
    assert_eq!(read(address, &format!("/claims/{id}")), first);
    let surname = first["claim"]["speaker"]["name"].as_str().unwrap().split(' ').next_back().unwrap();
    let by = read(address, &format!("/claims?speaker={surname}&kind=denial&feed=a&outlet=outlet&language=eng"));
    assert!(ids(&by).contains(&id.to_owned()), "{by}");
    for none in [
        "/claims?kind=retraction",
        "/claims?q=zzyzx",
        "/claims?feed=b",
        "/claims?until=2000-01-01",
        "/claims?outlet=nobody",
    ] {
        assert_eq!(ids(&read(address, none)), [""; 0], "{none}");
    }
    let found = read(address, &format!("/search?q={surname}"));
    assert_eq!(found["items"][0]["id"], id, "{found}");
    let (text, mark) = (found["items"][0]["text"].as_str().unwrap(), &found["items"][0]["marks"][0]);
    let [from, to] = [0, 1].map(|end| usize::try_from(mark[end].as_u64().unwrap()).unwrap());
    assert_eq!(text.chars().skip(from).take(to - from).collect::<String>(), surname);

    let thread = first["thread"].as_str().unwrap();
    let shown = read(address, &format!("/threads/{thread}"));
    assert!(shown["timeline"].as_array().unwrap().iter().any(|event| event["claim"] == id), "{shown}");
    assert_eq!(ids(&read(address, "/threads?limit=1"))[0], ids(&read(address, "/threads?limit=200"))[0]);
    let alert = read(address, "/alerts?limit=1")["items"][0].clone();
    let alert_id = alert["alert"]["id"].as_str().unwrap();
    assert_eq!(read(address, &format!("/alerts/{alert_id}")), alert);
    assert_eq!(read(address, &format!("/explain/{alert_id}"))["what"], "alert");
    assert_eq!(read(address, &format!("/deliveries/{alert_id}?sink=desk"))["alert"], alert_id);
    assert_eq!(read(address, "/feeds/a")["id"], "a");
    assert_eq!(read(address, "/status")["feeds"]["total"], 1);
    assert!(read(address, "/trends")["kinds"]["denial"].as_array().unwrap().iter().any(|count| *count != 0));
    assert_eq!(read(address, "/openapi.json")["openapi"], "3.1.0");

    let (status, head, _) = send(address, "GET", "/api/v1/claims?limit=1", &[], "");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = send(address, "GET", "/api/v1/claims?limit=1", &[&format!("if-none-match: {tag}")], "");
    assert_eq!((status, again.0, again.2.as_str()), (200, 304, ""));
    assert!(head.contains("content-security-policy: default-src 'none'") && head.contains("nosniff"), "{head}");
    check_exports(address, id, thread);
}

/// Every list is exported as JSON Lines and CSV, and the document says so of no other.
#[track_caller]
fn check_exports(address: SocketAddr, id: &str, thread: &str) {
    let (_, head, lines) = send(address, "GET", "/api/v1/claims?format=jsonl", &[], "");
    assert!(head.contains("attachment"), "{head}");
    assert!(lines.contains(id));
    let (_, _, csv) = send(address, "GET", "/api/v1/claims?format=csv&limit=2", &[], "");
    assert!(csv.contains("\"id\",\"kind\",\"first_seen\""), "{csv}");
    let (_, _, csv) = send(address, "GET", "/api/v1/feeds?format=csv", &[], "");
    assert!(csv.contains("\"id\",\"outlet\",\"url\",\"state\"") && csv.contains("\n\"a\","), "{csv}");
    for (path, head, row) in [
        ("/endpoints", "\"name\",\"kind\",\"address\"", "\"desk\",\"webhook\""),
        ("/silences", "\"id\",\"state\",\"comment\"", "\r\n"),
        ("/trends", "\"part\",\"bucket\",\"kind\"", "\"speakers\""),
        ("/status", "\"part\",\"name\",\"state\"", "\"fact\",\"feeds.total\",\"\",\"1\""),
        (&*format!("/threads/{thread}"), "\"event\",\"at\",\"claim\"", &*format!("\"{id}\"")),
    ] {
        let (status, found, csv) = send(address, "GET", &format!("/api/v1{path}?format=csv"), &[], "");
        assert_eq!(status, 200, "{path}: {csv}");
        assert!(found.contains("attachment; filename=\"gainsay-") && csv.contains(head) && csv.contains(row), "{csv}");
        let (_, _, lines) = send(address, "GET", &format!("/api/v1{path}?format=jsonl"), &[], "");
        let mut lines = lines.lines().filter(|line| line.starts_with('{')).peekable();
        assert!(path == "/silences" || lines.peek().is_some(), "{path}");
        assert!(lines.all(|line| serde_json::from_str::<Value>(line).is_ok()), "{path}");
    }
    let document = read(address, "/openapi.json");
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(get) = operations.get("get") else { continue };
        let content = &get["responses"]["200"]["content"];
        let takes_format = get["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "format");
        assert_eq!(content.get("text/csv").is_some(), takes_format, "{path}");
        assert!(takes_format || content["application/json"]["schema"]["properties"].get("items").is_none(), "{path}");
    }
}

#[test]
fn threads_are_paged_without_gaps_or_repeats() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    let (_daemon, address) = start_with_claims(folder.path(), &feeds, &wire.base);
    let threads = ids(&read(address, "/threads?limit=200"));
    assert!(threads.len() > 2, "{threads:?}");
    assert_eq!(by_pages(address, "/threads", 1), threads);
    let file = send(address, "GET", "/api/v1/threads?format=jsonl", &[], "").2;
    assert_eq!(file.lines().filter(|line| line.starts_with('{')).count(), threads.len(), "{file}");
}

#[test]
fn what_cannot_be_answered_is_refused_in_words() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    let (_daemon, address) = start(folder.path(), &feeds, &wire.base, |text| text);
    wait_until_ready(address);
    refused(address, "/claims?zz=1", &[], 400, "accepted: background, confidence_min");
    refused(address, "/claims?kind=lie", &[], 400, "accepted: allegation, denial");
    refused(address, "/claims?limit=0", &[], 400, "accepted: 1 to 200");
    refused(address, "/claims?cursor=x", &[], 400, "cursor");
    refused(address, "/claims?cursor=x&format=csv", &[], 400, "cursor");
    refused(address, "/feeds?cursor=x&format=jsonl", &[], 400, "cursor");
    refused(address, "/threads?until=x&format=jsonl", &[], 400, "until");
    refused(address, "/api/v1/claims", &[], 404, "openapi.json");
    let document = read(address, "/openapi.json");
    let required = &document["components"]["schemas"]["Problem"]["required"];
    assert!(required.as_array().unwrap().iter().all(|name| name != "feeds"), "what is not always there: {required}");
    refused(address, "/claims?thread=", &[], 400, "thread is empty");
    refused(address, "/search?format=csv", &[], 400, "q is missing");
    refused(address, "/claims?format=jsonl&since=yesterday", &[], 400, "expected a date");
    refused(address, "/threads?format=csv&cursor=1", &[], 400, "cursor");
    let (status, head, _) = send(address, "TRACE", "/api/v1/feedback", &[], "");
    assert!(status == 405 && head.contains("allow: post"), "{status} {head}");
    refused(address, "/claims/xyz", &[], 400, "hexadecimal");
    refused(address, &format!("/claims/{}", "0".repeat(32)), &[], 404, "no such claim");
    refused(address, "/nowhere", &[], 404, "openapi.json");
    refused(address, &format!("/claims?q={}", "a".repeat(400)), &[], 400, "at most 300");
}

/// Reads events of the stream from behind a position until `count` came; gives their positions and ids.
fn listen_in(address: SocketAddr, after: Option<i64>, count: usize) -> Vec<(i64, String)> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(MINUTE)).unwrap();
    let resume = after.map(|after| format!("last-event-id: {after}\r\n")).unwrap_or_default();
    write!(stream, "GET /api/v1/alerts/stream HTTP/1.1\r\nhost: {address}\r\n{resume}\r\n").unwrap();
    let mut found = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        assert_ne!(line, "event: reset");
        if let Some(data) = line.strip_prefix("data: ") {
            let item: Value = serde_json::from_str(data).unwrap();
            found.push((item["position"].as_i64().unwrap(), item["alert"]["id"].as_str().unwrap().to_owned()));
        }
        if found.len() == count {
            break;
        }
    }
    found
}

#[test]
fn the_stream_goes_on_over_a_kill_without_loss_or_repeat() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    (0..6).for_each(|number| feeds.add("/a", story(number)));
    let (mut daemon, address) = start(folder.path(), &feeds, &wire.base, |text| text);
    wait_until_ready(address);
    let first = listen_in(address, Some(0), 4);
    daemon.kill();
    (10..16).for_each(|number| feeds.add("/a", story(number)));
    let _second = Daemon::start(&folder.path().join("gainsay.toml"));
    wait_until_ready(address);
    wait_for_claims(address, 10);
    let listed: Vec<(i64, String)> = read(address, "/alerts?limit=200")["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|item| (item["position"].as_i64().unwrap(), item["alert"]["id"].as_str().unwrap().to_owned()))
        .collect();
    let rest = listen_in(address, Some(first.last().unwrap().0), listed.len() - first.len());
    let all: Vec<(i64, String)> = first.into_iter().chain(rest).collect();
    assert_eq!(all, listed);
    assert_eq!(all.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), all.len());

    // What comes now comes at once, also to who asks for nothing older.
    let listener = std::thread::spawn(move || listen_in(address, None, 1));
    std::thread::sleep(Duration::from_millis(500));
    feeds.add("/a", story(77));
    let live = listener.join().unwrap();
    assert!(live[0].0 > all.last().unwrap().0);
    refused(address, "/alerts/stream?type=x", &[], 400, "accepted: allegation.new");
    refused(address, "/alerts/stream", &["last-event-id: x"], 400, "Last-Event-ID");
}

#[test]
fn only_who_may_is_let_in() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    (0..3).for_each(|number| feeds.add("/a", story(number)));
    let tokens = format!(
        "[web]\nhosts = [\"desk.example\"]\ntokens = [{{ name = \"r\", scope = \"read\", value = \"{READER}\" }}, \
         {{ name = \"o\", scope = \"operate\", value = \"{OPERATOR}\" }}]\n[intake]"
    );
    let (_daemon, address) = start(folder.path(), &feeds, &wire.base, |text| text.replace("[intake]", &tokens));
    wait_until_ready(address);
    let (reader, operator) = (format!("authorization: Bearer {READER}"), format!("authorization: bearer {OPERATOR}"));
    refused(address, "/status", &[], 401, "a token is needed");
    refused(address, "/status", &["authorization: Bearer nonsense-0123456789"], 401, "not known");
    refused(address, "/status", &[&reader, "host: evil.example"], 421, "none of this daemon's names");
    let ok = |lines: &[&str]| send(address, "GET", "/api/v1/status", lines, "").0;
    assert_eq!([ok(&[&reader]), ok(&[&operator]), ok(&[&reader, "host: desk.example"])], [200, 200, 200]);
    assert_eq!(send(address, "GET", "/", &[], "").0, 200, "the page asks for the token itself");
    assert_eq!(get(address, "/metrics").unwrap().0, 200);

    wait_for("a thread", MINUTE, || send(address, "GET", "/api/v1/threads", &[&reader], "").2.contains("\"state\""));
    let threads: Value = serde_json::from_str(&send(address, "GET", "/api/v1/threads", &[&reader], "").2).unwrap();
    let thread = threads["items"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"act": "follow", "thread": thread}).to_string();
    let ours = ["content-type: application/json", "x-gainsay: 1"];
    let say = |more: &[&str]| send(address, "POST", "/api/v1/feedback", &[&ours, more].concat(), &body).0;
    assert_eq!(say(&[&reader]), 403);
    assert_eq!(say(&[&operator, "origin: http://evil.example"]), 403);
    assert_eq!(say(&[&operator, "sec-fetch-site: cross-site"]), 403);
    assert_eq!(send(address, "POST", "/api/v1/feedback", &[&operator, ours[0]], &body).0, 403);
    assert_eq!(
        send(address, "POST", "/api/v1/feedback", &[&operator, ours[1], "content-type: text/plain"], &body).0,
        415
    );
    assert_eq!(say(&[&operator, &format!("origin: http://{address}")]), 202);
    let one = || send(address, "GET", &format!("/api/v1/threads/{thread}"), &[&reader], "").2;
    wait_for("what was said", MINUTE, || one().contains("\"followed\":true"));

    let tomorrow = std::time::SystemTime::now() + Duration::from_hours(24);
    let until = jiff::Timestamp::try_from(tomorrow).unwrap().to_string();
    let until = json!({"comment": "a drill", "until": until, "outlet": "Outlet a"}).to_string();
    let (status, _, made) = send(address, "POST", "/api/v1/silences", &[&ours[..], &[&operator]].concat(), &until);
    assert_eq!(status, 201, "{made}");
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    let end = send(address, "DELETE", &format!("/api/v1/silences/{id}"), &[&ours[..], &[&operator]].concat(), "");
    assert_eq!(end.0, 204);
    let bad = json!({"comment": "", "until": "x"}).to_string();
    assert_eq!(send(address, "POST", "/api/v1/silences", &[&ours[..], &[&operator]].concat(), &bad).0, 400);
    let unknown = json!({"act": "follow", "thread": "0".repeat(32)}).to_string();
    assert_eq!(send(address, "POST", "/api/v1/feedback", &[&ours[..], &[&operator]].concat(), &unknown).0, 404);
}

#[test]
fn a_dead_letter_is_shown_and_goes_out_once_more_with_its_id_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint, takes) = (Feeds::default(), Endpoint::default(), Arc::new(AtomicBool::new(false)));
    let (wire, receiver) = (feeds.serve(), refusing_until(&takes, &endpoint));
    (0..2).for_each(|number| feeds.add("/a", story(number)));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    set_schedule(&config, "[]");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "[[sink]]\nname = \"file\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\n").unwrap();
    let address = listen(&config);
    let _daemon = Daemon::start(&config);
    wait_until_ready(address);
    let dead = || read(address, "/deliveries?status=dead")["items"].as_array().unwrap().clone();
    wait_for("two dead letters", 2 * MINUTE, || dead().len() == 2);
    let ours = ["content-type: application/json", "x-gainsay: 1"];
    let replay = |body: Value| {
        let (status, _, answer) = send(address, "POST", "/api/v1/deliveries/replay", &ours, &body.to_string());
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let refused = |body: Value, status: u16, words: &str| {
        let (found, problem) = replay(body);
        assert_eq!(found, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    };
    refused(json!({"dry_run": false}), 422, "alert, sink, status, since or until");
    refused(json!({"sink": "", "dry_run": false}), 422, "nothing is given");
    refused(json!({"status": "pending", "dry_run": true}), 400, "`dead`, `delivered`, `silenced`");
    refused(json!({"status": "dead"}), 400, "dry_run");
    refused(json!({"alert": "xyz", "dry_run": true}), 400, "hexadecimal");
    refused(json!({"since": "yesterday", "dry_run": true}), 400, "expected a date");

    let (one, other) = (dead()[0].clone(), dead()[1].clone());
    assert_eq!(replay(json!({"sink": "desk", "dry_run": true})), (200, json!({"count": 2, "items": [one, other]})));
    for none in
        [json!({"sink": "nobody"}), json!({"sink": "desk", "status": "delivered"}), json!({"until": "2000-01-01"})]
    {
        let mut body = none.clone();
        body["dry_run"] = json!(true);
        assert_eq!(replay(body), (200, json!({"count": 0, "items": []})), "{none}");
    }
    let named = |dry_run: bool| json!({"alert": one["alert"], "sink": "desk", "dry_run": dry_run});
    assert_eq!(replay(named(true)), (200, json!({"count": 1, "items": [one]})));
    assert_eq!(dead(), [one.clone(), other.clone()], "who only looks changes nothing");

    let id = one["alert"].as_str().unwrap();
    super::api::refused(address, &format!("/deliveries/{id}"), &[], 400, "say which with `sink`");
    let body = read(address, &format!("/deliveries/{id}?sink=desk"))["body"].as_str().unwrap().to_owned();
    takes.store(true, Ordering::SeqCst);
    assert_eq!(replay(named(false)), (200, json!({"count": 1, "items": [one]})));
    wait_for("the alert", 2 * MINUTE, || {
        read(address, &format!("/deliveries/{id}?sink=desk"))["status"] == "delivered"
    });
    let received = endpoint.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].id.as_str(), received[0].body.as_slice()), (id, body.as_bytes()));
    assert_eq!(dead(), [other], "what was not asked for stays");
    assert!(read(address, "/openapi.json")["paths"]["/api/v1/deliveries/replay"]["post"].is_object());
}

#[test]
fn beyond_loopback_nothing_is_open_without_tokens() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let endpoint = Endpoint::default().serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&endpoint.base));
    let port = listen(&config).port();
    let text = std::fs::read_to_string(&config).unwrap().replace("127.0.0.1:", "0.0.0.0:");
    let text = text.replace(&format!("{}/a", wire.base.replace("127.0.0.1:", "0.0.0.0:")), &format!("{}/a", wire.base));
    std::fs::write(&config, text.replace(&endpoint.base.replace("127.0.0.1:", "0.0.0.0:"), &endpoint.base)).unwrap();
    let _daemon = Daemon::start(&config);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_until_ready(address);
    refused(address, "/claims", &[], 403, "set tokens in [web]");
}

#[test]
fn hostile_texts_come_out_as_data() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    let title = "Minister Ada Quell &lt;script&gt;alert(1)&lt;/script&gt; denies \u{202e}the charge";
    let body =
        "Minister Ada Quell denied that she had bribed Orrin Freight. =HYPERLINK(\"javascript:alert(1)\") she said.";
    feeds.add("/a", Entry::new("evil", title, body));
    let (_daemon, address) = start(folder.path(), &feeds, &wire.base, |text| text);
    wait_until_ready(address);
    wait_for_claims(address, 1);
    for path in [
        "/claims",
        "/alerts",
        "/threads",
        "/search?q=quell",
        "/claims?format=jsonl",
        "/claims?format=csv",
        "/trends?format=csv",
        "/deliveries?format=csv",
        "/deliveries",
    ] {
        let (status, head, body) = send(address, "GET", &format!("/api/v1{path}"), &[], "");
        assert_eq!(status, 200);
        assert!(!head.contains("text/html") && head.contains("x-content-type-options: nosniff"), "{head}");
        assert!(!body.contains('\u{202e}'), "{path}: {body}");
        let is_file = path.ends_with("csv");
        assert!(!is_file || !body.contains("\"="), "{path}: {body}");
    }
    for query in ["q=%22%20OR%20facts:kdenial", "q=*", "speaker=NEAR(", "q=%00", "q=%F0%9F%98%80"] {
        let (status, ..) = send(address, "GET", &format!("/api/v1/claims?{query}"), &[], "");
        assert!([200, 400].contains(&status), "{query}: {status}");
    }
}
