//! The program: parse arguments, call the app, map errors to exit codes.
fn main() {}
