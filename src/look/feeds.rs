//! `gainsay feeds status`: how each feed does, the failing ones first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::args::FeedsStatusArgs;
use super::filter::Needle;
use super::table::{Cell, Column};
use super::words::{alert_of, minute};
use super::{Listed, Source, print_list};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::feedlist::plain::all_feeds;
use crate::model::{AlertId, AlertType, FeedCursor, FeedId, FeedRecord, Subscription, shown_address};
use crate::store::{DeliveryFilter, FeedDocuments, View};
use crate::terminal::DIM;

/// How a feed can do, the worst first.
pub(super) const STATES: [&str; 5] = ["failing", "empty", "new", "ok", "dropped"];

/// `gainsay feeds status`.
///
/// # Errors
/// If the database cannot be read or the output not written.
pub fn feeds_status(args: &FeedsStatusArgs) -> Result<ExitCode> {
    let source = Source::find(&args.database)?;
    let outlet = Needle::new(args.outlet.as_deref());
    let mut found = statuses(&source.open()?, source.config.as_ref())?;
    found.retain(|line| {
        (args.state.is_empty() || args.state.iter().any(|state| state == line.state))
            && outlet.is_in([line.outlet.as_str(), line.id.as_str()])
    });
    print_list(args.format, &found, 0)?;
    Ok(ExitCode::SUCCESS)
}

/// How each feed of the database and of the config does.
pub(super) fn statuses(view: &View, config: Option<&Config>) -> Result<Vec<FeedLine>> {
    // What lists bring counts as what stands in the config itself.
    let lists = view.feed_lists()?;
    let whole = config.map(|config| {
        let feeds = all_feeds(config, &lists).into_iter().map(|(feed, _)| feed).collect();
        Config { feeds, ..config.clone() }
    });
    let config = whole.as_ref();
    let known = Known {
        now: SystemClock.now(),
        view,
        config,
        cursors: view.cursors()?.into_iter().map(|cursor| (cursor.feed.clone(), cursor)).collect(),
        records: view.feeds()?.into_iter().map(|record| (record.feed.clone(), record)).collect(),
        documents: view.feed_documents()?.into_iter().map(|one| (FeedId::new(one.feed.as_str()), one)).collect(),
    };
    let configured = config.iter().flat_map(|config| config.feeds.iter().map(|feed| feed.id.clone()));
    let all: BTreeSet<FeedId> = known.cursors.keys().chain(known.documents.keys()).cloned().chain(configured).collect();
    let mut lines: Vec<FeedLine> = all.iter().map(|id| known.line(id)).collect::<Result<_>>()?;
    lines.sort_by_key(|line| STATES.iter().position(|state| *state == line.state));
    Ok(lines)
}

struct Known<'a> {
    now: Timestamp,
    view: &'a View,
    config: Option<&'a Config>,
    cursors: BTreeMap<FeedId, FeedCursor>,
    records: BTreeMap<FeedId, FeedRecord>,
    documents: BTreeMap<FeedId, FeedDocuments>,
}

impl Known<'_> {
    fn line(&self, id: &FeedId) -> Result<FeedLine> {
        let (cursor, record, documents) = (self.cursors.get(id), self.records.get(id), self.documents.get(id));
        let configured = self.config.and_then(|config| config.feeds.iter().find(|feed| feed.id == *id));
        let failures = cursor.map_or(0, |cursor| cursor.failures);
        let is_empty = record.is_some_and(|record| record.open == Some(AlertType::FeedEmpty));
        let state = match () {
            () if self.config.is_some() && configured.is_none() => "dropped",
            () if failures > 0 => "failing",
            () if is_empty => "empty",
            // A replay has no cursors, but documents.
            () if cursor.is_none() && documents.is_none() => "new",
            () => "ok",
        };
        let outlet = configured.map(|feed| &feed.outlet).or_else(|| documents.map(|documents| &documents.outlet));
        Ok(FeedLine {
            id: id.as_str().to_owned(),
            outlet: outlet.cloned().unwrap_or_default(),
            url: configured.map(|feed| shown_address(&feed.url)),
            state,
            since: if is_empty { record.map(|record| record.since) } else { cursor.and_then(|c| c.failing_since) },
            failures,
            error: if state == "failing" { self.error(record)? } else { None },
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

/// A feed as `gainsay feeds status` prints it.
#[derive(Debug, Serialize)]
pub(super) struct FeedLine {
    pub(super) id: String,
    pub(super) outlet: String,
    url: Option<String>,
    pub(super) state: &'static str,
    /// Since when it fails or is empty.
    pub(super) since: Option<Timestamp>,
    failures: u32,
    pub(super) error: Option<String>,
    last_poll: Option<Timestamp>,
    last_success: Option<Timestamp>,
    left_alone_until: Option<Timestamp>,
    /// Entries in its last body.
    entries: Option<u32>,
    /// Texts that are kept of it.
    texts: u64,
    /// When the newest of them was first seen.
    newest: Option<Timestamp>,
    /// Its hub, in words.
    push: Option<Push>,
}

/// What there is to say of a feed's hub.
#[derive(Debug, Serialize)]
struct Push {
    /// Its address.
    hub: String,
    /// Until when it has promised to push, if it has and that is not over.
    until: Option<Timestamp>,
    /// When it last pushed.
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

impl Listed for FeedLine {
    const NAMES: (&'static str, &'static str) = ("feed", "feeds");
    const COLUMNS: &'static [Column] = &[
        Column::text("FEED", 10),
        Column::text("OUTLET", 8).spare(),
        Column::whole("STATE"),
        Column::whole("READ (UTC)"),
        Column::number("ENTRIES").spare(),
        Column::number("TEXTS").spare(),
        Column::whole("NEWEST TEXT").spare(),
        Column::text("TROUBLE", 22),
    ];

    fn row(&self) -> Vec<Cell> {
        let style = match self.state {
            "failing" => AnsiColor::Red.on_default(),
            "empty" | "new" => AnsiColor::Yellow.on_default(),
            "ok" => AnsiColor::Green.on_default(),
            _ => DIM,
        };
        let since = self.since.map(|since| format!("since {}", minute(since)));
        let times = (self.failures > 0)
            .then(|| if self.failures == 1 { "once".to_owned() } else { format!("{} times", self.failures) });
        let push = self.push.as_ref().and_then(|push| push.trouble.as_ref());
        let push = push.map(|trouble| format!("polled, not pushed: {trouble}"));
        let trouble: Vec<String> = [since, times, self.error.clone(), push].into_iter().flatten().collect();
        let time = |time: Option<Timestamp>| Cell::new(&time.map(minute).unwrap_or_default());
        vec![
            Cell::styled(&self.id, Style::new()),
            Cell::new(&self.outlet),
            Cell::styled(self.state, style),
            time(self.last_success),
            Cell::new(&self.entries.map(|entries| entries.to_string()).unwrap_or_default()),
            Cell::new(&self.texts.to_string()),
            time(self.newest),
            Cell::new(&trouble.join(", ")),
        ]
    }
}
