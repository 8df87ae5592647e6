//! Reads a web page once: takes down what it says of itself, and makes of the rest small, balanced markup for `readable`.
//!
//! A page is hostile and its parser is not ours: the tree builder of HTML takes quadratic time and memory on formatting elements that
//! never end, and readability quadratic time on deep trees. What this hands on has neither: no formatting, no scripts, few attributes,
//! every element ended, nesting and number of elements bounded.

use super::markup::{Scanner, Tag, Token};

/// Elements inside each other that are kept; text stays, however deep.
const DEPTH_MAX: usize = 128;
/// Elements kept; the largest of real articles with all their comments have a few thousand.
const ELEMENTS_MAX: usize = 20_000;
/// Facts taken down of one page, and bytes of one that is no JSON.
const META_MAX: usize = 200;
const META_BYTES_MAX: usize = 4 << 10;
/// Scripts of JSON kept, and bytes of one.
const JSON_MAX: usize = 20;
const JSON_BYTES_MAX: usize = 512 << 10;
/// Bytes of an attribute that are looked at.
const ATTRIBUTE_BYTES_MAX: usize = 300;

/// Letters up to which an element that holds only links is left out; larger ones readability judges.
const LISTING_LETTERS_MAX: usize = 2_000;

/// Elements that readability judges by; of all others only the text is kept.
const KEPT: [&str; 30] = [
    "html",
    "head",
    "body",
    "main",
    "article",
    "section",
    "div",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "table",
    "thead",
    "tbody",
    "tr",
    "td",
    "th",
    "dl",
    "dt",
    "dd",
    "header",
    "a",
];
/// Elements without an end.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Elements that are never part of an article's words.
const DROPPED: [&str; 22] = [
    "aside",
    "audio",
    "button",
    "canvas",
    "datalist",
    "dialog",
    "figcaption",
    "figure",
    "footer",
    "iframe",
    "map",
    "math",
    "nav",
    "noscript",
    "object",
    "option",
    "picture",
    "select",
    "svg",
    "template",
    "textarea",
    "video",
];
/// Elements that another of their kind ends.
const SIBLINGS: [&str; 7] = ["li", "dt", "dd", "tr", "td", "th", "p"];
/// Elements before which an open paragraph ends.
const INLINE_KEPT: [&str; 1] = ["a"];
/// Roles of what stands around an article.
const ROLES: [&str; 8] =
    ["alert", "alertdialog", "banner", "complementary", "contentinfo", "dialog", "navigation", "search"];
/// Words in class or id of what stands around an article.
const AROUND: [&str; 45] = [
    "ad",
    "ads",
    "advert",
    "advertisement",
    "banner",
    "bio",
    "breadcrumb",
    "breadcrumbs",
    "byline",
    "caption",
    "comments",
    "consent",
    "cookie",
    "cookies",
    "disqus",
    "gdpr",
    "hidden",
    "modal",
    "newsletter",
    "newsletters",
    "outbrain",
    "overlay",
    "pagination",
    "paywall",
    "popular",
    "popup",
    "promo",
    "recirc",
    "recommended",
    "recommendations",
    "regwall",
    "related",
    "share",
    "sharing",
    "sidebar",
    "signup",
    "skip",
    "social",
    "sponsored",
    "sr",
    "subscribe",
    "taboola",
    "tags",
    "toolbar",
    "trending",
];
/// Words in class or id of what stands in an article's way.
const WALL: [&str; 5] = ["paywall", "regwall", "meteredwall", "registerwall", "subscribewall"];

/// What a page says of itself, and its markup.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Small, balanced markup.
    pub(super) html: String,
    /// The title, references not resolved.
    pub(super) title: String,
    /// Name and content of `meta` elements, names in lower case, contents not resolved.
    pub(super) meta: Vec<(String, String)>,
    /// Targets of canonical links, not resolved.
    pub(super) canonical: Vec<String>,
    /// Scripts of type JSON-LD.
    pub(super) json_ld: Vec<String>,
    /// What is shown where no script runs.
    pub(super) noscript: String,
    /// It asks for a password.
    pub(super) has_password: bool,
    /// Something stands in the article's way.
    pub(super) has_wall: bool,
    /// Bytes of scripts.
    pub(super) script_bytes: usize,
}

/// Reads a page; with `trims` without what its classes say stands around the article. Takes linear time.
pub(super) fn scan(html: &str, trims: bool) -> Scan {
    let mut scan = Scan::default();
    let markup = without_scripts(html, &mut scan);
    let mut tree = Tree { trims, ..Tree::default() };
    for token in Scanner::new(&markup) {
        match token {
            Token::Text(text) => tree.text(text, &mut scan),
            Token::Cdata(text) => tree.text(&text.replace('<', "&lt;"), &mut scan),
            Token::Start(tag) => tree.start(tag, &mut scan),
            Token::End(name, _) => tree.end(&name.to_ascii_lowercase(), &mut scan),
            Token::Doctype(_) | Token::Aside => {}
        }
    }
    while tree.pop(&mut scan).is_some() {}
    scan
}

/// The page without comments, styles and scripts; those of JSON-LD are kept aside.
fn without_scripts(html: &str, scan: &mut Scan) -> String {
    let mut kept = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        kept.push_str(before);
        let raw = ["script", "style"].into_iter().find(|name| starts_tag(from, name));
        rest = if let Some(comment) = from.strip_prefix("<!--") {
            // One that never ends hides the rest, as in a browser.
            comment.split_once("-->").map_or("", |(_, after)| after)
        } else if let Some(name) = raw {
            skip_script(from, name, scan)
        } else {
            kept.push('<');
            from.get(1..).unwrap_or_default()
        };
    }
    kept.push_str(rest);
    kept
}

fn starts_tag(text: &str, name: &str) -> bool {
    let named = text.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    named
        && text
            .get(name.len() + 1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c == '>' || c == '/' || c.is_whitespace()))
}

/// What comes after the script that `text` begins with.
fn skip_script<'a>(text: &'a str, name: &str, scan: &mut Scan) -> &'a str {
    let Some((tag, content)) = text.split_once('>') else { return "" };
    let is_end = |at: usize| content.get(at + 2..at + 2 + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name));
    let Some(end) = content.match_indices("</").find_map(|(at, _)| is_end(at).then_some(at)) else { return "" };
    let (script, rest) = content.split_at_checked(end).unwrap_or((content, ""));
    scan.script_bytes += script.len();
    let is_json = tag.to_ascii_lowercase().contains("ld+json");
    if is_json && script.len() <= JSON_BYTES_MAX && scan.json_ld.len() < JSON_MAX {
        scan.json_ld.push(script.to_owned());
    }
    rest.split_once('>').map_or("", |(_, after)| after)
}

/// Adds text to a short one.
fn append(to: &mut String, text: &str) {
    let room = META_BYTES_MAX.saturating_sub(to.len());
    to.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
}

/// An open element.
struct Open {
    name: String,
    is_kept: bool,
    /// What had been written when it began: bytes of markup, letters of text, and of those in links.
    began_at: (usize, usize, usize),
}

/// Where in the page we are.
#[derive(Default)]
struct Tree {
    trims: bool,
    open: Vec<Open>,
    /// How many elements were open when one began that is dropped.
    dropped_at: Option<usize>,
    elements: usize,
    /// Letters of text, and of those in links.
    letters: usize,
    linked: usize,
}

impl Tree {
    fn text(&mut self, text: &str, scan: &mut Scan) {
        if self.dropped_at.is_none() {
            let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
            self.letters += letters;
            self.linked += if self.open.iter().any(|open| open.name == "a") { letters } else { 0 };
        }
        match self.open.last().map(|open| open.name.as_str()) {
            Some("title") if self.dropped_at.is_none() => append(&mut scan.title, text),
            _ if self.open.iter().any(|open| open.name == "noscript") => append(&mut scan.noscript, text),
            _ if self.dropped_at.is_none() => scan.html.push_str(&text.replace('<', "&lt;")),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, scan: &mut Scan) {
        let name = tag.name.to_ascii_lowercase();
        note(&name, tag, scan);
        let is_kept = KEPT.contains(&name.as_str());
        if VOID.contains(&name.as_str()) {
            if self.dropped_at.is_none() && matches!(name.as_str(), "br" | "hr") {
                scan.html.push_str("<br>");
            }
            return;
        }
        self.end_implied(&name, is_kept, scan);
        let outline = Outline::of(tag);
        scan.has_wall |= outline.has_word(&WALL);
        let is_dropped = DROPPED.contains(&name.as_str()) || self.trims && outline.is_around(&name);
        if self.open.len() >= DEPTH_MAX || self.elements >= ELEMENTS_MAX {
            // Its text is kept, or dropped with what it stands in.
            return;
        }
        if tag.is_empty && !is_kept {
            return;
        }
        if is_dropped && self.dropped_at.is_none() {
            self.dropped_at = Some(self.open.len());
        }
        let is_kept = is_kept && self.dropped_at.is_none();
        let began_at = (scan.html.len(), self.letters, self.linked);
        if is_kept {
            self.elements += 1;
            outline.write(&name, &mut scan.html);
        }
        self.open.push(Open { name, is_kept, began_at });
    }

    /// Ends what the start of this element ends.
    fn end_implied(&mut self, name: &str, is_kept: bool, scan: &mut Scan) {
        let ends = |open: &Open| {
            let is_sibling = open.name == name && SIBLINGS.contains(&name);
            is_sibling || open.name == "p" && is_kept && !INLINE_KEPT.contains(&name)
        };
        // Formatting in between ends with it.
        let at = self.open.iter().rposition(|open| KEPT.contains(&open.name.as_str()));
        if let Some(at) = at.filter(|&at| self.open.get(at).is_some_and(ends)) {
            while self.open.len() > at {
                self.pop(scan);
            }
        }
    }

    fn end(&mut self, name: &str, scan: &mut Scan) {
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else { return };
        let is_block = KEPT.contains(&name) || self.dropped_at == Some(at);
        if is_block {
            while self.open.len() > at {
                self.pop(scan);
            }
        } else if at + 1 == self.open.len() {
            self.pop(scan);
        } else if self.dropped_at.is_none_or(|dropped| dropped > at) {
            // Formatting that overlaps a block: only its own name goes.
            self.open.remove(at);
            self.dropped_at = self.dropped_at.map(|dropped| dropped.saturating_sub(1));
        }
    }

    fn pop(&mut self, scan: &mut Scan) -> Option<()> {
        let open = self.open.pop()?;
        if self.dropped_at.is_some_and(|dropped| dropped >= self.open.len()) {
            self.dropped_at = None;
        }
        if open.is_kept && self.trims && self.is_only_links(&open) {
            scan.html.truncate(open.began_at.0);
            (self.letters, self.linked) = (open.began_at.1, open.began_at.2);
        } else if open.is_kept {
            scan.html.push_str("</");
            scan.html.push_str(&open.name);
            scan.html.push('>');
        }
        Some(())
    }
}

impl Tree {
    /// Whether an element that ends has few words but those of links: a menu, a cell with one, "Print this page".
    fn is_only_links(&self, open: &Open) -> bool {
        let (_, letters, linked) = open.began_at;
        let (letters, linked) = (self.letters - letters, self.linked - linked);
        let is_listing = matches!(open.name.as_str(), "div" | "p" | "ul" | "ol" | "li" | "td" | "tr" | "section");
        is_listing && letters < LISTING_LETTERS_MAX && linked * 10 >= letters * 9 && linked > 0
    }
}

/// Takes down what a tag says of the page.
fn note(name: &str, tag: Tag<'_>, scan: &mut Scan) {
    match name {
        "meta" if scan.meta.len() < META_MAX => {
            let key = tag.attribute("property").or_else(|| tag.attribute("name")).or_else(|| tag.attribute("itemprop"));
            if let (Some(key), Some(content)) = (key, tag.attribute("content")) {
                let content = content.get(..content.floor_char_boundary(META_BYTES_MAX)).unwrap_or_default();
                scan.meta.push((key.to_ascii_lowercase(), content.to_owned()));
            }
        }
        "link" if scan.canonical.len() < 4 => {
            let is_canonical = |rel: &str| rel.split_whitespace().any(|word| word.eq_ignore_ascii_case("canonical"));
            if let (true, Some(href)) = (tag.attribute("rel").is_some_and(is_canonical), tag.attribute("href")) {
                scan.canonical.push(href.to_owned());
            }
        }
        "input" => {
            scan.has_password |= tag.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("password"));
        }
        _ => {}
    }
}

/// The attributes by which an element is judged.
struct Outline<'a> {
    class: &'a str,
    id: &'a str,
    itemprop: &'a str,
    role: &'a str,
    is_hidden: bool,
}

impl<'a> Outline<'a> {
    fn of(tag: Tag<'a>) -> Self {
        let short = |name: &str| {
            let value = tag.attribute(name).unwrap_or_default();
            value.get(..value.floor_char_boundary(ATTRIBUTE_BYTES_MAX)).unwrap_or_default()
        };
        let style: String = short("style").chars().filter(|c| !c.is_whitespace()).collect();
        let is_bare = tag.rest.split_whitespace().any(|word| word.eq_ignore_ascii_case("hidden"));
        Self {
            class: short("class"),
            id: short("id"),
            itemprop: short("itemprop"),
            role: short("role"),
            is_hidden: is_bare || short("aria-hidden") == "true" || style.contains("display:none"),
        }
    }

    /// Whether a word of class or id is one of these.
    fn has_word(&self, words: &[&str]) -> bool {
        [self.class, self.id].into_iter().any(|names| words_of(names).iter().any(|word| words.contains(&word.as_str())))
    }

    /// Whether the element stands around the article rather than in it.
    fn is_around(&self, name: &str) -> bool {
        // A page's own containers are often called after all that they hold.
        if matches!(name, "html" | "head" | "body" | "main" | "article") || self.is_body() {
            return false;
        }
        self.is_hidden || ROLES.contains(&self.role) || self.has_word(&AROUND)
    }

    /// Whether the element says that it is the article's body, in one name: what stands in `story-body__newsletter` is a part of that.
    fn is_body(&self) -> bool {
        let mut names = [self.class, self.id].into_iter().flat_map(str::split_whitespace).map(words_of);
        let is_one = |words: Vec<String>| {
            let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
            has(&["article", "story", "post", "entry"]) && has(&["body", "content", "text"]) && !has(&AROUND)
        };
        self.itemprop.eq_ignore_ascii_case("articlebody") || names.any(is_one)
    }

    fn write(&self, name: &str, to: &mut String) {
        to.push('<');
        to.push_str(name);
        for (key, value) in [("class", self.class), ("id", self.id), ("itemprop", self.itemprop)] {
            if !value.is_empty() {
                to.extend([" ", key, "=\"", &value.replace('"', "&quot;"), "\""]);
            }
        }
        // Readability counts the words of links, wherever they lead.
        to.push_str(if name == "a" { " href=\"/\">" } else { ">" });
    }
}

/// The words of names such as `story-body__share`, `RelatedLinks` or `ad_slot`, in lower case.
fn words_of(names: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in names.chars() {
        if !character.is_alphanumeric() || character.is_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = character.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(scan(html, true).html, expected);
    }

    #[test]
    fn what_is_handed_on_is_small_and_balanced() {
        check("<div><p>One <b>two<p>three</div></div> four", "<div><p>One two</p><p>three</p></div> four");
        check("<p>a<script>if (a < b) '</p>'</script>b<!-- <p> -->c<style>p{}</style>", "<p>abc</p>");
        check("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>");
        check("<b>a<div>b</b>c</div>d", "a<div>bc</div>d");
        check("a<script>never ends", "a");
        check(
            "<table><tr><td><a href=x>Home</a> | <a href=y>News</a></td><td>z</td></tr></table>",
            "<table><tr><td>z</td></tr></table>",
        );
        check("<p>See <a href=x>this</a></p><p><a href=x>Print</a></p>", "<p>See <a href=\"/\">this</a></p>");
        check("<p class='x\"y' onclick=evil()>1 < 2</p>", "<p class=\"x&quot;y\">1 &lt; 2</p>");
    }

    #[test]
    fn what_stands_around_is_left_out() {
        check("<nav>Home</nav><main>a<aside>b<p>c</aside>d</main>", "<main>ad</main>");
        check("<div class=story-body__newsletterBox>x<div>y</div></div><p>z</p>", "<p>z</p>");
        check("<div id=related-links>x<p>y</div><p hidden>q<p>z", "<p>z</p>");
        check("<div class='article-body ads'>x</div>", "<div class=\"article-body ads\">x</div>");
        assert_eq!(scan("<div class=share>x</div>", false).html, "<div class=\"share\">x</div>");
    }

    #[test]
    fn facts_are_taken_down() {
        let scan = scan(
            "<title>Envoy</title><meta property=og:title content='Envoy denies'><link rel='x canonical' href=/a>\
             <script type='application/ld+json'>{}</script><noscript>Enable it</noscript><input type=password>\
             <div class=js-paywall>x</div>",
            true,
        );
        assert_eq!((scan.title.as_str(), scan.noscript.as_str()), ("Envoy", "Enable it"));
        assert_eq!(scan.meta, [("og:title".to_owned(), "Envoy denies".to_owned())]);
        assert_eq!((scan.canonical, scan.json_ld), (vec!["/a".to_owned()], vec!["{}".to_owned()]));
        assert!(scan.has_password && scan.has_wall);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = scan(&("<div>".repeat(100_000) + "<p>words</p>"), true).html;
        assert!(deep.contains("words") && deep.matches("<div").count() <= DEPTH_MAX);
        let many = scan(&"<p>w</p>".repeat(100_000), true).html;
        assert!(many.matches("<p>").count() <= ELEMENTS_MAX && many.matches('w').count() == 100_000);
        let formatted = scan(&("<font size=1><i><b>".repeat(50_000) + &"<p>x".repeat(50_000)), true).html;
        assert!(!formatted.contains("font"));
    }
}
