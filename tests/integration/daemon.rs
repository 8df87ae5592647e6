//! The daemon as a whole: real feeds in, real webhooks out, killed and restarted at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::support::{Daemon, Endpoint, Entry, Feeds, Received, wait_for, write_config};

/// How often the oracle kills the daemon.
const KILLS: u32 = 200;
/// Stories in the oracle's feeds; each makes one allegation that shares no name, act or place with another.
const STORIES: usize = 40;

const SPEAKERS: [&str; 8] = [
    "Prosecutors",
    "Rebel commanders",
    "The dock workers' union",
    "Orsa Lind",
    "Port inspectors",
    "Human rights lawyers",
    "Finance Minister Tomas Rehn",
    "Former employees",
];
const ACCUSED: [&str; 10] = [
    "Halden Freight",
    "Governor Pia Sund",
    "the Brevik shipyard",
    "Coach Milan Petrov",
    "Arvo Bank",
    "General Ruiz",
    "the Kestrel airline",
    "Mayor Odile Franck",
    "the Tarn mining company",
    "Senator Jonas Weil",
];
const ACTS: [&str; 8] = [
    "hiding derailments from inspectors",
    "taking bribes for harbour contracts",
    "shelling a clinic",
    "forging doping tests",
    "laundering cartel money",
    "poisoning wells near villages",
    "stealing pension savings",
    "torturing detainees in custody",
];

fn story(number: usize) -> Entry {
    let speaker = SPEAKERS[number % SPEAKERS.len()];
    let accused = ACCUSED[number % ACCUSED.len()];
    let act = ACTS[(number / 5) % ACTS.len()];
    let year = 1960 + number;
    Entry::new(
        &format!("story-{number}"),
        &format!("Dispute number {number} reaches court"),
        &format!("{speaker} accused {accused} of {act} in {year}. The matter will be heard in district {number}."),
    )
}

fn headline(received: &Received) -> String {
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    body["data"]["document"]["headline"].as_str().unwrap_or_default().to_owned()
}

/// Every alert whose story was served must arrive; whatever arrives twice must be the same id with the same bytes.
#[test]
fn no_alert_is_lost_and_none_changes_when_the_daemon_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    for feed in 0..4 {
        feeds.add(&format!("/{feed}"), Entry::new("first", "Weather stays mild", "It was mild."));
    }
    let urls: Vec<(String, String)> =
        (0..4).map(|feed| (format!("f{feed}"), format!("{}/{feed}", wire.base))).collect();
    let urls: Vec<(&str, String)> = urls.iter().map(|(id, url)| (id.as_str(), url.clone())).collect();
    let config = write_config(folder.path(), &urls, Some(&receiver.base));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for kill in 0..KILLS {
        let number = kill as usize * STORIES / KILLS as usize;
        feeds.add(&format!("/{}", number % 4), story(number));
        let mut daemon = Daemon::start(&config);
        std::thread::sleep(Duration::from_millis(random.below(350)));
        daemon.kill();
    }
    let daemon = Daemon::start(&config);
    let expected: BTreeSet<String> = (0..STORIES).map(|number| story(number).title).collect();
    wait_for("all alerts", Duration::from_mins(1), || {
        let arrived: BTreeSet<String> = endpoint.received().iter().map(headline).collect();
        expected.is_subset(&arrived)
    });
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for received in endpoint.received() {
        ids.entry(headline(&received)).or_default().insert(received.id.clone());
        let known = bodies.entry(received.id.clone()).or_insert_with(|| received.body.clone());
        assert_eq!(known, &received.body, "{} came with two bodies", received.id);
    }
    for (headline, ids) in ids {
        assert_eq!(ids.len(), 1, "{headline:?} was alerted under several ids");
    }
}

/// A seeded generator (xorshift): a failure can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn a_stop_drains_and_a_restart_alerts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
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
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let quiet = std::fs::read_to_string(&config).unwrap().replace("backfill = \"3650d\"\n", "");
    std::fs::write(&config, quiet).unwrap();
    let daemon = Daemon::start(&config);
    std::thread::sleep(Duration::from_millis(1500));
    feeds.add("/a", story(2));
    wait_for("the alert after the baseline", Duration::from_secs(30), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().iter().map(headline).collect::<Vec<_>>(), [story(2).title]);
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
    let config = write_config(folder.path(), &urls, Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the alert", Duration::from_secs(30), || !endpoint.received().is_empty());
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().len(), 1);
}
