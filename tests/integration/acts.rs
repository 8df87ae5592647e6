//! Signed links of messages, in a real daemon: what opens them changes nothing, the form of their page does it once, and nobody else
//! makes one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gainsay::model::{Alert, AlertId};
use gainsay::template::{Links, Preset, Sent, Template};
use serde_json::Value;

use crate::kills::story;
use crate::looking::{lines, look};
use crate::support::{Daemon, Feeds, RawServer, SECRET, Server, answer, converse, get, listen, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
const PUBLIC: &str = "https://gainsay.example/desk/";
const FORM: &str = "content-type: application/x-www-form-urlencoded";

/// A daemon whose chat is sent signed links, and what the chat got.
struct Desk {
    folder: tempfile::TempDir,
    _daemon: Daemon,
    _wire: Server,
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Desk {
    fn start() -> Self {
        let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
        let wire = feeds.serve();
        feeds.add("/a", story(1));
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let log = Arc::clone(&heard);
        let chat = RawServer::start(move |request, stream| {
            log.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
            answer(stream, "200 OK", "", b"ok");
        });
        let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
        let web = format!(
            "[web]\npublic_url = \"{PUBLIC}\"\nlink_secret = \"{SECRET}\"\n\
             tokens = [{{ name = \"o\", scope = \"operate\", value = \"operator-0123456789abcdef\" }}, \
             {{ name = \"r\", scope = \"read\", value = \"reader-0123456789abcdef\" }}]\n[intake]"
        );
        let text = std::fs::read_to_string(&config).unwrap().replace("[intake]", &web);
        let sink =
            format!("[[sink]]\nname = \"chat\"\ntype = \"webhook\"\nurl = \"{}\"\ntemplate = \"slack\"\n", chat.base);
        std::fs::write(&config, text + &sink + "[[rule]]\nname = \"r\"\nconfidence_min = 0\n").unwrap();
        let address = listen(&config);
        let daemon = Daemon::start(&config);
        wait_for("readiness", MINUTE, || get(address, "/readyz").is_some_and(|(status, _)| status == 200));
        wait_for("the message", MINUTE, || !heard.lock().unwrap().is_empty());
        Self { folder, _daemon: daemon, _wire: wire, address, heard }
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("gainsay.db")
    }

    /// The link of this name in the first message, as a reverse proxy hands it on.
    fn link(&self, name: &str) -> String {
        link(&self.heard.lock().unwrap()[0], name)
    }

    /// Status, head and body.
    fn ask(&self, method: &str, path: &str, lines: &[&str], body: &str) -> (u16, String, String) {
        let has_host = lines.iter().any(|line| line.starts_with("host:"));
        let host = if has_host { "" } else { "host: gainsay.example\r\n" };
        let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {length}\r\n{lines}\r\n{body}"
        );
        let answer = converse(self.address, request.as_bytes()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    #[track_caller]
    fn page(&self, path: &str, status: u16) -> String {
        let (found, head, body) = self.ask("GET", path, &[], "");
        assert_eq!(found, status, "{path}: {body}");
        assert!(head.contains("content-type: text/html"), "{head}");
        body
    }

    #[track_caller]
    fn send(&self, path: &str, form: &str, status: u16) -> String {
        let (found, _, body) = self.ask("POST", path, &[FORM], form);
        assert_eq!(found, status, "{form}: {body}");
        body
    }

    fn said(&self) -> Vec<Value> {
        lines(&self.database(), &["feedback", "list", "--json"])
    }

    fn wait_until_applied(&self) {
        wait_for("the desk", MINUTE, || self.said().iter().all(|line| line["state"] == "applied"));
    }
}

fn link(message: &Value, name: &str) -> String {
    fn find<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
        match value {
            Value::Object(object) if object.get("text").is_some_and(|text| text == name) => object["url"].as_str(),
            Value::Object(object) => object.values().find_map(|inner| find(inner, name)),
            Value::Array(list) => list.iter().find_map(|inner| find(inner, name)),
            _ => None,
        }
    }
    let url = find(message, name).unwrap_or_else(|| panic!("no {name} in {message}"));
    format!("/{}", url.strip_prefix(PUBLIC).unwrap())
}

#[test]
fn a_link_asks_and_its_form_does_it_once() {
    let desk = Desk::start();
    let follow = desk.link("Follow");
    // As services and scanners open links before anybody reads the message.
    for _ in 0..3 {
        let page = desk.page(&follow, 200);
        assert!(page.contains("<h1>Follow this thread?</h1>") && page.contains(">Follow</button>"), "{page}");
        assert!(page.contains("<p class=\"what\">denial · <bdi>"), "{page}");
        assert_eq!(desk.ask("HEAD", &follow, &[], "").0, 200);
    }
    assert!(desk.said().is_empty(), "nothing was said");

    assert!(desk.send(&follow, "do=follow", 200).contains("<h1>Done</h1>"));
    assert!(desk.send(&follow, "do=follow", 200).contains("<h1>That was done already</h1>"), "pending or applied");
    desk.wait_until_applied();
    assert!(desk.send(&follow, "do=follow", 200).contains("<h1>That was done already</h1>"));
    let said = desk.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!((&said[0]["act"], &said[0]["by"]), (&"follow".into(), &"link in chat".into()));
    let thread = said[0]["thread"].as_str().unwrap();
    assert!(desk.link("Thread").ends_with(&format!("#/thread/{thread}")));
    assert!(desk.page(&follow, 200).contains("<h1>This thread is followed</h1>"));
    desk.send(&follow, "do=unfollow", 200);
    desk.wait_until_applied();
    assert!(desk.page(&follow, 200).contains("<h1>Follow this thread?</h1>"));
    // What replay honours is what the log exports.
    assert!(look(&desk.database(), &["feedback", "export"]).status.success());
}

#[test]
fn a_link_mutes_a_thread_and_its_speaker_and_lets_them_speak_again() {
    let desk = Desk::start();
    let mute = desk.link("Mute");
    let page = desk.page(&mute, 200);
    assert!(page.contains(">Mute this thread</button>") && page.contains(">Mute all that "), "{page}");
    desk.send(&mute, "do=mute", 200);
    desk.send(&mute, "do=mute_speaker", 200);
    assert!(desk.send(&mute, "do=mute_speaker", 200).contains("already"));
    desk.wait_until_applied();
    let page = desk.page(&mute, 200);
    assert!(
        page.contains("<h1>This thread is muted</h1>") && page.contains("says give alerts again</button>"),
        "{page}"
    );
    desk.send(&mute, "do=unmute", 200);
    desk.send(&mute, "do=unmute_speaker", 200);
    let acts: Vec<Value> = desk.said().into_iter().map(|line| line["act"].clone()).collect();
    assert_eq!(acts, ["mute", "mute_speaker", "unmute", "unmute_speaker"]);
}

#[test]
fn a_link_corrects_a_claim_and_whoever_was_alerted_hears_of_it() {
    let desk = Desk::start();
    let wrong = desk.link("Wrong?");
    let page = desk.page(&wrong, 200);
    assert!(page.contains("<h1>What is wrong with this?</h1>") && !page.contains("value=\"denial\""), "{page}");
    for form in
        ["", "do=nonsense", "do=kind&kind=lie", "do=kind", "do=link_00000000000000000000000000000000", "do=mute"]
    {
        assert!(desk.send(&wrong, form, 422).contains("<h1>Nothing was done</h1>"), "{form}");
    }
    desk.send(&wrong, "do=kind&kind=denial", 422);
    desk.send(&wrong, &format!("do=speaker&speaker={}", "x".repeat(300)), 422);
    desk.send(&wrong, "do=speaker&speaker=%2D%2D", 422);
    assert!(desk.said().is_empty());
    desk.send(&wrong, "do=kind&kind=no_comment", 200);
    assert!(desk.send(&wrong, "do=kind&kind=no_comment", 200).contains("already"));
    wait_for("the correction", MINUTE, || desk.heard.lock().unwrap().len() > 1);
    let title = desk.heard.lock().unwrap()[1]["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
    assert!(title.starts_with("Corrected claim: "), "{title}");
    // Hostile words of a user are as harmless on the page as those of a feed.
    desk.send(&wrong, "do=speaker&speaker=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%E2%80%AE+Eve", 200);
    desk.wait_until_applied();
    let page = desk.page(&wrong, 200);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; Eve") && !page.contains("<script"), "{page}");
    desk.send(&wrong, "do=no_claim", 200);
    wait_for("the withdrawal", MINUTE, || {
        desk.heard.lock().unwrap().iter().any(|message| message.to_string().contains("Withdrawn claim"))
    });
    // Who pressed the wrong button can take it back.
    let page = desk.page(&wrong, 200);
    assert!(page.contains("taken for no claim") && page.contains("<option value=\"no_comment\">"), "{page}");
    desk.send(&wrong, "do=kind&kind=no_comment", 200);
    desk.wait_until_applied();
    assert!(!desk.page(&wrong, 200).contains("taken for no claim"));
    assert!(desk.said().iter().all(|line| line["by"] == "link in chat"));
}

#[test]
fn who_plays_with_a_link_is_stopped_and_others_are_not() {
    let desk = Desk::start();
    let (follow, wrong) = (desk.link("Follow"), desk.link("Wrong?"));
    let done = (0..40).filter(|round| {
        let form = if round % 2 == 0 { "do=follow" } else { "do=unfollow" };
        desk.ask("POST", &follow, &[FORM], form).2.contains("<h1>Done</h1>")
    });
    assert_eq!(done.count(), 30);
    let page = desk.send(&wrong, "do=no_claim", 429);
    assert!(page.contains("30 times within an hour") && page.contains("<h1>Nothing was done</h1>"), "{page}");
    assert_eq!(desk.said().len(), 30);
    desk.page(&follow, 200);
    // The commands and the page are not bound by it.
    let thread = desk.said()[0]["thread"].as_str().unwrap().to_owned();
    assert!(look(&desk.database(), &["feedback", "mute", &thread]).status.success());
    assert_eq!(desk.said().len(), 31);
}

/// As the daemon makes them, of an alert of this time; its claim is known to nobody.
fn made(secret: &[u8], time: jiff::Timestamp) -> String {
    let alert = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat/alert.json");
    let mut alert: Alert = serde_json::from_slice(&std::fs::read(alert).unwrap()).unwrap();
    (alert.id, alert.time) = (AlertId::of(&[b"made"]), time);
    let links = Links::new(PUBLIC.parse().unwrap(), Some(secret), jiff::SignedDuration::from_hours(24));
    let sent = Sent { links: Some(&links), sink: "chat" };
    let body = Template::preset(Preset::Slack, None).unwrap().render(&alert, sent).unwrap().body;
    link(&serde_json::from_slice(&body).unwrap(), "Mute")
}

#[test]
fn links_that_are_forged_old_or_of_something_unknown_are_told_apart_and_do_nothing() {
    let desk = Desk::start();
    let (now, day) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(24));
    let mute = desk.link("Mute");
    for (path, status, words) in [
        (mute.replace("&s=", "&s=x"), 403, "This link is not valid"),
        (mute.replace("/act/mute", "/act/wrong"), 403, "This link is not valid"),
        (mute.replace("&sink=chat", "&sink=desk"), 403, "This link is not valid"),
        ("/act/mute".to_owned(), 403, "This link is not valid"),
        ("/act/".to_owned(), 403, "This link is not valid"),
        (made(b"another key, of 24 bytes", now), 403, "This link is not valid"),
        (made(b"0123456789abcdef0123456789abcdef", now - day * 3), 410, "This link is too old"),
        (made(b"0123456789abcdef0123456789abcdef", now), 404, "This is no longer known"),
    ] {
        for (method, form) in [("GET", ""), ("POST", "do=mute")] {
            let (found, _, body) = desk.ask(method, &path, &[FORM], form);
            assert_eq!(found, status, "{method} {path}: {body}");
            assert!(body.contains(&format!("<h1>{words}</h1>")) && !body.contains("<form"), "{body}");
        }
    }
    let status = |method: &str, lines: &[&str], body: &str| desk.ask(method, &mute, lines, body).0;
    assert_eq!(status("GET", &["host: evil.example"], ""), 421);
    assert_eq!(status("POST", &["content-type: application/json"], "{}"), 415);
    assert_eq!(status("POST", &[FORM], &"x".repeat(5_000)), 413);
    assert_eq!(status("PUT", &[FORM], "do=mute"), 405);
    assert_eq!(status("DELETE", &[], ""), 405);
    assert!(desk.said().is_empty(), "nothing was said");
}

#[test]
fn who_may_only_read_gets_no_links_from_what_was_sent() {
    let desk = Desk::start();
    let ask = |path: &str, token: &str| -> Value {
        let (status, _, answer) = desk.ask("GET", path, &[&format!("authorization: Bearer {token}")], "");
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    };
    let (operator, reader) = ("operator-0123456789abcdef", "reader-0123456789abcdef");
    let alerts = ask("/api/v1/alerts", operator);
    let id = alerts["items"][0]["alert"]["id"].as_str().unwrap();
    let body = |token| {
        let found = ask(&format!("/api/v1/deliveries/{id}?sink=chat"), token);
        found["body"].as_str().unwrap().to_owned()
    };
    assert!(body(operator).contains("/act/follow?"));
    let read = body(reader);
    assert!(!read.contains("/act/") && read.contains(id), "{read}");
}

#[test]
fn pages_of_links_run_nothing_and_are_kept_nowhere() {
    let desk = Desk::start();
    let (status, head, body) = desk.ask("GET", &desk.link("Mute"), &[&format!("host: {}", desk.address)], "");
    assert_eq!(status, 200, "also by the daemon's own address");
    for line in [
        "content-security-policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-robots-tag: noindex, nofollow",
    ] {
        assert!(head.contains(line), "{line} is not in {head}");
    }
    assert!(!body.contains("<script") && !body.contains("style=") && !body.contains(" on"), "{body}");
    let (status, head, sheet) = desk.ask("GET", "/act/style.css", &[], "");
    assert!(status == 200 && head.contains("content-type: text/css") && sheet.contains("blockquote"), "{head}");
    // The rest of what is served there stays behind its token.
    assert_eq!(desk.ask("GET", "/api/v1/status", &[], "").0, 401);
}
