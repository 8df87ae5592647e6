//! Endpoints in trouble are told of at the other sinks: once for each trouble, over restarts, and never at the endpoint itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, RawServer, SECRET, answer, output, query, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// Type and subject of each alert about a sink that the endpoint got, in order.
fn alarms(endpoint: &Endpoint) -> Vec<(String, String)> {
    let received = endpoint.received();
    let alerts = received.iter().map(|one| serde_json::from_slice::<serde_json::Value>(&one.body).unwrap());
    let of_sinks = alerts.filter(|alert| alert["type"].as_str().unwrap().starts_with("sink."));
    of_sinks
        .map(|alert| {
            let sink = alert["data"]["sink"]["name"].as_str().unwrap().to_owned();
            (alert["type"].as_str().unwrap().to_owned(), sink)
        })
        .collect()
}

fn sink(name: &str, url: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nalerts_per_day = 0\n\
         breaker_failures = 1\nretry_schedule = [{}]\n",
        ["\"1s\""; 50].join(", ")
    )
}

fn state_of(folder: &Path, sink: &str) -> Vec<String> {
    query(folder, &format!("SELECT state FROM endpoint WHERE id = '{sink}'"))
}

#[test]
fn an_endpoint_in_trouble_is_told_of_at_the_others_once_and_so_is_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, watcher, is_well) = (Feeds::default(), Endpoint::default(), Arc::new(AtomicBool::new(false)));
    let (wire, receiver, well) = (feeds.serve(), watcher.serve(), Arc::clone(&is_well));
    let ailing = RawServer::start(move |_, stream| {
        let status = if well.load(Ordering::SeqCst) { "204 No Content" } else { "500 Internal Server Error" };
        answer(stream, status, "", b"");
    });
    let gone = RawServer::start(|_, stream| {
        answer(stream, "410 Gone", "", b"");
    });
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let text = std::fs::read_to_string(&config).unwrap();
    let rule = "[[rule]]\nname = \"all\"\nconfidence_min = 0\n";
    std::fs::write(&config, text + &sink("ailing", &ailing.base) + &sink("gone", &gone.base) + rule).unwrap();

    let mut daemon = Daemon::start(&config);
    wait_for("the endpoint that is gone", MINUTE, || state_of(folder.path(), "gone") == ["disabled"]);
    wait_for("the endpoint that fails", MINUTE, || state_of(folder.path(), "ailing") == ["failing"]);
    let told = |name: &str, sink: &str| (name.to_owned(), sink.to_owned());
    wait_for("word of the one that is gone", MINUTE, || alarms(&watcher) == [told("sink.disabled", "gone")]);
    daemon.kill();

    // A quarter of an hour later it fails still.
    let database = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    let earlier = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(15);
    let age = "UPDATE endpoint SET record = json_set(record, '$.failing_since', ?1) WHERE id = 'ailing'";
    assert_eq!(database.execute(age, [earlier.to_string()]).unwrap(), 1);
    drop(database);
    let daemon = Daemon::start(&config);
    let both = [told("sink.disabled", "gone"), told("sink.failing", "ailing")];
    wait_for("word of the one that fails", MINUTE, || alarms(&watcher) == both);
    assert_eq!(daemon.stop().0, Some(0));

    is_well.store(true, Ordering::SeqCst);
    let daemon = Daemon::start(&config);
    let enabled = output(&["endpoint", "enable", "ailing", "-c", config.to_str().unwrap()]);
    assert_eq!(enabled.status.code(), Some(0), "{}", String::from_utf8_lossy(&enabled.stderr));
    let all = [both[0].clone(), both[1].clone(), told("sink.recovered", "ailing")];
    wait_for("word that it is back", MINUTE, || alarms(&watcher) == all);
    wait_for("what waited for it", MINUTE, || {
        query(folder.path(), "SELECT alert FROM outbox WHERE state = 'pending' AND sink = 'ailing'").is_empty()
    });
    assert_eq!(daemon.stop().0, Some(0));
    let to_itself = "SELECT type FROM outbox WHERE order_key = 'sink:' || sink";
    assert_eq!(query(folder.path(), to_itself), Vec::<String>::new(), "an endpoint is never told of itself");
    assert_eq!(
        query(folder.path(), "SELECT type FROM outbox WHERE sink = 'ailing' AND type LIKE 'sink.%'"),
        ["sink.disabled"]
    );
}
