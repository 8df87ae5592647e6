//! Tests that run the real program against real sockets, files and databases.

mod bad_input;
mod commands;
mod daemon;
mod intake;
mod quality;
mod support;
