//! Extract: the sentences of a document in, its claims and statements out; called by `pipeline::analyse`.
//!
//! [`reading`] prepares the sentences; [`tagger`] finds possible cues and, for each, its source and content ([`mod@attribution`]); [`judge`]
//! gives each its kind, with the whole document in view;
//! [`resolve`] finds who speaks and who is accused; [`proposition`] makes contents comparable.

pub mod attribution;
pub mod features;
pub mod judge;
mod lexicon;
mod phrases;
pub mod proposition;
pub mod reading;
pub mod resolve;
mod sense;
pub mod tagger;

use attribution::{Arguments, arguments, token_range};
use features::{CLAIM_KINDS, CueSite, kind_number};
use judge::{Candidate, Judge, Taggers, judge_features};
use reading::Reading;
use resolve::Resolver;
use tagger::Tagger;

use crate::model::{Attribution, Claim, Confidence, Issue, Kind, ModelsHash, Span};

/// Sentences of a document that are read.
const SENTENCES_MAX: usize = 2_000;
/// Claims and statements kept of a document.
const CLAIMS_MAX: usize = 500;

/// Probability from which a candidate is a claim: near where allegations and denials of the development articles score their best F1.
const CLAIM_PROBABILITY_MIN: f32 = 0.27;
/// Probability of a claim in so many words ("denied that") at the least. Of those in the development articles of which the judge is
/// less sure, 18 of 21 are annotated.
const PLAIN_PROBABILITY: f32 = 0.75;
/// Probability of a reported silence ("has not denied") at the least. Of those in the training articles 36 of 42 are annotated.
const NEGATED_DENIAL_PROBABILITY: f32 = 0.7;
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
    taggers: Taggers,
    judge: Judge,
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
            include_bytes!("../../models/judge.bin"),
        )
    }

    /// Reads the four model files.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn from_bytes(
        claim_cues: &[u8],
        statement_cues: &[u8],
        arguments: &[u8],
        judge: &[u8],
    ) -> Result<Self, ModelError> {
        use sha2::{Digest as _, Sha256};
        let mut sum = Sha256::new();
        for part in [claim_cues, statement_cues, arguments, judge] {
            sum.update(part);
        }
        for part in lexicon::SOURCES {
            sum.update(part.as_bytes());
        }
        let digest = sum.finalize();
        Ok(Self {
            taggers: Taggers {
                claim_cues: Tagger::from_bytes(claim_cues)?,
                statement_cues: Tagger::from_bytes(statement_cues)?,
                arguments: Tagger::from_bytes(arguments)?,
            },
            judge: Judge::new(Tagger::from_bytes(judge)?),
            hash: ModelsHash(hexadecimal(digest.get(..8).unwrap_or_default())),
        })
    }

    /// Hash of models and lexicons.
    pub fn hash(&self) -> ModelsHash {
        self.hash.clone()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// Finds the claims and statements of a document, in order of their cues.
pub fn claims(text: &str, headline: Option<Span>, sentences: &[Span], models: &Models) -> (Vec<Claim>, Vec<Issue>) {
    let mut issues = Vec::new();
    if sentences.len() > SENTENCES_MAX {
        issues.push(Issue::SentencesCut);
    }
    let sentences = sentences.get(..SENTENCES_MAX).unwrap_or(sentences);
    let reading = Reading::new(text, headline, sentences);
    let mut candidates = judge::candidates(&reading, &models.taggers);
    if candidates.len() > CLAIMS_MAX {
        candidates.truncate(CLAIMS_MAX);
        issues.push(Issue::ClaimsCut);
    }
    let spoken: Vec<Span> = sentences.iter().map(|sentence| reading::without_dateline(text, *sentence)).collect();
    let resolver = Resolver::new(text, &spoken);
    let features = judge_features(&reading, &candidates);
    judge::attribute_quotations(&mut candidates);
    let judged = candidates.into_iter().zip(features).filter_map(|(candidate, features)| {
        let (kind, probability) = kind_of(&candidate, models.judge.verdict(features))?;
        claim(&reading, &resolver, candidate, models, kind, probability)
    });
    (judged.collect(), issues)
}

/// Words that were looked at and found to be no claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The likeliest kind of claim.
    pub kind: Kind,
    /// How likely.
    pub confidence: Confidence,
    /// The sentence that holds the words.
    pub sentence: Span,
}

/// What [`claims`] looked at in a document and found to be no claim, the likeliest first: why a document gave none.
pub fn considered(text: &str, headline: Option<Span>, sentences: &[Span], models: &Models) -> Vec<Considered> {
    let sentences = sentences.get(..SENTENCES_MAX).unwrap_or(sentences);
    let reading = Reading::new(text, headline, sentences);
    let candidates = judge::candidates(&reading, &models.taggers);
    let features = judge_features(&reading, &candidates);
    let judged = candidates.iter().zip(features).filter_map(|(candidate, features)| {
        let verdict = models.judge.verdict(features);
        let is_claim = kind_of(candidate, verdict).is_some_and(|(kind, _)| kind != Kind::Statement);
        let (kind, probability) = Kind::ALL.into_iter().zip(verdict).max_by(|one, other| one.1.total_cmp(&other.1))?;
        let confidence = Confidence::from_probability(f64::from(probability));
        let sentence = reading.sentences.get(candidate.sentence)?.span;
        (!is_claim).then_some(Considered { kind, confidence, sentence })
    });
    let mut considered: Vec<Considered> = judged.collect();
    considered.sort_by_key(|one| std::cmp::Reverse(one.confidence));
    considered
}

/// The least confidence of a claim.
pub fn confidence_min() -> Confidence {
    Confidence::from_probability(f64::from(CLAIM_PROBABILITY_MIN))
}

/// The kind of a candidate with its probability; `None` where it is no attribution at all.
fn kind_of(candidate: &Candidate, verdict: [f32; CLAIM_KINDS]) -> Option<(Kind, f32)> {
    if candidate.is_negated_denial {
        return Some((Kind::NoComment, verdict.iter().copied().fold(NEGATED_DENIAL_PROBABILITY, f32::max)));
    }
    if let Some(kind) = candidate.plain_kind {
        let probability = Kind::ALL.into_iter().zip(verdict).find(|(one, _)| *one == kind).map_or(0.0, |(_, p)| p);
        return Some((kind, probability.max(PLAIN_PROBABILITY)));
    }
    let likeliest = Kind::ALL.into_iter().zip(verdict).max_by(|one, other| one.1.total_cmp(&other.1));
    likeliest
        .filter(|&(_, probability)| probability >= CLAIM_PROBABILITY_MIN)
        .or_else(|| Some((Kind::Statement, candidate.statement)).filter(|&(_, p)| p >= STATEMENT_PROBABILITY_MIN))
}

/// The spans of a candidate that was judged to be of `kind`.
fn attribution(reading: &Reading<'_>, candidate: Candidate, kind: Kind, models: &Models) -> Option<Attribution> {
    let sentence = reading.sentences.get(candidate.sentence)?;
    let site = CueSite { kind: kind_number(kind), ..candidate.site };
    let quoted_speaker = candidate.arguments.source;
    // What a kind's cue takes for content differs: the arguments are those of the kind that the judge gave.
    let Arguments { mut source, content } = if site == candidate.site {
        candidate.arguments
    } else {
        arguments(&models.taggers.arguments, sentence, site, reading.text)
    };
    if candidate.is_quoted {
        source = quoted_speaker.or(source);
    }
    // "Said it had indications that": the grounds belong to the cue, the report behind "that" is the content.
    let that = (site.first..=site.last).find_map(|verb| sense::indications(&sentence.tokens, verb));
    let cue = token_range(sentence, site.first, that.map_or(site.last, |that| site.last.max(that - 1)))?;
    let report = that.and_then(|that| token_range(sentence, that + 1, that + 1)).map_or(0, |first| first.start);
    let content = content.into_iter().map(|piece| Span::new(piece.start.max(report), piece.end.max(report)));
    let content = content.filter(|piece| !piece.is_empty()).collect();
    Some(Attribution { source, cue, content, sentence: sentence.span })
}

fn claim(
    reading: &Reading<'_>,
    resolver: &Resolver<'_>,
    candidate: Candidate,
    models: &Models,
    kind: Kind,
    probability: f32,
) -> Option<Claim> {
    let sentence = reading.sentences.get(candidate.sentence)?;
    let (site, is_negated_denial) = (candidate.site, candidate.is_negated_denial);
    let mut attribution = attribution(reading, candidate, kind, models)?;
    let is_allegation = kind == Kind::Allegation;
    if is_allegation {
        attribution.content = resolver.act(&attribution);
    }
    if let Some(subject) = resolver.denier(&attribution).filter(|_| kind == Kind::Denial) {
        attribution.source = Some(subject);
        attribution.content.retain(|piece| !piece.overlaps(subject));
    }
    let speaker = resolver.speaker(&attribution, kind);
    let is_other = |party: &String| speaker.as_ref().is_none_or(|speaker| !speaker.name.ends_with(party.as_str()));
    let target = is_allegation.then(|| resolver.target(&attribution, speaker.as_ref())).flatten().filter(is_other);
    // An accusation of nobody, of nothing, tells a reader nothing.
    if is_allegation && target.is_none() && attribution.content.is_empty() {
        return None;
    }
    Some(Claim {
        proposition: proposition::proposition(reading.text, &attribution.content),
        kind,
        speaker,
        target,
        basis: is_allegation.then(|| sense::basis(reading, sentence, attribution.cue, attribution.source)),
        answers: Vec::new(),
        is_background: kind != Kind::Statement && sense::is_background(sentence, site.first, site.last),
        is_negated_denial,
        confidence: Confidence::from_probability(f64::from(probability)),
        attribution,
    })
}
