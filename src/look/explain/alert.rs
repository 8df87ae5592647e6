//! Why an alert was sent, to whom, and what became of it there.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result};

use super::{Explainer, Explanation, Outcome};
use crate::look::timeline::{Alerted, fate, grouped};
use crate::look::words::{self, second, short};
use crate::model::{Alert, AlertId};
use crate::store::DeliveryFilter;

/// An alert and its deliveries in one line.
pub(super) fn in_short(alerted: &Alerted) -> String {
    let fates: Vec<String> = alerted.rows.iter().map(|row| format!("{}: {}", row.sink, fate(row))).collect();
    format!("{} {} {}; {}", short(&alerted.id), alerted.alert_type, second(alerted.at()), fates.join("; "))
}

impl Explainer<'_> {
    pub(super) fn alert(&self, id: AlertId) -> Result<Explanation> {
        let filter = DeliveryFilter { alert: Some(id), ..DeliveryFilter::default() };
        let mut rows = Vec::new();
        self.view.deliveries(&filter, |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        rows.reverse();
        let alerted = grouped(rows).into_iter().next().with_context(|| format!("there is no alert {id}"))?;
        let is_held = alerted.rows.iter().all(|row| row.state == "pending" && row.attempts == 0 && row.due > self.now);
        let is_silenced = alerted.rows.iter().all(|row| row.state == "silenced");
        let outcome = match (is_silenced, is_held) {
            (true, _) => Outcome::Silenced,
            (_, true) => Outcome::Held,
            _ => Outcome::Alerted,
        };
        let why = alerted.alert.as_ref().map_or_else(
            || "it was delivered long ago: what it said is no longer kept".to_owned(),
            |alert| alert.why.clone(),
        );
        let mut explanation = Explanation::new("alert", &id, &alerted.alert_type, outcome, why);
        if let Some(alert) = &alerted.alert {
            add_contents(&mut explanation, alert);
        } else {
            explanation.add("about", alerted.rows.first().map(|row| row.order_key.clone()).unwrap_or_default());
        }
        for row in &alerted.rows {
            explanation.add("sink", format!("{}: {}", row.sink, fate(row)));
        }
        Ok(explanation)
    }
}

fn add_contents(explanation: &mut Explanation, alert: &Alert) {
    explanation.add("time", second(alert.time));
    explanation.add("rules", alert.rules.join(", "));
    explanation.add("watched", alert.watched.join(", "));
    let reasons = &alert.priority.reasons;
    let reasons = if reasons.is_empty() { "its type alone".to_owned() } else { reasons.join(", ") };
    explanation.add("priority", format!("{}: {reasons}", alert.priority.score));
    if let Some(claim) = &alert.claim {
        let content: Vec<&str> = claim.content.iter().map(|quote| quote.text.as_str()).collect();
        let who = words::speaker(claim.speaker.as_ref());
        explanation.add(
            "claim",
            format!("{} {} by {who}: {}", short(&claim.id), words::done(claim.kind), content.join(" … ")),
        );
        explanation.add("confidence", format!("{:.2}, revision {}", claim.confidence, claim.revision));
    }
    if let Some(evidence) = &alert.evidence {
        explanation.add("evidence", evidence.sentence.clone());
    }
    for answer in &alert.answers {
        let who = answer.speaker.as_deref().unwrap_or("somebody not named");
        let link = &answer.link;
        explanation.add(
            "answers",
            format!("{} {who}: {} ({}, {:.2})", short(&answer.claim), answer.proposition, link.reason, link.score),
        );
    }
    if let Some(document) = &alert.document {
        let url = document.url.as_deref().unwrap_or_default();
        explanation
            .add("document", format!("{} {}: {} {url}", short(&document.id), document.outlet, document.headline));
        explanation
            .add("embargo", document.embargo_until.map(|until| format!("until {}", second(until))).unwrap_or_default());
    }
    if let Some(story) = &alert.story {
        explanation.add(
            "story",
            format!("{} {} at {}", short(&story.id), words::copies(story.copies), story.outlets.join(", ")),
        );
    }
    if let Some(thread) = &alert.thread {
        explanation
            .add("thread", format!("{} {}: {}", short(&thread.id), words::state(thread.state), thread.proposition));
    }
    let also: Vec<String> = alert.also.iter().map(short).collect();
    explanation.add("also", also.join(", "));
    if let Some(sink) = &alert.sink {
        explanation.add("sink", sink.name.clone());
        explanation.add("detail", sink.detail.clone());
    }
    if let Some(feed) = &alert.feed {
        explanation.add("feed", format!("{} {} {}", feed.id, feed.outlet, feed.url));
        explanation.add("detail", feed.detail.clone());
    }
}
