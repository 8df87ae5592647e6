//! Names the speakers of annotated claims, to measure the resolver by itself.
//!
//! `cargo run --example speak < ../shared/gold/dev.jsonl > spoken.jsonl`: each annotated claim as `extract` would print it, with the speaker that the
//! resolver finds for its words; `score_claims.py` then gives the share that is right as `speaker_acc`.

#![allow(clippy::print_stdout, clippy::string_slice, reason = "a tool for the developer, on data of known form")]

use std::io::BufRead as _;

use anyhow::Result;
use gainsay::extract::reading::without_dateline;
use gainsay::extract::resolve::Resolver;
use gainsay::model::{Attribution, Kind, Span};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Article {
    id: String,
    text: String,
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    id: String,
    kind: Kind,
    cue: [usize; 2],
    source: Option<[usize; 2]>,
    content: Vec<[usize; 2]>,
}

fn main() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        for spoken in speak(&serde_json::from_str(&line?)?) {
            println!("{spoken}");
        }
    }
    Ok(())
}

fn speak(article: &Article) -> Vec<Value> {
    let text = &article.text;
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let sentences = gainsay::text::sentence::sentences(text, gainsay::text::document::headline(text));
    let spoken: Vec<Span> = sentences.iter().map(|one| without_dateline(text, *one)).collect();
    let resolver = Resolver::new(text, &spoken, &[]);
    let span = |[start, end]: [usize; 2]| Span::new(bytes[start], bytes[end]);
    let place =
        |[start, end]: [usize; 2]| json!({ "text": &text[bytes[start]..bytes[end]], "start": start, "end": end });
    let name = |claim: &Claim| {
        let cue = span(claim.cue);
        let sentence = sentences.iter().rfind(|one| one.start <= cue.start).copied().unwrap_or(cue);
        let content = claim.content.iter().copied().map(span).collect();
        let attribution = Attribution { source: claim.source.map(span), cue, content, sentence };
        resolver.speaker(&attribution, claim.kind).map(|one| one.name)
    };
    let line = |claim: &Claim| {
        json!({
            "document": article.id, "id": claim.id, "kind": claim.kind, "cue": place(claim.cue), "source": claim.source.map(place),
            "speaker": name(claim).map(|name| json!({ "name": name })), "content": claim.content.iter().copied().map(place).collect::<Vec<_>>(),
            "answers": [], "background": false,
        })
    };
    article.claims.iter().map(line).collect()
}
