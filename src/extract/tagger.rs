//! A linear-chain CRF over hashed features: the features of a sentence's tokens in, label probabilities out.
//!
//! Weights are bytes (one scale a model), so that a model is small enough to be compiled in. The method is that of Lafferty,
//! `McCallum` and Pereira (ICML 2001), with feature hashing for the vocabulary; `training/train.rs` makes the weights.

use std::borrow::Cow;

use super::ModelError;

/// The label of a token outside every span; `begin` and `inside` give the others.
pub const OUTSIDE: usize = 0;

/// The label that begins a span of `class`.
pub const fn begin(class: usize) -> usize {
    1 + 2 * class
}

/// The label that continues a span of `class`.
pub const fn inside(class: usize) -> usize {
    2 + 2 * class
}

/// Whether `label` may follow `before` (`None`: at the start): a span goes on only after it has begun.
pub fn may_follow(before: Option<usize>, label: usize) -> bool {
    label == OUTSIDE || label % 2 == 1 || before.is_some_and(|before| before == label || before + 1 == label)
}

/// A sequence labeller with `1 + 2 × classes` labels.
#[derive(Debug, Clone)]
pub struct Tagger {
    labels: usize,
    mask: u32,
    scale: f32,
    /// For each bucket, the check byte of the feature that owns it: what was never seen in training weighs nothing.
    checks: Cow<'static, [u8]>,
    /// `buckets × labels`, then `labels × labels` transitions, each a signed byte.
    weights: Cow<'static, [u8]>,
    /// Factors of the transitions, zero where a label may not follow.
    transitions: Vec<f32>,
}

/// What tells the features of one bucket apart: the high byte, never zero, which marks a bucket that nobody owns.
pub fn check_byte(feature: u32) -> u8 {
    let [.., high] = feature.to_le_bytes();
    high.max(1)
}

/// First bytes of a model file.
const MAGIC: [u8; 4] = *b"GSC1";

/// Probabilities of the labels of each token: `at(token)[label]`.
#[derive(Debug, Clone)]
pub struct Marginals {
    labels: usize,
    values: Vec<f32>,
}

impl Marginals {
    /// Probability of each label at a token.
    pub fn at(&self, token: usize) -> &[f32] {
        self.values.get(token * self.labels..(token + 1) * self.labels).unwrap_or_default()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.values.len() / self.labels
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl Tagger {
    /// Quantises trained weights: `buckets × labels` emission weights (`buckets` a power of two) and `labels × labels`
    /// transition weights, row by row.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn from_weights(
        labels: usize,
        checks: Vec<u8>,
        emissions: &[f32],
        transitions: &[f32],
    ) -> Result<Self, ModelError> {
        let largest = emissions.iter().chain(transitions).fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "the scale bounds every quotient by 127")]
        let weights: Vec<u8> = emissions
            .iter()
            .chain(transitions)
            .map(|weight| ((weight / scale).round() as i8).cast_unsigned())
            .collect();
        Self::assemble(labels, scale, checks.into(), weights.into())
    }

    /// Reads a model file: magic, labels, logarithm of the number of buckets, two zero bytes, scale, check bytes, weights.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let Parts { labels, scale, checks, weights } = Parts::of(bytes)?;
        Self::assemble(labels, scale, checks.to_vec().into(), weights.to_vec().into())
    }

    /// As [`from_bytes`](Self::from_bytes), of a file that is part of the program: it is read where it lies.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn embedded(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let Parts { labels, scale, checks, weights } = Parts::of(bytes)?;
        Self::assemble(labels, scale, checks.into(), weights.into())
    }

    /// The bytes that `from_bytes` reads.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "labels and the logarithm of the mask fit a byte: see assemble"
    )]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([self.labels as u8, self.mask.count_ones() as u8, 0, 0]);
        bytes.extend(self.scale.to_le_bytes());
        bytes.extend_from_slice(&self.checks);
        bytes.extend_from_slice(&self.weights);
        bytes
    }

    fn assemble(
        labels: usize,
        scale: f32,
        checks: Cow<'static, [u8]>,
        weights: Cow<'static, [u8]>,
    ) -> Result<Self, ModelError> {
        let buckets = checks.len();
        let is_sound = labels % 2 == 1 && labels < 64 && buckets.is_power_of_two() && scale.is_finite() && scale > 0.0;
        if !is_sound || weights.len() != buckets * labels + labels * labels {
            return Err(ModelError::NotAModel);
        }
        let mask = u32::try_from(buckets - 1).map_err(|_| ModelError::NotAModel)?;
        let raw = weights.get(buckets * labels..).unwrap_or_default();
        let transitions = raw
            .iter()
            .enumerate()
            .map(|(at, &weight)| {
                let is_allowed = may_follow(Some(at / labels), at % labels);
                if is_allowed { (f32::from(weight.cast_signed()) * scale).exp() } else { 0.0 }
            })
            .collect();
        Ok(Self { labels, mask, scale, checks, weights, transitions })
    }

    /// Adds up the weights of the features of one token.
    fn scores(&self, features: &[u32], sums: &mut [i32]) {
        sums.fill(0);
        for feature in features {
            let bucket = (feature & self.mask) as usize;
            if self.checks.get(bucket).is_none_or(|&check| check != check_byte(*feature)) {
                continue;
            }
            let at = bucket * self.labels;
            if let Some(weights) = self.weights.get(at..at + self.labels) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += i32::from(weight.cast_signed());
                }
            }
        }
    }

    /// Label probabilities of a sequence, by the forward-backward algorithm; `tokens` are the features of each token.
    pub fn marginals(&self, tokens: &[Vec<u32>]) -> Marginals {
        let labels = self.labels;
        let mut emissions = vec![0.0_f32; tokens.len() * labels];
        let mut sums = vec![0_i32; labels];
        for (row, features) in emissions.chunks_exact_mut(labels).zip(tokens) {
            self.scores(features, &mut sums);
            let most = sums.iter().copied().max().unwrap_or_default();
            for (place, sum) in row.iter_mut().zip(&sums) {
                #[expect(clippy::cast_precision_loss, reason = "sums of bytes are far below 2^23")]
                let below = (sum - most) as f32;
                *place = (below * self.scale).exp();
            }
        }
        Marginals { labels, values: forward_backward(&emissions, &self.transitions, labels) }
    }
}

/// What a model file holds.
struct Parts<'a> {
    labels: usize,
    scale: f32,
    checks: &'a [u8],
    weights: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let (head, weights) = bytes.split_at_checked(12).ok_or(ModelError::Truncated)?;
        let &[m0, m1, m2, m3, labels, log_buckets, _, _, s0, s1, s2, s3] = head else {
            return Err(ModelError::Truncated);
        };
        if [m0, m1, m2, m3] != MAGIC || log_buckets > 24 {
            return Err(ModelError::NotAModel);
        }
        let (checks, weights) = weights.split_at_checked(1 << log_buckets).ok_or(ModelError::Truncated)?;
        Ok(Self { labels: usize::from(labels), scale: f32::from_le_bytes([s0, s1, s2, s3]), checks, weights })
    }
}

/// Probabilities from emission and transition factors; each step is normalised, so nothing overflows.
pub fn forward_backward(emissions: &[f32], transitions: &[f32], labels: usize) -> Vec<f32> {
    let mut forward: Vec<f32> = Vec::with_capacity(emissions.len());
    let mut row = vec![0.0_f32; labels];
    for (at, factors) in emissions.chunks_exact(labels).enumerate() {
        if at == 0 {
            for (label, (place, factor)) in row.iter_mut().zip(factors).enumerate() {
                *place = if may_follow(None, label) { *factor } else { 0.0 };
            }
        } else {
            let before = forward.get((at - 1) * labels..).unwrap_or_default();
            row.fill(0.0);
            for (mass, from) in before.iter().zip(transitions.chunks_exact(labels)) {
                for (place, factor) in row.iter_mut().zip(from) {
                    *place += mass * factor;
                }
            }
            for (place, factor) in row.iter_mut().zip(factors) {
                *place *= factor;
            }
        }
        normalise(&mut row);
        forward.extend_from_slice(&row);
    }
    let mut backward = vec![1.0_f32; labels];
    let mut carried = vec![0.0_f32; labels];
    for (values, factors) in forward.chunks_exact_mut(labels).zip(emissions.chunks_exact(labels)).rev() {
        for ((value, back), (carry, factor)) in values.iter_mut().zip(&backward).zip(carried.iter_mut().zip(factors)) {
            *value *= back;
            *carry = back * factor;
        }
        normalise(values);
        for (place, from) in backward.iter_mut().zip(transitions.chunks_exact(labels)) {
            *place = from.iter().zip(&carried).map(|(factor, carry)| factor * carry).sum();
        }
        normalise(&mut backward);
    }
    forward
}

/// Scales to a sum of one; a row without any mass becomes even.
fn normalise(row: &mut [f32]) {
    let sum: f32 = row.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a handful of labels")]
    let even = 1.0 / row.len() as f32;
    for value in row {
        *value = if sum > 0.0 && sum.is_finite() { *value / sum } else { even };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two buckets of a tagger with one class: the second one's feature begins a span.
    fn tagger() -> Tagger {
        let emissions = [0.0, 0.0, 0.0, 0.0, 4.0, 0.0];
        Tagger::from_weights(3, vec![0, check_byte(1)], &emissions, &[0.0; 9]).unwrap()
    }

    #[test]
    fn what_was_seen_in_training_counts() {
        let found = tagger().marginals(&[vec![1], vec![2], vec![0xff00_0001]]);
        assert!(found.at(0)[begin(0)] > 0.9, "{found:?}");
        assert!(found.at(2)[begin(0)] < 0.6, "the check byte keeps a stranger out: {found:?}");
        for token in 0..found.len() {
            assert!((found.at(token).iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_span_goes_on_only_after_it_began() {
        let found = tagger().marginals(&[vec![0]]);
        assert!(found.at(0)[inside(0)].abs() < 1e-6);
    }

    #[test]
    fn comes_back_as_it_went() {
        let bytes = tagger().to_bytes();
        assert_eq!(Tagger::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        assert_eq!(Tagger::from_bytes(&bytes[..11]).unwrap_err(), ModelError::Truncated);
        assert_eq!(Tagger::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err(), ModelError::NotAModel);
        assert_eq!(Tagger::from_bytes(b"a page of text").unwrap_err(), ModelError::NotAModel);
    }
}
