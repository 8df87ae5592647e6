//! Windows of invented texts: what is judged, what is in view, how long they get.

use super::*;
use crate::text::document::headline;
use crate::text::sentence::sentences;

fn vocabulary() -> WordPieces {
    WordPieces::from_lines("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nminister\ndenied\nit\n.").unwrap()
}

/// The windows of a text of which the sentences `wanted` says so of are judged.
fn of(text: &str, wanted: impl Fn(usize) -> bool) -> (usize, Vec<Window>) {
    let headline = headline(text);
    let sentences = sentences(text, headline);
    let reading = Reading::new(text, headline, &sentences);
    let wanted: Vec<bool> = (0..sentences.len()).map(wanted).collect();
    (sentences.len(), windows(&reading, &wanted, &vocabulary()))
}

fn long_text(sentences: usize) -> String {
    let body: Vec<String> = (0..sentences).map(|at| format!("The minister denied it for the time {at}.")).collect();
    format!("Minister denies it\n{}", body.join(" "))
}

/// The sentences of the document that a window decides on.
fn judged(window: &Window) -> Vec<usize> {
    window.judged.iter().map(|&place| window.sentence(place).unwrap()).collect()
}

#[test]
fn every_wanted_sentence_is_judged_once() {
    for count in [1, 2, 40, 41, 42, 43, 200] {
        let (len, windows) = of(&long_text(count), |_| true);
        let judged: Vec<usize> = windows.iter().flat_map(judged).collect();
        assert_eq!(judged, (0..len).collect::<Vec<_>>(), "{count} sentences");
    }
}

#[test]
fn a_wanted_sentence_has_the_headline_and_the_one_before_it_in_view() {
    let (_, windows) = of(&long_text(30), |at| at == 11);
    let [window] = windows.as_slice() else { panic!("one window, not {}", windows.len()) };
    assert_eq!(window.sentences, [0, 10, 11]);
    assert_eq!(judged(window), [11]);
    assert_eq!(window.pieces[0], START);
    assert_eq!(window.heading.iter().sum::<i32>(), 4, "three words of the headline and its end");
}

#[test]
fn the_headline_is_read_in_the_first_window_alone() {
    let (_, windows) = of(&long_text(100), |_| true);
    let headlines = windows.iter().map(|window| window.heading.iter().sum::<i32>()).collect::<Vec<_>>();
    assert!(
        headlines.len() > 2 && headlines[0] == 4 && headlines[1..].iter().all(|&pieces| pieces == 0),
        "{headlines:?}"
    );
}

#[test]
fn what_stands_above_the_text_is_no_context() {
    let text = "Minister denies it\nHome > World\nBy A Reporter\nThe minister denied it.";
    let (len, windows) = of(text, |at| at == 3);
    assert_eq!((len, windows[0].sentences.as_slice()), (4, [0, 3].as_slice()));
    let (_, windows) = of(text, |at| at >= 2);
    assert_eq!(windows[0].sentences, [0, 2, 3], "unless it may hold a claim");
}

#[test]
fn texts_that_differ_at_their_start_are_cut_alike_again() {
    let words = ["the", "minister", "denied", "it"];
    // Sentences that differ in their pieces, as those of real texts do.
    let sentence = |number: usize| {
        let word = |at: usize| words[number * 31 / 4_usize.pow(u32::try_from(at).unwrap()) % 4];
        format!("The {}.", (0..8).map(word).collect::<Vec<_>>().join(" "))
    };
    let body = |from: usize| (from..1_200).map(sentence).collect::<Vec<_>>().join(" ");
    let (_, one) = of(&format!("Minister denies it\n{}", body(0)), |_| true);
    let (_, other) = of(&format!("Denied\nIt denied. {}", body(7)), |_| true);
    let known = other.iter().filter(|window| one.iter().any(|known| known.pieces == window.pieces)).count();
    assert!(one.len() > 15 && known * 2 > other.len(), "{known} of {} windows", other.len());
}

#[test]
fn no_window_is_longer_than_the_network_reads() {
    let monster = format!("Minister denies it\n{}. {}", "denied it ".repeat(5_000), long_text(300));
    for window in of(&monster, |_| true).1 {
        assert!(window.pieces.len() <= PIECES_MAX, "{} pieces", window.pieces.len());
        assert_eq!(window.pieces.len(), window.heading.len());
        assert_eq!(window.first.len(), window.places.len());
    }
}

#[test]
fn nothing_wanted_is_nothing_read() {
    assert_eq!(of(&long_text(30), |_| false).1, []);
    assert_eq!(of("", |_| true).1, []);
}

#[test]
fn the_words_of_a_sentence_end_before_its_end() {
    let (_, windows) = of("Minister denies it\nThe minister denied it.", |_| true);
    assert_eq!(windows[0].words_of(0), 0..3);
    assert_eq!(windows[0].words_of(1), 4..9);
    assert_eq!(windows[0].places[9], Place { sentence: 1, token: None });
}
