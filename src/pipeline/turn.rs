//! One document's step: place it in its story, join or open its claims, collect events, write what changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::contract;
use crate::dedup::story::{Copy, Placement};
use crate::link::thread::{alert_thread, derive_state, stance_of, take_stance};
use crate::link::view::View;
use crate::model::{
    AlertAnswer, AlertStory, AlertType, Analysis, Basis, Claim, ClaimEvent, ClaimId, ClaimRecord, Document,
    DocumentRecord, DropCause, Event, Kind, KnownClaim, RevisionLabel, StoryId, StoryRecord, Subject, ThreadId,
    related,
};
use crate::pipeline::acts::{Act, CommonNouns, acts};
use crate::pipeline::feedback::{as_corrected, report_as_corrected};
use crate::pipeline::release::{dropped, release_after};
use crate::pipeline::{Change, State};

/// What happened to a claim in this turn, before threads have settled.
pub(super) struct Pending {
    pub(super) alert_type: AlertType,
    pub(super) claim: ClaimId,
    pub(super) why: String,
    pub(super) answers: Vec<AlertAnswer>,
    pub(super) is_first_answer: bool,
    pub(super) is_cross_document: bool,
}

impl Pending {
    pub(super) fn new(alert_type: AlertType, claim: ClaimId, why: String) -> Self {
        Self { alert_type, claim, why, answers: Vec::new(), is_first_answer: false, is_cross_document: false }
    }
}

/// Everything one step gathers.
pub(super) struct Turn<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) now: Timestamp,
    pub(super) story: StoryId,
    pub(super) revision: u32,
    /// Corrects a story that the desk knows.
    pub(super) is_correction: bool,
    /// The story is sent again by those who answer for it: what had been withdrawn and is in it stands again.
    pub(super) is_sent_again: bool,
    /// A late copy of a killed story: it says nothing any more.
    pub(super) is_void: bool,
    /// By which the document's descriptions are told from names.
    pub(super) common_nouns: CommonNouns,
    /// Global id of each claim of the analysis, by position.
    pub(super) ids: Vec<Option<ClaimId>>,
    /// The matter of each allegation, by position: see `State::matters`.
    pub(super) matters: BTreeMap<usize, usize>,
    pub(super) touched_claims: BTreeSet<ClaimId>,
    pub(super) touched_threads: BTreeSet<ThreadId>,
    pub(super) pending: Vec<Pending>,
}

impl Turn<'_> {
    /// Claims that this document carries.
    pub(super) fn carried(&self) -> BTreeSet<ClaimId> {
        self.ids.iter().flatten().copied().collect()
    }

    /// Whether what the document says is news: not part of a feed's first fetch.
    pub(super) fn is_news(&self) -> bool {
        !self.analysis.document.is_baseline
    }
}

/// What a version of a document changes of its release.
enum Shift {
    None,
    Moved,
    /// What shows it and waits for its release is told to nobody.
    Dropped,
}

/// Until when a document is not to be alerted after this version of it, and what that changes. What is killed before its release is not
/// released by that.
fn shift_of(
    known: Option<&DocumentRecord>,
    document: &Document,
    label: RevisionLabel,
    now: Timestamp,
) -> (Option<Timestamp>, Shift) {
    let Some(known) = known else { return (document.embargo_until, Shift::None) };
    if label == RevisionLabel::Kill && known.embargo_until.is_some_and(|until| until > now) {
        return (known.embargo_until, Shift::Dropped);
    }
    let until = release_after(known, document);
    (until, if known.embargo_until == until { Shift::None } else { Shift::Moved })
}

impl State {
    /// Takes a new or changed document in.
    pub(super) fn take(&mut self, analysis: &Analysis, now: Timestamp, changes: &mut Vec<Change>) {
        let document = &analysis.document;
        let known = self.documents.get(&document.id);
        if known.is_some_and(|known| known.is_as(document)) {
            return self.see_again(document, now, changes);
        }
        let by_address = document.url.as_ref().filter(|url| names_article(url)).and_then(|url| self.addresses.get(url));
        let revision = known.map_or(0, |known| known.revision + 1);
        let trace = document.trace.or_else(|| known.and_then(|known| known.trace));
        let copy = Copy {
            document: document.id,
            outlet: &document.source.outlet,
            agency: document.agency.as_deref(),
            fingerprint: &analysis.fingerprint,
            label: analysis.label,
            known_story: known.map(|known| known.story),
            same_address: by_address.and_then(|id| self.documents.get(id)).map(|known| known.story),
        };
        let Placement { story, is_new, label, is_killed, .. } = self.stories.place(&copy, now);
        let known = self.documents.get(&document.id);
        let (embargo_until, shift) = shift_of(known, document, label, now);
        let mut turn = Turn {
            analysis,
            now,
            story,
            revision,
            is_correction: label == RevisionLabel::Correction && !is_new,
            is_sent_again: matches!(
                label,
                RevisionLabel::Correction | RevisionLabel::Refile | RevisionLabel::Update(_)
            ) && !is_killed,
            is_void: is_killed,
            common_nouns: CommonNouns::of(analysis),
            ids: vec![None; analysis.claims.len()],
            matters: self.matters(&analysis.claims),
            touched_claims: BTreeSet::new(),
            touched_threads: BTreeSet::new(),
            pending: Vec::new(),
        };
        match label {
            RevisionLabel::Kill => self.kill(&mut turn),
            RevisionLabel::Advisory => {}
            _ => {
                self.take_claims(&mut turn);
                if turn.is_correction {
                    self.withdraw_missing(&mut turn);
                }
            }
        }
        self.put_document(DocumentRecord {
            id: document.id,
            content_hash: document.content_hash,
            entry_hash: document.entry_hash,
            revision,
            story,
            url: document.url.clone(),
            outlet: document.source.outlet.clone(),
            claims: turn.carried(),
            last_seen: now,
            is_baseline: document.is_baseline,
            version: document.version,
            trace,
            embargo_until,
        });
        self.finish(turn, changes);
        match shift {
            Shift::None => {}
            Shift::Moved => self.move_release(document.id, embargo_until, changes),
            Shift::Dropped => changes.push(dropped(document.id, DropCause::Canceled)),
        }
    }

    /// Takes in a document that says nothing new: another of one batch, which was not known yet when that began. Its use may have changed.
    fn see_again(&mut self, document: &Document, now: Timestamp, changes: &mut Vec<Change>) {
        self.note_trace(document.id, document.trace, changes);
        if let Some(until) = self.moved_release(document) {
            self.release(document.id, document.version, until, changes);
        }
        self.touch(document.id, now, changes);
    }

    /// Joins the document's acts to the claims that the desk knows, or opens claims for them.
    fn take_claims(&mut self, turn: &mut Turn<'_>) {
        let mut acts = acts(turn.analysis, &turn.common_nouns, |term| self.index.weight(term));
        self.find_earlier(turn, &mut acts);
        let kept: BTreeSet<ClaimId> = if turn.is_correction {
            acts.iter().filter_map(|act| self.find_known(turn, act)).collect()
        } else {
            BTreeSet::new()
        };
        for act in &acts {
            let id = if let Some(known) = self.find_known(turn, act) {
                let is_withdrawn = self.claims.get(&known).is_some_and(|known| known.is_withdrawn);
                if self.claims.get(&known).is_some_and(KnownClaim::is_no_claim) {
                    self.join(turn, act, known);
                } else if turn.is_sent_again && is_withdrawn
                    || turn.is_correction && self.corrects(turn, &act.claim, known)
                {
                    self.revise(turn, &act.claim, known);
                } else {
                    self.join(turn, act, known);
                }
                known
            } else if let Some(old) =
                turn.is_correction.then(|| self.find_superseded(turn, &act.claim, &kept)).flatten()
            {
                self.revise(turn, &act.claim, old);
                old
            } else {
                self.open(turn, act)
            };
            for &telling in &act.tellings {
                if let Some(place) = turn.ids.get_mut(telling) {
                    *place = Some(id);
                }
            }
        }
    }

    /// A known claim again: it gains evidence. Where it was only known as an old act and is now reported fresh, it is news.
    fn join(&mut self, turn: &mut Turn<'_>, act: &Act, id: ClaimId) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        let claim = &act.claim;
        let is_open = record.answers.is_empty() && record.corrected.is_none();
        if is_open && record.kind.is_answer() && !record.is_negated_denial {
            // What its first document did not say another may: what it answers.
            record.answers = self.answers_of(turn, act).into_iter().filter(|&answered| answered != id).collect();
            record.report.claim.answers = record.answers.iter().copied().collect();
        }
        if record.stories.len() < self.bounds.claim_stories {
            record.stories.insert(turn.story);
        }
        record.last_seen = turn.now;
        let claim = &*as_corrected(claim, &record);
        let is_fresh = record.report.claim.background && !claim.is_background && !record.is_withdrawn;
        if is_fresh {
            let revision = record.report.claim.revision;
            record.report = report_as_corrected(turn.analysis, claim, &record, revision);
        }
        let threads = record.threads.clone();
        self.put_claim(record);
        turn.touched_claims.insert(id);
        self.touch_threads(turn, &threads);
        if is_fresh {
            self.announce(turn, claim, id, &threads, &[], false);
        }
    }

    /// A claim not known before: it gets its id, its thread and, where it is news, its event.
    fn open(&mut self, turn: &mut Turn<'_>, act: &Act) -> ClaimId {
        let claim = &act.claim;
        let document = &turn.analysis.document;
        let cue = claim.attribution.cue;
        let id = ClaimId::of(&[
            document.id.as_bytes(),
            &turn.revision.to_le_bytes(),
            claim.kind.as_str().as_bytes(),
            &cue.start.to_le_bytes(),
            &cue.end.to_le_bytes(),
        ]);
        let mut place = self.find_thread(turn, act);
        if claim.is_negated_denial {
            place.answers.clear();
        }
        place.threads = self.with_room(place.threads);
        let is_new_thread = place.threads.is_empty();
        let thread = place.threads.first().copied().unwrap_or_else(|| ThreadId::of(&[id.as_bytes()]));
        let sequence = self.next_sequence();
        if is_new_thread {
            self.open_thread(thread, claim, sequence, turn.now);
        }
        let threads: BTreeSet<ThreadId> =
            if is_new_thread { [thread].into() } else { place.threads.into_iter().collect() };
        let mut report = contract::report(turn.analysis, claim, id, 1);
        report.claim.answers = place.answers.iter().map(|answer| answer.claim).collect();
        self.put_claim(ClaimRecord {
            id,
            kind: claim.kind,
            speaker: claim.speaker.clone(),
            proposition: claim.proposition.clone(),
            former: Vec::new(),
            report,
            is_negated_denial: claim.is_negated_denial,
            is_withdrawn: turn.is_void,
            alerted: BTreeMap::new(),
            stories: [turn.story].into(),
            thread,
            threads: threads.clone(),
            answers: place.answers.iter().map(|answer| answer.claim).collect(),
            first_seen: turn.now,
            last_seen: turn.now,
            sequence,
            corrected: None,
        });
        turn.touched_claims.insert(id);
        for thread in &threads {
            if let Some(thread) = self.threads.get_mut(thread) {
                thread.claims.insert(id);
            }
        }
        self.touch_threads(turn, &threads);
        if claim.kind == Kind::Allegation && !is_new_thread {
            self.let_answer(turn, thread, &act.view, id);
        }
        self.announce(turn, claim, id, &threads, &place.answers, place.is_cross_document);
        id
    }

    /// Answers of the thread that came before the allegation they answer are linked to it.
    fn let_answer(&mut self, turn: &mut Turn<'_>, thread: ThreadId, view: &View, allegation: ClaimId) {
        for answer in self.answering_in(thread, view) {
            if let Some(record) = self.claims.get_mut(&answer) {
                record.answers.insert(allegation);
                record.change_report(|report| report.claim.answers.push(allegation));
                turn.touched_claims.insert(answer);
            }
        }
    }

    /// Notes that something was added to these threads.
    pub(super) fn touch_threads<'a>(&mut self, turn: &mut Turn<'_>, threads: impl IntoIterator<Item = &'a ThreadId>) {
        for id in threads {
            if let Some(thread) = self.threads.get_mut(id) {
                thread.last_seen = turn.now;
                turn.touched_threads.insert(*id);
            }
        }
    }

    /// Lets a fresh claim speak in its threads and notes the events that follow.
    fn announce(
        &mut self,
        turn: &mut Turn<'_>,
        claim: &Claim,
        id: ClaimId,
        threads: &BTreeSet<ThreadId>,
        answers: &[AlertAnswer],
        is_cross_document: bool,
    ) {
        if claim.is_background || turn.is_void {
            return;
        }
        let is_first_answer = stance_of(claim.kind).is_some()
            && threads.iter().filter_map(|id| self.threads.get(id)).all(|thread| thread.stances.is_empty());
        let is_contradiction = self.mark_contradiction(turn, claim, threads);
        let mut is_news = claim.kind == Kind::Allegation;
        // That somebody has not denied is no answer; it is news where it contradicts another outlet.
        if let Some(stance) = stance_of(claim.kind).filter(|_| !claim.is_negated_denial) {
            for thread in threads {
                if let Some(thread) = self.threads.get_mut(thread) {
                    is_news |= take_stance(thread, claim.speaker.as_ref(), stance, id);
                }
            }
        }
        let is_closing = claim.basis == Some(Basis::Verdict) && self.close(threads, id);
        if !turn.is_news() {
            return;
        }
        let mut pend = |alert_type, why: String| {
            turn.pending.push(Pending {
                alert_type,
                claim: id,
                why,
                answers: answers.to_vec(),
                is_first_answer,
                is_cross_document,
            });
        };
        if is_contradiction {
            pend(AlertType::ThreadContradiction, "outlets disagree on whether this was denied".to_owned());
        }
        if is_closing {
            pend(AlertType::ThreadClosed, "a verdict closes the thread".to_owned());
        }
        if is_news {
            pend(AlertType::of_new(claim.kind), why(claim.kind, is_first_answer, is_cross_document));
            if is_cross_document {
                let why = "an allegation and its answer were found in different documents";
                pend(AlertType::ThreadLinked, why.to_owned());
            }
        }
    }

    /// Settles the threads, writes what was touched and renders the events.
    fn finish(&mut self, mut turn: Turn<'_>, changes: &mut Vec<Change>) {
        let document = turn.analysis.document.id;
        let story = self.stories.get(turn.story).map(alert_story);
        changes.extend(self.stories.get(turn.story).cloned().map(Box::new).map(Change::Story));
        changes.extend(self.documents.get(&document).cloned().map(Box::new).map(Change::Document));
        turn.pending.retain(|pending| self.stage(pending).is_some());
        self.settle(&turn.touched_threads, &turn.touched_claims, &turn.pending, changes);
        let touched = self.by_thread(&turn.touched_claims);
        changes.extend(turn.pending.into_iter().filter_map(|pending| {
            let event = self.render(pending, story.clone()?, &touched)?;
            Some(Change::Event(Event { time: turn.now, ..event }))
        }));
    }

    /// Derives where the threads stand after what was touched, counts the events that they give, and writes them and the claims.
    pub(super) fn settle(
        &mut self,
        threads: &BTreeSet<ThreadId>,
        claims: &BTreeSet<ClaimId>,
        pending: &[Pending],
        changes: &mut Vec<Change>,
    ) {
        let with_events: BTreeSet<ThreadId> = pending.iter().filter_map(|pending| self.stage(pending)).collect();
        for id in threads {
            let Some(thread) = self.threads.get(id) else { continue };
            let has_live_claim =
                thread.claims.iter().filter_map(|id| self.claims.get(id)).any(|claim| !claim.is_withdrawn);
            let state = derive_state(thread, has_live_claim);
            if let Some(thread) = self.threads.get_mut(id) {
                thread.state = state;
                thread.sequence += u64::from(with_events.contains(id));
            }
        }
        let threads = threads.iter().filter_map(|id| self.threads.get(id));
        changes.extend(threads.cloned().map(Box::new).map(Change::Thread));
        let claims = claims.iter().filter_map(|id| self.claims.get(id));
        changes.extend(claims.map(KnownClaim::record).map(Box::new).map(Change::Claim));
    }

    /// Claims of a turn by thread: what rides along in an alert.
    fn by_thread(&self, claims: &BTreeSet<ClaimId>) -> BTreeMap<ThreadId, BTreeSet<ClaimId>> {
        let mut found: BTreeMap<ThreadId, BTreeSet<ClaimId>> = BTreeMap::new();
        for id in claims {
            if let Some(claim) = self.claims.get(id) {
                found.entry(claim.thread).or_default().insert(*id);
            }
        }
        found
    }

    pub(super) fn render(
        &self,
        pending: Pending,
        story: AlertStory,
        touched: &BTreeMap<ThreadId, BTreeSet<ClaimId>>,
    ) -> Option<Event> {
        let claim = self.claims.get(&pending.claim)?;
        let thread = self.threads.get(&self.stage(&pending)?)?;
        // In the order of the allegations' ids: the same on every replay.
        let answered: BTreeSet<ClaimId> =
            claim.answers.iter().copied().chain(pending.answers.iter().map(|answer| answer.claim)).collect();
        let answered = answered.iter().filter_map(|id| self.claims.get(id));
        let others = thread.claims.iter().filter_map(|id| self.claims.get(id));
        let related = related(claim.id, answered, others).map(|known| known.text().report).collect();
        let mut also = touched.get(&thread.id).cloned().unwrap_or_default();
        also.insert(claim.id);
        also.extend(self.retold(story.id, thread.id, &also));
        also.remove(&claim.id);
        let text = claim.text();
        let (mut thread_shown, mut answers) = (alert_thread(thread), pending.answers);
        self.keep_released(claim, &mut thread_shown, &mut answers);
        Some(Event {
            alert_type: pending.alert_type,
            time: Timestamp::UNIX_EPOCH,
            why: pending.why,
            subject: Subject::Claim(Box::new(ClaimEvent {
                report: text.report,
                affiliation: text.speaker.and_then(|speaker| speaker.affiliation),
                told: self.told(claim, story.id),
                story,
                thread: thread_shown,
                answers,
                related,
                alerted: claim.alerted(),
                also: also.into_iter().collect(),
                is_followed: thread.is_followed,
                is_first_answer: pending.is_first_answer,
                is_cross_document: pending.is_cross_document,
            })),
        })
    }
}

/// A story as an alert shows it.
pub(super) fn alert_story(story: &StoryRecord) -> AlertStory {
    AlertStory { id: story.id, revision: story.revision, outlets: story.outlets.clone(), copies: story.copies }
}

/// Whether a canonical address leads to more than a home page: feeds that link every entry to theirs say nothing by it.
fn names_article(url: &str) -> bool {
    url.splitn(4, '/').nth(3).is_some_and(|path| !path.is_empty())
}

fn why(kind: Kind, is_first_answer: bool, is_cross_document: bool) -> String {
    let act = match kind {
        Kind::Allegation | Kind::Statement if is_cross_document => {
            return "an allegation that was answered before".into();
        }
        Kind::Allegation | Kind::Statement => return "an allegation not seen before".into(),
        Kind::Denial => "denial",
        Kind::Confirmation => "confirmation",
        Kind::NoComment => "refusal to comment",
        Kind::Retraction => "retraction",
    };
    let whose = if is_first_answer { "first answer in this thread" } else { "first from this respondent" };
    let place = if is_cross_document { " to an allegation of another document" } else { "" };
    format!("{act}: {whose}{place}")
}
