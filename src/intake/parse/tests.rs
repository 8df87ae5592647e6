//! From bytes to items: dirty and hostile feeds.

use proptest::prelude::*;

use super::*;
use crate::model::{EntryIdentity, IdentityRule, MarkupFormat};

const WIRE: &str = include_str!("../../../tests/fixtures/feeds/wire_rss.xml");
const ATOM: &str = include_str!("../../../tests/fixtures/feeds/atom_relative_links.xml");

fn read(bytes: &[u8]) -> Result<ParsedFeed, ParseError> {
    parse(bytes, None, None, 100)
}

#[test]
fn topics_are_read_in_every_format() {
    let topics = |feed: &str| read(feed.as_bytes()).unwrap().items.remove(0).topics;
    assert_eq!(
        topics(
            "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><category>all</category><item><title>a</title>\
             <category domain=\"x\"> World &amp; war </category><category/><dc:subject>Ships</dc:subject></item></channel></rss>"
        ),
        ["World & war", "Ships"]
    );
    assert_eq!(
        topics(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>a</title><category term=\"w\" label=\"World\"/>\
             <category term=\"sport\"></category></entry></feed>"
        ),
        ["World", "sport"]
    );
    let json = |tags: &str| {
        topics(&format!(
            r#"{{"version":"https://jsonfeed.org/version/1.1","title":"","items":[{{"id":"1","tags":{tags}}}]}}"#
        ))
    };
    assert_eq!(json(r#"["World", 3, "sport"]"#), ["World", "sport"]);
    assert_eq!(json("7"), [""; 0]);
    let many = "<category>x</category>".repeat(1_000);
    assert_eq!(topics(&format!("<rss version=\"2.0\"><channel><item>{many}</item></channel></rss>")).len(), TOPICS_MAX);
}

#[test]
fn what_a_publisher_says_reaches_the_item() {
    let feed = read(WIRE.as_bytes()).unwrap();
    let item = &feed.items[0];
    assert_eq!(item.guid.as_deref(), Some("wire-1"));
    assert_eq!(item.identity, EntryIdentity { rule: IdentityRule::Guid, key: "wire-1".to_owned() });
    assert_eq!(item.author.as_deref(), Some("Desk"));
    assert_eq!(item.published, Some("2024-10-31T08:01:00Z".parse().unwrap()));
    assert_eq!(item.updated, None);
    assert_eq!(item.title.as_ref().unwrap().format, MarkupFormat::Html);
    assert!(feed.repairs.0.is_empty(), "{:?}", feed.repairs);
}

#[test]
fn an_atom_text_with_references_in_it_is_html() {
    let feed =
        |title: &str| format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>{title}</title></entry></feed>");
    let format = |title: &str| read(feed(title).as_bytes()).unwrap().items[0].title.clone().unwrap().format;
    assert_eq!(format("He &lt; she"), MarkupFormat::Text);
    assert_eq!(format("He said &amp;#8220;no&amp;#8221;"), MarkupFormat::Html);
}

#[track_caller]
fn check_error(bytes: &[u8], expected: &ParseError) {
    assert_eq!(read(bytes).as_ref(), Err(expected), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn what_is_no_feed_is_told_apart() {
    check_error(b"", &ParseError::Empty);
    check_error(b"\xef\xbb\xbf \r\n", &ParseError::Empty);
    check_error(b"<!DOCTYPE html><html></html>", &ParseError::HtmlPage);
    check_error(b"\x89PNG\r\n", &ParseError::NotAFeed);
    assert!(matches!(read(b"{\"version\": 1}"), Err(ParseError::Malformed(_))));
    assert!(matches!(read("{\"a\":".repeat(100_000).as_bytes()), Err(ParseError::Malformed(_))));
}

#[track_caller]
fn check_kept(days: &[&str], expected: &[&str]) {
    let entry = |day: &&str| {
        let date = if day.is_empty() { String::new() } else { format!("<pubDate>2024-10-0{day}</pubDate>") };
        format!("<item><title>{day}</title>{date}</item>")
    };
    let feed = format!("<rss version='2.0'>{}</rss>", days.iter().map(entry).collect::<String>());
    let feed = parse(feed.as_bytes(), None, None, 2).unwrap();
    let titles = feed.items.iter().map(|item| item.title.as_ref().map_or("", |title| &title.body));
    assert_eq!(titles.collect::<Vec<_>>(), expected, "{days:?}");
    let left_out = u32::try_from(days.len() - expected.len()).unwrap();
    assert_eq!(feed.repairs.0.get(&Repair::EntriesLeftOut).copied().unwrap_or_default(), left_out);
}

#[test]
fn what_is_too_long_to_be_an_address_or_a_name_goes() {
    let long = "x".repeat(3 << 20);
    let feed = format!(
        "<rss version='2.0'><item><title>T</title><guid>{long}</guid><link>https://a.example/{long}</link>\
         <link>https://a.example/1</link><author>{long}</author></item></rss>"
    );
    let feed = read(feed.as_bytes()).unwrap();
    let item = &feed.items[0];
    assert_eq!(
        (item.links.as_slice(), &item.guid, &item.author),
        (&["https://a.example/1".to_owned()][..], &None, &None)
    );
    assert!(item.identity.key.len() < 100, "{} bytes", item.identity.key.len());
    assert_eq!(feed.repairs.0.get(&Repair::TooLong), Some(&3));
}

#[test]
fn the_newest_entries_are_kept() {
    check_kept(&["1", "2", "3", "4"], &["3", "4"]);
    check_kept(&["4", "3", "2", "1"], &["4", "3"]);
    check_kept(&["2", "4", "1", "3"], &["4", "3"]);
    check_kept(&["1", "2"], &["1", "2"]);
    check_kept(&["1", "2", "", "4"], &["", "4"]);
    check_kept(&["4", "", "2", "1"], &["4", ""]);
    check_kept(&["", "", ""], &["", ""]);
}

#[test]
fn json_feeds_are_read() {
    let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"W","items":[
        {"id":"1","url":"https://a.example/1","title":"T","content_text":"x < y","date_published":"2024-10-31T08:01:00Z"}]}"#;
    let feed = read(json.as_bytes()).unwrap();
    assert_eq!(feed.items[0].identity.key, "1");
    assert_eq!(feed.items[0].content, Some(Markup { format: MarkupFormat::Text, body: "x < y".to_owned() }));
}

#[test]
fn hostile_nesting_and_entities_cost_nothing() {
    let deep = format!("<rss version='2.0'><channel>{}", "<item><a>".repeat(200_000));
    assert_eq!(read(deep.as_bytes()).unwrap().items.len(), 100);
    let laughs = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]><rss><item><title>&b;</title></item></rss>";
    assert_eq!(read(laughs.as_bytes()).unwrap().items[0].title.as_ref().unwrap().body, "&b;");
}

/// `piece` by the hundred thousand, `#` in it being the number.
fn many(piece: &str) -> String {
    (0..100_000).map(|number| piece.replace('#', &number.to_string())).collect()
}

#[test]
fn hostile_things_by_the_million_cost_linear_time() {
    let long = "x".repeat(1 << 20);
    for document in [
        format!("<rss><channel>{}{}", many("<channel>"), many("</x>")),
        format!("<rss>{}", many("<channel xmlns:a#='x' xmlns:b#='x'>")),
        format!("<rss>{}{}", many("<channel xmlns:a#='x'>"), many("<a#:item/>")),
        format!("<rss><item>{}{}", many("<x>"), many("</y>")),
        format!("<rss xml:base='http://a.example/{long}/'><item>{}</item></rss>", many("<link>#</link>")),
        format!("<feed><entry>{}</entry></feed>", many("<link href='http://a.example/#'/>")),
        format!("<feed><entry>{}</entry></feed>", many("<author><name>#</name></author>")),
        format!("<rss>{}</rss>", many("<item><guid>same</guid></item>")),
        format!("<rss>{}</rss>", many("<item><guid>#</guid></item>")),
        format!(
            r#"{{"version":"https://jsonfeed.org/version/1","title":"","items":[{{}}],"authors":[{}{{}}]}}"#,
            many(r##"{"name":"#"},"##)
        ),
        format!(
            r#"{{"version":"https://jsonfeed.org/version/1","title":"","authors":[{}{{}}],"items":[{}{{}}]}}"#,
            many(r##"{"name":"#"},"##),
            many("{},")
        ),
    ] {
        let start = std::time::Instant::now();
        drop(parse(document.as_bytes(), None, None, ENTRIES_READ_MAX));
        let took = start.elapsed();
        assert!(took.as_secs() < 10, "{took:?} for {}", document.get(..120).unwrap_or_default());
    }
}

#[test]
fn a_panic_costs_one_document() {
    let outcome = guarded(|| panic!("cannot read {} bytes", 9));
    assert_eq!(outcome, Err(ParseError::Panicked("cannot read 9 bytes".to_owned())));
}

#[test]
fn a_feed_cut_anywhere_gives_only_whole_items() {
    for whole in [WIRE, ATOM] {
        let items = read(whole.as_bytes()).unwrap().items;
        assert!(items.len() >= 3);
        for length in 0..whole.len() {
            if let Ok(cut) = read(&whole.as_bytes()[..length]) {
                assert_eq!(cut.items, items[..cut.items.len()], "cut at {length}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_damage_is_survived_and_read_the_same_twice(
        places in proptest::collection::vec((0..WIRE.len(), "[<>&\"'/!\\[\\]a-c;\\x00\\xff]{0,6}"), 1..12),
    ) {
        let mut bytes = WIRE.as_bytes().to_vec();
        for (at, junk) in places {
            let at = at.min(bytes.len());
            bytes.splice(at..(at + junk.len()).min(bytes.len()), junk.bytes());
        }
        let first = read(&bytes);
        prop_assert!(!matches!(first, Err(ParseError::Panicked(_))));
        prop_assert_eq!(&first, &read(&bytes));
        if let Ok(feed) = first {
            let keys: std::collections::BTreeSet<_> = feed.items.iter().map(|item| item.identity.bytes()).collect();
            prop_assert_eq!(keys.len(), feed.items.len());
        }
    }
}
