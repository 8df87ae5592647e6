//! What an operator gets to see when something is wrong: clear errors, fitting exit codes, recorded states.

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};

use crate::support::{Daemon, Endpoint, Entry, Feeds, Server, output, wait_for, write_config};

/// Runs `gainsay run` on a config that cannot work; gives exit code and standard error.
fn run(config: &std::path::Path) -> (Option<i32>, String) {
    let printed = output(&["run", "-c", config.to_str().unwrap()]);
    (printed.status.code(), String::from_utf8_lossy(&printed.stderr).into_owned())
}

#[test]
fn a_missing_config_is_named() {
    let (code, said) = run(std::path::Path::new("/nonexistent/gainsay.toml"));
    assert_eq!(code, Some(78));
    assert!(said.contains("/nonexistent/gainsay.toml"), "{said}");
}

#[test]
fn all_problems_of_a_config_are_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    let text =
        "databse = \"x\"\n[intake]\npoll_interval = 5\n[[feed]]\nid = \"Bad Id\"\nurl = \"ftp://x\"\noutlet = \"X\"\n";
    std::fs::write(&path, text).unwrap();
    let (code, said) = run(&path);
    assert_eq!(code, Some(78));
    for place in ["gainsay.toml:1:", "gainsay.toml:3:", "gainsay.toml:5:", "gainsay.toml:6:"] {
        assert!(said.contains(place), "{place} is missing in:\n{said}");
    }
}

#[test]
fn a_config_without_feeds_cannot_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    std::fs::write(&path, "database = \"x.db\"\n").unwrap();
    let (code, said) = run(&path);
    assert_eq!(code, Some(78));
    assert!(said.contains("feed"), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let database = folder.path().join("gainsay.db");
    std::fs::write(&database, "this is a letter, not a database, and long enough to be mistaken for one".repeat(99))
        .unwrap();
    let before = std::fs::read(&database).unwrap();
    let (code, said) = run(&config);
    assert_eq!(code, Some(1));
    assert!(said.contains("gainsay.db"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[test]
fn two_daemons_do_not_share_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", Entry::new("1", "Weather", "Mild."));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let first = Daemon::start(&config);
    wait_for("the database", Duration::from_secs(20), || folder.path().join("gainsay.db").exists());
    std::thread::sleep(Duration::from_millis(300));
    let (code, said) = run(&config);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gainsay.db"), "{said}");
    assert_eq!(first.stop().0, Some(0));
}

/// A private feed address is refused unless allowed, and so is a redirect to one; both are feed incidents, not crashes.
#[test]
fn private_addresses_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let config = write_config(folder.path(), &[("a", "http://169.254.169.254/latest".into())], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the incident", Duration::from_mins(1), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let alert: serde_json::Value = serde_json::from_slice(&endpoint.received()[0].body).unwrap();
    assert_eq!(alert["type"], "feed.failing");
    assert_eq!(alert["data"]["feed"]["id"], "a");
}

#[test]
fn a_feed_that_is_html_and_then_heals_is_one_incident() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let router = Router::new().fallback(move || {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            if call < 3 {
                (
                    StatusCode::OK,
                    [(header::CONTENT_TYPE, "text/html")],
                    "<html><body>maintenance</body></html>".to_owned(),
                )
            } else {
                let item = "<item><guid>1</guid><title>Weather</title><description>Mild.</description></item>";
                let feed = format!("<rss version=\"2.0\"><channel><title>W</title>{item}</channel></rss>");
                (StatusCode::OK, [(header::CONTENT_TYPE, "application/rss+xml")], feed)
            }
        }
    });
    let wire = Server::start(router);
    let config = write_config(folder.path(), &[("a", wire.base.clone())], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("failure and recovery", Duration::from_secs(90), || endpoint.received().len() >= 2);
    assert_eq!(daemon.stop().0, Some(0));
    let types: Vec<String> = endpoint
        .received()
        .iter()
        .map(|received| serde_json::from_slice::<serde_json::Value>(&received.body).unwrap()["type"].to_string())
        .collect();
    assert_eq!(types, ["\"feed.failing\"", "\"feed.recovered\""]);
}
