//! Mail over a real server of others (`aiosmtpd`), read by Python's own parser; and servers that are none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::kills::story;
use crate::receivers::{installed, step};
use crate::support::{Daemon, Feeds, free_address, gainsay, query, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// Takes mail, of each the second time, and prints what it saw: how it ended and the message, read by Python's parser.
const SERVER: &str = r#"
import base64, email, email.policy, json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
port, mode, certificate, key = sys.argv[1:5]
seen = set()

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        is_new = mail["Message-ID"] not in seen
        seen.add(mail["Message-ID"])
        part = lambda kind: mail.get_body((kind,)).get_content()
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "raw": base64.b64encode(envelope.content).decode(),
            "headers": {name: str(value) for name, value in mail.items()}, "text": part("plain"), "html": part("html"),
            "user": getattr(session, "auth_data", None), "peer": session.peer[1],
            "defects": [str(defect) for each in mail.walk() for defect in each.defects], "is_new": is_new,
        }), flush=True)
        return "451 4.3.0 come back later" if is_new and mode != "eager" else "250 OK"

def login(server, session, envelope, mechanism, data):
    is_right = data.login == b"desk" and data.password == b"hunter2"
    return AuthResult(success=is_right, handled=False, auth_data=data.login.decode())

options = {"hostname": "127.0.0.1", "port": int(port)}
if mode in ("starttls", "tls"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    options |= {"authenticator": login, "auth_required": True}
    options |= {"ssl_context": context, "auth_require_tls": False} if mode == "tls" else {"tls_context": context, "require_starttls": True}
Controller(Handler(), **options).start()
print(json.dumps("ready"), flush=True)
while True:
    time.sleep(60)
"#;

/// A mail server at work, with what it saw.
struct MailServer {
    program: Child,
    port: u16,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    /// One in this mode; nothing where it cannot be installed.
    fn start(mode: &str) -> Option<Self> {
        Self::start_at(mode, free_address().port())
    }

    fn start_at(mode: &str, port: u16) -> Option<Self> {
        let folder = installed("aiosmtpd-python", |folder| {
            step(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
            let pip = folder.join("venv/bin/pip");
            step(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", "aiosmtpd==1.4.6"]))
        })?;
        let mut program = Command::new(folder.join("venv/bin/python"))
            .args(["-W", "ignore", "-c", SERVER, &port.to_string(), mode])
            .args([fixture("endpoint.pem"), fixture("endpoint.key")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            let values = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
            values.for_each(|value| log.lock().unwrap().push(value));
        });
        wait_for("the mail server", MINUTE, || !seen.lock().unwrap().is_empty());
        seen.lock().unwrap().clear();
        Some(Self { program, port, seen })
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    /// The one mail that it saw; what it prints may take a moment to come.
    fn only(&self) -> Value {
        wait_for("what the mail server saw", MINUTE, || !self.seen().is_empty());
        assert_eq!(self.seen().len(), 1);
        self.seen().remove(0)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A sink of mail with these lines.
fn sink(port: u16, lines: &str) -> String {
    format!(
        "[[sink]]\nname = \"mail\"\ntype = \"email\"\nserver = \"127.0.0.1\"\nport = {port}\nalerts_per_day = 0\n\
         from = \"gainsay <alerts@news.example>\"\n{lines}\n"
    )
}

const TO: &str = "to = [\"desk@news.example\", \"Нова <nova@news.example>\"]\n";

fn secure(tls: &str) -> String {
    let ca = fixture("ca.pem");
    format!("{TO}tls = \"{tls}\"\nca_file = \"{ca}\"\nusername = \"desk\"\npassword = \"hunter2\"\n")
}

/// Sends a test alert; says what was said, and whether it was taken.
fn test(sink: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    std::fs::write(&path, sink).unwrap();
    let output = gainsay(&["endpoint", "test", "mail", "-c", path.to_str().unwrap()]).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

fn daemon(folder: &Path, sink: &str) -> (Daemon, crate::support::Server) {
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config = write_config(folder, &[("a", format!("{}/a", wire.base))], None);
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + sink).unwrap();
    (Daemon::start(&config), wire)
}

fn outbox(folder: &Path, state: &str) -> Vec<String> {
    query(folder, &format!("SELECT alert FROM outbox WHERE state = '{state}'"))
}

#[test]
fn mail_comes_through_once_it_is_taken_with_the_same_bytes() {
    let Some(server) = MailServer::start("starttls") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (daemon, _wire) =
        daemon(folder.path(), &sink(server.port, &(secure("starttls") + "retry_schedule = [\"1s\", \"1s\"]")));
    wait_for("the mail", MINUTE, || !outbox(folder.path(), "delivered").is_empty() && server.seen().len() >= 2);
    assert_eq!(daemon.stop().0, Some(0));
    let id = outbox(folder.path(), "delivered").remove(0);
    let body = query(
        folder.path(),
        &format!("SELECT CAST(body AS TEXT) FROM outbox_body JOIN outbox ON position = outbox WHERE alert = '{id}'"),
    );
    let alert: Value = serde_json::from_str(&body[0]).unwrap();
    let of_it = format!("<{id}@news.example>");
    let seen: Vec<Value> = server.seen().into_iter().filter(|mail| mail["headers"]["Message-ID"] == *of_it).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0]["raw"], seen[1]["raw"]);
    let mail = &seen[1];
    assert_eq!(mail["defects"], serde_json::json!([]));
    assert_eq!(mail["from"], "alerts@news.example");
    assert_eq!(mail["to"], serde_json::json!(["desk@news.example", "nova@news.example"]));
    assert_eq!(mail["user"], "desk");
    let headers = &mail["headers"];
    assert!(headers["To"].as_str().unwrap().contains("Нова"), "{headers}");
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    let thread = format!("<thread.{}@news.example>", alert["thread"]["id"].as_str().unwrap());
    assert_eq!((&headers["References"], &headers["In-Reply-To"]), (&thread.clone().into(), &thread.into()));
    let subject = headers["Subject"].as_str().unwrap();
    let headline = alert["document"]["headline"].as_str().unwrap();
    assert!(subject.starts_with("[gainsay] ") && subject.ends_with(headline), "{subject}");
    let cue = alert["claim"]["cue"]["text"].as_str().unwrap();
    assert!(
        mail["text"].as_str().unwrap().contains(cue)
            && mail["html"].as_str().unwrap().contains(&format!("<b>{cue}</b>"))
    );
}

#[test]
fn mail_that_is_refused_for_good_is_dead_and_kept() {
    let Some(server) = MailServer::start("eager") else { return };
    let folder = tempfile::tempdir().unwrap();
    let lines = "tls = \"none\"\nto = [\"desk@news.example\", \"nobody@news.example\"]";
    let (daemon, _wire) = daemon(folder.path(), &sink(server.port, lines));
    wait_for("the refusal", MINUTE, || !outbox(folder.path(), "dead").is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let errors = query(folder.path(), "SELECT last_error FROM delivery WHERE state = 'dead'");
    assert!(
        errors[0].contains("the mail server answered 550: ") && errors[0].contains("no such user here"),
        "{errors:?}"
    );
    assert!(server.seen().is_empty(), "all recipients or none");
}

#[test]
fn mail_goes_over_tls_that_is_trusted_to_those_who_let_us_in() {
    let Some(server) = MailServer::start("tls") else { return };
    let (is_taken, said) = test(&sink(server.port, &secure("tls")));
    assert!(!is_taken && said.contains("answered 451: 4.3.0 come back later"), "{said}");
    assert_eq!(server.only()["is_new"], true);
    let untrusted = secure("tls").replace(&format!("ca_file = \"{}\"\n", fixture("ca.pem")), "");
    let (is_taken, said) = test(&sink(server.port, &untrusted));
    assert!(!is_taken && said.contains("of an authority that is not trusted here; ca_file can name it"), "{said}");
    let (is_taken, said) = test(&sink(server.port, &secure("tls").replace("hunter2", "hunter3")));
    assert!(!is_taken && said.contains("answered 535") && !said.contains("hunter"), "{said}");
    let Some(server) = MailServer::start("starttls") else { return };
    let untrusted = secure("starttls").replace(&format!("ca_file = \"{}\"\n", fixture("ca.pem")), "");
    let (is_taken, said) = test(&sink(server.port, &untrusted));
    assert!(!is_taken && said.contains("of an authority that is not trusted here; ca_file can name it"), "{said}");
    // Who offers no encryption gets neither mail nor password.
    let Some(server) = MailServer::start("eager") else { return };
    let (is_taken, said) = test(&sink(server.port, &secure("starttls")));
    assert!(!is_taken && said.contains("STARTTLS is not supported"), "{said}");
    assert!(server.seen().is_empty());
    let (is_taken, said) = test(&sink(server.port, &format!("{TO}tls = \"none\"")));
    assert!(is_taken && said.contains("was taken"), "{said}");
    assert_eq!(server.only()["headers"]["Subject"], "[gainsay] Denial — TEST ALERT of gainsay");
}

/// A server that does as it pleases with the bare connection.
fn serve(behave: impl Fn(&mut TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|mut stream| behave(&mut stream)));
    port
}

#[test]
fn mail_servers_that_misbehave_cost_no_memory_and_no_more_than_their_time() {
    let lines = format!("{TO}tls = \"none\"\ntimeout = \"2s\"");
    let check = |port: u16, expected: &str| {
        let (is_taken, said) = test(&sink(port, &lines));
        assert!(!is_taken && said.contains(expected), "{said}");
    };
    let endless = |bytes: &'static [u8]| serve(move |stream| while stream.write_all(&bytes.repeat(1_000)).is_ok() {});
    check(endless(b"x"), "answers without end");
    check(endless(b"220-more\r\n"), "response too large");
    check(serve(|stream| while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}), "no answer within 2 s");
    check(serve(drop_it), "no answer: ");
    check(serve(|stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"))), "no answer: ");
    check(serve(|stream| drop(stream.write_all(b"554 go\x1b[31m away\r\n"))), "answered 554: go [31m away");
    check(free_address().port(), "Connection refused");
}

fn drop_it(_: &mut TcpStream) {}

/// Stories come one by one, the daemon is killed in between: one mail lists them all, once.
#[test]
fn mail_collects_over_kills_and_lists_each_alert_once() {
    let Some(server) = MailServer::start("eager") else { return };
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let web = "[web]\npublic_url = \"https://gainsay.example/\"\n[intake]";
    let text = std::fs::read_to_string(&config).unwrap().replace("[intake]", web);
    let lines = "tls = \"none\"\nto = [\"desk@news.example\"]\ndigest = \"24h\"\nquiet_priority = 100";
    std::fs::write(&config, text + &sink(server.port, lines) + "[[rule]]\nname = \"r\"\nconfidence_min = 0\n").unwrap();
    let held = || {
        let found =
            query(folder.path(), "SELECT CAST(json_array_length(record, '$.collected.held') AS TEXT) FROM budget");
        found.first().map_or(0, |count| count.parse::<usize>().unwrap())
    };
    let mut daemon = Daemon::start(&config);
    wait_for("the first alert", MINUTE, || held() == 1);
    daemon.kill();
    feeds.add("/a", story(12));
    let mut daemon = Daemon::start(&config);
    wait_for("the second alert", MINUTE, || held() >= 2);
    daemon.kill();
    assert!(server.seen().is_empty() && outbox(folder.path(), "pending").is_empty(), "all of it waits");
    let claim = query(folder.path(), "SELECT json_extract(record, '$.collected.held[0].claim') FROM budget").remove(0);
    let said = gainsay(&["explain", &claim, "-c", config.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("it is collected for mail and waits for its digest"), "{said}");
    // The time comes while nobody is there.
    let late = "UPDATE budget SET record = json_set(record, '$.collected.until', '2024-01-01T00:00:00Z')";
    rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap().execute(late, []).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the digest", MINUTE, || !outbox(folder.path(), "delivered").is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let mail = server.only();
    assert_eq!(mail["defects"], serde_json::json!([]));
    let subject = mail["headers"]["Subject"].as_str().unwrap();
    assert!(subject.starts_with("[gainsay] Digest: 2 alerts since 20"), "{subject}");
    let text = mail["text"].as_str().unwrap().replace('\r', "");
    assert!(text.contains("\n    2 × Denial\n"), "{text}");
    for (number, words) in [("1. Denial: ", " denied that "), ("2. Denial: ", " denied that ")] {
        assert_eq!(text.matches(&format!("\n{number}")).count(), 1, "{text}");
        assert!(text.contains(words), "{text}");
    }
    assert!(text.contains("\n    Outlet a\n") && text.contains("Thread: https://gainsay.example/#/thread/"), "{text}");
    assert_eq!(mail["html"].as_str().unwrap().matches("<li>").count(), 2);
    assert_eq!(held(), 0);
}

/// Eight mails wait for a server that is not there: after five failures it is asked now and then, and when it is back all go out, over
/// one connection or the one of the question and another.
#[test]
fn mail_waits_for_a_server_that_fails_and_goes_out_in_one_conversation() {
    let Some(at_hand) = MailServer::start("eager") else { return };
    drop(at_hand);
    let port = free_address().port();
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    (0..8).for_each(|number| feeds.add("/a", story(11 * number + 1)));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let lines = "tls = \"none\"\nto = [\"desk@news.example\"]\nretry_schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1h\"]";
    let rule = "[[rule]]\nname = \"r\"\nconfidence_min = 0\n";
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &sink(port, lines) + rule).unwrap();
    let daemon = Daemon::start(&config);
    let all = || outbox(folder.path(), "pending").len() + outbox(folder.path(), "delivered").len();
    wait_for("the alerts", MINUTE, || all() >= 8);
    wait_for("the breaker", MINUTE, || query(folder.path(), "SELECT state FROM endpoint") == ["failing"]);
    let attempts = || query(folder.path(), "SELECT CAST(count(*) AS TEXT) FROM attempt");
    assert_eq!(attempts(), ["5"], "everything else is spared");
    let server = MailServer::start_at("eager", port).unwrap();
    wait_for("the mails", MINUTE, || outbox(folder.path(), "pending").is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    wait_for("what the mail server saw", MINUTE, || server.seen().len() >= 8);
    assert_eq!(query(folder.path(), "SELECT state FROM endpoint"), ["healthy"]);
    let seen = server.seen();
    let peers: std::collections::BTreeSet<String> = seen.iter().map(|mail| mail["peer"].to_string()).collect();
    assert!(seen.len() == all() && peers.len() <= 2, "{} mails over {} connections", seen.len(), peers.len());
}

/// What clients say of one mail is answered, and the connection is cut after it.
fn take_one(stream: &mut TcpStream, taken: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let said = |stream: &mut TcpStream, words: &str| stream.write_all(format!("{words}\r\n").as_bytes());
    said(stream, "220 here")?;
    let (mut line, mut mail) = (String::new(), String::new());
    while reader.read_line(&mut line)? > 0 {
        if line.to_uppercase().starts_with("DATA") {
            said(stream, "354 go on")?;
            while reader.read_line(&mut mail)? > 0 && !mail.ends_with("\r\n.\r\n") {}
            said(stream, "250 taken")?;
            let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().to_owned();
            taken.lock().unwrap().push(id);
            return Ok(());
        }
        said(stream, "250 well")?;
        line.clear();
    }
    Ok(())
}

#[test]
fn a_server_that_hangs_up_after_each_mail_gets_each_mail_once() {
    let taken: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&taken);
    let port = serve(move |stream| drop(take_one(stream, &log)));
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    (0..4).for_each(|number| feeds.add("/a", story(11 * number + 1)));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let lines = "tls = \"none\"\nto = [\"desk@news.example\"]\nretry_schedule = [\"1h\"]";
    let rule = "[[rule]]\nname = \"r\"\nconfidence_min = 0\n";
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &sink(port, lines) + rule).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the mails", MINUTE, || outbox(folder.path(), "delivered").len() >= 4);
    assert_eq!(daemon.stop().0, Some(0));
    let mut expected: Vec<String> =
        outbox(folder.path(), "delivered").iter().map(|id| format!("<{id}@news.example>")).collect();
    let mut taken = taken.lock().unwrap().clone();
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected, "each once, at the first attempt");
}
