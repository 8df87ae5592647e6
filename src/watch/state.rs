//! What the screen knows: events in, the state after them and what is to be asked of the daemon out. Pure: no clock, no terminal, no
//! network. Driven by `run`, drawn by `screen`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::crossterm::event::KeyEvent;

use super::filter::Filter;
use super::wire::{Delivery, Endpoint, Feed, Placed, Status, Thread};

/// Alerts that are held; of more the oldest go.
const HELD_MAX: usize = 2_000;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has another size, and is drawn anew.
    Resized,
    /// It is so late; and whether what is shown is due to be asked for anew.
    Now(Timestamp, bool),
    /// The daemon has said something, or does not.
    News(News),
    /// The terminal is gone.
    Gone,
}

/// What comes from the daemon.
#[derive(Debug)]
pub(super) enum News {
    /// The newest alerts, in place of all that are held.
    Listed { alerts: Vec<Placed>, next: Option<String>, unknown: usize },
    /// Alerts come as they are made.
    Connected,
    /// They do not, for this reason; it is tried again at this time.
    Lost { why: String, again: Option<Timestamp> },
    /// An alert.
    Arrived(Placed),
    /// An alert of a kind that is not known here.
    Unknown,
    /// Older alerts that were asked for with this filter.
    Older { filter: Filter, alerts: Vec<Placed>, next: Option<String> },
    /// A thread.
    Thread(Box<Thread>),
    /// The feeds.
    Feeds(Vec<Feed>),
    /// Endpoints, and the newest deliveries.
    Deliveries(Vec<Endpoint>, Vec<Delivery>),
    /// How the daemon does.
    Status(Status),
    /// What was said of a thread was taken in, in words.
    Said(String),
    /// What was asked for was not done, in words.
    Failed(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// Leave.
    Quit,
    /// Stop until the shell lets the program go on.
    Suspend,
    /// Try to connect at once.
    Reconnect,
    /// Older alerts behind this cursor.
    Older { filter: Filter, cursor: Option<String> },
    /// A thread.
    Thread(String),
    /// The feeds.
    Feeds,
    /// Endpoints and deliveries.
    Deliveries,
    /// How the daemon does.
    Status,
    /// Say something of a thread.
    Say(Saying),
}

/// Something to say of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saying {
    pub(super) thread: String,
    /// As the API names it.
    pub(super) act: &'static str,
    /// What it is about.
    pub(super) matter: String,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Live,
    Thread,
    Feeds,
    Deliveries,
}

/// Where keys go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Focus {
    /// To the view.
    View,
    /// Into the filter's text, or its speaker; with what it was before.
    Text(String),
    Speaker(String),
    /// To a question: yes or no.
    Question(Saying),
    /// Any key closes the help.
    Help,
}

/// How it stands with the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Live,
    Lost { why: String, again: Option<Timestamp> },
}

/// All that is known.
#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Timestamp,
    /// Where the daemon is.
    pub(super) at: String,
    pub(super) link: Link,
    pub(super) view: View,
    pub(super) focus: Focus,
    pub(super) filter: Filter,
    /// All that came, newest last, without a gap.
    pub(super) held: BTreeMap<i64, Placed>,
    held_next: Option<String>,
    /// Older ones that fit the filter.
    found: BTreeMap<i64, Placed>,
    found_next: Option<String>,
    /// A page of older ones is on its way.
    is_asking: bool,
    /// The alert that is selected; none while the newest is.
    pub(super) selected: Option<i64>,
    /// The newest that was there when another one was selected.
    pub(super) read_to: i64,
    pub(super) thread: Option<Box<Thread>>,
    /// The id of the thread that is shown or on its way.
    pub(super) thread_id: Option<String>,
    pub(super) feeds: Option<Vec<Feed>>,
    pub(super) deliveries: Option<(Vec<Endpoint>, Vec<Delivery>)>,
    pub(super) status: Option<Status>,
    /// The line of the list of feeds or deliveries that is selected.
    pub(super) row: usize,
    /// Lines of a thread that are above the screen.
    pub(super) scroll: usize,
    /// The last of these; as the screen says.
    scroll_max: usize,
    /// Lines that a page holds; as the screen says.
    pub(super) page: usize,
    /// What was said last.
    pub(super) said: Option<String>,
    /// Alerts of kinds that are not known here.
    pub(super) unknown: usize,
}

impl State {
    /// Nothing is known yet of the daemon at `at`.
    pub(super) fn new(at: String, now: Timestamp, status: Option<Status>) -> Self {
        Self {
            now,
            at,
            link: Link::Connecting,
            view: View::Live,
            focus: Focus::View,
            filter: Filter::default(),
            held: BTreeMap::new(),
            held_next: None,
            found: BTreeMap::new(),
            found_next: None,
            is_asking: false,
            selected: None,
            read_to: 0,
            thread: None,
            thread_id: None,
            feeds: None,
            deliveries: None,
            status,
            row: 0,
            scroll: 0,
            scroll_max: 0,
            page: 1,
            said: None,
            unknown: 0,
        }
    }

    /// Takes an event; gives what is to be done.
    pub(super) fn take(&mut self, event: Event) -> Vec<Ask> {
        match event {
            Event::Key(key) => self.press(key),
            Event::Now(now, is_due) => {
                self.now = now;
                if is_due { self.refresh() } else { Vec::new() }
            }
            Event::News(news) => self.hear(news),
            Event::Resized => Vec::new(),
            Event::Gone => vec![Ask::Quit],
        }
    }

    /// What is to be asked again from time to time.
    pub(super) fn refresh(&self) -> Vec<Ask> {
        if self.link != Link::Live {
            return Vec::new();
        }
        let view = match self.view {
            View::Live => None,
            View::Thread => self.thread_id.clone().map(Ask::Thread),
            View::Feeds => Some(Ask::Feeds),
            View::Deliveries => Some(Ask::Deliveries),
        };
        view.into_iter().chain([Ask::Status]).collect()
    }

    /// The alerts that are shown, newest first.
    pub(super) fn shown(&self) -> Vec<&Placed> {
        let held = self.held.values().filter(|placed| self.filter.fits(&placed.alert));
        let before = self.held.first_key_value().map_or(i64::MAX, |(oldest, _)| *oldest);
        held.rev().chain(self.found.range(..before).rev().map(|(_, placed)| placed)).collect()
    }

    /// The selected one of the alerts that are shown: its number. Where it is shown no more, the next older one.
    pub(super) fn selected_at(&self, shown: &[&Placed]) -> usize {
        let at = |position| shown.iter().position(|placed| placed.position <= position);
        self.selected.map_or(0, |position| at(position).unwrap_or(shown.len().saturating_sub(1)))
    }

    /// The selected alert.
    pub(super) fn alert(&self) -> Option<&Placed> {
        let shown = self.shown();
        shown.get(self.selected_at(&shown)).copied()
    }

    /// How many alerts that are shown have come since something else was selected.
    pub(super) fn unread(&self) -> usize {
        if self.selected.is_none() {
            return 0;
        }
        self.held.range(self.read_to + 1..).filter(|(_, placed)| self.filter.fits(&placed.alert)).count()
    }

    /// The screen has found that a thread scrolls no further, and that a page has so many lines.
    pub(super) fn fit(&mut self, scroll_max: usize, page: usize) {
        self.scroll_max = scroll_max;
        self.scroll = self.scroll.min(scroll_max);
        self.page = page.max(1);
    }

    /// Moves by so many lines.
    pub(super) fn step(&mut self, by: isize) -> Vec<Ask> {
        match self.view {
            View::Live => return self.step_alert(by),
            View::Thread => self.scroll = self.scroll.saturating_add_signed(by).min(self.scroll_max),
            View::Feeds | View::Deliveries => self.row = self.row.saturating_add_signed(by).min(self.last_row()),
        }
        Vec::new()
    }

    fn last_row(&self) -> usize {
        let rows = match self.view {
            View::Feeds => self.feeds.as_ref().map_or(0, Vec::len),
            _ => self.deliveries.as_ref().map_or(0, |(_, deliveries)| deliveries.len()),
        };
        rows.saturating_sub(1)
    }

    fn step_alert(&mut self, by: isize) -> Vec<Ask> {
        let shown = self.shown();
        let last = shown.len().saturating_sub(1);
        let at = self.selected_at(&shown).saturating_add_signed(by).min(last);
        let position = shown.get(at).map(|placed| placed.position);
        if self.selected.is_none() {
            self.read_to = self.held.last_key_value().map_or(0, |(newest, _)| *newest);
        }
        self.selected = position.filter(|_| at > 0);
        if at + self.page >= last { self.ask_older() } else { Vec::new() }
    }

    /// Asks for the next page of older alerts, where there is one.
    pub(super) fn ask_older(&mut self) -> Vec<Ask> {
        let cursor = if self.filter.is_open() { &self.held_next } else { &self.found_next };
        let Some(cursor) = cursor.clone().filter(|_| !self.is_asking) else { return Vec::new() };
        self.is_asking = true;
        vec![Ask::Older { filter: self.filter.clone(), cursor: Some(cursor) }]
    }

    /// The filter is being written: what was found with the old one goes.
    pub(super) fn forget_found(&mut self) {
        self.found.clear();
        self.found_next = None;
        self.selected = None;
    }

    /// The filter is another one: the daemon is asked for what is not held.
    pub(super) fn refilter(&mut self) -> Vec<Ask> {
        self.forget_found();
        self.is_asking = !self.filter.is_open() && self.held_next.is_some();
        if self.is_asking { vec![Ask::Older { filter: self.filter.clone(), cursor: None }] } else { Vec::new() }
    }

    /// The thread that keys are about: the one that is shown, or the selected alert's.
    pub(super) fn matter(&self) -> Option<(String, String)> {
        match self.view {
            View::Thread => self.thread.as_ref().map(|thread| (thread.id.clone(), thread.proposition.clone())),
            View::Live => {
                let thread = self.alert()?.alert.thread.as_ref()?;
                Some((thread.id.to_string(), thread.proposition.clone()))
            }
            View::Feeds | View::Deliveries => None,
        }
    }

    fn hear(&mut self, news: News) -> Vec<Ask> {
        match news {
            News::Listed { alerts, next, unknown } => {
                self.held = alerts.into_iter().map(|placed| (placed.position, placed)).collect();
                self.held_next = next;
                self.unknown = unknown;
                self.is_asking = false;
                return self.refilter();
            }
            News::Connected => {
                self.link = Link::Live;
                return self.refresh();
            }
            News::Lost { why, again } => {
                self.link = Link::Lost { why, again };
                // What was asked meanwhile is not answered.
                self.is_asking = false;
            }
            News::Arrived(placed) => self.arrive(placed),
            News::Unknown => self.unknown += 1,
            News::Older { filter, alerts, next } => self.older(&filter, alerts, next),
            News::Thread(thread) => {
                // Another one may have been opened since.
                if self.thread_id.as_ref() == Some(&thread.id) {
                    self.thread = Some(thread);
                }
            }
            News::Feeds(feeds) => self.feeds = Some(feeds),
            News::Deliveries(endpoints, deliveries) => self.deliveries = Some((endpoints, deliveries)),
            News::Status(status) => self.status = Some(status),
            News::Said(said) => {
                self.said = Some(said);
                return self.refresh();
            }
            News::Failed(why) => {
                self.said = Some(why);
                self.is_asking = false;
            }
        }
        if matches!(self.view, View::Feeds | View::Deliveries) {
            self.row = self.row.min(self.last_row());
        }
        Vec::new()
    }

    fn arrive(&mut self, placed: Placed) {
        self.held.insert(placed.position, placed);
        while self.held.len() > HELD_MAX {
            self.held.pop_first();
            // Behind what is held there is a gap now, which the cursor would leap.
            self.held_next = None;
        }
    }

    fn older(&mut self, filter: &Filter, alerts: Vec<Placed>, next: Option<String>) {
        if *filter != self.filter {
            return;
        }
        self.is_asking = false;
        let (into, cursor) = if filter.is_open() {
            (&mut self.held, &mut self.held_next)
        } else {
            (&mut self.found, &mut self.found_next)
        };
        into.extend(alerts.into_iter().map(|placed| (placed.position, placed)));
        *cursor = next.filter(|_| into.len() < HELD_MAX);
    }
}

#[cfg(test)]
mod tests;
