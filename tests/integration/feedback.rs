//! `gainsay feedback`: what a user says is logged, checked, replayed, exported, and taken in by a running daemon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::check_schema;
use crate::kills::story;
use crate::looking::{archive, lines, look};
use crate::support::{Daemon, Endpoint, Feeds, json_lines, output, query, wait_for, write_config};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A replay of the archive of `looking`.
struct Replayed {
    database: PathBuf,
    alerts: Vec<u8>,
}

fn replay(folder: &Path, name: &str, log: Option<&str>) -> Replayed {
    let database = folder.join(name);
    let archive = archive(folder);
    let mut args = vec!["replay", "--database", text(&database), text(&archive)];
    let path = folder.join(format!("{name}.log"));
    if let Some(log) = log {
        std::fs::write(&path, log).unwrap();
        args.extend(["--feedback", text(&path)]);
    }
    let printed = output(&args);
    assert!(printed.status.success(), "{printed:?}");
    Replayed { database, alerts: printed.stdout }
}

/// Says something that can be said.
#[track_caller]
fn say(database: &Path, args: &[&str]) -> Value {
    let printed = look(database, &[&["feedback"], args].concat());
    assert!(printed.status.success(), "{args:?}: {printed:?}");
    assert!(String::from_utf8_lossy(&printed.stderr).contains("the next start applies it"), "{printed:?}");
    json_lines(&printed.stdout).remove(0)
}

/// Says something that cannot; gives what is said of that.
#[track_caller]
fn refused(database: &Path, args: &[&str]) -> String {
    let Output { status, stderr, .. } = look(database, &[&["feedback"], args].concat());
    assert!(!status.success(), "{args:?}");
    String::from_utf8(stderr).unwrap()
}

/// The claim that this outlet brought.
fn claim<'a>(claims: &'a [Value], outlet: &str) -> &'a Value {
    claims.iter().find(|claim| claim["document"]["outlet"] == outlet).unwrap()
}

fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The beginning of an id.
fn short(id: &str) -> &str {
    id.get(..8).unwrap()
}

/// The log without what became of its entries.
fn entries(database: &Path) -> Vec<Value> {
    let mut log = lines(database, &["feedback", "list", "--json"]);
    for line in &mut log {
        line.as_object_mut().unwrap().remove("state");
    }
    log
}

#[test]
fn what_is_said_is_checked_logged_replayed_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let bare = replay(folder.path(), "bare.db", None);
    let claims = lines(&bare.database, &["claims"]);
    let (ferry, denial, quota) =
        (claim(&claims, "Vesper Online"), claim(&claims, "Coastal Courier"), claim(&claims, "Daily Lantern"));
    let (thread, other) = (id(&ferry["thread"]), id(&quota["thread"]));

    assert!(refused(&bare.database, &["follow", "0000beef"]).contains("no thread has an id"));
    assert!(refused(&bare.database, &["kind", id(&quota["id"]), "lie"]).contains("retraction or none"));
    assert!(refused(&bare.database, &["unmute", "--speaker", "Nobody"]).contains("is muted"));
    assert!(refused(&bare.database, &["merge", thread, thread]).contains("one thread"));
    assert!(refused(&bare.database, &["mute"]).contains("THREAD"));
    assert_eq!(entries(&bare.database), [Value::Null; 0], "what cannot be done is not logged");

    let kind = say(&bare.database, &["kind", short(id(&quota["id"])), "none", "--by", " Ada "]);
    assert_eq!((&kind["act"], &kind["by"], &kind["state"]), (&json!("wrong_kind"), &json!("Ada"), &json!("pending")));
    say(&bare.database, &["speaker", id(&denial["id"]), "Corvane Lines"]);
    say(&bare.database, &["mute", short(other)]);
    say(&bare.database, &["merge", short(other), short(thread)]);
    // What waits counts in what comes after it.
    assert!(refused(&bare.database, &["follow", other]).contains("merged"));
    let apart = ["split", thread, id(&quota["id"])];
    say(&bare.database, &apart);
    assert!(refused(&bare.database, &apart).contains("not in thread"));
    let log = look(&bare.database, &["feedback", "list", "--json"]).stdout;
    check_schema("feedback", &json_lines(&log));
    assert_eq!(json_lines(&log).len(), 5);

    let log = String::from_utf8(log).unwrap();
    let (one, two) = (replay(folder.path(), "one.db", Some(&log)), replay(folder.path(), "two.db", Some(&log)));
    assert!(one.alerts == two.alerts, "the same archive and log give the same alerts");
    // All was said after the last document.
    assert!(one.alerts.starts_with(&bare.alerts));
    let added: Vec<Value> = json_lines(&one.alerts[bare.alerts.len()..]);
    let told = added.iter().map(|alert| (id(&alert["type"]), id(&alert["why"]), id(&alert["claim"]["id"])));
    let told: Vec<_> = told.collect();
    let why = "corrected by a user";
    assert_eq!(told, [("claim.withdrawn", why, id(&quota["id"])), ("claim.revised", why, id(&denial["id"]))]);
    assert_eq!(added[1]["claim"]["speaker"]["name"], "Corvane Lines");
    assert_eq!(entries(&one.database), entries(&bare.database));
    assert!(lines(&one.database, &["feedback", "list"]).iter().all(|line| line["state"] == "applied"));
    let threads = lines(&one.database, &["threads"]);
    let held: BTreeMap<&str, usize> =
        threads.iter().map(|one| (id(&one["id"]), one["claims"].as_array().unwrap().len())).collect();
    assert!(held[thread] >= 2 && !held.contains_key(other), "{threads:?}");

    check_export(&lines(&bare.database, &["feedback", "export"]));
    let exports = [&bare, &one].map(|replayed| look(&replayed.database, &["feedback", "export"]).stdout);
    assert!(exports[0] == exports[1], "what waits is exported as what is applied");
    let explained = lines(&one.database, &["explain", id(&quota["id"])]).remove(0);
    let facts: Vec<&str> = explained["facts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fact| fact["name"] == "feedback")
        .map(|fact| id(&fact["value"]))
        .collect();
    assert!(facts[0].ends_with("is no claim by Ada") && facts[1].contains("a matter of their own"), "{facts:?}");
}

/// The corrected articles: words that are quoted stand where they are said to, and a claim that is none is not there.
#[track_caller]
fn check_export(articles: &[Value]) {
    let [ferries, quotas] = articles else { panic!("{} articles", articles.len()) };
    assert_eq!((&ferries["outlet"], &ferries["date"]), (&json!("Coastal Courier"), &json!("2024-11-02")));
    assert_eq!((&quotas["outlet"], &quotas["claims"]), (&json!("Daily Lantern"), &json!([])));
    let text: Vec<char> = ferries["text"].as_str().unwrap().chars().collect();
    let words = |range: &Value| {
        let [start, end] = [0, 1].map(|at| usize::try_from(range[at].as_u64().unwrap()).unwrap());
        text[start..end].iter().collect::<String>()
    };
    let said = &ferries["claims"][0];
    assert_eq!((&said["id"], &said["kind"], &said["corrected"]), (&json!("c0"), &json!("denial"), &json!(true)));
    assert_eq!((words(&said["cue"]), said["speaker"].as_str().unwrap()), ("denied".to_owned(), "Corvane Lines"));
    assert_eq!(words(&said["source"]), "Corvane Lines");
    assert!(words(&said["content"][0]).contains("concealed failed inspections"), "{said}");
    let sentences: Vec<String> = ferries["sentences"].as_array().unwrap().iter().map(words).collect();
    assert!(sentences[0].starts_with("Corvane answers") && sentences.len() == 3, "{sentences:?}");
}

#[test]
fn a_correction_outlives_the_text_it_was_made_on() {
    let folder = tempfile::tempdir().unwrap();
    let bare = replay(folder.path(), "bare.db", None);
    let claims = lines(&bare.database, &["claims"]);
    let denial = claim(&claims, "Coastal Courier");
    say(&bare.database, &["kind", id(&denial["id"]), "no_comment"]);
    let log = look(&bare.database, &["feedback", "list", "--json"]).stdout;
    let applied = replay(folder.path(), "applied.db", Some(std::str::from_utf8(&log).unwrap()));
    // As after a month and more: text, claim and thread have left.
    let database = rusqlite::Connection::open(&applied.database).unwrap();
    database.execute_batch("DELETE FROM analysis; DELETE FROM claim; DELETE FROM thread").unwrap();
    drop(database);
    let articles = lines(&applied.database, &["feedback", "export"]);
    let [article] = &articles[..] else { panic!("{articles:?}") };
    let text: Vec<char> = article["text"].as_str().unwrap().chars().collect();
    let cue = &article["claims"][0]["cue"];
    let [start, end] = [0, 1].map(|at| usize::try_from(cue[at].as_u64().unwrap()).unwrap());
    assert_eq!(text[start..end].iter().collect::<String>(), "denied");
    assert_eq!(article["claims"][0]["kind"], "no_comment");
    let sentence = &denial["evidence"]["sentence"];
    assert!(article["text"].as_str().unwrap().contains(sentence.as_str().unwrap()), "{article}");
}

#[test]
fn a_replay_applies_each_entry_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let bare = replay(folder.path(), "bare.db", None);
    let claims = lines(&bare.database, &["claims"]);
    let thread = id(&claim(&claims, "Vesper Online")["thread"]);
    // Written by hand, without ids; what cannot be done is ignored.
    let log = [
        json!({"time": "2024-11-01T07:00:00Z", "act": "mute", "thread": thread}),
        json!({"time": "2024-11-01T08:30:00Z", "act": "follow", "thread": thread}),
        json!({"time": "2024-11-02T10:30:00Z", "by": "Ada", "act": "mute_speaker", "speaker": "Renee Dufaux"}),
    ];
    let log = log.map(|line| format!("{line}\n")).concat();
    let heeded = replay(folder.path(), "heeded.db", Some(&log));
    let (before, after) = (json_lines(&bare.alerts), json_lines(&heeded.alerts));
    let by_outlet =
        |alerts: &[Value], outlet: &str| alerts.iter().find(|alert| alert["document"]["outlet"] == outlet).cloned();
    let score = |alert: Option<Value>| alert.unwrap()["priority"]["score"].as_u64().unwrap();
    let ferry = "Vesper Online";
    assert_eq!(
        by_outlet(&before, ferry),
        by_outlet(&after, ferry),
        "before its thread was there, it could not be muted"
    );
    let answer = "Coastal Courier";
    assert_eq!(score(by_outlet(&before, answer)) + 15, score(by_outlet(&after, answer)));
    let quota = "Daily Lantern";
    assert!(by_outlet(&before, quota).is_some() && by_outlet(&after, quota).is_none());
    let kept = lines(&heeded.database, &["claims"]);
    let explained = lines(&heeded.database, &["explain", id(&claim(&kept, quota)["id"])]).remove(0);
    assert_eq!((&explained["outcome"], &explained["why"]), (&json!("muted"), &json!("a user muted Renee Dufaux")));

    let bad = folder.path().join("bad.log");
    std::fs::write(&bad, format!("{log}{{\"time\": \"2024-11-01T07:00:00Z\", \"act\": \"shout\"}}\n")).unwrap();
    let printed = output(&["replay", "--feedback", text(&bad), text(&archive(folder.path()))]);
    assert!(!printed.status.success() && printed.stdout.is_empty());
    assert!(String::from_utf8_lossy(&printed.stderr).contains("bad.log:4: not an entry"), "{printed:?}");
}

#[test]
fn a_running_daemon_takes_in_what_is_said_and_a_start_what_waited() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    let received = || {
        let bodies = endpoint.received().into_iter().map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
        bodies.map(|body| body["data"].clone()).collect::<Vec<_>>()
    };
    wait_for("the first alert", Duration::from_mins(1), || !received().is_empty());
    let first = received().remove(0);
    let feedback = |args: &[&str]| {
        let printed = output(&[&["feedback"], args, &["-c", text(&config)]].concat());
        assert!(printed.status.success(), "{args:?}: {printed:?}");
        String::from_utf8(printed.stderr).unwrap()
    };
    let said = feedback(&["kind", id(&first["claim"]["id"]), "none"]);
    assert!(said.contains("the running gainsay applies it"), "{said}");
    wait_for("the withdrawal", Duration::from_mins(1), || received().len() >= 2);
    let taken_back = received().remove(1);
    assert_eq!((&taken_back["type"], &taken_back["claim"]["id"]), (&json!("claim.withdrawn"), &first["claim"]["id"]));

    let waiting = || query(folder.path(), "SELECT id FROM feedback WHERE state = 'pending'").len();
    let surname = story(2).title.split(' ').next().unwrap().to_owned();
    feedback(&["mute", "--speaker", &surname, "--by", "Ada"]);
    wait_for("the mute", Duration::from_mins(1), || waiting() == 0);
    feeds.add("/a", story(2));
    let muted = format!("SELECT id FROM claim WHERE record->>'$.speaker.name' LIKE '%{surname}'");
    wait_for("the muted claim", Duration::from_mins(1), || !query(folder.path(), &muted).is_empty());
    assert_eq!(daemon.stop().0, Some(0));

    let said = feedback(&["unmute", "--speaker", &surname]);
    assert!(said.contains("the next start applies it"), "{said}");
    assert_eq!(waiting(), 1);
    let daemon = Daemon::start(&config);
    wait_for("what waited", Duration::from_mins(1), || waiting() == 0);
    feeds.add("/a", story(3));
    wait_for("the last alert", Duration::from_mins(1), || received().len() >= 3);
    assert_eq!(daemon.stop().0, Some(0));
    let headlines: Vec<Value> = received().iter().map(|alert| alert["document"]["headline"].clone()).collect();
    assert_eq!(headlines, [story(1), story(1), story(3)].map(|story| json!(story.title)), "the muted one is not there");
    assert_eq!(query(folder.path(), "SELECT id FROM muted").len(), 0);
}
