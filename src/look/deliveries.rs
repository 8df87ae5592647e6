//! `gainsay deliveries`: which alert went to which sink, or waits, or never got there; the newest first. `show` has one of them whole,
//! `replay` sends them once more.

pub(super) mod args;
mod replay;
mod show;

use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use args::{DeliveriesArgs, DeliveriesCommand, DeliveriesListArgs};
pub(crate) use replay::{Chosen, Wanted};

use super::claims::Speech;
use super::filter::{Needle, Period};
use super::table::{Cell, Column};
use super::words::{alert_of, minute, short};
use super::{Asked, Listed, Source, id, print_list, remote};
use crate::clock::{Clock as _, SystemClock};
use crate::model::{Alert, AlertId};
use crate::store::{DeliveryFilter, DeliveryRow, Named, View};
use crate::terminal::DIM;

/// What can become of a delivery.
pub(crate) const STATUSES: [&str; 5] = ["pending", "delivered", "expired", "dead", "silenced"];

/// `gainsay deliveries`.
///
/// # Errors
/// If the database cannot be read or, for a replay, written, if there is no such alert, or the output not written.
pub fn deliveries(args: &DeliveriesArgs) -> Result<ExitCode> {
    match &args.command {
        None => list(&args.list)?,
        Some(DeliveriesCommand::Ls(args)) => list(args)?,
        Some(DeliveriesCommand::Show(args)) => show::show(args)?,
        Some(DeliveriesCommand::Replay(args)) => replay::replay(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The alert whose id begins with `text`.
fn alert_id(view: &View, text: &str) -> Result<AlertId> {
    match id::find(view, text, "alert", |named| matches!(named, Named::Alert(_)))? {
        Named::Alert(id) => Ok(id),
        other => anyhow::bail!("{other:?} is no alert"),
    }
}

fn list(args: &DeliveriesListArgs) -> Result<()> {
    if let Some(remote) = remote(&args.at, &args.database)? {
        let asked = Asked::of(&args.speech, &args.filter).with("sink", &args.sink).with("status", &args.status);
        return asked.print::<DeliveryLine>(&remote, "deliveries", args.format, args.filter.limit);
    }
    let view = Source::find(&args.database)?.open()?;
    let period = Period::new(args.filter.since, args.filter.until, SystemClock.now());
    let (speech, text) = (Speech::new(&args.speech), Needle::new(args.filter.text.as_deref()));
    let limit = args.filter.limit;
    let filter =
        DeliveryFilter { sink: args.sink.as_deref(), state: args.status.as_deref(), ..DeliveryFilter::default() };
    let mut found = Vec::new();
    view.deliveries(&filter, |row| {
        let alert = row.body.as_deref().and_then(alert_of);
        let time = alert.as_ref().map_or(row.created, |alert| alert.time);
        if period.holds(time) && is_wanted(&row, alert.as_ref(), &speech, &text) {
            found.push(DeliveryLine::new(row, alert.as_ref()));
        }
        if limit > 0 && found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    print_list(args.format, &found, limit)
}

/// Whether a text is part of what is told of a delivery that fits what is looked for; case and accents do not count.
pub(crate) fn tells(row: &DeliveryRow, alert: Option<&Alert>, speech: &Speech, text: Option<&str>) -> bool {
    let needle = Needle::new(text);
    let is_trouble = needle.is_in(row.last_error.as_deref().into_iter().chain(row.reason.as_deref()));
    let text = if is_trouble { Needle::new(None) } else { needle };
    is_wanted(row, alert, speech, &text)
}

/// Whether a delivery fits what is looked for; what an alert said of which nothing is kept is not known.
fn is_wanted(row: &DeliveryRow, alert: Option<&Alert>, speech: &Speech, text: &Needle) -> bool {
    let Some(alert) = alert else {
        return speech.is_open && text.is_in([row.alert_type.as_str()]);
    };
    let evidence = alert.evidence.iter().map(|evidence| evidence.sentence.as_str());
    let headline = alert.document.iter().map(|document| document.headline.as_str());
    let matter = alert.thread.iter().map(|thread| thread.proposition.as_str());
    let feed = alert.feed.iter().flat_map(|feed| [feed.id.as_str(), feed.detail.as_str()]);
    let said = evidence.chain(headline).chain(matter).chain(feed).chain([alert.why.as_str()]);
    text.is_in(said) && is_by(alert, speech)
}

fn is_by(alert: &Alert, speech: &Speech) -> bool {
    let outlets: Vec<String> = match (&alert.story, &alert.feed) {
        (Some(story), _) => story.outlets.clone(),
        (None, feed) => feed.iter().map(|feed| feed.outlet.clone()).collect(),
    };
    let speaker = alert.claim.as_ref().and_then(|claim| claim.speaker.as_ref());
    let names = speaker.into_iter().flat_map(|speaker| [Some(speaker.name.as_str()), speaker.role.as_deref()]);
    match &alert.claim {
        Some(claim) => speech.fits_words(claim.kind, names.flatten(), &outlets),
        None => speech.fits_feed(&outlets),
    }
}

/// A delivery as `gainsay deliveries` prints it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeliveryLine {
    alert: AlertId,
    #[serde(rename = "type")]
    alert_type: String,
    sink: String,
    status: String,
    attempts: u32,
    /// When what it tells happened; where that is no longer kept, `created`.
    #[schemars(with = "String")]
    time: Timestamp,
    /// When it was put into the outbox.
    #[schemars(with = "String")]
    created: Timestamp,
    /// When the next attempt may start; of what has ended, when the last could.
    #[schemars(with = "String")]
    due: Timestamp,
    #[schemars(with = "Option<String>")]
    settled: Option<Timestamp>,
    last_error: Option<String>,
    /// Why it was kept back, if it was.
    reason: Option<String>,
    /// Thread or feed.
    order_key: String,
    priority: Option<u8>,
    speaker: Option<String>,
    headline: Option<String>,
    outlet: Option<String>,
    url: Option<String>,
}

impl DeliveryLine {
    pub(crate) fn new(row: DeliveryRow, alert: Option<&Alert>) -> Self {
        let document = alert.and_then(|alert| alert.document.as_ref());
        let feed = alert.and_then(|alert| alert.feed.as_ref());
        let speaker = alert.and_then(|alert| alert.claim.as_ref()?.speaker.as_ref());
        let outlet = document.map(|document| &document.outlet).or_else(|| feed.map(|feed| &feed.outlet));
        Self {
            alert: row.alert,
            alert_type: row.alert_type,
            sink: row.sink,
            attempts: row.attempts,
            time: alert.map_or(row.created, |alert| alert.time),
            created: row.created,
            due: row.due,
            settled: row.settled,
            last_error: row.last_error,
            // Of one that was put back into the queue it counts no longer.
            reason: row.reason.filter(|_| row.state == "silenced"),
            status: row.state,
            order_key: row.order_key,
            priority: alert.map(|alert| alert.priority.score),
            speaker: speaker.map(|speaker| speaker.name.clone()),
            headline: document
                .map(|document| document.headline.clone())
                .or_else(|| Some(feed?.detail.clone()))
                .or_else(|| Some(alert?.sink.as_ref()?.name.clone())),
            outlet: outlet.cloned(),
            url: document.and_then(|document| document.url.clone()).or_else(|| Some(feed?.url.clone())),
        }
    }
}

/// Colour of a status.
pub(crate) fn status_style(status: &str) -> Style {
    match status {
        "pending" => AnsiColor::Yellow.on_default(),
        "dead" => AnsiColor::Red.on_default(),
        "delivered" => AnsiColor::Green.on_default(),
        _ => DIM,
    }
}

impl Listed for DeliveryLine {
    const NAMES: (&'static str, &'static str) = ("delivery", "deliveries");
    const COLUMNS: &'static [Column] = &[
        Column::whole("ALERT"),
        Column::whole("TIME (UTC)").spare(),
        Column::whole("TYPE"),
        Column::text("SINK", 8),
        Column::whole("STATUS"),
        Column::number("TRIES").spare(),
        Column::whole("ENDED/DUE").spare(),
        Column::text("ABOUT", 16).spare(),
        Column::text("LAST ERROR", 12),
    ];

    fn row(&self) -> Vec<Cell> {
        let moment = self.settled.or_else(|| (self.status == "pending").then_some(self.due));
        // An alert that was never held is due from the beginning of time.
        let moment = moment.filter(|moment| *moment > Timestamp::UNIX_EPOCH);
        let about: Vec<&str> = [&self.speaker, &self.headline].into_iter().flatten().map(String::as_str).collect();
        vec![
            Cell::styled(&short(&self.alert), DIM),
            Cell::new(&minute(self.time)),
            Cell::new(&self.alert_type),
            Cell::new(&self.sink),
            Cell::styled(&self.status, status_style(&self.status)),
            Cell::new(&self.attempts.to_string()),
            Cell::new(&moment.map_or_else(|| "now".to_owned(), minute)),
            Cell::new(&about.join(": ")),
            Cell::new(self.last_error.as_deref().or(self.reason.as_deref()).unwrap_or_default()),
        ]
    }
}
