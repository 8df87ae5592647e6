//! Pages in the manner of news sites, walls in the manner of their vendors, and what is made of them.

use super::super::page_verdict::Unfit;
use super::*;
use crate::text::clean::clean;

/// What the article of every template says, a paragraph a line.
const BODY: &str = include_str!("../../../tests/fixtures/pages/body.txt");
/// Pages in the manner of news sites' templates; what is no article in them is marked by the word JUNK.
const TEMPLATES: [(&str, &str); 12] = [
    ("amp", include_str!("../../../tests/fixtures/pages/amp.html")),
    ("aspnet", include_str!("../../../tests/fixtures/pages/aspnet.html")),
    ("blockquotes", include_str!("../../../tests/fixtures/pages/blockquotes.html")),
    ("broadcaster", include_str!("../../../tests/fixtures/pages/broadcaster.html")),
    ("css_modules", include_str!("../../../tests/fixtures/pages/css_modules.html")),
    ("liveblog", include_str!("../../../tests/fixtures/pages/liveblog.html")),
    ("microdata", include_str!("../../../tests/fixtures/pages/microdata.html")),
    ("tabloid", include_str!("../../../tests/fixtures/pages/tabloid.html")),
    ("unclosed", include_str!("../../../tests/fixtures/pages/unclosed.html")),
    ("wire_table", include_str!("../../../tests/fixtures/pages/wire_table.html")),
    ("wordpress", include_str!("../../../tests/fixtures/pages/wordpress.html")),
    ("xhtml", include_str!("../../../tests/fixtures/pages/xhtml.html")),
];

fn url(address: &str) -> Url {
    Url::parse(address).unwrap()
}

fn read_html(html: &str) -> Result<Article, Unfit> {
    let page = url("https://www.news.example/story");
    read(html.as_bytes(), Some("text/html; charset=utf-8"), &page, &page)
}

/// What is wrong with a text that should be that of the templates.
fn faults(text: &str) -> Vec<String> {
    let missing = BODY.lines().filter(|line| !text.contains(line)).map(|line| format!("without {line:?}"));
    missing.chain(text.lines().filter(|line| line.contains("JUNK")).map(|line| format!("with {line:?}"))).collect()
}

/// The plain way: the element with the most text that stands in its own paragraphs.
fn largest_block(html: &str) -> String {
    let scan = scan(html, false);
    let blocks = scan.html.split("<div").chain(scan.html.split("<article")).chain(scan.html.split("<td"));
    let texts = blocks.map(|block| clean(&Markup { format: MarkupFormat::Html, body: format!("<div{block}") }).text);
    texts.max_by_key(String::len).unwrap_or_default()
}

#[test]
fn articles_are_found_whole_and_alone_in_the_manner_of_twelve_sites() {
    let mut failed = Vec::new();
    for (name, html) in TEMPLATES {
        let text = read_html(html).map(|article| clean(&article.body).text);
        let faults = text.as_ref().map_or_else(|unfit| vec![format!("{unfit:?}")], |text| faults(text));
        if !faults.is_empty() {
            failed.push(format!("{name}: {faults:?}\n{}", text.unwrap_or_default()));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n\n"));
    let plain = TEMPLATES.iter().filter(|(_, html)| faults(&largest_block(html)).is_empty()).count();
    assert!(plain <= TEMPLATES.len() / 2, "the largest block would do for {plain} of them");
}

#[test]
fn the_largest_pages_are_read_and_hostile_ones_end() {
    let paragraph =
        "<p>The envoy denied on Monday that anybody had been sent, and said that he knew of no such plan.</p>";
    for hostile in [
        "<div>".repeat(400_000),
        "<b><p><i>".repeat(200_000),
        "<font size=1>".repeat(100_000) + &"<p>x".repeat(100_000),
        "<table><tr><td>".repeat(100_000),
        "<ul><li>".repeat(200_000),
        ("<div>".repeat(120) + paragraph + &"</div>".repeat(120)).repeat(800),
        "<!--".repeat(500_000),
        "<script>".repeat(200_000),
        "&amp".repeat(400_000),
        format!("<p {}>", "a=1 ".repeat(500_000)),
        "<a href=x>".repeat(200_000),
        paragraph.repeat(20_000),
    ] {
        // What comes of it is not the point, that something does is.
        drop(read_html(&format!("<html><body>{hostile}{paragraph}")));
    }
}

#[test]
fn facts_go_with_the_text() {
    let html = TEMPLATES.iter().find(|(name, _)| *name == "amp").unwrap().1;
    let page = url("https://news-example.cdn.ampproject.org/c/s/news.example/story/amp");
    let article = read(html.as_bytes(), None, &page, &page).unwrap();
    assert_eq!(article.url.as_deref(), Some("https://news.example/story"));
    let head = "<script type='application/ld+json'>{\"@type\":\"NewsArticle\",\"headline\":\"Named\",\"datePublished\":\"2024-03-03\",\
                \"articleBody\":\"BODY\"}</script>";
    let body = BODY.replace(['\n', '"'], " ");
    let article = read_html(&format!("{}<div id=root></div>", head.replace("BODY", &body))).unwrap();
    assert_eq!((article.headline.as_deref(), article.published.is_some()), (Some("Named"), true));
    assert!(clean(&article.body).text.contains("Not one boat left"), "the page shows it by a script alone");
}

#[test]
fn encodings_are_those_that_the_page_states() {
    let page = url("https://www.news.example/story");
    let html = format!("<meta charset=windows-1252><p>{}</p>", "The caf\u{e9} owner denied it all. ".repeat(10));
    let bytes: Vec<u8> = html.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let article = read(&bytes, Some("text/html"), &page, &page).unwrap();
    assert!(clean(&article.body).text.contains("café"));
    let plain = read(b"The envoy denied it. <b>", Some("text/plain"), &page, &page).unwrap();
    assert_eq!(clean(&plain.body).text, "The envoy denied it. <b>");
}

#[track_caller]
fn check_unfit(html: &str, expected: Unfit) {
    assert_eq!(read_html(html).map(|article| clean(&article.body).text), Err(expected), "{html}");
}

#[test]
fn walls_are_no_articles() {
    let notice = "<p>We and our 812 partners store cookies and use your personal data for purposes that you may choose. With your consent \
                  vendors measure ads. You can withdraw consent in the privacy preferences at any time.</p>";
    check_unfit(
        &format!(
            "<title>News Example</title><div>{}</div><form action=/ok><button>Accept</button></form>",
            notice.repeat(2)
        ),
        Unfit::Consent,
    );
    check_unfit(&format!("<title>News Example</title><div>{}</div>", notice.repeat(12)), Unfit::Consent);
    let lead = "<p>The harbour office on Monday denied that its ferries had sailed without inspection, and called the report a work of fancy. \
                It said that all papers were in order.</p>";
    let locked =
        "<script type='application/ld+json'>{\"@type\":\"NewsArticle\",\"isAccessibleForFree\":false}</script>";
    check_unfit(&format!("{locked}<article>{lead}</article>"), Unfit::Paywall);
    check_unfit(&format!("<article>{lead}<div class='js-paywall'>Subscribe</div></article>"), Unfit::Paywall);
    check_unfit(&format!("<article>{lead}<p>Subscribe to continue reading this story.</p></article>"), Unfit::Paywall);
    check_unfit("<title>Just a moment...</title><p>Checking the connection.</p>", Unfit::Challenge);
    check_unfit("<title>News</title><form><input name=u><input type=password></form><p>Welcome back</p>", Unfit::Login);
    check_unfit(
        "<title>News</title><div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript>",
        Unfit::NeedsScript,
    );
    check_unfit(
        "<title>Page not found</title><p>We could not find what you are looking for. Try the front page.</p>",
        Unfit::Gone,
    );
    check_unfit("<title>News</title><p>Nothing here.</p>", Unfit::NoArticle);
    check_unfit("", Unfit::NoArticle);
}

#[test]
fn articles_about_walls_are_articles() {
    let (name, html) = TEMPLATES[0];
    let html = html.replace("denies ferries sailed unchecked", "says cookie law was not found wanting");
    assert!(read_html(&html).is_ok(), "{name}");
    let text = "<p>The minister denied on Monday that the new privacy law would ban cookies, and said that readers would be asked once a year \
                whether they agree to be followed around the web by the firms that buy and sell what is known of them.</p>".repeat(8);
    assert!(read_html(&format!("<title>Minister denies ban</title><article>{text}</article>")).is_ok());
}

#[test]
fn a_link_that_leads_to_a_door_brought_no_article() {
    let text = format!("<p>{}</p>", BODY.replace('\n', "</p><p>"));
    let led = |first: &str, last: &str| read(text.as_bytes(), None, &url(first), &url(last)).map(drop);
    assert_eq!(led("https://n.example/s", "https://consent.n.example/v2/collect?u=1"), Err(Unfit::Consent));
    assert_eq!(led("https://n.example/s", "https://n.example/login?next=s"), Err(Unfit::Login));
    assert_eq!(led("https://n.example/s", "https://n.example/"), Err(Unfit::Gone));
    assert_eq!(led("https://n.example/login-scandal-s", "https://www.n.example/login-scandal-s"), Ok(()));
    assert_eq!(led("https://t.example/x1", "https://n.example/world/s"), Ok(()));
}
