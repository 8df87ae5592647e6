//! Feeds in, items out: [`Poller::poll`] fetches a feed behind the guard, recovers and parses it, and gives its entries
//! identities; the app's feed tasks call it and commit the cursor with what came of the items.
//!
//! In the order of the data: `schedule` says when, `fetch` (with `guard` and `decompress`) brings bytes, `charset`
//! makes them text, `recover` (on `markup`, `entity`, `vocabulary` and `rewrite`) makes the text a clean feed (`json` where it is
//! a JSON Feed), `parse` (with `date` and `identity`) makes that items, `poll` does it all once. Where a feed gives only
//! teasers, `page` fetches an entry's article, if `robots` permits: `page_scan` takes down what the page says of itself, which `page_facts`
//! reads, and hands small markup to `readable`, which finds the article; `page_verdict` tells walls from articles. Nothing here keeps state but the poller's queues.

mod batch;
mod charset;
mod date;
mod decompress;
mod entity;
mod fetch;
mod guard;
mod identity;
mod json;
mod markup;
mod page;
mod page_facts;
mod page_scan;
mod page_verdict;
mod parse;
mod poll;
mod readable;
mod recover;
mod rewrite;
mod robots;
mod schedule;
mod vocabulary;

pub use batch::parse_batch;
pub use decompress::DecompressError;
pub use fetch::{Body, FetchError, Fetched, Fetcher, Shown};
pub use guard::{GuardedResolver, Refused, check_url, refusal};
pub use page::{PageError, page_link};
pub use page_verdict::Unfit;
pub use parse::{FeedParser, ParseError, ParsedFeed, RawFeed, parse};
pub use poll::{BodySize, FAILURES_MIN, Outcome, Poll, PollError, Poller, Turn, resume};
pub use recover::{Repair, Repairs};
pub use schedule::{Ending, Pace, next_poll_after};
