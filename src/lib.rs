//! gainsay watches newswires and says, once and reliably, when somebody publicly alleges something or publicly denies it,
//! with the words that prove it and the thread of who answered whom.
//!
//! # The way of the data
//!
//! ```text
//! feeds ─ intake (poll, fetch, recover, parse) ─ Items        asynchronous, I/O
//!            │
//!         text::document ─ Documents
//!            │
//!         pipeline::analyse   text, dedup::fingerprint, extract, link::document     pure, parallel
//!         pipeline::step      dedup::story, link, claim identity, threads            pure, ordered
//!         route               rules, priority, one alert per document, thread and sink   pure
//!            │
//!         store               cursor + story + analysis + claims + threads + outbox: one transaction
//!            │
//!         sink                format, sign, send, retry
//! ```
//!
//! [`app`] builds the stages, owns their tasks and drains them in order; [`desk`] is the one owner of the state, used by the
//! daemon and by replays alike; [`demo`] runs the daemon on a wire of its own; [`telemetry`] counts what every stage takes in and
//! gives out, and [`web`] serves it, together with the page and [`api`], which is what the commands show as JSON. [`guard`] knows where nothing may be fetched from or posted to. [`rule`] is what users ask of `route`: lists, thresholds, filter expressions; [`rulebook`] tries them on
//! a replay. [`template`] makes alerts into what chat services and mail servers take. [`settings`] reads the config through
//! its layers, [`running`] tells a daemon that it changed, [`check`] says what is wrong with it; [`look`] reads
//! what the daemon has stored, and logs what users say of it ([`model::Feedback`]); [`watch`] shows a running daemon on a terminal, through its API ([`remote`]). [`failpoint`] lets tests kill it where it hurts. `main` parses the arguments ([`cli`]) and calls
//! [`daemon`], [`commands`] or one of these.
//! The heart in five hops: `main`, [`app::run`], [`intake::Poller::poll`], [`pipeline::step`],
//! [`store::Store::commit`].
//!
//! # Invariants
//!
//! - **The core is pure.** [`model`], [`text`], [`dedup`], [`extract`], [`link`], [`pipeline`], [`rule`] and [`route`] read no clock, no
//!   file, no environment and no randomness, and no hash map's order reaches their output. `tests/tidy.rs` fails the build
//!   otherwise. The same documents in the same order give the same alerts, byte for byte.
//! - **One transaction.** A feed's cursor moves only together with what the poll brought, down to the rows of the outbox. When
//!   a commit fails, the state is dropped and rebuilt from the store, and the feed is read again. Where more came than can be read at
//!   once, that is the documents themselves, at the end of the backlog (`desk::Desk::take`).
//! - **A reload is all or nothing.** What can fail of a new config is built before anything changes (`app::reload`); a feed's or sink's
//!   new task begins only when its old one has ended.
//! - **Stable ids.** Every id is a hash of what it names. An alert's bytes are stored before they are sent and never rendered
//!   again; retries and restarts repeat the same id and the same bytes.
//! - **Evidence is verbatim.** Spans are bytes inside, code points outside, converted in [`contract`] alone. Nothing is
//!   generated; what cannot be seen of it leaves escaped (`json`).
//! - **Everything from outside is bounded**: bodies on the wire and decoded, redirects, time, entries, their depth and
//!   links, sentences, claims. Where a task cannot be cancelled, its work is linear in what it was given.
//!
//! Deliberately absent: a log format of our own (SQLite is the log), global state, unbounded queues, a `Result` in the text
//! core (bad text is data), a default date of "now" for undated entries.

pub mod api;
pub mod app;
pub mod archive;
pub mod check;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod contract;
pub mod daemon;
pub mod dedup;
pub mod demo;
pub mod desk;
pub mod exit;
pub mod extract;
pub mod failpoint;
pub mod feedlist;
pub mod guard;
mod http;
pub mod intake;
mod json;
pub mod link;
pub mod look;
mod memory;
pub mod model;
pub mod parallel;
pub mod pipeline;
mod progress;
pub mod remote;
mod replay;
pub mod route;
pub mod rule;
pub mod rulebook;
pub mod running;
pub mod settings;
pub mod sink;
pub mod store;
pub mod telemetry;
pub mod template;
mod terminal;
pub mod text;
pub mod watch;
pub mod web;
