//! What follows from a poll: the next cursor, what the poll says about the feed's health, and when to poll again; called by `poll`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::fetch::{Body, FetchError, Notes};
use super::parse::{ParseError, ParsedFeed};
use super::poll::{BodySize, Discovery, Outcome, Poll, PollError};
use super::recover::{Repair, Repairs};
use super::rhythm;
use super::schedule::{Ending, Freshness, Pace, Said, next_poll_after};
use super::websub::Hub;
use crate::config::FeedConfig;
use crate::model::{
    ADDRESS_BYTES_MAX, AddressHash, AlertType, FeedCursor, FeedHealth, FeedIncident, FilesRead, Moving, shown_address,
};

/// Failures in a row from which a feed counts as failing; fewer happen to every feed.
pub const FAILURES_MIN: u32 = 3;
/// Polls in a row at which a feed must be where a permanent redirect leads, before that is believed.
const MOVED_POLLS_MIN: u32 = 3;
/// Answers of 410 in a row after which a feed is gone. One alone may be a slip, and would cost a week of news.
const GONE_ANSWERS_MIN: u32 = 3;
/// After so long without a feed at its address it is gone.
const GONE_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A body without entries that is longer than this is hardly that of an empty feed, whose head is all it has.
const EMPTY_BYTES_MAX: u64 = 8 << 10;
/// Longest error that is kept.
const ERROR_BYTES_MAX: usize = 500;

/// What a server answered, read.
pub(super) enum Answer {
    NotModified(Notes),
    Body(Box<(Body, ParsedFeed)>),
}

/// Where a feed is polled: where it has moved for good, else at the address in the config.
pub(super) fn address_of(feed: &FeedConfig, cursor: &FeedCursor) -> Url {
    let moved_to = cursor.moved_to.as_deref().and_then(|address| Url::parse(address).ok());
    // Asked anew, as the feed may have been given credentials since.
    moved_to.filter(|target| may_move(feed, target)).unwrap_or_else(|| feed.url.clone())
}

/// The cursor to go on with after a start. With another address in the config goes what the server of the old one said:
/// its validators would let the new server answer "not modified" to what was never read, and its wish to be left alone is
/// not the new one's. What was read stays read: a feed keeps its name, and so its documents, when it moves. One that did not let us in
/// is asked at once, as whoever started or reloaded may just have set its credentials right.
pub fn resume(feed: &FeedConfig, stored: Option<FeedCursor>) -> FeedCursor {
    let address = Some(AddressHash::of(&[feed.url.as_str().as_bytes()]));
    let mut cursor = stored.unwrap_or_else(|| FeedCursor::new(feed.id.clone()));
    if cursor.address == address {
        if cursor.is_denied && !feed.access.is_empty() {
            (cursor.last_poll, cursor.left_alone_until, cursor.next_poll) = (None, None, None);
        }
        return cursor;
    }
    FeedCursor {
        address,
        etag: None,
        last_modified: None,
        validators_of: None,
        last_poll: None,
        left_alone_until: None,
        asked_until: None,
        moving: None,
        moved_to: None,
        retired_since: None,
        gone_answers: 0,
        failures: 0,
        failing_since: None,
        is_denied: false,
        last_error: None,
        next_poll: None,
        next_poll_reason: None,
        subscription: None,
        files: FilesRead::default(),
        ..cursor
    }
}

/// What follows from a poll. `spread` is how to wait, and a number from 0 to 1 that moves the wait.
pub(super) fn conclude(
    feed: &FeedConfig,
    cursor: &FeedCursor,
    now: Timestamp,
    answer: Result<Answer, PollError>,
    size: BodySize,
    (pace, random): (Pace, f64),
) -> Poll {
    let read_before = cursor.last_success;
    let mut cursor = FeedCursor { last_poll: Some(now), asked_until: None, ..cursor.clone() };
    let mut health = Health::default();
    let mut repairs = Repairs::default();
    let mut discovery = Discovery::Unknown;
    let (outcome, ending) = match answer {
        Err(error) => {
            let ending = fail(&mut cursor, &error, now);
            health.incident = incident_of_failure(&cursor, &error, now);
            (Outcome::Failed(error), ending)
        }
        Ok(Answer::NotModified(notes)) => {
            succeed(&mut cursor, now);
            health.is_new = rhythm::observe(&mut cursor.rhythm, None, now);
            health.moved_to = follow(&mut cursor, feed, notes.moved_to.as_ref(), false);
            health.incident = stale(&cursor, now);
            let ending = Ending::Success(said(&cursor, notes.fresh, now));
            (Outcome::NotModified, ending)
        }
        Ok(Answer::Body(read)) => {
            let (body, parsed) = *read;
            succeed(&mut cursor, now);
            health.is_new = rhythm::observe(&mut cursor.rhythm, Some(&parsed.items), now);
            health.moved_to = follow(&mut cursor, feed, body.notes.moved_to.as_ref(), true);
            let fresh = body.notes.fresh;
            discovery = Hub::find(&body.links, &parsed.links, &body.url).map_or(Discovery::None, Discovery::Hub);
            health.incident = take(&mut cursor, body, &parsed, size, now).or_else(|| stale(&cursor, now));
            repairs = parsed.repairs;
            let ending = Ending::Success(said(&cursor, fresh, now));
            (Outcome::Items { items: parsed.items, read_before }, ending)
        }
    };
    let (next_poll_after, reason) = next_poll_after(pace, ending, now, random);
    let next_poll = now.saturating_add(next_poll_after).unwrap_or(Timestamp::MAX);
    (cursor.next_poll, cursor.next_poll_reason) = (Some(next_poll), Some(reason));
    cursor.left_alone_until = matches!(outcome, Outcome::Failed(_)).then_some(next_poll);
    let is_known = health.incident.is_some() || cursor.failures == 0;
    let is_new = health.is_new;
    let health = is_known.then(|| health.of(feed));
    let (site, is_limited) = (String::new(), false);
    Poll { cursor, outcome, health, next_poll_after, is_new, repairs, size, site, is_limited, discovery }
}

/// What a poll says about a feed.
#[derive(Default)]
struct Health {
    incident: Option<FeedIncident>,
    moved_to: Option<String>,
    is_new: bool,
}

impl Health {
    fn of(self, feed: &FeedConfig) -> FeedHealth {
        FeedHealth {
            feed: feed.id.clone(),
            url: shown_address(&feed.url),
            outlet: feed.outlet.clone(),
            incident: self.incident,
            moved_to: self.moved_to,
        }
    }
}

fn said(cursor: &FeedCursor, fresh: Freshness, now: Timestamp) -> Said {
    let rhythm = rhythm::interval(&cursor.rhythm, now);
    let rate = rhythm.map(|_| rhythm::rate(&cursor.rhythm, now));
    Said { rhythm, rate, wishes: cursor.wishes, fresh }
}

fn succeed(cursor: &mut FeedCursor, now: Timestamp) {
    cursor.last_success = Some(now);
    cursor.failures = 0;
    cursor.is_denied = false;
    cursor.failing_since = None;
    cursor.retired_since = None;
    cursor.gone_answers = 0;
    cursor.last_error = None;
}

/// Notes a failure, and says how it ends. Where a feed has moved for good and fails there, the address in the config is tried again:
/// it may know better by now. Only an address of the config makes a feed gone.
fn fail(cursor: &mut FeedCursor, error: &PollError, now: Timestamp) -> Ending {
    cursor.failures = cursor.failures.saturating_add(1);
    let since = *cursor.failing_since.get_or_insert(now);
    cursor.last_error = Some(short(&error.to_string()));
    cursor.moving = None;
    let (retry_after, is_gone) = match error {
        PollError::Fetch(error) => (error.retry_after(), error.is_gone()),
        _ => (None, false),
    };
    cursor.asked_until = retry_after.and_then(|wait| now.checked_add(wait).ok());
    cursor.is_denied = retry_after.is_none() && matches!(error, PollError::Fetch(FetchError::Denied { .. }));
    cursor.gone_answers = if is_gone { cursor.gone_answers.saturating_add(1) } else { 0 };
    if cursor.moved_to.is_some() {
        if cursor.failures >= FAILURES_MIN {
            (cursor.moved_to, cursor.etag, cursor.last_modified) = (None, None, None);
            cursor.gone_answers = 0;
        }
    } else if cursor.gone_answers >= GONE_ANSWERS_MIN || (is_absence(error) && now.duration_since(since) >= GONE_AFTER)
    {
        cursor.retired_since.get_or_insert(now);
    }
    if cursor.retired_since.is_some() {
        return Ending::Retired;
    }
    // Who says "too many requests" is not asked again sooner than ever, even where it does not say when.
    Ending::Failure {
        failures: cursor.failures,
        is_retryable: error.is_retryable() && !error.is_rate_limit(),
        retry_after,
    }
}

/// Whether the poll found that there is no feed, rather than that it cannot be had now.
fn is_absence(error: &PollError) -> bool {
    match error {
        PollError::Fetch(error) => error.is_absence(),
        PollError::Parse { source, .. } => !matches!(source, ParseError::Panicked(_)),
        // A directory that is missing now may only not be mounted.
        PollError::Folder(_) | PollError::TooSlow { .. } | PollError::Task(_) => false,
    }
}

fn short(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(ERROR_BYTES_MAX)).unwrap_or_default();
    if cut.len() < text.len() { format!("{cut} …") } else { text.to_owned() }
}

fn incident_of_failure(cursor: &FeedCursor, error: &PollError, now: Timestamp) -> Option<FeedIncident> {
    let since = cursor.failing_since.unwrap_or(now);
    if cursor.retired_since.is_some() {
        let detail = format!("the feed is gone and is looked at once a week from now on: {error}");
        return Some(FeedIncident { kind: AlertType::FeedGone, since, detail });
    }
    let detail = format!("{} polls failed in a row, the last one so: {error}", cursor.failures);
    (cursor.failures >= FAILURES_MIN).then_some(FeedIncident { kind: AlertType::FeedFailing, since, detail })
}

/// Takes in a body that parsed, or says what is wrong with it. Validators move only with a body that parsed, and never with one that is
/// suddenly empty: with the old ones the server goes on to answer with a body, and the feed counts as empty until it has entries again.
fn take(
    cursor: &mut FeedCursor,
    body: Body,
    parsed: &ParsedFeed,
    size: BodySize,
    now: Timestamp,
) -> Option<FeedIncident> {
    cursor.wishes = parsed.wishes;
    cursor.repairs = parsed.repairs.0.iter().map(|(repair, times)| (repair.as_str().to_owned(), *times)).collect();
    let had = cursor.last_item_count.unwrap_or_default();
    let detail = match parsed.items.len() {
        0 if had > 0 => Some(format!("the feed has no entries; it had {had}")),
        0 if size.decoded > EMPTY_BYTES_MAX => Some(format!(
            "no entries are found in a feed of {} bytes: perhaps it has them in a form that cannot be read",
            size.decoded
        )),
        _ => None,
    };
    if let Some(detail) = detail {
        return Some(FeedIncident { kind: AlertType::FeedEmpty, since: now, detail });
    }
    // What was cut off is asked for again: with the validators of the cut body the server would say that nothing changed.
    if !parsed.repairs.0.contains_key(&Repair::Truncated) {
        (cursor.etag, cursor.last_modified) = (body.etag, body.last_modified);
        cursor.validators_of = Some(AddressHash::of(&[body.url.as_str().as_bytes()]));
    }
    cursor.last_body = Some(now);
    cursor.last_item_count = Some(u32::try_from(parsed.items.len()).unwrap_or(u32::MAX));
    None
}

/// Says that a feed is silent against its own rhythm.
fn stale(cursor: &FeedCursor, now: Timestamp) -> Option<FeedIncident> {
    let since = rhythm::stale_since(&cursor.rhythm, now)?;
    let hours = |time: Duration| {
        if time < Duration::from_hours(2) {
            format!("{} min", time.as_secs() / 60)
        } else {
            format!("{} h", time.as_secs() / 3600)
        }
    };
    let silence = hours(Duration::try_from(now.duration_since(since)).unwrap_or_default());
    let pause = hours(Duration::from_secs(cursor.rhythm.longest_pause.into()));
    let gap = rhythm::mean_gap(&cursor.rhythm).map(|gap| format!("it has one every {} on average, and ", hours(gap)));
    let detail = format!(
        "the feed answers but has had no new entry for {silence}; {}never paused for more than {pause}",
        gap.unwrap_or_else(|| "it ".to_owned())
    );
    Some(FeedIncident { kind: AlertType::FeedStale, since, detail })
}

/// Follows a permanent redirect: to be believed, it must lead to the same address at several polls running, and to a feed each time.
/// What is told is where the feed has moved to, once that is believed. `Not modified` speaks for a target from which a body came before.
fn follow(cursor: &mut FeedCursor, feed: &FeedConfig, target: Option<&Url>, is_body: bool) -> Option<String> {
    let Some(target) = target.filter(|target| may_move(feed, target)) else {
        cursor.moving = None;
        return None;
    };
    let known = cursor.moving.take().filter(|moving| moving.to == target.as_str());
    let polls = match known {
        Some(moving) => moving.polls.saturating_add(1),
        None if is_body => 1,
        None => return None,
    };
    if polls < MOVED_POLLS_MIN {
        cursor.moving = Some(Moving { to: target.as_str().to_owned(), polls });
        return None;
    }
    // Back to where the config says it is: then that is the address.
    cursor.moved_to = (*target != feed.url).then(|| target.as_str().to_owned());
    cursor.moved_to.as_ref().map(|_| shown_address(target))
}

/// Credentials are shown to one server alone, and a feed that was read in private is not to be read in the open from now on.
fn may_move(feed: &FeedConfig, target: &Url) -> bool {
    let has_user = |url: &Url| !url.username().is_empty() || url.password().is_some();
    let is_same_server = target.origin() == feed.url.origin();
    let is_safe =
        is_same_server || (feed.access.is_empty() && !(feed.url.scheme() == "https" && target.scheme() != "https"));
    is_safe && !has_user(&feed.url) && !has_user(target) && target.as_str().len() <= ADDRESS_BYTES_MAX
}

#[cfg(test)]
mod tests;
