//! What the formats of agencies and sitemaps say of an entry, from bytes to items.

use super::*;
use crate::model::{IdentityRule, MarkupFormat, Release, RevisionLabel};

const NEWSML: &str = include_str!("../../../tests/fixtures/feeds/newsml_g2.xml");
const NINJS: &str = include_str!("../../../tests/fixtures/feeds/ninjs_list.json");
const SITEMAP: &str = include_str!("../../../tests/fixtures/feeds/news_sitemap.xml");

fn read(text: &str) -> ParsedFeed {
    parse(text.as_bytes(), None, Url::parse("https://paper.example/sitemap.xml").ok().as_ref(), 100).unwrap()
}

fn at(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn html(item: &Item) -> &str {
    let content = item.content.as_ref().unwrap();
    assert_eq!(content.format, MarkupFormat::Html);
    &content.body
}

fn titles(feed: &ParsedFeed) -> Vec<&str> {
    feed.items.iter().map(|item| item.title.as_ref().map_or("", |title| title.body.as_str())).collect()
}

#[track_caller]
fn check_repairs(feed: &ParsedFeed, expected: &[(Repair, u32)]) {
    assert_eq!(feed.repairs.0, expected.iter().copied().collect());
}

#[test]
fn a_news_sitemap_gives_its_news() {
    let feed = read(SITEMAP);
    assert_eq!(
        titles(&feed),
        [
            "Harbour board denies \"secret\" contract & fees",
            "Mayor accused of hiding report",
            "Bank says claim is false"
        ]
    );
    let first = &feed.items[0];
    assert_eq!((first.identity.rule, first.published), (IdentityRule::Url, at("2024-10-31T08:01:00Z")));
    assert_eq!((first.updated, first.topics.join("/")), (at("2024-10-31T09:30:00Z"), "Ports/Courts".to_owned()));
    assert_eq!(first.credits, ["The Paper"]);
    assert_eq!(feed.items[2].links, ["https://paper.example/world/bank"]);
    check_repairs(&feed, &[(Repair::MissingEndTag, 1), (Repair::Entity, 1), (Repair::Truncated, 1)]);
}

#[test]
fn other_sitemaps_are_told_apart() {
    let error = |text: &str| parse(text.as_bytes(), None, None, 9).unwrap_err();
    assert_eq!(error("<urlset><url><loc>https://a.example/</loc></url></urlset>"), ParseError::PlainSitemap);
    let index = "<sitemapindex><sitemap><loc>https://a.example/news.xml?a=1&amp;b=2</loc></sitemap></sitemapindex>";
    assert_eq!(error(index), ParseError::SitemapIndex("https://a.example/news.xml?a=1&b=2".to_owned()));
    assert_eq!(error("<sitemapindex/>"), ParseError::SitemapIndex("nothing".to_owned()));
    assert_eq!(error("<opml><body><outline/></body></opml>"), ParseError::Opml);
    // One for news that has none today.
    assert!(read("<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'></urlset>").items.is_empty());
}

#[test]
fn newsml_says_all_that_a_wire_processor_needs() {
    let feed = read(NEWSML);
    assert_eq!(
        titles(&feed),
        ["Harbour board denies contract", "Bank says claim is false", "Court & mayor agree", "Mayor rejects report"]
    );
    let item = &feed.items[0];
    assert_eq!(item.guid.as_deref(), Some("urn:newsml:agency.example:20241031:port"));
    assert_eq!(item.version, Version { number: Some(2), created: at("2024-10-31T08:05:00Z") });
    assert_eq!((item.published, item.updated), (at("2024-10-31T08:01:00Z"), at("2024-10-31T08:05:00Z")));
    assert_eq!(item.links, ["https://agency.example/port"]);
    assert_eq!((item.author.as_deref(), item.dateline.as_deref()), (Some("Jane Doe"), Some("LISBON, Oct 31")));
    assert_eq!(item.credits, ["AFP", "AFP", "Agence France-Presse"]);
    assert_eq!((item.topics.join("/").as_str(), item.label), ("economy & business", RevisionLabel::Correction));
    assert_eq!(item.release, Release::Usable);
    assert_eq!(
        html(item),
        "<p>The board said on Thursday it had “never signed” a contract.</p><p>R&amp;D &lt; sales.</p>"
    );
    assert_eq!(html(&feed.items[1]).trim(), "<p>The bank said the claim was false.</p>");
    check_repairs(&feed, &[(Repair::MissingEndTag, 1), (Repair::Entity, 2)]);
}

#[test]
fn a_single_item_and_a_cut_message_are_read() {
    let single = "<newsItem guid='g' version='3'><itemMeta><pubStatus qcode='stat:canceled'/></itemMeta></newsItem>";
    let items = read(single).items;
    assert_eq!((items.len(), items[0].release, items[0].identity.key.as_str()), (1, Release::Canceled, "g"));
    let whole = read(NEWSML).items;
    for length in (0..NEWSML.len()).filter(|&length| NEWSML.is_char_boundary(length)) {
        let Ok(cut) = parse(&NEWSML.as_bytes()[..length], None, None, 100) else { continue };
        let known = |item: &Item| {
            let is_old = item.guid == whole[0].guid && item.version.number == Some(1);
            is_old || whole.contains(item) || item.content.is_none()
        };
        assert!(cut.items.iter().all(known), "cut at {length}");
    }
}

#[test]
fn what_is_withheld_or_embargoed_says_so() {
    let release = |meta: &str| {
        let item = format!("<newsItem guid='g'><itemMeta>{meta}</itemMeta></newsItem>");
        read(&item).items[0].release
    };
    assert_eq!(release("<pubStatus qcode='stat:withheld'/>"), Release::Withheld);
    let until = Release::Until("2024-10-31T18:00:00Z".parse().unwrap());
    assert_eq!(release("<embargoed>2024-10-31T19:00:00+01:00</embargoed>"), until);
    assert_eq!(release("<embargoed/>"), Release::Withheld);
    let of_ninjs = |fields: &str| read(&format!("{{\"uri\":\"u\",\"headline\":\"h\",{fields}}}")).items[0].release;
    assert_eq!(of_ninjs("\"pubstatus\":\"withheld\""), Release::Withheld);
    assert_eq!(of_ninjs("\"embargoed\":\"2024-10-31T18:00:00Z\""), until);
    assert_eq!(of_ninjs("\"embargoed\":null"), Release::Usable);
    assert_eq!(of_ninjs("\"pubStatus\":\"canceled\",\"embargoed\":\"2024-10-31T18:00:00Z\""), Release::Canceled);
    let nitf = |data: &str| read(&format!("<nitf><head>{data}</head></nitf>")).items[0].release;
    let dates = "<date.issue norm='20241031T080000Z'/><date.release norm='20241031T180000Z'/>";
    assert_eq!(nitf(&format!("<docdata>{dates}</docdata>")), until);
    assert_eq!(nitf("<docdata management-status='embargoed'/>"), Release::Withheld);
    assert_eq!(nitf("<docdata><date.release norm='20241031T180000Z'/></docdata>"), until);
}

#[test]
fn ninjs_of_all_versions_is_read() {
    let feed = read(NINJS);
    let port = &feed.items[0];
    assert_eq!((port.guid.as_deref(), port.version.number), (Some("http://agency.example/items/port"), Some(2)));
    assert_eq!((port.published, port.updated), (at("2024-10-31T08:01:00Z"), at("2024-10-31T08:05:00Z")));
    assert_eq!(
        (port.author.as_deref(), port.links.join(" ")),
        (Some("By Jane Doe"), "https://agency.example/port".into())
    );
    assert_eq!((port.credits.join("/"), port.topics.join("/")), ("AFP/AFP".into(), "economy".into()));
    assert_eq!(html(port), "<p>The board said it had “never signed” a contract.</p>");
    // One of a wrong shape gives what can be read of it.
    assert_eq!((feed.items[1].title.as_ref(), feed.items[1].content.as_ref()), (None, None));
    let mayor = &feed.items[2];
    assert_eq!(titles(&feed)[2], "Mayor rejects report");
    assert_eq!(
        (html(mayor), mayor.links.join(" ")),
        ("<p>The mayor said no.</p>", "https://agency.example/mayor".into())
    );
    assert_eq!((mayor.published, mayor.author.as_deref()), (at("2024-10-31T08:06:00Z"), Some("John Roe")));
    assert_eq!(feed.items.len(), 3);
    check_repairs(&feed, &[(Repair::Unreadable, 1), (Repair::Truncated, 1)]);
    let array =
        r#"[{"uri":"u","versioncreated":"2024-10-31T08:05:00Z","body_text":"T < 3","signals":[{"code":"sig:kill"}]}]"#;
    let item = &read(array).items[0];
    assert_eq!(item.content, Some(Markup { format: MarkupFormat::Text, body: "T < 3".to_owned() }));
    assert_eq!((item.label, item.published), (RevisionLabel::Kill, at("2024-10-31T08:05:00Z")));
}

#[test]
fn of_versions_in_one_poll_the_latest_counts_in_any_order() {
    let item = |number: u32| format!("{{\"uri\":\"u\",\"version\":\"{number}\",\"headline\":\"v{number}\"}}");
    for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
        let feed = read(&format!("[{}]", order.map(item).join(",")));
        assert_eq!(titles(&feed), ["v3"], "{order:?}");
    }
}

#[test]
fn credits_of_rss_are_kept_with_their_entries() {
    let feed = read(
        "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><dc:publisher>Not an entry's</dc:publisher>\
         <item><title>One</title><source url='https://agency.example/feed'>AFP</source><dc:publisher>The Paper</dc:publisher></item>\
         <item><title>Two</title></item><item><title>Three</title><dc:source>Reuters</dc:source><dc:source>Reuters</dc:source></item></channel></rss>",
    );
    let credits: Vec<String> = feed.items.iter().map(|item| item.credits.join("/")).collect();
    assert_eq!(credits, ["AFP/The Paper", "", "Reuters"]);
}

#[test]
fn a_guid_is_a_link_only_where_it_is_said_to_be_permanent() {
    let links = |guid: &str| {
        read(&format!("<rss version='2.0'><item>{guid}<title>T</title></item></rss>")).items[0].links.clone()
    };
    assert_eq!(links("<guid>https://a.example/1</guid>"), ["https://a.example/1"]);
    assert_eq!(links("<guid isPermaLink='true'>https://a.example/1</guid>"), ["https://a.example/1"]);
    assert_eq!(links("<guid isPermaLink='false'>https://a.example/1</guid>"), [""; 0]);
    assert_eq!(links("<guid>urn:uuid:1</guid>"), [""; 0]);
}

#[test]
fn an_entry_by_itself_and_cdf_are_feeds() {
    let feed = read("<entry xmlns='http://www.w3.org/2005/Atom'><id>i</id><title>T</title></entry>");
    assert_eq!((titles(&feed), feed.items[0].guid.as_deref()), (vec!["T"], Some("i")));
    check_repairs(&feed, &[]);
    assert_eq!(
        titles(&read("<channel><item><title>A</title></item><item><title>B</title></item></channel>")),
        ["A", "B"]
    );
    let cdf = read(include_str!("../../../tests/fixtures/feeds/cdf.xml"));
    assert_eq!(
        (cdf.items[0].links.join(" ").as_str(), cdf.items[0].updated),
        ("https://old.example/1", at("2024-10-31T08:01:00Z"))
    );
    assert_eq!(cdf.updated, at("2024-10-31T08:00:00Z"));
}
