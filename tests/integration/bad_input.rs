//! What an operator gets to see when something is wrong: clear errors, fitting exit codes, recorded states.

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};

use crate::support::{
    Daemon, Endpoint, Entry, Feeds, RawServer, Server, answer, output, query, wait_for, write_config,
};

/// Runs `gainsay run` on a config that cannot work; gives exit code and standard error.
fn run(config: &std::path::Path) -> (Option<i32>, String) {
    let printed = output(&["run", "-c", config.to_str().unwrap()]);
    (printed.status.code(), String::from_utf8_lossy(&printed.stderr).into_owned())
}

#[test]
fn a_missing_config_is_named() {
    let (code, said) = run(std::path::Path::new("/nonexistent/gainsay.toml"));
    assert_eq!(code, Some(78));
    assert!(said.contains("/nonexistent/gainsay.toml"), "{said}");
}

#[test]
fn all_problems_of_a_config_are_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    let text =
        "databse = \"x\"\n[intake]\npoll_interval = 5\n[[feed]]\nid = \"Bad Id\"\nurl = \"ftp://x\"\noutlet = \"X\"\n";
    std::fs::write(&path, text).unwrap();
    let (code, said) = run(&path);
    assert_eq!(code, Some(78));
    for place in ["gainsay.toml:1:", "gainsay.toml:3:", "gainsay.toml:5:", "gainsay.toml:6:"] {
        assert!(said.contains(place), "{place} is missing in:\n{said}");
    }
}

#[test]
fn a_config_without_feeds_cannot_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    std::fs::write(&path, "database = \"x.db\"\n").unwrap();
    let (code, said) = run(&path);
    assert_eq!(code, Some(78));
    assert!(said.contains("feed"), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let database = folder.path().join("gainsay.db");
    std::fs::write(&database, "this is a letter, not a database, and long enough to be mistaken for one".repeat(99))
        .unwrap();
    let before = std::fs::read(&database).unwrap();
    let (code, said) = run(&config);
    assert_eq!(code, Some(1));
    assert!(said.contains("gainsay.db"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

/// A config whose database is prepared by `prepare`, which gets its path; then what `run` says about it.
#[track_caller]
fn check_database(prepare: impl FnOnce(&std::path::Path), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    prepare(&folder.path().join("gainsay.db"));
    let (code, said) = run(&config);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gainsay.db") && said.contains(expected), "{expected:?} is not in {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

fn make_database(path: &std::path::Path, statements: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_the_reason() {
    check_database(|path| std::fs::create_dir(path).unwrap(), "is a folder");
    check_database(|path| make_database(path, "CREATE TABLE account (id)"), "database of another program");
    check_database(
        |path| {
            make_database(
                path,
                "CREATE TABLE desk (only_one); PRAGMA application_id = 1734437230; PRAGMA user_version = 999",
            );
        },
        "use a newer gainsay",
    );
    check_database(
        |path| {
            make_database(path, "PRAGMA application_id = 1734437230; CREATE TABLE desk (only_one)");
            let mut bytes = std::fs::read(path).unwrap();
            bytes.truncate(4096 + 100);
            bytes[100..4196].fill(0x5a);
            std::fs::write(path, bytes).unwrap();
        },
        "malformed",
    );
}

#[test]
fn a_missing_folder_of_the_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let text = std::fs::read_to_string(&config).unwrap().replace("\"gainsay.db\"", "\"missing/gainsay.db\"");
    std::fs::write(&config, text).unwrap();
    let (code, said) = run(&config);
    assert_eq!(code, Some(1));
    assert!(said.contains("missing/gainsay.db") && said.contains("No such file"), "{said}");
}

/// A folder and a file that nobody may write to stop only those who are not root, so root runs this as somebody else.
#[test]
fn a_read_only_database_is_a_clear_error() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    make_database(&folder.path().join("gainsay.db"), "PRAGMA application_id = 1734437230");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    // A program in a folder that only root may enter could not be started: it gets a copy.
    let program = tempfile::tempdir().unwrap();
    std::fs::set_permissions(program.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("gainsay");
    std::fs::copy(env!("CARGO_BIN_EXE_gainsay"), &copy).unwrap();
    let mut command = std::process::Command::new(copy);
    command.args(["run", "-c", config.to_str().unwrap()]).env_remove("GAINSAY_SHARED").env_remove("GAINSAY_WRITE_DOCS");
    if std::fs::metadata(folder.path()).unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let printed = command.output().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&printed.stderr);
    assert_eq!(printed.status.code(), Some(1), "{said}");
    assert!(said.contains("gainsay.db") && said.contains("ermission denied"), "{said}");
}

/// Another program that writes to the database for longer than we wait: the poll is not committed, the feed is read again,
/// and its alert comes once.
#[test]
fn a_database_locked_by_another_program_delays_but_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let wire = RawServer::start(|_, stream| {
        answer(stream, "200 OK", "", b"<!DOCTYPE html><html></html>");
    });
    let config = write_config(folder.path(), &[("a", wire.base.clone())], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the first poll", Duration::from_mins(1), || !query(folder.path(), "SELECT id FROM cursor").is_empty());
    let other = rusqlite::Connection::open(folder.path().join("gainsay.db")).unwrap();
    other.busy_timeout(Duration::from_mins(1)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Longer than the daemon waits for the lock.
    std::thread::sleep(Duration::from_secs(7));
    other.execute_batch("ROLLBACK").unwrap();
    wait_for("the alert", Duration::from_mins(2), || !endpoint.received().is_empty());
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("commit failed, the feeds will be read again"), "{said}");
    assert_eq!(endpoint.received().len(), 1);
}

#[test]
fn a_config_that_is_no_text_or_no_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = run(folder.path());
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(folder.path().to_str().unwrap()), "{said}");
    let path = folder.path().join("gainsay.toml");
    std::fs::write(&path, b"database = \"\xff\"").unwrap();
    let (code, said) = run(&path);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("gainsay.toml") && said.contains("UTF-8"), "{said}");
}

#[test]
fn the_log_of_no_terminal_has_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let wire = RawServer::start(|_, stream| {
        answer(stream, "404 Not Found", "", b"");
    });
    let config = write_config(folder.path(), &[("a", wire.base.clone())], None);
    let daemon = Daemon::start(&config);
    wait_for("the first poll", Duration::from_mins(1), || !query(folder.path(), "SELECT id FROM cursor").is_empty());
    let (code, said) = daemon.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("poll failed") && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn two_daemons_do_not_share_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", Entry::new("1", "Weather", "Mild."));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let first = Daemon::start(&config);
    // The lock is taken before the file is made.
    wait_for("the database", Duration::from_mins(1), || folder.path().join("gainsay.db").exists());
    let (code, said) = run(&config);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gainsay.db is in use by another gainsay"), "{said}");
    assert_eq!(first.stop().0, Some(0));
}

/// A private feed address is refused unless allowed, and so is a redirect to one; both are feed incidents, not crashes.
#[test]
fn private_addresses_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let config = write_config(folder.path(), &[("a", "http://169.254.169.254/latest".into())], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("the incident", Duration::from_mins(1), || !endpoint.received().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    let alert: serde_json::Value = serde_json::from_slice(&endpoint.received()[0].body).unwrap();
    assert_eq!(alert["type"], "feed.failing");
    assert_eq!(alert["data"]["feed"]["id"], "a");
}

#[test]
fn a_feed_that_is_html_and_then_heals_is_one_incident() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::default();
    let receiver = endpoint.serve();
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let router = Router::new().fallback(move || {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            if call < 3 {
                (
                    StatusCode::OK,
                    [(header::CONTENT_TYPE, "text/html")],
                    "<html><body>maintenance</body></html>".to_owned(),
                )
            } else {
                let item = "<item><guid>1</guid><title>Weather</title><description>Mild.</description></item>";
                let feed = format!("<rss version=\"2.0\"><channel><title>W</title>{item}</channel></rss>");
                (StatusCode::OK, [(header::CONTENT_TYPE, "application/rss+xml")], feed)
            }
        }
    });
    let wire = Server::start(router);
    let config = write_config(folder.path(), &[("a", wire.base.clone())], Some(&receiver.base));
    let daemon = Daemon::start(&config);
    wait_for("failure and recovery", Duration::from_secs(90), || endpoint.received().len() >= 2);
    assert_eq!(daemon.stop().0, Some(0));
    let types: Vec<String> = endpoint
        .received()
        .iter()
        .map(|received| serde_json::from_slice::<serde_json::Value>(&received.body).unwrap()["type"].to_string())
        .collect();
    assert_eq!(types, ["\"feed.failing\"", "\"feed.recovered\""]);
}
