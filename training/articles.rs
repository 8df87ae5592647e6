//! Annotated articles: the shared JSON Lines in, their texts and claims' cues out, in bytes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};
use gainsay::model::{Kind, Span};
use serde::Deserialize;

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

pub(super) fn load(path: &Path) -> Result<Vec<Article>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    BufReader::new(file).lines().map(|line| Ok(article(serde_json::from_str(&line?)?))).collect()
}

fn article(raw: RawArticle) -> Article {
    let mut bytes: Vec<usize> = raw.text.char_indices().map(|(at, _)| at).collect();
    bytes.push(raw.text.len());
    let act = |claim: &RawClaim| Act { kind: claim.kind, cue: Span::new(bytes[claim.cue[0]], bytes[claim.cue[1]]) };
    Article { acts: raw.claims.iter().map(act).collect(), text: raw.text }
}
