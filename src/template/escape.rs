//! Texts of feeds for chat services: nothing in them may act as markup, ping anybody, or hide.

/// A text on one line without what could hide or turn it round: controls, marks of direction, invisible characters.
pub(super) fn plain(text: &str) -> String {
    let is_hidden = |c: &char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(c)).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters; what is cut ends in "…".
pub(super) fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// At most so many bytes; what is cut ends in "…".
pub(super) fn cut_bytes(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes.saturating_sub('…'.len_utf8())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default().trim_end())
}

/// For Slack's mrkdwn: `&`, `<` and `>` are all that can begin a link, a mention or a `<!channel>`.
pub(super) fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// For Discord's markdown: every mark of it behind a backslash. Who is pinged is for `allowed_mentions` to say.
pub(super) fn discord(text: &str) -> String {
    escaped(text)
}

/// For Mattermost's markdown: as Discord's, and `@` is parted from the name behind it, as nothing else keeps `@channel` from
/// ringing for everybody.
pub(super) fn mattermost(text: &str) -> String {
    escaped(text).replace('@', "@\u{200b}")
}

/// Marks of markdown, of links, emoji and quotes behind a backslash.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\`*_{}[]()#+-!|~><:&".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// For text and values of attributes of HTML: nothing in it is markup.
pub fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
