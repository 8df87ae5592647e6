//! Extract: the sentences of a document in, its claims and statements out; called by `pipeline::analyse`.
//!
//! [`reading`] prepares the sentences, [`tagger`] finds cues and, for each, its source and content ([`attribution`]);
//! [`resolve`] finds who speaks and who is accused; [`proposition`] makes contents comparable.

pub mod attribution;
pub mod features;
mod lexicon;
pub mod proposition;
pub mod reading;
pub mod resolve;
pub mod tagger;

use attribution::{Cue, arguments, spans, token_range};
use features::{CueSite, STATEMENT, cue_features};
use reading::Reading;
use tagger::Tagger;

use crate::model::{Attribution, Claim, Confidence, Issue, Kind, ModelsHash, Span};

/// Sentences of a document that are read.
const SENTENCES_MAX: usize = 2_000;
/// Claims and statements kept of a document.
const CLAIMS_MAX: usize = 500;

/// Probability from which a cue counts as that of a claim.
const CLAIM_PROBABILITY_MIN: f32 = 0.2;
/// Probability from which a cue counts as that of a statement.
const STATEMENT_PROBABILITY_MIN: f32 = 0.5;

/// Why a model file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Shorter than its head.
    #[error("the model file is cut off")]
    Truncated,
    /// Other magic, sizes or scale.
    #[error("not a model file of this version")]
    NotAModel,
}

/// The trained models.
#[derive(Debug)]
pub struct Models {
    claim_cues: Tagger,
    statement_cues: Tagger,
    arguments: Tagger,
    hash: ModelsHash,
}

impl Models {
    /// The models compiled into the program.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_bytes(
            include_bytes!("../../models/claim_cues.bin"),
            include_bytes!("../../models/statement_cues.bin"),
            include_bytes!("../../models/arguments.bin"),
        )
    }

    /// Reads the three model files.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn from_bytes(claim_cues: &[u8], statement_cues: &[u8], arguments: &[u8]) -> Result<Self, ModelError> {
        use sha2::{Digest as _, Sha256};
        let mut sum = Sha256::new();
        for part in [claim_cues, statement_cues, arguments] {
            sum.update(part);
        }
        for part in lexicon::SOURCES {
            sum.update(part.as_bytes());
        }
        let digest = sum.finalize();
        Ok(Self {
            claim_cues: Tagger::from_bytes(claim_cues)?,
            statement_cues: Tagger::from_bytes(statement_cues)?,
            arguments: Tagger::from_bytes(arguments)?,
            hash: ModelsHash(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
        })
    }

    /// Hash of models and lexicons.
    pub fn hash(&self) -> ModelsHash {
        self.hash.clone()
    }
}

/// Finds the claims and statements of a document, in order of their cues.
pub fn claims(text: &str, headline: Option<Span>, sentences: &[Span], models: &Models) -> (Vec<Claim>, Vec<Issue>) {
    let mut issues = Vec::new();
    if sentences.len() > SENTENCES_MAX {
        issues.push(Issue::SentencesCut);
    }
    let sentences = sentences.get(..SENTENCES_MAX).unwrap_or(sentences);
    let reading = Reading::new(text, headline, sentences);
    let resolver = resolve::Resolver::new(text, headline, sentences);
    let mut found = Vec::new();
    for index in 0..reading.sentences.len() {
        for (attribution, kind, probability) in sentence_claims(&reading, index, models) {
            let speaker = resolver.speaker(&attribution, kind);
            let target = (kind == Kind::Allegation).then(|| resolver.target(&attribution, speaker.as_ref())).flatten();
            found.push(Claim {
                proposition: proposition::proposition(text, &attribution.content),
                kind,
                speaker,
                target,
                basis: None,
                answers: Vec::new(),
                is_background: false,
                is_negated_denial: false,
                confidence: Confidence::from_probability(f64::from(probability)),
                attribution,
            });
        }
    }
    if found.len() > CLAIMS_MAX {
        found.truncate(CLAIMS_MAX);
        issues.push(Issue::ClaimsCut);
    }
    (found, issues)
}

/// The attributions of one sentence with their kinds and probabilities, in order of their cues.
fn sentence_claims(reading: &Reading<'_>, index: usize, models: &Models) -> Vec<(Attribution, Kind, f32)> {
    let Some(sentence) = reading.sentences.get(index) else { return Vec::new() };
    let features = cue_features(reading, index);
    let mut cues = spans(&models.claim_cues.marginals(&features), |_| CLAIM_PROBABILITY_MIN);
    let others = spans(&models.statement_cues.marginals(&features), |_| STATEMENT_PROBABILITY_MIN);
    let is_free = |other: &Cue| cues.iter().all(|cue| cue.last < other.first || other.last < cue.first);
    let statements: Vec<Cue> =
        others.into_iter().filter(is_free).map(|cue| Cue { class: Kind::ALL.len() - 1, ..cue }).collect();
    cues.extend(statements);
    cues.sort_by_key(|cue| cue.first);
    cues.into_iter()
        .filter_map(|cue| {
            let kind = *Kind::ALL.get(cue.class)?;
            let number = if kind == Kind::Statement { STATEMENT } else { cue.class as u64 };
            let site = CueSite { first: cue.first, last: cue.last, kind: number };
            let found = arguments(&models.arguments, sentence, site, reading.text);
            let attribution = Attribution {
                source: found.source,
                cue: token_range(sentence, cue.first, cue.last)?,
                content: found.content,
                sentence: sentence.span,
            };
            Some((attribution, kind, cue.probability))
        })
        .collect()
}
