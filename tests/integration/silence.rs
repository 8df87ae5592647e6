//! `gainsay silence`, and what else keeps alerts from a sink: a running daemon takes silences in, what they keep back is listed, and
//! what waits for a time comes although the feeds bring nothing.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::check_schema;
use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, json_lines, output, query, wait_for, write_config};

const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a command on the config's database; what it printed.
#[track_caller]
fn run(config: &Path, args: &[&str]) -> Vec<Value> {
    let printed = output(&[args, &["-c", config.to_str().unwrap(), "--json"]].concat());
    assert!(printed.status.success(), "{args:?}: {printed:?}");
    json_lines(&printed.stdout)
}

#[track_caller]
fn refused(config: &Path, args: &[&str], why: &str) {
    let printed = output(&[args, &["-c", config.to_str().unwrap()]].concat());
    let said = String::from_utf8_lossy(&printed.stderr).into_owned();
    assert!(!printed.status.success() && said.contains(why), "{args:?}: {said}");
}

fn surname(number: usize) -> String {
    story(number).title.split(' ').next().unwrap().to_owned()
}

fn received(endpoint: &Endpoint) -> Vec<Value> {
    let bodies = endpoint.received().into_iter().map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
    bodies.map(|body| body["data"].clone()).collect()
}

#[test]
fn a_running_daemon_takes_silences_in_and_lists_what_they_keep_back() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the first alert", PATIENCE, || !received(&endpoint).is_empty());
    let waiting = || query(folder.path(), "SELECT id FROM feedback WHERE state = 'pending'").len();

    let name = surname(2);
    let added =
        run(&config, &["silence", "add", "--for", "2h", "--speaker", &name, "--comment", "a  drill", "--by", "Ada"]);
    assert_eq!(
        (&added[0]["act"], &added[0]["speaker"], &added[0]["comment"]),
        (&json!("silence"), &json!(name), &json!("a drill"))
    );
    check_schema("feedback", &added);
    wait_for("the silence", PATIENCE, || waiting() == 0);
    feeds.add("/a", story(2));
    let kept = || run(&config, &["deliveries", "--status", "silenced"]);
    wait_for("the alert that is kept back", PATIENCE, || !kept().is_empty());
    let silence = added[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(kept()[0]["reason"], json!(format!("silence {silence}: a drill")));
    assert_eq!(kept()[0]["headline"], json!(story(2).title));
    let explained = run(&config, &["explain", kept()[0]["alert"].as_str().unwrap()]);
    assert_eq!(explained[0]["outcome"], "silenced", "{explained:?}");

    let listed = run(&config, &["silence", "ls"]);
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["state"]), (1, &json!(silence), &json!("applied")));
    run(&config, &["silence", "end", silence.get(..8).unwrap()]);
    wait_for("its end", PATIENCE, || waiting() == 0);
    assert_eq!(run(&config, &["silence", "ls"]), [Value::Null; 0]);
    feeds.add("/a", story(3));
    wait_for("the last alert", PATIENCE, || received(&endpoint).len() >= 2);
    assert_eq!(daemon.stop().0, Some(0));
    let headlines: Vec<Value> = received(&endpoint).iter().map(|alert| alert["document"]["headline"].clone()).collect();
    assert_eq!(headlines, [json!(story(1).title), json!(story(3).title)]);
}

#[test]
fn a_silence_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the first alert", PATIENCE, || !received(&endpoint).is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let add = |args: &[&'static str]| [&["silence", "add", "--comment", "why"], args].concat();
    refused(&config, &add(&["--for", "2h"]), "needs to say what is silenced");
    refused(&config, &add(&["--kind", "denial"]), "--until");
    refused(&config, &add(&["--for", "2h", "--until", "2030-01-01", "--kind", "denial"]), "cannot be used with");
    refused(&config, &add(&["--for", "400d", "--kind", "denial"]), "366 days at most");
    refused(&config, &add(&["--until", "2020-01-01", "--kind", "denial"]), "over already");
    refused(&config, &add(&["--until", "2h", "--kind", "denial"]), "a duration is for --for");
    refused(&config, &add(&["--for", "soon", "--kind", "denial"]), "expected a duration");
    refused(&config, &add(&["--for", "2h", "--kind", "lie"]), "expected allegation, denial");
    refused(&config, &add(&["--for", "2h", "--when", "speeker == 'A'"]), "speeker");
    refused(&config, &add(&["--for", "2h", "--thread", "0000beef"]), "no thread has an id");
    refused(&config, &["silence", "add", "--for", "2h", "--kind", "denial"], "--comment");
    refused(&config, &["silence", "end", "0000beef"], "no silence");
    assert_eq!(run(&config, &["feedback", "list"]), [Value::Null; 0], "what cannot be done is not logged");
}

#[test]
fn what_waits_for_others_of_its_thread_comes_although_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let patient = std::fs::read_to_string(&config)
        .unwrap()
        .replace("poll_interval = \"1s\"", "poll_interval = \"1h\"")
        .replace("alerts_per_day = 0", "alerts_per_day = 0\ngroup_wait = \"3s\"");
    std::fs::write(&config, patient).unwrap();
    let mut daemon = Daemon::start(&config);
    let held = || query(folder.path(), "SELECT id FROM held_group").len();
    let told = || query(folder.path(), "SELECT alert FROM outbox").len();
    wait_for("the alert that waits", PATIENCE, || held() + told() == 1);
    daemon.kill();
    let daemon = Daemon::start(&config);
    wait_for("the alert", PATIENCE, || received(&endpoint).len() == 1);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((held(), told(), received(&endpoint)[0]["document"]["headline"].clone()), (0, 1, json!(story(1).title)));
}
