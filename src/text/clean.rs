//! Cleaning: HTML, well formed or not, to lines of plain text with a map back; called by `text::document` and the fingerprint.

use crate::model::{Markup, MarkupFormat, OffsetMap};

/// Bytes of text kept of one piece of markup; what is beyond is dropped.
pub const TEXT_BYTES_MAX: usize = 200_000;
/// Longest character reference looked for, in bytes.
const ENTITY_BYTES_MAX: usize = 34;

/// Elements that begin and end a line.
const BLOCKS: [&str; 43] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "video",
];
/// Elements whose content is not the article's words.
const DROPPED: [&str; 12] = [
    "head", "iframe", "noframes", "noscript", "object", "script", "select", "style", "svg", "template", "textarea",
    "title",
];
/// Elements that part words without ending the line.
const CELLS: [&str; 3] = ["option", "td", "th"];
/// Elements that leave no trace.
const INLINE: [&str; 67] = [
    "a", "abbr", "acronym", "applet", "area", "audio", "b", "base", "basefont", "bdi", "bdo", "big", "button",
    "canvas", "cite", "code", "col", "colgroup", "data", "datalist", "del", "dfn", "em", "embed", "font", "frame", "i",
    "img", "input", "ins", "kbd", "label", "link", "map", "mark", "meta", "meter", "nobr", "optgroup", "output",
    "param", "picture", "progress", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "tbody", "tfoot", "thead", "track", "math", "slot",
];

/// Cleaned text and the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The words, one line per block.
    pub text: String,
    /// From the words to the markup; empty where they are the same.
    pub offsets: OffsetMap,
}

/// The words of `markup`. Plain text is only cut to [`TEXT_BYTES_MAX`], never changed. Of HTML, tags, comments, scripts and
/// invisible characters go, character references are decoded, blocks and `<br>` become line feeds, other white space becomes
/// single spaces, empty lines go. Takes linear time on any input.
pub fn clean(markup: &Markup) -> Cleaned {
    match markup.format {
        MarkupFormat::Text => {
            let end = markup.body.floor_char_boundary(TEXT_BYTES_MAX);
            Cleaned { text: markup.body.get(..end).unwrap_or_default().to_owned(), offsets: OffsetMap::default() }
        }
        MarkupFormat::Html => clean_html(&markup.body),
    }
}

/// Whether a plain text is in truth HTML: it holds an element that only markup has.
pub fn looks_like_html(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let tag = text.get(at + 1..).unwrap_or_default();
        let name = tag_name(tag.strip_prefix('/').unwrap_or(tag));
        let is_closed =
            tag.get(name.len()..).is_some_and(|rest| rest.starts_with(['>', ' ', '/', '\n']) || tag.starts_with('/'));
        is_closed && name.bytes().all(|byte| !byte.is_ascii_uppercase()) && element(name).is_some()
    })
}

fn clean_html(html: &str) -> Cleaned {
    let mut cleaner = Cleaner::new(html, false);
    cleaner.run();
    // Markup without a single block is plain text in disguise: there the line feeds are the lines.
    if !cleaner.has_blocks && html.contains('\n') {
        cleaner = Cleaner::new(html, true);
        cleaner.run();
    }
    cleaner.finish()
}

/// What an element does to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Block,
    Cell,
    Dropped,
    Inline,
}

fn element(name: &str) -> Option<Element> {
    let lower = name.to_ascii_lowercase();
    let name = lower.as_str();
    if BLOCKS.contains(&name) {
        Some(Element::Block)
    } else if CELLS.contains(&name) {
        Some(Element::Cell)
    } else if DROPPED.contains(&name) {
        Some(Element::Dropped)
    } else if INLINE.contains(&name) {
        Some(Element::Inline)
    } else {
        None
    }
}

/// Leading part of `text` that can be an element's name.
fn tag_name(text: &str) -> &str {
    let end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '_'))).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// White space waiting to be written before the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space(usize),
    Line(usize),
}

struct Cleaner<'a> {
    html: &'a str,
    /// Next byte to read.
    at: usize,
    text: String,
    offsets: Vec<(usize, usize)>,
    gap: Gap,
    has_blocks: bool,
    keeps_lines: bool,
    /// Quotes of attributes are honoured until one does not close: from there on a tag ends at the first `>`.
    honours_quotes: bool,
    /// No `>` is left, so no tag ends any more.
    has_no_more_tags: bool,
    /// Dropped elements of which no end tag is left; remembered so that hostile markup is not searched again and again.
    endless: Vec<String>,
}

impl<'a> Cleaner<'a> {
    fn new(html: &'a str, keeps_lines: bool) -> Self {
        Self {
            html,
            at: 0,
            text: String::new(),
            offsets: Vec::new(),
            gap: Gap::None,
            has_blocks: false,
            keeps_lines,
            honours_quotes: true,
            has_no_more_tags: false,
            endless: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(rest) = self.html.get(self.at..) {
            let Some(c) = rest.chars().next() else { break };
            if self.text.len() >= TEXT_BYTES_MAX {
                break;
            }
            match c {
                '<' => self.angle(rest),
                '&' => self.reference(rest),
                ']' if rest.starts_with("]]>") => self.at += 3,
                _ => self.character(c, self.at, c.len_utf8()),
            }
        }
    }

    fn finish(mut self) -> Cleaned {
        let end = self.text.floor_char_boundary(TEXT_BYTES_MAX);
        self.text.truncate(end);
        self.offsets.retain(|&(text, _)| text < end);
        Cleaned { text: self.text, offsets: OffsetMap(self.offsets) }
    }

    /// Writes one character that stands at `markup`, and steps over its `len` bytes there.
    fn character(&mut self, c: char, markup: usize, len: usize) {
        self.at = markup + len;
        match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' if self.keeps_lines => self.line(markup),
            _ if c.is_whitespace() => {
                if self.gap == Gap::None {
                    self.gap = Gap::Space(markup);
                }
            }
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            _ if c.is_control() => {}
            _ => {
                self.fill_gap();
                self.push(c, markup);
            }
        }
    }

    fn fill_gap(&mut self) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.text.is_empty() {
            return;
        }
        match gap {
            Gap::None => {}
            Gap::Space(at) => self.push(' ', at),
            Gap::Line(at) => self.push('\n', at),
        }
    }

    fn push(&mut self, c: char, markup: usize) {
        let expected = self.offsets.last().map_or(self.text.len(), |&(text, from)| from + (self.text.len() - text));
        if expected != markup {
            self.offsets.push((self.text.len(), markup));
        }
        self.text.push(c);
    }

    fn line(&mut self, markup: usize) {
        if !matches!(self.gap, Gap::Line(_)) {
            self.gap = Gap::Line(markup);
        }
    }

    /// A character reference, or a bare ampersand.
    fn reference(&mut self, rest: &str) {
        let start = self.at;
        let name = rest
            .bytes()
            .skip(1)
            .take(ENTITY_BYTES_MAX)
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
        let mut len = 1 + name.count();
        if rest.as_bytes().get(len) == Some(&b';') {
            len += 1;
        }
        let source = rest.get(..len).unwrap_or("&");
        let decoded = htmlize::unescape(source);
        if decoded == source {
            self.character('&', start, 1);
            return;
        }
        for c in decoded.chars() {
            self.character(c, start, len);
        }
        self.at = start + len;
    }

    /// A tag, a comment, or a bare angle bracket.
    fn angle(&mut self, rest: &str) {
        if let Some(comment) = rest.strip_prefix("<!--") {
            self.at += comment.find("-->").map_or(rest.len(), |end| end + "<!---->".len());
        } else if rest.starts_with("<![CDATA[") {
            self.at += "<![CDATA[".len();
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            self.at += rest.find('>').map_or(rest.len(), |end| end + 1);
        } else {
            self.tag(rest);
        }
    }

    fn tag(&mut self, rest: &str) {
        let is_closing = rest.starts_with("</");
        let name = tag_name(rest.get(if is_closing { 2 } else { 1 }..).unwrap_or_default());
        let known = element(name);
        // Wires write stock codes as <TSBA.T> and <SRD>: capitals or a dot that name no element are words.
        let is_word = known.is_none() && name.contains(|c: char| c == '.' || c.is_ascii_uppercase());
        let starts_tag = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let Some(len) = (starts_tag && !is_word).then(|| self.tag_len(rest)).flatten() else {
            self.character('<', self.at, 1);
            return;
        };
        let start = self.at;
        self.at += len;
        match known {
            Some(Element::Block) => {
                self.has_blocks = true;
                self.line(start);
            }
            Some(Element::Cell) if self.gap == Gap::None => self.gap = Gap::Space(start),
            Some(Element::Dropped) if !is_closing => self.skip_element(name),
            _ => {}
        }
    }

    /// Bytes of the tag that `rest` starts with, or nothing where it never ends.
    fn tag_len(&mut self, rest: &str) -> Option<usize> {
        if self.has_no_more_tags {
            return None;
        }
        if self.honours_quotes {
            if let Some(len) = quoted_tag_len(rest) {
                return Some(len);
            }
            self.honours_quotes = false;
        }
        let len = rest.find('>').map(|end| end + 1);
        self.has_no_more_tags = len.is_none();
        len
    }

    /// Steps to the end tag of a dropped element. A script that never ends drops the rest, as in a browser; other
    /// elements do not, because feeds cut their markup anywhere.
    fn skip_element(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if self.endless.contains(&name) {
            return;
        }
        let rest = self.html.get(self.at..).unwrap_or_default();
        let end = rest.match_indices("</").find_map(|(at, _)| {
            let found = rest.get(at + 2..at + 2 + name.len())?;
            found.eq_ignore_ascii_case(&name).then_some(at)
        });
        match end {
            Some(end) => self.at += end,
            None if matches!(name.as_str(), "script" | "style") => self.at = self.html.len(),
            None => self.endless.push(name),
        }
    }
}

/// Bytes up to the `>` that stands outside quoted attribute values.
fn quoted_tag_len(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in rest.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            None if byte == b'>' => return Some(at + 1),
            None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
            Some(_) | None => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(body: &str) -> Cleaned {
        clean(&Markup { format: MarkupFormat::Html, body: body.to_owned() })
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let cleaned = html(body);
        assert_eq!(cleaned.text, expected);
        for (at, c) in cleaned.text.char_indices() {
            let from = cleaned.offsets.to_markup(at);
            let found = body.get(from..).and_then(|rest| rest.chars().next());
            let fits = found == Some(c) || found == Some('&') || c.is_whitespace();
            assert!(fits, "{c:?} at {at} maps to {found:?} at {from} of {body:?}");
        }
    }

    #[test]
    fn blocks_become_lines() {
        check("<p>One  two</p>\n\n<p>Three<br/>four</p>", "One two\nThree\nfour");
        check("<div><div> <b>A</b>b </div></div> c", "Ab\nc");
        check("<table><tr><td>1</td><td>2</td></tr></table>", "1 2");
        check("plain\nlines &amp; all", "plain\nlines & all");
        check("<p>wrapped\nsource</p>", "wrapped source");
    }

    #[test]
    fn what_is_not_text_goes() {
        check("a<!-- <p>x</p> -->b<script>if (a < b) { '</p>' }</script>c", "abc");
        check("<head><title>t</title><style>p{}</style></head><body>x</body>", "x");
        check("<a href='x>y'>link</a> <img alt=\"a > b\" src=x>!", "link !");
        check("bar\u{ad}red\u{200b}", "barred");
        check("<![CDATA[x <i>y</i>]]> z", "x y z");
    }

    #[test]
    fn references_are_decoded() {
        check(
            "&ldquo;No&rdquo;&nbsp;&#8212; A&amp;B &amp;lt; R&D &bogus; &#0;",
            "“No” — A&B &lt; R&D &bogus; \u{fffd}",
        );
    }

    #[test]
    fn angle_brackets_of_the_wire_stay() {
        check("<p>Toshiba <TSBA.T> fell 5 < 6, Standard <SRD></p>", "Toshiba <TSBA.T> fell 5 < 6, Standard <SRD>");
    }

    #[test]
    fn broken_markup_still_reads() {
        check("<p>a <a href=\"x>b</a> c", "a b c");
        check("tail <p", "tail <p");
        check("x <script>never ends", "x");
        check("<head>no end <p>words", "no end\nwords");
    }

    #[test]
    fn plain_text_is_only_cut() {
        let body = "é".repeat(TEXT_BYTES_MAX);
        let cut = clean(&Markup { format: MarkupFormat::Text, body: body.clone() });
        assert!(cut.offsets.0.is_empty() && cut.text.len() <= TEXT_BYTES_MAX && body.starts_with(&cut.text));
        assert!(html(&body).text.len() <= TEXT_BYTES_MAX);
    }

    #[test]
    fn markup_is_told_from_text() {
        assert!(looks_like_html("<p>One</p>"));
        assert!(looks_like_html("one<br>two"));
        assert!(!looks_like_html("Toshiba <TSBA.T> and <S> fell, 5 < a"));
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        for piece in ["<a '", "<a b='", "<!--", "</", "<script", "<head>", "&amp", "<svg>", "<![CDATA[", "<"] {
            let cleaned = html(&piece.repeat(200_000));
            assert!(cleaned.text.len() <= TEXT_BYTES_MAX, "{piece}");
        }
    }

    proptest! {
        #[test]
        fn offsets_are_sound(body in "(<p>|</p>|<b>|&amp;|&#233;|[ \\na-cé<>'\"=]){0,40}") {
            let cleaned = html(&body);
            prop_assert!(cleaned.offsets.0.windows(2).all(|pair| pair[0].0 < pair[1].0));
            for (at, _) in cleaned.text.char_indices() {
                prop_assert!(body.is_char_boundary(cleaned.offsets.to_markup(at)));
            }
        }
    }
}
