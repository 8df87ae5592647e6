//! Feeds in, items out: [`Poller::poll`] fetches a feed behind the guard, recovers and parses it, and gives its entries
//! identities; the app's feed tasks call it and commit the cursor with what came of the items.
//!
//! In the order of the data: `schedule` says when, `fetch` (with `guard` and `decompress`) brings bytes, `charset`
//! makes them text, `recover` (on `markup`, `entity`, `vocabulary` and `rewrite`) makes the text a clean feed (`json` where it is
//! a JSON Feed), `parse` (with `date` and `identity`) makes that items, `poll` does it all once. Nothing here keeps state but the poller's queues.

mod batch;
mod charset;
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
mod schedule;
mod vocabulary;
mod websub;

pub use batch::parse_batch;
pub use decompress::DecompressError;
pub use discover::{Discovered, FoundBy, FoundFeed, discover};
pub use fetch::{Body, FetchError, Fetched, Fetcher, Shown};
pub use guard::{GuardedResolver, Refused, check_url, refusal};
pub use parse::{FeedParser, ParseError, ParsedFeed, RawFeed, parse};
pub use poll::{BodySize, Discovery, FAILURES_MIN, Outcome, Poll, PollError, Poller, Pushed, Turn, resume};
pub use recover::{Repair, Repairs};
pub use schedule::{Ending, Pace, next_poll_after};
pub use websub::{Hub, HubLinks, Mode, Question, is_signed, links_in_headers, new_subscription};
