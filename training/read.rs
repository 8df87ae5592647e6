//! Reads articles as the program does, for the training of the judge.
//!
//! `cargo run --release --example read < ARTICLES.jsonl > READINGS.jsonl`: of each `{"id","text"}` its sentences, each a list of
//! tokens `[start, end, folded, shape, is_quoted]` in code points; the first sentence is the headline where `headline` is true.

#![allow(clippy::print_stdout, reason = "a tool for the developer")]

use std::io::BufRead as _;

use anyhow::Result;
use gainsay::extract::reading::{Reading, Token};
use gainsay::parallel;
use serde::Deserialize;

#[derive(Deserialize)]
struct Article {
    id: String,
    text: String,
    #[serde(default)]
    title: String,
}

fn main() -> Result<()> {
    let lines = std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?;
    let readings = parallel::in_order(parallel::cores(), lines, |line| reading(&line));
    for reading in readings {
        println!("{}", reading?);
    }
    Ok(())
}

fn reading(line: &str) -> Result<serde_json::Value> {
    let Article { id, text, title } = serde_json::from_str(line)?;
    let text = if title.is_empty() { text } else { format!("{title}\n{text}") };
    let headline = gainsay::text::document::headline(&text);
    let sentences = gainsay::text::sentence::sentences(&text, headline);
    let reading = Reading::new(&text, headline, &sentences);
    let mut points = vec![0_usize; text.len() + 1];
    let mut count = 0;
    for (at, point) in points.iter_mut().enumerate() {
        *point = count;
        count += usize::from(text.is_char_boundary(at + 1));
    }
    let token = |token: &Token| {
        let is_quoted = u8::from(token.is_quoted);
        (points[token.span.start], points[token.span.end], token.word.clone(), token.shape, is_quoted)
    };
    let sentences: Vec<Vec<_>> =
        reading.sentences.iter().map(|sentence| sentence.tokens.iter().map(token).collect()).collect();
    let is_headline = reading.sentences.first().is_some_and(|sentence| sentence.is_headline);
    Ok(serde_json::json!({ "id": id, "text": text, "headline": is_headline, "sentences": sentences }))
}
