//! `Analysis`: everything that `pipeline::analyse` finds in one document; stored with the hash of the models that made it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Claim, Document, Fingerprint, RevisionLabel, Span};

/// Hash of the models and lexicons that made an analysis.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelsHash(pub String);

impl fmt::Debug for ModelsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something odd about a text that did not stop its analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issue {
    /// The text is not in a language we read; no claims were looked for.
    Language(String),
    /// The text was longer than the limit and was cut.
    TextCut,
    /// Sentences beyond the limit were not read.
    SentencesCut,
    /// Claims beyond the limit were dropped.
    ClaimsCut,
    /// The judge's network failed at some sentences: claims in them were not found.
    NotJudged,
    /// The analysis panicked with these words; the text is kept.
    Quarantined(String),
}

/// What one document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The document itself.
    pub document: Document,
    /// Which models made this.
    pub models: ModelsHash,
    /// ISO 639-3 code of its language.
    pub language: String,
    /// Its sentences, in order; the headline is one.
    pub sentences: Vec<Span>,
    /// For near-duplicate detection.
    pub fingerprint: Fingerprint,
    /// What its headline says it is.
    pub label: RevisionLabel,
    /// Its claims and statements, in order of their cues; `answers` are positions in this list.
    pub claims: Vec<Claim>,
    /// What was odd.
    pub issues: Vec<Issue>,
}

impl Analysis {
    /// Whether the analysis panicked and this only keeps the text.
    pub fn is_quarantined(&self) -> bool {
        self.issues.iter().any(|issue| matches!(issue, Issue::Quarantined(_)))
    }
}
