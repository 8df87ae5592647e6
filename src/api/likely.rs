//! Threads that may be of one matter with another, for a user who merges: claims with telling words in common, judged as the desk judges
//! claims of different documents, but offered from much less sureness on.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Looking;
use super::problem::Problem;
use super::query::id;
use super::state::value;
use crate::link::likeness::{Likeness, likeness};
use crate::link::rarity::{Term, weight};
use crate::link::view::View as Compared;
use crate::look::{Outlets, ThreadLine};
use crate::model::{ClaimRecord, ThreadId};
use crate::text::normalize::{fold, is_stop_word, stem};

/// Claims of the thread that are compared, the newest.
const OWN_MAX: usize = 12;
/// Telling words and names of them that are looked for.
const WORDS_MAX: usize = 16;
/// Claims looked at for each.
const CLAIMS_OF_WORD: u32 = 200;
/// Claims that are compared.
const CANDIDATES_MAX: usize = 60;
/// Threads that are offered.
const OFFERED_MAX: usize = 5;
/// Least probability of what is offered.
const PROBABILITY_MIN: f64 = 0.1;
/// What a name weighs as a whole, beside words of their own rarity: about as much as two rare ones.
const NAME_WEIGHT: f64 = 18.0;

/// Threads that may be of one matter with another.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Likely {
    items: Vec<LikelyThread>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LikelyThread {
    thread: ThreadLine,
    /// How likely it is, 0 to 1.
    probability: f64,
    /// What speaks for it.
    reason: &'static str,
}

/// The threads that a thread could be merged with, the likeliest first.
pub(super) fn likely(looking: &Looking<'_>) -> Result<Value, Problem> {
    let thread: ThreadId = id("id", looking.id)?;
    let record = looking.view.thread(thread)?.ok_or_else(|| Problem::missing("thread"))?;
    let mut own = Vec::new();
    for &claim in &record.claims {
        own.extend(looking.view.claim(claim)?.filter(|claim| !claim.is_withdrawn));
    }
    own.sort_by_key(|claim| Reverse(claim.sequence));
    own.truncate(OWN_MAX);
    let others = looking.view.claims_alike(&words(&own), thread, CLAIMS_OF_WORD, CANDIDATES_MAX)?;
    let others = others.into_iter().filter(|other| !other.is_withdrawn);
    let mut items = Vec::new();
    let mut outlets = Outlets::new(looking.view);
    for (id, Likeness { probability, reason }) in ranked(&own, others) {
        let Some(record) = looking.view.thread(id)? else { continue };
        if let Some(thread) = ThreadLine::of(looking.view, &record, &mut outlets)? {
            items.push(LikelyThread { thread, probability, reason });
        }
    }
    value(&Likely { items })
}

/// The telling words and the names of claims, with their weights, the weightiest first.
fn words(claims: &[ClaimRecord]) -> Vec<(String, f64)> {
    let mut found: BTreeMap<String, f64> = BTreeMap::new();
    for claim in claims {
        let report = &claim.report.claim;
        let speaker = report.speaker.as_ref().map(|speaker| &speaker.name);
        found.extend(speaker.into_iter().chain(&report.target).map(|name| (fold(name), NAME_WEIGHT)));
        let text =
            if claim.proposition.text.is_empty() { &claim.report.evidence.sentence } else { &claim.proposition.text };
        let telling =
            text.split(|c: char| !c.is_alphanumeric()).map(fold).filter(|word| word.len() > 2 && !is_stop_word(word));
        found.extend(telling.map(|word| (word.clone(), weight(Term::of(&stem(&word)), 0, 0))));
    }
    let mut found: Vec<(String, f64)> = found.into_iter().collect();
    found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    found.truncate(WORDS_MAX);
    found
}

/// The threads of other claims by the likeliest pair that speaks for each, the likeliest first.
fn ranked(own: &[ClaimRecord], others: impl Iterator<Item = ClaimRecord>) -> Vec<(ThreadId, Likeness)> {
    let view =
        |claim: &ClaimRecord| Compared::of(claim.kind, &claim.report, claim.speaker.as_ref(), &claim.proposition);
    let own: Vec<(u64, Compared)> = own.iter().map(|claim| (claim.sequence, view(claim))).collect();
    let rarity = |term: Term| weight(term, 0, 0);
    let mut best: BTreeMap<ThreadId, Likeness> = BTreeMap::new();
    for other in others {
        let (sequence, compared) = (other.sequence, view(&other));
        let pairs = own.iter().filter_map(|(own, one)| {
            let (newer, older) = if *own > sequence { (one, &compared) } else { (&compared, one) };
            likeness(newer, older, &rarity)
        });
        let Some(found) = pairs.max_by(|one, other| one.probability.total_cmp(&other.probability)) else { continue };
        let known = best.entry(other.thread).or_insert(found);
        if known.probability < found.probability {
            *known = found;
        }
    }
    let mut best: Vec<(ThreadId, Likeness)> =
        best.into_iter().filter(|(_, found)| found.probability >= PROBABILITY_MIN).collect();
    best.sort_by(|one, other| other.1.probability.total_cmp(&one.1.probability).then(one.0.cmp(&other.0)));
    best.truncate(OFFERED_MAX);
    best
}
