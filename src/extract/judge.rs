//! The judge: possible cues with their arguments in, the kind of each out, seen with its whole document in view.
//!
//! A tagger sees a sentence; whether "said" alleges anything hangs on what else stands in the article: who denies it, whether the
//! same act was told before. The judge is the tagger's method on a sequence of one.

use rustc_hash::FxHashSet;

use super::attribution::{Arguments, Cue, arguments, spans};
use super::features::{CLAIM_KINDS, CueSite, EDGE, STATEMENT, cue_features, feature, scene};
use super::lexicon::Classes;
use super::reading::{Reading, Sentence, Token};
use super::sense;
use super::tagger::{Marginals, Tagger, begin};
use crate::model::{Kind, Span};
use crate::text::normalize::is_stop_word;

/// Probability from which a cue is looked at.
const CLAIM_CUE_MIN: f32 = 0.04;
/// Probability from which a statement's cue is looked at.
const STATEMENT_CUE_MIN: f32 = 0.3;
/// The class of cues of refusals to comment.
const NO_COMMENT: usize = 3;
/// Candidates before and behind one that are compared with it.
const NEIGHBOURS_MAX: usize = 60;

/// A possible cue, before it is judged.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Position of its sentence.
    pub sentence: usize,
    /// Where the cue stands, with the kind that the tagger would give it.
    pub site: CueSite,
    /// For each claim kind, the tagger's probability.
    pub claim: [f32; CLAIM_KINDS],
    /// Probability that it is the cue of any statement.
    pub statement: f32,
    /// Its source and content.
    pub arguments: Arguments,
    /// Its cue stands between quotation marks.
    pub is_quoted: bool,
    /// It reports that somebody did not deny.
    pub is_negated_denial: bool,
    /// The kind that its wording has in every text, where it is such a wording.
    pub plain_kind: Option<Kind>,
    /// Hashes of the telling stems of its content, or of the sentence where it has none; sorted.
    terms: Vec<u64>,
}

impl Candidate {
    /// The tagger's most probable kind, as a number.
    pub fn best(&self) -> usize {
        likeliest(&self.claim)
    }
}

fn likeliest(probabilities: &[f32; CLAIM_KINDS]) -> usize {
    let by_probability = |one: &(usize, &f32), other: &(usize, &f32)| one.1.total_cmp(other.1);
    probabilities.iter().enumerate().max_by(by_probability).map_or(0, |(kind, _)| kind)
}

/// The taggers that find candidates.
#[derive(Debug)]
pub struct Taggers {
    /// Cues of claims, a class for each kind.
    pub claim_cues: Tagger,
    /// Cues of attributions of any kind.
    pub statement_cues: Tagger,
    /// Source and content of a cue.
    pub arguments: Tagger,
}

/// Possible cues of all sentences, in order.
pub fn candidates(reading: &Reading<'_>, taggers: &Taggers) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (index, sentence) in reading.sentences.iter().enumerate() {
        let features = cue_features(reading, index);
        let claims = taggers.claim_cues.marginals(&features);
        let statements = taggers.statement_cues.marginals(&features);
        let negated = sense::negated_denials(sentence);
        let plain = sense::plain_acts(sentence);
        for cue in cues(&claims, &statements, &negated) {
            let claim: [f32; CLAIM_KINDS] = std::array::from_fn(|kind| begin_mass(&claims, &cue, kind));
            let is_statement = claim.iter().sum::<f32>() < CLAIM_CUE_MIN;
            let is_negated_denial = negated.contains(&(cue.first, cue.last));
            let kind = if is_negated_denial {
                NO_COMMENT as u64
            } else if is_statement {
                STATEMENT
            } else {
                likeliest(&claim) as u64
            };
            let site = CueSite { first: cue.first, last: cue.last, kind };
            let arguments = arguments(&taggers.arguments, sentence, site, reading.text);
            found.push(Candidate {
                is_quoted: sentence.tokens.get(cue.first).is_some_and(|token| token.is_quoted),
                sentence: index,
                site,
                claim,
                statement: begin_mass(&statements, &cue, 0),
                terms: terms(sentence, &arguments.content),
                arguments,
                is_negated_denial,
                plain_kind: plain.iter().find(|(_, at)| (cue.first..=cue.last).contains(at)).map(|&(kind, _)| kind),
            });
        }
    }
    found
}

/// Gives every cue inside a quotation the source of the sentence's cue outside: who is quoted says what the quotation says, whomever it names.
pub fn attribute_quotations(candidates: &mut [Candidate]) {
    for sentence in candidates.chunk_by_mut(|one, other| one.sentence == other.sentence) {
        let outer = |one: &&Candidate| !one.is_quoted && one.statement >= STATEMENT_CUE_MIN;
        let Some(speaker) = sentence.iter().filter(outer).find_map(|one| one.arguments.source) else { continue };
        for candidate in sentence.iter_mut().filter(|candidate| candidate.is_quoted) {
            candidate.arguments.source = Some(speaker);
        }
    }
}

/// Possible cues of a sentence: reported silences by rule, those of claims, and those of statements beside them.
fn cues(claims: &Marginals, statements: &Marginals, negated: &[(usize, usize)]) -> Vec<Cue> {
    let silence = |&(first, last): &(usize, usize)| Cue { first, last, class: NO_COMMENT, probability: 0.0 };
    let mut cues: Vec<Cue> = negated.iter().map(silence).collect();
    for more in [spans(claims, |_| CLAIM_CUE_MIN), spans(statements, |_| STATEMENT_CUE_MIN)] {
        let is_free = |other: &Cue| cues.iter().all(|cue| cue.last < other.first || other.last < cue.first);
        let free: Vec<Cue> = more.into_iter().filter(is_free).collect();
        cues.extend(free);
    }
    cues.sort_by_key(|cue| cue.first);
    cues
}

/// Probability that a cue of `class` begins at any token of the span.
fn begin_mass(marginals: &Marginals, cue: &Cue, class: usize) -> f32 {
    let mass: f32 = (cue.first..=cue.last).filter_map(|at| marginals.at(at).get(begin(class))).sum();
    mass.min(1.0)
}

fn terms(sentence: &Sentence, content: &[Span]) -> Vec<u64> {
    let is_in = |token: &&Token| content.is_empty() || content.iter().any(|piece| piece.contains(token.span));
    let is_telling =
        |token: &&Token| token.shape != 0 && !is_stop_word(&token.word) && !token.classes.any(Classes::SAY);
    let mut found: Vec<u64> =
        sentence.tokens.iter().filter(is_in).filter(is_telling).map(|token| token.stem_hash).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Number of common members of two sorted lists.
fn common(one: &[u64], other: &[u64]) -> usize {
    one.iter().filter(|term| other.binary_search(term).is_ok()).count()
}

/// A probability in steps of its log-odds.
fn odds_step(probability: f32) -> u64 {
    const STEPS: [f32; 12] = [0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.87, 0.95, 0.99];
    STEPS.iter().filter(|&&step| probability >= step).count() as u64
}

fn few(count: usize) -> u64 {
    count.min(4) as u64
}

/// What the judge sees of each candidate of a document.
pub fn judge_features(reading: &Reading<'_>, candidates: &[Candidate]) -> Vec<Vec<u32>> {
    let strong = candidates.iter().filter(|candidate| candidate.claim.iter().sum::<f32>() > 0.4).count();
    (0..candidates.len())
        .filter_map(|at| {
            let candidate = candidates.get(at)?;
            let sentence = reading.sentences.get(candidate.sentence)?;
            let mut seen = Seen { out: Vec::with_capacity(256), key: 0, classes: Classes::default() };
            seen.cue(sentence, candidate);
            seen.words(sentence, candidate);
            seen.source(sentence, candidate);
            for fact in scene(reading, candidate.sentence) {
                seen.add(60, fact, seen.key);
                seen.add_by_class(61, fact);
                seen.add(62, fact, candidate.best() as u64);
            }
            seen.others(candidates, at);
            seen.add(90, few(strong), candidate.best() as u64);
            seen.add(91, few(candidate.sentence / 3), candidate.best() as u64);
            Some(seen.out)
        })
        .collect()
}

/// Features of one candidate as they gather.
struct Seen {
    out: Vec<u32>,
    /// Hash of the cue's stems.
    key: u64,
    /// Classes of the cue's words.
    classes: Classes,
}

impl Seen {
    fn add(&mut self, template: u64, one: u64, other: u64) {
        self.out.push(feature(2_000 + template, one, other));
    }

    fn add_by_class(&mut self, template: u64, one: u64) {
        for bit in self.classes.bits() {
            self.add(template, one, bit);
        }
    }

    /// The cue's words and what the taggers think of it.
    fn cue(&mut self, sentence: &Sentence, candidate: &Candidate) {
        let cue = sentence.tokens.get(candidate.site.first..=candidate.site.last).unwrap_or_default();
        for token in cue {
            self.key = self.key.rotate_left(7) ^ token.stem_hash;
            self.classes = self.classes.or(token.classes);
            self.add(0, token.stem_hash, 0);
            self.add(1, token.cluster, 0);
        }
        self.add(2, self.key, 0);
        let wordings = Classes(cue.iter().fold(0, |kinds, token| kinds | token.wordings));
        for bit in wordings.bits() {
            self.add(11, bit, 0);
            self.add(12, bit, candidate.best() as u64);
            self.add(13, bit, u64::from(self.classes.0));
        }
        self.add_by_class(3, 0);
        for (kind, &probability) in (0..).zip(&candidate.claim) {
            self.add(4, kind, odds_step(probability));
            self.add(5, kind * 32 + odds_step(probability), self.key);
        }
        let all: f32 = candidate.claim.iter().sum();
        self.add(6, odds_step(all), 0);
        self.add(7, odds_step(all), candidate.best() as u64);
        self.add(8, odds_step(candidate.statement), candidate.best() as u64);
        let beside =
            |at: Option<usize>| at.and_then(|at| sentence.tokens.get(at)).map_or(EDGE, |token| token.word_hash);
        self.add(9, beside(candidate.site.first.checked_sub(1)), self.key);
        self.add(10, beside(Some(candidate.site.last + 1)), self.key);
    }

    /// The words of the sentence and of the content.
    fn words(&mut self, sentence: &Sentence, candidate: &Candidate) {
        let content = &candidate.arguments.content;
        let mut content_classes = Classes::default();
        let mut quoted = 0;
        let mut known = FxHashSet::default();
        for token in sentence.tokens.iter().filter(|token| token.shape != 0) {
            if known.insert(token.stem_hash) {
                self.add(20, token.stem_hash, 0);
                self.add(21, token.cluster, 0);
            }
            if content.iter().any(|piece| piece.contains(token.span)) {
                content_classes = content_classes.or(token.classes);
                quoted += usize::from(token.is_quoted);
                self.add(22, token.stem_hash, 0);
                self.add(23, token.cluster, 0);
                self.add(24, token.cluster, u64::from(self.classes.0));
            }
        }
        for bit in content_classes.bits() {
            self.add(25, bit, self.key);
            self.add(26, bit, u64::from(self.classes.0));
            self.add(27, bit, candidate.best() as u64);
        }
        for bit in sentence.classes.bits() {
            self.add(28, bit, u64::from(self.classes.0));
        }
        self.add(29, few(content.len()) * 8 + few(quoted), candidate.best() as u64);
        self.add(30, few(candidate.terms.len() / 2), candidate.best() as u64);
    }

    /// The source's words.
    fn source(&mut self, sentence: &Sentence, candidate: &Candidate) {
        let Some(source) = candidate.arguments.source else {
            self.add(40, 0, self.key);
            self.add_by_class(41, 0);
            return;
        };
        let mut classes = Classes::default();
        for token in sentence.tokens.iter().filter(|token| source.contains(token.span)) {
            classes = classes.or(token.classes);
            self.add(42, token.stem_hash, candidate.best() as u64);
            self.add(43, token.cluster, candidate.best() as u64);
            self.add(44, token.shape, candidate.best() as u64);
        }
        for bit in classes.bits() {
            self.add(45, bit, self.key);
            self.add(46, bit, candidate.best() as u64);
        }
    }

    /// The other candidates of the document: what they are, and whether they are about the same.
    fn others(&mut self, candidates: &[Candidate], at: usize) {
        let Some(candidate) = candidates.get(at) else { return };
        let best = candidate.best() as u64;
        let from = at.saturating_sub(NEIGHBOURS_MAX);
        let mut about_same = [[0_usize; CLAIM_KINDS]; 2];
        let mut nearest = [[0_f32; CLAIM_KINDS]; 3];
        for (place, other) in candidates.iter().enumerate().skip(from).take(2 * NEIGHBOURS_MAX + 1) {
            if place == at {
                continue;
            }
            let side = usize::from(place > at);
            let shared = common(&candidate.terms, &other.terms);
            for (kind, &probability) in other.claim.iter().enumerate() {
                if probability > 0.3 {
                    about_same[side][kind] = about_same[side][kind].max(shared);
                }
                let distance = other.sentence.abs_diff(candidate.sentence);
                let zone = if distance == 0 {
                    0
                } else if distance <= 2 {
                    1 + side
                } else {
                    continue;
                };
                nearest[zone][kind] = nearest[zone][kind].max(probability);
            }
        }
        for (side, kinds) in (0..).zip(about_same) {
            for (kind, shared) in (0..).zip(kinds) {
                self.add(70, side * 8 + kind, few(shared) * 8 + best);
                self.add_by_class(71, (side * 8 + kind) * 8 + few(shared));
            }
        }
        for (zone, kinds) in (0..).zip(nearest) {
            for (kind, probability) in (0..).zip(kinds) {
                self.add(72, zone * 8 + kind, odds_step(probability) / 2 * 8 + best);
            }
        }
        let alone = candidates.iter().filter(|other| other.sentence == candidate.sentence).count();
        self.add(73, few(alone), best);
    }
}

/// Gives candidates their kinds.
#[derive(Debug)]
pub struct Judge(Tagger);

impl Judge {
    /// A judge with trained weights.
    pub fn new(tagger: Tagger) -> Self {
        Self(tagger)
    }

    /// For each claim kind, the probability that a candidate with these features is of it.
    pub fn verdict(&self, features: Vec<u32>) -> [f32; CLAIM_KINDS] {
        let marginals = self.0.marginals(&[features]);
        std::array::from_fn(|kind| marginals.at(0).get(begin(kind)).copied().unwrap_or_default())
    }
}
