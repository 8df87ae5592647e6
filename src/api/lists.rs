//! The lists: a page of what fits a request's parameters, the newest first, each item as one line of JSON.

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::Value;

use super::Looking;
use super::problem::Problem;
use super::query::{KINDS, Parameter, Query, Take};
use crate::look::{
    ClaimLine, DeliveryLine, FEED_STATES, Needle, Outlets, STATUSES, Speech, THREAD_STATES, ThreadLine, alert_of, tells,
};
use crate::model::AlertType;
use crate::store::{ALERT_STATES, AlertFilter, AlertRow, ClaimFilter, ClaimWords, DeliveryFilter, ThreadFilter, marks};
use crate::text::normalize::fold;

/// Rows of the outbox that one page looks through; where few fit, a page may be short and still not the last.
const ROWS_MAX: u32 = 20_000;

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// JSON, an item a text.
    pub(super) items: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
}

const KIND: Parameter = Parameter { name: "kind", what: Take::Words(&KINDS), about: "Kind of claim; may be repeated." };
const SPEAKER: Parameter = Parameter {
    name: "speaker",
    what: Take::Text,
    about: "Words of the speaker's name or role; the last may be the beginning of one.",
};
const OUTLET: Parameter = Parameter { name: "outlet", what: Take::Text, about: "Words of an outlet's name." };
const SURE: Parameter = Parameter { name: "confidence_min", what: Take::Share, about: "As sure as this at least." };
const SINCE: Parameter = Parameter {
    name: "since",
    what: Take::Moment,
    about: "Not before: a date, an instant, or an age such as 2h or 7d.",
};
const UNTIL: Parameter = Parameter { name: "until", what: Take::Moment, about: "Not after; a date means its end." };
const THREAD: Parameter = Parameter { name: "thread", what: Take::Id, about: "Of this thread." };
const TEXT: Parameter =
    Parameter { name: "q", what: Take::Text, about: "What is looked for; case and accents do not count." };

const PART_OF_SPEAKER: Parameter =
    Parameter { name: "speaker", what: Take::Text, about: "What is part of the speaker's name or role." };
const PART_OF_OUTLET: Parameter =
    Parameter { name: "outlet", what: Take::Text, about: "What is part of an outlet's name." };

/// Parameters of each list, beside those of all.
pub(super) const CLAIMS: &[Parameter] = &[
    KIND,
    SPEAKER,
    OUTLET,
    SURE,
    SINCE,
    UNTIL,
    THREAD,
    TEXT,
    Parameter { name: "feed", what: Take::Text, about: "The id of the feed that brought it." },
    Parameter { name: "language", what: Take::Text, about: "Language of the text, ISO 639-3." },
    Parameter {
        name: "background",
        what: Take::Words(&["true", "false"]),
        about: "Old acts, retold, or none of them.",
    },
];
pub(super) const THREADS: &[Parameter] = &[
    Parameter { name: "state", what: Take::Words(&THREAD_STATES), about: "Where the thread stands; may be repeated." },
    Parameter { name: "contradiction", what: Take::Flag, about: "Outlets disagree, or do not." },
    KIND,
    SPEAKER,
    OUTLET,
    SURE,
    SINCE,
    UNTIL,
    TEXT,
];
pub(super) const ALERTS: &[Parameter] = &[
    KIND,
    Parameter { name: "type", what: Take::Text, about: "Type of alert; may be repeated." },
    PART_OF_SPEAKER,
    PART_OF_OUTLET,
    SURE,
    SINCE,
    UNTIL,
    THREAD,
    TEXT,
    Parameter { name: "state", what: Take::Words(&ALERT_STATES), about: "What becomes of it; may be repeated." },
];
pub(super) const DELIVERIES: &[Parameter] = &[
    Parameter { name: "sink", what: Take::Text, about: "To this sink." },
    Parameter { name: "status", what: Take::Words(&STATUSES), about: "What has become of it." },
    KIND,
    PART_OF_SPEAKER,
    PART_OF_OUTLET,
    SINCE,
    UNTIL,
    TEXT,
];
pub(super) const FEEDS: &[Parameter] = &[
    Parameter { name: "state", what: Take::Words(&FEED_STATES), about: "How the feed does; may be repeated." },
    Parameter { name: "q", what: Take::Text, about: "What is part of the feed's id, outlet or address." },
];
pub(super) const SEARCH: &[Parameter] = &[KIND, SINCE, UNTIL, TEXT];

/// An item in the form in which all JSON leaves the program.
pub(super) fn line(item: &impl Serialize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    crate::json::write(&mut bytes, item).map_err(|error| Problem::busy(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Problem::busy(error.to_string()))
}

/// Number of a cursor, or the numbers.
fn numbers<const N: usize>(cursor: Option<&str>) -> Result<Option<[i64; N]>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let wrong = || Problem::bad("cursor: not one that this list gave as next");
    let found: Vec<i64> = cursor.split('_').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    found.try_into().map(Some).map_err(|_| wrong())
}

/// Takes the row off that says that there are more; gives where the next page begins.
fn cut<T>(rows: &mut Vec<T>, limit: u32, at: impl Fn(&T) -> String) -> Option<String> {
    let limit = limit as usize;
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(at)
}

fn words(query: &Query) -> Result<ClaimWords, Problem> {
    Ok(ClaimWords {
        kinds: query.kinds()?,
        speaker: query.words("speaker")?,
        outlet: query.words("outlet")?,
        text: query.words("q")?,
        feed: query.text("feed")?.map(str::to_owned),
        language: query.words("language")?,
        confidence_min: query.share("confidence_min")?,
    })
}

/// Of what one request reads.
fn claim_filter(query: &Query, cursor: Option<&str>, limit: u32) -> Result<ClaimFilter, Problem> {
    let (since, until) = query.period()?;
    Ok(ClaimFilter {
        words: words(query)?,
        thread: query.id("thread")?,
        since,
        until,
        background: query.flag("background")?,
        before: numbers::<1>(cursor)?.map(|[position]| position),
        limit: limit.saturating_add(1),
    })
}

pub(super) fn claims(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let mut rows = looking.view.claims_page(&claim_filter(looking.query, cursor, limit)?)?;
    let next = cut(&mut rows, limit, |(position, _)| position.to_string());
    let mut outlets = Outlets::new(looking.view);
    let items = rows.into_iter().map(|(_, record)| {
        let carried = outlets.of(&record)?;
        line(&ClaimLine::new(record, carried))
    });
    Ok(Page { items: items.collect::<Result<_, _>>()?, next })
}

/// What was found by words, with where they stand in its text.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Found {
    what: &'static str,
    id: String,
    thread: String,
    kind: String,
    speaker: Option<String>,
    text: String,
    /// From and to, in code points of the text.
    marks: Vec<(usize, usize)>,
    outlet: String,
    time: String,
}

pub(super) fn search(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let Some(text) = looking.query.words("q")? else {
        return Err(Problem::bad("q is missing: the words that are looked for"));
    };
    let mut rows = looking.view.claims_page(&claim_filter(looking.query, cursor, limit)?)?;
    let next = cut(&mut rows, limit, |(position, _)| position.to_string());
    let items = rows.into_iter().map(|(_, record)| {
        let report = record.report;
        line(&Found {
            what: "claim",
            id: record.id.to_string(),
            thread: record.thread.to_string(),
            kind: record.kind.as_str().to_owned(),
            speaker: report.claim.speaker.map(|speaker| speaker.name),
            marks: marks(&report.evidence.sentence, &text),
            text: report.evidence.sentence,
            outlet: report.document.outlet,
            time: record.first_seen.to_string(),
        })
    });
    Ok(Page { items: items.collect::<Result<_, _>>()?, next })
}

pub(super) fn threads(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let query = looking.query;
    let (since, until) = query.period()?;
    let filter = ThreadFilter {
        words: words(query)?,
        states: query.one_of("state", &THREAD_STATES)?,
        contradiction: query.flag("contradiction")?,
        since,
        until,
        before: numbers::<2>(cursor)?.map(|[added, position]| (added, position)),
        limit: limit.saturating_add(1),
    };
    let mut rows = looking.view.threads_page(&filter)?;
    let next = cut(&mut rows, limit, |((added, position), _)| format!("{added}_{position}"));
    let mut outlets = Outlets::new(looking.view);
    let mut items = Vec::new();
    for (_, record) in rows {
        if let Some(thread) = ThreadLine::of(looking.view, &record, &mut outlets)? {
            items.push(line(&thread)?);
        }
    }
    Ok(Page { items, next })
}

/// The filter of alerts, of the list and of the stream alike.
pub(super) fn alert_filter(query: &Query) -> Result<AlertFilter, Problem> {
    let names: Vec<&str> = AlertType::ALL.iter().map(|alert_type| alert_type.as_str()).collect();
    let folded = |name: &str| -> Result<_, Problem> { Ok(query.text(name)?.map(fold).filter(|text| !text.is_empty())) };
    let (since, until) = query.period()?;
    Ok(AlertFilter {
        kinds: query.kinds()?,
        types: query.one_of("type", &names)?,
        speaker: folded("speaker")?,
        outlet: folded("outlet")?,
        text: folded("q")?,
        thread: query.id("thread")?,
        confidence_min: query.share("confidence_min")?,
        since,
        until,
        states: query.one_of("state", &ALERT_STATES)?,
    })
}

/// An alert with its position and what becomes of it, as the list and the stream show it.
pub(super) fn alert_line(row: &AlertRow) -> String {
    let AlertRow { position, state, held, json, .. } = row;
    format!("{{\"position\":{position},\"state\":\"{state}\",\"held\":{held},\"alert\":{json}}}")
}

pub(super) fn alerts(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let before = numbers::<1>(cursor)?.map(|[position]| position);
    let mut rows = looking.view.alerts(&alert_filter(looking.query)?, before, limit.saturating_add(1))?;
    let next = cut(&mut rows, limit, |row| row.position.to_string());
    Ok(Page { items: rows.iter().map(alert_line).collect(), next })
}

pub(super) fn deliveries(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let query = looking.query;
    let (since, until) = query.period()?;
    let status = query.one_of("status", &STATUSES)?;
    let text = query.text("q")?;
    let speech = Speech::of(query.kinds()?, query.text("speaker")?, query.text("outlet")?);
    let filter = DeliveryFilter {
        sink: query.text("sink")?,
        state: status.first().map(String::as_str),
        before: numbers::<1>(cursor)?.map(|[position]| position),
        ..DeliveryFilter::default()
    };
    let mut page = Page::default();
    let (mut seen, mut failed) = (0, None);
    looking.view.deliveries(&filter, |row| {
        if page.items.len() >= limit as usize || seen >= ROWS_MAX {
            return ControlFlow::Break(());
        }
        seen += 1;
        page.next = Some(row.position.to_string());
        let alert = row.body.as_deref().and_then(alert_of);
        let time = alert.as_ref().map_or(row.created, |alert| alert.time);
        let fits = since.is_none_or(|since| time >= since)
            && until.is_none_or(|until| time <= until)
            && status.iter().all(|status| status == &row.state || status.is_empty())
            && tells(&row, alert.as_ref(), &speech, text);
        if fits {
            match line(&DeliveryLine::new(row, alert.as_ref())) {
                Ok(item) => page.items.push(item),
                Err(problem) => failed = Some(problem),
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some(problem) = failed {
        return Err(problem);
    }
    // Everything was looked at: there is no other page.
    if (page.items.len() as u64) < u64::from(limit) && seen < ROWS_MAX {
        page.next = None;
    }
    Ok(page)
}

pub(super) fn feeds(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let states = looking.query.one_of("state", &FEED_STATES)?;
    let text = Needle::new(looking.query.text("q")?);
    let mut found = super::state::feeds(looking)?;
    found.retain(|feed| {
        let of = |name: &str| feed.get(name).and_then(Value::as_str).unwrap_or_default();
        (states.is_empty() || states.iter().any(|state| state == of("state")))
            && text.is_in([of("id"), of("outlet"), of("url")])
    });
    slice(&found, cursor, limit)
}

/// A page of a list that is short enough to be made as a whole.
pub(super) fn slice(found: &[Value], cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let start = numbers::<1>(cursor)?.map_or(0, |[start]| usize::try_from(start).unwrap_or_default());
    let end = start.saturating_add(limit as usize).min(found.len());
    let items = found.get(start.min(end)..end).unwrap_or_default();
    let next = (end < found.len()).then(|| end.to_string());
    Ok(Page { items: items.iter().map(line).collect::<Result<_, _>>()?, next })
}
