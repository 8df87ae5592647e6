//! What sinks hold back, as the API tells it: listed by state, and told by the stream when it is let go.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::api::{read, send, wait_until_ready};
use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, listen, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// Events of the stream: name, whether it has an id, and item; until one has this name.
fn events_until(address: SocketAddr, query: &str, last: &str) -> Vec<(String, bool, Value)> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(MINUTE)).unwrap();
    write!(stream, "GET /api/v1/alerts/stream?{query} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let (mut found, mut name, mut has_id) = (Vec::new(), String::new(), false);
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(given) = line.strip_prefix("event: ") {
            given.clone_into(&mut name);
        } else if line.starts_with("id: ") {
            has_id = true;
        } else if let Some(data) = line.strip_prefix("data: ") {
            found.push((name.clone(), std::mem::take(&mut has_id), serde_json::from_str(data).unwrap()));
            if name == last {
                break;
            }
        }
    }
    found
}

/// A daemon that holds the alerts of a group for so long, with one story in its feed.
fn start_with_wait(folder: &Path, feeds: &Feeds, wire: &str, receiver: &str, wait: &str) -> (Daemon, SocketAddr) {
    feeds.add("/a", story(1));
    let config = write_config(folder, &[("a", format!("{wire}/a"))], Some(receiver));
    let text = std::fs::read_to_string(&config).unwrap();
    let held = format!("alerts_per_day = 0\ngroup_wait = \"{wait}\"");
    std::fs::write(&config, text.replace("alerts_per_day = 0", &held)).unwrap();
    let address = listen(&config);
    let daemon = Daemon::start(&config);
    wait_until_ready(address);
    (daemon, address)
}

#[test]
fn what_is_held_is_listed_as_such_and_the_stream_says_when_it_goes_out() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    let (_daemon, address) = start_with_wait(folder.path(), &feeds, &wire.base, &receiver.base, "8s");
    let whole = std::thread::spawn(move || events_until(address, "after=0", "changed"));
    let held_alone = std::thread::spawn(move || events_until(address, "after=0&state=held", "changed"));
    let others = std::thread::spawn(move || events_until(address, "after=0&state=out&q=zzyzx", "alert"));
    let by = |state: &str| read(address, &format!("/alerts?state={state}"))["items"].as_array().unwrap().clone();
    wait_for("the alert that waits", MINUTE, || by("held").len() == 1);
    let held = by("held").remove(0);
    assert_eq!((by("out").len(), by("taken_back").len(), by("silenced").len()), (0, 0, 0));
    assert_eq!(read(address, "/alerts?state=held&state=out")["items"].as_array().unwrap(), std::slice::from_ref(&held));
    let (status, _, problem) = send(address, "GET", "/api/v1/alerts?state=gone", &[], "");
    assert!(status == 400 && problem.contains("accepted: out, held, taken_back, silenced"), "{problem}");

    let events = whole.join().unwrap();
    let names: Vec<(&str, bool)> = events.iter().map(|(name, has_id, _)| (name.as_str(), *has_id)).collect();
    assert_eq!(names, [("alert", true), ("changed", false)]);
    assert_eq!(events[0].2["state"], "held");
    let changed = &events[1].2;
    assert_eq!((&changed["state"], &changed["position"]), (&Value::from("out"), &held["position"]));
    assert_eq!(changed["held"], Value::Array(Vec::new()));
    let names: Vec<String> = held_alone.join().unwrap().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["alert", "changed"], "who looks at what is held hears that it is no more");
    assert_eq!(by("held").len(), 0);
    assert_eq!(by("out"), std::slice::from_ref(changed));
    // What no other filter lets through stays silent.
    feeds.add("/a", story(2));
    wait_for("the next alert", MINUTE, || by("out").len() == 2);
    assert!(!others.is_finished());
}

#[test]
fn a_wait_that_is_over_before_anybody_looks_is_told_as_changed_too() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    let (_daemon, address) = start_with_wait(folder.path(), &feeds, &wire.base, &receiver.base, "1s");
    wait_for("the first alert", MINUTE, || !endpoint.received().is_empty());
    let last = read(address, "/alerts")["items"][0]["position"].as_i64().unwrap();
    for number in 2..6 {
        let listening =
            std::thread::spawn(move || events_until(address, &format!("after={last}&state=held"), "changed"));
        feeds.add("/a", story(number));
        let changed = listening.join().unwrap().pop().unwrap().2;
        assert_eq!(changed["state"], "out");
    }
}
