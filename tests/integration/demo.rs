//! `gainsay demo`, fast but real: what a newcomer sees must be true.

use std::process::Output;
use std::sync::LazyLock;

use crate::support::output;

/// One run for all tests; standard output is no terminal, so it has no colours.
static RUN: LazyLock<Output> = LazyLock::new(|| output(&["demo", "--pace", "0.2"]));

fn shown() -> &'static str {
    std::str::from_utf8(&RUN.stdout).unwrap()
}

/// The text of a line of the summary, its continuation included, as words.
fn summary(label: &str) -> String {
    let (_, summary) = shown().split_once("\nSummary\n").unwrap_or_else(|| panic!("no summary in {}", shown()));
    let start = summary.find(&format!("  {label} ")).unwrap_or_else(|| panic!("no {label} in {summary}"));
    let mut lines = summary.get(start..).unwrap().lines();
    let first = lines.next().unwrap_or_default().split_whitespace().skip(1);
    let rest = lines.take_while(|line| line.starts_with("    ")).flat_map(str::split_whitespace);
    first.chain(rest).collect::<Vec<_>>().join(" ")
}

/// The number before `what` in a line of the summary.
#[track_caller]
fn number(label: &str, what: &str) -> usize {
    let line = summary(label);
    let before = line.split_once(what).unwrap_or_else(|| panic!("no {what:?} in {line}")).0;
    let last = before.split_whitespace().next_back().unwrap_or_default();
    last.parse().unwrap_or_else(|error| panic!("{error}: {last:?} before {what:?} in {line}"))
}

/// The alerts of one type, each with its lines.
fn alerts(alert_type: &str) -> Vec<&'static str> {
    let alerts = shown().split("\n● ").skip(1);
    alerts.filter(|alert| alert.starts_with(&format!("{alert_type} "))).collect()
}

#[test]
fn everything_that_was_alerted_was_delivered() {
    assert_eq!(RUN.status.code(), Some(0), "{}{}", shown(), String::from_utf8_lossy(&RUN.stderr));
    assert_eq!(String::from_utf8_lossy(&RUN.stderr), "");
    assert!(!shown().contains('\u{1b}'), "colours in a file");
    let verified = number("delivered", " of ");
    assert!(verified >= 2 && verified == number("delivered", " alerts in the outbox verified"));
    assert_eq!(number("delivered", " retried"), 2);
    assert!(number("delivered", " attempts") >= verified + 2);
    assert!(shown().contains("gainsay run -c gainsay.toml"));
}

#[test]
fn feeds_are_polled_politely_and_repaired() {
    assert!(number("polled", " not modified") > number("polled", " bodies"));
    assert!(number("polled", " failed (503)") >= 3 && number("polled", " redirected") >= 3);
    assert!(number("repaired", " defects") > 0);
    assert_eq!((alerts("feed.failing").len(), alerts("feed.recovered").len()), (1, 1));
}

#[test]
fn copies_collapse_into_stories() {
    assert_eq!(number("collapsed", " documents"), 22);
    assert_eq!(number("collapsed", " stories"), 16);
    assert!(summary("collapsed").ends_with("2 of them in several outlets (2, 4)"), "{}", summary("collapsed"));
}

#[test]
fn claims_are_alerted_once_revised_and_withdrawn() {
    let one = |alert_type: &str, words: &[&str]| {
        let holds = |alert: &&&str| words.iter().all(|word| alert.contains(word));
        let found = alerts(alert_type);
        let fits = found.iter().filter(holds).count();
        assert_eq!(fits, 1, "{alert_type} with {words:?} in:\n{}", shown());
    };
    one("denial.new", &["Vassily Nebenzia", "brushed off", "answers"]);
    one("denial.new", &["Renée Dufaux", "“pure invention”"]);
    one("denial.new", &["Marta Ilves", "answers", "concealing"]);
    one("allegation.new", &["Maritime Safety Authority", "Corvane Lines"]);
    one("claim.confirmed", &["Elsmere General Hospital"]);
    one("claim.revised", &["4,000 crowns"]);
    one("claim.withdrawn", &["Henrik Solder"]);
    one("thread.contradiction", &["Marta Ilves"]);
    for (expected, alert_type) in [(3, "denial.new"), (1, "claim.revised"), (1, "claim.withdrawn")] {
        assert_eq!(alerts(alert_type).len(), expected, "{alert_type} in:\n{}", shown());
    }
    let from_the_other_translation = shown().split("\n● ").filter(|alert| alert.contains("barefaced")).count();
    assert_eq!(from_the_other_translation, 0);
}
