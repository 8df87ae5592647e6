//! Draws pairs of claims that a desk would compare, to be labelled by readers: for the weights of `link::likeness` in real streams.
//!
//! `sqlite3 DESK.db "SELECT record FROM claim ORDER BY position" | cargo run --release --example pairs > PAIRS.jsonl`: of each claim the earlier
//! claims of other documents that most likely belong to it, `{"candidates","relation","probability","measures","claim","known"}` with what a reader needs.

#![allow(clippy::print_stdout, reason = "a tool for the developer")]

use std::collections::BTreeMap;
use std::io::BufRead as _;

use anyhow::Result;
use gainsay::link::index::ClaimIndex;
use gainsay::link::likeness::{Relation, likeness, measures};
use gainsay::link::view::View;
use gainsay::model::{ClaimId, ClaimRecord};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Likelier pairs are drawn.
const PROBABILITY_MIN: f64 = 0.4;
/// Pairs drawn of one claim.
const PAIRS_MAX: usize = 2;
/// How long a claim is known.
const WINDOW: SignedDuration = SignedDuration::from_hours(24 * 90);

fn main() -> Result<()> {
    let mut index = ClaimIndex::default();
    let mut records: BTreeMap<ClaimId, ClaimRecord> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let record: ClaimRecord = serde_json::from_str(&line?)?;
        let view = View::of(record.kind, &record.report, record.speaker.as_ref(), &record.proposition);
        records.retain(|_, known| {
            let is_known = record.first_seen.duration_since(known.first_seen) <= WINDOW;
            if !is_known {
                index.remove(known.sequence);
            }
            is_known
        });
        let rarity = |term| index.rarity(term);
        let mut likely: Vec<(f64, &ClaimRecord, &View)> = Vec::new();
        let mut candidates = 0;
        for id in index.candidates(&view) {
            let Some(known) = records.get(&id) else { continue };
            let Some(known_view) = index.view(known.sequence) else { continue };
            let is_other =
                known.report.document.id != record.report.document.id && known.stories.is_disjoint(&record.stories);
            let probability = likeness(&view, known_view, &rarity).map_or(0.0, |found| found.probability);
            candidates += usize::from(is_other);
            if is_other && probability >= PROBABILITY_MIN {
                likely.push((probability, known, known_view));
            }
        }
        likely.sort_by(|one, other| other.0.total_cmp(&one.0));
        for (probability, known, known_view) in likely.into_iter().take(PAIRS_MAX) {
            let seen: BTreeMap<String, f64> = measures(&view, known_view, &rarity)
                .into_iter()
                .map(|(sign, strength)| (format!("{sign:?}"), strength))
                .collect();
            let relation = Relation::between(record.kind, known.kind).map(|relation| format!("{relation:?}"));
            let pair = json!({ "candidates": candidates, "relation": relation, "probability": probability, "measures": seen, "claim": shown(&record), "known": shown(known) });
            println!("{pair}");
        }
        index.insert(record.sequence, record.id, view);
        records.insert(record.id, record);
    }
    Ok(())
}

fn shown(record: &ClaimRecord) -> Value {
    let (report, document) = (&record.report, &record.report.document);
    json!({
        "id": record.id, "kind": record.kind, "date": document.published, "headline": document.headline, "outlet": document.outlet,
        "speaker": record.speaker.as_ref().map(|speaker| &speaker.name), "target": report.claim.target, "cue": report.claim.cue.text,
        "before": report.evidence.before, "sentence": report.evidence.sentence, "content": record.proposition.text,
    })
}
