//! Decoding: scores of labels for each word in, spans of words out.

use std::ops::RangeInclusive;

use crate::extract::tagger::{OUTSIDE, may_follow};

/// A span of words of one class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Its class.
    pub(super) class: usize,
    /// First and last word.
    pub(super) words: RangeInclusive<usize>,
}

/// The likeliest spans: Viterbi over the rows' scores (logarithms, or logits), a span going on only where it began.
///
/// `outside` is added to the score of being outside: below nought, more spans are found.
pub(super) fn spans(rows: &[&[f32]], outside: f32) -> Vec<Found> {
    let Some(first) = rows.first() else { return Vec::new() };
    let labels = first.len();
    let score = |row: &[f32], label: usize| {
        row.get(label).copied().unwrap_or(f32::NEG_INFINITY) + if label == OUTSIDE { outside } else { 0.0 }
    };
    let mut best: Vec<f32> = (0..labels)
        .map(|label| if may_follow(None, label) { score(first, label) } else { f32::NEG_INFINITY })
        .collect();
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(rows.len());
    for row in rows.iter().skip(1) {
        let steps: Vec<(usize, f32)> = (0..labels)
            .map(|label| {
                let open = best.iter().copied().enumerate().filter(|&(before, _)| may_follow(Some(before), label));
                let (before, sum) = open.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or_default();
                (before, sum + score(row, label))
            })
            .collect();
        best = steps.iter().map(|&(_, sum)| sum).collect();
        from.push(steps.into_iter().map(|(before, _)| before).collect());
    }
    let mut label =
        best.iter().copied().enumerate().max_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |one| one.0);
    let mut path = vec![label];
    for step in from.iter().rev() {
        label = step.get(label).copied().unwrap_or_default();
        path.push(label);
    }
    path.reverse();
    let mut found: Vec<Found> = Vec::new();
    for (word, &label) in path.iter().enumerate() {
        match (label, found.last_mut()) {
            (OUTSIDE, _) => {}
            (label, Some(last)) if label % 2 == 0 && last.words.end() + 1 == word => {
                last.words = *last.words.start()..=word;
            }
            (label, _) => found.push(Found { class: (label - 1) / 2, words: word..=word }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[[f32; 5]], outside: f32) -> Vec<(usize, RangeInclusive<usize>)> {
        let rows: Vec<&[f32]> = rows.iter().map(<[f32; 5]>::as_slice).collect();
        spans(&rows, outside).into_iter().map(|found| (found.class, found.words)).collect()
    }

    #[test]
    fn spans_begin_before_they_go_on() {
        // The second word would rather be inside the first class, which nothing began.
        let rows = [[2.0, 0.0, 0.0, 0.0, 0.0], [0.5, 0.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0, 0.0]];
        assert_eq!(found(&rows, 0.0), []);
        let rows = [[0.0, 2.0, 0.0, 0.0, 0.0], [0.5, 0.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0, 0.0]];
        assert_eq!(found(&rows, 0.0), [(0, 0..=1)]);
    }

    #[test]
    fn neighbours_of_one_class_are_two() {
        let rows = [[0.0, 2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0, 0.0]];
        assert_eq!(found(&rows, 0.0), [(0, 0..=0), (0, 1..=1), (1, 2..=2)]);
    }

    #[test]
    fn a_bias_against_outside_finds_more() {
        let rows = [[1.0, 0.5, 0.0, 0.0, 0.0]];
        assert_eq!(found(&rows, 0.0), []);
        assert_eq!(found(&rows, -2.0), [(0, 0..=0)]);
    }

    #[test]
    fn no_words_hold_no_spans() {
        assert_eq!(spans(&[], 0.0), []);
    }
}
