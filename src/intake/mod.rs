//! Feeds in, items out: [`Poller::poll`] fetches a feed behind the guard, recovers and parses it, and gives its entries
//! identities; the app's feed tasks call it and commit the cursor with what came of the items.
//!
//! In the order of the data: `schedule` says when, `fetch` (with `guard` and `decompress`) brings bytes, `charset`
//! makes them text, `recover` (on `markup`, `entity`, `vocabulary` and `rewrite`) makes RSS and Atom a clean feed, `parse` (with `date`, on `date_text` and `date_words`, and
//! `identity`) makes that items, `poll` does it all once; for a watched directory `folder`
//! stands in the place of `fetch`. The other formats become items at once: `json` (with `relaxed` and `ninjs`),
//! `sitemap` and `newsml` (both on `tree`; `wire` is what agencies' formats share). Nothing here keeps state but the poller's queues.

mod batch;
mod charset;
mod date;
mod date_text;
mod date_words;
mod decompress;
mod entity;
mod fetch;
mod folder;
mod guard;
mod identity;
mod json;
mod markup;
mod newsml;
mod ninjs;
mod parse;
mod poll;
mod recover;
mod relaxed;
mod rewrite;
mod schedule;
mod sitemap;
mod tree;
mod vocabulary;
mod wire;

pub use batch::parse_batch;
pub use decompress::DecompressError;
pub use fetch::{Body, FetchError, Fetched, Fetcher, Shown};
pub use folder::{FolderError, count_files};
pub use guard::{GuardedResolver, Refused, check_url, refusal};
pub use parse::{FeedParser, ParseError, ParsedFeed, RawFeed, parse};
pub use poll::{BodySize, FAILURES_MIN, Outcome, Poll, PollError, Poller, Turn, resume};
pub use recover::{Repair, Repairs};
pub use schedule::{Ending, Pace, next_poll_after};
