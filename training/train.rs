//! Trains the models of `models/` from annotated articles.
//!
//! `cargo run --release --example train -- SHARED OUT [cues|statements|arguments]…` reads `SHARED/gold/train.jsonl` (kinds, sources, contents) and
//! `SHARED/data/polnear-train.jsonl.gz` (attributions of any kind) and writes the model files into OUT.

#![allow(clippy::print_stderr, clippy::string_slice, reason = "a tool for the developer, on data of known form")]

mod articles;
mod crf;

use std::path::Path;

use anyhow::{Context as _, Result};
use articles::{Article, load};
use crf::{Example, Fitted, Recipe, fit, train};
use gainsay::extract::attribution::{ARGUMENT_LABELS, CONTENT, SOURCE};
use gainsay::extract::features::{CLAIM_KINDS, CueSite, STATEMENT, argument_features, cue_features};
use gainsay::extract::judge::{Candidate, Taggers, candidates, judge_features};
use gainsay::extract::reading::{Reading, Sentence};
use gainsay::extract::tagger::{OUTSIDE, Tagger, begin, inside, may_follow};
use gainsay::model::{Kind, Span};

/// The recipe of the claims' cues; the others differ where they say so.
const CUES: Recipe =
    Recipe { labels: 1 + 2 * CLAIM_KINDS, log_buckets: 18, epochs: 6, rate: 0.05, decay: 2e-4, dropout: 0.5 };
const STATEMENTS: Recipe = Recipe { labels: 3, log_buckets: 17, dropout: 0.3, ..CUES };
const ARGUMENTS: Recipe = Recipe { labels: ARGUMENT_LABELS, dropout: 0.3, ..CUES };
/// The judge's own recipe.
const JUDGE: Recipe = Recipe { log_buckets: 17, epochs: 8, rate: 0.02, dropout: 0.6, ..CUES };
/// Parts into which the articles are cut for the judge.
const FOLDS: usize = 5;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let shared = args.next().context("no folder of annotated articles given")?;
    let out = args.next().context("no folder for the models given")?;
    let wanted: Vec<String> = args.collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let gold = load(&Path::new(&shared).join("gold/train.jsonl"))?;
    let polnear = load(&Path::new(&shared).join("data/polnear-train.jsonl.gz"))?;
    let write = |name: &str, tagger: &Tagger| {
        std::fs::write(Path::new(&out).join(name), tagger.to_bytes()).with_context(|| format!("cannot write {name}"))
    };
    if wants("cues") {
        let tagger = train(&cue_examples(&gold), CUES)?;
        write("claim_cues.bin", &tagger)?;
    }
    if wants("statements") {
        write("statement_cues.bin", &train(&cue_examples(&polnear), STATEMENTS)?)?;
    }
    if wants("arguments") {
        let examples: Vec<Example> = gold.iter().chain(&polnear).flat_map(argument_examples).collect();
        write("arguments.bin", &train(&examples, ARGUMENTS)?)?;
    }
    if wants("judge") {
        let read =
            |name: &str| -> Result<Tagger> { Ok(Tagger::from_bytes(&std::fs::read(Path::new(&out).join(name))?)?) };
        let mut taggers = Taggers {
            claim_cues: read("claim_cues.bin")?,
            statement_cues: read("statement_cues.bin")?,
            arguments: read("arguments.bin")?,
        };
        // The judge learns from what taggers say of articles that they have not seen.
        let full = taggers.claim_cues.clone();
        let mut parts: Vec<Vec<Example>> = Vec::new();
        for fold in 0..FOLDS {
            taggers.claim_cues = train(&cue_examples(held(&gold, fold, false)), CUES)?;
            parts.push(held(&gold, fold, true).flat_map(|article| judge_examples(article, &taggers)).collect());
        }
        taggers.claim_cues = full;
        let (last, others) = parts.split_last().context("no parts")?;
        let trial = fit(others.iter().flatten(), JUDGE);
        let sharpness = sharpness(&trial, last)?;
        eprintln!("sharpness {sharpness}");
        let judge = fit(parts.iter().flatten(), JUDGE).tagger(sharpness)?;
        write("judge.bin", &judge)?;
    }
    Ok(())
}

/// Reads an article's text as the daemon would.
fn read(article: &Article) -> Reading<'_> {
    let headline = gainsay::text::document::headline(&article.text);
    let sentences = gainsay::text::sentence::sentences(&article.text, headline);
    Reading::new(&article.text, headline, &sentences)
}

/// First and last token of the sentence that any of the spans touches.
fn touched(sentence: &Sentence, spans: &[Span]) -> Option<(usize, usize)> {
    let mut places =
        (0..sentence.tokens.len()).filter(|&at| spans.iter().any(|span| sentence.tokens[at].span.overlaps(*span)));
    let first = places.next()?;
    Some((first, places.next_back().unwrap_or(first)))
}

/// The articles that are held out of a part of the training, or the others.
fn held(articles: &[Article], fold: usize, is_held: bool) -> impl Iterator<Item = &Article> {
    let is_wanted = move |(at, _): &(usize, &Article)| (at % FOLDS == fold) == is_held;
    articles.iter().enumerate().filter(is_wanted).map(|(_, article)| article)
}

/// The factor of the judge's weights under which its probabilities fit best what it has not seen: dropout leaves them too even.
fn sharpness(judge: &Fitted, unseen: &[Example]) -> Result<f32> {
    let mut best = (f64::NEG_INFINITY, 1.0);
    for factor in (5..=30_u8).map(|tenths| f32::from(tenths) / 10.0) {
        let tagger = judge.tagger(factor)?;
        let likelihood: f64 = unseen
            .iter()
            .map(|example| f64::from(tagger.marginals(&example.features).at(0)[example.labels[0]].max(1e-6)).ln())
            .sum();
        if likelihood > best.0 {
            best = (likelihood, factor);
        }
    }
    Ok(best.1)
}

fn judge_examples(article: &Article, taggers: &Taggers) -> Vec<Example> {
    let reading = read(article);
    let candidates = candidates(&reading, taggers);
    let mut labels = vec![OUTSIDE; candidates.len()];
    for act in &article.acts {
        let Some(kind) = act.kind.and_then(|kind| Kind::ALL.iter().position(|one| *one == kind)) else { continue };
        let fit = |candidate: &Candidate| {
            let sentence = &reading.sentences[candidate.sentence];
            let span = sentence.tokens[candidate.site.first].span.cover(sentence.tokens[candidate.site.last].span);
            let is_here = sentence.span.start <= act.cue[0].start && act.cue[0].start < sentence.span.end;
            (is_here && span.overlaps(act.cue[0])).then(|| candidate.claim[kind])
        };
        let best = (0..candidates.len())
            .filter(|&at| labels[at] == OUTSIDE)
            .filter_map(|at| Some((at, fit(&candidates[at])?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, _)) = best {
            labels[at] = begin(kind);
        }
    }
    let features = judge_features(&reading, &candidates);
    features
        .into_iter()
        .zip(labels)
        .map(|(features, label)| Example { features: vec![features], labels: vec![label] })
        .collect()
}

fn cue_examples<'a>(articles: impl IntoIterator<Item = &'a Article>) -> Vec<Example> {
    let mut examples = Vec::new();
    for article in articles {
        let reading = read(article);
        for (index, sentence) in reading.sentences.iter().enumerate() {
            let mut labels = vec![OUTSIDE; sentence.tokens.len()];
            for act in
                article.acts.iter().filter(|act| sentence.span.contains(Span::new(act.cue[0].start, act.cue[0].start)))
            {
                let class =
                    act.kind.map_or(0, |kind| Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default());
                // A discontinuous cue is marked by its first piece.
                let Some((first, last)) = touched(sentence, &act.cue[..1]) else { continue };
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

fn argument_examples(article: &Article) -> Vec<Example> {
    let reading = read(article);
    let mut examples = Vec::new();
    for act in &article.acts {
        let start = act.cue[0].start;
        let Some(sentence) =
            reading.sentences.iter().find(|sentence| sentence.span.start <= start && start < sentence.span.end)
        else {
            continue;
        };
        let Some((first, last)) = touched(sentence, &act.cue[..1]) else { continue };
        let kind =
            act.kind.map_or(STATEMENT, |kind| Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default() as u64);
        let mut labels = vec![OUTSIDE; sentence.tokens.len()];
        for (class, spans) in [(CONTENT, &act.content), (SOURCE, &act.source)] {
            for span in spans {
                let Some((from, to)) = touched(sentence, std::slice::from_ref(span)) else { continue };
                labels[from] = begin(class);
                labels[from + 1..=to].fill(inside(class));
            }
        }
        repair(&mut labels);
        examples.push(Example { features: argument_features(sentence, CueSite { first, last, kind }), labels });
    }
    examples
}

/// A span cut by another goes on as a new one.
fn repair(labels: &mut [usize]) {
    let mut before = None;
    for label in labels {
        if !may_follow(before, *label) {
            *label -= 1;
        }
        before = Some(*label);
    }
}
