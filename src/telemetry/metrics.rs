//! Every metric of the daemon, in one table: what is counted goes in, text for Prometheus comes out; filled by `observe` and
//! `outbox`, served by `web`, written down in `docs/src/metrics.md`.
//!
//! All samples lie behind one lock: a batch is counted as a whole, so that a reader never sees half of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// Only rises while the daemon runs; begins at 0 with each start. Its samples end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

impl MetricType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What is known of a metric before anything is counted.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name; that of a counter without `_total`.
    pub name: &'static str,
    /// Its type.
    pub metric_type: MetricType,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
}

impl Family {
    /// The name as it is asked for.
    pub fn sample_name(&self) -> String {
        let ending = if self.metric_type == MetricType::Counter { "_total" } else { "" };
        format!("{}{ending}", self.name)
    }
}

/// Makes the list of metrics and its table from one text.
macro_rules! metrics {
    ($($metric:ident $metric_type:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        /// Every metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(clippy::doc_markdown, reason = "the help of a metric is plain text, its label values are words of it")]
        pub enum Metric {
            $(#[doc = $help] $metric,)*
        }

        impl Metric {
            /// All of them, in the order of the data.
            pub const ALL: &[Self] = &[$(Self::$metric),*];

            /// Its name, type, labels and meaning.
            pub fn family(self) -> Family {
                match self {
                    $(Self::$metric => Family {
                        name: concat!("gainsay_", $name),
                        metric_type: MetricType::$metric_type,
                        labels: &[$($label),*],
                        help: $help,
                    },)*
                }
            }
        }
    };
}

metrics! {
    BuildInfo Gauge "build_info" ["version", "models"] "Always 1; which gainsay this is, and the hash of its models.";
    StartTime Gauge "start_time_seconds" [] "When the daemon was started, in seconds since 1970.";
    Phase Gauge "phase" ["phase"] "1 for where the daemon is in its life: starting, ready or stopping.";
    Feeds Gauge "feeds" ["state"] "Feeds by state: unread (not polled since the start, and not failing), healthy, troubled (the last poll failed), failing (so many failed in a row that it is an incident), empty (no entries where there should be some), stale (silent against its own rhythm), gone (looked at once a week).";
    FeedSuccessAge Gauge "feed_success_age_seconds" ["feed"] "Time since the feed last answered well; the first 500 feeds of the config only, and none that never did.";
    FeedSuccessAgeMax Gauge "feed_success_age_max_seconds" [] "The longest such time of all feeds, those without a series of their own included.";
    FeedInterval Gauge "feed_interval_seconds" ["feed"] "Time from the last poll of the feed to the next; the first 500 feeds of the config only.";
    PollsUnderWay Gauge "polls_under_way" [] "Polls that were begun and of which it is not yet known whether what they brought is durable.";
    Polls Counter "polls" ["result"] "Polls that ended: entries (a body with or without entries), not_modified, failed.";
    PollsUseful Counter "polls_useful" [] "Polls that brought entries which the feed did not have before.";
    SitePolls Counter "site_polls" ["site"] "Polls by site (registrable domain, or domain of the config); of more than 200 sites, those that come late are counted as other.";
    SiteLimits Counter "site_limits" ["site"] "Answers by which a site said that it is asked too often (429, and 503 or 403 that say until when); sites as above.";
    PollFailures Counter "poll_failures" ["reason"] "Failed polls by reason: refused (the address must not be fetched), transport, timeout, status, too_large, encoding, redirect, no_feed (the body is none), defect (ours).";
    PollBytes Counter "poll_bytes" ["stage"] "Bytes of the bodies that came whole: wire (as they came), decoded (after decompression).";
    Pushes Counter "pushes" ["result"] "What WebSub hubs sent, by what became of it: taken (signed rightly, on its way to its feed), bad_signature (thrown away), unknown (for no subscription), busy (the hub is to come again), too_large, too_many (requests of any kind over the limit).";
    Repairs Counter "feed_repairs" ["kind"] "Repairs to feeds before they could be read, by kind; entries_left_out counts entries over the limit.";
    EntriesRead Counter "entries_read" [] "Entries of feeds that were read, old and new.";
    EntriesLost Counter "entries_lost" ["reason"] "Entries that did not reach the desk: withheld (their agency says that they must not be used yet), unclean (could not be made a document), not_handed_over (the stop or a defect came before; the feed is read again).";
    Pages Counter "article_pages" ["result"] "Pages of articles by what came of them: read (its text stands), or why the entry is read as its feed has it: no_link, robots, robots_unknown (robots.txt cannot be had), postponed (to a later poll), refused, transport, timeout, status, too_large, encoding, redirect, content_type, paywall, consent, login, challenge (are you a robot), needs_script, gone, no_article, no_fuller (it says no more than the feed), defect (ours).";
    DocumentsIn Counter "documents_in" [] "Documents handed to the desk.";
    Documents Counter "documents" ["result"] "Documents by what the desk did: read (new or changed), known, quarantined (could not be analysed, text kept), left_out (not even that), not_committed (the feed is read again).";
    DeskQueue Gauge "desk_queue_polls" [] "Polls that wait for the desk, the batch that it works on included.";
    Backlog Gauge "backlog_documents" [] "Documents that came faster than they are read, and wait in the database.";
    BacklogAtStart Gauge "backlog_documents_at_start" [] "Documents that waited so when the daemon started.";
    AnalysisTime Histogram "analysis_seconds" [] "Time to analyse one document.";
    Windows Counter "windows_judged" ["source"] "Stretches of documents that were judged, by whence the judgement came: network, cache (one that reads the same had been judged before, as in a copy or an update).";
    CommitTime Histogram "commit_seconds" [] "Time to make one batch durable.";
    CommitFailures Counter "commit_failures" [] "Batches that could not be made durable; their feeds are read again.";
    Records Gauge "desk_records" ["kind"] "What the desk remembers after the last batch: documents, stories, claims, threads. Bounded at 1,000,000 documents and 500,000 of each other kind: what is over is forgotten, longest unseen first.";
    ClockLead Gauge "desk_clock_lead_seconds" [] "How far the desk's clock is ahead of the machine's: above 0 after the clock was set back.";
    Claims Counter "claims" ["kind"] "Claims found in documents that were read, by kind; statement is any other reported speech.";
    Stories Counter "stories" ["result"] "Documents read or quarantined by what they are to stories: new (opened one), joined (a copy), revised (known with another text).";
    Events Counter "events" ["type"] "Changes that may be worth an alert, before rules, by alert type.";
    RulesHeldBack Counter "rule_held_back" ["rule", "key"] "Changes that a rule held back, by the key of it that did; known where its sinks had heard of the act.";
    RuleFailures Counter "rule_failures" ["rule"] "Changes on which the expression of a rule (when) failed; the rule let them through.";
    Alerts Counter "alerts" ["type"] "Alerts that at least one sink gets, by type.";
    AlertsRouted Counter "alerts_routed" ["sink"] "Alerts by sink, as the rules chose, and what comes of those that waited: digests, and one of each group.";
    AlertsHeld Counter "alerts_held" ["sink", "reason"] "Alerts that the sink does not get at once: group (they wait for others of their thread), collected (digest), quiet_hours, rate_cap (alerts_per_hour), budget (alerts_per_day; these four: its next digest names them), changed (they changed or took out what waits).";
    AlertsSilenced Counter "alerts_silenced" ["sink", "reason"] "Alerts that are kept back for good, and are in the outbox as silenced: silence (a user asked for it), inhibited (the sink was told of the allegation by an answer to it).";
    AlertsInhibited Counter "alerts_inhibited" ["sink"] "Allegations that give no alert of their own because an answer to them tells them: those of alerts_silenced, and those that ride in the alert of their group.";
    OutboxPutIn Counter "outbox_put_in" ["sink"] "Alerts put into the outbox.";
    OutboxKnown Counter "outbox_known" ["sink"] "Alerts that the outbox had held before: nothing is put in twice.";
    OutboxAtStart Gauge "outbox_waiting_at_start" ["sink"] "Alerts that waited when the daemon started.";
    OutboxGivenUp Counter "outbox_given_up" ["sink"] "Alerts given up at the start because their sink is long gone from the config.";
    OutboxDelivered Counter "outbox_delivered" ["sink"] "Alerts that the sink has.";
    OutboxDead Counter "outbox_dead" ["sink"] "Alerts whose retries are used up; they are kept.";
    OutboxWaiting Gauge "outbox_waiting" ["sink"] "Alerts that wait for the sink now, as the database says.";
    OutboxCreated Gauge "outbox_created" ["sink"] "Alerts that were put into the outbox since the database was made, over all restarts, those kept back for good included; as its ledger says, which is kept in the same transactions.";
    OutboxAlerts Gauge "outbox_alerts" ["sink", "state"] "What has become of them: pending, delivered, expired (delivered, its text no longer kept), dead, silenced.";
    OutboxReplayed Gauge "outbox_replayed" ["sink"] "How often one of them was put back into the queue by `gainsay deliveries replay`.";
    Endpoints Gauge "endpoint_state" ["sink", "state"] "1 for how the endpoint of the sink does: healthy, paused (too busy, left alone for a while), failing (an attempt now and then, everything else waits), disabled (nothing is sent until `gainsay endpoint enable`).";
    Attempts Counter "delivery_attempts" ["sink", "result"] "Attempts to deliver that were written down: delivered, retry (due again), held (costs none of its retries: the endpoint is gone, or was asked before the alert's turn whether it is back), dead.";
    AttemptTime Histogram "delivery_seconds" ["sink"] "Time of one attempt to deliver.";
    AttemptsUnrecorded Counter "delivery_attempts_unrecorded" ["sink"] "Failures to write an attempt down; it is tried again.";
    DatabaseBytes Gauge "database_bytes" ["file"] "Size of the database: main (the file itself), wal (what is not yet merged into it).";
    Stuck Gauge "stuck" ["stage"] "1 where a stage makes no progress: desk, feeds.";
}

/// Upper bounds of the buckets of histograms, in seconds: a millisecond for one short text to ten seconds for a slow disk.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How the text is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl Exposition {
    /// The form that a client prefers, by its `Accept`.
    pub fn negotiate(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A histogram's observations.
#[derive(Debug, Clone, Default)]
struct Observations {
    /// By bucket, each on its own; the last one holds what is above all bounds.
    counts: [u64; BUCKETS.len() + 1],
    sum: f64,
}

#[derive(Debug, Clone)]
enum Sample {
    Count(u64),
    Number(f64),
    Observations(Box<Observations>),
}

/// The samples of all metrics, for as long as they are locked.
#[derive(Debug, Clone, Default)]
pub struct Samples(BTreeMap<(Metric, Vec<String>), Sample>);

impl Samples {
    /// Counts. A count of 0 makes the series visible.
    pub fn count(&mut self, metric: Metric, labels: &[&str], times: u64) {
        debug_assert_eq!(metric.family().metric_type, MetricType::Counter, "{metric:?}");
        if let Sample::Count(count) = self.entry(metric, labels, Sample::Count(0)) {
            *count = count.saturating_add(times);
        }
    }

    /// Sets a gauge.
    pub fn set(&mut self, metric: Metric, labels: &[&str], value: f64) {
        debug_assert_eq!(metric.family().metric_type, MetricType::Gauge, "{metric:?}");
        *self.entry(metric, labels, Sample::Number(value)) = Sample::Number(value);
    }

    /// Moves a gauge.
    pub fn shift(&mut self, metric: Metric, labels: &[&str], by: f64) {
        if let Sample::Number(number) = self.entry(metric, labels, Sample::Number(0.0)) {
            *number += by;
        }
    }

    /// Forgets the series of a metric.
    pub fn clear(&mut self, metric: Metric) {
        self.0.retain(|(other, _), _| *other != metric);
    }

    /// Forgets the series of a metric whose labels are not `wanted`.
    pub fn retain(&mut self, metric: Metric, wanted: impl Fn(&[String]) -> bool) {
        self.0.retain(|(other, labels), _| *other != metric || wanted(labels));
    }

    /// Makes a histogram visible that has observed nothing.
    pub fn prepare(&mut self, metric: Metric, labels: &[&str]) {
        debug_assert_eq!(metric.family().metric_type, MetricType::Histogram, "{metric:?}");
        self.entry(metric, labels, Sample::Observations(Box::default()));
    }

    /// Adds an observation to a histogram.
    pub fn observe(&mut self, metric: Metric, labels: &[&str], time: Duration) {
        if let Sample::Observations(observations) = self.entry(metric, labels, Sample::Observations(Box::default())) {
            let seconds = time.as_secs_f64();
            let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
            if let Some(count) = observations.counts.get_mut(bucket) {
                *count += 1;
            }
            observations.sum += seconds;
        }
    }

    /// The sum of a counter's or gauge's series with this label, of all series without one.
    pub fn total(&self, metric: Metric, label: Option<&str>) -> f64 {
        let series = self.0.iter().filter(|((other, labels), _)| {
            *other == metric && label.is_none_or(|label| labels.iter().any(|value| value == label))
        });
        series.map(|(_, sample)| sample.value()).sum()
    }

    fn entry(&mut self, metric: Metric, labels: &[&str], empty: Sample) -> &mut Sample {
        debug_assert_eq!(metric.family().labels.len(), labels.len(), "{metric:?}");
        self.0.entry((metric, labels.iter().map(|&label| label.to_owned()).collect())).or_insert(empty)
    }

    /// All samples as text.
    pub fn render(&self, exposition: Exposition) -> String {
        let mut out = String::new();
        for metric in Metric::ALL {
            let family = metric.family();
            let name = match exposition {
                Exposition::Prometheus => family.sample_name(),
                Exposition::OpenMetrics => family.name.to_owned(),
            };
            let help = escaped(family.help);
            // Writing to a string cannot fail.
            writeln!(out, "# TYPE {name} {}\n# HELP {name} {help}", family.metric_type.as_str()).ok();
            if exposition == Exposition::OpenMetrics && name.ends_with("_seconds") {
                writeln!(out, "# UNIT {name} seconds").ok();
            }
            for ((_, labels), sample) in self.0.range((*metric, Vec::new())..).take_while(|((m, _), _)| m == metric) {
                sample.write(&mut out, &family, labels);
            }
        }
        if exposition == Exposition::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }
}

impl Sample {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts beyond 2^53 lose their last digits, as in Prometheus itself"
    )]
    fn value(&self) -> f64 {
        match self {
            Self::Count(count) => *count as f64,
            Self::Number(number) => *number,
            Self::Observations(observations) => observations.sum,
        }
    }

    fn write(&self, out: &mut String, family: &Family, labels: &[String]) {
        let pairs: Vec<(&str, &str)> = family.labels.iter().copied().zip(labels.iter().map(String::as_str)).collect();
        match self {
            Self::Count(count) => line(out, &family.sample_name(), &pairs, count),
            Self::Number(number) => line(out, family.name, &pairs, number),
            Self::Observations(observations) => {
                let mut sum = 0;
                // As OpenMetrics wants them, whole ones too with a point; the same in both forms, or they would be two series.
                let bounds = BUCKETS.iter().map(|bound| format!("{bound:?}")).chain(std::iter::once("+Inf".to_owned()));
                for (bound, count) in bounds.zip(observations.counts) {
                    sum += count;
                    let pairs = [pairs.as_slice(), &[("le", &bound)]].concat();
                    line(out, &format!("{}_bucket", family.name), &pairs, &sum);
                }
                line(out, &format!("{}_sum", family.name), &pairs, &observations.sum);
                line(out, &format!("{}_count", family.name), &pairs, &sum);
            }
        }
    }
}

fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: &dyn std::fmt::Display) {
    out.push_str(name);
    if !labels.is_empty() {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        write!(out, "{{{}}}", pairs.join(",")).ok();
    }
    writeln!(out, " {value}").ok();
}

/// Help and label values may hold what ends a line or a value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

/// The samples behind their lock.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Samples>);

impl Metrics {
    /// Counts what belongs together.
    pub(super) fn record(&self, count: impl FnOnce(&mut Samples)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The samples as they are now.
    pub(super) fn snapshot(&self) -> Samples {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What must hold between metrics when nothing is on its way, in words, left = right. All but the gauges count from the start.
    const IDENTITIES: [&str; 6] = [
        "`entries_read` = `documents_in` + `entries_lost` of all reasons",
        "`backlog_documents_at_start` + `documents_in` = `documents` of all results + `backlog_documents` (less what waits in `desk_queue_polls`)",
        "`documents` read and quarantined = `stories` of all results",
        "`alerts_routed` = `alerts_held` of all reasons + `alerts_silenced` of all reasons + `outbox_put_in` + `outbox_known`, by sink",
        "`outbox_waiting_at_start` + `outbox_put_in` = `outbox_delivered` + `outbox_dead` + `outbox_given_up` + `outbox_waiting`, by sink, unless something was replayed meanwhile",
        "`outbox_created` = `outbox_alerts` of all states, by sink; at every moment, over all restarts. `gainsay doctor` counts the rows anew and holds them against it",
    ];

    /// The table as `docs/src/metrics.md`.
    fn markdown() -> String {
        let mut out = String::from(
            "# Metrics\n\n\
             <!-- Made from the table in src/telemetry/metrics.rs: GAINSAY_WRITE_DOCS=1 cargo test --lib documented -->\n\n\
             `gainsay run` serves them at `/metrics` of `[http] listen`, as Prometheus text or, where the client asks for it, as\n\
             OpenMetrics. Counters begin at 0 with each start. Label values come from fixed lists or from the config, never from\n\
             what a feed or an endpoint sends.\n\n\
             | metric | type | labels | meaning |\n|---|---|---|---|\n",
        );
        for metric in Metric::ALL {
            let family = metric.family();
            let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            let (name, kind, labels, help) =
                (family.sample_name(), family.metric_type.as_str(), labels.join(", "), family.help);
            writeln!(out, "| `{name}` | {kind} | {labels} | {help} |").ok();
        }
        out.push_str(
            "\n## What must add up\n\n\
             Every stage counts what goes in and what comes out, so that nothing can vanish unseen. When nothing is on its way (names\n\
             without `gainsay_` and `_total`):\n\n",
        );
        for identity in IDENTITIES {
            writeln!(out, "- {identity}").ok();
        }
        out.push_str("\nThe test `telemetry::every_stage_adds_up` checks these on the real daemon.\n");
        out
    }

    #[test]
    fn the_metrics_are_documented() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/metrics.md");
        if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            markdown(),
            "see the comment at the head of docs/src/metrics.md"
        );
    }

    #[test]
    fn names_are_those_that_prometheus_wants() {
        for metric in Metric::ALL {
            let Family { name, help, labels, .. } = metric.family();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(!name.ends_with("_total") && !labels.contains(&"le") && help.ends_with('.'), "{name}");
            assert_eq!(Metric::ALL.iter().filter(|other| other.family().name == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn what_is_counted_is_written() {
        let mut samples = Samples::default();
        samples.count(Metric::Polls, &["failed"], 2);
        samples.count(Metric::Polls, &["failed"], 1);
        samples.set(Metric::OutboxWaiting, &["a\"b\\c\nd"], 1.5);
        samples.observe(Metric::CommitTime, &[], Duration::from_millis(5));
        samples.observe(Metric::CommitTime, &[], Duration::from_mins(1));
        let prometheus = samples.render(Exposition::Prometheus);
        for line in [
            "# TYPE gainsay_polls_total counter",
            "gainsay_polls_total{result=\"failed\"} 3",
            "gainsay_outbox_waiting{sink=\"a\\\"b\\\\c\\nd\"} 1.5",
            "gainsay_commit_seconds_bucket{le=\"0.0025\"} 0",
            "gainsay_commit_seconds_bucket{le=\"0.005\"} 1",
            "gainsay_commit_seconds_bucket{le=\"10.0\"} 1",
            "gainsay_commit_seconds_bucket{le=\"+Inf\"} 2",
            "gainsay_commit_seconds_sum 60.005",
            "gainsay_commit_seconds_count 2",
        ] {
            assert!(prometheus.lines().any(|written| written == line), "{line} is not in\n{prometheus}");
        }
        assert!(!prometheus.contains("# EOF"));
        let open = samples.render(Exposition::OpenMetrics);
        assert!(open.contains("# TYPE gainsay_polls counter\n") && open.contains("\ngainsay_polls_total{"), "{open}");
        assert!(open.contains("# UNIT gainsay_commit_seconds seconds\n") && open.ends_with("\n# EOF\n"), "{open}");
    }
}
