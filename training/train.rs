//! Trains the models of `models/` from annotated articles.
//!
//! `cargo run --release --example train -- SHARED OUT [cues|statements|arguments]…` reads `SHARED/gold/train.jsonl` (kinds, sources, contents) and
//! `SHARED/data/polnear-train.jsonl.gz` (attributions of any kind) and writes the model files into OUT.

#![allow(clippy::print_stderr, clippy::string_slice, reason = "a tool for the developer, on data of known form")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use gainsay::extract::attribution::{ARGUMENT_LABELS, CONTENT, SOURCE};
use gainsay::extract::features::{CLAIM_KINDS, CueSite, STATEMENT, argument_features, cue_features};
use gainsay::extract::judge::{Candidate, Judge, Taggers, candidates, judge_features};
use gainsay::extract::reading::{Reading, Sentence};
use gainsay::extract::tagger::{OUTSIDE, Tagger, begin, check_byte, inside, may_follow};
use gainsay::model::{Kind, Span};
use rustc_hash::FxHashMap;
use serde::Deserialize;

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
        evaluate_cues(&tagger, &load(&Path::new(&shared).join("gold/dev.jsonl"))?);
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
        let mut examples = Vec::new();
        let full = taggers.claim_cues.clone();
        // The judge learns from what taggers say of articles that they have not seen.
        for fold in 0..FOLDS {
            let part = |is_held: bool| {
                let is_wanted = move |(at, _): &(usize, &Article)| (at % FOLDS == fold) == is_held;
                gold.iter().enumerate().filter(is_wanted).map(|(_, article)| article)
            };
            taggers.claim_cues = train(&cue_examples(part(false)), CUES)?;
            examples.extend(part(true).flat_map(|article| judge_examples(article, &taggers)));
        }
        taggers.claim_cues = full;
        let judge = train(
            &examples,
            Recipe {
                epochs: envv("JE", 8.0) as usize,
                rate: envv("JR", 0.02) as f32,
                dropout: envv("JO", 0.6) as f32,
                log_buckets: envv("JB", 17.0) as u32,
                ..JUDGE
            },
        )?;
        write("judge.bin", &judge)?;
        evaluate_judge(&Judge::new(judge), &taggers, &load(&Path::new(&shared).join("gold/dev.jsonl"))?);
    }
    Ok(())
}

/// One annotated attribution, in bytes of its text.
struct Act {
    kind: Option<Kind>,
    source: Vec<Span>,
    cue: Vec<Span>,
    content: Vec<Span>,
}

/// One annotated article.
struct Article {
    text: String,
    acts: Vec<Act>,
}

#[derive(Deserialize)]
struct RawArticle {
    text: String,
    #[serde(default)]
    claims: Vec<RawClaim>,
    #[serde(default)]
    attributions: Vec<RawAttribution>,
}

#[derive(Deserialize)]
struct RawClaim {
    kind: Kind,
    cue: [usize; 2],
    source: Option<[usize; 2]>,
    content: Vec<[usize; 2]>,
}

#[derive(Deserialize)]
struct RawAttribution {
    source: Vec<[usize; 2]>,
    cue: Vec<[usize; 2]>,
    content: Vec<[usize; 2]>,
}

fn load(path: &Path) -> Result<Vec<Article>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let is_packed = path.extension().is_some_and(|ending| ending == "gz");
    let reader: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    BufReader::new(reader).lines().map(|line| Ok(article(serde_json::from_str(&line?)?))).collect()
}

fn article(raw: RawArticle) -> Article {
    let mut bytes: Vec<usize> = raw.text.char_indices().map(|(at, _)| at).collect();
    bytes.push(raw.text.len());
    let spans = |spans: &[[usize; 2]]| spans.iter().map(|&[s, e]| Span::new(bytes[s], bytes[e])).collect();
    let claims = raw.claims.iter().map(|claim| Act {
        kind: Some(claim.kind),
        source: spans(claim.source.as_slice()),
        cue: spans(&[claim.cue]),
        content: spans(&claim.content),
    });
    let statements = raw.attributions.iter().filter(|raw| !raw.cue.is_empty()).map(|raw| Act {
        kind: None,
        source: spans(&raw.source),
        cue: spans(&raw.cue),
        content: spans(&raw.content),
    });
    let acts = claims.chain(statements).collect();
    Article { acts, text: raw.text }
}

/// Features and labels of a sequence of tokens.
struct Example {
    features: Vec<Vec<u32>>,
    labels: Vec<usize>,
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

fn evaluate_judge(judge: &Judge, taggers: &Taggers, articles: &[Article]) {
    for t in [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6] {
        let (mut tp, mut np, mut ng) = ([0; 5], [0; 5], [0; 5]);
        for article in articles {
            let reading = read(article);
            let candidates = candidates(&reading, taggers);
            let mut cells: std::collections::BTreeMap<usize, ([i32; 5], [i32; 5])> = Default::default();
            for act in &article.acts {
                let at = reading
                    .sentences
                    .iter()
                    .position(|s| s.span.start <= act.cue[0].start && act.cue[0].start < s.span.end)
                    .unwrap_or(0);
                let k = Kind::ALL.iter().position(|one| Some(*one) == act.kind).unwrap();
                cells.entry(at).or_default().0[k] += 1;
            }
            for (candidate, features) in candidates.iter().zip(judge_features(&reading, &candidates)) {
                let v = judge.verdict(features);
                let (k, p) = v.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
                if *p >= t {
                    cells.entry(candidate.sentence).or_default().1[k] += 1;
                }
            }
            for (g, p) in cells.values() {
                for k in 0..5 {
                    tp[k] += g[k].min(p[k]);
                    np[k] += p[k];
                    ng[k] += g[k];
                }
            }
        }
        let f = |t: i32, p: i32, g: i32| {
            (
                100.0 * t as f64 / p.max(1) as f64,
                100.0 * t as f64 / g.max(1) as f64,
                200.0 * t as f64 / (p + g).max(1) as f64,
            )
        };
        let a = f(tp[0] + tp[1], np[0] + np[1], ng[0] + ng[1]);
        eprintln!(
            "J {t}: alerts P {:.1} R {:.1} F1 {:.1} | alleg {:.1} denial {:.1} conf {:.1} noc {:.1}",
            a.0,
            a.1,
            a.2,
            f(tp[0], np[0], ng[0]).2,
            f(tp[1], np[1], ng[1]).2,
            f(tp[2], np[2], ng[2]).2,
            f(tp[3], np[3], ng[3]).2
        );
    }
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

/// Weights and their `AdaGrad` sums.
struct Weights {
    values: Vec<f32>,
    squares: Vec<f32>,
}

impl Weights {
    fn new(size: usize) -> Self {
        Self { values: vec![0.0; size], squares: vec![1e-2; size] }
    }

    fn climb(&mut self, at: usize, gradient: f32, rate: f32) {
        self.squares[at] += gradient * gradient;
        self.values[at] += rate * gradient / self.squares[at].sqrt();
    }
}

fn envv(n: &str, d: f64) -> f64 {
    std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d)
}
fn evaluate_cues(tagger: &Tagger, articles: &[Article]) {
    let examples = cue_examples(articles);
    let m: Vec<_> = examples.iter().map(|e| tagger.marginals(&e.features)).collect();
    for t in [0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5] {
        let mut tp = [0; 5];
        let mut np = [0; 5];
        let mut ng = [0; 5];
        for (e, m) in examples.iter().zip(&m) {
            let mut g = [0; 5];
            let mut p = [0; 5];
            for &l in &e.labels {
                if l % 2 == 1 {
                    g[l / 2] += 1;
                }
            }
            for c in gainsay::extract::attribution::spans(m, |_| t) {
                p[c.class] += 1;
            }
            for k in 0..5 {
                tp[k] += g[k].min(p[k]);
                np[k] += p[k];
                ng[k] += g[k];
            }
        }
        let f = |t: i32, p: i32, g: i32| {
            (
                100.0 * t as f64 / p.max(1) as f64,
                100.0 * t as f64 / g.max(1) as f64,
                200.0 * t as f64 / (p + g).max(1) as f64,
            )
        };
        let a = f(tp[0] + tp[1], np[0] + np[1], ng[0] + ng[1]);
        eprintln!(
            "T {t}: alerts P {:.1} R {:.1} F1 {:.1} | alleg {:.1} denial {:.1} conf {:.1} noc {:.1}",
            a.0,
            a.1,
            a.2,
            f(tp[0], np[0], ng[0]).2,
            f(tp[1], np[1], ng[1]).2,
            f(tp[2], np[2], ng[2]).2,
            f(tp[3], np[3], ng[3]).2
        );
    }
}
/// How a model is trained.
#[derive(Clone, Copy)]
struct Recipe {
    labels: usize,
    log_buckets: u32,
    epochs: usize,
    /// Step size of `AdaGrad`.
    rate: f32,
    /// Pull towards zero of each weight that an example touches.
    decay: f32,
    /// Share of features left out of each example at random, so that weight spreads over all that tell the same.
    dropout: f32,
}

/// Maximises the conditional likelihood of the labels, one example at a time in a seeded order.
fn train(examples: &[Example], recipe: Recipe) -> Result<Tagger> {
    let Recipe { labels, log_buckets, epochs, dropout, .. } = recipe;
    let mut emissions = Weights::new((1 << log_buckets) * labels);
    let mut transitions = Weights::new(labels * labels);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = fastrand::Rng::with_seed(7);
    let mask = (1_u32 << log_buckets) - 1;
    let checks = owners(examples, mask);
    for epoch in 1..=epochs {
        random.shuffle(&mut order);
        let mut loss = 0.0;
        for &at in &order {
            loss += learn(&examples[at], recipe, &checks, &mut emissions, &mut transitions, &mut random);
        }
        eprintln!("epoch {epoch}: loss {:.4} an example", loss / examples.len() as f64);
    }
    let kept = 1.0 - dropout;
    let scaled: Vec<f32> = emissions.values.iter().map(|weight| weight * kept).collect();
    Ok(Tagger::from_weights(labels, checks, &scaled, &transitions.values)?)
}

/// Occurrences below which a feature owns no bucket.
const COUNT_MIN: u32 = 2;

/// Gives each bucket to the feature that is seen most often among those that fall into it.
fn owners(examples: &[Example], mask: u32) -> Vec<u8> {
    let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
    for feature in examples.iter().flat_map(|example| example.features.iter().flatten()) {
        *counts.entry(*feature).or_default() += 1;
    }
    let mut best: Vec<(u32, u32)> = vec![(COUNT_MIN - 1, 0); mask as usize + 1];
    for (feature, count) in counts {
        let place = &mut best[(feature & mask) as usize];
        *place = (*place).max((count, feature));
    }
    best.iter().map(|&(count, feature)| if count >= COUNT_MIN { check_byte(feature) } else { 0 }).collect()
}

fn learn(
    example: &Example,
    recipe: Recipe,
    checks: &[u8],
    emissions: &mut Weights,
    transitions: &mut Weights,
    random: &mut fastrand::Rng,
) -> f64 {
    let Recipe { labels, rate, decay, dropout, .. } = recipe;
    let count = example.labels.len();
    if count == 0 {
        return 0.0;
    }
    let features: Vec<Vec<usize>> = example
        .features
        .iter()
        .map(|features| {
            features
                .iter()
                .map(|&feature| (feature as usize & (checks.len() - 1), check_byte(feature)))
                .filter(|&(bucket, check)| checks[bucket] == check && random.f32() >= dropout)
                .map(|(bucket, _)| bucket * labels)
                .collect()
        })
        .collect();
    let mut factors = vec![0.0_f32; count * labels];
    for (row, features) in factors.chunks_exact_mut(labels).zip(&features) {
        for &at in features {
            for (sum, weight) in row.iter_mut().zip(&emissions.values[at..at + labels]) {
                *sum += weight;
            }
        }
        let most = row.iter().copied().fold(f32::MIN, f32::max);
        row.iter_mut().for_each(|sum| *sum = (*sum - most).exp());
    }
    let steps: Vec<f32> = (0..labels * labels)
        .map(|at| if may_follow(Some(at / labels), at % labels) { transitions.values[at].exp() } else { 0.0 })
        .collect();
    let (single, pairs) = expectations(&factors, &steps, labels);
    let mut loss = 0.0;
    for (at, &label) in example.labels.iter().enumerate() {
        let row = &single[at * labels..(at + 1) * labels];
        loss -= f64::from(row[label].max(1e-9)).ln();
        for label_now in 0..labels {
            let gradient = f32::from(u8::from(label_now == label)) - row[label_now];
            if gradient.abs() < 1e-4 {
                continue;
            }
            for &feature in &features[at] {
                let decayed = gradient - decay * emissions.values[feature + label_now];
                emissions.climb(feature + label_now, decayed, rate);
            }
        }
        if at > 0 {
            let before = example.labels[at - 1];
            for one in 0..labels {
                for other in 0..labels {
                    let gold = f32::from(u8::from(one == before && other == label));
                    let gradient = gold - pairs[((at - 1) * labels + one) * labels + other];
                    if gradient.abs() > 1e-4 {
                        transitions.climb(one * labels + other, gradient, rate);
                    }
                }
            }
        }
    }
    loss
}

/// Probabilities of labels and of pairs of neighbouring labels.
fn expectations(factors: &[f32], steps: &[f32], labels: usize) -> (Vec<f32>, Vec<f32>) {
    let count = factors.len() / labels;
    let mut forward = vec![0.0_f32; factors.len()];
    let mut backward = vec![1.0_f32; factors.len()];
    let normalise = |row: &mut [f32]| {
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= sum);
    };
    for at in 0..count {
        for label in 0..labels {
            let reach: f32 = if at == 0 {
                f32::from(u8::from(may_follow(None, label)))
            } else {
                (0..labels).map(|one| forward[(at - 1) * labels + one] * steps[one * labels + label]).sum()
            };
            forward[at * labels + label] = reach * factors[at * labels + label];
        }
        normalise(&mut forward[at * labels..(at + 1) * labels]);
    }
    for at in (0..count - 1).rev() {
        for label in 0..labels {
            backward[at * labels + label] = (0..labels)
                .map(|other| {
                    steps[label * labels + other]
                        * factors[(at + 1) * labels + other]
                        * backward[(at + 1) * labels + other]
                })
                .sum();
        }
        normalise(&mut backward[at * labels..(at + 1) * labels]);
    }
    let mut pairs = vec![0.0_f32; count.saturating_sub(1) * labels * labels];
    for at in 0..count - 1 {
        let cell = &mut pairs[at * labels * labels..(at + 1) * labels * labels];
        for one in 0..labels {
            for other in 0..labels {
                cell[one * labels + other] = forward[at * labels + one]
                    * steps[one * labels + other]
                    * factors[(at + 1) * labels + other]
                    * backward[(at + 1) * labels + other];
            }
        }
        normalise(cell);
    }
    let mut single: Vec<f32> = forward.iter().zip(&backward).map(|(one, other)| one * other).collect();
    single.chunks_exact_mut(labels).for_each(normalise);
    (single, pairs)
}
