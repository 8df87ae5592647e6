//! `gainsay feeds status`: how each feed does, when it is polled next and why; those in trouble first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::args::FeedsStatusArgs;
use super::filter::Needle;
use super::table::{Cell, Column};
use super::words::{alert_of, minute};
use super::{Asked, Listed, Source, print_list, remote};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, FeedConfig};
use crate::feedlist::plain::{Origin, all_feeds};
use crate::intake::FAILURES_MIN;
use crate::intake::rhythm::mean_gap;
use crate::model::{
    AlertId, AlertType, FeedControl, FeedCursor, FeedId, FeedRecord, PausedFeed, PollReason, Subscription,
    shown_address,
};
use crate::store::{DeliveryFilter, FeedDocuments, View};
use crate::terminal::DIM;

/// How a feed can do, the worst first.
pub(crate) const STATES: [&str; 11] =
    ["gone", "failing", "denied", "empty", "stale", "backing-off", "new", "paused", "moved", "healthy", "dropped"];
/// The states in which something is wrong that does not mend itself soon.
pub(crate) const TROUBLES: [&str; 5] = ["gone", "failing", "denied", "empty", "stale"];

/// `gainsay feeds status`.
///
/// # Errors
/// If the database cannot be read or the output not written.
pub fn feeds_status(args: &FeedsStatusArgs) -> Result<ExitCode> {
    if let Some(remote) = remote(&args.at, &args.database)? {
        let asked = Asked::default().with("state", &args.state).with("q", &args.outlet);
        asked.print::<FeedLine>(&remote, "feeds", args.format, 0)?;
        return Ok(ExitCode::SUCCESS);
    }
    let source = Source::find(&args.database)?;
    let outlet = Needle::new(args.outlet.as_deref());
    let mut found = statuses(&source.open()?, source.config.as_ref())?;
    found.retain(|line| {
        (args.state.is_empty() || args.state.iter().any(|state| *state == line.state))
            && outlet.is_in([line.outlet.as_str(), line.id.as_str()])
    });
    print_list(args.format, &found, 0)?;
    Ok(ExitCode::SUCCESS)
}

/// How each feed of the database and of the config does.
pub(crate) fn statuses(view: &View, config: Option<&Config>) -> Result<Vec<FeedLine>> {
    let (lists, controls) = (view.feed_lists()?, view.feed_controls()?);
    let all = config.map(|config| all_feeds(config, &lists, &controls));
    let feeds = all.map(|all| all.into_iter().map(|(feed, origin)| (feed.id.clone(), (feed, origin))).collect());
    let known = Known {
        now: SystemClock.now(),
        view,
        feeds,
        controls: controls.into_iter().map(|control| (control.feed.clone(), control)).collect(),
        cursors: view.cursors()?.into_iter().map(|cursor| (cursor.feed.clone(), cursor)).collect(),
        records: view.feeds()?.into_iter().map(|record| (record.feed.clone(), record)).collect(),
        documents: view.feed_documents()?.into_iter().map(|one| (FeedId::new(one.feed.as_str()), one)).collect(),
    };
    let configured = known.feeds.iter().flat_map(|feeds| feeds.keys().cloned());
    let all: BTreeSet<FeedId> = known.cursors.keys().chain(known.documents.keys()).cloned().chain(configured).collect();
    let mut lines: Vec<FeedLine> = all.iter().map(|id| known.line(id)).collect::<Result<_>>()?;
    lines.sort_by_key(|line| STATES.iter().position(|state| *state == line.state));
    Ok(lines)
}

struct Known<'a> {
    now: Timestamp,
    view: &'a View,
    /// Those of the config, of lists and those that were added, where there is a config.
    feeds: Option<BTreeMap<FeedId, (Arc<FeedConfig>, Origin)>>,
    controls: BTreeMap<FeedId, FeedControl>,
    cursors: BTreeMap<FeedId, FeedCursor>,
    records: BTreeMap<FeedId, FeedRecord>,
    documents: BTreeMap<FeedId, FeedDocuments>,
}

impl Known<'_> {
    fn line(&self, id: &FeedId) -> Result<FeedLine> {
        let (cursor, record, documents) = (self.cursors.get(id), self.records.get(id), self.documents.get(id));
        let (configured, origin) = self.feeds.as_ref().and_then(|feeds| feeds.get(id)).cloned().unzip();
        let is_dropped = self.feeds.is_some() && configured.is_none();
        let paused = self.controls.get(id).and_then(|control| control.paused.clone()).filter(|_| !is_dropped);
        let failures = cursor.map_or(0, |cursor| cursor.failures);
        let state = match cursor {
            _ if is_dropped => "dropped",
            _ if paused.is_some() => "paused",
            // A replay has no cursors, but documents.
            None if documents.is_none() => "new",
            None => "healthy",
            Some(cursor) => state(cursor, record),
        };
        let is_open = matches!(state, "empty" | "stale");
        let outlet = configured.as_ref().map(|feed| &feed.outlet);
        let outlet = outlet.or_else(|| documents.map(|documents| &documents.outlet));
        let is_polled = !matches!(state, "dropped" | "paused");
        Ok(FeedLine {
            id: id.as_str().to_owned(),
            outlet: outlet.cloned().unwrap_or_default(),
            url: configured.as_ref().map(|feed| shown_address(&feed.url)),
            moved_to: cursor.and_then(|cursor| Some(shown_address(&cursor.moved_to.as_deref()?.parse().ok()?))),
            state: state.into(),
            origin: origin.map(|origin| origin.to_string()),
            paused,
            since: if is_open { record.map(|record| record.since) } else { cursor.and_then(|c| c.failing_since) },
            failures,
            error: match cursor.and_then(|cursor| cursor.last_error.clone()) {
                Some(error) => Some(error),
                None if TROUBLES.contains(&state) => self.error(record)?,
                None => None,
            },
            next_poll: cursor.and_then(|cursor| cursor.next_poll).filter(|_| is_polled),
            next_poll_reason: cursor.and_then(|cursor| cursor.next_poll_reason).filter(|_| is_polled),
            interval_seconds: cursor.and_then(interval),
            rhythm_seconds: cursor.and_then(|cursor| Some(mean_gap(&cursor.rhythm)?.as_secs())),
            last_entry: cursor.and_then(|cursor| cursor.rhythm.newest),
            repairs: cursor.map(|cursor| cursor.repairs.clone()).unwrap_or_default(),
            last_poll: cursor.and_then(|cursor| cursor.last_poll),
            last_success: cursor.and_then(|cursor| cursor.last_success),
            left_alone_until: cursor.and_then(|cursor| cursor.left_alone_until),
            entries: cursor.and_then(|cursor| cursor.last_item_count),
            texts: documents.map_or(0, |documents| documents.texts),
            newest: documents.map(|documents| documents.newest),
            push: cursor.and_then(|cursor| cursor.subscription.as_ref()).map(|one| push(one, self.now)),
        })
    }

    /// What is wrong with a feed, in the words of the alert of its open incident.
    fn error(&self, record: Option<&FeedRecord>) -> Result<Option<String>> {
        let Some((record, kind)) = record.and_then(|record| Some((record, record.open?))) else { return Ok(None) };
        let id = [record.feed.as_str().as_bytes(), &record.incident.to_le_bytes(), kind.as_str().as_bytes()];
        let filter = DeliveryFilter { alert: Some(AlertId::of(&id)), ..DeliveryFilter::default() };
        let mut detail = None;
        self.view.deliveries(&filter, |row| {
            detail = row.body.as_deref().and_then(alert_of).and_then(|alert| Some(alert.feed?.detail));
            if detail.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(detail)
    }
}

/// How a feed does that is in the config and was polled.
fn state(cursor: &FeedCursor, record: Option<&FeedRecord>) -> &'static str {
    let open = record.and_then(|record| record.open);
    match () {
        () if cursor.retired_since.is_some() => "gone",
        () if cursor.is_denied => "denied",
        () if cursor.failures >= FAILURES_MIN => "failing",
        () if cursor.failures > 0 => "backing-off",
        () if open == Some(AlertType::FeedEmpty) => "empty",
        () if open == Some(AlertType::FeedStale) => "stale",
        () if cursor.moved_to.is_some() => "moved",
        () => "healthy",
    }
}

/// Seconds between the last poll and the next.
fn interval(cursor: &FeedCursor) -> Option<u64> {
    u64::try_from(cursor.next_poll?.duration_since(cursor.last_poll?).as_secs()).ok()
}

/// When a feed is polled next and why: how often, where that is an interval, else at what time.
fn next_in_words(reason: PollReason, next: Timestamp, seconds: u64) -> String {
    match reason {
        PollReason::RetryAfter => format!("left alone until {}: {}", minute(next), reason.as_str()),
        PollReason::SkipHours | PollReason::SkipDays | PollReason::Backoff | PollReason::Retired => {
            format!("{}: {}", minute(next), reason.as_str())
        }
        _ => format!("every {}: {}", time_in_words(seconds), reason.as_str()),
    }
}

/// Since when a feed is paused, and by whom.
pub(crate) fn paused_in_words(paused: &PausedFeed) -> String {
    let by = paused.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("paused{by} since {}", minute(paused.since))
}

/// A length of time in one unit, in which it is told best.
fn time_in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        7_200..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// A feed as `gainsay feeds status` prints it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FeedLine {
    pub(crate) id: String,
    pub(crate) outlet: String,
    pub(crate) url: Option<String>,
    /// Where it has moved for good and is polled.
    moved_to: Option<String>,
    pub(crate) state: Cow<'static, str>,
    /// Where it stands: `config`, `added`, or `list` and its id; null where it is dropped.
    pub(crate) origin: Option<String>,
    /// Since when it is not polled, and who said so.
    pub(crate) paused: Option<PausedFeed>,
    /// Since when it fails, is empty or is silent.
    #[schemars(with = "Option<String>")]
    pub(super) since: Option<Timestamp>,
    failures: u32,
    /// What is wrong, in words, from the first failure on.
    pub(super) error: Option<String>,
    #[schemars(with = "Option<String>")]
    next_poll: Option<Timestamp>,
    /// Why then.
    next_poll_reason: Option<PollReason>,
    /// From the last poll to the next.
    interval_seconds: Option<u64>,
    /// Mean time between two entries.
    rhythm_seconds: Option<u64>,
    /// When its latest entry was published.
    #[schemars(with = "Option<String>")]
    last_entry: Option<Timestamp>,
    /// What had to be repaired in its last body, by kind.
    repairs: BTreeMap<String, u32>,
    #[schemars(with = "Option<String>")]
    last_poll: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    last_success: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    left_alone_until: Option<Timestamp>,
    /// Entries in its last body.
    entries: Option<u32>,
    /// Texts that are kept of it.
    texts: u64,
    /// When the newest of them was first seen.
    #[schemars(with = "Option<String>")]
    newest: Option<Timestamp>,
    /// Its hub, in words.
    push: Option<Push>,
}

/// What there is to say of a feed's hub.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Push {
    /// Its address.
    hub: String,
    /// Until when it has promised to push, if it has and that is not over.
    #[schemars(with = "Option<String>")]
    until: Option<Timestamp>,
    /// When it last pushed.
    #[schemars(with = "Option<String>")]
    pushed: Option<Timestamp>,
    /// What is wrong, in words; the feed is then polled as ever.
    trouble: Option<String>,
}

fn push(subscription: &Subscription, now: Timestamp) -> Push {
    let missed = || subscription.has_missed.then(|| "a poll found what the hub had not sent".to_owned());
    Push {
        hub: Url::parse(&subscription.hub).map(|hub| shown_address(&hub)).unwrap_or_default(),
        until: subscription.ends.filter(|ends| *ends > now),
        pushed: subscription.last_push,
        trouble: subscription.trouble.clone().or_else(missed),
    }
}

/// Colour of a feed's state.
pub(crate) fn state_style(state: &str) -> Style {
    match state {
        "gone" | "failing" | "denied" => AnsiColor::Red.on_default(),
        "empty" | "stale" | "backing-off" | "new" | "paused" => AnsiColor::Yellow.on_default(),
        "healthy" | "moved" => AnsiColor::Green.on_default(),
        _ => DIM,
    }
}

impl Listed for FeedLine {
    const NAMES: (&'static str, &'static str) = ("feed", "feeds");
    const COLUMNS: &'static [Column] = &[
        Column::text("FEED", 10),
        Column::text("OUTLET", 8).spare(),
        Column::whole("STATE"),
        Column::whole("READ (UTC)"),
        Column::text("NEXT POLL", 24).spare(),
        Column::whole("ENTRY EVERY").spare(),
        Column::number("ENTRIES").spare(),
        Column::number("TEXTS").spare(),
        Column::whole("NEWEST TEXT").spare(),
        Column::text("TROUBLE", 22),
    ];

    fn row(&self) -> Vec<Cell> {
        let style = state_style(&self.state);
        let paused = self.paused.as_ref().map(paused_in_words);
        let since = self.since.map(|since| format!("since {}", minute(since)));
        let times = (self.failures > 0)
            .then(|| if self.failures == 1 { "once".to_owned() } else { format!("{} times", self.failures) });
        let push = self.push.as_ref().and_then(|push| push.trouble.as_ref());
        let push = push.map(|trouble| format!("polled, not pushed: {trouble}"));
        let moved = self.moved_to.as_ref().map(|to| format!("has moved to {to}"));
        let repairs: Vec<String> = self.repairs.iter().map(|(repair, times)| format!("{repair} {times}")).collect();
        let repairs = (!repairs.is_empty()).then(|| format!("repaired: {}", repairs.join(", ")));
        let trouble: Vec<String> =
            [paused, since, times, self.error.clone(), push, moved, repairs].into_iter().flatten().collect();
        let next = self.next_poll_reason.zip(self.next_poll).zip(self.interval_seconds);
        let next = next.map(|((reason, next), seconds)| next_in_words(reason, next, seconds)).unwrap_or_default();
        let time = |time: Option<Timestamp>| Cell::new(&time.map(minute).unwrap_or_default());
        vec![
            Cell::styled(&self.id, Style::new()),
            Cell::new(&self.outlet),
            Cell::styled(&self.state, style),
            time(self.last_success),
            Cell::new(&next),
            Cell::new(&self.rhythm_seconds.map(time_in_words).unwrap_or_default()),
            Cell::new(&self.entries.map(|entries| entries.to_string()).unwrap_or_default()),
            Cell::new(&self.texts.to_string()),
            time(self.newest),
            Cell::new(&trouble.join(", ")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_poll_is_told_with_its_reason() {
        let next: Timestamp = "2026-03-31T14:05:00Z".parse().unwrap();
        for (reason, seconds, expected) in [
            (PollReason::Rhythm, 700, "every 12 min: its rhythm"),
            (PollReason::Interval, 90, "every 90 s: poll_interval"),
            (PollReason::IntervalMax, 7_200, "every 2 h: poll_interval_max"),
            (PollReason::Ttl, 259_200, "every 3 d: its ttl"),
            (PollReason::RetryAfter, 60, "left alone until 2026-03-31 14:05: Retry-After"),
            (PollReason::SkipHours, 60, "2026-03-31 14:05: skipHours"),
        ] {
            assert_eq!(next_in_words(reason, next, seconds), expected);
        }
    }

    #[test]
    fn a_state_is_a_word_of_the_list() {
        let at: Timestamp = "2026-03-31T14:05:00Z".parse().unwrap();
        let base = FeedCursor::new(FeedId::new("a"));
        let record =
            |open| FeedRecord { feed: FeedId::new("a"), incident: 1, open, since: at, moves: 0, moved_to: None };
        let check = |cursor: FeedCursor, open, expected| {
            assert_eq!(state(&cursor, Some(&record(open))), expected);
            assert!(STATES.contains(&expected));
        };
        check(base.clone(), None, "healthy");
        check(FeedCursor { failures: 1, ..base.clone() }, None, "backing-off");
        check(FeedCursor { failures: 3, ..base.clone() }, Some(AlertType::FeedFailing), "failing");
        check(FeedCursor { failures: 1, is_denied: true, ..base.clone() }, None, "denied");
        check(FeedCursor { failures: 9, retired_since: Some(at), ..base.clone() }, Some(AlertType::FeedGone), "gone");
        check(base.clone(), Some(AlertType::FeedEmpty), "empty");
        check(base.clone(), Some(AlertType::FeedStale), "stale");
        check(FeedCursor { moved_to: Some("https://b.example/".to_owned()), ..base }, None, "moved");
    }
}
