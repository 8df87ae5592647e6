//! The daemon as a whole: real feeds in, real webhooks out, once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, RawServer, Received, answer, gainsay, query, wait_for, write_config};

/// A config that lets denials through however unsure the extractor is: what it finds is not these tests' business.
fn config(folder: &Path, feeds: &[(&str, String)], endpoint: &str) -> PathBuf {
    let path = write_config(folder, feeds, Some(endpoint));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n")
        .unwrap();
    path
}

fn headline(received: &Received) -> String {
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    body["data"]["document"]["headline"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_stop_drains_and_a_restart_alerts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = config(folder.path(), &[("a", format!("{}/a", wire.base))], &receiver.base);
    let daemon = Daemon::start(&config);
    wait_for("the first alert", Duration::from_secs(30), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let daemon = Daemon::start(&config);
    feeds.add("/a", story(12));
    wait_for("the second alert", Duration::from_secs(30), || endpoint.received().len() >= 2);
    assert_eq!(daemon.stop().0, Some(0));
    let headlines: Vec<String> = endpoint.received().iter().map(headline).collect();
    assert_eq!(headlines, [story(1).title, story(12).title]);
}

#[test]
fn a_first_fetch_is_a_quiet_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = config(folder.path(), &[("a", format!("{}/a", wire.base))], &receiver.base);
    let quiet = std::fs::read_to_string(&config).unwrap().replace("backfill = \"3650d\"\n", "");
    std::fs::write(&config, quiet).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the baseline", Duration::from_mins(1), || !query(folder.path(), "SELECT id FROM document").is_empty());
    feeds.add("/a", story(2));
    wait_for("the alert after the baseline", Duration::from_secs(30), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().iter().map(headline).collect::<Vec<_>>(), [story(2).title]);
}

#[test]
fn since_makes_what_is_young_enough_news_on_the_first_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = config(folder.path(), &[("a", format!("{}/a", wire.base))], &receiver.base);
    let quiet = std::fs::read_to_string(&config).unwrap().replace("backfill = \"3650d\"\n", "");
    std::fs::write(&config, quiet).unwrap();
    let (status, said) = Daemon::start_with(&config, &["--since", "yesterday"]).ended();
    assert_eq!(status, Some(1));
    assert!(said.contains("--since") && said.contains("an age such as"), "{said}");
    let daemon = Daemon::start_with(&config, &["--since", "1990-01-01"]);
    wait_for("the alert", Duration::from_secs(30), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn what_a_budget_holds_back_is_explained_so_and_its_digest_named() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = config(folder.path(), &[("a", format!("{}/a", wire.base))], &receiver.base);
    let thrifty = std::fs::read_to_string(&config).unwrap().replace("alerts_per_day = 0", "alerts_per_day = 1");
    std::fs::write(&config, thrifty).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the first alert", Duration::from_secs(30), || !endpoint.received().is_empty());
    feeds.add("/a", story(12));
    let held =
        "SELECT json_extract(record, '$.held[0].claim') FROM budget WHERE json_array_length(record, '$.held') = 1";
    wait_for("the alert that waits", Duration::from_secs(30), || !query(folder.path(), held).is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().len(), 1);
    let claim = query(folder.path(), held).remove(0);
    let explained = || {
        let said = gainsay(&["explain", &claim, "-c", config.to_str().unwrap()]).output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    assert!(explained().contains("over the day's budget of desk"), "{}", explained());

    // The next day it comes in a digest, which is named.
    let yesterday =
        "UPDATE budget SET record = json_set(record, '$.day', '2020-01-01', '$.until', '2020-01-02T00:00:00Z')";
    rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap().execute_batch(yesterday).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the digest", Duration::from_mins(1), || endpoint.received().len() == 2);
    assert_eq!(daemon.stop().0, Some(0));
    let said = explained();
    let digest = query(folder.path(), "SELECT substr(alert, 1, 8) FROM outbox WHERE type = 'digest'").remove(0);
    assert!(said.contains("came in a digest") && said.contains(&format!("{digest} digest")), "{said}");
}

#[test]
fn every_outlet_of_one_copy_gives_one_alert() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    for outlet in ["/a", "/b", "/c"] {
        feeds.add(outlet, story(3));
    }
    let urls = ["a", "b", "c"].map(|id| (id, format!("{}/{id}", wire.base)));
    let config = config(folder.path(), &urls, &receiver.base);
    let daemon = Daemon::start(&config);
    wait_for("all copies", Duration::from_mins(1), || query(folder.path(), "SELECT id FROM document").len() == 3);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().len(), 1);
}

/// Both addresses answer with the same `ETag`: sent to the new one, it would hide what only that one has.
#[test]
fn a_feed_that_moves_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    for (path, first) in [("/old", story(1)), ("/new", story(12))] {
        feeds.add(path, first);
        feeds.add(path, story(2));
    }
    let old = config(folder.path(), &[("a", format!("{}/old", wire.base))], &receiver.base);
    let daemon = Daemon::start(&old);
    wait_for("the old address", Duration::from_mins(1), || query(folder.path(), "SELECT id FROM document").len() == 2);
    assert_eq!(daemon.stop().0, Some(0));
    let new = config(folder.path(), &[("a", format!("{}/new", wire.base))], &receiver.base);
    let daemon = Daemon::start(&new);
    wait_for("the new address", Duration::from_mins(1), || query(folder.path(), "SELECT id FROM document").len() == 3);
    assert_eq!(daemon.stop().0, Some(0));
}

/// The feed and the endpoint both fail, so that every word that is said of a failure is said.
#[test]
fn secrets_in_addresses_stay_in_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let closed = RawServer::start(|_, _| ());
    let host = page.base.replace("http://", "");
    let path = write_config(
        folder.path(),
        &[("a", format!("http://hush:hush@{host}/feed?key=hush&n=hush"))],
        Some(&format!("{}/hooks/hush?key=hush", closed.base)),
    );
    let daemon = Daemon::start(&path);
    let errors = "SELECT error FROM attempt";
    wait_for("a failed delivery", Duration::from_mins(1), || !query(folder.path(), errors).is_empty());
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    let alerts = query(folder.path(), "SELECT CAST(body AS TEXT) FROM outbox_body").concat();
    let shown = format!("{}/feed?key=…&n=…", page.base);
    assert!(said.contains(&shown) && alerts.contains(&shown), "{said}\n{alerts}");
    let told = [said, alerts, query(folder.path(), errors).concat()].concat();
    assert!(!told.contains("hush"), "{told}");
}

#[test]
fn alerts_of_a_sink_that_goes_are_told_of_and_delivered_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let page = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let closed = RawServer::start(|_, _| ());
    let feeds = [("a", page.base.clone())];
    let with = write_config(folder.path(), &feeds, Some(&closed.base));
    let daemon = Daemon::start(&with);
    let attempts = "SELECT result FROM attempt";
    wait_for("a failed delivery", Duration::from_mins(1), || !query(folder.path(), attempts).is_empty());
    assert_eq!(daemon.stop().0, Some(0));

    let polls = || query(folder.path(), "SELECT record->>'last_poll' FROM cursor");
    let polled = polls();
    let daemon = Daemon::start(&write_config(folder.path(), &feeds, None));
    wait_for("a poll", Duration::from_mins(1), || polls() != polled);
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("sink is no longer in the config: alerts wait for it").count(), 1, "{said}");
    assert_eq!(query(folder.path(), "SELECT sink || ' ' || state FROM outbox"), ["desk pending"]);

    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let daemon = Daemon::start(&write_config(folder.path(), &feeds, Some(&receiver.base)));
    wait_for("the alert", Duration::from_mins(1), || !endpoint.received().is_empty());
    let (_, said) = daemon.stop();
    assert!(!said.contains("no longer in the config"), "{said}");
}
