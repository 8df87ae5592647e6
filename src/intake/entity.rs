//! Character references: what a text with entities says, and how a text is written so that XML can hold it.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// Longest reference that is looked at, from `&` to `;`; the longest name in HTML has 33 characters.
const REFERENCE_BYTES_MAX: usize = 40;

/// Entities read of a document type declaration, bytes of the value of each, and bytes that a document may grow by them.
const DECLARED_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 1 << 10;
const GROWTH_BYTES_MAX: usize = 1 << 20;
/// How far into a document its declaration is looked for, and bytes of it that are read.
const DECLARATION_BYTES_MAX: usize = 16 << 10;

/// A document with the entities put in that it declares itself; nothing where it declares none that it uses. Only plain values count: one that
/// is made of others, or of tags, is a bomb more often than a text.
pub(super) fn declared(document: &str) -> Option<String> {
    let head = document.get(..document.floor_char_boundary(DECLARATION_BYTES_MAX))?;
    let (before, declaration) = head.split_at_checked(memmem::find(head.as_bytes(), b"<!DOCTYPE")?)?;
    if before.contains("<rss") {
        return None;
    }
    let (inner, _) = declaration.split_once('[')?.1.split_once("]>")?;
    let mut entities: Vec<(String, &str)> = Vec::new();
    for declaration in inner.split("<!ENTITY").skip(1).take(DECLARED_MAX) {
        let Some((name, value)) = declaration.trim_start().split_once(char::is_whitespace) else { continue };
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { continue };
        let Some(value) = value.split(quote).nth(1).filter(|value| value.len() <= VALUE_BYTES_MAX) else { continue };
        let is_plain = !value.contains(['&', '<', '%']) && name.chars().all(char::is_alphanumeric);
        if is_plain && document.contains(&format!("&{name};")) {
            entities.push((format!("&{name};"), value));
        }
    }
    if entities.is_empty() {
        return None;
    }
    let start = before.len() + head.get(before.len()..)?.find("]>")?;
    let (declaration, mut rest) = document.split_at(start);
    let mut text = declaration.to_owned();
    while let Some(at) = rest.find('&') {
        let (plain, reference) = rest.split_at(at);
        text.push_str(plain);
        let used = entities.iter().find(|(name, _)| reference.starts_with(name.as_str()));
        let (name, value) = used.map_or(("&", "&"), |(name, value)| (name.as_str(), *value));
        text.push_str(value);
        rest = reference.get(name.len()..).unwrap_or_default();
        if text.len() > document.len() + GROWTH_BYTES_MAX {
            return None;
        }
    }
    text.push_str(rest);
    Some(text)
}

/// Whether XML 1.0 can hold the character.
pub(super) fn is_permitted(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}'
        | '\u{86}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

/// What decoding had to put up with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// Names that only HTML knows, and bare ampersands.
    pub(super) entities: u32,
    /// Characters that XML cannot hold.
    pub(super) controls: u32,
}

/// Resolves numeric references and all of HTML's names, if they end in `;`. Anything else stays as it stands: in a feed
/// `&copy=1` is a part of an address more often than a sign.
pub(super) fn resolve(raw: &str, oddities: &mut Oddities) -> String {
    let mut text = String::with_capacity(raw.len());
    push_resolved(&mut text, raw, oddities);
    text
}

/// Appends what [`resolve`] makes of `raw`.
pub(super) fn push_resolved(to: &mut String, raw: &str, oddities: &mut Oddities) {
    let mut rest = raw;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        let (before, reference) = rest.split_at(at);
        push(to, before, oddities);
        let name = reference.bytes().skip(1).take(REFERENCE_BYTES_MAX);
        let end = name.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count() + 1;
        let length = if reference.as_bytes().get(end) == Some(&b';') { end + 1 } else { 1 };
        let (reference, after) = reference.split_at(length);
        rest = after;
        if let Some(sign) = known_to_xml(reference) {
            to.push(sign);
            continue;
        }
        match htmlize::unescape(reference) {
            Cow::Owned(resolved) if reference.len() > 1 && !resolved.ends_with(';') => {
                oddities.entities += u32::from(!reference.starts_with("&#"));
                push(to, &resolved, oddities);
            }
            _ => {
                oddities.entities += 1;
                push(to, reference, oddities);
            }
        }
    }
    push(to, rest, oddities);
}

fn known_to_xml(reference: &str) -> Option<char> {
    match reference {
        "&amp;" => Some('&'),
        "&lt;" => Some('<'),
        "&gt;" => Some('>'),
        "&quot;" => Some('"'),
        "&apos;" => Some('\''),
        _ => None,
    }
}

/// Appends what XML can hold of `text`.
pub(super) fn push(to: &mut String, text: &str, oddities: &mut Oddities) {
    if !may_hold_controls(text) {
        to.push_str(text);
        return;
    }
    for (place, piece) in text.split(|character| !is_permitted(character)).enumerate() {
        oddities.controls += u32::from(place > 0);
        to.push_str(piece);
    }
}

/// Whether a text can hold a character that is not permitted. Few do; without an exit on the way many bytes are looked at at once.
fn may_hold_controls(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_low = |byte: u8| byte == 0x7f || byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r';
    // The first two bytes of U+0080 to U+009F but U+0085, and of U+FDC0 to U+FDFF and U+FFC0 to U+FFFF.
    let is_high = |first: u8, second: u8| {
        first == 0xc2 && second < 0xa0 && second != 0x85 || first == 0xef && (second == 0xb7 || second == 0xbf)
    };
    let seconds = bytes.iter().skip(1);
    bytes.iter().fold(false, |found, &byte| found | is_low(byte))
        || !text.is_ascii() && bytes.iter().zip(seconds).fold(false, |found, (&one, &two)| found | is_high(one, two))
}

/// Appends `text` so that it reads back as itself in character data and in quoted attribute values.
pub(super) fn escape(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            // Unescaped, a parser would read it as a line feed.
            '\r' => to.push_str("&#13;"),
            _ => to.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str, entities: u32, controls: u32) {
        let mut oddities = Oddities::default();
        assert_eq!(resolve(raw, &mut oddities), expected, "{raw}");
        assert_eq!(oddities, Oddities { entities, controls }, "{raw}");
        let mut escaped = String::new();
        escape(&mut escaped, expected);
        assert_eq!(resolve(&escaped, &mut Oddities::default()), expected);
    }

    #[test]
    fn references_are_resolved_once() {
        check("a &amp; b &lt;i&gt; &#8217; &#x201C;", "a & b <i> ’ “", 0, 0);
        check("&ldquo;no&rdquo;&nbsp;&mdash; &alpha;&oelig;", "“no”\u{a0}— αœ", 6, 0);
        check("&amp;#8217; &amp;amp;", "&#8217; &amp;", 0, 0);
        check("&#146;", "’", 0, 0);
    }

    #[test]
    fn entities_of_the_document_itself_are_put_in_once_and_within_a_bound() {
        let document = |entities: &str, text: &str| format!("<!DOCTYPE rss [{entities}]><rss>{text}</rss>");
        let one = "<!ENTITY co 'ACME & sons'><!ENTITY id \"tag:a.example,\"><!ENTITY % p 'x'><!ENTITY sys SYSTEM 'file:///x'>";
        assert_eq!(
            declared(&document(one, "&id;1 &co; &amp; &p; &sys;")),
            Some(document(one, "tag:a.example,1 &co; &amp; &p; &sys;"))
        );
        assert_eq!(declared(&document(one, "&amp;")), None);
        assert_eq!(declared(&document("<!ENTITY b '&id;&id;'>", "&b;")), None);
        assert_eq!(declared("<rss>&id;</rss>"), None);
        let long = format!("<!ENTITY a '{}'>", "x".repeat(VALUE_BYTES_MAX));
        assert_eq!(declared(&document(&long, &"&a;".repeat(2_000))), None, "it would grow too much");
    }

    #[test]
    fn bare_ampersands_stay() {
        check("AT&T & R&D;", "AT&T & R&D;", 3, 0);
        check("http://a.example/?a=1&copy=2&lt=3", "http://a.example/?a=1&copy=2&lt=3", 2, 0);
        check("&unknown; &", "&unknown; &", 2, 0);
        check(&format!("&{};", "x".repeat(99)), &format!("&{};", "x".repeat(99)), 1, 0);
    }

    #[test]
    fn every_character_is_kept_or_dropped_as_it_is_permitted() {
        for character in (0..=0x1_ffff).filter_map(char::from_u32) {
            let (mut text, mut oddities) = (String::new(), Oddities::default());
            push(&mut text, &format!("é{character}x"), &mut oddities);
            let is_kept = text.chars().count() == 3;
            assert_eq!((is_kept, oddities.controls == 0), (is_permitted(character), is_kept), "{character:?}");
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_dropped() {
        check("A\u{b}B\0 &#11;&#0;C", "AB \u{fffd}C", 0, 3);
        check("a\tb\nc", "a\tb\nc", 0, 0);
    }
}
