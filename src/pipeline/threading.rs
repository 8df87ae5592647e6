//! Which thread a new claim belongs to: within its document, or with an earlier document's claims.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::link::score::overlap;
use crate::link::speaker::{same_party, same_side};
use crate::model::{
    AlertAnswer, Claim, ClaimId, ClaimText, Kind, KnownClaim, Link, ThreadId, ThreadRecord, ThreadState,
};
use crate::pipeline::State;
use crate::pipeline::acts::Act;
use crate::pipeline::turn::Turn;

/// Two allegations of one document are one matter if this much of the shorter is in the longer …
const DOCUMENT_CONTAINMENT_MIN: f64 = 0.4;
/// … with this many terms, one less where they accuse the same party. Of such pairs in the training articles whose answers are
/// annotated, 32 of 33 have an answer in common.
const DOCUMENT_SHARED_MIN: usize = 3;

/// Where a claim belongs.
#[derive(Default)]
pub(super) struct Place {
    /// Its threads, its own first; empty where it opens one.
    pub(super) threads: Vec<ThreadId>,
    /// The allegations it answers.
    pub(super) answers: Vec<AlertAnswer>,
    /// Whether the link crosses documents.
    pub(super) is_cross_document: bool,
}

impl State {
    /// Finds the threads of a new claim: first by the links within its document, then among the desk's claims.
    pub(super) fn find_thread(&self, turn: &Turn<'_>, act: &Act) -> Place {
        let claim = &act.claim;
        let within = if claim.kind == Kind::Allegation {
            self.place_beside_companions(turn, act)
        } else {
            self.place_by_document_links(turn, claim)
        };
        if within.threads.is_empty() { self.place_with_earlier(act) } else { within }
    }

    /// An answer goes with the allegations that its own document links it to.
    pub(super) fn place_by_document_links(&self, turn: &Turn<'_>, claim: &Claim) -> Place {
        let mut place = Place::default();
        // Tellings of one act are one claim.
        let answered: BTreeSet<ClaimId> =
            claim.answers.iter().filter_map(|&answered| turn.ids.get(answered).copied().flatten()).collect();
        for answered in answered {
            let Some(allegation) = self.claims.get(&answered) else { continue };
            let text = allegation.text();
            let found = overlap(&claim.proposition, &text.proposition, |term| self.index.weight(term));
            let reason = if found.shared >= 2 { "same document, same arguments" } else { "same document" };
            place.answers.push(answer(allegation.id, text, 0.75 + 0.25 * found.containment, reason));
            if !place.threads.contains(&allegation.thread) {
                place.threads.push(allegation.thread);
            }
        }
        place
    }

    /// An allegation goes with another of its document that is about the same matter, or that the same answer answers.
    fn place_beside_companions(&self, turn: &Turn<'_>, act: &Act) -> Place {
        let matter = act.tellings.iter().find_map(|telling| turn.matters.get(telling));
        let is_alike = |position: &usize| {
            act.tellings.contains(position) || matter.is_some_and(|own| turn.matters.get(position) == Some(own))
        };
        let thread_of = |position: usize| {
            let id = turn.ids.get(position).copied().flatten()?;
            self.claims.get(&id).map(|known| known.thread)
        };
        let alike = || turn.matters.keys().copied().filter(|position| is_alike(position)).find_map(thread_of);
        let beside = || {
            let shared = turn.analysis.claims.iter().filter(|answer| answer.answers.iter().any(&is_alike));
            let companions: BTreeSet<usize> = shared.flat_map(|answer| &answer.answers).copied().collect();
            companions.into_iter().find_map(thread_of)
        };
        // What says the same is surer than what one answer is thought to answer.
        Place { threads: alike().or_else(beside).into_iter().collect(), ..Place::default() }
    }

    /// The matters of a document's allegations: positions of claims, each with the first that is about the same matter.
    pub(super) fn matters(&self, claims: &[Claim]) -> BTreeMap<usize, usize> {
        let mut matters: BTreeMap<usize, usize> = BTreeMap::new();
        let allegations = claims.iter().enumerate().filter(|(_, claim)| claim.kind == Kind::Allegation);
        for (position, claim) in allegations {
            let alike: BTreeSet<usize> = matters
                .iter()
                .filter(|(other, _)| claims.get(**other).is_some_and(|other| self.are_one_matter(claim, other)))
                .map(|(_, matter)| *matter)
                .collect();
            let matter = alike.first().copied().unwrap_or(position);
            matters.values_mut().filter(|other| alike.contains(other)).for_each(|other| *other = matter);
            matters.insert(position, matter);
        }
        matters
    }

    fn are_one_matter(&self, one: &Claim, other: &Claim) -> bool {
        let targets = one.target.as_deref().zip(other.target.as_deref());
        let is_same_target = targets.is_some_and(|(one, other)| same_party(one, other));
        let found = overlap(&one.proposition, &other.proposition, |term| self.index.weight(term));
        found.containment >= DOCUMENT_CONTAINMENT_MIN
            && found.shared + usize::from(is_same_target) >= DOCUMENT_SHARED_MIN
            && !found.is_opposed
    }

    /// The allegations that an answer answers: those that its own document links it to, else the likeliest of its earlier thread.
    pub(super) fn answers_of(&self, turn: &Turn<'_>, act: &Act) -> BTreeSet<ClaimId> {
        let within = self.place_by_document_links(turn, &act.claim).answers;
        let place = if within.is_empty() { self.place_with_earlier(act).answers } else { within };
        place.into_iter().map(|answer| answer.claim).collect()
    }

    /// What no act of its own document goes with belongs to the thread of earlier documents that tells of its matter.
    fn place_with_earlier(&self, act: &Act) -> Place {
        let Some(thread) = act.earlier else { return Place::default() };
        let answered = if act.claim.kind.is_answer() { self.answered_in(thread, &act.view) } else { None };
        let answers: Vec<AlertAnswer> = answered
            .map(|(known, link)| {
                answer(known.id, known.text(), link.probability, &format!("earlier document, {}", link.reason))
            })
            .into_iter()
            .collect();
        let is_answered = act.claim.kind == Kind::Allegation && !self.answering_in(thread, &act.view).is_empty();
        Place { threads: vec![thread], is_cross_document: is_answered || !answers.is_empty(), answers }
    }

    /// Opens the thread of a claim.
    pub(super) fn open_thread(&mut self, id: ThreadId, claim: &Claim, order: u64, now: Timestamp) {
        let thread = ThreadRecord {
            id,
            sequence: 0,
            state: ThreadState::Alleged,
            proposition: claim.proposition.text.clone(),
            stances: std::collections::BTreeMap::new(),
            claims: BTreeSet::new(),
            has_contradiction: false,
            is_closed: false,
            last_seen: now,
            order,
            is_followed: false,
            is_muted: false,
        };
        self.threads.insert(id, thread);
    }

    /// Flags threads in which one outlet has the claim's speaker deny and another has them not deny. True where new.
    pub(super) fn mark_contradiction(&mut self, turn: &Turn<'_>, claim: &Claim, threads: &BTreeSet<ThreadId>) -> bool {
        let Some(speaker) = &claim.speaker else { return false };
        let outlet = &turn.analysis.document.source.outlet;
        let contradicts = |known: &KnownClaim| {
            let opposed = (claim.is_negated_denial && known.kind == Kind::Denial)
                || (claim.kind == Kind::Denial && known.is_negated_denial);
            opposed && !known.is_withdrawn && {
                let text = known.text();
                text.report.document.outlet != *outlet
                    && text.speaker.as_ref().is_some_and(|other| same_side(speaker, other))
                    && Self::is_recent(turn, &text.report)
            }
        };
        let mut is_new = false;
        for id in threads {
            let Some(thread) = self.threads.get_mut(id) else { continue };
            if !thread.has_contradiction && thread.claims.iter().filter_map(|id| self.claims.get(id)).any(contradicts) {
                thread.has_contradiction = true;
                is_new = true;
            }
        }
        is_new
    }

    /// Closes threads that were open before this verdict. True where one was.
    pub(super) fn close(&mut self, threads: &BTreeSet<ThreadId>, verdict: ClaimId) -> bool {
        let mut is_closing = false;
        for id in threads {
            if let Some(thread) = self.threads.get_mut(id)
                && !thread.is_closed
                && thread.claims.iter().any(|&claim| claim != verdict)
            {
                thread.is_closed = true;
                is_closing = true;
            }
        }
        is_closing
    }
}

fn answer(allegation: ClaimId, text: ClaimText, score: f64, reason: &str) -> AlertAnswer {
    AlertAnswer {
        claim: allegation,
        speaker: text.speaker.map(|speaker| speaker.name),
        proposition: text.proposition.text,
        link: Link { score: (score.min(1.0) * 100.0).round() / 100.0, reason: reason.to_owned() },
    }
}
