//! Tests that run the real program against real sockets, files and databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that fails should say where"
)]

mod access;
mod acts;
mod alarms;
mod api;
mod bad_input;
mod bad_matrix;
mod bad_network;
mod bad_times;
mod broken_disk;
mod chat;
mod commands;
mod configuring;
mod daemon;
mod demo;
mod deploy;
mod discovery;
mod endpoints;
mod feed_control;
mod feed_lists;
mod feedback;
mod formats;
mod full_text;
mod held;
mod identity;
mod intake;
mod kills;
mod lists;
mod looking;
mod mail;
mod manners;
mod matrix;
mod oracle;
mod outages;
mod quality;
mod receivers;
mod reload;
mod remote;
mod replays;
mod rules;
mod schedule;
mod screens;
mod scripted;
mod shutdown;
mod silence;
mod supervised;
mod support;
mod telemetry;
mod traffic;
mod transport;
mod watching;
mod websub;
