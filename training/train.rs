//! Trains the screen from annotated articles.
//!
//! `cargo run --release --example train -- SHARED OUT` reads `SHARED/gold/train.jsonl` and the labels beside this file, and writes `OUT/screen.bin`.

#![allow(clippy::print_stderr, clippy::string_slice, reason = "a tool for the developer, on data of known form")]

mod articles;
mod crf;

use std::path::Path;

use anyhow::{Context as _, Result};
use articles::{Article, load, load_labels};
use crf::{Example, Recipe, train};
use gainsay::extract::features::cue_features;
use gainsay::extract::judge::CLAIM_KINDS;
use gainsay::extract::reading::{Reading, Sentence};
use gainsay::extract::tagger::{OUTSIDE, begin, inside};
use gainsay::model::{Kind, Span};

const RECIPE: Recipe =
    Recipe { labels: 1 + 2 * CLAIM_KINDS, log_buckets: 18, epochs: 6, rate: 0.05, decay: 2e-4, dropout: 0.5 };

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let shared = args.next().context("no folder of annotated articles given")?;
    let out = args.next().context("no folder for the model given")?;
    let (shared, labels) = (Path::new(&shared), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/training/labels")));
    let mut articles = load(&shared.join("gold/train.jsonl"))?;
    articles.extend(load_labels(&labels.join("articles.jsonl"), &shared.join("data"))?);
    articles.extend(load(&labels.join("short.jsonl"))?);
    eprintln!("{} articles and short texts", articles.len());
    let tagger = train(&cue_examples(&articles), RECIPE)?;
    std::fs::write(Path::new(&out).join("screen.bin"), tagger.to_bytes()).context("cannot write the screen")
}

/// Reads an article's text as the daemon would.
fn read(article: &Article) -> Reading<'_> {
    let headline = gainsay::text::document::headline(&article.text);
    let sentences = gainsay::text::sentence::sentences(&article.text, headline);
    Reading::new(&article.text, headline, &sentences)
}

/// First and last token of the sentence that a span touches.
fn touched(sentence: &Sentence, span: Span) -> Option<(usize, usize)> {
    let mut places = (0..sentence.tokens.len()).filter(|&at| sentence.tokens[at].span.overlaps(span));
    let first = places.next()?;
    Some((first, places.next_back().unwrap_or(first)))
}

fn cue_examples(articles: &[Article]) -> Vec<Example> {
    let mut examples = Vec::new();
    for article in articles {
        let reading = read(article);
        for (index, sentence) in reading.sentences.iter().enumerate() {
            let mut labels = vec![OUTSIDE; sentence.tokens.len()];
            let starts_here = |cue: Span| sentence.span.start <= cue.start && cue.start < sentence.span.end;
            for act in article.acts.iter().filter(|act| starts_here(act.cue)) {
                let class = Kind::ALL.iter().position(|one| *one == act.kind).unwrap_or_default();
                let Some((first, last)) = touched(sentence, act.cue) else { continue };
                if labels[first..=last].iter().any(|&label| label != OUTSIDE) {
                    continue;
                }
                labels[first] = begin(class);
                labels[first + 1..=last].fill(inside(class));
            }
            examples.push(Example { features: cue_features(&reading, index), labels });
        }
    }
    examples
}
