//! Feeds behind a password, a token or a key: what their own server is shown, and nobody else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::reload::Logged;
use crate::support::{Endpoint, RawServer, Request, SECRET, answer, gainsay, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
/// `desk:hunter2`.
const BASIC: &str = "Basic ZGVzazpodW50ZXIy";

/// What a server was sent, request by request: path, `Authorization` and `X-Api-Key`.
type Seen = Arc<Mutex<Vec<(String, Option<String>, Option<String>)>>>;

fn note(seen: &Seen, request: &Request) -> Option<String> {
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let authorization = header("authorization");
    seen.lock().unwrap().push((request.path.clone(), authorization.clone(), header("x-api-key")));
    authorization
}

fn wire() -> Vec<u8> {
    let entry = story(1);
    format!(
        "<rss version=\"2.0\"><channel><title>W</title><item><guid>1</guid><title>{}</title><description>{}</description>\
         <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item></channel></rss>",
        entry.title, entry.body
    )
    .into_bytes()
}

/// A server that lets in whoever is `known`.
fn guarded(seen: &Seen, known: &'static str) -> RawServer {
    let seen = Arc::clone(seen);
    RawServer::start(move |request, stream| {
        let is_known = note(&seen, request).as_deref() == Some(known);
        match (is_known, request.path.as_str()) {
            (false, _) => answer(stream, "401 Unauthorized", "www-authenticate: Basic realm=\"wire\"\r\n", b""),
            (true, "/forbidden") => answer(stream, "403 Forbidden", "", b""),
            (true, "/moved") => answer(stream, "302 Found", "location: /feed\r\n", b""),
            (true, _) => answer(stream, "200 OK", "", &wire()),
        };
    })
}

fn redirecting(seen: &Seen, to: String) -> RawServer {
    let seen = Arc::clone(seen);
    RawServer::start(move |request, stream| {
        note(&seen, request);
        answer(stream, "301 Moved Permanently", &format!("location: {to}\r\n"), b"");
    })
}

fn write(folder: &Path, feed_lines: &str, endpoint: &str) -> PathBuf {
    let path = folder.join("gainsay.toml");
    let text = format!(
        "database = \"gainsay.db\"\n[http]\nlisten = \"\"\n[intake]\npoll_interval = \"1s\"\nbackfill = \"3650d\"\n\
         allow_networks = [\"127.0.0.0/8\"]\n[[feed]]\nid = \"agency\"\noutlet = \"Agency\"\n{feed_lines}\n\
         [[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{endpoint}\"\nsecret = \"{SECRET}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// What a command prints, on both streams, with these variables.
fn said(args: &[&str], config: &Path, variables: &[(&str, &str)]) -> String {
    let output = gainsay(args).arg("-c").arg(config).envs(variables.iter().copied()).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn wrong_credentials_are_told_and_right_ones_are_tried_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (seen, endpoint) = (Seen::default(), Endpoint::default());
    let (server, receiver) = (guarded(&seen, BASIC), endpoint.serve());
    let file = folder.path().join("agency.password");
    std::fs::write(&file, "wrong-7\n").unwrap();
    let lines = format!("url = \"{}/moved\"\nusername = \"desk\"\npassword_file = \"agency.password\"", server.base);
    let config = write(folder.path(), &lines, &receiver.base);
    let daemon = Logged::start(&config, &[]);
    let words = "answers 401 Unauthorized: the feed does not know the credentials of its [[feed]], or wants others";
    daemon.wait_for_log(words, 1);
    // It would be left alone for long now; the config is the same, the file is not.
    std::fs::write(&file, "hunter2\n").unwrap();
    let begun = std::time::Instant::now();
    daemon.reload();
    wait_for("the alert", MINUTE, || endpoint.received().len() == 1);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let log = daemon.log();
    daemon.stop();
    assert!(!log.contains("wrong-7") && !log.contains("hunter2") && !log.contains("ZGVzaz"), "{log}");
    let seen = seen.lock().unwrap();
    // Its own server is shown them along redirects, too.
    assert!(seen.iter().any(|(path, shown, _)| path == "/feed" && shown.as_deref() == Some(BASIC)), "{seen:?}");
}

#[test]
fn a_redirect_to_another_server_takes_nothing_along() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside, back) = (Seen::default(), Seen::default(), Seen::default());
    // The same host on another port is another origin.
    let server = guarded(&outside, "nobody");
    let first = redirecting(&inside, format!("{}/feed", server.base));
    let lines = format!(
        "url = \"{}/wire\"\ntoken_env = \"WIRE_TOKEN\"\nheaders = {{ X-Api-Key = {{ env = \"WIRE_KEY\" }} }}",
        first.base
    );
    let config = write(folder.path(), &lines, "https://desk.example/");
    let variables = [("WIRE_TOKEN", "token-8"), ("WIRE_KEY", "key-9")];
    let answered = said(&["check", "--online"], &config, &variables);
    assert!(
        answered.contains("answers 401 Unauthorized: the feed redirects to another server, which is not shown"),
        "{answered}"
    );
    let own = ("/wire".to_owned(), Some("Bearer token-8".to_owned()), Some("key-9".to_owned()));
    assert_eq!(*inside.lock().unwrap(), [own]);
    assert_eq!(*outside.lock().unwrap(), [("/feed".to_owned(), None, None)]);

    // Nor does the way back from there: where to was the other server's choice.
    let home = Arc::new(Mutex::new(String::new()));
    let (noted, target) = (Arc::clone(&back), Arc::clone(&home));
    let away = RawServer::start(move |_, stream| {
        answer(stream, "302 Found", &format!("location: {}/back\r\n", target.lock().unwrap()), b"");
    });
    let there = format!("location: {}/\r\n", away.base);
    let start = RawServer::start(move |request, stream| {
        note(&noted, request);
        match request.path.as_str() {
            "/wire" => answer(stream, "302 Found", &there, b""),
            _ => answer(stream, "200 OK", "", &wire()),
        };
    });
    home.lock().unwrap().clone_from(&start.base);
    let config = write(folder.path(), &lines.replace(&first.base, &start.base), "https://desk.example/");
    let answered = said(&["check", "--online"], &config, &variables);
    assert!(answered.contains("feed agency  good    1 entry"), "{answered}");
    let shown: Vec<bool> =
        back.lock().unwrap().iter().map(|(_, token, key)| token.is_some() || key.is_some()).collect();
    assert_eq!(shown, [true, false]);
}

#[test]
fn an_answer_that_denies_says_which_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::default();
    let server = guarded(&seen, BASIC);
    let check = |lines: &str, expected: &str| {
        let config = write(folder.path(), lines, "https://desk.example/");
        let answered = said(&["check", "--online"], &config, &[]);
        assert!(answered.contains(expected), "{answered}");
        assert!(!answered.contains("hunter2"), "{answered}");
    };
    let at = |path: &str| format!("url = \"{}{path}\"\n", server.base);
    check(&at("/feed"), "answers 401 Unauthorized: the feed wants credentials, and its [[feed]] has none");
    let login = "username = \"desk\"\npassword = \"hunter2\"\n";
    check(&(at("/feed") + login), "1 entry");
    check(
        &(at("/forbidden") + login),
        "answers 403 Forbidden: the credentials of the [[feed]] do not give access to this",
    );
    check(&(at("/feed") + "headers = { Authorization = \"Key hunter2\" }"), "does not know the credentials");
}

#[test]
fn what_only_looks_at_a_config_needs_no_secret_and_shows_none() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "url = \"https://wire.example/\"\nusername = \"desk\"\npassword_env = \"NOT_SET\"\nheaders = { X-A = { file = \"nowhere\" } }";
    let config = write(folder.path(), lines, "https://desk.example/");
    assert!(said(&["feeds", "list"], &config, &[]).contains("agency"), "feeds list");
    assert!(said(&["feeds", "show", "agency"], &config, &[]).contains("Agency"), "feeds show");
    let refused = said(&["check"], &config, &[]);
    assert!(refused.contains("feed[1].password_env: environment variable \"NOT_SET\" is not set"), "{refused}");
    assert!(refused.contains("feed[1].headers.X-A: cannot read"), "{refused}");

    let lines = "url = \"http://wire.example/\"\ntoken = \"hunter2\"\nheaders = { Accept-Language = \"en\", X-Api-Key = \"key-9\" }";
    let config = write(folder.path(), lines, "https://desk.example/");
    let warned = said(&["check"], &config, &[]);
    for expected in [
        ":12: feed[1].token: copies of this file carry the secret along; token_env or token_file do not",
        ":13: feed[1].headers.X-Api-Key: copies of this file carry the secret along; { env = … } or { file = … } do not",
        "warning: the feed agency sends its credentials over http: anybody on the way can read them",
    ] {
        assert!(warned.contains(expected), "{warned}");
    }
    assert!(!warned.contains("Accept-Language"), "{warned}");
    let shown = said(&["config", "show"], &config, &[]);
    assert!(shown.contains("token = \"***\"") && shown.contains("\"X-Api-Key\" = \"***\""), "{shown}");
    assert!(!(shown + &warned).contains("hunter2"));
}
