//! `gainsay threads show`: a thread as a time line of what was said, taken back and alerted.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::Style;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::args::ThreadsShowArgs;
use super::claims::Outlets;
use super::deliveries::status_style;
use super::threads::state_style;
use super::words::{self, act, alert_of, around_cue, kind_style, minute, plain, second, short};
use super::{Source, id, is_json, print_json, print_text, width};
use crate::model::{Alert, AlertId, ClaimId, ClaimRecord, ClaimSpeaker, ThreadRecord};
use crate::store::{DeliveryFilter, DeliveryRow, StoreError, View};
use crate::terminal::{BOLD, DIM, Piece, wrapped};

/// Columns of the moment and the gap behind it.
const INDENT: usize = 18;

/// `gainsay threads show`.
pub(super) fn show(args: &ThreadsShowArgs) -> Result<ExitCode> {
    let view = Source::find(&args.database)?.open()?;
    let id = id::thread(&view, &args.id)?;
    let thread = view.thread(id)?.with_context(|| format!("thread {id} has left the window"))?;
    let happenings = happenings(&view, &thread)?;
    if is_json(args.format) {
        let lines: Vec<Line<'_>> = happenings.iter().map(|happening| happening.line()).collect();
        print_json(&lines)?;
    } else {
        print_text(&drawn(&thread, &happenings, width()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An alert with its deliveries.
pub(super) struct Alerted {
    pub(super) id: AlertId,
    pub(super) alert_type: String,
    /// The alert, where its text is still kept.
    pub(super) alert: Option<Alert>,
    pub(super) rows: Vec<DeliveryRow>,
}

impl Alerted {
    /// When what it tells happened; where that is no longer kept, when it was put into the outbox.
    pub(super) fn at(&self) -> Timestamp {
        let made = || self.rows.first().map_or(Timestamp::MIN, |row| row.created);
        self.alert.as_ref().map_or_else(made, |alert| alert.time)
    }
}

/// The alerts of a thread or feed, in order of time.
pub(super) fn alerts(view: &View, order_key: &str) -> Result<Vec<Alerted>, StoreError> {
    let filter = DeliveryFilter { order_key: Some(order_key.to_owned()), ..DeliveryFilter::default() };
    let mut rows = Vec::new();
    view.deliveries(&filter, |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    rows.reverse();
    Ok(grouped(rows))
}

/// Deliveries by their alert, in the order of its first one.
pub(super) fn grouped(rows: Vec<DeliveryRow>) -> Vec<Alerted> {
    let mut places: BTreeMap<AlertId, usize> = BTreeMap::new();
    let mut found: Vec<Alerted> = Vec::new();
    for row in rows {
        let place = *places.entry(row.alert).or_insert(found.len());
        if place == found.len() {
            found.push(Alerted { id: row.alert, alert_type: row.alert_type.clone(), alert: None, rows: Vec::new() });
        }
        if let Some(one) = found.get_mut(place) {
            one.alert = one.alert.take().or_else(|| row.body.as_deref().and_then(alert_of));
            one.rows.push(row);
        }
    }
    found
}

/// What happened in a thread as JSON, in order of time.
pub(crate) fn events(view: &View, thread: &ThreadRecord) -> Result<Vec<serde_json::Value>> {
    let happenings = happenings(view, thread)?;
    happenings.iter().map(|happening| Ok(serde_json::to_value(happening.line())?)).collect()
}

/// Something that happened in a thread.
enum Happening {
    Said { claim: Box<ClaimRecord>, outlets: Vec<String> },
    Withdrawn { claim: Box<ClaimRecord>, at: Timestamp, why: String },
    Alerted(Box<Alerted>),
}

impl Happening {
    fn at(&self) -> Timestamp {
        match self {
            Self::Said { claim, .. } => claim.first_seen,
            Self::Withdrawn { at, .. } => *at,
            Self::Alerted(alerted) => alerted.at(),
        }
    }

    /// Of things of one moment, what was said comes before what was made of it.
    fn order(&self) -> (Timestamp, u8, u64) {
        match self {
            Self::Said { claim, .. } => (self.at(), 0, claim.sequence),
            Self::Withdrawn { claim, .. } => (self.at(), 1, claim.sequence),
            Self::Alerted(alerted) => {
                let position = alerted.rows.first().map_or(0, |row| row.position);
                (self.at(), 2, u64::try_from(position).unwrap_or_default())
            }
        }
    }
}

fn happenings(view: &View, thread: &ThreadRecord) -> Result<Vec<Happening>> {
    let alerts = alerts(view, &thread.id.to_string())?;
    let mut outlets = Outlets::new(view);
    let mut found = Vec::new();
    for &id in &thread.claims {
        let Some(claim) = view.claim(id)? else { continue };
        if claim.is_withdrawn {
            let (at, why) = withdrawal(&claim, &alerts);
            found.push(Happening::Withdrawn { claim: Box::new(claim.clone()), at, why });
        }
        let outlets = outlets.of(&claim)?;
        found.push(Happening::Said { claim: Box::new(claim), outlets });
    }
    found.extend(alerts.into_iter().map(Box::new).map(Happening::Alerted));
    found.sort_by_key(Happening::order);
    Ok(found)
}

/// When a claim was withdrawn and why: as its alert says, else when it was last seen.
fn withdrawal(claim: &ClaimRecord, alerts: &[Alerted]) -> (Timestamp, String) {
    let told = alerts.iter().rev().filter_map(|alerted| alerted.alert.as_ref()).find(|alert| {
        alert.alert_type.as_str() == "claim.withdrawn" && alert.claim.as_ref().is_some_and(|one| one.id == claim.id)
    });
    let whose =
        if claim.is_no_claim() { "a user said that it is no claim" } else { "killed or corrected by its outlet" };
    told.map_or_else(|| (claim.last_seen, whose.to_owned()), |alert| (alert.time, alert.why.clone()))
}

/// A happening as JSON.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Claim {
        #[schemars(with = "String")]
        at: Timestamp,
        claim: ClaimId,
        kind: &'static str,
        speaker: Option<&'a ClaimSpeaker>,
        target: Option<&'a str>,
        proposition: &'a str,
        sentence: &'a str,
        outlets: &'a [String],
        url: Option<&'a str>,
        confidence: f64,
        revision: u32,
        background: bool,
        withdrawn: bool,
        answers: Vec<ClaimId>,
    },
    Withdrawal {
        #[schemars(with = "String")]
        at: Timestamp,
        claim: ClaimId,
        why: &'a str,
    },
    Alert {
        #[schemars(with = "String")]
        at: Timestamp,
        alert: AlertId,
        #[serde(rename = "type")]
        alert_type: &'a str,
        claim: Option<ClaimId>,
        priority: Option<u8>,
        why: Option<&'a str>,
        deliveries: Vec<DeliveryLine<'a>>,
    },
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct DeliveryLine<'a> {
    sink: &'a str,
    status: &'a str,
    attempts: u32,
    #[schemars(with = "String")]
    due: Timestamp,
    #[schemars(with = "Option<String>")]
    settled: Option<Timestamp>,
    last_error: Option<&'a str>,
}

impl Happening {
    fn line(&self) -> Line<'_> {
        match self {
            Self::Said { claim: record, outlets } => {
                let report = &record.report;
                Line::Claim {
                    at: record.first_seen,
                    claim: record.id,
                    kind: record.kind.as_str(),
                    speaker: report.claim.speaker.as_ref(),
                    target: report.claim.target.as_deref(),
                    proposition: &record.proposition.text,
                    sentence: &report.evidence.sentence,
                    outlets,
                    url: report.document.url.as_deref(),
                    confidence: report.claim.confidence,
                    revision: report.claim.revision,
                    background: report.claim.background,
                    withdrawn: record.is_withdrawn,
                    answers: record.answers.iter().copied().collect(),
                }
            }
            Self::Withdrawn { claim, at, why } => Line::Withdrawal { at: *at, claim: claim.id, why },
            Self::Alerted(alerted) => Line::Alert {
                at: self.at(),
                alert: alerted.id,
                alert_type: &alerted.alert_type,
                claim: alerted.alert.as_ref().and_then(|alert| Some(alert.claim.as_ref()?.id)),
                priority: alerted.alert.as_ref().map(|alert| alert.priority.score),
                why: alerted.alert.as_ref().map(|alert| alert.why.as_str()),
                deliveries: alerted.rows.iter().map(delivery_line).collect(),
            },
        }
    }
}

fn delivery_line(row: &DeliveryRow) -> DeliveryLine<'_> {
    DeliveryLine {
        sink: &row.sink,
        status: &row.state,
        attempts: row.attempts,
        due: row.due,
        settled: row.settled,
        last_error: row.last_error.as_deref(),
    }
}

fn drawn(thread: &ThreadRecord, happenings: &[Happening], width: usize) -> String {
    let id = thread.id.to_string();
    let state = words::state(thread.state);
    let mut lines = vec![wrapped(
        &[(BOLD, "thread "), (DIM, &id), (state_style(thread.state), &format!(" {state}"))],
        "",
        0,
        width,
    )];
    lines.push(wrapped(&plain(&thread.proposition), "", 0, width));
    for stance in thread.stances.values() {
        let said = format!("{} {}", stance.respondent, words::stance(stance.stance));
        lines.push(wrapped(&plain(&said), "", 0, width));
    }
    if thread.has_contradiction {
        lines.push(wrapped(&[(BOLD, "outlets disagree on whether this was denied")], "", 0, width));
    }
    for happening in happenings {
        lines.push("\n".to_owned());
        let moment = format!("{DIM}{}{DIM:#}  ", minute(happening.at()));
        match happening {
            Happening::Said { claim, outlets } => lines.extend(said(claim, outlets, &moment, width)),
            Happening::Withdrawn { claim, why, .. } => {
                let what = format!(": {} by {}", act(claim), words::speaker(claim.report.claim.speaker.as_ref()));
                let pieces = [(BOLD, "withdrawn"), (Style::new(), what.as_str()), (DIM, &format!(" ({why})"))];
                lines.push(wrapped(&pieces, &moment, INDENT, width));
            }
            Happening::Alerted(alerted) => lines.extend(told(alerted, &moment, width)),
        }
    }
    lines.concat()
}

fn said(record: &ClaimRecord, outlets: &[String], moment: &str, width: usize) -> Vec<String> {
    let report = &record.report;
    let style = kind_style(record.kind).bold();
    let who = format!(" by {}", words::speaker(report.claim.speaker.as_ref()));
    let whom = report.claim.target.as_ref().map(|target| format!(", against {target}")).unwrap_or_default();
    let first = [(style, act(record)), (Style::new(), who.as_str()), (Style::new(), whom.as_str())];
    let mut lines = vec![wrapped(&first, moment, INDENT, width)];
    let mut row = |pieces: &[Piece<'_>]| lines.push(wrapped(pieces, &" ".repeat(INDENT), INDENT, width));
    row(&around_cue(&report.claim, &report.evidence));
    let mut facts = vec![outlets.join(", "), format!("sure {:.2}", report.claim.confidence)];
    facts.extend((report.claim.revision > 1).then(|| format!("corrected, revision {}", report.claim.revision)));
    facts.extend(report.claim.background.then(|| "an old act, retold".to_owned()));
    facts.push(format!("claim {}", short(&record.id)));
    row(&[(DIM, &facts.join(" · "))]);
    if let Some(url) = &report.document.url {
        row(&[(DIM, url)]);
    }
    lines
}

/// An alert and what became of it at each sink.
fn told(alerted: &Alerted, moment: &str, width: usize) -> Vec<String> {
    let priority = alerted.alert.as_ref().map(|alert| format!(" priority {}", alert.priority.score));
    let id = format!(" {}", short(&alerted.id));
    let first =
        [(BOLD, "alert "), (BOLD, &alerted.alert_type), (Style::new(), &priority.unwrap_or_default()), (DIM, &id)];
    let mut lines = vec![wrapped(&first, moment, INDENT, width)];
    for row in &alerted.rows {
        let pieces = [(Style::new(), row.sink.as_str()), (Style::new(), ": "), (status_style(&row.state), &fate(row))];
        lines.push(wrapped(&pieces, &" ".repeat(INDENT), INDENT, width));
    }
    lines
}

/// What has become of a delivery, in words.
pub(super) fn fate(row: &DeliveryRow) -> String {
    let tries = match row.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let at = row.settled.map(|settled| format!(" at {}", second(settled))).unwrap_or_default();
    let error = row.last_error.as_ref().map(|error| format!(", last error: {error}")).unwrap_or_default();
    match row.state.as_str() {
        "delivered" => format!("delivered{at} after {tries}"),
        "expired" => format!("delivered{at}; its text is no longer kept"),
        "dead" => format!("given up{at} after {tries}{error}"),
        "silenced" => format!("kept back{at}: {}", row.reason.as_deref().unwrap_or_default()),
        _ if row.attempts == 0 && row.due > Timestamp::UNIX_EPOCH => {
            format!("waits until {} at the least", second(row.due))
        }
        _ if row.attempts == 0 => format!("waits for its first attempt{error}"),
        _ => format!("waits after {tries}, next at {}{error}", second(row.due)),
    }
}
