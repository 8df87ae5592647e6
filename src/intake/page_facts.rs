//! What a page says of itself: JSON-LD of a news article, else `OpenGraph` and its relatives; read by `readable`.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::date;
use super::entity::{self, Oddities};
use super::page_scan::Scan;

/// Types of schema.org that are an article, `https://schema.org/Article` with all below it that news sites use.
const ARTICLES: [&str; 12] = [
    "AdvertiserContentArticle",
    "AnalysisNewsArticle",
    "Article",
    "AskPublicNewsArticle",
    "BackgroundNewsArticle",
    "BlogPosting",
    "LiveBlogPosting",
    "NewsArticle",
    "OpinionNewsArticle",
    "Report",
    "ReportageNewsArticle",
    "ReviewNewsArticle",
];
/// Objects looked at in one page, and how deep they may stand.
const OBJECTS_MAX: usize = 500;
const DEPTH_MAX: usize = 6;
/// Authors named in a byline, and bytes of a name or headline.
const AUTHORS_MAX: usize = 3;
const NAME_BYTES_MAX: usize = 1_000;

/// What a page says of itself. Dates are as stated; none is guessed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) headline: Option<String>,
    pub(super) published: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
    pub(super) author: Option<String>,
    pub(super) publisher: Option<String>,
    /// Whether everybody may read it.
    pub(super) is_free: Option<bool>,
    /// Its whole text, without paragraphs.
    pub(super) body: Option<String>,
    /// Its address, where the page may speak for that.
    pub(super) url: Option<String>,
    /// It says that it is an article.
    pub(super) is_article: bool,
}

/// The facts of a page that came from `page`.
pub(super) fn facts(scan: &Scan, page: &Url) -> Facts {
    let mut facts = Facts::default();
    for script in &scan.json_ld {
        // Publishers wrap it as if it were a script of the nineties.
        let json = script.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>");
        if let Ok(value) = serde_json::from_str::<Value>(json)
            && let Some(article) = find(&value, DEPTH_MAX, &mut 0)
        {
            facts.take(article);
            break;
        }
    }
    facts.fill(scan);
    let stated = scan.canonical.iter().map(String::as_str).chain(meta(scan, &["og:url"]));
    let mut stated = stated.filter_map(|address| page.join(&resolved(address)).ok());
    facts.url = stated.find(|address| speaks_for(page, address)).map(Url::into);
    facts
}

impl Facts {
    /// From JSON-LD.
    fn take(&mut self, article: &Value) {
        let text = |key: &str| article.get(key).and_then(name_of);
        let time = |key: &str| article.get(key).and_then(Value::as_str).and_then(date::read);
        self.is_article = true;
        self.headline = text("headline").or_else(|| text("name"));
        (self.published, self.updated) = (time("datePublished"), time("dateModified"));
        self.author = article.get("author").or_else(|| article.get("creator")).and_then(names_of);
        self.publisher = article.get("sourceOrganization").or_else(|| article.get("publisher")).and_then(name_of);
        self.is_free = article.get("isAccessibleForFree").and_then(|value| match value {
            Value::Bool(is_free) => Some(*is_free),
            Value::String(text) => Some(!matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "no")),
            _ => None,
        });
        self.body = article.get("articleBody").and_then(Value::as_str).map(resolved);
    }

    /// From `meta`, what JSON-LD does not say.
    fn fill(&mut self, scan: &Scan) {
        let first = |names: &[&str]| meta(scan, names).map(short).find(|text| !text.is_empty());
        let time = |names: &[&str]| meta(scan, names).find_map(date::read);
        self.is_article |= meta(scan, &["og:type"]).any(|kind| kind.eq_ignore_ascii_case("article"));
        self.headline = self.headline.take().or_else(|| first(&["og:title", "twitter:title", "dc.title"]));
        let published =
            || time(&["article:published_time", "og:published_time", "datepublished", "dc.date.issued", "date"]);
        let updated = || time(&["article:modified_time", "og:updated_time", "datemodified", "lastmod"]);
        self.published = self.published.or_else(published);
        self.updated = self.updated.or_else(updated);
        let author = || first(&["author", "article:author", "dc.creator"]).filter(|name| !name.starts_with("http"));
        self.author = self.author.take().or_else(author);
        self.publisher = self.publisher.take().or_else(|| first(&["og:site_name", "dc.publisher"]));
        if meta(scan, &["article:content_tier"]).any(|tier| matches!(tier, "locked" | "metered")) {
            self.is_free = self.is_free.or(Some(false));
        }
    }
}

/// The contents of `meta` elements of these names, in the order of the names.
fn meta<'a>(scan: &'a Scan, names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names
        .iter()
        .flat_map(|name| scan.meta.iter().filter(move |(key, _)| key == name).map(|(_, content)| content.as_str()))
}

/// The first article in a value: itself, or in a list, a `@graph` or what it is about.
fn find<'a>(value: &'a Value, depth: usize, seen: &mut usize) -> Option<&'a Value> {
    *seen += 1;
    if depth == 0 || *seen > OBJECTS_MAX {
        return None;
    }
    match value {
        Value::Array(values) => values.iter().find_map(|value| find(value, depth - 1, seen)),
        Value::Object(object) if is_article(object.get("@type")) => Some(value),
        Value::Object(object) => {
            let inside = ["@graph", "mainEntity", "mainEntityOfPage", "itemListElement"];
            inside.iter().filter_map(|key| object.get(*key)).find_map(|value| find(value, depth - 1, seen))
        }
        _ => None,
    }
}

fn is_article(stated: Option<&Value>) -> bool {
    let is_one = |text: &str| ARTICLES.contains(&text.rsplit(['/', ':', '#']).next().unwrap_or(text));
    match stated {
        Some(Value::String(text)) => is_one(text),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).any(is_one),
        _ => false,
    }
}

/// A text, or the name of a person or body.
fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(object) => object.get("name")?.as_str()?,
        Value::Array(values) => return values.first().filter(|value| !value.is_array()).and_then(name_of),
        _ => return None,
    };
    Some(short(text)).filter(|text| !text.is_empty())
}

fn names_of(value: &Value) -> Option<String> {
    let Value::Array(values) = value else { return name_of(value) };
    let names: Vec<String> =
        values.iter().filter(|value| !value.is_array()).filter_map(name_of).take(AUTHORS_MAX).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn short(text: &str) -> String {
    let text = resolved(text.get(..text.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with its character references resolved.
pub(super) fn resolved(text: &str) -> String {
    entity::resolve(text, &mut Oddities::default()).trim().to_owned()
}

/// Whether a page may say that an article's address is another: one of its own registrable domain, or for a copy in an AMP cache of the
/// site that it is a copy of. A page that could name any address would join itself to the stories of others. A home page is no article.
fn speaks_for(page: &Url, address: &Url) -> bool {
    if !matches!(address.scheme(), "http" | "https") || address.path() == "/" && page.path() != "/" {
        return false;
    }
    let (Some(own), Some(named)) = (page.host_str(), address.host_str()) else { return false };
    let is_same_site =
        |own: &str| own == named || domain(own).is_some_and(|domain| self::domain(named) == Some(domain));
    is_same_site(own) || cached(page).is_some_and(is_same_site)
}

/// The registrable domain of a name. An address in figures has none.
fn domain(host: &str) -> Option<&str> {
    let is_name = host.ends_with(|c: char| c.is_ascii_alphabetic());
    psl::domain_str(host).filter(|_| is_name)
}

/// The site of which a page in an AMP cache is a copy: `https://news-example.cdn.ampproject.org/c/s/news.example/story`.
fn cached(page: &Url) -> Option<&str> {
    page.host_str().filter(|host| host.ends_with(".cdn.ampproject.org"))?;
    page.path_segments()?.skip(1).find(|segment| *segment != "s")
}

#[cfg(test)]
mod tests {
    use super::super::page_scan::scan;
    use super::*;

    fn of(html: &str) -> Facts {
        facts(&scan(html, true), &Url::parse("https://www.news.example/world/story-1").unwrap())
    }

    fn of_json(json: &str) -> Facts {
        of(&format!("<script type=\"application/ld+json\">{json}</script>"))
    }

    #[test]
    fn json_ld_is_found_in_lists_and_graphs() {
        let article = r#"{"@type":["Thing","ReportageNewsArticle"],"headline":"Envoy &amp; aides deny","datePublished":"2024-10-31T08:00:00Z",
            "dateModified":"2024-10-31T09:00:00+01:00","author":[{"@type":"Person","name":"Ada Prill"},{"name":"Jo Wend"}],
            "publisher":{"name":"The Harbour Post"},"isAccessibleForFree":"False","articleBody":"Nobody was sent."}"#;
        let graph = format!(r#"{{"@graph":[{{"@type":"WebSite","name":"x"}},{article}]}}"#);
        for json in [article.to_owned(), format!("[{article}]"), graph, format!("<![CDATA[{article}]]>")] {
            let facts = of_json(&json);
            assert_eq!(facts.headline.as_deref(), Some("Envoy & aides deny"), "{json}");
            assert_eq!(facts.published, "2024-10-31T08:00:00Z".parse().ok());
            assert_eq!(facts.updated, "2024-10-31T08:00:00Z".parse().ok());
            assert_eq!(facts.author.as_deref(), Some("Ada Prill, Jo Wend"));
            assert_eq!((facts.publisher.as_deref(), facts.is_free), (Some("The Harbour Post"), Some(false)));
            assert_eq!((facts.body.as_deref(), facts.is_article), (Some("Nobody was sent."), true));
        }
        assert_eq!(of_json("{\"@type\":\"Recipe\",\"name\":\"Soup\"}"), Facts::default());
        assert_eq!(of_json("{\"@type\":\"NewsArticle\","), Facts::default(), "broken");
        assert_eq!(of_json(&"[".repeat(100_000)), Facts::default(), "deep");
    }

    #[test]
    fn opengraph_fills_what_json_ld_leaves() {
        let facts = of(
            "<meta property=og:type content=article><meta property=og:title content='Envoy &quot;denies&quot;'>\
             <meta property=article:published_time content=2024-10-31T08:00:00Z><meta name=author content='Ada Prill'>\
             <meta property=og:site_name content='The Harbour Post'><meta property=article:content_tier content=locked>",
        );
        assert_eq!(facts.headline.as_deref(), Some("Envoy \"denies\""));
        assert_eq!(
            (facts.author.as_deref(), facts.publisher.as_deref()),
            (Some("Ada Prill"), Some("The Harbour Post"))
        );
        assert!(facts.published.is_some() && facts.is_article && facts.is_free == Some(false));
    }

    #[track_caller]
    fn check_address(page: &str, stated: &str, expected: bool) {
        assert_eq!(speaks_for(&Url::parse(page).unwrap(), &Url::parse(stated).unwrap()), expected, "{page} {stated}");
    }

    #[test]
    fn a_page_names_addresses_of_its_own_site_only() {
        let page = "https://amp.news.example/story";
        check_address(page, "https://www.news.example/story", true);
        check_address(page, "https://rival.example/story", false);
        check_address(page, "https://news.example/", false);
        check_address(page, "javascript:alert(1)", false);
        check_address("https://a.co.uk/1", "https://b.co.uk/1", false);
        check_address("https://a.github.io/1", "https://b.github.io/1", false);
        check_address("http://10.0.0.1/1", "http://10.9.0.1/1", false);
        let cached = "https://news-example.cdn.ampproject.org/c/s/news.example/story/amp";
        check_address(cached, "https://www.news.example/story", true);
        check_address(cached, "https://rival.example/story", false);
    }
}
