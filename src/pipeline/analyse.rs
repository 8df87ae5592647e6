//! `analyse`: one document in, everything it says out; pure, and safe to run on any thread.

use crate::dedup::fingerprint::fingerprint;
use crate::dedup::label::{label, weightier};
use crate::extract::{self, Found, Weighed};
use crate::link;
use crate::model::{Analysis, Document, Issue, ModelsHash, RevisionLabel, Span};
use crate::text::language::{is_english, language};
use crate::text::sentence::sentences;

pub use crate::extract::{Models, Scope, WindowCounts};

/// Finds what a document says: language, sentences, fingerprint, revision label, claims and statements. Bad text is data:
/// what is odd about it is in `issues`.
pub fn analyse(document: Document, models: &Models, scope: Scope) -> Analysis {
    let label = weightier(label(document.headline_text()).0, document.label);
    let headline = bare_headline(&document);
    let fingerprint = fingerprint(&document);
    let language = language(&document.text);
    let sentences = sentences(&document.text, headline);
    let mut found = if is_english(&document.text) {
        extract::claims(&document.text, headline, &sentences, models, scope)
    } else {
        Found { claims: Vec::new(), answers: Vec::new(), issues: vec![Issue::Language(language.clone())] }
    };
    link::document::link(&mut found.claims, &found.answers, &document.text, &sentences);
    let Found { claims, issues, .. } = found;
    Analysis { document, models: models.hash(), language, sentences, fingerprint, label, claims, issues }
}

/// The headline without the wire's prefix ("UPDATE 2-"), which is no part of what it says.
fn bare_headline(document: &Document) -> Option<Span> {
    let bare = label(document.headline_text()).1;
    document.headline.map(|span| Span::new(span.end - bare.len().min(span.len()), span.end))
}

/// What stands in for the analysis of a document that made `analyse` panic: its text is kept for inspection, nothing is
/// claimed of it, and the daemon goes on.
pub fn quarantine(document: Document, reason: String) -> Analysis {
    Analysis {
        fingerprint: fingerprint(&Document { text: String::new(), headline: None, ..document.clone() }),
        document,
        models: ModelsHash(String::new()),
        language: String::new(),
        sentences: Vec::new(),
        label: RevisionLabel::None,
        claims: Vec::new(),
        issues: vec![Issue::Quarantined(reason)],
    }
}

/// What was weighed in each sentence of a document: why it gives claims, or none.
pub fn weighed(document: &Document, models: &Models) -> Vec<Weighed> {
    if !is_english(&document.text) {
        return Vec::new();
    }
    let headline = bare_headline(document);
    extract::weighed(&document.text, headline, &sentences(&document.text, headline), models)
}
