//! How feeds and endpoints do, and what became of the newest alerts.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use ratatui::layout::{Constraint, Layout, Rect};

use super::live::age;
use super::{ALARM, Canvas, Drawn, empty};
use crate::look::words::minute;
use crate::look::{feed_style, paused_in_words, status_style};
use crate::terminal::{BOLD, DIM};
use crate::watch::state::State;
use crate::watch::wire::{Delivery, Endpoint, Feed};
use crate::watch::words::{Words, plain, safe};

/// Columns of names, at the least.
const NAME: usize = 16;
/// Columns of states.
const STATE: usize = 11;
/// Lines of what is told of the selected row.
const WHOLE: u16 = 7;

/// A text in so many columns, and a space.
fn cell(text: &str, width: usize) -> String {
    let text = safe(text);
    let shown = crate::terminal::cut(&text, width);
    format!("{shown}{} ", " ".repeat(width.saturating_sub(crate::terminal::columns_of(&shown))))
}

pub(super) fn feeds(canvas: &mut Canvas<'_, '_>, state: &State, area: Rect) -> Drawn {
    let Some(feeds) = &state.feeds else {
        empty(canvas, area, "asking the daemon …");
        return Drawn::default();
    };
    let areas = Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(WHOLE)]);
    let [head, list, whole] = areas.areas(area);
    // Ids of feeds from lists or from the page differ at their ends: they are shown whole where there is room.
    let longest = feeds.iter().map(|feed| crate::terminal::columns_of(&safe(&feed.id))).max().unwrap_or_default();
    let name = longest.min(usize::from(area.width) / 3).max(NAME);
    let heads = format!("{}{}{:>5} {:>6}  TROUBLE", cell("FEED", name), cell("STATE", STATE), "READ", "TEXTS");
    canvas.line(head, &vec![(BOLD, heads)]);
    canvas.rows(list, feeds.len(), state.row, |at, _| {
        feeds.get(at).map(|feed| feed_row(feed, name, state.now)).unwrap_or_default()
    });
    if let Some(feed) = feeds.get(state.row) {
        below(canvas, whole, &feed.id, &feed_facts(feed, state.now));
    }
    Drawn { scroll_max: 0, page: usize::from(list.height) }
}

fn feed_row(feed: &Feed, name: usize, now: Timestamp) -> Words {
    let shown = feed.state.as_str();
    let read = feed.last_success.map(|at| age(at, now)).unwrap_or_default();
    vec![
        (Style::new(), cell(&feed.id, name)),
        (feed_style(shown), cell(shown, STATE)),
        (Style::new(), format!("{read:>5} {:>6}  ", feed.texts)),
        (ALARM, feed.error.clone().unwrap_or_default()),
    ]
}

fn feed_facts(feed: &Feed, now: Timestamp) -> Vec<(&'static str, Words)> {
    let time = |at: Option<Timestamp>| at.map(|at| plain(format!("{} ({})", minute(at), age(at, now))));
    let failures = format!("{}{} failures", feed.error.as_ref().map_or("", |_| ", "), feed.failures);
    let since = feed.since.map(|since| format!(" since {}", minute(since))).unwrap_or_default();
    let trouble = (feed.failures > 0 || feed.error.is_some())
        .then(|| vec![(ALARM, feed.error.clone().unwrap_or_default()), (Style::new(), failures + &since)]);
    [
        ("outlet", Some(plain(feed.outlet.as_str()))),
        ("address", feed.url.as_ref().map(|url| plain(url.as_str()))),
        ("state", feed.paused.as_ref().map(|paused| plain(paused_in_words(paused)))),
        ("trouble", trouble),
        ("last entry", time(feed.last_entry)),
        ("next poll", feed.next_poll.map(|at| plain(minute(at)))),
    ]
    .into_iter()
    .filter_map(|(label, words)| Some((label, words?)))
    .collect()
}

/// The selected row whole, below its list.
fn below(canvas: &mut Canvas<'_, '_>, area: Rect, name: &str, facts: &[(&str, Words)]) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    canvas.heading(head, &safe(name));
    let width = usize::from(body.width);
    let lines = facts
        .iter()
        .flat_map(|(label, words)| canvas.paint.wrapped(&vec![(DIM, (*label).to_owned())], STATE, words, width));
    let lines = lines.collect();
    canvas.lines(body, lines);
}

pub(super) fn deliveries(canvas: &mut Canvas<'_, '_>, state: &State, area: Rect) -> Drawn {
    let Some((endpoints, deliveries)) = &state.deliveries else {
        empty(canvas, area, "asking the daemon …");
        return Drawn::default();
    };
    // The list keeps at least half of the screen.
    let room = (area.height / 2).saturating_sub(1);
    let tall = u16::try_from(endpoints.len()).unwrap_or(u16::MAX).clamp(1, room.max(1));
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(tall),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(4),
    ]);
    let [head, top, between, list, whole] = areas.areas(area);
    let heads = format!("{}{}{:>7} {:>5}  WHY", cell("ENDPOINT", NAME), cell("STATE", STATE), "WAITING", "DEAD");
    canvas.line(head, &vec![(BOLD, heads)]);
    for (endpoint, row) in endpoints.iter().zip(top.rows()) {
        canvas.line(row, &endpoint_row(endpoint));
    }
    if endpoints.is_empty() {
        empty(canvas, top, "the config names no sink");
    }
    canvas.heading(between, "newest deliveries");
    if deliveries.is_empty() {
        empty(canvas, list, "nothing went out yet");
    }
    canvas.rows(list, deliveries.len(), state.row, |at, _| {
        deliveries.get(at).map(|delivery| delivery_row(delivery, state.now)).unwrap_or_default()
    });
    if let Some(delivery) = deliveries.get(state.row) {
        below(canvas, whole, &delivery.alert_type, &delivery_facts(delivery));
    }
    Drawn { scroll_max: 0, page: usize::from(list.height) }
}

fn endpoint_row(endpoint: &Endpoint) -> Words {
    let style = match endpoint.state.as_str() {
        "ok" => AnsiColor::Green.on_default(),
        "failing" | "disabled" | "gone" => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    };
    let since = endpoint.since.filter(|_| endpoint.state != "ok");
    let since = since.map(|since| format!("since {} ", minute(since))).unwrap_or_default();
    let why = endpoint.reason.clone().filter(|_| endpoint.state != "ok");
    let why = why.unwrap_or_else(|| format!("{}, {} delivered", endpoint.kind, endpoint.delivered));
    vec![
        (Style::new(), cell(&endpoint.name, NAME)),
        (style, cell(&endpoint.state, STATE)),
        (Style::new(), format!("{:>7} ", endpoint.pending)),
        (if endpoint.dead > 0 { ALARM } else { Style::new() }, format!("{:>5}  ", endpoint.dead)),
        (DIM, since + &why),
    ]
}

fn delivery_row(delivery: &Delivery, now: Timestamp) -> Words {
    vec![
        (DIM, format!("{:>4} ", age(delivery.time, now))),
        (Style::new(), cell(&delivery.sink, 10)),
        (status_style(&delivery.status), cell(&delivery.status, 10)),
        (Style::new(), about(delivery)),
    ]
}

fn about(delivery: &Delivery) -> String {
    let parts: Vec<&str> = [&delivery.speaker, &delivery.headline].into_iter().flatten().map(String::as_str).collect();
    if parts.is_empty() { delivery.alert_type.clone() } else { parts.join(": ") }
}

fn delivery_facts(delivery: &Delivery) -> Vec<(&'static str, Words)> {
    let tries = match delivery.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let fate = vec![
        (status_style(&delivery.status), delivery.status.clone()),
        (Style::new(), format!(" at {}, {tries}, {}", delivery.sink, minute(delivery.time))),
    ];
    let why = delivery.last_error.as_ref().or(delivery.reason.as_ref());
    let mut facts = vec![("about", plain(about(delivery))), ("state", fate)];
    facts.extend(why.map(|why| ("why", vec![(ALARM, why.clone())])));
    facts
}
