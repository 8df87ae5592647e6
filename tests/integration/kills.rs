//! The oracle: feeds that go on, an endpoint that fails in every way, and a daemon killed at random moments. The expected
//! alerts are known without the program: each story has one explicit denial by a person who is in no other.
//!
//! `GAINSAY_KILLS` sets the number of kills, `GAINSAY_SEED` the seed; a failure prints both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{
    Daemon, Entry, Feeds, RawServer, SECRET, answer, hang, json_lines, output_with_input, query, wait_for, write_config,
};

/// Kills in an ordinary test run.
const KILLS: u64 = 12;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FEEDS: usize = 4;

const FIRST_NAMES: [&str; 6] = ["Odile", "Tomas", "Pia", "Milan", "Greta", "Jonas"];
const SURNAMES: ([&str; 20], [&str; 20]) = (
    [
        "Bran", "Kel", "Tor", "Mun", "Sar", "Vel", "Dor", "Hal", "Fen", "Gur", "Lis", "Nor", "Pet", "Rud", "Wal",
        "Zim", "Cor", "Jor", "Ost", "Ulm",
    ],
    [
        "dov", "sten", "berg", "lik", "mann", "quist", "rup", "heim", "ansen", "ovic", "ard", "itz", "under", "ello",
        "aro", "emark", "by", "feld", "gard", "tono",
    ],
);
const OFFICES: [&str; 5] = ["Mayor", "Senator", "Governor", "Minister", "General"];
const ACTS: [&str; 6] = [
    "taken bribes from",
    "sold secret maps to",
    "leaked patient files to",
    "forged export licences for",
    "hidden losses at",
    "shredded ledgers of",
];
const TOPICS: [&str; 5] = [
    "The harbour inquiry resumes next week.",
    "Two witnesses will speak before the court rises for the summer.",
    "Shares of the company fell in early trading.",
    "Opposition parties want a vote in parliament.",
    "The archive burnt down eleven years ago.",
];

/// A story; its surname and its company are in no other.
pub(crate) fn story(number: usize) -> Entry {
    let (heads, tails) = SURNAMES;
    let surname = format!("{}{}", heads[number % 20], tails[number / 20 % 20]);
    let company = format!("{}{} Freight", heads[(number + 7) % 20], tails[(number / 20 + 3) % 20]);
    let (first, office) = (FIRST_NAMES[number % 6], OFFICES[number % 5]);
    // Like a filled-in form: some may be taken for copies of another, and still nothing may be lost.
    let mut random = Random(0x2545_f491_4f6c_dd1d ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut place = || [heads, tails].map(|parts| parts[usize::try_from(random.below(20)).unwrap()]).concat();
    let places: Vec<String> = (0..2).map(|_| place()).collect();
    let places = places.join(", ");
    let pronoun = ["he", "she"][number % 2];
    let (act, topic) = (ACTS[number / 2 % 6], TOPICS[number / 3 % 5]);
    Entry::new(
        &format!("story-{number}"),
        &format!("{surname} speaks of the {company} affair"),
        &format!(
            "{office} {first} {surname} denied that {pronoun} had {act} {company}. {topic} Tickets were sold in {places}."
        ),
    )
}

/// A seeded generator (xorshift), so that a failure can be run again.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Says how to run a failure again.
struct Recipe {
    seed: u64,
    kills: u64,
}

impl Drop for Recipe {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("run it again with GAINSAY_SEED={} GAINSAY_KILLS={}", self.seed, self.kills);
        }
    }
}

pub(crate) fn number_from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What an endpoint has read, and whether it said so.
struct Received {
    id: String,
    body: Vec<u8>,
    is_acknowledged: bool,
}

impl Received {
    fn headline(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        body["data"]["document"]["headline"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Clone)]
struct Endpoint {
    received: Arc<Mutex<Vec<Received>>>,
    is_healthy: Arc<AtomicBool>,
    random: Arc<Mutex<Random>>,
}

impl Endpoint {
    /// Takes, refuses, cuts or hangs as the dice fall, but reads and records everything.
    fn serve(&self) -> RawServer {
        let endpoint = self.clone();
        RawServer::start(move |request, stream| {
            let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
            if webhook.verify(&request.body, &request.headers).is_err() {
                answer(stream, "401 Unauthorized", "", b"");
                return;
            }
            let die = endpoint.random.lock().unwrap().below(10);
            let mood = if endpoint.is_healthy.load(Ordering::SeqCst) { 0 } else { die };
            let is_acknowledged = mood < 6 && answer(stream, "204 No Content", "", b"");
            let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
            endpoint.received.lock().unwrap().push(Received { id, body: request.body.clone(), is_acknowledged });
            match mood {
                6 | 7 => drop(answer(stream, "500 Internal Server Error", "", b"out of order")),
                8 => hang(stream),
                _ => {}
            }
        })
    }

    fn acknowledged(&self) -> BTreeSet<String> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|received| received.is_acknowledged).map(Received::headline).collect()
    }
}

fn config(folder: &std::path::Path, wire: &str, endpoint: &str) -> std::path::PathBuf {
    let feeds: Vec<(String, String)> = (0..FEEDS).map(|feed| (format!("f{feed}"), format!("{wire}/{feed}"))).collect();
    let feeds: Vec<(&str, String)> = feeds.iter().map(|(id, url)| (id.as_str(), url.clone())).collect();
    let path = write_config(folder, &feeds, Some(endpoint));
    let text = std::fs::read_to_string(&path).unwrap();
    let patient = format!("timeout = \"1s\"\nretry_schedule = [{}]\n", ["\"100ms\""; 60].join(", "));
    let text = text.replace("retry_schedule = [\"1s\", \"1s\", \"2s\", \"5s\", \"5s\", \"5s\"]\n", &patient);
    assert!(text.contains(&patient));
    std::fs::write(&path, text + "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n")
        .unwrap();
    path
}

/// A denial that the extractor does not see says nothing of kills: that is said at once, by its own name.
fn check_that_denials_are_found(stories: usize) {
    let line = |number| {
        let Entry { guid, title, body } = story(number);
        serde_json::json!({"id": guid, "title": title, "text": body}).to_string() + "\n"
    };
    let lines: String = (0..stories).map(line).collect();
    let printed = output_with_input(&["extract", "--format", "jsonl"], lines.as_bytes());
    let claims = json_lines(&printed.stdout);
    let denials = claims.iter().filter(|claim| claim["kind"] == "denial");
    let denials: BTreeSet<String> = denials.map(|claim| claim["document"].as_str().unwrap().to_owned()).collect();
    let unseen: Vec<usize> = (0..stories).filter(|&number| !denials.contains(&story(number).guid)).collect();
    assert!(unseen.is_empty(), "the extractor sees no denial in the stories {unseen:?}");
}

/// No alert is lost; what arrives twice is the same id with the same bytes; each story is alerted under one id.
#[test]
fn kill_9_at_random_moments_loses_nothing_and_changes_nothing() {
    let recipe = Recipe { seed: number_from_env("GAINSAY_SEED", SEED), kills: number_from_env("GAINSAY_KILLS", KILLS) };
    let mut random = Random(recipe.seed);
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let endpoint = Endpoint {
        received: Arc::default(),
        is_healthy: Arc::default(),
        random: Arc::new(Mutex::new(Random(recipe.seed.rotate_left(32)))),
    };
    let receiver = endpoint.serve();
    for feed in 0..FEEDS {
        feeds.add(&format!("/{feed}"), Entry::new("first", "Weather stays mild", "It was mild."));
    }
    check_that_denials_are_found(2 * usize::try_from(recipe.kills).unwrap());
    let config = config(folder.path(), &wire.base, &receiver.base);
    let mut stories = 0;
    for _ in 0..recipe.kills {
        let mut daemon = Daemon::start(&config);
        for _ in 0..=random.below(2) {
            std::thread::sleep(Duration::from_millis(random.below(600)));
            // Each story is carried by two outlets.
            for feed in [stories, stories + 1] {
                feeds.add(&format!("/{}", feed % FEEDS), story(stories));
            }
            stories += 1;
        }
        std::thread::sleep(Duration::from_millis(random.below(600)));
        daemon.kill();
    }
    endpoint.is_healthy.store(true, Ordering::SeqCst);
    let daemon = Daemon::start(&config);
    let expected: BTreeSet<String> = (0..stories).map(|number| story(number).title).collect();
    assert_eq!(expected.len(), stories, "stories share a headline");
    wait_for("all alerts", Duration::from_mins(3), || expected.is_subset(&endpoint.acknowledged()));
    wait_for("an empty outbox", Duration::from_mins(1), || {
        query(folder.path(), "SELECT alert FROM outbox WHERE state = 'pending'").is_empty()
    });
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(query(folder.path(), "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(query(folder.path(), "SELECT alert FROM outbox WHERE state = 'dead'"), Vec::<String>::new());

    let received = endpoint.received.lock().unwrap();
    let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for received in received.iter() {
        ids.entry(received.headline()).or_default().insert(&received.id);
        let known = bodies.entry(&received.id).or_insert(&received.body);
        assert_eq!(*known, &received.body[..], "{} came with two bodies", received.id);
    }
    for (headline, ids) in &ids {
        assert_eq!(ids.len(), 1, "{headline:?} was alerted under several ids");
    }
    assert_eq!(ids.into_keys().collect::<BTreeSet<_>>(), expected, "alerts that nobody expects");
    eprintln!(
        "{} kills, {stories} stories on two outlets each, {} attempts read, {} acknowledged, 0 lost, 0 changed",
        recipe.kills,
        received.len(),
        received.iter().filter(|received| received.is_acknowledged).count()
    );
}
