//! Tests that run the real program against real sockets, files and databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that fails should say where"
)]

mod bad_input;
mod bad_network;
mod commands;
mod daemon;
mod demo;
mod intake;
mod kills;
mod looking;
mod quality;
mod shutdown;
mod support;
