//! The screen: sentences in, those out that may hold a claim, by a linear tagger's word on each.

use super::features::cue_features;
use super::reading::Reading;
use super::tagger::{OUTSIDE, Tagger};

/// Probability from which a sentence is passed on.
const PROBABILITY_MIN: f32 = 0.006;
/// Sentences of a document that is long enough to tell by the others how likely each is.
const LONG_SENTENCES: usize = 10;
/// The likeliest sentences, whose mean log-odds are the heat of a document.
const LIKELIEST: u8 = 3;
/// How much a document's heat moves the log-odds of its sentences, and the heat that moves nothing: fitted to development articles and to what
/// the judge finds in unlabelled ones.
const HEAT_WEIGHT: f32 = 0.5;
const HEAT_USUAL: f32 = 0.8;
/// How far a calm document moves them at most, so that what is likely by itself is read.
const SHIFT_MIN: f32 = -0.7;

/// Passes on what may hold a claim.
#[derive(Debug)]
pub struct Screen(Tagger);

impl Screen {
    /// A screen with trained weights.
    pub fn new(tagger: Tagger) -> Self {
        Self(tagger)
    }

    /// How likely each sentence holds a claim. In a long document what the three likeliest ones say moves all others: where many allege, a
    /// doubtful sentence is read, too, and where nobody does, it is left.
    pub fn probabilities(&self, reading: &Reading<'_>) -> Vec<f32> {
        let mut odds: Vec<f32> = (0..reading.sentences.len()).map(|at| log_odds(self.cue(reading, at))).collect();
        if odds.len() >= LONG_SENTENCES {
            let mut likeliest = odds.clone();
            likeliest.sort_by(|one, other| other.total_cmp(one));
            let heat = likeliest.iter().take(usize::from(LIKELIEST)).sum::<f32>() / f32::from(LIKELIEST);
            let shift = (HEAT_WEIGHT * (heat - HEAT_USUAL)).max(SHIFT_MIN);
            for one in &mut odds {
                *one += shift;
            }
        }
        odds.into_iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect()
    }

    /// Whether a sentence of this probability is passed on.
    pub fn is_passed(probability: f32) -> bool {
        probability >= PROBABILITY_MIN
    }

    /// How likely it is that a word of the sentence at `at` belongs to the cue of a claim.
    fn cue(&self, reading: &Reading<'_>, at: usize) -> f32 {
        let marginals = self.0.marginals(&cue_features(reading, at));
        let likely = |word: usize| 1.0 - marginals.at(word).get(OUTSIDE).copied().unwrap_or(1.0);
        (0..marginals.len()).map(likely).fold(0.0, f32::max)
    }
}

fn log_odds(probability: f32) -> f32 {
    let bounded = probability.clamp(1e-5, 0.9999);
    (bounded / (1.0 - bounded)).ln()
}
