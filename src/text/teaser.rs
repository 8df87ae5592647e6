//! Teasers: whether an entry carries its article or only points to it, and what it says that the article does not.

use super::document::fullest;
use crate::model::Item;

/// Bytes from which an entry's text is an article. Teasers of the feeds that we know have 80 to 450; the shortest wire stories
/// worth the name 700, and those below are made no worse by a look at their page.
const ARTICLE_BYTES_MIN: usize = 700;
/// How far from its end a text is looked through for what says that there is more.
const TAIL_BYTES: usize = 160;
/// Words at the end of a text that say so, in lower case; what comes behind them, such as the headline in "Continue reading Envoy denies
/// report", is at most [`TAIL_BYTES`] long.
const MORE: [&str; 12] = [
    "read more",
    "read the full",
    "read full",
    "continue reading",
    "keep reading",
    "full story",
    "more…",
    "more...",
    "weiterlesen",
    "lire la suite",
    "seguir leyendo",
    "appeared first on",
];

/// Whether the entry's page is likely to say more than the entry.
pub fn is_teaser(item: &Item) -> bool {
    let (body, _) = fullest(item);
    body.text.len() < ARTICLE_BYTES_MIN || is_cut(&body.text)
}

/// Whether a text says that it is not all.
fn is_cut(text: &str) -> bool {
    let text = text.trim_end();
    let ends_cut = ["…", "...", "[…]", "[...]", "(…)", "(...)"].iter().any(|end| text.ends_with(end));
    let start = text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES));
    let tail = text.get(start..).unwrap_or_default().to_lowercase();
    ends_cut || MORE.iter().any(|more| tail.contains(more))
}

/// The lines of `teaser` that `article` does not have, each without what says that there is more. Compared letter by letter, without
/// white space and signs, so that another kind of quotation mark makes no other line.
pub fn missing(teaser: &str, article: &str) -> String {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let all = letters(article);
    let is_missing = |line: &&str| {
        let own = letters(line);
        !own.is_empty() && !all.contains(&own) && !is_cut(line)
    };
    teaser.lines().filter(is_missing).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Markup, MarkupFormat};

    #[track_caller]
    fn check(summary: &str, content: Option<&str>, expected: bool) {
        let html = |body: &str| Some(Markup { format: MarkupFormat::Html, body: body.to_owned() });
        let item = Item {
            title: html("Envoy denies report"),
            summary: html(summary),
            content: content.and_then(html),
            ..Item::default()
        };
        assert_eq!(is_teaser(&item), expected, "{summary} {content:?}");
    }

    #[test]
    fn teasers_are_told_by_length_and_end() {
        let long =
            "<p>The envoy said on Monday that nobody had been sent, and that he knew of no such plan.</p>".repeat(12);
        check("The envoy says nobody was sent.", None, true);
        check("The envoy says nobody was sent.", Some(&long), false);
        check(&long, None, false);
        check(&format!("{long} <p>The envoy […]</p>"), None, true);
        check(&format!("{long} <a href='x'>Continue reading Envoy denies report</a>"), None, true);
        check(&format!("{long} <p>The post Envoy denies report appeared first on The Harbour Post.</p>"), None, true);
        check("", None, true);
    }

    #[test]
    fn only_what_the_article_does_not_say_is_kept_of_a_teaser() {
        let article = "The envoy said: \"Nobody was sent.\" He left.\nMore was not said.";
        assert_eq!(missing("The envoy said: “Nobody was sent.”", article), "");
        assert_eq!(missing("The mayor denies it, too.\nHe left.", article), "The mayor denies it, too.");
        assert_eq!(missing("The envoy knew nothing of any …", article), "", "half a sentence is no evidence");
        assert_eq!(missing("Read more", article), "");
    }
}
