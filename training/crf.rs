//! The trainer: examples in, the weights of a conditional random field out, by stochastic gradients with `AdaGrad`
//! (Duchi, Hazan and Singer, JMLR 2011) and feature dropout. Seeded: the same examples give the same weights.

use anyhow::Result;
use gainsay::extract::tagger::{Tagger, check_byte, may_follow};
use indicatif::{ProgressBar, ProgressStyle};
use rustc_hash::FxHashMap;

/// Features and labels of a sequence of tokens.
pub(super) struct Example {
    pub(super) features: Vec<Vec<u32>>,
    pub(super) labels: Vec<usize>,
}

/// How a model is trained.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    pub(super) labels: usize,
    pub(super) log_buckets: u32,
    pub(super) epochs: usize,
    /// Step size of `AdaGrad`.
    pub(super) rate: f32,
    /// Pull towards zero of each weight that an example touches.
    pub(super) decay: f32,
    /// Share of features left out of each example at random, so that weight spreads over all that tell the same.
    pub(super) dropout: f32,
}

/// Trained weights.
struct Fitted {
    recipe: Recipe,
    checks: Vec<u8>,
    emissions: Weights,
    transitions: Weights,
}

impl Fitted {
    fn tagger(&self) -> Result<Tagger> {
        let factor = 1.0 - self.recipe.dropout;
        let emissions: Vec<f32> = self.emissions.values.iter().map(|weight| weight * factor).collect();
        Ok(Tagger::from_weights(self.recipe.labels, self.checks.clone(), &emissions, &self.transitions.values)?)
    }
}

pub(super) fn train(examples: &[Example], recipe: Recipe) -> Result<Tagger> {
    fit(examples, recipe).tagger()
}

/// Runs whose weights are averaged.
const SEEDS: u8 = 3;

/// Adds a run's share of the average.
fn add(sum: &mut [f32], weights: &[f32]) {
    for (sum, weight) in sum.iter_mut().zip(weights) {
        *sum += weight / f32::from(SEEDS);
    }
}

/// Maximises the conditional likelihood of the labels, one example at a time in a seeded order; the weights of several runs are averaged, because
/// one order's chance costs more than a point of F1.
fn fit<'a>(examples: impl IntoIterator<Item = &'a Example>, recipe: Recipe) -> Fitted {
    let examples: Vec<&Example> = examples.into_iter().collect();
    let buckets = 1_usize << recipe.log_buckets;
    let mut fitted = Fitted {
        recipe,
        checks: owners(&examples, buckets),
        emissions: Weights::new(buckets * recipe.labels),
        transitions: Weights::new(recipe.labels * recipe.labels),
    };
    let mut sum = fitted.emissions.values.clone();
    let mut transitions = fitted.transitions.values.clone();
    let progress = progress(usize::from(SEEDS) * recipe.epochs * examples.len());
    for seed in 1..=SEEDS {
        fitted.emissions = Weights::new(buckets * recipe.labels);
        fitted.transitions = Weights::new(recipe.labels * recipe.labels);
        let mut random = fastrand::Rng::with_seed(seed.into());
        let mut order = examples.clone();
        for epoch in 1..=recipe.epochs {
            random.shuffle(&mut order);
            let loss: f64 = progress.wrap_iter(order.iter()).map(|example| fitted.learn(example, &mut random)).sum();
            progress.suspend(|| eprintln!("run {seed}, epoch {epoch}: loss {loss:.0} over all examples"));
        }
        add(&mut sum, &fitted.emissions.values);
        add(&mut transitions, &fitted.transitions.values);
    }
    progress.finish_and_clear();
    fitted.emissions.values = sum;
    fitted.transitions.values = transitions;
    fitted
}

/// A bar over `steps` examples; hidden where standard error is no terminal.
fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {percent} %, {eta} left");
    // The template is fixed; were it bad, the default bar would do.
    ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Occurrences below which a feature owns no bucket.
const COUNT_MIN: u32 = 2;

/// Gives each bucket to the feature that is seen most often among those that fall into it.
fn owners(examples: &[&Example], buckets: usize) -> Vec<u8> {
    let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
    for feature in examples.iter().flat_map(|example| example.features.iter().flatten()) {
        *counts.entry(*feature).or_default() += 1;
    }
    let mut best: Vec<(u32, u32)> = vec![(COUNT_MIN - 1, 0); buckets];
    let mut counts: Vec<(u32, u32)> = counts.into_iter().collect();
    counts.sort_unstable();
    for (feature, count) in counts {
        let place = &mut best[feature as usize & (buckets - 1)];
        *place = (*place).max((count, feature));
    }
    best.iter().map(|&(count, feature)| if count >= COUNT_MIN { check_byte(feature) } else { 0 }).collect()
}

impl Fitted {
    /// Takes one step towards the labels of an example; its loss before the step.
    fn learn(&mut self, example: &Example, random: &mut fastrand::Rng) -> f64 {
        let labels = self.recipe.labels;
        if example.labels.is_empty() {
            return 0.0;
        }
        let features = self.rows(example, random);
        let factors = self.factors(&features);
        let steps = self.steps();
        let (single, pairs) = expectations(&factors, &steps, labels);
        let mut loss = 0.0;
        for (at, &label) in example.labels.iter().enumerate() {
            let row = &single[at * labels..(at + 1) * labels];
            loss -= f64::from(row[label].max(1e-9)).ln();
            self.climb_emissions(&features[at], label, row);
        }
        for (pair, cell) in example.labels.windows(2).zip(pairs.chunks_exact(labels * labels)) {
            self.climb_transitions(pair[0] * labels + pair[1], cell);
        }
        loss
    }

    /// Where the weights of each token's features stand, some left out at random.
    fn rows(&self, example: &Example, random: &mut fastrand::Rng) -> Vec<Vec<usize>> {
        let Recipe { labels, dropout, .. } = self.recipe;
        let mut row = |features: &Vec<u32>| {
            features
                .iter()
                .map(|&feature| (feature as usize & (self.checks.len() - 1), check_byte(feature)))
                .filter(|&(bucket, check)| self.checks[bucket] == check && random.f32() >= dropout)
                .map(|(bucket, _)| bucket * labels)
                .collect()
        };
        example.features.iter().map(&mut row).collect()
    }

    /// Factor of each label at each token.
    fn factors(&self, features: &[Vec<usize>]) -> Vec<f32> {
        let labels = self.recipe.labels;
        let mut factors = vec![0.0_f32; features.len() * labels];
        for (row, features) in factors.chunks_exact_mut(labels).zip(features) {
            for &at in features {
                for (sum, weight) in row.iter_mut().zip(&self.emissions.values[at..at + labels]) {
                    *sum += weight;
                }
            }
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            for sum in row {
                *sum = (*sum - most).exp();
            }
        }
        factors
    }

    /// Factor of each pair of labels, zero where one may not follow the other.
    fn steps(&self) -> Vec<f32> {
        let labels = self.recipe.labels;
        let factor = |at: usize| self.transitions.values[at].exp();
        let may = |at: usize| may_follow(Some(at / labels), at % labels);
        (0..labels * labels).map(|at| if may(at) { factor(at) } else { 0.0 }).collect()
    }

    fn climb_emissions(&mut self, features: &[usize], label: usize, row: &[f32]) {
        let Recipe { rate, decay, .. } = self.recipe;
        for (other, probability) in row.iter().enumerate() {
            let gradient = f32::from(u8::from(other == label)) - probability;
            if gradient.abs() < GRADIENT_MIN {
                continue;
            }
            for &feature in features {
                let at = feature + other;
                self.emissions.climb(at, gradient - decay * self.emissions.values[at], rate);
            }
        }
    }

    fn climb_transitions(&mut self, gold: usize, cell: &[f32]) {
        for (at, probability) in cell.iter().enumerate() {
            let gradient = f32::from(u8::from(at == gold)) - probability;
            if gradient.abs() >= GRADIENT_MIN {
                self.transitions.climb(at, gradient, self.recipe.rate);
            }
        }
    }
}

/// Gradients below this are not worth a step.
const GRADIENT_MIN: f32 = 1e-4;

/// Probabilities of labels and of pairs of neighbouring labels.
fn expectations(factors: &[f32], steps: &[f32], labels: usize) -> (Vec<f32>, Vec<f32>) {
    let count = factors.len() / labels;
    let mut forward = vec![0.0_f32; factors.len()];
    let mut backward = vec![1.0_f32; factors.len()];
    let normalise = |row: &mut [f32]| {
        let sum: f32 = row.iter().sum();
        for value in row {
            *value /= sum;
        }
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
