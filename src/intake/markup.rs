//! A tolerant scanner: cuts any text into tags and character data, never fails, never looks at a byte more than a few times.

use memchr::{memchr, memchr_iter, memchr2, memmem, memrchr};

/// How much of a document type declaration is searched for its end.
const DOCTYPE_CHARACTERS_MAX: usize = 16 << 10;

/// A piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Character data, references not resolved.
    Text(&'a str),
    /// What stands in a CDATA section.
    Cdata(&'a str),
    /// A start tag.
    Start(Tag<'a>),
    /// The name in an end tag, and the tag as it stands.
    End(&'a str, &'a str),
    /// A document type declaration, from its name on.
    Doctype(&'a str),
    /// A comment, a processing instruction or an XML declaration.
    Aside,
}

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Its name with prefix.
    pub(super) name: &'a str,
    /// What stands between name and end.
    pub(super) rest: &'a str,
    /// It ends itself.
    pub(super) is_empty: bool,
    /// The tag as it stands.
    pub(super) raw: &'a str,
}

impl<'a> Tag<'a> {
    /// Its attributes with their raw values; broken ones are left out.
    pub(super) fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            loop {
                rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
                    if name.is_empty() && after.is_empty() {
                        return None;
                    }
                    rest = after;
                    continue;
                };
                let (value, after) = match value.chars().next() {
                    Some(quote @ ('"' | '\'')) => {
                        let value = value.get(1..).unwrap_or_default();
                        value.split_once(quote).unwrap_or((value, ""))
                    }
                    _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
                };
                rest = after;
                if !name.is_empty() {
                    return Some((name, value));
                }
            }
        })
    }

    /// The raw value of the attribute `name`, prefix and case disregarded.
    pub(super) fn attribute(self, name: &str) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.attributes().find(|(key, _)| local(key).eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Iterates over the tokens of a text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
    // Where the last ends stand, counted from the text's own end: a text of a million unclosed tags or comments would
    // otherwise be searched to its end a million times. That of comments is looked for at the first of them.
    after_last_tag_end: usize,
    after_last_comment_end: Option<usize>,
    /// Where the next end of a CDATA section stands, counted likewise; zero where none is left.
    from_cdata_end: usize,
    has_doctype: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            after_last_tag_end: memrchr(b'>', text.as_bytes()).map_or(usize::MAX, |at| text.len() - at),
            after_last_comment_end: None,
            from_cdata_end: usize::MAX,
            has_doctype: false,
        }
    }

    /// Takes `length` bytes; all of the rest where that is no boundary.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes what stands between `open`, which the rest begins with, and `close`.
    fn enclosed(&mut self, open: &str, close: &str) -> Option<&'a str> {
        let inside = self.rest.strip_prefix(open)?;
        let end = memmem::find(inside.as_bytes(), close.as_bytes())?;
        self.rest = inside.get(end + close.len()..)?;
        inside.get(..end)
    }

    fn text(&mut self) -> Token<'a> {
        // The first character is text whatever it is: it was tried as markup before.
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let after = self.rest.get(first..).unwrap_or_default();
        let length = memchr(b'<', after.as_bytes()).map_or(self.rest.len(), |at| at + first);
        Token::Text(self.take(length))
    }

    fn comment(&mut self) -> Token<'a> {
        let rest = self.rest;
        let after_last = self.after_last_comment_end.get_or_insert_with(|| {
            let mut ends = memchr_iter(b'>', rest.as_bytes()).rev();
            let last = ends.find(|&end| rest.get(..end).is_some_and(|before| before.ends_with("--")));
            last.map_or(usize::MAX, |end| rest.len() + "--".len() - end)
        });
        if rest.len() < *after_last || self.enclosed("<!--", "-->").is_none() {
            self.take("<!--".len());
        }
        Token::Aside
    }

    fn cdata(&mut self) -> Option<Token<'a>> {
        const OPEN: &str = "<![CDATA[";
        let inside = self.rest.get(OPEN.len()..)?;
        if self.from_cdata_end > inside.len() {
            self.from_cdata_end = cdata_end(inside).map_or(0, |at| inside.len() - at);
        }
        let data = inside.get(..inside.len() - self.from_cdata_end)?;
        // An end after the next section's start belongs to that one: this one was never closed.
        if self.from_cdata_end == 0 || memmem::find(data.as_bytes(), OPEN.as_bytes()).is_some() {
            self.take(OPEN.len());
            return Some(Token::Aside);
        }
        self.take(OPEN.len() + data.len() + "]]>".len());
        Some(Token::Cdata(data))
    }

    fn doctype(&mut self) -> Option<Token<'a>> {
        let mut depth = 0_usize;
        let mut quote = None;
        // A document has one; what else calls itself so is not worth a search.
        let searched = if self.has_doctype { 0 } else { DOCTYPE_CHARACTERS_MAX };
        self.has_doctype = true;
        let end = self.rest.char_indices().take(searched).find_map(|(at, character)| {
            match (quote, character) {
                (Some(open), _) => quote = (open != character).then_some(open),
                (None, '"' | '\'') => quote = Some(character),
                (None, '[') => depth += 1,
                (None, ']') => depth = depth.saturating_sub(1),
                (None, '>') if depth == 0 => return Some(at),
                (None, _) => {}
            }
            None
        });
        // One that never ends is cut at its first bracket, as an HTML parser does.
        let end = end.or_else(|| self.rest.find('>'))?;
        let declaration = self.take(end);
        self.take(1);
        Some(Token::Doctype(declaration.get("<!doctype".len()..).unwrap_or_default().trim()))
    }

    fn end_tag(&mut self) -> Option<Token<'a>> {
        let end = memchr2(b'>', b'<', self.rest.as_bytes().get(1..)?)? + 1;
        let is_closed = self.rest.as_bytes().get(end) == Some(&b'>');
        let raw = self.take(end + usize::from(is_closed));
        let name = raw.strip_prefix("</").unwrap_or(raw).trim_end_matches('>').trim();
        Some(Token::End(name, raw))
    }

    /// A start tag: to the first `>` outside quotes. A `<` inside quotes is no XML, so the quote was left open there.
    fn start_tag(&mut self) -> Option<Token<'a>> {
        let end = self.start_tag_end().or_else(|| {
            let end = memchr2(b'>', b'<', self.rest.as_bytes().get(1..)?)? + 1;
            (self.rest.as_bytes().get(end) == Some(&b'>')).then_some(end)
        })?;
        let raw = self.take(end + 1);
        let inside = raw.trim_start_matches('<').trim_end_matches('>');
        let is_empty = inside.ends_with('/');
        let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        let (name, rest) = inside.split_at(name_end);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        Some(Token::Start(Tag { name, rest, is_empty, raw }))
    }
}

impl Scanner<'_> {
    fn start_tag_end(&self) -> Option<usize> {
        // Most have no attributes.
        let signs = self.rest.bytes().enumerate().skip(1).find(|(_, byte)| matches!(byte, b'>' | b'<' | b'"' | b'\''));
        if let Some((at, b'>')) = signs {
            return Some(at);
        }
        let mut quote = None;
        let mut after_equals = false;
        for (at, character) in self.rest.char_indices().skip(1) {
            match (quote, character) {
                (_, '<') => return None,
                (Some(open), _) => quote = (open != character).then_some(open),
                (None, '"' | '\'') if after_equals => quote = Some(character),
                (None, '>') => return Some(at),
                (None, _) => {}
            }
            after_equals = character == '=' || (after_equals && character.is_whitespace());
        }
        None
    }
}

/// Where the first end of a CDATA section begins.
fn cdata_end(text: &str) -> Option<usize> {
    memchr_iter(b']', text.as_bytes()).find(|&at| text.get(at..).is_some_and(|rest| rest.starts_with("]]>")))
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let mut characters = self.rest.chars();
        if characters.next()? != '<' {
            return Some(self.text());
        }
        if self.rest.len() < self.after_last_tag_end {
            return Some(Token::Text(self.take(self.rest.len())));
        }
        let markup = match characters.next() {
            Some('!') if self.rest.starts_with("<!--") => Some(self.comment()),
            Some('!') if self.rest.starts_with("<![CDATA[") => self.cdata(),
            Some('!') if self.rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!doctype")) => {
                self.doctype()
            }
            Some('?') => self.enclosed("<?", ">").map(|_| Token::Aside),
            Some('/') => self.end_tag(),
            Some(character) if character.is_alphabetic() || character == '_' => self.start_tag(),
            _ => None,
        };
        Some(markup.unwrap_or_else(|| self.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let tokens: Vec<String> = Scanner::new(text)
            .map(|token| match token {
                Token::Text(text) => format!("{text:?}"),
                Token::Cdata(text) => format!("cdata {text:?}"),
                Token::Start(tag) => {
                    let attributes: Vec<String> =
                        tag.attributes().map(|(key, value)| format!(" {key}={value}")).collect();
                    format!("+{}{}{}", tag.name, attributes.concat(), if tag.is_empty { " /" } else { "" })
                }
                Token::End(name, _) => format!("-{name}"),
                Token::Doctype(text) => format!("doctype {text}"),
                Token::Aside => "aside".to_owned(),
            })
            .collect();
        assert_eq!(tokens.join("|"), expected, "{text}");
    }

    #[test]
    fn clean_markup_is_cut_at_its_tags() {
        check("<?xml version='1.0'?><a b=\"1\" c='>' d>x &amp; y</a><br/>", "aside|+a b=1 c=>|\"x &amp; y\"|-a|+br /");
        check("<!-- <a> --><![CDATA[<b>]]>", "aside|cdata \"<b>\"");
        check("<!DOCTYPE rss [<!ENTITY x \"]>\">]><rss>", "doctype rss [<!ENTITY x \"]>\">]|+rss");
        check("<link href=http://a.example/x?y=1 />", "+link href=http://a.example/x?y=1 /");
    }

    #[test]
    fn broken_markup_is_text_or_ends_early() {
        check("a < b <3 <", "\"a \"|\"< b <3 <\"");
        check("<a href=\"x>y</a>", "+a href=x|\"y\"|-a");
        check("<title>x</title<link>", "+title|\"x\"|-title|+link");
        check("<ite", "\"<ite\"");
        check("</ite", "\"</ite\"");
        check("<![CDATA[cut <b>", "aside|\"cut \"|+b");
        check("<![CDATA[open</a><a><![CDATA[x]]>", "aside|\"open\"|-a|+a|cdata \"x\"");
        check("<!-- never <a>", "aside|\" never \"|+a");
    }

    #[test]
    fn unclosed_things_by_the_million_cost_linear_time() {
        for piece in
            ["< ", "<![CDATA[]", "<!DOCTYPE [>", "<!--", "<![CDATA[", "<?", "<a ", "</", "<a b=\"", "<!DOCTYPE [\""]
        {
            // With an end in reach only of the last one, each might be searched to the far end of the text.
            for text in [piece.repeat(200_000), piece.repeat(200_000) + "--> ]]> ?> \"]>"] {
                assert!(Scanner::new(&text).count() <= text.len(), "{piece}");
            }
        }
    }
}
