//! Small trees: one entry of an XML format with nested elements, built from the scanner's tokens with the same tolerance as everything
//! else; `sitemap` and `newsml` read them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use url::Url;

use super::entity::{self, Oddities};
use super::markup::{Scanner, Tag, Token, local};
use super::parse::ENTRIES_READ_MAX;
use super::recover::{Repair, Repairs};
use crate::model::Item;

/// Elements open at once; the tags of what lies deeper go, their text stays.
const DEPTH_MAX: usize = 64;
/// Elements of one entry; more are treated alike.
const NODES_MAX: usize = 20_000;
/// Attributes read of one element.
const ATTRIBUTES_MAX: usize = 32;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Its name without prefix, in lower case.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    content: Vec<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    Node(Node),
}

impl Node {
    fn of(tag: Tag<'_>, oddities: &mut Oddities) -> Self {
        let attributes = tag.attributes().take(ATTRIBUTES_MAX);
        let attributes = attributes
            .map(|(name, value)| (local(name).to_ascii_lowercase(), entity::resolve(value.trim(), oddities)))
            .collect();
        Self { name: local(tag.name).to_ascii_lowercase(), attributes, content: Vec::new() }
    }

    /// The value of an attribute, if it is not empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The elements right inside.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|content| match content {
            Content::Node(node) => Some(node),
            Content::Text(_) => None,
        })
    }

    /// Those of one name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.nodes().filter(move |node| node.name == name)
    }

    /// The first at the end of a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        self.nodes().filter(|node| node.name == *first).find_map(|node| node.at(rest))
    }

    /// The first element of a name at any depth, itself included.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name { Some(self) } else { self.nodes().find_map(|node| node.find(name)) }
    }

    /// Its text with that of all inside, on one line; nothing where there is none.
    pub(super) fn line(&self) -> Option<String> {
        let mut text = String::new();
        self.write_text(&mut text);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then_some(line)
    }

    /// Its text with that of all inside, as it stands.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    fn write_text(&self, to: &mut String) {
        for content in &self.content {
            match content {
                Content::Text(text) => to.push_str(text),
                Content::Node(node) => node.write_text(to),
            }
        }
    }

    /// What is inside as HTML: names without prefixes, attributes gone.
    pub(super) fn html(&self) -> String {
        let mut html = String::new();
        self.write_html(&mut html);
        html
    }

    fn write_html(&self, to: &mut String) {
        for content in &self.content {
            match content {
                Content::Text(text) => entity::escape(to, text),
                Content::Node(node) => {
                    to.push('<');
                    to.push_str(&node.name);
                    to.push('>');
                    if is_void(&node.name) {
                        continue;
                    }
                    node.write_html(to);
                    to.push_str("</");
                    to.push_str(&node.name);
                    to.push('>');
                }
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.content.last_mut() {
            Some(Content::Text(last)) => last.push_str(text),
            _ => self.content.push(Content::Text(text.to_owned())),
        }
    }
}

/// Elements of HTML that have no end tag.
fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "meta" | "input" | "wbr" | "col" | "link")
}

/// The entries of a document inside of the element `root`, each read by `item` once it is whole. What stands between is passed over;
/// an entry that makes `item` panic costs itself.
pub(super) fn entries<'a>(
    root: Tag<'a>,
    scanner: &mut Scanner<'a>,
    is_entry: impl Fn(&str) -> bool,
    item: impl Fn(&Node) -> Option<Item>,
    repairs: &mut Repairs,
) -> Vec<Item> {
    let own = local(root.name).to_ascii_lowercase();
    let is_around = |name: &str| name == own || name == "itemset";
    let mut items = Vec::new();
    if root.is_empty {
        return items;
    }
    let mut next = is_entry(&own).then_some(root);
    let is_single = next.is_some();
    while let Some(tag) = next.take().or_else(|| next_entry(scanner, &is_entry, &own)) {
        if tag.name.is_empty() {
            return items;
        }
        if items.len() >= ENTRIES_READ_MAX {
            repairs.count(Repair::EntriesLeftOut, 1);
            continue;
        }
        let (node, end) = build(tag, scanner, &is_entry, is_around, repairs);
        match end {
            End::Cut => break,
            End::Next(tag) => next = Some(tag),
            End::Closed | End::Outer => {}
        }
        match catch_unwind(AssertUnwindSafe(|| item(&node))) {
            Ok(item) => items.extend(item),
            Err(_) => repairs.count(Repair::Unreadable, 1),
        }
        if is_single || end == End::Outer {
            return items;
        }
    }
    repairs.count(Repair::Truncated, 1);
    items
}

/// The tag that begins the next entry; one without a name at the end of the element around; nothing at the end of the text.
fn next_entry<'a>(scanner: &mut Scanner<'a>, is_entry: impl Fn(&str) -> bool, around: &str) -> Option<Tag<'a>> {
    scanner.find_map(|token| match token {
        Token::Start(tag) => is_entry(&local(tag.name).to_ascii_lowercase()).then_some(tag),
        Token::End(name, raw) if local(name).eq_ignore_ascii_case(around) => {
            Some(Tag { name: "", rest: "", is_empty: true, raw })
        }
        _ => None,
    })
}

/// An address made absolute; nothing where it is none of the web.
pub(super) fn address(text: &str, base: Option<&Url>) -> Option<String> {
    let text = text.trim();
    let url = match (Url::parse(text), base) {
        (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => base.join(text).ok()?,
        (url, _) => url.ok()?,
    };
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// How the building of an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End<'a> {
    /// At its end tag.
    Closed,
    /// Its end tag is missing: another entry begins with this tag.
    Next(Tag<'a>),
    /// Its end tag is missing, and an element around it ends.
    Outer,
    /// The text ended before the entry did.
    Cut,
}

/// Builds the element that `tag` begins. An element that `begins_entry` ends it, and so does the end tag of one that `is_around`.
fn build<'a>(
    tag: Tag<'a>,
    scanner: &mut Scanner<'a>,
    begins_entry: impl Fn(&str) -> bool,
    is_around: impl Fn(&str) -> bool,
    repairs: &mut Repairs,
) -> (Node, End<'a>) {
    let mut oddities = Oddities::default();
    let mut builder = Builder { stack: vec![Node::of(tag, &mut oddities)], nodes: 1 };
    let end =
        if tag.is_empty { End::Closed } else { builder.run(scanner, begins_entry, is_around, &mut oddities, repairs) };
    repairs.count(Repair::Entity, oddities.entities);
    repairs.count(Repair::ControlCharacter, oddities.controls);
    if matches!(end, End::Next(_) | End::Outer) {
        repairs.count(Repair::MissingEndTag, 1);
    }
    while builder.stack.len() > 1 {
        builder.pop();
    }
    (builder.stack.pop().unwrap_or_default(), end)
}

/// Elements whose end tags have not come yet.
struct Builder {
    stack: Vec<Node>,
    nodes: usize,
}

impl Builder {
    fn run<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        begins_entry: impl Fn(&str) -> bool,
        is_around: impl Fn(&str) -> bool,
        oddities: &mut Oddities,
        repairs: &mut Repairs,
    ) -> End<'a> {
        for token in scanner {
            match token {
                Token::Start(tag) => {
                    let name = local(tag.name).to_ascii_lowercase();
                    if begins_entry(&name) {
                        return End::Next(tag);
                    }
                    if self.stack.len() < DEPTH_MAX && self.nodes < NODES_MAX {
                        self.nodes += 1;
                        self.stack.push(Node::of(tag, oddities));
                        if tag.is_empty || is_void(&name) && self.is_markup() {
                            self.pop();
                        }
                    }
                }
                Token::End(name, _) => {
                    let name = local(name).to_ascii_lowercase();
                    let Some(place) = self.stack.iter().rposition(|open| open.name == name) else {
                        if is_around(&name) {
                            return End::Outer;
                        }
                        repairs.count(Repair::StrayEndTag, 1);
                        continue;
                    };
                    let unclosed = self.stack.len() - 1 - place;
                    repairs.count(Repair::MissingEndTag, u32::try_from(unclosed).unwrap_or(u32::MAX));
                    if place == 0 {
                        return End::Closed;
                    }
                    (0..=unclosed).for_each(|_| self.pop());
                }
                Token::Text(raw) => {
                    let text = entity::resolve(raw, oddities);
                    self.text(&text);
                }
                Token::Cdata(data) => {
                    let mut text = String::with_capacity(data.len());
                    entity::push(&mut text, data, oddities);
                    self.text(&text);
                }
                Token::Doctype(_) | Token::Aside => {}
            }
        }
        End::Cut
    }

    /// Whether the innermost element stands in marked-up text: `link` and `meta` are also names in metadata.
    fn is_markup(&self) -> bool {
        let names = ["p", "div", "body", "td", "li", "body.content", "html", "head", "inlinexml"];
        self.stack.iter().rev().skip(1).any(|open| names.contains(&open.name.as_str()))
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = self.stack.last_mut() {
            open.push_text(text);
        }
    }

    fn pop(&mut self) {
        let Some(node) = self.stack.pop() else { return };
        if let Some(outer) = self.stack.last_mut() {
            outer.content.push(Content::Node(node));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(document: &str) -> (Node, Repairs, bool) {
        let mut scanner = Scanner::new(document);
        let Some(Token::Start(tag)) = scanner.next() else { panic!("no start tag in {document}") };
        let mut repairs = Repairs::default();
        let (node, end) = build(tag, &mut scanner, |name| name == "entry", |name| name == "all", &mut repairs);
        (node, repairs, end == End::Closed)
    }

    #[track_caller]
    fn check(document: &str, html: &str, repaired: &[(Repair, u32)], is_closed: bool) {
        let (node, repairs, closed) = tree(document);
        assert_eq!((node.html().as_str(), closed), (html, is_closed), "{document}");
        assert_eq!(repairs.0, repaired.iter().copied().collect(), "{document}");
    }

    #[test]
    fn an_element_is_built_with_its_errors() {
        check("<x:url><LOC a='1'> b &amp; c</LOC><![CDATA[<d>]]></x:url>", "<loc> b &amp; c</loc>&lt;d&gt;", &[], true);
        check(
            "<url><p>a<b>c</p></i></url>",
            "<p>a<b>c</b></p>",
            &[(Repair::MissingEndTag, 1), (Repair::StrayEndTag, 1)],
            true,
        );
        check("<url><p>a<br>b &nbsp;</p></url>", "<p>a<br>b \u{a0}</p>", &[(Repair::Entity, 1)], true);
        check("<url><p>a</p><entry>", "<p>a</p>", &[(Repair::MissingEndTag, 1)], false);
        check("<url><p>a</p></all>", "<p>a</p>", &[(Repair::MissingEndTag, 1)], false);
        check("<url><p>a", "<p>a</p>", &[], false);
        check("<url/>", "", &[], true);
    }

    #[test]
    fn what_is_inside_is_found_by_name() {
        let (node, ..) = tree("<a><b c='d &lt;'><e> one\n two </e></b><b><e>three</e><f/></b></a>");
        assert_eq!(node.at(&["b", "e"]).and_then(Node::line).as_deref(), Some("one two"));
        assert_eq!(node.at(&["b", "f"]).map(Node::line), Some(None));
        assert_eq!(node.find("b").and_then(|b| b.attribute("c")), Some("d <"));
        assert_eq!((node.all("b").count(), node.at(&["e"])), (2, None));
    }

    #[test]
    fn depth_and_number_are_bounded_and_the_text_stays() {
        let (node, ..) = tree(&format!("<a>{}x", "<b>".repeat(100_000)));
        assert_eq!(node.text(), "x");
        let (node, ..) = tree(&format!("<a>{}</a>", "<b>y</b>".repeat(NODES_MAX + 5)));
        assert_eq!((node.nodes().count(), node.text().len()), (NODES_MAX - 1, NODES_MAX + 5));
    }
}
