//! Releases that change: a later version of a document has another embargo, is withheld or may be used after all. Whatever shows the
//! document and was not sent yet goes at the new time.

use jiff::Timestamp;

use super::{Change, State};
use crate::model::{
    AlertAnswer, AlertThread, Document, DocumentId, DocumentRecord, DropCause, Dropped, GroupRecord, HeldAlert,
    HeldList, Kind, KnownClaim, Moved, Release, Version,
};
use crate::text::embargo::{Embargo, embargo};

pub use crate::model::WITHHELD;

impl State {
    /// Until when a known document is not to be alerted, where a version of it that says nothing else anew changes that. A later version
    /// may lift an embargo early. Else what only the text says does not change with a text that does not: and without its page less of
    /// the text may be here than is known.
    pub fn moved_release(&self, document: &Document) -> Option<Option<Timestamp>> {
        let known = self.documents.get(&document.id)?;
        let until = match document.release {
            Release::Until(until) => Some(until),
            Release::Withheld => Some(WITHHELD),
            _ if known.embargo_until == Some(WITHHELD) => document.embargo_until,
            _ if known.version.is_older_than(document.version) => release_after(known, document),
            _ => known.embargo_until,
        };
        (!document.version.is_older_than(known.version) && until != known.embargo_until).then_some(until)
    }

    /// A known document has another release, and nothing else changed.
    pub(super) fn release(
        &mut self,
        document: DocumentId,
        version: Version,
        until: Option<Timestamp>,
        changes: &mut Vec<Change>,
    ) {
        let Some(known) = self.documents.get_mut(&document) else { return };
        if version.is_older_than(known.version) || known.embargo_until == until {
            return;
        }
        known.embargo_until = until;
        if !version.is_empty() {
            known.version = version;
        }
        changes.push(Change::Document(Box::new(known.clone())));
        self.move_release(document, until, changes);
    }

    /// Moves what shows a document: reports of claims, which later alerts are made of, what waits for sinks here, and what waits in
    /// the outbox.
    pub(super) fn move_release(&mut self, id: DocumentId, until: Option<Timestamp>, changes: &mut Vec<Change>) {
        let claims = self.documents.get(&id).map(|known| known.claims.clone()).unwrap_or_default();
        for claim in claims {
            let Some(claim) = self.claims.get_mut(&claim).filter(|claim| claim.text().report.document.id == id) else {
                continue;
            };
            claim.change_report(|report| report.document.embargo_until = until);
            changes.push(Change::Claim(Box::new(claim.record())));
        }
        let now = self.position().0;
        for budget in self.budgets.values_mut() {
            hasten(&mut budget.collected, id, until, now);
            let lists = budget.lists_mut().into_iter().flat_map(|list| &mut list.held);
            let mut is_moved = false;
            for held in lists.filter(|held| held.document == Some(id) && held.not_before != until) {
                held.not_before = until;
                is_moved = true;
            }
            if is_moved {
                changes.push(Change::Budget(Box::new(budget.clone())));
            }
        }
        for group in self.groups.values_mut() {
            if move_group(group, id, until) {
                changes.push(Change::Group(Box::new(group.clone())));
            }
        }
        changes.push(Change::Moved(Moved { document: id, due: until.unwrap_or(Timestamp::UNIX_EPOCH) }));
    }
}

impl State {
    /// Takes out of an alert of a claim what only documents say that are released later than it may go: an answer can be known before
    /// what it answers may be told.
    pub(super) fn keep_released(&self, claim: &KnownClaim, thread: &mut AlertThread, answers: &mut [AlertAnswer]) {
        let released = claim.embargo_until().max(self.position().0);
        let is_later = |other: &&KnownClaim| other.embargo_until() > released;
        for answer in answers {
            if self.claims.get(&answer.claim).as_ref().is_some_and(is_later) {
                answer.speaker = None;
                answer.proposition.clear();
            }
        }
        let members = self.threads.get(&thread.id).into_iter().flat_map(|known| &known.claims);
        let (later, told): (Vec<&KnownClaim>, Vec<&KnownClaim>) =
            members.filter_map(|id| self.claims.get(id)).partition(is_later);
        if later.is_empty() {
            return;
        }
        thread.stances.retain(|stance| later.iter().all(|claim| claim.id != stance.claim));
        let proposition = |claim: &&KnownClaim| claim.text().proposition.text;
        if told.iter().all(|claim| proposition(claim) != thread.proposition) {
            let first = told.iter().filter(|claim| claim.kind == Kind::Allegation).min_by_key(|claim| claim.sequence);
            thread.proposition = first.map(proposition).unwrap_or_default();
        }
    }

    /// A document is forgotten while it is withheld: nothing says any more when what shows it may go.
    pub(super) fn drop_withheld(&mut self, id: DocumentId, changes: &mut Vec<Change>) {
        for budget in self.budgets.values_mut() {
            let is_gone = |held: &HeldAlert| held.document == Some(id) && held.not_before == Some(WITHHELD);
            if budget.lists().into_iter().any(|list| list.held.iter().any(is_gone)) {
                budget.lists_mut().into_iter().for_each(|list| list.held.retain(|held| !is_gone(held)));
                changes.push(Change::Budget(Box::new(budget.clone())));
            }
        }
        changes.push(dropped(id, DropCause::Forgotten));
    }
}

/// A document will not be used.
pub(super) fn dropped(document: DocumentId, cause: DropCause) -> Change {
    Change::Dropped(Dropped { document, cause })
}

/// Where all that is collected waits for embargoes, and that of this document is over sooner now, the digest may go then.
fn hasten(list: &mut HeldList, id: DocumentId, until: Option<Timestamp>, now: Option<Timestamp>) {
    let is_sooner = |held: &HeldAlert| held.document == Some(id) && held.not_before > until;
    if list.held.iter().any(is_sooner) && list.held.iter().all(|held| held.not_before > now) {
        list.until = list.until.min(until.or(now));
    }
}

fn move_group(group: &mut GroupRecord, id: DocumentId, until: Option<Timestamp>) -> bool {
    let mut is_moved = false;
    for document in group.members.iter_mut().filter_map(|alert| alert.document.as_mut()).filter(|shown| shown.id == id)
    {
        is_moved |= document.embargo_until != until;
        document.embargo_until = until;
    }
    is_moved
}

/// Until when a document is not to be alerted after this version of it. What the provider says counts; of what only the text says,
/// that which depends on when it was seen is not counted anew with every sight, and what a page said stands while it is not read again.
pub(super) fn release_after(known: &DocumentRecord, document: &Document) -> Option<Timestamp> {
    let before = known.embargo_until.filter(|before| *before != WITHHELD);
    let is_less = known.entry_hash.is_some() && document.entry_hash.is_none();
    let is_by_sight = || match document.published {
        Some(published) => embargo(&document.text, published) == Some(Embargo::Unreadable),
        None => true,
    };
    match (document.release, document.embargo_until, before) {
        (Release::Withheld, ..) => Some(WITHHELD),
        (Release::Until(_), until, _) => until,
        (_, None, Some(before)) if is_less => Some(before),
        (_, Some(_), Some(before)) if is_by_sight() => Some(before),
        (_, until, _) => until,
    }
}
