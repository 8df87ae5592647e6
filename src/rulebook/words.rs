//! A rule in words: what it lets through, why, and where to.

use serde::Serialize;

use super::WIDTH;
use crate::rule::Rule;
use crate::terminal::{BOLD, DIM, visible, wrapped};

/// Columns of a label.
const LABEL: usize = 12;

/// A rule with all that narrows it.
#[derive(Debug, Serialize)]
pub(super) struct InWords {
    rule: String,
    says: Vec<Said>,
}

#[derive(Debug, Serialize)]
struct Said {
    key: &'static str,
    words: String,
}

impl InWords {
    pub(super) fn of(rule: &Rule) -> Self {
        let mut found = Self { rule: rule.name.clone(), says: Vec::new() };
        let types: Vec<&str> = rule.types.iter().map(|alert_type| alert_type.as_str()).collect();
        let types = if types.is_empty() { "all types of alerts".to_owned() } else { types.join(", ") };
        found.add("types", types);
        let kinds: Vec<String> = rule.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
        for (key, before, names) in [
            ("kinds", "only ", &kinds),
            ("watch", "only what names ", &rule.watch),
            ("speakers", "only what is said by ", &rule.speakers),
            ("outlets", "only what came first from ", &rule.outlets),
            ("languages", "only what is in ", &rule.languages),
            ("topics", "only what is filed under ", &rule.topics),
        ] {
            if !names.is_empty() {
                found.add(key, format!("{before}{}", one_of(names)));
            }
        }
        let confidence = rule.confidence_min.probability();
        if confidence > 0.0 {
            found.add("confidence", format!("{confidence:.2} or more"));
        }
        if rule.priority_min > 0 {
            found.add("priority", format!("only {} or more", rule.priority_min));
        }
        if let Some(filter) = &rule.when {
            found.add("when", filter.text().to_owned());
        }
        if rule.priority != 0 {
            let (word, by) = if rule.priority > 0 { ("raised", rule.priority) } else { ("lowered", -rule.priority) };
            found.add("priority", format!("{word} by {by}"));
        }
        let sinks = if rule.sinks.is_empty() { "all sinks".to_owned() } else { rule.sinks.join(", ") };
        found.add("sinks", format!("to {sinks}"));
        found
    }

    fn add(&mut self, key: &'static str, words: String) {
        self.says.push(Said { key, words });
    }

    pub(super) fn drawn(&self) -> String {
        let mut lines = format!("{BOLD}{}{BOLD:#}\n", visible(&self.rule));
        for Said { key, words } in &self.says {
            let label = format!("  {DIM}{key:<LABEL$}{DIM:#}");
            lines.push_str(&wrapped(&[(anstyle::Style::new(), words)], &label, 2 + LABEL, WIDTH));
        }
        lines
    }
}

fn one_of(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
        [] => String::new(),
    }
}
