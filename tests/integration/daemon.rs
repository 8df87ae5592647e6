//! The daemon as a whole: real feeds in, real webhooks out, once.

use std::time::Duration;

use crate::support::{Daemon, Endpoint, Entry, Feeds, Received, query, wait_for, write_config};

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
    wait_for("the baseline", Duration::from_mins(1), || !query(folder.path(), "SELECT id FROM document").is_empty());
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
    wait_for("all copies", Duration::from_mins(1), || query(folder.path(), "SELECT id FROM document").len() == 3);
    assert_eq!(daemon.stop().0, Some(0));
    assert_eq!(endpoint.received().len(), 1);
}
