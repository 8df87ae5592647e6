//! `gainsay feedback export`: articles with the claims that a user has corrected, in the form of an annotated corpus.
//!
//! One JSON object a line: `{"id","outlet","date","text","sentences":[[start,end],…],"claims":[{"id","kind","cue":[start,end],
//! "source":[start,end]|null,"speaker","content":[[start,end],…],"target","answers":["c0",…],"background","corrected"}]}`. The text is
//! headline, line feed, body; offsets are Unicode code points, half-open. All claims of the article are in it, so that a sentence
//! without one is known to hold none; `corrected` says which ones a user has touched, and what a user called no claim is left out.
//! Where the article's text is no longer kept, its headline and the sentences around the claim stand for it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Serialize;

use super::projected;
use crate::dedup::label::label;
use crate::look::words::short;
use crate::model::{ClaimId, ClaimRecord, DocumentId, Kind, Quote, Span};
use crate::store::{StoredAnalysis, View};
use crate::text::sentence::sentences;

/// A range of code points.
type Range = [usize; 2];

/// An annotated article.
#[derive(Debug, Serialize)]
pub(super) struct Article {
    id: String,
    outlet: String,
    date: String,
    text: String,
    sentences: Vec<Range>,
    claims: Vec<Annotation>,
}

/// An annotated claim.
#[derive(Debug, Serialize)]
struct Annotation {
    id: String,
    kind: Kind,
    cue: Range,
    source: Option<Range>,
    speaker: Option<String>,
    content: Vec<Range>,
    target: Option<String>,
    answers: Vec<String>,
    background: bool,
    corrected: bool,
}

/// What can be trained on.
pub(super) struct Export {
    pub(super) articles: Vec<Article>,
    /// Corrected claims whose words are in no text.
    pub(super) left_out: Vec<ClaimId>,
}

/// The articles of all claims that were ever corrected, what waits in the log included, in order of their documents' arrival.
pub(super) fn articles(view: &View) -> Result<Export> {
    let mut export = Export { articles: Vec::new(), left_out: Vec::new() };
    if view.feedback()?.is_empty() {
        return Ok(export);
    }
    let state = projected(view)?;
    let mut known: BTreeMap<ClaimId, ClaimRecord> =
        view.corrected()?.into_iter().map(|claim| (claim.id, claim)).collect();
    known.extend(state.claims().map(|claim| (claim.id, claim)));
    let wanted: BTreeSet<DocumentId> =
        known.values().filter(|claim| claim.corrected.is_some()).map(|claim| claim.report.document.id).collect();
    let mut documents: BTreeMap<(jiff::Timestamp, DocumentId), Vec<ClaimRecord>> = BTreeMap::new();
    for claim in known.into_values().filter(|claim| wanted.contains(&claim.report.document.id)) {
        let document = &claim.report.document;
        documents.entry((document.first_seen, document.id)).or_default().push(claim);
    }
    for ((_, document), claims) in documents {
        add_document(&mut export, &view.analyses(document)?, claims);
    }
    Ok(export)
}

/// Annotates each kept text of a document with the claims that stand in it; a corrected claim that stands in none, by its evidence.
fn add_document(export: &mut Export, texts: &[StoredAnalysis], mut claims: Vec<ClaimRecord>) {
    for stored in texts {
        let text = Text::of(stored);
        let (here, others): (Vec<ClaimRecord>, Vec<ClaimRecord>) =
            claims.into_iter().partition(|claim| quotes(claim).all(|quote| text.holds(quote)));
        claims = others;
        if here.iter().any(|claim| claim.corrected.is_some()) {
            let placed = here.iter().map(|claim| (claim, Placed::as_reported(claim))).collect();
            export.articles.extend(article(stored.document.to_string(), &text, placed));
        }
    }
    for claim in claims.iter().filter(|claim| claim.corrected.is_some()) {
        let (text, sentence) = Text::of_evidence(claim);
        let id = format!("{}-{}", claim.report.document.id, short(&claim.id));
        let found =
            Placed::in_evidence(claim, &text, sentence).and_then(|placed| article(id, &text, vec![(claim, placed)]));
        match found {
            Some(article) => export.articles.push(article),
            None => export.left_out.push(claim.id),
        }
    }
}

/// All quotes of a claim.
fn quotes(claim: &ClaimRecord) -> impl Iterator<Item = &Quote> {
    let claim = &claim.report.claim;
    std::iter::once(&claim.cue).chain(&claim.source).chain(&claim.content)
}

/// A text by its code points, with its sentences.
struct Text {
    points: Vec<char>,
    sentences: Vec<Range>,
}

impl Text {
    fn of(stored: &StoredAnalysis) -> Self {
        let text = stored.text.as_str();
        let end = if text.starts_with(&stored.headline) { stored.headline.len() } else { 0 };
        // Without the wire's prefix, as it was read.
        let bare = label(&stored.headline).1.len().min(end);
        let at = |byte: usize| text.get(..byte).map_or(0, |head| head.chars().count());
        let found = sentences(text, (end > 0).then(|| Span::new(end - bare, end)));
        Self {
            points: text.chars().collect(),
            sentences: found.into_iter().map(|span| [at(span.start), at(span.end)]).collect(),
        }
    }

    /// The headline and the sentences around a claim; and where its own sentence begins.
    fn of_evidence(claim: &ClaimRecord) -> (Self, usize) {
        let (headline, evidence) = (claim.report.document.headline.as_str(), &claim.report.evidence);
        let mut text = Self { points: Vec::new(), sentences: Vec::new() };
        let mut sentence = 0;
        // A claim of the headline has it as its sentence, one of the lead as the sentence before.
        let is_headline = |piece: &str| !piece.is_empty() && headline.ends_with(piece);
        for (piece, is_own) in
            [(headline, false), (&evidence.before, false), (&evidence.sentence, true), (&evidence.after, false)]
        {
            let is_known = !text.points.is_empty() && is_headline(piece);
            let start = if is_known { text.points.len() - piece.chars().count() } else { text.add(piece) };
            if is_own {
                sentence = start;
            }
        }
        (text, sentence)
    }

    /// Adds a sentence, the headline on a line of its own; gives its first code point.
    fn add(&mut self, piece: &str) -> usize {
        if !self.points.is_empty() && !piece.is_empty() {
            self.points.push(if self.sentences.len() == 1 { '\n' } else { ' ' });
        }
        let start = self.points.len();
        self.points.extend(piece.chars());
        if !piece.is_empty() {
            self.sentences.push([start, self.points.len()]);
        }
        start
    }

    /// Whether the words of a quote stand where it says.
    fn holds(&self, quote: &Quote) -> bool {
        self.is_at(quote.start, &quote.text) && quote.end == quote.start + quote.text.chars().count()
    }

    fn is_at(&self, start: usize, words: &str) -> bool {
        let rest = self.points.get(start..).unwrap_or_default();
        !words.is_empty()
            && rest.len() >= words.chars().count()
            && words.chars().eq(rest.iter().copied().take(words.chars().count()))
    }
}

/// Where a claim stands in a text.
struct Placed {
    cue: Range,
    source: Option<Range>,
    content: Vec<Range>,
}

impl Placed {
    fn as_reported(claim: &ClaimRecord) -> Self {
        let range = |quote: &Quote| [quote.start, quote.end];
        let claim = &claim.report.claim;
        let (source, content) = (claim.source.as_ref().map(range), claim.content.iter().map(range).collect());
        Self { cue: range(&claim.cue), source, content }
    }

    /// The same words in the evidence, whose own sentence begins at `sentence`; nothing where one of them is not there.
    fn in_evidence(claim: &ClaimRecord, text: &Text, sentence: usize) -> Option<Self> {
        let claim = &claim.report.claim;
        let range = |quote: &Quote| {
            let moved = (quote.start + sentence).checked_sub(claim.sentence.start);
            let elsewhere = || (0..text.points.len()).find(|&at| text.is_at(at, &quote.text));
            let start = moved.filter(|&at| text.is_at(at, &quote.text)).or_else(elsewhere)?;
            Some([start, start + quote.text.chars().count()])
        };
        let source = match &claim.source {
            Some(source) => Some(range(source)?),
            None => None,
        };
        Some(Self { cue: range(&claim.cue)?, source, content: claim.content.iter().map(range).collect::<Option<_>>()? })
    }
}

/// An article with its claims in the order of their cues; nothing where there is nothing to say of it.
fn article(id: String, text: &Text, mut placed: Vec<(&ClaimRecord, Placed)>) -> Option<Article> {
    let document = placed.first().map(|(claim, _)| claim.report.document.clone())?;
    placed.retain(|(claim, _)| !claim.is_no_claim());
    placed.sort_by_key(|(claim, placed)| (placed.cue, claim.sequence));
    let names: BTreeMap<ClaimId, String> =
        placed.iter().enumerate().map(|(number, (claim, _))| (claim.id, format!("c{number}"))).collect();
    let annotation = |(claim, placed): (&ClaimRecord, Placed)| Annotation {
        id: names.get(&claim.id).cloned().unwrap_or_default(),
        kind: claim.kind,
        cue: placed.cue,
        source: placed.source,
        speaker: claim.speaker.as_ref().map(|speaker| speaker.name.clone()),
        content: placed.content,
        target: claim.report.claim.target.clone(),
        answers: claim.answers.iter().filter_map(|answered| names.get(answered).cloned()).collect(),
        background: claim.report.claim.background,
        corrected: claim.corrected.is_some(),
    };
    Some(Article {
        id,
        outlet: document.outlet,
        date: document.published.unwrap_or(document.first_seen).strftime("%Y-%m-%d").to_string(),
        text: text.points.iter().collect(),
        sentences: text.sentences.clone(),
        claims: placed.into_iter().map(annotation).collect(),
    })
}
