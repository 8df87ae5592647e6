//! The text of a date before its words are read: signs of other scripts in, the ones that `date` reads out.

/// The same in ASCII digits and signs, and with the marks of East Asian dates as signs: "2024年10月31日 8時1分" as "2024-10-31 8:1".
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.trim().chars() {
        let after_digit = plain.trim_end().ends_with(|c: char| c.is_ascii_digit());
        let mark = match character {
            '年' | '년' | '月' | '월' if after_digit => Some('-'),
            '日' | '일' | '秒' | '초' if after_digit => Some(' '),
            '時' | '时' | '点' | '點' | '시' | '分' | '분' if after_digit => Some(':'),
            _ => None,
        };
        if let Some(mark) = mark {
            plain.truncate(plain.trim_end().len());
            plain.push(mark);
            continue;
        }
        match character {
            '٠'..='٩' | '۰'..='۹' | '０'..='９' => plain.extend(digit_of(character)),
            '،' | '、' | '，' | '·' | '|' | '@' | '\u{a0}' | '\u{202f}' | '\u{2009}' => plain.push(' '),
            '（' => plain.push('('),
            '）' => plain.push(')'),
            '：' => plain.push(':'),
            '−' | '–' | '—' | '‐' | '‑' => plain.push('-'),
            '\u{200e}' | '\u{200f}' | '\u{feff}' => {}
            // "下午3:05"
            _ if character.is_ascii_digit() && plain.ends_with(|c: char| !c.is_ascii() && c.is_alphabetic()) => {
                plain.extend([' ', character]);
            }
            // "10月 31日": the spaces between the parts of one date.
            _ if character.is_whitespace() && plain.ends_with(['-', ':']) && text.contains(['年', '년']) => {}
            _ => plain.push(character),
        }
    }
    for (two, one) in [
        ("كانون الثاني", "كانونالثاني"),
        ("كانون الأول", "كانونالأول"),
        ("تشرين الأول", "تشرينالأول"),
        ("تشرين الثاني", "تشرينالثاني"),
        ("a. m.", "am"),
        ("p. m.", "pm"),
        ("A. M.", "am"),
        ("P. M.", "pm"),
    ] {
        plain = plain.replace(two, one);
    }
    plain
}

fn digit_of(character: char) -> Option<char> {
    let zero = ['٠', '۰', '０'].into_iter().rfind(|&zero| zero <= character)?;
    char::from_digit(u32::from(character) - u32::from(zero), 10)
}

/// The text without what stands in brackets, and that: "(CET)", "[Europe/Paris]".
pub(super) fn without_asides(text: &str) -> (String, Vec<String>) {
    let (mut outside, mut asides) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(['(', '[']) {
        let (inside, behind) = after.split_once([')', ']']).unwrap_or((after, ""));
        outside.push_str(before);
        outside.push(' ');
        asides.push(inside.to_owned());
        rest = behind;
    }
    outside.push_str(rest);
    (outside, asides)
}
