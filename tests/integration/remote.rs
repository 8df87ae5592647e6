//! Listings of a running daemon: the same tables and lines as from its database, to who may see them; and threads that are merged and
//! split by what the API offers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{read, send, wait_until_ready};
use crate::kills::story;
use crate::support::{Daemon, Endpoint, Entry, Feeds, listen, output, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
const READER: &str = "reader-0123456789abcdef";

#[track_caller]
fn printed(args: &[&str]) -> String {
    let printed = output(args);
    assert!(printed.status.success(), "{args:?}: {printed:?}");
    String::from_utf8(printed.stdout).unwrap()
}

#[track_caller]
fn refused(args: &[&str], words: &str) {
    let printed = output(args);
    let said = String::from_utf8_lossy(&printed.stderr).into_owned();
    assert!(!printed.status.success() && said.contains(words), "{args:?}: {said}");
}

#[test]
fn a_daemon_is_listed_as_its_database_is() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    (0..8).for_each(|number| feeds.add("/a", story(number)));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let text = std::fs::read_to_string(&config).unwrap().replace("poll_interval = \"1s\"", "poll_interval = \"1h\"");
    let tokens = format!("[web]\ntokens = [{{ name = \"r\", scope = \"read\", value = \"{READER}\" }}]\n[intake]");
    std::fs::write(&config, text.replace("[intake]", &tokens)).unwrap();
    let address = listen(&config);
    let _daemon = Daemon::start(&config);
    wait_until_ready(address);
    wait_for("the alerts", MINUTE, || endpoint.received().len() >= 8);
    let (config, at, file) = (config.to_str().unwrap(), format!("http://{address}"), folder.path().join("token"));
    std::fs::write(&file, format!("{READER}\n")).unwrap();
    let token = file.to_str().unwrap();

    let surname = story(3).title.split(' ').next().unwrap().to_owned();
    let same: [&[&str]; 9] = [
        &["claims"],
        &["claims", "--kind", "denial", "--speaker", &surname],
        &["claims", "-n", "3"],
        &["threads", "--state", "answered", "--since", "1d"],
        &["threads", "-n", "0", "--text", &surname],
        &["deliveries", "--status", "delivered", "--speaker", &surname],
        &["deliveries", "ls", "--sink", "desk", "--outlet", "outlet a"],
        &["feeds", "status", "--state", "healthy"],
        &["feeds", "list"],
    ];
    for command in same {
        for form in ["--json", "--table"] {
            // What is delivered settles a moment after it came.
            let own = || printed(&[command, &["-c", config, form]].concat());
            let asked = || printed(&[command, &["--at", &at, "--token-file", token, form]].concat());
            wait_for(&format!("{command:?} {form} twice"), MINUTE, || own() == asked());
            assert!(own().lines().count() > usize::from(form == "--table"), "{command:?}: {}", own());
        }
    }
    refused(&["claims", "--at", &at], "--token-file or --token-env");
    refused(&["claims", "--at", &at, "-c", config], "leave out --config and --database");
    refused(&["feeds", "list", "--at", &at, "-c", config], "cannot be used with");
    refused(&["claims", "--token-file", token], "--at");
    refused(&["claims", "--at", "localhost:1"], "an address looks like");
    refused(&["threads", "--at", "http://127.0.0.1:9"], "does `gainsay run` run?");
    refused(&["deliveries", "--at", &at, "--token-file", token, "--speaker", &"x".repeat(400)], "at most 300");
}

fn threads(address: SocketAddr) -> Vec<Value> {
    read(address, "/threads")["items"].as_array().unwrap().clone()
}

fn say(address: SocketAddr, said: &Value) -> u16 {
    let lines = ["content-type: application/json", "x-gainsay: 1"];
    send(address, "POST", "/api/v1/feedback", &lines, &said.to_string()).0
}

#[test]
fn threads_of_one_matter_are_offered_merged_and_split_again() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    let one = "Union leader Hugo Marchetti accused Selby Freight of hiding three accidents. Marchetti spoke on Monday.";
    let other =
        "Harbour inspectors accused Selby Freight of forging the logbooks of its trucks. The report has ninety pages.";
    feeds.add("/a", Entry::new("one", "A day of speeches in the north", one));
    feeds.add("/a", Entry::new("other", "A report on the road", other));
    feeds.add("/a", story(5));
    let config = write_config(Path::new(folder.path()), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let address = listen(&config);
    let _daemon = Daemon::start(&config);
    wait_until_ready(address);
    wait_for("the threads", MINUTE, || threads(address).len() == 3);
    let about = |words: &str| read(address, &format!("/threads?q={words}"))["items"][0].clone();
    let (accidents, logbooks) = (about("accidents"), about("logbooks"));
    let id = |thread: &Value| thread["id"].as_str().unwrap().to_owned();
    assert_ne!(id(&accidents), id(&logbooks));
    let offered = read(address, &format!("/threads/{}/likely", id(&accidents)));
    let first = &offered["items"][0];
    assert_eq!(first["thread"]["id"], logbooks["id"], "{offered}");
    assert_eq!(offered["items"].as_array().unwrap().len(), 1, "what is about others is not offered: {offered}");
    assert!(first["probability"].as_f64().unwrap() >= 0.1 && !first["reason"].as_str().unwrap().is_empty());
    let (status, ..) = send(address, "GET", &format!("/api/v1/threads/{}/likely", "0".repeat(32)), &[], "");
    assert_eq!(status, 404);

    assert_eq!(say(address, &json!({"act": "merge", "thread": id(&logbooks), "other": id(&accidents)})), 202);
    wait_for("the merge", MINUTE, || threads(address).len() == 2);
    let merged = about("accidents");
    assert_eq!(about("logbooks")["id"], merged["id"]);
    let gone = if merged["id"] == accidents["id"] { &logbooks } else { &accidents };
    let split = |claims: &Value| json!({"act": "split", "thread": id(&merged), "claims": claims});
    assert_eq!(say(address, &split(&json!([]))), 400);
    assert_eq!(say(address, &split(&json!(["x"]))), 400);
    assert_eq!(say(address, &split(&json!(["0".repeat(32)]))), 404);
    assert_eq!(say(address, &split(&gone["claims"])), 202);
    wait_for("the split", MINUTE, || threads(address).len() == 3);
    assert_eq!(about("accidents")["claims"], accidents["claims"]);
    assert_eq!(about("logbooks")["claims"], logbooks["claims"]);
}
