//! `Telemetry`: all that the daemon tells about itself while it runs; told by `app` as things happen, asked by `web` and by the
//! supervisor's status line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::metrics::{Metric, Metrics, Samples};
use super::polls::{PollNote, RecentPolls};
use super::pulse::{Phase, Pulse, Stage};
use crate::clock::Clock;
use crate::config::{Config, FeedConfig};
use crate::desk::{HELD_REASONS, Outcome, SILENCED_REASONS};
use crate::intake::{FAILURES_MIN, Outcome as PollOutcome, PageError, Poll, PollError, Repair};
use crate::model::{AlertType, Attempt, AttemptResult, EndpointRecord, EndpointState, FeedCursor, FeedId, Kind};
use crate::store::{Orphan, Store, StoreError};

/// Feeds that have a series of their own; of more, the metrics tell only the whole.
const FEED_SERIES_MAX: usize = 500;
/// Sites that have a series of their own.
const SITE_SERIES_MAX: usize = 200;
/// What the others are counted as.
const OTHER_SITES: &str = "other";
/// How long a stage may make no progress before the daemon counts as ill.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// All that the daemon tells about itself.
pub struct Telemetry {
    /// Signs of life.
    pub pulse: Pulse,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    feeds: Mutex<Watched>,
    database: OnceLock<(Arc<dyn Store>, PathBuf)>,
}

/// What is known of the feeds.
#[derive(Default)]
struct Watched {
    states: BTreeMap<FeedId, Watch>,
    /// Those that have a series of their own.
    shown: BTreeSet<FeedId>,
    /// Sites that have a series of their own.
    sites: BTreeSet<String>,
    /// The sinks of the config.
    sinks: BTreeSet<String>,
}

struct Watch {
    is_polled: bool,
    failures: u32,
    last_success: Option<Timestamp>,
    /// What is wrong, as the last poll that said anything about it said.
    incident: Option<AlertType>,
    interval: Option<Duration>,
    recent: RecentPolls,
}

impl Watch {
    fn state(&self) -> &'static str {
        match self.failures {
            _ if self.incident == Some(AlertType::FeedGone) => "gone",
            0 if self.incident == Some(AlertType::FeedEmpty) => "empty",
            0 if self.incident == Some(AlertType::FeedStale) => "stale",
            0 if self.is_polled => "healthy",
            0 => "unread",
            failures if failures < FAILURES_MIN => "troubled",
            _ => "failing",
        }
    }
}

/// States of a feed, as [`Watch::state`] tells them.
const FEED_STATES: [&str; 7] = ["unread", "healthy", "troubled", "failing", "empty", "stale", "gone"];

impl Telemetry {
    /// Of a daemon that starts.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let metrics = Metrics::default();
        let start = clock.now();
        metrics.record(|samples| {
            samples.set(Metric::StartTime, &[], start.as_duration().as_secs_f64());
            prepare(samples);
        });
        Arc::new(Self { pulse: Pulse::new(), metrics, clock, feeds: Mutex::default(), database: OnceLock::new() })
    }

    /// Told once the store is open and the sinks are known: what waits in it, and what is to be looked at from now on.
    pub fn opened(&self, config: &Config, store: Arc<dyn Store>, models: &str, waiting: &[Orphan]) {
        self.metrics.record(|samples| {
            samples.set(Metric::BuildInfo, &[env!("CARGO_PKG_VERSION"), models], 1.0);
            for sink in &config.sinks {
                prepare_sink(samples, &sink.name);
            }
            for Orphan { sink, waiting, .. } in waiting {
                prepare_sink(samples, sink);
                samples.set(Metric::OutboxAtStart, &[sink], float(*waiting));
            }
        });
        self.watch_sinks(config.sinks.iter().map(|sink| sink.name.clone()).collect());
        // A second store would be a second daemon; the first one stays.
        drop(self.database.set((store, config.database.clone())));
    }

    /// So many documents wait in the backlog that an earlier daemon left.
    pub fn backlog_at_start(&self, documents: usize) {
        self.metrics.record(|samples| {
            for metric in [Metric::Backlog, Metric::BacklogAtStart] {
                samples.set(metric, &[], float(documents as u64));
            }
        });
    }

    /// Alerts were given up, as their sink is long gone.
    pub fn given_up(&self, sink: &str, alerts: u64) {
        self.metrics.record(|samples| samples.count(Metric::OutboxGivenUp, &[sink], alerts));
    }

    /// The feeds of a config are watched from now on, each from the cursor that it is known to have.
    pub fn watch_config(&self, config: &Config, cursors: &BTreeMap<FeedId, FeedCursor>) {
        self.watch(config.feeds.iter().map(|feed| (feed.as_ref(), cursors.get(&feed.id))));
    }

    /// These feeds are watched from now on, in the order of the config; each with the cursor that it goes on from, if it has one.
    pub fn watch<'a>(&self, feeds: impl Iterator<Item = (&'a FeedConfig, Option<&'a FeedCursor>)>) {
        let mut watched = self.feeds();
        watched.shown.clear();
        let mut states = Vec::new();
        for (feed, cursor) in feeds {
            if watched.shown.len() < FEED_SERIES_MAX {
                watched.shown.insert(feed.id.clone());
            }
            let fresh = Watch {
                is_polled: false,
                failures: cursor.map_or(0, |cursor| cursor.failures),
                last_success: cursor.and_then(|cursor| cursor.last_success),
                incident: cursor.and_then(|cursor| cursor.retired_since).map(|_| AlertType::FeedGone),
                interval: None,
                recent: RecentPolls::default(),
            };
            states.push((feed.id.clone(), watched.states.remove(&feed.id).unwrap_or(fresh)));
        }
        // Collected at once the map has no room left in it, of which there is much in one that grew.
        watched.states = states.into_iter().collect();
    }

    /// A poll has begun; it ends with the value's drop.
    pub fn poll_begins(self: &Arc<Self>) -> UnderWay {
        UnderWay::new(self, Metric::PollsUnderWay)
    }

    /// A poll's work waits for the desk, until the value is dropped.
    pub fn waits_for_desk(self: &Arc<Self>) -> UnderWay {
        UnderWay::new(self, Metric::DeskQueue)
    }

    /// A feed was polled.
    pub fn polled(&self, feed: &FeedConfig, poll: &Poll) {
        self.pulse.feed_polled(&feed.id);
        let site = self.feeds().polled(&feed.id, poll);
        self.metrics.record(|samples| {
            samples.count(Metric::PollsUseful, &[], u64::from(poll.is_new));
            samples.count(Metric::SitePolls, &[&site], 1);
            samples.count(Metric::SiteLimits, &[&site], u64::from(poll.is_limited));
            let result = match &poll.outcome {
                PollOutcome::NotModified => "not_modified",
                PollOutcome::Items { items, .. } => {
                    samples.count(Metric::EntriesRead, &[], items.len() as u64);
                    "entries"
                }
                PollOutcome::Failed(error) => {
                    samples.count(Metric::PollFailures, &[error.reason()], 1);
                    "failed"
                }
            };
            samples.count(Metric::Polls, &[result], 1);
            samples.count(Metric::PollBytes, &["wire"], poll.size.wire);
            samples.count(Metric::PollBytes, &["decoded"], poll.size.decoded);
            for (repair, times) in &poll.repairs.0 {
                samples.count(Metric::Repairs, &[repair.as_str()], u64::from(*times));
            }
        });
    }

    /// Keeps what a poll brought, for those who look at the feed.
    pub fn note_poll(&self, feed: &FeedId, note: PollNote) {
        if let Some(watch) = self.feeds().states.get_mut(feed) {
            watch.recent.push(note);
        }
    }

    /// The last polls of a feed, the latest last.
    pub fn recent_polls(&self, feed: &FeedId) -> Vec<PollNote> {
        self.feeds().states.get(feed).map(|watch| watch.recent.all()).unwrap_or_default()
    }

    /// A hub has sent something, and what became of it.
    pub fn pushed(&self, result: &str) {
        self.metrics.record(|samples| samples.count(Metric::Pushes, &[result], 1));
    }

    /// What came of the page of an entry.
    pub fn page_read(&self, error: Option<&PageError>) {
        self.metrics.record(|samples| samples.count(Metric::Pages, &[error.map_or("read", PageError::reason)], 1));
    }

    /// A push was read.
    pub fn entries_pushed(&self, poll: &Poll) {
        if let PollOutcome::Items { items, .. } = &poll.outcome {
            self.metrics.record(|samples| samples.count(Metric::EntriesRead, &[], items.len() as u64));
        }
    }

    /// What a poll brought was given to the desk.
    pub fn handed_over(&self, documents: u64, withheld: u64, unclean: u64) {
        self.metrics.record(|samples| {
            samples.count(Metric::DocumentsIn, &[], documents);
            samples.count(Metric::EntriesLost, &["withheld"], withheld);
            samples.count(Metric::EntriesLost, &["unclean"], unclean);
        });
    }

    /// What a poll brought could not be given to the desk.
    pub fn not_handed_over(&self, entries: u64) {
        self.metrics.record(|samples| samples.count(Metric::EntriesLost, &["not_handed_over"], entries));
    }

    /// A batch is durable.
    pub fn committed(&self, outcome: &Outcome) {
        self.pulse.desk_ended(true);
        self.pulse.wrote(Ok(()));
        let tally = &outcome.tally;
        self.metrics.record(|samples| {
            for (result, count) in [
                ("read", tally.read),
                ("known", tally.known),
                ("quarantined", tally.quarantined),
                ("left_out", tally.left_out),
            ] {
                samples.count(Metric::Documents, &[result], count);
            }
            for (result, count) in
                [("new", tally.stories_new), ("joined", tally.stories_joined), ("revised", tally.stories_revised)]
            {
                samples.count(Metric::Stories, &[result], count);
            }
            for (kind, count) in &tally.claims {
                samples.count(Metric::Claims, &[kind.as_str()], *count);
            }
            for (alert_type, count) in &tally.events {
                samples.count(Metric::Events, &[alert_type.as_str()], *count);
            }
            for alert in outcome.alerts() {
                samples.count(Metric::Alerts, &[alert.alert_type.as_str()], 1);
            }
            for ((rule, key), count) in &tally.held_back {
                samples.count(Metric::RulesHeldBack, &[rule, key], *count);
            }
            for (rule, count) in &tally.rule_failures {
                samples.count(Metric::RuleFailures, &[rule], *count);
            }
            for (sink, offered) in &tally.offered {
                let known = offered.saturating_sub(tally.put_in.get(sink).copied().unwrap_or_default());
                samples.count(Metric::OutboxKnown, &[sink], known);
            }
            for (metric, alerts) in [
                (Metric::AlertsRouted, &tally.routed),
                (Metric::AlertsInhibited, &tally.inhibited),
                (Metric::OutboxPutIn, &tally.put_in),
            ] {
                for (sink, count) in alerts {
                    samples.count(metric, &[sink], *count);
                }
            }
            for (metric, alerts) in [(Metric::AlertsHeld, &tally.held), (Metric::AlertsSilenced, &tally.silenced)] {
                for ((sink, reason), count) in alerts {
                    samples.count(metric, &[sink, reason], *count);
                }
            }
            samples.count(Metric::Windows, &["network"], tally.windows.network);
            samples.count(Metric::Windows, &["cache"], tally.windows.cache);
            for time in &tally.analysis_times {
                samples.observe(Metric::AnalysisTime, &[], *time);
            }
            samples.observe(Metric::CommitTime, &[], tally.commit_time);
            let kept = tally.records;
            for (kind, count) in [
                ("documents", kept.documents),
                ("stories", kept.stories),
                ("claims", kept.claims),
                ("threads", kept.threads),
            ] {
                samples.set(Metric::Records, &[kind], float(count as u64));
            }
            samples.set(Metric::ClockLead, &[], tally.clock_lead.as_secs_f64());
            samples.set(Metric::Backlog, &[], float(tally.backlog as u64));
        });
    }

    /// A batch of so many documents could not be made durable, because of this.
    pub fn not_committed(&self, documents: u64, error: &StoreError) {
        self.pulse.desk_ended(false);
        self.pulse.wrote(Err(error.to_string()));
        self.metrics.record(|samples| {
            samples.count(Metric::CommitFailures, &[], 1);
            samples.count(Metric::Documents, &["not_committed"], documents);
        });
    }

    /// An attempt to deliver was written down.
    pub(super) fn attempted(&self, attempt: &Attempt) {
        let sink = attempt.sink.as_str();
        self.pulse.wrote(Ok(()));
        self.metrics.record(|samples| {
            let result = match &attempt.result {
                AttemptResult::Delivered => {
                    samples.count(Metric::OutboxDelivered, &[sink], 1);
                    "delivered"
                }
                AttemptResult::Dead { .. } => {
                    samples.count(Metric::OutboxDead, &[sink], 1);
                    "dead"
                }
                AttemptResult::Retry { .. } => "retry",
                AttemptResult::Held { .. } => "held",
            };
            samples.count(Metric::Attempts, &[sink, result], 1);
            samples.observe(Metric::AttemptTime, &[sink], attempt.duration);
        });
    }

    /// What is known of the endpoint of a sink; nothing of one that never failed.
    pub(super) fn endpoint(&self, sink: &str, record: Option<&EndpointRecord>) {
        // A dispatcher that a reload ended may have something to say still.
        if !self.feeds().sinks.contains(sink) {
            return;
        }
        let state = record.map_or(EndpointState::Healthy, |record| record.state);
        self.metrics.record(|samples| {
            for other in EndpointState::ALL {
                samples.set(Metric::Endpoints, &[sink, other.as_str()], float(u64::from(other == state)));
            }
        });
    }

    /// These are the sinks of the config from now on: of others it is no longer told how their endpoints do.
    pub fn watch_sinks(&self, sinks: Vec<String>) {
        let known: BTreeSet<String> = sinks.into_iter().collect();
        self.metrics.record(|samples| {
            samples.retain(Metric::Endpoints, |labels| labels.first().is_some_and(|sink| known.contains(sink)));
        });
        self.feeds().sinks = known;
    }

    /// An attempt to deliver could not be written down.
    pub(super) fn not_recorded(&self, sink: &str, error: &impl Display) {
        self.pulse.wrote(Err(error.to_string()));
        self.metrics.record(|samples| samples.count(Metric::AttemptsUnrecorded, &[sink], 1));
    }

    /// All samples, with what is only looked up when somebody asks. Blocks on the database.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn samples(&self) -> Result<Samples, StoreError> {
        let mut samples = self.metrics.snapshot();
        let phase = self.pulse.phase();
        for other in Phase::ALL {
            samples.set(Metric::Phase, &[other.as_str()], float(u64::from(other == phase)));
        }
        let stuck = self.pulse.stuck(PATIENCE);
        for stage in Stage::ALL {
            samples.set(Metric::Stuck, &[stage.as_str()], float(u64::from(stuck.contains(&stage))));
        }
        self.feeds().tell(&mut samples, self.clock.now());
        let Some((store, path)) = self.database.get() else { return Ok(samples) };
        let mut wal = path.clone().into_os_string();
        wal.push("-wal");
        let wal = PathBuf::from(wal);
        for (file, path) in [("main", path), ("wal", &wal)] {
            // A file that is not there has no bytes: SQLite removes the log when it is merged for good.
            let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            samples.set(Metric::DatabaseBytes, &[file], float(bytes));
        }
        for ledger in store.ledger()? {
            let sink = ledger.sink.as_str();
            samples.set(Metric::OutboxWaiting, &[sink], float(ledger.pending));
            samples.set(Metric::OutboxCreated, &[sink], float(ledger.created));
            samples.set(Metric::OutboxReplayed, &[sink], float(ledger.replayed));
            for (state, alerts) in ledger.states() {
                samples.set(Metric::OutboxAlerts, &[sink, state], float(alerts));
            }
        }
        Ok(samples)
    }

    /// In a line, what the daemon did since its start.
    pub fn status(&self) -> String {
        let samples = self.metrics.snapshot();
        let total = |metric| samples.total(metric, None);
        let (feeds, failing) = {
            let watched = self.feeds();
            let failing = watched.states.values().filter(|watch| watch.state() == "failing").count();
            (watched.states.len(), failing)
        };
        let waiting = total(Metric::OutboxAtStart) + total(Metric::OutboxPutIn)
            - total(Metric::OutboxDelivered)
            - total(Metric::OutboxDead)
            - total(Metric::OutboxGivenUp);
        format!(
            "{}: {feeds} feeds, {failing} failing; since the start {} documents read, {} alerts, {} delivered; {waiting} wait",
            self.pulse.phase().as_str(),
            samples.total(Metric::Documents, Some("read")),
            total(Metric::Alerts),
            total(Metric::OutboxDelivered),
        )
    }

    fn feeds(&self) -> MutexGuard<'_, Watched> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

impl Watched {
    /// Notes how a poll of a feed ended; gives the site as it is counted.
    fn polled(&mut self, feed: &FeedId, poll: &Poll) -> String {
        if let Some(watch) = self.states.get_mut(feed) {
            watch.is_polled = true;
            watch.failures = poll.cursor.failures;
            watch.last_success = poll.cursor.last_success;
            watch.interval = Some(poll.next_poll_after);
            if let Some(health) = &poll.health {
                watch.incident = health.incident.as_ref().map(|incident| incident.kind);
            }
        }
        if self.sites.len() < SITE_SERIES_MAX {
            self.sites.insert(poll.site.clone());
        }
        if self.sites.contains(&poll.site) { poll.site.clone() } else { OTHER_SITES.to_owned() }
    }

    fn tell(&self, samples: &mut Samples, now: Timestamp) {
        for state in FEED_STATES {
            let feeds = self.states.values().filter(|watch| watch.state() == state).count();
            samples.set(Metric::Feeds, &[state], float(feeds as u64));
        }
        let age = |watch: &Watch| Some(now.duration_since(watch.last_success?).as_secs_f64().max(0.0));
        if let Some(oldest) = self.states.values().filter_map(age).max_by(f64::total_cmp) {
            samples.set(Metric::FeedSuccessAgeMax, &[], oldest);
        }
        for (feed, watch) in self.states.iter().filter(|(feed, _)| self.shown.contains(*feed)) {
            if let Some(age) = age(watch) {
                samples.set(Metric::FeedSuccessAge, &[feed.as_str()], age);
            }
            if let Some(interval) = watch.interval {
                samples.set(Metric::FeedInterval, &[feed.as_str()], interval.as_secs_f64());
            }
        }
    }
}

/// Something that counts in a gauge for as long as it lives.
#[derive(Debug)]
pub struct UnderWay {
    telemetry: Arc<Telemetry>,
    gauge: Metric,
}

impl UnderWay {
    fn new(telemetry: &Arc<Telemetry>, gauge: Metric) -> Self {
        telemetry.metrics.record(|samples| samples.shift(gauge, &[], 1.0));
        Self { telemetry: Arc::clone(telemetry), gauge }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.telemetry.metrics.record(|samples| samples.shift(self.gauge, &[], -1.0));
    }
}

/// Makes every series visible that is known beforehand: a rate needs the 0 before the first 1.
fn prepare(samples: &mut Samples) {
    let types = AlertType::ALL.map(AlertType::as_str);
    for (metric, values) in [
        (Metric::Polls, &["entries", "not_modified", "failed"][..]),
        (Metric::PollFailures, &PollError::REASONS),
        (Metric::Pages, &PageError::REASONS),
        (Metric::Pages, &["read"]),
        (Metric::PollBytes, &["wire", "decoded"]),
        (Metric::Pushes, &["taken", "bad_signature", "unknown", "busy", "too_large", "too_many"]),
        (Metric::Repairs, &Repair::ALL.map(Repair::as_str)),
        (Metric::EntriesLost, &["withheld", "unclean", "not_handed_over"]),
        (Metric::Documents, &["read", "known", "quarantined", "left_out", "not_committed"]),
        (Metric::Windows, &["network", "cache"]),
        (Metric::Claims, &Kind::ALL.map(Kind::as_str)),
        (Metric::Stories, &["new", "joined", "revised"]),
        (Metric::Events, &types),
        (Metric::Alerts, &types),
    ] {
        for value in values {
            samples.count(metric, &[value], 0);
        }
    }
    for metric in [Metric::EntriesRead, Metric::PollsUseful, Metric::DocumentsIn, Metric::CommitFailures] {
        samples.count(metric, &[], 0);
    }
    for metric in [Metric::PollsUnderWay, Metric::DeskQueue, Metric::ClockLead] {
        samples.set(metric, &[], 0.0);
    }
    for metric in [Metric::AnalysisTime, Metric::CommitTime] {
        samples.prepare(metric, &[]);
    }
}

fn prepare_sink(samples: &mut Samples, sink: &str) {
    for metric in [
        Metric::AlertsRouted,
        Metric::AlertsInhibited,
        Metric::OutboxPutIn,
        Metric::OutboxKnown,
        Metric::OutboxGivenUp,
        Metric::OutboxDelivered,
        Metric::OutboxDead,
        Metric::AttemptsUnrecorded,
    ] {
        samples.count(metric, &[sink], 0);
    }
    for (metric, reasons) in [(Metric::AlertsHeld, &HELD_REASONS[..]), (Metric::AlertsSilenced, &SILENCED_REASONS[..])]
    {
        for reason in reasons {
            samples.count(metric, &[sink, reason], 0);
        }
    }
    for result in ["delivered", "retry", "held", "dead"] {
        samples.count(Metric::Attempts, &[sink, result], 0);
    }
    samples.set(Metric::OutboxAtStart, &[sink], 0.0);
    for metric in [Metric::OutboxWaiting, Metric::OutboxCreated, Metric::OutboxReplayed] {
        samples.set(metric, &[sink], 0.0);
    }
    samples.prepare(Metric::AttemptTime, &[sink]);
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::config::{FeedAccess, TextPolicy};

    #[test]
    fn feeds_have_a_bounded_number_of_series() {
        let now: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
        let telemetry = Telemetry::new(Arc::new(ManualClock::new(now)));
        let feed = |number: usize| FeedConfig {
            id: FeedId::new(format!("feed-{number}")),
            url: "https://a.example".parse().unwrap(),
            outlet: "A".to_owned(),
            poll_interval: Duration::from_mins(5),
            poll_interval_max: Duration::from_mins(5),
            backfill: Duration::ZERO,
            access: FeedAccess::default(),
            text: TextPolicy::Feed,
        };
        let cursor = |seconds: i64, failures: u32| {
            let last_success = now.checked_sub(jiff::SignedDuration::from_secs(seconds)).ok();
            FeedCursor { last_success, failures, ..FeedCursor::new(FeedId::new("a")) }
        };
        let feeds: Vec<(FeedConfig, FeedCursor)> =
            (0..FEED_SERIES_MAX + 100).map(|number| (feed(number), cursor(60, 0))).collect();
        let troubled = [(feed(9_000), cursor(600, 1)), (feed(9_001), cursor(7, FAILURES_MIN))];
        telemetry.watch(feeds.iter().chain(&troubled).map(|(feed, cursor)| (feed, Some(cursor))));
        let text = telemetry.samples().unwrap().render(super::super::metrics::Exposition::Prometheus);
        assert_eq!(text.matches("gainsay_feed_success_age_seconds{").count(), FEED_SERIES_MAX);
        for line in [
            "gainsay_feed_success_age_seconds{feed=\"feed-0\"} 60",
            "gainsay_feed_success_age_max_seconds 600",
            "gainsay_feeds{state=\"unread\"} 600",
            "gainsay_feeds{state=\"troubled\"} 1",
            "gainsay_feeds{state=\"failing\"} 1",
        ] {
            assert!(text.lines().any(|written| written == line), "{line}");
        }
    }
}
