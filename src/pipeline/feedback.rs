//! What a user says is done to the state: feedback in, changes out, by the same rules on every replay.
//!
//! This file has what is said of claims, who may speak after it, and how documents that repeat a corrected claim leave the
//! correction standing; `thread_feedback` has what is said of threads. Feedback moves neither the desk's clock nor its windows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::contract;
use crate::link::speaker::{name_key, same_name, same_side};
use crate::link::thread::{drop_stance, stance_of, take_stance};
use crate::model::{
    AlertAnswer, AlertStory, AlertType, Analysis, Basis, Claim, ClaimId, ClaimRecord, ClaimSpeaker, Event, Feedback,
    FeedbackAct, FeedbackId, Kind, KnownClaim, Link, Report, Speaker, ThreadId, ThreadRecord, Wording,
};
use crate::pipeline::turn::{Pending, alert_story};
use crate::pipeline::{Change, State};

/// Why those who were alerted of a claim hear of it again.
const WHY: &str = "corrected by a user";

/// Why something that a user says cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The thread is not known.
    #[error("no thread {0} is known: it may have left the window, or was merged into another")]
    UnknownThread(ThreadId),
    /// The claim is not known.
    #[error("no claim {0} is known: it may have left the window")]
    UnknownClaim(ClaimId),
    /// Nobody of that name is muted.
    #[error("no speaker called {0:?} is muted")]
    NotMuted(String),
    /// A name without a word.
    #[error("{0:?} is no name")]
    Nameless(String),
    /// It is no claim that can answer.
    #[error("claim {0} is no answer (denial, confirmation, no_comment or retraction), so it answers nothing")]
    NoAnswer(ClaimId),
    /// It is none that can be answered.
    #[error("claim {0} is no allegation, so nothing answers it")]
    NoAllegation(ClaimId),
    /// There is no link to take away.
    #[error("claim {claim} is not linked to {allegation}, nor in a thread with it")]
    NotLinked {
        /// The claim.
        claim: ClaimId,
        /// The allegation.
        allegation: ClaimId,
    },
    /// A thread and itself.
    #[error("that is one thread, {0}")]
    OneThread(ThreadId),
    /// The claim is in another thread.
    #[error("claim {claim} is not in thread {thread}")]
    NotInThread {
        /// The claim.
        claim: ClaimId,
        /// The thread.
        thread: ThreadId,
    },
    /// All claims of a thread, or none.
    #[error("a split needs some claims of thread {0}, but not all")]
    NothingLeft(ThreadId),
    /// It names nothing.
    #[error(
        "a silence needs to say what is silenced: a speaker, an outlet, a thread, a feed, a kind, a sink or an expression"
    )]
    SilencesAll,
    /// There are too many.
    #[error(
        "{0} silences count already, which is all that there may be; what is to be silent for good is a matter of rules"
    )]
    TooManySilences(usize),
    /// There is no such silence.
    #[error("no silence {0} is known: it may have ended")]
    UnknownSilence(FeedbackId),
}

/// Everything that one act touches.
pub(super) struct Touched {
    pub(super) claims: BTreeSet<ClaimId>,
    pub(super) threads: BTreeSet<ThreadId>,
    /// Threads that are no more.
    pub(super) gone: BTreeSet<ThreadId>,
    pending: Vec<Pending>,
}

impl State {
    /// Why an act cannot be done; nothing where it can. What cannot is told to the user before it is logged, and ignored here.
    pub fn refusal(&self, act: &FeedbackAct) -> Option<Refusal> {
        let unknown_thread = act.threads().into_iter().find(|id| !self.threads.contains_key(id));
        let unknown_claim = act.claims().into_iter().find(|id| !self.claims.contains_key(id));
        if let Some(refusal) =
            unknown_thread.map(Refusal::UnknownThread).or_else(|| unknown_claim.map(Refusal::UnknownClaim))
        {
            return Some(refusal);
        }
        match act {
            FeedbackAct::MuteSpeaker { speaker } | FeedbackAct::WrongSpeaker { speaker: Some(speaker), .. } => {
                name_key(speaker).is_empty().then(|| Refusal::Nameless(speaker.clone()))
            }
            FeedbackAct::UnmuteSpeaker { speaker } => {
                (!self.is_muted(speaker)).then(|| Refusal::NotMuted(speaker.clone()))
            }
            FeedbackAct::Silence(silence) => self.unsilenceable(silence),
            FeedbackAct::EndSilence { silence } => {
                (!self.silences.contains_key(silence)).then_some(Refusal::UnknownSilence(*silence))
            }
            FeedbackAct::WrongLink { claim, allegation } => self.unlinkable(*claim, *allegation),
            FeedbackAct::RightLink { claim, allegation } => self.unanswerable(*claim, *allegation),
            FeedbackAct::Merge { thread, into } => (thread == into).then_some(Refusal::OneThread(*thread)),
            FeedbackAct::Split { thread, claims } => self.indivisible(*thread, claims),
            _ => None,
        }
    }

    fn unlinkable(&self, claim: ClaimId, allegation: ClaimId) -> Option<Refusal> {
        let (known, other) = (self.claims.get(&claim)?, self.claims.get(&allegation)?);
        if !known.kind.is_answer() {
            return Some(Refusal::NoAnswer(claim));
        }
        if other.kind != Kind::Allegation {
            return Some(Refusal::NoAllegation(allegation));
        }
        // An answer that came before its allegation is only in a thread with it.
        let is_linked = known.answers.contains(&allegation) || !known.threads.is_disjoint(&other.threads);
        (!is_linked).then_some(Refusal::NotLinked { claim, allegation })
    }

    fn unanswerable(&self, claim: ClaimId, allegation: ClaimId) -> Option<Refusal> {
        let is_kind = |id: &ClaimId, wanted: fn(Kind) -> bool| {
            self.claims.get(id).is_some_and(|claim| wanted(claim.kind) && !claim.is_no_claim())
        };
        if !is_kind(&claim, Kind::is_answer) {
            return Some(Refusal::NoAnswer(claim));
        }
        (!is_kind(&allegation, |kind| kind == Kind::Allegation)).then_some(Refusal::NoAllegation(allegation))
    }

    fn indivisible(&self, thread: ThreadId, claims: &BTreeSet<ClaimId>) -> Option<Refusal> {
        let known = self.threads.get(&thread)?;
        if let Some(&claim) = claims.iter().find(|claim| !known.claims.contains(claim)) {
            return Some(Refusal::NotInThread { claim, thread });
        }
        (claims.is_empty() || claims.len() == known.claims.len()).then_some(Refusal::NothingLeft(thread))
    }

    /// Does what a user says; what cannot be done is ignored.
    pub(super) fn heed(&mut self, feedback: &Feedback, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.refusal(&feedback.act).is_some() {
            return changes;
        }
        let mut touched =
            Touched { claims: BTreeSet::new(), threads: BTreeSet::new(), gone: BTreeSet::new(), pending: Vec::new() };
        match &feedback.act {
            FeedbackAct::Follow { thread } => self.mark(&mut touched, *thread, |thread| thread.is_followed = true),
            FeedbackAct::Unfollow { thread } => self.mark(&mut touched, *thread, |thread| thread.is_followed = false),
            FeedbackAct::Mute { thread } => self.mark(&mut touched, *thread, |thread| thread.is_muted = true),
            FeedbackAct::Unmute { thread } => self.mark(&mut touched, *thread, |thread| thread.is_muted = false),
            FeedbackAct::MuteSpeaker { speaker } => self.mute_speaker(speaker, &mut changes),
            FeedbackAct::UnmuteSpeaker { speaker } => self.unmute_speaker(speaker, &mut changes),
            FeedbackAct::WrongKind { claim, kind } => {
                // Reported speech that is contested by nobody is no claim of the desk's.
                match kind.filter(|kind| *kind != Kind::Statement) {
                    Some(kind) => self.correct_kind(&mut touched, *claim, kind),
                    None => self.take_for_no_claim(&mut touched, *claim),
                }
            }
            FeedbackAct::WrongSpeaker { claim, speaker } => {
                self.correct_speaker(&mut touched, *claim, speaker.as_deref());
            }
            FeedbackAct::WrongLink { claim, allegation } => self.unlink(&mut touched, *claim, *allegation),
            FeedbackAct::RightLink { claim, allegation } => self.link(&mut touched, *claim, *allegation),
            FeedbackAct::Merge { thread, into } => self.merge(&mut touched, *thread, *into),
            FeedbackAct::Split { thread, claims } => self.split(&mut touched, *thread, claims),
            FeedbackAct::Silence(silence) => self.silence(feedback, silence, &mut changes),
            FeedbackAct::EndSilence { silence } => self.end_silence(*silence, &mut changes),
        }
        let now = self.position().0.map_or(now, |desk| desk.max(now));
        self.write_down(touched, now, &mut changes);
        changes
    }

    fn write_down(&mut self, touched: Touched, now: Timestamp, changes: &mut Vec<Change>) {
        let Touched { claims, threads, gone, pending } = touched;
        self.settle(&threads, &claims, &pending, changes);
        changes.extend(gone.into_iter().filter(|id| !self.threads.contains_key(id)).map(Change::ForgetThread));
        changes.extend(pending.into_iter().filter_map(|pending| {
            let story = self.story_of(self.claims.get(&pending.claim)?)?;
            let event = self.render(pending, story, &BTreeMap::new())?;
            Some(Change::Event(Event { time: now, ..event }))
        }));
    }

    /// The story of a claim, or what is known of it when it has left the window.
    fn story_of(&self, claim: &KnownClaim) -> Option<AlertStory> {
        let known = claim.stories.iter().find_map(|&story| self.stories.get(story)).map(alert_story);
        let outlets = vec![claim.text().report.document.outlet];
        let forgotten = claim.stories.first().map(|&id| AlertStory { id, revision: 0, outlets, copies: 1 });
        known.or(forgotten)
    }

    /// The thread in which an event stands; none where its speaker or all threads of its claim are muted. What takes an alert back
    /// is always said, where the claim's alerts stand.
    pub(super) fn stage(&self, pending: &Pending) -> Option<ThreadId> {
        let claim = self.claims.get(&pending.claim)?;
        if pending.alert_type.takes_back() {
            return Some(claim.thread);
        }
        if !self.muted.is_empty() && claim.text().speaker.is_some_and(|speaker| self.is_muted(&speaker.name)) {
            return None;
        }
        let is_open = |id: &ThreadId| self.threads.get(id).is_some_and(|thread| !thread.is_muted);
        [claim.thread].into_iter().chain(claim.threads.iter().copied()).find(is_open)
    }

    fn is_muted(&self, speaker: &str) -> bool {
        self.muted.values().any(|muted| same_name(&muted.name, speaker))
    }

    fn correct_kind(&mut self, touched: &mut Touched, id: ClaimId, kind: Kind) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        let (was, was_no_claim) = (record.kind, record.is_no_claim());
        let corrected = record.corrected_mut();
        corrected.is_kind = true;
        corrected.is_no_claim = false;
        let stands_again = was_no_claim && !corrected.was_withdrawn;
        if was == kind && !was_no_claim {
            self.put_claim(record);
            touched.claims.insert(id);
            return;
        }
        record.is_withdrawn &= !stands_again;
        record.kind = kind;
        record.is_negated_denial = false;
        record.report.claim.kind = kind;
        if kind == Kind::Allegation {
            record.answers.clear();
            record.report.claim.answers.clear();
        } else {
            record.report.claim.target = None;
            record.report.claim.basis = None;
        }
        if was == Kind::Allegation && kind != was {
            self.answer_no_more(touched, id);
        }
        self.put_corrected(touched, record, Vec::new());
    }

    /// Nothing answers what is no allegation.
    fn answer_no_more(&mut self, touched: &mut Touched, allegation: ClaimId) {
        for claim in self.claims.values_mut().filter(|claim| claim.answers.contains(&allegation)) {
            claim.answers.remove(&allegation);
            claim.change_report(|report| report.claim.answers.retain(|&answered| answered != allegation));
            touched.claims.insert(claim.id);
        }
    }

    fn take_for_no_claim(&mut self, touched: &mut Touched, id: ClaimId) {
        let Some(mut record) = self.claims.get(&id).filter(|claim| !claim.is_no_claim()).map(KnownClaim::record) else {
            return;
        };
        let was_withdrawn = record.is_withdrawn;
        let corrected = record.corrected_mut();
        (corrected.is_no_claim, corrected.was_withdrawn) = (true, was_withdrawn);
        record.is_withdrawn = true;
        if !was_withdrawn && !record.alerted.is_empty() {
            touched.pending.push(Pending::new(AlertType::ClaimWithdrawn, id, WHY.to_owned()));
        }
        self.put_anew(touched, record);
    }

    fn correct_speaker(&mut self, touched: &mut Touched, id: ClaimId, name: Option<&str>) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        record.corrected_mut().is_speaker = true;
        let former = record.speaker.clone();
        if former.as_ref().map(|speaker| speaker.name.as_str()) == name {
            self.put_claim(record);
            touched.claims.insert(id);
            return;
        }
        let via = former.as_ref().and_then(|speaker| speaker.via.clone());
        record.speaker = name.map(|name| Speaker { name: name.to_owned(), role: None, via, affiliation: None });
        // By it the copies that still name the other are known.
        record.former.push(Wording { speaker: former, proposition: record.proposition.clone() });
        name_speaker(&mut record.report, record.speaker.as_ref());
        self.put_corrected(touched, record, Vec::new());
    }

    fn unlink(&mut self, touched: &mut Touched, id: ClaimId, allegation: ClaimId) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        let other = self.claims.get(&allegation);
        let shared: BTreeSet<ThreadId> = other.iter().flat_map(|other| &other.threads).copied().collect();
        record.corrected_mut().links.insert(allegation, false);
        record.answers.remove(&allegation);
        record.report.claim.answers.retain(|&answered| answered != allegation);
        // Where nothing else of a thread is answered, the claim leaves it.
        let still = |thread: &ThreadId| {
            let answered = record.answers.iter().filter_map(|id| self.claims.get(id));
            answered.into_iter().any(|answered| answered.threads.contains(thread))
        };
        let left: Vec<ThreadId> =
            record.threads.intersection(&shared).copied().filter(|thread| !still(thread)).collect();
        self.put_corrected(touched, record, Vec::new());
        for thread in left {
            self.leave(touched, id, thread);
        }
    }

    fn link(&mut self, touched: &mut Touched, id: ClaimId, allegation: ClaimId) {
        let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { return };
        let Some(answered) = self.claims.get(&allegation) else { return };
        let (thread, text) = (answered.thread, answered.text());
        let answer = AlertAnswer {
            claim: allegation,
            speaker: text.speaker.map(|speaker| speaker.name),
            proposition: text.proposition.text,
            link: Link { score: 1.0, reason: WHY.to_owned() },
        };
        record.corrected_mut().links.insert(allegation, true);
        if !record.answers.insert(allegation) && record.threads.contains(&thread) {
            self.put_claim(record);
            touched.claims.insert(id);
            return;
        }
        record.report.claim.answers = record.answers.iter().copied().collect();
        self.enter(&mut record, thread);
        let threads = record.threads.clone();
        self.put_corrected(touched, record, vec![answer]);
        for other in threads.into_iter().filter(|&other| other != thread) {
            self.leave_if_alone(touched, id, other);
        }
    }

    /// Puts a corrected claim in under its next revision, lets it speak anew in its threads, and notes who is to hear of it.
    fn put_corrected(&mut self, touched: &mut Touched, mut record: ClaimRecord, answers: Vec<AlertAnswer>) {
        let id = record.id;
        let claim = &mut record.report.claim;
        claim.supersedes = Some(claim.revision);
        claim.revision += 1;
        if !record.alerted.is_empty() && !record.is_withdrawn {
            let revised = Pending::new(AlertType::ClaimRevised, id, WHY.to_owned());
            touched.pending.push(Pending { answers, ..revised });
        }
        self.put_anew(touched, record);
    }

    /// Puts a changed claim in; what its threads had from it is worked out anew.
    fn put_anew(&mut self, touched: &mut Touched, record: ClaimRecord) {
        let (id, threads) = (record.id, record.threads.clone());
        let Some(before) = self.claims.get(&id) else { return };
        let is_verdict = |claim: &KnownClaim| claim.text().report.claim.basis == Some(Basis::Verdict);
        let was_verdict = is_verdict(before);
        let was_opposed = before.kind == Kind::Denial || before.is_negated_denial;
        self.put_claim(record);
        touched.claims.insert(id);
        for thread_id in threads {
            let Some(thread) = self.threads.get(&thread_id) else { continue };
            let is_closed = thread.is_closed && (!was_verdict || self.live(thread).any(is_verdict));
            let has_contradiction = thread.has_contradiction && (!was_opposed || self.is_contradicted(thread));
            if let Some(thread) = self.threads.get_mut(&thread_id) {
                (thread.is_closed, thread.has_contradiction) = (is_closed, has_contradiction);
                drop_stance(thread, id);
            }
            self.fill_stances(thread_id);
            touched.threads.insert(thread_id);
        }
    }

    /// Claims of a thread that stand, in order of creation.
    fn live<'a>(&'a self, thread: &'a ThreadRecord) -> impl Iterator<Item = &'a KnownClaim> {
        let mut live: Vec<&KnownClaim> =
            thread.claims.iter().filter_map(|id| self.claims.get(id)).filter(|claim| !claim.is_withdrawn).collect();
        live.sort_by_key(|claim| claim.sequence);
        live.into_iter()
    }

    /// Whether one outlet has a speaker deny what another has them not deny.
    fn is_contradicted(&self, thread: &ThreadRecord) -> bool {
        self.live(thread).filter(|claim| claim.is_negated_denial).any(|silent| {
            let silent = silent.text();
            let mut denials = self.live(thread).filter(|claim| claim.kind == Kind::Denial).map(KnownClaim::text);
            denials.any(|denial| {
                denial.report.document.outlet != silent.report.document.outlet
                    && silent
                        .speaker
                        .as_ref()
                        .zip(denial.speaker.as_ref())
                        .is_some_and(|(one, other)| same_side(one, other))
            })
        })
    }

    /// Lets the claims of a thread speak for respondents who have no stance in it.
    pub(super) fn fill_stances(&mut self, id: ThreadId) {
        let Some(thread) = self.threads.get(&id) else { return };
        let mut spoken = ThreadRecord { stances: BTreeMap::new(), ..thread.clone() };
        for claim in self.live(thread).filter(|claim| !claim.is_background) {
            let is_silence = claim.is_negated_denial && thread.has_contradiction;
            if let Some(stance) = stance_of(claim.kind).filter(|_| !is_silence) {
                take_stance(&mut spoken, claim.text().speaker.as_ref(), stance, claim.id);
            }
        }
        let Some(thread) = self.threads.get_mut(&id) else { return };
        for (key, stance) in spoken.stances {
            if !thread.stances.values().any(|known| same_name(&known.respondent, &stance.respondent)) {
                thread.stances.entry(key).or_insert(stance);
            }
        }
    }
}

/// A document's claim with what a user has corrected of the known one that it repeats.
pub(super) fn as_corrected<'a>(claim: &'a Claim, known: &ClaimRecord) -> Cow<'a, Claim> {
    let Some(corrected) = &known.corrected else { return Cow::Borrowed(claim) };
    let mut claim = claim.clone();
    if corrected.is_kind {
        claim.kind = known.kind;
        claim.is_negated_denial = known.is_negated_denial;
        if known.kind != Kind::Allegation {
            (claim.target, claim.basis) = (None, None);
        }
    }
    if corrected.is_speaker {
        claim.speaker.clone_from(&known.speaker);
    }
    Cow::Owned(claim)
}

/// How a document reports a known claim, with what a user has corrected of it; `claim` is already [`as_corrected`].
pub(super) fn report_as_corrected(analysis: &Analysis, claim: &Claim, known: &ClaimRecord, revision: u32) -> Report {
    let mut report = contract::report(analysis, claim, known.id, revision);
    if let Some(corrected) = known.corrected.as_ref().filter(|corrected| corrected.is_speaker) {
        let read = corrected.read.speaker.as_ref();
        report.claim.speaker = read.map(|speaker| ClaimSpeaker {
            name: speaker.name.clone(),
            role: speaker.role.clone(),
            via: speaker.via.clone(),
        });
        name_speaker(&mut report, known.speaker.as_ref());
    }
    report
}

/// Gives a report its right speaker. The words that name who speaks are those of the right name where its sentence has them; a
/// pronoun or description may still mean the right one, the wrong name cannot.
fn name_speaker(report: &mut Report, speaker: Option<&Speaker>) {
    let named = speaker.and_then(|speaker| contract::quote_in_sentence(report, &speaker.name));
    let wrong = report.claim.speaker.take().map(|speaker| speaker.name);
    let is_wrong = |source: &str| wrong.as_deref().is_some_and(|wrong| same_name(source, wrong));
    let kept = report.claim.source.take().filter(|source| speaker.is_some() && !is_wrong(&source.text));
    report.claim.source = named.or(kept);
    report.claim.speaker = speaker.map(|speaker| ClaimSpeaker {
        name: speaker.name.clone(),
        role: speaker.role.clone(),
        via: speaker.via.clone(),
    });
}
