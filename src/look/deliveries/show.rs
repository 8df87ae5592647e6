//! `gainsay deliveries show`: what became of one alert at each sink, attempt by attempt, and the bytes that go out.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use serde::Serialize;

use super::args::DeliveriesShowArgs;
use super::{DeliveryLine, alert_id, status_style};
use crate::look::timeline::fate;
use crate::look::words::{alert_of, second};
use crate::look::{Source, is_json};
use crate::store::{AttemptRow, DeliveryFilter, DeliveryRow, View};
use crate::terminal::{BOLD, DIM, print_json, print_text, visible};

/// `gainsay deliveries show`.
pub(super) fn show(args: &DeliveriesShowArgs) -> Result<()> {
    let view = Source::find(&args.database)?.open()?;
    let id = alert_id(&view, &args.id)?;
    let filter = DeliveryFilter { alert: Some(id), sink: args.sink.as_deref(), ..DeliveryFilter::default() };
    let mut rows = Vec::new();
    view.deliveries(&filter, |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    ensure!(!rows.is_empty(), "alert {id} is for no sink of that name");
    rows.reverse();
    if is_json(args.format) {
        let shown: Vec<Shown> = rows.into_iter().map(|row| Shown::new(&view, row)).collect::<Result<_>>()?;
        return print_json(&shown);
    }
    let mut text = String::new();
    for row in &rows {
        describe(&view, row, &mut text)?;
    }
    print_text(&text)
}

/// A delivery as `gainsay deliveries show` prints it.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    line: DeliveryLine,
    /// When it was last put back into the queue.
    replayed: Option<Timestamp>,
    /// Those that are still kept, in order.
    attempts_made: Vec<AttemptLine>,
    /// The media type of the body.
    content_type: Option<String>,
    /// What goes out; nothing where it is no longer kept.
    body: Option<String>,
}

#[derive(Debug, Serialize)]
struct AttemptLine {
    at: Timestamp,
    duration_ms: u64,
    result: String,
    /// The status code of the answer.
    status: Option<u16>,
    /// The beginning of the answer's body.
    head: Option<String>,
    error: Option<String>,
}

impl Shown {
    fn new(view: &View, row: DeliveryRow) -> Result<Self> {
        let (attempts, content) = (view.attempts(row.position)?, content(view, &row)?);
        let (content_type, body) = content.unzip();
        let alert = row.body.as_deref().and_then(alert_of);
        let made = attempts.into_iter().map(|made| {
            let AttemptRow { at, duration_ms, result, status, head, error } = made;
            AttemptLine { at, duration_ms, result, status, head, error }
        });
        let (replayed, attempts_made) = (row.replayed, made.collect());
        Ok(Self { line: DeliveryLine::new(row, alert.as_ref()), replayed, attempts_made, content_type, body })
    }
}

/// What goes out, and its media type.
fn content(view: &View, row: &DeliveryRow) -> Result<Option<(String, String)>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(made) = view.rendering(row.position)? {
        return Ok(Some((made.content_type, text(&made.body))));
    }
    Ok(row.body.as_ref().map(|body| ("application/json".to_owned(), text(body))))
}

fn describe(view: &View, row: &DeliveryRow, out: &mut String) -> Result<()> {
    let style = status_style(&row.state);
    writeln!(out, "{BOLD}{} {}{BOLD:#} to {}", row.alert, visible(&row.alert_type), visible(&row.sink))?;
    writeln!(out, "  {style}{}{style:#}", visible(&fate(row)))?;
    writeln!(out, "  {DIM}put in {}, order key {}{DIM:#}", second(row.created), visible(&row.order_key))?;
    if let Some(replayed) = row.replayed {
        writeln!(out, "  replayed {}", second(replayed))?;
    }
    for made in view.attempts(row.position)? {
        let status = made.status.map(|status| format!(" {status}")).unwrap_or_default();
        let error = made.error.as_ref().map(|error| format!(": {}", visible(error))).unwrap_or_default();
        writeln!(out, "  {}  {}{status} in {} ms{error}", second(made.at), made.result, made.duration_ms)?;
        if let Some(head) = &made.head {
            writeln!(out, "    {DIM}answered {}{DIM:#}", visible(head))?;
        }
    }
    match content(view, row)? {
        Some((content_type, body)) => {
            writeln!(out, "  {DIM}{}, {} bytes:{DIM:#}\n  {}", visible(&content_type), body.len(), visible(&body))?;
        }
        None => writeln!(out, "  its text is no longer kept")?,
    }
    Ok(())
}
