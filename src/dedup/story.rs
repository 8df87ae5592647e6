//! Stories: copies in, one by one in order of arrival, the story each belongs to out; called by `pipeline::step`.
//!
//! A story's record is bounded: its fingerprint by the bytes that are looked at, its outlets, agencies and texts in number. How many stories there
//! are is bounded by whoever keeps them ([`Stories::forget_before`], [`Stories::forget_oldest`]); what the index holds is linear in their
//! fingerprints, and what it finds for one copy is bounded by its shingles, however many stories share them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::compare::Similarity;
use super::fingerprint::thinned;
use super::index::{Index, Slot};
use crate::model::{DocumentId, Fingerprint, RevisionLabel, StoryId, StoryRecord};

/// Candidates compared in full.
const CANDIDATES_MAX: usize = 8;
/// Least weight in common for a candidate.
const CANDIDATE_WEIGHT_MIN: f32 = 0.3;
/// Log odds from which two fingerprints are one story.
const SAME_STORY_SCORE_MIN: f32 = 0.5;
/// Share of the headline's words that a round-up must share with copy that does not call itself one: it holds the leads of
/// many stories and is none of them.
const ROUNDUP_TITLE_MIN: f32 = 0.75;
/// Share of the lesser body that two round-ups must share: their headlines are all alike.
const ROUNDUPS_BODY_MIN: f32 = 0.5;
/// Stories looked through for the one that a kill notice, which shares no text with it, names in its headline.
const KILL_SEARCH_MAX: usize = 5_000;
/// Share of the headline's words by which a kill notice finds its story.
const KILL_TITLE_MIN: f32 = 0.75;
/// Outlets remembered of one story.
const OUTLETS_MAX: usize = 1_000;
/// Texts remembered of one story.
const TEXTS_MAX: usize = 256;
/// Words from which a text is known again by its hash: shorter ones ("More to follow") say nothing of their story.
const TEXT_WORDS_MIN: u32 = 30;

/// Log odds from which a copy belongs to the story that has its address: the address says much, but feeds also give every entry
/// of a live page one address.
const SAME_ADDRESS_SCORE_MIN: f32 = -4.5;
/// Agencies remembered of one story.
const AGENCIES_MAX: usize = 8;

/// One copy as it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Copy<'a> {
    /// Its document.
    pub document: DocumentId,
    /// Who carries it.
    pub outlet: &'a str,
    /// The agency that it is credited to.
    pub agency: Option<&'a str>,
    /// Its fingerprint.
    pub fingerprint: &'a Fingerprint,
    /// What the wire says it is.
    pub label: RevisionLabel,
    /// The story of an earlier text of the same document.
    pub known_story: Option<StoryId>,
    /// The story of another document with the same canonical address.
    pub same_address: Option<StoryId>,
}

/// How much a copy has in common with a story, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// Too little even for one address.
    None,
    /// As much as makes them one where they have one address.
    ByAddress,
    /// As much as makes them one.
    ByText,
}

/// Where a copy was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its story.
    pub story: StoryId,
    /// The copy opened the story.
    pub is_new: bool,
    /// What the copy is to the story: its own label, but that nobody takes back what another outlet or agency wrote.
    pub label: RevisionLabel,
    /// The story is killed: what a late copy of it says is void.
    pub is_killed: bool,
    /// The story's revision now.
    pub revision: u32,
}

/// The stories of the window. All that the index knows is derived from the records, so that stories restored from the store
/// behave as those that were never put away.
#[derive(Debug, Default)]
pub struct Stories {
    table: Vec<Option<StoryRecord>>,
    free: Vec<Slot>,
    by_id: FxHashMap<StoryId, Slot>,
    /// Longest unseen first, by [`instant`], then in order of creation (`sequence`).
    by_last_seen: BTreeMap<(i64, u64), Slot>,
    /// Each whole text with the `sequence` of a story that holds it: edits can bring one text into any number of them.
    by_text: BTreeMap<(u64, u64), Slot>,
    /// `sequence` of the next story.
    next: u64,
    index: Index,
}

impl Stories {
    /// No stories yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stories of these records, which an earlier version may have written.
    pub fn restore(mut records: Vec<StoryRecord>) -> Self {
        records.sort_by_key(|story| story.sequence);
        let mut stories = Self::new();
        for mut record in records {
            record.fingerprint = thinned(&record.fingerprint);
            stories.put_back(record);
        }
        stories
    }

    /// Puts a record back. Records come in order of `sequence`.
    fn put_back(&mut self, record: StoryRecord) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.table.push(None);
            Slot::try_from(self.table.len() - 1).unwrap_or(Slot::MAX)
        });
        self.index.add(slot, &record.fingerprint);
        self.by_id.insert(record.id, slot);
        self.by_last_seen.insert((instant(record.last_seen), record.sequence), slot);
        self.by_text.extend(record.texts.iter().map(|text| ((*text, record.sequence), slot)));
        self.next = self.next.max(record.sequence.saturating_add(1));
        if let Some(place) = self.table.get_mut(slot as usize) {
            *place = Some(record);
        }
    }

    /// Finds the story of a copy, or opens one.
    pub fn place(&mut self, copy: &Copy<'_>, now: Timestamp) -> Placement {
        match self.find(copy) {
            Some(slot) => self.join(slot, copy, now),
            None => self.open(copy, now),
        }
    }

    /// How much a copy has in common with a story; `None` where that is forgotten.
    pub fn kinship(&self, copy: &Copy<'_>, story: StoryId) -> Option<Kinship> {
        let score = self.score(copy, self.get(story)?);
        Some(match score {
            SAME_STORY_SCORE_MIN.. => Kinship::ByText,
            SAME_ADDRESS_SCORE_MIN.. => Kinship::ByAddress,
            _ => Kinship::None,
        })
    }

    /// The record of a story.
    pub fn get(&self, id: StoryId) -> Option<&StoryRecord> {
        self.by_id.get(&id).and_then(|slot| self.record(*slot))
    }

    /// Forgets the stories of which no copy was seen since `limit`, and says which, in order of id.
    pub fn forget_before(&mut self, limit: Timestamp) -> Vec<StoryId> {
        self.forget(self.by_last_seen.range(..(instant(limit), 0)).map(|(_, slot)| *slot).collect())
    }

    /// Forgets so many stories, longest unseen first and then the eldest, and says which, in order of id.
    pub fn forget_oldest(&mut self, count: usize) -> Vec<StoryId> {
        self.forget(self.by_last_seen.values().take(count).copied().collect())
    }

    /// The clock had been ahead: no story was seen later than now. Gives those that this changes, eldest first.
    pub fn set_back(&mut self, now: Timestamp) -> Vec<StoryRecord> {
        let ahead: Vec<((i64, u64), Slot)> =
            self.by_last_seen.range((instant(now), u64::MAX)..).map(|(key, slot)| (*key, *slot)).collect();
        let mut changed = Vec::with_capacity(ahead.len());
        for (key, slot) in ahead {
            self.by_last_seen.remove(&key);
            self.by_last_seen.insert((instant(now), key.1), slot);
            if let Some(record) = self.table.get_mut(slot as usize).and_then(Option::as_mut) {
                record.last_seen = now;
                changed.push(record.clone());
            }
        }
        changed.sort_by_key(|record| record.sequence);
        changed
    }

    /// How many stories there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn forget(&mut self, gone: Vec<Slot>) -> Vec<StoryId> {
        let records: Vec<(Slot, StoryRecord)> =
            gone.into_iter().filter_map(|slot| Some((slot, self.table.get_mut(slot as usize)?.take()?))).collect();
        let fingerprints: Vec<(Slot, &Fingerprint)> =
            records.iter().map(|(slot, record)| (*slot, &record.fingerprint)).collect();
        self.index.remove_all(&fingerprints);
        let mut ids: Vec<StoryId> = Vec::with_capacity(records.len());
        for (slot, record) in &records {
            self.by_id.remove(&record.id);
            self.by_last_seen.remove(&(instant(record.last_seen), record.sequence));
            for text in &record.texts {
                self.by_text.remove(&(*text, record.sequence));
            }
            self.free.push(*slot);
            ids.push(record.id);
        }
        ids.sort_unstable();
        ids
    }

    fn record(&self, slot: Slot) -> Option<&StoryRecord> {
        self.table.get(slot as usize).and_then(Option::as_ref)
    }

    /// When the story was created, in order.
    fn sequence(&self, slot: Slot) -> u64 {
        self.record(slot).map_or(u64::MAX, |record| record.sequence)
    }

    /// The known story; else that of the same text; else that of the same address, where the texts are not wholly different; else the most similar one, the elder of two equals; else, for a kill notice,
    /// the one it names.
    fn find(&self, copy: &Copy<'_>) -> Option<Slot> {
        let known = copy.known_story.and_then(|id| self.by_id.get(&id).copied());
        if let Some(slot) = known.or_else(|| self.of_text(known_text(copy)?)).or_else(|| self.of_address(copy)) {
            return Some(slot);
        }
        let mut candidates = self.index.candidates(copy.fingerprint);
        candidates.retain(|(_, weight)| *weight >= CANDIDATE_WEIGHT_MIN);
        candidates.sort_by(|(a, left), (b, right)| {
            right.total_cmp(left).then_with(|| self.sequence(*a).cmp(&self.sequence(*b)))
        });
        candidates.truncate(CANDIDATES_MAX);
        let mut best: Option<(f32, Slot)> = None;
        for (slot, _) in candidates {
            let Some(record) = self.record(slot) else { continue };
            let is_elder = |than: Slot| self.sequence(slot) < self.sequence(than);
            let score = self.score(copy, record);
            if score >= SAME_STORY_SCORE_MIN
                && best.is_none_or(|(most, of)| score > most || (score - most).abs() < f32::EPSILON && is_elder(of))
            {
                best = Some((score, slot));
            }
        }
        best.map(|(_, slot)| slot).or_else(|| self.find_killed(copy))
    }

    /// The eldest story that holds a text.
    fn of_text(&self, text: u64) -> Option<Slot> {
        self.by_text.range((text, 0)..=(text, u64::MAX)).next().map(|(_, slot)| *slot)
    }

    /// The story of the copy's address, where the texts have something in common.
    fn of_address(&self, copy: &Copy<'_>) -> Option<Slot> {
        let slot = *self.by_id.get(&copy.same_address?)?;
        (self.score(copy, self.record(slot)?) >= SAME_ADDRESS_SCORE_MIN).then_some(slot)
    }

    /// Log odds that the copy belongs to the story.
    fn score(&self, copy: &Copy<'_>, record: &StoryRecord) -> f32 {
        let similarity = self.similarity(copy, record);
        let is_roundup = |label| label == RevisionLabel::Wrapup;
        let is_excluded = match (is_roundup(copy.label), is_roundup(record.label)) {
            (false, false) => false,
            (true, true) => similarity.body < ROUNDUPS_BODY_MIN,
            _ => similarity.title < ROUNDUP_TITLE_MIN,
        };
        if is_excluded {
            return f32::NEG_INFINITY;
        }
        similarity.score()
    }

    fn similarity(&self, copy: &Copy<'_>, record: &StoryRecord) -> Similarity {
        let index = &self.index;
        Similarity::of(
            copy.fingerprint,
            &record.fingerprint,
            |shingle| index.with_shingle(shingle),
            |shingle| index.with_lead(shingle),
            |word| index.titles_with(word),
        )
    }

    fn find_killed(&self, copy: &Copy<'_>) -> Option<Slot> {
        if copy.label != RevisionLabel::Kill || copy.fingerprint.lists().title.len() < 3 {
            return None;
        }
        let last_seen_first = self.by_last_seen.values().rev().take(KILL_SEARCH_MAX);
        let mut named = last_seen_first.filter_map(|slot| Some((*slot, self.record(*slot)?)));
        named
            .find(|(_, record)| {
                has_authority(copy, record)
                    && record.fingerprint.lists().title.len() >= 3
                    && self.similarity(copy, record).title >= KILL_TITLE_MIN
            })
            .map(|(slot, _)| slot)
    }

    fn open(&mut self, copy: &Copy<'_>, now: Timestamp) -> Placement {
        let id = StoryId::of(&[copy.document.as_bytes()]);
        let sequence = self.next;
        // A document whose story was opened and left behind by an edit can open it only once.
        if let Some(&slot) = self.by_id.get(&id) {
            return self.join(slot, copy, now);
        }
        self.put_back(StoryRecord {
            id,
            revision: 0,
            label: copy.label,
            outlets: vec![copy.outlet.to_owned()],
            agencies: copy.agency.map(str::to_owned).into_iter().collect(),
            copies: 1,
            fingerprint: copy.fingerprint.clone(),
            texts: known_text(copy).into_iter().collect(),
            last_seen: now,
            sequence,
        });
        Placement { story: id, is_new: true, label: copy.label, is_killed: false, revision: 0 }
    }

    fn join(&mut self, slot: Slot, copy: &Copy<'_>, now: Timestamp) -> Placement {
        let Some(record) = self.table.get_mut(slot as usize).and_then(Option::as_mut) else {
            let story = StoryId::of(&[copy.document.as_bytes()]);
            return Placement { story, is_new: false, label: copy.label, is_killed: false, revision: 0 };
        };
        let is_edit = copy.known_story == Some(record.id);
        let label = if has_authority(copy, record) { copy.label } else { without_authority(copy.label) };
        let is_raise = raises(label, record.label);
        let is_revision = is_raise || is_edit && record.fingerprint.exact != copy.fingerprint.exact;
        record.revision += u32::from(is_revision);
        if is_raise {
            record.label = label;
        }
        let is_known_outlet = record.outlets.iter().any(|outlet| outlet == copy.outlet);
        remember(&mut record.outlets, OUTLETS_MAX, Some(copy.outlet.to_owned()));
        remember(&mut record.agencies, AGENCIES_MAX, copy.agency.map(str::to_owned));
        record.copies += u32::from(!(is_edit && is_known_outlet));
        if record.last_seen < now {
            self.by_last_seen.remove(&(instant(record.last_seen), record.sequence));
            record.last_seen = now;
            self.by_last_seen.insert((instant(now), record.sequence), slot);
        }
        remember(&mut record.texts, TEXTS_MAX, known_text(copy));
        let is_remembered = |text: &u64| record.texts.contains(text);
        self.by_text.extend(known_text(copy).filter(is_remembered).map(|text| ((text, record.sequence), slot)));
        let is_killed = record.label == RevisionLabel::Kill && label != RevisionLabel::Kill;
        let placement = Placement { story: record.id, is_new: false, label, is_killed, revision: record.revision };
        // The fullest copy stands for the story; a notice that withdraws it never does.
        if copy.fingerprint.word_count > record.fingerprint.word_count && label != RevisionLabel::Kill {
            self.index.remove(slot, &record.fingerprint);
            record.fingerprint.clone_from(copy.fingerprint);
            self.index.add(slot, &record.fingerprint);
        }
        placement
    }

    /// A copy of the story is still carried: the story stays, and is returned where that is worth a write.
    pub fn touch(&mut self, id: StoryId, now: Timestamp) -> Option<&StoryRecord> {
        let slot = *self.by_id.get(&id)?;
        let record = self.table.get_mut(slot as usize).and_then(Option::as_mut)?;
        if record.last_seen >= now {
            return None;
        }
        self.by_last_seen.remove(&(instant(record.last_seen), record.sequence));
        record.last_seen = now;
        self.by_last_seen.insert((instant(now), record.sequence), slot);
        Some(record)
    }
}

/// A time of `by_last_seen`, in microseconds: half of what a timestamp takes.
fn instant(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Adds what is new to a list that is not full.
fn remember<T: PartialEq>(list: &mut Vec<T>, most: usize, new: Option<T>) {
    if let Some(new) = new
        && list.len() < most
        && !list.contains(&new)
    {
        list.push(new);
    }
}

/// Whether a copy may take the story back: it comes from an outlet that carried it, or from the agency that wrote it.
fn has_authority(copy: &Copy<'_>, story: &StoryRecord) -> bool {
    let is_writer = |agency: &str| story.agencies.iter().any(|other| other == agency);
    story.outlets.iter().any(|outlet| outlet == copy.outlet) || copy.agency.is_some_and(is_writer)
}

/// What a label is worth from somebody who neither carried nor wrote the story.
fn without_authority(label: RevisionLabel) -> RevisionLabel {
    match label {
        RevisionLabel::Kill | RevisionLabel::Correction | RevisionLabel::Refile => RevisionLabel::None,
        other => other,
    }
}

/// The hash by which a copy's whole text is known again, where it has enough words.
fn known_text(copy: &Copy<'_>) -> Option<u64> {
    (copy.fingerprint.word_count >= TEXT_WORDS_MIN).then_some(copy.fingerprint.exact)
}

/// Whether a copy with this label is a new revision of a story whose last one had that label. Forty outlets carry "UPDATE 2-",
/// and only the first of them brings news. A killed story comes back when it is sent again as corrected or refiled.
fn raises(copy: RevisionLabel, story: RevisionLabel) -> bool {
    use RevisionLabel::{Advisory, Correction, Kill, None, Refile, Update, Wrapup};
    match (copy, story) {
        (Correction | Refile, Kill) => true,
        (None | Refile | Advisory | Wrapup, _) | (_, Kill) | (Update(_), Correction | Wrapup) => false,
        (Correction, story) => story != Correction,
        (Update(new), Update(old)) => new > old,
        (Kill | Update(_), _) => true,
    }
}

#[cfg(test)]
mod tests;
