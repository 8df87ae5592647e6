//! Why a document gave alerts, or why none.

use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::{Explainer, Explanation, Outcome};
use crate::extract::{self, Ground, Verdict, Weighed, WeighedAct};
use crate::look::words::{copies, second, short};
use crate::model::{
    Analysis, Document, DocumentId, DocumentRecord, FeedId, Issue, Kind, OffsetMap, Report, RevisionLabel, SourceInfo,
    Span, Version,
};
use crate::pipeline::{Models, Scope, analyse, weighed};
use crate::store::StoredAnalysis;
use crate::text::embargo::embargo;

/// Of what was found to be no claim, this many are shown.
const NEAREST_MAX: usize = 3;

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
        let models = self.models()?;
        let read = stored.as_ref().map(|stored| analyse(rebuilt(stored), models, Scope::Claims));
        let (outcome, why) = verdict(record.as_ref(), stored.as_ref(), read.as_ref(), &parts);
        let mut explanation = Explanation::new("document", &id, &title, outcome, why);
        match (&record, &stored) {
            (None, None) => bail!("document {id} has left the window"),
            (record, stored) => self.add_facts(&mut explanation, record.as_ref(), stored.as_ref())?,
        }
        if outcome == Outcome::NoClaims {
            let kept = self.read_anew(id)?;
            if let Some(anew) = kept.first() {
                add_nearest(&mut explanation, anew);
            }
        }
        explanation.parts = match &record {
            Some(record) if outcome == Outcome::Kill => self.taken_back(record)?,
            _ => parts,
        };
        Ok(explanation)
    }

    /// The models with the desk's own words, read once.
    fn models(&self) -> Result<&Models> {
        if self.models.get().is_none() {
            let models = Models::embedded().context("the built-in models cannot be read")?;
            self.models.get_or_init(|| models.with_words(&self.own).into());
        }
        self.models.get().map(AsRef::as_ref).context("the built-in models cannot be read")
    }

    /// The kept texts of a document with what is weighed in them now, newest first; worked out once.
    fn read_anew(&self, id: DocumentId) -> Result<Rc<Vec<ReadAnew>>> {
        if let Some(known) = self.read.borrow().get(&id) {
            return Ok(Rc::clone(known));
        }
        let models = self.models()?;
        let hash = models.hash().0;
        let anew = |stored: &StoredAnalysis| {
            let document = rebuilt(stored);
            ReadAnew { weighed: weighed(&document, models), text: document.text, is_by_others: stored.models != hash }
        };
        let found: Rc<Vec<ReadAnew>> = Rc::new(self.view.analyses(id)?.iter().map(anew).collect());
        self.read.borrow_mut().insert(id, Rc::clone(&found));
        Ok(found)
    }

    /// What speaks for a claim that was read as of this kind, read anew from the text that is kept; empty where none is.
    pub(super) fn grounds(&self, report: &Report, kind: Kind) -> Result<String> {
        for anew in self.read_anew(report.document.id)?.iter() {
            let acts = || anew.acts().filter(|(_, act)| act.kind == kind);
            // A claim has the confidence of its surest telling, which need not be the one it is shown by.
            let is_surest = |act: &WeighedAct| (act.confidence.probability() - report.claim.confidence).abs() < 1e-9;
            let is_shown = |one: &Weighed, act: &WeighedAct| {
                one.sentence.of(&anew.text) == report.evidence.sentence
                    && act.cue.of(&anew.text) == report.claim.cue.text
            };
            let found = acts().find(|(_, act)| is_surest(act)).or_else(|| acts().find(|(one, act)| is_shown(one, act)));
            if let Some((sentence, act)) = found {
                let others = if anew.is_by_others { "; read anew, with other models than then" } else { "" };
                return Ok(format!("{}{others}", in_words(&anew.text, sentence, act)));
            }
        }
        Ok(String::new())
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
        explanation.add("text", record.entry_hash.map(|_| "that of its page".to_owned()).unwrap_or_default());
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
fn add_nearest(explanation: &mut Explanation, anew: &ReadAnew) {
    let mut nearest: Vec<(&Weighed, &WeighedAct)> = anew.acts().collect();
    nearest.sort_by_key(|(_, act)| std::cmp::Reverse(act.confidence));
    if nearest.is_empty() {
        explanation.add("nearest", "nothing in it reads like a claim".to_owned());
    }
    for (sentence, act) in nearest.into_iter().take(NEAREST_MAX) {
        let (kind, words) = (act.kind.as_str(), in_words(&anew.text, sentence, act));
        explanation.add("nearest", format!("{kind}, {words}: {}", sentence.sentence.of(&anew.text)));
    }
}

/// A kept text with what is weighed in it now.
pub(super) struct ReadAnew {
    text: String,
    weighed: Vec<Weighed>,
    /// It was read with other models when it came.
    is_by_others: bool,
}

impl ReadAnew {
    fn acts(&self) -> impl Iterator<Item = (&Weighed, &WeighedAct)> {
        self.weighed.iter().flat_map(|one| one.acts.iter().map(move |act| (one, act)))
    }
}

/// An act as it was weighed: \"denied\" 0.91 (as words 0.97, by the sentence 0.99, by the screen 0.98).
fn in_words(text: &str, sentence: &Weighed, act: &WeighedAct) -> String {
    let cue = act.cue.of(text);
    let (confidence, words, whole, screen) = (act.confidence.probability(), act.words, act.whole, sentence.screen);
    let given = match act.given {
        Some(Ground::Wording | Ground::Usage) => ", by its plain wording",
        Some(Ground::Silence) => ", by the silence that it reports",
        Some(Ground::Own) => ", by the config's own words",
        None => "",
    };
    let verdict = match act.verdict {
        Verdict::Claim => "",
        Verdict::Unlikely => "; too unlikely",
        Verdict::Never => "; the config calls such words no claim",
        Verdict::Unsaid => "; the words before it say that it was not said",
        Verdict::Empty => "; it names neither whom it accuses nor of what",
        Verdict::Cut => "; the document holds more claims than are kept",
    };
    format!(
        "\"{cue}\" {confidence:.2} (as words {words:.2}, by the sentence {whole:.2}, by the screen {screen:.2}{given}{verdict})"
    )
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
        release: crate::model::Release::Usable,
        content_hash: stored.content_hash.parse().unwrap_or(crate::model::ContentHash::of(&[])),
        entry_hash: None,
        is_baseline: false,
        topics: Vec::new(),
        version: Version::default(),
        label: RevisionLabel::None,
        trace: None,
    }
}
