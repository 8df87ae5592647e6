//! The book's command reference, made from the command line as clap knows it; tests alone build it.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;
use crate::exit::Exit;

const HEAD: &str = "# Command reference

<!-- Made from src/cli.rs: GAINSAY_WRITE_DOCS=1 cargo test --lib documented -->

What `gainsay help COMMAND` says of each command. `--log` and `--log-format` go with every command. `gainsay man DIR` writes the same as
manual pages, `gainsay completions SHELL` completes them in a shell.
";

/// One command and those below it.
fn describe(command: &mut Command, path: &str, out: &mut String) {
    if !path.is_empty() {
        let help = command.clone().bin_name(format!("gainsay {path}")).term_width(100).render_long_help().to_string();
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        write!(out, "\n## gainsay {path}\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
    }
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        let path = format!("{path} {}", below.get_name());
        describe(below, path.trim(), out);
    }
}

fn markdown() -> String {
    let mut out = HEAD.to_owned();
    let mut root = Cli::command();
    root.build();
    describe(&mut root, "", &mut out);
    out.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        writeln!(out, "| {} | {} |", exit.code(), exit.meaning()).unwrap();
    }
    out
}

#[test]
fn the_commands_are_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/commands.md");
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert!(known == markdown(), "see the comment at the head of docs/src/commands.md");
}
