//! Lists of feeds that a running daemon reads anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::reload::Logged;
use crate::support::{Endpoint, Feeds, RawServer, SECRET, answer, output, query, wait_for};

const MINUTE: Duration = Duration::from_mins(1);

/// A list at an address, which changes while the daemon runs, breaks, empties and is gone at a restart.
#[test]
fn a_list_is_read_anew_and_its_feeds_come_and_go_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    for (number, path) in ["/a", "/b", "/c", "/d", "/e"].into_iter().enumerate() {
        feeds.add(path, story(number + 1));
    }
    let list = Arc::new(Mutex::new(String::new()));
    let served = Arc::clone(&list);
    let lists = RawServer::start(move |_, stream| {
        let text = served.lock().unwrap().clone();
        let status = if text == "gone" { "404 Not Found" } else { "200 OK" };
        answer(stream, status, "", text.as_bytes());
    });
    let set = |paths: &[&str]| {
        let lines: Vec<String> = paths.iter().map(|path| format!("{}{path} Title {path} # one\n", wire.base)).collect();
        *list.lock().unwrap() = lines.concat();
    };
    set(&["/a", "/b"]);
    let config = folder.path().join("gainsay.toml");
    let text = format!(
        "database = \"gainsay.db\"\n[http]\nlisten = \"\"\n[intake]\nbackfill = \"3650d\"\nallow_networks = [\"127.0.0.0/8\"]\nfetches_per_host_max = 8\n\
         [[feed_list]]\nid = \"team\"\nurl = \"{}/list\"\ninterval = \"1s\"\npoll_interval = \"1s\"\n\
         [[rule]]\nname = \"denials\"\ntypes = [\"denial.new\"]\nconfidence_min = 0\n\
         [[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n",
        lists.base, receiver.base
    );
    std::fs::write(&config, &text).unwrap();
    let daemon = Logged::start(&config, &[]);
    wait_for("the alerts of both feeds", MINUTE, || endpoint.received().len() == 2);

    // One comes, one goes; the others go on.
    set(&["/b", "/c", "/d", "/e"]);
    daemon.wait_for_log("feeds_started=3 feeds_stopped=1", 1);
    wait_for("the alerts of the new feeds", MINUTE, || endpoint.received().len() == 5);
    feeds.add("/a", story(12));
    let listed = || {
        let said = output(&["feeds", "list", "-c", config.to_str().unwrap()]);
        String::from_utf8([said.stdout, said.stderr].concat()).unwrap()
    };
    assert_eq!(listed().matches("\"origin\":\"list team\"").count(), 4, "{}", listed());
    assert!(listed().contains("Title /b") && !listed().contains("Title /a"), "{}", listed());

    // Broken, empty, a web page: nothing changes, and it is told.
    for bad in ["gone", "", "<!doctype html><html></html>", "<opml><body><outline xmlUrl='https://a.example/'/>"] {
        let before = daemon.log().matches("the list cannot be read").count();
        *list.lock().unwrap() = bad.to_owned();
        daemon.wait_for_log("the list cannot be read", before + 2);
    }
    assert_eq!(listed().matches("\"origin\":\"list team\"").count(), 4);
    assert!(listed().contains("list team: cannot be read, its feeds stay"), "{}", listed());

    // Nor after a restart without it; and nothing is alerted again.
    daemon.stop();
    *list.lock().unwrap() = "gone".to_owned();
    let daemon = Logged::start(&config, &[]);
    feeds.add("/b", story(14));
    wait_for("the alert of a feed whose list is gone", MINUTE, || endpoint.received().len() == 6);

    // Most of it lost: believed when it is said twice. A feed that comes back goes on where it stood.
    set(&["/a"]);
    daemon.wait_for_log("the list has lost most of its feeds", 1);
    daemon.wait_for_log("feeds_started=1 feeds_stopped=4", 1);
    wait_for("what the feed brought meanwhile", MINUTE, || endpoint.received().len() == 7);
    assert_eq!(query(folder.path(), "SELECT id FROM cursor WHERE id LIKE 'team.%'").len(), 5);

    // The list moves to where nothing can be read yet: its feeds go on.
    let moved = text.replace(&format!("{}/list", lists.base), &format!("{}/gone", lists.base));
    *list.lock().unwrap() = "gone".to_owned();
    std::fs::write(&config, moved).unwrap();
    let before = daemon.log().matches("the list cannot be read").count();
    daemon.reload();
    daemon.wait_for_log("the list cannot be read", before + 2);
    feeds.add("/a", story(16));
    wait_for("the alert of a feed whose list has moved", MINUTE, || endpoint.received().len() == 8);
    daemon.stop();
}
