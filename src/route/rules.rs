//! What the rules say to something that happened: the one place where it is judged, for alerts and for `explain` alike.

use std::collections::BTreeSet;
use std::fmt;

use super::watch::Watchlist;
use crate::model::{AlertType, Event, Report, Rule, Subject};
use crate::text::normalize::fold;

/// What rules judge of something that happened.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What happened.
    pub alert_type: AlertType,
    /// The outlet of the document or feed.
    pub outlet: &'a str,
    /// The claim; a feed's incident has none.
    pub claim: Option<ClaimFacts<'a>>,
}

/// What rules judge of a claim.
#[derive(Debug, Clone)]
pub struct ClaimFacts<'a> {
    /// How it was reported.
    pub report: &'a Report,
    /// How the claims that it answers were, and others of its thread.
    pub related: Vec<&'a Report>,
    /// What its thread is about.
    pub matter: &'a str,
}

impl<'a> From<&'a Event> for Facts<'a> {
    fn from(event: &'a Event) -> Self {
        let alert_type = event.alert_type;
        match &event.subject {
            Subject::Feed(feed) => Self { alert_type, outlet: &feed.outlet, claim: None },
            Subject::Claim(claim) => {
                let related = claim.related.iter().collect();
                let facts = ClaimFacts { report: &claim.report, related, matter: &claim.thread.proposition };
                Self { alert_type, outlet: &claim.report.document.outlet, claim: Some(facts) }
            }
        }
    }
}

/// Why a rule does not let something through. Prints as words that go on from the rule's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// `types` does not name this type.
    Type(AlertType),
    /// The claim's confidence is less than `confidence_min`.
    Confidence {
        /// The claim's.
        found: f64,
        /// The rule's.
        least: f64,
    },
    /// No name of `watch` is in it.
    Watch,
    /// No name of `speakers` is its speaker's.
    Speakers,
    /// `outlets` does not name this outlet.
    Outlet(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(alert_type) => write!(f, "types does not name {}", alert_type.as_str()),
            Self::Confidence { found, least } => {
                write!(f, "confidence {found:.2} is less than confidence_min {least:.2}")
            }
            Self::Watch => f.write_str("no name on watch is in the claim, its headline, what it answers or its thread"),
            Self::Speakers => f.write_str("no name on speakers is the speaker's"),
            Self::Outlet(outlet) => write!(f, "outlets does not name {outlet}"),
        }
    }
}

/// The rules of a config, ready to judge.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    rules: Vec<Prepared>,
    names: Watchlist,
}

/// A rule with its names by their number.
#[derive(Debug, Clone)]
struct Prepared {
    rule: Rule,
    watch: BTreeSet<usize>,
    speakers: BTreeSet<usize>,
    /// Folded.
    outlets: BTreeSet<String>,
}

/// Which names are in something that happened: found once for all rules.
#[derive(Debug, Default)]
struct Heard {
    anywhere: BTreeSet<usize>,
    speaker: BTreeSet<usize>,
}

/// What all rules say to something that happened.
#[derive(Debug)]
pub(super) struct Judgement {
    /// By rule, in the order of the config.
    refusals: Vec<Option<Refusal>>,
    heard: Heard,
}

impl Judgement {
    /// Whether the rule at this place lets it through.
    pub(super) fn lets_through(&self, rule: usize) -> bool {
        self.refusals.get(rule).is_some_and(Option::is_none)
    }
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let mut names = Watchlist::default();
        let prepare = |rule: Rule| Prepared {
            watch: rule.watch.iter().map(|name| names.add(name)).collect(),
            speakers: rule.speakers.iter().map(|name| names.add(name)).collect(),
            outlets: rule.outlets.iter().map(|outlet| fold(outlet)).collect(),
            rule,
        };
        let rules = rules.into_iter().map(prepare).collect();
        Self { rules, names }
    }

    /// The rules as they were given.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|prepared| &prepared.rule)
    }

    /// What each rule says.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Judgement {
        let heard = facts.claim.as_ref().map(|claim| self.hear(claim)).unwrap_or_default();
        let refusals = self.rules.iter().map(|rule| rule.refusal(facts, &heard)).collect();
        Judgement { refusals, heard }
    }

    /// What each rule says, by its name.
    pub(super) fn verdicts(&self, facts: &Facts<'_>) -> Vec<(&str, Option<Refusal>)> {
        let judged = self.judge(facts).refusals;
        self.iter().map(|rule| rule.name.as_str()).zip(judged).collect()
    }

    /// The rules for which something goes out, and the names on their watch lists that are in it. What takes an alert back passes
    /// all lists; the rules that would have let it through as news stand for it, where there are such.
    pub(super) fn reasons(&self, judgement: &Judgement) -> (BTreeSet<&str>, Vec<String>) {
        let passing = self.rules.iter().enumerate().filter(|(place, _)| judgement.lets_through(*place));
        let passing: Vec<&Prepared> = passing.map(|(_, rule)| rule).collect();
        let wanting = passing.iter().copied().filter(|rule| rule.wants(&judgement.heard)).collect::<Vec<_>>();
        let speaking = if wanting.is_empty() { passing } else { wanting };
        let mut watched: Vec<String> = Vec::new();
        for rule in &speaking {
            let on_watch = rule.rule.watch.iter().zip(&rule.watch).map(|named| (named, &judgement.heard.anywhere));
            let on_speakers = rule.rule.speakers.iter().zip(&rule.speakers);
            let on_speakers = on_speakers.map(|named| (named, &judgement.heard.speaker));
            for ((name, number), heard) in on_watch.chain(on_speakers) {
                if heard.contains(number) && !watched.contains(name) {
                    watched.push(name.clone());
                }
            }
        }
        (speaking.iter().map(|rule| rule.rule.name.as_str()).collect(), watched)
    }

    fn hear(&self, claim: &ClaimFacts<'_>) -> Heard {
        let reports = || std::iter::once(claim.report).chain(claim.related.iter().copied());
        let anywhere = reports().flat_map(|report| speaker_words(report).chain(other_words(report)));
        Heard {
            anywhere: self.names.found(anywhere.chain([claim.matter])),
            speaker: self.names.found(speaker_words(claim.report)),
        }
    }
}

impl Prepared {
    /// Why this rule does not let it through; `None` where it does.
    fn refusal(&self, facts: &Facts<'_>, heard: &Heard) -> Option<Refusal> {
        let alert_type = facts.alert_type;
        if !self.rule.types.is_empty() && !self.rule.types.contains(&alert_type) {
            return Some(Refusal::Type(alert_type));
        }
        // Who was told must be told again, however sure the new wording is and whatever it names.
        if alert_type.takes_back() {
            return None;
        }
        if !self.outlets.is_empty() && !self.outlets.contains(&fold(facts.outlet)) {
            return Some(Refusal::Outlet(facts.outlet.to_owned()));
        }
        let claim = facts.claim.as_ref()?;
        let (found, least) = (claim.report.claim.confidence, self.rule.confidence_min.probability());
        if found < least {
            return Some(Refusal::Confidence { found, least });
        }
        if !self.watch.is_empty() && self.watch.is_disjoint(&heard.anywhere) {
            return Some(Refusal::Watch);
        }
        (!self.speakers.is_empty() && self.speakers.is_disjoint(&heard.speaker)).then_some(Refusal::Speakers)
    }

    /// Whether its lists, if it has any, name something that was heard.
    fn wants(&self, heard: &Heard) -> bool {
        (self.watch.is_empty() || !self.watch.is_disjoint(&heard.anywhere))
            && (self.speakers.is_empty() || !self.speakers.is_disjoint(&heard.speaker))
    }
}

/// Who speaks, in all the words that say so.
fn speaker_words(report: &Report) -> impl Iterator<Item = &str> {
    let speaker = report.claim.speaker.iter();
    speaker.flat_map(|speaker| {
        [Some(speaker.name.as_str()), speaker.role.as_deref(), speaker.via.as_deref()].into_iter().flatten()
    })
}

/// What else is looked through: the accused, the content, the sentence and the headline.
fn other_words(report: &Report) -> impl Iterator<Item = &str> {
    let content = report.claim.content.iter().map(|quote| quote.text.as_str());
    let around = [report.evidence.sentence.as_str(), report.document.headline.as_str()];
    report.claim.target.as_deref().into_iter().chain(content).chain(around)
}
