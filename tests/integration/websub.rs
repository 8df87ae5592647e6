//! Feeds that a hub pushes: a hub on loopback that keeps to the Recommendation, or does not, and the daemon as its subscriber.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::form_urlencoded;

use crate::kills::story;
use crate::reload::Logged;
use crate::support::{
    Endpoint, Entry, RawServer, Request, SECRET, Server, answer, converse, free_address, output, query, wait_for,
};

const MINUTE: Duration = Duration::from_mins(1);

/// What the hub was asked, and how often the feed was polled.
#[derive(Default)]
struct Script {
    asked: Vec<Vec<(String, String)>>,
    polls: usize,
    entries: Vec<Entry>,
    /// Seconds for which the hub pushes.
    lease: u64,
    is_down: bool,
}

/// A publisher and its hub in one server: `/feed` names `/hub` in a header or in itself.
#[derive(Clone)]
struct Wire {
    script: Arc<Mutex<Script>>,
    base: String,
}

impl Wire {
    fn start(is_in_header: bool, lease: u64) -> Self {
        let script = Arc::new(Mutex::new(Script { lease, ..Script::default() }));
        let shared = Arc::clone(&script);
        let server = RawServer::start(move |request, stream| {
            let base = format!("http://{}", request.headers["host"].to_str().unwrap());
            if request.path == "/hub" {
                let is_down = shared.lock().unwrap().is_down;
                if is_down {
                    answer(stream, "503 Service Unavailable", "", b"");
                    return;
                }
                let form = form(request);
                let lease = {
                    let mut script = shared.lock().unwrap();
                    script.asked.push(form.clone());
                    script.lease
                };
                answer(stream, "202 Accepted", "", b"");
                assert_eq!(verify(&form, lease), Some(200), "{form:?}");
                return;
            }
            let mut script = shared.lock().unwrap();
            script.polls += 1;
            let links = format!("<{base}/hub>; rel=\"hub\", <{base}/topic>; rel=\"self\"");
            let (header, hub) = if is_in_header { (format!("link: {links}\r\n"), "") } else { (String::new(), "hub") };
            let body = rss(&script.entries, if hub.is_empty() { None } else { Some(&base) });
            answer(stream, "200 OK", &format!("content-type: application/rss+xml\r\n{header}"), body.as_bytes());
        });
        Self { script, base: server.base }
    }

    fn asked(&self, key: &str) -> Vec<String> {
        let script = self.script.lock().unwrap();
        script.asked.iter().map(|form| value(form, key)).collect()
    }

    fn polls(&self) -> usize {
        self.script.lock().unwrap().polls
    }

    fn subscription(&self) -> Vec<(String, String)> {
        self.script.lock().unwrap().asked.last().cloned().unwrap()
    }
}

fn rss(entries: &[Entry], hub: Option<&str>) -> String {
    let links = hub.map_or_else(String::new, |base| {
        format!("<a:link rel='hub' href='{base}/hub'/><a:link rel='self' href='{base}/topic'/>")
    });
    let mut items = String::new();
    for entry in entries {
        write!(
            items,
            "<item><guid isPermaLink='false'>{}</guid><title>{}</title><description>{}</description>\
             <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>",
            entry.guid, entry.title, entry.body
        )
        .unwrap();
    }
    format!(
        "<rss version='2.0' xmlns:a='http://www.w3.org/2005/Atom'><channel><title>Wire</title>{links}{items}</channel></rss>"
    )
}

fn form(request: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn value(form: &[(String, String)], key: &str) -> String {
    form.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Host and path of a callback.
fn place(callback: &str) -> (SocketAddr, String) {
    let url: url::Url = callback.parse().unwrap();
    (url.socket_addrs(|| None).unwrap()[0], url.path().to_owned())
}

/// Asks the callback whether the request is meant; the status, where the challenge came back.
fn verify(form: &[(String, String)], lease: u64) -> Option<u16> {
    let (mode, topic) = (value(form, "hub.mode"), value(form, "hub.topic"));
    let (status, body) = ask(form, &mode, &topic, lease)?;
    (body == "challenge 7").then_some(status)
}

fn ask(form: &[(String, String)], mode: &str, topic: &str, lease: u64) -> Option<(u16, String)> {
    let (address, path) = place(&value(form, "hub.callback"));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("hub.mode", mode)
        .append_pair("hub.topic", topic)
        .append_pair("hub.challenge", "challenge 7")
        .append_pair("hub.lease_seconds", &lease.to_string())
        .append_pair("hub.reason", "no more")
        .finish();
    crate::support::get(address, &format!("{path}?{query}"))
}

/// Pushes a body; the status.
fn push(form: &[(String, String)], secret: &str, body: &str) -> u16 {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let (address, path) = place(&value(form, "hub.callback"));
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/rss+xml\r\nx-hub-signature: sha256={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = converse(address, request.as_bytes()).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn write_config(folder: &Path, feeds: &str, receiver: &Server) -> std::path::PathBuf {
    let listen = match std::fs::read_to_string(folder.join("listen")) {
        Ok(listen) => listen,
        Err(_) => free_address().to_string(),
    };
    std::fs::write(folder.join("listen"), &listen).unwrap();
    let path = folder.join("gainsay.toml");
    let text = format!(
        "database = \"gainsay.db\"\nshutdown_grace = \"5s\"\n[websub]\ncallback_url = \"http://{listen}/hooks\"\nlisten = \"{listen}\"\n\
         [intake]\nbackfill = \"3650d\"\nallow_networks = [\"127.0.0.0/8\"]\nfetches_per_host_max = 8\n{feeds}\
         [[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n\
         [[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\nretry_schedule = [\"1s\", \"1s\"]\n",
        receiver.base
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn feed(wire: &Wire, interval: &str) -> String {
    format!(
        "[[feed]]\nid = \"wire\"\nurl = \"{}/feed\"\noutlet = \"Wire\"\npoll_interval = \"{interval}\"\n",
        wire.base
    )
}

#[test]
fn what_a_hub_pushes_is_alerted_once_and_what_it_did_not_sign_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (wire, endpoint) = (Wire::start(true, 3_600), Endpoint::default());
    let receiver = endpoint.serve();
    wire.script.lock().unwrap().entries.push(story(1));
    let other = "[[feed]]\nid = \"other\"\nurl = \"http://127.0.0.1:9/\"\noutlet = \"O\"\npoll_interval = \"1d\"\n";
    let config = write_config(folder.path(), &(feed(&wire, "1d") + other), &receiver);
    let daemon = Logged::start(&config, &[]);
    daemon.wait_for_log("a hub pushes the feed", 1);
    wait_for("the alert of the poll", MINUTE, || endpoint.received().len() == 1);
    assert_eq!(wire.asked("hub.mode"), ["subscribe"]);
    assert_eq!(wire.asked("hub.topic"), [format!("{}/topic", wire.base)]);
    assert_eq!(wire.asked("hub.lease_seconds"), ["864000"]);

    let subscription = wire.subscription();
    let secret = value(&subscription, "hub.secret");
    // Not signed with the secret: thanked for, and thrown away. Of another topic, for another name: not ours.
    assert_eq!(push(&subscription, "guessed", &rss(&[story(2)], None)), 202);
    assert_eq!(ask(&subscription, "subscribe", "http://other.example", 60).unwrap().0, 404);
    assert_eq!(ask(&subscription, "unsubscribe", &format!("{}/topic", wire.base), 60).unwrap().0, 404);
    let stranger = vec![("hub.callback".to_owned(), value(&subscription, "hub.callback") + "0")];
    // It may be one of the last run that its feed has yet to tell of.
    assert_eq!(push(&stranger, &secret, &rss(&[story(2)], None)), 503);
    assert_eq!(ask(&stranger, "subscribe", &format!("{}/topic", wire.base), 60).unwrap().0, 404);
    // Signed, twice over.
    for _ in 0..2 {
        assert_eq!(push(&subscription, &secret, &rss(&[story(3)], None)), 202);
    }
    wait_for("the alert of the push", MINUTE, || endpoint.received().len() == 2);
    assert_eq!(wire.polls(), 1, "what was pushed needs no poll");
    let status = output(&["feeds", "status", "-c", config.to_str().unwrap(), "--json"]);
    let said = String::from_utf8(status.stdout).unwrap() + &daemon.log();
    assert!(said.contains("\"pushed\":\"20") && !said.contains(&secret), "{said}");
    assert!(!said.contains(value(&subscription, "hub.callback").rsplit('/').next().unwrap()), "{said}");

    // The whole feed brings nothing anew, after a restart with the same subscription, either.
    wire.script.lock().unwrap().entries.insert(0, story(3));
    daemon.stop();
    let config = write_config(folder.path(), &(feed(&wire, "1s") + other), &receiver);
    let daemon = Logged::start(&config, &[]);
    wait_for("a poll", MINUTE, || wire.polls() == 2);
    assert_eq!(push(&subscription, &secret, &rss(&[story(12)], None)), 202);
    wait_for("the alert of the second push", MINUTE, || endpoint.received().len() == 3);
    assert_eq!(wire.asked("hub.mode"), ["subscribe"], "the subscription outlives a restart");
    assert_eq!(wire.polls(), 2, "a hub that brings everything makes polls rarer");

    // A feed that is taken out ends its subscription.
    write_config(folder.path(), other, &receiver);
    daemon.reload();
    wait_for("the end of the subscription", MINUTE, || wire.asked("hub.mode").len() == 2);
    assert_eq!(wire.asked("hub.mode")[1], "unsubscribe");
    wait_for("its end in the database", MINUTE, || {
        query(folder.path(), "SELECT id FROM cursor WHERE record->>'subscription' IS NULL AND id = 'wire'").len() == 1
    });
    assert_eq!(push(&subscription, &secret, &rss(&[story(5)], None)), 410);
    daemon.stop();
    assert_eq!(endpoint.received().len(), 3);
}

#[test]
fn a_lease_is_renewed_and_a_hub_that_dies_leaves_a_feed_that_is_polled() {
    let folder = tempfile::tempdir().unwrap();
    // The hub is named in the feed itself.
    let (wire, endpoint) = (Wire::start(false, 6), Endpoint::default());
    let receiver = endpoint.serve();
    wire.script.lock().unwrap().entries.push(story(1));
    let config = write_config(folder.path(), &feed(&wire, "1s"), &receiver);
    let daemon = Logged::start(&config, &[]);
    wait_for("the renewal", MINUTE, || wire.asked("hub.mode").len() >= 2);
    assert_eq!(wire.asked("hub.callback")[0], wire.asked("hub.callback")[1]);

    wire.script.lock().unwrap().is_down = true;
    daemon.wait_for_log("a hub cannot be asked", 1);
    wire.script.lock().unwrap().entries.insert(0, story(2));
    wait_for("the alert of a poll", MINUTE, || endpoint.received().len() == 2);
    wait_for("the words for it", MINUTE, || {
        let status = output(&["feeds", "status", "-c", config.to_str().unwrap(), "--table"]);
        String::from_utf8(status.stdout).unwrap().contains("polled, not pushed")
    });
    daemon.stop();
}

#[test]
fn a_hub_on_a_network_of_ours_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let wire = RawServer::start(|_, stream| {
        let links = "link: <http://169.254.169.254/latest/>; rel=hub, <http://a.example/>; rel=self\r\n";
        answer(stream, "200 OK", links, rss(&[story(1)], None).as_bytes());
    });
    let feed = format!("[[feed]]\nid = \"wire\"\nurl = \"{}/feed\"\noutlet = \"Wire\"\n", wire.base);
    let daemon = Logged::start(&write_config(folder.path(), &feed, &receiver), &[]);
    daemon.wait_for_log("a hub cannot be asked", 1);
    assert!(daemon.log().contains("refused to fetch"), "{}", daemon.log());
    wait_for("the alert", MINUTE, || endpoint.received().len() == 1);
    daemon.stop();
}
