//! Screens as text: what they show of the made-up story, at which size, and that nothing hostile steers them.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Color;

use super::*;
use crate::watch::sample;
use crate::watch::state::{Event, News};

const PAINT: Paint = Paint { has_colours: true };

fn drawn(state: &mut State, width: u16, height: u16, paint: Paint) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut drawn = Drawn::default();
    terminal.draw(|frame| drawn = draw(frame, state, paint)).unwrap();
    state.fit(drawn.scroll_max, drawn.page);
    terminal.backend().buffer().clone()
}

/// The frame as text, without the spaces at the ends of lines.
fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in 0..buffer.area.height {
        let mut x = 0;
        let mut line = String::new();
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(crate::terminal::columns_of(symbol).max(1)).unwrap();
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

fn shown(state: &mut State, width: u16, height: u16) -> String {
    text(&drawn(state, width, height, PAINT))
}

fn press(state: &mut State, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            key => KeyCode::Char(key),
        };
        state.take(Event::Key(KeyEvent::from(code)));
    }
}

#[track_caller]
fn check_holds(screen: &str, wanted: &[&str]) {
    // However lines are broken.
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for one in wanted {
        assert!(words.contains(one), "{one:?} is not in\n{screen}");
    }
}

/// Where a text stands in a frame.
fn find(buffer: &Buffer, wanted: &str) -> (u16, u16) {
    let lines = text(buffer);
    let (y, line) = lines.lines().enumerate().find(|(_, line)| line.contains(wanted)).unwrap();
    let x = line.split_once(wanted).unwrap().0.chars().count();
    (u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
}

#[test]
fn alerts_are_listed_and_the_selected_one_is_told_whole() {
    let mut state = sample::state();
    let screen = shown(&mut state, 100, 30);
    let lines: Vec<&str> = screen.lines().collect();
    assert!(
        lines[0].starts_with(" 1 Alerts  2 Feeds (1 failing)  3 Deliveries   ● live from 127.0.0.1:8420"),
        "{screen}"
    );
    assert!(lines[1].starts_with("  3m denial         Coastal Courier"), "{screen}");
    assert!(lines[2].starts_with("  1h allegation     Vesper Online +1"), "{screen}");
    assert!(lines[3].starts_with("  1d feed failing   Harbour Post: status 503"), "{screen}");
    check_holds(
        &screen,
        &[
            "1 of 3",
            "alert denial.new priority 75: first answer",
            "speaker Marta Ilves, Corvane Lines chief executive",
            "answers The Maritime Safety Authority: concealing failed inspections of three ferries (earlier document, same words, sure 0.94)",
            "outlets Coastal Courier, 1 copy",
            "article https://denial.example/story",
            "why denial: first answer in this thread",
        ],
    );
}

#[test]
fn the_cue_is_marked_also_without_colours() {
    for has_colours in [true, false] {
        let mut state = sample::state();
        let buffer = drawn(&mut state, 100, 30, Paint { has_colours });
        let (_, y) = find(&buffer, "evidence");
        let row: String = (0..100).map(|x| buffer[(x, y)].symbol()).collect();
        let x = u16::try_from(row.find("denied that").unwrap()).unwrap();
        assert!(buffer[(x, y)].modifier.contains(Modifier::UNDERLINED | Modifier::BOLD));
        assert!(!buffer[(x - 2, y)].modifier.contains(Modifier::UNDERLINED));
        let coloured = buffer.content().iter().filter(|cell| cell.fg != Color::Reset).count();
        assert_eq!(coloured > 0, has_colours);
        assert!(buffer.content().iter().all(|cell| cell.bg == Color::Reset), "the terminal's own background stays");
    }
}

#[test]
fn a_thread_is_a_time_line() {
    let mut state = sample::state();
    press(&mut state, "\n");
    check_holds(&shown(&mut state, 100, 30), &["asking the daemon for the thread"]);
    state.take(Event::News(News::Thread(Box::new(sample::thread()))));
    let screen = shown(&mut state, 100, 40);
    check_holds(
        &screen,
        &[
            "answered concealing failed inspections of three ferries (followed)",
            "Marta Ilves denies",
            "2026-03-04 10:25 alleged by The Maritime Safety Authority, against Corvane Lines",
            "Vesper Online, Agora Times · sure 0.97",
            "2026-03-04 11:57 denied by Marta Ilves, Corvane Lines chief executive",
            "answers what was said by The Maritime Safety Authority",
            "The ships are safe, she said.",
            "alert denial.new priority 75 why: denial: first answer in this thread desk: pending, last error: status 503",
        ],
    );
    // What does not fit is scrolled to, and not beyond.
    let narrow = shown(&mut state, 60, 12);
    check_holds(&narrow, &["more lines (j)"]);
    press(&mut state, "G");
    let end = shown(&mut state, 60, 12);
    check_holds(&end, &["end"]);
    press(&mut state, "jjjj");
    assert_eq!(shown(&mut state, 60, 12), end);
    press(&mut state, "kg");
    assert_eq!(shown(&mut state, 60, 12), narrow);
}

#[test]
fn feeds_and_deliveries_say_what_is_wrong() {
    let mut state = sample::state();
    press(&mut state, "2");
    state.take(Event::News(News::Feeds(sample::feeds())));
    let screen = shown(&mut state, 80, 20);
    check_holds(&screen, &["harbour failing 2m 412 status 503", "status 503, 7 failures since 2026-03-03 11:00"]);
    press(&mut state, "jj");
    check_holds(
        &shown(&mut state, 80, 20),
        &["added.vesper-example-1a2b… paused 2m 412", "state paused by Ada since 2026-03-04 11:00"],
    );
    check_holds(&shown(&mut state, 100, 20), &["added.vesper-example-1a2b3c4d paused 2m 412"]);
    press(&mut state, "3");
    let (endpoints, rows) = sample::deliveries();
    state.take(Event::News(News::Deliveries(endpoints, rows)));
    let screen = shown(&mut state, 80, 20);
    check_holds(
        &screen,
        &[
            "desk failing 2 1 since 2026-03-04 11:30 status 503",
            "archive ok 0 0 jsonl, 43 delivered",
            "3m desk pending Marta Ilves: Corvane answers over ferries",
            "why status 503",
        ],
    );
}

#[test]
fn what_is_wrong_with_the_connection_is_said() {
    let mut state = sample::state();
    let again = sample::now().checked_add(jiff::SignedDuration::from_secs(5)).ok();
    state.take(Event::News(News::Lost { why: "no gainsay answers at 127.0.0.1:8420: refused".to_owned(), again }));
    let screen = shown(&mut state, 100, 20);
    check_holds(
        &screen,
        &["○ not connected", "no gainsay answers at 127.0.0.1:8420: refused · again in 5 s · r tries now"],
    );
    check_holds(&screen, &["Marta Ilves"]);
    state.take(Event::News(News::Connected));
    assert!(!shown(&mut state, 100, 20).contains("refused"));
    let mut old = sample::status();
    old.version = "0.0.9".to_owned();
    state.take(Event::News(News::Status(old)));
    check_holds(&shown(&mut state, 100, 20), &["the daemon is version 0.0.9, this is"]);
}

/// Any size is drawn, and on a narrow one the words that matter are there.
#[test]
fn every_size_is_drawn() {
    let views = ["", "\n", "2", "3", "?", "/", "f"];
    for keys in views {
        let mut state = sample::state();
        press(&mut state, keys);
        state.take(Event::News(News::Thread(Box::new(sample::thread()))));
        state.take(Event::News(News::Feeds(sample::feeds())));
        let (endpoints, rows) = sample::deliveries();
        state.take(Event::News(News::Deliveries(endpoints, rows)));
        for (width, height) in [(1, 1), (2, 3), (9, 4), (20, 5), (40, 10), (60, 24), (131, 8), (300, 90)] {
            shown(&mut state, width, height);
        }
        let narrow = shown(&mut state, 60, 24);
        assert!(narrow.lines().next().unwrap().contains("2 Feeds 1!") && narrow.contains("● live"), "{narrow}");
    }
    let mut state = sample::state();
    check_holds(&shown(&mut state, 60, 24), &["3m denial Marta Ilves: the company had", "evidence Corvane Lines"]);
    press(&mut state, "?");
    check_holds(&shown(&mut state, 60, 24), &["the thread of the alert", "q Ctrl-C quit"]);
}

#[test]
fn nothing_hostile_steers_the_screen() {
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}evil\u{200b}\u{2066} 東京東京 שלום مرحبا \u{300}\u{301}👩\u{200d}👧\nnext";
    let mut state = sample::state();
    let mut placed = sample::denial(9);
    let claim = placed.alert.claim.as_mut().unwrap();
    claim.speaker.as_mut().unwrap().name = hostile.repeat(3);
    claim.content[0].text = hostile.repeat(50);
    placed.alert.document.as_mut().unwrap().headline = hostile.to_owned();
    placed.alert.story.as_mut().unwrap().outlets = vec![hostile.to_owned(); 4];
    placed.alert.evidence.as_mut().unwrap().sentence = hostile.to_owned();
    state.take(Event::News(News::Arrived(placed)));
    let mut feeds = sample::feeds();
    feeds[0].error = Some(hostile.to_owned());
    feeds[0].id = hostile.to_owned();
    let mut thread = sample::thread();
    thread.proposition = hostile.to_owned();
    for (keys, news) in [
        ("", News::Feeds(feeds)),
        ("2", News::Lost { why: hostile.to_owned(), again: None }),
        ("1\n", News::Failed(hostile.to_owned())),
        ("", News::Thread(Box::new(thread))),
    ] {
        press(&mut state, keys);
        state.take(Event::News(news));
        for width in [60, 100, 140] {
            let buffer = drawn(&mut state, width, 30, PAINT);
            for cell in buffer.content() {
                let symbol = cell.symbol();
                assert!(!symbol.chars().any(|c| c.is_control() || crate::json::is_invisible(c)), "{symbol:?}");
                assert!(symbol.chars().count() <= 8, "{symbol:?} piles up");
                assert!(!symbol.contains(['\u{200b}', '\u{200d}']));
            }
        }
    }
}

/// The book's chapter shows what is drawn.
#[test]
fn the_chapter_on_the_terminal_is_documented() {
    let mut state = sample::state();
    let live = shown(&mut state, 100, 22);
    press(&mut state, "\n");
    state.take(Event::News(News::Thread(Box::new(sample::thread()))));
    let thread = shown(&mut state, 100, 30);
    let named = |keys: &str| keys.split(' ').map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = HELP.iter().map(|(keys, what)| format!("| {} | {what} |\n", named(keys))).collect();
    let keys = rows.concat();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/terminal.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut now = page.clone();
    for (name, text) in [
        ("live", format!("```text\n{}\n```\n", live.trim_end())),
        ("thread", format!("```text\n{}\n```\n", thread.trim_end())),
        ("keys", format!("| key | does |\n|---|---|\n{keys}")),
    ] {
        let (before, rest) = now.split_once(&format!("<!-- {name} -->\n")).unwrap();
        let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
        now = format!("{before}<!-- {name} -->\n{text}<!-- end -->\n{after}");
    }
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &now).unwrap();
    } else {
        assert_eq!(page, now, "GAINSAY_WRITE_DOCS=1 cargo test --lib documented writes docs/src/terminal.md");
    }
}
