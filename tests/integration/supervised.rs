//! The daemon under systemd's protocol, over a real datagram socket: ready when it is ready, watched while it works, and silent
//! when a stage is stuck.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::kills::story;
use crate::support::{Daemon, Feeds, gainsay, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
const WATCHDOG: Duration = Duration::from_secs(2);

/// A daemon that tells this socket, with a watchdog of two seconds.
fn start(config: &Path, socket: &str) -> Daemon {
    let mut command = gainsay(&["run", "--config", config.to_str().unwrap()]);
    command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    Daemon(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
}

/// The next message, if one comes in this time.
fn hear(socket: &UnixDatagram, limit: Duration) -> Option<String> {
    socket.set_read_timeout(Some(limit)).unwrap();
    let mut buffer = [0; 4096];
    let read = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8(buffer[..read].to_vec()).unwrap())
}

/// Listens until a message has this line.
#[track_caller]
fn hear_line(socket: &UnixDatagram, line: &str) -> String {
    let start = Instant::now();
    loop {
        let message = hear(socket, MINUTE).unwrap_or_else(|| panic!("nothing more is said, and never {line}"));
        if message.lines().any(|said| said == line) {
            return message;
        }
        assert!(start.elapsed() < MINUTE, "never said {line}");
    }
}

#[test]
fn it_is_ready_when_it_is_and_says_how_it_is_and_that_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // The state cannot be rebuilt while the database is locked.
    let lock = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let daemon = start(&config, path.to_str().unwrap());
    let first = hear(&socket, MINUTE).unwrap();
    assert!(first.starts_with("STATUS=starting: ") && !first.contains("READY"), "{first}");
    drop(lock);
    let ready = hear_line(&socket, "READY=1");
    assert!(ready.contains("STATUS=ready: 1 feeds, 0 failing; "), "{ready}");
    wait_for("the document in the status", MINUTE, || {
        hear(&socket, MINUTE).is_some_and(|said| said.contains("since the start 1 documents read, "))
    });
    hear_line(&socket, "WATCHDOG=1");
    daemon.terminate();
    hear_line(&socket, "STOPPING=1");
    assert_eq!(daemon.ended().0, Some(0));
}

/// A reload is over when it is over, and a config that was refused is told.
#[test]
fn a_reload_is_told_from_its_beginning_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let daemon = start(&config, path.to_str().unwrap());
    hear_line(&socket, "READY=1");
    let hang_up = || Command::new("kill").args(["-HUP", &daemon.0.id().to_string()]).status().unwrap();

    let before = monotonic();
    hang_up();
    let reloading = hear_line(&socket, "RELOADING=1");
    let time = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!((before..=monotonic()).contains(&time.parse().unwrap()), "{reloading}");
    let done = hear_line(&socket, "READY=1");
    assert!(done.contains("STATUS=the new config counts"), "{done}");

    let sound = std::fs::read_to_string(&config).unwrap();
    let refused = "; the new config was refused and the old one counts, the log says why";
    std::fs::write(&config, format!("nonsense = 1\n{sound}")).unwrap();
    hang_up();
    hear_line(&socket, "RELOADING=1");
    let done = hear_line(&socket, "READY=1");
    assert!(done.contains(&format!("STATUS=ready{refused}")), "{done}");
    // Until the next one it stays so.
    let later = hear_line(&socket, "WATCHDOG=1");
    assert!(later.contains("STATUS=ready: 1 feeds, ") && later.contains(refused), "{later}");
    std::fs::write(&config, sound.replace("gainsay.db", "other.db")).unwrap();
    hang_up();
    hear_line(&socket, "RELOADING=1");
    assert!(hear_line(&socket, "READY=1").contains(refused));
    std::fs::write(&config, sound).unwrap();
    hang_up();
    hear_line(&socket, "RELOADING=1");
    hear_line(&socket, "READY=1");
    let later = hear_line(&socket, "WATCHDOG=1");
    assert!(!later.contains(refused), "{later}");
    assert_eq!(daemon.stop().0, Some(0));
}

/// Microseconds of the clock that systemd compares with.
fn monotonic() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[test]
fn a_desk_that_cannot_commit_is_not_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let name = format!("gainsay-test-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let daemon = start(&config, &format!("@{name}"));
    hear_line(&socket, "READY=1");
    hear_line(&socket, "WATCHDOG=1");

    let lock = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    wait_for("the lock", MINUTE, || lock.execute_batch("BEGIN IMMEDIATE").is_ok());
    let start = Instant::now();
    let mut last_fed = Instant::now();
    while last_fed.elapsed() < WATCHDOG {
        assert!(start.elapsed() < MINUTE, "the watchdog was fed all the time");
        if hear(&socket, WATCHDOG).is_some_and(|said| said.contains("WATCHDOG=1")) {
            last_fed = Instant::now();
        }
    }
    lock.execute_batch("ROLLBACK").unwrap();
    hear_line(&socket, "WATCHDOG=1");
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn a_socket_that_cannot_be_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".to_owned())], None);
    let (code, said) = start(&config, "not/absolute").ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("NOTIFY_SOCKET is neither a path nor an abstract name"), "{said}");
}
