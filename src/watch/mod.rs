//! `gainsay watch`: a running daemon's alerts, threads, feeds and deliveries on a terminal, through its API; called by `main`.
//!
//! `run` is the loop. `listen` brings alerts and `remote` answers; `state` takes both and keys (`keys`) in and is all that is known;
//! `screen` draws it. These two are pure, so that every screen can be had in a test.

mod filter;
mod keys;
mod listen;
mod place;
mod run;
#[cfg(test)]
mod sample;
mod screen;
mod sse;
mod state;
mod tty;
mod wire;
mod words;

use std::process::ExitCode;

use anyhow::Result;
pub use place::WatchArgs;

use wire::Status;
use words::Paint;

use crate::remote::{Client, ClientError};

/// `gainsay watch`.
///
/// # Errors
/// If there is no daemon, it lets nobody in, or the terminal cannot be used.
pub fn watch(args: &WatchArgs) -> Result<ExitCode> {
    tty::ensure_terminal()?;
    let place = args.place()?;
    let client = Client::new(place.base, place.token.as_deref())?;
    let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ended = runtime.block_on(async {
        let status: Status = client.get(&["status"], &[]).await.map_err(ClientError::explained)?;
        Box::pin(run::run(client, status, Paint { has_colours })).await
    });
    // A request that is under way, or the wait for a key, holds nobody up.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}
