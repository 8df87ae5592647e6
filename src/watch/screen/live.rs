//! Alerts as they come, newest first, and the selected one whole.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::{Canvas, Drawn, WIDE, empty};
use crate::look::words::{self, kind_style, outlets};
use crate::model::{Alert, AlertType};
use crate::terminal::{BOLD, DIM, columns_of};
use crate::watch::state::{Link, State};
use crate::watch::wire::Placed;
use crate::watch::words::{Paint, Words, plain};

/// Columns of labels.
const INDENT: usize = 10;
/// Fewest lines in which the selected alert is shown beside the list.
const HEIGHT_MIN: u16 = 12;
/// Fewest lines of the list above it.
const LIST_MIN: u16 = 5;
/// From this width on the selected alert stands to the right of the list, else below it.
const BESIDE: u16 = 130;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, state: &State, area: Rect) -> Drawn {
    let shown = state.shown();
    if shown.is_empty() {
        empty(canvas, area, nothing(state));
        return Drawn { scroll_max: 0, page: usize::from(area.height) };
    }
    let at = state.selected_at(&shown);
    let Some(selected) = shown.get(at) else { return Drawn::default() };
    let (list, whole) = divided(area, shown.len());
    canvas.rows(list, shown.len(), at, |at, width| {
        shown.get(at).map(|placed| row(placed, state.now, width)).unwrap_or_default()
    });
    if let Some(whole) = whole {
        let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(whole);
        canvas.heading(head, &place(state, at, shown.len()));
        let lines = lines(&selected.alert, canvas.paint, usize::from(body.width));
        canvas.lines(body, lines);
    }
    Drawn { scroll_max: 0, page: usize::from(list.height) }
}

fn nothing(state: &State) -> &'static str {
    match state.link {
        Link::Connecting => "asking the daemon …",
        _ if state.filter.is_open() => "no alerts yet: they are shown as they come",
        _ => "no alert is like that: x shows all",
    }
}

/// The list, and what stands beside or below it where there is room.
fn divided(area: Rect, rows: usize) -> (Rect, Option<Rect>) {
    if area.width >= BESIDE {
        let [list, _, whole] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        return (list, Some(whole));
    }
    if area.height < HEIGHT_MIN {
        return (area, None);
    }
    // A short list leaves the room that it does not need.
    let tall = u16::try_from(rows).unwrap_or(u16::MAX).clamp(LIST_MIN, area.height / 2);
    let [list, whole] = Layout::vertical([Constraint::Length(tall), Constraint::Fill(1)]).areas(area);
    (list, Some(whole))
}

fn place(state: &State, at: usize, all: usize) -> String {
    match state.unread() {
        0 => format!("{} of {all}", at + 1),
        1 => format!("{} of {all}, 1 new above (g)", at + 1),
        new => format!("{} of {all}, {new} new above (g)", at + 1),
    }
}

fn row(placed: &Placed, now: Timestamp, width: usize) -> Words {
    let alert = &placed.alert;
    let mut words = vec![
        (DIM, format!("{:>4} ", age(alert.time, now))),
        (style(alert), format!("{:<14} ", label(alert.alert_type))),
    ];
    let (who, what) = gist(alert);
    if !who.is_empty() {
        words.push((BOLD, who));
        words.push((Style::new(), ": ".to_owned()));
    }
    words.push((Style::new(), what));
    let carried = alert.story.as_ref().map(|story| outlets(&story.outlets)).unwrap_or_default();
    if width >= usize::from(WIDE) && !carried.is_empty() {
        words.insert(2, (DIM, format!("{} ", fitted(&carried, 18))));
    }
    words
}

/// A text of exactly so many columns.
fn fitted(text: &str, width: usize) -> String {
    let text = crate::watch::words::safe(text);
    let text = crate::terminal::cut(&text, width);
    format!("{text}{}", " ".repeat(width.saturating_sub(columns_of(&text))))
}

/// Who, and what.
fn gist(alert: &Alert) -> (String, String) {
    if let Some(claim) = &alert.claim {
        let pieces: Vec<&str> = claim.content.iter().map(|quote| quote.text.as_str()).collect();
        let said = match (pieces.is_empty(), &alert.thread, &alert.evidence) {
            (false, _, _) => pieces.join(" … "),
            (_, Some(thread), _) => thread.proposition.clone(),
            (_, _, Some(evidence)) => evidence.sentence.clone(),
            _ => alert.why.clone(),
        };
        let target = claim.target.as_ref().map(|target| format!(" (against {target})")).unwrap_or_default();
        let who = claim.speaker.as_ref().map_or_else(|| "somebody not named".to_owned(), |one| one.name.clone());
        return (who, said + &target);
    }
    match (&alert.feed, &alert.sink) {
        (Some(feed), _) => (feed.outlet.clone(), feed.detail.clone()),
        (_, Some(sink)) => (sink.name.clone(), sink.detail.clone()),
        _ => (String::new(), alert.why.clone()),
    }
}

fn style(alert: &Alert) -> Style {
    match alert.alert_type {
        AlertType::ClaimRevised | AlertType::ClaimWithdrawn => AnsiColor::Magenta.on_default(),
        AlertType::ThreadContradiction => AnsiColor::Red.on_default().bold(),
        AlertType::FeedFailing | AlertType::FeedGone | AlertType::SinkFailing | AlertType::SinkDisabled => {
            AnsiColor::Red.on_default()
        }
        _ => alert.claim.as_ref().map_or(AnsiColor::Blue.on_default(), |claim| kind_style(claim.kind)),
    }
}

/// What happened in at most 14 letters.
fn label(alert_type: AlertType) -> &'static str {
    match alert_type {
        AlertType::AllegationNew => "allegation",
        AlertType::DenialNew => "denial",
        AlertType::ClaimConfirmed => "confirmation",
        AlertType::ClaimNoComment => "no comment",
        AlertType::ClaimRetracted => "retraction",
        AlertType::ClaimRevised => "revised",
        AlertType::ClaimWithdrawn => "withdrawn",
        AlertType::ThreadLinked => "answer linked",
        AlertType::ThreadContradiction => "contradiction",
        AlertType::ThreadClosed => "closed",
        AlertType::FeedFailing => "feed failing",
        AlertType::FeedRecovered => "feed is back",
        AlertType::FeedStale => "feed is silent",
        AlertType::FeedEmpty => "feed is empty",
        AlertType::FeedMoved => "feed has moved",
        AlertType::FeedGone => "feed is gone",
        AlertType::SinkFailing => "sink failing",
        AlertType::SinkDisabled => "sink disabled",
        AlertType::SinkRecovered => "sink is back",
        AlertType::Digest => "digest",
    }
}

/// How long ago, in one unit and at most four letters.
pub(super) fn age(time: Timestamp, now: Timestamp) -> String {
    match now.duration_since(time).as_secs() {
        ..60 => "now".to_owned(),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", (seconds / 86_400).min(999)),
    }
}

/// An alert whole: who said what to whom, in which words, what it answers, who carries it, and why it was sent.
fn lines(alert: &Alert, paint: Paint, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut row = |label: &str, words: &Words| {
        lines.extend(paint.wrapped(&vec![(DIM, label.to_owned())], INDENT, words, width));
    };
    let reasons = alert.priority.reasons.join(", ");
    let reasons = if reasons.is_empty() { reasons } else { format!(": {reasons}") };
    let priority = format!(" priority {}", alert.priority.score);
    row("alert", &vec![(style(alert).bold(), alert.alert_type.as_str().to_owned()), (BOLD, priority), (DIM, reasons)]);
    if let Some(claim) = &alert.claim {
        row("speaker", &vec![(BOLD, words::speaker(claim.speaker.as_ref()))]);
        let (_, what) = gist(alert);
        row(words::done(claim.kind), &plain(what));
    }
    if let (Some(claim), Some(evidence)) = (&alert.claim, &alert.evidence) {
        row("evidence", &owned(words::around_cue(claim, evidence)));
    }
    for answer in &alert.answers {
        let who = answer.speaker.as_deref().unwrap_or("somebody not named");
        let link = format!(" ({}, sure {:.2})", answer.link.reason, answer.link.score);
        row("answers", &vec![(Style::new(), format!("{who}: {}", answer.proposition)), (DIM, link)]);
    }
    if let Some(thread) = alert.thread.as_ref().filter(|thread| !thread.stances.is_empty()) {
        let stance =
            |entry: &crate::model::StanceEntry| format!("{} {}", entry.respondent, words::stance(entry.stance));
        row("thread", &plain(thread.stances.iter().map(stance).collect::<Vec<_>>().join(" · ")));
    }
    if let Some(feed) = &alert.feed {
        row("feed", &vec![(BOLD, feed.id.as_str().to_owned()), (Style::new(), format!(" {}", feed.detail))]);
    }
    if let Some(sink) = &alert.sink {
        row("sink", &vec![(BOLD, sink.name.clone()), (Style::new(), format!(" {}", sink.detail))]);
    }
    if let Some(story) = &alert.story {
        row(
            "outlets",
            &vec![(Style::new(), story.outlets.join(", ")), (DIM, format!(", {}", words::copies(story.copies)))],
        );
    }
    if let Some(document) = &alert.document {
        row("headline", &plain(document.headline.as_str()));
        if let Some(url) = &document.url {
            row("article", &vec![(DIM, url.clone())]);
        }
    }
    row("why", &vec![(DIM, alert.why.clone())]);
    lines
}

/// Pieces that live on their own.
pub(super) fn owned(pieces: Vec<crate::terminal::Piece<'_>>) -> Words {
    pieces.into_iter().map(|(style, text)| (style, text.to_owned())).collect()
}
