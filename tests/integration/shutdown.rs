//! How the daemon ends: in order and in time, at once when asked twice, and never because nobody reads its output.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Daemon, Endpoint, RawServer, answer, gainsay, hang, query, wait_for, write_config};

/// A feed that answers with a page, and so makes one alert, and then not at all.
fn page_then_silence() -> (RawServer, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let server = RawServer::start(move |_, stream| {
        if counter.fetch_add(1, Ordering::SeqCst) < 3 {
            answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
        } else {
            hang(stream);
        }
    });
    (server, calls)
}

/// Waits that a test which hits them has failed.
const PATIENT: &str = "[intake]\nfetch_timeout = \"10m\"\n";

#[test]
fn a_stop_ends_within_the_grace_though_feed_and_endpoint_hang_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (wire, polls) = page_then_silence();
    let is_reached = Arc::new(AtomicBool::new(false));
    let reached = Arc::clone(&is_reached);
    let silent = RawServer::start(move |_, stream| {
        reached.store(true, Ordering::SeqCst);
        hang(stream);
    });
    let config = write_config(folder.path(), &[("a", wire.base.clone())], Some(&silent.base));
    let text = std::fs::read_to_string(&config).unwrap().replace("[intake]\n", PATIENT);
    let text = text.replace("shutdown_grace = \"5s\"", "shutdown_grace = \"2s\"");
    std::fs::write(&config, text.replace("type = \"webhook\"", "type = \"webhook\"\ntimeout = \"10m\"")).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("a fetch and a delivery that hang", Duration::from_mins(2), || {
        polls.load(Ordering::SeqCst) >= 4 && is_reached.load(Ordering::SeqCst)
    });
    let asked = Instant::now();
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(asked.elapsed() < Duration::from_mins(1), "took {:?}", asked.elapsed());
    assert!(said.contains("fetches under way are abandoned"), "{said}");
    assert_eq!(query(folder.path(), "SELECT state FROM outbox"), ["pending"]);

    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let text = std::fs::read_to_string(&config).unwrap().replace(&silent.base, &receiver.base);
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the alert", Duration::from_mins(1), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (wire, polls) = page_then_silence();
    polls.store(3, Ordering::SeqCst);
    let config = write_config(folder.path(), &[("a", wire.base.clone())], None);
    let text = std::fs::read_to_string(&config).unwrap().replace("[intake]\n", PATIENT);
    std::fs::write(&config, text.replace("shutdown_grace = \"5s\"", "shutdown_grace = \"20m\"")).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("a fetch that hangs", Duration::from_mins(1), || polls.load(Ordering::SeqCst) >= 4);
    let asked = Instant::now();
    // Signals that come together count as one, so it is asked until it has heard.
    let mut daemon = daemon;
    wait_for("its end", Duration::from_mins(1), || {
        daemon.terminate();
        daemon.0.try_wait().unwrap().is_some()
    });
    assert_eq!(daemon.ended().0, Some(130));
    assert!(asked.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_closed_standard_output_loses_nothing_and_spins_not() {
    let folder = tempfile::tempdir().unwrap();
    let wire = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let config = write_config(folder.path(), &[("a", wire.base.clone())], None);
    let args = ["run", "--config", config.to_str().unwrap()];
    let mut closed = gainsay(&args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(closed.stdout.take());
    let closed = Daemon(closed);
    wait_for("two attempts", Duration::from_mins(1), || query(folder.path(), "SELECT error FROM attempt").len() >= 2);
    let gaps = "SELECT CAST(min(gap) AS TEXT) FROM (SELECT at - lag(at) OVER (ORDER BY position) AS gap FROM attempt)";
    assert!(query(folder.path(), gaps)[0].parse::<i64>().unwrap() >= 1_000, "the line is tried again too soon");
    let (code, said) = closed.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(query(folder.path(), "SELECT error FROM attempt")[0].contains("Broken pipe"));
    assert_eq!(query(folder.path(), "SELECT state FROM outbox"), ["pending"]);

    let lines = folder.path().join("lines.jsonl");
    let out = std::fs::File::create(&lines).unwrap();
    let open = gainsay(&args).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    let open = Daemon(open);
    wait_for("the line", Duration::from_mins(2), || std::fs::read_to_string(&lines).unwrap().ends_with('\n'));
    assert_eq!(open.stop().0, Some(0));
    let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&lines).unwrap()).unwrap();
    assert_eq!(line["type"], "feed.failing");
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_nobody_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (wire, _) = page_then_silence();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let config = write_config(folder.path(), &[("a", wire.base.clone())], Some(&receiver.base));
    let text = std::fs::read_to_string(&config).unwrap().replace("shutdown_grace = \"5s\"", "shutdown_grace = \"20m\"");
    let text = text.replace("[intake]\n", "[intake]\nfetch_timeout = \"1s\"\n");
    std::fs::write(&config, text + "[[sink]]\nname = \"pipe\"\ntype = \"jsonl\"\npath = \"pipe\"\n").unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the other sink", Duration::from_mins(1), || !endpoint.received().is_empty());
    let errors = "SELECT error FROM attempt WHERE result = 'retry'";
    wait_for("an attempt at the pipe", Duration::from_mins(1), || !query(folder.path(), errors).is_empty());
    let asked = Instant::now();
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(asked.elapsed() < Duration::from_mins(1), "took {:?}", asked.elapsed());
    assert!(query(folder.path(), errors)[0].contains("nobody reads the pipe"));
    assert_eq!(query(folder.path(), "SELECT state FROM outbox WHERE sink = 'pipe'"), ["pending"]);

    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    let daemon = Daemon::start(&config);
    let delivered = "SELECT sink FROM outbox WHERE sink = 'pipe' AND state = 'delivered'";
    wait_for("the line", Duration::from_mins(2), || !query(folder.path(), delivered).is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let line: serde_json::Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(line["type"], "feed.failing");
}
