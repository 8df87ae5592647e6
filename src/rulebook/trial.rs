//! What rules would have alerted: outcomes of a replay in, alerts by day and rule, what each rule held back, and samples out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::WIDTH;
use crate::desk::Outcome;
use crate::model::{Alert, AlertId, AlertType};
use crate::route::{KNOWN, hold::day};
use crate::terminal::{BOLD, DIM, columns_of, cut, visible, wrapped};

/// Columns of a rule's name above the table.
const NAME_COLUMNS: usize = 24;
/// Columns of what stands before a rule's facts.
const LABEL: usize = 12;

/// A trial of some rules.
pub(super) struct Trial {
    /// What became of each rule, in the order of the config.
    pub(super) rules: Vec<OfRule>,
    /// Alerts of any rule by day, each once.
    days: BTreeMap<Date, u64>,
    samples_max: usize,
}

/// What one rule would have done.
#[derive(Debug, Default, Serialize)]
pub(super) struct OfRule {
    rule: String,
    alerts: u64,
    /// By day (UTC).
    days: BTreeMap<Date, u64>,
    /// What it held back, by the key that did.
    held_back: BTreeMap<&'static str, u64>,
    /// How often its expression failed, so that it let something through.
    failures: u64,
    samples: Vec<Sample>,
    /// Those of the smallest ids: hashes, and so drawn fairly, but the same each time.
    #[serde(skip)]
    drawn: BTreeMap<AlertId, Sample>,
}

/// An alert, short.
#[derive(Debug, Clone, Serialize)]
struct Sample {
    id: AlertId,
    time: Timestamp,
    #[serde(rename = "type")]
    alert_type: AlertType,
    priority: u8,
    speaker: Option<String>,
    cue: Option<String>,
    headline: String,
    outlet: String,
    why: String,
    reasons: Vec<String>,
}

impl Sample {
    fn of(alert: &Alert) -> Self {
        let claim = alert.claim.as_ref();
        let document = alert.document.as_ref();
        Self {
            id: alert.id,
            time: alert.time,
            alert_type: alert.alert_type,
            priority: alert.priority.score,
            speaker: claim.and_then(|claim| claim.speaker.as_ref()).map(|speaker| speaker.name.clone()),
            cue: claim.map(|claim| claim.cue.text.clone()),
            headline: document.map(|document| document.headline.clone()).unwrap_or_default(),
            outlet: document.map(|document| document.outlet.clone()).unwrap_or_default(),
            why: alert.why.clone(),
            reasons: alert.priority.reasons.clone(),
        }
    }
}

impl Trial {
    pub(super) fn new(rules: &[&str], samples_max: usize) -> Self {
        let of_rule = |name: &&str| OfRule { rule: (*name).to_owned(), ..OfRule::default() };
        Self { rules: rules.iter().map(of_rule).collect(), days: BTreeMap::new(), samples_max }
    }

    /// Takes in what came of a batch.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        for routed in &outcome.routed {
            let day = day(routed.alert.time);
            *self.days.entry(day).or_default() += 1;
            // The sinks are named like their rules.
            for rule in self.rules.iter_mut().filter(|rule| routed.sinks.contains(&rule.rule)) {
                rule.take(&routed.alert, day, self.samples_max);
            }
        }
        for rule in &mut self.rules {
            for ((name, key), count) in &outcome.tally.held_back {
                if *name == rule.rule {
                    *rule.held_back.entry(key).or_default() += count;
                }
            }
            rule.failures += outcome.tally.rule_failures.get(&rule.rule).copied().unwrap_or_default();
        }
    }

    /// The table by day and rule, and each rule by itself; `days` counts the documents of each day.
    pub(super) fn drawn(&self, days: &BTreeMap<Date, u64>) -> String {
        let mut rows = vec![self.heads()];
        for (day, documents) in days {
            rows.push(self.row(&day.to_string(), *documents, |counts| counts.get(day).copied().unwrap_or_default()));
        }
        rows.push(self.row("total", days.values().sum(), |counts| counts.values().sum()));
        let mut lines = table(&rows);
        for rule in &self.rules {
            lines.push('\n');
            lines.push_str(&rule.drawn());
        }
        lines
    }

    fn heads(&self) -> Vec<String> {
        let rules = self.rules.iter().map(|rule| cut(&visible(&rule.rule), NAME_COLUMNS).into_owned());
        ["day", "documents"].map(str::to_owned).into_iter().chain(rules).chain(["all".to_owned()]).collect()
    }

    fn row(&self, head: &str, documents: u64, count: impl Fn(&BTreeMap<Date, u64>) -> u64) -> Vec<String> {
        let counts = self.rules.iter().map(|rule| count(&rule.days)).chain([count(&self.days)]);
        let numbers = [documents].into_iter().chain(counts).map(|number| number.to_string());
        [head.to_owned()].into_iter().chain(numbers).collect()
    }
}

impl OfRule {
    fn take(&mut self, alert: &Alert, day: Date, samples_max: usize) {
        self.alerts += 1;
        *self.days.entry(day).or_default() += 1;
        self.drawn.insert(alert.id, Sample::of(alert));
        while self.drawn.len() > samples_max {
            self.drawn.pop_last();
        }
        self.samples = self.drawn.values().cloned().collect();
        self.samples.sort_by_key(|sample| (sample.time, sample.id));
    }

    fn drawn(&self) -> String {
        let name = visible(&self.rule);
        let noun = if self.alerts == 1 { "alert" } else { "alerts" };
        let mut lines = format!("{BOLD}{name}{BOLD:#}: {} {noun}\n", self.alerts);
        let mut row = |label: &str, text: &str| {
            let label = format!("  {DIM}{label:<LABEL$}{DIM:#}");
            lines.push_str(&wrapped(&[(anstyle::Style::new(), text)], &label, 2 + LABEL, WIDTH));
        };
        let held: Vec<String> = self.held_back.iter().map(|(key, count)| format!("{key} {count}")).collect();
        if !held.is_empty() {
            row("held back", &held.join(", "));
        }
        if self.held_back.contains_key(KNOWN) {
            row("", &format!("({KNOWN}: another copy of the story had told the same act)"));
        }
        if self.failures > 0 {
            row("failed", &format!("its `when`, {} times; it let that through", self.failures));
        }
        for sample in &self.samples {
            let who = sample.speaker.as_deref().unwrap_or("nobody named");
            let cue = sample.cue.as_ref().map(|cue| format!(" “{cue}”")).unwrap_or_default();
            let head = format!("{} {} {}: {who}{cue}", sample.time, sample.alert_type.as_str(), sample.priority);
            row("sample", &head);
            if !sample.headline.is_empty() {
                row("", &format!("{} ({})", sample.headline, sample.outlet));
            }
            let reasons = [&sample.why].into_iter().chain(&sample.reasons).map(String::as_str).collect::<Vec<_>>();
            row("", &reasons.join("; "));
        }
        lines
    }
}

/// Rows of cells as lines: the first column to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| columns_of(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut lines = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width.saturating_sub(columns_of(cell)));
            lines.extend(if column == 0 { [cell, space.as_str(), ""] } else { ["  ", space.as_str(), cell] });
        }
        lines.push('\n');
    }
    lines
}
