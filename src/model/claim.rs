//! `Claim`: an attribution (source, cue, content) with its kind, speaker and proposition, as one document reports it.

use serde::{Deserialize, Serialize};

use super::Span;

/// Who said what in which words: the triple of spans of Citron and PolNeAR. All spans point into the document's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The words naming who said it; absent where the sentence names nobody.
    pub source: Option<Span>,
    /// The words that show the act ("denied", "according to").
    pub cue: Span,
    /// What is said, in one or more pieces; may stand in a neighbouring sentence.
    pub content: Vec<Span>,
    /// The sentence that holds the cue.
    pub sentence: Span,
}

/// What kind of speech act a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A contested or adverse factual proposition about somebody.
    Allegation,
    /// A rejection that a proposition is true.
    Denial,
    /// An admission of a contested proposition.
    Confirmation,
    /// A refusal or inability to say.
    NoComment,
    /// A source withdraws its own claim.
    Retraction,
    /// Any other reported speech; never alerted by default.
    Statement,
}

impl Kind {
    /// All kinds, in the order of the contract.
    pub const ALL: [Self; 6] =
        [Self::Allegation, Self::Denial, Self::Confirmation, Self::NoComment, Self::Retraction, Self::Statement];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allegation => "allegation",
            Self::Denial => "denial",
            Self::Confirmation => "confirmation",
            Self::NoComment => "no_comment",
            Self::Retraction => "retraction",
            Self::Statement => "statement",
        }
    }

    /// Whether it answers an allegation rather than making one.
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Denial | Self::Confirmation | Self::NoComment | Self::Retraction)
    }
}

/// What an allegation rests on: an allegation is not a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Somebody says so.
    Assertion,
    /// A published or unnamed report says so.
    Report,
    /// A criminal charge.
    Charge,
    /// A civil suit.
    Lawsuit,
    /// An investigation's or authority's finding.
    Finding,
    /// A court's verdict.
    Verdict,
}

impl Basis {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 6] =
        [Self::Assertion, Self::Report, Self::Charge, Self::Lawsuit, Self::Finding, Self::Verdict];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::Report => "report",
            Self::Charge => "charge",
            Self::Lawsuit => "lawsuit",
            Self::Finding => "finding",
            Self::Verdict => "verdict",
        }
    }
}

/// The person or body behind a source span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// The fullest name or description in the document.
    pub name: String,
    /// Office or description ("Russia's ambassador to the UN").
    pub role: Option<String>,
    /// Through whom the words came ("Interfax").
    pub via: Option<String>,
    /// The country or organisation that the speaker speaks for ("Russia"), where name or role says so.
    pub affiliation: Option<String>,
}

/// What is alleged or denied, in a form that can be compared across wordings. Made by `extract::proposition`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposition {
    /// The content's words, joined; verbatim pieces, for people to read.
    pub text: String,
    /// Stems of the telling words, sorted, each once.
    pub terms: Vec<String>,
    /// Names in it, normalised, sorted, each once.
    pub entities: Vec<String>,
    /// Whether the content itself is negated ("is not a violation").
    pub is_negated: bool,
}

/// What a user adds to the extractor's own words; wordings are compared by their stems, `_` stands for any one word, `~` for up to three.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnWords {
    /// Wordings that show a kind of claim: "poured cold water on" a denial.
    pub cues: Vec<(Kind, String)>,
    /// Wordings that show none, whatever the models think: "denied boarding".
    pub never: Vec<String>,
    /// Nouns that name an office: "ombudsman".
    pub roles: Vec<String>,
    /// Names that stand for a country or body, and the name of that: "Zhongnanhai", "China".
    pub metonyms: Vec<(String, String)>,
}

/// How sure the extractor is, in hundredths: 0 to 100. An integer, so that the same text gives the same bytes everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Confidence(u8);

impl Confidence {
    /// From a probability; outside 0 to 1 it is clamped.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before the cast")]
    pub fn from_probability(probability: f64) -> Self {
        Self((probability.clamp(0.0, 1.0) * 100.0).round() as u8)
    }

    /// As a probability with two decimals.
    pub fn probability(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// One claim in one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The words.
    pub attribution: Attribution,
    /// The kind of act.
    pub kind: Kind,
    /// Who speaks, resolved; absent where nobody is given.
    pub speaker: Option<Speaker>,
    /// What is alleged or denied.
    pub proposition: Proposition,
    /// The accused party, resolved; allegations only.
    pub target: Option<String>,
    /// What the allegation rests on; allegations only.
    pub basis: Option<Basis>,
    /// Positions in the document's list of the allegations that this answers.
    pub answers: Vec<usize>,
    /// The article reports an old act.
    pub is_background: bool,
    /// The speaker is reported NOT to have denied ("has not denied"): never a denial, but it contradicts one.
    pub is_negated_denial: bool,
    /// How sure the extractor is.
    pub confidence: Confidence,
}
