//! NewsML-G2 and NITF, in which agencies deliver: a `newsMessage`, a `newsItem`, a `packageItem` or a `nitf` in, entries out.
//!
//! IPTC, NewsML-G2 Guidelines (<https://iptc.org/std/NewsML-G2/guidelines/>) and NITF 3.6. What a package refers to is an entry
//! without text, unless the message has the item itself. Pictures, graphics, audio and video are no stories and are passed over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use url::Url;

use super::date;
use super::markup::{Scanner, Tag, local};
use super::parse::{RawFeed, TOPICS_MAX};
use super::recover::Repairs;
use super::tree::{Node, address, entries};
use super::wire::{self, Status};
use crate::model::{Item, Markup, MarkupFormat, Release, RevisionLabel, Version};

/// Items that one package may refer to.
const REFERENCES_MAX: usize = 1_000;

/// The entries of the document that `root` begins.
pub(super) fn read<'a>(root: Tag<'a>, scanner: &mut Scanner<'a>, base: Option<&Url>, repairs: &mut Repairs) -> RawFeed {
    let references = std::cell::RefCell::new(Vec::new());
    let read_item = |node: &Node| match node.name.as_str() {
        "packageitem" => {
            let mut references = references.borrow_mut();
            let left = REFERENCES_MAX.saturating_sub(references.len());
            references.extend(referred(node, base).into_iter().take(left));
            None
        }
        "nitf" => Some(nitf_item(node)),
        _ => is_story(node).then(|| news_item(node, base)),
    };
    // Inside of another item NITF is that one's text.
    let is_nitf = local(root.name).eq_ignore_ascii_case("nitf");
    let is_item = |name: &str| matches!(name, "newsitem" | "packageitem") || is_nitf && name == "nitf";
    let mut items = entries(root, scanner, is_item, read_item, repairs);
    // A package's references to what the message itself holds say less than that.
    let mut known: BTreeSet<String> = items.iter().filter_map(|item| item.guid.clone()).collect();
    let references = references.into_inner();
    items.extend(references.into_iter().filter(|item| item.guid.clone().is_none_or(|guid| known.insert(guid))));
    RawFeed { items, ..RawFeed::default() }
}

/// Whether an item or a reference to one is of a class that has a text.
fn is_story(node: &Node) -> bool {
    let class = node.at(&["itemmeta", "itemclass"]).or_else(|| node.at(&["itemclass"]));
    class.and_then(|class| class.attribute("qcode")).is_none_or(|code| matches!(local(code), "text" | "composite"))
}

fn news_item(node: &Node, base: Option<&Url>) -> Item {
    let meta = node.at(&["itemmeta"]);
    let content = node.at(&["contentmeta"]);
    let part = |of: Option<&Node>, path: &[&str]| of.and_then(|node| node.at(path)).and_then(Node::line);
    let instant = |of: Option<&Node>, name: &str| -> Option<Timestamp> { date::read(&part(of, &[name])?) };
    let created = instant(meta, "versioncreated");
    let published = instant(meta, "firstcreated").or_else(|| instant(content, "contentcreated")).or(created);
    let status = meta.and_then(|meta| meta.at(&["pubstatus"])).and_then(|status| status.attribute("qcode"));
    let embargo = meta.and_then(|meta| meta.at(&["embargoed"])).map(|embargoed| embargoed.line().unwrap_or_default());
    let set = node.at(&["contentset"]);
    let html = set.and_then(inline_html);
    let plain = set.and_then(|set| set.at(&["inlinedata"])).and_then(plain_text);
    let title =
        part(content, &["headline"]).or_else(|| part(meta, &["title"])).or_else(|| part(content, &["slugline"]));
    Item {
        guid: node.attribute("guid").map(str::to_owned),
        links: links(node, base),
        title: title.map(text),
        summary: content.and_then(summary),
        content: html.or(plain),
        published,
        updated: created.filter(|at| published != Some(*at)),
        author: part(content, &["by"]).or_else(|| part(content, &["creator", "name"])),
        topics: topics(content),
        credits: credits(node),
        dateline: part(content, &["dateline"]),
        release: wire::release(status.map_or(Status::Usable, Status::of), embargo.as_deref()),
        version: Version { number: node.attribute("version").and_then(|number| number.trim().parse().ok()), created },
        label: meta.map(label).unwrap_or_default(),
        ..Item::default()
    }
}

/// The text in XHTML or NITF.
fn inline_html(set: &Node) -> Option<Markup> {
    let inline = set.at(&["inlinexml"])?;
    let body = inline.find("body.content").or_else(|| inline.find("body")).unwrap_or(inline);
    Some(body.html()).filter(|html| !html.trim().is_empty()).map(|body| Markup { format: MarkupFormat::Html, body })
}

/// The text in plain form; other data are none that can be read.
fn plain_text(data: &Node) -> Option<Markup> {
    let stated = data.attribute("contenttype").unwrap_or("text/plain");
    let body = Some(data.text()).filter(|text| !text.trim().is_empty())?;
    if data.attribute("encoding").is_some() || !stated.starts_with("text/") {
        return None;
    }
    let format = if stated.contains("html") { MarkupFormat::Html } else { MarkupFormat::Text };
    Some(Markup { format, body })
}

fn text(body: String) -> Markup {
    Markup { format: MarkupFormat::Text, body }
}

/// The description that is a summary, else the first.
fn summary(content: &Node) -> Option<Markup> {
    let is_summary = |node: &&Node| node.attribute("role").is_some_and(|role| local(role) == "summary");
    content.all("description").find(is_summary).or_else(|| content.at(&["description"])).and_then(Node::line).map(text)
}

/// Addresses of the story's page.
fn links(node: &Node, base: Option<&Url>) -> Vec<String> {
    let is_page = |link: &&Node| {
        let kind = link.attribute("contenttype").unwrap_or_default();
        let rel = link.attribute("rel").map(local).unwrap_or_default().to_ascii_lowercase();
        kind.contains("html") || rel.contains("permalink") || rel.contains("web") || rel == "alternate"
    };
    let of_meta = node.at(&["itemmeta"]).into_iter().flat_map(|meta| meta.all("link"));
    let of_content = node.at(&["contentset"]).into_iter().flat_map(|set| set.all("remotecontent"));
    of_meta.chain(of_content).filter(is_page).filter_map(|link| address(link.attribute("href")?, base)).collect()
}

/// The names of subjects, and what they are called where they have none.
fn topics(content: Option<&Node>) -> Vec<String> {
    let named = content.into_iter().flat_map(|content| content.all("subject").chain(content.all("keyword")));
    let name = |node: &Node| match node.at(&["name"]) {
        Some(name) => name.line(),
        None => node.attribute("literal").map(str::to_owned).or_else(|| node.line()),
    };
    named.filter_map(name).take(TOPICS_MAX).collect()
}

/// Who is credited, best first: the credit line, the sources of the information, the provider, the holder of the copyright.
fn credits(node: &Node) -> Vec<String> {
    let content = node.at(&["contentmeta"]);
    let inside = |of: Option<&Node>, name: &'static str| -> Vec<String> {
        of.into_iter().flat_map(|of| of.all(name)).filter_map(party).collect()
    };
    let parts = [
        inside(content, "creditline"),
        inside(content, "infosource"),
        inside(node.at(&["itemmeta"]), "provider"),
        inside(node.at(&["rightsinfo"]), "copyrightholder"),
    ];
    parts.concat()
}

/// A party by its name, its literal or the last part of its code.
fn party(node: &Node) -> Option<String> {
    let stated = node.at(&["name"]).unwrap_or(node).line();
    let code = node.attribute("qcode").map(local).or_else(|| node.attribute("uri")?.rsplit('/').next());
    stated.or_else(|| node.attribute("literal").or(code).map(str::to_owned))
}

/// What the signals say of the version.
fn label(meta: &Node) -> RevisionLabel {
    let codes = meta.all("signal").filter_map(|signal| signal.attribute("qcode"));
    codes.map(|code| wire::signal(local(code))).find(|label| *label != RevisionLabel::None).unwrap_or_default()
}

/// What a package refers to.
fn referred(package: &Node, base: Option<&Url>) -> Vec<Item> {
    fn collect<'a>(node: &'a Node, to: &mut Vec<&'a Node>) {
        for inner in node.nodes() {
            if inner.name == "itemref" {
                to.push(inner);
            } else {
                collect(inner, to);
            }
        }
    }
    let mut references = Vec::new();
    if let Some(set) = package.at(&["groupset"]) {
        collect(set, &mut references);
    }
    let line = |node: &Node, name: &str| node.at(&[name]).and_then(Node::line);
    let stories = references.into_iter().filter(|reference| is_story(reference));
    let item = |reference: &Node| {
        let created = line(reference, "versioncreated").and_then(|text| date::read(&text));
        Some(Item {
            guid: reference.attribute("residref").or_else(|| reference.attribute("guidref")).map(str::to_owned),
            links: reference.attribute("href").and_then(|href| address(href, base)).into_iter().collect(),
            title: Some(text(line(reference, "headline").or_else(|| line(reference, "title"))?)),
            summary: line(reference, "description").map(text),
            published: created,
            version: Version { number: reference.attribute("version").and_then(|n| n.trim().parse().ok()), created },
            ..Item::default()
        })
    };
    stories.filter_map(item).collect()
}

/// A story in NITF by itself.
fn nitf_item(node: &Node) -> Item {
    let data = node.at(&["head", "docdata"]);
    let attribute = |name: &str, key: &str| data.and_then(|data| data.at(&[name])).and_then(|node| node.attribute(key));
    let instant = |name: &str| -> Option<Timestamp> { date::read(attribute(name, "norm")?) };
    let head = node.at(&["body", "body.head"]);
    let line = |path: &[&str]| head.and_then(|head| head.at(path)).and_then(Node::line);
    let title = line(&["hedline", "hl1"]).or_else(|| node.at(&["head", "title"]).and_then(Node::line));
    let keys = data.and_then(|data| data.at(&["key-list"])).into_iter().flat_map(|list| list.all("keyword"));
    let holder = data.and_then(|data| data.at(&["doc.copyright"])).and_then(|node| node.attribute("holder"));
    let body = node.at(&["body", "body.content"]).map(Node::html).filter(|html| !html.trim().is_empty());
    Item {
        guid: attribute("doc-id", "id-string").map(str::to_owned),
        title: title.map(text),
        summary: line(&["abstract"]).map(text),
        content: body.map(|body| Markup { format: MarkupFormat::Html, body }),
        published: instant("date.issue").or_else(|| instant("date.release")),
        author: line(&["byline"]),
        topics: keys.filter_map(|key| key.attribute("key")).take(TOPICS_MAX).map(str::to_owned).collect(),
        credits: line(&["distributor"]).into_iter().chain(holder.map(str::to_owned)).collect(),
        dateline: line(&["dateline"]),
        release: nitf_release(
            data.and_then(|data| data.attribute("management-status")).unwrap_or_default(),
            attribute("date.release", "norm").filter(|_| instant("date.release") > instant("date.issue")),
        ),
        ..Item::default()
    }
}

/// NITF has "embargoed" among its states, and a date of release that is only of interest after that of issue.
fn nitf_release(status: &str, later: Option<&str>) -> Release {
    let embargo = if status.eq_ignore_ascii_case("embargoed") { Some(later.unwrap_or_default()) } else { later };
    wire::release(Status::of(status), embargo)
}
