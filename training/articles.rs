//! Annotated articles: the shared JSON Lines and the labels of this folder in, their texts and claims' cues out, in bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};
use gainsay::archive::Archive;
use gainsay::model::{Kind, Span};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One annotated claim, in bytes of its text.
pub(super) struct Act {
    pub(super) kind: Kind,
    pub(super) cue: Span,
}

/// One annotated article.
pub(super) struct Article {
    pub(super) text: String,
    pub(super) acts: Vec<Act>,
}

#[derive(Deserialize)]
struct RawArticle {
    text: String,
    claims: Vec<RawClaim>,
}

#[derive(Deserialize)]
struct RawClaim {
    kind: Kind,
    cue: [usize; 2],
}

/// An article annotated for training alone: its text lies in an archive.
#[derive(Deserialize)]
struct Label {
    id: String,
    set: String,
    /// Code points of the text that were annotated.
    end: usize,
    claims: Vec<RawClaim>,
}

/// Articles that stand in one file with their texts.
pub(super) fn load(path: &Path) -> Result<Vec<Article>> {
    Ok(lines(path)?.into_iter().map(article).collect())
}

/// Articles whose labels stand in one file, their texts in the archives of a folder.
pub(super) fn load_labels(path: &Path, archives: &Path) -> Result<Vec<Article>> {
    let mut labels: HashMap<(String, String), Label> =
        lines(path)?.into_iter().map(|label: Label| ((label.set.clone(), label.id.clone()), label)).collect();
    let mut sets: Vec<String> = labels.keys().map(|(set, _)| set.clone()).collect();
    sets.sort();
    sets.dedup();
    let mut found = Vec::new();
    for set in sets {
        for line in Archive::open(&archives.join(format!("{set}.jsonl.gz")))? {
            let line = line?;
            let Some(label) = labels.remove(&(set.clone(), line.id.clone())) else { continue };
            let title = line.title.filter(|title| !title.is_empty());
            let text = title.map_or_else(|| line.text.clone(), |title| format!("{title}\n{}", line.text));
            found.push(article(RawArticle { text: text.chars().take(label.end).collect(), claims: label.claims }));
        }
    }
    anyhow::ensure!(labels.is_empty(), "{} labelled articles are in no archive", labels.len());
    Ok(found)
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

fn article(raw: RawArticle) -> Article {
    let mut bytes: Vec<usize> = raw.text.char_indices().map(|(at, _)| at).collect();
    bytes.push(raw.text.len());
    let act = |claim: &RawClaim| Act { kind: claim.kind, cue: Span::new(bytes[claim.cue[0]], bytes[claim.cue[1]]) };
    Article { acts: raw.claims.iter().map(act).collect(), text: raw.text }
}
