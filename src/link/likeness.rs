//! How likely two claims of different documents belong together: one matter alleged twice, one answer told twice, or an answer and
//! what it answers.
//!
//! Like the links within a document (`document`), a list of signs, each worth so much of log odds; the weights are those of a
//! logistic regression over event sets written for it (`training/threads.py`), with the direction of each sign given. Embeddings
//! of the sentences were tried beside them and decided nothing that these do not.

use super::rarity::Term;
use super::speaker::same_side;
use super::view::{Terms, View};
use crate::model::{Kind, Speaker};

/// What is asked of two claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Two allegations: are they about one matter?
    Matter,
    /// Two answers of one kind: are they one?
    Repeat,
    /// An answer and an allegation: does it answer it?
    Answer,
}

impl Relation {
    /// What can be asked of claims of two kinds.
    pub fn between(one: Kind, other: Kind) -> Option<Self> {
        match (one, other) {
            (Kind::Allegation, Kind::Allegation) => Some(Self::Matter),
            (Kind::Allegation, other) | (other, Kind::Allegation) => other.is_answer().then_some(Self::Answer),
            _ => (one == other && one.is_answer()).then_some(Self::Repeat),
        }
    }
}

/// What speaks for or against two claims belonging together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Share of the lighter content that the other holds.
    Contained,
    /// Share of both contents that they have in common.
    Common,
    /// Terms of the contents in common, up to four.
    CommonCount,
    /// Share of the new claim's content that the known one's sentence holds.
    InSentence,
    /// Share of it that the known one's surroundings hold.
    InContext,
    /// Share of the known claim's content that the new one's surroundings hold.
    KnownInContext,
    /// Words in common, names left out: share of the lighter content.
    Matter,
    /// The same of one content and the other's sentence.
    MatterInSentence,
    /// How alike the sentences are, names left out.
    MatterOfSentences,
    /// The contents have no such word in common.
    NoMatter,
    /// How alike what stands around both is.
    Context,
    /// Weight of the names in common around both.
    Names,
    /// Their share.
    NameShare,
    /// Both have names around them, and none in common.
    NoName,
    /// Both name somebody in their sentences, and nobody in common.
    NoNameInSentence,
    /// Figures in common.
    Figures,
    /// Figures, and none in common.
    OtherFigures,
    /// Logarithm of the hours between them.
    Apart,
    /// One of them says next to nothing.
    Empty,
    /// One content is negated, the other is not.
    Opposed,
    /// They are spoken by people or bodies of one name.
    SamePerson,
    /// They are spoken for one side.
    SameSide,
    /// Their speakers are described by one word.
    SameRole,
    /// They are spoken by others.
    OtherSpeaker,
    /// Their speakers are described only, as different ones.
    OtherDescribed,
    /// It is not said who speaks.
    NoSpeaker,
    /// Each accuses the other's side.
    Mutual,
    /// The answer comes after the allegation.
    Later,
    /// Who answers is accused.
    AccusedAnswers,
    /// Who answers is named around the allegation.
    AnswererInContext,
    /// Who answers made the allegation, and takes nothing back.
    Own,
    /// The answer is a refusal to comment.
    NoComment,
    /// The answer is a confirmation.
    Confirmation,
    /// Always there: the odds before anything is known.
    Base,
}

/// A sign with how strongly it is there, 0 to 1 for most.
pub type Measure = (Sign, f64);

/// What is seen of a new claim and a known one; empty where nothing can be asked of the two. `weight` gives the rarity of a term.
pub fn measures(claim: &View, known: &View, weight: &impl Fn(Term) -> f64) -> Vec<Measure> {
    let Some(relation) = Relation::between(claim.kind, known.kind) else { return Vec::new() };
    let mut found = shared_measures(claim, known, weight);
    if relation == Relation::Answer {
        let (answer, allegation) = if known.kind == Kind::Allegation { (claim, known) } else { (known, claim) };
        found.extend(answer_measures(answer, allegation, weight));
    } else {
        found.extend(companion_measures(claim, known, weight));
    }
    found
}

/// Weights are log odds of a rare name, about nine; measures lie around one.
const UNIT: f64 = 9.0;

fn total(terms: Terms<'_>, weight: &impl Fn(Term) -> f64) -> f64 {
    terms.iter().map(weight).sum()
}

fn common(one: Terms<'_>, other: Terms<'_>, weight: &impl Fn(Term) -> f64) -> f64 {
    one.shared(other).map(weight).sum()
}

fn rarest(one: Terms<'_>, other: Terms<'_>, weight: &impl Fn(Term) -> f64) -> f64 {
    one.shared(other).map(weight).fold(0.0, f64::max) / UNIT
}

/// Share of `part` that lies in `whole`.
fn held(part: Terms<'_>, whole: Terms<'_>, weight: &impl Fn(Term) -> f64) -> f64 {
    if part.is_empty() { 0.0 } else { common(part, whole, weight) / total(part, weight) }
}

/// Cosine of two lists, each term by the square of its weight.
fn cosine(one: Terms<'_>, other: Terms<'_>, weight: &impl Fn(Term) -> f64) -> f64 {
    let square = |term: Term| weight(term).powi(2);
    let norm = total(one, &square) * total(other, &square);
    if norm > 0.0 { common(one, other, &square) / norm.sqrt() } else { 0.0 }
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Whether both lists hold something and nothing in common.
fn are_others(one: Terms<'_>, other: Terms<'_>) -> bool {
    !one.is_empty() && !other.is_empty() && !one.meets(other)
}

#[expect(clippy::cast_precision_loss, reason = "counts of the words of a sentence and hours are small")]
fn shared_measures(claim: &View, known: &View, weight: &impl Fn(Term) -> f64) -> Vec<Measure> {
    let count = claim.terms().shared(known.terms()).count();
    let shared = common(claim.terms(), known.terms(), weight);
    let (mine, theirs) = (total(claim.terms(), weight), total(known.terms(), weight));
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let (names, known_names) = (claim.context_names(), known.context_names());
    let name_weight = common(names, known_names, weight);
    let least_names = total(names, weight).min(total(known_names, weight));
    let matter = ratio(
        common(claim.matter(), known.matter(), weight),
        total(claim.matter(), weight).min(total(known.matter(), weight)),
    );
    let in_sentence =
        held(claim.matter(), known.sentence_roots(), weight).max(held(known.matter(), claim.sentence_roots(), weight));
    let hours = claim.seen.duration_since(known.seen).as_hours().unsigned_abs();
    vec![
        (Sign::Contained, ratio(shared, mine.min(theirs)) * (count as f64 / 2.0).min(1.0)),
        (Sign::Common, ratio(shared, mine + theirs - shared)),
        (Sign::CommonCount, count.min(4) as f64 / 4.0),
        (Sign::InSentence, held(claim.terms(), known.sentence(), weight)),
        (Sign::InContext, held(claim.terms(), known.context(), weight)),
        (Sign::KnownInContext, held(known.terms(), claim.context(), weight)),
        (Sign::Matter, matter),
        (Sign::MatterInSentence, in_sentence),
        (Sign::MatterOfSentences, cosine(claim.sentence_roots(), known.sentence_roots(), weight)),
        (
            Sign::NoMatter,
            truth(claim.matter().len().min(known.matter().len()) > 1 && are_others(claim.matter(), known.matter())),
        ),
        (Sign::Context, cosine(claim.context(), known.context(), weight)),
        (Sign::Names, (name_weight / UNIT).min(3.0) / 3.0),
        (Sign::NameShare, ratio(name_weight, least_names)),
        (Sign::NoName, truth(are_others(names, known_names))),
        (Sign::NoNameInSentence, truth(are_others(claim.sentence_names(), known.sentence_names()))),
        (Sign::Figures, truth(claim.figures().meets(known.figures()))),
        (Sign::OtherFigures, truth(are_others(claim.figures(), known.figures()))),
        (Sign::Apart, (hours as f64).ln_1p() / 6.0),
        (Sign::Empty, truth(claim.terms().len().min(known.terms().len()) < 2)),
        (Sign::Base, 1.0),
    ]
}

/// What is seen of two claims that may be of one kind: their speakers and the accused.
fn companion_measures(claim: &View, known: &View, weight: &impl Fn(Term) -> f64) -> Vec<Measure> {
    let is_described = |view: &View| view.has_speaker && view.persons().is_empty();
    let swapped = rarest(claim.side(), known.target(), weight).max(rarest(known.side(), claim.target(), weight));
    let (are_of_one_side, have_one_role) = (claim.side().meets(known.side()), claim.roles().meets(known.roles()));
    let are_described = is_described(claim) && is_described(known);
    vec![
        (Sign::Opposed, truth(claim.is_negated != known.is_negated)),
        (Sign::SamePerson, rarest(claim.persons(), known.persons(), weight)),
        (Sign::SameSide, rarest(claim.side(), known.side(), weight)),
        (Sign::SameRole, truth(have_one_role)),
        (Sign::OtherSpeaker, truth(!claim.persons().is_empty() && !known.persons().is_empty() && !are_of_one_side)),
        (Sign::OtherDescribed, truth(are_described && !have_one_role && !are_of_one_side)),
        (Sign::NoSpeaker, truth(!claim.has_speaker || !known.has_speaker)),
        (Sign::Mutual, swapped),
    ]
}

/// What is seen of an answer and an allegation: who answers, and when.
fn answer_measures(answer: &View, allegation: &View, weight: &impl Fn(Term) -> f64) -> Vec<Measure> {
    let side = allegation.side();
    let around = |term: Term| if side.contains(term) { 0.0 } else { weight(term) };
    let own = rarest(answer.persons(), allegation.persons(), weight)
        .max(rarest(answer.side(), allegation.side(), weight) / 3.0);
    let accused = rarest(answer.side(), allegation.target(), weight);
    vec![
        (Sign::Later, truth(answer.seen >= allegation.seen)),
        (Sign::AccusedAnswers, accused.max(0.5 * truth(answer.roles().meets(allegation.target_words())))),
        (Sign::AnswererInContext, rarest(answer.side(), allegation.context_names(), &around)),
        (Sign::Own, if answer.kind == Kind::Retraction { 0.0 } else { own }),
        (Sign::NoSpeaker, truth(answer.side().is_empty())),
        (Sign::NoComment, truth(answer.kind == Kind::NoComment)),
        (Sign::Confirmation, truth(answer.kind == Kind::Confirmation)),
    ]
}

/// How likely two claims belong together, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// What speaks for it most, in words.
    pub reason: &'static str,
}

/// How likely a new claim and a known one of another document belong together, as far as that can be asked of their kinds.
pub fn likeness(claim: &View, known: &View, weight: &impl Fn(Term) -> f64) -> Option<Likeness> {
    let weights = weights(Relation::between(claim.kind, known.kind)?);
    let measures = measures(claim, known, weight);
    let of = |sign: Sign| measures.iter().find(|(other, _)| *other == sign).map_or(0.0, |(_, strength)| *strength);
    let odds: f64 = weights.iter().map(|&(sign, hundredths)| f64::from(hundredths) * of(sign)).sum::<f64>() / 100.0;
    let is_accused = of(Sign::AccusedAnswers) > 0.0 || of(Sign::AnswererInContext) > 0.0;
    let has_arguments = of(Sign::CommonCount) >= 0.5 || of(Sign::MatterInSentence) >= 0.3;
    let reason = match (is_accused, has_arguments) {
        (true, true) => "the accused answers, same arguments",
        (true, false) => "the accused answers, same names",
        (false, true) => "same arguments",
        (false, false) => "same names and circumstances",
    };
    Some(Likeness { probability: 1.0 / (1.0 + (-odds).exp()), reason })
}

/// Hundredths of log odds.
fn weights(relation: Relation) -> &'static [(Sign, i32)] {
    match relation {
        Relation::Matter => MATTER,
        Relation::Repeat => REPEAT,
        Relation::Answer => ANSWER,
    }
}

// Printed by `training/threads.py`.
const MATTER: &[(Sign, i32)] = &[
    (Sign::Base, -81),
    (Sign::CommonCount, 37),
    (Sign::InContext, 190),
    (Sign::KnownInContext, 50),
    (Sign::MatterInSentence, 82),
    (Sign::MatterOfSentences, 69),
    (Sign::NoMatter, -29),
    (Sign::Context, 90),
    (Sign::NameShare, 89),
    (Sign::NoName, -39),
    (Sign::NoNameInSentence, -42),
    (Sign::Figures, 41),
    (Sign::OtherFigures, -55),
    (Sign::Apart, -93),
    (Sign::Empty, 31),
    (Sign::SamePerson, 26),
    (Sign::SameSide, 30),
    (Sign::SameRole, 152),
    (Sign::OtherSpeaker, -33),
    (Sign::OtherDescribed, -25),
    (Sign::NoSpeaker, 39),
    (Sign::Mutual, -117),
];
const REPEAT: &[(Sign, i32)] = &[
    (Sign::Base, -62),
    (Sign::Contained, 69),
    (Sign::Common, 52),
    (Sign::CommonCount, 29),
    (Sign::InSentence, 26),
    (Sign::InContext, 30),
    (Sign::Matter, 69),
    (Sign::MatterOfSentences, 80),
    (Sign::Names, 12),
    (Sign::NameShare, 76),
    (Sign::NoName, -16),
    (Sign::NoNameInSentence, -61),
    (Sign::Apart, -65),
    (Sign::Empty, -7),
    (Sign::Opposed, -14),
    (Sign::SamePerson, 97),
    (Sign::SameSide, 31),
    (Sign::SameRole, 23),
    (Sign::OtherSpeaker, -41),
    (Sign::OtherDescribed, -13),
    (Sign::NoSpeaker, -12),
];
const ANSWER: &[(Sign, i32)] = &[
    (Sign::Base, -77),
    (Sign::CommonCount, 18),
    (Sign::InContext, 148),
    (Sign::KnownInContext, 71),
    (Sign::Matter, 10),
    (Sign::MatterInSentence, 58),
    (Sign::MatterOfSentences, 52),
    (Sign::NoMatter, -29),
    (Sign::Context, 299),
    (Sign::NameShare, 56),
    (Sign::NoNameInSentence, -45),
    (Sign::Figures, 35),
    (Sign::Apart, -120),
    (Sign::Empty, -18),
    (Sign::NoSpeaker, 12),
    (Sign::Later, 114),
    (Sign::AccusedAnswers, 28),
    (Sign::AnswererInContext, 26),
    (Sign::Own, -138),
    (Sign::NoComment, -36),
    (Sign::Confirmation, -17),
];

/// What is known of two claims' speakers being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speakers {
    /// They share a name, or what describes them.
    One,
    /// One is not told, or the new one is described only: nothing tells them apart.
    Unsure,
    /// They are others, or the new one is named and the known one is not.
    Two,
}

/// Whether a new claim is spoken by the side of a known one of its kind. Outlets say "the company" for whom others name; who is named
/// where nobody was before is news.
pub fn speakers(claim: (&View, Option<&Speaker>), known: (&View, Option<&Speaker>)) -> Speakers {
    let ((view, speaker), (known_view, known_speaker)) = (claim, known);
    let Some((speaker, known_speaker)) = speaker.zip(known_speaker) else { return Speakers::Unsure };
    let shares = || view.side().meets(known_view.side()) || view.roles().meets(known_view.roles());
    match (view.persons().is_empty(), known_view.persons().is_empty()) {
        (false, false) if same_side(speaker, known_speaker) => Speakers::One,
        (false, false) => Speakers::Two,
        _ if shares() => Speakers::One,
        (true, _) => Speakers::Unsure,
        (false, true) => Speakers::Two,
    }
}
