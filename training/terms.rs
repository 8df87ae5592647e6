//! Counts in how many documents of the archives each stem and name stands, and whether a stem is mostly a name: by them claims are compared.
//!
//! `cargo run --release --example terms -- ARCHIVE.jsonl.gz… > models/terms.txt`: `# DOCUMENTS`, then `STEM DOCUMENTS [name]` a line, sorted.

#![allow(clippy::print_stdout, reason = "a tool for the developer")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use gainsay::archive::Archive;
use gainsay::link::view::names;
use gainsay::model::Span;
use gainsay::text::normalize::{fold, is_stop_word, stem};
use gainsay::text::token::tokens;

/// Documents taken of each archive.
const DOCUMENTS_MAX: usize = 6_000;
/// Rarer stems are all the same.
const COUNT_MIN: u32 = 12;
/// Bytes read of a document, a claim's surroundings being short too.
const BYTES_MAX: usize = 4_000;

#[derive(Default)]
struct Count {
    documents: u32,
    small: u32,
    capital: u32,
}

fn main() -> Result<()> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut documents = 0;
    for path in std::env::args().skip(1).map(PathBuf::from) {
        for line in Archive::open(&path)?.take(DOCUMENTS_MAX) {
            let line = line?;
            documents += 1;
            count(&line.text, &mut counts);
        }
    }
    println!("# {documents}");
    for (stem, count) in counts.iter().filter(|(_, count)| count.documents >= COUNT_MIN) {
        let name = if count.capital > count.small { " name" } else { "" };
        println!("{stem} {}{name}", count.documents);
    }
    Ok(())
}

fn count(text: &str, counts: &mut BTreeMap<String, Count>) {
    let end = (0..=BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for name in names(text.get(..end).unwrap_or_default()).into_iter().filter(|name| name.starts_with(['@', '~'])) {
        if seen.insert(name.clone()) {
            let count = counts.entry(name).or_default();
            count.documents += 1;
            count.capital += 1;
        }
    }
    let mut opens = true;
    for token in tokens(text, Span::new(0, end)) {
        let word = token.of(text);
        let folded = fold(word);
        if !word.starts_with(char::is_alphanumeric) {
            opens = matches!(word, "." | "!" | "?" | ":" | "\"" | "“");
            continue;
        }
        if !is_stop_word(&folded) {
            let stem = stem(&folded);
            let count = counts.entry(stem.clone()).or_default();
            if !opens {
                *(if word.starts_with(char::is_uppercase) { &mut count.capital } else { &mut count.small }) += 1;
            }
            if seen.insert(stem) {
                count.documents += 1;
            }
        }
        opens = false;
    }
}
