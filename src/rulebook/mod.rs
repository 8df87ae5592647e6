//! `gainsay rules`: each rule of a config in words, and what each would have alerted in archives. Called by `main`.

mod trial;
mod words;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::{RulesCommand, RulesListArgs, RulesTestArgs};
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::replay;
use crate::route::Router;
use crate::rule::Rule;
use crate::terminal::{print_json, print_text, tell};
use trial::Trial;
use words::InWords;

/// Columns that text is wrapped at: the same in a pipe and on every terminal.
const WIDTH: usize = 100;

/// `gainsay rules`.
///
/// # Errors
/// If the config is bad, an archive cannot be opened or the output not written.
pub fn run(command: &RulesCommand) -> Result<ExitCode> {
    match command {
        RulesCommand::List(args) => list(args),
        RulesCommand::Test(args) => test(args),
    }
}

fn list(args: &RulesListArgs) -> Result<ExitCode> {
    let config = load(args.config.as_deref())?;
    let rules: Vec<InWords> = config.rules.iter().map(InWords::of).collect();
    if args.json {
        print_json(&rules)?;
    } else {
        print_text(&rules.iter().map(InWords::drawn).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn test(args: &RulesTestArgs) -> Result<ExitCode> {
    let config = load(args.config.as_deref())?;
    let rules = chosen(&config.rules, &args.rules)?;
    // Each rule has a sink of its own, so that no rule's alert stands for another's.
    let rules: Vec<Rule> = rules.into_iter().map(|rule| Rule { sinks: vec![rule.name.clone()], ..rule }).collect();
    let names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    let sinks: Vec<&str> = names.iter().map(String::as_str).collect();
    let source = replay::Source { archives: &args.archives, feedback: None, threads: args.threads, database: None };
    let mut trial = Trial::new(&sinks, args.samples);
    let ending = replay::replay(&source, &config, Router::new(rules, names.clone()), &sinks, |outcome| {
        trial.take(outcome);
        Ok(())
    })?;
    if args.json {
        print_json(&trial.rules)?;
    } else {
        print_text(&trial.drawn(&ending.days))?;
    }
    tell(format_args!("{ending}\n"));
    Ok(if ending.bad > 0 { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// Nothing is sent, so no secret is needed.
fn load(named: Option<&Path>) -> Result<Config> {
    Ok(config::load_without_secrets(&config::find(named)?)?)
}

/// The rules of these names, in the order of the config; all where none is named.
fn chosen(rules: &[Rule], names: &[String]) -> Result<Vec<Rule>> {
    let known: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no rule {stranger:?}; there are {}", known.join(", "));
    }
    Ok(rules.iter().filter(|rule| names.is_empty() || names.contains(&rule.name)).cloned().collect())
}
