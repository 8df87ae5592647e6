//! Annotated articles: the shared JSON Lines in, their texts and attributions out, in bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use gainsay::model::{Kind, Span};
use serde::Deserialize;

/// One annotated attribution, in bytes of its text.
pub(super) struct Act {
    pub(super) kind: Option<Kind>,
    pub(super) source: Vec<Span>,
    pub(super) cue: Vec<Span>,
    pub(super) content: Vec<Span>,
}

/// One annotated article.
pub(super) struct Article {
    pub(super) text: String,
    pub(super) acts: Vec<Act>,
}

#[derive(Deserialize)]
struct RawArticle {
    text: String,
    #[serde(default)]
    claims: Vec<RawClaim>,
    #[serde(default)]
    attributions: Vec<RawAttribution>,
}

#[derive(Deserialize)]
struct RawClaim {
    kind: Kind,
    cue: [usize; 2],
    source: Option<[usize; 2]>,
    content: Vec<[usize; 2]>,
}

#[derive(Deserialize)]
struct RawAttribution {
    source: Vec<[usize; 2]>,
    cue: Vec<[usize; 2]>,
    content: Vec<[usize; 2]>,
}

pub(super) fn load(path: &Path) -> Result<Vec<Article>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let is_packed = path.extension().is_some_and(|ending| ending == "gz");
    let reader: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    BufReader::new(reader).lines().map(|line| Ok(article(serde_json::from_str(&line?)?))).collect()
}

fn article(raw: RawArticle) -> Article {
    let mut bytes: Vec<usize> = raw.text.char_indices().map(|(at, _)| at).collect();
    bytes.push(raw.text.len());
    let spans = |spans: &[[usize; 2]]| spans.iter().map(|&[s, e]| Span::new(bytes[s], bytes[e])).collect();
    let claims = raw.claims.iter().map(|claim| Act {
        kind: Some(claim.kind),
        source: spans(claim.source.as_slice()),
        cue: spans(&[claim.cue]),
        content: spans(&claim.content),
    });
    let statements = raw.attributions.iter().filter(|raw| !raw.cue.is_empty()).map(|raw| Act {
        kind: None,
        source: spans(&raw.source),
        cue: spans(&raw.cue),
        content: spans(&raw.content),
    });
    let acts = claims.chain(statements).collect();
    Article { acts, text: raw.text }
}
