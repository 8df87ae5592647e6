//! Measures claims of event sets against each other, for the weights of `link::likeness`.
//!
//! `cargo run --example threads -- SETS.jsonl… > MEASURES.jsonl`: of each two claims of different documents of a set, and of some of different
//! sets, `{"set","relation","label","measures"}`; the label tells whether they belong together as the relation asks. The form of the sets is
//! that of `tests/threads/`.

#![allow(clippy::print_stdout, reason = "a tool for the developer")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result};
use gainsay::extract::Models;
use gainsay::link::likeness::{Relation, measures};
use gainsay::link::rarity::weight;
use gainsay::link::view::View;
use gainsay::model::{ClaimRecord, Kind, MarkupFormat};
use gainsay::parallel;
use gainsay::pipeline::{Change, Input, Scope, State, Windows, analyse, step};
use gainsay::text::document::archive_document;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Of how many pairs of different sets one is measured.
const APART_ONE_IN: usize = 400;

#[derive(Deserialize)]
struct EventSet {
    id: String,
    documents: Vec<EventDocument>,
    threads: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct EventDocument {
    id: String,
    outlet: String,
    published: Timestamp,
    title: String,
    text: String,
    claims: Vec<Marked>,
}

#[derive(Deserialize)]
struct Marked {
    act: String,
    kind: Kind,
    cue: String,
    #[serde(rename = "in")]
    around: String,
}

/// A claim that was found, with the act it tells, if it is marked.
struct Told {
    set: usize,
    document: usize,
    act: Option<String>,
    view: View,
}

fn main() -> Result<()> {
    let models = Models::embedded()?;
    let mut sets: Vec<EventSet> = Vec::new();
    for path in std::env::args().skip(1) {
        let file = File::open(&path).with_context(|| path.clone())?;
        for line in BufReader::new(file).lines() {
            sets.push(serde_json::from_str(&line?)?);
        }
    }
    let places: Vec<(usize, usize)> =
        sets.iter().enumerate().flat_map(|(set, one)| (0..one.documents.len()).map(move |at| (set, at))).collect();
    let told = parallel::in_order(parallel::cores(), places, |(set, at)| tell(&sets, set, at, &models));
    let told: Vec<Told> = told.into_iter().flatten().collect();
    let mut apart = 0;
    for (at, later) in told.iter().enumerate() {
        for known in told.iter().take(at).filter(|known| (known.set, known.document) != (later.set, later.document)) {
            let is_apart = known.set != later.set;
            apart += usize::from(is_apart);
            if is_apart && apart % APART_ONE_IN != 0 {
                continue;
            }
            let (Some(relation), Some(set)) =
                (Relation::between(later.view.kind(), known.view.kind()), sets.get(later.set))
            else {
                continue;
            };
            // What is told of no marked act may be a fault of the marking or of the extraction: nothing is learnt from it.
            let Some(label) = (if is_apart { Some(false) } else { belong_together(set, relation, later, known) })
            else {
                continue;
            };
            let seen: BTreeMap<String, f64> = measures(&later.view, &known.view, &|term| weight(term, 0, 0))
                .into_iter()
                .map(|(sign, strength)| (format!("{sign:?}"), strength))
                .collect();
            let set = if is_apart { "apart" } else { &set.id };
            println!(
                "{}",
                serde_json::json!({ "set": set, "relation": format!("{relation:?}"), "label": label, "measures": seen })
            );
        }
    }
    Ok(())
}

/// The claims that the desk would open of one document alone.
fn tell(sets: &[EventSet], set: usize, at: usize, models: &Models) -> Vec<Told> {
    let Some(document) = sets.get(set).and_then(|set| set.documents.get(at)) else { return Vec::new() };
    let text = format!("{}\n{}", document.title, document.text);
    let read = archive_document(
        &document.id,
        Some(&document.outlet),
        Some(&document.title),
        &document.text,
        Some(document.published),
        None,
        document.published,
        MarkupFormat::Text,
    );
    let long = SignedDuration::from_hours(24 * 365);
    let mut state = State::new(Windows { stories: long, claims: long, threads: long });
    let analysis = analyse(read, models, Scope::Claims);
    let changes = step(&mut state, Input::Analysed(Box::new(analysis)), document.published);
    let records: BTreeMap<_, ClaimRecord> = changes
        .into_iter()
        .filter_map(|change| if let Change::Claim(record) = change { Some((record.id, *record)) } else { None })
        .collect();
    let view =
        |record: &ClaimRecord| View::of(record.kind, &record.report, record.speaker.as_ref(), &record.proposition);
    let told = |record: &ClaimRecord| Told { set, document: at, act: act(document, &text, record), view: view(record) };
    records.values().map(told).collect()
}

/// The act that is marked in the sentence of a claim, of its kind; one whose cue is nearest.
fn act(document: &EventDocument, text: &str, record: &ClaimRecord) -> Option<String> {
    let claim = &record.report.claim;
    let places = document.claims.iter().filter(|marked| marked.kind == record.kind).filter_map(|marked| {
        let start = text.find(&marked.around)? + marked.around.find(&marked.cue)?;
        let start = text.get(..start)?.chars().count();
        let is_inside = claim.sentence.start <= start && start < claim.sentence.end;
        is_inside.then(|| (start.abs_diff(claim.cue.start), &marked.act))
    });
    places.min_by_key(|(distance, _)| *distance).map(|(_, act)| act.clone())
}

fn belong_together(set: &EventSet, relation: Relation, one: &Told, other: &Told) -> Option<bool> {
    let (act, known) = one.act.as_ref().zip(other.act.as_ref())?;
    let thread = |wanted: &String| set.threads.iter().position(|acts| acts.contains(wanted));
    let threads: BTreeSet<Option<usize>> = [thread(act), thread(known)].into();
    Some(if relation == Relation::Repeat { act == known } else { threads.len() == 1 })
}
