//! Why a document gave alerts, or why none.

use anyhow::{Context as _, Result, bail};

use super::{Explainer, Explanation, Outcome};
use crate::dedup::label::label;
use crate::extract;
use crate::look::words::{copies, second, short};
use crate::model::{
    Analysis, Document, DocumentId, DocumentRecord, FeedId, Issue, OffsetMap, RevisionLabel, SourceInfo, Span,
};
use crate::pipeline::{Models, Scope, analyse};
use crate::store::StoredAnalysis;
use crate::text::embargo::embargo;

/// Of what was found to be no claim, this many are shown.
const CONSIDERED_MAX: usize = 3;

impl Explainer<'_> {
    pub(super) fn document(&self, id: DocumentId) -> Result<Explanation> {
        let record = self.view.document(id)?;
        let mut texts = self.view.analyses(id)?;
        let at = record.as_ref().and_then(|record| {
            let hash = record.content_hash.to_string();
            texts.iter().position(|text| text.content_hash == hash)
        });
        let stored = if texts.is_empty() { None } else { Some(texts.swap_remove(at.unwrap_or(0))) };
        let claims = record.as_ref().map(|record| record.claims.clone()).unwrap_or_default();
        let parts = self.claims(&claims, Some(id))?;
        let title = stored.as_ref().map(|stored| stored.headline.clone()).unwrap_or_default();
        let models = Models::embedded().context("the built-in models cannot be read")?.with_words(&self.own);
        let read = stored.as_ref().map(|stored| analyse(rebuilt(stored), &models, Scope::Claims));
        let (outcome, why) = verdict(record.as_ref(), stored.as_ref(), read.as_ref(), &parts);
        let mut explanation = Explanation::new("document", &id, &title, outcome, why);
        match (&record, &stored) {
            (None, None) => bail!("document {id} has left the window"),
            (record, stored) => self.add_facts(&mut explanation, record.as_ref(), stored.as_ref())?,
        }
        if let Some(read) = read.filter(|_| outcome == Outcome::NoClaims) {
            add_considered(&mut explanation, &read, &models);
        }
        explanation.parts = match &record {
            Some(record) if outcome == Outcome::Kill => self.taken_back(record)?,
            _ => parts,
        };
        Ok(explanation)
    }

    /// The claims of a killed story.
    fn taken_back(&self, record: &DocumentRecord) -> Result<Vec<Explanation>> {
        let documents = self.view.documents_of(record.story)?;
        self.claims(&documents.into_iter().flat_map(|document| document.claims).collect(), None)
    }

    fn add_facts(
        &self,
        explanation: &mut Explanation,
        record: Option<&DocumentRecord>,
        stored: Option<&StoredAnalysis>,
    ) -> Result<()> {
        if let Some(stored) = stored {
            explanation.add("outlet", format!("{} (feed {})", stored.outlet, stored.feed));
            explanation.add("url", stored.url.clone().unwrap_or_default());
            explanation.add("published", stored.published.map(second).unwrap_or_default());
            explanation.add("first seen", second(stored.first_seen));
            let stated = stored.published.unwrap_or(stored.first_seen);
            let until = embargo(&stored.text, stated).map(|embargo| embargo.end(stored.first_seen));
            explanation.add("embargo", until.map(|until| format!("until {}", second(until))).unwrap_or_default());
        }
        let Some(record) = record else { return Ok(()) };
        if record.revision > 0 {
            explanation.add("revision", record.revision.to_string());
        }
        if let Some(story) = self.view.story(record.story)? {
            let outlets = story.outlets.join(", ");
            explanation.add("story", format!("{} {} at {outlets}", short(&story.id), copies(story.copies)));
        }
        Ok(())
    }
}

/// What became of a document: first what keeps all of it back, then what its claims say.
fn verdict(
    record: Option<&DocumentRecord>,
    stored: Option<&StoredAnalysis>,
    read: Option<&Analysis>,
    parts: &[Explanation],
) -> (Outcome, String) {
    let best = parts.iter().min_by_key(|part| part.outcome);
    if let Some(best) = best.filter(|best| best.outcome <= Outcome::Rode) {
        let why = match best.outcome {
            Outcome::Held => best.why.clone(),
            _ => "it gave the alerts of the claims below".to_owned(),
        };
        return (best.outcome, why);
    }
    if stored.is_some_and(|stored| stored.models.is_empty()) {
        return (Outcome::SetAside, "reading it failed: its text was set aside (the log has the reason)".to_owned());
    }
    match read.map(|read| read.label) {
        Some(RevisionLabel::Kill) => {
            let why = "it is a kill notice: it takes back what its story said and claims nothing itself";
            return (Outcome::Kill, why.to_owned());
        }
        Some(RevisionLabel::Advisory) => {
            return (Outcome::Advisory, "it is a note to editors, not copy".to_owned());
        }
        _ => {}
    }
    if record.is_some_and(|record| record.is_baseline) {
        let why = "it was part of its feed's first fetch, which is known and not news (backfill widens that)";
        return (Outcome::Baseline, why.to_owned());
    }
    let language = read.and_then(|read| read.issues.iter().find(|issue| matches!(issue, Issue::Language(_))));
    if let Some(Issue::Language(language)) = language {
        return (Outcome::Language, format!("it is not in English ({language}): no claims were looked for"));
    }
    match best {
        Some(best) => (best.outcome, best.why.clone()),
        None if record.is_none_or(|record| !record.claims.is_empty()) => {
            (Outcome::Forgotten, "it or its claims have left the window; what they gave is not known".to_owned())
        }
        None => {
            let least = extract::confidence_min().probability();
            (
                Outcome::NoClaims,
                format!("no claim was found in it: they need a confidence of {least:.2} and something that is claimed"),
            )
        }
    }
}

/// What came nearest to being a claim.
fn add_considered(explanation: &mut Explanation, read: &Analysis, models: &Models) {
    let text = &read.document.text;
    let bare = label(read.document.headline_text()).1;
    let headline = read.document.headline.map(|span| Span::new(span.end - bare.len().min(span.len()), span.end));
    let considered = extract::considered(text, headline, &read.sentences, models);
    if considered.is_empty() {
        explanation.add("nearest", "nothing in it reads like a claim".to_owned());
    }
    for one in considered.iter().take(CONSIDERED_MAX) {
        let sentence = one.sentence.of(text);
        let confidence = one.confidence.probability();
        explanation.add("nearest", format!("{} {confidence:.2}: {sentence}", one.kind.as_str()));
    }
}

/// The document that an analysis was made of, as far as its reading goes.
fn rebuilt(stored: &StoredAnalysis) -> Document {
    let length = stored.headline.len();
    let has_headline = length > 0 && stored.text.starts_with(&stored.headline);
    Document {
        id: stored.document,
        source: SourceInfo { feed: FeedId::new(stored.feed.as_str()), outlet: stored.outlet.clone() },
        agency: None,
        via: None,
        url: stored.url.clone(),
        headline: has_headline.then(|| Span::new(0, length)),
        text: stored.text.clone(),
        offsets: OffsetMap::default(),
        published: stored.published,
        first_seen: stored.first_seen,
        embargo_until: None,
        content_hash: stored.content_hash.parse().unwrap_or(crate::model::ContentHash::of(&[])),
        is_baseline: false,
    }
}
