//! Tests that run the real program against real sockets, files and databases.

mod bad_input;
mod commands;
mod daemon;
mod quality;
mod support;
