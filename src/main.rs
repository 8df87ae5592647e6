//! The program: parses arguments, calls the command, maps errors to exit codes.

use std::process::ExitCode;

use clap::Parser as _;
use gainsay::cli::{Cli, Command};
use gainsay::{check, commands, daemon, feedlist, look, rulebook, settings, telemetry, watch};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // `run` starts the log itself, as its config says.
    let log = match &cli.command {
        Command::Run(_) => Ok(()),
        _ => telemetry::init(&cli.log_config_without_file()),
    };
    let result = log.and_then(|()| match &cli.command {
        Command::Demo(args) => daemon::demo(args),
        Command::Run(args) => daemon::run(args, |config| telemetry::init(&cli.log_config(config))),
        Command::Probe(args) => daemon::probe(args),
        Command::Check(args) => check::check(args),
        Command::Config { command } => settings::config(command),
        Command::Extract(args) => commands::extract(args),
        Command::Stories(args) => commands::stories(args),
        Command::Replay(args) => commands::replay(args),
        Command::Rules { command } => rulebook::run(command),
        Command::Feeds { command } => feedlist::run(command),
        Command::Claims(args) => look::claims(args),
        Command::Threads(args) => look::threads(args),
        Command::Deliveries(args) => look::deliveries(args),
        Command::Watch(args) => watch::watch(args),
        Command::Explain(args) => look::explain(args),
        Command::Feedback { command } => look::feedback(command),
        Command::Endpoint { command } => look::endpoint(command),
        Command::Silence { command } => look::silence(command),
        Command::Doctor(args) => look::doctor(args),
        Command::Backup(args) => look::backup(args),
        Command::Schema { contract } => commands::schema(*contract),
        Command::Completions(args) => look::completions(args),
        Command::Man(args) => look::man(args),
    });
    result.unwrap_or_else(|error| telemetry::exit_code(&error))
}
