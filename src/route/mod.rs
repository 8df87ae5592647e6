//! Route: which event becomes which alert for which sink; pure, so that a replay and the daemon decide alike.
//!
//! One document gives at most one alert per thread and sink: the weightiest event that the sink's rules let through. The
//! claims of the others ride in it as `also`. What takes an alert back goes to every sink that got that alert, one by one. A sink
//! hears once of an act that several copies of a story tell in several ways.

mod digest;
mod facts;
pub mod group;
pub mod hold;
mod priority;
mod rules;
mod silence;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use facts::{ClaimFacts, Facts};
pub use rules::{Refusal, Verdict};
pub use silence::Silencer;

use self::rules::{Judgement, Reasons, Rules};
use self::silence::Keeper;
use crate::model::{Alert, AlertId, AlertType, AlertedAs, Event, FeedId, Subject, ThreadId};
use crate::rule::Rule;

/// An alert with the sinks that get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// The alert; the same for every sink.
    pub alert: Alert,
    /// Names of the sinks, in the order of the config.
    pub sinks: Vec<String>,
    /// Alerts with the same key go to one sink in order: the thread, or the feed.
    pub order_key: String,
    /// When it may go out: at the end of its embargo, else at once, whatever the desk's clock says.
    pub due: Timestamp,
    /// Those of its sinks that do not wait for that: they got what it withdraws.
    pub at_once: Vec<String>,
}

impl Routed {
    /// When it may go out to one of its sinks.
    pub fn due_for(&self, sink: &str) -> Timestamp {
        if self.at_once.iter().any(|name| name == sink) { Timestamp::UNIX_EPOCH } else { self.due }
    }

    /// When it may be shown: as soon as it goes out to somebody.
    pub fn due_first(&self) -> Timestamp {
        self.sinks.iter().map(|sink| self.due_for(sink)).min().unwrap_or(self.due)
    }
}

/// What became of the events of a step.
#[derive(Debug, Default)]
pub struct Routing {
    /// The alerts.
    pub routed: Vec<Routed>,
    /// Alerts that silences keep from their sinks, each with the reason.
    pub silenced: Vec<(Routed, String)>,
    /// How many events each rule held back, by its name and its key that did; [`KNOWN`] where its sinks had been told of the act.
    pub held_back: BTreeMap<(String, &'static str), u64>,
    /// Rules whose expression failed on an event, which they let through, and how.
    pub failures: Vec<(String, String)>,
}

/// In place of a rule's key: a sink heard of the same act before, as another copy of the story tells it.
pub const KNOWN: &str = "known";

/// Applies rules to events.
#[derive(Debug, Clone)]
pub struct Router {
    rules: Rules,
    sinks: Vec<String>,
}

impl Router {
    /// A router for these rules over these sinks.
    pub fn new(rules: Vec<Rule>, sinks: Vec<String>) -> Self {
        Self { rules: Rules::new(rules), sinks }
    }

    /// What each rule says to something that happened, by the rule's name. Alerts are routed by the same judgement.
    pub fn verdicts(&self, facts: &Facts<'_>) -> Vec<(&str, Verdict)> {
        self.rules.verdicts(facts)
    }

    /// Routes the events of one step that a document of this feed gave, if it was a document.
    pub fn route(&self, events: Vec<Event>, silencer: &Silencer, feed: Option<&FeedId>) -> Routing {
        let mut groups: BTreeMap<GroupKey, Vec<Event>> = BTreeMap::new();
        for (position, event) in events.into_iter().enumerate() {
            let key = match &event.subject {
                Subject::Claim(claim) => GroupKey::Thread(claim.thread.id),
                Subject::Feed(_) | Subject::Sink(_) => GroupKey::Single(position),
            };
            groups.entry(key).or_default().push(event);
        }
        let mut routing = Routing::default();
        for events in groups.into_values() {
            self.route_group(events, (silencer, feed), &mut routing);
        }
        routing
    }

    /// For each sink what takes its earlier alerts back, or else the weightiest event that it may see and that is not silenced; sinks
    /// that chose the same event share its alert. Of what is silenced the weightiest is kept, where it would have gone out.
    fn route_group(
        &self,
        mut events: Vec<Event>,
        (silencer, feed): (&Silencer, Option<&FeedId>),
        routing: &mut Routing,
    ) {
        // Of two equal events the story's own sentence tells more than its headline.
        events.sort_by_key(|event| (weight(event.alert_type), is_headline(event)));
        let judgements: Vec<Judgement> = events.iter().map(|event| self.rules.judge(&event.into())).collect();
        for (event, said) in events.iter().zip(&judgements) {
            self.note(event, said, routing);
        }
        let keepers: Vec<Vec<Keeper<'_>>> = events.iter().map(|event| silencer.keepers(event, feed)).collect();
        let keeper = |place: usize, sink: &str| {
            keepers.get(place).and_then(|keepers| keepers.iter().find(|keeper| keeper.keeps_from(sink)).copied())
        };
        let mut chosen: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut silenced: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
        for sink in &self.sinks {
            let seen = |judgement: &Judgement| {
                self.rules.iter().enumerate().any(|(place, rule)| feeds(rule, sink) && judgement.lets_through(place))
            };
            let positions = |fits: &dyn Fn(&Event) -> bool| -> Vec<usize> {
                let judged = events.iter().zip(&judgements).enumerate();
                judged.filter(|(_, (event, said))| fits(event) && seen(said)).map(|(at, _)| at).collect()
            };
            // Of a story taken back whole, its alerts are withdrawn; what rode in them rides again.
            let mut choices = positions(&|event| takes_back(event, sink, AlertedAs::Subject));
            if choices.is_empty() {
                choices = positions(&|event| takes_back(event, sink, AlertedAs::Rider)).into_iter().take(1).collect();
            }
            if choices.is_empty() {
                let is_news =
                    |event: &Event| !event.alert_type.takes_back() && !was_told(event, sink) && !is_about(event, sink);
                choices = positions(&is_news);
                if let Some((first, keeper)) = choices.first().and_then(|&first| Some((first, keeper(first, sink)?))) {
                    silenced.entry((first, keeper.reason())).or_default().push(sink.clone());
                }
                choices.retain(|&place| keeper(place, sink).is_none());
                choices.truncate(1);
            }
            for position in choices {
                chosen.entry(position).or_default().push(sink.clone());
            }
        }
        let routed = |(position, sinks): (usize, Vec<String>)| {
            Some(self.routed(events.get(position)?, judgements.get(position)?, sinks))
        };
        routing.routed.extend(chosen.into_iter().filter_map(routed));
        let kept =
            |((position, reason), sinks): ((usize, String), Vec<String>)| Some((routed((position, sinks))?, reason));
        routing.silenced.extend(silenced.into_iter().filter_map(kept));
    }

    /// Notes what each rule says to an event.
    fn note(&self, event: &Event, judgement: &Judgement, routing: &mut Routing) {
        for (rule, verdict) in self.rules.iter().zip(&judgement.verdicts) {
            let sinks = || self.sinks.iter().filter(|sink| feeds(rule, sink));
            let key = match verdict {
                Verdict::Refused(refusal) => refusal.key(),
                _ if sinks().any(|sink| was_told(event, sink)) => KNOWN,
                _ => "",
            };
            if !key.is_empty() {
                *routing.held_back.entry((rule.name.clone(), key)).or_default() += 1;
            }
            if let Verdict::Failed(error) = verdict {
                routing.failures.push((rule.name.clone(), error.clone()));
            }
        }
    }

    fn routed(&self, event: &Event, judgement: &Judgement, sinks: Vec<String>) -> Routed {
        let alert = render(event, judgement, &self.rules.reasons(judgement));
        // Those who got an alert learn nothing new by its withdrawal, whatever became of the document since.
        let is_known = |sink: &&String| {
            event.alert_type == AlertType::ClaimWithdrawn && takes_back(event, sink, AlertedAs::Subject)
        };
        let at_once = sinks.iter().filter(is_known).cloned().collect();
        let (order_key, embargo) = match &event.subject {
            Subject::Claim(claim) => (claim.thread.id.to_string(), claim.report.document.embargo_until),
            Subject::Feed(feed) => (feed.id.to_string(), None),
            Subject::Sink(sink) => (sink_order_key(&sink.name), None),
        };
        Routed { alert, sinks, order_key, due: embargo.unwrap_or(Timestamp::UNIX_EPOCH), at_once }
    }
}

/// Whether the evidence of an event is its document's headline.
fn is_headline(event: &Event) -> bool {
    match &event.subject {
        Subject::Claim(claim) => {
            let report = &claim.report;
            report.document.headline.ends_with(&report.evidence.sentence)
        }
        Subject::Feed(_) | Subject::Sink(_) => false,
    }
}

/// The order key of alerts about the endpoint of a sink; no feed and no thread has one with a colon.
pub fn sink_order_key(sink: &str) -> String {
    format!("sink:{sink}")
}

/// Whether an event is about the endpoint of this sink, to which nothing of it can be sent.
fn is_about(event: &Event, sink: &str) -> bool {
    matches!(&event.subject, Subject::Sink(subject) if subject.name == sink)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum GroupKey {
    Thread(ThreadId),
    Single(usize),
}

fn feeds(rule: &Rule, sink: &str) -> bool {
    rule.sinks.is_empty() || rule.sinks.iter().any(|name| name == sink)
}

/// Whether this sink was alerted of the act that an event is about, as another claim of its story and thread told it. What changes the
/// thread as a whole is news all the same.
fn was_told(event: &Event, sink: &str) -> bool {
    use AlertType::{AllegationNew, ClaimConfirmed, ClaimNoComment, ClaimRetracted, DenialNew, ThreadLinked};
    let is_act = matches!(
        event.alert_type,
        AllegationNew | DenialNew | ClaimConfirmed | ClaimNoComment | ClaimRetracted | ThreadLinked
    );
    is_act && matches!(&event.subject, Subject::Claim(claim) if claim.told.contains(sink))
}

/// Whether an event changes what this sink was alerted of, or withdraws what it was alerted of as `part` at the least.
fn takes_back(event: &Event, sink: &str, part: AlertedAs) -> bool {
    let alerted = match &event.subject {
        Subject::Claim(claim) => claim.alerted.get(sink),
        Subject::Feed(_) | Subject::Sink(_) => None,
    };
    match event.alert_type {
        AlertType::ClaimRevised => alerted.is_some(),
        AlertType::ClaimWithdrawn => alerted.is_some_and(|known| *known >= part),
        _ => false,
    }
}

/// Which of several events of one thread speaks for all: what takes an alert back comes first, then what changes the
/// thread most.
fn weight(alert_type: AlertType) -> usize {
    const ORDER: [AlertType; 10] = [
        AlertType::ClaimWithdrawn,
        AlertType::ClaimRevised,
        AlertType::ThreadContradiction,
        AlertType::ThreadClosed,
        AlertType::ClaimRetracted,
        AlertType::DenialNew,
        AlertType::ClaimConfirmed,
        AlertType::AllegationNew,
        AlertType::ClaimNoComment,
        AlertType::ThreadLinked,
    ];
    ORDER.iter().position(|&other| other == alert_type).unwrap_or(ORDER.len())
}

/// The id of an event's alert: hash of its subject, the subject's revision and the type.
fn alert_id(event: &Event) -> AlertId {
    let name = event.alert_type.as_str().as_bytes();
    match &event.subject {
        Subject::Claim(claim) => match event.alert_type {
            AlertType::ThreadLinked | AlertType::ThreadContradiction | AlertType::ThreadClosed => {
                AlertId::of(&[claim.thread.id.as_bytes(), &claim.thread.sequence.to_le_bytes(), name])
            }
            _ => {
                let revision = claim.report.claim.revision.to_le_bytes();
                AlertId::of(&[claim.report.claim.id.as_bytes(), &revision, name])
            }
        },
        Subject::Feed(feed) => AlertId::of(&[feed.id.as_str().as_bytes(), &feed.incident.to_le_bytes(), name]),
        Subject::Sink(sink) => {
            let since = sink.since.as_millisecond().to_le_bytes();
            AlertId::of(&[sink_order_key(&sink.name).as_bytes(), &since, name])
        }
    }
}

fn render(event: &Event, judgement: &Judgement, reasons: &Reasons<'_>) -> Alert {
    let priority = judgement.worth.priority(reasons);
    let empty = Alert {
        rules: reasons.rules.iter().map(|&rule| rule.to_owned()).collect(),
        watched: reasons.watched.clone(),
        ..Alert::new(alert_id(event), event.alert_type, event.time, priority, event.why.clone())
    };
    match &event.subject {
        Subject::Feed(feed) => Alert { feed: Some(feed.clone()), ..empty },
        Subject::Sink(sink) => Alert { sink: Some(sink.clone()), ..empty },
        Subject::Claim(subject) => Alert {
            claim: Some(subject.report.claim.clone()),
            evidence: Some(subject.report.evidence.clone()),
            document: Some(subject.report.document.clone()),
            story: Some(subject.story.clone()),
            thread: Some(subject.thread.clone()),
            answers: subject.answers.clone(),
            also: subject.also.clone(),
            ..empty
        },
    }
}

#[cfg(test)]
mod tests;
