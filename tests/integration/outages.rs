//! What comes and goes around a daemon that has alerts to deliver: names that resolve now and then, a certificate that has expired, a clock that
//! jumps. Each attempt says what was wrong, and everything arrives in the end.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bad_times::faketime;
use crate::endpoints::{fixture, serve_tls_by, tls};
use crate::kills::story;
use crate::reload::Logged;
use crate::support::{
    Entry, Feeds, RawServer, Received, SECRET, Server, answer, check_conservation, gainsay, query, wait_for,
    write_config,
};

const MINUTE: Duration = Duration::from_mins(1);
/// An address of loopback that nobody else serves names at.
const NAMESERVER: &str = "127.53.53.53:53";

/// A name server, as it can be.
const GOOD: u8 = 0;
const NO_SUCH_NAME: u8 = 1;
const FAILS: u8 = 2;
const SILENT: u8 = 3;
/// It leads to where nothing may be sent.
const LEADS_INSIDE: u8 = 4;

/// Answers to a query of DNS (RFC 1035), each name being at one address.
fn reply(query: &[u8], mood: u8) -> Option<Vec<u8>> {
    let end = 12 + query.get(12..)?.iter().position(|byte| *byte == 0)? + 5;
    let (head, question) = (query.get(..12)?, query.get(12..end)?);
    let is_a = question.get(question.len() - 4..)? == [0, 1, 0, 1];
    let address = match mood {
        GOOD if is_a => Some(Ipv4Addr::LOCALHOST),
        LEADS_INSIDE if is_a => Some(Ipv4Addr::new(169, 254, 169, 254)),
        SILENT => return None,
        _ => None,
    };
    let code = match mood {
        NO_SUCH_NAME => 3,
        FAILS => 2,
        _ => 0,
    };
    let mut reply =
        [&head[..2], &[0x81, 0x80 | code, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0], question].concat();
    if let Some(address) = address {
        // The name of the question, A, IN, to be kept for no time.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}

fn serve_names(mood: Arc<AtomicU8>) -> Option<()> {
    let socket = UdpSocket::bind(NAMESERVER).ok()?;
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((read, client)) = socket.recv_from(&mut buffer) {
            if let Some(reply) = reply(&buffer[..read], mood.load(Ordering::SeqCst)) {
                drop(socket.send_to(&reply, client));
            }
        }
    });
    Some(())
}

/// The program where this file stands in place of `/etc/resolv.conf`, and nowhere else does.
fn with_names_of(resolv: &Path) -> Option<Command> {
    let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let inside = |program: &str| {
        let mut command = gainsay(&[]);
        let variables: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(resolv).arg(program);
        for name in variables {
            command.env_remove(name);
        }
        command
    };
    inside("true").output().is_ok_and(|tried| tried.status.success()).then(|| inside(env!("CARGO_BIN_EXE_gainsay")))
}

/// A wire of stories with one denial each, and a config that polls it and sends to a webhook with these lines.
fn wire(folder: &Path, lines: &str) -> (Server, Feeds, PathBuf) {
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    feeds.add("/b", Entry::new("quiet", "Weather stays mild", "It was mild."));
    let config = write_config(folder, &[("a", format!("{}/a", wire.base)), ("b", format!("{}/b", wire.base))], None);
    let text = fs::read_to_string(&config).unwrap()
        + "[[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n"
        + &sink("desk", lines);
    fs::write(&config, text).unwrap();
    (wire, feeds, config)
}

fn sink(name: &str, lines: &str) -> String {
    format!("[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nsecret = \"{SECRET}\"\nalerts_per_day = 0\n{lines}")
}

/// So many attempts of which the error has these words.
fn failed(folder: &Path, words: &str) -> usize {
    query(folder, &format!("SELECT error FROM attempt WHERE error LIKE '%{words}%'")).len()
}

fn delivered(folder: &Path, sink: &str) -> usize {
    query(folder, &format!("SELECT alert FROM outbox WHERE sink = '{sink}' AND state = 'delivered'")).len()
}

/// A receiver with a connection for each delivery, so that each needs the name. It looks at no signature: that has the daemon's time, which is not ours
/// where a clock jumps.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    is_ill: Arc<AtomicBool>,
}

impl Receiver {
    fn serve(&self) -> RawServer {
        let receiver = self.clone();
        RawServer::start(move |request, stream| {
            if receiver.is_ill.load(Ordering::SeqCst) {
                answer(stream, "500 Internal Server Error", "", b"out of order");
                return;
            }
            let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
            receiver.received.lock().unwrap().push(Received { id, body: request.body.clone() });
            answer(stream, "204 No Content", "", b"");
        })
    }

    fn fall_ill(&self, is_ill: bool) {
        self.is_ill.store(is_ill, Ordering::SeqCst);
    }

    fn bodies(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|one| String::from_utf8(one.body.clone()).unwrap()).collect()
    }

    #[track_caller]
    fn check_each_came_once(&self, alerts: usize) {
        let received = self.received.lock().unwrap();
        let ids: BTreeSet<&str> = received.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((received.len(), ids.len()), (alerts, alerts));
    }
}

#[test]
fn a_name_that_comes_and_goes_delays_but_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let resolv = folder.path().join("resolv.conf");
    let nameserver = NAMESERVER.split(':').next().unwrap();
    fs::write(&resolv, format!("nameserver {nameserver}\noptions timeout:1 attempts:1\n")).unwrap();
    let mood = Arc::new(AtomicU8::new(NO_SUCH_NAME));
    let (Some(program), Some(())) = (with_names_of(&resolv), serve_names(Arc::clone(&mood))) else {
        eprintln!("SKIPPED: names cannot be served here: that takes a mount namespace and port 53 of loopback");
        return;
    };
    let receiver = Receiver::default();
    let server = receiver.serve();
    let port = server.base.rsplit(':').next().unwrap().to_owned();
    let waits = ["\"500ms\""; 60].join(", ");
    let (_wire, feeds, config) = wire(
        folder.path(),
        &format!(
            "url = \"http://desk.flaps.example:{port}/\"\nplain_http = true\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"3s\"\n\
             breaker_failures = 0\nretry_schedule = [{waits}]\n"
        ),
    );
    let daemon = Logged::start_by(program, &config, &[]);
    for (number, (bad, words)) in [
        (NO_SUCH_NAME, "Name or service not known"),
        (FAILS, "Temporary failure in name resolution"),
        (SILENT, "Temporary failure in name resolution"),
        (LEADS_INSIDE, "a cloud metadata address"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = failed(folder.path(), words);
        mood.store(bad, Ordering::SeqCst);
        feeds.add("/a", story(number + 2));
        // The first ones may be of the mood before.
        wait_for(words, MINUTE, || failed(folder.path(), words) > before + 1);
        mood.store(GOOD, Ordering::SeqCst);
        wait_for("the alert", MINUTE, || delivered(folder.path(), "desk") == number + 2);
    }
    daemon.stop();
    check_conservation(folder.path());
    receiver.check_each_came_once(5);
}

#[test]
fn a_certificate_that_has_expired_is_told_and_what_waited_for_a_new_one_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let is_renewed = Arc::new(AtomicBool::new(false));
    let (old, new, renewed) = (tls("expired.pem", false), tls("endpoint.pem", false), Arc::clone(&is_renewed));
    let port = serve_tls_by(move || if renewed.load(Ordering::SeqCst) { Arc::clone(&new) } else { Arc::clone(&old) });
    let waits = ["\"500ms\""; 60].join(", ");
    let (_wire, _feeds, config) = wire(
        folder.path(),
        &format!(
            "url = \"https://127.0.0.1:{port}/\"\nca_file = {:?}\nbreaker_failures = 0\nretry_schedule = [{waits}]\n",
            fixture("ca.pem")
        ),
    );
    let daemon = Logged::start(&config, &[]);
    let expired = "its certificate expired on 2020-02-01T00:00:00Z";
    wait_for("the reason", MINUTE, || failed(folder.path(), expired) > 2);
    daemon.wait_for_log(expired, 1);
    assert_eq!(delivered(folder.path(), "desk"), 0);
    is_renewed.store(true, Ordering::SeqCst);
    wait_for("the alert", MINUTE, || delivered(folder.path(), "desk") == 1);
    daemon.stop();
    check_conservation(folder.path());
}

/// A clock that a test sets while the daemon runs.
struct Clock {
    folder: PathBuf,
    library: PathBuf,
}

impl Clock {
    fn new(folder: &Path) -> Option<Self> {
        let clock = Self { folder: folder.to_owned(), library: faketime()? };
        clock.set("+0");
        Some(clock)
    }

    /// How far the daemon's clock is from the machine's.
    fn set(&self, offset: &str) {
        fs::write(self.folder.join("clock.new"), offset).unwrap();
        fs::rename(self.folder.join("clock.new"), self.folder.join("clock")).unwrap();
    }

    fn start(&self, config: &Path) -> Logged {
        let clock = self.folder.join("clock");
        let variables = [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        Logged::start(config, &variables)
    }
}

/// What waited for a time comes when it is over: once, and not as a flood.
#[test]
fn a_clock_that_jumps_a_day_ahead_lets_out_what_waited_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clock) = Clock::new(folder.path()) else { return };
    let (desk, night) = (Receiver::default(), Receiver::default());
    let (desk_server, night_server) = (desk.serve(), night.serve());
    desk.fall_ill(true);
    let lines = format!(
        "url = \"{}/\"\nconcurrency_max = 1\nbreaker_failures = 2\nretry_schedule = [\"1h\", \"1h\", \"1h\"]\n",
        desk_server.base
    );
    let (_wire, feeds, config) = wire(folder.path(), &lines);
    let now = jiff::Timestamp::now();
    let hour = |offset: i64| (now + jiff::SignedDuration::from_hours(offset)).strftime("%H:%M").to_string();
    let quiet = format!("url = \"{}/\"\nquiet_hours = [\"{}-{}\"]\n", night_server.base, hour(-1), hour(1));
    fs::write(&config, fs::read_to_string(&config).unwrap() + &sink("night", &quiet)).unwrap();
    let daemon = clock.start(&config);
    let named = ["-c", config.to_str().unwrap()];
    let silence = ["silence", "add", "--for", "1h", "--outlet", "Outlet b", "--comment", "a drill"];
    assert!(gainsay(&silence).args(named).output().unwrap().status.success());
    let taken_in = "SELECT id FROM feedback WHERE state = 'pending'";
    wait_for("the silence", MINUTE, || query(folder.path(), taken_in).is_empty());
    let until = now + jiff::SignedDuration::from_hours(3);
    let held = story(2);
    let embargoed = format!("EMBARGOED UNTIL {}. {}", until.strftime("%H%M GMT %b %d"), held.body);
    feeds.add("/a", Entry::new("held", &held.title, &embargoed));
    feeds.add("/b", story(3));
    let rows = |condition: &str| query(folder.path(), &format!("SELECT alert FROM outbox WHERE {condition}"));
    wait_for("what is silenced", MINUTE, || rows("state = 'silenced' AND sink = 'desk'").len() == 1);
    wait_for("the embargoed one", MINUTE, || rows("release > 0 AND sink = 'desk'").len() == 1);
    wait_for("the failing endpoint", MINUTE, || failed(folder.path(), "answered 500") > 0);
    assert_eq!((desk.bodies().len(), night.bodies().len()), (0, 0));
    let before = failed(folder.path(), "answered 500");
    assert!(before <= 3, "{before} attempts");

    desk.fall_ill(false);
    clock.set("+26h");
    feeds.add("/b", story(4));
    wait_for("all of the desk", 3 * MINUTE, || delivered(folder.path(), "desk") == 3);
    let told = || night.bodies().concat();
    let all_are_told = || [1, 2, 4].iter().all(|number| told().contains(&story(*number).title));
    wait_for("all of the night", 3 * MINUTE, all_are_told);
    daemon.stop();
    check_conservation(folder.path());
    desk.check_each_came_once(3);
    night.check_each_came_once(night.bodies().len());
    assert!(!told().contains(&story(3).title), "what was silenced is told");
    assert_eq!(rows("state = 'pending'"), Vec::<String>::new());
    assert_eq!(rows("state = 'silenced' AND sink = 'desk'").len(), 1);
    assert!(failed(folder.path(), "answered 500") <= before + 1, "a flood of attempts");
}

/// A retry in an hour would be one in 25.
#[test]
fn a_clock_that_is_set_back_a_day_holds_up_no_retry_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clock) = Clock::new(folder.path()) else { return };
    let receiver = Receiver::default();
    let server = receiver.serve();
    receiver.fall_ill(true);
    let lines =
        format!("url = \"{}/\"\nbreaker_failures = 0\nretry_schedule = [\"1h\", \"1h\", \"1h\"]\n", server.base);
    let (_wire, feeds, config) = wire(folder.path(), &lines);
    let daemon = clock.start(&config);
    wait_for("the failure", MINUTE, || failed(folder.path(), "answered 500") == 1);
    receiver.fall_ill(false);
    clock.set("-1d");
    // It wakes the dispatcher; the next look would be half a minute later.
    feeds.add("/a", story(2));
    wait_for("both alerts", 2 * MINUTE, || delivered(folder.path(), "desk") == 2);
    receiver.fall_ill(true);
    feeds.add("/a", story(3));
    wait_for("the next failure", MINUTE, || failed(folder.path(), "answered 500") == 2);
    daemon.stop();
    // Nor does it matter whether the clock was set while the daemon ran.
    clock.set("-3d");
    receiver.fall_ill(false);
    let daemon = clock.start(&config);
    wait_for("the third alert", 2 * MINUTE, || delivered(folder.path(), "desk") == 3);
    clock.set("+0");
    feeds.add("/a", story(4));
    wait_for("the fourth alert", 2 * MINUTE, || delivered(folder.path(), "desk") == 4);
    daemon.stop();
    check_conservation(folder.path());
    receiver.check_each_came_once(4);
}
