//! The words of the feed formats: which namespace a name stands in, and what an element is to us.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::markup::{Tag, local};

/// Prefixes that a document may bind; real feeds bind a dozen.
const PREFIXES_MAX: usize = 64;

/// Namespaces that mean the same to us are one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// RSS of every version.
    Rss,
    /// Atom 1.0 and its drafts.
    Atom,
    /// `content:encoded`.
    Content,
    /// Dublin Core elements.
    DublinCore,
    /// Dublin Core terms.
    Terms,
    /// XHTML.
    Xhtml,
    /// Media RSS.
    Media,
    /// Anything else.
    Foreign,
}

impl Family {
    fn of(namespace: &str) -> Self {
        let namespace = namespace.trim().trim_end_matches(['/', '#']).to_ascii_lowercase();
        match namespace.as_str() {
            "http://www.w3.org/2005/atom" | "https://www.w3.org/2005/atom" => Self::Atom,
            "http://purl.org/rss/1.0"
            | "http://backend.userland.com/rss2"
            | "http://my.netscape.com/rdf/simple/0.9"
            | "http://channel.netscape.com/rdf/simple/0.9" => Self::Rss,
            "http://purl.org/rss/1.0/modules/content" => Self::Content,
            "http://purl.org/dc/elements/1.0" | "http://purl.org/dc/elements/1.1" => Self::DublinCore,
            "http://purl.org/dc/terms" => Self::Terms,
            "http://www.w3.org/1999/xhtml" => Self::Xhtml,
            "http://search.yahoo.com/mrss" | "http://video.search.yahoo.com/mrss" => Self::Media,
            _ if is_atom_draft(&namespace) => Self::Atom,
            _ => Self::Foreign,
        }
    }

    /// Of a name without prefix.
    fn of_default(namespace: &str) -> Self {
        if namespace.is_empty() { Self::Rss } else { Self::of(namespace) }
    }

    /// What a prefix means in practice where the document forgot to bind it.
    fn of_unbound(prefix: &str) -> Self {
        match prefix {
            "atom" => Self::Atom,
            "content" => Self::Content,
            "dc" => Self::DublinCore,
            "dcterms" => Self::Terms,
            "xhtml" => Self::Xhtml,
            "rss" => Self::Rss,
            _ => Self::Foreign,
        }
    }
}

/// Whether a namespace is one of Atom before 1.0, in which types are MIME types and markup is the default.
pub(super) fn is_atom_draft(namespace: &str) -> bool {
    let namespace = namespace.trim().to_ascii_lowercase();
    ["http://purl.org/atom/", "http://purl.org/pie/", "http://purl.org/echo/", "http://example.com/newformat"]
        .iter()
        .any(|draft| namespace.starts_with(draft))
}

/// The namespaces that are bound at a place of a document.
#[derive(Debug)]
pub(super) struct Namespaces {
    default: Family,
    prefixes: BTreeMap<String, Family>,
}

impl Namespaces {
    /// Those of a root. Names without prefix are `own` unless the root's default namespace is a known one: the default
    /// of an RSS feed is anything from its own version's page to its publisher's home page.
    pub(super) fn of_root(root: Tag<'_>, own: Family) -> Self {
        let mut namespaces = Self { default: own, prefixes: BTreeMap::new() };
        // The root is never left, so nothing of it is taken back.
        drop(namespaces.bind(root));
        if namespaces.default == Family::Foreign {
            namespaces.default = own;
        }
        namespaces
    }

    /// Binds what `tag` binds. What comes back undoes that: a copy for each open element would let a small feed take all
    /// memory.
    pub(super) fn bind(&mut self, tag: Tag<'_>) -> Rebound {
        let mut rebound = Rebound::default();
        if !tag.rest.contains("xmlns") {
            return rebound;
        }
        for (name, value) in tag.attributes() {
            if name == "xmlns" {
                rebound.default.get_or_insert(self.default);
                self.default = Family::of_default(value);
            } else if let Some(prefix) = name.strip_prefix("xmlns:")
                && self.prefixes.len() < PREFIXES_MAX
            {
                let earlier = self.prefixes.insert(prefix.to_owned(), Family::of(value));
                rebound.prefixes.push((prefix.to_owned(), earlier));
            }
        }
        rebound
    }

    /// Takes back what the innermost element bound.
    pub(super) fn unbind(&mut self, rebound: Rebound) {
        self.default = rebound.default.unwrap_or(self.default);
        for (prefix, earlier) in rebound.prefixes.into_iter().rev() {
            match earlier {
                Some(family) => self.prefixes.insert(prefix, family),
                None => self.prefixes.remove(&prefix),
            };
        }
    }

    /// The family of a tag's name, and whether the name's prefix is bound nowhere. What the tag itself binds counts.
    pub(super) fn family(&self, tag: Tag<'_>) -> (Family, bool) {
        let prefix = tag.name.split_once(':').map(|(prefix, _)| prefix);
        let is_own = |name: &str| prefix.map_or(name == "xmlns", |prefix| name.strip_prefix("xmlns:") == Some(prefix));
        let binds = tag.rest.contains("xmlns");
        let own = if binds { tag.attributes().filter(|(name, _)| is_own(name)).last() } else { None };
        let Some(prefix) = prefix else {
            return (own.map_or(self.default, |(_, value)| Family::of_default(value)), false);
        };
        let bound = own.map(|(_, value)| Family::of(value)).or_else(|| self.prefixes.get(prefix).copied());
        (bound.unwrap_or_else(|| Family::of_unbound(prefix)), bound.is_none())
    }
}

/// What an element bound anew, and what it was before.
#[derive(Debug, Default)]
pub(super) struct Rebound {
    default: Option<Family>,
    prefixes: Vec<(String, Option<Family>)>,
}

/// The parts of a feed or an entry that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Title,
    Link,
    Summary,
    Content,
    Id,
    Published,
    Updated,
    Creator,
    Topic,
    /// Whom else than its author an entry names as its origin.
    Credit,
}

impl Field {
    /// Whether it may hold markup over many lines, in which names of the other fields are to be expected.
    pub(super) fn is_body(self) -> bool {
        matches!(self, Self::Summary | Self::Content)
    }
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The part of RSS around the entries, transparent to us.
    Channel,
    /// An item or entry.
    Entry,
    /// An Atom author, who has a name inside.
    Person,
    /// Something that we read, and how well it says it: of two that say the same the higher counts.
    Field(Field, u8),
    /// Nothing that we read.
    Other,
}

/// What the element `name` of `family` is to us.
pub(super) fn role(family: Family, name: &str) -> Role {
    let name = lower(local(name));
    match (family, name.as_ref()) {
        (Family::Rss | Family::Atom, name) => feed_role(family, name),
        (Family::Content, "encoded") => Role::Field(Field::Content, 3),
        (Family::DublinCore, "title") => Role::Field(Field::Title, 1),
        (Family::DublinCore, "description") => Role::Field(Field::Summary, 1),
        (Family::DublinCore, "creator" | "author") => Role::Field(Field::Creator, 1),
        (Family::DublinCore, "source" | "publisher" | "rightsholder")
        | (Family::Terms, "publisher" | "rightsholder")
        | (Family::Media, "credit") => Role::Field(Field::Credit, 1),
        (Family::Media, "title") => Role::Field(Field::Title, 0),
        (Family::DublinCore, "subject") => Role::Field(Field::Topic, 1),
        (Family::DublinCore, "date") | (Family::Terms, "issued") => Role::Field(Field::Published, 2),
        (Family::Terms, "created") => Role::Field(Field::Published, 1),
        (Family::Terms, "modified") => Role::Field(Field::Updated, 2),
        (Family::Xhtml, "body") => Role::Field(Field::Content, 1),
        _ => Role::Other,
    }
}

/// A name in lower case, which most have already.
fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

fn feed_role(family: Family, name: &str) -> Role {
    match name {
        "channel" => Role::Channel,
        "source" if family == Family::Rss => Role::Field(Field::Credit, 1),
        "item" | "entry" => Role::Entry,
        "author" if family == Family::Atom => Role::Person,
        "author" => Role::Field(Field::Creator, 1),
        "title" => Role::Field(Field::Title, 2),
        "link" => Role::Field(Field::Link, 1),
        "category" => Role::Field(Field::Topic, 1),
        "description" => Role::Field(Field::Summary, 3),
        "summary" => Role::Field(Field::Summary, 2),
        // Of CDF.
        "abstract" => Role::Field(Field::Summary, 1),
        "content" | "fullitem" => Role::Field(Field::Content, 2),
        "id" | "guid" => Role::Field(Field::Id, 1),
        "pubdate" | "published" | "issued" => Role::Field(Field::Published, 3),
        "created" => Role::Field(Field::Published, 1),
        "updated" | "modified" | "lastbuilddate" => Role::Field(Field::Updated, 3),
        _ => Role::Other,
    }
}
