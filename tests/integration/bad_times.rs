//! Bad times for a running daemon: a full disk, a sink that takes nothing, a clock that is set. It goes on, and loses nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::matrix::{Row, record};
use crate::support::{Daemon, RawServer, answer, gainsay, query, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
/// Stories that have nothing in common, each with one denial.
const STORIES: [(&str, &str); 3] = [
    (
        "Corvane answers over ferries",
        "SANKT ORM, March 4 - Corvane Lines chief executive Marta Ilves on Wednesday denied that the company had concealed failed inspections of three ferries.",
    ),
    (
        "A governor and the quotas",
        "CAP MAREE, March 3 - Governor Renee Dufaux on Tuesday denied that her office had sold fishing quotas to the Brevent family.",
    ),
    (
        "Dockyard and its apprentices",
        "HARWICK, March 5 - Brant dockyard director Oskar Lind on Thursday denied underpaying two hundred apprentices for years.",
    ),
];

/// A feed to which entries are added, dated now.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<String>>);

impl Wire {
    fn serve(&self) -> RawServer {
        let items = Arc::clone(&self.0);
        RawServer::start(move |_, stream| {
            let body =
                format!("<rss version=\"2.0\"><channel><title>W</title>{}</channel></rss>", items.lock().unwrap());
            answer(stream, "200 OK", "content-type: application/rss+xml\r\n", body.as_bytes());
        })
    }

    /// Adds a story; `more` makes it longer.
    fn add(&self, number: usize, more: &str) {
        let (title, text) = STORIES[number];
        let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        write!(
            self.0.lock().unwrap(),
            "<item><guid isPermaLink=\"false\">{number}</guid><title>{title}</title><description>{text} {more}</description><pubDate>{now}</pubDate></item>"
        )
        .unwrap();
    }
}

/// A daemon on one feed whose log goes to a file.
struct Watched {
    folder: tempfile::TempDir,
    wire: Wire,
    server: RawServer,
}

impl Watched {
    fn new(sink: &str) -> Self {
        let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
        let server = wire.serve();
        let watched = Self { folder, wire, server };
        watched.configure(sink);
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, sink: &str) {
        let text = format!(
            "shutdown_grace = \"5s\"\n[http]\nlisten = \"\"\n[intake]\npoll_interval = \"1s\"\nallow_networks = [\"127.0.0.0/8\"]\n\
             [[feed]]\nid = \"a\"\nurl = \"{}/\"\noutlet = \"A\"\n[[sink]]\nname = \"log\"\ntype = \"jsonl\"\npath = \"{sink}\"\n",
            self.server.base
        );
        fs::write(self.path("gainsay.toml"), text).unwrap();
    }

    fn start(&self, args: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let mut command = gainsay(&["run", "-c", self.path("gainsay.toml").to_str().unwrap()]);
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        command.args(args).envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Daemon(command.spawn().unwrap())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn alerts(&self) -> usize {
        let text = fs::read_to_string(self.path("alerts.jsonl")).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"denial.new\"")).count()
    }

    /// What the first such line of the log says.
    fn said(&self, words: &str) -> String {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words} in {log}"));
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let error = line["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{}{error}", line["message"].as_str().unwrap())
    }
}

fn stop(mut daemon: Daemon, log: &str) {
    daemon.terminate();
    wait_for("the daemon's end", MINUTE, || daemon.0.try_wait().unwrap().is_some());
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0), "{log}");
}

fn has_polled(folder: &Path) -> bool {
    !query(folder, "SELECT id FROM cursor").is_empty()
}

/// A disk of its own, where one may be mounted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(&at).output();
        if mounted.is_ok_and(|printed| printed.status.success()) {
            return Some(Self(at));
        }
        eprintln!("SKIPPED: no disk can be mounted here, so none can be filled");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn bad_times_a_full_disk_delays_but_loses_nothing() {
    let watched = Watched::new("alerts.jsonl");
    let Some(disk) = SmallDisk::mount(watched.path("disk")) else { return };
    let database = disk.0.join("gainsay.db");
    let daemon = watched.start(&["--database", database.to_str().unwrap()], &[]);
    wait_for("the first poll", MINUTE, || has_polled(&disk.0));
    let ballast = disk.0.join("ballast");
    // Until nothing more goes in; what did go in stays.
    fs::write(&ballast, vec![0; 4 << 20]).unwrap_err();
    watched.wire.add(0, &"The ferries sailed on. ".repeat(10_000));
    wait_for("the failed commit", MINUTE, || watched.log().contains("commit failed"));
    assert_eq!(watched.alerts(), 0);
    fs::remove_file(&ballast).unwrap();
    wait_for("the alert", 2 * MINUTE, || watched.alerts() > 0);
    stop(daemon, &watched.log());
    assert_eq!(watched.alerts(), 1);
    let said = watched.said("commit failed");
    let data =
        "nothing of the poll is committed; the feed is read again until there is space, then the alert comes, once";
    record(&Row {
        section: "The database",
        case: "disk is full while it runs",
        run: "gainsay run",
        end: "it goes on",
        said: &said,
        data,
    });
}

#[test]
fn bad_times_a_full_disk_at_the_start_is_told() {
    let watched = Watched::new("alerts.jsonl");
    let Some(disk) = SmallDisk::mount(watched.path("disk")) else { return };
    fs::write(disk.0.join("ballast"), vec![0; 4 << 20]).unwrap_err();
    let database = disk.0.join("gainsay.db");
    let mut daemon = watched.start(&["--database", database.to_str().unwrap()], &[]);
    assert_eq!(daemon.0.wait().unwrap().code(), Some(1), "{}", watched.log());
    let log = watched.log();
    assert!(log.contains("gainsay.db") && log.contains("full"), "{log}");
    let said = crate::matrix::neutral(&log, watched.folder.path());
    record(&Row {
        section: "The database",
        case: "disk is full at the start",
        run: "gainsay run",
        end: "exit 1",
        said: &said,
        data: "nothing was begun",
    });
}

#[test]
fn bad_times_a_sink_that_takes_nothing_keeps_its_alerts() {
    let watched = Watched::new("/dev/full");
    let daemon = watched.start(&[], &[]);
    wait_for("the first poll", MINUTE, || has_polled(watched.folder.path()));
    watched.wire.add(0, "");
    wait_for("the failed delivery", MINUTE, || watched.log().contains("delivery failed"));
    stop(daemon, &watched.log());
    let said = watched.said("delivery failed");
    assert!(said.contains("No space left"), "{said}");
    watched.configure("alerts.jsonl");
    let daemon = watched.start(&[], &[]);
    wait_for("the alert", 2 * MINUTE, || watched.alerts() > 0);
    stop(daemon, &watched.log());
    assert_eq!(watched.alerts(), 1);
    let data = "the alert waits in the database and is tried again until it is written, also after a restart";
    record(&Row {
        section: "Sinks",
        case: "disk of a file sink is full",
        run: "gainsay run",
        end: "it goes on",
        said: &said,
        data,
    });
}

/// What cannot be said must not cost what is alerted.
#[test]
fn bad_times_a_log_that_cannot_be_written_costs_no_alert() {
    let watched = Watched::new("alerts.jsonl");
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = gainsay(&["--log", "debug", "run", "-c", watched.path("gainsay.toml").to_str().unwrap()]);
    let daemon = Daemon(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(full()).spawn().unwrap());
    wait_for("the first poll", MINUTE, || has_polled(watched.folder.path()));
    watched.wire.add(0, "");
    wait_for("the alert", MINUTE, || watched.alerts() > 0);
    stop(daemon, "");
    // Nor does it change how a command ends.
    let code = |args: &[&str]| gainsay(args).stdin(Stdio::null()).stderr(full()).status().unwrap().code();
    assert_eq!(code(&["check", "-c", "no-such.toml"]), Some(78));
    assert_eq!(code(&["claims", "--database", "no-such.db"]), Some(1));
    record(&Row {
        section: "Archives and output",
        case: "disk of the log is full, or nobody reads it",
        run: "gainsay run",
        end: "it goes on",
        said: "",
        data: "alerts go out; only the lines of the log are lost",
    });
}

/// The library that lets a program see another clock, where it is installed.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders =
        fs::read_dir("/usr/lib").ok()?.flatten().map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = folders.filter(|path| path.exists()).min();
    if found.is_none() {
        eprintln!("SKIPPED: libfaketime is not installed, so no clock can be set");
    }
    found
}

#[test]
fn bad_times_a_clock_that_is_set_loses_no_alert() {
    let Some(library) = faketime() else { return };
    let watched = Watched::new("alerts.jsonl");
    let clock = watched.path("clock");
    let set = |offset: &str| {
        fs::write(watched.path("clock.new"), offset).unwrap();
        fs::rename(watched.path("clock.new"), &clock).unwrap();
    };
    set("+0");
    let variables = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let daemon = watched.start(&[], &variables);
    wait_for("the first poll", MINUTE, || has_polled(watched.folder.path()));
    watched.wire.add(0, "");
    wait_for("the first alert", MINUTE, || watched.alerts() == 1);
    set("+365d");
    let now = jiff::Timestamp::now().to_string();
    let year = |time: &str| time.get(..4).unwrap().parse::<u32>().unwrap();
    let last_poll = "SELECT json_extract(record, '$.last_poll') FROM cursor";
    wait_for("a poll of next year", MINUTE, || {
        query(watched.folder.path(), last_poll).iter().any(|time| year(time) > year(&now))
    });
    watched.wire.add(1, "");
    wait_for("the second alert", MINUTE, || watched.alerts() == 2);
    set("-1d");
    watched.wire.add(2, "");
    wait_for("the third alert", MINUTE, || watched.alerts() == 3);
    wait_for("the warning", MINUTE, || watched.log().contains("the clock was set back"));
    stop(daemon, &watched.log());
    assert_eq!(watched.alerts(), 3, "an alert was repeated");
    let said = watched.said("the clock was set back");
    let row = |case, said: &str, data| {
        record(&Row { section: "The database", case, run: "gainsay run", end: "it goes on", said, data });
    };
    row(
        "clock steps forward a year",
        "",
        "what is newer than the step is alerted, once; what is over its window is forgotten",
    );
    row("clock steps back a day", &said, "what comes is alerted, once");
}
