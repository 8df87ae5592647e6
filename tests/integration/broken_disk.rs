//! A disk that refuses: errors of fsync and a full disk, injected by strace into the system calls of a daemon that runs. It says so, counts nothing
//! as done that is not durable, and goes on when the disk does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::kills::story;
use crate::matrix::{Row, record};
use crate::reload::Logged;
use crate::support::{
    Daemon, Endpoint, Feeds, RawServer, Server, answer, check_conservation, get, listen, query, wait_for, write_config,
};

const MINUTE: Duration = Duration::from_mins(1);
const SYNC: &str = "fsync,fdatasync";
const WRITE: &str = "write,pwrite64";

/// System calls of a daemon that fail as long as this lives.
struct Fault {
    strace: Child,
    daemon: u32,
}

impl Fault {
    /// Has these calls on the file end with the error. Nothing where there is no strace, or it may not trace.
    fn inject(daemon: &Daemon, calls: &str, error: &str, file: &Path) -> Option<Self> {
        let daemon = daemon.0.id();
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-p", &daemon.to_string(), "-P", file.to_str().unwrap()])
            .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(strace) = strace else {
            eprintln!("SKIPPED: strace is not installed, so no system call can be made to fail");
            return None;
        };
        let mut fault = Self { strace, daemon };
        let mut has_ended = false;
        wait_for("strace", MINUTE, || {
            has_ended = fault.strace.try_wait().unwrap().is_some();
            has_ended || fault.tracers().iter().all(|tracer| *tracer == fault.strace.id())
        });
        if has_ended {
            let mut said = String::new();
            drop(std::io::Read::read_to_string(&mut fault.strace.stderr.take().unwrap(), &mut said));
            eprintln!("SKIPPED: strace may not trace here, so no system call can be made to fail: {said}");
            return None;
        }
        Some(fault)
    }

    /// Who traces each thread of the daemon; 0 is nobody.
    fn tracers(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.daemon)).into_iter().flatten().flatten();
        let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
        status
            .filter_map(|text| text.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok())
            .collect()
    }
}

impl Drop for Fault {
    /// The disk works again. The daemon goes on untraced.
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-INT", &self.strace.id().to_string()]).status());
        drop(self.strace.wait());
    }
}

/// A daemon that has delivered its first alert, to an endpoint and a file.
struct Desk {
    folder: tempfile::TempDir,
    config: PathBuf,
    address: SocketAddr,
    feeds: Feeds,
    endpoint: Endpoint,
    daemon: Logged,
    _servers: [Server; 2],
}

impl Desk {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
        let servers = [feeds.serve(), endpoint.serve()];
        feeds.add("/a", story(1));
        let config = configure(folder.path(), &servers[0].base, &servers[1].base);
        let address = listen(&config);
        let daemon = start(&config, address);
        let desk = Self { folder, config, address, feeds, endpoint, daemon, _servers: servers };
        wait_for("the first alert", MINUTE, || desk.delivered("desk") == 1 && desk.delivered("file") == 1);
        desk
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Alerts of which the outbox says that the sink has them.
    fn delivered(&self, sink: &str) -> usize {
        let rows = format!("SELECT alert FROM outbox WHERE state = 'delivered' AND sink = '{sink}'");
        query(self.folder.path(), &rows).len()
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.file("alerts.jsonl")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Ids of the lines of the file, which are whole.
    fn ids(&self) -> Vec<String> {
        let id =
            |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
        self.lines().iter().map(id).collect()
    }

    fn is_ready(&self) -> (u16, String) {
        get(self.address, "/readyz").unwrap()
    }

    /// The rest of the log's line that has these words.
    fn said(&self, words: &str) -> String {
        let log = self.daemon.log();
        let line = log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words} in {log}"));
        line.get(line.find(words).unwrap()..).unwrap().to_owned()
    }

    /// Stops it; each alert came to the endpoint once.
    fn finish(self, alerts: usize) {
        wait_for("readiness", MINUTE, || self.is_ready() == (200, "ready\n".to_owned()));
        wait_for("all alerts", MINUTE, || self.delivered("desk") == alerts && self.delivered("file") == alerts);
        let mut ids: Vec<String> = self.endpoint.received().into_iter().map(|received| received.id).collect();
        assert_eq!(ids.len(), alerts);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), alerts, "an alert was repeated");
        let mut written = self.ids();
        written.sort();
        written.dedup();
        assert_eq!(written, ids);
        let folder = self.folder;
        self.daemon.stop();
        check_conservation(folder.path());
        assert_eq!(query(folder.path(), "PRAGMA integrity_check"), ["ok"]);
    }
}

fn configure(folder: &Path, wire: &str, endpoint: &str) -> PathBuf {
    let config = write_config(folder, &[("a", format!("{wire}/a"))], Some(endpoint));
    let text = std::fs::read_to_string(&config).unwrap();
    let more = "[[sink]]\nname = \"file\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\nalerts_per_day = 0\n\
                [[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n";
    std::fs::write(&config, text + more).unwrap();
    config
}

fn start(config: &Path, address: SocketAddr) -> Logged {
    Logged::start(config, &[("GAINSAY_HTTP__LISTEN", &address.to_string())])
}

/// What the database cannot make durable goes to nobody, is said, and comes when it can.
#[track_caller]
fn check_commits(calls: &str, error: &str, case: &str, words: &str) {
    let desk = Desk::start();
    let Some(fault) = Fault::inject(&desk.daemon.daemon, calls, error, &desk.file("gainsay.db-wal")) else { return };
    desk.feeds.add("/a", story(2));
    wait_for("the failed commit", MINUTE, || desk.daemon.log().contains("commit failed"));
    wait_for("the reason", MINUTE, || desk.is_ready().0 == 503);
    let said = desk.is_ready().1;
    assert!(said.starts_with("nothing can be stored: ") && said.contains(words), "{said}");
    desk.daemon.wait_for_log("commit failed", 3);
    assert_eq!((desk.endpoint.received().len(), desk.lines().len()), (1, 1), "what is not durable went out");
    let said = desk.said("commit failed").replace(" error=", ": ");
    assert!(said.contains(words), "{said}");
    drop(fault);
    let row = Row {
        section: "The database",
        case,
        run: "gainsay run",
        end: "it goes on",
        said: &said,
        data: "nothing of the poll is committed and nothing of it goes out; `/readyz` says why; the feed is read again until the disk works, \
               then the alert comes, once",
    };
    desk.finish(2);
    record(&row);
}

#[test]
fn bad_disk_that_syncs_nothing_delays_but_loses_nothing() {
    check_commits(SYNC, "EIO", "disk does not sync the database while it runs", "disk I/O error");
}

#[test]
fn bad_disk_that_takes_nothing_more_delays_but_loses_nothing() {
    check_commits(WRITE, "ENOSPC", "disk takes nothing more for the database while it runs", "disk is full");
}

/// A commit that failed may still be found in the log of the database after a crash: whole or not at all.
#[test]
fn bad_disk_and_then_a_crash_lose_nothing_and_repeat_nothing() {
    let mut desk = Desk::start();
    let Some(fault) = Fault::inject(&desk.daemon.daemon, SYNC, "EIO", &desk.file("gainsay.db-wal")) else { return };
    desk.feeds.add("/a", story(2));
    desk.daemon.wait_for_log("commit failed", 1);
    desk.daemon.daemon.kill();
    drop(fault);
    desk.daemon = start(&desk.config, desk.address);
    desk.finish(2);
}

/// What is merged into the database file is in its log until that is on the disk.
#[test]
fn bad_disk_at_the_end_leaves_everything_for_the_next_start() {
    let mut desk = Desk::start();
    desk.feeds.add("/a", story(2));
    wait_for("the second alert", MINUTE, || desk.delivered("desk") == 2 && desk.delivered("file") == 2);
    let Some(fault) = Fault::inject(&desk.daemon.daemon, SYNC, "EIO", &desk.file("gainsay.db")) else { return };
    desk.daemon.daemon.terminate();
    desk.daemon.daemon.0.wait().unwrap();
    drop(fault);
    desk.daemon = start(&desk.config, desk.address);
    desk.feeds.add("/a", story(3));
    desk.finish(3);
}

/// An endpoint that has the alert and answers only when it is told to.
fn slow(endpoint: &Endpoint, may_answer: &Arc<AtomicBool>, asked: &Arc<AtomicUsize>) -> RawServer {
    let (endpoint, may_answer, asked) = (endpoint.clone(), Arc::clone(may_answer), Arc::clone(asked));
    RawServer::start(move |request, stream| {
        assert!(endpoint.take(&request.headers, &request.body));
        asked.fetch_add(1, Ordering::SeqCst);
        wait_for("leave to answer", MINUTE, || may_answer.load(Ordering::SeqCst));
        answer(stream, "204 No Content", "", b"");
    })
}

/// That a sink has an alert is no less worth than the alert: it is written down as soon as the disk takes it, and until then nothing is sent
/// again but after a crash, with the same id and the same bytes.
#[test]
fn bad_disk_while_an_alert_is_on_its_way_repeats_it_after_a_crash_alone() {
    for crashes in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
        let (may_answer, asked) = (Arc::default(), Arc::default());
        let (wire, receiver) = (feeds.serve(), slow(&endpoint, &may_answer, &asked));
        feeds.add("/a", story(1));
        let config = configure(folder.path(), &wire.base, &receiver.base);
        let address = listen(&config);
        let mut daemon = start(&config, address);
        wait_for("the alert", MINUTE, || asked.load(Ordering::SeqCst) == 1);
        let wal = folder.path().canonicalize().unwrap().join("gainsay.db-wal");
        let Some(fault) = Fault::inject(&daemon.daemon, SYNC, "EIO", &wal) else { return };
        may_answer.store(true, Ordering::SeqCst);
        daemon.wait_for_log("cannot write an attempt down", 2);
        wait_for("the reason", MINUTE, || get(address, "/readyz").is_some_and(|(status, _)| status == 503));
        let state = || query(folder.path(), "SELECT state FROM outbox WHERE sink = 'desk'");
        assert_eq!((state(), asked.load(Ordering::SeqCst)), (vec!["pending".to_owned()], 1));
        if crashes {
            daemon.daemon.kill();
        }
        drop(fault);
        if crashes {
            daemon = start(&config, address);
        }
        wait_for("the record", MINUTE, || state() == ["delivered"]);
        daemon.stop();
        let received = endpoint.received();
        // What a commit that failed had written may be found after a crash, so it need not be sent again.
        assert!(received.len() == 1 || crashes && received.len() == 2, "{} receipts", received.len());
        assert!(received.iter().all(|one| *one == received[0]), "the second time it was another");
    }
}

/// A line counts when it is on the disk; what is in doubt is written once more.
#[test]
fn bad_disk_that_syncs_no_line_repeats_lines_but_loses_none() {
    let desk = Desk::start();
    let Some(fault) = Fault::inject(&desk.daemon.daemon, SYNC, "EIO", &desk.file("alerts.jsonl")) else { return };
    desk.feeds.add("/a", story(2));
    desk.daemon.wait_for_log("delivery failed", 1);
    assert!(desk.said("delivery failed").contains("Input/output error"), "{}", desk.daemon.log());
    wait_for("the other sink", MINUTE, || desk.delivered("desk") == 2);
    assert_eq!(desk.delivered("file"), 1);
    drop(fault);
    wait_for("the line", MINUTE, || desk.delivered("file") == 2);
    let (lines, ids) = (desk.lines(), desk.ids());
    assert!(lines.len() >= 3 && ids[1..].iter().all(|id| *id == ids[1]), "{ids:?}");
    assert!(lines[1..].iter().all(|line| *line == lines[1]), "the second time it was another");
    desk.finish(2);
}

#[test]
fn bad_disk_that_takes_no_line_tears_none() {
    let desk = Desk::start();
    let Some(fault) = Fault::inject(&desk.daemon.daemon, WRITE, "ENOSPC", &desk.file("alerts.jsonl")) else { return };
    desk.feeds.add("/a", story(2));
    desk.daemon.wait_for_log("delivery failed", 1);
    assert!(desk.said("delivery failed").contains("No space left"), "{}", desk.daemon.log());
    assert_eq!((desk.delivered("file"), desk.lines().len()), (1, 1));
    drop(fault);
    wait_for("the line", MINUTE, || desk.delivered("file") == 2);
    assert_eq!(desk.lines().len(), 2);
    desk.finish(2);
}
