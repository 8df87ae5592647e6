//! An alert in parts that are ready for people: on one line each, cut to lengths that chat services take, nothing hidden in them.
//! Templates see it as `message`.

use serde::Serialize;

use super::escape::{cut, plain};
use crate::model::{Alert, AlertClaim, AlertType, Digest, DigestCause, DigestEntry, Evidence, FeedAlert};

/// Characters of a name with its role.
const NAME_MAX: usize = 200;
/// Characters before and behind a cue.
const AROUND_MAX: usize = 600;
/// Characters of a fact, of what is answered, of an entry.
const FACT_MAX: usize = 300;
/// Claims that are answered, entries of a digest and outlets that are named; the rest are counted.
const ANSWERS_MAX: usize = 3;
const ENTRIES_MAX: usize = 15;
const OUTLETS_MAX: usize = 10;

/// The parts; texts are empty where there is nothing to say.
#[derive(Debug, Serialize)]
pub(super) struct Message {
    /// What happened and who did it.
    pub(super) title: String,
    /// What happened, in a word or two: "Denial".
    pub(super) what: &'static str,
    /// Who speaks, with the role.
    pub(super) who: String,
    /// The evidence, verbatim, with the words that show the act.
    pub(super) quote: Parted,
    /// What it answers.
    pub(super) answers: Vec<String>,
    /// Alerts of a digest.
    pub(super) entries: Vec<Entry>,
    /// How many more the digest has.
    pub(super) more: usize,
    /// What else is known.
    pub(super) facts: Vec<Fact>,
    /// Where it was read; null where there is no web address.
    pub(super) url: Option<String>,
    /// When the desk knew.
    pub(super) time: String,
    /// 1 to 5, 3 for most.
    pub(super) urgency: u8,
}

/// A sentence around the cue.
#[derive(Debug, Default, Serialize)]
pub(super) struct Parted {
    pub(super) before: String,
    pub(super) cue: String,
    pub(super) after: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) url: Option<String>,
}

/// The parts of an alert.
pub(super) fn of(alert: &Alert) -> Message {
    let what = what(alert.alert_type);
    let who = alert.claim.as_ref().map(who).unwrap_or_default();
    let quote = match (&alert.claim, &alert.evidence, &alert.feed) {
        (Some(claim), Some(evidence), _) => parted(claim, evidence),
        (_, _, Some(feed)) => said(&feed.detail),
        _ => said(&alert.why),
    };
    let sink = alert.sink.as_ref().map(|sink| line(&sink.name, NAME_MAX));
    let subject = match (&alert.feed, &alert.digest) {
        (Some(feed), _) => line(&feed.outlet, NAME_MAX),
        (_, Some(digest)) => in_total(digest),
        _ => sink.unwrap_or_else(|| who.clone()),
    };
    let listed = alert.digest.as_ref().map(|digest| digest.alerts.as_slice()).unwrap_or_default();
    let entries: Vec<Entry> = listed.iter().take(ENTRIES_MAX).map(entry).collect();
    Message {
        title: if subject.is_empty() { what.to_owned() } else { format!("{what}: {subject}") },
        what,
        who,
        quote,
        answers: alert.answers.iter().take(ANSWERS_MAX).map(answer).collect(),
        more: alert.digest.as_ref().map_or(0, |digest| count(digest) - entries.len()),
        entries,
        facts: facts(alert),
        url: alert.document.as_ref().and_then(|document| address(document.url.as_deref()?)),
        time: alert.time.to_string(),
        urgency: match alert.priority.score {
            0..=29 => 2,
            30..=69 => 3,
            70..=89 => 4,
            _ => 5,
        },
    }
}

/// How many alerts a digest tells, and why they did not come at once.
fn in_total(digest: &Digest) -> String {
    let count = count(digest);
    match digest.cause {
        DigestCause::Budget => format!("{count} alerts over the budget of {}", digest.day),
        DigestCause::RateCap => format!("{count} alerts over {} an hour", digest.budget),
        DigestCause::QuietHours => format!("{count} alerts of quiet hours"),
    }
}

/// What a type of alert means, in the words of a headline.
fn what(alert_type: AlertType) -> &'static str {
    match alert_type {
        AlertType::AllegationNew => "Allegation",
        AlertType::DenialNew => "Denial",
        AlertType::ClaimConfirmed => "Confirmation",
        AlertType::ClaimNoComment => "No comment",
        AlertType::ClaimRetracted => "Retraction",
        AlertType::ClaimRevised => "Corrected claim",
        AlertType::ClaimWithdrawn => "Withdrawn claim",
        AlertType::ThreadLinked => "Answer found",
        AlertType::ThreadContradiction => "Outlets disagree",
        AlertType::ThreadClosed => "Matter closed",
        AlertType::FeedFailing => "Feed fails",
        AlertType::FeedRecovered => "Feed is back",
        AlertType::FeedStale => "Feed is silent",
        AlertType::FeedEmpty => "Feed is empty",
        AlertType::FeedMoved => "Feed has moved",
        AlertType::FeedGone => "Feed is gone",
        AlertType::SinkFailing => "Endpoint fails",
        AlertType::SinkDisabled => "Endpoint is disabled",
        AlertType::SinkRecovered => "Endpoint is back",
        AlertType::Digest => "Digest",
    }
}

fn line(text: &str, characters: usize) -> String {
    cut(&plain(text), characters)
}

fn said(text: &str) -> Parted {
    Parted { before: line(text, 2 * AROUND_MAX), ..Parted::default() }
}

fn who(claim: &AlertClaim) -> String {
    let Some(speaker) = &claim.speaker else { return String::new() };
    let role = speaker.role.as_deref().filter(|role| *role != speaker.name);
    let parts = [Some(speaker.name.as_str()), role].into_iter().flatten().map(|part| line(part, NAME_MAX / 2));
    parts.collect::<Vec<_>>().join(", ")
}

/// The evidence around its cue; the cue is found by its offsets, or else by its words.
fn parted(claim: &AlertClaim, evidence: &Evidence) -> Parted {
    let sentence = &evidence.sentence;
    let byte = |character: usize| sentence.char_indices().nth(character).map(|(at, _)| at);
    let by_offset = claim.cue.start.checked_sub(claim.sentence.start).and_then(byte);
    let is_cue = |at: &usize| sentence.get(*at..).is_some_and(|rest| rest.starts_with(&claim.cue.text));
    let Some(start) = by_offset.filter(is_cue).or_else(|| sentence.find(&claim.cue.text)) else {
        return said(sentence);
    };
    let end = start + claim.cue.text.len();
    let spaced = |text: &str, is_before: bool| {
        // The space beside the cue belongs to the sentence.
        let bare = plain(text);
        let has_space =
            if is_before { text.ends_with(char::is_whitespace) } else { text.starts_with(char::is_whitespace) };
        let space = if has_space && !bare.is_empty() { " " } else { "" };
        if is_before {
            let from = bare.chars().count().saturating_sub(AROUND_MAX);
            let kept: String = bare.chars().skip(from).collect();
            format!("{}{kept}{space}", if from > 0 { "…" } else { "" })
        } else {
            format!("{space}{}", cut(&bare, AROUND_MAX))
        }
    };
    Parted {
        before: spaced(sentence.get(..start).unwrap_or_default(), true),
        cue: line(&claim.cue.text, NAME_MAX),
        after: spaced(sentence.get(end..).unwrap_or_default(), false),
    }
}

fn answer(answer: &crate::model::AlertAnswer) -> String {
    let who = answer.speaker.as_deref().map(|speaker| format!("{}: ", line(speaker, NAME_MAX / 2)));
    format!("{}{}", who.unwrap_or_default(), line(&answer.proposition, FACT_MAX))
}

fn count(digest: &Digest) -> usize {
    digest.alerts.len() + digest.left_out as usize
}

fn entry(entry: &DigestEntry) -> Entry {
    let part = |text: &Option<String>| text.as_deref().map(|text| line(text, FACT_MAX / 2)).unwrap_or_default();
    let who = part(&entry.speaker);
    let content = [part(&entry.content), part(&entry.headline), line(&entry.why, FACT_MAX / 2)];
    let content = content.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let mut text = what(entry.alert_type).to_owned();
    for (before, part) in [(": ", who), (": ", content)] {
        if !part.is_empty() {
            text.push_str(before);
            text.push_str(&part);
        }
    }
    let outlet = part(&entry.outlet);
    if !outlet.is_empty() {
        text = format!("{text} ({outlet})");
    }
    Entry { text: cut(&text, FACT_MAX), url: entry.url.as_deref().and_then(address) }
}

fn facts(alert: &Alert) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name, value: String| {
        let value = line(&value, FACT_MAX);
        if !value.is_empty() {
            facts.push(Fact { name, value });
        }
    };
    if let Some(document) = &alert.document {
        add("Headline", document.headline.clone());
        let mut outlets: Vec<String> = vec![line(&document.outlet, NAME_MAX / 2)];
        let others = alert.story.iter().flat_map(|story| &story.outlets).map(|outlet| line(outlet, NAME_MAX / 2));
        outlets.extend(others.filter(|outlet| *outlet != line(&document.outlet, NAME_MAX / 2)));
        let more = outlets.len().saturating_sub(OUTLETS_MAX);
        outlets.truncate(OUTLETS_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        add("Outlets", format!("{}{more}", outlets.join(", ")));
        add("Not to be published before", document.embargo_until.map(|until| until.to_string()).unwrap_or_default());
    }
    add("Accused", alert.claim.as_ref().and_then(|claim| claim.target.clone()).unwrap_or_default());
    add("On your list", alert.watched.join(", "));
    add("Feed", alert.feed.as_ref().map(feed).unwrap_or_default());
    if alert.digest.is_none() && alert.feed.is_none() && alert.sink.is_none() {
        add("Why", alert.why.clone());
    }
    add("Time", alert.time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    facts
}

fn feed(feed: &FeedAlert) -> String {
    format!("{} ({})", feed.id, feed.url)
}

/// An address of the web, with what could end a link in markup written as `%xx`. None where a service would refuse the whole
/// message for it, or people could take it for another: what is too long, a host in brackets, a user before the host.
fn address(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains(['[', '@']) {
        return None;
    }
    let mut safe = String::with_capacity(url.len());
    for character in url.chars() {
        match character {
            '(' | ')' | '<' | '>' | '"' | '\'' | '`' | '|' | '\\' | '[' | ']' | '*' | ' ' => {
                safe.push_str(&percent(character));
            }
            other if other.is_ascii_graphic() => safe.push(other),
            // A canonical address is ASCII: this one is not to be trusted.
            _ => return None,
        }
    }
    // What was escaped has grown.
    Some(safe).filter(|safe| safe.len() <= crate::model::ADDRESS_BYTES_MAX)
}

fn percent(character: char) -> String {
    format!("%{:02X}", u32::from(character))
}
