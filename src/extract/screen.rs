//! The screen: sentences in, those out that may hold a claim, by a linear tagger's word on each.

use super::features::cue_features;
use super::reading::Reading;
use super::tagger::{OUTSIDE, Tagger};

/// Probability of a cue at some word from which a sentence is passed on.
const CUE_MIN: f32 = 0.012;

/// Passes on what may hold a claim.
#[derive(Debug)]
pub struct Screen(Tagger);

impl Screen {
    /// A screen with trained weights.
    pub fn new(tagger: Tagger) -> Self {
        Self(tagger)
    }

    /// For each sentence, whether it is passed on.
    pub fn passes(&self, reading: &Reading<'_>) -> Vec<bool> {
        (0..reading.sentences.len()).map(|at| Self::is_passed(self.probability(reading, at))).collect()
    }

    /// Whether a sentence of this probability is passed on.
    pub fn is_passed(probability: f32) -> bool {
        probability >= CUE_MIN
    }

    /// How likely it is that a word of the sentence at `at` belongs to the cue of a claim.
    pub fn probability(&self, reading: &Reading<'_>, at: usize) -> f32 {
        let marginals = self.0.marginals(&cue_features(reading, at));
        let likely = |word: usize| 1.0 - marginals.at(word).get(OUTSIDE).copied().unwrap_or(1.0);
        (0..marginals.len()).map(likely).fold(0.0, f32::max)
    }
}
