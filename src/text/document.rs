//! Documents: one entry of a feed or one line of an archive in, the `Document` that `analyse` reads out.

use jiff::Timestamp;

use super::clean::{Cleaned, TEXT_BYTES_MAX, clean};
use super::dateline::{Credit, credit, dateline};
use super::embargo::embargo;
use crate::model::{
    Article, ContentHash, Document, DocumentId, EntryIdentity, FeedId, IdentityRule, Item, Markup, MarkupFormat,
    OffsetMap, Release, RevisionLabel, SourceInfo, Span, Version, canonical_address,
};

/// Bytes kept of a headline.
const HEADLINE_BYTES_MAX: usize = 2_000;
/// Topics kept of a document, and characters of each.
const TOPICS_MAX: usize = 32;
const TOPIC_CHARACTERS_MAX: usize = 100;
/// Bytes of a first line that may still be a headline.
const FIRST_LINE_BYTES_MAX: usize = 300;

/// The document of one feed entry: headline, line feed, body. The body is the entry's content or, where that says less, its summary; its
/// offsets lead back into that markup, those of the headline nowhere.
pub fn document(source: SourceInfo, item: &Item, first_seen: Timestamp, is_baseline: bool) -> Document {
    let (body, markup) = fullest(item);
    let title = item.title.as_ref().map(|title| one_line(&clean(title).text)).unwrap_or_default();
    let credit = credit_of(&body.text, item);
    let (text, headline, offsets) = join(&title, body);
    let published = item.published.or(item.updated);
    Document {
        id: document_id(&source.feed, item),
        source,
        agency: credit.agency,
        via: credit.via,
        url: item.links.iter().find_map(|link| canonical_address(link)),
        headline,
        offsets,
        published,
        first_seen,
        embargo_until: release_time(item, &text, published, first_seen),
        release: item.release,
        text,
        content_hash: entry_hash(item, markup),
        entry_hash: None,
        is_baseline,
        topics: topics(&item.topics),
        version: item.version,
        label: if item.release == Release::Canceled { RevisionLabel::Kill } else { item.label },
        trace: None,
    }
}

/// The id of the document of this entry.
pub fn document_id(feed: &FeedId, item: &Item) -> DocumentId {
    DocumentId::of(&[feed.as_str().as_bytes(), &item.identity.bytes(), &[EntryIdentity::VERSION]])
}

/// When an entry may be alerted: as its release says, else as its text does.
fn release_time(item: &Item, text: &str, published: Option<Timestamp>, first_seen: Timestamp) -> Option<Timestamp> {
    match item.release {
        Release::Until(end) => Some(end),
        Release::Usable | Release::Withheld | Release::Canceled => end_of_embargo(text, published, first_seen),
    }
}

/// Who wrote a story and who passed it on: what the text and the byline say, else the dateline that stands apart, else the first wire
/// service that the entry credits.
fn credit_of(body: &str, item: &Item) -> Credit {
    let stated = credit(body, item.author.as_deref());
    if stated.agency.is_some() {
        return stated;
    }
    // A dateline is one only in front of a story.
    let dateline = item
        .dateline
        .as_deref()
        .map(|line| credit(&format!("{} - It", line.trim_end_matches(['-', '–', '—', ' '])), None));
    let apart = dateline.into_iter().chain(item.credits.iter().map(|name| credit("", Some(name))));
    apart.into_iter().find(|credit| credit.agency.is_some()).unwrap_or(stated)
}

/// `entry`, made of `item`, with the text of its article. The entry's own id, headline, dates and words go before the page's: what
/// its summary says and the article does not stands above the article's text. Its offsets lead into the article's markup. Nothing
/// where the page says no more than the entry does.
pub fn article_document(entry: &Document, item: &Item, article: &Article) -> Option<Document> {
    let (of_feed, _) = fullest(item);
    let title = item.title.as_ref().map(|title| one_line(&clean(title).text)).filter(|title| !title.is_empty());
    let title = title.or_else(|| article.headline.as_deref().map(one_line)).unwrap_or_default();
    let of_page = without_first(clean(&article.body), &title);
    if of_page.text.len() <= of_feed.text.len() {
        return None;
    }
    let bylines = [&item.author, &article.author, &article.publisher];
    let mut credits = bylines.into_iter().map(|byline| credit(&of_page.text, byline.as_deref()));
    let credit = credits.find(|credit| credit.agency.is_some()).unwrap_or_else(|| credit_of(&of_page.text, item));
    let lead = super::teaser::missing(&of_feed.text, &of_page.text);
    let body = if lead.is_empty() { of_page } else { under(&lead, of_page) };
    let (text, headline, offsets) = join(&title, body);
    let published = entry.published.or(article.published).or(article.updated);
    let stated = article.url.as_deref().and_then(canonical_address);
    Some(Document {
        agency: credit.agency,
        via: credit.via,
        url: stated.or_else(|| entry.url.clone()),
        headline,
        offsets,
        published,
        embargo_until: release_time(item, &text, published, entry.first_seen),
        text,
        content_hash: ContentHash::of(&[entry.content_hash.as_bytes(), article.body.body.as_bytes()]),
        entry_hash: Some(entry.content_hash),
        ..entry.clone()
    })
}

/// Tells an edit of an entry from a repeat.
fn entry_hash(item: &Item, markup: &str) -> ContentHash {
    let title = item.title.as_ref().map_or("", |title| title.body.as_str());
    // An entry that is canceled or killed often has its text still.
    if item.release == Release::Canceled || item.label == RevisionLabel::Kill {
        return ContentHash::of(&[title.as_bytes(), markup.as_bytes(), b"canceled"]);
    }
    ContentHash::of(&[title.as_bytes(), markup.as_bytes()])
}

/// A text whose first line is the headline over again, without it.
fn without_first(body: Cleaned, title: &str) -> Cleaned {
    let Some((first, rest)) = body.text.split_once('\n').filter(|(first, _)| one_line(first) == title) else {
        return body;
    };
    let cut = first.len() + 1;
    let offsets = &body.offsets.0;
    // The run in which the cut lies goes on behind it.
    let run = offsets.iter().rev().find(|&&(text, _)| text <= cut).map(|&(text, markup)| (0, markup + (cut - text)));
    let later = offsets.iter().filter(|&&(text, _)| text > cut).map(|&(text, markup)| (text - cut, markup));
    Cleaned { text: rest.to_owned(), offsets: OffsetMap(run.or(Some((0, cut))).into_iter().chain(later).collect()) }
}

/// A text with lines above it that stand nowhere in its markup.
fn under(lead: &str, body: Cleaned) -> Cleaned {
    let (text, _, offsets) = join(lead, body);
    Cleaned { text, offsets }
}

/// What a publisher files a document under: each topic on one line and once, within a bound.
pub fn topics(given: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for topic in given {
        let topic: String = one_line(topic).chars().take(TOPIC_CHARACTERS_MAX).collect();
        if !topic.is_empty() && !kept.contains(&topic) && kept.len() < TOPICS_MAX {
            kept.push(topic);
        }
    }
    kept
}

/// The document of one line of an archive. Its text is `title`, line feed, `text`, untouched where `format` is plain text (but
/// for a cut at the limit), so that offsets refer to what was given.
#[expect(clippy::too_many_arguments, reason = "they are the keys of an archive's line, each from another place")]
pub fn archive_document(
    id: &str,
    outlet: Option<&str>,
    title: Option<&str>,
    text: &str,
    published: Option<Timestamp>,
    url: Option<&str>,
    first_seen: Timestamp,
    format: MarkupFormat,
) -> Document {
    let outlet = outlet.unwrap_or("archive");
    let feed = FeedId::new(outlet);
    let identity = EntryIdentity { rule: IdentityRule::Guid, key: id.to_owned() };
    let body = clean(&Markup { format, body: text.to_owned() });
    let credit = credit(&body.text, None);
    let (text_of_both, headline, offsets) = join(title.unwrap_or_default(), body);
    Document {
        id: DocumentId::of(&[feed.as_str().as_bytes(), &identity.bytes(), &[EntryIdentity::VERSION]]),
        source: SourceInfo { feed, outlet: outlet.to_owned() },
        agency: credit.agency,
        via: credit.via,
        url: url.and_then(canonical_address),
        headline,
        offsets,
        published,
        first_seen,
        embargo_until: end_of_embargo(&text_of_both, published, first_seen),
        release: Release::Usable,
        text: text_of_both,
        content_hash: ContentHash::of(&[title.unwrap_or_default().as_bytes(), text.as_bytes()]),
        entry_hash: None,
        is_baseline: false,
        topics: Vec::new(),
        version: Version::default(),
        label: RevisionLabel::None,
        trace: None,
    }
}

/// What a document's first lines say of its release, reckoned from its date.
fn end_of_embargo(text: &str, published: Option<Timestamp>, first_seen: Timestamp) -> Option<Timestamp> {
    embargo(text, published.unwrap_or(first_seen)).map(|embargo| embargo.end(first_seen))
}

/// Headline and body as one text, the headline's place, and the body's offsets moved behind the headline.
fn join(title: &str, body: Cleaned) -> (String, Option<Span>, OffsetMap) {
    if title.is_empty() {
        let headline = headline(&body.text);
        return (body.text, headline, body.offsets);
    }
    let shift = title.len() + 1;
    let mut offsets: Vec<(usize, usize)> = Vec::with_capacity(body.offsets.0.len() + 1);
    if body.offsets.0.first().is_none_or(|&(text, _)| text > 0) {
        offsets.push((shift, 0));
    }
    offsets.extend(body.offsets.0.iter().map(|&(text, markup)| (text + shift, markup)));
    let mut text = format!("{title}\n{}", body.text);
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    offsets.retain(|&(at, _)| at < text.len());
    let headline = Span::new(0, title.len().min(text.len())).trimmed(&text);
    (text, Some(headline).filter(|span| !span.is_empty()), OffsetMap(offsets))
}

/// A text without title has its headline in the first line, unless that starts the story or is the whole of it.
pub fn headline(text: &str) -> Option<Span> {
    let start = text.len() - text.trim_start().len();
    let line = text.get(start..)?.lines().next()?;
    let span = Span::new(start, start + line.len()).trimmed(text);
    let has_more = text.get(span.end..).is_some_and(|rest| !rest.trim().is_empty());
    (has_more && line.len() <= FIRST_LINE_BYTES_MAX && dateline(line).is_none()).then_some(span)
}

/// The longer of content and summary, cleaned, with the markup it came from.
pub(super) fn fullest(item: &Item) -> (Cleaned, &str) {
    let candidates = [item.content.as_ref(), item.summary.as_ref()];
    let mut best = (Cleaned { text: String::new(), offsets: OffsetMap::default() }, "");
    for markup in candidates.into_iter().flatten() {
        let cleaned = clean(markup);
        if cleaned.text.len() > best.0.text.len() {
            best = (cleaned, markup.body.as_str());
        }
    }
    best
}

fn one_line(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    line.get(..line.floor_char_boundary(HEADLINE_BYTES_MAX)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(body: &str) -> Markup {
        Markup { format: MarkupFormat::Html, body: body.to_owned() }
    }

    fn item() -> Item {
        Item {
            identity: EntryIdentity { rule: IdentityRule::Guid, key: "1".to_owned() },
            guid: None,
            links: vec!["mailto:x".to_owned(), "https://a.example/1?utm_source=rss".to_owned()],
            title: Some(html("Envoy <b>denies</b>\n report")),
            summary: Some(html("<p>PARIS (AFP) - Short.</p>")),
            content: Some(html("<p>PARIS, Oct 31 (BSS/AFP) - The envoy said &quot;no&quot;.</p><p>He left.</p>")),
            published: None,
            updated: Some(Timestamp::UNIX_EPOCH),
            ..Item::default()
        }
    }

    fn of(item: &Item) -> Document {
        let source = SourceInfo { feed: FeedId::new("feed"), outlet: "Outlet".to_owned() };
        document(source, item, Timestamp::UNIX_EPOCH, false)
    }

    #[test]
    fn an_entry_becomes_headline_and_body() {
        let item = item();
        let document = of(&item);
        assert_eq!(document.text, "Envoy denies report\nPARIS, Oct 31 (BSS/AFP) - The envoy said \"no\".\nHe left.");
        assert_eq!(document.headline_text(), "Envoy denies report");
        assert_eq!((document.agency.as_deref(), document.via.as_deref()), (Some("AFP"), Some("BSS")));
        assert_eq!(document.url.as_deref(), Some("https://a.example/1"));
        assert_eq!(document.published, Some(Timestamp::UNIX_EPOCH));
        let body = &item.content.unwrap().body;
        for word in ["PARIS", "The envoy", "no", "He left"] {
            let at = document.text.find(word).unwrap();
            assert!(body.get(document.offsets.to_markup(at)..).unwrap().starts_with(word), "{word}");
        }
    }

    #[test]
    fn an_embargo_in_headline_or_text_is_kept() {
        let embargoed = Item { title: Some(html("EMBARGOED UNTIL 1800 GMT JAN 3-Envoy denies")), ..item() };
        assert_eq!(of(&embargoed).embargo_until.unwrap().to_string(), "1970-01-03T18:00:00Z");
        let text = "EMBARGOED\nThe envoy said no.";
        let line = archive_document("1", None, None, text, None, None, Timestamp::UNIX_EPOCH, MarkupFormat::Text);
        assert_eq!(line.embargo_until.unwrap().to_string(), "1970-01-02T00:00:00Z");
        assert_eq!(of(&item()).embargo_until, None);
    }

    #[test]
    fn what_a_provider_says_of_an_entrys_use_reaches_the_document() {
        let until = Timestamp::from_second(3_600).unwrap();
        let (plain, held) = (of(&item()), of(&Item { release: Release::Until(until), ..item() }));
        assert_eq!((held.embargo_until, held.content_hash), (Some(until), plain.content_hash));
        let canceled = of(&Item { release: Release::Canceled, ..item() });
        assert_eq!((canceled.id, canceled.label), (plain.id, RevisionLabel::Kill));
        assert_ne!(canceled.content_hash, plain.content_hash);
        let corrected = of(&Item { label: RevisionLabel::Correction, ..item() });
        assert_eq!((corrected.label, corrected.content_hash), (RevisionLabel::Correction, plain.content_hash));
    }

    #[track_caller]
    fn check_agency(body: &str, dateline: &str, credits: &[&str], expected: (Option<&str>, Option<&str>)) {
        let item = Item {
            summary: None,
            content: Some(html(body)),
            dateline: Some(dateline.to_owned()),
            credits: credits.iter().map(|&name| name.to_owned()).collect(),
            ..item()
        };
        let document = of(&item);
        assert_eq!((document.agency.as_deref(), document.via.as_deref()), expected, "{body} {dateline} {credits:?}");
    }

    #[test]
    fn an_agency_that_only_the_metadata_name_is_credited() {
        check_agency("<p>The envoy said no.</p>", "", &["The Paper", "Agence France-Presse"], (Some("AFP"), None));
        check_agency(
            "<p>The envoy said no.</p>",
            "PARIS, Oct 31 (BSS/AFP) -",
            &["Reuters"],
            (Some("AFP"), Some("BSS")),
        );
        check_agency("<p>PARIS (Reuters) - The envoy said no.</p>", "", &["AFP"], (Some("Reuters"), None));
        check_agency("<p>The envoy said no.</p>", "PARIS", &["The Paper"], (None, None));
    }

    #[test]
    fn the_hash_tells_an_edit_and_the_id_does_not() {
        let mut edited = item();
        edited.content = Some(html("<p>Another text that is longer than the summary of the entry is.</p>"));
        let (before, after) = (of(&item()), of(&edited));
        assert_eq!(before.id, after.id);
        assert_ne!(before.content_hash, after.content_hash);
    }

    #[test]
    fn an_articles_text_takes_the_place_of_its_teaser() {
        let teaser =
            Item { content: None, summary: Some(html("<p>PARIS (AFP) - Short.</p><p>Aides knew.</p>")), ..item() };
        let body =
            "<div><h1>Envoy denies report</h1><p>PARIS (AFP) - Short.</p><p>The envoy had sent nobody.</p></div>";
        let article = Article {
            body: html(body),
            headline: Some("Another".to_owned()),
            published: None,
            updated: None,
            author: None,
            publisher: Some("Harbour Post".to_owned()),
            url: Some("https://a.example/story?utm_source=x".to_owned()),
        };
        let with = |item: &Item| article_document(&of(item), item, &article);
        let (of_feed, of_page) = (of(&teaser), with(&teaser).unwrap());
        assert_eq!(of_page.text, "Envoy denies report\nAides knew.\nPARIS (AFP) - Short.\nThe envoy had sent nobody.");
        assert_eq!((of_page.id, of_page.entry_hash), (of_feed.id, Some(of_feed.content_hash)));
        assert_ne!(of_page.content_hash, of_feed.content_hash);
        assert_eq!(of_page.agency.as_deref(), Some("AFP"));
        assert_eq!(of_page.url.as_deref(), Some("https://a.example/story"));
        let at = of_page.text.find("sent nobody").unwrap();
        assert!(body.get(of_page.offsets.to_markup(at)..).unwrap().starts_with("sent nobody"));
        let untitled = with(&Item { title: None, ..teaser.clone() }).unwrap();
        assert_eq!(untitled.headline_text(), "Another");
        let full = Item { content: Some(html(&body.repeat(2))), ..teaser };
        assert!(with(&full).is_none(), "the feed says more");
    }

    #[test]
    fn topics_are_kept_once_on_one_line_and_within_a_bound() {
        let of = |given: &[&str]| topics(&given.iter().map(|&topic| topic.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["World\n news ", "", "World news", "Sport"]), ["World news", "Sport"]);
        let many: Vec<String> = (0..100).map(|number| format!("{number} {}", "x".repeat(200))).collect();
        let kept = topics(&many);
        assert_eq!((kept.len(), kept[0].chars().count()), (TOPICS_MAX, TOPIC_CHARACTERS_MAX));
    }

    #[test]
    fn empty_entries_are_empty_documents() {
        let empty = Item { title: None, summary: None, content: None, ..item() };
        let document = of(&empty);
        assert_eq!((document.text.as_str(), document.headline), ("", None));
    }

    #[track_caller]
    fn check_archive(title: Option<&str>, text: &str, headline: &str) {
        let document = archive_document("1", None, title, text, None, None, Timestamp::UNIX_EPOCH, MarkupFormat::Text);
        let expected = title.map_or(text.to_owned(), |title| format!("{title}\n{text}"));
        assert_eq!(document.text, expected);
        assert_eq!(document.headline_text(), headline);
        assert_eq!(document.source.feed.as_str(), "archive");
    }

    #[test]
    fn archives_are_not_normalised() {
        check_archive(Some("A  title"), " <p>two  spaces</p>\n", "A  title");
        check_archive(None, "Envoy denies report\nThe envoy said no.", "Envoy denies report");
        check_archive(None, "PARIS (AFP) - The envoy said no.\nHe left.", "");
        check_archive(None, "Only one line.", "");
    }
}
