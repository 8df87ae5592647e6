//! What the daemon tells about itself: over HTTP, in numbers that add up, and in the log.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::kills::story;
use crate::support::{
    Daemon, Endpoint, Entry, Feeds, RawServer, answer, converse, gainsay, get, hang, json_lines, listen, output, query,
    wait_for, write_config,
};

const MINUTE: Duration = Duration::from_mins(1);

fn wait_until_ready(address: SocketAddr) {
    wait_for("readiness", MINUTE, || get(address, "/readyz").is_some_and(|(status, _)| status == 200));
}

/// Samples by name and labels.
fn metrics(address: SocketAddr) -> BTreeMap<String, f64> {
    let (status, text) = get(address, "/metrics").unwrap();
    assert_eq!(status, 200, "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    samples.collect()
}

/// The sum of a metric's series, of those with this label where one is given.
fn sum(metrics: &BTreeMap<String, f64>, name: &str, label: &str) -> f64 {
    let name = format!("gainsay_{name}");
    let is_meant = |series: &str| series.split('{').next() == Some(name.as_str()) && series.contains(label);
    let series: Vec<f64> = metrics.iter().filter(|(series, _)| is_meant(series)).map(|(_, value)| *value).collect();
    assert!(!series.is_empty(), "no series {name} with {label}");
    series.iter().sum()
}

#[test]
fn a_daemon_says_whether_it_lives_and_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let address = listen(&config);
    let probe = || output(&["probe", &address.to_string()]);
    let unanswered = probe();
    assert_eq!(unanswered.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unanswered.stderr).contains(&format!("no answer from {address}")));

    // While the database is locked the state cannot be rebuilt.
    let lock = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let daemon = Daemon::start(&config);
    wait_for("an answer", MINUTE, || get(address, "/readyz").is_some());
    assert_eq!(get(address, "/readyz"), Some((503, "starting\n".to_owned())));
    assert_eq!(get(address, "/healthz"), Some((200, "ok\n".to_owned())));
    assert_eq!(probe().status.code(), Some(1));
    drop(lock);

    wait_until_ready(address);
    assert_eq!(probe().status.code(), Some(0));
    let head = converse(address, b"HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let accept =
        b"GET /metrics HTTP/1.1\r\nhost: x\r\naccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n";
    let open = converse(address, accept).unwrap();
    assert!(open.contains("content-type: application/openmetrics-text") && open.ends_with("# EOF\n"), "{open}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        let refused =
            converse(address, format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").as_bytes());
        let refused = refused.unwrap();
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET,HEAD"), "{refused}");
    }
    assert_eq!(get(address, "/nowhere").unwrap().0, 404);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(get(address, "/healthz"), None);
}

#[test]
fn a_daemon_that_stops_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let wire = RawServer::start(|_, stream| hang(stream));
    let config = write_config(folder.path(), &[("a", wire.base.clone())], None);
    let address = listen(&config);
    let daemon = Daemon::start(&config);
    wait_until_ready(address);
    wait_for("a poll", MINUTE, || sum(&metrics(address), "polls_under_way", "") > 0.0);
    daemon.terminate();
    let mut last = None;
    wait_for("the stop", MINUTE, || {
        last = get(address, "/readyz");
        last.as_ref().is_none_or(|(status, _)| *status != 200)
    });
    assert_eq!(last, Some((503, "stopping\n".to_owned())));
    assert_eq!(daemon.ended().0, Some(0));
}

#[test]
fn a_port_in_use_is_told_with_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".to_owned())], None);
    let address = listen(&config);
    let taken = TcpListener::bind(address).unwrap();
    let printed = output(&["run", "-c", config.to_str().unwrap()]);
    drop(taken);
    assert_eq!(printed.status.code(), Some(1));
    let said = String::from_utf8(printed.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on {address} (key http.listen): Address already in use")), "{said}");
    assert!(!folder.path().join("gainsay.db").exists(), "nothing is begun before the port is had");
}

#[test]
fn clients_that_are_slow_or_too_big_are_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let address = listen(&config);
    let daemon = Daemon::start(&config);
    wait_until_ready(address);

    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    // The server may hang up on what it does not want to read, which can look like no answer.
    let refused = converse(address, long.as_bytes());
    assert!(refused.as_ref().is_none_or(|answer| answer.starts_with("HTTP/1.1 431 ")), "{refused:?}");
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(100));
    let refused = converse(address, many.as_bytes());
    assert!(refused.as_ref().is_none_or(|answer| answer.starts_with("HTTP/1.1 431 ")), "{refused:?}");

    // More clients than there are places, who never finish their requests: the next one is served all the same.
    let start = Instant::now();
    let mut idle: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in &mut idle {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").unwrap();
    }
    assert_eq!(get(address, "/healthz").unwrap().0, 200);
    assert!(start.elapsed() < MINUTE / 2, "took {:?}", start.elapsed());
    let mut first = idle.remove(0);
    first.set_read_timeout(Some(MINUTE)).unwrap();
    first.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(daemon.stop().0, Some(0));
}

/// Everything that the documentation of the metrics says must add up, for every sink.
#[track_caller]
fn check_sums(metrics: &BTreeMap<String, f64>, sinks: &[&str]) {
    let total = |name: &str| sum(metrics, name, "");
    let equal = |left: f64, right: f64, what: &str| {
        assert!((left - right).abs() < 0.5, "{what}: {left} is not {right}\n{metrics:#?}");
    };
    equal(total("entries_read_total"), total("documents_in_total") + total("entries_lost_total"), "entries");
    let came = total("backlog_documents_at_start") + total("documents_in_total");
    equal(came, total("documents_total") + total("backlog_documents"), "documents");
    let placed = ["read", "quarantined"].map(|result| sum(metrics, "documents_total", &format!("\"{result}\"")));
    equal(placed.iter().sum(), total("stories_total"), "stories");
    for sink in sinks {
        let (created, states) = (sum(metrics, "outbox_created", sink), sum(metrics, "outbox_alerts", sink));
        equal(created, states, &format!("the ledger of {sink}"));
        let of_sink = |name: &str| sum(metrics, name, &format!("sink=\"{sink}\""));
        equal(
            of_sink("alerts_routed_total"),
            of_sink("alerts_held_total")
                + of_sink("alerts_silenced_total")
                + of_sink("outbox_put_in_total")
                + of_sink("outbox_known_total"),
            &format!("alerts routed to {sink}"),
        );
        equal(
            of_sink("outbox_waiting_at_start") + of_sink("outbox_put_in_total"),
            ["delivered_total", "dead_total", "given_up_total", "waiting"]
                .iter()
                .map(|end| of_sink(&format!("outbox_{end}")))
                .sum(),
            &format!("alerts of {sink}"),
        );
    }
}

/// The sums hold, and what they are made of is what the database holds.
#[track_caller]
fn check_stored(folder: &Path, metrics: &BTreeMap<String, f64>, sink: &str, state: &str, metric: &str) {
    let rows = query(folder, &format!("SELECT alert FROM outbox WHERE sink = '{sink}' AND state = '{state}'")).len();
    let counted = sum(metrics, metric, &format!("sink=\"{sink}\""));
    assert_eq!(rows.to_string(), counted.to_string(), "{sink} {state}");
}

/// Adds two sinks whose endpoint refuses everything, one that gives up at once and one that waits, with a budget of one alert.
fn add_refused_sinks(config: &Path, refusing: &str) {
    let webhook = |name: &str, url: &str, schedule: &str| {
        let secret = crate::support::SECRET;
        format!(
            "[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{secret}\"\nretry_schedule = {schedule}\n"
        )
    };
    let text = std::fs::read_to_string(config).unwrap()
        + &webhook("dead", refusing, "[]")
        + &webhook("slow", refusing, "[\"1d\"]")
        + "alerts_per_day = 1\n"
        + "[[rule]]\nname = \"all\"\nconfidence_min = 0\n";
    std::fs::write(config, text).unwrap();
}

#[test]
fn every_stage_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let refusing = RawServer::start(|_, stream| {
        answer(stream, "500 Internal Server Error", "", b"");
    });
    for path in ["/a", "/b"] {
        feeds.add(path, story(1));
        feeds.add(path, story(12));
    }
    feeds.add("/b", Entry::new("plain", "Ferry timetable", "The ferry sails at noon &nbsp; every day."));
    let urls = [("a", format!("{}/a", wire.base)), ("b", format!("{}/b", wire.base)), ("page", page.base.clone())];
    let config = write_config(folder.path(), &urls, Some(&receiver.base));
    let address = listen(&config);
    add_refused_sinks(&config, &refusing.base);
    let daemon = Daemon::start(&config);
    wait_until_ready(address);
    // Three failures of the page make an alert of their own.
    wait_for("all alerts", 2 * MINUTE, || {
        let metrics = metrics(address);
        sum(&metrics, "alerts_total", "feed.failing") > 0.0
            && sum(&metrics, "outbox_put_in_total", "desk") >= 3.0
            && sum(&metrics, "outbox_waiting", "desk") < 0.5
            && sum(&metrics, "outbox_waiting", "dead") < 0.5
            && sum(&metrics, "delivery_attempts_total", "sink=\"slow\"") >= sum(&metrics, "outbox_put_in_total", "slow")
    });
    // A revision and a new document while it runs.
    feeds.add("/a", Entry { body: "The ferry sails at one.".to_owned(), ..Entry::new("later", "Ferry", "") });
    let read = sum(&metrics(address), "documents_total", "\"read\"");
    let mut last = BTreeMap::new();
    wait_for("rest", MINUTE, || {
        last = metrics(address);
        sum(&last, "documents_total", "\"read\"") > read
            && sum(&last, "desk_queue_polls", "") + sum(&last, "polls_under_way", "") < 0.5
    });
    check_sums(&last, &["desk", "dead", "slow"]);
    assert!(sum(&last, "alerts_held_total", "slow") > 0.0, "one a day is its budget");
    for (sink, state, metric) in [
        ("desk", "delivered", "outbox_delivered_total"),
        ("desk", "delivered", "outbox_created"),
        ("dead", "dead", "outbox_dead_total"),
        ("slow", "pending", "outbox_waiting"),
    ] {
        check_stored(folder.path(), &last, sink, state, metric);
        assert!(sum(&last, metric, sink) >= 1.0, "{sink}");
    }
    let documents = query(folder.path(), "SELECT id FROM document").len();
    assert_eq!(documents, 6);
    assert_eq!(sum(&last, "documents_total", "\"read\"").to_string(), documents.to_string());
    assert!(sum(&last, "documents_total", "\"known\"") >= 2.0);
    assert!(sum(&last, "stories_total", "joined") >= 2.0 && sum(&last, "claims_total", "denial") >= 2.0);
    assert!(sum(&last, "polls_total", "not_modified") > 0.0 && sum(&last, "poll_failures_total", "no_feed") >= 3.0);
    assert!(sum(&last, "poll_bytes_total", "wire") > 100.0 && sum(&last, "feed_repairs_total", "entity") > 0.0);
    assert_eq!((sum(&last, "feeds", "healthy"), sum(&last, "feeds", "failing")), (2.0, 1.0));
    assert!(sum(&last, "feed_success_age_seconds", "\"a\"") < 60.0 && sum(&last, "database_bytes", "main") > 0.0);
    assert!(sum(&last, "commit_seconds_count", "") > 0.0 && sum(&last, "analysis_seconds_count", "") >= 6.0);
    assert_eq!(daemon.stop().0, Some(0));

    // What waits is counted in at the next start.
    let daemon = Daemon::start(&config);
    wait_until_ready(address);
    wait_for("a poll", MINUTE, || {
        last = metrics(address);
        sum(&last, "polls_total", "") > 0.0
            && sum(&last, "desk_queue_polls", "") + sum(&last, "polls_under_way", "") < 0.5
    });
    assert!(sum(&last, "outbox_waiting_at_start", "slow") >= 1.0);
    assert!(sum(&last, "outbox_alerts", "desk") >= 3.0, "the ledger counts over restarts");
    check_sums(&last, &["desk", "dead", "slow"]);
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn the_log_is_json_where_nobody_looks_and_says_the_same_names() {
    let folder = tempfile::tempdir().unwrap();
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let config = write_config(folder.path(), &[("a", page.base.clone())], None);
    let daemon = Daemon::start(&config);
    wait_for("a poll", MINUTE, || !query(folder.path(), "SELECT record FROM cursor").is_empty());
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0));
    let lines = json_lines(said.as_bytes());
    let line = lines.iter().find(|line| line["message"] == "poll failed").unwrap();
    assert_eq!(
        (&line["level"], &line["feed"], &line["target"]),
        (&"warn".into(), &"a".into(), &"gainsay::app::observer".into())
    );
    assert!(line["error"].as_str().unwrap().contains("a web page"), "{said}");
    assert!(line["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{said}");
}

#[test]
fn the_journal_gets_priorities_and_flags_go_before_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[intake]\n", "[log]\nfilter = \"info\"\n[intake]\n")).unwrap();
    let log = folder.path().join("log");
    let run = |stream: Option<&str>, args: &[&str]| {
        let file = std::fs::File::create(&log).unwrap();
        let metadata = file.metadata().unwrap();
        let mut command = gainsay(&["run", "--config", config.to_str().unwrap()]);
        let journal = stream.map_or_else(|| format!("{}:{}", metadata.dev(), metadata.ino()), str::to_owned);
        command.args(args).env("JOURNAL_STREAM", journal);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let daemon = Daemon(child);
        wait_for("the start", MINUTE, || std::fs::read_to_string(&log).unwrap().contains("started"));
        drop(daemon);
        std::fs::read_to_string(&log).unwrap()
    };
    let journal = run(None, &[]);
    assert!(journal.lines().any(|line| line.starts_with("<6>started ")), "{journal}");
    let inherited = run(Some("1:2"), &[]);
    assert!(inherited.lines().any(|line| line.contains("\"message\":\"started\"")), "not our stream:\n{inherited}");
    let human = run(None, &["--log-format", "human"]);
    assert!(human.lines().any(|line| line.contains(" INFO started ")), "{human}");
}
