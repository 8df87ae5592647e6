//! `KnownClaim`: a claim as the desk holds it, by the hundred thousand: what is looked at of many claims at once lies open, the words,
//! which are looked at of a few, are folded into few bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AlertedAs, ClaimId, ClaimRecord, Corrected, Kind, Proposition, Report, SortedSet, Speaker, StoryId, ThreadId,
    Wording,
};

/// Bytes of the words of most claims: so much is set aside while they are written.
const WRITTEN_BYTES: usize = 4096;

/// The words of a claim, and when they came; see [`ClaimRecord`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimText {
    /// Who.
    pub speaker: Option<Speaker>,
    /// What.
    pub proposition: Proposition,
    /// Wordings that corrections have replaced, oldest first.
    pub former: Vec<Wording>,
    /// How it was reported at first sight or by the last correction.
    pub report: Report,
    /// When first seen.
    pub first_seen: Timestamp,
}

/// A claim known across documents, as [`ClaimRecord`] has it in full.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "ClaimRecord")]
pub struct KnownClaim {
    /// Fixed at first sight.
    pub id: ClaimId,
    /// Kind of act.
    pub kind: Kind,
    /// The report says that the speaker has NOT denied.
    pub is_negated_denial: bool,
    /// Withdrawn by its outlet (kill, correction).
    pub is_withdrawn: bool,
    /// It was reported as an old act.
    pub is_background: bool,
    has_embargo: bool,
    /// Stories that carry it.
    pub stories: SortedSet<StoryId>,
    /// The thread in which its alerts stand.
    pub thread: ThreadId,
    /// All its threads.
    pub threads: SortedSet<ThreadId>,
    /// Allegations it answers.
    pub answers: SortedSet<ClaimId>,
    /// When last seen.
    pub last_seen: Timestamp,
    /// Order of creation.
    pub sequence: u64,
    /// What a user has corrected of it.
    pub corrected: Option<Box<Corrected>>,
    /// In order of the sinks' names.
    alerted: Box<[(Box<str>, AlertedAs)]>,
    /// A [`ClaimText`].
    text: Box<[u8]>,
}

impl KnownClaim {
    /// Its words, unfolded: some microseconds' work.
    ///
    /// # Panics
    /// Never: what was folded here unfolds.
    #[expect(clippy::expect_used, reason = "they were folded here")]
    pub fn text(&self) -> ClaimText {
        let bytes = lz4_flex::block::decompress_size_prepended(&self.text).expect("what was folded unfolds");
        postcard::from_bytes(&bytes).expect("what was folded unfolds")
    }

    /// The end of its document's embargo.
    pub fn embargo_until(&self) -> Option<Timestamp> {
        self.has_embargo.then(|| self.text().report.document.embargo_until).flatten()
    }

    /// The claim in full.
    pub fn record(&self) -> ClaimRecord {
        let ClaimText { speaker, proposition, former, report, first_seen } = self.text();
        ClaimRecord {
            id: self.id,
            kind: self.kind,
            speaker,
            proposition,
            former,
            report,
            is_negated_denial: self.is_negated_denial,
            is_withdrawn: self.is_withdrawn,
            alerted: self.alerted(),
            stories: self.stories.iter().copied().collect(),
            thread: self.thread,
            threads: self.threads.iter().copied().collect(),
            answers: self.answers.iter().copied().collect(),
            first_seen,
            last_seen: self.last_seen,
            sequence: self.sequence,
            corrected: self.corrected.as_deref().cloned(),
        }
    }

    /// Changes how it is reported.
    pub fn change_report(&mut self, change: impl FnOnce(&mut Report)) {
        let mut text = self.text();
        change(&mut text.report);
        self.is_background = text.report.claim.background;
        self.has_embargo = text.report.document.embargo_until.is_some();
        self.text = folded(&text);
    }

    /// Sinks that were alerted of it, and how.
    pub fn alerted(&self) -> BTreeMap<String, AlertedAs> {
        self.alerted.iter().map(|(sink, part)| (sink.to_string(), *part)).collect()
    }

    /// Names of the sinks that were alerted of it, in order.
    pub fn sinks(&self) -> impl ExactSizeIterator<Item = &str> {
        self.alerted.iter().map(|(sink, _)| &**sink)
    }

    /// Whether a sink was alerted of it.
    pub fn was_alerted(&self, sink: &str) -> bool {
        self.sinks().any(|known| known == sink)
    }

    /// Notes that a sink was alerted of it. False where that, or more, was known.
    pub fn note_alerted(&mut self, sink: &str, part: AlertedAs) -> bool {
        let mut alerted = std::mem::take(&mut self.alerted).into_vec();
        let is_new = match alerted.binary_search_by(|(known, _)| (**known).cmp(sink)) {
            Err(place) => {
                alerted.reserve_exact(1);
                alerted.insert(place, (sink.into(), part));
                true
            }
            Ok(place) => {
                alerted.get_mut(place).is_some_and(|(_, known)| std::mem::replace(known, part.max(*known)) < part)
            }
        };
        self.alerted = alerted.into_boxed_slice();
        is_new
    }

    /// Its speaker by its words, and who was read before a user corrected that.
    pub fn speakers<'a>(&'a self, text: &'a ClaimText) -> impl Iterator<Item = Option<&'a Speaker>> {
        let read = self.corrected.as_ref().filter(|corrected| corrected.is_speaker);
        std::iter::once(text.speaker.as_ref()).chain(read.map(|corrected| corrected.read.speaker.as_ref()))
    }

    /// Whether another is of one kind with it and has the same words.
    pub fn reads_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }

    /// Whether a user said that it is no claim at all.
    pub fn is_no_claim(&self) -> bool {
        self.corrected.as_ref().is_some_and(|corrected| corrected.is_no_claim)
    }

    /// The kind as it was read.
    pub fn read_kind(&self) -> Kind {
        self.corrected.as_ref().map_or(self.kind, |corrected| corrected.read.kind)
    }

    /// Whether a document that is read so may repeat it: as it stands, or as it was read before a user corrected it.
    pub fn may_read(&self, kind: Kind, is_negated_denial: bool) -> bool {
        let read = self.corrected.as_ref().map(|corrected| (corrected.read.kind, corrected.read.is_negated_denial));
        [Some((self.kind, self.is_negated_denial)), read].contains(&Some((kind, is_negated_denial)))
    }
}

impl From<ClaimRecord> for KnownClaim {
    fn from(record: ClaimRecord) -> Self {
        let ClaimRecord { speaker, proposition, former, report, first_seen, .. } = record;
        Self {
            id: record.id,
            kind: record.kind,
            is_negated_denial: record.is_negated_denial,
            is_withdrawn: record.is_withdrawn,
            is_background: report.claim.background,
            has_embargo: report.document.embargo_until.is_some(),
            stories: record.stories.into_iter().collect(),
            thread: record.thread,
            // Files of before there could be several have none.
            threads: record.threads.into_iter().chain([record.thread]).collect(),
            answers: record.answers.into_iter().collect(),
            last_seen: record.last_seen,
            sequence: record.sequence,
            corrected: record.corrected.map(Box::new),
            alerted: record.alerted.into_iter().map(|(sink, part)| (sink.into(), part)).collect(),
            text: folded(&ClaimText { speaker, proposition, former, report, first_seen }),
        }
    }
}

/// Words say much twice: the content stands in the sentence, names in both. The bytes get an allocation of their own length: the room for
/// their growth is free again for the next.
#[expect(clippy::expect_used, reason = "texts, numbers and lists of them can all be written")]
fn folded(text: &ClaimText) -> Box<[u8]> {
    let bytes = postcard::to_extend(text, Vec::with_capacity(WRITTEN_BYTES)).expect("words can be written");
    lz4_flex::block::compress_prepend_size(&bytes).as_slice().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertClaim, AlertDocument, Basis, ClaimSpeaker, DocumentId, Evidence, Offsets, Quote};

    fn record() -> ClaimRecord {
        let id = ClaimId::of(&[b"1"]);
        let quote = |text: &str| Quote { text: text.to_owned(), start: 3, end: 9 };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let speaker = Speaker { name: "Ada Quell".into(), role: Some("minister".into()), via: None, affiliation: None };
        let proposition = Proposition {
            text: "she took the money".into(),
            terms: vec!["money".into(), "take".into()],
            entities: Vec::new(),
            is_negated: true,
        };
        let document = DocumentId::of(&[b"d"]);
        let claim = AlertClaim {
            document,
            id,
            kind: Kind::Allegation,
            cue: quote("accused"),
            source: Some(quote("Ada Quell")),
            speaker: Some(ClaimSpeaker { name: "Ada Quell".into(), role: None, via: Some("Arle Wire".into()) }),
            content: vec![quote("she took"), quote("the money")],
            target: Some("Orrin Freight".into()),
            basis: Some(Basis::Charge),
            answers: vec![ClaimId::of(&[b"2"])],
            background: false,
            confidence: 0.97,
            sentence: Offsets { start: 0, end: 80 },
            language: "eng".into(),
            revision: 2,
            supersedes: Some(1),
        };
        let evidence =
            Evidence { sentence: "Zoë “took”.".into(), before: String::new(), after: "\u{202e}\n".into() };
        let document = AlertDocument {
            id: document,
            url: Some("https://arle.example/1".into()),
            headline: "Minister accused".into(),
            outlet: "Arle Star".into(),
            agency: None,
            via: None,
            published: Some(Timestamp::MIN),
            first_seen: at("2026-03-31T08:00:00.123456789Z"),
            embargo_until: Some(Timestamp::MAX),
            topics: vec!["courts".into()],
        };
        let thread = ThreadId::of(&[b"t"]);
        let mut record = ClaimRecord {
            id,
            kind: Kind::Allegation,
            speaker: Some(speaker.clone()),
            proposition: proposition.clone(),
            former: vec![Wording { speaker: None, proposition }],
            report: Report { claim, evidence, document },
            is_negated_denial: true,
            is_withdrawn: true,
            alerted: [("b".to_owned(), AlertedAs::Rider), ("a".to_owned(), AlertedAs::Subject)].into(),
            stories: [StoryId::of(&[b"s"]), StoryId::of(&[b"r"])].into(),
            thread,
            threads: [thread, ThreadId::of(&[b"u"])].into(),
            answers: [ClaimId::of(&[b"2"])].into(),
            first_seen: at("2026-03-31T08:00:00Z"),
            last_seen: at("2026-04-01T08:00:00Z"),
            sequence: 7,
            corrected: None,
        };
        record.corrected_mut().links.insert(ClaimId::of(&[b"2"]), true);
        record
    }

    #[test]
    fn what_is_folded_unfolds_to_the_last_bit() {
        let record = record();
        let known = KnownClaim::from(record.clone());
        assert_eq!(known.record(), record);
        assert_eq!(known.embargo_until(), Some(Timestamp::MAX));
        let written = serde_json::to_string(&record).unwrap();
        assert!(known.text.len() < written.len() / 2, "{} of {}", known.text.len(), written.len());
        assert_eq!(serde_json::from_str::<KnownClaim>(&written).unwrap(), known);
        let mut changed = known.clone();
        changed.change_report(|report| (report.claim.background, report.document.embargo_until) = (true, None));
        assert_eq!((changed.is_background, changed.embargo_until(), changed.reads_as(&known)), (true, None, false));
    }

    /// The form in which words are kept tells no fields apart: one that is left out when it is empty would shift all that follow.
    #[test]
    fn what_is_not_known_unfolds_as_such() {
        let mut bare = record();
        (bare.speaker, bare.proposition) = (None, Proposition::default());
        bare.former = vec![Wording { speaker: None, proposition: Proposition::default() }];
        let Report { claim, document, .. } = &mut bare.report;
        (claim.source, claim.speaker, claim.target, claim.basis, claim.supersedes) = (None, None, None, None, None);
        (claim.content, claim.answers) = (Vec::new(), Vec::new());
        (document.url, document.via, document.agency) = (None, None, None);
        (document.published, document.embargo_until, document.topics) = (None, None, Vec::new());
        let known = KnownClaim::from(bare.clone());
        assert_eq!((known.embargo_until(), known.record()), (None, bare));
    }

    #[test]
    fn a_sink_that_was_alerted_more_fully_is_noted_once() {
        let mut known = KnownClaim::from(record());
        let noted =
            [("a", AlertedAs::Rider), ("b", AlertedAs::Subject), ("b", AlertedAs::Subject), ("aa", AlertedAs::Rider)];
        assert_eq!(noted.map(|(sink, part)| known.note_alerted(sink, part)), [false, true, false, true]);
        assert!(known.was_alerted("aa") && !known.was_alerted("c"));
        assert_eq!(known.sinks().collect::<Vec<_>>(), ["a", "aa", "b"]);
        assert_eq!(known.alerted()["b"], AlertedAs::Subject);
    }
}
