//! Deliveries looked at and replayed: the same ids and bytes as ever, in the order of their threads, beside a running daemon.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::kills::story;
use crate::support::{
    Daemon, Endpoint, Feeds, RawServer, Received, answer, check_conservation, json_lines, output, query, wait_for,
    write_config,
};

const MINUTE: Duration = Duration::from_mins(1);

/// Runs `deliveries` with these arguments on the database of a folder; gives exit code, lines of JSON and what was said.
fn deliveries(folder: &Path, args: &[&str]) -> (Option<i32>, Vec<serde_json::Value>, String) {
    let config = folder.join("gainsay.toml");
    let all = [&["deliveries"], args, &["-c", config.to_str().unwrap(), "--json"]].concat();
    let printed = output(&all);
    (printed.status.code(), json_lines(&printed.stdout), String::from_utf8(printed.stderr).unwrap())
}

fn states(folder: &Path) -> Vec<String> {
    query(folder, "SELECT DISTINCT state FROM outbox ORDER BY state")
}

/// Gives the config this schedule of retries, and a rule that alerts of everything.
pub(crate) fn set_schedule(config: &Path, schedule: &str) {
    let text = std::fs::read_to_string(config).unwrap();
    let (before, rest) = text.split_once("retry_schedule = ").unwrap();
    let after = rest.split_once('\n').unwrap().1;
    let rule = "[[rule]]\nname = \"all\"\nconfidence_min = 0\n";
    std::fs::write(config, format!("{before}retry_schedule = {schedule}\n{after}{rule}")).unwrap();
}

/// An endpoint that refuses until it is told to take what comes.
pub(crate) fn refusing_until(takes: &Arc<AtomicBool>, inner: &Endpoint) -> RawServer {
    let (takes, inner) = (Arc::clone(takes), inner.clone());
    RawServer::start(move |request, stream| {
        if takes.load(Ordering::SeqCst) && inner.take(&request.headers, &request.body) {
            answer(stream, "204 No Content", "", b"");
        } else {
            answer(stream, "500 Internal Server Error", "", b"out of \x1b[31morder\nfor now");
        }
    })
}

/// Alerts that were given up are shown with their attempts, and go out when they are replayed beside the running daemon.
#[test]
fn what_is_dead_is_shown_and_replayed_with_the_same_bytes_beside_a_running_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint, takes) = (Feeds::default(), Endpoint::default(), Arc::new(AtomicBool::new(false)));
    let (wire, receiver) = (feeds.serve(), refusing_until(&takes, &endpoint));
    for number in 0..3 {
        feeds.add("/a", story(number));
    }
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    set_schedule(&config, "[]");
    let daemon = Daemon::start(&config);
    let dead = "SELECT alert || ' ' || hex(body) FROM outbox JOIN outbox_body ON outbox = outbox.position WHERE state = 'dead' ORDER BY alert";
    wait_for("three dead letters", 2 * MINUTE, || query(folder.path(), dead).len() >= 3);
    let before = query(folder.path(), dead);

    let (code, shown, said) = deliveries(folder.path(), &["show", before[0].get(..12).unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let made = &shown[0]["attempts_made"][0];
    assert_eq!((&made["status"], &made["result"]), (&500.into(), &"dead".into()), "{shown:?}");
    assert!(made["head"].as_str().unwrap().contains("order") && made["error"].is_string(), "{made}");
    let body = hex(shown[0]["body"].as_str().unwrap().as_bytes());
    assert!(before[0].ends_with(&body) && shown[0]["content_type"] == "application/json");
    let table =
        output(&["deliveries", "show", before[0].get(..12).unwrap(), "-c", config.to_str().unwrap(), "--table"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("500 in ") && !table.contains('\u{1b}'),
        "what an endpoint says cannot steer a terminal: {table}"
    );

    let (code, would, said) = deliveries(folder.path(), &["replay", "--sink", "desk", "--dry-run"]);
    assert_eq!((code, would.len()), (Some(0), before.len()), "{said}");
    assert!(said.contains("nothing was changed") && query(folder.path(), dead) == before);
    takes.store(true, Ordering::SeqCst);
    let (code, _, said) = deliveries(folder.path(), &["replay"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("put back into the queue; the running gainsay sends them within half a minute"), "{said}");
    wait_for("the replayed alerts", 2 * MINUTE, || states(folder.path()) == ["delivered"]);
    let mut received: Vec<String> =
        endpoint.received().iter().map(|Received { id, body }| format!("{id} {}", hex(body))).collect();
    received.sort();
    assert_eq!(received, before, "the same ids and bytes");
    assert_eq!(
        query(folder.path(), "SELECT alerts || '' FROM ledger WHERE entry = 'replayed'"),
        [before.len().to_string()]
    );
    assert_eq!(daemon.stop().0, Some(0));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// What was delivered goes out again if asked for by name or by state, once for each time, and what has no text any more is told.
#[test]
fn what_was_delivered_is_replayed_by_name_and_what_is_too_old_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    for number in 0..2 {
        feeds.add("/a", story(number));
    }
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    set_schedule(&config, "[\"1s\"]");
    let daemon = Daemon::start(&config);
    wait_for("both alerts", 2 * MINUTE, || endpoint.received().len() == 2 && states(folder.path()) == ["delivered"]);
    assert_eq!(daemon.stop().0, Some(0));
    let first = endpoint.received();

    let (code, lines, said) = deliveries(folder.path(), &["replay"]);
    assert_eq!((code, lines.len()), (Some(0), 0), "without a word only what is dead is meant: {said}");
    let (code, lines, said) = deliveries(folder.path(), &["replay", &first[0].id, first[0].id.get(..10).unwrap()]);
    assert_eq!((code, lines.len()), (Some(0), 1), "{said}");
    assert!(said.contains("the next start sends them"), "{said}");
    check_conservation(folder.path());
    let (code, lines, _) = deliveries(folder.path(), &["replay", &first[0].id]);
    assert_eq!((code, lines.len()), (Some(0), 0), "what waits already is not sent twice");
    let (code, _, said) =
        deliveries(folder.path(), &["replay", "--sink", "desk", "--status", "delivered", "--until", "2020-01-01"]);
    assert_eq!((code, said.contains("0 put back")), (Some(0), true), "{said}");
    let (code, _, said) = deliveries(folder.path(), &["replay", "00000000"]);
    assert!(code == Some(1) && said.contains("no alert has an id that begins with 00000000"), "{said}");

    // The retention of the config holds for what was delivered before, too.
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "[windows]\ndeliveries = \"1h\"\n").unwrap();
    let age = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    age.execute("UPDATE outbox SET settled = settled - 7200000 WHERE state = 'delivered'", []).unwrap();
    drop(age);
    let daemon = Daemon::start(&config);
    wait_for("the repeat", MINUTE, || endpoint.received().len() == 3);
    feeds.add("/a", story(7));
    wait_for("a later alert", MINUTE, || endpoint.received().len() == 4);
    assert_eq!(endpoint.received()[2], first[0], "the same id, the same bytes");
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(states(folder.path()), ["delivered", "expired"]);
    let (code, _, said) = deliveries(folder.path(), &["replay", &first[1].id]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 are left out: their text is no longer kept") && said.contains("0 put back"), "{said}");
    let (_, shown, _) = deliveries(folder.path(), &["show", &first[1].id, "--sink", "desk"]);
    assert!(shown[0]["body"].is_null() && shown[0]["status"] == "expired", "{shown:?}");
    let doctor = output(&["doctor", "-c", config.to_str().unwrap()]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(said.contains("each of them is there in one state"), "{said}");
    // A row that somebody deletes is missed.
    let vandal = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    vandal.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM outbox WHERE state = 'expired'").unwrap();
    let doctor = output(&["doctor", "-c", config.to_str().unwrap()]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(said.contains("desk: 3 alerts were put in, 2 are there"), "{said}");
}
