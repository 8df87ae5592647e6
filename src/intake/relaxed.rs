//! What is nearly JSON in, JSON out, as far as one pass over the characters can put it right; called by `json` where a parser gave up.

/// Rewrites `text`: control characters in strings become escapes, escapes that JSON does not know become the characters, commas before
/// a closing bracket go, and so do comments. Nothing is closed that the text leaves open: what is cut stays cut.
pub(super) fn rewrite(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    // A comma is written once it is known that something follows.
    let mut comma = false;
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                write_comma(&mut out, &mut comma);
                out.push('"');
                string(&mut rest, &mut out);
            }
            ',' => comma = true,
            '}' | ']' => {
                comma = false;
                out.push(character);
            }
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|&next| next != '\n').is_some() {},
            '/' if rest.peek() == Some(&'*') => {
                let mut last = ' ';
                for next in rest.by_ref().skip(1) {
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
            }
            _ if character.is_whitespace() || character.is_control() => out.push(' '),
            _ => {
                write_comma(&mut out, &mut comma);
                out.push(character);
            }
        }
    }
    out
}

fn write_comma(out: &mut String, comma: &mut bool) {
    if std::mem::take(comma) {
        out.push(',');
    }
}

/// A string from behind its first quotation mark to its last.
fn string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                out.push('"');
                return;
            }
            '\\' => match rest.next() {
                Some(escaped @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => out.extend(['\\', escaped]),
                Some('u') => unicode(rest, out),
                // A line that goes on in the next.
                Some('\n') | None => {}
                Some(other) => push(other, out),
            },
            other => push(other, out),
        }
    }
}

/// `\uXXXX`, if four digits follow; half a pair of surrogates is no character.
fn unicode(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut unit = || -> Option<(String, u16)> {
        let mut digits = String::new();
        while digits.len() < 4 {
            digits.push(rest.next_if(char::is_ascii_hexdigit)?);
        }
        let value = u16::from_str_radix(&digits, 16).ok()?;
        Some((digits, value))
    };
    match unit() {
        Some((digits, 0xd800..=0xdbff)) => {
            let mut after = rest.clone();
            let is_pair = after.next() == Some('\\') && after.next() == Some('u');
            let low: String = after.take(4).collect();
            let is_low = u16::from_str_radix(&low, 16).is_ok_and(|low| (0xdc00..0xe000).contains(&low));
            if is_pair && is_low {
                out.push_str("\\u");
                out.push_str(&digits);
                out.push_str("\\u");
                out.push_str(&low);
                rest.nth(5);
            } else {
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Some((_, 0xdc00..=0xdfff)) | None => out.push(char::REPLACEMENT_CHARACTER),
        Some((digits, _)) => {
            out.push_str("\\u");
            out.push_str(&digits);
        }
    }
}

fn push(character: char, out: &mut String) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '"' => out.push_str("\\\""),
        _ if character.is_control() => {}
        _ => out.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(rewrite(text), expected, "{text}");
    }

    #[test]
    fn what_is_wrong_is_put_right_and_the_rest_stays() {
        let right = r#"{"a": [1, 2.5e3, "b\n\u00e9\ud83d\ude00\"", null], "c": {}}"#;
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&rewrite(right)), read(right));
        check("[1,]", "[1]");
        check("{\"a\":1,\n}", "{\"a\":1 }");
        check("[\"a\nb\tc\u{1}\"]", "[\"a\\nb\\tcd\"]".replace('d', "").as_str());
        check(r#"["it\'s \x"]"#, r#"["it's x"]"#);
        check(r#"["\ud83d!","\u00z"]"#, "[\"\u{fffd}!\",\"\u{fffd}z\"]");
        check("[1, // one\n2 /* two */]", "[1, 2 ]".replace(", 2", ",  2").replace(",  ", "  ,").as_str());
    }

    #[test]
    fn what_is_cut_stays_cut() {
        check("{\"a\":\"b", "{\"a\":\"b");
        check("[{\"a\":1},", "[{\"a\":1}");
    }
}
