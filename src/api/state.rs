//! How the daemon, its feeds, endpoints and silences do, and what was claimed in a period.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Looking;
use super::lists::{Page, slice};
use super::problem::Problem;
use super::query::{Parameter, Take, id};
use crate::config::{Scope, SinkConfig, SinkTarget};
use crate::look::{
    ClaimLine, DeliveryLine, Level, Outlets, TROUBLES, ThreadLine, alert_of, checks, events, explained, statuses,
};
use crate::model::{
    AlertId, ClaimId, EndpointState, FeedbackAct, FeedbackId, FeedbackLine, FeedbackState, Silence, ThreadId,
    shown_endpoint,
};
use crate::store::DeliveryFilter;
use crate::telemetry::Phase;

/// Hours of a feed's history.
const HISTORY_HOURS: i64 = 48;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Buckets of trends.
const BUCKETS_MAX: i64 = 800;
/// Speakers and threads of trends.
const TOP: u32 = 10;
/// The period of trends where none is given.
const TRENDS_DAYS: i64 = 7;

pub(super) const TRENDS: &[Parameter] = &[
    Parameter { name: "since", what: Take::Moment, about: "From then on; seven days ago where it is not given." },
    Parameter { name: "until", what: Take::Moment, about: "Until then; now where it is not given." },
    Parameter { name: "bucket", what: Take::Words(&["day", "hour"]), about: "How claims are counted together." },
];
pub(super) const SINK: &[Parameter] =
    &[Parameter { name: "sink", what: Take::Text, about: "To this sink; the first that got it where none is given." }];

pub(super) fn value(of: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(|error| Problem::busy(error.to_string()))
}

pub(super) fn claim(looking: &Looking<'_>) -> Result<Value, Problem> {
    let id: ClaimId = id("id", looking.id)?;
    let record = looking.view.claim(id)?.ok_or_else(|| Problem::missing("claim"))?;
    let outlets = Outlets::new(looking.view).of(&record)?;
    value(&ClaimLine::new(record, outlets))
}

pub(super) fn thread(looking: &Looking<'_>) -> Result<Value, Problem> {
    let id: ThreadId = id("id", looking.id)?;
    let record = looking.view.thread(id)?.ok_or_else(|| Problem::missing("thread"))?;
    let line = ThreadLine::of(looking.view, &record, &mut Outlets::new(looking.view))?;
    let mut found = value(&line.ok_or_else(|| Problem::missing("thread"))?)?;
    found["timeline"] = Value::Array(events(looking.view, &record)?);
    Ok(found)
}

pub(super) fn alert(looking: &Looking<'_>) -> Result<Value, Problem> {
    let id: AlertId = id("id", looking.id)?;
    let row = looking.view.alert(id)?.ok_or_else(|| Problem::missing("alert"))?;
    serde_json::from_str(&super::lists::alert_line(&row)).map_err(|error| Problem::busy(error.to_string()))
}

pub(super) fn explain(looking: &Looking<'_>) -> Result<Value, Problem> {
    let models = looking.shared.models.get().cloned();
    let is_id = (4..=32).contains(&looking.id.len()) && looking.id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return Err(Problem::bad("id: 4 to 32 hexadecimal digits are an id, or the beginning of one"));
    }
    let found = explained(looking.view, Some(looking.config), looking.id, looking.query.now, models);
    let found = found.map_err(|error| match error.downcast::<crate::store::StoreError>() {
        Ok(error) => error.into(),
        Err(error) => Problem::new(axum::http::StatusCode::NOT_FOUND, format!("{error:#}")),
    })?;
    found.first().map_or_else(|| Err(Problem::missing("thing")), value)
}

pub(super) fn delivery(looking: &Looking<'_>) -> Result<Value, Problem> {
    let id: AlertId = id("alert", looking.id)?;
    let filter = DeliveryFilter { alert: Some(id), sink: looking.query.text("sink")?, ..DeliveryFilter::default() };
    let mut rows = Vec::new();
    looking.view.deliveries(&filter, |found| {
        rows.push(found);
        std::ops::ControlFlow::Continue(())
    })?;
    if rows.len() > 1 {
        let sinks: Vec<&str> = rows.iter().map(|row| row.sink.as_str()).collect();
        return Err(Problem::bad(format!(
            "this alert is for several sinks: say which with `sink`, one of {}",
            sinks.join(", ")
        )));
    }
    let row = rows.pop().ok_or_else(|| Problem::missing("delivery"))?;
    let attempts = looking.view.attempts(row.position)?;
    // Whose token only reads gets no permissions by what was sent: the alert is shown instead.
    let has_links = looking.config.web.links.as_ref().is_some_and(|links| links.are_signed());
    let rendered = looking.view.rendering(row.position)?.map(|made| made.body);
    let rendered = rendered.filter(|_| looking.scope == Scope::Operate || !has_links);
    let body = rendered.as_ref().or(row.body.as_ref()).map(|body| String::from_utf8_lossy(body).into_owned());
    let alert = row.body.as_deref().and_then(alert_of);
    let mut found = value(&DeliveryLine::new(row, alert.as_ref()))?;
    found["attempts_made"] = value(&attempts)?;
    found["body"] = value(&body)?;
    Ok(found)
}

/// All feeds with what came of them in the last two days.
pub(super) fn feeds(looking: &Looking<'_>) -> Result<Vec<Value>, Problem> {
    let last = looking.query.now.as_millisecond() / HOUR_MS;
    let since = time((last - HISTORY_HOURS + 1) * HOUR_MS);
    let arrivals = looking.view.arrivals(since)?;
    let mut found = Vec::new();
    for feed in statuses(looking.view, Some(looking.config))? {
        let hours = (last - HISTORY_HOURS + 1)..=last;
        let history: Vec<Value> = hours
            .map(|hour| {
                let entries = arrivals.get(&(feed.id.clone(), hour)).copied().unwrap_or_default();
                json!({"hour": time(hour * HOUR_MS).to_string(), "entries": entries})
            })
            .collect();
        let mut line = value(&feed)?;
        line["history"] = Value::Array(history);
        found.push(line);
    }
    Ok(found)
}

pub(super) fn endpoints(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let counts = looking.view.delivery_counts()?;
    let records = looking.view.endpoints()?;
    let mut found = Vec::new();
    for sink in &looking.config.sinks {
        let record = records.iter().find(|record| record.sink == sink.name);
        let count = |state: &str| counts.get(&(sink.name.clone(), state.to_owned())).copied().unwrap_or_default();
        let (kind, address) = kind_of(sink);
        let state = match record.map(|record| record.state) {
            None | Some(EndpointState::Healthy) => "ok",
            Some(EndpointState::Failing) => "failing",
            Some(EndpointState::Paused) => "paused",
            Some(EndpointState::Disabled) => "disabled",
        };
        let reason = record.and_then(|record| record.why.clone());
        found.push(json!({
            "name": sink.name,
            "kind": kind,
            "address": address,
            "state": state,
            "since": record.map(|record| record.since.to_string()),
            "reason": reason,
            "pending": count("pending"),
            "delivered": count("delivered") + count("expired"),
            "dead": count("dead"),
            "silenced": count("silenced"),
            "last_success": looking.view.last_success(&sink.name)?.map(|at| at.to_string()),
            "last_error": if state == "ok" { None } else { reason.clone() },
        }));
    }
    slice(&found, cursor, limit)
}

fn kind_of(sink: &SinkConfig) -> (&'static str, String) {
    match &sink.target {
        SinkTarget::Webhook(webhook) => ("webhook", shown_endpoint(&webhook.url)),
        SinkTarget::Mail(mail) => ("email", format!("{}:{}", mail.server, mail.port)),
        SinkTarget::JsonLines(lines) => {
            let shown =
                lines.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
            ("jsonl", shown)
        }
    }
}

/// The silences that the log of feedback knows, the newest first.
pub(super) fn silences(looking: &Looking<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
    let mut found = Vec::new();
    let mut ended = BTreeMap::new();
    for FeedbackLine { feedback, state } in looking.view.feedback()? {
        match feedback.act {
            FeedbackAct::EndSilence { silence } => drop(ended.insert(silence, feedback.time)),
            FeedbackAct::Silence(silence) => found.push((feedback.id, feedback.time, feedback.by, *silence, state)),
            _ => {}
        }
    }
    found.reverse();
    let start = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or_default();
    let is_shown = |at: usize| at >= start && at < start.saturating_add(limit as usize);
    let mut items = Vec::new();
    for (at, (id, created, by, silence, progress)) in found.into_iter().enumerate() {
        let silenced = if is_shown(at) && progress == FeedbackState::Applied { kept_back(looking, id)? } else { 0 };
        let state = match () {
            () if ended.contains_key(&id) => "ended",
            () if silence.until <= looking.query.now => "expired",
            () => "active",
        };
        items.push(silence_line(id, created, by.as_deref(), &silence, silenced, state)?);
    }
    slice(&items, cursor, limit)
}

fn kept_back(looking: &Looking<'_>, id: FeedbackId) -> Result<u64, Problem> {
    Ok(looking.view.silenced_by(&format!("silence {id}: "))?)
}

/// A silence as the API shows it.
pub(super) fn silence_line(
    id: FeedbackId,
    created: Timestamp,
    by: Option<&str>,
    silence: &Silence,
    silenced: u64,
    state: &str,
) -> Result<Value, Problem> {
    let Silence { until, comment, speaker, outlet, thread, feed, kind, sink, when } = silence;
    let matcher = json!({
        "speaker": speaker, "outlet": outlet, "thread": value(thread)?, "feed": value(feed)?, "kind": value(kind)?,
        "sink": sink, "when": when,
    });
    Ok(json!({
        "id": id.to_string(), "comment": comment, "by": by, "created": created.to_string(), "until": until.to_string(),
        "matcher": matcher, "silenced": silenced, "state": state,
    }))
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn trends(looking: &Looking<'_>) -> Result<Value, Problem> {
    let now = looking.query.now;
    let (since, until) = looking.query.period()?;
    let week = SignedDuration::from_hours(24 * TRENDS_DAYS);
    let until = until.unwrap_or(now).min(now);
    let since =
        since.unwrap_or_else(|| until.saturating_sub(week).unwrap_or(Timestamp::UNIX_EPOCH)).max(Timestamp::UNIX_EPOCH);
    let is_hourly = looking.query.one_of("bucket", &["day", "hour"])?.first().is_some_and(|bucket| bucket == "hour");
    let bucket = if is_hourly { HOUR_MS } else { DAY_MS };
    let (first, last) = (since.as_millisecond() / bucket, until.as_millisecond() / bucket);
    if last - first >= BUCKETS_MAX {
        return Err(Problem::bad(format!(
            "the period has more than {BUCKETS_MAX} buckets: take a shorter one, or days"
        )));
    }
    let found = looking.view.trends((time(first * bucket), until), bucket, TOP)?;
    let buckets: Vec<String> = (first..=last).map(|at| time(at * bucket).to_string()).collect();
    let kinds: BTreeMap<&str, Vec<u64>> = ["allegation", "denial", "confirmation", "no_comment", "retraction"]
        .into_iter()
        .map(|kind| {
            let counts = found.kinds.get(kind);
            let at = |bucket: i64| counts.and_then(|counts| counts.get(&bucket)).copied().unwrap_or_default();
            (kind, (first..=last).map(at).collect())
        })
        .collect();
    let mut contested = Vec::new();
    let mut outlets = Outlets::new(looking.view);
    for record in looking.view.contested((since, until), TOP)? {
        if let Some(line) = ThreadLine::of(looking.view, &record, &mut outlets)? {
            let mut line = value(&line)?;
            line["answers"] = record.stances.len().into();
            contested.push(line);
        }
    }
    Ok(json!({"buckets": buckets, "kinds": kinds, "speakers": value(&found.speakers)?, "contested": contested}))
}

pub(super) fn status(looking: &Looking<'_>) -> Result<Value, Problem> {
    let (view, config, shared) = (looking.view, looking.config, looking.shared);
    let counts = view.counts()?;
    let feeds = statuses(view, Some(config))?;
    let is_running = |state: &str| state != "dropped";
    let failing =
        feeds.iter().filter(|feed| TROUBLES.contains(&feed.state.as_ref()) || feed.state == "backing-off").count();
    let endpoints = view.endpoints()?;
    let is_wanted = |sink: &str| config.sinks.iter().any(|known| known.name == sink);
    let paused = feeds.iter().filter(|feed| feed.state == "paused").count();
    let troubled = endpoints.iter().filter(|one| one.state != EndpointState::Healthy && is_wanted(&one.sink)).count();
    let checks: Vec<Value> = checks(view, config, looking.query.now)?
        .into_iter()
        .map(|check| {
            let state = match check.level {
                Level::Ok => "good",
                Level::Warn => "odd",
                Level::Bad => "bad",
            };
            json!({"name": check.name, "state": state, "detail": check.detail})
        })
        .collect();
    let size = std::fs::metadata(&config.database).map(|metadata| metadata.len()).unwrap_or_default();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": shared.started.to_string(),
        "ready": shared.telemetry.pulse.phase() == Phase::Ready,
        "clock": view.desk_clock()?.map(|clock| clock.to_string()),
        "documents": counts.documents,
        "stories": counts.stories,
        "claims": counts.claims,
        "threads": counts.threads,
        "alerts": view.alert_count()?,
        "feeds": {"total": feeds.iter().filter(|feed| is_running(&feed.state)).count(), "failing": failing, "paused": paused},
        "endpoints": {"total": config.sinks.len(), "failing": troubled},
        "pending": counts.pending,
        "dead": counts.dead,
        "silenced": counts.silenced,
        "backlog": view.waiting_documents()?,
        "database_bytes": size,
        "checks": checks,
    }))
}
