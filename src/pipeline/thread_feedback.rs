//! What a user says of threads and speakers: follow and mute, merge and split; and how a claim changes its thread.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::speaker::{name_key, same_name};
use crate::link::thread::drop_stance;
use crate::model::{
    ClaimId, ClaimRecord, Kind, KnownClaim, MutedSpeaker, Stance, StanceRecord, ThreadId, ThreadRecord, ThreadState,
};
use crate::pipeline::feedback::Touched;
use crate::pipeline::{Change, State};

impl State {
    /// Changes what a user asked of a thread.
    pub(super) fn mark(&mut self, touched: &mut Touched, id: ThreadId, mark: impl FnOnce(&mut ThreadRecord)) {
        if let Some(thread) = self.threads.get_mut(&id) {
            mark(thread);
            touched.threads.insert(id);
        }
    }

    pub(super) fn mute_speaker(&mut self, name: &str, changes: &mut Vec<Change>) {
        let muted = MutedSpeaker { key: name_key(name), name: name.to_owned() };
        self.muted.insert(muted.key.clone(), muted.clone());
        changes.push(Change::Mute(muted));
    }

    pub(super) fn unmute_speaker(&mut self, name: &str, changes: &mut Vec<Change>) {
        let keys: Vec<String> =
            self.muted.values().filter(|muted| same_name(&muted.name, name)).map(|muted| muted.key.clone()).collect();
        for key in keys {
            self.muted.remove(&key);
            changes.push(Change::Unmute(key));
        }
    }

    /// Makes two threads one under the id of the elder. Followed is what either was; muted is what `into` was.
    pub(super) fn merge(&mut self, touched: &mut Touched, thread: ThreadId, into: ThreadId) {
        let order = |id: &ThreadId| self.threads.get(id).map(|thread| thread.order);
        let (keep, gone) = if order(&thread) < order(&into) { (thread, into) } else { (into, thread) };
        let is_muted = self.threads.get(&into).is_some_and(|into| into.is_muted);
        let Some(younger) = self.threads.remove(&gone) else { return };
        touched.gone.insert(gone);
        for &id in &younger.claims {
            self.change_threads(touched, id, |record| {
                record.threads.remove(&gone);
                record.threads.insert(keep);
                record.thread = if record.thread == gone { keep } else { record.thread };
            });
        }
        let sequences: BTreeMap<ClaimId, u64> = self.claims.values().map(|claim| (claim.id, claim.sequence)).collect();
        let Some(elder) = self.threads.get_mut(&keep) else { return };
        for (key, stance) in younger.stances {
            merge_stance(elder, key, stance, &sequences);
        }
        elder.claims.extend(younger.claims);
        elder.sequence = elder.sequence.max(younger.sequence);
        elder.last_seen = elder.last_seen.max(younger.last_seen);
        elder.has_contradiction |= younger.has_contradiction;
        elder.is_closed |= younger.is_closed;
        elder.is_followed |= younger.is_followed;
        elder.is_muted = is_muted;
        self.fill_stances(keep);
        touched.threads.insert(keep);
    }

    /// Puts claims of a thread into one of their own. Links between them and what stays are no more.
    pub(super) fn split(&mut self, touched: &mut Touched, thread: ThreadId, claims: &BTreeSet<ClaimId>) {
        let stays: BTreeSet<ClaimId> = self
            .threads
            .get(&thread)
            .map(|thread| thread.claims.difference(claims).copied().collect())
            .unwrap_or_default();
        self.cut_links(touched, claims, &stays);
        self.cut_links(touched, &stays, claims);
        self.move_out(touched, thread, claims);
    }

    /// Takes away what these claims answer of those.
    fn cut_links(&mut self, touched: &mut Touched, claims: &BTreeSet<ClaimId>, allegations: &BTreeSet<ClaimId>) {
        for &id in claims {
            let Some(mut record) = self.claims.get(&id).map(KnownClaim::record) else { continue };
            let cut: Vec<ClaimId> = record.answers.intersection(allegations).copied().collect();
            if cut.is_empty() {
                continue;
            }
            record.answers.retain(|answered| !allegations.contains(answered));
            record.report.claim.answers.retain(|answered| !allegations.contains(answered));
            record.corrected_mut().links.extend(cut.into_iter().map(|allegation| (allegation, false)));
            self.put_claim(record);
            touched.claims.insert(id);
        }
    }

    /// A claim leaves a thread: it stays in its others, or goes into one of its own. The last claim of a thread is not apart from
    /// anything, and stays.
    pub(super) fn leave(&mut self, touched: &mut Touched, claim: ClaimId, thread: ThreadId) {
        let Some(known) = self.claims.get(&claim) else { return };
        if known.threads.len() > 1 {
            self.quit(touched, claim, thread);
        } else if self.threads.get(&thread).is_some_and(|thread| thread.claims.len() > 1) {
            self.move_out(touched, thread, &[claim].into());
        }
    }

    /// A claim that found its place leaves a thread that holds nothing else, and this is no more.
    pub(super) fn leave_if_alone(&mut self, touched: &mut Touched, claim: ClaimId, thread: ThreadId) {
        if self.threads.get(&thread).is_none_or(|thread| thread.claims.len() > 1) {
            return;
        }
        self.quit(touched, claim, thread);
        let Some(gone) = self.threads.remove(&thread) else { return };
        touched.threads.remove(&thread);
        touched.gone.insert(thread);
        let place = self.claims.get(&claim).map(|claim| claim.thread);
        if let Some(place) = place.and_then(|place| self.threads.get_mut(&place)) {
            place.is_followed |= gone.is_followed;
            // Later events of the claim come after those that it had there.
            place.sequence = place.sequence.max(gone.sequence);
        }
    }

    /// Takes a claim out of one of its several threads.
    fn quit(&mut self, touched: &mut Touched, claim: ClaimId, thread: ThreadId) {
        self.change_threads(touched, claim, |record| {
            record.threads.remove(&thread);
            if record.thread == thread {
                record.thread = record.threads.first().copied().unwrap_or(thread);
            }
        });
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.claims.remove(&claim);
            drop_stance(thread, claim);
        }
        self.fill_stances(thread);
        touched.threads.insert(thread);
    }

    /// A claim joins a thread; the caller puts it in.
    pub(super) fn enter(&mut self, record: &mut ClaimRecord, thread: ThreadId) {
        record.threads.insert(thread);
        let is_alone = self.threads.get(&record.thread).is_none_or(|own| own.claims.len() <= 1);
        if is_alone {
            record.thread = thread;
        }
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.claims.insert(record.id);
        }
    }

    /// Moves claims into a thread whose id is made of the first of them; its events are counted on from those of the old one, so
    /// that no alert of it has the id of one that was sent.
    fn move_out(&mut self, touched: &mut Touched, from: ThreadId, claims: &BTreeSet<ClaimId>) {
        let first = claims.iter().filter_map(|id| self.claims.get(id)).min_by_key(|claim| claim.sequence);
        let Some(first) = first.map(|claim| claim.id) else { return };
        let Some(mut origin) = self.threads.get(&from).cloned() else { return };
        let id = ThreadId::of(&[first.as_bytes(), b"split"]);
        let mut own = self.threads.get(&id).cloned().unwrap_or_else(|| ThreadRecord {
            id,
            sequence: origin.sequence,
            state: ThreadState::Alleged,
            proposition: String::new(),
            stances: BTreeMap::new(),
            claims: BTreeSet::new(),
            has_contradiction: false,
            is_closed: false,
            last_seen: origin.last_seen,
            order: self.next_sequence(),
            is_followed: origin.is_followed,
            is_muted: origin.is_muted,
        });
        own.sequence = own.sequence.max(origin.sequence);
        let opener = origin.claims.iter().filter_map(|id| self.claims.get(id)).min_by_key(|claim| claim.sequence);
        let is_opener_moved = opener.is_some_and(|opener| claims.contains(&opener.id));
        own.claims.extend(claims);
        origin.claims.retain(|claim| !claims.contains(claim));
        let (moved, kept) = origin.stances.into_iter().partition(|(_, stance)| claims.contains(&stance.claim));
        origin.stances = kept;
        own.stances.extend::<BTreeMap<String, StanceRecord>>(moved);
        self.rename(&mut own);
        if is_opener_moved {
            self.rename(&mut origin);
        }
        self.threads.insert(from, origin);
        self.threads.insert(id, own);
        for &claim in claims {
            self.change_threads(touched, claim, |record| {
                record.threads.remove(&from);
                record.threads.insert(id);
                record.thread = if record.thread == from { id } else { record.thread };
            });
        }
        for thread in [from, id] {
            self.fill_stances(thread);
            touched.threads.insert(thread);
        }
    }

    /// A thread is about what its first allegation says, or its first claim where it has none.
    fn rename(&self, thread: &mut ThreadRecord) {
        let claims = thread.claims.iter().filter_map(|id| self.claims.get(id));
        let first = claims.min_by_key(|claim| (claim.kind != Kind::Allegation, claim.sequence));
        if let Some(first) = first {
            thread.proposition = first.text().proposition.text;
        }
    }

    fn change_threads(&mut self, touched: &mut Touched, claim: ClaimId, change: impl FnOnce(&mut KnownClaim)) {
        if let Some(record) = self.claims.get_mut(&claim) {
            change(record);
            touched.claims.insert(claim);
        }
    }
}

/// Puts a stance into the thread that takes its own thread in: of two of one respondent the later counts, but a refusal to comment
/// takes no answer back.
fn merge_stance(thread: &mut ThreadRecord, key: String, stance: StanceRecord, sequences: &BTreeMap<ClaimId, u64>) {
    let known = thread.stances.values_mut().find(|known| same_name(&known.respondent, &stance.respondent));
    let Some(known) = known else {
        thread.stances.insert(key, stance);
        return;
    };
    // A claim that has left the window is older than one that has not.
    let rank = |stance: &StanceRecord| (stance.stance != Stance::NoComment, sequences.get(&stance.claim).copied());
    if rank(&stance) > rank(known) {
        *known = stance;
    }
}
