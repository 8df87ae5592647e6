//! Entries that have changed their identity: a feed's documents in, those that the desk knows under another id get that id back.
//!
//! Publishers change what their guids are made of, put the headline into them, or list an article now at its address and now at that of
//! its AMP or mobile edition. What is new by its identity is then the known document, with or without another text, if it alone in its feed
//! stands at the address of one that the feed carries no more, and says the same, or says it was published in the same instant and has
//! words in common, or would be taken for the same story by its text. So no two documents become one that would not be one story at one
//! address anyway.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::dedup::fingerprint::fingerprint;
use crate::dedup::label::{label, weightier};
use crate::dedup::story::{Copy, Kinship};
use crate::model::{Document, DocumentId, DocumentRecord, EntryTrace};
use crate::pipeline::{Change, State};

/// Known documents of one address that are looked at.
const CANDIDATES_MAX: usize = 16;

impl State {
    /// Gives those documents of one feed that are known under another identity the id by which they are known.
    pub fn recognise(&self, documents: &mut [Document]) {
        let carried: BTreeSet<DocumentId> = documents.iter().map(|document| document.id).collect();
        for document in documents.iter_mut().filter(|document| !self.documents.contains_key(&document.id)) {
            // What panics keeps its id, and is set aside where it is analysed.
            let known = catch_unwind(AssertUnwindSafe(|| self.under_another_identity(document, &carried)));
            document.id = known.ok().flatten().unwrap_or(document.id);
        }
    }

    /// Of several the one that says the same, else the one seen last.
    fn under_another_identity(&self, document: &Document, carried: &BTreeSet<DocumentId>) -> Option<DocumentId> {
        let trace = document.trace?;
        let of_address = self
            .traces
            .range((trace.address, DocumentId::FIRST)..)
            .take_while(|(address, _)| *address == trace.address)
            .filter(|(_, id)| !carried.contains(id))
            .filter_map(|(_, id)| self.documents.get(id));
        let candidates: Vec<&DocumentRecord> = of_address.take(CANDIDATES_MAX).collect();
        let says_the_same = candidates.iter().find(|known| known.content_hash == document.content_hash);
        let found = says_the_same.or_else(|| {
            let is_it = |known: &&&DocumentRecord| self.is_later_text_of(document, trace, known);
            candidates.iter().filter(is_it).max_by_key(|known| (known.last_seen, known.id))
        });
        found.map(|known| known.id)
    }

    fn is_later_text_of(&self, document: &Document, trace: EntryTrace, known: &DocumentRecord) -> bool {
        let fingerprint = fingerprint(document);
        let copy = Copy {
            document: document.id,
            outlet: &document.source.outlet,
            agency: document.agency.as_deref(),
            fingerprint: &fingerprint,
            label: weightier(label(document.headline_text()).0, document.label),
            known_story: None,
            same_address: Some(known.story),
        };
        let then = known.trace.and_then(|trace| trace.published);
        let least =
            if trace.published.is_some() && trace.published == then { Kinship::ByAddress } else { Kinship::ByText };
        self.stories.kinship(&copy, known.story).is_some_and(|kinship| kinship >= least)
    }

    /// A document that was known before it had a trace gets the one that it is seen with.
    pub(super) fn note_trace(&mut self, id: DocumentId, trace: Option<EntryTrace>, changes: &mut Vec<Change>) {
        let Some(trace) = trace else { return };
        let Some(known) = self.documents.get_mut(&id).filter(|known| known.trace.is_none()) else { return };
        known.trace = Some(trace);
        changes.push(Change::Document(Box::new(known.clone())));
        self.traces.insert((trace.address, id));
    }

    pub(super) fn forget_trace(&mut self, id: DocumentId) {
        if let Some(trace) = self.documents.get(&id).and_then(|known| known.trace) {
            self.traces.remove(&(trace.address, id));
        }
    }
}
