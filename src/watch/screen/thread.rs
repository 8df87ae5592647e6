//! A thread as a time line: what was alleged, what was answered, in which words, and which alerts came of it.

use anstyle::Style;
use jiff::Timestamp;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::live::owned;
use super::{ALARM, Canvas, Drawn, empty};
use crate::look::words::{self, done, kind_style, minute, speaker, stance};
use crate::look::{status_style, thread_style};
use crate::terminal::{BOLD, DIM};
use crate::watch::state::State;
use crate::watch::wire::{Happening, Thread};
use crate::watch::words::{Paint, Words, plain};

/// Columns of times; on narrow screens they stand on a line of their own.
const INDENT: usize = 18;
const INDENT_NARROW: usize = 2;
const NARROW: usize = 80;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, state: &State, area: Rect) -> Drawn {
    let Some(thread) = &state.thread else {
        empty(canvas, area, "asking the daemon for the thread …");
        return Drawn::default();
    };
    let lines = lines(thread, canvas.paint, usize::from(area.width));
    let [body, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let height = usize::from(body.height);
    let scroll_max = lines.len().saturating_sub(height);
    let scroll = state.scroll.min(scroll_max);
    let rest = lines.len().saturating_sub(scroll + height);
    canvas.lines(body, lines.into_iter().skip(scroll).take(height).collect());
    let said = match rest {
        0 => "end".to_owned(),
        1 => "1 more line (j)".to_owned(),
        rest => format!("{rest} more lines (j)"),
    };
    canvas.heading(foot, &said);
    Drawn { scroll_max, page: height }
}

/// A thread whole.
fn lines(thread: &Thread, paint: Paint, width: usize) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    let mut row = |words: &Words| all.extend(paint.wrapped(&Words::new(), 0, words, width));
    let mut head = vec![
        (thread_style(thread.state).bold(), words::state(thread.state).to_owned()),
        (BOLD, format!(" {}", thread.proposition)),
    ];
    let marks = [(thread.followed, "followed"), (thread.muted, "muted")];
    for (_, mark) in marks.iter().filter(|(is_so, _)| *is_so) {
        head.push((DIM, format!(" ({mark})")));
    }
    row(&head);
    if thread.contradiction {
        row(&vec![(ALARM, "outlets disagree on whether this was denied".to_owned())]);
    }
    for entry in &thread.stances {
        row(&plain(format!("{} {}", entry.respondent, stance(entry.stance))));
    }
    for happening in &thread.timeline {
        all.push(Line::default());
        all.extend(told(thread, happening, paint, width));
    }
    all.push(Line::default());
    all.extend(paint.wrapped(&Words::new(), 0, &vec![(DIM, format!("thread {}", thread.id))], width));
    all
}

/// What happened, and its lines below its time.
struct Telling {
    paint: Paint,
    width: usize,
    indent: usize,
    lines: Vec<Line<'static>>,
}

impl Telling {
    fn new(at: Timestamp, paint: Paint, width: usize) -> (Self, Words) {
        let is_narrow = width < NARROW;
        let indent = if is_narrow { INDENT_NARROW } else { INDENT };
        let mut telling = Self { paint, width, indent, lines: Vec::new() };
        let time = vec![(DIM, minute(at))];
        if is_narrow {
            telling.lines.push(paint.line(&time, width));
        }
        (telling, if is_narrow { Words::new() } else { time })
    }

    fn row(&mut self, words: &Words) {
        self.labelled(&Words::new(), words);
    }

    fn labelled(&mut self, label: &Words, words: &Words) {
        self.lines.extend(self.paint.wrapped(label, self.indent, words, self.width));
    }
}

fn told(thread: &Thread, happening: &Happening, paint: Paint, width: usize) -> Vec<Line<'static>> {
    match happening {
        Happening::Claim { at, .. } => {
            let (telling, label) = Telling::new(*at, paint, width);
            said(thread, happening, telling, &label)
        }
        Happening::Withdrawal { at, claim, why } => {
            let (mut telling, label) = Telling::new(*at, paint, width);
            let who = who_said(thread, claim).unwrap_or_default();
            telling.labelled(
                &label,
                &vec![(BOLD, "withdrawn".to_owned()), (Style::new(), who), (DIM, format!(" ({why})"))],
            );
            telling.lines
        }
        Happening::Alert { at, alert_type, priority, why, deliveries } => {
            let (mut telling, label) = Telling::new(*at, paint, width);
            let priority = priority.map(|priority| format!(" priority {priority}")).unwrap_or_default();
            telling.labelled(&label, &vec![(BOLD, format!("alert {alert_type}")), (Style::new(), priority)]);
            if let Some(why) = why {
                telling.row(&vec![(DIM, format!("why: {why}"))]);
            }
            for sent in deliveries {
                let error = sent.last_error.as_ref().map(|error| format!(", last error: {error}")).unwrap_or_default();
                telling.row(&vec![
                    (Style::new(), format!("{}: ", sent.sink)),
                    (status_style(&sent.status), sent.status.clone()),
                    (DIM, error),
                ]);
            }
            telling.lines
        }
    }
}

fn said(thread: &Thread, happening: &Happening, mut telling: Telling, label: &Words) -> Vec<Line<'static>> {
    let Happening::Claim {
        claim,
        kind,
        speaker: by,
        target,
        sentence,
        outlets,
        url,
        confidence,
        revision,
        background,
        answers,
        ..
    } = happening
    else {
        return telling.lines;
    };
    let target = target.as_ref().map(|target| format!(", against {target}")).unwrap_or_default();
    let what = (kind_style(*kind).bold(), done(*kind).to_owned());
    telling.labelled(label, &vec![what, (Style::new(), format!(" by {}{target}", speaker(by.as_ref())))]);
    let known = thread.claims.iter().find(|known| known.id == *claim);
    let evidence = known.map_or_else(
        || plain(sentence.as_str()),
        |known| {
            let mut words = vec![(DIM, format!("{} ", known.evidence.before))];
            words.extend(owned(words::around_cue(&known.claim, &known.evidence)));
            words.push((DIM, format!(" {}", known.evidence.after)));
            words.retain(|(_, text)| !text.trim().is_empty());
            words
        },
    );
    telling.row(&evidence);
    for answered in answers.iter().filter_map(|answered| who_said(thread, answered)) {
        telling.row(&vec![(DIM, format!("answers what was said{answered}"))]);
    }
    let mut facts = vec![outlets.join(", "), format!("sure {confidence:.2}")];
    facts.extend((*revision > 1).then(|| format!("corrected, revision {revision}")));
    facts.extend(background.then(|| "an old act, retold".to_owned()));
    telling.row(&vec![(DIM, facts.join(" · "))]);
    if let Some(url) = url {
        telling.row(&vec![(DIM, url.clone())]);
    }
    telling.lines
}

/// By whom a claim of the thread was made.
fn who_said(thread: &Thread, id: &str) -> Option<String> {
    thread.timeline.iter().find_map(|happening| match happening {
        Happening::Claim { claim, speaker: by, .. } if claim == id => Some(format!(" by {}", speaker(by.as_ref()))),
        _ => None,
    })
}
