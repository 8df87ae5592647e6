//! The commands that look: listings, time lines, explanations, doctor, backup, completions, manual pages, progress.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Daemon, Endpoint, Entry, Feeds, gainsay, json_lines, output, query, wait_for, write_config};

/// A line of an archive.
fn line(id: &str, outlet: &str, at: &str, title: &str, text: &str) -> String {
    let url = format!("https://{id}.example/story");
    let line =
        serde_json::json!({"id": id, "outlet": outlet, "published": at, "title": title, "text": text, "url": url});
    format!("{line}\n")
}

const ALLEGATION: &str = "PORT ELSMERE, March 3 (Northwire) - The Maritime Safety Authority on Tuesday accused ferry \
    operator Corvane Lines of concealing failed inspections of three ferries, one of which ran aground off Sankt Orm in \
    January.\n\nThe three ships carry commuters between the islands in winter and visitors in summer, every hour from six to ten.";
const DENIAL: &str = "SANKT ORM, March 4 - Corvane Lines chief executive Marta Ilves on Wednesday denied that the company \
    had concealed failed inspections of three ferries.\n\n\"Every ship that sailed was certified,\" Ilves told reporters.";
const ACCUSED: &str = "OSTRAVEL, March 3 - Central bank governor Henrik Solder on Tuesday accused Finance Minister Karla \
    Witt of leaking an interest rate decision to a hedge fund two hours before it was published.";

/// An archive that this test writes: a story and its copy, the answer, a killed story, and documents that give no alert.
pub(crate) fn archive(folder: &Path) -> PathBuf {
    let lines = [
        line(
            "ferry",
            "Vesper Online",
            "2024-11-01T08:00:00Z",
            "Regulator accuses Corvane of concealing failed inspections",
            ALLEGATION,
        ),
        line(
            "copy",
            "Agora Times",
            "2024-11-01T09:00:00Z",
            "Failed inspections cloud the islands' ferries",
            ALLEGATION,
        ),
        line("denial", "Coastal Courier", "2024-11-02T08:00:00Z", "Corvane answers over \u{1b}[2Jferries", DENIAL),
        line(
            "leak",
            "Northern Ledger",
            "2024-11-02T09:00:00Z",
            "Bank governor accuses finance minister of leaking rate decision",
            ACCUSED,
        ),
        line(
            "kill",
            "Northern Ledger",
            "2024-11-02T10:00:00Z",
            "KILL-Bank governor accuses finance minister of leaking rate decision",
            "The Northern Ledger withdraws this story. The letter it cited was forged.",
        ),
        line(
            "quota",
            "Daily Lantern",
            "2024-11-02T11:00:00Z",
            "A governor and the quotas",
            "CAP MARÉE, March 3 - Governor Renée Dufaux on Tuesday denied that her office had sold fishing quotas to the Brévent family.",
        ),
        line(
            "rain",
            "Daily Lantern",
            "2024-11-02T12:00:00Z",
            "Rain on Friday",
            "Rain is expected in the north on Friday, forecasters said. Farmers said they had waited for it since May.",
        ),
        line(
            "foreign",
            "El Faro",
            "2024-11-02T13:00:00Z",
            "El alcalde niega las acusaciones",
            "El alcalde de la ciudad negó este lunes que hubiera aceptado sobornos de una empresa constructora y dijo que las acusaciones son falsas y que presentará una querella.",
        ),
        line(
            "retold",
            "Harbour Post",
            "2024-11-02T14:00:00Z",
            "A winter on the islands",
            "The Brant dockyard has long denied underpaying its apprentices.",
        ),
    ];
    let path = folder.join("archive.jsonl");
    std::fs::write(&path, lines.concat()).unwrap();
    path
}

/// A database that `replay` has made.
fn database(folder: &Path) -> PathBuf {
    let path = folder.join("replay.db");
    let printed = output(&["replay", "--database", path.to_str().unwrap(), archive(folder).to_str().unwrap()]);
    assert!(printed.status.success(), "{printed:?}");
    path
}

/// Runs a command on a database.
pub(crate) fn look(database: &Path, args: &[&str]) -> Output {
    output(&[args, &["--database", database.to_str().unwrap()]].concat())
}

#[track_caller]
pub(crate) fn lines(database: &Path, args: &[&str]) -> Vec<Value> {
    let printed = look(database, args);
    assert!(printed.status.success(), "{args:?}: {printed:?}");
    json_lines(&printed.stdout)
}

/// Runs a command as for a terminal of 140 columns.
#[track_caller]
fn table(database: &Path, args: &[&str]) -> String {
    let args = [args, &["--table", "--database", database.to_str().unwrap()]].concat();
    let printed = gainsay(&args).env("COLUMNS", "140").stdin(Stdio::null()).output().unwrap();
    assert!(printed.status.success(), "{args:?}: {printed:?}");
    String::from_utf8(printed.stdout).unwrap()
}

/// The beginning of an id.
fn beginning(id: &str) -> &str {
    id.get(..8).unwrap()
}

#[track_caller]
fn said(printed: &Output) -> String {
    assert_eq!(printed.status.code(), Some(1), "{printed:?}");
    String::from_utf8(printed.stderr.clone()).unwrap()
}

#[test]
fn claims_are_listed_and_narrowed() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let all = lines(&database, &["claims"]);
    let times: Vec<&str> = all.iter().map(|claim| claim["first_seen"].as_str().unwrap()).collect();
    assert!(all.len() >= 5 && times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let speakers = |args: &[&str]| -> Vec<String> {
        let found = lines(&database, &[&["claims"], args].concat());
        found.iter().map(|one| one["claim"]["speaker"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(speakers(&["--speaker", "RENEE"]), ["Renée Dufaux"]);
    assert_eq!(speakers(&["--kind", "denial", "--outlet", "coastal"]), ["Marta Ilves"]);
    assert_eq!(speakers(&["--outlet", "agora", "--text", "INSPECTIONS"]), ["The Maritime Safety Authority"]);
    assert_eq!(speakers(&["--since", "2024-11-02", "--until", "2024-11-02T08:30:00Z"]), ["Marta Ilves"]);
    assert_eq!(speakers(&["--until", "2024-11-01"]), ["The Maritime Safety Authority"]);
    assert_eq!((speakers(&["--since", "2h"]).len(), speakers(&["--limit", "2"]).len()), (0, 2));
    let ferry = &lines(&database, &["claims", "--kind", "allegation", "--text", "ferries"])[0];
    assert_eq!(ferry["outlets"], serde_json::json!(["Vesper Online", "Agora Times"]));
    let thread = beginning(ferry["thread"].as_str().unwrap());
    assert_eq!(lines(&database, &["claims", "--thread", thread]).len(), 2);

    let shown = table(&database, &["claims"]);
    assert!(shown.starts_with("ID        SEEN (UTC)        KIND"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 140), "{shown}");
    assert!(shown.contains("Vesper Online +1") && shown.contains("withdrawn: "), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let limited = look(&database, &["claims", "--table", "-n", "1"]);
    assert!(String::from_utf8_lossy(&limited.stderr).contains("there are more"), "{limited:?}");
    let bad = look(&database, &["claims", "--since", "yesterday"]);
    assert!(bad.status.code() == Some(2) && String::from_utf8_lossy(&bad.stderr).contains("an age"), "{bad:?}");
}

#[test]
fn a_thread_is_a_time_line() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let threads = lines(&database, &["threads", "--speaker", "ilves", "--state", "answered"]);
    assert_eq!(threads.len(), 1, "{threads:?}");
    let id = threads[0]["id"].as_str().unwrap();
    assert_eq!(lines(&database, &["threads", "--state", "withdrawn"]).len(), 1);
    assert!(table(&database, &["threads"]).contains("Marta Ilves denies"));

    let events = lines(&database, &["threads", "show", beginning(id)]);
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds[..4], ["claim", "alert", "claim", "alert"], "{events:?}");
    assert_eq!(events[3]["deliveries"][0]["sink"], "replay");
    let shown = table(&database, &["threads", "show", beginning(id)]);
    let order = [
        "alleged by The Maritime Safety Authority",
        "Vesper Online, Agora Times",
        "alert allegation.new",
        "replay: waits",
        "denied by Marta Ilves",
        "alert denial.new",
    ];
    let places: Vec<usize> =
        order.iter().map(|words| shown.find(words).unwrap_or_else(|| panic!("no {words} in {shown}"))).collect();
    assert!(places.is_sorted(), "{shown}");
    assert!(shown.contains("2024-11-01 08:00  alleged"), "{shown}");

    // An id that two threads begin with is no answer but a question.
    let connection = rusqlite::Connection::open(&database).unwrap();
    let twin = format!("{}{}", beginning(id), "0".repeat(24));
    connection
        .execute(
            "INSERT INTO thread (id, record) SELECT ?1, json_set(record, '$.id', ?1) FROM thread WHERE id = ?2",
            [&twin, id],
        )
        .unwrap();
    let ambiguous = said(&look(&database, &["threads", "show", beginning(id)]));
    assert!(
        ambiguous.contains("2 ids begin with") && ambiguous.contains(id) && ambiguous.contains(&twin),
        "{ambiguous}"
    );
    assert!(said(&look(&database, &["threads", "show", "xyz"])).contains("is no id"));
    assert!(said(&look(&database, &["threads", "show", "0000000000"])).contains("no thread has an id"));
}

#[test]
fn deliveries_and_feeds_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let all = lines(&database, &["deliveries"]);
    assert!(all.iter().all(|one| one["sink"] == "replay" && one["status"] == "pending") && all.len() >= 5, "{all:?}");
    assert_eq!(lines(&database, &["deliveries", "--status", "dead"]).len(), 0);
    assert_eq!(lines(&database, &["deliveries", "--sink", "desk"]).len(), 0);
    assert_eq!(lines(&database, &["deliveries", "--speaker", "dufaux"])[0]["type"], "denial.new");
    let shown = table(&database, &["deliveries"]);
    // Headlines are hostile; what would clear the screen is shown instead.
    assert!(shown.contains("claim.withdrawn") && !shown.contains('\u{1b}'), "{shown}");
    let hostile = table(&database, &["deliveries", "--speaker", "ilves", "-n", "1"]);
    assert!(!hostile.contains('\u{1b}'), "{hostile}");
    let feeds = lines(&database, &["feeds", "status", "--outlet", "lantern"]);
    assert_eq!((feeds.len(), feeds[0]["texts"].as_u64()), (1, Some(2)), "{feeds:?}");
}

#[track_caller]
fn explained(database: &Path, id: &str, more: &[&str], outcome: &str, why: &str) -> Value {
    let args = [&["explain", id], more].concat();
    let printed = if more.is_empty() { look(database, &args) } else { output(&args) };
    let found = json_lines(&printed.stdout);
    assert_eq!(found.len(), 1, "{printed:?}");
    assert_eq!(found[0]["outcome"], outcome, "{}", found[0]);
    assert!(found[0]["why"].as_str().unwrap().contains(why), "{}", found[0]);
    found[0].clone()
}

#[track_caller]
fn fact<'a>(explanation: &'a Value, name: &str) -> &'a str {
    let facts = explanation["facts"].as_array().unwrap();
    facts.iter().find(|fact| fact["name"] == name).unwrap_or_else(|| panic!("no {name} in {explanation}"))["value"]
        .as_str()
        .unwrap()
}

#[test]
fn every_alert_and_every_silence_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let at = |id: &str| format!("https://{id}.example/story?utm_source=feed");
    let ferry = explained(&database, &at("ferry"), &[], "alerted", "it gave the alerts");
    assert!(fact(&ferry, "story").contains("2 copies at Vesper Online, Agora Times"), "{ferry}");
    let copy = explained(&database, &at("copy"), &[], "copy", "known since 2024-11-01 08:00:00 UTC from Vesper Online");
    assert!(fact(&copy["parts"][0], "alert").contains("allegation.new"), "{copy}");
    explained(&database, &at("kill"), &[], "kill", "kill notice");
    explained(&database, &at("foreign"), &[], "language", "spa");
    explained(&database, &at("retold"), &[], "background", "retold");
    let rain = explained(&database, &at("rain"), &[], "no_claims", "0.35");
    assert_eq!(fact(&rain, "nearest"), "nothing in it reads like a claim");

    let deliveries = lines(&database, &["deliveries", "--speaker", "ilves"]);
    let denial = deliveries.iter().find(|one| one["type"] == "denial.new").unwrap();
    let alert = explained(&database, denial["alert"].as_str().unwrap(), &[], "alerted", "denial");
    assert!(
        fact(&alert, "answers").contains("Maritime Safety Authority") && fact(&alert, "rules") == "everything",
        "{alert}"
    );
    assert!(
        fact(&alert, "priority").contains("first answer") && fact(&alert, "sink").contains("replay: waits"),
        "{alert}"
    );
    let claim = &lines(&database, &["claims", "--speaker", "ilves"])[0];
    let one = explained(&database, beginning(claim["id"].as_str().unwrap()), &[], "alerted", "alerted");
    assert!(fact(&one, "cue").starts_with("\"denied") && fact(&one, "cue").contains("as words 0."), "{one}");
    explained(&database, claim["thread"].as_str().unwrap(), &[], "alerted", "alerts were sent");
    explained(&database, claim["stories"][0].as_str().unwrap(), &[], "alerted", "once for all its copies");
    assert!(table(&database, &["explain", &at("copy")]).contains("why         known since"));
    assert!(said(&look(&database, &["explain", "https://elsewhere.example/1"])).contains("no document is kept"));
}

#[test]
fn rules_that_refuse_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    let text = "database = \"replay.db\"\n[[rule]]\nname = \"retractions\"\ntypes = [\"claim.retracted\"]\n\
                [[rule]]\nname = \"sure denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0.99\n\
                [[rule]]\nname = \"asked\"\nwhen = \"background\"\ntypes = [\"allegation.new\", \"denial.new\"]\n";
    std::fs::write(&config, text).unwrap();
    let (config, database) = (config.to_str().unwrap(), folder.path().join("replay.db"));
    let printed = output(&[
        "replay",
        "-c",
        config,
        "--database",
        database.to_str().unwrap(),
        archive(folder.path()).to_str().unwrap(),
    ]);
    assert!(printed.status.success() && printed.stdout.is_empty(), "{printed:?}");
    let document =
        explained(&database, "https://denial.example/story", &["-c", config], "rules", "no rule lets it through");
    let rules: Vec<&str> = document["parts"][0]["facts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fact| fact["name"] == "rule")
        .map(|fact| fact["value"].as_str().unwrap())
        .collect();
    assert_eq!(rules[0], "retractions: types does not name denial.new");
    assert!(
        rules[1].starts_with("sure denials: confidence 0.") && rules[1].ends_with("less than confidence_min 0.99"),
        "{rules:?}"
    );
    assert_eq!(rules[2], "asked: `when` is false");
}

#[test]
fn an_embargo_is_what_holds_an_alert() {
    let folder = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let until = now + jiff::SignedDuration::from_hours(30);
    let text = format!("EMBARGOED UNTIL {}\n\n{ACCUSED}", until.strftime("%H%M GMT %b %d"));
    let path = folder.path().join("held.jsonl");
    std::fs::write(&path, line("held", "Northern Ledger", &now.to_string(), "Bank governor accuses minister", &text))
        .unwrap();
    let database = folder.path().join("held.db");
    let printed = output(&["replay", "--database", database.to_str().unwrap(), path.to_str().unwrap()]);
    assert!(printed.status.success(), "{printed:?}");
    let held = explained(&database, "https://held.example/story", &[], "held", "embargo");
    assert!(fact(&held, "embargo").contains(&until.strftime("%Y-%m-%d %H:%M").to_string()), "{held}");
}

/// A feed with one old entry and one that comes later, read by the daemon.
#[test]
fn all_can_be_looked_at_while_the_daemon_works() {
    let (folder, feeds, endpoint) = (tempfile::tempdir().unwrap(), Feeds::default(), Endpoint::default());
    feeds.add("/wire", Entry::new("old", "Bank governor accuses finance minister", ACCUSED));
    let (served, desk) = (feeds.serve(), endpoint.serve());
    let config = write_config(
        folder.path(),
        &[("wire", format!("{}/wire", served.base)), ("gone", format!("{}/gone", served.base))],
        Some(&desk.base),
    );
    let quiet = std::fs::read_to_string(&config).unwrap().replace("backfill = \"3650d\"\n", "");
    std::fs::write(&config, quiet).unwrap();
    let daemon = Daemon::start(&config);
    let limit = Duration::from_mins(1);
    wait_for("the baseline", limit, || !query(folder.path(), "SELECT id FROM document").is_empty());
    feeds.add("/wire", Entry::new("new", "Regulator accuses Corvane", ALLEGATION));
    wait_for("the delivery", limit, || {
        !query(folder.path(), "SELECT alert FROM outbox WHERE state = 'delivered' AND type = 'allegation.new'")
            .is_empty()
    });
    wait_for("the failing feed", limit, || {
        !query(folder.path(), "SELECT id FROM cursor WHERE record->>'failing_since' IS NOT NULL").is_empty()
    });
    let named = ["-c", config.to_str().unwrap()];
    let listed = |args: &[&str]| json_lines(&output(&[args, &named].concat()).stdout);
    assert_eq!(listed(&["claims", "--text", "inspections"])[0]["alerted"]["desk"], "subject");
    let sent = &listed(&["deliveries", "--status", "delivered", "--sink", "desk"])[0];
    assert_eq!((&sent["attempts"], sent["settled"].is_string()), (&1.into(), true), "{sent}");
    let feeds = listed(&["feeds", "status"]);
    assert_eq!((&feeds[0]["id"], &feeds[1]["state"]), (&"gone".into(), &"healthy".into()), "{feeds:?}");
    assert!(["backing-off", "failing"].contains(&feeds[0]["state"].as_str().unwrap()), "{feeds:?}");
    // In words from the first failure on, and when it is tried again.
    assert!(feeds[0]["error"].is_string() && feeds[0]["next_poll"].is_string(), "{feeds:?}");
    assert_eq!((&feeds[0]["next_poll_reason"], &feeds[1]["next_poll_reason"]), (&"backoff".into(), &"interval".into()));
    let document = &query(folder.path(), "SELECT document FROM analysis WHERE headline LIKE 'Bank%'")[0];
    explained(folder.path(), document, &named, "baseline", "first fetch");

    let checked = output(&[&["doctor"], &named[..]].concat());
    let checks = json_lines(&checked.stdout);
    let level = |name: &str| {
        checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}"))["level"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for name in ["version", "config", "database", "integrity", "log", "clock", "sink"] {
        assert_eq!(level(name), "ok", "{checks:?}");
    }
    assert!(level("feeds") == "warn" && level("feed") == "warn", "{checks:?}");

    let copy = folder.path().join("copy.db");
    let backup = |target: &Path| output(&[&["backup", target.to_str().unwrap()], &named[..]].concat());
    assert!(backup(&copy).status.success());
    let before = std::fs::read(&copy).unwrap();
    assert!(said(&backup(&copy)).contains("exists already"));
    assert_eq!(std::fs::read(&copy).unwrap(), before, "nothing is overwritten");
    assert_eq!(
        lines(&copy, &["claims", "--text", "inspections"]).len(),
        listed(&["claims", "--text", "inspections"]).len()
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".gainsay-backup")), "{left:?}");
    assert!(said(&backup(&folder.path().join("nowhere/copy.db"))).contains("cannot write into"));
    assert_eq!(daemon.stop().0, Some(0));

    restore(folder.path(), &copy, &config, &endpoint);
}

/// Restored as the README says, a copy is what the daemon goes on with: nothing is alerted again.
fn restore(folder: &Path, copy: &Path, config: &Path, endpoint: &Endpoint) {
    for name in ["gainsay.db", "gainsay.db-wal", "gainsay.db-shm"] {
        drop(std::fs::remove_file(folder.join(name)));
    }
    std::fs::copy(copy, folder.join("gainsay.db")).unwrap();
    // That the other feed fails may only now be told.
    let alerted = || {
        endpoint.received().iter().filter(|one| !String::from_utf8_lossy(&one.body).contains("feed.failing")).count()
    };
    let received = alerted();
    let daemon = Daemon::start(config);
    let polled = "SELECT record->>'last_poll' FROM cursor WHERE id = 'wire'";
    let before: String = rusqlite::Connection::open(copy).unwrap().query_row(polled, [], |row| row.get(0)).unwrap();
    wait_for("a poll after the restore", Duration::from_mins(1), || {
        query(folder, polled).first().is_some_and(|last| *last > before)
    });
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(alerted(), received);
}

#[test]
fn the_doctor_says_what_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    std::fs::write(&config, "colour = 1\n").unwrap();
    let doctor = || output(&["doctor", "-c", config.to_str().unwrap()]);
    let bad = |checked: &Output| -> Vec<String> {
        let checks = json_lines(&checked.stdout);
        checks
            .iter()
            .filter(|check| check["level"] == "bad")
            .map(|check| format!("{}: {}", check["check"].as_str().unwrap(), check["detail"].as_str().unwrap()))
            .collect()
    };
    let checked = doctor();
    assert_eq!(checked.status.code(), Some(1));
    assert!(bad(&checked)[0].contains("gainsay.toml:1:1: colour"), "{checked:?}");

    std::fs::write(&config, "[[feed]]\nid = \"a\"\nurl = \"https://a.example/\"\noutlet = \"A\"\n").unwrap();
    let checked = doctor();
    assert!(checked.status.success(), "{checked:?}");
    let shown = String::from_utf8(output(&["doctor", "--table", "-c", config.to_str().unwrap()]).stdout).unwrap();
    assert!(shown.contains("warn  database    ") && shown.contains("is not there yet"), "{shown}");

    std::fs::write(folder.path().join("gainsay.db"), "no database, but a text that is long enough to be looked at")
        .unwrap();
    assert!(bad(&doctor())[0].contains("is not a database"));
    std::fs::remove_file(folder.path().join("gainsay.db")).unwrap();
    let database = database(folder.path());
    std::fs::rename(database, folder.path().join("gainsay.db")).unwrap();
    // The clock was ahead, and an alert waits for long.
    let connection = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    connection.execute("UPDATE desk SET now = '2150-01-01T00:00:00Z'", []).unwrap();
    connection.execute("UPDATE outbox SET sink = 'stdout'", []).unwrap();
    let found = bad(&doctor()).join("\n");
    assert!(
        found.contains("ahead of this clock")
            && found.contains("sink: stdout: ")
            && found.contains("wait (the oldest for "),
        "{found}"
    );
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(bad(&doctor()).join("\n").contains("use a newer gainsay"));
    assert!(said(&look(&folder.path().join("gainsay.db"), &["claims"])).contains("use a newer gainsay"));
    assert!(said(&look(&folder.path().join("none.db"), &["claims"])).contains("there is no such file"));
    let nothing = gainsay(&["claims"]).current_dir("/").output().unwrap();
    assert!(said(&nothing).contains("which database?"), "{nothing:?}");
}

#[test]
fn shells_and_manual_readers_are_served() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = output(&["completions", shell]);
        assert!(printed.status.success() && String::from_utf8_lossy(&printed.stdout).contains("deliveries"), "{shell}");
    }
    let page = String::from_utf8(output(&["man"]).stdout).unwrap();
    assert!(page.contains(".TH gainsay 1") && page.contains("explain"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    assert!(output(&["man", pages.to_str().unwrap()]).status.success());
    for name in ["gainsay.1", "gainsay-claims.1", "gainsay-threads-show.1", "gainsay-feeds-status.1"] {
        assert!(pages.join(name).exists(), "{name}");
    }
}

/// A terminal of 60 columns: its master and the program's end.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(name).unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    (File::from(master), slave)
}

/// All that is written to a terminal until its last writer has gone.
fn drained(mut master: File) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // A terminal that nobody holds any more ends with an error.
    while let Ok(read @ 1..) = master.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_terminal_gets_colours_and_progress_and_a_pipe_neither() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let (archive, database) = (archive.to_str().unwrap(), database(folder.path()));
    let database = database.to_str().unwrap();
    let on_terminal = |no_color: &str| {
        let (master, slave) = terminal();
        let mut command = gainsay(&["claims", "--database", database]);
        command.env_remove("COLUMNS").env("TERM", "xterm").env("NO_COLOR", no_color).stdin(Stdio::null()).stdout(slave);
        let mut child = command.spawn().unwrap();
        drop(command);
        let shown = drained(master);
        assert!(child.wait().unwrap().success());
        shown
    };
    let (coloured, plain) = (on_terminal(""), on_terminal("1"));
    assert!(coloured.contains("\u{1b}[31mdenial\u{1b}[0m"), "{coloured:?}");
    assert!(!plain.contains('\u{1b}') && plain.contains("denial"), "{plain:?}");
    assert!(plain.lines().any(|line| line.contains('…')), "{plain}");

    let (master, slave) = terminal();
    let mut command = gainsay(&["replay", archive]);
    command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(slave);
    let child = command.spawn().unwrap();
    drop(command);
    let reader = std::thread::spawn(move || drained(master));
    let printed = child.wait_with_output().unwrap();
    let drawn = reader.join().unwrap();
    assert!(drawn.contains(" documents, ") && drawn.contains("alerts") && drawn.contains('\u{1b}'), "{drawn:?}");
    let piped = output(&["replay", archive]);
    assert_eq!(printed.stdout, piped.stdout);
    let told = String::from_utf8(piped.stderr).unwrap();
    assert!(told.lines().count() == 1 && !told.contains('\u{1b}'), "{told:?}");
}

/// The page of the book with what its commands print now, on a database of the first three documents.
fn page_with_outputs(page: &str, database: &Path) -> String {
    let (mut text, mut is_console) = (String::new(), false);
    for line in page.lines() {
        if line == "```console" || (is_console && line == "```") {
            is_console = !is_console;
        }
        let Some(command) = line.strip_prefix("$ gainsay ").filter(|_| is_console) else {
            if !is_console || line == "```console" {
                text.extend([line, "\n"]);
            }
            continue;
        };
        let args: Vec<&str> = command.split(' ').chain(["--table", "--database", database.to_str().unwrap()]).collect();
        let printed = gainsay(&args).env("COLUMNS", "110").stdin(Stdio::null()).output().unwrap();
        assert!(printed.status.success(), "{command}: {printed:?}");
        text.extend([line, "\n", String::from_utf8(printed.stdout).unwrap().trim_end(), "\n"]);
    }
    text
}

#[test]
fn the_books_page_prints_what_the_commands_print() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let story: String =
        std::fs::read_to_string(&archive).unwrap().lines().take(3).flat_map(|line| [line, "\n"]).collect();
    // What a hostile outlet puts into a headline is not for the book.
    std::fs::write(&archive, story.replace("\\u001b[2J", "")).unwrap();
    let database = folder.path().join("replay.db");
    let printed = output(&["replay", "--database", database.to_str().unwrap(), archive.to_str().unwrap()]);
    assert!(printed.status.success(), "{printed:?}");

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/looking.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let now = page_with_outputs(&page, &database);
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &now).unwrap();
    } else {
        assert_eq!(
            page, now,
            "GAINSAY_WRITE_DOCS=1 cargo test --test integration the_books_page writes docs/src/looking.md"
        );
    }
}
