//! Datelines: "CITY, Oct 31 (Reuters) -" at the start of a story, and the wire services named there, in bylines and in tails.

use super::lexicon::AGENCIES;
use super::normalize::fold;
use crate::model::Span;

/// Bytes in which a dateline must end.
const DATELINE_BYTES_MAX: usize = 160;
/// Words of a place: "SAN JOSE DEL CABO" and the like.
const PLACE_WORDS_MAX: usize = 8;
/// The same where neither a date nor a wire service follows and capitals are all there is to go by.
const BARE_PLACE_WORDS_MAX: usize = 4;
/// Lines at the start in which a byline is looked for.
const BYLINE_LINES: usize = 4;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A dateline with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dateline {
    /// From the start of the text given to the first byte of the story proper.
    pub span: Span,
    /// The services named.
    pub credit: Credit,
}

/// Who wrote a story and who passed it on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credit {
    /// The wire service that wrote it.
    pub agency: Option<String>,
    /// The service that passed it on.
    pub via: Option<String>,
}

/// The dateline that `text` starts with.
pub fn dateline(text: &str) -> Option<Dateline> {
    let line = text.lines().next()?;
    let window = line.get(..line.floor_char_boundary(DATELINE_BYTES_MAX))?;
    let ends = ["-", "–", "—", "_", ":"];
    for (at, mark) in window.char_indices() {
        let mark_len = mark.len_utf8();
        if !ends.iter().any(|end| end.starts_with(mark)) {
            continue;
        }
        let head = window.get(..at)?.trim_end_matches('-');
        let tail = window.get(at + mark_len..)?;
        // A hyphen inside a word ("ABU-DHABI") or the first of two is not the end.
        let parts = head.ends_with(char::is_whitespace) || head.ends_with(')') || matches!(mark, '—' | '–');
        if !parts || tail.starts_with('-') {
            continue;
        }
        let credit = head_credit(head.trim(), mark == ':', line.get(at + mark_len..)?)?;
        let story = line.get(at + mark_len..)?;
        let start = at + mark_len + (story.len() - story.trim_start().len());
        return Some(Dateline { span: Span::new(0, start), credit });
    }
    None
}

/// The services that dateline, byline, author or tail name.
pub fn credit(body: &str, author: Option<&str>) -> Credit {
    let lines = || body.lines().map(str::trim).filter(|line| !line.is_empty());
    let found = lines().take(BYLINE_LINES).find_map(|line| {
        let dateline = dateline(line).map(|dateline| dateline.credit).filter(|credit| credit.agency.is_some());
        dateline.or_else(|| byline_agency(line)).or_else(|| opening_parenthesis(line))
    });
    let found = found.or_else(|| author.and_then(|author| named(author).or_else(|| byline_agency(author))));
    let tail = || {
        lines()
            .next_back()
            .filter(|line| line.len() < 40)
            .and_then(|line| named(line.trim_matches(['-', '.', '(', ')', ' '])))
    };
    found.or_else(tail).unwrap_or_default()
}

/// The credit in a dateline's head ("PARIS, Oct 31 (BSS/AFP)"), or nothing where the head is no dateline.
fn head_credit(head: &str, ends_in_colon: bool, story: &str) -> Option<Credit> {
    let (place, credit) = match head.strip_suffix(')').and_then(|open| open.rsplit_once('(')) {
        Some((place, names)) => (place.trim(), services(names)),
        None => (head, None),
    };
    let is_credited = head.ends_with(')') && (credit.is_some() || place.len() < head.len());
    if place.is_empty() {
        return credit;
    }
    let place = place.strip_prefix("By ").map_or(place, |_| "");
    let mut parts = place.split(',').map(str::trim);
    let city = parts.next().unwrap_or_default();
    let is_dated = place.split_whitespace().any(is_month);
    let words = city.split_whitespace().filter(|word| !is_date_word(word)).count();
    let is_upper = city.chars().any(char::is_alphabetic) && !city.chars().any(char::is_lowercase);
    let is_capitalised = city.split_whitespace().all(|word| word.starts_with(|c: char| !c.is_lowercase()));
    let rest_fits = parts.clone().count() <= 4 && parts.all(|part| part.split_whitespace().count() <= 4);
    let runs_on = story.trim_start().starts_with(|c: char| !c.is_lowercase()) && story.chars().any(char::is_lowercase);
    let fits = if is_credited && credit.is_some() {
        is_capitalised && words <= PLACE_WORDS_MAX
    } else if is_dated || is_credited {
        is_upper && words <= PLACE_WORDS_MAX && runs_on
    } else {
        is_upper && !ends_in_colon && words <= BARE_PLACE_WORDS_MAX && city.len() > 2 && runs_on
    };
    (fits && rest_fits).then(|| credit.unwrap_or_default())
}

/// "BSS/AFP": passed on by the first, written by the last.
fn services(names: &str) -> Option<Credit> {
    let mut known: Vec<&str> = names.split(['/', ',', '-', '&']).filter_map(agency).collect();
    if known.is_empty() {
        known.extend(agency(names));
    }
    let agency = known.pop()?.to_owned();
    Some(Credit { agency: Some(agency), via: known.first().map(|name| (*name).to_owned()) })
}

fn byline_agency(line: &str) -> Option<Credit> {
    let byline = line.strip_prefix("By ").or_else(|| line.strip_prefix("by ")).or_else(|| line.strip_prefix("BY "))?;
    if byline.len() > 120 {
        return None;
    }
    named(byline)
        .or_else(|| byline.rsplit([',', '|', '/']).next().and_then(named))
        .or_else(|| byline.rsplit_once(" of ").and_then(|(_, name)| named(name)))
}

/// "(Reuters) - Text": a credit without a place.
fn opening_parenthesis(line: &str) -> Option<Credit> {
    let (names, _) = line.strip_prefix('(')?.split_once(')')?;
    services(names)
}

fn named(name: &str) -> Option<Credit> {
    agency(name).map(|name| Credit { agency: Some(name.to_owned()), via: None })
}

fn agency(name: &str) -> Option<&'static str> {
    (name.len() < 60).then(|| AGENCIES.get(fold(name.trim()).as_str()).copied()).flatten()
}

fn is_month(word: &str) -> bool {
    let lower = word.trim_end_matches(['.', ',']).to_ascii_lowercase();
    lower.get(..3).is_some_and(|start| MONTHS.contains(&start)) && lower.len() <= 9
}

fn is_date_word(word: &str) -> bool {
    is_month(word) || word.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, story: Option<&str>, agency: Option<&str>, via: Option<&str>) {
        let found = dateline(text);
        let rest = found.as_ref().map(|found| text.get(found.span.end..).unwrap_or_default());
        assert_eq!(rest, story, "{text}");
        let credit = found.map(|found| found.credit).unwrap_or_default();
        assert_eq!((credit.agency.as_deref(), credit.via.as_deref()), (agency, via), "{text}");
    }

    #[test]
    fn datelines_are_known() {
        check(
            "UNITED NATIONS, United States, Oct 31, 2024 (BSS/AFP) - Envoys met.",
            Some("Envoys met."),
            Some("AFP"),
            Some("BSS"),
        );
        check("TOKYO (Reuters) - Japan said no.", Some("Japan said no."), Some("Reuters"), None);
        check("PARIS, Oct. 28 (AP) -- Police denied it.", Some("Police denied it."), Some("AP"), None);
        check("LONDON — “No,” he said.", Some("“No,” he said."), None, None);
        check("Washington (AFP) – The envoy left.", Some("The envoy left."), Some("AFP"), None);
        check("New Delhi [India], Oct 31 (ANI): The court sat.", Some("The court sat."), Some("ANI"), None);
        check(
            "WASHINGTON/NEW YORK, Oct. 28 (Agencies) - The bank said it paid.",
            Some("The bank said it paid."),
            None,
            None,
        );
        check("(Reuters) - The bank paid.", Some("The bank paid."), Some("Reuters"), None);
        check("SALVADOR, Feb 26 - Showers continued.", Some("Showers continued."), None, None);
    }

    #[test]
    fn other_openings_are_not() {
        check("The minister - a lawyer - denied it.", None, None, None);
        check("MINISTRY DENIES REPORT - PAPER", None, None, None);
        check("UPDATE 2-Ministry denies report", None, None, None);
        check("Well-known banker (48) - who resigned - is back.", None, None, None);
        check("", None, None, None);
    }

    #[track_caller]
    fn check_credit(body: &str, author: Option<&str>, agency: Option<&str>) {
        assert_eq!(credit(body, author).agency.as_deref(), agency, "{body}");
    }

    #[test]
    fn bylines_and_tails_are_read() {
        check_credit("By Jane Doe, Reuters\nThe bank paid.", None, Some("Reuters"));
        check_credit("By Jane Doe, Associated Press\nThe bank paid.", None, Some("AP"));
        check_credit("By Our Web Desk\nPARIS (AFP) - The bank paid.", None, Some("AFP"));
        check_credit("The bank paid.", Some("Agence France-Presse"), Some("AFP"));
        check_credit("The bank paid.\nREUTER", None, Some("Reuters"));
        check_credit("The bank paid Reuters.", None, None);
    }
}
