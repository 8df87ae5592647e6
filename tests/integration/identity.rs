//! Feeds that change the identities of their entries: the daemon knows the entries again, and nothing is alerted twice or lost.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::support::{Daemon, Endpoint, RawServer, answer, query, wait_for, write_config};

const DOCUMENTS: &str = "SELECT id FROM document";

/// An entry with the address of its article; without a guid that is empty.
fn item(guid: &str, link: &str, title: &str, body: &str) -> String {
    let guid = if guid.is_empty() { String::new() } else { format!("<guid isPermaLink=\"false\">{guid}</guid>") };
    format!(
        "<item>{guid}<link>{link}</link><title>{title}</title><description>{body}</description>\
         <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>"
    )
}

fn of_story(number: usize, guid: &str, link: &str) -> String {
    let story = story(number);
    item(guid, link, &story.title, &story.body)
}

/// A daemon that polls one feed, and who is alerted of it.
struct Wire {
    folder: tempfile::TempDir,
    feed: Arc<Mutex<String>>,
    endpoint: Endpoint,
    config: std::path::PathBuf,
    _receiver: crate::support::Server,
}

impl Wire {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let feed: Arc<Mutex<String>> = Arc::default();
        let endpoint = Endpoint::default();
        let served = Arc::clone(&feed);
        let server = RawServer::start(move |_, stream| {
            let body = served.lock().unwrap().clone();
            answer(stream, "200 OK", "content-type: application/rss+xml\r\n", body.as_bytes());
        });
        let receiver = endpoint.serve();
        let config = config(folder.path(), &server.base, &receiver.base);
        Self { folder, feed, endpoint, config, _receiver: receiver }
    }

    /// What the feed carries from now on.
    fn carry(&self, items: &[String]) {
        let mut body = String::new();
        write!(body, "<rss version=\"2.0\"><channel><title>Wire</title>{}</channel></rss>", items.concat()).unwrap();
        *self.feed.lock().unwrap() = body;
    }

    fn wait_for_alerts(&self, count: usize) {
        wait_for("the alerts", Duration::from_mins(1), || self.endpoint.received().len() >= count);
    }

    fn query(&self, sql: &str) -> Vec<String> {
        query(self.folder.path(), sql)
    }
}

/// Denials are let through however unsure the extractor is: what it finds is not these tests' business.
fn config(folder: &Path, feed: &str, endpoint: &str) -> std::path::PathBuf {
    let path = write_config(folder, &[("a", format!("{feed}/a"))], Some(endpoint));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n")
        .unwrap();
    path
}

#[test]
fn entries_under_another_identity_are_the_known_ones() {
    let wire = Wire::new();
    let edited = story(12);
    wire.carry(&[
        of_story(1, "flips", "https://news.example/1"),
        item(&edited.title, "https://news.example/12", &edited.title, &edited.body),
        of_story(3, "", "https://www.news.example/3"),
    ]);
    let daemon = Daemon::start(&wire.config);
    wire.wait_for_alerts(3);
    assert_eq!(wire.query(DOCUMENTS).len(), 3);
    let before = wire.query("SELECT id FROM document ORDER BY id");

    let title = format!("{} once more", edited.title);
    wire.carry(&[
        of_story(4, "new", "https://news.example/4"),
        of_story(1, "https://news.example/?p=1", "https://news.example/1/?utm_source=rss"),
        item(&title, "https://news.example/12", &title, &format!("{} It rained.", edited.body)),
        of_story(3, "", "https://amp.news.example/3.html?amp=1"),
    ]);
    wire.wait_for_alerts(4);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(wire.endpoint.received().len(), 4, "each story once");
    let after = wire.query("SELECT id FROM document ORDER BY id");
    assert!(after.len() == 4 && before.iter().all(|id| after.contains(id)), "{before:?} {after:?}");
    let revisions = wire.query("SELECT json_extract(record, '$.revision') || '' FROM document ORDER BY 1 DESC");
    assert_eq!(revisions, ["1", "0", "0", "0"], "the edit is one");
}

#[test]
fn entries_side_by_side_at_one_address_stay_apart() {
    let wire = Wire::new();
    let live = "https://news.example/live";
    wire.carry(&[of_story(1, "one", &format!("{live}#1")), of_story(12, "two", &format!("{live}#2"))]);
    let daemon = Daemon::start(&wire.config);
    wire.wait_for_alerts(2);
    // The first one has left the page.
    wire.carry(&[of_story(12, "two", &format!("{live}#2")), of_story(3, "three", &format!("{live}#3"))]);
    wire.wait_for_alerts(3);
    // What stands there alone says something else.
    wire.carry(&[of_story(4, "four", live)]);
    wire.wait_for_alerts(4);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((wire.query(DOCUMENTS).len(), wire.endpoint.received().len()), (4, 4));
}

#[test]
fn a_database_of_before_there_were_traces_alerts_nothing_anew() {
    let wire = Wire::new();
    let known = |guid: &str| of_story(1, guid, "https://news.example/1");
    let quiet = |guid: &str| item(guid, "https://news.example/2", "Ferries sail again", "The strike is over.");
    wire.carry(&[known("a"), quiet("b")]);
    let daemon = Daemon::start(&wire.config);
    wire.wait_for_alerts(1);
    assert_eq!(daemon.stop().0, Some(0));
    let old = "UPDATE document SET record = json_remove(record, '$.trace')";
    rusqlite::Connection::open(wire.folder.path().join("gainsay.db")).unwrap().execute_batch(old).unwrap();
    let traced = "SELECT id FROM document WHERE json_extract(record, '$.trace.address') IS NOT NULL";
    assert_eq!((wire.query(DOCUMENTS).len(), wire.query(traced).len()), (2, 0));

    let daemon = Daemon::start(&wire.config);
    wire.carry(&[of_story(12, "c", "https://news.example/12"), known("a"), quiet("b")]);
    wire.wait_for_alerts(2);
    assert_eq!(wire.query(traced).len(), 3);
    // Known by their traces, whatever happens to their guids.
    wire.carry(&[of_story(3, "d", "https://news.example/3"), known("x"), quiet("y")]);
    wire.wait_for_alerts(3);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!((wire.query(DOCUMENTS).len(), wire.endpoint.received().len()), (4, 3));
}
