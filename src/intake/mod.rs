//! Feeds in, items out: [`Poller::poll`] fetches a feed behind the guard, recovers and parses it, and gives its entries
//! identities; the app's feed tasks call it and commit the cursor with what came of the items.
//!
//! In the order of the data: `schedule` (with `rhythm` and `wishes`) says when, `sites` whose turn it is, `fetch` (with `decompress`, behind the crate's `guard`) brings
//! bytes, `charset` makes them text, `recover` (on `markup`, `entity`, `vocabulary`, `assemble` and `fields`, with `date`, on `date_strict`,
//! `date_text` and `date_words`) makes RSS and Atom items, `parse` gives them identities (`identity`), `poll` does it all once and `conclude` says what follows from it; for a
//! watched directory `folder` stands in the place of `fetch`. The other formats become items at once: `json` (with `relaxed` and `ninjs`),
//! `sitemap` and `newsml` (both on `tree`; `wire` is what agencies' formats share). `websub` is the subscriber's side of what hubs push. Nothing here
//! keeps state but the queues of `sites` and what `robots` remembers.
//!
//! Where a feed gives only teasers, `page` fetches an entry's article, if `robots` permits: `page_scan` takes down what the page says of itself,
//! which `page_facts` reads, and hands small markup to `readable`, which finds the article; `page_verdict` tells walls from articles.

mod assemble;
mod batch;
mod charset;
mod conclude;
mod cookies;
mod date;
mod date_strict;
mod date_text;
mod date_words;
mod decompress;
mod discover;
mod entity;
mod fetch;
mod fields;
mod folder;
mod identity;
mod json;
mod markup;
mod newsml;
mod ninjs;
mod page;
mod page_facts;
mod page_scan;
mod page_verdict;
mod parse;
mod poll;
mod readable;
mod recover;
mod relaxed;
pub mod rhythm;
mod robots;
pub mod schedule;
mod sitemap;
mod sites;
mod tree;
mod vocabulary;
mod websub;
mod wire;
mod wishes;

pub use batch::parse_batch;
pub use conclude::{FAILURES_MIN, resume};
pub use decompress::DecompressError;
pub use discover::{Discovered, FoundBy, FoundFeed, discover};
pub use fetch::{Body, FetchError, Fetched, Fetcher, Notes, Shown};
pub use folder::{FolderError, count_files};
pub use page::{PageError, page_link};
pub use page_verdict::Unfit;
pub use parse::{ParseError, ParsedFeed, parse};
pub use poll::{BodySize, Discovery, Outcome, Poll, PollError, Poller, Pushed, Turn};
pub use recover::{Repair, Repairs};
pub use schedule::{Ending, Freshness, Hold, Pace, Said, next_poll_after, soonest, wait_after_start};
pub use websub::{Hub, HubLinks, Mode, Question, is_signed, links_in_headers, new_subscription};
