//! Labels: a headline in, what the wire says the copy is and the headline without it out.

use std::sync::LazyLock;

use crate::model::RevisionLabel;

/// Labels taken off one headline; outlets pile them up ("UPDATE 2-CORRECTED:").
const LABELS_MAX: usize = 12;
/// Bytes in which a label must end.
const LABEL_BYTES_MAX: usize = 40;

/// The label that the headline starts with, and the rest of the headline. Of several the weightiest counts: a kill over a
/// correction over an update; of updates the highest number. Words such as "Breaking:" are taken off too and mean nothing.
pub fn label(headline: &str) -> (RevisionLabel, &str) {
    let mut rest = headline.trim();
    let mut found = RevisionLabel::None;
    for _ in 0..LABELS_MAX {
        let Some((label, behind)) = first_label(rest) else { break };
        if weight(label) > weight(found) {
            found = label;
        }
        rest = behind;
    }
    if found == RevisionLabel::None && starts_wrapup(rest) {
        found = RevisionLabel::Wrapup;
    }
    (found, rest)
}

/// Of what a headline and the metadata say the one that counts.
pub fn weightier(one: RevisionLabel, other: RevisionLabel) -> RevisionLabel {
    if weight(other) > weight(one) { other } else { one }
}

fn weight(label: RevisionLabel) -> u32 {
    match label {
        RevisionLabel::None => 0,
        RevisionLabel::Refile => 1,
        RevisionLabel::Update(number) => 2 + u32::from(number.unwrap_or(0)),
        RevisionLabel::Correction => 300,
        RevisionLabel::Advisory => 301,
        RevisionLabel::Wrapup => 302,
        RevisionLabel::Kill => 303,
    }
}

/// One label with its mark: "UPDATE 2-", "CORRECTED:", "CORRECTED-(OFFICIAL)", "(Lead)", "Refile: ".
fn first_label(headline: &str) -> Option<(RevisionLabel, &str)> {
    let window = headline.get(..headline.floor_char_boundary(LABEL_BYTES_MAX))?;
    if let Some(inner) = window.strip_prefix('(') {
        let (words, _) = inner.split_once(')')?;
        let label = known(words)?;
        return Some((label, behind(headline, words.len() + 2)?));
    }
    let end = window.find([':', '-', '–', '—', '|'])?;
    let label = known(window.get(..end)?)?;
    Some((label, behind(headline, end)?))
}

/// The headline behind a label: marks, spaces and "(OFFICIAL)" go with it. Nothing behind, no label.
fn behind(headline: &str, end: usize) -> Option<&str> {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | '|' | '.');
    let rest = headline.get(end..)?.trim_start_matches(is_mark);
    let official = rest.get(..10).filter(|words| words.eq_ignore_ascii_case("(official)"));
    let rest = if official.is_some() { rest.get(10..)?.trim_start_matches(is_mark) } else { rest };
    (!rest.is_empty()).then_some(rest)
}

fn starts_wrapup(headline: &str) -> bool {
    let words = plain(headline);
    PREFIXES.iter().any(|(label, prefix)| {
        *label == RevisionLabel::Wrapup
            && prefix.contains(' ')
            && !prefix.contains('#')
            && words.starts_with(prefix.as_str())
    })
}

fn known(words: &str) -> Option<RevisionLabel> {
    let plain = plain(words);
    let number: String = plain.chars().filter(char::is_ascii_digit).collect();
    let pattern = if number.is_empty() { plain } else { plain.replace(&number, "#") };
    let (label, _) = PREFIXES.iter().find(|(_, prefix)| *prefix == pattern)?;
    Some(match label {
        RevisionLabel::Update(_) => RevisionLabel::Update(number.parse().ok()),
        other => *other,
    })
}

/// Lower case, single spaces, no marks.
fn plain(words: &str) -> String {
    let words: String = words.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

static PREFIXES: LazyLock<Vec<(RevisionLabel, String)>> = LazyLock::new(|| {
    let lines = include_str!("../../config/lexicon/wire_prefixes.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(class, prefixes)| {
            let label = match class {
                "update" => RevisionLabel::Update(None),
                "correction" => RevisionLabel::Correction,
                "refile" => RevisionLabel::Refile,
                "kill" => RevisionLabel::Kill,
                "advisory" => RevisionLabel::Advisory,
                "wrapup" => RevisionLabel::Wrapup,
                _ => RevisionLabel::None,
            };
            prefixes.split('|').map(move |prefix| (label, prefix.trim().to_owned()))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headline: &str, expected: RevisionLabel, rest: &str) {
        assert_eq!(label(headline), (expected, rest), "{headline}");
    }

    #[test]
    fn wire_labels_are_read() {
        check("UPDATE 2-Ministry denies report", RevisionLabel::Update(Some(2)), "Ministry denies report");
        check("Update: Ministry denies report", RevisionLabel::Update(None), "Ministry denies report");
        check("(Lead) Ministry denies report", RevisionLabel::Update(None), "Ministry denies report");
        check("CORRECTED-(OFFICIAL)-Ministry denies", RevisionLabel::Correction, "Ministry denies");
        check("CORRECTED: Ministry denies", RevisionLabel::Correction, "Ministry denies");
        check("MANDATORY KILL-Ministry denies", RevisionLabel::Kill, "Ministry denies");
        check("ADVISORY-Ministry denies", RevisionLabel::Advisory, "Ministry denies");
        check("WRAPUP 1-Ministry denies", RevisionLabel::Wrapup, "Ministry denies");
        check("RPT-Ministry denies", RevisionLabel::Refile, "Ministry denies");
        check("UPDATE 3-CORRECTED-REFILE-Ministry denies", RevisionLabel::Correction, "Ministry denies");
        check("Breaking: Ministry denies", RevisionLabel::None, "Ministry denies");
        check("Top stories at 1200 GMT", RevisionLabel::Wrapup, "Top stories at 1200 GMT");
    }

    #[test]
    fn other_headlines_stay_whole() {
        check("Ministry-run kill list exists: paper", RevisionLabel::None, "Ministry-run kill list exists: paper");
        check("Update", RevisionLabel::None, "Update");
        check("UPDATE:", RevisionLabel::None, "UPDATE:");
        check("", RevisionLabel::None, "");
        check("Kill Bill returns to cinemas", RevisionLabel::None, "Kill Bill returns to cinemas");
        check("(", RevisionLabel::None, "(");
    }
}
