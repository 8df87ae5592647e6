//! Bytes to entries, and each entry to its document: charset, recovery, parser, dates, identities, cleaning.

#![no_main]

mod bounds;

use std::collections::BTreeSet;

use gainsay::intake::parse;
use gainsay::model::{FeedId, SourceInfo};
use gainsay::text::document::document;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use url::Url;

/// What the first byte picks from: a label that fits, none, and those that mislead.
const CONTENT_TYPES: [Option<&str>; 8] = [
    None,
    Some("application/rss+xml; charset=utf-8"),
    Some("text/xml"),
    Some("application/feed+json"),
    Some("application/json"),
    Some("text/xml; charset=windows-1251"),
    Some("application/xml; charset=utf-16"),
    Some("text/html; charset=shift_jis"),
];
const ENTRIES_MAX: usize = 200;

fuzz_target!(|data: &[u8]| {
    bounds::begin();
    let Some((&first, bytes)) = data.split_first() else { return };
    let content_type = CONTENT_TYPES[usize::from(first) % CONTENT_TYPES.len()];
    let base = Url::parse("https://wire.example/feeds/world.xml").ok().filter(|_| first & 8 == 0);
    let Ok(feed) = parse(bytes, content_type, base.as_ref(), ENTRIES_MAX) else { return };
    assert!(feed.items.len() <= ENTRIES_MAX);
    let source = SourceInfo { feed: FeedId::new("wire"), outlet: "Wire".to_owned() };
    let mut ids = BTreeSet::new();
    for item in &feed.items {
        let found = document(source.clone(), item, Timestamp::UNIX_EPOCH, false);
        assert!(ids.insert(found.id), "two entries with one identity");
    }
    // What was read once is read alike again.
    assert_eq!(parse(bytes, content_type, base.as_ref(), ENTRIES_MAX).as_ref(), Ok(&feed));
});
