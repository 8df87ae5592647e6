//! What keys do: a key in, the state after it and what is to be asked of the daemon out.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::{Ask, Focus, Link, Saying, State, View};

/// Characters of a filter.
const TEXT_MAX: usize = 100;

/// The keys as the help lists them.
pub(super) const HELP: [(&str, &str); 16] = [
    ("1 2 3 Tab", "alerts, feeds, deliveries, the next of them"),
    ("j k ↓ ↑", "down, up"),
    ("PgDn PgUp", "a page down, up"),
    ("g G", "to the newest or the beginning, to the end"),
    ("Enter", "the thread of the alert"),
    ("Esc", "back; close; forget the filter"),
    ("/", "alerts with this text"),
    ("s", "alerts by this speaker"),
    ("t", "alerts of the next kind"),
    ("x", "all alerts"),
    ("f", "follow the thread, or follow it no more"),
    ("m", "mute the thread, or hear of it again"),
    ("r", "read anew; connect at once"),
    ("?", "this help"),
    ("Ctrl-Z", "back to the shell, until its fg"),
    ("q Ctrl-C", "quit"),
];

impl State {
    /// A key was pressed.
    pub(super) fn press(&mut self, key: KeyEvent) -> Vec<Ask> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            // The terminal makes no signals of them while it is ours.
            return match key.code {
                KeyCode::Char('c') => vec![Ask::Quit],
                KeyCode::Char('z') => vec![Ask::Suspend],
                _ => Vec::new(),
            };
        }
        self.said = None;
        match self.focus.clone() {
            Focus::View => self.command(key.code),
            Focus::Text(before) | Focus::Speaker(before) => self.write(key.code, before),
            Focus::Question(saying) => self.answer(key.code, saying),
            Focus::Help => {
                self.focus = Focus::View;
                Vec::new()
            }
        }
    }

    fn command(&mut self, code: KeyCode) -> Vec<Ask> {
        let page = isize::try_from(self.page).unwrap_or(1);
        match code {
            KeyCode::Char('q') => return vec![Ask::Quit],
            KeyCode::Char('?') => self.focus = Focus::Help,
            KeyCode::Char('1') => return self.show(View::Live),
            KeyCode::Char('2') => return self.show(View::Feeds),
            KeyCode::Char('3') => return self.show(View::Deliveries),
            KeyCode::Tab => return self.show(self.next_view()),
            KeyCode::Down | KeyCode::Char('j') => return self.step(1),
            KeyCode::Up | KeyCode::Char('k') => return self.step(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => return self.step(page),
            KeyCode::PageUp => return self.step(-page),
            KeyCode::Home | KeyCode::Char('g') => return self.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => return self.step(isize::MAX),
            KeyCode::Enter => return self.open(),
            KeyCode::Esc | KeyCode::Backspace => return self.back(),
            KeyCode::Char('f') => self.ask("follow", "unfollow"),
            KeyCode::Char('m') => self.ask("mute", "unmute"),
            KeyCode::Char('r') => return self.anew(),
            code if self.view == View::Live => return self.narrow(code),
            _ => {}
        }
        Vec::new()
    }

    /// Keys of the filter.
    fn narrow(&mut self, code: KeyCode) -> Vec<Ask> {
        match code {
            KeyCode::Char('/') => self.focus = Focus::Text(self.filter.text.clone()),
            KeyCode::Char('s') => self.focus = Focus::Speaker(self.filter.speaker.clone()),
            KeyCode::Char('t') => {
                self.filter.turn_kind();
                return self.refilter();
            }
            KeyCode::Char('x') => return self.open_filter(),
            _ => {}
        }
        Vec::new()
    }

    fn open_filter(&mut self) -> Vec<Ask> {
        self.filter = super::filter::Filter::default();
        self.refilter()
    }

    /// Writes into the filter; what is held is narrowed with each letter, the daemon is asked at the end.
    fn write(&mut self, code: KeyCode, before: String) -> Vec<Ask> {
        let text =
            if matches!(self.focus, Focus::Speaker(_)) { &mut self.filter.speaker } else { &mut self.filter.text };
        match code {
            KeyCode::Char(character) if text.chars().count() < TEXT_MAX && !character.is_control() => {
                text.push(character);
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Esc => {
                *text = before;
                self.focus = Focus::View;
                return self.refilter();
            }
            KeyCode::Enter => {
                *text = text.trim().to_owned();
                self.focus = Focus::View;
                return self.refilter();
            }
            _ => return Vec::new(),
        }
        self.forget_found();
        Vec::new()
    }

    fn answer(&mut self, code: KeyCode, saying: Saying) -> Vec<Ask> {
        self.focus = Focus::View;
        if matches!(code, KeyCode::Char('y' | 'Y')) {
            return vec![Ask::Say(saying)];
        }
        self.said = Some("nothing was said".to_owned());
        Vec::new()
    }

    /// Asks whether to say this of the thread, or the opposite where it is so already.
    fn ask(&mut self, act: &'static str, opposite: &'static str) {
        let Some((thread, matter)) = self.matter() else {
            self.said = Some("no thread is selected".to_owned());
            return;
        };
        let shown = self.thread.as_ref().filter(|shown| shown.id == thread);
        let is_so = shown.is_some_and(|shown| if act == "follow" { shown.followed } else { shown.muted });
        let act = if is_so { opposite } else { act };
        self.focus = Focus::Question(Saying { thread, act, matter });
    }

    fn next_view(&self) -> View {
        match self.view {
            View::Live | View::Thread => View::Feeds,
            View::Feeds => View::Deliveries,
            View::Deliveries => View::Live,
        }
    }

    fn show(&mut self, view: View) -> Vec<Ask> {
        self.view = view;
        self.row = 0;
        if self.link == Link::Live { self.refresh() } else { Vec::new() }
    }

    fn open(&mut self) -> Vec<Ask> {
        if self.view != View::Live {
            return Vec::new();
        }
        let Some((id, _)) = self.matter() else {
            self.said = Some("this alert has no thread".to_owned());
            return Vec::new();
        };
        if self.thread_id.as_ref() != Some(&id) {
            self.thread = None;
        }
        self.thread_id = Some(id.clone());
        self.view = View::Thread;
        self.scroll = 0;
        vec![Ask::Thread(id)]
    }

    fn back(&mut self) -> Vec<Ask> {
        match self.view {
            View::Live if self.filter.is_open() => self.step(isize::MIN),
            View::Live => self.open_filter(),
            _ => self.show(View::Live),
        }
    }

    fn anew(&mut self) -> Vec<Ask> {
        if self.link == Link::Live { self.refresh() } else { vec![Ask::Reconnect] }
    }
}
