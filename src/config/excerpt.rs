//! Lines of the config as problems quote them: whatever may be a secret is masked, character for character.

/// Runs of letters and digits from which on a word may be a key or a token. No key of the config is as long.
const TOKEN_MIN: usize = 24;
/// Words that stand in lines with secrets: the keys, what a signing key begins with, and addresses, which may carry tokens.
const MARKS: [&str; 11] =
    ["secret", "whsec", "whsk", "url", "://", "password", "token", "header", "auth", "key", "cookie"];
/// Longest line that is quoted, in characters.
const CHARACTERS_MAX: usize = 200;
/// What stands for a masked character.
const MASK: char = '*';

/// The line as it may be shown. Columns stay where they are; controls become `\u{fffd}`.
/// `is_secret`: whatever its words are.
pub(super) fn excerpt(line: &str, is_secret: bool) -> String {
    let lower = line.to_lowercase();
    let mut characters: Vec<char> =
        line.chars().take(CHARACTERS_MAX).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    if is_secret || MARKS.iter().any(|mark| lower.contains(mark)) {
        let from = characters.iter().position(|c| *c == '=').map_or(0, |at| at + 1);
        characters.iter_mut().skip(from).filter(|c| !c.is_whitespace()).for_each(|c| *c = MASK);
    }
    let is_of_token = |c: &char| c.is_ascii_alphanumeric() || "+/=_-".contains(*c);
    for run in characters.chunk_by_mut(|a, b| is_of_token(a) == is_of_token(b)) {
        if run.len() >= TOKEN_MIN && run.first().is_some_and(is_of_token) {
            run.fill(MASK);
        }
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(excerpt(line, false), expected);
    }

    #[test]
    fn what_may_be_a_secret_is_masked() {
        check("poll_interval = 300 # often", "poll_interval = 300 # often");
        check("secret = \"hunter2\"", "secret = *********");
        check("  url = \"https://a/b\" ", "  url = ************* ");
        check("sink = [{ secret = \"x\" }]", "sink = ** ****** * *** **");
        check("whsec_abc", "*********");
        check("password = 7 # x", "password = * * *");
        assert_eq!(excerpt("X-Mine = 7", true), "X-Mine = *");
        check("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"", &format!("{}\"", "*".repeat(32)));
        check("a\u{1b}[2J = 1", "a\u{fffd}[2J = 1");
    }
}
