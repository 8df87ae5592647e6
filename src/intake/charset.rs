//! Turns a feed's bytes into text: finds the encoding that they are really in, whatever the labels say.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr_iter;

/// How far into a document its XML declaration is looked for.
const DECLARATION_BYTES_MAX: usize = 1024;
/// A text with this many valid multi-byte characters for each broken sequence is UTF-8 with a few broken places.
const VALID_PER_BROKEN_MIN: usize = 4;

/// Text, and whether it took more than reading valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    /// The text, without byte order mark.
    pub(super) text: Cow<'a, str>,
    /// It was in another encoding, or had broken places.
    pub(super) is_converted: bool,
}

/// Decodes `bytes`. Byte order marks and UTF-16/32 patterns come first; valid UTF-8 wins over any label, since labels
/// are wrong more often than chance makes valid UTF-8; then the HTTP label, the XML declaration and a guess.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    let converted = |text: String| Decoded { text: text.into(), is_converted: true };
    if let Some(text) = decode_wide(bytes) {
        return converted(text);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let labels = [content_type.and_then(charset_of), declared(bytes)];
    let labelled: Vec<&'static Encoding> = labels.into_iter().flatten().collect();
    // The one encoding on the web whose bytes are all ASCII, and so valid UTF-8; its shifts start with ESC.
    let is_shifted = labelled.contains(&ISO_2022_JP) && bytes.contains(&0x1b);
    if let Ok(text) = std::str::from_utf8(bytes)
        && !is_shifted
    {
        return undo_double(text).map_or(Decoded { text: text.into(), is_converted: false }, converted);
    }
    converted(if !is_shifted && is_mostly_utf8(bytes) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        labelled.into_iter().find_map(|encoding| decode_strictly(encoding, bytes)).unwrap_or_else(|| guess(bytes))
    })
}

/// UTF-16 and UTF-32, by their byte order mark or by where the zero bytes of the first characters stand.
fn decode_wide(bytes: &[u8]) -> Option<String> {
    let utf_32 = |unit: fn([u8; 4]) -> u32| {
        let (units, rest) = bytes.as_chunks::<4>();
        let text = units.iter().map(|&bytes| char::from_u32(unit(bytes)).unwrap_or(char::REPLACEMENT_CHARACTER));
        let cut = (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        Some(text.chain(cut).filter(|&character| character != '\u{feff}').collect())
    };
    let utf_16 = |encoding: &'static Encoding| Some(encoding.decode_with_bom_removal(bytes).0.into_owned());
    match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] => utf_32(u32::from_be_bytes),
        [0xff, 0xfe, 0, 0, ..] | [b'<', 0, 0, 0, ..] => utf_32(u32::from_le_bytes),
        [0xfe, 0xff, ..] | [0, b'<', 0, _, ..] => utf_16(UTF_16BE),
        [0xff, 0xfe, ..] | [b'<', 0, _, 0, ..] => utf_16(UTF_16LE),
        _ => None,
    }
}

/// The encoding that a label names. UTF-8 is left out as it has been tried, UTF-16 because these bytes have no zeros.
fn by_label(label: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label.trim().as_bytes())?;
    let is_useless = [UTF_8, UTF_16BE, UTF_16LE, REPLACEMENT].contains(&encoding);
    (!is_useless).then_some(encoding)
}

/// The encoding in a `Content-Type`.
fn charset_of(content_type: &str) -> Option<&'static Encoding> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    by_label(parameter.trim().trim_matches(['"', '\'']))
}

/// The encoding in the XML declaration.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head: String = bytes.iter().take(DECLARATION_BYTES_MAX).map(|&byte| char::from(byte)).collect();
    let (_, declaration) = head.split_once("<?xml")?;
    let (declaration, _) = declaration.split_once('>')?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    by_label(value.split(quote).nth(1)?)
}

fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // A text cut inside of its last character is not broken there.
    if valid > 0 && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none()) {
        broken -= 1;
    }
    valid >= broken * VALID_PER_BROKEN_MIN
}

/// Text that was UTF-8, taken for windows-1252 and encoded again ("â€œnoâ€\u{9d}"), as it was meant; nothing where it does not look so. Only
/// runs are changed that read as UTF-8 a second time, and only where most runs with the tell-tale letters do.
fn undo_double(text: &str) -> Option<String> {
    // The tell-tale letters are all of one first byte.
    let bytes = text.as_bytes();
    if !memchr_iter(0xc3, bytes).any(|at| matches!(bytes.get(at + 1), Some(0x83 | 0x82 | 0xa2))) {
        return None;
    }
    let mut fixed = String::with_capacity(text.len());
    let (mut doubled, mut other) = (0_u32, 0_u32);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_ascii()) {
        let (before, behind) = rest.split_at(start);
        let (run, after) = behind.split_at(behind.find(|c: char| c.is_ascii()).unwrap_or(behind.len()));
        fixed.push_str(before);
        if let Some(meant) = read_again(run) {
            doubled += 1;
            fixed.push_str(&meant);
        } else {
            other += u32::from(run.contains(['Ã', 'Â', 'â']));
            fixed.push_str(run);
        }
        rest = after;
    }
    fixed.push_str(rest);
    (doubled > other).then_some(fixed)
}

/// What a run of letters that are no ASCII is as the bytes of windows-1252, if that is UTF-8 of printable characters.
fn read_again(run: &str) -> Option<String> {
    if !run.starts_with(['Ã', 'Â', 'â', 'Å', 'Ä', 'Ð', 'Ñ', 'ð', 'Î', 'Ï']) {
        return None;
    }
    let (bytes, _, has_others) = WINDOWS_1252.encode(run);
    let meant = std::str::from_utf8(&bytes).ok().filter(|_| !has_others)?;
    (!meant.chars().any(char::is_control)).then(|| meant.to_owned())
}

fn decode_strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

fn guess(bytes: &[u8]) -> String {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny).decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str, is_converted: bool) {
        assert_eq!(decode(bytes, content_type), Decoded { text: expected.into(), is_converted });
    }

    fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn valid_utf8_wins_over_labels() {
        check("<a>café</a>".as_bytes(), Some("text/xml; charset=iso-8859-1"), "<a>café</a>", false);
        check("\u{feff}<a>é</a>".as_bytes(), None, "<a>é</a>", false);
        let declared = "<?xml version='1.0' encoding='UTF-16'?><a>é</a>";
        check(declared.as_bytes(), None, declared, false);
    }

    #[test]
    fn utf8_encoded_twice_is_read_as_it_was_meant() {
        let meant = "<a>“no” – café, naïve, 10 €, Ñandú</a>";
        let twice: String = WINDOWS_1252.decode_without_bom_handling(meant.as_bytes()).0.into_owned();
        check(twice.as_bytes(), None, meant, true);
        for right in ["<a>NÃO É INFORMAÇÃO</a>", "<a>âge, château, Ângela «â»</a>", "<a>Ã</a>", "<a>“no” Â</a>"]
        {
            check(right.as_bytes(), None, right, false);
        }
    }

    #[test]
    fn wide_encodings_are_seen_without_labels() {
        let text = "<a>é – 😀</a>";
        check(&utf_16(text, u16::to_le_bytes), None, text, true);
        check(&utf_16(text, u16::to_be_bytes), None, text, true);
        check(&utf_16(&format!("\u{feff}{text}"), u16::to_be_bytes), None, text, true);
        let utf_32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        check(&utf_32, None, text, true);
        check(&[b'<', 0, 0, 0, b'a'], None, "<\u{fffd}", true);
    }

    #[test]
    fn labels_count_where_utf8_fails() {
        check(b"<a>caf\xe9</a>", Some("text/xml; charset=\"windows-1252\""), "<a>café</a>", true);
        let bytes = b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>\xcc\xee</a>";
        check(bytes, None, "<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>Мо</a>", true);
        check(b"<a>\x1b$B4A\x1b(B</a>", Some("text/xml;charset=iso-2022-jp"), "<a>漢</a>", true);
    }

    #[test]
    fn unlabelled_bytes_are_guessed() {
        let text = b"<a>The envoy\x92s \x93mere assertions\x94 \x96 caf\xe9</a>";
        check(text, None, "<a>The envoy’s “mere assertions” – café</a>", true);
        check(text, Some("text/xml; charset=utf-8"), "<a>The envoy’s “mere assertions” – café</a>", true);
    }

    #[test]
    fn one_broken_byte_costs_one_character() {
        check(b"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 \xff.", None, "éééé \u{fffd}.", true);
    }

    #[test]
    fn a_cut_character_makes_no_other_encoding() {
        check(b"\xc3\xa9 \xe2\x80", None, "é \u{fffd}", true);
    }
}
