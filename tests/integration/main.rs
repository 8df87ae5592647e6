//! Tests that run the real program against real sockets, files and databases.

mod intake;
