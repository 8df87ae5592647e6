//! From a page to its feeds, against a scripted site.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::{RawServer, answer, gainsay};

const RSS: &str = "<rss version='2.0'><channel><title>World &amp; war</title><item><title>One</title><link>http://a.example/1</link>\
                   <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item></channel></rss>";
const ATOM: &str = "<feed xmlns='http://www.w3.org/2005/Atom'><title>Comments</title></feed>";

/// A site of these pages by path; what was asked for is noted.
fn site(pages: &'static [(&'static str, &'static str)]) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let server = RawServer::start(move |request, stream| {
        noted.lock().unwrap().push(request.path.clone());
        match pages.iter().find(|(path, _)| *path == request.path) {
            Some((_, "429")) => answer(stream, "429 Too Many Requests", "", b""),
            Some((_, page)) => answer(stream, "200 OK", "content-type: text/html\r\n", page.as_bytes()),
            None => answer(stream, "404 Not Found", "", b""),
        };
    });
    (server, asked)
}

/// Runs `gainsay feeds …` on a config that may read loopback: whether it went well, standard output, standard error.
fn feeds(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let config = folder.join("gainsay.toml");
    if !config.exists() {
        std::fs::write(&config, "[intake]\nallow_networks = [\"127.0.0.0/8\"]\n").unwrap();
    }
    let output = gainsay(&["feeds"]).args(args).args(["-c", config.to_str().unwrap()]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_a_page_names_is_read_and_ready_to_be_pasted() {
    const PAGE: &str = "<!doctype html><html><head><link rel=alternate type=application/atom+xml title=Comments href=/comments.atom>\
                        <link rel=alternate type='application/rss+xml' href='/rss'><link rel=alternate type='application/rss+xml' href='/gone'>\
                        <link rel=feed href='http://169.254.169.254/latest'></head></html>";
    let folder = tempfile::tempdir().unwrap();
    let (site, asked) = site(&[("/world", PAGE), ("/rss", RSS), ("/comments.atom", ATOM)]);
    let (is_good, out, err) = feeds(folder.path(), &["discover", &format!("{}/world", site.base)]);
    assert!(is_good, "{err}");
    assert!(
        out.contains("# RSS, 1 entry, newest 2024-10-31T08:01:00Z, named by the page\n[[feed]]\nid = \"world-war\"\n"),
        "{out}"
    );
    assert!(out.contains("# Atom, 0 entries, no dates, named by the page"), "{out}");
    assert!(err.contains("/gone") && err.contains("404") && err.contains("169.254.169.254"), "{err}");
    assert_eq!(asked.lock().unwrap().len(), 4, "nothing is guessed where a page names its feeds");

    // What is printed is a config; --add takes the first with entries.
    std::fs::write(folder.path().join("pasted.toml"), &out).unwrap();
    let pasted = folder.path().join("pasted.toml");
    let checked = gainsay(&["feeds", "list", "-c", pasted.to_str().unwrap()]).output().unwrap();
    assert!(checked.status.success() && String::from_utf8(checked.stdout).unwrap().contains("world-war"));
    let (is_good, out, err) = feeds(folder.path(), &["discover", "--add", &format!("{}/world", site.base)]);
    assert!(is_good && out.starts_with("added world-war"), "{out}{err}");
    assert!(std::fs::read_to_string(folder.path().join("gainsay.toml")).unwrap().contains("/rss\""));

    // `add` takes a feed, and no page.
    let (is_good, _, err) = feeds(folder.path(), &["add", &format!("{}/world", site.base)]);
    assert!(!is_good && err.contains("no feed but a page that names") && err.contains("/comments.atom"), "{err}");
    let (is_good, out, err) = feeds(folder.path(), &["add", &format!("{}/comments.atom", site.base)]);
    assert!(is_good, "{out}{err}");
    let (is_good, ..) = feeds(folder.path(), &["add", "--unseen", &format!("{}/world", site.base)]);
    assert!(is_good);
}

#[test]
fn common_places_are_tried_only_where_a_page_names_none_and_no_longer_than_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (silent, asked) = site(&[("/", "<html></html>"), ("/rss.xml", RSS)]);
    let (is_good, out, err) = feeds(folder.path(), &["discover", &format!("{}/", silent.base)]);
    assert!(is_good && out.contains("at a common place"), "{out}{err}");
    assert_eq!(*asked.lock().unwrap(), ["/", "/feed", "/rss", "/rss.xml"]);

    let (tired, asked) = site(&[("/", "<html></html>"), ("/feed", "429"), ("/rss.xml", RSS)]);
    let (is_good, _, err) = feeds(folder.path(), &["discover", &format!("{}/", tired.base)]);
    assert!(!is_good && err.contains("429") && err.contains("no feed was found"), "{err}");
    assert_eq!(*asked.lock().unwrap(), ["/", "/feed"]);
}
