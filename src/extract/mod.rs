//! Extract: the sentences of a document in, its claims and statements out; called by `pipeline::analyse`.
//!
//! [`reading`] prepares the sentences; the [`screen`] drops those that hold no claim; the [`judge`] finds the acts of the others: kind, source,
//! content, what they answer; [`resolve`] finds who speaks and who is accused; [`proposition`] makes contents comparable.

pub mod features;
pub mod judge;
mod lexicon;
mod own;
mod phrases;
mod plain;
pub mod proposition;
pub mod reading;
pub mod resolve;
pub mod screen;
mod sense;
pub mod tagger;

use judge::{Act, Given, Judge};
pub use judge::{Ground, WindowCounts};
use own::Own;
use reading::Reading;
use resolve::Resolver;
use screen::Screen;
use tagger::Tagger;

use crate::model::{Attribution, Claim, Confidence, Issue, Kind, ModelsHash, OwnWords, Span};

/// Sentences of a document that are read.
const SENTENCES_MAX: usize = 2_000;
/// Claims and statements kept of a document.
const CLAIMS_MAX: usize = 500;

/// Probability from which an act is a claim: near where allegations and denials of the development articles score their best F1.
const CLAIM_PROBABILITY_MIN: f32 = 0.35;
/// Probability of a claim in so many words ("denied that") at the least.
const PLAIN_PROBABILITY: f32 = 0.75;
/// Probability of a reported silence ("has not denied") at the least. Of those in the training articles 36 of 42 are annotated.
const NEGATED_DENIAL_PROBABILITY: f32 = 0.7;
/// Probability of a claim that a user's own words show.
const OWN_PROBABILITY: f32 = 0.9;
/// Probability from which a cue counts as that of a statement.
const STATEMENT_PROBABILITY_MIN: f32 = 0.4;

/// What of a document is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Claims alone: sentences that hold none are passed over.
    Claims,
    /// Statements that are no claims, too: every sentence is judged.
    All,
}

/// Why a model file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Shorter than its head.
    #[error("the model file is cut off")]
    Truncated,
    /// Other magic, sizes or scale.
    #[error("not a model file of this version")]
    NotAModel,
    /// What it holds is not what was written.
    #[error("the model file is damaged")]
    Damaged,
}

/// The trained models.
#[derive(Debug)]
pub struct Models {
    screen: Screen,
    judge: Judge,
    own: Own,
    hash: ModelsHash,
}

impl Models {
    /// The models compiled into the program.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn embedded() -> Result<Self, ModelError> {
        let (screen, judge) = (include_bytes!("../../models/screen.bin"), include_bytes!("../../models/judge.bin"));
        Ok(Self::of([screen, judge], Tagger::embedded(screen)?, Judge::embedded(judge)?))
    }

    /// Reads the two model files.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn from_bytes(screen: &[u8], judge: &[u8]) -> Result<Self, ModelError> {
        Ok(Self::of([screen, judge], Tagger::from_bytes(screen)?, Judge::from_bytes(judge)?))
    }

    fn of(files: [&[u8]; 2], tagger: Tagger, judge: Judge) -> Self {
        let lexicons = lexicon::SOURCES.iter().map(|source| source.as_bytes());
        let hash = hash_of(files.into_iter().chain(lexicons));
        Self { screen: Screen::new(tagger), judge, own: Own::default(), hash }
    }

    /// With a user's own words beside the models.
    #[must_use]
    pub fn with_words(self, words: &OwnWords) -> Self {
        if *words == OwnWords::default() {
            return self;
        }
        let hash = hash_of([self.hash.0.as_bytes(), format!("{words:?}").as_bytes()]);
        Self { own: Own::new(words), hash, ..self }
    }

    /// How many windows of documents were judged so far, and how many of them had been judged before.
    pub fn window_counts(&self) -> WindowCounts {
        self.judge.counts()
    }

    /// Hash of models, lexicons and a user's own words.
    pub fn hash(&self) -> ModelsHash {
        self.hash.clone()
    }
}

fn hash_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> ModelsHash {
    use sha2::{Digest as _, Sha256};
    let mut sum = Sha256::new();
    for part in parts {
        sum.update(part);
    }
    ModelsHash(hexadecimal(sum.finalize().get(..8).unwrap_or_default()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// What was found in a document.
#[derive(Debug)]
pub struct Found {
    /// Claims, and with [`Scope::All`] statements, in order of their cues; what they answer is still to be told.
    pub claims: Vec<Claim>,
    /// Of each claim the allegations that it may answer, as positions, with the probability that the judge gives each.
    pub answers: Vec<Vec<(usize, f32)>>,
    /// What was left out.
    pub issues: Vec<Issue>,
}

/// Finds the claims of a document, and with [`Scope::All`] its statements.
pub fn claims(text: &str, headline: Option<Span>, sentences: &[Span], models: &Models, scope: Scope) -> Found {
    let mut issues = Vec::new();
    if sentences.len() > SENTENCES_MAX {
        issues.push(Issue::SentencesCut);
    }
    let sentences = sentences.get(..SENTENCES_MAX).unwrap_or(sentences);
    let reading = Reading::new(text, headline, sentences);
    let (acts, is_whole) = models.acts(&reading, scope);
    if !is_whole {
        issues.push(Issue::NotJudged);
    }
    let (claims, answers) = claims_of(&reading, &acts, &models.own);
    if acts.iter().filter(|act| is_likely(act)).count() > CLAIMS_MAX {
        issues.push(Issue::ClaimsCut);
    }
    Found { claims, answers, issues }
}

/// The claims that likely acts come to, and of each the allegations that it may answer.
fn claims_of(reading: &Reading<'_>, acts: &[Act], own: &Own) -> (Vec<Claim>, Vec<Vec<(usize, f32)>>) {
    let spoken: Vec<Span> =
        reading.sentences.iter().map(|sentence| reading::without_dateline(reading.text, sentence.span)).collect();
    let resolver = Resolver::new(reading.text, &spoken, own.roles());
    let mut places = vec![None; acts.len()];
    let mut claims: Vec<Claim> = Vec::new();
    for (act, place) in acts.iter().zip(&mut places).filter(|(act, _)| is_likely(act)).take(CLAIMS_MAX) {
        if let Some(claim) = claim(reading, &resolver, act, own) {
            *place = Some(claims.len());
            claims.push(claim);
        }
    }
    let mut answers = vec![Vec::new(); claims.len()];
    for (act, &place) in acts.iter().zip(&places) {
        let Some(list) = place.and_then(|place| answers.get_mut(place)) else { continue };
        let place_of = |allegation: usize| places.get(allegation).copied().flatten();
        list.extend(act.answers.iter().filter_map(|&(to, probability)| Some((place_of(to)?, probability))));
    }
    (claims, answers)
}

impl Models {
    /// The acts of a document, unlikely ones included, and whether all of it was judged.
    fn acts(&self, reading: &Reading<'_>, scope: Scope) -> (Vec<Act>, bool) {
        let mut given: Vec<Given> = Vec::new();
        for (position, sentence) in reading.sentences.iter().enumerate() {
            let mut give = |kind, tokens, probability, ground| {
                given.push(Given { sentence: position, tokens, kind, probability, ground });
            };
            for (first, last) in sense::negated_denials(sentence) {
                give(Kind::NoComment, first..=last, NEGATED_DENIAL_PROBABILITY, Ground::Silence);
            }
            for (kind, at) in sense::plain_acts(sentence) {
                give(kind, at..=at, PLAIN_PROBABILITY, Ground::Wording);
            }
            if position < plain::OPENING_SENTENCES {
                for plain::Match { kind, tokens, share } in plain::acts(reading.text, sentence) {
                    if let Some(kind) = kind {
                        give(kind, tokens, share, Ground::Usage);
                    }
                }
            }
            for (kind, tokens) in self.own.cues(sentence) {
                give(kind, tokens, OWN_PROBABILITY, Ground::Own);
            }
        }
        let mut wanted = match scope {
            // What is given is judged, whatever the screen says.
            Scope::Claims => self.screen.probabilities(reading).into_iter().map(Screen::is_passed).collect(),
            Scope::All => vec![true; reading.sentences.len()],
        };
        for one in &given {
            if let Some(wanted) = wanted.get_mut(one.sentence) {
                *wanted = true;
            }
        }
        let (mut acts, is_whole) = self.judge.acts(reading, &wanted, &given, scope == Scope::All);
        for act in &mut acts {
            let sentence = reading.sentences.get(act.sentence);
            let is_none = |one: &reading::Sentence| {
                self.own.is_never(one, act.first, act.last)
                    || sense::is_unsaid(&one.tokens, act.first)
                    || sense::is_editors_note(one)
            };
            if act.kind != Kind::Statement && sentence.is_some_and(is_none) {
                act.probability = 0.0;
            }
        }
        doubt_nones(reading, &mut acts);
        drop_twins(&mut acts);
        (acts, is_whole)
    }
}

/// Makes acts unlikely whose words look like one and are none, as far as such words are.
fn doubt_nones(reading: &Reading<'_>, acts: &mut [Act]) {
    for (position, sentence) in reading.sentences.iter().enumerate() {
        let mut told = acts.iter_mut().filter(|act| act.sentence == position && is_likely(act)).peekable();
        if told.peek().is_none() {
            continue;
        }
        let nones = plain::nones(reading.text, sentence);
        for act in told.filter(|act| act.kind != Kind::Statement && act.grounds.given != Some(Ground::Own)) {
            let within = |none: &&plain::Match| none.tokens.contains(&act.first) && none.tokens.contains(&act.last);
            let least = nones.iter().filter(within).map(|none| none.share).fold(1.0, f32::min);
            act.probability = act.probability.min(least);
        }
    }
}

/// Of two answers of one kind by one source in a sentence the surer one stays: "dismissed the report as a fairy tale" is one denial.
fn drop_twins(acts: &mut [Act]) {
    for at in 1..acts.len() {
        let (before, rest) = acts.split_at_mut(at);
        let Some(act) = rest.first_mut().filter(|act| act.kind.is_answer() && is_likely(act)) else { continue };
        let mut near = before.iter_mut().rev().take_while(|other| other.sentence == act.sentence);
        let is_twin = |other: &&mut Act| {
            let is_one_source = other.source == act.source || other.source.is_none() || act.source.is_none();
            other.kind == act.kind && is_one_source && is_likely(other)
        };
        if let Some(twin) = near.find(is_twin) {
            let weaker = if twin.probability < act.probability { twin } else { act };
            weaker.probability = 0.0;
        }
    }
}

/// Whether an act is likely enough to be told.
fn is_likely(act: &Act) -> bool {
    let is_statement = act.kind == Kind::Statement;
    act.probability >= if is_statement { STATEMENT_PROBABILITY_MIN } else { CLAIM_PROBABILITY_MIN }
}

/// A sentence, and what was weighed in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// The sentence.
    pub sentence: Span,
    /// How likely the screen thinks that it holds a claim.
    pub screen: f32,
    /// Whether the judge read it.
    pub is_judged: bool,
    /// The acts that were weighed, in order of their cues.
    pub acts: Vec<WeighedAct>,
}

/// An act that was weighed, and why it is a claim or none.
#[derive(Debug, Clone, PartialEq)]
pub struct WeighedAct {
    /// The likeliest kind of claim.
    pub kind: Kind,
    /// The words that may show it.
    pub cue: Span,
    /// How likely these words are the cue of such an act, as the judge sees it.
    pub words: f32,
    /// How likely the sentence holds such an act, as the judge sees it.
    pub whole: f32,
    /// What made it known beforehand, if anything did.
    pub given: Option<Ground>,
    /// How likely it is after all.
    pub confidence: Confidence,
    /// What it came to.
    pub verdict: Verdict,
}

/// What an act came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is told.
    Claim,
    /// It is too unlikely.
    Unlikely,
    /// It stands in words that the user's config calls no claim.
    Never,
    /// It is said not to have been said: "stopped short of accusing".
    Unsaid,
    /// It names neither whom it accuses nor of what.
    Empty,
    /// The document holds more claims than are kept.
    Cut,
}

/// What was weighed in each sentence of a document: why it gave claims, or none.
pub fn weighed(text: &str, headline: Option<Span>, sentences: &[Span], models: &Models) -> Vec<Weighed> {
    let sentences = sentences.get(..SENTENCES_MAX).unwrap_or(sentences);
    let reading = Reading::new(text, headline, sentences);
    let (acts, _) = models.acts(&reading, Scope::Claims);
    let (claims, _) = claims_of(&reading, &acts, &models.own);
    let mut weighed: Vec<Weighed> = Vec::new();
    let screened = models.screen.probabilities(&reading);
    for (position, (sentence, screen)) in reading.sentences.iter().zip(screened).enumerate() {
        let mut one =
            Weighed { sentence: sentence.span, screen, is_judged: Screen::is_passed(screen), acts: Vec::new() };
        for act in acts.iter().filter(|act| act.sentence == position) {
            one.is_judged = true;
            let Some(cue) = cue_of(sentence, act) else { continue };
            let verdict = match () {
                () if models.own.is_never(sentence, act.first, act.last) => Verdict::Never,
                () if sense::is_unsaid(&sentence.tokens, act.first) || sense::is_editors_note(sentence) => {
                    Verdict::Unsaid
                }
                () if !is_likely(act) => Verdict::Unlikely,
                () if claims.iter().any(|claim| claim.attribution.cue == cue) => Verdict::Claim,
                () if claims.len() < CLAIMS_MAX => Verdict::Empty,
                () => Verdict::Cut,
            };
            let (kind, confidence) = (act.kind, Confidence::from_probability(f64::from(act.probability)));
            let (words, whole, given) = (act.grounds.words, act.grounds.sentence, act.grounds.given);
            one.acts.push(WeighedAct { kind, cue, words, whole, given, confidence, verdict });
        }
        weighed.push(one);
    }
    weighed
}

/// The words of an act's cue.
fn cue_of(sentence: &reading::Sentence, act: &Act) -> Option<Span> {
    Some(sentence.tokens.get(act.first)?.span.cover(sentence.tokens.get(act.last)?.span))
}

/// The least confidence of a claim.
pub fn confidence_min() -> Confidence {
    Confidence::from_probability(f64::from(CLAIM_PROBABILITY_MIN))
}

fn claim(reading: &Reading<'_>, resolver: &Resolver<'_>, act: &Act, own: &Own) -> Option<Claim> {
    let sentence = reading.sentences.get(act.sentence)?;
    let kind = act.kind;
    let cue = cue_of(sentence, act)?;
    let mut attribution =
        Attribution { source: act.source, cue, content: act.content.clone(), sentence: sentence.span };
    attribution.source = act.source.map(|source| resolver.whole(source, cue));
    let is_allegation = kind == Kind::Allegation;
    if is_allegation {
        attribution.content = resolver.act(&attribution);
    }
    if let Some(subject) = resolver.denier(&attribution).filter(|_| kind == Kind::Denial) {
        attribution.source = Some(subject);
        attribution.content.retain(|piece| !piece.overlaps(subject));
    }
    let mut speaker = resolver.speaker(&attribution, kind);
    if let Some(speaker) = &mut speaker
        && let Some(body) = own.body(&speaker.name)
    {
        speaker.affiliation = Some(body.to_owned());
    }
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
        is_background: kind != Kind::Statement
            && (act.background > 0.5 || sense::is_background(sentence, act.first, act.last)),
        is_negated_denial: kind == Kind::NoComment
            && sense::negated_denials(sentence).iter().any(|&(first, last)| first <= act.last && act.first <= last),
        confidence: Confidence::from_probability(f64::from(act.probability)),
        attribution,
    })
}

#[cfg(test)]
mod tests;
