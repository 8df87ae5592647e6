//! Assembles the entries of a feed from the tags and text of a dirty one; `recover` drives it, `fields` says what a text means.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use url::Url;

use super::entity::{self, Oddities};
use super::fields;
use super::markup::{Tag, local};
use super::parse::{RawFeed, TOPICS_MAX};
use super::recover::{Repair, Repairs};
use super::vocabulary::{Family, Field, Namespaces, Rebound, Role, is_atom_draft, role};
use crate::model::{ADDRESS_BYTES_MAX, Item};

/// Elements open at once; what lies deeper is skipped. A feed needs five, and each tag is held against all that are open.
const DEPTH_MAX: usize = 32;

/// Parties that one entry credits, and bytes of the name of each.
const CREDITS_MAX: usize = 8;
const CREDIT_BYTES_MAX: usize = 200;

/// The two families of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Rss,
    Atom,
}

/// How the text of a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// Plain text; turns into HTML at the first tag in it.
    Plain,
    /// HTML in escaped form.
    Html,
    /// HTML as it stands: its own entities are part of it.
    Markup,
    /// Base64.
    Base64,
}

#[derive(Debug)]
enum Kind {
    Root,
    Channel,
    Entry,
    Person,
    Field { field: Field, rank: u8, writing: Writing, href: Option<String>, is_permalink: bool },
    Skipped,
}

/// An element whose end tag has not come yet.
#[derive(Debug)]
struct Open<'a> {
    name: &'a str,
    kind: Kind,
    /// Elements of the same name open inside, where the inside is not looked at.
    nested: u32,
    base: Option<Url>,
    /// What it bound, to be taken back at its end.
    rebound: Rebound,
}

impl Open<'_> {
    /// Whether what is inside is only collected or skipped.
    fn is_opaque(&self) -> bool {
        matches!(self.kind, Kind::Field { .. } | Kind::Skipped)
    }
}

/// What is known of the feed or of the entry that is being read.
#[derive(Debug, Default)]
struct Level {
    /// The entry as far as it has come; of the feed only title and date count.
    item: Item,
    /// Something in it made its reader panic.
    is_unreadable: bool,
    ranks: BTreeMap<Field, u8>,
    /// An address that serves as link if no other comes: `rdf:about` or a guid.
    fallback: Option<String>,
    about: Option<String>,
}

/// Takes tags and text, assembles the feed.
pub(super) struct Assembler<'a> {
    dialect: Dialect,
    is_draft: bool,
    namespaces: Namespaces,
    base: Option<Url>,
    stack: Vec<Open<'a>>,
    items: Vec<Item>,
    entries_left: usize,
    is_in_entry: bool,
    feed: Level,
    entry: Level,
    /// The text of the field being read.
    text: String,
    oddities: Oddities,
    repairs: Repairs,
}

impl<'a> Assembler<'a> {
    /// One inside of the root element.
    pub(super) fn new(root: Tag<'a>, base: Option<&Url>, entries_max: usize) -> Self {
        let name = local(root.name);
        let is_atom = ["feed", "entry"].iter().any(|root| name.eq_ignore_ascii_case(root));
        let (dialect, own) = if is_atom { (Dialect::Atom, Family::Atom) } else { (Dialect::Rss, Family::Rss) };
        let mut assembler = Self {
            dialect,
            is_draft: root.attributes().any(|(key, value)| key.starts_with("xmlns") && is_atom_draft(value)),
            namespaces: Namespaces::of_root(root, own),
            base: base.filter(|base| is_short(base)).cloned(),
            stack: Vec::new(),
            items: Vec::new(),
            entries_left: entries_max,
            is_in_entry: false,
            feed: Level::default(),
            entry: Level::default(),
            text: String::new(),
            oddities: Oddities::default(),
            repairs: Repairs::default(),
        };
        let is_known = match name {
            "rss" => matches!(root.attribute("version"), Some("2.0" | "0.91" | "0.92")),
            "feed" | "entry" => !assembler.is_draft,
            name => name == "RDF",
        };
        assembler.repairs.count(Repair::Root, u32::from(!is_known));
        assembler.last_modified(root);
        let is_entry = ["item", "entry"].iter().any(|entry| name.eq_ignore_ascii_case(entry));
        let kind = if is_entry { assembler.begin_entry(root) } else { Kind::Root };
        assembler.push(root, kind);
        assembler
    }

    /// CDF says in attributes when something was changed.
    fn last_modified(&mut self, tag: Tag<'_>) {
        if self.dialect == Dialect::Rss
            && let Some(stated) = tag.attribute("lastmod")
        {
            let stated = self.attribute_text(stated);
            self.end_field(Field::Updated, 1, stated, false, false, None);
        }
    }

    /// Whether the root's end tag has not come yet.
    pub(super) fn is_open(&self) -> bool {
        !self.stack.is_empty()
    }

    /// The feed, whole.
    pub(super) fn finish(mut self, repairs: &mut Repairs) -> RawFeed {
        self.repairs.count(Repair::Entity, self.oddities.entities);
        self.repairs.count(Repair::ControlCharacter, self.oddities.controls);
        for (repair, times) in self.repairs.0 {
            repairs.count(repair, times);
        }
        let Item { title, updated, .. } = self.feed.item;
        RawFeed { title, updated: updated.and_then(fields::to_milliseconds), items: self.items, ..RawFeed::default() }
    }

    fn push(&mut self, tag: Tag<'a>, kind: Kind) {
        let stated = tag.attributes().find(|(name, _)| *name == "xml:base").map(|(_, value)| value);
        let base = stated.and_then(|stated| {
            let stated = self.attribute_text(stated);
            self.base().map_or_else(|| Url::parse(&stated).ok(), |base| base.join(&stated).ok())
        });
        let base = base.filter(is_short);
        // The root's namespaces are the ones that it began with.
        let rebound = if matches!(kind, Kind::Root) { Rebound::default() } else { self.namespaces.bind(tag) };
        self.stack.push(Open { name: tag.name, kind, nested: 0, base, rebound });
        if tag.is_empty {
            self.pop();
        }
    }

    fn base(&self) -> Option<&Url> {
        self.stack.iter().rev().find_map(|open| open.base.as_ref()).or(self.base.as_ref())
    }

    fn attribute_text(&mut self, raw: &str) -> String {
        entity::resolve(raw.trim(), &mut self.oddities)
    }

    /// The innermost element, if its inside is not looked at.
    fn opaque(&mut self) -> Option<&mut Open<'a>> {
        self.stack.last_mut().filter(|open| open.is_opaque())
    }

    /// A start tag.
    pub(super) fn start(&mut self, tag: Tag<'a>) {
        let (family, is_unbound) = self.namespaces.family(tag);
        let role = role(family, tag.name);
        if let Some(open) = self.opaque() {
            if !implies_end(&open.kind, role, tag.name) {
                if open.name.eq_ignore_ascii_case(tag.name) && !tag.is_empty {
                    open.nested += 1;
                }
                self.inner_tag(tag.raw);
                return;
            }
            self.pop_unclosed();
        }
        if role == Role::Entry {
            while matches!(self.stack.last(), Some(Open { kind: Kind::Entry | Kind::Person, .. })) {
                self.pop_unclosed();
            }
        }
        if role != Role::Other {
            self.repairs.count(Repair::UnboundPrefix, u32::from(is_unbound));
        }
        let kind = match (self.stack.last().map(|open| &open.kind), role) {
            _ if self.stack.len() >= DEPTH_MAX => Kind::Skipped,
            (Some(Kind::Root | Kind::Channel), Role::Channel) => Kind::Channel,
            (Some(Kind::Root | Kind::Channel), Role::Entry) => self.begin_entry(tag),
            (Some(Kind::Entry), Role::Person) => Kind::Person,
            (Some(Kind::Root | Kind::Channel | Kind::Entry), Role::Field(field, rank)) => {
                self.field(tag, family, field, rank)
            }
            (Some(Kind::Person), _) if local(tag.name).eq_ignore_ascii_case("name") => {
                self.field(tag, family, Field::Creator, 1)
            }
            // Never closed in HTML: skipping to their end would skip the rest of the entry.
            _ if tag.is_empty || matches!(tag.name, "br" | "hr" | "img" | "meta" | "input") => return,
            _ => Kind::Skipped,
        };
        self.push(tag, kind);
    }

    fn field(&mut self, tag: Tag<'a>, family: Family, field: Field, rank: u8) -> Kind {
        self.text.clear();
        let is_alternate =
            || tag.attribute("rel").is_none_or(|rel| rel.is_empty() || rel.eq_ignore_ascii_case("alternate"));
        if field == Field::Link && !is_alternate() {
            return Kind::Skipped;
        }
        let href = match field {
            Field::Link => tag.attribute("href"),
            Field::Topic => tag.attribute("label").or_else(|| tag.attribute("term")),
            _ => None,
        };
        let href = href.map(|raw| self.attribute_text(raw));
        let is_permalink = !tag.attribute("isPermaLink").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        Kind::Field { field, rank, writing: self.writing(tag, family), href, is_permalink }
    }

    fn writing(&self, tag: Tag<'_>, family: Family) -> Writing {
        if family == Family::Xhtml {
            return Writing::Markup;
        }
        if family != Family::Atom || self.dialect == Dialect::Rss {
            return Writing::Html;
        }
        let stated = tag.attribute("type").unwrap_or_default().trim().to_ascii_lowercase();
        let mode = tag.attribute("mode").unwrap_or_default().trim().to_ascii_lowercase();
        let is_html = stated.contains("html");
        let is_text = stated.is_empty() || stated.starts_with("text") || is_html || stated.contains("xml");
        match mode.as_str() {
            "base64" => Writing::Base64,
            "escaped" if is_html => Writing::Html,
            "escaped" => Writing::Plain,
            _ if !is_text && stated.contains('/') => Writing::Base64,
            _ if stated.contains("xml") || stated == "xhtml" || (self.is_draft && is_html) => Writing::Markup,
            _ if is_html || !is_text => Writing::Html,
            _ => Writing::Plain,
        }
    }

    fn begin_entry(&mut self, tag: Tag<'a>) -> Kind {
        let Some(left) = self.entries_left.checked_sub(1) else {
            self.repairs.count(Repair::EntriesLeftOut, 1);
            return Kind::Skipped;
        };
        self.entries_left = left;
        let about = tag.attribute("about").map(|raw| self.attribute_text(raw)).filter(|about| !about.is_empty());
        self.entry = Level { fallback: about.clone(), about, ..Level::default() };
        self.is_in_entry = true;
        if let Some(href) = tag.attribute("href") {
            let href = self.attribute_text(href);
            self.end_field(Field::Link, 0, href, false, false, None);
        }
        self.last_modified(tag);
        Kind::Entry
    }

    fn end_entry(&mut self) {
        if let Some(about) = self.entry.about.take()
            && !self.entry.ranks.contains_key(&Field::Id)
        {
            self.take(Field::Id, about, false, None);
        }
        if let Some(address) = self.entry.fallback.take()
            && !self.entry.ranks.contains_key(&Field::Link)
        {
            self.take(Field::Link, address, false, None);
        }
        self.is_in_entry = false;
        let Level { mut item, is_unreadable, .. } = std::mem::take(&mut self.entry);
        if is_unreadable {
            self.repairs.count(Repair::Unreadable, 1);
            return;
        }
        // Some feeds give every RSS item its date of publication a second time.
        item.updated.take_if(|updated| self.dialect == Dialect::Rss && Some(*updated) == item.published);
        item.published = item.published.and_then(fields::to_milliseconds);
        item.updated = item.updated.and_then(fields::to_milliseconds);
        self.items.push(item);
    }

    /// An end tag.
    pub(super) fn end(&mut self, name: &'a str, raw: &'a str) {
        let is_open_outside = self.stack.iter().any(|open| !open.is_opaque() && open.name.eq_ignore_ascii_case(name));
        if let Some(open) = self.opaque() {
            if open.name.eq_ignore_ascii_case(name) {
                if open.nested == 0 {
                    self.pop();
                } else {
                    open.nested -= 1;
                    self.inner_tag(raw);
                }
                return;
            }
            if !is_open_outside {
                self.inner_tag(raw);
                return;
            }
        }
        if !is_open_outside {
            self.repairs.count(Repair::StrayEndTag, 1);
            return;
        }
        while let Some(open) = self.stack.last() {
            if open.name.eq_ignore_ascii_case(name) {
                self.pop();
                return;
            }
            self.pop_unclosed();
        }
    }

    fn inner_tag(&mut self, raw: &str) {
        if let Some(Open { kind: Kind::Field { writing, .. }, .. }) = self.stack.last_mut() {
            if *writing == Writing::Plain {
                *writing = Writing::Markup;
            }
            entity::push(&mut self.text, raw, &mut self.oddities);
        }
    }

    /// Character data.
    pub(super) fn text(&mut self, raw: &str) {
        match self.stack.last() {
            Some(Open { kind: Kind::Field { writing: Writing::Markup, .. }, .. }) => {
                entity::push(&mut self.text, raw, &mut self.oddities);
            }
            Some(Open { kind: Kind::Field { .. }, .. }) => {
                entity::push_resolved(&mut self.text, raw, &mut self.oddities);
            }
            _ => {}
        }
    }

    /// A CDATA section.
    pub(super) fn cdata(&mut self, data: &str) {
        match self.stack.last() {
            Some(Open { kind: Kind::Field { writing: Writing::Markup, .. }, .. }) => {
                let mut escaped = String::with_capacity(data.len());
                entity::escape(&mut escaped, data);
                entity::push(&mut self.text, &escaped, &mut self.oddities);
            }
            Some(Open { kind: Kind::Field { .. }, .. }) => entity::push(&mut self.text, data, &mut self.oddities),
            _ => {}
        }
    }

    /// The text ends although elements are open.
    pub(super) fn cut(&mut self) {
        self.repairs.count(Repair::Truncated, 1);
        self.is_in_entry = false;
        self.entry = Level::default();
        self.stack.clear();
    }

    fn pop_unclosed(&mut self) {
        self.repairs.count(Repair::MissingEndTag, 1);
        self.pop();
    }

    fn pop(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        self.namespaces.unbind(open.rebound);
        match open.kind {
            Kind::Entry => self.end_entry(),
            Kind::Field { field, rank, writing, href, is_permalink } => {
                let text = std::mem::take(&mut self.text);
                let text = match (writing, href) {
                    (_, Some(href)) => href,
                    (Writing::Base64, _) => decode_base64(&text),
                    _ => text,
                };
                let is_html = matches!(writing, Writing::Html | Writing::Markup);
                self.end_field(field, rank, trimmed(text), is_html, is_permalink, open.base.as_ref());
            }
            Kind::Root | Kind::Channel | Kind::Person | Kind::Skipped => {}
        }
    }

    fn end_field(
        &mut self,
        field: Field,
        rank: u8,
        text: String,
        is_html: bool,
        is_permalink: bool,
        base: Option<&Url>,
    ) {
        if text.is_empty() {
            return;
        }
        let is_in_entry = self.is_in_entry;
        // A feed has one date for us: when it was last changed, else when it was published.
        let (field, rank) = match field {
            Field::Published if !is_in_entry => (Field::Updated, 0),
            Field::Credit if is_in_entry => return self.credit(&text),
            Field::Title | Field::Updated => (field, rank),
            _ if is_in_entry => (field, rank),
            _ => return,
        };
        let level = if is_in_entry { &mut self.entry } else { &mut self.feed };
        if field == Field::Topic && level.item.topics.len() >= TOPICS_MAX {
            return;
        }
        let held = level.ranks.entry(field).or_default();
        if *held > rank {
            return;
        }
        *held = rank;
        let is_address = text.starts_with("http://") || text.starts_with("https://");
        if field == Field::Id && is_permalink && is_address {
            level.fallback = Some(text.clone());
        }
        let base = if field == Field::Link { base.or_else(|| self.base()).cloned() } else { None };
        self.take(field, text, is_html, base.as_ref());
    }

    /// Takes what a field says. A panic costs the entry alone.
    fn take(&mut self, field: Field, text: String, is_html: bool, base: Option<&Url>) {
        let is_rss = self.dialect == Dialect::Rss;
        let level = if self.is_in_entry { &mut self.entry } else { &mut self.feed };
        let bases = [base, self.base.as_ref()];
        level.is_unreadable |= !survives(|| fields::take(&mut level.item, field, text, is_html, is_rss, bases));
    }

    /// Whom an entry credits, each once.
    fn credit(&mut self, name: &str) {
        let credits = &mut self.entry.item.credits;
        if credits.len() < CREDITS_MAX && name.len() <= CREDIT_BYTES_MAX && !credits.iter().any(|known| known == name) {
            credits.push(name.to_owned());
        }
    }
}

/// Whether an address may serve as base: a long one would be copied into every link.
fn is_short(base: &Url) -> bool {
    base.as_str().len() <= ADDRESS_BYTES_MAX
}

/// Whether a start tag shows that the end tag of the element `open` is missing: an entry inside of anything, a field
/// inside of a one-line field, a field whose name is no HTML inside of a body.
fn implies_end(open: &Kind, role: Role, name: &str) -> bool {
    match (open, role) {
        (Kind::Field { field, .. }, Role::Field(..)) if field.is_body() => {
            let fields = ["guid", "pubdate", "description", "encoded", "creator"];
            fields.iter().any(|field| local(name).eq_ignore_ascii_case(field))
        }
        (_, Role::Entry) | (Kind::Field { .. }, Role::Field(..)) => true,
        _ => false,
    }
}

/// Whether `read` ends without a panic.
fn survives(read: impl FnOnce()) -> bool {
    // Safe to unwind through: an entry that it was at work on is left out.
    catch_unwind(AssertUnwindSafe(read)).is_ok()
}

/// Without the white space around it.
fn trimmed(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// Base64 as text; what is none stays as it is.
fn decode_base64(text: &str) -> String {
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned());
    text.chars().filter(|&character| entity::is_permitted(character)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::markup::{Scanner, Token};
    use super::*;

    #[test]
    fn an_entry_that_cannot_be_read_costs_only_itself() {
        assert!(survives(|| ()) && !survives(|| panic!("cannot read that")));
        let mut assembler = None;
        for token in
            Scanner::new("<rss><item><title>1</title></item><item><poison/><title>2</title></item><item/></rss>")
        {
            match (token, &mut assembler) {
                (Token::Start(root), None) => assembler = Some(Assembler::new(root, None, 9)),
                (Token::Start(tag), Some(assembler)) => {
                    assembler.start(tag);
                    assembler.entry.is_unreadable |= tag.name == "poison";
                }
                (Token::End(name, raw), Some(assembler)) => assembler.end(name, raw),
                (Token::Text(text), Some(assembler)) => assembler.text(text),
                _ => {}
            }
        }
        let mut repairs = Repairs::default();
        let feed = assembler.unwrap().finish(&mut repairs);
        assert_eq!((feed.items.len(), repairs.0.get(&Repair::Unreadable)), (2, Some(&1)));
    }
}
