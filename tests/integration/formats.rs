//! What goes out in other forms than gainsay's own JSON, read by programs of others; and files of lines that are closed.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::kills::story;
use crate::receivers::{installed, step};
use crate::support::{Daemon, Feeds, RawServer, SECRET, answer, query, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// A request: its path, its headers, its body.
type Seen = (String, HeaderMap, Vec<u8>);

/// Reads events with the official library, one a line with its headers; prints their attributes and data.
const READER: &str = r#"
import json, sys
from cloudevents.http import from_http
for line in sys.stdin:
    request = json.loads(line)
    event = from_http(request["headers"], request["body"].encode())
    print(json.dumps({"attributes": dict(event.get_attributes()), "data": event.get_data()}))
"#;

/// Python with the official library of CloudEvents.
fn reader() -> Option<Command> {
    let folder = installed("cloudevents-python", |folder| {
        step(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
        let pip = folder.join("venv/bin/pip");
        step(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", "cloudevents==1.12.0"]))
    })?;
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(command)
}

/// What a program of another says to these requests.
fn read_by(mut command: Command, requests: &[(HeaderMap, Vec<u8>)]) -> Vec<Value> {
    let mut program = command.spawn().unwrap();
    let mut input = program.stdin.take().unwrap();
    for (headers, body) in requests {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().into())).collect();
        writeln!(input, "{}", json!({"headers": headers, "body": String::from_utf8(body.clone()).unwrap()})).unwrap();
    }
    drop(input);
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "the library refuses them");
    crate::support::json_lines(&output.stdout)
}

/// A daemon with one sink in each form; what the library reads is what gainsay's own form says, repeats have the same bytes and
/// headers, and the signature is over them.
#[test]
fn formats_cloud_events_are_read_by_the_official_library() {
    let Some(reader) = reader() else { return };
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = Arc::clone(&seen);
    let endpoint = RawServer::start(move |request, stream| {
        let mut log = log.lock().unwrap();
        let is_new = !log.iter().any(|(path, ..)| *path == request.path);
        log.push((request.path.clone(), request.headers.clone(), request.body.clone()));
        // The first attempt of each is refused.
        answer(stream, if is_new { "500 Not Yet" } else { "204 No Content" }, "", b"");
    });
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config =
        write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&format!("{}/own", endpoint.base)));
    let mut text = std::fs::read_to_string(&config).unwrap();
    for format in ["cloudevents", "cloudevents-binary"] {
        let url = format!("{}/{format}", endpoint.base);
        write!(
            text,
            "[[sink]]\nname = \"{format}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nformat = \"{format}\"\n\
             headers = {{ Ce-Source = \"mine\" }}\nretry_schedule = [\"1s\"]\nalerts_per_day = 0\n"
        )
        .unwrap();
    }
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    let count = |state: &str| query(folder.path(), &format!("SELECT alert FROM outbox WHERE state = '{state}'")).len();
    wait_for("the alerts", MINUTE, || count("delivered") >= 3 && count("pending") == 0);
    assert_eq!(daemon.stop().0, Some(0));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
    for (path, headers, body) in &seen {
        webhook.verify(body, headers).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let of = |path: &str, id: &str| -> Vec<(HeaderMap, Vec<u8>)> {
        let fits = |(its, headers, _): &&Seen| its == path && headers["webhook-id"] == *id;
        seen.iter().filter(fits).map(|(_, headers, body)| (headers.clone(), body.clone())).collect()
    };
    let own: Value = serde_json::from_slice(&seen.iter().find(|(path, ..)| path == "/own").unwrap().2).unwrap();
    let id = own["data"]["id"].as_str().unwrap();
    let (whole, parted) = (of("/cloudevents", id), of("/cloudevents-binary", id));
    for attempts in [&whole, &parted] {
        assert_eq!(attempts.len(), 2);
        assert_eq!(attempts[0].1, attempts[1].1);
        for (name, value) in attempts[0].0.iter().filter(|(name, _)| name.as_str().starts_with("ce-")) {
            assert_eq!(attempts[1].0[name], value);
        }
    }
    assert_eq!(whole[0].0["content-type"], "application/cloudevents+json");
    // In this form the head of the config is no attribute; in the other the event's own goes before it.
    assert_eq!(
        (&whole[0].0["ce-source"], parted[0].0.get_all("ce-source").iter().count()),
        (&"mine".parse().unwrap(), 1)
    );
    let read = read_by(reader, &[whole[0].clone(), parted[0].clone()]);
    assert_eq!(read[0], read[1]);
    let (attributes, data) = (&read[0]["attributes"], &read[0]["data"]);
    assert_eq!(*data, own["data"]);
    let expected = [
        ("specversion", "1.0".to_owned()),
        ("id", id.to_owned()),
        ("type", format!("dev.gainsay.{}", own["type"].as_str().unwrap())),
        ("time", own["timestamp"].as_str().unwrap().to_owned()),
        ("source", format!("urn:gainsay:thread:{}", data["thread"]["id"].as_str().unwrap())),
        ("subject", data["claim"]["id"].as_str().unwrap().to_owned()),
        ("correlationid", data["thread"]["id"].as_str().unwrap().to_owned()),
        ("sequence", format!("{:010}", data["thread"]["sequence"].as_u64().unwrap())),
    ];
    for (name, value) in expected {
        assert_eq!(attributes[name], value, "{name}");
    }
}

/// Through kills and restarts each alert is in one of the files, the closed ones compressed; and all of them in order.
#[test]
fn formats_files_are_closed_and_compressed_and_lose_nothing() {
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let sink = "[[sink]]\nname = \"files\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\nalerts_per_day = 0\n\
                rotate_bytes = \"4KiB\"\nrotate_every = \"1d\"\ncompress = true\nfsync = \"interval 50ms\"\n";
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + sink).unwrap();
    let delivered =
        || query(folder.path(), "SELECT alert FROM outbox WHERE state = 'delivered' ORDER BY settled, position");
    for number in 1..=6 {
        feeds.add("/a", story(number));
        let mut daemon = Daemon::start(&config);
        let before = delivered().len();
        wait_for("an alert", MINUTE, || delivered().len() > before);
        daemon.kill();
    }
    let is_closed = |name: &str| name.starts_with("alerts-");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    // Whatever a kill has cut short is done at the next start.
    feeds.add("/a", story(7));
    let daemon = Daemon::start(&config);
    let before = delivered().len();
    wait_for("an alert", MINUTE, || delivered().len() > before);
    wait_for("the compression", MINUTE, || {
        names().iter().filter(|name| is_closed(name)).all(|name| name.ends_with(".jsonl.gz"))
    });
    assert_eq!(daemon.stop().0, Some(0));
    let mut text = String::new();
    let closed: Vec<String> = names().into_iter().filter(|name| is_closed(name)).collect();
    assert!(closed.len() >= 3, "{closed:?}");
    for name in &closed {
        let file = std::fs::File::open(folder.path().join(name)).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    }
    text += &std::fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
    let ids = |lines: &[Value]| -> Vec<String> {
        let mut ids: Vec<String> = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        // A kill between a line and its record repeats the line.
        ids.dedup();
        ids
    };
    let mut found = ids(&crate::support::json_lines(text.as_bytes()));
    let mut expected = delivered();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
