//! The oracle: every alert that was ever committed is an obligation, and a daemon that is killed again and again, at named points of every step
//! and at random moments, must meet it. A receiver outside of it writes down what comes. Nothing may be lost or altered; what comes twice is the same
//! id with the same bytes; a correction never comes before what it corrects; and when the faults are over, a fresh alert must pass. After Vector's
//! tests of its disk buffers.
//!
//! `ORACLE_KILLS` sets the number of kills, `GAINSAY_SEED` the seed; a failure prints both. Several daemons are killed side by side, each in a
//! world of its own, which is made anew after some kills.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gainsay::failpoint::Point;
use rusqlite::{Connection, OpenFlags};

use crate::kills::{Random, number_from_env, story};
use crate::support::{Entry, RawServer, SECRET, answer, check_conservation, gainsay, query, wait_for, write_config};

/// Kills in an ordinary test run.
const KILLS: u64 = 60;
const SEED: u64 = 0x2545_f491_4f6c_dd1d;
/// Kills in one world.
const WORLD: u64 = 60;
/// Daemons at once.
const WORKERS: usize = 3;
/// Small documents that come at once: more than are read at once.
const FLOOD: usize = 34;
/// How long a daemon may take to come to its point.
const PATIENCE: Duration = Duration::from_secs(3);
const MINUTE: Duration = Duration::from_mins(1);

/// Takes everything.
const HEALTHY: u8 = 0;
/// Refuses or cuts some.
const FLAKY: u8 = 1;
/// Says that it is too busy.
const BUSY: u8 = 2;

/// What an endpoint has read.
#[derive(Clone)]
struct Receipt {
    id: String,
    body: Vec<u8>,
}

/// The receiver: verifies, writes down, and answers as it is in the mood to.
#[derive(Clone)]
struct Receiver {
    receipts: Arc<Mutex<Vec<Receipt>>>,
    forged: Arc<AtomicU64>,
    mood: Arc<AtomicU8>,
    random: Arc<Mutex<Random>>,
}

impl Receiver {
    fn new(seed: u64) -> Self {
        Self {
            receipts: Arc::default(),
            forged: Arc::default(),
            mood: Arc::new(AtomicU8::new(FLAKY)),
            random: Arc::new(Mutex::new(Random(seed))),
        }
    }

    fn serve(&self) -> RawServer {
        let receiver = self.clone();
        RawServer::start(move |request, stream| {
            let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
            if webhook.verify(&request.body, &request.headers).is_err() {
                receiver.forged.fetch_add(1, Ordering::SeqCst);
                return;
            }
            let mood = receiver.mood.load(Ordering::SeqCst);
            if mood == BUSY {
                answer(stream, "503 Service Unavailable", "retry-after: 1\r\n", b"");
                return;
            }
            let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
            receiver.receipts.lock().unwrap().push(Receipt { id, body: request.body.clone() });
            match receiver.random.lock().unwrap().below(10) {
                0 | 1 if mood == FLAKY => drop(answer(stream, "500 Internal Server Error", "", b"out of order")),
                // It has it, and the daemon does not hear of that.
                2 if mood == FLAKY => {}
                _ => drop(answer(stream, "204 No Content", "", b"")),
            }
        })
    }
}

/// Feeds by path. What a daemon says that it has, by the `ETag` that it asks with, it gets no more: a cursor that moves before what it stands for is
/// durable loses that for good.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<BTreeMap<String, Carried>>>);

/// What a feed carries.
#[derive(Default)]
struct Carried {
    entries: Vec<Entry>,
    /// Entries that it carried before these.
    left: usize,
}

impl Carried {
    /// What is new to who has this `ETag`, and the one of it all. Nothing where nothing is.
    fn since(&mut self, known: Option<usize>) -> Option<(&[Entry], usize)> {
        let all = self.left + self.entries.len();
        let had = known.filter(|known| *known <= all).unwrap_or_default().saturating_sub(self.left);
        self.entries.drain(..had);
        self.left += had;
        (known != Some(all)).then_some((&self.entries, all))
    }
}

impl Wire {
    fn serve(&self) -> RawServer {
        let wire = self.clone();
        RawServer::start(move |request, stream| {
            let known = request.headers.get("if-none-match").and_then(|tag| tag.to_str().ok());
            let known = known.and_then(|tag| tag.trim_matches('"').parse().ok());
            let mut feeds = wire.0.lock().unwrap();
            let Some((entries, all)) = feeds.entry(request.path.clone()).or_default().since(known) else {
                answer(stream, "304 Not Modified", "", b"");
                return;
            };
            let mut items = String::new();
            for Entry { guid, title, body } in entries.iter().rev() {
                write!(
                    items,
                    "<item><guid isPermaLink=\"false\">{guid}</guid><title>{title}</title><description>{body}</description>\
                     <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>"
                )
                .unwrap();
            }
            let feed = format!("<rss version=\"2.0\"><channel><title>Wire</title>{items}</channel></rss>");
            let headers = format!("content-type: application/rss+xml\r\netag: \"{all}\"\r\n");
            answer(stream, "200 OK", &headers, feed.as_bytes());
        })
    }

    fn add(&self, path: &str, entries: impl IntoIterator<Item = Entry>) {
        self.0.lock().unwrap().entry(path.to_owned()).or_default().entries.extend(entries);
    }
}

/// A daemon with all that it talks to.
struct World {
    folder: tempfile::TempDir,
    config: PathBuf,
    wire: Wire,
    receiver: Receiver,
    random: Random,
    stories: usize,
    revised: BTreeSet<usize>,
    floods: usize,
    /// What was seen committed: the bytes by sink and alert.
    obligations: BTreeMap<(String, String), Vec<u8>>,
    _servers: [RawServer; 2],
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (wire, receiver) = (Wire::default(), Receiver::new(seed.rotate_left(17) | 1));
        let servers = [wire.serve(), receiver.serve()];
        let feeds = [("a", format!("{}/a", servers[0].base)), ("b", format!("{}/b", servers[0].base))];
        let config = write_config(folder.path(), &feeds, Some(&servers[1].base));
        let text = std::fs::read_to_string(&config).unwrap();
        let patient =
            format!("timeout = \"2s\"\nbreaker_failures = 0\nretry_schedule = [{}]\n", ["\"100ms\""; 60].join(", "));
        let text = text.replace("retry_schedule = [\"1s\", \"1s\", \"2s\", \"5s\", \"5s\", \"5s\"]\n", &patient);
        assert!(text.contains(&patient));
        let more = "[[sink]]\nname = \"file\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\nalerts_per_day = 0\n\
                    rotate_bytes = \"4KiB\"\ncompress = true\n\
                    [[rule]]\nname = \"all\"\nconfidence_min = 0\n";
        std::fs::write(&config, text + more).unwrap();
        Self {
            folder,
            config,
            wire,
            receiver,
            random: Random(seed | 1),
            stories: 0,
            revised: BTreeSet::new(),
            floods: 0,
            obligations: BTreeMap::new(),
            _servers: servers,
        }
    }

    fn tell_a_story(&mut self) {
        self.wire.add("/a", [story(self.stories)]);
        self.stories += 1;
    }

    /// An outlet takes back what a story of before said.
    fn take_a_story_back(&mut self) {
        let Some(last) = self.stories.checked_sub(1) else { return };
        let number = usize::try_from(self.random.below(last as u64 + 1)).unwrap();
        self.revised.insert(number);
        let Entry { guid, title, .. } = story(number);
        let body = "Correction: an earlier version of this report had a denial in it that was never made.";
        self.wire.add("/a", [Entry::new(&guid, &title, body)]);
    }

    fn flood(&mut self) {
        self.floods += 1;
        let floods = self.floods;
        let entry = |number| {
            Entry::new(
                &format!("flood-{floods}-{number}"),
                &format!("Ferry {floods} {number}"),
                "The ferry sails at noon.",
            )
        };
        self.wire.add("/b", (0..FLOOD).map(entry));
    }

    fn start(&self, fail_point: Option<String>) -> Child {
        let mut command = gainsay(&["run", "--config", self.config.to_str().unwrap()]);
        command.envs(fail_point.map(|value| ("FAIL_POINT", value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn pause(&mut self, from: u64, to: u64) {
        std::thread::sleep(Duration::from_millis(from + self.random.below(to - from)));
    }

    /// Lives a while, and dies; true where it died at the point.
    fn die(&mut self, point: Option<Point>) -> bool {
        let mood = if point == Some(Point::Endpoint) { BUSY } else { FLAKY };
        self.receiver.mood.store(mood, Ordering::SeqCst);
        self.tell_a_story();
        match self.random.below(4) {
            0 => self.take_a_story_back(),
            1 => self.tell_a_story(),
            _ => {}
        }
        if point == Some(Point::Backlog) {
            self.flood();
        }
        let times = match point {
            Some(Point::Migration) => 1 + self.random.below(5),
            Some(Point::SendBefore | Point::SendAfter | Point::AttemptBefore | Point::AttemptAfter) => {
                1 + self.random.below(2)
            }
            _ => 1,
        };
        let fail_point = point.filter(|point| *point != Point::Replay);
        let mut daemon = self.start(fail_point.map(|point| format!("{}:{times}", point.as_str())));
        let died = match point {
            None => {
                self.pause(20, 1_100);
                None
            }
            Some(Point::Replay) => {
                self.pause(100, 700);
                let is_hit = self.replay(true);
                assert!(!self.replay(false));
                Some(is_hit)
            }
            Some(point) => Some(self.drive(&mut daemon, point)),
        };
        drop(daemon.kill());
        drop(daemon.wait());
        died == Some(true)
    }

    /// Does what leads to the point, and waits for the end.
    fn drive(&mut self, daemon: &mut Child, point: Point) -> bool {
        let started = Instant::now();
        let mut told = started;
        let gap = Duration::from_millis(250 + self.random.below(300));
        loop {
            if let Some(status) = daemon.try_wait().unwrap() {
                return is_killed(status);
            }
            if started.elapsed() > PATIENCE {
                return false;
            }
            if told.elapsed() > gap {
                told = Instant::now();
                match point {
                    Point::ReloadPrepared | Point::ReloadHalf => {
                        self.turn_the_config();
                        signal(daemon, "-HUP");
                    }
                    // A file is closed where there is one alert more than it can hold.
                    Point::LinesClosed | Point::LinesOpened | Point::LinesCompressing | Point::LinesCompressed => {
                        self.tell_a_story();
                    }
                    Point::Drain if told.duration_since(started) < 2 * gap => signal(daemon, "-TERM"),
                    _ => {}
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Another config that means the same.
    fn turn_the_config(&self) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let (slow, fast) = ("timeout = \"2s\"", "timeout = \"3s\"");
        let turned = if text.contains(slow) { text.replace(slow, fast) } else { text.replace(fast, slow) };
        std::fs::write(&self.config, turned).unwrap();
    }

    /// Has what was delivered sent once more, beside the daemon; true where that command was killed.
    fn replay(&self, is_killed_there: bool) -> bool {
        let config = self.config.to_str().unwrap();
        let mut command = gainsay(&["deliveries", "replay", "--status", "delivered", "--yes", "--json", "-c", config]);
        command.envs(is_killed_there.then_some(("FAIL_POINT", "replay:1")));
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        is_killed(status)
    }

    /// What was committed must be there with the same bytes; what is new is an obligation from now on.
    fn inspect(&mut self) {
        let path = self.folder.path().join("gainsay.db");
        if query(self.folder.path(), "SELECT name FROM sqlite_schema WHERE name = 'ledger'").is_empty() {
            assert!(self.obligations.is_empty(), "the database is gone");
            return;
        }
        check_conservation(self.folder.path());
        // Only reads, so that it is left to the daemon to recover what the kill left behind.
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = database
            .prepare("SELECT sink, alert, body FROM outbox JOIN outbox_body ON outbox_body.outbox = outbox.position")
            .unwrap();
        let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).unwrap();
        let found: BTreeMap<(String, String), Vec<u8>> = rows.map(Result::unwrap).collect();
        for (obligation, body) in &self.obligations {
            assert_eq!(found.get(obligation), Some(body), "{obligation:?} is lost or altered");
        }
        self.obligations = found;
        self.lines();
    }

    /// What the file holds and its closed ones before it, and how many of those there are. A closed one is whole in each form that it has; what
    /// is half compressed is there uncompressed.
    fn lines(&self) -> (Vec<u8>, usize) {
        let mut closed: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut unfinished = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some((stamp, ending)) = name.strip_prefix("alerts-").and_then(|rest| rest.split_once(".jsonl")) else {
                continue;
            };
            let mut bytes = std::fs::read(&path).unwrap();
            if ending == ".gz.tmp" {
                unfinished.push(stamp.to_owned());
                continue;
            } else if ending == ".gz" {
                let packed = std::mem::take(&mut bytes);
                flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
            }
            let other = closed.insert(stamp.to_owned(), bytes);
            assert!(other.is_none_or(|other| other == closed[stamp]), "{stamp} is compressed otherwise than it was");
        }
        assert!(unfinished.iter().all(|stamp| closed.contains_key(stamp)), "{unfinished:?} are nowhere whole");
        let number = closed.len();
        let live = std::fs::read(self.folder.path().join("alerts.jsonl")).unwrap_or_default();
        (closed.into_values().chain([live]).collect::<Vec<_>>().concat(), number)
    }

    /// The faults are over: a fresh alert must pass, and everything else with it.
    fn settle(&mut self) {
        self.receiver.mood.store(HEALTHY, Ordering::SeqCst);
        let fresh = self.stories;
        self.tell_a_story();
        let mut daemon = self.start(None);
        let title = story(fresh).title;
        wait_for("a fresh alert after the faults", 2 * MINUTE, || self.denials().contains_key(&title));
        wait_for("an empty outbox", 2 * MINUTE, || {
            query(self.folder.path(), "SELECT alert FROM outbox WHERE state = 'pending'").is_empty()
        });
        signal(&daemon, "-TERM");
        assert_eq!(daemon.wait().unwrap().code(), Some(0));
        self.inspect();
        assert_eq!(query(self.folder.path(), "PRAGMA integrity_check"), ["ok"]);
        let unfinished = "SELECT alert FROM outbox WHERE state <> 'delivered'";
        assert_eq!(query(self.folder.path(), unfinished), Vec::<String>::new());
        assert_eq!(self.receiver.forged.load(Ordering::SeqCst), 0, "deliveries that are not signed rightly");
        self.check_webhook();
        self.check_file();
    }

    /// Ids of new denials by headline, as the endpoint got them.
    fn denials(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for Receipt { id, body } in self.receiver.receipts.lock().unwrap().iter() {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            if body["type"] == "denial.new" {
                let headline = body["data"]["document"]["headline"].as_str().unwrap_or_default().to_owned();
                found.entry(headline).or_default().insert(id.clone());
            }
        }
        found
    }

    fn check_webhook(&self) {
        let denials = self.denials();
        for number in (0..self.stories).filter(|number| !self.revised.contains(number)) {
            let title = story(number).title;
            assert_eq!(denials.get(&title).map(BTreeSet::len), Some(1), "{title:?} was alerted under {denials:?}");
        }
        let receipts = self.receiver.receipts.lock().unwrap();
        self.check_sink("desk", receipts.iter().map(|receipt| (receipt.id.as_str(), &receipt.body[..])));
    }

    fn check_file(&self) {
        let (written, closed) = self.lines();
        assert!(written.len() < 8 << 10 || closed > 0, "{} bytes in a file that is never closed", written.len());
        let lines: Vec<(String, &[u8])> = written
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let alert: serde_json::Value = serde_json::from_slice(line).unwrap();
                (alert["id"].as_str().unwrap().to_owned(), line)
            })
            .collect();
        self.check_sink("file", lines.iter().map(|(id, line)| (id.as_str(), *line)));
    }

    /// What came to a sink is what it is owed, byte for byte, each thread in its order.
    fn check_sink<'a>(&self, sink: &str, came: impl Iterator<Item = (&'a str, &'a [u8])>) {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, (id, body)) in came.enumerate() {
            let owed = self.obligations.get(&(sink.to_owned(), id.to_owned()));
            assert_eq!(owed.map(Vec::as_slice), Some(body), "{sink}: {id} is not what was committed");
            first.entry(id).or_insert(place);
        }
        let owed: BTreeSet<&str> =
            self.obligations.keys().filter(|(of, _)| of == sink).map(|(_, id)| id.as_str()).collect();
        assert_eq!(first.keys().copied().collect::<BTreeSet<_>>(), owed, "{sink}");
        let order = format!(
            "SELECT order_key || ' ' || alert FROM outbox WHERE sink = '{sink}' ORDER BY order_key, sequence, position"
        );
        let order = query(self.folder.path(), &order);
        for pair in order.windows(2) {
            let [(key, earlier), (next, later)] = [&pair[0], &pair[1]].map(|line| line.split_once(' ').unwrap());
            assert!(key != next || first[earlier] < first[later], "{sink}: {later} overtook {earlier} of {key}");
        }
    }
}

fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
}

/// What the worlds of a worker went through.
#[derive(Default)]
struct Toll {
    kills: u64,
    hits: BTreeMap<Point, u64>,
    obligations: usize,
    receipts: usize,
}

fn live(seed: u64, kills: u64, toll: &mut Toll) {
    let mut world = World::new(seed);
    for round in 0..kills {
        // Every other kill comes at a random moment. Only a new database is brought up from nothing.
        let named: &[Point] = if cfg!(debug_assertions) { &Point::ALL } else { &[] };
        let number = usize::try_from(world.random.below(named.len().max(1) as u64)).unwrap();
        let point = match (round, named.get(number).copied()) {
            (0..2, Some(_)) => Some(Point::Migration),
            (_, Some(Point::Migration)) => Some(Point::CommitBefore),
            (round, point) => point.filter(|_| round % 2 == 0),
        };
        let is_hit = world.die(point);
        toll.kills += 1;
        if let (Some(point), true) = (point, is_hit) {
            *toll.hits.entry(point).or_default() += 1;
        }
        world.inspect();
    }
    world.settle();
    toll.obligations += world.obligations.len();
    toll.receipts += world.receiver.receipts.lock().unwrap().len();
}

/// Nothing lost, nothing altered, nothing out of order, whenever the daemon is killed; and it is killed at every named point.
#[test]
fn every_committed_alert_arrives_wherever_the_daemon_is_killed() {
    let (seed, kills) = (number_from_env("GAINSAY_SEED", SEED), number_from_env("ORACLE_KILLS", KILLS));
    let worlds = kills.div_ceil(WORLD).max(WORKERS as u64);
    let next = AtomicU64::new(0);
    let work = || {
        let mut toll = Toll::default();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= worlds {
                return toll;
            }
            let share = kills / worlds + u64::from(number < kills % worlds);
            live(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)), share, &mut toll);
        }
    };
    eprintln!("run it again with GAINSAY_SEED={seed} ORACLE_KILLS={kills}");
    let tolls: Vec<Toll> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut hits: BTreeMap<Point, u64> = BTreeMap::new();
    for (point, times) in tolls.iter().flat_map(|toll| &toll.hits) {
        *hits.entry(*point).or_default() += times;
    }
    let sum = |of: fn(&Toll) -> usize| tolls.iter().map(of).sum::<usize>();
    let killed: u64 = tolls.iter().map(|toll| toll.kills).sum();
    eprintln!(
        "{killed} kills in {worlds} worlds, {} obligations, {} receipts, 0 lost, 0 altered, 0 out of order; at {hits:?}",
        sum(|toll| toll.obligations),
        sum(|toll| toll.receipts)
    );
    assert_eq!(killed, kills);
    if cfg!(debug_assertions) {
        let missed: Vec<&Point> = Point::ALL.iter().filter(|point| !hits.contains_key(point)).collect();
        assert!(missed.is_empty() || kills < 50 * WORKERS as u64, "points that no kill came to: {missed:?}");
    } else {
        eprintln!("SKIPPED: a release build has no fail points, the kills came at random moments alone");
    }
}

/// A point that nobody comes to would prove nothing: each one is named where it is reached.
#[test]
fn every_fail_point_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = Point::ALL.iter().map(|point| point.as_str()).collect();
    assert_eq!(names.len(), Point::ALL.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = ["store/schema.rs", "store/embedded.rs", "store/writer.rs", "store/replay.rs", "sink/attempt.rs"]
        .into_iter()
        .chain(["sink/jsonl.rs", "sink/closed.rs", "desk.rs", "app.rs", "app/reload.rs"]);
    let text: String = sources.map(|path| std::fs::read_to_string(folder.join(path)).unwrap()).collect();
    for point in Point::ALL {
        assert!(text.contains(&format!("Point::{point:?}")), "{point:?} is reached nowhere");
    }
}
