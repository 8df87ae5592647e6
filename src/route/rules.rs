//! What the rules say to something that happened: the one place where it is judged, for alerts and for `explain` alike.

use std::collections::BTreeSet;
use std::fmt;

use super::facts::{ClaimFacts, Facts};
use super::priority::Worth;
use crate::model::{AlertType, Kind, Report};
use crate::rule::watch::Watchlist;
use crate::rule::{Filter, Known, Rule};
use crate::text::normalize::fold;

/// Why a rule does not let something through. Prints as words that go on from the rule's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// `types` does not name this type.
    Type(AlertType),
    /// `kinds` does not name this kind.
    Kind(Kind),
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
    /// `languages` does not name this language.
    Language(String),
    /// `topics` names none of the document's.
    Topics,
    /// The priority, as this rule alone makes it, is less than `priority_min`.
    Priority {
        /// The claim's.
        found: u8,
        /// The rule's.
        least: u8,
    },
    /// `when` is false.
    When,
}

impl Refusal {
    /// The key of the rule that refuses.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Type(_) => "types",
            Self::Kind(_) => "kinds",
            Self::Confidence { .. } => "confidence_min",
            Self::Watch => "watch",
            Self::Speakers => "speakers",
            Self::Outlet(_) => "outlets",
            Self::Language(_) => "languages",
            Self::Topics => "topics",
            Self::Priority { .. } => "priority_min",
            Self::When => "when",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(alert_type) => write!(f, "types does not name {}", alert_type.as_str()),
            Self::Kind(kind) => write!(f, "kinds does not name {}", kind.as_str()),
            Self::Confidence { found, least } => {
                write!(f, "confidence {found:.2} is less than confidence_min {least:.2}")
            }
            Self::Watch => f.write_str("no name on watch is in the claim, its headline, what it answers or its thread"),
            Self::Speakers => f.write_str("no name on speakers is the speaker's"),
            Self::Outlet(outlet) => write!(f, "outlets does not name {outlet}"),
            Self::Language(language) => write!(f, "languages does not name {language}"),
            Self::Topics => f.write_str("topics names none of the document's topics"),
            Self::Priority { found, least } => write!(f, "priority {found} is less than priority_min {least}"),
            Self::When => f.write_str("`when` is false"),
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
    /// What its expression listens for, in order.
    asked: Vec<usize>,
    /// Folded, as the next two.
    outlets: BTreeSet<String>,
    languages: BTreeSet<String>,
    topics: BTreeSet<String>,
}

/// Which names are in something that happened: found once for all rules.
#[derive(Debug, Default)]
struct Heard {
    anywhere: BTreeSet<usize>,
    speaker: BTreeSet<usize>,
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It lets it through.
    Pass,
    /// It lets it through, because its expression failed in this way.
    Failed(String),
    /// It holds it back.
    Refused(Refusal),
}

/// What all rules say to something that happened.
#[derive(Debug)]
pub(super) struct Judgement {
    /// By rule, in the order of the config.
    pub(super) verdicts: Vec<Verdict>,
    /// What it is worth by itself.
    pub(super) worth: Worth,
    heard: Heard,
}

impl Judgement {
    /// Whether the rule at this place lets it through.
    pub(super) fn lets_through(&self, rule: usize) -> bool {
        self.verdicts.get(rule).is_some_and(|verdict| !matches!(verdict, Verdict::Refused(_)))
    }
}

/// What an alert says of the rules for which it goes out.
#[derive(Debug, Default)]
pub(super) struct Reasons<'a> {
    /// Their names.
    pub(super) rules: BTreeSet<&'a str>,
    /// Names on their watch lists that are in it.
    pub(super) watched: Vec<String>,
    /// What they add to its priority.
    pub(super) priorities: Vec<(&'a str, i8)>,
    /// Those that let it through because their expression failed, and how.
    pub(super) failures: Vec<(&'a str, &'a str)>,
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let mut names = Watchlist::default();
        let folded = |texts: &[String]| texts.iter().map(|text| fold(text)).collect();
        let prepare = |rule: Rule| Prepared {
            watch: rule.watch.iter().map(|name| names.add(name)).collect(),
            speakers: rule.speakers.iter().map(|name| names.add(name)).collect(),
            asked: rule.when.iter().flat_map(Filter::names).map(|name| names.add(name)).collect(),
            outlets: folded(&rule.outlets),
            languages: folded(&rule.languages),
            topics: folded(&rule.topics),
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
        let worth = Worth::of(facts);
        let watched = names_heard(&self.rules.iter().collect::<Vec<_>>(), &heard);
        let known = facts.claim.as_ref().map(|claim| claim.known(facts.alert_type, worth.score(), &watched));
        let verdict = |rule: &Prepared| match rule.refusal(facts, &heard, &worth) {
            Some(refusal) => Verdict::Refused(refusal),
            None => rule.asked(facts, &heard, known.as_ref()),
        };
        Judgement { verdicts: self.rules.iter().map(verdict).collect(), worth, heard }
    }

    /// What each rule says, by its name.
    pub(super) fn verdicts(&self, facts: &Facts<'_>) -> Vec<(&str, Verdict)> {
        let judged = self.judge(facts).verdicts;
        self.iter().map(|rule| rule.name.as_str()).zip(judged).collect()
    }

    /// What an alert says of the rules for which it goes out. What takes an alert back passes all lists; the rules that would have let
    /// it through as news stand for it, where there are such.
    pub(super) fn reasons<'a>(&'a self, judgement: &'a Judgement) -> Reasons<'a> {
        let passing = self.rules.iter().zip(&judgement.verdicts).enumerate();
        let passing = passing.filter(|(place, _)| judgement.lets_through(*place)).map(|(_, passing)| passing);
        let passing: Vec<(&Prepared, &Verdict)> = passing.collect();
        let wanting: Vec<_> = passing.iter().copied().filter(|(rule, _)| rule.wants(&judgement.heard)).collect();
        let speaking = if wanting.is_empty() { passing } else { wanting };
        let rules: Vec<&Prepared> = speaking.iter().map(|(rule, _)| *rule).collect();
        let name = |rule: &'a Prepared| rule.rule.name.as_str();
        let failure = |(rule, verdict): &(&'a Prepared, &'a Verdict)| match *verdict {
            Verdict::Failed(error) => Some((name(rule), error.as_str())),
            _ => None,
        };
        Reasons {
            rules: rules.iter().map(|rule| name(rule)).collect(),
            watched: names_heard(&rules, &judgement.heard),
            priorities: rules.iter().map(|rule| (name(rule), rule.rule.priority)).filter(|(_, by)| *by != 0).collect(),
            failures: speaking.iter().filter_map(failure).collect(),
        }
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

/// Names on the watch lists of these rules that were heard, each once.
fn names_heard(rules: &[&Prepared], heard: &Heard) -> Vec<String> {
    let mut watched: Vec<String> = Vec::new();
    for rule in rules {
        let on_watch = rule.rule.watch.iter().zip(&rule.watch).map(|named| (named, &heard.anywhere));
        let on_speakers = rule.rule.speakers.iter().zip(&rule.speakers).map(|named| (named, &heard.speaker));
        for ((name, number), heard) in on_watch.chain(on_speakers) {
            if heard.contains(number) && !watched.contains(name) {
                watched.push(name.clone());
            }
        }
    }
    watched
}

impl Prepared {
    /// Why the lists and thresholds of this rule do not let it through; `None` where they do.
    fn refusal(&self, facts: &Facts<'_>, heard: &Heard, worth: &Worth) -> Option<Refusal> {
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
        let report = facts.claim.as_ref()?.report;
        if !self.rule.kinds.is_empty() && !self.rule.kinds.contains(&report.claim.kind) {
            return Some(Refusal::Kind(report.claim.kind));
        }
        if !self.languages.is_empty() && !self.languages.contains(&fold(&report.claim.language)) {
            return Some(Refusal::Language(report.claim.language.clone()));
        }
        if !self.topics.is_empty() && !report.document.topics.iter().any(|topic| self.topics.contains(&fold(topic))) {
            return Some(Refusal::Topics);
        }
        let (found, least) = (report.claim.confidence, self.rule.confidence_min.probability());
        if found < least {
            return Some(Refusal::Confidence { found, least });
        }
        if !self.watch.is_empty() && self.watch.is_disjoint(&heard.anywhere) {
            return Some(Refusal::Watch);
        }
        if !self.speakers.is_empty() && self.speakers.is_disjoint(&heard.speaker) {
            return Some(Refusal::Speakers);
        }
        let is_watched = !self.watch.is_empty() || !self.speakers.is_empty();
        let (found, least) = (worth.raised(is_watched, self.rule.priority), self.rule.priority_min);
        (found < least).then_some(Refusal::Priority { found, least })
    }

    /// What its expression says to something that the rest of the rule lets through.
    fn asked(&self, facts: &Facts<'_>, heard: &Heard, known: Option<&Known<'_>>) -> Verdict {
        let Some((filter, known)) = self.rule.when.as_ref().zip(known) else { return Verdict::Pass };
        if facts.alert_type.takes_back() {
            return Verdict::Pass;
        }
        let heard: Vec<bool> = self.asked.iter().map(|number| heard.anywhere.contains(number)).collect();
        match filter.holds(known, &heard) {
            Ok(true) => Verdict::Pass,
            Ok(false) => Verdict::Refused(Refusal::When),
            // A lost alert costs more than one too many.
            Err(error) => Verdict::Failed(error),
        }
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
