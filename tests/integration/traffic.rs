//! Endpoints that misbehave, are too busy, fail for a time or are gone: what becomes of them and of what is for them, while the others
//! notice nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bad_network::{drip, pour, self_signed};
use crate::kills::story;
use crate::matrix::{Row, neutral, record};
use crate::reload::Logged;
use crate::support::{
    Daemon, Endpoint, Feeds, RawServer, Request, SECRET, Server, answer, gainsay, hang, json_lines, query, wait_for,
    write_config,
};

const MINUTE: Duration = Duration::from_mins(1);

/// What an endpoint got, in order: path, id, body and when.
type Log = Arc<Mutex<Vec<(String, String, Vec<u8>, jiff::Timestamp)>>>;

/// A server whose `handler` is told, too, how many requests the same path had before.
fn server(handler: impl Fn(&Request, &mut TcpStream, usize) + Send + Sync + 'static) -> (RawServer, Log) {
    let log = Log::default();
    let noted = Arc::clone(&log);
    let server = RawServer::start(move |request, stream| {
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        let before = {
            let mut noted = noted.lock().unwrap();
            noted.push((request.path.clone(), id, request.body.clone(), jiff::Timestamp::now()));
            noted.iter().filter(|(path, ..)| *path == request.path).count() - 1
        };
        handler(request, stream, before);
    });
    (server, log)
}

/// A wire with so many stories, each of which gives one alert, and a config that polls it.
fn wire(folder: &Path, stories: usize) -> (Server, Feeds, PathBuf) {
    let feeds = Feeds::default();
    let wire = feeds.serve();
    for number in 0..stories {
        feeds.add("/a", story(number));
    }
    let config = write_config(folder, &[("a", format!("{}/a", wire.base))], None);
    append(&config, "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n");
    (wire, feeds, config)
}

fn append(config: &Path, text: &str) {
    let before = std::fs::read_to_string(config).unwrap();
    std::fs::write(config, before + text).unwrap();
}

fn sink(name: &str, url: &str, lines: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nalerts_per_day = 0\n{lines}"
    )
}

fn count(folder: &Path, condition: &str) -> usize {
    query(folder, &format!("SELECT alert FROM outbox WHERE {condition}")).len()
}

/// What `gainsay endpoint …` prints as JSON Lines.
fn endpoint(args: &[&str], config: &Path) -> Vec<serde_json::Value> {
    let printed = gainsay(&["endpoint"]).args(args).args(["--json", "-c", config.to_str().unwrap()]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    json_lines(&printed.stdout)
}

/// An endpoint that misbehaves: its path, what the book calls it, the state of an alert for it in the end, attempts that count,
/// what its last failed attempt says.
const HOSTILE: [(&str, &str, &str, &str, &str); 17] = [
    ("cut", "endpoint cuts the connection before it answers", "dead", "3", "no answer: "),
    ("cut-body", "endpoint cuts its answer in the middle", "delivered", "1", ""),
    ("drip", "endpoint's answer has no end", "delivered", "1", ""),
    ("drip-head", "head of an endpoint's answer comes byte by byte", "dead", "3", "no answer within 1 s"),
    ("flood", "endpoint answers with a thousand headers", "dead", "3", "no answer: "),
    ("gone", "endpoint is gone", "pending", "0", "answered 410: closed for good"),
    ("hang", "endpoint accepts and never answers", "dead", "3", "no answer within 1 s"),
    ("late", "endpoint answers too late, the first time", "delivered", "2", "no answer within 1 s"),
    ("length", "endpoint states no length that is one", "dead", "3", "no answer: "),
    ("long-head", "head of an endpoint's answer has no end", "dead", "3", "no answer: "),
    ("nameless", "host of an endpoint has no address", "dead", "3", "no answer: "),
    ("noise", "endpoint speaks no HTTP", "dead", "3", "no answer: "),
    ("pour", "endpoint answers with 100 MB", "delivered", "1", ""),
    ("redirect", "endpoint redirects", "dead", "3", "answered 302"),
    ("refuses", "endpoint refuses the alert", "dead", "3", "answered 400: not [2J\u{fffd} this"),
    ("self-signed", "certificate of an endpoint is signed by nobody", "dead", "3", "no TLS: its certificate"),
    ("wait", "endpoint says 100 Continue without end", "dead", "3", "no answer"),
];

fn misbehave(request: &Request, stream: &mut TcpStream, before: usize) {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nthanks ";
    match request.path.as_str() {
        "/cut" => {}
        "/cut-body" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nthanks")),
        "/drip" => drip(stream, head, b"."),
        "/drip-head" => drip(stream, b"HTTP/1.1 200 OK\r\nx-long: ", b"x"),
        "/flood" => drop(answer(stream, "200 OK", &"x-flood: 1\r\n".repeat(1000), b"")),
        "/gone" => drop(answer(stream, "410 Gone", "", b"closed for good")),
        "/hang" => hang(stream),
        "/late" if before == 0 => {
            std::thread::sleep(Duration::from_millis(1_500));
            answer(stream, "200 OK", "", b"");
        }
        "/length" => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nthanks!"));
        }
        "/long-head" => pour(stream, b"HTTP/1.1 200 OK\r\nx-long: ", &[b'x'; 4096]),
        "/noise" => drop(stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n")),
        "/pour" => pour_100_mb(stream, head),
        "/redirect" => drop(answer(stream, "302 Found", "location: /healthy\r\n", b"")),
        "/refuses" => drop(answer(stream, "400 Bad Request", "", b"not \x1b[2J\xff\nthis")),
        "/wait" => pour(stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        _ => drop(answer(stream, "200 OK", "", b"thanks")),
    }
}

fn pour_100_mb(stream: &mut TcpStream, head: &[u8]) {
    let mut is_open = stream.write_all(head).is_ok();
    for _ in 0..12_800 {
        is_open = is_open && stream.write_all(&[b'.'; 8 << 10]).is_ok();
    }
}

#[test]
fn bad_endpoints_cost_nobody_else_anything_and_their_alerts_keep_id_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, log) = server(misbehave);
    let (_wire, _feeds, config) = wire(folder.path(), 1);
    let (self_signed, _) = self_signed();
    let manners = "timeout = \"1s\"\nretry_schedule = [\"100ms\", \"100ms\"]\n";
    for (name, ..) in HOSTILE {
        let url = match name {
            "nameless" => "https://nameless.invalid/".to_owned(),
            "self-signed" => self_signed.clone(),
            name => format!("{}/{name}", receiver.base),
        };
        append(&config, &sink(name, &url, manners));
    }
    append(&config, &sink("healthy", &format!("{}/healthy", receiver.base), manners));
    let daemon = Daemon::start(&config);
    wait_for("the end of all", 3 * MINUTE, || {
        count(folder.path(), "state <> 'pending'") == HOSTILE.len()
            && query(folder.path(), "SELECT id FROM endpoint WHERE state = 'disabled'").len() == 1
    });
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    let of_sink = |what: &str, name: &str| {
        query(folder.path(), &format!("SELECT {what} FROM outbox JOIN attempt ON outbox = outbox.position WHERE sink = '{name}' AND error IS NOT NULL ORDER BY attempt.position DESC LIMIT 1"))
            .pop()
            .unwrap_or_default()
    };
    for (name, case, state, attempts, error) in HOSTILE {
        let row = query(folder.path(), &format!("SELECT state || ' ' || attempts FROM outbox WHERE sink = '{name}'"));
        assert_eq!(row, [format!("{state} {attempts}")], "{name}: {said}");
        let last = of_sink("error", name);
        assert!(last.starts_with(error) && last.is_empty() == error.is_empty(), "{name}: {last}");
        assert!(!last.chars().any(char::is_control), "{name}: {last:?}");
        let data = match state {
            "delivered" if attempts == "1" => "the status says that it has the alert; the answer is not waited for",
            "delivered" => "the next attempt has the same id and the same bytes",
            "pending" => "nothing more is sent to it until `gainsay endpoint enable`; its alerts wait",
            _ => "its alert is tried again as `retry_schedule` says, then kept as dead; other sinks do not wait for it",
        };
        let said = neutral(&last, folder.path());
        record(&Row { section: "Sinks", case, run: "gainsay run", end: "it goes on", said: &said, data });
    }
    assert_eq!(count(folder.path(), "sink = 'healthy' AND state = 'delivered' AND attempts = 1"), 1);
    assert_eq!(
        (of_sink("CAST(status AS TEXT)", "gone"), of_sink("head", "gone")),
        ("410".into(), "closed for good".into())
    );
    let thanks = "SELECT head FROM attempt WHERE result = 'delivered' AND status = 200 AND head LIKE 'thanks%'";
    assert_eq!(query(folder.path(), thanks).len(), 5, "the beginnings of what was answered are kept");
    let heads = query(folder.path(), "SELECT head FROM attempt WHERE length(head) > 200");
    assert!(heads.is_empty(), "{heads:?}");
    let log = log.lock().unwrap();
    let different: BTreeSet<_> = log.iter().map(|(_, id, body, _)| (id, body)).collect();
    assert_eq!(different.len(), 1, "every attempt has the same id and bytes");
}

#[test]
fn an_outage_costs_few_attempts_and_what_waited_goes_out_when_it_ends() {
    const STORIES: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    let is_out = Arc::new(AtomicBool::new(true));
    let out = Arc::clone(&is_out);
    let (receiver, log) = server(move |_, stream, _| {
        let status = if out.load(Ordering::SeqCst) { "500 Internal Server Error" } else { "204 No Content" };
        answer(stream, status, "", b"");
    });
    let (_wire, _feeds, config) = wire(folder.path(), STORIES);
    append(
        &config,
        &sink("desk", &receiver.base, "concurrency_max = 2\nbreaker_failures = 2\nretry_schedule = [\"1d\", \"1d\"]\n"),
    );
    let endpoint_of_desk = || query(folder.path(), "SELECT state FROM endpoint WHERE id = 'desk'");
    let daemon = Logged::start(&config, &[]);
    wait_for("the alerts and the breaker", 2 * MINUTE, || {
        query(folder.path(), "SELECT id FROM document").len() == STORIES && endpoint_of_desk() == ["failing"]
    });
    // Some of the stories may be taken for copies of another.
    let alerts = count(folder.path(), "state = 'pending'");
    assert!(alerts > STORIES / 2, "{alerts}");
    // A restart asks once, and no more often.
    daemon.stop();
    let before = log.lock().unwrap().len();
    assert!((2..=3).contains(&before), "{before} attempts for two failures, two at once");
    let daemon = Logged::start(&config, &[]);
    wait_for("the first probe", MINUTE, || log.lock().unwrap().len() > before);
    wait_for("its record", MINUTE, || query(folder.path(), "SELECT error FROM attempt").len() == before + 1);
    is_out.store(false, Ordering::SeqCst);
    wait_for("all alerts", 2 * MINUTE, || count(folder.path(), "state = 'delivered'") == alerts);
    assert_eq!(endpoint_of_desk(), ["healthy"]);
    let log_of_daemon = daemon.log();
    assert_eq!(log_of_daemon.matches("endpoint is back").count(), 1, "{log_of_daemon}");
    daemon.stop();
    assert_eq!(count(folder.path(), "attempts > 2"), 0, "what waited has lost none of its retries");
    let log = log.lock().unwrap();
    assert_eq!(log.len(), before + 1 + alerts, "one failed attempt more, then each once");
    let different: BTreeSet<_> = log.iter().map(|(_, id, body, _)| (id, body)).collect();
    assert_eq!(different.len(), alerts);
}

#[test]
fn an_endpoint_that_is_gone_stays_disabled_over_restarts_until_it_is_enabled() {
    let folder = tempfile::tempdir().unwrap();
    let is_gone = Arc::new(AtomicBool::new(true));
    let gone = Arc::clone(&is_gone);
    let (receiver, log) = server(move |_, stream, _| {
        let status = if gone.load(Ordering::SeqCst) { "410 Gone" } else { "204 No Content" };
        answer(stream, status, "", b"");
    });
    let (_wire, feeds, config) = wire(folder.path(), 2);
    append(&config, &sink("desk", &receiver.base, "concurrency_max = 1\n"));
    let daemon = Logged::start(&config, &[]);
    daemon.wait_for_log("endpoint is disabled", 1);
    wait_for("both alerts", MINUTE, || count(folder.path(), "state = 'pending' AND attempts = 0") == 2);
    daemon.stop();
    feeds.add("/a", story(2));
    let daemon = Logged::start(&config, &[]);
    daemon.wait_for_log("endpoint is disabled", 1);
    wait_for("the third alert", MINUTE, || count(folder.path(), "state = 'pending' AND attempts = 0") == 3);
    assert_eq!(log.lock().unwrap().len(), 1);

    let [status] = &endpoint(&["status"], &config)[..] else { panic!("one endpoint") };
    assert_eq!((status["sink"].as_str(), status["state"].as_str()), (Some("desk"), Some("disabled")));
    assert_eq!((status["why"].as_str(), status["waiting"].as_u64()), (Some("answered 410"), Some(3)));
    let doctor = gainsay(&["doctor", "--json", "-c", config.to_str().unwrap()]).output().unwrap();
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("(answered 410): gainsay endpoint enable desk"), "{doctor}");
    let unknown = gainsay(&["endpoint", "enable", "dsk", "-c", config.to_str().unwrap()]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("the config has no webhook and no mail server \"dsk\""));

    is_gone.store(false, Ordering::SeqCst);
    assert_eq!(endpoint(&["enable", "desk"], &config)[0]["state"], "healthy");
    daemon.wait_for_log("endpoint is enabled", 1);
    wait_for("all alerts", MINUTE, || count(folder.path(), "state = 'delivered'") == 3);
    daemon.stop();
    assert_eq!(log.lock().unwrap().len(), 4);
}

#[test]
fn one_that_is_too_busy_is_left_alone_as_a_whole_for_as_long_as_it_asks() {
    const WAIT: i64 = 3;
    let folder = tempfile::tempdir().unwrap();
    let (receiver, log) = server(|request, stream, before| match (request.path.as_str(), before) {
        ("/seconds", 0) => drop(answer(stream, "429 Too Many Requests", &format!("retry-after: {WAIT}\r\n"), b"")),
        ("/date", 0) => {
            // A date has whole seconds, so that a second may be lost.
            let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(WAIT + 1);
            let date = until.strftime("%a, %d %b %Y %H:%M:%S GMT");
            answer(stream, "503 Service Unavailable", &format!("retry-after: {date}\r\n"), b"");
        }
        _ => drop(answer(stream, "204 No Content", "", b"")),
    });
    let (_wire, feeds, config) = wire(folder.path(), 1);
    for name in ["seconds", "date"] {
        let url = format!("{}/{name}", receiver.base);
        append(&config, &sink(name, &url, "retry_schedule = [\"100ms\", \"1s\", \"1s\"]\n"));
    }
    let daemon = Daemon::start(&config);
    wait_for("the pauses", MINUTE, || query(folder.path(), "SELECT id FROM endpoint").len() == 2);
    for number in 1..4 {
        feeds.add("/a", story(number));
    }
    wait_for("all alerts", 2 * MINUTE, || count(folder.path(), "state = 'delivered'") == 8);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(query(folder.path(), "SELECT id FROM endpoint WHERE state <> 'healthy'"), Vec::<String>::new());
    let log = log.lock().unwrap();
    for path in ["/seconds", "/date"] {
        let times: Vec<jiff::Timestamp> = log.iter().filter(|(at, ..)| at == path).map(|(.., time)| *time).collect();
        assert_eq!(times.len(), 5, "{path}");
        // The date is read against the beginning of the attempt, which is before it came here.
        let gap = times[1].duration_since(times[0]).as_millis();
        assert!(gap >= 1000 * i128::from(WAIT) - 500, "{path} was asked again after {gap} ms");
    }
}

#[test]
fn what_is_over_the_rate_waits_and_an_endpoint_beside_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, log) = server(|_, stream, _| {
        answer(stream, "204 No Content", "", b"");
    });
    let (_wire, _feeds, config) = wire(folder.path(), 6);
    append(&config, &sink("slow", &format!("{}/slow", receiver.base), "rate_max = \"2/h\"\n"));
    append(&config, &sink("quick", &format!("{}/quick", receiver.base), ""));
    let daemon = Daemon::start(&config);
    wait_for("what may be sent", 2 * MINUTE, || {
        count(folder.path(), "sink = 'quick' AND state = 'delivered'") == 6
            && count(folder.path(), "sink = 'slow' AND state = 'delivered'") == 2
    });
    assert_eq!(daemon.stop().0, Some(0), "nor does a stop send more");
    assert_eq!(count(folder.path(), "sink = 'slow' AND state = 'pending' AND attempts = 0"), 4);
    assert_eq!(log.lock().unwrap().iter().filter(|(path, ..)| path == "/slow").count(), 2);
}

#[test]
fn another_address_is_tried_at_once_with_what_waited_for_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (_wire, _feeds, config) = wire(folder.path(), 3);
    let text = std::fs::read_to_string(&config).unwrap();
    let manners = "breaker_failures = 1\nretry_schedule = [\"1d\"]\n";
    append(&config, &sink("desk", "https://nameless.invalid/", manners));
    let daemon = Logged::start(&config, &[]);
    daemon.wait_for_log("endpoint fails", 1);
    wait_for("the alerts", MINUTE, || count(folder.path(), "state = 'pending'") == 3);
    let ids: BTreeSet<String> = query(folder.path(), "SELECT alert FROM outbox").into_iter().collect();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    std::fs::write(&config, text + &sink("desk", &receiver.base, manners)).unwrap();
    daemon.reload();
    wait_for("all alerts", MINUTE, || endpoint.received().len() == 3);
    daemon.stop();
    assert_eq!(endpoint.received().into_iter().map(|received| received.id).collect::<BTreeSet<_>>(), ids);
    let mut left = String::new();
    for row in query(folder.path(), "SELECT sink || ' ' || state FROM outbox WHERE state <> 'delivered'") {
        writeln!(left, "{row}").unwrap();
    }
    assert_eq!(left, "");
}
