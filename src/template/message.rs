//! An alert in parts that are ready for people: on one line each, cut to lengths that chat services take, nothing hidden in them.
//! Templates see it as `message`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::escape::{cut, plain};
use super::link::{MessageLinks, Sent};
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
    /// All links that there are: to the article, to the page, and signed ones.
    pub(super) links: Vec<Named>,
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

/// A link with its name.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) url: String,
}

/// An alert that a digest lists.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// All of it on one line.
    pub(super) text: String,
    /// What happened, in a word or two.
    pub(super) what: &'static str,
    /// Who, with the role where that is known.
    pub(super) who: String,
    /// The evidence, or what is alleged or denied, or why it was an alert.
    pub(super) said: String,
    /// Who publishes it.
    pub(super) outlets: String,
    /// Where it was read, else its thread on the page.
    pub(super) url: Option<String>,
    /// Its links, as those of a message.
    pub(super) links: Vec<Named>,
}

/// The parts of an alert, with links for whom it is sent to.
pub(super) fn of(alert: &Alert, sent: Sent<'_>) -> Message {
    let what = what(alert.alert_type);
    let who = alert.claim.as_ref().map(who).unwrap_or_default();
    let quote = match (&alert.claim, &alert.evidence, &alert.feed) {
        (Some(claim), Some(evidence), _) => parted(claim, evidence),
        (_, _, Some(feed)) => said(&feed.detail),
        _ => said(
            &alert
                .digest
                .as_ref()
                .filter(|digest| !digest.types.is_empty())
                .map_or_else(|| alert.why.clone(), |digest| in_words(&digest.types)),
        ),
    };
    let sink = alert.sink.as_ref().map(|sink| line(&sink.name, NAME_MAX));
    let subject = match (&alert.feed, &alert.digest) {
        (Some(feed), _) => line(&feed.outlet, NAME_MAX),
        (_, Some(digest)) => in_total(digest),
        _ => sink.unwrap_or_else(|| who.clone()),
    };
    let entries = entries(alert, sent, ENTRIES_MAX);
    let url = alert.document.as_ref().and_then(|document| address(document.url.as_deref()?));
    Message {
        title: if subject.is_empty() { what.to_owned() } else { format!("{what}: {subject}") },
        what,
        who,
        quote,
        answers: alert.answers.iter().take(ANSWERS_MAX).map(answer).collect(),
        more: alert.digest.as_ref().map_or(0, |digest| count(digest) - entries.len()),
        entries,
        facts: facts(alert),
        links: named(sent.of(alert), url.as_deref()),
        url,
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
        DigestCause::Collected => {
            let since = digest.since.map(|since| format!(" since {}", minute(since))).unwrap_or_default();
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} alert{plural}{since}")
        }
    }
}

/// How many there were of what.
fn in_words(types: &BTreeMap<AlertType, u32>) -> String {
    types.iter().map(|(alert_type, count)| format!("{count} × {}", what(*alert_type))).collect::<Vec<_>>().join(", ")
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
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
    let Some(speaker) = &claim.speaker else {
        // "military sources" are nobody by name, and all that is known.
        let source = claim.source.as_ref().map(|source| line(&source.text, NAME_MAX / 2));
        return source.filter(|source| !source.is_empty()).map(|source| format!("“{source}”")).unwrap_or_default();
    };
    let who = with_role(&speaker.name, speaker.role.as_deref());
    let via = speaker.via.as_deref().map(|via| line(via, NAME_MAX / 4)).filter(|via| !via.is_empty() && *via != who);
    via.map_or_else(|| who.clone(), |via| format!("{who} (via {via})"))
}

fn with_role(name: &str, role: Option<&str>) -> String {
    let role = role.filter(|role| *role != name);
    let parts = [Some(name), role].into_iter().flatten().map(|part| line(part, NAME_MAX / 2));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
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

/// Who said it, the words, and where: in the same document or an earlier one. Nothing where none of it is known.
fn answer(answer: &crate::model::AlertAnswer) -> String {
    let who = answer.speaker.as_deref().map(|speaker| line(speaker, NAME_MAX / 2)).unwrap_or_default();
    let words = [who, line(&answer.proposition, FACT_MAX)];
    let words = words.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    let place = answer.link.reason.split(',').next().filter(|place| place.ends_with(" document"));
    match place {
        Some(place) if !words.is_empty() => format!("{words} ({})", line(place, NAME_MAX / 2)),
        _ => words,
    }
}

fn count(digest: &Digest) -> usize {
    digest.alerts.len() + digest.left_out as usize
}

/// Links in words, in the order in which they stand.
fn named(links: MessageLinks, article: Option<&str>) -> Vec<Named> {
    let MessageLinks { page, thread, follow, mute, wrong } = links;
    let page = page.filter(|_| thread.is_none());
    let all = [
        ("Article", article.map(str::to_owned)),
        ("Thread", thread),
        ("Page", page),
        ("Follow", follow),
        ("Mute", mute),
        ("Wrong?", wrong),
    ];
    all.into_iter().filter_map(|(name, url)| Some(Named { name, url: url? })).collect()
}

/// The first alerts that a digest lists.
pub(super) fn entries(alert: &Alert, sent: Sent<'_>, count_max: usize) -> Vec<Entry> {
    let listed = alert.digest.as_ref().map(|digest| digest.alerts.as_slice()).unwrap_or_default();
    listed.iter().take(count_max).map(|listed| entry(listed, sent.of_entry(listed, alert.time))).collect()
}

fn entry(entry: &DigestEntry, links: MessageLinks) -> Entry {
    let part = |text: &Option<String>| text.as_deref().map(|text| line(text, FACT_MAX / 2)).unwrap_or_default();
    let said = [&entry.sentence, &entry.content, &entry.headline].into_iter().flatten();
    let said = said.chain([&entry.why]).map(|text| line(text, AROUND_MAX)).find(|text| !text.is_empty());
    let (url, thread) = (entry.url.as_deref().and_then(address), links.thread.clone());
    let names = if entry.outlets.is_empty() { entry.outlet.as_slice() } else { entry.outlets.as_slice() };
    let names: Vec<String> = names.iter().take(OUTLETS_MAX).map(|name| line(name, NAME_MAX / 2)).collect();
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
    Entry {
        text: cut(&text, FACT_MAX),
        what: what(entry.alert_type),
        who: entry.speaker.as_deref().map(|name| with_role(name, entry.role.as_deref())).unwrap_or_default(),
        said: said.unwrap_or_default(),
        outlets: names.join(", "),
        links: named(MessageLinks { page: None, ..links }, url.as_deref()),
        url: url.or(thread),
    }
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
    add("Time", minute(alert.time));
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
