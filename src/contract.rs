//! From spans in bytes to the contract's quotes in code points: the one place where offsets are converted.

use crate::extract::{Ground, Verdict, Weighed, WeighedAct};
use crate::model::{
    AlertClaim, AlertDocument, Analysis, Claim, ClaimId, ClaimSpeaker, Document, Evidence, ExplainedAct,
    ExplainedSentence, ExtractedClaim, Offsets, Quote, Report, Span, Speaker,
};

/// Converts byte offsets of one text into code points.
struct CodePoints<'a> {
    text: &'a str,
}

impl CodePoints<'_> {
    fn at(&self, byte: usize) -> usize {
        self.text.get(..byte).map_or(0, |head| head.chars().count())
    }

    fn offsets(&self, span: Span) -> Offsets {
        let start = self.at(span.start);
        Offsets { start, end: start + span.of(self.text).chars().count() }
    }

    fn quote(&self, span: Span) -> Quote {
        let Offsets { start, end } = self.offsets(span);
        Quote { text: span.of(self.text).to_owned(), start, end }
    }
}

fn speaker(speaker: &Speaker) -> ClaimSpeaker {
    ClaimSpeaker { name: speaker.name.clone(), role: speaker.role.clone(), via: speaker.via.clone() }
}

/// The claim at `position` of an analysis as `gainsay extract` prints it; `label` is the document's id as given.
pub fn extracted_claim(analysis: &Analysis, position: usize, claim: &Claim, label: &str) -> ExtractedClaim {
    let points = CodePoints { text: &analysis.document.text };
    let attribution = &claim.attribution;
    let name = |position: usize| format!("c{}", position + 1);
    ExtractedClaim {
        document: label.to_owned(),
        id: name(position),
        kind: claim.kind,
        cue: points.quote(attribution.cue),
        source: attribution.source.map(|span| points.quote(span)),
        speaker: claim.speaker.as_ref().map(speaker),
        content: attribution.content.iter().map(|&span| points.quote(span)).collect(),
        target: claim.target.clone(),
        basis: claim.basis,
        answers: claim.answers.iter().map(|&answered| name(answered)).collect(),
        background: claim.is_background,
        confidence: claim.confidence.probability(),
        sentence: points.offsets(attribution.sentence),
    }
}

/// A sentence and what was weighed in it as `gainsay extract --explain` prints it; `label` is the document's id as given.
pub fn weighed_sentence(document: &Document, weighed: &Weighed, label: &str) -> ExplainedSentence {
    let points = CodePoints { text: &document.text };
    let rounded = |probability: f32| (f64::from(probability) * 1e5).round() / 1e5;
    let act = |act: &WeighedAct| ExplainedAct {
        kind: act.kind,
        cue: points.quote(act.cue),
        words: rounded(act.words),
        whole: rounded(act.whole),
        given: act.given.map(|ground| match ground {
            Ground::Wording | Ground::Usage => "wording".to_owned(),
            Ground::Silence => "silence".to_owned(),
            Ground::Own => "own".to_owned(),
        }),
        confidence: act.confidence.probability(),
        verdict: match act.verdict {
            Verdict::Claim => "claim".to_owned(),
            Verdict::Unlikely => "unlikely".to_owned(),
            Verdict::Never => "never".to_owned(),
            Verdict::Unsaid => "unsaid".to_owned(),
            Verdict::Empty => "empty".to_owned(),
            Verdict::Cut => "cut".to_owned(),
        },
    };
    ExplainedSentence {
        document: label.to_owned(),
        sentence: points.quote(weighed.sentence),
        screen: rounded(weighed.screen),
        judged: weighed.is_judged,
        weighed: weighed.acts.iter().map(act).collect(),
    }
}

/// How a document reports a claim, for alerts: the claim under its global id with the words around it.
pub fn report(analysis: &Analysis, claim: &Claim, id: ClaimId, revision: u32) -> Report {
    let document = &analysis.document;
    let points = CodePoints { text: &document.text };
    let attribution = &claim.attribution;
    Report {
        claim: AlertClaim {
            document: document.id,
            id,
            kind: claim.kind,
            cue: points.quote(attribution.cue),
            source: attribution.source.map(|span| points.quote(span)),
            speaker: claim.speaker.as_ref().map(speaker),
            content: attribution.content.iter().map(|&span| points.quote(span)).collect(),
            target: claim.target.clone(),
            basis: claim.basis,
            answers: Vec::new(),
            background: claim.is_background,
            confidence: claim.confidence.probability(),
            sentence: points.offsets(attribution.sentence),
            language: analysis.language.clone(),
            revision,
            supersedes: revision.checked_sub(1).filter(|&earlier| earlier > 0),
        },
        evidence: evidence(analysis, attribution.sentence),
        document: alert_document(document),
    }
}

/// The first place of a name in a report's sentence, as a quote; nothing where the sentence does not hold it as whole words.
pub fn quote_in_sentence(report: &Report, words: &str) -> Option<Quote> {
    let sentence = report.evidence.sentence.as_str();
    let is_of_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let is_whole = |at: &usize| {
        let (before, from) = (sentence.get(..*at).unwrap_or_default(), sentence.get(*at..).unwrap_or_default());
        let after = from.get(words.len()..).unwrap_or_default();
        !is_of_word(before.chars().next_back()) && !is_of_word(after.chars().next())
    };
    let (at, _) = sentence.match_indices(words).find(|(at, _)| !words.is_empty() && is_whole(at))?;
    let start = report.claim.sentence.start + CodePoints { text: sentence }.at(at);
    Some(Quote { text: words.to_owned(), start, end: start + words.chars().count() })
}

fn evidence(analysis: &Analysis, sentence: Span) -> Evidence {
    let text = &analysis.document.text;
    let position = analysis.sentences.iter().position(|other| other.contains(sentence));
    let neighbour = |position: Option<usize>| {
        position.and_then(|index| analysis.sentences.get(index)).map_or("", |span| span.of(text)).to_owned()
    };
    Evidence {
        sentence: sentence.of(text).to_owned(),
        before: neighbour(position.and_then(|index| index.checked_sub(1))),
        after: neighbour(position.map(|index| index + 1)),
    }
}

/// A document as an alert shows it.
pub fn alert_document(document: &Document) -> AlertDocument {
    AlertDocument {
        id: document.id,
        url: document.url.clone(),
        headline: document.headline_text().to_owned(),
        outlet: document.source.outlet.clone(),
        agency: document.agency.clone(),
        via: document.via.clone(),
        published: document.published,
        first_seen: document.first_seen,
        embargo_until: document.embargo_until,
        topics: document.topics.clone(),
    }
}
