//! `gainsay feeds`: lists in, a config changed in place, lists out.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::time::Duration;

use crate::kills::story;
use crate::reload::Logged;
use crate::support::{Endpoint, Feeds, gainsay, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// Runs `gainsay feeds …` on a config: exit status, standard output, standard error.
fn feeds(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let config = folder.join("gainsay.toml");
    let mut command = gainsay(&["feeds"]);
    command.args(args).args(["--config", config.to_str().unwrap()]);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_list_becomes_a_config_that_a_person_can_go_on_writing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    fs::write(&config, "# ours\ndatabase = \"news.db\"\n\n[[sink]] # to the desk\nname = \"log\"\ntype = \"jsonl\"\n")
        .unwrap();
    let list = folder.path().join("list.opml");
    fs::write(
        &list,
        "<opml version='2.0'><body><outline text='Papers'><outline text='Harbour &amp; Post' xmlUrl='https://harbour.example/rss'/>\
         <outline text='The Tide' xmlUrl='https://tide.example/atom?key=secret'/><outline text='x' xmlUrl='gopher://x'/></outline></body></opml>",
    )
    .unwrap();
    let (status, said, _) = feeds(folder.path(), &["import", list.to_str().unwrap()]);
    assert_eq!(status, Some(0));
    assert!(
        said.starts_with("added 2 feeds to ") && said.contains("gainsay.toml, 1 have no address that can be polled"),
        "{said}"
    );
    let (_, listed, _) = feeds(folder.path(), &["list", "--table"]);
    let rows: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    let harbour = ["harbour-post", "Harbour & Post", "https://harbour.example/rss", "config"];
    let tide = ["the-tide", "The Tide", "https://tide.example/atom?key=…", "config"];
    assert_eq!(rows, [&["FEED", "OUTLET", "ADDRESS", "FROM"][..], &harbour, &tide]);
    let (_, piped, _) = feeds(folder.path(), &["list"]);
    let piped = crate::support::json_lines(piped.as_bytes());
    assert_eq!(piped[1], serde_json::json!({"id": tide[0], "outlet": tide[1], "url": tide[2], "origin": "config"}));
    let (_, said, _) = feeds(folder.path(), &["import", list.to_str().unwrap()]);
    assert!(said.starts_with("added 0 feeds to ") && said.contains("gainsay.toml, 2 were there already"), "{said}");
    assert_eq!(feeds(folder.path(), &["add", "https://new.example/feed", "--outlet", "New"]).0, Some(0));
    assert_eq!(feeds(folder.path(), &["remove", "the-tide"]).0, Some(0));
    let (_, exported, _) = feeds(folder.path(), &["export"]);
    assert!(
        exported.contains("text=\"Harbour &amp; Post\"") && exported.contains("https://new.example/feed"),
        "{exported}"
    );
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("# ours\ndatabase = \"news.db\"\n\n[[sink]] # to the desk\n"), "{text}");
}

#[test]
fn a_running_daemon_hears_of_a_feed_that_is_added_and_one_that_is_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let (served, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (served.serve(), endpoint.serve());
    served.add("/b", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&receiver.base));
    let (_, said, _) = feeds(folder.path(), &["add", "https://c.example/", "--id", "c"]);
    assert!(said.contains("; no gainsay runs on ") && said.ends_with("the next start reads it\n"), "{said}");
    assert!(feeds(folder.path(), &["remove", "c"]).1.contains("the next start reads it"));

    let daemon = Logged::start(&config, &[]);
    let pid = daemon.daemon.0.id();
    let b = format!("{}/b", wire.base);
    let (_, said, _) = feeds(folder.path(), &["add", &b, "--id", "b", "--no-reload"]);
    assert!(said.ends_with("; a running gainsay reads it on SIGHUP\n"), "{said}");
    assert_eq!(feeds(folder.path(), &["remove", "b", "--no-reload"]).0, Some(0));
    assert!(!daemon.log().contains("config reloaded"));
    let (_, said, _) = feeds(folder.path(), &["add", &b, "--id", "b"]);
    assert!(said.ends_with(&format!("; the running gainsay (pid {pid}) reads the new config\n")), "{said}");
    wait_for("the alert of the new feed", MINUTE, || endpoint.received().len() == 1);
    assert!(feeds(folder.path(), &["remove", "a"]).1.contains("reads the new config"));
    daemon.wait_for_log("config reloaded", 2);

    // Another config of the same database is not what it reads.
    let other = folder.path().join("other.toml");
    fs::copy(&config, &other).unwrap();
    let mut command = gainsay(&["feeds", "add", "https://d.example/", "-c", other.to_str().unwrap()]);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("gainsay.toml and was not told"), "{said}");
    let announced = folder.path().join("gainsay.db.running");
    assert!(announced.exists());
    let mut daemon = daemon;
    daemon.daemon.kill();
    assert!(feeds(folder.path(), &["add", "https://e.example/"]).1.contains("no gainsay runs on "), "after a kill");
    assert!(announced.exists());
}

#[test]
fn what_would_be_no_config_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    let text = "[[feed]]\nid = \"a\"\nurl = \"https://a.example/\"\noutlet = \"A\"\n";
    fs::write(&config, text).unwrap();
    let refused = |args: &[&str], why: &str| {
        let (status, _, said) = feeds(folder.path(), args);
        assert_ne!(status, Some(0));
        assert!(said.contains(why), "{said}");
        assert_eq!(fs::read_to_string(&config).unwrap(), text);
    };
    refused(&["add", "https://b.example/", "--id", "Not An Id"], "feed[2].id");
    refused(&["add", "https://b.example/", "--id", "a"], "already");
    refused(&["add", "https://a.example/"], "there already: a");
    refused(&["add", "ftp://b.example/"], "not an absolute http or https address");
    refused(&["remove", "a", "b"], "there is no feed b; nothing was changed");
    refused(&["import", "no-such-list"], "world, business");
    refused(&["show", "b"], "there is no feed \"b\"");
    let (status, said, _) = feeds(folder.path(), &["remove", "a"]);
    assert_eq!(status, Some(0));
    assert!(said.contains("gainsay.toml; no feed is left: a running gainsay keeps those that it has"), "{said}");
}

/// Of two commands that read the same text, the one that writes last must not undo the other.
#[test]
fn commands_that_edit_at_once_all_count() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gainsay.toml"), "database = \"g.db\"\n").unwrap();
    std::thread::scope(|threads| {
        for number in 0..8 {
            let folder = folder.path();
            threads
                .spawn(move || assert_eq!(feeds(folder, &["add", &format!("https://f{number}.example/")]).0, Some(0)));
        }
    });
    assert_eq!(feeds(folder.path(), &["list"]).1.lines().count(), 8);
}

/// `sudo gainsay feeds add` must not take the config away from the daemon's own user.
#[test]
fn an_edited_config_keeps_its_owner_and_mode() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    fs::write(&config, "database = \"g.db\"\n").unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    if chown(&config, Some(65_534), Some(1)).is_err() {
        eprintln!("SKIPPED the owner: only root can give a file away");
    }
    let facts = || fs::metadata(&config).map(|facts| (facts.uid(), facts.gid(), facts.mode() & 0o7777)).unwrap();
    let before = facts();
    assert_eq!(feeds(folder.path(), &["add", "https://a.example/"]).0, Some(0));
    assert_eq!(facts(), before);
}

#[test]
fn ten_thousand_feeds_of_a_list_are_a_config() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.opml");
    let outline = |number: usize| format!("<outline text=\"F {number}\" xmlUrl=\"https://f{number}.example/\"/>");
    let outlines = (0..10_000).map(outline).collect::<Vec<_>>().concat();
    fs::write(&list, format!("<opml><body>{outlines}</body></opml>")).unwrap();
    assert_eq!(feeds(folder.path(), &["import", list.to_str().unwrap()]).0, Some(0));
    assert_eq!(feeds(folder.path(), &["list"]).1.lines().count(), 10_000);
    assert_eq!(feeds(folder.path(), &["import", "world"]).0, Some(0));
}
