//! The screen: what is known in, a drawn frame out. Pure: it draws the same for the same state and size. Called by `run`.

mod health;
mod live;
mod thread;

use anstyle::{AnsiColor, Style};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Clear};

use super::keys::HELP;
use super::state::{Focus, Link, State, View};
use super::words::{Paint, Words, plain};
use crate::look::words::duration;
use crate::terminal::{BOLD, DIM};

/// What to see to.
const ALARM: Style = AnsiColor::Red.on_default().bold();
/// All is well.
const WELL: Style = AnsiColor::Green.on_default();
/// Below this width words that can be spared are left out.
const WIDE: u16 = 100;

/// What the state has to know of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Drawn {
    /// The most lines that a thread can be scrolled by.
    pub(super) scroll_max: usize,
    /// Lines that a page holds.
    pub(super) page: usize,
}

/// Draws the state.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, paint: Paint) -> Drawn {
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(strip(state).is_some())),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]);
    let [head, below, body, foot] = areas.areas(frame.area());
    let mut canvas = Canvas { frame, paint };
    canvas.line(head, &header(state, head.width));
    if let Some(words) = strip(state) {
        canvas.line(below, &words);
    }
    let drawn = match state.view {
        View::Live => live::draw(&mut canvas, state, body),
        View::Thread => thread::draw(&mut canvas, state, body),
        View::Feeds => health::feeds(&mut canvas, state, body),
        View::Deliveries => health::deliveries(&mut canvas, state, body),
    };
    canvas.line(foot, &footer(state));
    if state.focus == Focus::Help {
        help(&mut canvas, body);
    }
    drawn
}

/// A frame with its paint.
struct Canvas<'f, 'b> {
    frame: &'f mut Frame<'b>,
    paint: Paint,
}

impl Canvas<'_, '_> {
    fn line(&mut self, area: Rect, words: &Words) {
        let line = self.paint.line(words, usize::from(area.width));
        self.frame.render_widget(line, area);
    }

    fn lines(&mut self, area: Rect, lines: Vec<Line<'static>>) {
        self.frame.render_widget(Text::from(lines), area);
    }

    /// Rows of which one is selected, so that it is in sight.
    fn rows(&mut self, area: Rect, rows: usize, selected: usize, row: impl Fn(usize, usize) -> Words) {
        let height = usize::from(area.height);
        let first = selected.saturating_sub(height / 2).min(rows.saturating_sub(height));
        for (at, y) in (first..rows).zip(area.rows()) {
            self.line(y, &row(at, usize::from(area.width)));
            if at == selected {
                // Seen without colours, and on terminals of any colour.
                self.frame.buffer_mut().set_style(y, Modifier::REVERSED);
            }
        }
    }

    /// A heading over the width of an area.
    fn heading(&mut self, area: Rect, text: &str) {
        let rule = "─".repeat(usize::from(area.width).saturating_sub(text.chars().count() + 4));
        self.line(area, &vec![(DIM, "── ".to_owned()), (BOLD, text.to_owned()), (DIM, format!(" {rule}"))]);
    }
}

/// Views with what is wrong in them, and how it stands with the daemon.
fn header(state: &State, width: u16) -> Words {
    let status = state.status.clone().unwrap_or_default();
    let count = |count: u64, what: &str| match (count, width >= WIDE) {
        (0, _) => String::new(),
        (count, true) => format!(" ({count} {what})"),
        (count, false) => format!(" {count}!"),
    };
    let mut words = Words::new();
    for (view, name, trouble) in [
        (View::Live, "1 Alerts", String::new()),
        (View::Feeds, "2 Feeds", count(status.feeds.failing, "failing")),
        (View::Deliveries, "3 Deliveries", count(status.endpoints.failing.max(status.dead), "in trouble")),
    ] {
        let is_shown = state.view == view || view == View::Live && state.view == View::Thread;
        words.push((if is_shown { BOLD.invert() } else { Style::new() }, format!(" {name}")));
        words.push((if is_shown { ALARM.invert() } else { ALARM }, trouble));
        words.push((if is_shown { BOLD.invert() } else { Style::new() }, " ".to_owned()));
    }
    words.push(match &state.link {
        Link::Connecting => (DIM, "  … connecting".to_owned()),
        Link::Live if width >= WIDE => (WELL, format!("  ● live from {}", state.at)),
        Link::Live => (WELL, "  ● live".to_owned()),
        Link::Lost { .. } => (ALARM, "  ○ not connected".to_owned()),
    });
    words
}

/// A line that is there only when it says something: what is wrong with the connection, else what is left out.
fn strip(state: &State) -> Option<Words> {
    match (&state.link, &state.focus) {
        (_, Focus::Text(_)) => Some(written("text: ", &state.filter.text)),
        (_, Focus::Speaker(_)) => Some(written("speaker: ", &state.filter.speaker)),
        (Link::Lost { why, again }, _) => {
            let wait = again.map(|again| again.duration_since(state.now)).filter(jiff::SignedDuration::is_positive);
            let next = wait.map_or_else(|| "trying again".to_owned(), |wait| format!("again in {}", duration(wait)));
            Some(vec![(ALARM, why.clone()), (DIM, format!(" · {next} · r tries now"))])
        }
        _ if state.filter.is_open() || state.view != View::Live => None,
        _ => Some(vec![(BOLD, state.filter.words()), (DIM, " · x shows all".to_owned())]),
    }
}

/// A text while it is written.
fn written(label: &str, text: &str) -> Words {
    vec![(BOLD, label.to_owned()), (Style::new(), text.to_owned()), (BOLD, "▏".to_owned())]
}

fn footer(state: &State) -> Words {
    if let Focus::Question(saying) = &state.focus {
        let act = format!("{} this thread? y/n ", saying.act);
        return vec![(BOLD, act), (Style::new(), saying.matter.clone())];
    }
    if let Some(said) = &state.said {
        return vec![(BOLD, said.clone())];
    }
    let keys = match (&state.focus, state.view) {
        (Focus::Text(_) | Focus::Speaker(_), _) => "Enter looks for it  Esc as before",
        (_, View::Live) => "? keys  Enter thread  / text  s speaker  t kind  f follow  m mute  q quit",
        (_, View::Thread) => "? keys  Esc back  j k scroll  f follow  m mute  q quit",
        _ => "? keys  Esc back  j k move  r anew  q quit",
    };
    let unknown = match state.unknown {
        0 => String::new(),
        1 => "1 alert needs a newer gainsay to be shown · ".to_owned(),
        many => format!("{many} alerts need a newer gainsay to be shown · "),
    };
    let ours = env!("CARGO_PKG_VERSION");
    let other = state.status.as_ref().map(|status| status.version.as_str()).filter(|theirs| *theirs != ours);
    let other = other.map(|theirs| format!("the daemon is version {theirs}, this is {ours} · ")).unwrap_or_default();
    vec![(AnsiColor::Yellow.on_default(), unknown + &other), (DIM, keys.to_owned())]
}

fn help(canvas: &mut Canvas<'_, '_>, body: Rect) {
    let height = u16::try_from(HELP.len() + 2).unwrap_or(u16::MAX);
    let area = body.centered(Constraint::Max(62), Constraint::Max(height));
    canvas.frame.render_widget(Clear, area);
    canvas.frame.render_widget(Block::bordered().title(" Keys "), area);
    let inner = Block::bordered().inner(area);
    for ((keys, what), row) in HELP.iter().zip(inner.rows()) {
        canvas.line(row, &vec![(BOLD, format!(" {keys:<11}")), (Style::new(), (*what).to_owned())]);
    }
}

/// What stands where there is nothing else.
fn empty(canvas: &mut Canvas<'_, '_>, area: Rect, text: &str) {
    let lines = canvas.paint.wrapped(&plain(" "), 1, &vec![(DIM, text.to_owned())], usize::from(area.width));
    canvas.lines(area, lines);
}

#[cfg(test)]
mod tests;
