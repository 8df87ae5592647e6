//! SIGHUP: another config for the running daemon, all or nothing, and no alert lost or repeated by it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::support::{Daemon, Endpoint, Feeds, RawServer, SECRET, answer, gainsay, query, wait_for};

const MINUTE: Duration = Duration::from_mins(1);

/// A daemon whose log can be read while it runs.
pub(crate) struct Logged {
    pub(crate) daemon: Daemon,
    log: Arc<Mutex<String>>,
}

impl Logged {
    pub(crate) fn start(config: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_by(gainsay(&[]), config, variables)
    }

    /// As [`Self::start`], by a command that becomes the program with the arguments that it is given.
    pub(crate) fn start_by(mut command: Command, config: &Path, variables: &[(&str, &str)]) -> Self {
        command
            .args(["run", "--log", "info", "--log-format", "human", "-c", config.to_str().unwrap()])
            .env("GAINSAY_HTTP__LISTEN", "")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, lines) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        let logged = Self { daemon: Daemon(child), log };
        logged.wait_for_log("started", 1);
        logged
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str, times: usize) {
        wait_for(words, MINUTE, || self.log().matches(words).count() >= times);
    }

    pub(crate) fn hang_up(&self) {
        Command::new("kill").args(["-HUP", &self.daemon.0.id().to_string()]).status().unwrap();
    }

    /// SIGHUP, and waits until the new config counts.
    #[track_caller]
    pub(crate) fn reload(&self) {
        let before = self.log().matches("config reloaded").count();
        self.hang_up();
        self.wait_for_log("config reloaded", before + 1);
    }

    pub(crate) fn stop(mut self) {
        self.daemon.terminate();
        assert_eq!(self.daemon.0.wait().unwrap().code(), Some(0), "{}", self.log());
    }
}

/// Writes the config anew: these feeds (with more lines of theirs), this rest.
fn write(folder: &Path, feeds: &[(&str, String, &str)], rest: &str) -> std::path::PathBuf {
    let mut text =
        "database = \"gainsay.db\"\nshutdown_grace = \"5s\"\n[intake]\npoll_interval = \"1s\"\nbackfill = \"3650d\"\n\
                    allow_networks = [\"127.0.0.0/8\"]\nfetches_per_host_max = 8\n"
            .to_owned();
    for (id, url, lines) in feeds {
        write!(text, "[[feed]]\nid = \"{id}\"\nurl = \"{url}\"\noutlet = \"Outlet {id}\"\n{lines}").unwrap();
    }
    text += "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n";
    let path = folder.join("gainsay.toml");
    std::fs::write(&path, text + rest).unwrap();
    path
}

fn sink(name: &str, url: &str, lines: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nretry_schedule = [\"1s\", \"1s\", \"2s\", \"5s\"]\n{lines}"
    )
}

fn headlines(endpoint: &Endpoint) -> Vec<String> {
    let headline = |body: &[u8]| {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        body["data"]["document"]["headline"].as_str().unwrap_or_default().to_owned()
    };
    endpoint.received().iter().map(|received| headline(&received.body)).collect()
}

#[test]
fn a_feed_added_comes_with_its_baseline_and_one_taken_out_is_polled_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    feeds.add("/b", story(2));
    let desk = sink("desk", &receiver.base, "");
    let a = ("a", format!("{}/a", wire.base), "");
    let b = ("b", format!("{}/b", wire.base), "backfill = \"0s\"\n");
    let config = write(folder.path(), std::slice::from_ref(&a), &desk);
    let daemon = Logged::start(&config, &[]);
    wait_for("the first alert", MINUTE, || endpoint.received().len() == 1);

    write(folder.path(), &[b], &desk);
    daemon.reload();
    wait_for("the baseline", MINUTE, || query(folder.path(), "SELECT id FROM document").len() == 2);
    let polled = || query(folder.path(), "SELECT record->>'last_poll' FROM cursor WHERE id = 'a'");
    let last = polled();
    feeds.add("/a", story(3));
    feeds.add("/b", story(12));
    wait_for("the alert after the baseline", MINUTE, || endpoint.received().len() == 2);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(polled(), last, "a feed that was taken out is polled");

    // It comes back where it stood: nothing of it is repeated, and what it brought meanwhile is news.
    write(folder.path(), &[a], &desk);
    daemon.reload();
    wait_for("the alert of the feed that came back", MINUTE, || endpoint.received().len() == 3);
    daemon.stop();
    assert_eq!(headlines(&endpoint), [1, 12, 3].map(|number| story(number).title));
}

#[test]
fn sinks_come_and_go_and_their_queues_wait_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, first, second) = (Feeds::default(), Endpoint::default(), Endpoint::default());
    let (wire, first_server, second_server) = (feeds.serve(), first.serve(), second.serve());
    let broken = RawServer::start(|_, stream| {
        answer(stream, "500 Internal Server Error", "", b"");
    });
    feeds.add("/a", story(1));
    let a = [("a", format!("{}/a", wire.base), "")];
    let one = sink("one", &first_server.base, "");
    let env = |url: &str| {
        let with_secret =
            sink("two", url, "").replace(&format!("secret = \"{SECRET}\""), "secret_env = \"GAINSAY_TWO\"");
        format!("{one}{with_secret}")
    };
    let config = write(folder.path(), &a, &env(&broken.base));
    let daemon = Logged::start(&config, &[("GAINSAY_TWO", SECRET)]);
    wait_for("the first alert", MINUTE, || first.received().len() == 1);
    let waiting = "SELECT sink FROM outbox WHERE state = 'pending'";
    wait_for("an attempt", MINUTE, || !query(folder.path(), "SELECT error FROM attempt WHERE error <> ''").is_empty());

    // The variable of its secret stays in the environment, which is no mistake now.
    write(folder.path(), &a, &one);
    daemon.reload();
    daemon.wait_for_log("sink is no longer in the config: alerts wait for it", 1);
    feeds.add("/a", story(2));
    wait_for("the second alert", MINUTE, || first.received().len() == 2);
    wait_for("the first sink to be done", MINUTE, || query(folder.path(), waiting) == ["two"]);

    write(folder.path(), &a, &env(&second_server.base));
    daemon.reload();
    wait_for("what waited", MINUTE, || second.received().len() == 1);
    feeds.add("/a", story(12));
    wait_for("the third alert", MINUTE, || first.received().len() == 3 && second.received().len() == 2);
    daemon.stop();
    assert_eq!(headlines(&first), [1, 2, 12].map(|number| story(number).title));
    assert_eq!(headlines(&second), [1, 12].map(|number| story(number).title));
    assert!(query(folder.path(), waiting).is_empty());
}

#[test]
fn what_is_collected_outlasts_a_sink_that_goes_and_comes_out_when_nothing_is_collected_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, first, second) = (Feeds::default(), Endpoint::default(), Endpoint::default());
    let (wire, first_server, second_server) = (feeds.serve(), first.serve(), second.serve());
    feeds.add("/a", story(1));
    let a = [("a", format!("{}/a", wire.base), "")];
    let one = sink("one", &first_server.base, "");
    let two = |lines: &str| format!("{one}{}", sink("two", &second_server.base, lines));
    let config = write(folder.path(), &a, &two("digest = \"24h\"\n"));
    let daemon = Logged::start(&config, &[]);
    wait_for("the alert of the other", MINUTE, || first.received().len() == 1);
    assert_eq!(query(folder.path(), "SELECT sink || ' ' || reason FROM hold WHERE ended IS NULL"), ["two collected"]);

    write(folder.path(), &a, &one);
    daemon.reload();
    daemon.wait_for_log("sink is no longer in the config: alerts are held for its digests and groups", 1);
    assert_eq!(second.received().len(), 0);
    write(folder.path(), &a, &two(""));
    daemon.reload();
    wait_for("the digest", MINUTE, || second.received().len() == 1);
    feeds.add("/a", story(2));
    wait_for("the next alert at once", MINUTE, || second.received().len() == 2);
    daemon.stop();
    let digest: serde_json::Value = serde_json::from_slice(&second.received()[0].body).unwrap();
    let listed = digest["data"]["digest"]["alerts"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["headline"]), (1, &story(1).title.into()));
    assert_eq!(query(folder.path(), "SELECT sink FROM hold WHERE ended IS NULL"), [""; 0]);
}

/// Feeds are added, taken out and changed, and the sink is replaced, while polls and deliveries are under way.
#[test]
fn no_alert_is_lost_or_repeated_by_reloads_in_the_midst_of_work() {
    const STORIES: usize = 24;
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let heard = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let counted = Arc::clone(&heard);
    let slow = RawServer::start(move |request, stream| {
        std::thread::sleep(Duration::from_millis(100));
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        if answer(stream, "204 No Content", "", b"") {
            *counted.lock().unwrap().entry(id).or_default() += 1;
        }
    });
    let config_of = |round: usize| {
        let a =
            ("a", format!("{}/a", wire.base), if round.is_multiple_of(2) { "" } else { "poll_interval = \"2s\"\n" });
        let b = ("b", format!("{}/b", wire.base), "");
        let lines = format!("timeout = \"{}s\"\n", 20 + round % 3);
        let chosen = if round % 3 == 1 { vec![a] } else { vec![a, b] };
        write(folder.path(), &chosen, &sink("desk", &slow.base, &lines))
    };
    let daemon = Logged::start(&config_of(0), &[]);
    for number in 0..STORIES {
        feeds.add(if number.is_multiple_of(2) { "/a" } else { "/b" }, story(number));
        if number.is_multiple_of(3) {
            config_of(number / 3);
            daemon.reload();
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    config_of(0);
    daemon.reload();
    let states = || query(folder.path(), "SELECT DISTINCT state FROM outbox");
    wait_for("all stories", MINUTE, || query(folder.path(), "SELECT id FROM document").len() == STORIES);
    wait_for("all deliveries", MINUTE, || states() == ["delivered"]);
    daemon.stop();
    let heard = heard.lock().unwrap();
    let alerts = query(folder.path(), "SELECT alert FROM outbox ORDER BY alert");
    assert_eq!(heard.keys().cloned().collect::<Vec<_>>(), alerts);
    assert!(alerts.len() > STORIES / 2, "only {} alerts", alerts.len());
    assert!(heard.values().all(|times| *times == 1), "{heard:?}");
}

/// A poll and a delivery hang while their feed and their sink are changed: each is finished once, by the old task, before the new
/// one begins.
#[test]
fn what_is_under_way_is_finished_before_its_successor_begins() {
    let folder = tempfile::tempdir().unwrap();
    let (polls, deliveries) = (Arc::new(Mutex::new((0, 0))), Arc::new(Mutex::new((0, 0))));
    // Requests begun and ended; the first ends two seconds later.
    let slow = |counts: &Arc<Mutex<(u32, u32)>>, body: &'static str| {
        let counts = Arc::clone(counts);
        RawServer::start(move |_, stream| {
            let number = {
                let mut counts = counts.lock().unwrap();
                counts.0 += 1;
                counts.0
            };
            std::thread::sleep(Duration::from_secs(if number == 1 { 2 } else { 0 }));
            counts.lock().unwrap().1 += 1;
            answer(stream, "200 OK", "", body.as_bytes());
        })
    };
    let item = "<item><guid>1</guid><title>Franck speaks</title><description>Mayor Odile Franck denied that she had taken \
                bribes.</description><pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>";
    let feed: &'static str =
        Box::leak(format!("<rss version=\"2.0\"><channel><title>W</title>{item}</channel></rss>").into_boxed_str());
    let (wire, receiver) = (slow(&polls, feed), slow(&deliveries, ""));
    let change = |feed_lines: &'static str, sink_lines: &str| {
        write(folder.path(), &[("a", wire.base.clone(), feed_lines)], &sink("desk", &receiver.base, sink_lines))
    };
    let daemon = Logged::start(&change("", ""), &[]);
    wait_for("a poll", MINUTE, || polls.lock().unwrap().0 == 1);
    change("poll_interval = \"1500ms\"\n", "");
    daemon.reload();
    assert_eq!(*polls.lock().unwrap(), (1, 0), "the reload waited, or a second poll began");
    wait_for("a delivery", MINUTE, || deliveries.lock().unwrap().0 == 1);
    let (begun, ended) = *polls.lock().unwrap();
    assert_eq!(begun, ended, "the poll under way is finished first");
    change("poll_interval = \"1500ms\"\n", "timeout = \"20s\"\n");
    daemon.reload();
    assert_eq!(*deliveries.lock().unwrap(), (1, 0), "the reload waited, or a second delivery began");
    let delivered = "SELECT state FROM outbox WHERE state = 'delivered'";
    wait_for("the delivery", MINUTE, || query(folder.path(), delivered).len() == 1);
    std::thread::sleep(Duration::from_secs(2));
    daemon.stop();
    assert_eq!(*deliveries.lock().unwrap(), (1, 1));
}

#[test]
fn a_bad_config_changes_nothing_and_all_its_problems_are_logged() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    let desk = sink("desk", &receiver.base, "");
    let a = ("a", format!("{}/a", wire.base), "");
    let b = ("b", format!("{}/b", wire.base), "");
    feeds.add("/b", story(3));
    let config = write(folder.path(), std::slice::from_ref(&a), &desk);
    let daemon = Logged::start(&config, &[]);
    let kept = "everything stays as it was";
    write(
        folder.path(),
        std::slice::from_ref(&b),
        &format!("{desk}[[sink]]\nname = \"x\"\ntype = \"jsonl\"\npath = 7\npth = 1\n"),
    );
    daemon.hang_up();
    daemon.wait_for_log(kept, 1);
    // What can only be found out by building it, and what cannot be changed.
    write(
        folder.path(),
        std::slice::from_ref(&b),
        &format!("{desk}[[sink]]\nname = \"x\"\ntype = \"jsonl\"\npath = \"missing/x\"\n"),
    );
    daemon.hang_up();
    daemon.wait_for_log(kept, 2);
    let other = std::fs::read_to_string(write(folder.path(), &[b], &desk)).unwrap().replace("gainsay.db", "other.db");
    std::fs::write(&config, other).unwrap();
    daemon.hang_up();
    daemon.wait_for_log(kept, 3);
    write(folder.path(), &[], &desk);
    daemon.hang_up();
    daemon.wait_for_log(kept, 4);
    let listens = std::fs::read_to_string(write(folder.path(), std::slice::from_ref(&a), &desk)).unwrap();
    std::fs::write(&config, listens.replace("[intake]", "[log]\nfilter = \"error\"\n[intake]")).unwrap();
    daemon.hang_up();
    daemon.wait_for_log("[log] has changed: that counts from the next start", 1);
    daemon.wait_for_log("config reloaded", 1);

    feeds.add("/a", story(1));
    wait_for("the alert of the old config", MINUTE, || !endpoint.received().is_empty());
    let log = daemon.log();
    assert!(log.contains("sink[2].path: is a number") && log.contains("sink[2].pth: is not a key here"), "{log}");
    assert!(log.contains("cannot open the sink \"x\"") && log.contains("that needs a restart"), "{log}");
    assert!(log.contains("the config has no feed") && log.matches("config reloaded").count() == 1, "{log}");
    daemon.stop();
    assert_eq!(headlines(&endpoint), [story(1).title]);
    assert_eq!(query(folder.path(), "SELECT id FROM cursor"), ["a"]);
    assert!(!folder.path().join("other.db").exists());
}
