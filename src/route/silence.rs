//! Silences: which of them keep an alert from a sink. They judge as rules do, of which each is one.

use super::facts::Facts;
use super::rules::{Rules, Verdict};
use crate::model::{AlertType, Confidence, Event, FeedId, FeedbackId, Kind, SilenceRecord, Subject, ThreadId};
use crate::rule::{Filter, Rule};

/// The silences that count, ready to judge.
#[derive(Debug, Clone, Default)]
pub struct Silencer {
    ids: Vec<FeedbackId>,
    silences: Vec<Prepared>,
    rules: Option<Rules>,
}

#[derive(Debug, Clone)]
struct Prepared {
    record: SilenceRecord,
    /// It names something that only claims have.
    is_of_claims: bool,
}

/// A silence that keeps an alert back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeper<'a>(&'a SilenceRecord);

impl Silencer {
    /// The silences, ready to judge, with those whose expression cannot be read: these keep nothing back.
    pub fn new<'a>(records: impl Iterator<Item = &'a SilenceRecord>) -> (Self, Vec<FeedbackId>) {
        let mut silencer = Self::default();
        let (mut rules, mut faulty) = (Vec::new(), Vec::new());
        for record in records {
            silencer.ids.push(record.id);
            let Some(rule) = rule(record) else {
                faulty.push(record.id);
                continue;
            };
            let silence = &record.silence;
            let is_of_claims = silence.speaker.is_some()
                || silence.kind.is_some()
                || silence.when.is_some()
                || silence.thread.is_some();
            rules.push(rule);
            silencer.silences.push(Prepared { record: record.clone(), is_of_claims });
        }
        silencer.rules = (!rules.is_empty()).then(|| Rules::new(rules));
        (silencer, faulty)
    }

    /// Whether it was made of these.
    pub fn is_of<'a>(&self, records: impl ExactSizeIterator<Item = &'a SilenceRecord>) -> bool {
        self.ids.len() == records.len() && records.zip(&self.ids).all(|(record, id)| record.id == *id)
    }

    /// The silences that are true of an event that a feed's document, or the feed itself, gave. What takes something back is never
    /// silenced; an expression that fails keeps nothing back.
    pub(super) fn keepers(&self, event: &Event, feed: Option<&FeedId>) -> Vec<Keeper<'_>> {
        let Some(rules) = self.rules.as_ref().filter(|_| !event.alert_type.takes_back()) else { return Vec::new() };
        let (feed, thread) = match &event.subject {
            Subject::Feed(subject) => (Some(&subject.id), None),
            Subject::Sink(_) => (None, None),
            Subject::Claim(claim) => (feed, Some(claim.thread.id)),
        };
        let said = rules.judge(&Facts::from(event)).verdicts;
        let judged = self.silences.iter().zip(said);
        let keeps = |(prepared, verdict): &(&Prepared, Verdict)| {
            *verdict == Verdict::Pass && prepared.is_about(event.alert_type, feed, thread)
        };
        judged.filter(keeps).map(|(prepared, _)| Keeper(&prepared.record)).collect()
    }
}

impl Prepared {
    fn is_about(&self, alert_type: AlertType, feed: Option<&FeedId>, thread: Option<ThreadId>) -> bool {
        let silence = &self.record.silence;
        let is_of_claim = !["feed.", "sink."].iter().any(|start| alert_type.as_str().starts_with(start));
        (is_of_claim || !self.is_of_claims)
            && silence.feed.as_ref().is_none_or(|wanted| Some(wanted) == feed)
            && silence.thread.is_none_or(|wanted| Some(wanted) == thread)
    }
}

impl Keeper<'_> {
    /// Whether it keeps the alert from this sink.
    pub(super) fn keeps_from(self, sink: &str) -> bool {
        self.0.silence.sink.as_ref().is_none_or(|wanted| wanted == sink)
    }

    /// Why, in words.
    pub(super) fn reason(self) -> String {
        let SilenceRecord { id, silence, .. } = self.0;
        format!("silence {id}: {}", silence.comment)
    }
}

/// The rule that is true of what is silenced, but for its feed, its thread and its sink.
fn rule(record: &SilenceRecord) -> Option<Rule> {
    let silence = &record.silence;
    let when = silence.when.as_deref().map(Filter::new).transpose().ok()?;
    Some(Rule {
        name: record.id.to_string(),
        confidence_min: Confidence::from_probability(0.0),
        kinds: silence.kind.filter(|kind| *kind != Kind::Statement).into_iter().collect(),
        speakers: silence.speaker.clone().into_iter().collect(),
        outlets: silence.outlet.clone().into_iter().collect(),
        when,
        ..Rule::everything()
    })
}

#[cfg(test)]
mod tests;
