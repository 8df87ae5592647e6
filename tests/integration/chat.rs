//! Alerts as chat services get them: rendered by a template, unsigned or signed, the same bytes on every attempt.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::kills::story;
use crate::support::{Daemon, Feeds, RawServer, SECRET, answer, gainsay, output, query, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// A request: path, content type, signature, body.
type Heard = (String, String, Option<String>, Vec<u8>);

/// A receiver that refuses the first requests and writes every one down.
fn receiver(refused: usize) -> (RawServer, Arc<Mutex<Vec<Heard>>>) {
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let log = Arc::clone(&heard);
    let server = RawServer::start(move |request, stream| {
        let text = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let mut log = log.lock().unwrap();
        let content_type = text("content-type").unwrap_or_default();
        log.push((request.path.clone(), content_type, text("webhook-signature"), request.body.clone()));
        let status = if log.len() <= refused { "500 Internal Server Error" } else { "200 OK" };
        answer(stream, status, "", b"ok");
    });
    (server, heard)
}

fn config(folder: &Path, feed: &str, sink: &str) -> PathBuf {
    let path = write_config(folder, &[("a", feed.to_owned())], None);
    let mut text = std::fs::read_to_string(&path).unwrap();
    write!(text, "[[sink]]\nname = \"chat\"\ntype = \"webhook\"\nretry_schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]\n{sink}\n").unwrap();
    text += "[[rule]]\nname = \"r\"\nconfidence_min = 0\n";
    std::fs::write(&path, text).unwrap();
    path
}

fn body(heard: &Heard) -> Value {
    serde_json::from_slice(&heard.3).unwrap()
}

#[test]
fn a_retry_after_a_restart_and_a_changed_template_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let (chat, heard) = receiver(2);
    let own = folder.path().join("own.jinja");
    std::fs::write(&own, "{\"v\": 1, \"text\": {{ message.title }}}").unwrap();
    let sink = format!("url = \"{}/hook/token\"\ntemplate_file = \"own.jinja\"", chat.base);
    let path = config(folder.path(), &format!("{}/a", wire.base), &sink);
    let mut daemon = Daemon::start(&path);
    wait_for("the first attempt", MINUTE, || !heard.lock().unwrap().is_empty());
    daemon.kill();
    std::fs::write(&own, "{\"v\": 2, \"text\": {{ message.title }}}").unwrap();
    let daemon = Daemon::start(&path);
    let delivered = || query(folder.path(), "SELECT alert FROM outbox WHERE state = 'delivered'").len() == 1;
    wait_for("the delivery", MINUTE, delivered);
    feeds.add("/a", story(12));
    wait_for("the second alert", MINUTE, || heard.lock().unwrap().iter().any(|one| body(one)["v"] == 2));
    assert_eq!(daemon.stop().0, Some(0));
    let heard = heard.lock().unwrap();
    assert!(heard.len() >= 4, "{heard:?}");
    for one in &heard[..3] {
        assert_eq!((one.0.as_str(), one.1.as_str(), &one.2), ("/hook/token", "application/json", &None));
        assert_eq!(one.3, heard[0].3);
        assert_eq!(body(one)["v"], 1);
    }
    // What is looked at later is the alert, and what was sent is kept beside it.
    let said = output(&[
        "explain",
        &query(folder.path(), "SELECT alert FROM outbox")[0],
        "-c",
        path.to_str().unwrap(),
        "--json",
    ]);
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(said["facts"].to_string().contains("evidence"), "{said}");
    let kept = query(folder.path(), "SELECT CAST(body AS TEXT) FROM outbox_rendering ORDER BY outbox");
    assert_eq!(kept[0].as_bytes(), heard[0].3);
}

#[test]
fn slack_is_posted_to_at_an_address_that_only_the_environment_has() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let (chat, heard) = receiver(0);
    let path =
        config(folder.path(), &format!("{}/a", wire.base), "url_env = \"GAINSAY_SLACK_URL\"\ntemplate = \"slack\"");
    let shown = gainsay(&["config", "show", "-c", path.to_str().unwrap()])
        .env("GAINSAY_SLACK_URL", "https://hooks.example/services/hush")
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("url_env = \"GAINSAY_SLACK_URL\"") && shown.contains("template = \"slack\""), "{shown}");
    assert!(!shown.contains("hush"));
    let mut command = gainsay(&["run", "-c", path.to_str().unwrap()]);
    command.env("GAINSAY_SLACK_URL", format!("{}/services/T0/B0/hush", chat.base));
    let daemon =
        Daemon(command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap());
    wait_for("the message", MINUTE, || !heard.lock().unwrap().is_empty());
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("hush"), "{said}");
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].0, "/services/T0/B0/hush");
    let body = body(&heard[0]);
    assert!(body["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("Denial: "), "{body}");
}

#[test]
fn ntfy_is_posted_to_at_its_root_and_signed_where_there_is_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let (ntfy, heard) = receiver(0);
    std::fs::write(folder.path().join("address"), format!("{}/desk-alerts\n", ntfy.base)).unwrap();
    let sink = format!("url_file = \"address\"\ntemplate = \"ntfy\"\nsecret = \"{SECRET}\"");
    let path = config(folder.path(), &format!("{}/a", wire.base), &sink);
    let daemon = Daemon::start(&path);
    wait_for("the message", MINUTE, || !heard.lock().unwrap().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].0, "/");
    assert!(heard[0].2.as_ref().is_some_and(|signature| signature.starts_with("v1,")), "signed over what is sent");
    assert_eq!(body(&heard[0])["topic"], "desk-alerts");
}

#[test]
fn check_names_the_template_its_line_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.jinja"), "{\n\"who\":\n{{ alert.claim.speaker.name }}}").unwrap();
    let problem = |sink: &str| {
        let path = config(folder.path(), "https://a.example/f", sink);
        let said = output(&["check", "-c", path.to_str().unwrap()]);
        (said.status.code(), String::from_utf8(said.stderr).unwrap())
    };
    let (code, said) = problem("url = \"https://hush.example/token\"\ntemplate_file = \"own.jinja\"");
    assert_eq!(code, Some(78));
    assert!(said.contains("sink[1].template_file: ") && said.contains("own.jinja:3: "), "{said}");
    assert!(said.contains("type allegation.new") && !said.contains("hush"), "{said}");
    let url = "url = \"https://a.example/\"\n";
    for (sink, words) in [
        (format!("{url}template = \"slak\""), "\"slak\" is not a template, did you mean \"slack\"?"),
        (format!("{url}template = \"ntfy\""), "does not end in a topic"),
        (format!("{url}template = \"slack\"\ncontent_type = \"text/plain\""), "content_type without a template_file"),
        (format!("{url}template = \"slack\"\ntemplate_file = \"own.jinja\""), "has two templates"),
        (format!("{url}template_file = \"none.jinja\""), "cannot read"),
        (url.to_owned(), "has no secret"),
        (format!("{url}url_env = \"X\"\ntemplate = \"slack\""), "has more than one address"),
    ] {
        let (code, said) = problem(&sink);
        assert_eq!(code, Some(78), "{sink}");
        assert!(said.contains(words), "{said}");
    }
}
