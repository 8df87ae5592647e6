//! `gainsay feeds`: lists in, a config changed in place, lists out.

use std::fs;
use std::path::Path;

use crate::support::gainsay;

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
    assert!(said.starts_with("added 2 feeds, 1 have no address that can be polled"), "{said}");
    let (_, listed, _) = feeds(folder.path(), &["list"]);
    assert_eq!(
        listed,
        "harbour-post  Harbour & Post  https://harbour.example/rss\nthe-tide      The Tide        https://tide.example/atom?key=…\n"
    );
    let (_, said, _) = feeds(folder.path(), &["import", list.to_str().unwrap()]);
    assert!(said.starts_with("added 0 feeds, 2 were there already"), "{said}");
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
    refused(&["add", "https://a.example/"], "there already");
    refused(&["add", "ftp://b.example/"], "not an absolute http or https address");
    refused(&["remove", "a", "b"], "there is no feed b; nothing was changed");
    refused(&["import", "no-such-list"], "world, business");
    refused(&["show", "b"], "there is no feed \"b\"");
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
