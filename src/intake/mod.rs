//! Feeds in, items out: [`Poller::poll`] fetches a feed behind the guard, recovers and parses it, and gives its entries
//! identities; the app's feed tasks call it and commit the cursor with what came of the items.
//!
//! In the order of the data: `schedule` (with `rhythm` and `wishes`) says when, `sites` whose turn it is, `fetch` (with `guard` and `decompress`) brings bytes, `charset`
//! makes them text, `recover` (on `markup`, `entity`, `vocabulary` and `rewrite`) makes the text a clean feed (`json` where it is
//! a JSON Feed), `parse` (with `date` and `identity`) makes that items, `poll` does it all once and `conclude` says what follows from it. Nothing here
//! keeps state but the queues of `sites`.

mod batch;
mod charset;
mod conclude;
mod cookies;
mod date;
mod decompress;
mod discover;
mod entity;
mod fetch;
mod guard;
mod identity;
mod json;
mod markup;
mod parse;
mod poll;
mod recover;
mod rewrite;
pub mod rhythm;
pub mod schedule;
mod sites;
mod vocabulary;
mod websub;
mod wishes;

pub use batch::parse_batch;
pub use conclude::{FAILURES_MIN, resume};
pub use decompress::DecompressError;
pub use discover::{Discovered, FoundBy, FoundFeed, discover};
pub use fetch::{Body, FetchError, Fetched, Fetcher, Notes, Shown};
pub use guard::{GuardedResolver, Refused, check_url, refusal};
pub use parse::{FeedParser, ParseError, ParsedFeed, RawFeed, parse};
pub use poll::{BodySize, Discovery, Outcome, Poll, PollError, Poller, Pushed, Turn};
pub use recover::{Repair, Repairs};
pub use schedule::{Ending, Freshness, Pace, Said, next_poll_after, wait_after_start};
pub use websub::{Hub, HubLinks, Mode, Question, is_signed, links_in_headers, new_subscription};
