//! Keys and news in, what is known and asked for out.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::model::Kind;
use crate::watch::sample::{self, allegation, denial, failing};

fn press(state: &mut State, keys: &str) -> Vec<Ask> {
    let mut asks = Vec::new();
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            key => KeyCode::Char(key),
        };
        asks = state.take(Event::Key(KeyEvent::from(code)));
    }
    asks
}

fn positions(state: &State) -> Vec<i64> {
    state.shown().iter().map(|placed| placed.position).collect()
}

fn listed(next: Option<&str>) -> State {
    let mut state = sample::state();
    let alerts = vec![denial(7), allegation(6), failing(2)];
    state.take(Event::News(News::Listed { alerts, next: next.map(str::to_owned), unknown: 1 }));
    state
}

#[test]
fn the_newest_is_selected_until_another_one_is_and_that_one_stays() {
    let mut state = listed(None);
    assert_eq!((positions(&state), state.alert().unwrap().position), (vec![7, 6, 2], 7));
    state.take(Event::News(News::Arrived(allegation(8))));
    assert_eq!(state.alert().unwrap().position, 8);
    press(&mut state, "jj");
    assert_eq!((state.alert().unwrap().position, state.unread()), (6, 0));
    state.take(Event::News(News::Arrived(denial(9))));
    state.take(Event::News(News::Arrived(denial(10))));
    assert_eq!((state.alert().unwrap().position, state.unread()), (6, 2));
    // None comes twice.
    state.take(Event::News(News::Arrived(denial(10))));
    assert_eq!(positions(&state), [10, 9, 8, 7, 6, 2]);
    press(&mut state, "g");
    assert_eq!((state.alert().unwrap().position, state.unread()), (10, 0));
    press(&mut state, "G");
    assert_eq!(state.alert().unwrap().position, 2);
    press(&mut state, "j");
    assert_eq!(state.alert().unwrap().position, 2);
}

#[test]
fn filters_narrow_what_is_held_and_ask_for_what_is_not() {
    let mut state = listed(Some("2"));
    let asks = press(&mut state, "tt");
    let filter = Filter { kind: Some(Kind::Denial), ..Filter::default() };
    assert_eq!(asks, [Ask::Older { filter: filter.clone(), cursor: None }]);
    assert_eq!(positions(&state), [7]);
    // What lies within what is held comes from there alone, so that nothing is shown twice.
    let alerts = vec![denial(7), denial(1)];
    state.take(Event::News(News::Older { filter: filter.clone(), alerts, next: Some("1".to_owned()) }));
    assert_eq!(positions(&state), [7, 1]);
    assert_eq!(press(&mut state, "G"), [Ask::Older { filter: filter.clone(), cursor: Some("1".to_owned()) }]);
    assert_eq!(press(&mut state, "G"), [], "one page at a time");
    // An answer to an old question is none to the new one.
    press(&mut state, "x");
    state.take(Event::News(News::Older { filter, alerts: vec![denial(1)], next: None }));
    assert_eq!(positions(&state), [7, 6, 2]);
    assert_eq!(state.unknown, 1);
}

#[test]
fn what_is_written_narrows_at_once_and_escape_takes_it_back() {
    let mut state = listed(None);
    assert_eq!(press(&mut state, "/ferr"), []);
    assert_eq!(positions(&state), [7, 6]);
    press(&mut state, "q");
    assert_eq!((state.filter.text.as_str(), positions(&state)), ("ferrq", vec![]));
    press(&mut state, "\u{1b}");
    assert_eq!(positions(&state), [7, 6, 2]);
    press(&mut state, "sILVES \n");
    assert_eq!((state.filter.speaker.as_str(), positions(&state)), ("ILVES", vec![7]));
    press(&mut state, "\u{1b}");
    assert!(state.filter.is_open());
    press(&mut state, &format!("/{}", "é".repeat(500)));
    assert!(state.filter.text.chars().count() <= 100);
}

#[test]
fn older_pages_come_at_the_end_of_the_list() {
    let mut state = listed(Some("2"));
    let open = Filter::default();
    assert_eq!(press(&mut state, "G"), [Ask::Older { filter: open.clone(), cursor: Some("2".to_owned()) }]);
    state.take(Event::News(News::Older { filter: open, alerts: vec![denial(1)], next: None }));
    assert_eq!(positions(&state), [7, 6, 2, 1]);
    assert_eq!(state.alert().unwrap().position, 2, "what was selected stays");
    assert_eq!(press(&mut state, "G"), []);
}

#[test]
fn what_is_held_has_a_bound() {
    let mut state = listed(Some("2"));
    for position in (10..).take(HELD_MAX) {
        state.take(Event::News(News::Arrived(denial(position))));
    }
    assert_eq!((state.held.len(), *state.held.first_key_value().unwrap().0), (HELD_MAX, 10));
    assert_eq!(press(&mut state, "G"), [], "a page behind a gap would hide the gap");
}

#[test]
fn threads_are_said_things_of_after_a_question() {
    let mut state = listed(None);
    let thread = "6".repeat(32);
    assert_eq!(press(&mut state, "fn"), []);
    assert_eq!(press(&mut state, "f\u{1b}"), []);
    let say = |asks: &[Ask]| match asks {
        [Ask::Say(saying)] => (saying.act, saying.thread.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(say(&press(&mut state, "my")), ("mute", thread.clone()));
    assert_eq!(press(&mut state, "\n"), [Ask::Thread(thread.clone())]);
    state.take(Event::News(News::Thread(Box::new(sample::thread()))));
    assert_eq!(say(&press(&mut state, "fy")), ("unfollow", thread.clone()), "it is followed already");
    let mut other = sample::thread();
    other.id = "7".repeat(32);
    state.take(Event::News(News::Thread(Box::new(other))));
    assert_eq!(state.thread.as_ref().unwrap().id, thread, "what is on the screen is what was opened");
    // A feed's alert has no thread.
    press(&mut state, "\u{1b}G");
    assert_eq!(press(&mut state, "f"), []);
    assert_eq!((state.said.as_deref(), &state.focus), (Some("no thread is selected"), &Focus::View));
    assert_eq!(press(&mut state, "\n"), []);
}

#[test]
fn what_is_shown_is_asked_for_anew_while_connected() {
    let mut state = listed(None);
    let due = |state: &mut State| state.take(Event::Now(sample::now(), true));
    assert_eq!(due(&mut state), [Ask::Status]);
    assert_eq!(press(&mut state, "2"), [Ask::Feeds, Ask::Status]);
    assert_eq!(press(&mut state, "3"), [Ask::Deliveries, Ask::Status]);
    assert_eq!(state.take(Event::Now(sample::now(), false)), []);
    state.take(Event::News(News::Lost { why: "gone".to_owned(), again: None }));
    assert_eq!(due(&mut state), []);
    assert_eq!(press(&mut state, "r"), [Ask::Reconnect]);
    assert_eq!(state.take(Event::News(News::Failed("refused".to_owned()))), [], "a failure asks for nothing, for ever");
    assert_eq!(state.said.as_deref(), Some("refused"));
    assert_eq!(press(&mut state, "q"), [Ask::Quit]);
    let control = |key| Event::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL));
    press(&mut state, "1/");
    assert_eq!(state.take(control('c')), [Ask::Quit], "also while something is written");
    assert_eq!(state.take(control('z')), [Ask::Suspend]);
    assert_eq!(state.take(control('x')), []);
}
